/*
 * transport_impl.h - what the files of the transport share, and nobody else.
 *
 *   ident.c      the version lines
 *   protector.c  one direction's cipher and MAC
 *   compress.c   one direction's compression
 *   packet.c     input buffer to payloads, payloads to output chunks
 *   kexinit.c    proposals, negotiation
 *   kex.c        one key exchange from KEXINIT to NEWKEYS
 *   kex_keys.c   its hash and keys
 *   ext_info.c   EXT_INFO, both ways
 *   export.c     the whole as bytes, and back
 *   transport.c  life, messages, events: the only caller from above
 *
 * Holds secrets.
 */
#ifndef COMMON_TRANSPORT_TRANSPORT_IMPL_H
#define COMMON_TRANSPORT_TRANSPORT_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zlib.h>

#include "common/crypto/cipher.h"
#include "common/crypto/digest.h"
#include "common/crypto/mac.h"
#include "common/transport/transport.h"

/* ---- ident.c ---- */

#define IDENT_LINES_MAX 1024         /* before a server's ident */
#define IDENT_BYTES_MAX (64u * 1024) /* and all of them together */

/*
 * Looks for the peer's identification at the front of input. Returns 0 and
 * *ret_used = 0 when more is needed, *ret_used > 0 and a fresh *ret_ident
 * when it is there; ERR_IDENT with a sentence else. tolerant: other lines may
 * come first (RFC 4253 s4.2: from a server).
 */
int ident_read(struct span input, bool tolerant, size_t *ret_used,
    char **ret_ident, struct error *e) MUST_CHECK;

/* Is this the major version's fault ("SSH-1.5-")? */
bool ident_is_old(struct span input);

/* ---- protector.c ---- */

/*
 * How the packets of one direction are protected. All zero: not at all.
 * The layouts of a packet of packet_length n and tag t:
 *   none            4 | n
 *   plain MAC       [4 | n] | t        [] encrypted, MAC over the plain text
 *   etm             4 | [n] | t        MAC over 4 | ciphertext
 *   AEAD            4 | [n] | t        4 authenticated, or hidden (chacha20)
 */
struct protector {
	struct cipher *cipher;
	struct mac *mac;
	size_t block_size; /* 8 at least */
	size_t tag_size;
	bool length_apart;     /* the length is no part of the padded blocks */
	bool length_encrypted; /* in the first block: plain MAC */
	bool length_hidden;    /* by a key of its own */
	bool aead;
	bool etm;
	uint32_t seqnr;   /* of the next packet */
	uint64_t packets; /* under these keys */
	uint64_t bytes;
	uint64_t bytes_max; /* then a rekey is due */
};

#define PROTECTOR_NONE                                                         \
	{                                                                      \
		.block_size = 8                                                \
	}

/* Takes over cipher and mac (mac NULL for AEAD); seqnr is untouched. */
void protector_set(struct protector *p, struct cipher *cipher, struct mac *mac,
    uint64_t rekey_bytes);
void protector_release(struct protector *p);

/* Bytes of padding for a payload. */
size_t protector_padding(const struct protector *p, size_t payload_len);

/* packet: 4 length bytes, packet_length bytes, room for the tag. */
int protector_seal(
    struct protector *p, uint8_t *packet, uint32_t packet_length) MUST_CHECK;

/*
 * The length of the packet at the front; have bytes are there. 0 with
 * *ret_length = 0: more is needed. *ret_opened: bytes decrypted by it.
 */
int protector_length(struct protector *p, uint8_t *packet, size_t have,
    uint32_t *ret_length, size_t *ret_opened) MUST_CHECK;

/* The whole packet is there; opened as given by protector_length. ERR_MAC. */
int protector_open(struct protector *p, uint8_t *packet, uint32_t packet_length,
    size_t opened) MUST_CHECK;

/* The sequence number after a packet. ERR_SEQUENCE_WRAP. */
int protector_count(struct protector *p, size_t bytes) MUST_CHECK;

/* ---- compress.c ---- */

struct compressor {
	z_stream z;
	bool started;   /* z is initialised */
	struct buf out; /* of the last packet */
};

int compressor_start(struct compressor *c, bool deflating) MUST_CHECK;
void compressor_stop(struct compressor *c, bool deflating);

/* The result is in c->out until the next call. ERR_COMPRESSION. */
int compressor_deflate(struct compressor *c, struct span payload) MUST_CHECK;
int compressor_inflate(struct compressor *c, struct span payload) MUST_CHECK;

/* ---- kexinit.c ---- */

