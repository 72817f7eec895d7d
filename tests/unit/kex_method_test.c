/*
 * kex_method_test.c - the key exchange methods, and the moduli file.
 */
#include "common/transport/kex_method.h"

#include <stdio.h>
#include <string.h>

#include "common/base/error.h"
#include "common/crypto/mlkem768.h"
#include "common/crypto/sntrup761.h"
#include "tests/unit/unit.h"

static struct random_seeded seeded;
static struct random_source source;

static const struct random_source *
random_of(uint64_t seed)
{
	random_seeded_init(&seeded, seed);
	source = random_seeded_source(&seeded);
	return &source;
}

static const struct kex_algorithm *
find(const char *name)
{
	const struct kex_algorithm *a = kex_find(span_text(name));

	if (a == NULL)
		FAIL("no method %s", name);
	return a;
}

static const struct dh_group *
group_for(const struct kex_algorithm *a)
{
	return (a->flags & KEX_GROUP_EXCHANGE) != 0 ? dh_group_by_number(14)
						    : NULL;
}

/* One exchange: what each end has in the end. */
struct outcome {
	struct buf init, reply, client, server;
};

static void
run(const struct kex_algorithm *a, const struct random_source *random,
    struct outcome *o)
{
	struct kex_client *k;

	memset(o, 0, sizeof(*o));
	CHECK_INT(
	    kex_client_new(a, group_for(a), 256, random, &k, &o->init), 0);
	CHECK_INT(kex_server_reply(a, group_for(a), 256, random,
		      buf_span(&o->init), &o->reply, &o->server),
	    0);
	CHECK_INT(kex_client_finish(k, buf_span(&o->reply), &o->client), 0);
	CHECK_SPAN(buf_span(&o->client), buf_span(&o->server));
	CHECK_INT(kex_client_bits_set(k) != 0, (a->flags & KEX_MPINT) != 0);
	kex_client_free(k);
}

static void
release(struct outcome *o)
{
	buf_release(&o->init);
	buf_release(&o->reply);
	buf_release(&o->client);
	buf_release(&o->server);
}

TEST(kex_rows_stand_in_the_order_of_preference)
{
	static const char *const names[] = { "mlkem768x25519-sha256",
		"sntrup761x25519-sha512", "sntrup761x25519-sha512@openssh.com",
		"curve25519-sha256", "curve25519-sha256@libssh.org",
		"ecdh-sha2-nistp256", "ecdh-sha2-nistp384",
		"ecdh-sha2-nistp521", "diffie-hellman-group-exchange-sha256",
		"diffie-hellman-group16-sha512",
		"diffie-hellman-group18-sha512",
		"diffie-hellman-group14-sha256" };
	size_t i;

	for (i = 0; i < ARRAY_COUNT(names); i++) {
		CHECK_TEXT(kex_row(i)->name, names[i]);
		CHECK((kex_row(i)->flags & KEX_OFF) == 0);
		CHECK_INT((kex_row(i)->flags & KEX_SERVER_OFF) != 0, i >= 8);
	}
	for (; kex_row(i) != NULL; i++)
		CHECK((kex_row(i)->flags & KEX_OFF) != 0);
	CHECK_INT(i, 16);
	CHECK(kex_row(i + 1) == NULL);
}

TEST(kex_find_wants_the_whole_name)
{
	CHECK(kex_find(span_text("curve25519-sha25")) == NULL);
	CHECK(kex_find(span_text("curve25519-sha256 ")) == NULL);
	CHECK(kex_find(span_text("")) == NULL);
	CHECK(find("curve25519-sha256")->digest == DIGEST_SHA256);
	CHECK(find("ecdh-sha2-nistp384")->digest == DIGEST_SHA384);
	CHECK(find("diffie-hellman-group1-sha1")->digest == DIGEST_SHA1);
}

TEST(kex_both_ends_agree_by_every_method)
{
	for (size_t i = 0; kex_row(i) != NULL; i++) {
		struct outcome o;

		run(kex_row(i), random_of(i), &o);
		release(&o);
	}
}

