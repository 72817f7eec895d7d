/*
 * keyscan_scan.c - as many targets at once as there are descriptors.
 *
 *     RESOLVING -> SCOUTING -> PROBING -> printed
 *
 * The first type of key is asked for alone: that finds the address that
 * answers, and spares the others of a host that is not there. Then all other
 * types are asked for at once. What was found is printed together, in the
 * order of the types.
 */
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/base/log.h"
#include "keygen/keyscan.h"

/* Servers drop connections while they have many that did not log in yet
 * (MaxStartups of sshd): those are tried again, later and later. */
#define TRIES_MAX 4
#define WAIT_US   300000

/* Descriptors that are not connections. */
#define RESERVED 32
/* More under way at once would only queue up in the processor. */
#define CONNECTIONS_MAX 512

struct scan {
	const struct scan_options *o;
	struct loop *loop;
	struct source *source;
	struct resolver *resolver;
	size_t targets, connections_max;
	bool is_at_end; /* of the source */
	size_t keys;
};

/* One type of key of a target: a probe, or several in turn. */
struct errand {
	struct scan *scan;
	struct target *target;
	size_t type;
	unsigned tries;
	struct timer *timer; /* until the next one */
};

static void on_probe(struct probe *p, enum probe_end how, void *context);

/* ---- targets ---- */

struct target *
target_new(char *addresses, char *names)
{
	struct target *t = calloc(1, sizeof(*t));

	if (t == NULL || addresses == NULL || names == NULL) {
		free(t);
		free(addresses);
		free(names);
		return NULL;
	}
	t->addresses = addresses;
	t->names = names;
	return t;
}

void
target_free(struct target *t)
{
	for (size_t i = 0; i < KEYSCAN_TYPES_MAX; i++)
		key_unref(t->keys[i]);
	free(t->addresses);
	free(t->names);
	free(t->entry);
	free(t->ident);
	free(t);
}

bool
target_next_entry(struct target *t)
{
	struct span rest = span_text(t->addresses + t->next_entry), item;

	if (!list_next(&rest, &item))
		return false;
	t->next_entry = strlen(t->addresses) - rest.len;
	free(t->entry);
	t->entry = span_dup_text(item);
	t->label = t->entry;
	return t->entry != NULL;
}

static void
end_target(struct scan *s, struct target *t)
{
	print_target(s->o, t);
	target_free(t);
	s->targets--;
}

/* Hosts of a range that say nothing are no news. */
static void
report(const struct target *t, const char *reason)
{
	if (t->is_of_range)
		log_debug1("%s: %s", t->label, reason);
	else
		log_error("%s: %s", t->label, reason);
}

/* ---- probes ---- */

static bool
try_errand(struct errand *errand)
{
	struct scan *s = errand->scan;
	struct target *t = errand->target;

	errand->tries++;
	t->probes[errand->type] = probe_new(s->loop, s->o, &t->found[t->at],
	    &s->o->types[errand->type], on_probe, errand);
	return t->probes[errand->type] != NULL;
}

static void
free_errand(struct errand *errand)
{
	timer_free(errand->timer);
	free(errand);
}

static bool
start_probe(struct scan *s, struct target *t, size_t type)
{
	struct errand *errand = malloc(sizeof(*errand));

	if (errand == NULL)
		return false;
	*errand = (struct errand){ s, t, type, 0, NULL };
	if (!try_errand(errand)) {
		free_errand(errand);
		return false;
	}
	t->running++;
	return true;
}

/* Numbers need no thread. */
static bool
take_number(const struct scan *s, struct target *t)
{
	struct address a;

	if (address_parse(t->entry, &a) != 0 ||
	    (s->o->family != AF_UNSPEC && s->o->family != a.family))
		return false;
	a.port = (uint16_t)s->o->port;
	t->found[0] = a;
	t->found_count = 1;
	t->at = 0;
	return true;
}

/* The next address of t, wherever it comes from; at the end of all of them
 * the target ends. */
static void
scout(struct scan *s, struct target *t)
{
	for (;;) {
		if (t->at < t->found_count) {
			t->state = TARGET_SCOUTING;
			if (start_probe(s, t, 0))
				return;
			report(t, strerror(errno));
			t->at++;
		} else if (!target_next_entry(t)) {
			end_target(s, t);
			return;
		} else if (!take_number(s, t)) {
			t->state = TARGET_RESOLVING;
			resolver_start(s->resolver, t);
			return;
		}
	}
}

static void
on_resolved(struct target *t, void *context)
{
	if (t->lookup_error != 0)
		log_error("getaddrinfo %s: %s", t->entry,
		    t->lookup_error == EAI_SYSTEM
			? strerror(t->lookup_errno)
			: gai_strerror(t->lookup_error));
	scout(context, t);
}

