/*
 * session_scenario.c - a whole session: keys, a login by chance, channels in
 * both directions, rekeys at any time, at most one fault of the network.
 *
 * Without a fault everything that was planned arrives and every channel ends.
 * Whatever the network does, no byte is wrong, no login undeserved, no reply
 * out of order.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/error.h"
#include "tests/sim/session.h"

#define TURNS_MAX 2000000

static const char *const method_lists[] = { "any", "publickey", "password",
	"keyboard-interactive", "publickey,password",
	"password,publickey keyboard-interactive,publickey",
	"publickey,keyboard-interactive", "publickey,publickey",
	"password,keyboard-interactive,publickey" };

static const char *const ciphers[] = { "chacha20-poly1305@openssh.com",
	"aes128-gcm@openssh.com", "aes256-ctr" };

int
session_wrong(struct session_side *s, const char *what)
{
	s->sim->wrong = true;
	sim_fail(s->sim->outcome, "%s: %s",
	    s->config.role == TRANSPORT_CLIENT ? "client" : "server", what);
	return ERR_BUG;
}

/* ---- events and turns ---- */

static struct span
find_blob(void *context, const char *algorithm)
{
	struct key *key = sim_key_for(algorithm);

	return key != NULL ? key_blob(key) : span_of(NULL, 0);
}

static int
sign(struct transport *t)
{
	const char *algorithm = transport_sign_algorithm(t);
	struct buf signature = BUF_INIT;
	int r = key_sign(sim_key_for(algorithm),
	    signature_find(span_text(algorithm)), transport_sign_hash(t),
	    &signature);

	if (r == 0)
		r = transport_signed(t, buf_span(&signature));
	buf_release(&signature);
	return r;
}

static int
on_packet(struct session_side *s, const struct packet *packet)
{
	int r;

	if (packet->type < SSH_MSG_GLOBAL_REQUEST)
		return session_login_packet(s, packet);
	if (s->stage == SESSION_LOGIN)
		return session_wrong(s, "a channel before the login");
	if (s->stage == SESSION_GRANTED) {
		session_login_end(s);
		if ((r = session_flow_start(s)) != 0)
			return r;
	}
	return connection_packet(s->k, packet, s->sim->pump.now_us, 0);
}

static int
on_event(void *context, enum transport_event event, const struct packet *packet)
{
	struct session_side *s = context;

	switch (event) {
	case TRANSPORT_VERIFY_HOST_KEY:
		return transport_host_key_accepted(s->end->t);
	case TRANSPORT_SIGN:
		return sign(s->end->t);
	case TRANSPORT_KEX_DONE:
		if (s->client == NULL && s->server == NULL &&
		    s->stage == SESSION_LOGIN)
			return session_login_start(s);
		return 0;
	case TRANSPORT_PACKET:
		return on_packet(s, packet);
	default:
		return 0;
	}
}

static int
move_to_another_process(struct session_side *s)
{
	struct buf state = BUF_SECRET_INIT;
	struct transport *t;
	struct error e = { 0 };
	int r = 0;

	if (transport_export(s->end->t, &state) == 0) {
		r = transport_import(
		    &s->config, buf_span(&state), s->sim->pump.now_us, &t, &e);
		if (r == 0) {
			transport_set_host_keys(t, find_blob, s);
			transport_free(s->end->t);
			s->end->t = t;
		} else {
			r = session_wrong(s, e.text);
		}
	}
	buf_release(&state);
	return r;
}

/* The server's login is granted: on to the channels. */
static int
go_on(struct session_side *s)
{
	int r = 0;

	session_login_end(s);
	if (s->sim->moves)
		r = move_to_another_process(s);
	return r == 0 ? session_flow_start(s) : r;
}

static int
on_turn(void *context, uint64_t now_us, uint64_t *ret_wake_us)
{
	struct session_side *s = context;
	bool work = false;
	int r = 0;

	if (s->stage == SESSION_LOGIN)
		r = session_login_turn(s);
	if (r == 0 && s->stage == SESSION_GRANTED)
		r = go_on(s);
	if (r == 0 && s->stage == SESSION_OPEN) {
		r = session_flow_turn(s, &work);
		if (r == 0 && s->rekeys_left > 0 &&
		    chance_percent(&s->chance, 2)) {
			s->rekeys_left--;
			r = transport_rekey(s->end->t, now_us);
		}
	}
	if (s->undecided != 0 || work)
		*ret_wake_us = now_us + SESSION_WORK_US;
	if (s->sim->wrong)
		return ERR_BUG;
	return r;
}

static bool
is_done(const void *context)
{
	const struct session_side *s = context;

	return s->stage == SESSION_OPEN && session_flow_is_done(s) &&
	       !transport_is_rekeying(s->end->t) &&
	       transport_pending_bytes(s->end->t) == 0;
}

/* ---- choices ---- */