enum proposal_list {
	PROPOSAL_KEX,
	PROPOSAL_HOST_KEY,
	PROPOSAL_CIPHER_OUT_C, /* client to server */
	PROPOSAL_CIPHER_OUT_S, /* server to client */
	PROPOSAL_MAC_OUT_C,
	PROPOSAL_MAC_OUT_S,
	PROPOSAL_COMPRESSION_OUT_C,
	PROPOSAL_COMPRESSION_OUT_S,
	PROPOSAL_LANGUAGE_C,
	PROPOSAL_LANGUAGE_S,
	PROPOSAL_COUNT
};

/* What we offer: configured names that exist here. Owned texts. */
struct proposal {
	char *kex;
	char *host_key;
	char *cipher;
	char *mac;
	char *compression;
};

int proposal_init(struct proposal *p, const struct transport_config *c,
    struct error *e) MUST_CHECK;
void proposal_release(struct proposal *p);

/* A KEXINIT's lists, borrowed from its payload. */
struct kexinit {
	struct span list[PROPOSAL_COUNT];
	bool first_kex_packet_follows;
};

/* payload includes the type byte. ERR_FORMAT and the reader's codes. */
int kexinit_parse(struct span payload, struct kexinit *ret) MUST_CHECK;

/* Appends type byte, cookie, lists. first: with the markers of ext-info and
 * strict key exchange. */
int kexinit_write(const struct proposal *p, enum transport_role role,
    bool first, bool guess, const struct random_source *random,
    struct buf *out) MUST_CHECK;

struct negotiation {
	const struct kex_algorithm *kex;
	const struct signature_algorithm *host_key;
	const struct cipher_algorithm *cipher[2]; /* 0: client to server */
	const struct mac_algorithm *mac[2];       /* NULL: AEAD */
	bool compress[2];
	bool guess_right; /* both first choices are the same */
};

/* ours: as written; role: ours. ERR_NO_MATCH with a sentence. */
int kexinit_negotiate(const struct proposal *ours, const struct kexinit *peer,
    enum transport_role role, struct negotiation *ret,
    struct error *e) MUST_CHECK;

/* ---- kex.c ---- */

enum kex_step {
	KEX_STEP_KEXINIT, /* ours is sent, the peer's is awaited */
	KEX_STEP_REQUEST, /* server: of a group */
	KEX_STEP_GROUP,   /* client */
	KEX_STEP_INIT,    /* server */
	KEX_STEP_REPLY,   /* client */
	KEX_STEP_SIGN,    /* server: our caller signs */
	KEX_STEP_VERIFY,  /* client: our caller judges the host key */
	KEX_STEP_NEWKEYS  /* ours are sent, the peer's are awaited */
};

/* One key exchange; exists from the first KEXINIT to the peer's NEWKEYS. */
struct kex {
	enum kex_step step;
	uint32_t kexinit_seqnr; /* of our KEXINIT */
	bool newkeys_sent;
	bool ignore_next;       /* the peer's guess was wrong */
	struct buf our_kexinit; /* payloads, for the hash */
	struct buf peer_kexinit;
	struct negotiation chosen;
	const struct kex_algorithm *guessed; /* a guess was sent */
	struct kex_client *client;
	struct buf init; /* public values */
	struct buf reply;
	bool group_old; /* REQUEST_OLD came */
	uint32_t group_min, group_wanted, group_max;
	struct dh_group group; /* client: spans into group_bytes */
	struct buf group_bytes;
	const struct dh_group *server_group;
	struct key *host_key; /* client: the server's */
	struct buf host_key_blob;
	struct buf secret; /* encoded for the hash */
	uint8_t hash[DIGEST_MAX];
	size_t hash_len;
};

void kex_free(struct kex *k);

/* Sends our KEXINIT (and guess). */
int kex_begin(struct transport *t) MUST_CHECK;

/* Messages; payload without the type byte, except KEXINIT's. *ret_event is
 * set where the caller above is needed. */
int kex_on_kexinit(struct transport *t, struct span payload) MUST_CHECK;
int kex_on_message(struct transport *t, uint8_t type, struct span payload,
    enum transport_event *ret_event) MUST_CHECK;
int kex_on_newkeys(struct transport *t, struct span payload) MUST_CHECK;

/* kex_keys.c: fills hash from all that was said. */
int kex_hash(struct transport *t, struct kex *k) MUST_CHECK;
/* New keys for a direction (0: client to server), and compression anew. */
int kex_set_keys(struct transport *t, struct kex *k, unsigned direction,
    enum cipher_direction what, struct protector *p) MUST_CHECK;
int kex_set_compression(
    struct transport *t, bool wanted, bool deflating) MUST_CHECK;

/* Is a rekey due by bytes or packets? Begins it. */
int kex_check_limits(struct transport *t) MUST_CHECK;

/* EXT_INFO, both ways. */
int ext_info_send(struct transport *t) MUST_CHECK;

