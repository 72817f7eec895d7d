/*
 * session.h - the scenario of whole sessions: a login by chance and then
 * channels in both directions, over the simulated network.
 *
 *   session_scenario.c  choices, the ends, the verdict
 *   session_login.c     user authentication of both ends
 *   session_flow.c      channels: tapes of data, requests, closing
 */
#ifndef TESTS_SIM_SESSION_H
#define TESTS_SIM_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/channel/channel.h"
#include "common/userauth/methods.h"
#include "common/userauth/userauth_client.h"
#include "common/userauth/userauth_server.h"
#include "tests/sim/pump.h"
#include "tests/sim/scenario.h"

#define SESSION_ROUNDS_MAX 3
#define SESSION_FLOWS_MAX  64
#define SESSION_MARKS      32
#define SESSION_WORK_US    500 /* when an end comes back to its work */

/* Bytes that follow from a seed: one side writes them, the other compares. */
struct tape {
	struct chance chance;
	uint64_t word;
	unsigned have;
	uint64_t left;
};

/* One channel as one side sees it. */
struct flow {
	struct session_side *side;
	struct channel *c; /* NULL: not in use */
	bool ours;
	bool open;
	bool refused; /* it was asked for to be refused */
	struct tape out[2], in[2];
	bool cut; /* some side closes in the middle */
	bool we_cut;
	uint64_t cut_after;   /* bytes that we sent */
	bool waits_for_close; /* never closes first */
	bool got_eof;
	bool closed; /* lingers */
	uint64_t sent;
	uint32_t marks; /* requests sent, for their replies */
	bool expected[SESSION_MARKS];
	unsigned expected_first, expected_count;
};

enum session_stage {
	SESSION_LOGIN,
	SESSION_GRANTED, /* server: the next turn goes on to channels */
	SESSION_OPEN
};

struct session_side {
	struct session_sim *sim;
	struct pump_end *end;
	struct transport_config config;
	struct chance chance;
	enum session_stage stage;
	/* login: client */
	struct userauth_client *client;
	bool right; /* is the answer that is awaited deserved? */
	bool probing;
	unsigned wrong_left; /* attempts that fail on purpose */
	/* login: server */
	struct userauth_server *server;
	struct auth_methods *methods;
	bool decides_later;
	int undecided; /* an event that waits */
	unsigned rounds_left;
	bool answers_right; /* of this dialogue so far */
	bool expired;       /* the password must be changed */
	/* channels */
	struct connection *k;
	struct flow flow[SESSION_FLOWS_MAX];
	unsigned opens_left;
	uint64_t bytes_max;    /* of one tape */
	unsigned lazy_percent; /* of a consumer */
	unsigned rekeys_left;
	unsigned globals_left, globals_awaited;
};

struct session_sim {
	struct chance chance;
	struct session_side side[2];
	struct pump pump;
	struct network_plan plan;
	struct outcome *outcome;
	const char *methods;
	bool moves; /* the server exports and imports */
	bool wrong; /* what must never be */
};

/* Notes what must never be; returns ERR_BUG. */
int session_wrong(struct session_side *s, const char *what) MUST_CHECK;

int session_login_start(struct session_side *s) MUST_CHECK;
int session_login_packet(
    struct session_side *s, const struct packet *packet) MUST_CHECK;
int session_login_turn(struct session_side *s) MUST_CHECK;
void session_login_end(struct session_side *s);

int session_flow_start(struct session_side *s) MUST_CHECK;
int session_flow_turn(struct session_side *s, bool *ret_work) MUST_CHECK;
bool session_flow_is_done(const struct session_side *s);

#endif
