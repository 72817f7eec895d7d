/*
 * address_test.c - internet addresses.
 */
#include "common/base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "common/base/error.h"
#include "tests/unit/unit.h"

static struct address
parsed(const char *text)
{
	struct address a;

	if (address_parse(text, &a) != 0)
		FAIL("cannot parse %s", text);
	return a;
}

static void
check_round_trip(const char *text, const char *want)
{
	struct address a = parsed(text);
	char buf[ADDRESS_TEXT_MAX];

	CHECK_TEXT(address_format(&a, buf), want);
}

TEST(address_parses_and_prints)
{
	check_round_trip("192.0.2.1", "192.0.2.1");
	check_round_trip("2001:DB8:0:0::1", "2001:db8::1");
	check_round_trip("::", "::");
	check_round_trip("::ffff:192.0.2.1", "::ffff:192.0.2.1");
	check_round_trip("fe80::1%lo", "fe80::1%lo");
	check_round_trip("fe80::1%1", "fe80::1%lo");
	check_round_trip("fe80::1%4000000000", "fe80::1%4000000000");
}

TEST(address_refuses_everything_else)
{
	static const char *const bad[] = {
		"", "192.0.2", "192.0.2.256", "192.0.2.1 ", "0x7f.1",
		"192.0.2.1%1", "2001:db8::1::2", ":", "fe80::1%",
		"fe80::1%no-such-interface", "fe80::1%0", "example.com",
		"[::1]", "1:2:3:4:5:6:7:8:9",
		"0000000000000000000000000000000000000000000000000000000000000000"
	};
	struct address a = { 0 };

	for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
		if (address_parse(bad[i], &a) != ERR_FORMAT)
			FAIL("\"%s\" was accepted", bad[i]);
	CHECK_INT(a.family, 0);
}

TEST(address_goes_through_socket_addresses)
{
	static const char *const texts[] = { "192.0.2.7", "2001:db8::7" };
	struct sockaddr_storage ss;
	struct address a, b;

	for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
		a = parsed(texts[i]);
		a.port = 2222;
		CHECK(address_to_sockaddr(&a, &ss) > 0);
		CHECK_INT(address_from_sockaddr((struct sockaddr *)&ss, &b), 0);
		CHECK(address_equal(&a, &b));
		CHECK_INT(b.port, 2222);
	}
	ss.ss_family = AF_UNIX;
	CHECK_INT(
	    address_from_sockaddr((struct sockaddr *)&ss, &b), ERR_FORMAT);
	a.family = 0;
	CHECK_INT(address_to_sockaddr(&a, &ss), 0);
}

TEST(address_mapped_ipv4_becomes_ipv4)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(22) };
	struct address a, want = parsed("192.0.2.1");

	CHECK_INT(inet_pton(AF_INET6, "::ffff:192.0.2.1", &in6.sin6_addr), 1);
	CHECK_INT(address_from_sockaddr((struct sockaddr *)&in6, &a), 0);
	CHECK(address_equal(&a, &want));
	CHECK_INT(a.port, 22);
}

TEST(address_without_a_family_has_a_text)
{
	struct address none = { 0 };
	char buf[ADDRESS_TEXT_MAX];

	CHECK_TEXT(address_format(&none, buf), "UNKNOWN");
	CHECK(address_equal(&none, &none));
}

TEST(address_mask_clears_host_bits)
{
	struct address a = parsed("255.255.255.255");
	struct address b = parsed("ffff:ffff::ffff");
	char buf[ADDRESS_TEXT_MAX];

	address_mask(&a, 13);
	CHECK_TEXT(address_format(&a, buf), "255.248.0.0");
	address_mask(&a, 0);
	CHECK_TEXT(address_format(&a, buf), "0.0.0.0");
	address_mask(&b, 128);
	CHECK_TEXT(address_format(&b, buf), "ffff:ffff::ffff");
	address_mask(&b, 30);
	CHECK_TEXT(address_format(&b, buf), "ffff:fffc::");
}

TEST(address_lists_match_blocks_addresses_and_patterns)
{
	struct address a = parsed("192.0.2.77");
	struct address b = parsed("2001:db8::77");
	static const struct {
		const char *list;
		int v4;
		int v6;
	} rows[] = { { "192.0.2.0/24", 1, 0 }, { "192.0.2.64/28", 1, 0 },
		{ "192.0.2.64/29", 0, 0 }, { "0.0.0.0/0", 1, 0 },
		{ "::/0", 0, 1 }, { "2001:db8::/32,10.0.0.0/8", 0, 1 },
		{ "192.0.2.77", 1, 0 }, { "2001:DB8:0::77", 0, 1 },
		{ "192.0.2.*", 1, 0 }, { "*,!192.0.2.77", -1, 1 },
		{ "!192.0.2.0/24,*", -1, 1 }, { "!10.0.0.0/8", 0, 0 },
		{ "2001:db8::?7", 0, 1 }, { "example.com", 0, 0 } };

	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		if (address_list_match(rows[i].list, &a, false) != rows[i].v4 ||
		    address_list_match(rows[i].list, &b, false) != rows[i].v6)
			FAIL("%s", rows[i].list);
		CHECK_INT(address_list_match(rows[i].list, NULL, false), 0);
	}
}

TEST(address_lists_with_a_bad_entry_are_refused_whole)
{
	static const char *const bad[] = { "192.0.2.0/33", "192.0.2.0/",
		"192.0.2.0/-1", "192.0.2.1/24", "2001:db8::/129", "x/8", "",
		"10.0.0.0/8,", "!", "192.0.2.77,10.0.0.0/99",
		"!192.0.2.77,10.0.0.0/99", "/" };
	struct address a = parsed("192.0.2.77");

	for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
		if (address_list_match(bad[i], &a, false) != ERR_FORMAT ||
		    address_list_match(bad[i], NULL, false) != ERR_FORMAT)
			FAIL("\"%s\" was accepted", bad[i]);
	}
	CHECK_INT(address_list_match("192.0.2.*", &a, true), ERR_FORMAT);
	CHECK_INT(address_list_match("192.0.2.0/24", &a, true), 1);
}
