/*
 * kex.c - one key exchange, from our KEXINIT to the peer's NEWKEYS.
 * RFC 4253 s7, s8, s9; RFC 4419 (group exchange); RFC 8308 (EXT_INFO);
 * strict key exchange.
 *
 *   client                                server
 *   KEXINIT  -> REPLY (guess)             KEXINIT
 *   KEXINIT  -> GROUP -> REPLY            KEXINIT -> REQUEST -> INIT
 *   REPLY    -> VERIFY -> NEWKEYS         INIT    -> SIGN    -> NEWKEYS
 *   NEWKEYS  -> over                      NEWKEYS -> over
 *
 * Our direction changes keys when our NEWKEYS is composed, the peer's when
 * its NEWKEYS is read. Holds secrets.
 */
#include "common/transport/transport_impl.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/base/text.h"

#define GROUP_BITS_MIN    2048
#define GROUP_BITS_MAX    8192
#define NEED_BITS_UNKNOWN 256 /* a guess is made before the cipher */
#define PACKETS_MAX       ((uint64_t)1 << 31)
#define RSA_BITS_MIN      1024

void
kex_free(struct kex *k)
{
	if (k == NULL)
		return;
	kex_client_free(k->client);
	key_unref(k->host_key);
	buf_release(&k->our_kexinit);
	buf_release(&k->peer_kexinit);
	buf_release(&k->init);
	buf_release(&k->reply);
	buf_release(&k->group_bytes);
	buf_release(&k->host_key_blob);
	buf_release(&k->secret);
	secret_wipe(k->hash, sizeof k->hash);
	free(k);
}

static bool
is_client(const struct transport *t)
{
	return t->config.role == TRANSPORT_CLIENT;
}

static bool
is_group_exchange(const struct kex_algorithm *a)
{
	return (a->flags & KEX_GROUP_EXCHANGE) != 0;
}

/* The strength that the chosen ciphers ask for. */
static unsigned
need_bits(const struct kex *k)
{
	unsigned bits = 0;

	for (int i = 0; i < 2; i++) {
		const struct cipher_algorithm *a = k->chosen.cipher[i];

		if (a == NULL)
			return NEED_BITS_UNKNOWN;
		if (a->security_bits > bits)
			bits = a->security_bits;
	}
	return bits;
}

/* ---- client: asking ---- */

static int
send_group_request(struct transport *t, struct kex *k)
{
	struct buf *b;
	int r;

	k->group_min = GROUP_BITS_MIN;
	k->group_wanted = kex_group_bits(need_bits(k));
	k->group_max = GROUP_BITS_MAX;
	b = packet_begin(t, SSH_MSG_KEX_DH_GEX_REQUEST);
	write_uint32(b, k->group_min);
	write_uint32(b, k->group_wanted);
	write_uint32(b, k->group_max);
	if ((r = packet_end(t)) != 0)
		return r;
	log_debug1("SSH2_MSG_KEX_DH_GEX_REQUEST(%u<%u<%u) sent", k->group_min,
	    k->group_wanted, k->group_max);
	k->step = KEX_STEP_GROUP;
	return 0;
}

static int
send_init(struct transport *t, struct kex *k, const struct kex_algorithm *a,
    const struct dh_group *group)
{
	struct buf *b;
	unsigned set;
	int r;

	if ((r = kex_client_new(a, group, need_bits(k), transport_random(t),
		 &k->client, &k->init)) != 0)
		return fail(t, r, "%s", error_text(r));
	if ((set = kex_client_bits_set(k->client)) != 0 && group != NULL)
		log_debug2("bits set: %u/%u", set, group->bits);
	b = packet_begin(
	    t, group != NULL ? SSH_MSG_KEX_DH_GEX_INIT : SSH_MSG_KEX_INIT);
	kex_write_public(a, b, buf_span(&k->init));
	return packet_end(t);
}

static int
start_client(struct transport *t, struct kex *k)
{
	int r;

	kex_client_free(k->client);
	k->client = NULL;
	buf_clear(&k->init);
	if (is_group_exchange(k->chosen.kex))
		return send_group_request(t, k);
	if ((r = send_init(t, k, k->chosen.kex, NULL)) == 0)
		k->step = KEX_STEP_REPLY;
	return r;
}