TEST(kex_blobs_have_the_sizes_of_the_drafts)
{
	static const struct {
		const char *name;
		size_t init, reply, secret;
	} rows[] = {
		{ "mlkem768x25519-sha256", 1184 + 32, 1088 + 32, 4 + 32 },
		{ "mlkem768nistp256-sha256", 1184 + 65, 1088 + 65, 4 + 32 },
		{ "sntrup761x25519-sha512", 1158 + 32, 1039 + 32, 4 + 64 },
		{ "curve25519-sha256", 32, 32, 0 },
		{ "ecdh-sha2-nistp521", 133, 133, 0 },
	};

	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		struct outcome o;
		struct reader r;

		run(find(rows[i].name), random_of(i), &o);
		CHECK_INT(o.init.len, rows[i].init);
		CHECK_INT(o.reply.len, rows[i].reply);
		r = reader_of(buf_span(&o.client));
		if (rows[i].secret != 0) {
			CHECK_INT(o.client.len, rows[i].secret);
			read_string(&r);
		} else {
			read_mpint(&r);
		}
		CHECK_INT(read_end(&r), 0);
		release(&o);
	}
}

TEST(kex_hybrid_secret_is_the_hash_of_both_secrets)
{
	const struct kex_algorithm *a = find("mlkem768x25519-sha256");
	uint8_t client_bytes[96], server_bytes[64], both[64], hash[DIGEST_MAX];
	uint8_t ek[MLKEM768_PUBLIC_SIZE], dk[MLKEM768_SECRET_SIZE];
	uint8_t public_value[X25519_SIZE];
	struct outcome o;
	struct x25519 *x;
	struct reader r;

	/* The engine draws: KEM seed, X25519; then m, X25519. */
	run(a, random_of(7), &o);
	CHECK_INT(random_fill(random_of(7), client_bytes, 64), 0);
	CHECK_INT(random_fill(&source, client_bytes + 64, 32), 0);
	CHECK_INT(random_fill(&source, server_bytes, 32), 0);
	CHECK_INT(random_fill(&source, server_bytes + 32, 32), 0);
	CHECK_INT(mlkem768_keygen(ek, dk, client_bytes), 0);
	CHECK_SPAN(span_of(o.init.data, sizeof(ek)), span_of(ek, sizeof(ek)));
	CHECK_INT(mlkem768_decaps(both, o.reply.data, dk), 0);
	CHECK_INT(x25519_new(client_bytes + 64, &x, public_value), 0);
	CHECK_SPAN(
	    span_of(o.init.data + sizeof(ek), 32), span_of(public_value, 32));
	CHECK_INT(x25519_agree(x, o.reply.data + 1088, both + 32), 0);
	x25519_free(x);
	CHECK_INT(digest_of(DIGEST_SHA256, span_of(both, 64), hash), 0);
	r = reader_of(buf_span(&o.client));
	CHECK_SPAN(read_string(&r), span_of(hash, 32));
	release(&o);
}

TEST(kex_public_values_are_hashed_as_the_method_demands)
{
	struct buf out = BUF_INIT;
	struct span value = unit_hex("80ff");

	kex_write_public(find("curve25519-sha256"), &out, value);
	CHECK_SPAN(buf_span(&out), unit_hex("00000002 80ff"));
	buf_clear(&out);
	kex_write_public(find("diffie-hellman-group14-sha256"), &out, value);
	CHECK_SPAN(buf_span(&out), unit_hex("00000003 0080ff"));
	buf_release(&out);
}

/* ---- what peers may send instead ---- */

static int
serve(const struct kex_algorithm *a, struct span init)
{
	struct buf reply = BUF_INIT, secret = BUF_INIT;
	int r = kex_server_reply(
	    a, group_for(a), 256, random_of(1), init, &reply, &secret);

	CHECK(r == 0 || secret.len == 0);
	buf_release(&reply);
	buf_release(&secret);
	return r;
}

TEST(kex_server_refuses_every_truncated_or_longer_init)
{
	for (size_t i = 0; kex_row(i) != NULL; i++) {
		const struct kex_algorithm *a = kex_row(i);
		uint8_t longer[2048] = { 0 };
		struct outcome o;
		size_t step;

		if ((a->flags & KEX_MPINT) != 0)
			continue; /* any shorter number is a number */
		run(a, random_of(i), &o);
		step = o.init.len > 256 ? 53 : 1;
		for (size_t n = 0; n < o.init.len; n += step)
			CHECK_INT(serve(a, span_of(o.init.data, n)), ERR_KEX);
		CHECK_INT(
		    serve(a, span_of(o.init.data, o.init.len - 1)), ERR_KEX);
		memcpy(longer, o.init.data, o.init.len);
		CHECK_INT(serve(a, span_of(longer, o.init.len + 1)), ERR_KEX);
		release(&o);
	}
}

