/*
 * kexinit_test.c - proposals and what is agreed upon. RFC 4253 s7.1.
 */
#include <string.h>

#include "common/base/error.h"
#include "common/transport/transport_impl.h"
#include "tests/unit/unit.h"

static const struct transport_config config = {
	.kex_algorithms = "curve25519-sha256,no-such-kex,ecdh-sha2-nistp256",
	.host_key_algorithms = "ssh-ed25519,rsa-sha2-512",
	.ciphers = "aes128-ctr,aes128-gcm@openssh.com",
	.macs = "hmac-sha2-256,hmac-sha1",
	.compression = "none,zlib@openssh.com",
};

static struct buf
written(const struct transport_config *c, enum transport_role role, bool first,
    bool guess)
{
	struct proposal p;
	struct buf b = BUF_INIT;
	struct error e = { 0 };

	CHECK_INT(proposal_init(&p, c, &e), 0);
	CHECK_INT(kexinit_write(&p, role, first, guess, &random_fast, &b), 0);
	proposal_release(&p);
	return b;
}

/* What a client with `ours` and a server with `theirs` come to. */
static int
negotiate(const struct transport_config *ours,
    const struct transport_config *theirs, enum transport_role role,
    struct negotiation *n, struct error *e)
{
	struct buf b = written(theirs,
	    role == TRANSPORT_CLIENT ? TRANSPORT_SERVER : TRANSPORT_CLIENT,
	    true, false);
	struct kexinit k;
	struct proposal p;
	int r;

	CHECK_INT(proposal_init(&p, ours, e), 0);
	CHECK_INT(kexinit_parse(buf_span(&b), &k), 0);
	r = kexinit_negotiate(&p, &k, role, n, e);
	proposal_release(&p);
	buf_release(&b);
	return r;
}

TEST(what_is_written_is_read_back)
{
	struct buf b = written(&config, TRANSPORT_SERVER, true, true);
	struct kexinit k;

	CHECK_INT(kexinit_parse(buf_span(&b), &k), 0);
	CHECK_SPAN(k.list[PROPOSAL_KEX],
	    span_text("curve25519-sha256,ecdh-sha2-nistp256,ext-info-s,"
		      "kex-strict-s-v00@openssh.com"));
	CHECK_SPAN(k.list[PROPOSAL_CIPHER_OUT_S],
	    span_text("aes128-ctr,aes128-gcm@openssh.com"));
	CHECK(k.first_kex_packet_follows);
	buf_release(&b);
}

TEST(a_later_kexinit_has_no_markers)
{
	struct buf b = written(&config, TRANSPORT_CLIENT, false, false);
	struct kexinit k;

	CHECK_INT(kexinit_parse(buf_span(&b), &k), 0);
	CHECK_SPAN(k.list[PROPOSAL_KEX],
	    span_text("curve25519-sha256,ecdh-sha2-nistp256"));
	buf_release(&b);
}

TEST(every_truncated_kexinit_is_refused)
{
	struct buf b = written(&config, TRANSPORT_CLIENT, true, false);
	struct kexinit k;

	for (size_t n = 0; n < b.len; n++)
		CHECK(kexinit_parse(span_of(b.data, n), &k) != 0);
	write_byte(&b, 0);
	CHECK_INT(kexinit_parse(buf_span(&b), &k), ERR_TRAILING);
	buf_release(&b);
}

TEST(names_with_control_bytes_are_refused)
{
	struct buf b = written(&config, TRANSPORT_CLIENT, true, false);
	struct kexinit k;

	b.data[1 + 16 + 4 + 3] = '\033';
	CHECK_INT(kexinit_parse(buf_span(&b), &k), ERR_FORMAT);
	b.data[1 + 16 + 4 + 3] = ' ';
	CHECK_INT(kexinit_parse(buf_span(&b), &k), ERR_FORMAT);
	b.data[1 + 16 + 4 + 3] = 0;
	CHECK_INT(kexinit_parse(buf_span(&b), &k), ERR_FORMAT);
	buf_release(&b);
}

