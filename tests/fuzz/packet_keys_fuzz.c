/*
 * packet_keys_fuzz.c - the engine after the key exchange, in both roles and
 * with each kind of protection: what a peer that has the keys can send, and
 * what somebody on the path can do to it.
 * RFC 4253 s6, s9; compression; rekeying.
 *
 * Input: a byte for role and cipher, then steps: a byte and a chunk.
 */
#include <string.h>

#include "common/base/error.h"
#include "common/transport/message.h"
#include "common/transport/transport.h"
#include "tests/fuzz/engine.h"
#include "tests/fuzz/fuzz.h"

#define PENDING_MAX ((size_t)4 * 1024 * 1024)

enum step {
	STEP_SEALED,  /* a payload, sealed as it should be */
	STEP_MANY,    /* the same, some times over */
	STEP_RAW,     /* bytes */
	STEP_DAMAGED, /* a sealed payload; one byte of it changed */
	STEP_REKEY,   /* by the peer */
	STEP_REKEY_OURS,
	STEP_AUTHENTICATED, /* both: compression begins */
	STEP_LATER,         /* time passes */
	STEPS
};

struct run {
	struct transport *t, *peer;
	bool damaged;
	bool compressed;
	uint64_t now;
};

static int
on_event(struct transport *t, enum transport_event event,
    const struct packet *packet, void *context)
{
	const struct run *run = context;

	(void)t;
	/* What was changed on the way never gets through. */
	REQUIRE(!run->damaged);
	if (event == TRANSPORT_PACKET)
		REQUIRE(packet->payload.len < TRANSPORT_PACKET_MAX);
	return 0;
}

static int
send_damaged(struct run *run, struct span payload)
{
	struct buf bytes = BUF_INIT;
	size_t at;
	int r;

	if (payload.len < 3)
		return 0;
	at = (size_t)payload.ptr[0] << 8 | payload.ptr[1];
	if (transport_send_raw_payload(
		run->peer, span_of(payload.ptr + 2, payload.len - 2)) != 0)
		return 0;
	engine_take(run->peer, &bytes);
	bytes.data[at % bytes.len] ^= 1;
	run->damaged = true;
	r = engine_push(run->t, buf_span(&bytes), on_event, run);
	buf_release(&bytes);
	return r < 0 ? r : ERR_CANCELLED;
}

/* Each end's packets to the other, until nothing moves. */
static int
settle(struct run *run)
{
	int r;

	for (int i = 0; i < 4; i++) {
		if ((r = engine_carry(run->peer, run->t, on_event, run)) < 0)
			return r;
		(void)engine_carry(run->t, run->peer, NULL, NULL);
	}
	return 0;
}

static int
take_step(struct run *run, enum step step, struct span chunk)
{
	uint64_t next;
	int r = 0;

	switch (step) {
	case STEP_MANY:
		for (int i = 0; i < 8 && r == 0 && chunk.len != 0; i++)
			r = transport_send_raw_payload(run->peer, chunk);
		break;
	case STEP_SEALED:
		if (chunk.len != 0)
			r = transport_send_raw_payload(run->peer, chunk);
		break;
	case STEP_RAW:
		return engine_push(run->t, chunk, NULL, NULL);
	case STEP_DAMAGED:
		return send_damaged(run, chunk);
	case STEP_REKEY:
		r = transport_rekey(run->peer, run->now);
		break;
	case STEP_REKEY_OURS:
		if ((r = transport_rekey(run->t, run->now)) < 0)
			return r;
		break;
	case STEP_AUTHENTICATED:
		if (run->compressed)
			return 0;
		run->compressed = true;
		if ((r = transport_authenticated(run->t)) == 0)
			r = transport_authenticated(run->peer);
		break;
	case STEP_LATER:
		run->now += 1000000u * (1 + chunk.len);
		if ((r = transport_tick(run->t, run->now, &next)) < 0)
			return r;
		break;
	case STEPS:
		break;
	}
	return settle(run);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_of(span_of(data, size));
	uint8_t kind = fuzz_byte(&r);
	struct run run = { 0 };
	int code = 0;

	engine_reset();
	run.now = 1000000;
	run.t = engine_open(kind % 2 == 0 ? TRANSPORT_CLIENT : TRANSPORT_SERVER,
	    kind / 2 % ENGINE_CIPHERS);
	run.peer =
	    engine_open(kind % 2 == 0 ? TRANSPORT_SERVER : TRANSPORT_CLIENT,
		kind / 2 % ENGINE_CIPHERS);
	while (r.len > 0 && code >= 0) {
		enum step step = (enum step)(fuzz_byte(&r) % STEPS);

		code = take_step(&run, step, fuzz_chunk(&r));
		REQUIRE(transport_pending_bytes(run.t) < PENDING_MAX);
	}
	transport_free(run.t);
	transport_free(run.peer);
	return 0;
}

/* ---- seeds ---- */

static void
put_step(struct buf *seed, enum step step, const char *bytes, size_t len)
{
	write_byte(seed, (uint8_t)step);
	fuzz_put_chunk(seed, span_of(bytes, len));
}

void
fuzz_seeds(void)
{
	static const char ignore[] = "\2\0\0\0\4abcd";
	static const char disconnect[] = "\1\0\0\0\2\0\0\0\3bye\0\0\0\0";
	static const char ping[] = "\300\0\0\0\4ping";
	static const char ext_info[] =
	    "\7\0\0\0\1\0\0\0\17server-sig-algs\0\0\0\13ssh-ed25519";
	static const char data[] = "\136\0\0\0\0\0\0\0\10bulkbulk";

	for (uint8_t kind = 0; kind < 2 * ENGINE_CIPHERS; kind++) {
		char name[16] = { 'k', (char)('0' + kind), '\0' };
		struct buf seed = BUF_INIT;

		write_byte(&seed, kind);
		put_step(&seed, STEP_SEALED, ext_info, sizeof ext_info - 1);
		put_step(&seed, STEP_SEALED, ignore, sizeof ignore - 1);
		put_step(&seed, STEP_MANY, data, sizeof data - 1);
		put_step(&seed, STEP_REKEY, "", 0);
		put_step(&seed, STEP_SEALED, ping, sizeof ping - 1);
		put_step(&seed, STEP_AUTHENTICATED, "", 0);
		put_step(&seed, STEP_MANY, data, sizeof data - 1);
		put_step(&seed, STEP_REKEY_OURS, "", 0);
		if (kind % 2 == 0)
			put_step(&seed, STEP_SEALED, disconnect,
			    sizeof disconnect - 1);
		else
			put_step(&seed, STEP_DAMAGED, data, sizeof data - 1);
		fuzz_seed(name, buf_span(&seed));
		buf_release(&seed);
	}
}
