/*
 * transport_scenario.c - two transports, bulk in both directions, rekeys at
 * any time, and at most one fault of the network.
 *
 * What a sender composes follows from a seed that the receiver knows: type,
 * length and every byte of every packet are compared as they come. Whatever
 * the network does, what arrives is the beginning of what was sent; without
 * a fault all of it arrives; a bit that flips behind NEWKEYS is noticed.
 *
 * Sequence: service request and accept (5, 6), userauth request and success
 * (50, 52, after which compression starts), then bulk (80 .. 127).
 */
#include "tests/sim/scenario.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/crypto/cipher.h"
#include "common/crypto/mac.h"
#include "common/transport/kex_method.h"
#include "tests/sim/pump.h"

#define PENDING_MAX (256u * 1024)
#define TURNS_MAX   4000000

/* A seed of scenario_handshake tries so many of the faults at the first bytes
 * of both directions; 500 seeds try all. */
#define HANDSHAKES_A_SEED 24
#define HANDSHAKE_BYTES   2000

/* The stream of packets of one direction, the same at both ends. */
struct script {
	struct chance chance;
	uint64_t left; /* bytes of payload still to come */
	size_t packet_max;
};

struct item {
	uint8_t type;
	size_t len;
	struct chance bytes;
};

enum stage {
	STAGE_START,
	STAGE_SERVICE,
	STAGE_AUTH,
	STAGE_BULK
};

struct side {
	struct sim *sim;
	struct pump_end *end;
	enum transport_role role;
	struct transport_config config;
	struct random_seeded seeded;
	struct random_source random;
	struct key *key; /* server */
	enum stage stage;
	struct script out, in;
	unsigned rekey_percent; /* by request, a turn */
	unsigned rekeys_left;
	unsigned export_percent;
	unsigned trim_percent;
	unsigned noise_percent; /* IGNORE, DEBUG, PING */
	unsigned noise_left;
	bool waits; /* an answer is given a turn later */
	bool wait_answers;
	unsigned exports;
	unsigned host_key_asked;
	uint64_t keys_at; /* offset of output that is surely protected */
	bool keyed;
};

struct sim {
	struct chance chance;
	struct side side[2];
	struct pump pump;
	struct network_plan plan;
	struct outcome *outcome;
	char kex_client[256], kex_server[256];
	const char *kex, *host_key, *guess;
	const char *cipher, *mac;
	bool wrong; /* data that was not sent: the worst */
};

/* ---- the data ---- */

static struct item
script_next(struct script *s)
{
	struct item i;
	uint64_t max = s->packet_max < s->left ? s->packet_max : s->left;

	i.type = (uint8_t)(80 + chance_below(&s->chance, 48));
	i.len = (size_t)chance_size(&s->chance, 1, max);
	i.bytes = chance_fork(&s->chance);
	s->left -= i.len;
	return i;
}

static void
item_fill(struct item *i, uint8_t *out)
{
	for (size_t at = 0; at < i->len;) {
		uint64_t v = chance_next(&i->bytes);
		size_t n = i->len - at < 8 ? i->len - at : 8;

		memcpy(out + at, &v, n);
		at += n;
	}
}

static int
wrong_data(struct side *s, const char *what)
{
	s->sim->wrong = true;
	sim_fail(s->sim->outcome, "%s received %s",
	    s->role == TRANSPORT_CLIENT ? "the client" : "the server", what);
	return ERR_BUG;
}

static int
take_bulk(struct side *s, const struct packet *packet)
{
	struct item want;
	uint8_t *bytes;
	bool same;

	if (s->in.left == 0)
		return wrong_data(s, "more packets than were sent");
	want = script_next(&s->in);
	if (packet->type != want.type || packet->payload.len != want.len)
		return wrong_data(s, "another packet than was sent");
	if ((bytes = malloc(want.len)) == NULL)
		return ERR_MEMORY;
	item_fill(&want, bytes);
	same = memcmp(bytes, packet->payload.ptr, want.len) == 0;
	free(bytes);
	return same ? 0 : wrong_data(s, "other bytes than were sent");
}

static int
send_bulk(struct side *s)
{
	struct transport *t = s->end->t;
	int r = 0;

	while (r == 0 && s->out.left > 0 &&
	       transport_pending_bytes(t) < PENDING_MAX) {
		struct item i;
		struct buf *b;
		uint8_t *to;

		/* Some producers do not wait while keys are exchanged. */
		if (!transport_can_send(t) &&
		    !chance_percent(&s->sim->chance, 20))
			return 0;
		i = script_next(&s->out);
		b = transport_begin(t, i.type);
		if ((to = buf_reserve(b, i.len)) != NULL) {
			item_fill(&i, to);
			buf_extend(b, i.len);
		}
		r = transport_end(t);
		if (chance_percent(&s->sim->chance, 10))
			break;
	}
	return r;
}

