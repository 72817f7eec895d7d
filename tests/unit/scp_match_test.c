/*
 * scp_match_test.c - names that a sender of the old protocol may say.
 */
#include "sftp/scp.h"

#include <string.h>

#include "tests/unit/unit.h"

TEST(what_was_asked_for_may_come)
{
	static const struct {
		const char *path, *name;
		bool may;
	} cases[] = {
		{ "file", "file", true },
		{ "dir/file", "file", true },
		{ "/a/b/file", "file", true },
		{ "dir/file", "other", false },
		{ "dir/file", "dir", false },
		{ "*.c", "x.c", true },
		{ "*.c", "x.h", false },
		{ "dir/[ab]?", "a1", true },
		{ "dir/[ab]?", "c1", false },
		{ "dir/[ab]?", "[ab]?", true },
		{ "{a,b}", "b", true },
		{ "{a,b}", "c", false },
		{ "{x/a,y/b}", "a", true },
		{ "{x/a,y/b}", "x", false },
		{ "d/{a{1,2},b*}", "a2", true },
		{ "d/{a{1,2},b*}", "bcd", true },
		{ "d/{a{1,2},b*}", "a3", false },
		{ "a{}b", "a{}b", true },
		{ "a{b", "a{b", true },
		{ "\\{a,b\\}", "{a,b}", true },
		{ "\\*", "*", true },
		{ "\\*", "x", false },
		{ ".", "anything", true },
		{ "dir/", "dir", true },
		{ "dir//", "dir", true },
		{ "dir/", "anything", false },
		{ "/", "anything", true },
		{ "*/", "dir", true },
		/* As the shell there does: patterns leave these out. */
		{ "*", ".bashrc", false },
		{ "dir/?bashrc", ".bashrc", false },
		{ "[.]bashrc", ".bashrc", false },
		{ ".*", ".bashrc", true },
		{ ".bashrc", ".bashrc", true },
		{ "{.b*,c}", ".bashrc", true },
		{ "~user", "anything", true },
		{ "..", "anything", true },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++)
		if (scp_was_asked_for(cases[i].path, cases[i].name) !=
		    cases[i].may)
			FAIL("%s for %s: not %d", cases[i].name, cases[i].path,
			    cases[i].may);
}

/* Braces could be made to stand for more than there is time for. */
TEST(braces_are_bounded)
{
	char pattern[1024] = "";

	for (size_t i = 0; i + 6 < sizeof(pattern); i += 5)
		memcpy(pattern + i, "{a,b}", 6);
	CHECK(!scp_was_asked_for(pattern, "never"));
}
