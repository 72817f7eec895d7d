/*
 * scp_sftp.c - copies by SFTP: up, down, between two servers through us, and
 * of local files. All sources of one call go through one pipeline.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "sftp/client_call.h"
#include "sftp/client_copy.h"
#include "sftp/client_meter.h"
#include "sftp/client_spread.h"
#include "sftp/scp.h"

#define DRAW_EVERY_MS 200

struct end {
	const struct scp_place *place;
	struct client_link *link; /* NULL: local */
	struct caller caller;
};

struct transfers {
	struct scp *s;
	struct copy *copy;
	struct client_meter meter;
	struct end *source, *target;
};

/* ---- connections ---- */

static bool
is_same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
is_same_host(const struct scp_place *a, const struct scp_place *b)
{
	return a->is_remote == b->is_remote && is_same(a->d.host, b->d.host) &&
	       is_same(a->d.user, b->d.user) && is_same(a->d.port, b->d.port);
}

/* is_between: the other end is remote too, so that every byte passes here. */
static void
connect_end(struct scp *s, const struct scp_place *place, bool is_between,
    struct end *ret)
{
	struct client_ssh_command c = { .program = s->program,
		.options = &s->ssh,
		.user = place->d.user,
		.port = place->d.port != NULL ? place->d.port : s->port,
		.host = place->d.host,
		.command = "sftp",
		.is_subsystem = true };
	struct strings way = STRINGS_INIT;
	struct client_link_config config = {
		.bytes_per_second = s->bytes_per_second,
		.is_own_ssh = s->server == NULL && !is_between
	};
	struct error e = { 0 };

	memset(ret, 0, sizeof(*ret));
	ret->place = place;
	if (!place->is_remote)
		return;
	if ((s->server != NULL ? strings_add(&way, s->server)
			       : client_ssh_arguments(&c, &way)) != 0)
		scp_need(NULL);
	config.argv = way.item;
	if (client_link_start(&config, &ret->link, &e) != 0)
		scp_die(EXIT_CONNECTION, "%s", error_message(&e, e.code));
	strings_release(&way);
	if (client_link_wait_ready(ret->link, NULL, &e) != 0) {
		client_link_stop(ret->link);
		if (e.code == ERR_CLOSED)
			scp_die(EXIT_CONNECTION, "Connection closed");
		scp_die(EXIT_CONNECTION, "%s", error_message(&e, e.code));
	}
	ret->caller.link = ret->link;
}

static void
disconnect_end(struct end *end)
{
	if (end->link != NULL)
		client_link_stop(end->link);
	end->link = NULL;
}

/* ---- paths ---- */

/* "~" and "~user" as the server knows them; without its help "~/x" is "x",
 * since sessions begin at home. Fresh; NULL after a failure was told. */
static char *
remote_path(struct scp *s, struct end *end, const char *path)
{
	struct error e = { 0 };
	char *ret = NULL;

	if (path[0] != '~')
		return scp_need(strdup(path));
	if (call_name(&end->caller, SFTP_EXPAND_PATH, path, &ret, &e) == 0)
		return ret;
	if (e.code == ERR_UNSUPPORTED && path[1] == '\0')
		return scp_need(strdup("."));
	if (e.code == ERR_UNSUPPORTED && path[1] == '/')
		return scp_need(strdup(path[2] != '\0' ? path + 2 : "."));
	scp_fail(s, "%s: %s", path, error_message(&e, e.code));
	return NULL;
}

static bool
is_folder(struct end *end, const char *path)
{
	struct sftp_attrs a = { 0 };
	struct stat st;

	if (end->link == NULL)
		return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
	return call_stat(&end->caller, path, true, &a, NULL) == 0 &&
	       (a.flags & SSH_FILEXFER_ATTR_PERMISSIONS) != 0 &&
	       S_ISDIR(a.permissions);
}

/* ---- what is told ---- */

static void
on_end(const struct copy_file *f, void *context)
{
	struct transfers *t = context;
	char *name;

	if (f->is_directory || f->is_skipped)
		return;
	name = scp_need(text_escaped(span_text(path_last(f->source))));
	client_meter_file(&t->meter, name, f->size, f->has_failed);
	free(name);
}

/* Escaped already. */
static void
on_failed(const char *text, void *context)
{
	struct transfers *t = context;

	client_meter_clear(&t->meter);
	fflush(stdout);
	fprintf(stderr, "scp: %s\n", text);
}

static void
draw(struct transfers *t)
{
	struct copy_progress p;
	char *name;

	if (!t->meter.is_on)
		return;
	copy_get_progress(t->copy, &p);
	name = scp_need(text_escaped(span_text(path_last(p.name))));
	p.name = name;
	client_meter_tick(&t->meter, &p);
	free(name);
}

/* ---- the copies ---- */

