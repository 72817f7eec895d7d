/*
 * option_confine.c - Confine: "rw:/directory" and "ro:/directory" words.
 */
#include <string.h>

#include "sshd/option_kinds.h"

/* A token may stand for the absolute path: %h. */
static bool
is_tree(const char *word)
{
	return (strncmp(word, "rw:", 3) == 0 || strncmp(word, "ro:", 3) == 0) &&
	       (word[3] == '/' || (word[3] == '%' && word[4] != '%'));
}

static int
parse_trees(struct config_arguments *a, void *value)
{
	int r = config_kind_words.parse(a, value);
	const struct strings *trees = value;

	for (size_t i = 0; i < trees->count && r == 0; i++)
		if (!is_tree(trees->item[i]))
			r = config_fault(a,
			    "Bad Confine directory \"%s\": rw:/path or "
			    "ro:/path is wanted.",
			    trees->item[i]);
	return r;
}

const struct config_kind config_kind_trees = {
	.name = "trees",
	.size = sizeof(struct strings),
	.parse = parse_trees,
	.format = config_format_words,
	.copy = config_copy_words,
	.append = config_append_words,
	.release = config_release_words,
};
