/*
 * transport.h - the SSH transport as an engine: identification, packets,
 * negotiation, key exchange, rekeying, compression; client and server.
 * RFC 4253, RFC 8308 (ext-info), RFC 9142, strict key exchange
 * (kex-strict-c/s-v00@openssh.com), ping@openssh.com.
 *
 * No I/O, no clock, no files, no host key: bytes and calls go in, bytes and
 * events come out. The caller:
 *
 *   1. reads its socket into transport_recv_space(), counts it in with
 *      transport_received();
 *   2. calls transport_next() until it gives TRANSPORT_NONE, answering events;
 *   3. writes what transport_pending() shows, and says transport_sent().
 *
 * Upper layers compose packets with transport_begin() ... transport_end().
 * While keys are being exchanged packets of types 50..127 and 192 are kept
 * back, in order, and leave after NEWKEYS; transport_can_send() says so, for
 * producers of bulk to wait.
 *
 * States: IDENT -> KEXINIT -> KEX -> NEWKEYS -> OPEN -> (KEXINIT ...) ;
 * any -> CLOSED. After a negative return the transport is CLOSED: a
 * DISCONNECT may be pending for output, nothing more is accepted.
 * Holds secrets: keys, the shared secret; wiped on free.
 */
#ifndef COMMON_TRANSPORT_TRANSPORT_H
#define COMMON_TRANSPORT_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/crypto/random.h"
#include "common/key/key.h"
#include "common/transport/kex_method.h"
#include "common/transport/message.h"

struct transport;

enum transport_role {
	TRANSPORT_CLIENT,
	TRANSPORT_SERVER
};

#define TRANSPORT_PACKET_MAX  (256u * 1024) /* packet_length accepted */
#define TRANSPORT_PAYLOAD_MAX (TRANSPORT_PACKET_MAX - 512) /* that we send */
#define TRANSPORT_IDENT_MAX   255

/* All text is borrowed and must outlive the transport. Lists are
 * comma-separated, most wanted first, already expanded (no + - ^). */
struct transport_config {
	enum transport_role role;
	const char *ident; /* "SSH-2.0-Sheetbend_0.1", no CR LF */
	const char *kex_algorithms;
	const char *host_key_algorithms; /* server: those it has keys for */
	const char *ciphers;
	const char *macs;
	const char *compression; /* "none", "none,zlib@openssh.com", ... */
	const char
	    *server_sig_algs;  /* server: sent in EXT_INFO; NULL: default */
	bool guess;            /* client: send the first kex packet with
				* KEXINIT (first_kex_packet_follows) */
	unsigned rsa_bits_min; /* host keys below are refused; 0: 1024 */
	uint64_t rekey_bytes;  /* 0: what the cipher's block size allows */
	uint64_t rekey_interval_us;  /* 0: none */
	const struct moduli *moduli; /* server, group exchange; may be NULL */
	const struct random_source *random; /* NULL: random_fast */
};

enum transport_event {
	TRANSPORT_NONE,            /* needs more input, or an answer */
	TRANSPORT_IDENT,           /* the peer's identification is known */
	TRANSPORT_VERIFY_HOST_KEY, /* client: answer host_key_accepted/refused
				    */
	TRANSPORT_SIGN,            /* server: answer transport_signed */
	TRANSPORT_KEX_DONE,        /* both directions use new keys */
	TRANSPORT_EXT_INFO,        /* the peer's EXT_INFO was read */
	TRANSPORT_PACKET,          /* for the layer above */
	TRANSPORT_DISCONNECTED     /* the peer sent DISCONNECT */
};

struct packet {
	uint8_t type;
	struct span payload; /* behind the type byte; decrypted in place,
			      * valid until the next transport_next() */
	uint32_t seqnr;      /* for UNIMPLEMENTED */
};

/* now_us: a monotonic clock, as everywhere below. The identification and
 * KEXINIT (and the guess) are pending at once. NULL without memory; ERR_ codes
 * for lists in which nothing is known. */
int transport_new(const struct transport_config *c, uint64_t now_us,
    struct transport **ret, struct error *e) MUST_CHECK;
void transport_free(struct transport *t);

/* ---- input ---- */

/* Room to read into; *ret_len bytes (at least 1 unless closed). NULL without
 * memory, when closed, or when the input is full because nobody takes
 * packets out. Ends the life of the last packet's payload. */
uint8_t *transport_recv_space(struct transport *t, size_t *ret_len);
void transport_received(struct transport *t, size_t n);

