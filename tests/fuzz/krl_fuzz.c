/*
 * krl_fuzz.c - key revocation lists: one key looked up in the bytes, the
 * whole read, written again and read again.
 *
 * Input: the file.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/key/certificate.h"
#include "common/key/krl.h"
#include "common/key/krl_impl.h"
#include "tests/fuzz/engine.h"
#include "tests/fuzz/fuzz.h"

/* A certificate of the host key for itself, number 7. */
static struct key *
certificate(void)
{
	static struct key *k;
	const struct strings nobody = STRINGS_INIT;
	const struct certificate_request q = {
		.kind = CERTIFICATE_USER,
		.serial = 7,
		.key_id = "id",
		.principals = &nobody,
	};

	if (k == NULL)
		REQUIRE(
		    certificate_sign(engine_host_key(), &q, engine_host_key(),
			signature_find(span_text("ssh-ed25519")), &k) == 0);
	return k;
}

/* What is written is read as the same, and no larger. */
static void
write_again(struct krl *l, bool revoked)
{
	struct buf file = BUF_INIT, again = BUF_INIT;
	struct krl *copy = krl_new();
	bool same;

	REQUIRE(copy != NULL);
	REQUIRE(krl_write(l, l->date, &file) == 0);
	REQUIRE(
	    krl_file_check(buf_span(&file), certificate(), &same, NULL) == 0);
	REQUIRE(same == revoked);
	REQUIRE(krl_read(copy, buf_span(&file), NULL) == 0);
	REQUIRE(krl_write(copy, l->date, &again) == 0);
	REQUIRE(span_equal(buf_span(&file), buf_span(&again)));
	krl_free(copy);
	buf_release(&file);
	buf_release(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span file = span_of(data, size);
	struct krl *l = krl_new();
	struct error e = { 0 };
	bool revoked, in_memory;
	int r, s;

	REQUIRE(l != NULL);
	r = krl_file_check(file, certificate(), &revoked, &e);
	REQUIRE((r == 0) == (e.text[0] == '\0'));
	s = krl_read(l, file, NULL);
	REQUIRE(s == r || s == ERR_LIMIT);
	if (s == 0) {
		REQUIRE(krl_check(l, certificate(), &in_memory) == 0);
		REQUIRE(in_memory == revoked);
		write_again(l, revoked);
	}
	krl_free(l);
	return 0;
}

void
fuzz_seeds(void)
{
	struct key *k = engine_host_key();
	struct krl *l = krl_new();
	struct buf seed = BUF_INIT;
	uint8_t hash[KRL_SHA256_SIZE] = { 1 };

	REQUIRE(l != NULL && krl_write(l, 1, &seed) == 0);
	fuzz_seed("empty", buf_span(&seed));
	REQUIRE(krl_set_comment(l, "c") == 0 && krl_revoke_key(l, k) == 0);
	REQUIRE(krl_revoke_sha1(l, span_of(hash, KRL_SHA1_SIZE)) == 0);
	REQUIRE(krl_revoke_sha256(l, span_of(hash, KRL_SHA256_SIZE)) == 0);
	REQUIRE(krl_revoke_key_id(l, key_blob(k), span_text("id")) == 0);
	REQUIRE(krl_revoke_serials(l, key_blob(k), 7, 7) == 0);
	for (uint64_t i = 1; i < 9; i++)
		REQUIRE(krl_revoke_serials(
			    l, span_of(NULL, 0), 3 * i, 3 * i + 1) == 0);
	REQUIRE(krl_revoke_serials(l, span_of(NULL, 0), 900, 99999) == 0);
	buf_clear(&seed);
	REQUIRE(krl_write(l, 1, &seed) == 0);
	fuzz_seed("all", buf_span(&seed));
	krl_free(l);
	buf_release(&seed);
}
