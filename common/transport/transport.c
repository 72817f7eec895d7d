/*
 * transport.c - the life of a transport: what may come when, and what comes
 * of it.
 * RFC 4253 s4 to s11.
 *
 *   IDENT -> KEXINIT -> KEX or KEX_STRICT -> OPEN <-> REKEY ; any -> CLOSED
 *
 * The phase is what the peer may send; it changes in kex.c (with the peer's
 * KEXINIT and NEWKEYS), in on_ident and in the closing functions here. What we
 * may send follows from t->kex: between our KEXINIT and our NEWKEYS the
 * packets of upper layers are held (RFC 4253 s7.1).
 */
#include "common/transport/transport_impl.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/base/text.h"

#define DISCONNECT_TEXT_MAX 1024

const struct random_source *
transport_random(const struct transport *t)
{
	return t->config.random != NULL ? t->config.random : &random_fast;
}

/* ---- ends ---- */

static void
compose_disconnect(struct transport *t, uint32_t reason, const char *text)
{
	struct buf *b;

	packet_abandon(t);
	b = packet_begin(t, SSH_MSG_DISCONNECT);
	write_uint32(b, reason);
	write_text(b, text);
	write_text(b, "");
	/* Nothing is left to do where the last words cannot be said. */
	IGNORE_RESULT(packet_end(t));
}

static uint32_t
reason_for(int code)
{
	int reason = error_disconnect_reason(code);

	if (reason != 0)
		return (uint32_t)reason;
	switch (code) {
	case ERR_KEY_TYPE:
	case ERR_KEY_SIZE:
	case ERR_KEY_FORMAT:
		return SSH_DISCONNECT_KEY_EXCHANGE_FAILED;
	default:
		return 0;
	}
}

int
transport_close(struct transport *t, int code)
{
	struct error kept;
	uint32_t reason = reason_for(code);

	if (t->phase == PHASE_CLOSED)
		return code;
	if (t->error.code != code)
		error_set(&t->error, code, "%s", error_text(code));
	log_debug2("transport: closing: %s", t->error.text);
	kept = t->error;
	if (t->phase != PHASE_IDENT && reason != 0)
		compose_disconnect(t, reason, error_text(code));
	t->error = kept;
	t->phase = PHASE_CLOSED;
	return code;
}

void
transport_disconnect(struct transport *t, uint32_t reason, const char *text)
{
	if (t->phase == PHASE_CLOSED)
		return;
	compose_disconnect(t, reason, text);
	error_set(&t->error, ERR_CANCELLED, "disconnected: %s", text);
	t->phase = PHASE_CLOSED;
}

/* ---- messages ---- */

struct message {
	uint8_t type;
	struct span payload; /* behind the type byte */
	struct span whole;
	uint32_t seqnr;
	struct packet *ret_packet;
	enum transport_event event;
};

/* RFC 4253 s11.1: uint32 reason, string description, string language. */
static int
on_disconnect(struct transport *t, struct message *m)
{
	struct reader rd = reader_of(m->payload);
	struct span text;

	t->disconnect_reason = read_uint32(&rd);
	text = read_string(&rd);
	if (text.len > DISCONNECT_TEXT_MAX)
		text.len = DISCONNECT_TEXT_MAX;
	free(t->disconnect_text);
	t->disconnect_text = text_escaped(text);
	error_set(&t->error, ERR_DISCONNECTED, "Received disconnect: %u: %s",
	    t->disconnect_reason, transport_disconnect_text(t, NULL));
	t->phase = PHASE_CLOSED;
	m->event = TRANSPORT_DISCONNECTED;
	return 0;
}

static int
on_ignore(struct transport *t, struct message *m)
{
	return 0;
}

static int
on_unimplemented(struct transport *t, struct message *m)
{
	struct reader rd = reader_of(m->payload);
	uint32_t seqnr = read_uint32(&rd);
	int r;

	if ((r = read_end(&rd)) != 0)
		return fail(t, r, "UNIMPLEMENTED: %s", error_text(r));
	log_debug1("Received SSH2_MSG_UNIMPLEMENTED for %u", seqnr);
	/* Some servers know no rekey before authentication; what is held
	 * would wait for ever. */
	if (t->kex != NULL && t->kex->step == KEX_STEP_KEXINIT &&
	    t->kex->kexinit_seqnr == seqnr)
		return fail(t, ERR_KEX,
		    "the other side does not exchange keys at this point");
	return 0;
}

