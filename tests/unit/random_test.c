/*
 * random_test.c - sources of randomness.
 */
#include "common/crypto/random.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/file.h"
#include "tests/unit/unit.h"

TEST(random_bytes_are_not_constant)
{
	const struct random_source *all[] = { &random_system, &random_fast };
	uint8_t a[64], b[64];

	for (size_t i = 0; i < 2; i++) {
		memset(a, 0, sizeof(a));
		memset(b, 0, sizeof(b));
		CHECK_INT(random_fill(all[i], a, sizeof(a)), 0);
		CHECK_INT(random_fill(all[i], b, sizeof(b)), 0);
		CHECK(memcmp(a, b, sizeof(a)) != 0);
	}
}

/* Over a length that spans refills and a reseeding, every bit is set about
 * half of the time (6 sigma). */
TEST(random_fast_has_no_bias)
{
	static uint8_t data[3 * 1024 * 1024 + 17];
	long ones = 0, bits = 8L * (long)sizeof(data);

	CHECK_INT(random_fill(&random_fast, data, sizeof(data)), 0);
	for (size_t i = 0; i < sizeof(data); i++)
		ones += __builtin_popcount(data[i]);
	CHECK(labs(2 * ones - bits) < 6 * 5100);
}

TEST(random_fast_gives_no_byte_twice_across_a_fork)
{
	uint8_t warm[16], ours[32], theirs[32];
	int p[2], status;
	pid_t pid;

	CHECK_INT(random_fill(&random_fast, warm, sizeof(warm)), 0);
	CHECK_INT(pipe(p), 0);
	CHECK((pid = fork()) >= 0);
	if (pid == 0) {
		uint8_t child[32];

		_exit(random_fill(&random_fast, child, sizeof(child)) != 0 ||
		      fd_write_all(p[1], child, sizeof(child)) != 0);
	}
	CHECK_INT(random_fill(&random_fast, ours, sizeof(ours)), 0);
	CHECK_INT(fd_read_exact(p[0], theirs, sizeof(theirs)), 0);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(memcmp(ours, theirs, sizeof(ours)) != 0);
}

TEST(random_seeded_repeats_itself)
{
	struct random_seeded one, two, other;
	struct random_source a, b, c;
	uint8_t x[100], y[100], z[100];

	random_seeded_init(&one, 42);
	random_seeded_init(&two, 42);
	random_seeded_init(&other, 43);
	a = random_seeded_source(&one);
	b = random_seeded_source(&two);
	c = random_seeded_source(&other);
	CHECK_INT(random_fill(&a, x, sizeof(x)), 0);
	CHECK_INT(random_fill(&b, y, sizeof(y)), 0);
	CHECK_INT(random_fill(&c, z, sizeof(z)), 0);
	CHECK_SPAN(span_of(x, sizeof(x)), span_of(y, sizeof(y)));
	CHECK(memcmp(x, z, sizeof(x)) != 0);
}