static void
choose_network(struct session_sim *s)
{
	struct chance *c = &s->chance;
	struct network_plan *p = &s->plan;

	p->delay_us = chance_percent(c, 40) ? 0 : chance_size(c, 1, 200000);
	p->segment_max = (size_t)chance_size(c, 1, 128 * 1024);
	p->window = (size_t)chance_size(c, 2048, 1024 * 1024);
	if (chance_percent(c, 75))
		return;
	p->fault = (enum network_fault)(1 + chance_below(c, 3));
	p->fault_side = (unsigned)chance_below(c, 2);
	p->fault_at = chance_below(c, chance_percent(c, 50) ? 8000 : 500000);
}

static void
choose_side(struct session_sim *s, unsigned index)
{
	struct session_side *e = &s->side[index];
	struct chance *c = &s->chance;
	bool is_small = s->plan.segment_max < 256;

	e->sim = s;
	e->end = &s->pump.end[index];
	e->chance = chance_fork(c);
	e->config.role =
	    index == PUMP_CLIENT ? TRANSPORT_CLIENT : TRANSPORT_SERVER;
	e->config.ident = "SSH-2.0-Sheetbend_sim";
	e->config.kex_algorithms = "curve25519-sha256";
	e->config.host_key_algorithms = "ssh-ed25519";
	e->config.macs = "hmac-sha2-256-etm@openssh.com";
	e->wrong_left = (unsigned)chance_below(c, 5);
	e->decides_later = chance_percent(c, 40);
	e->expired = chance_percent(c, 20);
	e->opens_left = (unsigned)chance_size(c, 0, 20);
	e->bytes_max = is_small ? 8192 : 1024 * 1024;
	e->bytes_max =
	    (chance_percent(c, 50) ? chance_below(c, e->bytes_max)
				   : chance_size(c, 0, e->bytes_max)) /
	    (1 + e->opens_left / 4);
	e->lazy_percent = (unsigned)chance_below(c, 101);
	e->rekeys_left =
	    chance_percent(c, 50) ? 0 : (unsigned)chance_below(c, 4);
	e->globals_left = (unsigned)chance_below(c, 4);
	if (chance_percent(c, 25))
		e->config.rekey_bytes = chance_size(c, 64 * 1024, 1024 * 1024);
}

static void
choose(struct session_sim *s, uint64_t number)
{
	struct chance *c = &s->chance;
	const char *cipher = ciphers[chance_below(c, ARRAY_COUNT(ciphers))];
	const char *compression =
	    chance_percent(c, 20) ? "zlib@openssh.com,none" : "none";

	s->methods = method_lists[number % ARRAY_COUNT(method_lists)];
	s->moves = chance_percent(c, 50);
	choose_network(s);
	for (unsigned i = 0; i < 2; i++) {
		choose_side(s, i);
		s->side[i].config.ciphers = cipher;
		s->side[i].config.compression = compression;
	}
	snprintf(s->outcome->what, sizeof(s->outcome->what),
	    "%s methods:%s %s moves:%d fault:%d@%llu delay:%llu segment:%zu "
	    "opens:%u,%u bytes:%llu,%llu",
	    cipher, s->methods, compression, s->moves, (int)s->plan.fault,
	    (unsigned long long)s->plan.fault_at,
	    (unsigned long long)s->plan.delay_us, s->plan.segment_max,
	    s->side[0].opens_left, s->side[1].opens_left,
	    (unsigned long long)s->side[0].bytes_max,
	    (unsigned long long)s->side[1].bytes_max);
}

/* ---- run ---- */

static bool
start(struct session_sim *s)
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

static bool
judge(struct session_sim *s, enum pump_result result)
{
	const struct pump *p = &s->pump;

	if (s->wrong)
		return false;
	if (result == PUMP_DONE || network_fault_happened(p->network))
		return true;
	return sim_fail(s->outcome,
	    "%s after %llu turns; stages %d, %d; client: %s; server: %s",
	    result == PUMP_STALLED ? "stalled" : "ended",
	    (unsigned long long)p->turns, (int)s->side[0].stage,
	    (int)s->side[1].stage, p->end[0].why, p->end[1].why);
}

void
scenario_session(uint64_t seed, uint64_t number, struct outcome *ret)
{
	struct session_sim *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		sim_fail(ret, "no memory");
		return;
	}
	s->chance.state = seed;
	s->outcome = ret;
	s->pump.now_us = 1 + chance_below(&s->chance, 1000000);
	choose(s, number);
	if (start(s) && judge(s, pump_run(&s->pump, TURNS_MAX)))
		ret->verdict = VERDICT_PASSED;
	for (unsigned i = 0; i < 2; i++) {
		session_login_end(&s->side[i]);
		connection_free(s->side[i].k);
		transport_free(s->pump.end[i].t);
	}
	network_free(s->pump.network);
	free(s);
}
