/*
 * kexinit.c - what each end offers, and what comes out of it.
 * RFC 4253 s7.1, RFC 8308 s2.1, strict key exchange.
 *
 *   byte      SSH_MSG_KEXINIT
 *   byte[16]  cookie
 *   name-list kex, host key, ciphers (c2s, s2c), MACs, compression, languages
 *   boolean   first_kex_packet_follows
 *   uint32    0
 */
#include "common/transport/transport_impl.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"

#define COOKIE_SIZE   16
#define NAME_LIST_MAX (16u * 1024)
#define ZLIB          "zlib@openssh.com"

/* ---- proposals ---- */

static bool
known_kex(struct span name)
{
	return kex_find(name) != NULL;
}

static bool
known_host_key(struct span name)
{
	return signature_find(name) != NULL;
}

static bool
known_cipher(struct span name)
{
	const struct cipher_algorithm *a = cipher_find(name);

	return a != NULL && (a->flags & CIPHER_INTERNAL) == 0;
}

static bool
known_mac(struct span name)
{
	return mac_find(name) != NULL;
}

static bool
known_compression(struct span name)
{
	return span_is(name, "none") || span_is(name, ZLIB);
}

/* The names of list that exist here, in order. */
static int
filter(const char *list, bool (*known)(struct span), const char *what,
    char **ret, struct error *e)
{
	struct span rest = span_text(list), name;
	struct buf out = BUF_INIT;

	while (list_next(&rest, &name)) {
		if (!known(name))
			continue;
		if (out.len > 0)
			write_byte(&out, ',');
		write_span(&out, name);
	}
	if (out.len == 0 && buf_error(&out) == 0)
		return error_set(e, ERR_CONFIG, "no supported %s in \"%s\"",
		    what, list != NULL ? list : "");
	if ((*ret = buf_take_text(&out)) == NULL)
		return error_set(e, ERR_MEMORY, "out of memory");
	return 0;
}

int
proposal_init(
    struct proposal *p, const struct transport_config *c, struct error *e)
{
	int r;

	memset(p, 0, sizeof *p);
	if ((r = filter(c->kex_algorithms, known_kex, "key exchange method",
		 &p->kex, e)) != 0 ||
	    (r = filter(c->host_key_algorithms, known_host_key,
		 "host key algorithm", &p->host_key, e)) != 0 ||
	    (r = filter(c->ciphers, known_cipher, "cipher", &p->cipher, e)) !=
		0 ||
	    (r = filter(c->macs, known_mac, "MAC", &p->mac, e)) != 0 ||
	    (r = filter(c->compression, known_compression, "compression method",
		 &p->compression, e)) != 0)
		proposal_release(p);
	return r;
}

void
proposal_release(struct proposal *p)
{
	free(p->kex);
	free(p->host_key);
	free(p->cipher);
	free(p->mac);
	free(p->compression);
	memset(p, 0, sizeof *p);
}

int
kexinit_write(const struct proposal *p, enum transport_role role, bool first,
    bool guess, const struct random_source *random, struct buf *out)
{
	const char *const twice[] = { p->cipher, p->mac, p->compression, "" };
	uint8_t cookie[COOKIE_SIZE];
	size_t mark;
	int r;

	if ((r = random_fill(random, cookie, sizeof cookie)) != 0)
		return r;
	write_byte(out, SSH_MSG_KEXINIT);
	write_bytes(out, cookie, sizeof cookie);
	mark = write_string_begin(out);
	write_span(out, span_text(p->kex));
	/* The markers count in the first KEXINIT of a connection only. */
	if (first)
		write_span(
		    out, span_text(
			     role == TRANSPORT_CLIENT
				 ? ",ext-info-c,kex-strict-c-v00@openssh.com"
				 : ",ext-info-s,kex-strict-s-v00@openssh.com"));
	write_string_end(out, mark);
	write_text(out, p->host_key);
	for (size_t i = 0; i < ARRAY_COUNT(twice); i++) {
		write_text(out, twice[i]);
		write_text(out, twice[i]);
	}
	write_boolean(out, guess);
	write_uint32(out, 0);
	return buf_error(out);
}