/* ---- KEXINIT ---- */

/* The method to guess, or NULL: the first, where it needs no group first. */
static const struct kex_algorithm *
choose_guess(const struct transport *t)
{
	struct span rest = span_text(t->proposal.kex), name;
	const struct kex_algorithm *a;

	if (!t->config.guess || !is_client(t) || t->first_done ||
	    !list_next(&rest, &name))
		return NULL;
	a = kex_find(name);
	return a == NULL || is_group_exchange(a) ? NULL : a;
}

int
kex_begin(struct transport *t)
{
	const struct kex_algorithm *guess = choose_guess(t);
	struct kex *k;
	struct buf *b;
	int r;

	if ((k = calloc(1, sizeof *k)) == NULL)
		return fail(t, ERR_MEMORY, "out of memory");
	k->secret.secret = true;
	k->step = KEX_STEP_KEXINIT;
	t->kex = k;
	if ((r = kexinit_write(&t->proposal, t->config.role, !t->first_done,
		 guess != NULL, transport_random(t), &k->our_kexinit)) != 0)
		return fail(t, r, "%s", error_text(r));
	k->kexinit_seqnr = t->out.seqnr;
	b = packet_begin(t, SSH_MSG_KEXINIT);
	write_bytes(b, k->our_kexinit.data + 1, k->our_kexinit.len - 1);
	if ((r = packet_end(t)) != 0)
		return r;
	log_debug1("SSH2_MSG_KEXINIT sent");
	if (guess == NULL)
		return 0;
	k->guessed = guess;
	log_debug1("kex: guessing %s", guess->name);
	return send_init(t, k, guess, NULL);
}

static void
log_direction(const struct negotiation *n, unsigned direction)
{
	log_debug1("kex: %s cipher: %s MAC: %s compression: %s",
	    direction == 0 ? "client->server" : "server->client",
	    n->cipher[direction]->name,
	    n->mac[direction] != NULL ? n->mac[direction]->name : "<implicit>",
	    n->compress[direction] ? "zlib@openssh.com" : "none");
}

static void
log_negotiation(const struct negotiation *n, bool client)
{
	log_debug1("kex: algorithm: %s", n->kex->name);
	log_debug1("kex: host key algorithm: %s", n->host_key->name);
	log_direction(n, client ? 1 : 0);
	log_direction(n, client ? 0 : 1);
}

static char *
dup_first(struct span list)
{
	struct span name;

	return list_next(&list, &name) ? span_dup_text(name) : NULL;
}

/* What only the first KEXINIT of a connection says. */
static int
note_first(struct transport *t, const struct kexinit *peer)
{
	struct span kex = peer->list[PROPOSAL_KEX];

	t->strict = list_has(
	    kex, span_text(is_client(t) ? "kex-strict-s-v00@openssh.com"
					: "kex-strict-c-v00@openssh.com"));
	t->peer_ext_info = list_has(
	    kex, span_text(is_client(t) ? "ext-info-s" : "ext-info-c"));
	t->peer_first_kex = dup_first(kex);
	t->peer_first_host_key = dup_first(peer->list[PROPOSAL_HOST_KEY]);
	if (!t->strict)
		return 0;
	log_debug3("kex: will use strict KEX ordering");
	if (t->in.seqnr != 1)
		return fail(t, ERR_UNEXPECTED,
		    "strict KEX violation: KEXINIT was not the first packet");
	return 0;
}

static int
start_server(struct transport *t, struct kex *k)
{
	const char *name = k->chosen.host_key->name;
	struct span blob = t->find_host_key != NULL
			       ? t->find_host_key(t->find_context, name)
			       : span_of(NULL, 0);

	if (blob.len == 0)
		return fail(t, ERR_KEX, "no host key for %s", name);
	write_span(&k->host_key_blob, blob);
	k->step =
	    is_group_exchange(k->chosen.kex) ? KEX_STEP_REQUEST : KEX_STEP_INIT;
	return buf_error(&k->host_key_blob);
}