static void
begin(
    struct transfers *t, struct scp *s, struct end *source, struct end *target)
{
	struct copy_config c = {
		.files = &client_files_system,
		.options = { .recursive = s->recursive,
		    .preserve = s->preserve,
		    .follow_links = true,
		    .rehash = s->rehash,
		    .verify = s->verify,
		    .atomic = s->atomic,
		    .in_place = !s->rehash && !s->atomic,
		    .block = s->block,
		    .requests = s->requests },
		.events = { NULL, on_end, on_failed, on_failed, t },
	};

	memset(t, 0, sizeof(*t));
	t->s = s;
	t->source = source;
	t->target = target;
	if (source->link != NULL)
		c.source.client = client_link_client(source->link);
	if (target->link != NULL)
		c.target.client = client_link_client(target->link);
	t->copy = scp_need(copy_new(&c));
	client_spread_begin(t->copy, target->link);
	client_meter_start(&t->meter, !s->is_quiet && isatty(STDOUT_FILENO));
}

static void
finish(struct transfers *t)
{
	struct client_link *links[2] = { t->source->link, t->target->link };
	struct error e = { 0 };
	bool is_lost = false;

	copy_step(t->copy);
	while (!copy_is_done(t->copy)) {
		if ((links[0] != NULL || links[1] != NULL) &&
		    client_link_turn(
			links, 2, t->meter.is_on ? DRAW_EVERY_MS : -1, &e) != 0)
			is_lost = true;
		copy_step(t->copy);
		client_spread_more(t->copy, t->target->link);
		draw(t);
	}
	client_meter_end(&t->meter);
	t->s->failures += copy_failures(t->copy) > 0;
	copy_free(t->copy);
	if (is_lost)
		scp_die(EXIT_CONNECTION, "Connection closed");
}

static void
add(struct transfers *t, const char *source, const char *target, bool into,
    const struct sftp_attrs *a)
{
	char *path = scp_target_name(source, target, into);

	if (copy_add(t->copy, source, path, a) != 0)
		scp_need(NULL);
	free(path);
}

/* What a pattern of the server's files matches; nothing: the file of that
 * very name, which is then found missing. */
static void
add_remote(struct transfers *t, const char *path, const char *target, bool into)
{
	char *expanded = remote_path(t->s, t->source, path);
	struct call_entries found = { 0 };
	struct error e = { 0 };

	if (expanded == NULL)
		return;
	if (call_glob_has_wildcard(expanded) &&
	    call_glob(&t->source->caller, expanded, &found, &e) != 0)
		scp_fail(t->s, "%s: %s", path, error_message(&e, e.code));
	else if (found.count == 0)
		add(t, expanded, target, into, NULL);
	if (found.count > 1 && !into) {
		scp_fail(t->s, "%s: Not a directory", target);
	} else {
		for (size_t i = 0; i < found.count; i++)
			add(t, found.item[i].name, target, into,
			    &found.item[i].a);
	}
	call_entries_release(&found);
	free(expanded);
}

/* How many sources from the first one on are of one host. */
static size_t
run_of(const struct scp_place *sources, size_t count)
{
	size_t n = 1;

	while (n < count && is_same_host(&sources[0], &sources[n]))
		n++;
	return n;
}

static void
copy_run(struct scp *s, const struct scp_place *sources, size_t count,
    struct end *target, const char *path, bool into)
{
	struct transfers t;
	struct end source;

	connect_end(s, &sources[0], target->link != NULL, &source);
	begin(&t, s, &source, target);
	for (size_t i = 0; i < count; i++) {
		if (source.link != NULL)
			add_remote(&t, sources[i].d.path, path, into);
		else
			add(&t, sources[i].d.path, path, into, NULL);
	}
	finish(&t);
	disconnect_end(&source);
}

void
scp_by_sftp(struct scp *s, const struct scp_place *sources, size_t count,
    const struct scp_place *target)
{
	bool must =
	    count > 1 || s->wants_folder || text_ends_with(target->d.path, "/");
	bool is_between = false;
	struct end end;
	char *path;
	bool into;

	for (size_t i = 0; i < count; i++)
		is_between = is_between || sources[i].is_remote;
	connect_end(s, target, is_between, &end);
	path = end.link != NULL ? remote_path(s, &end, target->d.path)
				: scp_need(strdup(target->d.path));
	into = path != NULL && is_folder(&end, path);
	/* A folder that is copied may get a name of its own. */
	if (path != NULL && must && !into &&
	    (count > 1 || s->wants_folder || !s->recursive)) {
		scp_fail(s, "%s: Not a directory", path);
	} else if (path != NULL) {
		for (size_t i = 0, n; i < count; i += n) {
			n = run_of(sources + i, count - i);
			if (end.link == NULL && !sources[i].is_remote)
				scp_by_cp(s, sources + i, n, target);
			else
				copy_run(s, sources + i, n, &end, path, into);
		}
	}
	free(path);
	disconnect_end(&end);
}
