/*
 * export.c - a transport as bytes, to go on in another process.
 *
 *   uint32 magic | byte role | flags | texts | protectors | input | output
 *
 * Only our own processes read this, of the same build: no version but the
 * magic number. The bytes are secret. What is negotiated is stored by name.
 */
#include "common/transport/transport_impl.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"

#define MAGIC 0x53425431 /* "SBT1" */

/* NULL and "" are the same here: neither is ever told apart. */
static void
put_text(struct buf *b, const char *text)
{
	write_text(b, text != NULL ? text : "");
}

static int
get_text(struct reader *r, char **ret)
{
	struct span s = read_text(r);

	if (s.len == 0)
		return 0;
	return (*ret = span_dup_text(s)) == NULL ? ERR_MEMORY : 0;
}

static int
put_protector(struct buf *b, const struct protector *p)
{
	int r;

	write_uint32(b, p->seqnr);
	write_uint64(b, p->packets);
	write_uint64(b, p->bytes);
	write_boolean(b, p->mac != NULL);
	if ((r = cipher_export(p->cipher, b)) != 0)
		return r;
	return p->mac != NULL ? mac_export(p->mac, b) : 0;
}

static int
get_protector(struct reader *rd, struct protector *p,
    enum cipher_direction direction, uint64_t rekey_bytes)
{
	struct cipher *cipher = NULL;
	struct mac *mac = NULL;
	uint32_t seqnr = read_uint32(rd);
	uint64_t packets = read_uint64(rd), bytes = read_uint64(rd);
	bool has_mac = read_boolean(rd);
	int r;

	if ((r = cipher_import(rd, direction, &cipher)) != 0)
		return r;
	if (has_mac && (r = mac_import(rd, &mac)) != 0) {
		cipher_free(cipher);
		return r;
	}
	/* Without both nothing would be authenticated. */
	if (has_mac == ((cipher_algorithm(cipher)->flags & CIPHER_AEAD) != 0) ||
	    (cipher_algorithm(cipher)->flags & CIPHER_INTERNAL) != 0) {
		cipher_free(cipher);
		mac_free(mac);
		return ERR_FORMAT;
	}
	protector_set(p, cipher, mac, rekey_bytes);
	p->seqnr = seqnr;
	p->packets = packets;
	p->bytes = bytes;
	return 0;
}

static void
put_negotiation(struct buf *b, const struct negotiation *n)
{
	put_text(b, n->kex->name);
	put_text(b, n->host_key->name);
	for (int i = 0; i < 2; i++) {
		put_text(b, n->cipher[i]->name);
		put_text(b, n->mac[i] != NULL ? n->mac[i]->name : NULL);
		write_boolean(b, n->compress[i]);
	}
}

static int
get_negotiation(struct reader *r, struct negotiation *n)
{
	n->kex = kex_find(read_string(r));
	n->host_key = signature_find(read_string(r));
	for (int i = 0; i < 2; i++) {
		struct span mac;

		n->cipher[i] = cipher_find(read_string(r));
		mac = read_string(r);
		n->mac[i] = mac.len != 0 ? mac_find(mac) : NULL;
		n->compress[i] = read_boolean(r);
		if (n->cipher[i] == NULL || (mac.len != 0 && n->mac[i] == NULL))
			return ERR_FORMAT;
	}
	return n->kex == NULL || n->host_key == NULL ? ERR_FORMAT : 0;
}

static void
put_flags(struct buf *b, const struct transport *t)
{
	write_boolean(b, t->strict);
	write_boolean(b, t->authenticated);
	write_boolean(b, t->inflater.started);
	write_boolean(b, t->deflater.started);
	write_boolean(b, t->guess_was_right);
	write_boolean(b, t->peer_ext_info);
	write_boolean(b, t->peer_hostbound);
	write_boolean(b, t->peer_ping);
	write_boolean(b, t->peer_ext_info_in_auth);
}

