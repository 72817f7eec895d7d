/*
 * import_fuzz.c - a transport's state as bytes. Between our own processes,
 * but the one that writes it reads the network before authentication, and
 * the one that reads it has the user's rights.
 *
 * Input: a byte for role and cipher, then the state; behind it 0xffff
 * stands for nothing: what is accepted is used.
 */
#include <string.h>

#include "common/base/error.h"
#include "common/transport/message.h"
#include "common/transport/transport.h"
#include "tests/fuzz/engine.h"
#include "tests/fuzz/fuzz.h"

/* An imported engine can do what any can. */
static void
use(struct transport *t)
{
	static const uint8_t noise[64] = { 0, 0, 0, 12, 10 };
	struct buf again = BUF_SECRET_INIT;
	struct transport_negotiated n;

	(void)transport_get_negotiated(t, &n);
	(void)transport_peer_ident(t);
	(void)transport_server_sig_algs(t);
	(void)transport_export(t, &again);
	buf_release(&again);
	if (engine_turn(t, NULL, NULL) >= 0) {
		write_text(transport_begin(t, SSH_MSG_GLOBAL_REQUEST), "x");
		if (transport_end(t) == 0 && transport_rekey(t, 2000000) == 0)
			(void)engine_push(
			    t, span_of(noise, sizeof noise), NULL, NULL);
	}
	engine_take(t, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_of(span_of(data, size));
	uint8_t kind = fuzz_byte(&r);
	struct transport *t = NULL;
	struct error e = { 0 };
	int code;

	engine_reset();
	code = transport_import(
	    engine_config(kind % 2 == 0 ? TRANSPORT_CLIENT : TRANSPORT_SERVER,
		kind / 2 % ENGINE_CIPHERS),
	    read_rest(&r), 1000000, &t, &e);
	REQUIRE((code == 0) == (t != NULL));
	REQUIRE(code <= 0);
	if (t != NULL)
		use(t);
	transport_free(t);
	return 0;
}

void
fuzz_seeds(void)
{
	for (uint8_t kind = 0; kind < 2 * ENGINE_CIPHERS; kind++) {
		char name[16] = { 'k', (char)('0' + kind), '\0' };
		struct buf seed = BUF_INIT;

		write_byte(&seed, kind);
		engine_state(
		    kind % 2 == 0 ? TRANSPORT_CLIENT : TRANSPORT_SERVER,
		    kind / 2, &seed);
		fuzz_seed(name, buf_span(&seed));
		buf_release(&seed);
	}
}