TEST(kex_client_refuses_every_truncated_or_longer_reply)
{
	for (size_t i = 0; kex_row(i) != NULL; i++) {
		const struct kex_algorithm *a = kex_row(i);
		struct buf init = BUF_INIT, secret = BUF_INIT;
		uint8_t longer[2048] = { 0 };
		struct kex_client *k;
		struct outcome o;
		size_t step;

		if ((a->flags & KEX_MPINT) != 0)
			continue;
		run(a, random_of(i), &o);
		CHECK_INT(
		    kex_client_new(a, NULL, 256, random_of(i), &k, &init), 0);
		step = o.reply.len > 256 ? 53 : 1;
		for (size_t n = 0; n < o.reply.len; n += step)
			CHECK_INT(kex_client_finish(
				      k, span_of(o.reply.data, n), &secret),
			    ERR_KEX);
		memcpy(longer, o.reply.data, o.reply.len);
		CHECK_INT(kex_client_finish(
			      k, span_of(longer, o.reply.len + 1), &secret),
		    ERR_KEX);
		CHECK_INT(secret.len, 0);
		kex_client_free(k);
		buf_release(&init);
		release(&o);
	}
}

TEST(kex_refuses_a_zero_point_and_a_bad_kem_key)
{
	uint8_t init[MLKEM768_PUBLIC_SIZE + X25519_SIZE];

	memset(init, 0, sizeof(init));
	CHECK_INT(serve(find("curve25519-sha256"), span_of(init, 32)), ERR_KEX);
	CHECK_INT(
	    serve(find("mlkem768x25519-sha256"), span_of(init, sizeof(init))),
	    ERR_KEX);
	memset(init, 0xff, sizeof(init)); /* coefficients of 4095 */
	CHECK_INT(
	    serve(find("mlkem768x25519-sha256"), span_of(init, sizeof(init))),
	    ERR_KEX);
	CHECK_INT(
	    serve(find("diffie-hellman-group14-sha256"), span_of("\1", 1)),
	    ERR_KEX);
}

/* A changed ciphertext is no error: both ends go on with other secrets, and
 * the signature on the exchange hash does not fit. */
TEST(kex_changed_ciphertext_gives_another_secret)
{
	static const char *const names[] = { "mlkem768x25519-sha256",
		"sntrup761x25519-sha512" };

	for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
		struct buf init = BUF_INIT, reply = BUF_INIT;
		struct buf server = BUF_INIT, client = BUF_INIT;
		const struct kex_algorithm *a = find(names[i]);
		struct kex_client *k;

		CHECK_INT(
		    kex_client_new(a, NULL, 256, random_of(i), &k, &init), 0);
		CHECK_INT(kex_server_reply(a, NULL, 256, &source,
			      buf_span(&init), &reply, &server),
		    0);
		reply.data[100] ^= 4;
		CHECK_INT(kex_client_finish(k, buf_span(&reply), &client), 0);
		CHECK_INT(client.len, server.len);
		CHECK(!span_equal(buf_span(&client), buf_span(&server)));
		kex_client_free(k);
		buf_release(&init);
		buf_release(&reply);
		buf_release(&server);
		buf_release(&client);
	}
}

static int
no_randomness(void *context, uint8_t *out, size_t len)
{
	return ERR_RANDOM;
}

TEST(kex_without_randomness_fails)
{
	static const struct random_source none = { no_randomness, NULL };
	static const char *const names[] = { "mlkem768x25519-sha256",
		"sntrup761x25519-sha512", "curve25519-sha256" };

	for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
		struct buf init = BUF_INIT;
		struct kex_client *k;

		CHECK_INT(
		    kex_client_new(find(names[i]), NULL, 256, &none, &k, &init),
		    ERR_RANDOM);
		buf_release(&init);
	}
}

/* ---- moduli ---- */

TEST(kex_asks_for_groups_by_the_strength_of_the_cipher)
{
	CHECK_INT(kex_group_bits(112), 3072);
	CHECK_INT(kex_group_bits(128), 3072);
	CHECK_INT(kex_group_bits(192), 7680);
	CHECK_INT(kex_group_bits(256), 8192);
}

/* A line with a number of so many bits, whose lowest byte is id. */
static void
put_modulus(struct buf *out, const char *head, unsigned bits, unsigned id)
{
	buf_printf(out, "%s %u 2 ", head, bits - 1);
	for (unsigned i = 0; i < bits / 4 - 2; i++)
		buf_printf(out, i == 0 ? "8" : "0");
	buf_printf(out, "%02X\n", id);
}

