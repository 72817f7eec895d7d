/*
 * scp_match.c - is a name, which a sender of the old protocol says, one that
 * was asked for? Patterns are the person's, names the sender's.
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "sftp/scp.h"

#define ALTERNATIVES_MAX 4096 /* of braces, in all */

/* The comma or brace that ends an alternative which begins at p; NULL: the
 * brace is never closed. */
static const char *
end_of_alternative(const char *p)
{
	int depth = 0;

	for (; *p != '\0'; p++) {
		if (*p == '\\' && p[1] != '\0')
			p++;
		else if (*p == '{')
			depth++;
		else if (*p == '}' && depth-- == 0)
			return p;
		else if (*p == ',' && depth == 0)
			return p;
	}
	return NULL;
}

static const char *
first_brace(const char *p)
{
	for (; *p != '\0'; p++) {
		if (*p == '\\' && p[1] != '\0')
			p++;
		else if (*p == '{' && p[1] != '}')
			return p;
	}
	return NULL;
}

static const char *
closing_brace(const char *p)
{
	while ((p = end_of_alternative(p)) != NULL && *p == ',')
		p++;
	return p;
}

/* The last part of one pattern without braces; slashes behind it are no part.
 */
static bool
last_part_matches(const char *pattern, const char *name)
{
	size_t len = strlen(pattern);
	const char *from;
	char *last;
	bool may;

	while (len > 0 && pattern[len - 1] == '/')
		len--;
	for (from = pattern + len; from > pattern && from[-1] != '/'; from--)
		continue;
	if ((last = strndup(from, len - (size_t)(from - pattern))) == NULL)
		return false;
	/* The root, or what only the other side's shell knows. A shell leaves
	 * a pattern that matches nothing as it is, and names that begin with
	 * a dot to patterns that do. */
	may = *last == '\0' || *last == '~' || *last == '$' ||
	      strcmp(last, ".") == 0 || strcmp(last, "..") == 0 ||
	      strcmp(last, name) == 0 || fnmatch(last, name, FNM_PERIOD) == 0;
	free(last);
	return may;
}

/* The pattern with its first braces replaced by each of their alternatives,
 * and so on. *budget bounds it all. */
static bool
matches(const char *pattern, const char *name, int *budget)
{
	const char *open = first_brace(pattern), *close, *from, *to;
	bool found = false;

	close = open != NULL ? closing_brace(open + 1) : NULL;
	if (close == NULL)
		return last_part_matches(pattern, name);
	for (from = open + 1; !found && from <= close && --*budget > 0;
	     from = to + 1) {
		char *one;

		if ((to = end_of_alternative(from)) == NULL)
			break;
		one = text_format("%.*s%.*s%s", (int)(open - pattern), pattern,
		    (int)(to - from), from, close + 1);
		found = one != NULL && matches(one, name, budget);
		free(one);
	}
	return found;
}

bool
scp_was_asked_for(const char *path, const char *name)
{
	int budget = ALTERNATIVES_MAX;

	return matches(path, name, &budget);
}
