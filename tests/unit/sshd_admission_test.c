/*
 * sshd_admission_test.c - MaxStartups, PerSourceMaxStartups and penalties.
 */
#include "sshd/admission.h"

#include <string.h>

#include "sshd/penalties.h"
#include "tests/unit/unit.h"

#define SECOND ((uint64_t)1000000)

static struct address
address_of(const char *text)
{
	struct address a;

	CHECK_INT(address_parse(text, &a), 0);
	return a;
}

static struct penalty_rules
rules(void)
{
	struct penalty_rules r = {
		.enabled = true,
		.max_us = 600 * SECOND,
		.min_us = 15 * SECOND,
		.max_sources4 = 65536,
		.max_sources6 = 65536,
		.block_bits4 = 32,
		.block_bits6 = 64,
	};

	r.price_us[PENALTY_CRASH] = 90 * SECOND;
	r.price_us[PENALTY_AUTHFAIL] = 5 * SECOND;
	r.price_us[PENALTY_NOAUTH] = 1 * SECOND;
	return r;
}

TEST(penalties_add_up_until_they_are_enforced)
{
	struct penalty_rules r = rules();
	struct penalties *p = penalties_new(&r);
	struct address a = address_of("192.0.2.1");

	for (int i = 0; i < 3; i++) {
		penalties_add(p, &a, PENALTY_AUTHFAIL, 1);
		CHECK(penalties_check(p, &a, 1) == NULL);
	}
	penalties_add(p, &a, PENALTY_AUTHFAIL, 1);
	CHECK_TEXT(penalties_check(p, &a, 2), "penalty: failed authentication");
	penalties_free(p);
}

TEST(a_refused_source_stays_refused_until_all_is_paid)
{
	struct penalty_rules r = rules();
	struct penalties *p = penalties_new(&r);
	struct address a = address_of("192.0.2.1");

	penalties_add(p, &a, PENALTY_CRASH, 0);
	CHECK(penalties_check(p, &a, 89 * SECOND) != NULL);
	CHECK(penalties_check(p, &a, 90 * SECOND) == NULL);
	penalties_free(p);
}

TEST(a_penalty_has_a_ceiling)
{
	struct penalty_rules r = rules();
	struct penalties *p = penalties_new(&r);
	struct address a = address_of("192.0.2.1");

	for (int i = 0; i < 100; i++)
		penalties_add(p, &a, PENALTY_CRASH, 0);
	CHECK(penalties_check(p, &a, 599 * SECOND) != NULL);
	CHECK(penalties_check(p, &a, 601 * SECOND) == NULL);
	penalties_free(p);
}

TEST(a_block_of_addresses_pays_together_and_others_do_not)
{
	struct penalty_rules r = rules();
	struct penalties *p = penalties_new(&r);
	struct address a = address_of("2001:db8::1");
	struct address b = address_of("2001:db8::ffff");
	struct address c = address_of("2001:db8:1::1");
	struct address d = address_of("192.0.2.1");

	penalties_add(p, &a, PENALTY_CRASH, 0);
	CHECK(penalties_check(p, &b, 1) != NULL);
	CHECK(penalties_check(p, &c, 1) == NULL);
	CHECK(penalties_check(p, &d, 1) == NULL);
	penalties_free(p);
}

TEST(a_full_table_forgets_the_source_that_is_free_first)
{
	struct penalty_rules r = rules();
	struct address first = address_of("192.0.2.1");
	struct address second = address_of("192.0.2.2");
	struct address third = address_of("192.0.2.3");
	struct penalties *p;

	r.max_sources4 = 2;
	p = penalties_new(&r);
	penalties_add(p, &first, PENALTY_CRASH, 0);
	penalties_add(p, &second, PENALTY_CRASH, 10 * SECOND);
	penalties_add(p, &third, PENALTY_CRASH, 20 * SECOND);
	CHECK(penalties_check(p, &first, 30 * SECOND) == NULL);
	CHECK(penalties_check(p, &second, 30 * SECOND) != NULL);
	CHECK(penalties_check(p, &third, 30 * SECOND) != NULL);
	penalties_free(p);
}

TEST(a_full_table_may_refuse_everybody)
{
	struct penalty_rules r = rules();
	struct address first = address_of("192.0.2.1");
	struct address other = address_of("198.51.100.1");
	struct penalties *p;

	r.max_sources4 = 1;
	r.deny_all4 = true;
	p = penalties_new(&r);
	penalties_add(p, &first, PENALTY_CRASH, 0);
	CHECK(penalties_check(p, &other, 1) != NULL);
	CHECK(penalties_check(p, &other, 91 * SECOND) == NULL);
	penalties_free(p);
}