int ext_info_read(struct transport *t, struct span payload) MUST_CHECK;

/* ---- packet.c ---- */

struct input {
	uint8_t *data;
	size_t cap;
	size_t start, end;
	size_t lent;            /* the packet given out last; dropped next */
	uint32_t packet_length; /* of the packet at start; 0 unknown */
	size_t opened;          /* of it, decrypted already */
	bool doomed;            /* fails when all of it is here */
	bool filled;            /* the last read took all the room */
};

struct chunk {
	struct chunk *next;
	struct buf buf;
	size_t sent;
};

struct output {
	struct chunk *first, *last; /* what is pending */
	struct chunk *spare;
	size_t spares;
	size_t bytes;      /* sealed, not sent */
	struct buf held;   /* uint32 length, payload; ... */
	struct buf broken; /* taken where there is no memory */
	struct buf *open;  /* where the open packet lies, or NULL */
	size_t open_at;    /* its offset in there */
	size_t pad_min;    /* of the open packet */
};

void input_release(struct input *in);
/* As transport_recv_space(). */
uint8_t *input_space(struct transport *t, size_t *ret_len);
/*
 * The next payload (type byte included, decompressed) at the front of the
 * input. *ret_payload is empty when more is needed. ERR_PACKET_LENGTH,
 * ERR_MAC, ERR_PADDING, ERR_COMPRESSION with a sentence in t's error.
 */
int packet_read(struct transport *t, struct span *ret_payload,
    uint32_t *ret_seqnr) MUST_CHECK;

void output_release(struct output *out);
/* A packet that goes out now, whatever is being exchanged. */
struct buf *packet_begin(struct transport *t, uint8_t type);
/* As transport_begin_reserved(). */
struct buf *packet_begin_reserved(struct transport *t, uint8_t type);
int packet_end(struct transport *t) MUST_CHECK;
/* A packet that waits for NEWKEYS. */
struct buf *packet_hold(struct transport *t, uint8_t type);
void packet_abandon(struct transport *t);
/* Sends what was held. */
int packet_release_held(struct transport *t) MUST_CHECK;
/* Raw bytes: idents, and import. NULL without memory. */
struct buf *output_raw(struct output *out);
void output_raw_done(struct output *out, size_t added);

/* ---- transport.c ---- */

enum phase { /* what the peer may send */
	PHASE_IDENT = 1,
	PHASE_KEXINIT = 2,    /* its first KEXINIT */
	PHASE_KEX = 4,        /* up to its first NEWKEYS */
	PHASE_KEX_STRICT = 8, /* the same under strict key exchange */
	PHASE_OPEN = 16,
	PHASE_REKEY = 32, /* from a later KEXINIT to its NEWKEYS */
	PHASE_CLOSED = 64
};

struct transport {
	struct transport_config config;
	struct proposal proposal;
	enum phase phase;
	struct error error;
	bool first_done; /* the first key exchange is over */
	bool strict;
	bool authenticated;
	/* zlib@openssh.com starts in the middle of what is held: SIZE_MAX, or
	 * the offset there behind which it does. */
	size_t compress_at;
	bool disconnect_told; /* the event was given */
	unsigned holds;       /* of transport_hold() */
	uint64_t now_us;

	char *peer_ident;
	struct input input;
	struct output output;
	struct protector in, out;
	struct compressor inflater, deflater;

	struct kex *kex;            /* NULL: none under way */
	struct negotiation current; /* of the keys in use */
	bool has_current;
	bool guess_was_right;
	uint8_t session_id[DIGEST_MAX];
	size_t session_id_len;
	struct key *first_host_key; /* client */
	struct buf first_signature; /* client: by it, of the session id */
	uint64_t keyed_us;          /* the last key exchange's end */
	char *peer_first_kex;
	char *peer_first_host_key;

	bool peer_ext_info; /* takes EXT_INFO */
	bool peer_hostbound;
	bool peer_ping;
	bool peer_agent_forward;
	bool peer_ext_info_in_auth;
	char *server_sig_algs;

	transport_host_key_blob *find_host_key;
	void *find_context;

	uint32_t disconnect_reason;
	char *disconnect_text;
	struct transport_counters counters;
};

const struct random_source *transport_random(const struct transport *t);

/* Records code and a sentence, and returns code; the caller of
 * transport_fail() above all closes. */
#define fail(t, code, ...) error_set(&(t)->error, (code), __VA_ARGS__)

/* Closes: a DISCONNECT for code is composed where one is due. Returns code. */
int transport_close(struct transport *t, int code);

/* Our half of the state that every transport starts from, without output. */
int transport_make(const struct transport_config *c, uint64_t now_us,
    struct transport **ret, struct error *e) MUST_CHECK;

#endif