int
kex_on_kexinit(struct transport *t, struct span payload)
{
	struct kexinit peer;
	struct kex *k;
	int r;

	log_debug1("SSH2_MSG_KEXINIT received");
	if (t->kex == NULL && (r = kex_begin(t)) != 0)
		return r;
	k = t->kex;
	if (k->step != KEX_STEP_KEXINIT)
		return fail(t, ERR_UNEXPECTED, "second KEXINIT");
	write_span(&k->peer_kexinit, payload);
	if ((r = buf_error(&k->peer_kexinit)) != 0 ||
	    (r = kexinit_parse(payload, &peer)) != 0)
		return fail(t, r, "KEXINIT: %s", error_text(r));
	if (!t->first_done && (r = note_first(t, &peer)) != 0)
		return r;
	if ((r = kexinit_negotiate(&t->proposal, &peer, t->config.role,
		 &k->chosen, &t->error)) != 0)
		return r;
	log_negotiation(&k->chosen, is_client(t));
	t->phase = t->first_done ? PHASE_REKEY
		   : t->strict   ? PHASE_KEX_STRICT
				 : PHASE_KEX;
	k->ignore_next =
	    peer.first_kex_packet_follows && !k->chosen.guess_right;
	if (!is_client(t))
		return start_server(t, k);
	if (k->guessed == NULL)
		return start_client(t, k);
	t->guess_was_right = k->chosen.guess_right;
	log_debug1(
	    "kex: the guess was %s", t->guess_was_right ? "right" : "wrong");
	if (!t->guess_was_right)
		return start_client(t, k);
	k->step = KEX_STEP_REPLY;
	return 0;
}

/* ---- NEWKEYS ---- */

/* Sends NEWKEYS and all that may follow it at once. */
static int
send_newkeys(struct transport *t, struct kex *k)
{
	unsigned direction = is_client(t) ? 0 : 1;
	int r;

	if (!t->first_done) {
		memcpy(t->session_id, k->hash, k->hash_len);
		t->session_id_len = k->hash_len;
	}
	(void)packet_begin(t, SSH_MSG_NEWKEYS);
	if ((r = packet_end(t)) != 0)
		return r;
	log_debug1("SSH2_MSG_NEWKEYS sent");
	if ((r = kex_set_keys(t, k, direction, CIPHER_ENCRYPT, &t->out)) != 0)
		return r;
	if (t->compress_at == SIZE_MAX &&
	    (r = kex_set_compression(t, k->chosen.compress[direction], true)) !=
		0)
		return r;
	k->newkeys_sent = true;
	k->step = KEX_STEP_NEWKEYS;
	if (!t->first_done && t->peer_ext_info && (r = ext_info_send(t)) != 0)
		return r;
	return packet_release_held(t);
}

int
kex_on_newkeys(struct transport *t, struct span payload)
{
	struct kex *k = t->kex;
	unsigned direction = is_client(t) ? 1 : 0;
	int r;

	if (k == NULL || k->step != KEX_STEP_NEWKEYS)
		return fail(t, ERR_UNEXPECTED, "NEWKEYS before its time");
	if (payload.len != 0)
		return fail(t, ERR_TRAILING, "NEWKEYS with contents");
	log_debug1("SSH2_MSG_NEWKEYS received");
	if ((r = kex_set_keys(t, k, direction, CIPHER_DECRYPT, &t->in)) != 0 ||
	    (r = kex_set_compression(
		 t, k->chosen.compress[direction], false)) != 0)
		return r;
	t->current = k->chosen;
	t->has_current = true;
	if (t->first_done)
		t->counters.rekeys++;
	t->first_done = true;
	t->keyed_us = t->now_us;
	t->phase = PHASE_OPEN;
	t->kex = NULL;
	kex_free(k);
	return kex_check_limits(t);
}

