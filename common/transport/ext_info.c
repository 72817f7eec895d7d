/*
 * ext_info.c - extensions that the ends tell each other of.
 * RFC 8308 s2.3, s3.1; publickey-hostbound@openssh.com, ping@openssh.com,
 * ext-info-in-auth@openssh.com, agent-forward.
 *
 *   byte SSH_MSG_EXT_INFO | uint32 count | count * (string name, string value)
 */
#include "common/transport/transport_impl.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/text.h"

#define EXTENSIONS_MAX 256

static void
write_extension(struct buf *b, const char *name, struct span value)
{
	write_text(b, name);
	write_string(b, value);
}

/* What a name of the list says about signatures: those that a certificate
 * goes with are the plain key's. Empty for names from elsewhere. */
static struct span
signature_name(struct span name)
{
	const struct signature_algorithm *a = signature_find(name);

	if (a != NULL)
		return span_text(a->plain);
	if (memmem(name.ptr, name.len, "-cert-", 6) != NULL)
		return span_of(NULL, 0);
	return name;
}

/* RFC 8308 s3.1; the names of certificates are no signature algorithms. */
static void
write_sig_algs(struct buf *b, const char *list)
{
	struct span rest = span_text(list), name;
	size_t mark, from;

	write_text(b, "server-sig-algs");
	mark = write_string_begin(b);
	from = b->len;
	while (list_next(&rest, &name)) {
		name = signature_name(name);
		if (name.len == 0 ||
		    list_has(span_of(b->data + from, b->len - from), name))
			continue;
		if (b->len > from)
			write_byte(b, ',');
		write_span(b, name);
	}
	write_string_end(b, mark);
}

int
ext_info_send(struct transport *t)
{
	struct buf *b = packet_begin(t, SSH_MSG_EXT_INFO);

	if (t->config.role == TRANSPORT_CLIENT) {
		write_uint32(b, 1);
		write_extension(
		    b, "ext-info-in-auth@openssh.com", span_text("0"));
	} else {
		write_uint32(b, 4);
		write_sig_algs(b, t->config.server_sig_algs != NULL
				      ? t->config.server_sig_algs
				      : signature_default_list());
		write_extension(
		    b, "publickey-hostbound@openssh.com", span_text("0"));
		write_extension(b, "ping@openssh.com", span_text("0"));
		write_extension(b, "agent-forward", span_text("0"));
	}
	log_debug3("SSH2_MSG_EXT_INFO sent");
	return packet_end(t);
}

int
transport_send_sig_algs(struct transport *t, const char *list)
{
	struct buf *b;

	if (t->config.role != TRANSPORT_SERVER || !t->peer_ext_info_in_auth ||
	    t->authenticated)
		return 0;
	b = transport_begin(t, SSH_MSG_EXT_INFO);
	write_uint32(b, 1);
	write_sig_algs(b, list);
	return transport_end(t);
}

static int
take_sig_algs(struct transport *t, struct span value)
{
	char *text;

	if (span_has_nul(value))
		return ERR_FORMAT;
	if ((text = span_dup_text(value)) == NULL)
		return ERR_MEMORY;
	log_debug1("server-sig-algs=<%s>", text);
	free(t->server_sig_algs);
	t->server_sig_algs = text;
	return 0;
}

static int
take_extension(struct transport *t, struct span name, struct span value)
{
	bool client = t->config.role == TRANSPORT_CLIENT;

	if (client && span_is(name, "server-sig-algs"))
		return take_sig_algs(t, value);
	if (client && span_is(name, "publickey-hostbound@openssh.com"))
		t->peer_hostbound = span_is(value, "0");
	else if (client && span_is(name, "ping@openssh.com"))
		t->peer_ping = span_is(value, "0");
	else if (client && span_is(name, "agent-forward"))
		t->peer_agent_forward = span_is(value, "0");
	else if (!client && span_is(name, "ext-info-in-auth@openssh.com"))
		t->peer_ext_info_in_auth = span_is(value, "0");
	/* RFC 8308 s2.5: names that are not known are passed over. */
	return 0;
}

int
ext_info_read(struct transport *t, struct span payload)
{
	struct reader rd = reader_of(payload), again;
	uint32_t count = read_uint32(&rd);
	int r;

	if (count > EXTENSIONS_MAX)
		return fail(t, ERR_LIMIT, "EXT_INFO: too many extensions");
	again = rd;
	for (uint32_t i = 0; i < count; i++) {
		(void)read_string(&rd);
		(void)read_string(&rd);
	}
	if ((r = read_end(&rd)) != 0)
		return fail(t, r, "EXT_INFO: %s", error_text(r));
	for (uint32_t i = 0; i < count && r == 0; i++) {
		struct span name = read_string(&again);
		struct span value = read_string(&again);

		r = take_extension(t, name, value);
	}
	return r == 0 ? 0 : fail(t, r, "EXT_INFO: %s", error_text(r));
}