static int
on_debug(struct transport *t, struct message *m)
{
	struct reader rd = reader_of(m->payload);
	struct span text;

	(void)read_boolean(&rd);
	text = read_string(&rd);
	if (log_wants(LOG_LEVEL_DEBUG1) && read_error(&rd) == 0)
		log_debug1("Remote: %.*s", text.len > 512 ? 512 : (int)text.len,
		    (const char *)text.ptr);
	return 0;
}

static int
on_upper(struct transport *t, struct message *m)
{
	m->ret_packet->type = m->type;
	m->ret_packet->payload = m->payload;
	m->ret_packet->seqnr = m->seqnr;
	m->event = TRANSPORT_PACKET;
	return 0;
}

static int
on_ext_info(struct transport *t, struct message *m)
{
	log_debug1("SSH2_MSG_EXT_INFO received");
	m->event = TRANSPORT_EXT_INFO;
	return ext_info_read(t, m->payload);
}

static int
on_unknown(struct transport *t, struct message *m)
{
	log_debug2("transport: message %u is unknown", m->type);
	return transport_unimplemented(t, m->seqnr);
}

static int
on_kexinit(struct transport *t, struct message *m)
{
	return kex_on_kexinit(t, m->whole);
}

static int
on_kex(struct transport *t, struct message *m)
{
	return kex_on_message(t, m->type, m->payload, &m->event);
}

static int
on_newkeys(struct transport *t, struct message *m)
{
	int r = kex_on_newkeys(t, m->payload);

	if (r == 0)
		m->event = TRANSPORT_KEX_DONE;
	return r;
}

/* ping@openssh.com: string data, to be sent back. */
static int
on_ping(struct transport *t, struct message *m)
{
	struct reader rd = reader_of(m->payload);
	struct span data = read_string(&rd);
	struct buf *b;
	int r;

	if ((r = read_end(&rd)) != 0)
		return fail(t, r, "PING: %s", error_text(r));
	b = transport_begin(t, SSH_MSG_PONG);
	write_string(b, data);
	return transport_end(t);
}

#define ANY                                                                    \
	(PHASE_KEXINIT | PHASE_KEX | PHASE_KEX_STRICT | PHASE_OPEN |           \
	    PHASE_REKEY)
#define RELAXED (ANY & ~PHASE_KEX_STRICT)
#define KEYING  (PHASE_KEX | PHASE_KEX_STRICT | PHASE_REKEY)

/*
 * Which messages are legal when; in the order of their numbers, without a
 * gap. RFC 4253 s7.1: between KEXINIT and NEWKEYS only 1..49, and neither
 * SERVICE_REQUEST, SERVICE_ACCEPT nor another KEXINIT. Strict key exchange:
 * only what the exchange needs. 0 is no message number (RFC 4250 s4.1.1).
 */
