/*
 * krl_test.c - key revocation lists: written, read, damaged.
 */
#include "common/key/krl.h"

#include <stdlib.h>
#include <string.h>

#include "common/crypto/digest.h"
#include "common/crypto/random.h"
#include "common/key/certificate.h"
#include "common/key/krl_impl.h"
#include "common/key/revocation.h"
#include "tests/unit/unit.h"

static struct key *
generate(void)
{
	struct key *k;

	CHECK_INT(key_generate("ed25519", 0, &k, NULL), 0);
	return k;
}

static struct key *
certify(const struct key *subject, const struct key *ca, uint64_t serial,
    const char *id)
{
	const struct strings nobody = STRINGS_INIT;
	const struct certificate_request q = {
		.kind = CERTIFICATE_USER,
		.serial = serial,
		.key_id = id,
		.principals = &nobody,
		.valid_before = CERTIFICATE_FOREVER,
	};
	struct key *k;

	CHECK_INT(certificate_sign(subject, &q, ca,
		      key_choose_signature(ca, span_of(NULL, 0)), &k),
	    0);
	return k;
}

/* By the list in memory, by its bytes, and by those read again. */
static bool
is_revoked(struct krl *l, const struct key *k)
{
	struct buf file = BUF_INIT;
	struct krl *again = krl_new();
	bool a, b, c;

	CHECK_INT(krl_write(l, 1700000000, &file), 0);
	CHECK_INT(krl_check(l, k, &a), 0);
	CHECK_INT(krl_file_check(buf_span(&file), k, &b, NULL), 0);
	CHECK_INT(krl_read(again, buf_span(&file), NULL), 0);
	CHECK_INT(krl_check(again, k, &c), 0);
	CHECK_INT(b, a);
	CHECK_INT(c, a);
	krl_free(again);
	buf_release(&file);
	return a;
}

TEST(listed_keys_are_revoked_as_they_are_and_by_hashes)
{
	struct key *k = generate(), *other = generate();
	uint8_t hash[DIGEST_MAX];

	for (int form = 0; form < 3; form++) {
		struct krl *l = krl_new();
		struct key *certificate = certify(k, other, 1, "x");
		struct key *issued = certify(other, k, 1, "x");

		CHECK(!is_revoked(l, k));
		switch (form) {
		case 0:
			CHECK_INT(krl_revoke_key(l, k), 0);
			break;
		case 1:
			CHECK_INT(digest_of(DIGEST_SHA1, key_blob(k), hash), 0);
			CHECK_INT(krl_revoke_sha1(l, span_of(hash, 20)), 0);
			break;
		default:
			CHECK_INT(
			    digest_of(DIGEST_SHA256, key_blob(k), hash), 0);
			CHECK_INT(krl_revoke_sha256(l, span_of(hash, 32)), 0);
		}
		CHECK(is_revoked(l, k));
		CHECK(!is_revoked(l, other));
		CHECK(is_revoked(l, certificate)); /* its key */
		CHECK(is_revoked(l, issued));      /* its CA */
		key_unref(certificate);
		key_unref(issued);
		krl_free(l);
	}
	key_unref(k);
	key_unref(other);
}

TEST(certificates_are_revoked_by_serial_and_id_of_one_or_of_any_ca)
{
	struct key *k = generate(), *ca = generate(), *other_ca = generate();
	struct key *by_serial = certify(k, ca, 7, "seven");
	struct key *by_id = certify(k, ca, 0, "zero");
	struct key *elsewhere = certify(k, other_ca, 7, "zero");

	for (int any = 0; any < 2; any++) {
		struct span blob = any ? span_of(NULL, 0) : key_blob(ca);
		struct krl *l = krl_new();

		CHECK_INT(krl_revoke_serials(l, blob, 7, 7), 0);
		CHECK(is_revoked(l, by_serial));
		CHECK(!is_revoked(l, by_id));
		CHECK_INT(is_revoked(l, elsewhere), any);
		CHECK(!is_revoked(l, k));
		CHECK(!is_revoked(l, ca));
		krl_free(l);

		l = krl_new();
		CHECK_INT(krl_revoke_key_id(l, blob, span_text("zero")), 0);
		CHECK(!is_revoked(l, by_serial));
		CHECK(is_revoked(l, by_id));
		CHECK_INT(is_revoked(l, elsewhere), any);
		krl_free(l);
	}
	key_unref(k);
	key_unref(ca);
	key_unref(other_ca);
	key_unref(by_serial);
	key_unref(by_id);
	key_unref(elsewhere);
}