/* ---- events ---- */

static int
send_empty(struct side *s, uint8_t type)
{
	(void)transport_begin(s->end->t, type);
	return transport_end(s->end->t);
}

static int
on_packet(struct side *s, const struct packet *packet)
{
	bool server = s->role == TRANSPORT_SERVER;
	int r;

	if (packet->type == SSH_MSG_PONG)
		return 0;
	if (s->stage == STAGE_BULK)
		return take_bulk(s, packet);
	if (server && packet->type == SSH_MSG_SERVICE_REQUEST) {
		s->stage = STAGE_AUTH;
		return send_empty(s, SSH_MSG_SERVICE_ACCEPT);
	}
	if (server && packet->type == SSH_MSG_USERAUTH_REQUEST &&
	    s->stage == STAGE_AUTH) {
		s->stage = STAGE_BULK;
		if ((r = send_empty(s, SSH_MSG_USERAUTH_SUCCESS)) != 0)
			return r;
		return transport_authenticated(s->end->t);
	}
	if (!server && packet->type == SSH_MSG_SERVICE_ACCEPT)
		return send_empty(s, SSH_MSG_USERAUTH_REQUEST);
	if (!server && packet->type == SSH_MSG_USERAUTH_SUCCESS) {
		s->stage = STAGE_BULK;
		return transport_authenticated(s->end->t);
	}
	return wrong_data(s, "a packet of a later stage");
}

static int
answer(struct side *s)
{
	struct transport *t = s->end->t;
	struct buf signature = BUF_INIT;
	int r;

	if (s->role == TRANSPORT_CLIENT)
		return transport_host_key_accepted(t);
	r = key_sign(s->key,
	    signature_find(span_text(transport_sign_algorithm(t))),
	    transport_sign_hash(t), &signature);
	if (r == 0)
		r = transport_signed(t, buf_span(&signature));
	buf_release(&signature);
	return r;
}

static int
on_event(void *context, enum transport_event event, const struct packet *packet)
{
	struct side *s = context;

	switch (event) {
	case TRANSPORT_VERIFY_HOST_KEY:
		if (s->host_key_asked++ > 0)
			return wrong_data(s, "a second question for the key");
		/* fall through */
	case TRANSPORT_SIGN:
		if (s->wait_answers) {
			s->waits = true;
			return 0;
		}
		return answer(s);
	case TRANSPORT_PACKET:
		return on_packet(s, packet);
	default:
		return 0;
	}
}

/* ---- turns ---- */

static struct span
find_blob(void *context, const char *algorithm)
{
	struct side *s = context;

	return sim_key_for(algorithm) == s->key ? key_blob(s->key)
						: span_of(NULL, 0);
}

static int
move_to_another_process(struct side *s, uint64_t now_us)
{
	struct buf state = BUF_SECRET_INIT;
	struct transport *t;
	struct error e = { 0 };
	int r;

	if (transport_export(s->end->t, &state) == 0) {
		r = transport_import(
		    &s->config, buf_span(&state), now_us, &t, &e);
		if (r != 0) {
			buf_release(&state);
			s->sim->wrong = true;
			sim_fail(s->sim->outcome, "import: %s", e.text);
			return r;
		}
		transport_set_host_keys(t, find_blob, s);
		transport_free(s->end->t);
		s->end->t = t;
		s->exports++;
	}
	buf_release(&state);
	return 0;
}

static int
make_noise(struct side *s)
{
	struct transport *t = s->end->t;
	struct buf *b;

	switch (chance_below(&s->sim->chance, 3)) {
	case 0:
		b = transport_begin(t, SSH_MSG_IGNORE);
		write_text(b, "nothing");
		return transport_end(t);
	case 1:
		b = transport_begin(t, SSH_MSG_DEBUG);
		write_boolean(b, false);
		write_text(b, "noise");
		write_text(b, "");
		return transport_end(t);
	default:
		return transport_peer_has_ping(t)
			   ? transport_ping(t, span_text("are you there"))
			   : 0;
	}
}

static void
note_keys(struct side *s)
{
	struct transport_counters c;

	if (s->keyed || !transport_can_send(s->end->t))
		return;
	transport_get_counters(s->end->t, &c);
	s->keyed = true;
	s->keys_at = c.bytes_out + transport_pending_bytes(s->end->t);
}