/*
 * The next event, or a negative code (see transport_error()). packet is
 * filled for TRANSPORT_PACKET. While an answer is awaited: TRANSPORT_NONE.
 */
int transport_next(
    struct transport *t, uint64_t now_us, struct packet *ret_packet) MUST_CHECK;

/* Would more input be of use now? False while an answer is awaited, and
 * when CLOSED: the caller then leaves its socket alone. */
bool transport_wants_input(const struct transport *t);

/* Bytes that are still missing of a packet whose length is known; 0: none is
 * begun. Until they have come there is nothing to do. */
size_t transport_missing_input(const struct transport *t);

/* Is a whole packet (or part of one) still in the input? Lets a caller act
 * only after everything that arrived together was read. */
bool transport_has_input(const struct transport *t);

/*
 * While it is held, transport_next() gives TRANSPORT_NONE and no input is
 * wanted: for a consumer that is full for a moment and would have to copy what
 * comes. Everything on the connection waits, so it must be short. Each hold is
 * taken back by one call with false.
 */
void transport_hold(struct transport *t, bool hold);
bool transport_is_held(const struct transport *t);

/* ---- output ---- */

/*
 * Begins a packet of this type in the send buffer; write its fields into
 * the buf (only append), then end or abandon it. One at a time. The buf may
 * move its memory while it grows.
 */
struct buf *transport_begin(struct transport *t, uint8_t type);
int transport_end(struct transport *t) MUST_CHECK;
void transport_abandon(struct transport *t);

/*
 * Room for the data of packets that are not begun yet, so that one readv(2)
 * can fill several: after `head` bytes of fields behind the type, `len` bytes
 * of data each. Returns how many of max there are. They last until anything
 * else is composed.
 */
size_t transport_reserve(struct transport *t, size_t head, size_t len,
    struct iovec *ret_room, size_t max);
/* As transport_begin, in the first room that is left. */
struct buf *transport_begin_reserved(struct transport *t, uint8_t type);
/* As transport_end, for a packet that other rooms are still to follow: no key
 * exchange is begun, whose first packet would be composed in them. */
int transport_end_before_reserved(struct transport *t) MUST_CHECK;
/* Appends data to b; what lies there already is not moved. */
void transport_append(struct buf *b, struct span data);

/* The open packet gets at least this much padding (255 at most), so that its
 * length tells less of a secret in it. No effect on one that is kept back. */
void transport_pad(struct transport *t, size_t padding);

/* Are packets of the upper layers sent at once (not kept back)? */
bool transport_can_send(const struct transport *t);

/* Bytes pending; bulk producers stop above TRANSPORT_PENDING_HIGH. */
#define TRANSPORT_PENDING_HIGH (512u * 1024)
size_t transport_pending_bytes(const struct transport *t);
/* Fills at most max entries; returns how many. */
size_t transport_pending(
    const struct transport *t, struct iovec *ret_iov, size_t max);
void transport_sent(struct transport *t, size_t n);

/* ---- answers ---- */

/* VERIFY_HOST_KEY: the key and the name of the algorithm; borrowed. During a
 * rekey the same question is asked unless the key equals the first one
 * (which is then accepted by itself). The signature over the exchange hash was
 * verified before the event. */
const struct key *transport_host_key(const struct transport *t);
int transport_host_key_accepted(struct transport *t) MUST_CHECK;
int transport_host_key_refused(
    struct transport *t) MUST_CHECK; /* ERR_HOST_KEY */

/* Client: what proves to an agent which host the session is with
 * (session-bind@openssh.com): the host key that was accepted first and its
 * signature of the session id. Borrowed; false before it was accepted, and
 * after an import. */
struct transport_binding {
	struct span host_key;
	struct span session_id;
	struct span signature;
};
bool transport_get_binding(
    const struct transport *t, struct transport_binding *ret);

/*
 * Server: which key to present. Called when an algorithm is negotiated; gives
 * the public blob for a host key algorithm, borrowed for the transport's life,
 * or an empty span. Set before the first transport_next().
 */
typedef struct span transport_host_key_blob(
    void *context, const char *algorithm);
void transport_set_host_keys(
    struct transport *t, transport_host_key_blob *find, void *context);

/* SIGN: what to sign, with which algorithm and which of our keys. */
struct span transport_sign_hash(const struct transport *t);
const char *transport_sign_algorithm(const struct transport *t);
struct span transport_sign_blob(const struct transport *t);
int transport_signed(struct transport *t, struct span signature) MUST_CHECK;