TEST(a_certificate_is_listed_by_serial_or_by_id_and_its_key_stays_good)
{
	struct key *k = generate(), *ca = generate();
	struct key *numbered = certify(k, ca, 5, "same");
	struct key *bare = certify(k, ca, 0, "same");
	struct krl *l = krl_new();

	CHECK_INT(krl_revoke_key(l, numbered), 0);
	CHECK(is_revoked(l, numbered));
	CHECK(!is_revoked(l, bare));
	CHECK(!is_revoked(l, k));
	CHECK_INT(krl_revoke_key(l, bare), 0);
	CHECK(is_revoked(l, bare));
	CHECK(!is_revoked(l, k));
	krl_free(l);
	key_unref(k);
	key_unref(ca);
	key_unref(numbered);
	key_unref(bare);
}

TEST(what_cannot_be_revoked_is_refused)
{
	struct krl *l = krl_new();
	struct span any = span_of(NULL, 0);

	CHECK_INT(krl_revoke_serials(l, any, 0, 4), ERR_ARGUMENT);
	CHECK_INT(krl_revoke_serials(l, any, 5, 4), ERR_ARGUMENT);
	CHECK_INT(krl_revoke_sha1(l, span_text("short")), ERR_ARGUMENT);
	CHECK_INT(krl_revoke_sha256(l, span_text("short")), ERR_ARGUMENT);
	krl_free(l);
}

/* ---- serial numbers ---- */

static void
check_ranges(const struct krl_ca *ca, const struct krl_range *want, size_t n)
{
	CHECK_INT(ca->range_count, n);
	for (size_t i = 0; i < n; i++) {
		CHECK_INT(ca->range[i].first, want[i].first);
		CHECK_INT(ca->range[i].last, want[i].last);
	}
}

TEST(ranges_are_joined_and_sorted)
{
	static const struct krl_range given[] = { { 500, 600 }, { 1, 4 },
		{ 700, 799 }, { 10, 10 }, { 599, 701 }, { 5, 5 },
		{ UINT64_MAX, UINT64_MAX }, { UINT64_MAX - 2, UINT64_MAX - 1 },
		{ 3, 3 } };
	static const struct krl_range want[] = { { 1, 5 }, { 10, 10 },
		{ 500, 799 }, { UINT64_MAX - 2, UINT64_MAX } };
	struct krl *l = krl_new();

	for (size_t i = 0; i < ARRAY_COUNT(given); i++)
		CHECK_INT(krl_revoke_serials(l, span_of(NULL, 0),
			      given[i].first, given[i].last),
		    0);
	CHECK_INT(krl_settle(l), 0);
	check_ranges(&l->ca[0], want, ARRAY_COUNT(want));
	krl_free(l);
}

/* The kinds of subsections that were written, as letters. */
static void
kinds_of(struct span section, char *out)
{
	struct reader rd = reader_of(section);

	while (rd.len > 0) {
		switch (read_byte(&rd)) {
		case KRL_SERIAL_LIST:
			*out++ = 'L';
			break;
		case KRL_SERIAL_RANGE:
			*out++ = 'R';
			break;
		case KRL_SERIAL_BITMAP:
			*out++ = 'B';
			break;
		default:
			FAIL("an unknown subsection");
		}
		read_string(&rd);
	}
	CHECK_INT(read_end(&rd), 0);
	*out = '\0';
}