int
kex_check_limits(struct transport *t)
{
	const struct protector *in = &t->in, *out = &t->out;

	/* At least one packet a key, or tiny limits would stop all progress. */
	if (t->kex != NULL || !t->authenticated || t->phase != PHASE_OPEN ||
	    in->packets + out->packets == 0)
		return 0;
	if (in->bytes < in->bytes_max && out->bytes < out->bytes_max &&
	    in->packets < PACKETS_MAX && out->packets < PACKETS_MAX)
		return 0;
	log_debug1("rekeying after %llu bytes sent, %llu received",
	    (unsigned long long)out->bytes, (unsigned long long)in->bytes);
	return kex_begin(t);
}

static struct span
read_public(const struct kex_algorithm *a, struct reader *rd)
{
	return (a->flags & KEX_MPINT) != 0 ? read_mpint(rd) : read_string(rd);
}

/* ---- server: answering ---- */

/* RFC 4419 s3. The range is narrowed to what is safe; what the client said
 * goes into the hash. */
static int
on_request(struct transport *t, struct kex *k, uint8_t type, struct span p)
{
	struct reader rd = reader_of(p);
	uint32_t min, max;
	struct buf *b;
	int r;

	k->group_old = type == SSH_MSG_KEX_DH_GEX_REQUEST_OLD;
	k->group_min = k->group_old ? GROUP_BITS_MIN : read_uint32(&rd);
	k->group_wanted = read_uint32(&rd);
	k->group_max = k->group_old ? GROUP_BITS_MAX : read_uint32(&rd);
	if ((r = read_end(&rd)) != 0)
		return fail(t, r, "group request: %s", error_text(r));
	log_debug1("SSH2_MSG_KEX_DH_GEX_REQUEST(%u<%u<%u) received",
	    k->group_min, k->group_wanted, k->group_max);
	min = k->group_min > GROUP_BITS_MIN ? k->group_min : GROUP_BITS_MIN;
	max = k->group_max < GROUP_BITS_MAX ? k->group_max : GROUP_BITS_MAX;
	if (k->group_max < k->group_min ||
	    (!k->group_old && (k->group_wanted < k->group_min ||
				  k->group_wanted > k->group_max)))
		return fail(t, ERR_KEX, "group request with bad bounds");
	k->server_group =
	    min > max
		? NULL
		: moduli_choose(t->config.moduli, transport_random(t), min,
		      k->group_wanted < min   ? min
		      : k->group_wanted > max ? max
					      : k->group_wanted,
		      max);
	if (k->server_group == NULL)
		return fail(
		    t, ERR_KEX, "no group of a size that the client accepts");
	b = packet_begin(t, SSH_MSG_KEX_DH_GEX_GROUP);
	write_mpint(b, k->server_group->prime);
	write_mpint(b, k->server_group->generator);
	k->step = KEX_STEP_INIT;
	return packet_end(t);
}

static int
on_init(struct transport *t, struct kex *k, struct span payload)
{
	struct reader rd = reader_of(payload);
	struct span init = read_public(k->chosen.kex, &rd);
	int r;

	if ((r = read_end(&rd)) != 0)
		return fail(t, r, "key exchange: %s", error_text(r));
	write_span(&k->init, init);
	if ((r = buf_error(&k->init)) != 0 ||
	    (r = kex_server_reply(k->chosen.kex, k->server_group, need_bits(k),
		 transport_random(t), init, &k->reply, &k->secret)) != 0)
		return fail(t, r, "%s", error_text(r));
	k->step = KEX_STEP_SIGN;
	return kex_hash(t, k);
}

struct span
transport_sign_hash(const struct transport *t)
{
	return t->kex != NULL && t->kex->step == KEX_STEP_SIGN
		   ? span_of(t->kex->hash, t->kex->hash_len)
		   : span_of(NULL, 0);
}

const char *
transport_sign_algorithm(const struct transport *t)
{
	return t->kex != NULL && t->kex->step == KEX_STEP_SIGN
		   ? t->kex->chosen.host_key->name
		   : "";
}

struct span
transport_sign_blob(const struct transport *t)
{
	return t->kex != NULL && t->kex->step == KEX_STEP_SIGN
		   ? buf_span(&t->kex->host_key_blob)
		   : span_of(NULL, 0);
}

