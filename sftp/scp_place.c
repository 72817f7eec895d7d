/*
 * scp_place.c - sources and targets as people write them.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/file.h"
#include "sftp/scp.h"

/* A colon before any slash means another host; one in front is a name's. */
static bool
is_remote(const char *text)
{
	bool bracket = false;

	if (text_starts_with(text, "scp://"))
		return true;
	if (text[0] == ':')
		return false;
	for (const char *p = text; *p != '\0'; p++) {
		if (*p == '[' && (p == text || p[-1] == '@'))
			bracket = true;
		if (*p == ']' && bracket && p[1] == ':')
			return true;
		if (*p == ':' && !bracket)
			return true;
		if (*p == '/')
			return false;
	}
	return false;
}

void
scp_place_parse(const char *text, struct scp_place *ret)
{
	struct error e = { 0 };

	memset(ret, 0, sizeof(*ret));
	ret->text = scp_need(strdup(text));
	ret->is_remote = is_remote(text);
	if (!ret->is_remote)
		ret->d.path = scp_need(strdup(text));
	else if (client_destination_parse("scp", text, &ret->d, &e) != 0)
		scp_die(EXIT_FAILED, "%s", error_message(&e, e.code));
	if (ret->d.path == NULL || ret->d.path[0] == '\0') {
		free(ret->d.path);
		ret->d.path = scp_need(strdup(ret->is_remote ? "." : ""));
	}
}

void
scp_place_release(struct scp_place *p)
{
	client_destination_release(&p->d);
	free(p->text);
}

/* The last part, whatever slashes follow it; NULL: there is none. Fresh. */
static char *
last_part(const char *path)
{
	size_t len = strlen(path);
	const char *from;

	while (len > 0 && path[len - 1] == '/')
		len--;
	for (from = path + len; from > path && from[-1] != '/'; from--)
		continue;
	len -= (size_t)(from - path);
	if (len == 0 || (len == 1 && from[0] == '.') ||
	    (len == 2 && strncmp(from, "..", 2) == 0))
		return NULL;
	return scp_need(strndup(from, len));
}

char *
scp_target_name(const char *source, const char *target, bool is_folder)
{
	char *last = is_folder ? last_part(source) : NULL, *path;

	if (last == NULL)
		return scp_need(strdup(target));
	path = path_join(target, last);
	free(last);
	return scp_need(path);
}