TEST(penalties_that_are_off_refuse_nobody)
{
	struct penalty_rules r = rules();
	struct address a = address_of("192.0.2.1");
	struct penalties *p;

	r.enabled = false;
	p = penalties_new(&r);
	penalties_add(p, &a, PENALTY_CRASH, 0);
	CHECK(penalties_check(p, &a, 1) == NULL);
	penalties_free(p);
}

static struct admission_rules
startups(unsigned begin, unsigned rate, unsigned full)
{
	struct admission_rules r = { .begin = begin,
		.rate = rate,
		.full = full,
		.block_bits4 = 32,
		.block_bits6 = 128 };

	r.penalties = rules();
	return r;
}

TEST(startups_below_the_first_limit_are_never_dropped)
{
	struct admission_rules r = startups(3, 30, 10);
	struct admission *a = admission_new(&r);
	struct address source = address_of("192.0.2.1");

	for (int i = 0; i < 3; i++) {
		CHECK(admission_check(a, &source, 0, 0) == NULL);
		admission_begin(a, &source);
	}
	CHECK_TEXT(admission_check(a, &source, 29, 0), "Maxstartups");
	CHECK(admission_check(a, &source, 30, 0) == NULL);
	admission_free(a);
}

TEST(the_chance_to_be_dropped_rises_to_certainty)
{
	struct admission_rules r = startups(2, 30, 4);
	struct admission *a = admission_new(&r);
	struct address source = address_of("192.0.2.1");

	for (int i = 0; i < 3; i++)
		admission_begin(a, &source);
	CHECK(admission_check(a, &source, 64, 0) != NULL);
	CHECK(admission_check(a, &source, 65, 0) == NULL);
	admission_begin(a, &source);
	CHECK(admission_check(a, &source, 99, 0) != NULL);
	admission_free(a);
}

TEST(a_slot_comes_back)
{
	struct admission_rules r = startups(1, 100, 1);
	struct admission *a = admission_new(&r);
	struct address source = address_of("192.0.2.1");

	admission_begin(a, &source);
	CHECK(admission_check(a, &source, 0, 0) != NULL);
	admission_end(a, &source);
	CHECK_INT(admission_startups(a), 0);
	CHECK(admission_check(a, &source, 0, 0) == NULL);
	admission_free(a);
}

TEST(one_source_cannot_take_every_slot)
{
	struct admission_rules r = startups(100, 30, 200);
	struct address one = address_of("192.0.2.1");
	struct address other = address_of("192.0.2.2");
	struct admission *a;

	r.per_source = 2;
	a = admission_new(&r);
	admission_begin(a, &one);
	admission_begin(a, &one);
	CHECK_TEXT(admission_check(a, &one, 0, 0), "PerSourceMaxStartups");
	CHECK(admission_check(a, &other, 0, 0) == NULL);
	admission_end(a, &one);
	CHECK(admission_check(a, &one, 0, 0) == NULL);
	admission_free(a);
}

TEST(an_exempt_source_pays_nothing)
{
	struct admission_rules r = startups(100, 30, 200);
	struct address in = address_of("192.0.2.77");
	struct address out = address_of("198.51.100.1");
	struct admission *a;

	r.exempt = "192.0.2.0/24";
	a = admission_new(&r);
	admission_penalise(a, &in, PENALTY_CRASH, 0);
	admission_penalise(a, &out, PENALTY_CRASH, 0);
	CHECK(admission_check(a, &in, 0, 1) == NULL);
	CHECK_TEXT(admission_check(a, &out, 0, 1), "penalty: caused crash");
	admission_free(a);
}

TEST(a_connection_without_address_counts_and_pays_nothing)
{
	struct admission_rules r = startups(2, 100, 2);
	struct admission *a = admission_new(&r);
	struct address none;

	memset(&none, 0, sizeof(none));
	admission_begin(a, &none);
	admission_penalise(a, &none, PENALTY_CRASH, 0);
	CHECK(admission_check(a, &none, 0, 1) == NULL);
	admission_begin(a, &none);
	CHECK(admission_check(a, &none, 0, 1) != NULL);
	admission_end(a, &none);
	admission_end(a, &none);
	CHECK_INT(admission_startups(a), 0);
	admission_free(a);
}