static const struct row {
	uint8_t first, last;
	unsigned phases;
	int (*handler)(struct transport *, struct message *);
} rows[] = {
	/* clang-format off */
	{ 0, 0,                         0,                     on_unknown },
	{ SSH_MSG_DISCONNECT,
	  SSH_MSG_DISCONNECT,           ANY,                   on_disconnect },
	{ SSH_MSG_IGNORE,
	  SSH_MSG_IGNORE,               RELAXED,               on_ignore },
	{ SSH_MSG_UNIMPLEMENTED,
	  SSH_MSG_UNIMPLEMENTED,        RELAXED,               on_unimplemented },
	{ SSH_MSG_DEBUG,
	  SSH_MSG_DEBUG,                RELAXED,               on_debug },
	{ SSH_MSG_SERVICE_REQUEST,
	  SSH_MSG_SERVICE_ACCEPT,       PHASE_OPEN,            on_upper },
	{ SSH_MSG_EXT_INFO,
	  SSH_MSG_EXT_INFO,             PHASE_OPEN,            on_ext_info },
	{ SSH_MSG_NEWCOMPRESS, 19,      RELAXED,               on_unknown },
	{ SSH_MSG_KEXINIT,
	  SSH_MSG_KEXINIT,              PHASE_KEXINIT | PHASE_OPEN, on_kexinit },
	{ SSH_MSG_NEWKEYS,
	  SSH_MSG_NEWKEYS,              KEYING,                on_newkeys },
	{ 22, 29,                       RELAXED,               on_unknown },
	{ SSH_MSG_KEX_INIT, 49,         KEYING,                on_kex },
	{ SSH_MSG_USERAUTH_REQUEST, 191, PHASE_OPEN,           on_upper },
	{ SSH_MSG_PING, SSH_MSG_PING,   PHASE_OPEN,            on_ping },
	{ SSH_MSG_PONG, 255,            PHASE_OPEN,            on_upper },
	/* clang-format on */
};

static const struct row *
find_row(uint8_t type)
{
	const struct row *row = rows;

	while (row->last < type)
		row++;
	return row;
}

static int
dispatch(struct transport *t, struct message *m)
{
	const struct row *row;

	m->type = m->whole.ptr[0];
	m->payload = span_of(m->whole.ptr + 1, m->whole.len - 1);
	row = find_row(m->type);
	if ((row->phases & t->phase) == 0)
		return fail(t, ERR_UNEXPECTED,
		    "%s message %u (%s) is not allowed %s",
		    t->phase == PHASE_KEX_STRICT ? "strict KEX violation:"
						 : "protocol error:",
		    m->type, message_name(m->type),
		    t->phase == PHASE_OPEN      ? "now"
		    : t->phase == PHASE_KEXINIT ? "before KEXINIT"
						: "during key exchange");
	return row->handler(t, m);
}

/* ---- the identification ---- */

/* RFC 4253 s4.2: a person or a program of another kind gets an answer that it
 * can read. */
static void
answer_nonsense(struct transport *t, bool old)
{
	const char *text = old ? "Protocol major versions differ.\r\n"
			       : "Invalid SSH identification string.\r\n";
	struct buf *b = output_raw(&t->output);

	if (b == NULL)
		return;
	write_span(b, span_text(text));
	if (buf_error(b) == 0)
		output_raw_done(&t->output, strlen(text));
}

static int
on_ident(struct transport *t, enum transport_event *ret_event)
{
	struct input *in = &t->input;
	bool server = t->config.role == TRANSPORT_SERVER;
	struct span input = span_of(in->data + in->start, in->end - in->start);
	size_t used = 0;
	int r;

	r = ident_read(input, !server, &used, &t->peer_ident, &t->error);
	if (r == ERR_IDENT && server)
		answer_nonsense(t, ident_is_old(input));
	if (r != 0 || used == 0)
		return r;
	in->start += used;
	t->phase = PHASE_KEXINIT;
	log_debug1("Remote protocol version %.3s, remote software version %s",
	    t->peer_ident + 4, strchr(t->peer_ident + 4, '-') + 1);
	*ret_event = TRANSPORT_IDENT;
	return 0;
}

/* ---- input ---- */

uint8_t *
transport_recv_space(struct transport *t, size_t *ret_len)
{
	if (t->phase == PHASE_CLOSED) {
		*ret_len = 0;
		return NULL;
	}
	return input_space(t, ret_len);
}

void
transport_received(struct transport *t, size_t n)
{
	struct input *in = &t->input;

	if (n > in->cap - in->end)
		bug("more was received than there is room");
	in->end += n;
	in->filled = in->end == in->cap;
	t->counters.bytes_in += n;
}

static bool
awaits_answer(const struct transport *t)
{
	return t->kex != NULL && (t->kex->step == KEX_STEP_SIGN ||
				     t->kex->step == KEX_STEP_VERIFY);
}

