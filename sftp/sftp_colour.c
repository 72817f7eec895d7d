/*
 * sftp_colour.c - colours of names, as LS_COLORS has them (dir_colors(5)):
 * "di=01;34:ln=01;36:*.tar=01;31".
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sftp/sftp.h"

#define SEQUENCE_MAX 32

static const char *
type_key(uint32_t permissions)
{
	switch (permissions & S_IFMT) {
	case S_IFDIR:
		return "di";
	case S_IFLNK:
		return "ln";
	case S_IFIFO:
		return "pi";
	case S_IFSOCK:
		return "so";
	case S_IFBLK:
		return "bd";
	case S_IFCHR:
		return "cd";
	default:
		return (permissions & 0111) != 0 ? "ex" : NULL;
	}
}

/* Only digits and semicolons: whatever else stands there is not for us. */
static bool
take_sequence(const char *value, size_t len, char *ret)
{
	if (len == 0 || len >= SEQUENCE_MAX ||
	    strspn(value, "0123456789;") < len)
		return false;
	memcpy(ret, value, len);
	ret[len] = '\0';
	return true;
}

static bool
key_fits(const char *key, size_t len, const char *name, const char *type)
{
	size_t name_len = strlen(name);

	if (len > 1 && key[0] == '*')
		return type == NULL && name_len >= len - 1 &&
		       strncmp(name + name_len - (len - 1), key + 1, len - 1) ==
			   0;
	return type != NULL && strlen(type) == len &&
	       strncmp(key, type, len) == 0;
}

const char *
sftp_colour(const char *name, uint32_t permissions)
{
	static char sequence[SEQUENCE_MAX];
	const char *at = getenv("LS_COLORS");
	const char *type = type_key(permissions);

	sequence[0] = '\0';
	while (at != NULL && *at != '\0') {
		size_t len = strcspn(at, ":");
		const char *equals = memchr(at, '=', len);

		if (equals != NULL &&
		    key_fits(at, (size_t)(equals - at), name, type))
			take_sequence(equals + 1,
			    len - (size_t)(equals + 1 - at), sequence);
		at += len + (at[len] == ':');
	}
	return sequence;
}