#define GOOD "20220714110357 2 6 100"

static struct moduli *
parse(struct buf *text, size_t *bad)
{
	struct moduli *m;

	CHECK_INT(moduli_parse(buf_span(text), &m, bad), 0);
	buf_release(text);
	return m;
}

TEST(moduli_choose_takes_the_smallest_that_is_large_enough)
{
	struct buf text = BUF_INIT;
	struct moduli *m;
	size_t bad;

	buf_printf(&text, "# a comment\n\n   \n");
	put_modulus(&text, GOOD, 2048, 1);
	put_modulus(&text, GOOD, 3072, 3);
	put_modulus(&text, GOOD, 4096, 5);
	put_modulus(&text, GOOD, 3072, 7);
	m = parse(&text, &bad);
	CHECK_INT(bad, 0);
	CHECK_INT(moduli_choose(m, random_of(1), 2048, 2048, 8192)->bits, 2048);
	CHECK_INT(moduli_choose(m, random_of(1), 2048, 2049, 8192)->bits, 3072);
	CHECK_INT(moduli_choose(m, random_of(1), 2048, 8192, 8192)->bits, 4096);
	CHECK_INT(moduli_choose(m, random_of(1), 2048, 8192, 4000)->bits, 3072);
	CHECK_INT(moduli_choose(m, random_of(1), 3000, 1024, 8192)->bits, 3072);
	/* Nothing fits: the built-in ones. */
	CHECK(moduli_choose(m, random_of(1), 5000, 8192, 8192) ==
	      dh_group_by_number(18));
	CHECK(moduli_choose(NULL, random_of(1), 2048, 3072, 8192) ==
	      dh_group_by_number(16));
	CHECK(moduli_choose(NULL, random_of(1), 1024, 1024, 2047) == NULL);
	moduli_free(m);
}

TEST(moduli_choose_takes_each_of_the_best_size_in_turn)
{
	struct buf text = BUF_INIT;
	bool seen[256] = { false };
	struct moduli *m;

	for (unsigned id = 1; id < 8; id += 2)
		put_modulus(&text, GOOD, 2048, id);
	m = parse(&text, NULL);
	random_of(3);
	for (int i = 0; i < 200; i++) {
		const struct dh_group *g =
		    moduli_choose(m, &source, 2048, 2048, 2048);

		CHECK_INT(g->prime.len, 256);
		CHECK_SPAN(g->generator, unit_hex("02"));
		seen[g->prime.ptr[255]] = true;
	}
	CHECK(seen[1] && seen[3] && seen[5] && seen[7]);
	moduli_free(m);
}

TEST(moduli_parse_skips_and_counts_bad_lines)
{
	/* clang-format off */
	static const char *const heads[] = {
		"20220714110357 4 6 100",       /* not a safe prime */
		"20220714110357 2 0 100",       /* untested */
		"20220714110357 2 2 100",       /* sieved only */
		"20220714110357 2 7 100",       /* composite */
		"20220714110357 2 6 0",         /* no tries */
		"20220714110357 2 6 x",
		"20220714110357 2 6 -1",
		"20220714110357 2 6 99999999999999999999",
		"20220714110357 2 6",           /* a field too few */
		"20220714110357 2 6 100 1",     /* and one too many */
	};
	/* clang-format on */
	struct buf text = BUF_INIT;
	struct moduli *m;
	size_t bad;

	for (size_t i = 0; i < ARRAY_COUNT(heads); i++)
		put_modulus(&text, heads[i], 2048, 1);
	buf_printf(&text, GOOD " 2047 2 8000\n"); /* size is wrong */
	buf_printf(&text, GOOD " 15 2 80g1\n");
	buf_printf(&text, GOOD " 15 0 8001\n");
	buf_printf(&text, GOOD " 15 2 0\n");
	buf_printf(&text, GOOD " 15 2\n");
	buf_printf(&text, GOOD " 15 2 8001"); /* good: no newline */
	m = parse(&text, &bad);
	CHECK_INT(bad, ARRAY_COUNT(heads) + 5);
	CHECK_INT(moduli_choose(m, random_of(1), 1, 16, 16)->bits, 16);
	moduli_free(m);
}

TEST(moduli_parse_of_nothing_is_empty)
{
	struct buf text = BUF_INIT;
	struct moduli *m = parse(&text, NULL);

	CHECK(moduli_choose(m, random_of(1), 2048, 2048, 8192) ==
	      dh_group_by_number(14));
	moduli_free(m);
	moduli_free(NULL);
}