TEST(serials_take_the_smallest_form)
{
	static const struct {
		struct krl_range range[12];
		size_t count;
		const char *kinds;
		size_t bytes;
	} cases[] = {
		{ { { 9, 9 } }, 1, "L", 5 + 8 },
		{ { { 1, 1000000 } }, 1, "R", 5 + 16 },
		{ { { 1, 2 }, { 1000000, 1000000 } }, 2, "L", 5 + 24 },
		{ { { 1, 1 }, { 3, 3 }, { 5, 5 }, { 7, 7 }, { 9, 9 } }, 5, "B",
		    5 + 8 + 4 + 2 },
		{ { { 1, 9999 }, { 20000, 20000 }, { 20002, 20002 },
		      { 20004, 20004 }, { 20006, 20006 }, { 1000000, 1000000 },
		      { 3000000, 3000000 } },
		    7, "RBL", 21 + 18 + 21 },
	};
	char kinds[64];

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		struct buf out = BUF_INIT;

		CHECK_INT(
		    krl_write_serials(&out, cases[i].range, cases[i].count), 0);
		kinds_of(buf_span(&out), kinds);
		CHECK_TEXT(kinds, cases[i].kinds);
		CHECK_INT(out.len, cases[i].bytes);
		buf_release(&out);
	}
}

/* Ranges of all lengths and gaps, close to both ends of 64 bits. */
static size_t
random_ranges(struct random_seeded *s, struct krl_range *out, size_t count)
{
	struct random_source random = random_seeded_source(s);
	uint64_t at, bits[2];
	size_t n;

	CHECK_INT(random_fill(&random, bits, sizeof(bits)), 0);
	at = (bits[0] & 1) ? 1 + bits[1] % 100 : UINT64_MAX - bits[1] % 3000000;
	for (n = 0; n < count; n++) {
		CHECK_INT(random_fill(&random, bits, sizeof(bits)), 0);
		out[n].first = at;
		out[n].last = at + (bits[0] >> 8) % (1ULL << (bits[0] & 15));
		if (out[n].last < at)
			out[n].last = UINT64_MAX;
		at =
		    out[n].last + 2 + (bits[1] >> 8) % (1ULL << (bits[1] % 18));
		if (at < out[n].last)
			return n + 1;
	}
	return n;
}

TEST(random_ranges_survive_writing_and_reading)
{
	struct krl_range want[200];
	struct random_seeded seed;

	random_seeded_init(&seed, 1);
	for (int i = 0; i < 500; i++) {
		size_t n = random_ranges(&seed, want, 1 + (size_t)i % 200);
		struct krl *l = krl_new(), *again = krl_new();
		struct buf file = BUF_INIT;

		for (size_t j = 0; j < n; j++)
			CHECK_INT(krl_revoke_serials(l, span_of(NULL, 0),
				      want[j].first, want[j].last),
			    0);
		CHECK_INT(krl_write(l, 0, &file), 0);
		CHECK_INT(krl_read(again, buf_span(&file), NULL), 0);
		check_ranges(&again->ca[0], want, n);
		buf_release(&file);
		krl_free(l);
		krl_free(again);
	}
}

TEST(a_hundred_thousand_scattered_serials_are_found)
{
	struct key *k = generate(), *ca = generate();
	struct key *in = certify(k, ca, 123456 * 3, "in");
	struct key *out = certify(k, ca, 123456 * 3 + 1, "out");
	struct krl *l = krl_new();

	for (uint64_t i = 200000; i > 0; i--)
		CHECK_INT(krl_revoke_serials(l, key_blob(ca), 3 * i, 3 * i), 0);
	CHECK(is_revoked(l, in));
	CHECK(!is_revoked(l, out));
	krl_free(l);
	key_unref(k);
	key_unref(ca);
	key_unref(in);
	key_unref(out);
}

/* ---- damage ---- */

/* Every kind of section. */
static void
sample(struct buf *file)
{
	struct key *k = generate(), *ca = generate();
	struct krl *l = krl_new();
	uint8_t hash[32];

	memset(hash, 3, sizeof(hash));
	CHECK_INT(krl_set_comment(l, "a comment"), 0);
	CHECK_INT(krl_revoke_key(l, k), 0);
	CHECK_INT(krl_revoke_key(l, ca), 0);
	CHECK_INT(krl_revoke_sha1(l, span_of(hash, 20)), 0);
	CHECK_INT(krl_revoke_sha256(l, span_of(hash, 32)), 0);
	CHECK_INT(krl_revoke_key_id(l, key_blob(ca), span_text("id")), 0);
	CHECK_INT(krl_revoke_serials(l, key_blob(ca), 5, 5), 0);
	CHECK_INT(krl_revoke_serials(l, key_blob(ca), 1000, 90000), 0);
	for (uint64_t i = 1; i < 40; i++)
		CHECK_INT(
		    krl_revoke_serials(l, span_of(NULL, 0), i * 3, i * 3), 0);
	CHECK_INT(krl_write(l, 1700000000, file), 0);
	krl_free(l);
	key_unref(k);
	key_unref(ca);
}

