/*
 * client_memory.c - the right guess (RFC 4253 s7.1) from the last visit.
 *
 * A guess is right only if both ends' first algorithms are the same. What
 * the last visit taught can move an algorithm of ours to the front where
 * that gives nothing away: it is in our list, it is what would be negotiated
 * with this server anyway, and a post-quantum exchange never makes room for
 * another.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/transport/kex_method.h"
#include "ssh/client_impl.h"

static struct span
first_of(const char *list)
{
	struct span rest = span_text(list), name = { NULL, 0 };

	(void)list_next(&rest, &name);
	return name;
}

static bool
is_post_quantum(struct span name)
{
	const struct kex_algorithm *k = kex_find(name);

	return k != NULL && (k->flags & KEX_POST_QUANTUM) != 0;
}

/* list with name in front; NULL without memory. */
static char *
move_to_front(const char *list, const char *name)
{
	struct span rest = span_text(list), item;
	struct buf out = BUF_INIT;

	buf_printf(&out, "%s", name);
	while (list_next(&rest, &item))
		if (!span_is(item, name)) {
			write_byte(&out, ',');
			write_span(&out, item);
		}
	return buf_take_text(&out);
}

void
client_recall(struct client *c)
{
	const char *kex;
	struct span list = span_text(c->kex_algorithms);
	char *moved;

	if (!c->o->remember_hosts)
		return;
	c->memory_name = text_format("%s@%s", c->o->user, c->host.name);
	if (c->memory_name == NULL)
		return;
	host_memory_load(c->home, c->memory_name, &c->memory);
	if ((kex = c->memory.kex) == NULL || !list_has(list, span_text(kex)) ||
	    is_post_quantum(first_of(c->kex_algorithms)) !=
		is_post_quantum(span_text(kex)))
		return;
	if ((moved = move_to_front(c->kex_algorithms, kex)) == NULL)
		return;
	free(c->kex_algorithms);
	c->kex_algorithms = moved;
}

bool
client_may_guess(const struct client *c)
{
	return c->memory.kex != NULL && c->memory.host_key != NULL &&
	       span_is(first_of(c->kex_algorithms), c->memory.kex) &&
	       span_is(first_of(c->host_key_algorithms), c->memory.host_key);
}

/* The server's first choice, if it is what was negotiated: any other one is
 * of no use to a guess, and no reason to change our own order. */
static const char *
kex_to_remember(const struct client *c, const char *negotiated)
{
	const char *first = transport_peer_first_kex(c->t);

	return first != NULL && strcmp(first, negotiated) == 0 ? first : NULL;
}

static bool
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

void
client_memorize(struct client *c)
{
	struct transport_negotiated n;
	const struct identity *id = auth_identity(c->auth);
	struct host_memory m = { 0 };
	const char *first;

	if (c->memory_name == NULL || !transport_get_negotiated(c->t, &n))
		return;
	first = kex_to_remember(c, n.kex);
	m.kex = first != NULL ? strdup(first) : NULL;
	first = transport_peer_first_host_key(c->t);
	m.host_key = first != NULL ? strdup(first) : NULL;
	m.fingerprint = id != NULL ? identity_mark(id) : NULL;
	if (!same(c->memory.kex, m.kex) ||
	    !same(c->memory.host_key, m.host_key) ||
	    !same(c->memory.fingerprint, m.fingerprint))
		host_memory_save(c->home, c->memory_name, &m);
	host_memory_release(&m);
}
