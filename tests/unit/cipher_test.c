/*
 * cipher_test.c - ciphers against NIST SP 800-38A and the GCM submission,
 * and chacha20-poly1305@openssh.com against a composition of its own.
 */
#include "common/crypto/cipher.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/evp.h>

#include "common/base/error.h"
#include "tests/unit/unit.h"

/* SP 800-38A F: the four blocks of all its examples. */
static const char plain[] =
    "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710";

static const char key128[] = "2b7e151628aed2a6abf7158809cf4f3c";
static const char key192[] = "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b";
static const char key256[] =
    "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4";
static const char counter[] = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";
static const char iv0[] = "000102030405060708090a0b0c0d0e0f";

static struct cipher *
make(const char *name, enum cipher_direction d, struct span key, struct span iv)
{
	const struct cipher_algorithm *a = cipher_find(span_text(name));
	struct cipher *c;

	CHECK(a != NULL);
	CHECK_INT(key.len, a->key_size);
	CHECK_INT(iv.len, a->iv_size);
	CHECK_INT(cipher_new(a, d, key.ptr, iv.ptr, &c), 0);
	return c;
}

/* Encrypted and decrypted in steps of one block and of three. */
static void
check_stream(
    const char *name, const char *key, const char *iv, const char *want)
{
	struct span in = unit_hex(plain);
	uint8_t data[64];
	struct cipher *e, *d;

	e = make(name, CIPHER_ENCRYPT, unit_hex(key), unit_hex(iv));
	d = make(name, CIPHER_DECRYPT, unit_hex(key), unit_hex(iv));
	memcpy(data, in.ptr, sizeof(data));
	CHECK_INT(cipher_crypt(e, data, 16), 0);
	CHECK_INT(cipher_crypt(e, data + 16, 48), 0);
	CHECK_SPAN(span_of(data, sizeof(data)), unit_hex(want));
	CHECK_INT(cipher_crypt(d, data, 48), 0);
	CHECK_INT(cipher_crypt(d, data + 48, 16), 0);
	CHECK_SPAN(span_of(data, sizeof(data)), in);
	cipher_free(e);
	cipher_free(d);
}

TEST(ctr_gives_the_answers_of_sp_800_38a)
{
	check_stream("aes128-ctr", key128, counter,
	    "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff"
	    "5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee");
	check_stream("aes192-ctr", key192, counter,
	    "1abc932417521ca24f2b0459fe7e6e0b090339ec0aa6faefd5ccc2c6f4ce8e94"
	    "1e36b26bd1ebc670d1bd1d665620abf74f78a7f6d29809585a97daec58c6b050");
	check_stream("aes256-ctr", key256, counter,
	    "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5"
	    "2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6");
}

TEST(cbc_gives_the_answers_of_sp_800_38a)
{
	check_stream("aes128-cbc", key128, iv0,
	    "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
	    "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7");
}

/* The GCM submission's test case 3: no authenticated text apart. */
TEST(gcm_gives_the_answer_of_its_specification)
{
	struct span key = unit_hex("feffe9928665731c6d6a8f9467308308");
	struct span iv = unit_hex("cafebabefacedbaddecaf888");
	struct span in = unit_hex(
	    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
	    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255");
	uint8_t data[64], tag[16];
	struct cipher *c;

	c = make("aes128-gcm@openssh.com", CIPHER_ENCRYPT, key, iv);
	memcpy(data, in.ptr, sizeof(data));
	CHECK_INT(cipher_seal_data(c, data, sizeof(data), tag), 0);
	CHECK_SPAN(span_of(data, sizeof(data)),
	    unit_hex("42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e23"
		     "29aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac97"
		     "3d58e091473f5985"));
	CHECK_SPAN(
	    span_of(tag, 16), unit_hex("4d5c2af327cd64a62cf35abd2ba6fab4"));
	cipher_free(c);
	c = make("aes128-gcm@openssh.com", CIPHER_DECRYPT, key, iv);
	CHECK_INT(cipher_open_data(c, data, sizeof(data), tag), 0);
	CHECK_SPAN(span_of(data, sizeof(data)), in);
	cipher_free(c);
}

/* What one call of OpenSSL's AEAD makes of a packet. */
static void
one_shot(const char *name, const uint8_t *key, const uint8_t *iv,
    const uint8_t *aad, size_t aad_len, const uint8_t *in, size_t len,
    uint8_t *out, uint8_t *tag)
{
	EVP_CIPHER *evp = EVP_CIPHER_fetch(NULL, name, NULL);
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;

	CHECK_INT(EVP_EncryptInit_ex2(ctx, evp, key, iv, NULL), 1);
	if (aad_len > 0)
		CHECK_INT(
		    EVP_EncryptUpdate(ctx, NULL, &n, aad, (int)aad_len), 1);
	CHECK_INT(EVP_EncryptUpdate(ctx, out, &n, in, (int)len), 1);
	CHECK_INT(EVP_EncryptFinal_ex(ctx, out + n, &n), 1);
	CHECK_INT(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, tag), 1);
	EVP_CIPHER_CTX_free(ctx);
	EVP_CIPHER_free(evp);
}