bool
transport_wants_input(const struct transport *t)
{
	return t->phase != PHASE_CLOSED && t->holds == 0 && !awaits_answer(t);
}

size_t
transport_missing_input(const struct transport *t)
{
	const struct input *in = &t->input;
	size_t have = in->end - in->start - in->lent, want;

	if (in->packet_length == 0 || in->doomed)
		return 0;
	want = 4 + (size_t)in->packet_length + t->in.tag_size;
	return want > have ? want - have : 0;
}

void
transport_hold(struct transport *t, bool hold)
{
	if (!hold && t->holds == 0)
		bug("a transport is released that nobody holds");
	t->holds += hold ? 1 : (unsigned)-1;
}

bool
transport_is_held(const struct transport *t)
{
	return t->holds > 0;
}

bool
transport_has_input(const struct transport *t)
{
	return t->input.end - t->input.start > t->input.lent;
}

/* One packet, if it is there: *ret_event, or TRANSPORT_NONE with *ret_more
 * when it was for us alone. */
static int
next_packet(struct transport *t, struct packet *ret_packet,
    enum transport_event *ret_event, bool *ret_more)
{
	struct message m = { .ret_packet = ret_packet };
	int r;

	if ((r = packet_read(t, &m.whole, &m.seqnr)) != 0)
		return r;
	*ret_more = m.whole.len != 0;
	if (!*ret_more)
		return 0;
	if ((r = dispatch(t, &m)) != 0)
		return r;
	if ((r = kex_check_limits(t)) != 0)
		return r;
	*ret_event = m.event;
	return 0;
}

int
transport_next(struct transport *t, uint64_t now_us, struct packet *ret_packet)
{
	enum transport_event event = TRANSPORT_NONE;
	bool more = true;
	int r = 0;

	t->now_us = now_us;
	if (t->phase == PHASE_CLOSED)
		return t->error.code;
	if (t->holds > 0)
		return TRANSPORT_NONE;
	while (r == 0 && event == TRANSPORT_NONE && more && !awaits_answer(t)) {
		if (t->phase == PHASE_IDENT) {
			r = on_ident(t, &event);
			more = false;
		} else {
			r = next_packet(t, ret_packet, &event, &more);
		}
	}
	if (r != 0)
		return transport_close(t, r);
	return event;
}

/* ---- output ---- */

bool
transport_can_send(const struct transport *t)
{
	return t->phase != PHASE_CLOSED &&
	       (t->kex == NULL ? t->first_done : t->kex->newkeys_sent);
}

struct buf *
transport_begin(struct transport *t, uint8_t type)
{
	return t->phase == PHASE_CLOSED || transport_can_send(t)
		   ? packet_begin(t, type)
		   : packet_hold(t, type);
}

struct buf *
transport_begin_reserved(struct transport *t, uint8_t type)
{
	return transport_can_send(t) ? packet_begin_reserved(t, type)
				     : transport_begin(t, type);
}

int
transport_end_before_reserved(struct transport *t)
{
	int r;

	if (t->phase == PHASE_CLOSED) {
		packet_abandon(t);
		return t->error.code;
	}
	r = packet_end(t);
	return r == 0 || r == ERR_LIMIT ? r : transport_close(t, r);
}

int
transport_end(struct transport *t)
{
	int r = transport_end_before_reserved(t);

	if (r != 0 || t->phase == PHASE_CLOSED)
		return r;
	if ((r = kex_check_limits(t)) != 0)
		return transport_close(t, r);
	return 0;
}

void
transport_pad(struct transport *t, size_t padding)
{
	t->output.pad_min = padding;
}

void
transport_abandon(struct transport *t)
{
	packet_abandon(t);
}

int
transport_send_raw_payload(struct transport *t, struct span payload)
{
	struct buf *b;
	int r;

	if (t->phase == PHASE_CLOSED || payload.len == 0)
		return ERR_ARGUMENT;
	b = packet_begin(t, payload.ptr[0]);
	write_bytes(b, payload.ptr + 1, payload.len - 1);
	return (r = packet_end(t)) == 0 ? 0 : transport_close(t, r);
}