static int
get_flags(struct reader *r, struct transport *t)
{
	bool inflate, deflate;
	int e = 0;

	t->strict = read_boolean(r);
	t->authenticated = read_boolean(r);
	inflate = read_boolean(r);
	deflate = read_boolean(r);
	t->guess_was_right = read_boolean(r);
	t->peer_ext_info = read_boolean(r);
	t->peer_hostbound = read_boolean(r);
	t->peer_ping = read_boolean(r);
	t->peer_ext_info_in_auth = read_boolean(r);
	if (inflate)
		e = compressor_start(&t->inflater, false);
	if (e == 0 && deflate)
		e = compressor_start(&t->deflater, true);
	return e;
}

static void
put_counters(struct buf *b, const struct transport_counters *c)
{
	write_uint64(b, c->bytes_in);
	write_uint64(b, c->bytes_out);
	write_uint64(b, c->packets_in);
	write_uint64(b, c->packets_out);
	write_uint64(b, c->rekeys);
}

static void
get_counters(struct reader *r, struct transport_counters *c)
{
	c->bytes_in = read_uint64(r);
	c->bytes_out = read_uint64(r);
	c->packets_in = read_uint64(r);
	c->packets_out = read_uint64(r);
	c->rekeys = read_uint64(r);
}

/* Input: from behind the packet that is lent out, with what is known of the
 * one that follows. */
static void
put_input(struct buf *b, const struct input *in)
{
	size_t from = in->start + in->lent;

	write_uint32(b, in->packet_length);
	write_uint32(b, (uint32_t)in->opened);
	write_boolean(b, in->doomed);
	/* Nothing was read yet: there is no memory to point into. */
	write_string(b, in->data == NULL
			    ? span_of(NULL, 0)
			    : span_of(in->data + from, in->end - from));
}

/* Could the length and what was opened of a packet come from its front? */
static bool
is_packet_start(const struct protector *p, uint32_t length, uint32_t opened)
{
	size_t blocks = (p->length_apart ? 0 : 4) + (size_t)length;

	if (length == 0)
		return opened == 0;
	return length <= TRANSPORT_PACKET_MAX && blocks >= p->block_size &&
	       blocks % p->block_size == 0 &&
	       opened == (p->length_encrypted ? p->block_size : 0);
}

static int
get_input(struct reader *r, struct transport *t)
{
	struct input *in = &t->input;
	uint32_t length = read_uint32(r), opened = read_uint32(r);
	bool doomed = read_boolean(r);
	struct span data = read_string(r);
	size_t room = 0;

	if (opened > data.len ||
	    (!doomed && !is_packet_start(&t->in, length, opened)) ||
	    (doomed && length != TRANSPORT_PACKET_MAX))
		return ERR_FORMAT;
	/* No room is full while the front is unread: grow till it fits. */
	while (data.len != 0) {
		uint8_t *to = input_space(t, &room);
		size_t n = room < data.len ? room : data.len;

		if (to == NULL)
			return ERR_MEMORY;
		memcpy(to, data.ptr, n);
		in->end += n;
		in->filled = in->end == in->cap;
		data = span_of(data.ptr + n, data.len - n);
	}
	in->packet_length = length;
	in->opened = opened;
	in->doomed = doomed;
	return 0;
}

static void
put_output(struct buf *b, const struct output *o)
{
	size_t mark = write_string_begin(b), left = o->bytes;

	for (struct chunk *c = o->first; c != NULL && left > 0; c = c->next) {
		size_t n = c->buf.len - c->sent;

		if (n > left)
			n = left;
		write_bytes(b, c->buf.data + c->sent, n);
		left -= n;
	}
	write_string_end(b, mark);
}

static int
get_output(struct reader *r, struct output *o)
{
	struct span data = read_string(r);
	struct buf *b;

	if (data.len == 0)
		return 0;
	if ((b = output_raw(o)) == NULL)
		return ERR_MEMORY;
	write_span(b, data);
	if (buf_error(b) != 0)
		return buf_error(b);
	output_raw_done(o, data.len);
	return 0;
}