static void
start_others(struct scan *s, struct target *t)
{
	t->state = TARGET_PROBING;
	for (size_t i = 1; i < s->o->type_count; i++)
		if (!start_probe(s, t, i))
			report(t, strerror(errno));
}

static void
take_ident(struct target *t, const struct probe *p)
{
	if (t->ident == NULL && probe_ident(p) != NULL)
		t->ident = text_escaped(span_text(probe_ident(p)));
}

/* What a probe's end says about its target. */
static void
judge(struct scan *s, struct target *t, size_t type, const struct probe *p,
    enum probe_end how)
{
	switch (how) {
	case PROBE_KEY:
		s->keys++;
		break;
	case PROBE_NO_KEY:
		log_debug1("%s: no %s key: %s", t->label,
		    s->o->types[type].name, probe_reason(p));
		break;
	case PROBE_UNREACHABLE:
	case PROBE_DROPPED:
	case PROBE_FAILED:
		report(t, probe_reason(p));
		break;
	}
}

/* What follows when one type of a target is done with. */
static void
go_on(struct scan *s, struct target *t, enum probe_end how)
{
	t->running--;
	if (t->state == TARGET_SCOUTING && how == PROBE_UNREACHABLE) {
		t->at++;
		scout(s, t);
		return;
	}
	/* A host that hangs or hangs up on the first is left alone. */
	if (t->state == TARGET_SCOUTING && how != PROBE_FAILED)
		start_others(s, t);
	if (t->running == 0)
		end_target(s, t);
}

static void
on_again(struct timer *timer, void *context)
{
	struct errand *errand = context;
	struct scan *s = errand->scan;
	struct target *t = errand->target;

	if (try_errand(errand))
		return;
	report(t, strerror(errno));
	free_errand(errand);
	go_on(s, t, PROBE_FAILED);
}

static bool
try_again(struct errand *errand)
{
	if (errand->tries == TRIES_MAX)
		return false;
	if (errand->timer == NULL)
		errand->timer = timer_new(errand->scan->loop, on_again, errand);
	if (errand->timer == NULL)
		return false;
	timer_set(errand->timer, (uint64_t)errand->tries * WAIT_US);
	return true;
}

static void
on_probe(struct probe *p, enum probe_end how, void *context)
{
	struct errand *errand = context;
	struct scan *s = errand->scan;
	struct target *t = errand->target;

	t->probes[errand->type] = NULL;
	if (how == PROBE_DROPPED && try_again(errand)) {
		probe_free(p);
		return;
	}
	judge(s, t, errand->type, p, how);
	take_ident(t, p);
	t->keys[errand->type] = probe_take_key(p);
	probe_free(p);
	free_errand(errand);
	go_on(s, t, how == PROBE_DROPPED ? PROBE_FAILED : how);
}

/* ---- all of it ---- */

/* Runs before every wait of the loop. */
static void
start_more(void *context)
{
	struct scan *s = context;

	/* A target needs as many connections as there are types, later. */
	while (!s->is_at_end &&
	       s->targets * s->o->type_count < s->connections_max) {
		struct target *t = source_next(s->source);

		if (t == NULL) {
			s->is_at_end = true;
			break;
		}
		s->targets++;
		scout(s, t);
	}
	if (s->is_at_end && s->targets == 0)
		loop_stop(s->loop, 0);
}

static size_t
count_connections(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) != 0)
		return 1;
	if (l.rlim_cur < l.rlim_max) {
		rlim_t wanted = CONNECTIONS_MAX + RESERVED;

		l.rlim_cur = wanted < l.rlim_max ? wanted : l.rlim_max;
		IGNORE_RESULT(setrlimit(RLIMIT_NOFILE, &l) != 0);
		IGNORE_RESULT(getrlimit(RLIMIT_NOFILE, &l) != 0);
	}
	if (l.rlim_cur <= RESERVED)
		return 1;
	return l.rlim_cur - RESERVED < CONNECTIONS_MAX
		   ? (size_t)l.rlim_cur - RESERVED
		   : CONNECTIONS_MAX;
}

int
scan_run(const struct scan_options *o)
{
	struct scan s = { .o = o, .connections_max = count_connections() };
	int status;

	if ((status = source_new(o, &s.source)) != 0)
		return status;
	if ((s.loop = loop_new()) == NULL ||
	    loop_add_prepare(s.loop, start_more, &s) != 0)
		status = complain(
		    1, "cannot make an event loop: %s", strerror(errno));
	if (status == 0)
		status = resolver_new(
		    s.loop, o->family, o->port, on_resolved, &s, &s.resolver);
	if (status == 0) {
		loop_run(s.loop);
		status = s.keys > 0 && !source_has_failed(s.source) ? 0 : 1;
	}
	resolver_free(s.resolver);
	loop_free(s.loop);
	source_free(s.source);
	return status;
}