static int
on_turn(void *context, uint64_t now_us, uint64_t *ret_wake_us)
{
	struct side *s = context;
	struct chance *c = &s->sim->chance;
	int r = 0;

	if (s->waits) {
		s->waits = false;
		if ((r = answer(s)) != 0)
			return r;
	}
	note_keys(s);
	if (s->role == TRANSPORT_CLIENT && s->stage == STAGE_START) {
		/* Before there are keys: it is held until then. */
		s->stage = STAGE_SERVICE;
		r = send_empty(s, SSH_MSG_SERVICE_REQUEST);
	}
	if (r == 0 && s->rekeys_left > 0 && transport_is_open(s->end->t) &&
	    s->stage == STAGE_BULK && chance_percent(c, s->rekey_percent)) {
		s->rekeys_left--;
		r = transport_rekey(s->end->t, now_us);
	}
	if (r == 0 && s->stage == STAGE_BULK && s->noise_left > 0 &&
	    chance_percent(c, s->noise_percent)) {
		s->noise_left--;
		r = make_noise(s);
	}
	if (r == 0 && s->stage == STAGE_BULK)
		r = send_bulk(s);
	if (r == 0 && chance_percent(c, s->export_percent))
		r = move_to_another_process(s, now_us);
	if (chance_percent(c, s->trim_percent))
		transport_trim(s->end->t);
	return r;
}

static bool
is_done(const void *context)
{
	const struct side *s = context;

	return s->stage == STAGE_BULK && s->out.left == 0 && s->in.left == 0 &&
	       !transport_is_rekeying(s->end->t) &&
	       transport_pending_bytes(s->end->t) == 0;
}

/* ---- choosing ---- */

static const char *const host_keys[] = { "ssh-ed25519", "ecdsa-sha2-nistp256",
	"ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "rsa-sha2-512",
	"rsa-sha2-256", "ssh-rsa" };

static size_t
count_kex(void)
{
	size_t n = 0;

	while (kex_row(n) != NULL)
		n++;
	return n;
}

/* Does one exchange take long (so that it is not repeated often)? */
static bool
is_slow(const char *kex)
{
	return strstr(kex, "group16") != NULL ||
	       strstr(kex, "group18") != NULL || strstr(kex, "group-exchange");
}

/* kex x host key in order, so that all come up soon. Slow ones
 * give way to a fast one three times out of four. */
static void
choose_kex(struct sim *s, uint64_t number)
{
	size_t kexes = count_kex();

	s->kex = kex_row(number % kexes)->name;
	s->host_key = host_keys[number / kexes % ARRAY_COUNT(host_keys)];
	if (is_slow(s->kex) && number / kexes / ARRAY_COUNT(host_keys) % 4 != 0)
		s->kex = "curve25519-sha256";
	snprintf(s->kex_client, sizeof s->kex_client, "%s", s->kex);
	snprintf(s->kex_server, sizeof s->kex_server, "%s", s->kex);
	s->guess = "none";
	if (chance_percent(&s->chance, 50))
		return;
	s->side[PUMP_CLIENT].config.guess = true;
	s->guess = "right";
	if (strcmp(s->kex, "ecdh-sha2-nistp256") == 0)
		return;
	switch (chance_below(&s->chance, 3)) {
	case 0: /* the same comes out, but the first choices differ */
		snprintf(s->kex_server, sizeof s->kex_server,
		    "ecdh-sha2-nistp256,%s", s->kex);
		s->guess = "wrong, yet the same method";
		break;
	case 1: /* what is guessed the server does not have */
		snprintf(s->kex_client, sizeof s->kex_client,
		    "ecdh-sha2-nistp256,%s", s->kex);
		s->guess = "wrong";
		break;
	default:
		break;
	}
}

/* All ciphers x MACs in order. */
static void
choose_ciphers(struct sim *s, uint64_t number)
{
	size_t ciphers = 0, macs = 0, c, m;

	while (cipher_row(ciphers) != NULL)
		ciphers++;
	while (mac_row(macs) != NULL)
		macs++;
	c = number % ciphers;
	m = number / ciphers % macs;
	while ((cipher_row(c)->flags & CIPHER_INTERNAL) != 0)
		c = (c + 1) % ciphers;
	s->cipher = cipher_row(c)->name;
	s->mac = mac_row(m)->name;
	for (unsigned i = 0; i < 2; i++) {
		s->side[i].config.ciphers = s->cipher;
		s->side[i].config.macs = s->mac;
	}
}