/* RFC 5647 s7.1: the counter in the last 8 bytes wraps; the first 4 stay. */
TEST(gcm_counts_invocations_as_rfc_5647_says)
{
	struct span key = unit_hex(key256);
	struct span iv = unit_hex("01020304fffffffffffffffe");
	static const char *const nonces[] = { "01020304fffffffffffffffe",
		"01020304ffffffffffffffff", "010203040000000000000000",
		"010203040000000000000001" };
	struct cipher *e, *d;

	e = make("aes256-gcm@openssh.com", CIPHER_ENCRYPT, key, iv);
	d = make("aes256-gcm@openssh.com", CIPHER_DECRYPT, key, iv);
	for (size_t i = 0; i < ARRAY_COUNT(nonces); i++) {
		uint8_t packet[4 + 32 + 16] = { 0, 0, 0, 32, 5, 6 };
		uint8_t want[32], tag[16], copy[36];

		memcpy(copy, packet, sizeof(copy));
		one_shot("AES-256-GCM", key.ptr, unit_hex(nonces[i]).ptr,
		    packet, 4, packet + 4, 32, want, tag);
		CHECK_INT(cipher_seal(e, 99, packet, 32), 0);
		CHECK_SPAN(span_of(packet, 4), span_of(copy, 4));
		CHECK_SPAN(span_of(packet + 4, 32), span_of(want, 32));
		CHECK_SPAN(span_of(packet + 36, 16), span_of(tag, 16));
		CHECK_INT(cipher_open(d, 7, packet, 32), 0);
		CHECK_SPAN(span_of(packet, 36), span_of(copy, 36));
	}
	cipher_free(e);
	cipher_free(d);
}

/* RFC 8439 s2.5, by big numbers: the accumulator modulo 2^130 - 5. */
static void
poly1305(const uint8_t key[static 32], const uint8_t *data, size_t len,
    uint8_t tag[static 16])
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *p = BN_new(), *r, *s, *a = BN_new(), *n = BN_new();
	uint8_t clamped[16], block[17];

	memcpy(clamped, key, 16);
	for (int i = 3; i < 16; i += 4)
		clamped[i] &= 15;
	for (int i = 4; i < 16; i += 4)
		clamped[i] &= 252;
	r = BN_lebin2bn(clamped, 16, NULL);
	s = BN_lebin2bn(key + 16, 16, NULL);
	BN_set_bit(p, 130);
	BN_sub_word(p, 5);
	BN_zero(a);
	for (size_t at = 0; at < len; at += 16) {
		size_t size = len - at < 16 ? len - at : 16;

		memcpy(block, data + at, size);
		block[size] = 1;
		BN_lebin2bn(block, (int)size + 1, n);
		BN_add(a, a, n);
		BN_mod_mul(a, a, r, p, ctx);
	}
	BN_add(a, a, s);
	BN_mask_bits(a, 128);
	BN_bn2lebinpad(a, tag, 16);
	BN_free(p);
	BN_free(r);
	BN_free(s);
	BN_free(a);
	BN_free(n);
	BN_CTX_free(ctx);
}

/*
 * The composition again from other parts: RFC 8439's AEAD with the nonce
 * 0^4 ‖ seqnr has the same key stream from block 1 on; its block 0 and the
 * tag are made by hand.
 */
