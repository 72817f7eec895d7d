/*
 * moduli_fuzz.c - the file of groups, and the choice of one.
 * RFC 4419 s3.
 */
#include <string.h>

#include "common/base/error.h"
#include "common/transport/kex_method.h"
#include "tests/fuzz/fuzz.h"

/* What is chosen is within what was asked for. */
static void
check_choice(const struct moduli *m, const struct random_source *random,
    unsigned min, unsigned wanted, unsigned max)
{
	const struct dh_group *g = moduli_choose(m, random, min, wanted, max);

	if (g == NULL)
		return;
	REQUIRE(g->bits >= min && g->bits <= max);
	REQUIRE(g->prime.len == (g->bits + 7) / 8 && g->generator.len != 0);
	REQUIRE(g->prime.ptr[0] != 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct random_seeded seeded;
	struct random_source random;
	struct moduli *m = NULL;
	size_t bad;

	random_seeded_init(&seeded, 3);
	random = random_seeded_source(&seeded);
	if (moduli_parse(span_of(data, size), &m, &bad) == 0) {
		check_choice(m, &random, 1, 16, 16384);
		check_choice(m, &random, 2048, 3072, 8192);
		check_choice(m, &random, 0, 0, 0);
		check_choice(m, &random, 8192, 2048, 1024);
	}
	moduli_free(m);
	return 0;
}

void
fuzz_seeds(void)
{
	fuzz_seed("small",
	    span_text("# Time Type Tests Tries Size Generator Modulus\n"
		      "20230118000000 2 6 100 15 2 CF13\n"
		      "20230118000000 2 6 100 31 5 E4C4F0AB\n"
		      "20230118000000 2 7 100 15 2 CF13\n"));
}
