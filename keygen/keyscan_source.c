/*
 * keyscan_source.c - what is scanned: arguments, lines of files, ranges.
 *
 *     host | address[,address...] | address/bits
 *
 * A line of a file has a second field with the names to print; without it, what
 * was scanned is printed. "#" begins a comment. A range of addresses gives one
 * target after another, so that none of them costs memory before its turn.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "keygen/keyscan.h"

#define LINE_MAX_LEN (64 * 1024)
/* A range of more is a mistake: 16 million addresses take days. */
#define RANGE_BITS_MAX 24

struct source {
	const struct scan_options *o;
	int next_argument;
	size_t next_file;
	FILE *file; /* NULL: none is open */
	const char *path;
	bool has_failed;
	/* the range under way */
	struct address range;
	uint32_t range_left;
};

int
source_new(const struct scan_options *o, struct source **ret)
{
	struct source *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return complain(1, "out of memory");
	s->o = o;
	*ret = s;
	return 0;
}

void
source_free(struct source *s)
{
	if (s == NULL)
		return;
	if (s->file != NULL && s->file != stdin)
		fclose(s->file);
	free(s);
}

bool
source_has_failed(const struct source *s)
{
	return s->has_failed;
}

/* ---- ranges ---- */

static void
add_one(struct address *a)
{
	int i = a->family == AF_INET ? 3 : 15;

	while (i >= 0 && ++a->bytes[i] == 0)
		i--;
}

/* All addresses of a range, but for the first and the last of an IPv4 network
 * of more than two, which are no host's. */
static int
begin_range(struct source *s, struct address a, unsigned bits)
{
	unsigned width = a.family == AF_INET ? 32 : 128;
	unsigned host_bits = width - bits;

	address_mask(&a, bits);
	s->range = a;
	s->range_left = (uint32_t)1 << host_bits;
	if (a.family == AF_INET && host_bits > 1) {
		add_one(&s->range);
		s->range_left -= 2;
	}
	return 0;
}

/* Is text "address/bits"? Then the range begins. */
static bool
take_range(struct source *s, const char *text)
{
	const char *slash = strchr(text, '/');
	struct address a;
	long long bits;
	char *front;
	bool ok;

	if (slash == NULL)
		return false;
	front = span_dup_text(span_of(text, (size_t)(slash - text)));
	ok = front != NULL && address_parse(front, &a) == 0;
	free(front);
	if (!ok)
		return false;
	if (!text_to_int(slash + 1, 0, a.family == AF_INET ? 32 : 128, &bits))
		complain(0, "%s: bad network: %s is no number of bits", text,
		    slash + 1);
	else if ((a.family == AF_INET ? 32 : 128) - bits > RANGE_BITS_MAX)
		complain(0,
		    "%s: the network is too large: at most %u million "
		    "addresses are scanned",
		    text, (1u << RANGE_BITS_MAX) / 1000000);
	else
		return begin_range(s, a, (unsigned)bits) == 0;
	s->has_failed = true;
	return true;
}

static struct target *
next_of_range(struct source *s)
{
	char text[ADDRESS_TEXT_MAX];
	struct target *t;

	address_format(&s->range, text);
	add_one(&s->range);
	s->range_left--;
	if ((t = target_new(strdup(text), strdup(text))) == NULL)
		complain(0, "out of memory");
	else
		t->is_of_range = true;
	return t;
}

/* ---- arguments and lines ---- */

/* NULL: a range began instead, or there was no memory. */
static struct target *
make_target(struct source *s, const char *addresses, const char *names)
{
	struct target *t;

	if (names == NULL && take_range(s, addresses))
		return NULL;
	t = target_new(
	    strdup(addresses), strdup(names == NULL ? addresses : names));
	if (t == NULL)
		complain(0, "out of memory");
	return t;
}

/* A line's fields; *ret_names NULL where there is one only. False for lines
 * that say nothing. */
static bool
split_line(char *line, char **ret_addresses, char **ret_names)
{
	char *rest = NULL;

	line[strcspn(line, "#\r\n")] = '\0';
	*ret_addresses = strtok_r(line, " \t", &rest);
	*ret_names =
	    *ret_addresses == NULL ? NULL : strtok_r(NULL, " \t", &rest);
	return *ret_addresses != NULL;
}

static bool
open_next_file(struct source *s)
{
	while (s->file == NULL && s->next_file < s->o->files->count) {
		s->path = s->o->files->item[s->next_file++];
		s->file =
		    strcmp(s->path, "-") == 0 ? stdin : fopen(s->path, "re");
		if (s->file == NULL) {
			complain(
			    0, "ssh-keyscan: %s: %s", s->path, strerror(errno));
			s->has_failed = true;
		}
	}
	return s->file != NULL;
}

static void
close_file(struct source *s)
{
	if (ferror(s->file)) {
		complain(0, "ssh-keyscan: %s: cannot be read", s->path);
		s->has_failed = true;
	}
	if (s->file != stdin)
		fclose(s->file);
	s->file = NULL;
}

/* The next line that says something becomes a target or a range; false at
 * the end of all files. */
static bool
take_line(struct source *s, struct target **ret)
{
	static char line[LINE_MAX_LEN];
	char *addresses, *names;

	while (open_next_file(s)) {
		if (fgets(line, sizeof(line), s->file) == NULL) {
			close_file(s);
			continue;
		}
		if (!split_line(line, &addresses, &names))
			continue;
		*ret = make_target(s, addresses, names);
		return true;
	}
	return false;
}

/* The next argument; one that was there already says nothing new. */
static const char *
take_argument(struct source *s)
{
	char **list = s->o->arguments;

	while (s->next_argument < s->o->argument_count) {
		int at = s->next_argument++, i = 0;

		while (i < at && strcmp(list[i], list[at]) != 0)
			i++;
		if (i == at)
			return list[at];
	}
	return NULL;
}

struct target *
source_next(struct source *s)
{
	const char *argument;
	struct target *t = NULL;

	while (t == NULL) {
		if (s->range_left > 0)
			t = next_of_range(s);
		else if ((argument = take_argument(s)) != NULL)
			t = make_target(s, argument, NULL);
		else if (!take_line(s, &t))
			break;
	}
	return t;
}