TEST(chacha20_poly1305_is_composed_as_described)
{
	uint8_t key[64], block0[64] = { 0 }, zeros[64] = { 0 };
	struct cipher *c;

	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(3 * i + 1);
	c = make("chacha20-poly1305@openssh.com", CIPHER_ENCRYPT,
	    span_of(key, 64), span_of(NULL, 0));
	for (uint32_t i = 0; i < 40; i++) {
		uint32_t seqnr = i * 0x06789abd;
		size_t len = 8 + 8 * (size_t)i;
		uint8_t packet[4 + 400 + 16] = { 0, 0, 1, 2 }, want[420];
		uint8_t nonce[16] = { 0 }, tag[16];
		EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
		int n;

		for (size_t j = 0; j < len; j++)
			packet[4 + j] = (uint8_t)(i + j);
		for (int j = 0; j < 4; j++)
			nonce[12 + j] = (uint8_t)(seqnr >> (24 - 8 * j));
		/* K_1, block 0: the length. */
		CHECK_INT(EVP_EncryptInit_ex2(
			      ctx, EVP_chacha20(), key + 32, nonce, NULL),
		    1);
		CHECK_INT(EVP_EncryptUpdate(ctx, want, &n, packet, 4), 1);
		/* K_2, block 0: the key of Poly1305. */
		CHECK_INT(
		    EVP_EncryptInit_ex2(ctx, EVP_chacha20(), key, nonce, NULL),
		    1);
		CHECK_INT(EVP_EncryptUpdate(ctx, block0, &n, zeros, 64), 1);
		EVP_CIPHER_CTX_free(ctx);
		/* RFC 8439's nonce is 96 bits: 0^4, then the same 8. */
		one_shot("ChaCha20-Poly1305", key, nonce + 4, NULL, 0,
		    packet + 4, len, want + 4, tag);
		poly1305(block0, want, 4 + len, tag);
		CHECK_INT(cipher_seal(c, seqnr, packet, len), 0);
		CHECK_SPAN(span_of(packet, 4 + len), span_of(want, 4 + len));
		CHECK_SPAN(span_of(packet + 4 + len, 16), span_of(tag, 16));
	}
	cipher_free(c);
}

TEST(poly1305_of_this_test_gives_the_answer_of_rfc_8439)
{
	const char *text = "Cryptographic Forum Research Group";
	uint8_t tag[16];

	poly1305(unit_hex("85d6be7857556d337f4452fe42d506a8"
			  "0103808afb0db2fd4abff6af4149f51b")
		     .ptr,
	    (const uint8_t *)text, strlen(text), tag);
	CHECK_SPAN(
	    span_of(tag, 16), unit_hex("a8061dc1305136c6c22b8baf0c0127a9"));
}

static struct cipher *
copy_of(const struct cipher *c, enum cipher_direction d)
{
	struct buf state = BUF_SECRET_INIT;
	struct cipher *copy;
	struct reader r;

	CHECK_INT(cipher_export(c, &state), 0);
	for (size_t cut = 0; cut < state.len; cut++) {
		r = reader_of(span_of(state.data, cut));
		CHECK(cipher_import(&r, d, &copy) != 0);
	}
	r = reader_of(buf_span(&state));
	CHECK_INT(cipher_import(&r, d, &copy), 0);
	CHECK_INT(read_end(&r), 0);
	buf_release(&state);
	return copy;
}

static int
process(struct cipher *c, enum cipher_direction d, uint32_t seqnr,
    uint8_t *packet, size_t len)
{
	if (!(cipher_algorithm(c)->flags & CIPHER_AEAD))
		return cipher_crypt(c, packet + 4, len);
	return d == CIPHER_ENCRYPT ? cipher_seal(c, seqnr, packet, len)
				   : cipher_open(c, seqnr, packet, len);
}