static int
check_both(struct span file, const struct key *k)
{
	struct krl *l = krl_new();
	struct error e = { 0 };
	bool revoked, again;
	int r = krl_file_check(file, k, &revoked, &e);
	int s = krl_read(l, file, NULL);

	CHECK_INT(s, r);
	CHECK((r == 0) == (e.text[0] == '\0'));
	if (r == 0) {
		CHECK_INT(krl_check(l, k, &again), 0);
		CHECK_INT(again, revoked);
	}
	krl_free(l);
	return r;
}

TEST(every_cut_is_an_error)
{
	struct key *k = generate();
	struct buf file = BUF_INIT;

	sample(&file);
	CHECK_INT(check_both(buf_span(&file), k), 0);
	for (size_t n = 0; n < file.len; n++) {
		/* Between two sections a shorter list ends in order. */
		int r = check_both(span_of(file.data, n), k);

		CHECK(r == 0 || r == ERR_FORMAT);
	}
	CHECK_INT(check_both(span_of(file.data, file.len - 1), k), ERR_FORMAT);
	write_byte(&file, 1);
	CHECK_INT(check_both(buf_span(&file), k), ERR_FORMAT);
	buf_release(&file);
	key_unref(k);
}

TEST(two_thousand_mutations_are_an_error_or_a_list)
{
	struct key *k = generate(), *ca = generate();
	struct key *c = certify(k, ca, 7, "id");
	struct random_seeded seed;
	struct random_source random;
	struct buf file = BUF_INIT;
	int refused = 0;

	random_seeded_init(&seed, 7);
	random = random_seeded_source(&seed);
	sample(&file);
	for (int i = 0; i < 2000; i++) {
		struct buf copy = BUF_INIT;
		uint32_t at[4];

		write_span(&copy, buf_span(&file));
		CHECK_INT(random_fill(&random, at, sizeof(at)), 0);
		for (uint32_t j = 0; j <= at[3] % 3; j++)
			copy.data[at[j] % copy.len] ^=
			    (uint8_t)(1 + at[j] / copy.len % 255);
		refused += check_both(buf_span(&copy), c) != 0;
		buf_release(&copy);
	}
	CHECK(refused > 300);
	buf_release(&file);
	key_unref(k);
	key_unref(ca);
	key_unref(c);
}

/* A header, then what is given in hexadecimal. */
static int
check_sections(const char *hex, struct error *e)
{
	struct key *k = generate(), *ca = generate();
	struct key *c = certify(k, ca, 7, "id");
	struct buf file = BUF_INIT;
	bool revoked = false;
	int r;

	write_uint64(&file, KRL_MAGIC);
	write_uint32(&file, 1);
	write_uint64(&file, 1);
	write_uint64(&file, 2);
	write_uint64(&file, 0);
	write_text(&file, "reserved for whatever");
	write_text(&file, "comment");
	write_span(&file, unit_hex(hex));
	r = krl_file_check(buf_span(&file), c, &revoked, e);
	if (r == 0)
		r = revoked;
	buf_release(&file);
	key_unref(k);
	key_unref(ca);
	key_unref(c);
	return r;
}

#define CERTIFICATES(length) "01 000000" length " 00000000 00000000 "