int
transport_signed(struct transport *t, struct span signature)
{
	struct kex *k = t->kex;
	struct buf *b;
	int r;

	if (t->phase == PHASE_CLOSED || k == NULL || k->step != KEX_STEP_SIGN)
		return ERR_UNEXPECTED;
	b = packet_begin(t, is_group_exchange(k->chosen.kex)
				? SSH_MSG_KEX_DH_GEX_REPLY
				: SSH_MSG_KEX_REPLY);
	write_string(b, buf_span(&k->host_key_blob));
	kex_write_public(k->chosen.kex, b, buf_span(&k->reply));
	write_string(b, signature);
	if ((r = packet_end(t)) != 0 || (r = send_newkeys(t, k)) != 0)
		return transport_close(t, r);
	return 0;
}

/* ---- client: reading the answer ---- */

/* The number of bits of an unsigned number without leading zeros. */
static unsigned
bits_of(struct span magnitude)
{
	unsigned bits;

	if (magnitude.len == 0)
		return 0;
	bits = (unsigned)(magnitude.len - 1) * 8;
	for (uint8_t v = magnitude.ptr[0]; v != 0; v >>= 1)
		bits++;
	return bits;
}

static int
on_group(struct transport *t, struct kex *k, struct span payload)
{
	struct reader rd = reader_of(payload);
	struct span p = read_mpint(&rd), g = read_mpint(&rd);
	unsigned bits = bits_of(p);
	int r;

	if ((r = read_end(&rd)) != 0)
		return fail(t, r, "group: %s", error_text(r));
	log_debug1("SSH2_MSG_KEX_DH_GEX_GROUP received");
	if (bits < k->group_min || bits > k->group_max)
		return fail(t, ERR_KEX,
		    "the server's group has %u bits, not %u to %u", bits,
		    k->group_min, k->group_max);
	if ((p.ptr[p.len - 1] & 1) == 0 || bits_of(g) < 2 || bits_of(g) >= bits)
		return fail(t, ERR_KEX, "the server's group is no group");
	write_span(&k->group_bytes, p);
	write_span(&k->group_bytes, g);
	if ((r = buf_error(&k->group_bytes)) != 0)
		return fail(t, r, "%s", error_text(r));
	k->group.prime = span_of(k->group_bytes.data, p.len);
	k->group.generator = span_of(k->group_bytes.data + p.len, g.len);
	k->group.bits = bits;
	if ((r = send_init(t, k, k->chosen.kex, &k->group)) == 0)
		k->step = KEX_STEP_REPLY;
	return r;
}

static int
check_host_key(struct transport *t, struct kex *k)
{
	unsigned min = t->config.rsa_bits_min > RSA_BITS_MIN
			   ? t->config.rsa_bits_min
			   : RSA_BITS_MIN;
	int r;

	r = key_from_blob(buf_span(&k->host_key_blob), &k->host_key);
	if (r != 0)
		return fail(t, r, "Bad server host key: %s", error_text(r));
	if (strcmp(key_type_name(k->host_key), k->chosen.host_key->key_type) !=
	    0)
		return fail(t, ERR_KEY_TYPE,
		    "Bad server host key: %s, but %s was agreed upon",
		    key_type_name(k->host_key), k->chosen.host_key->name);
	if (key_row(k->host_key)->type == KEY_RSA &&
	    key_bits(k->host_key) < min)
		return fail(t, ERR_KEY_SIZE,
		    "Bad server host key: Invalid key length: %u bits, at "
		    "least %u are required",
		    key_bits(k->host_key), min);
	return 0;
}

static int
on_reply(struct transport *t, struct kex *k, struct span payload,
    enum transport_event *ret_event)
{
	struct reader rd = reader_of(payload);
	struct span blob = read_string(&rd);
	struct span reply = read_public(k->chosen.kex, &rd);
	struct span signature = read_string(&rd);
	int r;

