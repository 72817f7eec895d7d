/*
 * mac_test.c - packet authentication: HMAC rows against RFC 4231, every row
 * exported and imported.
 */
#include "common/crypto/mac.h"

#include <string.h>

#include "common/base/error.h"
#include "common/crypto/digest.h"
#include "tests/unit/unit.h"

static struct mac *
make(const char *name, const uint8_t *key)
{
	struct mac *m;

	CHECK(mac_find(span_text(name)) != NULL);
	CHECK_INT(mac_new(mac_find(span_text(name)), key, &m), 0);
	return m;
}

/* The sequence number goes first: "Hi T" as a number, then "here". */
TEST(mac_of_seqnr_and_data_is_the_hmac_of_rfc_4231)
{
	/* RFC 4231 case 1 with a key of 20 bytes: zeros behind it, up to the
	 * size of the row, do not change an HMAC. */
	uint8_t key[64] = { 0 }, out[MAC_MAX];
	struct mac *m;

	memset(key, 0x0b, 20);
	m = make("hmac-sha2-256", key);
	CHECK_INT(
	    mac_compute(m, 0x48692054, (const uint8_t *)"here", 4, out), 0);
	CHECK_SPAN(
	    span_of(out, 32), unit_hex("b0344c61d8db38535ca8afceaf0bf12b"
				       "881dc200c9833da726e9376c2e32cff7"));
	mac_free(m);
	m = make("hmac-sha2-512-etm@openssh.com", key);
	CHECK_INT(
	    mac_compute(m, 0x48692054, (const uint8_t *)"here", 4, out), 0);
	CHECK_SPAN(
	    span_of(out, 32), unit_hex("87aa7cdea5ef619d4ff0b4241a1d6cb0"
				       "2379f4e2ce4ec2787ad0b30545e17cde"));
	mac_free(m);
	m = make("hmac-sha1-96", key);
	memset(out, 0, sizeof(out));
	CHECK_INT(
	    mac_compute(m, 0x48692054, (const uint8_t *)"here", 4, out), 0);
	CHECK_SPAN(span_of(out, 14), unit_hex("b617318655057264e28bc0b6 0000"));
	mac_free(m);
}

TEST(mac_goes_on_after_export_and_import)
{
	uint8_t key[64], data[100] = { 3 }, a[MAC_MAX], b[MAC_MAX];
	const struct mac_algorithm *row;

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)i;
	for (size_t i = 0; (row = mac_row(i)) != NULL; i++) {
		struct buf state = BUF_SECRET_INIT;
		struct mac *m, *copy;
		struct reader r;

		CHECK_INT(mac_new(row, key, &m), 0);
		CHECK(mac_algorithm(m) == row);
		CHECK_INT(mac_compute(m, 1, data, sizeof(data), a), 0);
		CHECK_INT(mac_export(m, &state), 0);
		for (size_t cut = 0; cut < state.len; cut++) {
			r = reader_of(span_of(state.data, cut));
			CHECK(mac_import(&r, &copy) != 0);
		}
		r = reader_of(buf_span(&state));
		CHECK_INT(mac_import(&r, &copy), 0);
		CHECK_INT(read_end(&r), 0);
		CHECK_INT(mac_compute(m, 2, data, sizeof(data), a), 0);
		CHECK_INT(mac_compute(copy, 2, data, sizeof(data), b), 0);
		CHECK_SPAN(span_of(a, row->size), span_of(b, row->size));
		mac_free(m);
		mac_free(copy);
		buf_release(&state);
	}
}

TEST(mac_depends_on_key_sequence_number_and_every_byte)
{
	const struct mac_algorithm *row;
	uint8_t key[64] = { 1 }, data[64] = { 2 }, a[MAC_MAX], b[MAC_MAX];

	for (size_t i = 0; (row = mac_row(i)) != NULL; i++) {
		struct mac *m, *other;

		CHECK_INT(mac_new(row, key, &m), 0);
		CHECK_INT(mac_compute(m, 7, data, sizeof(data), a), 0);
		CHECK_INT(mac_compute(m, 8, data, sizeof(data), b), 0);
		CHECK(memcmp(a, b, row->size) != 0);
		for (size_t at = 0; at < sizeof(data); at++) {
			data[at] ^= 1;
			CHECK_INT(mac_compute(m, 7, data, sizeof(data), b), 0);
			CHECK(memcmp(a, b, row->size) != 0);
			data[at] ^= 1;
		}
		key[row->key_size - 1] ^= 1;
		CHECK_INT(mac_new(row, key, &other), 0);
		CHECK_INT(mac_compute(other, 7, data, sizeof(data), b), 0);
		CHECK(memcmp(a, b, row->size) != 0);
		key[row->key_size - 1] ^= 1;
		mac_free(other);
		mac_free(m);
	}
}

TEST(mac_import_refuses_unknown_names_and_wrong_key_sizes)
{
	struct buf b = BUF_INIT;
	struct mac *m;
	struct reader r;

	write_text(&b, "hmac-sha2-257");
	write_text(&b, "k");
	r = reader_of(buf_span(&b));
	CHECK_INT(mac_import(&r, &m), ERR_FORMAT);
	buf_clear(&b);
	write_text(&b, "hmac-sha2-256");
	write_text(&b, "short");
	r = reader_of(buf_span(&b));
	CHECK_INT(mac_import(&r, &m), ERR_FORMAT);
	buf_release(&b);
	CHECK(mac_find(span_text("hmac-sha2-25")) == NULL);
}
