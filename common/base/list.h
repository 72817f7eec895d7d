/*
 * list.h - doubly linked lists, the links embedded in the items.
 *
 * Invariant: a list head and an unlinked item point at themselves.
 */
#ifndef COMMON_BASE_LIST_H
#define COMMON_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next;
	struct list *prev;
};

#define list_entry(link, type, member)                                         \
	((type *)(void *)((char *)(link)-offsetof(type, member)))
#define list_for_each(link, head)                                              \
	for (struct list *link = (head)->next; link != (head);                 \
	     link = link->next)
/* link may be removed in the body. */
#define list_for_each_safe(link, head)                                         \
	for (struct list *link = (head)->next, *link##_next = link->next;      \
	     link != (head); link = link##_next, link##_next = link->next)

static inline void
list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool
list_is_empty(const struct list *l)
{
	return l->next == l;
}

static inline void
list_add_before(struct list *item, struct list *at)
{
	item->prev = at->prev;
	item->next = at;
	at->prev->next = item;
	at->prev = item;
}

static inline void
list_add_last(struct list *head, struct list *item)
{
	list_add_before(item, head);
}

static inline void
list_add_first(struct list *head, struct list *item)
{
	list_add_before(item, head->next);
}

static inline void
list_remove(struct list *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
	list_init(item);
}

#endif