	if ((r = read_end(&rd)) != 0)
		return fail(t, r, "key exchange reply: %s", error_text(r));
	write_span(&k->host_key_blob, blob);
	write_span(&k->reply, reply);
	if ((r = buf_error(&k->host_key_blob)) != 0 ||
	    (r = buf_error(&k->reply)) != 0)
		return fail(t, r, "%s", error_text(r));
	if ((r = check_host_key(t, k)) != 0)
		return r;
	if ((r = kex_client_finish(k->client, reply, &k->secret)) != 0)
		return fail(t, r, "%s", error_text(r));
	if ((r = kex_hash(t, k)) != 0)
		return r;
	if ((r = key_verify(k->host_key, k->chosen.host_key,
		 span_of(k->hash, k->hash_len), signature)) != 0)
		return fail(t, r, "host key: %s", error_text(r));
	if (t->first_host_key == NULL) {
		buf_clear(&t->first_signature);
		write_span(&t->first_signature, signature);
		if ((r = buf_error(&t->first_signature)) != 0)
			return fail(t, r, "%s", error_text(r));
	}
	k->step = KEX_STEP_VERIFY;
	/* The key that was accepted once needs no second judgement. */
	if (t->first_host_key != NULL &&
	    key_equal(t->first_host_key, k->host_key))
		return send_newkeys(t, k);
	*ret_event = TRANSPORT_VERIFY_HOST_KEY;
	return 0;
}

const struct key *
transport_host_key(const struct transport *t)
{
	if (t->kex != NULL && t->kex->host_key != NULL)
		return t->kex->host_key;
	return t->first_host_key;
}

bool
transport_get_binding(const struct transport *t, struct transport_binding *ret)
{
	if (t->first_host_key == NULL || t->first_signature.len == 0 ||
	    t->session_id_len == 0)
		return false;
	ret->host_key = key_blob(t->first_host_key);
	ret->session_id = transport_session_id(t);
	ret->signature = buf_span(&t->first_signature);
	return true;
}

int
transport_host_key_accepted(struct transport *t)
{
	struct kex *k = t->kex;
	int r;

	if (t->phase == PHASE_CLOSED || k == NULL || k->step != KEX_STEP_VERIFY)
		return ERR_UNEXPECTED;
	if (t->first_host_key == NULL)
		t->first_host_key = key_ref(k->host_key);
	if ((r = send_newkeys(t, k)) != 0)
		return transport_close(t, r);
	return 0;
}

int
transport_host_key_refused(struct transport *t)
{
	if (t->phase == PHASE_CLOSED)
		return t->error.code;
	return transport_close(t, error_set(&t->error, ERR_HOST_KEY,
				      "Host key verification failed."));
}

/* ---- dispatch of 30..49 ---- */

int
kex_on_message(struct transport *t, uint8_t type, struct span payload,
    enum transport_event *ret_event)
{
	struct kex *k = t->kex;
	bool group = is_group_exchange(k->chosen.kex);
	int r;

	if (k->ignore_next) {
		log_debug1("kex: a packet of the peer's wrong guess dropped");
		k->ignore_next = false;
		return 0;
	}
	switch (k->step) {
	case KEX_STEP_REQUEST:
		if (type == SSH_MSG_KEX_DH_GEX_REQUEST ||
		    type == SSH_MSG_KEX_DH_GEX_REQUEST_OLD)
			return on_request(t, k, type, payload);
		break;
	case KEX_STEP_GROUP:
		if (type == SSH_MSG_KEX_DH_GEX_GROUP)
			return on_group(t, k, payload);
		break;
	case KEX_STEP_INIT:
		if (type !=
		    (group ? SSH_MSG_KEX_DH_GEX_INIT : SSH_MSG_KEX_INIT))
			break;
		if ((r = on_init(t, k, payload)) == 0)
			*ret_event = TRANSPORT_SIGN;
		return r;
	case KEX_STEP_REPLY:
		if (type ==
		    (group ? SSH_MSG_KEX_DH_GEX_REPLY : SSH_MSG_KEX_REPLY))
			return on_reply(t, k, payload, ret_event);
		break;
	default:
		break;
	}
	return fail(t, ERR_UNEXPECTED,
	    "message %u is not expected at this point of the key exchange",
	    type);
}
