/*
 * bcrypt_pbkdf_test.c - the password KDF against published vectors and a key
 * file of Debian's ssh-keygen.
 */
#include "common/crypto/bcrypt_pbkdf.h"

#include <string.h>

#include <openssl/evp.h>

#include "common/base/error.h"
#include "common/base/text.h"
#include "tests/unit/unit.h"

static struct span
text(const char *s)
{
	return span_of(s, strlen(s));
}

TEST(bcrypt_pbkdf_gives_the_published_keys)
{
	uint8_t key[88];

	CHECK_INT(bcrypt_pbkdf(text("password"), text("salt"), 12, key, 32), 0);
	CHECK_SPAN(
	    span_of(key, 32), unit_hex("1ae42c05d487bc02f64921a4ebe4ea93"
				       "bcacfe135fda99974c06b7b01fae149a"));
	CHECK_INT(bcrypt_pbkdf(span_of("passwordy\0PASSWORD\0", 19),
		      span_of("salty\0SALT\0", 11), 3, key, 32),
	    0);
	CHECK_SPAN(
	    span_of(key, 32), unit_hex("7f310bd3e78c3280c59ce4595211a292"
				       "8e8d4ec744c1ed2efc9f764e3388e0ad"));
	/* More than one block: the bytes of the blocks take turns. */
	CHECK_INT(bcrypt_pbkdf(
		      text("\xd1\x81\xd0\xb5\xd0\xba\xd1\x80\xd0\xb5\xd1\x82"
			   "\xd0\xbd\xd0\xbe\xd0\xb5 \xd1\x81\xd0\xbb\xd0\xbe"
			   "\xd0\xb2\xd0\xbe"),
		      text("\xd0\xbf\xd0\xbe\xd1\x81\xd0\xbe\xd0\xbb\xd0\xb8"
			   "\xd1\x82\xd1\x8c \xd0\xbd\xd0\xb5\xd0\xbc\xd0\xbd"
			   "\xd0\xbe\xd0\xb6\xd0\xba\xd0\xbe"),
		      8, key, 88),
	    0);
	CHECK_SPAN(span_of(key, 88),
	    unit_hex("8df43fc6fe131fc47f0c9e39224bd94c70b6fcc8ee8135fa"
		     "ddf61156e6cb2733ea765f315a3e1e4afc35bf8687d18925"
		     "4c1e05a6fe80c0617f9183d67260d6a115c6c94e3603e230"
		     "3fbb43a76a64523ffda686b1d4518543"));
}

TEST(bcrypt_pbkdf_refuses_what_makes_no_sense)
{
	uint8_t key[1025];
	struct span none = span_of("", 0);

	CHECK_INT(bcrypt_pbkdf(none, text("s"), 1, key, 32), ERR_ARGUMENT);
	CHECK_INT(bcrypt_pbkdf(text("p"), none, 1, key, 32), ERR_ARGUMENT);
	CHECK_INT(bcrypt_pbkdf(text("p"), text("s"), 0, key, 32), ERR_ARGUMENT);
	CHECK_INT(bcrypt_pbkdf(text("p"), text("s"), 1, key, 0), ERR_ARGUMENT);
	CHECK_INT(
	    bcrypt_pbkdf(text("p"), text("s"), 1, key, 1025), ERR_ARGUMENT);
	CHECK_INT(bcrypt_pbkdf(text("p"), text("s"), 1, key, 1), 0);
}

/* The lines between the first and the last, decoded. */
static void
read_armour(struct span file, struct buf *out)
{
	struct buf copy = BUF_INIT;
	const char *begin, *end;

	write_span(&copy, file);
	begin = strchr(buf_text(&copy), '\n') + 1;
	end = strstr(begin, "-----END");
	CHECK(end != NULL);
	CHECK_INT(base64_read(out, span_of(begin, (size_t)(end - begin))), 0);
	buf_release(&copy);
}

static void
decrypt(const uint8_t key_iv[static 48], struct span in, uint8_t *out)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int len;

	CHECK_INT(
	    EVP_DecryptInit_ex(c, EVP_aes_256_ctr(), NULL, key_iv, key_iv + 32),
	    1);
	CHECK_INT(EVP_DecryptUpdate(c, out, &len, in.ptr, (int)in.len), 1);
	CHECK_INT(len, (long long)in.len);
	EVP_CIPHER_CTX_free(c);
}

/* Does the password open the file: are the two check words equal? */
static bool
opens(const char *password, struct buf *ret_plain)
{
	struct span file = unit_vector_file("ed25519_encrypted.openssh");
	struct buf bytes = BUF_INIT;
	struct reader r, options, plain;
	uint8_t key_iv[48], out[1024];
	struct span salt, secret;
	uint32_t rounds;

	read_armour(file, &bytes);
	r = reader_of(buf_span(&bytes));
	CHECK_SPAN(read_bytes(&r, 15), span_of("openssh-key-v1", 15));
	CHECK(span_is(read_string(&r), "aes256-ctr"));
	CHECK(span_is(read_string(&r), "bcrypt"));
	options = reader_of(read_string(&r));
	salt = read_string(&options);
	rounds = read_uint32(&options);
	CHECK_INT(read_end(&options), 0);
	CHECK_INT(read_uint32(&r), 1);
	read_string(&r);
	secret = read_string(&r);
	CHECK_INT(read_end(&r), 0);
	CHECK(secret.len <= sizeof(out));
	CHECK_INT(bcrypt_pbkdf(text(password), salt, rounds, key_iv, 48), 0);
	decrypt(key_iv, secret, out);
	write_bytes(ret_plain, out, secret.len);
	buf_release(&bytes);
	plain = reader_of(buf_span(ret_plain));
	return read_uint32(&plain) == read_uint32(&plain);
}

TEST(bcrypt_pbkdf_opens_a_key_file_of_ssh_keygen)
{
	struct buf plain = BUF_INIT;
	struct reader r;

	CHECK(opens("correct horse", &plain));
	r = reader_of(buf_span(&plain));
	read_uint64(&r);
	CHECK(span_is(read_string(&r), "ssh-ed25519"));
	CHECK_INT(read_string(&r).len, 32);
	CHECK_INT(read_string(&r).len, 64);
	CHECK(span_is(read_string(&r), "bcrypt test"));
	CHECK_INT(read_error(&r), 0);
	buf_clear(&plain);
	CHECK(!opens("correct horsf", &plain));
	buf_release(&plain);
}
