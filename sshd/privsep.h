/*
 * privsep.h - the messages between the processes of sshd.
 *
 * Bodies are typed fields (common/base/buf.h) that must be read to their
 * exact end. Fields are listed above each number, in order.
 *
 *   listener <-> session process     enum handover_message
 *   child, user's session -> monitor enum privsep_request (privsep.def)
 *   monitor -> child, user's session enum privsep_reply
 */
#ifndef SSHD_PRIVSEP_H
#define SSHD_PRIVSEP_H

/* ---- listener, template and session process ---- */

enum handover_message {
	/* -> session: string path of the agent ("": none), string seed,
	 * string provider of security keys ("": the usual one), uint32 count,
	 * { string public blob, string certificate, string private fields } */
	HANDOVER_HOST_KEYS = 1,
	/* -> session: no fields; the connection's descriptor comes with it */
	HANDOVER_CONNECTION = 2,
	/* -> listener: no fields: it no longer counts as a start-up */
	HANDOVER_AUTHENTICATED = 3,
	/* -> template: no fields; the descriptor is the new session process's
	 * end of its socket to the listener */
	TEMPLATE_FORK = 4,
	/* -> listener, in the same order: uint32 pid, 0: it failed */
	TEMPLATE_FORKED = 5
};

/* How a session process ended, for the listener's penalties. */
enum session_exit {
	SESSION_EXIT_OK = 0,
	SESSION_EXIT_GRACE = 3,
	SESSION_EXIT_CRASH = 4,
	SESSION_EXIT_AUTH_FAILED = 5,
	SESSION_EXIT_REFUSED = 6,
	SESSION_EXIT_INVALID_USER = 7,
	SESSION_EXIT_FATAL = 255
};

/* ---- requests to the monitor ---- */

/*
 *   LOG             byte level, string line
 *   SIGN            string hash, string algorithm
 *   USER            string user, string service
 *   NONE            (no fields)
 *   PASSWORD        string password, boolean is_change      secret
 *   KBDINT          string devices
 *   KBDINT_ANSWER   uint32 count, count * string            secret
 *   KEY_PROBE       string algorithm, string blob
 *   KEY_AUTH        string algorithm, string blob, string signature,
 *                   boolean hostbound
 *   OTHER           string method
 *   DONE            string transport state, string summary   secret
 *   END             byte kind, uint32 reason, string text
 *   PTY_OPEN        (no fields)
 *   PTY_CLOSE       string name
 *   HOSTBASED       string algorithm, string blob, string client host,
 *                   string client user, string signature
 *   PROVE           string host key blob, string algorithm
 */
enum privsep_request {
	PRIVSEP_NO_REQUEST,
#define ROW(name, states, most, handler) PRIVSEP_##name,
#include "sshd/privsep.def"
#undef ROW
	PRIVSEP_REQUEST_COUNT
};

/* Why the child ends (END). */
enum privsep_end {
	PRIVSEP_END_CLOSED,       /* the peer closed */
	PRIVSEP_END_RESET,        /* reading or writing failed: text */
	PRIVSEP_END_DISCONNECTED, /* the peer said so: reason, text */
	PRIVSEP_END_IDENT,        /* no SSH identification */
	PRIVSEP_END_NO_MATCH,     /* no common algorithm: text */
	PRIVSEP_END_PROTOCOL,     /* anything else: text */
	PRIVSEP_END_ATTEMPTS,     /* as the monitor demanded */
	PRIVSEP_END_COUNT
};

enum privsep_reply {
	/* string signature; empty: PROVE failed */
	PRIVSEP_SIGNED = 64,
	/* string banner, string server_sig_algs ("": unchanged) */
	PRIVSEP_USER_KNOWN,
	/* byte verdict, string methods; for ASK: string name, string
	 * instruction, uint32 count, { string prompt, boolean echo } */
	PRIVSEP_VERDICT,
	/* To the child, once: the public host keys, as host_keys.h writes
	 * them */
	PRIVSEP_HOST_KEYS,
	/* To either, once: boolean: a second descriptor, to write to, follows
	 * in an empty message; the one to read from comes with this one */
	PRIVSEP_CONNECTION,
	PRIVSEP_CONNECTION_OUT,
	/* To the user's session, once: see session_start.h */
	PRIVSEP_START,
	/* boolean ok, string name, string last login; the master's descriptor,
	 * and that of the terminal with a second, empty message */
	PRIVSEP_PTY,
	PRIVSEP_PTY_SLAVE
};

enum privsep_verdict {
	PRIVSEP_REFUSED,
	PRIVSEP_PARTIAL,  /* succeeded, and more is needed */
	PRIVSEP_GRANTED,  /* authenticated */
	PRIVSEP_KEY_GOOD, /* to a probe */
	PRIVSEP_ASK,      /* put these questions */
	PRIVSEP_TOO_MANY  /* disconnect: MaxAuthTries */
};

/* Longest message the monitor takes: a transport with full buffers. */
#define PRIVSEP_MESSAGE_MAX (8u * 1024 * 1024)

#endif