TEST(sections_of_any_order_and_kind_are_judged)
{
	struct error e = { 0 };

	CHECK_INT(check_sections("", &e), 0);
	/* list of 9 and 7; range; bitmap of 5 with the bits 0 and 2 */
	CHECK_INT(check_sections(
		      CERTIFICATES("1d") "20 00000010"
					 "0000000000000009 0000000000000007",
		      &e),
	    1);
	CHECK_INT(check_sections(
		      CERTIFICATES("1d") "21 00000010"
					 "0000000000000006 0000000000000008",
		      &e),
	    1);
	CHECK_INT(
	    check_sections(CERTIFICATES("1a") "22 0000000d"
					      "0000000000000005 00000001 05",
		&e),
	    1);
	CHECK_INT(
	    check_sections(CERTIFICATES("1a") "22 0000000d"
					      "0000000000000005 00000001 03",
		&e),
	    0);
	/* twice the same, a key id, no subsections */
	CHECK_INT(check_sections(CERTIFICATES("08") CERTIFICATES(
				     "13") "23 00000006 00000002 6964",
		      &e),
	    1);
	/* extensions that are not critical */
	CHECK_INT(
	    check_sections("ff 0000000b 00000001 61 00 00000001 62", &e), 0);
	CHECK_INT(
	    check_sections(CERTIFICATES("18") "39 0000000b"
					      "00000001 61 00 00000001 62",
		&e),
	    0);
}

TEST(sections_that_nobody_knows_are_refused)
{
	struct error e = { 0 };

	CHECK_INT(check_sections("ff 0000000b 00000001 61 01 00000001 62", &e),
	    ERR_UNSUPPORTED);
	CHECK_INT(
	    check_sections(CERTIFICATES("18") "39 0000000b"
					      "00000001 61 01 00000001 62",
		&e),
	    ERR_UNSUPPORTED);
	CHECK_INT(check_sections("04 00000000", &e), ERR_UNSUPPORTED);
	CHECK_TEXT(e.text, "signed key revocation lists are not supported");
	CHECK_INT(check_sections("06 00000000", &e), ERR_UNSUPPORTED);
	CHECK_INT(check_sections(CERTIFICATES("0d") "24 00000000", &e),
	    ERR_UNSUPPORTED);
}

TEST(damaged_sections_are_refused)
{
	static const char *const damaged[] = {
		CERTIFICATES("14") "20 00000007 00000000000009", /* cut */
		CERTIFICATES("1d") "21 00000010"                 /* 8 to 6 */
				   "0000000000000008 0000000000000006",
		CERTIFICATES("1a") "22 0000000d" /* negative */
				   "0000000000000005 00000001 85",
		CERTIFICATES("1a") "22 0000000d" /* beyond 64 bits */
				   "ffffffffffffffff 00000001 02",
		CERTIFICATES("1a") "22 0000000d"
				   "0000000000000005 00000002 05",
		"03 00000005 00000001 61", /* no SHA-1 */
		"05 00000005 00000001 61",
		"02 00000004 00000000", /* an empty key */
		"02 00000004 00000001",
		"02 00000004",
	};
	struct error e = { 0 };

	for (size_t i = 0; i < ARRAY_COUNT(damaged); i++)
		CHECK_INT(check_sections(damaged[i], &e), ERR_FORMAT);
	/* The last number there is may be the highest bit. */
	CHECK_INT(
	    check_sections(CERTIFICATES("1a") "22 0000000d"
					      "ffffffffffffffff 00000001 01",
		&e),
	    0);
}

TEST(a_bitmap_of_too_many_ranges_is_refused_in_memory_alone)
{
	size_t n = KRL_RANGES_MAX / 4 + 8;
	uint8_t *bits = malloc(n);
	struct krl *l = krl_new();
	struct key *k = generate();
	struct buf file = BUF_INIT;
	size_t section, subsection;
	bool revoked = true;

	CHECK(bits != NULL);
	memset(bits, 0x55, n);
	CHECK_INT(krl_write(l, 0, &file), 0);
	write_byte(&file, KRL_CERTIFICATES);
	section = write_string_begin(&file);
	write_text(&file, "");
	write_text(&file, "");
	write_byte(&file, KRL_SERIAL_BITMAP);
	subsection = write_string_begin(&file);
	write_uint64(&file, 5);
	write_string(&file, span_of(bits, n));
	write_string_end(&file, subsection);
	write_string_end(&file, section);
	free(bits);
	CHECK_INT(krl_file_check(buf_span(&file), k, &revoked, NULL), 0);
	CHECK(!revoked);
	CHECK_INT(krl_read(l, buf_span(&file), NULL), ERR_LIMIT);
	krl_free(l);
	key_unref(k);
	buf_release(&file);
}
