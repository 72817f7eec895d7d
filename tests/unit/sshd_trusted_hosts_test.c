/*
 * sshd_trusted_hosts_test.c - lines of hosts.equiv and .shosts.
 */
#include "sshd/trusted_hosts.h"

#include <string.h>

#include "tests/unit/unit.h"

/* The group "friends" is of host.example and of user anna. */
static bool
in_netgroup(const char *group, const char *host, const char *user)
{
	if (strcmp(group, "friends") != 0)
		return false;
	return host != NULL ? strcmp(host, "host.example") == 0
			    : strcmp(user, "anna") == 0;
}

static enum trusted_verdict
check(const char *text, const char *user, const char *login)
{
	const struct trusted_client c = { "host.example", "192.0.2.1", user,
		login, in_netgroup };

	return trusted_hosts_check(span_text(text), &c);
}

TEST(a_host_alone_means_the_same_user)
{
	CHECK_INT(check("host.example\n", "anna", "anna"), TRUSTED_HOSTS_YES);
	CHECK_INT(check("HOST.example", "anna", "anna"), TRUSTED_HOSTS_YES);
	CHECK_INT(check("192.0.2.1\r\n", "anna", "anna"), TRUSTED_HOSTS_YES);
	CHECK_INT(check("+host.example", "anna", "anna"), TRUSTED_HOSTS_YES);
	CHECK_INT(check("host.example", "anna", "bert"), TRUSTED_HOSTS_SILENT);
	CHECK_INT(check("other", "anna", "anna"), TRUSTED_HOSTS_SILENT);
	CHECK_INT(check("", "anna", "anna"), TRUSTED_HOSTS_SILENT);
}

TEST(a_user_may_be_named)
{
	CHECK_INT(
	    check("host.example anna", "anna", "bert"), TRUSTED_HOSTS_YES);
	CHECK_INT(check("\thost.example\t +anna # c", "anna", "bert"),
	    TRUSTED_HOSTS_YES);
	CHECK_INT(
	    check("host.example Anna", "anna", "anna"), TRUSTED_HOSTS_SILENT);
	CHECK_INT(
	    check("host.example carl", "anna", "anna"), TRUSTED_HOSTS_SILENT);
}

TEST(the_first_line_about_the_client_decides)
{
	CHECK_INT(check("host.example -anna\nhost.example", "anna", "anna"),
	    TRUSTED_HOSTS_NO);
	CHECK_INT(check("host.example -carl\nhost.example", "anna", "anna"),
	    TRUSTED_HOSTS_YES);
	CHECK_INT(check("host.example\n-host.example", "anna", "anna"),
	    TRUSTED_HOSTS_YES);
	CHECK_INT(check("-host.example\nhost.example anna", "anna", "bert"),
	    TRUSTED_HOSTS_NO);
}

TEST(netgroups_of_hosts_and_of_users)
{
	CHECK_INT(check("+@friends", "anna", "anna"), TRUSTED_HOSTS_YES);
	CHECK_INT(
	    check("-@friends\nhost.example", "anna", "anna"), TRUSTED_HOSTS_NO);
	CHECK_INT(check("+@others", "anna", "anna"), TRUSTED_HOSTS_SILENT);
	CHECK_INT(
	    check("host.example +@friends", "anna", "bert"), TRUSTED_HOSTS_YES);
	CHECK_INT(
	    check("host.example -@friends", "anna", "anna"), TRUSTED_HOSTS_NO);
	CHECK_INT(check("host.example +@friends", "carl", "bert"),
	    TRUSTED_HOSTS_SILENT);
}

TEST(everybody_is_never_meant)
{
	static const char *const lines[] = { "+", "+ +", "+ anna", "-",
		"host.example +", "host.example -", "+@", "@", "host.example @",
		"# host.example", "#host.example anna" };

	for (size_t i = 0; i < ARRAY_COUNT(lines); i++)
		CHECK_INT(
		    check(lines[i], "anna", "anna"), TRUSTED_HOSTS_SILENT);
}

TEST(lines_that_make_no_sense_only_disable_themselves)
{
	char text[5000];
	static const char nul[] = "host.example\0 anna\nhost.example";
	const struct trusted_client c = { "host.example", "192.0.2.1", "anna",
		"anna", in_netgroup };

	memset(text, 'x', sizeof(text));
	memcpy(text + 4000, "\nhost.example\n", 14);
	CHECK_INT(trusted_hosts_check(span_of(text, sizeof(text)), &c),
	    TRUSTED_HOSTS_YES);
	CHECK_INT(
	    trusted_hosts_check(span_of(nul, 19), &c), TRUSTED_HOSTS_SILENT);
	CHECK_INT(trusted_hosts_check(span_of(nul, sizeof(nul) - 1), &c),
	    TRUSTED_HOSTS_YES);
	CHECK_INT(check("host.example anna more", "anna", "anna"),
	    TRUSTED_HOSTS_SILENT);
}