static bool
compression_has_run(const struct transport *t)
{
	return (t->deflater.started && t->deflater.z.total_in != 0) ||
	       (t->inflater.started && t->inflater.z.total_in != 0);
}

int
transport_export(const struct transport *t, struct buf *out)
{
	int r;

	if (t->phase != PHASE_OPEN || t->kex != NULL ||
	    t->output.open != NULL || compression_has_run(t))
		return ERR_UNEXPECTED;
	write_uint32(out, MAGIC);
	write_byte(out, t->config.role == TRANSPORT_SERVER);
	put_flags(out, t);
	put_text(out, t->config.ident);
	put_text(out, t->peer_ident);
	put_text(out, t->peer_first_kex);
	put_text(out, t->peer_first_host_key);
	put_text(out, t->server_sig_algs);
	write_string(out, span_of(t->session_id, t->session_id_len));
	write_string(out, t->first_host_key != NULL
			      ? key_blob(t->first_host_key)
			      : span_of(NULL, 0));
	write_uint64(out, t->keyed_us);
	put_counters(out, &t->counters);
	put_negotiation(out, &t->current);
	if ((r = put_protector(out, &t->in)) != 0 ||
	    (r = put_protector(out, &t->out)) != 0)
		return r;
	put_input(out, &t->input);
	put_output(out, &t->output);
	return buf_error(out);
}

/* A connection's ident is hashed at each rekey: it must stay the same. */
static int
get_texts(struct reader *r, struct transport *t)
{
	struct span ident = read_text(r);
	int e;

	if (!span_is(ident, t->config.ident))
		return ERR_FORMAT;
	if ((e = get_text(r, &t->peer_ident)) != 0 ||
	    (e = get_text(r, &t->peer_first_kex)) != 0 ||
	    (e = get_text(r, &t->peer_first_host_key)) != 0 ||
	    (e = get_text(r, &t->server_sig_algs)) != 0)
		return e;
	return t->peer_ident == NULL ? ERR_FORMAT : 0;
}

static int
get_identity(struct reader *r, struct transport *t)
{
	struct span id = read_string_max(r, sizeof t->session_id);
	struct span blob = read_string(r);

	memcpy(t->session_id, id.len != 0 ? id.ptr : t->session_id, id.len);
	t->session_id_len = id.len;
	return blob.len == 0 ? 0 : key_from_blob(blob, &t->first_host_key);
}

static int
get_all(struct reader *rd, struct transport *t)
{
	uint64_t rekey = t->config.rekey_bytes;
	int r;

	if (read_uint32(rd) != MAGIC ||
	    read_byte(rd) != (t->config.role == TRANSPORT_SERVER))
		return ERR_FORMAT;
	if ((r = get_flags(rd, t)) != 0 || (r = get_texts(rd, t)) != 0 ||
	    (r = get_identity(rd, t)) != 0)
		return r;
	t->keyed_us = read_uint64(rd);
	get_counters(rd, &t->counters);
	if ((r = get_negotiation(rd, &t->current)) != 0 ||
	    (r = get_protector(rd, &t->in, CIPHER_DECRYPT, rekey)) != 0 ||
	    (r = get_protector(rd, &t->out, CIPHER_ENCRYPT, rekey)) != 0 ||
	    (r = get_input(rd, t)) != 0 ||
	    (r = get_output(rd, &t->output)) != 0)
		return r;
	return read_end(rd);
}

int
transport_import(const struct transport_config *c, struct span state,
    uint64_t now_us, struct transport **ret, struct error *e)
{
	struct reader rd = reader_of(state);
	struct transport *t;
	int r;

	if ((r = transport_make(c, now_us, &t, e)) != 0)
		return r;
	if ((r = get_all(&rd, t)) != 0) {
		transport_free(t);
		return error_set(
		    e, r, "a connection's state: %s", error_text(r));
	}
	t->phase = PHASE_OPEN;
	t->first_done = true;
	t->has_current = true;
	*ret = t;
	return 0;
}
