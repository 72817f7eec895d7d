/*
 * config_input.c - what the two targets of configuration files share.
 */
#include "tests/fuzz/config_input.h"

#include <ctype.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

/* Quotes may stand inside of a word: only letters are looked at. */
bool
config_input_reaches_out(struct span text)
{
	static const char word[] = "include";
	size_t matched = 0;

	for (size_t i = 0; i < text.len; i++) {
		int c = tolower(text.ptr[i]);

		if (c == '~')
			return true;
		if (!isalpha(c))
			continue;
		matched = c == word[matched] ? matched + 1 : c == word[0];
		if (word[matched] == '\0')
			return true;
	}
	return false;
}