TEST(the_clients_order_decides)
{
	struct transport_config a = config, b = config;
	struct negotiation n;
	struct error e = { 0 };

	a.kex_algorithms = "ecdh-sha2-nistp384,ecdh-sha2-nistp256,"
			   "curve25519-sha256";
	a.ciphers = "aes256-ctr,aes128-gcm@openssh.com,aes128-ctr";
	a.macs = "hmac-sha1";
	CHECK_INT(negotiate(&a, &b, TRANSPORT_CLIENT, &n, &e), 0);
	CHECK_TEXT(n.kex->name, "ecdh-sha2-nistp256");
	CHECK_TEXT(n.cipher[0]->name, "aes128-gcm@openssh.com");
	CHECK(n.mac[0] == NULL);
	CHECK(!n.guess_right);
	CHECK_INT(negotiate(&b, &a, TRANSPORT_SERVER, &n, &e), 0);
	CHECK_TEXT(n.kex->name, "ecdh-sha2-nistp256");
}

TEST(an_aead_cipher_needs_no_common_mac)
{
	struct transport_config a = config, b = config;
	struct negotiation n;
	struct error e = { 0 };

	a.ciphers = "aes128-gcm@openssh.com";
	a.macs = "hmac-sha2-512";
	b.macs = "hmac-sha1";
	CHECK_INT(negotiate(&a, &b, TRANSPORT_CLIENT, &n, &e), 0);
	a.ciphers = "aes128-ctr";
	CHECK_INT(negotiate(&a, &b, TRANSPORT_CLIENT, &n, &e), ERR_NO_MATCH);
	CHECK_TEXT(e.text, "no matching MAC found. Their offer: hmac-sha1");
}

TEST(the_sentence_names_what_does_not_match)
{
	struct negotiation n;
	struct error e = { 0 };
	struct transport_config a;

	a = config;
	a.kex_algorithms = "ecdh-sha2-nistp521";
	CHECK_INT(
	    negotiate(&a, &config, TRANSPORT_CLIENT, &n, &e), ERR_NO_MATCH);
	CHECK_TEXT(e.text,
	    "no matching key exchange method found. Their offer: "
	    "curve25519-sha256,ecdh-sha2-nistp256,ext-info-s,"
	    "kex-strict-s-v00@openssh.com");
	a = config;
	a.ciphers = "aes256-ctr";
	CHECK_INT(
	    negotiate(&a, &config, TRANSPORT_CLIENT, &n, &e), ERR_NO_MATCH);
	CHECK(strncmp(e.text, "no matching cipher found. Their offer: ", 39) ==
	      0);
	a = config;
	a.host_key_algorithms = "ecdsa-sha2-nistp256";
	CHECK_INT(
	    negotiate(&a, &config, TRANSPORT_CLIENT, &n, &e), ERR_NO_MATCH);
	CHECK(strncmp(e.text,
		  "no matching host key type found. Their offer: ", 46) == 0);
	a = config;
	a.compression = "zlib@openssh.com";
	CHECK_INT(negotiate(&a, &config, TRANSPORT_CLIENT, &n, &e), 0);
	CHECK(n.compress[0] && n.compress[1]);
}

TEST(a_list_without_a_known_name_is_a_bad_configuration)
{
	struct transport_config c = config;
	struct proposal p;
	struct error e = { 0 };

	c.macs = "hmac-none,what";
	CHECK_INT(proposal_init(&p, &c, &e), ERR_CONFIG);
	c = config;
	c.ciphers = "none";
	CHECK_INT(proposal_init(&p, &c, &e), ERR_CONFIG);
	c.ciphers = NULL;
	CHECK_INT(proposal_init(&p, &c, &e), ERR_CONFIG);
}

TEST(the_markers_are_never_agreed_upon)
{
	struct transport_config evil = config;
	struct proposal p;
	struct negotiation n;
	struct error e = { 0 };
	struct buf b = BUF_INIT;
	struct kexinit k;

	/* A server that offers nothing but the client's own marker. */
	CHECK_INT(proposal_init(&p, &evil, &e), 0);
	write_byte(&b, SSH_MSG_KEXINIT);
	for (int i = 0; i < 16; i++)
		write_byte(&b, 0);
	write_text(&b, "ext-info-c,kex-strict-c-v00@openssh.com");
	for (int i = 1; i < PROPOSAL_COUNT; i++)
		write_text(&b, "x");
	write_boolean(&b, false);
	write_uint32(&b, 0);
	CHECK_INT(kexinit_parse(buf_span(&b), &k), 0);
	CHECK_INT(
	    kexinit_negotiate(&p, &k, TRANSPORT_CLIENT, &n, &e), ERR_NO_MATCH);
	proposal_release(&p);
	buf_release(&b);
}
