/*
 * trusted_hosts.c - from which hosts which users may come.
 *
 * A line: [+|-]host or +|-@netgroup, then perhaps the same for a user;
 * comments begin with #.
 */
#include "sshd/trusted_hosts.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/file.h"
#include "common/base/text.h"

#define FIELD_MAX 1024

/* "+@group" taken apart. */
struct field {
	char text[FIELD_MAX];
	const char *name; /* into text */
	bool negated;
	bool is_group;
};

static struct span
take_word(struct span *s)
{
	size_t n = 0;
	struct span word;

	while (s->len > 0 && strchr(" \t\r", s->ptr[0]) != NULL)
		*s = span_of(s->ptr + 1, s->len - 1);
	while (n < s->len && strchr(" \t\r", s->ptr[n]) == NULL)
		n++;
	word = span_of(s->ptr, n);
	*s = span_of(s->ptr + n, s->len - n);
	return word;
}

/* False for what is too long, holds a NUL, or is a sign without a name. */
static bool
read_field(struct span word, struct field *f)
{
	if (word.len == 0 || word.len >= sizeof(f->text))
		return false;
	memcpy(f->text, word.ptr, word.len);
	f->text[word.len] = '\0';
	f->name = f->text;
	f->negated = f->name[0] == '-';
	if (f->name[0] == '-' || f->name[0] == '+')
		f->name++;
	f->is_group = f->name[0] == '@';
	if (f->is_group)
		f->name++;
	return f->name[0] != '\0';
}

static bool
host_fits(const struct field *f, const struct trusted_client *c)
{
	if (f->is_group)
		return c->in_netgroup(f->name, c->host, NULL) ||
		       c->in_netgroup(f->name, c->address, NULL);
	return strcasecmp(f->name, c->host) == 0 ||
	       strcmp(f->name, c->address) == 0;
}

static bool
user_fits(const struct field *f, const struct trusted_client *c)
{
	if (f->is_group)
		return c->in_netgroup(f->name, NULL, c->user);
	return strcmp(f->name, c->user) == 0;
}

static enum trusted_verdict
check_line(struct span line, const struct trusted_client *c)
{
	bool has_nul = span_has_nul(line);
	struct span first = take_word(&line), second = take_word(&line);
	struct span more = take_word(&line);
	struct field host, user = { .negated = false };

	if (first.len == 0 || first.ptr[0] == '#' || has_nul)
		return TRUSTED_HOSTS_SILENT;
	/* What follows a user is no part of the format, unless a comment. */
	if (more.len > 0 && more.ptr[0] != '#')
		return TRUSTED_HOSTS_SILENT;
	if (second.len > 0 && second.ptr[0] == '#')
		second.len = 0;
	if (!read_field(first, &host) || !host_fits(&host, c))
		return TRUSTED_HOSTS_SILENT;
	if (second.len == 0 && strcmp(c->user, c->login) != 0 && !host.negated)
		return TRUSTED_HOSTS_SILENT;
	if (second.len > 0 &&
	    (!read_field(second, &user) || !user_fits(&user, c)))
		return TRUSTED_HOSTS_SILENT;
	return host.negated || user.negated ? TRUSTED_HOSTS_NO
					    : TRUSTED_HOSTS_YES;
}

enum trusted_verdict
trusted_hosts_check(struct span text, const struct trusted_client *c)
{
	struct span line;

	while (line_next(&text, &line)) {
		enum trusted_verdict v = check_line(line, c);

		if (v != TRUSTED_HOSTS_SILENT)
			return v;
	}
	return TRUSTED_HOSTS_SILENT;
}

bool
trusted_hosts_in_netgroup(const char *group, const char *host, const char *user)
{
	return innetgr(group, host, user, NULL) == 1;
}
