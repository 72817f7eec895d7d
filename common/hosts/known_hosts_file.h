/*
 * known_hosts_file.h - the lines of a known_hosts file: walking through them,
 * matching a host name, rewriting some and keeping the rest byte for byte.
 * Format: surface notes s10.
 *
 * A file is read in large pieces; a line is judged where it lies, without a
 * copy or an allocation. Files are hostile as far as their bytes go: a line
 * of more than KNOWN_HOSTS_LINE_MAX bytes is an error, a line that is none
 * is marked invalid. Keys are not decoded; known_hosts_line_key() does.
 */
#ifndef COMMON_HOSTS_KNOWN_HOSTS_FILE_H
#define COMMON_HOSTS_KNOWN_HOSTS_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/key/key.h"

#define KNOWN_HOSTS_LINE_MAX ((size_t)1024 * 1024)
#define KNOWN_HOSTS_FILE_MAX ((size_t)1024 * 1024 * 1024) /* to rewrite */

enum known_host_marker {
	KNOWN_HOST_PLAIN,
	KNOWN_HOST_CA,     /* @cert-authority */
	KNOWN_HOST_REVOKED /* @revoked */
};

enum known_hosts_line_kind {
	KNOWN_HOSTS_ENTRY,
	KNOWN_HOSTS_COMMENT, /* or an empty line */
	KNOWN_HOSTS_INVALID  /* unknown marker, or a field is missing */
};

/* Everything is borrowed and lives until the visitor returns. */
struct known_hosts_line {
	const char *path;
	unsigned long number; /* from 1 */
	struct span raw;      /* with its newline, where it has one */
	struct span text;     /* without newline, and CR before it */
	enum known_hosts_line_kind kind;
	/* of an entry */
	enum known_host_marker marker;
	struct span names; /* first field: list, or one hashed name */
	bool is_hashed;    /* names begins with "|1|" */
	struct span key;   /* type, base64, comment: key_from_line() */
};

/* 0: go on; anything else ends the walk, which returns it. */
typedef int known_hosts_visitor(
    void *context, const struct known_hosts_line *line);

/* Visits each line. A missing file has none (0). ERR_SYSTEM, ERR_PERMISSION,
 * ERR_LIMIT (a line is too long). "-" is no special name. */
int known_hosts_walk(const char *path, known_hosts_visitor *visit,
    void *context, struct error *e) MUST_CHECK;

/* The same for a descriptor (standard input); path is for messages. */
int known_hosts_walk_fd(int fd, const char *path, known_hosts_visitor *visit,
    void *context, struct error *e) MUST_CHECK;

/* The same for text that is here already. */
int known_hosts_walk_text(struct span text, const char *path,
    known_hosts_visitor *visit, void *context) MUST_CHECK;

/*
 * Does the entry concern the host? name is what known_hosts_name() gives
 * ("host", "[host]:port", lower case). Hashed names are compared by their
 * HMAC-SHA1, others with wildcards and `!`, in any case.
 */
bool known_hosts_line_matches(
    const struct known_hosts_line *line, struct span name);

/* A single name with `*` or `?`, or `!` in front. */
bool known_hosts_is_pattern(struct span name);

/* The key of an entry; as key_from_line(). */
int known_hosts_line_key(const struct known_hosts_line *line, struct key **ret,
    struct span *ret_comment) MUST_CHECK;

/* The name to look up: lower-case host, or "[host]:port" for ports != 22;
 * fresh text. */
char *known_hosts_name(const char *host, unsigned port);

/* The hashed form "|1|salt|hash" of a name with a fresh salt; fresh text. */
char *known_hosts_hash(const char *name);

/* ---- changing ---- */

/*
 * Opens a file to change it, and locks it against others who open it so
 * (flock(2), a second at most: then without a lock). The file is the one that
 * has the name now, not one that was just replaced. Flags as for open(2); it
 * is made with mode 0600. The descriptor, or -1 with errno.
 */
int known_hosts_open(const char *path, int flags) MUST_CHECK;

enum known_hosts_edit {
	KNOWN_HOSTS_KEEP = 0,   /* the line stays byte for byte */
	KNOWN_HOSTS_REPLACE = 1 /* what was written to out stands for it */
};

/* Returns an enum known_hosts_edit, or a negative code: nothing is changed
 * then. out: whole lines, each with its newline; nothing to drop the line. */
typedef int known_hosts_editor(
    void *context, const struct known_hosts_line *line, struct buf *out);

struct known_hosts_rewrite {
	known_hosts_editor *edit;
	/* More lines at the end; may be NULL. Returns 0 or a negative code. */
	int (*append)(void *context, struct buf *out);
	void *context;
	bool keep_old; /* the former file stays as PATH.old */
};

/*
 * Goes through the file (through a symbolic link to what it names) and puts
 * the result in its place in one step, with the mode and, for root, the owner
 * of the former one. Others who change it by this module wait meanwhile.
 * Nothing is written where nothing changed. A missing file
 * is ERR_NOT_FOUND, unless there is an append: then it is made, 0600. What is
 * no regular file is ERR_UNSUPPORTED.
 */
int known_hosts_rewrite(const char *path, const struct known_hosts_rewrite *w,
    bool *ret_changed, struct error *e) MUST_CHECK;

#endif
