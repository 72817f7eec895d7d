/*
 * trusted_hosts_fuzz.c - files of hosts and users, whatever they hold.
 */
#include <string.h>

#include "sshd/trusted_hosts.h"
#include "tests/fuzz/fuzz.h"

static bool
in_netgroup(const char *group, const char *host, const char *user)
{
	REQUIRE(group[0] != '\0' && (host == NULL) != (user == NULL));
	return group[0] == 'g';
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct trusted_client c = { "host", "192.0.2.1", "anna", "anna",
		in_netgroup };
	const struct trusted_client other = { "nowhere", "192.0.2.9", "carl",
		"carl", in_netgroup };
	enum trusted_verdict v = trusted_hosts_check(span_of(data, size), &c);

	REQUIRE(v == TRUSTED_HOSTS_SILENT || v == TRUSTED_HOSTS_YES ||
		v == TRUSTED_HOSTS_NO);
	/* Nobody gets in whose host, address or group is not written there. */
	if (memmem(data, size, "nowhere", 7) == NULL &&
	    memmem(data, size, "192.0.2.9", 9) == NULL &&
	    memmem(data, size, "@g", 2) == NULL) {
		v = trusted_hosts_check(span_of(data, size), &other);
		for (size_t i = 0; i < size; i++)
			if ((data[i] | 0x20) == 'n' || data[i] == '1')
				return 0; /* in another case, perhaps */
		REQUIRE(v == TRUSTED_HOSTS_SILENT);
	}
	return 0;
}

void
fuzz_seeds(void)
{
	fuzz_seed("host", span_text("host\n"));
	fuzz_seed("user", span_text("# c\nhost -carl\n+host anna # c\n"));
	fuzz_seed("groups", span_text("+@group -@g\n-@other\n+ +\n"));
}
