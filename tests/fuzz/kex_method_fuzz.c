/*
 * kex_method_fuzz.c - what a peer sends in a key exchange: to a server a
 * public value, to a client the answer to its own.
 * RFC 4253 s8, RFC 5656 s4, RFC 8731; ML-KEM and sntrup761 hybrids.
 *
 * Input: byte method, byte what; then the blob, or (for half of the values of
 * what) changes of an honest one: uint16 offset, byte xor.
 */
#include <string.h>

#include "common/base/error.h"
#include "common/transport/kex_method.h"
#include "tests/fuzz/fuzz.h"

static const char *const methods[] = {
	"curve25519-sha256",
	"ecdh-sha2-nistp256",
	"ecdh-sha2-nistp384",
	"ecdh-sha2-nistp521",
	"diffie-hellman-group1-sha1",
	"diffie-hellman-group-exchange-sha256",
	"sntrup761x25519-sha512",
	"mlkem768x25519-sha256",
};

struct exchange {
	const struct kex_algorithm *method;
	const struct dh_group *group;
	const struct random_source *random;
	struct kex_client *client;
	struct buf init, reply;
	struct buf client_secret, server_secret;
};

static bool
change(struct buf *b, struct reader *r)
{
	bool changed = false;

	while (r->len > 0 && b->len > 0) {
		size_t at = (size_t)fuzz_byte(r) << 8;
		uint8_t mask;

		at |= fuzz_byte(r);
		mask = fuzz_byte(r);
		b->data[at % b->len] ^= mask;
		changed |= mask != 0;
	}
	return changed;
}

static int
server(struct exchange *x, struct span init)
{
	int r = kex_server_reply(x->method, x->group, 128, x->random, init,
	    &x->reply, &x->server_secret);

	REQUIRE(r <= 0);
	REQUIRE(r != 0 || (x->reply.len != 0 && x->server_secret.len != 0));
	return r;
}

static int
client(struct exchange *x, struct span reply)
{
	int r = kex_client_finish(x->client, reply, &x->client_secret);

	REQUIRE(r <= 0);
	REQUIRE(r != 0 || x->client_secret.len != 0);
	return r;
}

/* Secrets agree exactly when nothing was changed on the way. */
static void
run(struct exchange *x, unsigned what, struct reader *r)
{
	struct span init = buf_span(&x->init);
	bool changed = false;

	if (what == 0) {
		(void)server(x, read_rest(r));
		return;
	}
	if (what == 1) {
		(void)client(x, read_rest(r));
		return;
	}
	if (what == 2) {
		changed = change(&x->init, r);
		init = buf_span(&x->init);
	}
	if (server(x, init) != 0) {
		REQUIRE(changed);
		return;
	}
	if (what == 3)
		changed = change(&x->reply, r);
	if (client(x, buf_span(&x->reply)) != 0)
		REQUIRE(changed);
	else if (!changed)
		REQUIRE(span_equal(
		    buf_span(&x->client_secret), buf_span(&x->server_secret)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_of(span_of(data, size));
	struct random_seeded seeded;
	struct random_source random;
	struct exchange x = { 0 };
	unsigned what;

	random_seeded_init(&seeded, 7);
	random = random_seeded_source(&seeded);
	x.random = &random;
	x.method =
	    kex_find(span_text(methods[fuzz_byte(&r) % ARRAY_COUNT(methods)]));
	REQUIRE(x.method != NULL);
	what = fuzz_byte(&r) % 4;
	/* The smallest group keeps the runs many. */
	if ((x.method->flags & KEX_GROUP_EXCHANGE) != 0)
		x.group = dh_group_by_number(1);
	if (what != 0)
		REQUIRE(kex_client_new(x.method, x.group, 128, &random,
			    &x.client, &x.init) == 0);
	run(&x, what, &r);
	kex_client_free(x.client);
	buf_release(&x.init);
	buf_release(&x.reply);
	buf_release(&x.client_secret);
	buf_release(&x.server_secret);
	return 0;
}

void
fuzz_seeds(void)
{
	for (uint8_t i = 0; i < ARRAY_COUNT(methods); i++)
		for (uint8_t what = 2; what < 4; what++) {
			char name[] = { 'm', (char)('0' + i), '-',
				(char)('0' + what), '\0' };
			uint8_t bytes[] = { i, what, 0, 5, 0 };

			fuzz_seed(name, span_of(bytes, sizeof bytes));
		}
}