/* ---- facts ---- */

const char *transport_peer_ident(const struct transport *t); /* or NULL */
struct span transport_session_id(const struct transport *t); /* after kex */
bool transport_is_open(const struct transport *t); /* first kex is done */
bool transport_is_rekeying(const struct transport *t);

struct transport_negotiated {
	const char *kex;
	const char *host_key;
	const char *cipher_in, *cipher_out;
	const char *mac_in, *mac_out; /* "<implicit>" for AEAD */
	const char *compression_in, *compression_out;
	bool guess_was_right; /* our guess, where one was sent */
	bool strict;
	bool post_quantum;
};
/* Borrowed; false before the first negotiation. */
bool transport_get_negotiated(
    const struct transport *t, struct transport_negotiated *ret);

/* The peer's first choices, for the guess of next time; borrowed, or NULL. */
const char *transport_peer_first_kex(const struct transport *t);
const char *transport_peer_first_host_key(const struct transport *t);

/* What the peer's EXT_INFO said; "" where it said nothing. */
const char *transport_server_sig_algs(const struct transport *t);
bool transport_peer_has_ext_info(const struct transport *t);
bool transport_peer_has_hostbound(const struct transport *t);
bool transport_peer_has_ping(const struct transport *t);
/* Does the server know agent-req and agent-connect by these names? */
bool transport_peer_has_agent_forward(const struct transport *t);

struct transport_counters {
	uint64_t bytes_in, bytes_out; /* on the wire */
	uint64_t packets_in, packets_out;
	uint64_t rekeys; /* key exchanges after the first */
};
void transport_get_counters(
    const struct transport *t, struct transport_counters *ret);

/* The sentence for the last negative code, and for TRANSPORT_DISCONNECTED the
 * peer's text (escaped) with its reason code in *ret_reason (may be NULL). */
const struct error *transport_error(const struct transport *t);
const char *transport_disconnect_text(
    const struct transport *t, uint32_t *ret_reason);

/* ---- doing ---- */

/* Authentication succeeded. To be called with or without compression: from
 * here on keys are exchanged anew by bytes, packets and time, and
 * zlib@openssh.com (where agreed upon) starts in both directions with the next
 * packet (the server calls it after composing USERAUTH_SUCCESS, the
 * client when it has read it). */
int transport_authenticated(struct transport *t) MUST_CHECK;

/* Begins a rekey now; nothing if one is under way. Not before authentication
 * where the peer may be OpenSSH's sshd: it answers UNIMPLEMENTED (ERR_KEX). */
int transport_rekey(struct transport *t, uint64_t now_us) MUST_CHECK;

/* Time passed: starts a rekey that is due. When to call again, in *ret_next_us
 * (UINT64_MAX: no need). */
int transport_tick(
    struct transport *t, uint64_t now_us, uint64_t *ret_next_us) MUST_CHECK;

/* Composes DISCONNECT; the transport is CLOSED after it is sent. */
void transport_disconnect(
    struct transport *t, uint32_t reason, const char *text);

/* Tells the peer that a packet is unknown here. RFC 4253 s11.4. */
int transport_unimplemented(struct transport *t, uint32_t seqnr) MUST_CHECK;

/* SSH_MSG_PING with data (needs transport_peer_has_ping). */
int transport_ping(struct transport *t, struct span data) MUST_CHECK;

/* Server, client with ext-info-in-auth@openssh.com: another EXT_INFO with
 * these server-sig-algs; nothing where the client cannot take it. */
int transport_send_sig_algs(struct transport *t, const char *list) MUST_CHECK;

/* Gives back memory of empty buffers, for connections that idle. */
void transport_trim(struct transport *t);

/* ---- going on in another process ---- */

/*
 * The whole state as bytes (secret), input not yet read and output not yet
 * sent included. ERR_UNEXPECTED during a key exchange. Compression must not
 * have begun to carry data: export between composing USERAUTH_SUCCESS and the
 * next packet.
 */
int transport_export(const struct transport *t, struct buf *out) MUST_CHECK;
/* config as for transport_new. */
int transport_import(const struct transport_config *c, struct span state,
    uint64_t now_us, struct transport **ret, struct error *e) MUST_CHECK;

/* For tests of how the other side takes nonsense (tests/negative, fuzzers):
 * the next NEWKEYS / packets are composed as given, unchecked. */
int transport_send_raw_payload(
    struct transport *t, struct span payload) MUST_CHECK;

#endif
