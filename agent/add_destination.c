/*
 * add_destination.c - ssh-add: -h, to which hosts and by which way a key may
 * go. The host keys are those of the known_hosts files.
 *
 *     [user@]host              from here
 *     host>[user@]host         from the first to the second
 */
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/add.h"
#include "common/base/log.h"
#include "common/hosts/known_hosts.h"

/* ---- host keys ---- */

static int
take_host_keys(struct agent_hop *hop, const struct known_hosts *found)
{
	hop->keys = calloc(found->count, sizeof(*hop->keys));
	if (hop->keys == NULL)
		return complain("out of memory");
	for (size_t i = 0; i < found->count; i++) {
		const struct known_host *h = &found->item[i];

		if (h->marker == KNOWN_HOST_REVOKED) {
			log_info("%s:%lu: a revoked key of %s is left out",
			    h->file, h->line, hop->name);
			continue;
		}
		hop->keys[hop->key_count++] =
		    (struct agent_host_key){ key_ref(h->key),
			    h->marker == KNOWN_HOST_CA };
	}
	return 0;
}

static int
find_host_keys(struct agent_hop *hop, const struct strings *files)
{
	struct known_hosts found = { 0 };
	struct error e = { 0 };
	char *name = text_lower(hop->name);
	int r = name == NULL ? ERR_MEMORY : 0, status;

	for (size_t i = 0; r == 0 && i < files->count; i++)
		r = known_hosts_lookup(files->item[i], name, &found, &e);
	free(name);
	if (r != 0)
		status = complain("%s", error_message(&e, r));
	else
		status = found.count == 0 ? 0 : take_host_keys(hop, &found);
	if (status == 0 && hop->key_count == 0)
		status = complain(
		    "No host keys found for destination \"%s\"", hop->name);
	known_hosts_release(&found);
	return status;
}

/* ---- the text ---- */

static int
refuse(const char *text, const char *why)
{
	return complain(
	    "Invalid key destination constraint \"%s\": %s", text, why);
}

/* "[user@]host" of len bytes. */
static int
parse_hop(
    const char *whole, const char *text, size_t len, struct agent_hop *hop)
{
	const char *at = memrchr(text, '@', len);
	size_t user_len = at == NULL ? 0 : (size_t)(at - text);
	size_t skip = at == NULL ? 0 : user_len + 1;

	if (len == skip || (at != NULL && user_len == 0))
		return refuse(whole, "does not specify user or host");
	if (at != NULL && (hop->user = strndup(text, user_len)) == NULL)
		return complain("out of memory");
	if ((hop->name = strndup(text + skip, len - skip)) == NULL)
		return complain("out of memory");
	return 0;
}

static int
parse(const char *text, struct agent_destination *d)
{
	const char *arrow = strchr(text, '>');
	const char *to = arrow == NULL ? text : arrow + 1;
	int status;

	if (arrow != NULL) {
		status =
		    parse_hop(text, text, (size_t)(arrow - text), &d->from);
		if (status != 0)
			return status;
		if (d->from.user != NULL)
			return refuse(text, "the host on the left must not "
					    "have a user");
	}
	if (strchr(to, '>') != NULL)
		return refuse(text, "only one \">\" is possible");
	return parse_hop(text, to, strlen(to), &d->to);
}

/* ---- the files ---- */

static int
default_files(struct strings *files)
{
	const struct passwd *account = getpwuid(getuid());
	int r = 0;

	if (account != NULL) {
		r = strings_take(
		    files, text_format("%s/.ssh/known_hosts", account->pw_dir));
		if (r == 0)
			r = strings_take(
			    files, text_format("%s/.ssh/known_hosts2",
				       account->pw_dir));
	}
	if (r == 0)
		r = strings_add(files, SHEETBEND_SYSCONFDIR "/ssh_known_hosts");
	if (r == 0)
		r = strings_add(
		    files, SHEETBEND_SYSCONFDIR "/ssh_known_hosts2");
	return r == 0 ? 0 : complain("out of memory");
}

int
add_destinations(struct add_options *o)
{
	struct agent_constraints *c = &o->constraints;
	int status = 0;

	if (o->destinations.count == 0)
		return 0;
	if (o->host_files.count == 0 &&
	    (status = default_files(&o->host_files)) != 0)
		return status;
	c->destinations =
	    calloc(o->destinations.count, sizeof(*c->destinations));
	if (c->destinations == NULL)
		return complain("out of memory");
	for (size_t i = 0; status == 0 && i < o->destinations.count; i++) {
		struct agent_destination *d =
		    &c->destinations[c->destination_count++];

		status = parse(o->destinations.item[i], d);
		if (status == 0 && d->from.name != NULL)
			status = find_host_keys(&d->from, &o->host_files);
		if (status == 0)
			status = find_host_keys(&d->to, &o->host_files);
	}
	return status;
}
