/*
 * address_fuzz.c - addresses and lists of them.
 *
 * Input: the text of an address, a newline, a list.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/address.h"
#include "common/base/error.h"
#include "tests/fuzz/fuzz.h"

static void
check_address(const struct address *a)
{
	char text[ADDRESS_TEXT_MAX];
	struct sockaddr_storage sa;
	struct address again;

	address_format(a, text);
	REQUIRE(address_parse(text, &again) == 0);
	REQUIRE(address_equal(a, &again));
	REQUIRE(address_to_sockaddr(a, &sa) != 0);
	REQUIRE(address_from_sockaddr((struct sockaddr *)&sa, &again) == 0);
	/* A mapped address is one of IPv4 from a socket. */
	if (again.family == a->family)
		REQUIRE(address_equal(a, &again));
	REQUIRE(address_list_match(text, a, false) == 1 ||
		strchr(text, '%') != NULL);
}

static void
check_list(const char *list, const struct address *a)
{
	int form = address_list_match(list, NULL, false);
	int strict = address_list_match(list, NULL, true);
	int r = address_list_match(list, a, false);

	REQUIRE(r >= -1 ? r <= 1 : r == ERR_FORMAT);
	REQUIRE(form >= -1 || r == form || r == -1 || r == 1 || r == 0);
	/* What is fine without patterns is fine with them. */
	if (strict >= -1)
		REQUIRE(form >= -1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(span_of(data, size));
	char *list = strchr(text, '\n');
	struct address a = { 0 };

	if (list != NULL)
		*list++ = '\0';
	if (address_parse(text, &a) == 0)
		check_address(&a);
	else
		REQUIRE(address_parse("192.0.2.1", &a) == 0);
	check_list(list != NULL ? list : text, &a);
	for (unsigned bits = 0; bits <= 128; bits += 7) {
		struct address masked = a;

		address_mask(&masked, bits);
		REQUIRE(masked.family == a.family);
	}
	free(text);
	return 0;
}

void
fuzz_seeds(void)
{
	fuzz_seed("v4", span_text("192.0.2.1\n192.0.2.0/24,!10.0.0.0/8,10.*"));
	fuzz_seed(
	    "v6", span_text("fe80::1%lo\n2001:db8::/32,::1,!::ffff:0:0/96"));
}