/* Two ends run on; now and then each is replaced by its exported copy. */
TEST(ciphers_go_on_after_export_and_import)
{
	const struct cipher_algorithm *a;
	uint8_t key[64], iv[16];

	for (size_t i = 0; i < 64; i++) {
		key[i] = (uint8_t)(i * 11);
		iv[i % 16] = 0xff; /* so that counters carry */
	}
	for (size_t i = 0; (a = cipher_row(i)) != NULL; i++) {
		struct cipher *e, *d, *copy;

		CHECK_INT(cipher_new(a, CIPHER_ENCRYPT, key, iv, &e), 0);
		CHECK_INT(cipher_new(a, CIPHER_DECRYPT, key, iv, &d), 0);
		for (uint32_t n = 0; n < 12; n++) {
			uint8_t packet[4 + 96 + 16] = { 0, 0, 0, 96 };
			uint8_t clear[96];
			uint32_t length;

			for (size_t j = 0; j < 96; j++)
				clear[j] = packet[4 + j] = (uint8_t)(n * j);
			CHECK_INT(process(e, CIPHER_ENCRYPT, n, packet, 96), 0);
			if (a->key_size > 0)
				CHECK(memcmp(packet + 4, clear, 96) != 0);
			if (a->flags & CIPHER_LENGTH_HIDDEN) {
				CHECK_INT(
				    cipher_open_length(d, n, packet, &length),
				    0);
				CHECK_INT(length, 96);
			}
			CHECK_INT(process(d, CIPHER_DECRYPT, n, packet, 96), 0);
			CHECK_SPAN(span_of(packet + 4, 96), span_of(clear, 96));
			copy = copy_of(e, CIPHER_ENCRYPT);
			cipher_free(e);
			e = copy;
			if (n % 3 == 0) {
				copy = copy_of(d, CIPHER_DECRYPT);
				cipher_free(d);
				d = copy;
			}
		}
		cipher_free(e);
		cipher_free(d);
	}
}

TEST(aead_refuses_every_flipped_bit_and_shows_no_plaintext)
{
	const struct cipher_algorithm *a;
	uint8_t key[64] = { 5 }, iv[16] = { 6 };

	for (size_t i = 0; (a = cipher_row(i)) != NULL; i++) {
		uint8_t sealed[4 + 16 + 16] = { 0, 0, 0, 16 }, clear[36];
		struct cipher *e;

		if (!(a->flags & CIPHER_AEAD))
			continue;
		CHECK_INT(cipher_new(a, CIPHER_ENCRYPT, key, iv, &e), 0);
		memset(sealed + 4, 0x41, 16);
		memcpy(clear, sealed, sizeof(clear));
		CHECK_INT(cipher_seal(e, 3, sealed, 16), 0);
		for (size_t bit = 0; bit < 8 * sizeof(sealed); bit++) {
			uint8_t bad[sizeof(sealed)];
			struct cipher *d;

			CHECK_INT(
			    cipher_new(a, CIPHER_DECRYPT, key, iv, &d), 0);
			memcpy(bad, sealed, sizeof(bad));
			bad[bit / 8] ^= (uint8_t)(1 << (bit % 8));
			CHECK_INT(cipher_open(d, 3, bad, 16), ERR_MAC);
			CHECK(memcmp(bad + 4, clear + 4, 8) != 0);
			CHECK(memcmp(bad + 12, clear + 12, 8) != 0);
			cipher_free(d);
		}
		cipher_free(e);
	}
}

TEST(chacha20_poly1305_refuses_another_sequence_number)
{
	uint8_t key[64] = { 9 }, packet[4 + 8 + 16] = { 0, 0, 0, 8 };
	struct span no_iv = span_of(NULL, 0);
	struct cipher *e, *d;

	e = make("chacha20-poly1305@openssh.com", CIPHER_ENCRYPT,
	    span_of(key, 64), no_iv);
	d = make("chacha20-poly1305@openssh.com", CIPHER_DECRYPT,
	    span_of(key, 64), no_iv);
	CHECK_INT(cipher_seal(e, 5, packet, 8), 0);
	CHECK_INT(cipher_open(d, 6, packet, 8), ERR_MAC);
	CHECK_INT(cipher_open(d, 5, packet, 8), 0);
	cipher_free(e);
	cipher_free(d);
}

TEST(block_ciphers_refuse_parts_of_blocks_and_wrong_calls)
{
	uint8_t data[64] = { 0 };
	struct cipher *c;

	c = make("aes128-ctr", CIPHER_ENCRYPT, unit_hex(key128), unit_hex(iv0));
	CHECK_INT(cipher_crypt(c, data, 15), ERR_ARGUMENT);
	CHECK_INT(cipher_seal(c, 0, data, 16), ERR_ARGUMENT);
	cipher_free(c);
	c = make("aes128-gcm@openssh.com", CIPHER_DECRYPT, unit_hex(key128),
	    unit_hex("000102030405060708090a0b"));
	CHECK_INT(cipher_crypt(c, data, 16), ERR_ARGUMENT);
	CHECK_INT(cipher_seal(c, 0, data, 16), ERR_ARGUMENT);
	cipher_free(c);
	CHECK(cipher_find(span_text("aes128")) == NULL);
}
