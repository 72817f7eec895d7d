/*
 * methods_test.c - AuthenticationMethods.
 */
#include <string.h>

#include "common/userauth/methods.h"
#include "tests/unit/unit.h"

static struct auth_methods *
methods(const char *words, const char *enabled)
{
	struct strings list = STRINGS_INIT;
	struct auth_methods *m = NULL;
	struct error e = { 0 };

	CHECK_INT(strings_split(&list, words, ' '), 0);
	CHECK_INT(auth_methods_new(&list, enabled, &m, &e), 0);
	strings_release(&list);
	return m;
}

static int
failure(const char *words, const char *enabled)
{
	struct strings list = STRINGS_INIT;
	struct auth_methods *m = NULL;
	struct error e = { 0 };
	int r;

	CHECK_INT(strings_split(&list, words, ' '), 0);
	r = auth_methods_new(&list, enabled, &m, &e);
	strings_release(&list);
	if (r == 0)
		auth_methods_free(m);
	else
		CHECK(e.text[0] != '\0');
	return r;
}

TEST(any_takes_each_enabled_method_alone)
{
	struct auth_methods *m =
	    methods("any", "publickey,password,keyboard-interactive");

	CHECK_TEXT(auth_methods_continue(m),
	    "publickey,password,keyboard-interactive");
	CHECK(auth_methods_allows(m, "password", NULL));
	CHECK(!auth_methods_allows(m, "hostbased", NULL));
	CHECK(!auth_methods_allows(m, "none", NULL));
	CHECK(auth_methods_succeeded(m, "password", NULL));
	auth_methods_free(m);
}

TEST(steps_are_taken_in_order)
{
	struct auth_methods *m =
	    methods("publickey,password", "publickey,password");

	CHECK_TEXT(auth_methods_continue(m), "publickey");
	CHECK(!auth_methods_allows(m, "password", NULL));
	CHECK(!auth_methods_succeeded(m, "password", NULL));
	CHECK(!auth_methods_succeeded(m, "publickey", NULL));
	CHECK_TEXT(auth_methods_continue(m), "password");
	CHECK(!auth_methods_allows(m, "publickey", NULL));
	CHECK(auth_methods_succeeded(m, "password", NULL));
	auth_methods_free(m);
}

TEST(a_success_moves_every_list_that_begins_with_it)
{
	struct auth_methods *m = methods(
	    "publickey,password publickey,keyboard-interactive password,publickey",
	    "publickey,password,keyboard-interactive");

	CHECK_TEXT(auth_methods_continue(m), "publickey,password");
	CHECK(!auth_methods_succeeded(m, "publickey", NULL));
	CHECK_TEXT(auth_methods_continue(m), "password,keyboard-interactive");
	CHECK(auth_methods_succeeded(m, "keyboard-interactive", "x"));
	auth_methods_free(m);
}

TEST(the_same_method_twice_takes_two_successes)
{
	struct auth_methods *m = methods("publickey,publickey", "publickey");

	CHECK(!auth_methods_succeeded(m, "publickey", NULL));
	CHECK_TEXT(auth_methods_continue(m), "publickey");
	CHECK(auth_methods_succeeded(m, "publickey", NULL));
	auth_methods_free(m);
}

TEST(a_device_must_be_the_named_one)
{
	struct auth_methods *m = methods(
	    "keyboard-interactive:pam", "password,keyboard-interactive");

	CHECK_TEXT(auth_methods_continue(m), "keyboard-interactive");
	CHECK(!auth_methods_allows(m, "keyboard-interactive", NULL));
	CHECK(!auth_methods_allows(m, "keyboard-interactive", "bsdauth"));
	CHECK(auth_methods_allows(m, "keyboard-interactive", "pam"));
	CHECK(!auth_methods_succeeded(m, "keyboard-interactive", "bsdauth"));
	CHECK(auth_methods_succeeded(m, "keyboard-interactive", "pam"));
	auth_methods_free(m);
}

TEST(lists_with_a_method_that_is_off_are_dropped)
{
	struct auth_methods *m =
	    methods("publickey,password publickey", "publickey");

	CHECK(auth_methods_succeeded(m, "publickey", NULL));
	auth_methods_free(m);
	CHECK_INT(failure("publickey,password", "publickey"), ERR_CONFIG);
	CHECK_INT(failure("hostbased", "publickey,password"), ERR_CONFIG);
}

TEST(none_is_never_listed)
{
	struct auth_methods *m = methods("none publickey", "none,publickey");

	CHECK_TEXT(auth_methods_continue(m), "publickey");
	CHECK(auth_methods_allows(m, "none", NULL));
	CHECK(auth_methods_succeeded(m, "none", NULL));
	auth_methods_free(m);
}

TEST(nonsense_is_refused)
{
	CHECK_INT(
	    failure("publickey,,password", "publickey,password"), ERR_CONFIG);
	CHECK_INT(failure(",", "publickey"), ERR_CONFIG);
	CHECK_INT(failure("any publickey", "publickey"), ERR_CONFIG);
	CHECK_INT(failure(":pam", "keyboard-interactive"), ERR_CONFIG);
}
