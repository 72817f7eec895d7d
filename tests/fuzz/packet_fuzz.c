/*
 * packet_fuzz.c - the whole engine before keys, in both roles: version
 * line, packets, negotiation, key exchange.
 * RFC 4253.
 *
 * Input: a byte for the role, then steps: an even byte and a chunk are raw
 * bytes; an odd one and a chunk are a payload, put into a packet. The seeds
 * are recorded transcripts, valid as the engine's randomness is seeded.
 */
#include <string.h>

#include "common/base/error.h"
#include "common/transport/transport.h"
#include "tests/fuzz/engine.h"
#include "tests/fuzz/fuzz.h"

#define PENDING_MAX ((size_t)1024 * 1024)

static void
frame(struct buf *out, struct span payload)
{
	size_t padding = 4 + (8 - (4 + 1 + payload.len + 4) % 8) % 8;

	write_uint32(out, (uint32_t)(1 + payload.len + padding));
	write_byte(out, (uint8_t)padding);
	write_span(out, payload);
	write_bytes(out, "\0\0\0\0\0\0\0\0\0\0\0", padding);
}

/* Nothing is for the layers above before the key exchange is over. */
static int
on_event(struct transport *t, enum transport_event event,
    const struct packet *packet, void *context)
{
	bool *open = context;

	if (event == TRANSPORT_KEX_DONE)
		*open = true;
	if (event == TRANSPORT_PACKET) {
		REQUIRE(*open && transport_is_open(t));
		REQUIRE(packet->type >= 5);
	}
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_of(span_of(data, size));
	struct transport *t;
	bool open = false;
	int code = 0;

	engine_reset();
	t = engine_fresh(
	    fuzz_byte(&r) % 2 == 0 ? TRANSPORT_CLIENT : TRANSPORT_SERVER);
	while (r.len > 0 && code == 0) {
		bool framed = fuzz_byte(&r) % 2 != 0;
		struct span chunk = fuzz_chunk(&r);
		struct buf bytes = BUF_INIT;

		if (framed)
			frame(&bytes, chunk);
		else
			write_span(&bytes, chunk);
		code = engine_push(t, buf_span(&bytes), on_event, &open);
		buf_release(&bytes);
		REQUIRE(transport_pending_bytes(t) < PENDING_MAX);
		engine_take(t, NULL);
	}
	transport_free(t);
	return 0;
}

/* ---- seeds ---- */

/* Splits what one end sent: the version line raw, clear packets framed, the
 * rest raw. */
static void
record(const char *name, uint8_t role, struct span sent, size_t clear)
{
	const uint8_t *lf = memchr(sent.ptr, '\n', sent.len);
	size_t at = (size_t)(lf - sent.ptr) + 1;
	struct buf seed = BUF_INIT;

	write_byte(&seed, role);
	write_byte(&seed, 0);
	fuzz_put_chunk(&seed, span_of(sent.ptr, at));
	for (size_t i = 0; i < clear && at + 5 < sent.len; i++) {
		struct reader r =
		    reader_of(span_of(sent.ptr + at, sent.len - at));
		uint32_t len = read_uint32(&r);
		uint8_t padding = read_byte(&r);

		write_byte(&seed, 1);
		fuzz_put_chunk(&seed, read_bytes(&r, len - 1 - padding));
		at += 4 + len;
	}
	write_byte(&seed, 0);
	fuzz_put_chunk(&seed, span_of(sent.ptr + at, sent.len - at));
	fuzz_seed(name, buf_span(&seed));
	buf_release(&seed);
}

static void
make_transcript(enum transport_role recorded, const char *name)
{
	enum transport_role other =
	    recorded == TRANSPORT_CLIENT ? TRANSPORT_SERVER : TRANSPORT_CLIENT;
	struct buf sent = BUF_INIT;
	struct transport *peer, *t;

	engine_reset();
	peer = engine_fresh(recorded);
	t = engine_fresh(other);
	for (int i = 0; i < 6; i++) {
		struct buf part = BUF_INIT;

		engine_take(peer, &part);
		write_span(&sent, buf_span(&part));
		(void)engine_push(t, buf_span(&part), NULL, NULL);
		buf_release(&part);
		(void)engine_carry(t, peer, NULL, NULL);
	}
	record(name, other == TRANSPORT_SERVER, buf_span(&sent), 3);
	transport_free(peer);
	transport_free(t);
	buf_release(&sent);
}

void
fuzz_seeds(void)
{
	make_transcript(TRANSPORT_SERVER, "server-to-client");
	make_transcript(TRANSPORT_CLIENT, "client-to-server");
}