/* RFC 4251 s6: names are printable US-ASCII without blanks. */
static bool
is_name_list(struct span s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] <= 0x20 || s.ptr[i] >= 0x7f)
			return false;
	return true;
}

int
kexinit_parse(struct span payload, struct kexinit *ret)
{
	struct reader rd = reader_of(payload);
	struct kexinit k;
	int r;

	if (read_byte(&rd) != SSH_MSG_KEXINIT)
		return ERR_FORMAT;
	(void)read_bytes(&rd, COOKIE_SIZE);
	for (size_t i = 0; i < PROPOSAL_COUNT; i++)
		k.list[i] = read_string_max(&rd, NAME_LIST_MAX);
	k.first_kex_packet_follows = read_boolean(&rd);
	(void)read_uint32(&rd);
	if ((r = read_end(&rd)) != 0)
		return r;
	/* The language lists are not looked at. */
	for (size_t i = 0; i < PROPOSAL_LANGUAGE_C; i++)
		if (!is_name_list(k.list[i]))
			return ERR_FORMAT;
	*ret = k;
	return 0;
}

/* ---- negotiation ---- */

struct bargain {
	enum transport_role role;
	const struct kexinit *peer;
	struct error *e;
};

/* RFC 4253 s7.1: the client's first that the server has too. */
static int
agree(const struct bargain *b, const char *ours, enum proposal_list list,
    const char *what, struct span *ret)
{
	struct span peer = b->peer->list[list], mine = span_text(ours);
	struct span name = b->role == TRANSPORT_CLIENT
			       ? list_first_common(mine, peer)
			       : list_first_common(peer, mine);

	if (name.len == 0)
		return error_set(b->e, ERR_NO_MATCH,
		    "no matching %s found. Their offer: %.*s", what,
		    (int)peer.len, (const char *)peer.ptr);
	*ret = name;
	return 0;
}

static bool
same_first(const char *ours, struct span theirs)
{
	struct span mine = span_text(ours), a, b;

	return list_next(&mine, &a) && list_next(&theirs, &b) &&
	       span_equal(a, b);
}

static int
agree_direction(const struct bargain *b, const struct proposal *ours,
    unsigned direction, struct negotiation *n)
{
	struct span name;
	int r;

	if ((r = agree(b, ours->cipher, PROPOSAL_CIPHER_OUT_C + direction,
		 "cipher", &name)) != 0)
		return r;
	n->cipher[direction] = cipher_find(name);
	n->mac[direction] = NULL;
	if ((n->cipher[direction]->flags & CIPHER_AEAD) == 0) {
		if ((r = agree(b, ours->mac, PROPOSAL_MAC_OUT_C + direction,
			 "MAC", &name)) != 0)
			return r;
		n->mac[direction] = mac_find(name);
	}
	if ((r = agree(b, ours->compression,
		 PROPOSAL_COMPRESSION_OUT_C + direction, "compression method",
		 &name)) != 0)
		return r;
	n->compress[direction] = span_is(name, ZLIB);
	return 0;
}

int
kexinit_negotiate(const struct proposal *ours, const struct kexinit *peer,
    enum transport_role role, struct negotiation *ret, struct error *e)
{
	struct bargain b = { role, peer, e };
	struct negotiation n = { 0 };
	struct span name;
	int r;

	if ((r = agree(&b, ours->kex, PROPOSAL_KEX, "key exchange method",
		 &name)) != 0)
		return r;
	n.kex = kex_find(name);
	if ((r = agree(&b, ours->host_key, PROPOSAL_HOST_KEY, "host key type",
		 &name)) != 0)
		return r;
	n.host_key = signature_find(name);
	for (unsigned direction = 0; direction < 2; direction++)
		if ((r = agree_direction(&b, ours, direction, &n)) != 0)
			return r;
	n.guess_right =
	    same_first(ours->kex, peer->list[PROPOSAL_KEX]) &&
	    same_first(ours->host_key, peer->list[PROPOSAL_HOST_KEY]);
	*ret = n;
	return 0;
}