int
transport_unimplemented(struct transport *t, uint32_t seqnr)
{
	struct buf *b = transport_begin(t, SSH_MSG_UNIMPLEMENTED);

	write_uint32(b, seqnr);
	return transport_end(t);
}

int
transport_ping(struct transport *t, struct span data)
{
	struct buf *b;

	if (!t->peer_ping)
		return ERR_UNSUPPORTED;
	b = transport_begin(t, SSH_MSG_PING);
	write_string(b, data);
	return transport_end(t);
}

/* ---- doing ---- */

int
transport_authenticated(struct transport *t)
{
	bool client = t->config.role == TRANSPORT_CLIENT;
	int r;

	if (t->phase == PHASE_CLOSED)
		return t->error.code;
	if (t->authenticated || !t->has_current)
		return t->authenticated ? 0 : ERR_UNEXPECTED;
	t->authenticated = true;
	if (t->current.compress[client ? 1 : 0] &&
	    (r = compressor_start(&t->inflater, false)) != 0)
		return transport_close(t, r);
	if (!transport_can_send(t)) {
		/* What is held was composed before, and goes out plain. */
		t->compress_at = t->kex->chosen.compress[client ? 0 : 1]
				     ? t->output.held.len
				     : SIZE_MAX;
		return 0;
	}
	if (t->current.compress[client ? 0 : 1] &&
	    (r = compressor_start(&t->deflater, true)) != 0)
		return transport_close(t, r);
	return 0;
}

int
transport_rekey(struct transport *t, uint64_t now_us)
{
	int r;

	t->now_us = now_us;
	if (t->phase == PHASE_CLOSED)
		return t->error.code;
	if (t->kex != NULL)
		return 0;
	return (r = kex_begin(t)) == 0 ? 0 : transport_close(t, r);
}

int
transport_tick(struct transport *t, uint64_t now_us, uint64_t *ret_next_us)
{
	uint64_t interval = t->config.rekey_interval_us, due;

	*ret_next_us = UINT64_MAX;
	if (t->phase == PHASE_CLOSED || interval == 0 || !t->first_done)
		return 0;
	if (t->kex != NULL || !t->authenticated) {
		*ret_next_us = now_us + interval;
		return 0;
	}
	due = t->keyed_us + interval;
	if (now_us < due) {
		*ret_next_us = due;
		return 0;
	}
	*ret_next_us = now_us + interval;
	return transport_rekey(t, now_us);
}

void
transport_trim(struct transport *t)
{
	struct output *o = &t->output;

	if (t->input.start == t->input.end && t->input.packet_length == 0)
		input_release(&t->input);
	if (o->bytes == 0 && o->open == NULL && o->held.len == 0)
		output_release(o);
	buf_release(&t->inflater.out);
	buf_release(&t->deflater.out);
	t->inflater.out.max = t->deflater.out.max = TRANSPORT_PACKET_MAX;
}

/* ---- facts ---- */

const char *
transport_peer_ident(const struct transport *t)
{
	return t->peer_ident;
}

struct span
transport_session_id(const struct transport *t)
{
	return span_of(t->session_id, t->session_id_len);
}

bool
transport_is_open(const struct transport *t)
{
	return t->first_done && t->phase != PHASE_CLOSED;
}

bool
transport_is_rekeying(const struct transport *t)
{
	return t->first_done && t->kex != NULL;
}

bool
transport_get_negotiated(
    const struct transport *t, struct transport_negotiated *ret)
{
	const struct negotiation *n =
	    t->kex != NULL && !t->has_current ? &t->kex->chosen : &t->current;
	unsigned out = t->config.role == TRANSPORT_CLIENT ? 0 : 1;
	unsigned in = 1 - out;

	if (n->kex == NULL || n->cipher[0] == NULL || n->cipher[1] == NULL)
		return false;
	*ret = (struct transport_negotiated){
		.kex = n->kex->name,
		.host_key = n->host_key->name,
		.cipher_in = n->cipher[in]->name,
		.cipher_out = n->cipher[out]->name,
		.mac_in = n->mac[in] != NULL ? n->mac[in]->name : "<implicit>",
		.mac_out =
		    n->mac[out] != NULL ? n->mac[out]->name : "<implicit>",
		.compression_in = n->compress[in] ? "zlib@openssh.com" : "none",
		.compression_out =
		    n->compress[out] ? "zlib@openssh.com" : "none",
		.guess_was_right = t->guess_was_right,
		.strict = t->strict,
		.post_quantum = (n->kex->flags & KEX_POST_QUANTUM) != 0,
	};
	return true;
}

