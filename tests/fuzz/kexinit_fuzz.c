/*
 * kexinit_fuzz.c - a peer's KEXINIT, and what we agree upon with it.
 * RFC 4253 s7.1.
 */
#include <string.h>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/transport/transport_impl.h"
#include "tests/fuzz/engine.h"
#include "tests/fuzz/fuzz.h"

/* What was chosen is in both lists. */
static void
check_choice(const char *chosen, const char *ours, struct span theirs)
{
	REQUIRE(list_has(span_text(ours), span_text(chosen)));
	REQUIRE(list_has(theirs, span_text(chosen)));
}

static void
check_negotiation(const struct proposal *p, const struct kexinit *peer,
    const struct negotiation *n)
{
	check_choice(n->kex->name, p->kex, peer->list[PROPOSAL_KEX]);
	check_choice(
	    n->host_key->name, p->host_key, peer->list[PROPOSAL_HOST_KEY]);
	for (int i = 0; i < 2; i++) {
		check_choice(n->cipher[i]->name, p->cipher,
		    peer->list[PROPOSAL_CIPHER_OUT_C + i]);
		REQUIRE((n->mac[i] == NULL) ==
			((n->cipher[i]->flags & CIPHER_AEAD) != 0));
		if (n->mac[i] != NULL)
			check_choice(n->mac[i]->name, p->mac,
			    peer->list[PROPOSAL_MAC_OUT_C + i]);
		check_choice(n->compress[i] ? "zlib@openssh.com" : "none",
		    p->compression, peer->list[PROPOSAL_COMPRESSION_OUT_C + i]);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proposal p;
	struct kexinit peer;
	struct error e = { 0 };

	if (kexinit_parse(span_of(data, size), &peer) != 0)
		return 0;
	engine_reset();
	for (int role = 0; role < 2; role++) {
		struct negotiation n;
		int r;

		REQUIRE(proposal_init(&p,
			    engine_config(
				(enum transport_role)role, ENGINE_CIPHERS),
			    &e) == 0);
		error_clear(&e);
		r = kexinit_negotiate(
		    &p, &peer, (enum transport_role)role, &n, &e);
		if (r == 0)
			check_negotiation(&p, &peer, &n);
		else
			REQUIRE(r == ERR_NO_MATCH &&
				fuzz_is_printable(span_text(e.text), false));
		proposal_release(&p);
	}
	return 0;
}

void
fuzz_seeds(void)
{
	engine_reset();
	for (int role = 0; role < 2; role++) {
		struct buf seed = BUF_INIT;
		struct proposal p;
		struct error e = { 0 };
		const struct transport_config *c =
		    engine_config((enum transport_role)role, ENGINE_CIPHERS);

		REQUIRE(proposal_init(&p, c, &e) == 0);
		REQUIRE(kexinit_write(&p, c->role, role == 0, role != 0,
			    c->random, &seed) == 0);
		fuzz_seed(role == 0 ? "client" : "server", buf_span(&seed));
		proposal_release(&p);
		buf_release(&seed);
	}
}
