/*
 * server_owner.c - names of users and groups.
 */
#include "sftp/server_owner.h"

#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static void
release_slots(struct owner_slot *slots)
{
	for (size_t i = 0; i < OWNERS_SLOTS; i++)
		free(slots[i].name);
}

void
owners_release(struct owners *o)
{
	release_slots(o->users);
	release_slots(o->groups);
	memset(o, 0, sizeof(*o));
}

/* Two numbers of one slot take turns in it. */
static struct owner_slot *
slot_of(struct owner_slot *slots, uint32_t number, bool *ret_known)
{
	struct owner_slot *slot = &slots[number % OWNERS_SLOTS];

	*ret_known = slot->used && slot->number == number;
	if (!*ret_known) {
		free(slot->name);
		*slot = (struct owner_slot){ .used = true, .number = number };
	}
	return slot;
}

const char *
owners_user(struct owners *o, uint32_t uid)
{
	bool known;
	struct owner_slot *slot = slot_of(o->users, uid, &known);
	const struct passwd *pw;

	if (!known && (pw = getpwuid((uid_t)uid)) != NULL)
		slot->name = strdup(pw->pw_name);
	return slot->name;
}

const char *
owners_group(struct owners *o, uint32_t gid)
{
	bool known;
	struct owner_slot *slot = slot_of(o->groups, gid, &known);
	const struct group *gr;

	if (!known && (gr = getgrgid((gid_t)gid)) != NULL)
		slot->name = strdup(gr->gr_name);
	return slot->name;
}