const char *
transport_peer_first_kex(const struct transport *t)
{
	return t->peer_first_kex;
}

const char *
transport_peer_first_host_key(const struct transport *t)
{
	return t->peer_first_host_key;
}

const char *
transport_server_sig_algs(const struct transport *t)
{
	return t->server_sig_algs != NULL ? t->server_sig_algs : "";
}

bool
transport_peer_has_ext_info(const struct transport *t)
{
	return t->peer_ext_info;
}

bool
transport_peer_has_hostbound(const struct transport *t)
{
	return t->peer_hostbound;
}

bool
transport_peer_has_ping(const struct transport *t)
{
	return t->peer_ping;
}

bool
transport_peer_has_agent_forward(const struct transport *t)
{
	return t->peer_agent_forward;
}

void
transport_get_counters(
    const struct transport *t, struct transport_counters *ret)
{
	*ret = t->counters;
}

const struct error *
transport_error(const struct transport *t)
{
	return &t->error;
}

const char *
transport_disconnect_text(const struct transport *t, uint32_t *ret_reason)
{
	if (ret_reason != NULL)
		*ret_reason = t->disconnect_reason;
	return t->disconnect_text != NULL ? t->disconnect_text : "";
}

/* ---- life ---- */

int
transport_make(const struct transport_config *c, uint64_t now_us,
    struct transport **ret, struct error *e)
{
	struct transport *t;
	int r;

	if ((t = calloc(1, sizeof *t)) == NULL)
		return error_set(e, ERR_MEMORY, "out of memory");
	t->config = *c;
	t->phase = PHASE_IDENT;
	t->now_us = now_us;
	t->compress_at = SIZE_MAX;
	protector_release(&t->in);
	protector_release(&t->out);
	if ((r = proposal_init(&t->proposal, c, e)) != 0) {
		transport_free(t);
		return r;
	}
	*ret = t;
	return 0;
}

static int
send_ident(struct transport *t)
{
	struct buf *b = output_raw(&t->output);
	size_t len;

	if (b == NULL)
		return ERR_MEMORY;
	len = b->len;
	buf_printf(b, "%s\r\n", t->config.ident);
	output_raw_done(&t->output, b->len - len);
	log_debug1("Local version string %s", t->config.ident);
	return buf_error(b);
}

int
transport_new(const struct transport_config *c, uint64_t now_us,
    struct transport **ret, struct error *e)
{
	struct transport *t;
	int r;

	if ((r = transport_make(c, now_us, &t, e)) != 0)
		return r;
	if ((r = send_ident(t)) != 0 || (r = kex_begin(t)) != 0) {
		error_set(e, r, "%s", error_text(r));
		transport_free(t);
		return r;
	}
	*ret = t;
	return 0;
}

void
transport_set_host_keys(
    struct transport *t, transport_host_key_blob *find, void *context)
{
	t->find_host_key = find;
	t->find_context = context;
}

void
transport_free(struct transport *t)
{
	if (t == NULL)
		return;
	kex_free(t->kex);
	input_release(&t->input);
	output_release(&t->output);
	protector_release(&t->in);
	protector_release(&t->out);
	compressor_stop(&t->inflater, false);
	compressor_stop(&t->deflater, true);
	proposal_release(&t->proposal);
	key_unref(t->first_host_key);
	buf_release(&t->first_signature);
	free(t->peer_ident);
	free(t->peer_first_kex);
	free(t->peer_first_host_key);
	free(t->server_sig_algs);
	free(t->disconnect_text);
	secret_wipe(t->session_id, sizeof t->session_id);
	free(t);
}
