/*
 * server_owner.h - names of users and groups by their numbers, each asked of
 * the account database once.
 */
#ifndef SFTP_SERVER_OWNER_H
#define SFTP_SERVER_OWNER_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attributes.h"

#define OWNERS_SLOTS 256

struct owner_slot {
	bool used;
	uint32_t number;
	char *name; /* NULL: there is none */
};

struct owners {
	struct owner_slot users[OWNERS_SLOTS];
	struct owner_slot groups[OWNERS_SLOTS];
};

void owners_release(struct owners *o);

/* NULL where there is no such user or group. Borrowed until the next call
 * that asks for another one. */
const char *owners_user(struct owners *o, uint32_t uid);
const char *owners_group(struct owners *o, uint32_t gid);

#endif
