/*
 * server_cases.h - what the files of cases against sshd share.
 *
 *   server_raw_cases.c      before keys: bytes
 *   server_auth_cases.c     with keys, during authentication
 *   server_channel_cases.c  after it
 *   server_cases.c          runs and judges them; sweeps, stalls, resets
 */
#ifndef TESTS_NEGATIVE_SERVER_CASES_H
#define TESTS_NEGATIVE_SERVER_CASES_H

#include <stdbool.h>

#include "tests/negative/negative.h"

#define ANSWER_MS 3000
#define IDENT     "SSH-2.0-Negative_1\r\n"
#define KEX       "curve25519-sha256"

/* Bytes of a literal, which may hold NUL. */
#define SAY(w, text) wire_send_bytes(w, text, sizeof(text) - 1)

enum stage {
	STAGE_RAW,     /* connected; bytes only */
	STAGE_KEYED,   /* keys are exchanged */
	STAGE_SERVICE, /* ssh-userauth is accepted */
	STAGE_AUTH,    /* logged in */
	STAGE_SESSION, /* a session channel is open */
	STAGE_RUNNING  /* and `cat` runs in it */
};

enum want {
	WANT_CLOSED,        /* DISCONNECT, or the end */
	WANT_UNIMPLEMENTED, /* and the connection lives */
	WANT_IGNORED,       /* nothing but that it lives */
	WANT_AUTH_FAILURE,
	WANT_OPEN_FAILURE,
	WANT_CHANNEL_FAILURE,
	WANT_REQUEST_FAILURE,
	WANT_SERVICE_ACCEPT,
	WANT_SAFE /* any of these, but no success */
};

struct server_case {
	const char *name;
	enum stage stage;
	enum want want;
	void (*run)(struct wire *w, struct daemon *d);
};

/* Each ended by a row without a name. */
extern const struct server_case server_raw_cases[];
extern const struct server_case server_auth_cases[];
extern const struct server_case server_channel_cases[];

/* The honest way to a stage. */
bool server_reach(struct wire *w, struct daemon *d, enum stage stage);

/* An honest KEXINIT, but for the lists. */
void server_write_kexinit(struct buf *b, const char *kex, const char *cipher);
void server_send_service(struct wire *w, const char *name);
/* A request with method none. */
void server_send_none(struct wire *w, const char *user, const char *service);
/* Asks for a session channel. */
void server_ask_for_session(struct wire *w);

#endif