static void
choose_network(struct sim *s)
{
	struct chance *c = &s->chance;
	struct network_plan *p = &s->plan;

	p->delay_us = chance_percent(c, 50) ? 0 : chance_size(c, 1, 200000);
	p->segment_max = (size_t)chance_size(c, 1, 64 * 1024);
	p->window = (size_t)chance_size(c, 1024, 512 * 1024);
	if (chance_percent(c, 65))
		return;
	p->fault = (enum network_fault)(1 + chance_below(c, 3));
	p->fault_side = (unsigned)chance_below(c, 2);
	p->fault_at = chance_percent(c, 60) ? chance_below(c, 5000)
					    : chance_below(c, 400 * 1024);
}

static void
choose_side(struct sim *s, struct side *e, unsigned index)
{
	struct chance *c = &s->chance;
	bool slow = is_slow(s->kex);

	e->sim = s;
	e->end = &s->pump.end[index];
	e->role = index == PUMP_CLIENT ? TRANSPORT_CLIENT : TRANSPORT_SERVER;
	e->config.role = e->role;
	e->config.ident = index == PUMP_CLIENT ? "SSH-2.0-SimClient_1"
					       : "SSH-2.0-SimServer_1 sim";
	e->config.kex_algorithms =
	    index == PUMP_CLIENT ? s->kex_client : s->kex_server;
	e->config.host_key_algorithms = s->host_key;
	e->key = sim_key_for(s->host_key);
	random_seeded_init(&e->seeded, chance_next(c));
	e->random = random_seeded_source(&e->seeded);
	e->config.random = &e->random;
	e->wait_answers = chance_percent(c, 30);
	e->trim_percent = chance_percent(c, 30) ? 5 : 0;
	e->noise_percent = chance_percent(c, 30) ? 10 : 0;
	e->noise_left = 40;
	e->export_percent = chance_percent(c, 30) ? 10 : 0;
	if (chance_percent(c, 40)) {
		e->rekey_percent = (unsigned)chance_below(c, 60);
		e->rekeys_left = slow ? 1 : (unsigned)chance_below(c, 6);
	}
	if (!slow && chance_percent(c, 25))
		e->config.rekey_bytes = chance_size(c, 8 * 1024, 256 * 1024);
	if (!slow && chance_percent(c, 10) && s->plan.delay_us > 1000)
		e->config.rekey_interval_us = s->plan.delay_us * 5;
}

static void
choose_data(struct sim *s)
{
	struct chance *c = &s->chance;
	uint64_t most = s->plan.segment_max < 64 ? 20 * 1024 : 300 * 1024;

	for (unsigned i = 0; i < 2; i++) {
		struct script *out = &s->side[i].out;

		out->chance = chance_fork(c);
		out->left = chance_size(c, 0, most);
		out->packet_max = chance_percent(c, 15)
				      ? TRANSPORT_PAYLOAD_MAX - 1
				      : (size_t)chance_size(c, 1, 32 * 1024);
		/* A byte a packet is no bulk. */
		if (out->left > 2000 * (uint64_t)out->packet_max)
			out->left = 2000 * (uint64_t)out->packet_max;
		s->side[1 - i].in = *out;
	}
}

static void
describe(const struct sim *s)
{
	static const char *const faults[] = { "none", "corrupt", "truncate",
		"reset" };
	const struct network_plan *p = &s->plan;

	snprintf(s->outcome->what, sizeof s->outcome->what,
	    "%s %s %s %s %s guess:%s fault:%s@%llu delay:%llu segment:%zu "
	    "up:%llu down:%llu",
	    s->kex, s->host_key, s->cipher, s->mac,
	    s->side[0].config.compression, s->guess, faults[p->fault],
	    (unsigned long long)p->fault_at, (unsigned long long)p->delay_us,
	    p->segment_max, (unsigned long long)s->side[0].out.left,
	    (unsigned long long)s->side[1].out.left);
}

static bool
start(struct sim *s)
{
	struct error e = { 0 };

	if ((s->pump.network = network_new(&s->plan, &s->chance)) == NULL)
		return sim_fail(s->outcome, "no memory for the network");
	for (unsigned i = 0; i < 2; i++) {
		struct pump_end *end = &s->pump.end[i];

		end->on_event = on_event;
		end->on_turn = on_turn;
		end->is_done = is_done;
		end->context = &s->side[i];
		if (transport_new(
			&s->side[i].config, s->pump.now_us, &end->t, &e) != 0)
			return sim_fail(s->outcome, "%s", e.text);
		transport_set_host_keys(end->t, find_blob, &s->side[i]);
	}
	return true;
}

/* ---- judging ---- */

static bool
judge_fault(struct sim *s, enum pump_result result)
{
	const struct network_plan *p = &s->plan;
	const struct side *victim = &s->side[p->fault_side];
	bool protected_byte = victim->keyed && p->fault_at >= victim->keys_at;

	if (result != PUMP_DONE)
		return true;
	/* Padding before NEWKEYS is under nobody's protection. */
	if (p->fault == NETWORK_CORRUPT && !protected_byte)
		return true;
	/* The cut may come after the last byte that mattered; so may a
	 * length that makes the reader wait for more. */
	if (p->fault != NETWORK_CORRUPT ||
	    transport_has_input(s->pump.end[1 - p->fault_side].t))
		return true;
	return sim_fail(s->outcome, "a flipped bit was not noticed");
}

static bool
judge(struct sim *s, enum pump_result result)
{
	const struct pump *p = &s->pump;

	if (s->wrong)
		return false;
	if (network_fault_happened(p->network))
		return judge_fault(s, result);
	if (result == PUMP_DONE)
		return true;
	return sim_fail(s->outcome,
	    "%s after %llu turns; client: %s; server: %s; left to read %llu "
	    "and %llu",
	    result == PUMP_STALLED ? "stalled" : "ended",
	    (unsigned long long)p->turns, p->end[0].why, p->end[1].why,
	    (unsigned long long)s->side[0].in.left,
	    (unsigned long long)s->side[1].in.left);
}

/* Runs what was chosen; the sim is over then. */
static bool
run(struct sim *s)
{
	bool good;

	describe(s);
	good = start(s) && judge(s, pump_run(&s->pump, TURNS_MAX));
	for (unsigned i = 0; i < 2; i++)
		transport_free(s->pump.end[i].t);
	network_free(s->pump.network);
	return good;
}

static struct sim *
sim_new(uint64_t seed, struct outcome *ret)
{
	struct sim *s = calloc(1, sizeof *s);

	if (s == NULL) {
		sim_fail(ret, "no memory");
		return NULL;
	}
	s->chance.state = seed;
	s->outcome = ret;
	s->pump.now_us = 1 + chance_below(&s->chance, 1000000);
	return s;
}

void
scenario_transport(uint64_t seed, uint64_t number, struct outcome *ret)
{
	struct sim *s = sim_new(seed, ret);

	if (s == NULL)
		return;
	choose_kex(s, number);
	choose_ciphers(s, number);
	choose_network(s);
	for (unsigned i = 0; i < 2; i++)
		choose_side(s, &s->side[i], i);
	s->side[0].config.compression = s->side[1].config.compression =
	    chance_percent(&s->chance, 30) ? "zlib@openssh.com,none" : "none";
	choose_data(s);
	if (run(s))
		ret->verdict = VERDICT_PASSED;
	free(s);
}

/* ---- every byte of the beginning ---- */

/* One login with a fault at one byte. */
static bool
run_handshake(uint64_t seed, uint64_t index, struct outcome *ret)
{
	struct sim *s = sim_new(seed, ret);
	bool good;

	if (s == NULL)
		return false;
	s->kex = "curve25519-sha256";
	s->host_key = "ssh-ed25519";
	s->guess = index % 2 == 0 ? "right" : "none";
	s->side[PUMP_CLIENT].config.guess = index % 2 == 0;
	text_copy(s->kex_client, sizeof s->kex_client, s->kex);
	text_copy(s->kex_server, sizeof s->kex_server, s->kex);
	choose_ciphers(s, chance_next(&s->chance));
	s->plan.segment_max = (size_t)chance_size(&s->chance, 1, 2000);
	s->plan.window = 64 * 1024;
	s->plan.fault = (enum network_fault)(1 + index % 3);
	s->plan.fault_side = (unsigned)(index / 3 % 2);
	s->plan.fault_at = index / 6 % HANDSHAKE_BYTES;
	for (unsigned i = 0; i < 2; i++) {
		choose_side(s, &s->side[i], i);
		s->side[i].config.compression = "none";
		s->side[i].out.chance = chance_fork(&s->chance);
		s->side[i].out.left = 200;
		s->side[i].out.packet_max = 100;
		s->side[1 - i].in = s->side[i].out;
	}
	good = run(s);
	free(s);
	return good;
}

void
scenario_handshake(uint64_t seed, uint64_t number, struct outcome *ret)
{
	struct chance c = { seed };

	for (uint64_t i = 0; i < HANDSHAKES_A_SEED; i++)
		if (!run_handshake(
			chance_next(&c), number * HANDSHAKES_A_SEED + i, ret))
			return;
	ret->verdict = VERDICT_PASSED;
}
