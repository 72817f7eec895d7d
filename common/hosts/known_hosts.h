/*
 * known_hosts.h - which host keys we know: lookup, verdicts, adding.
 * Format: surface notes s10; its lines: known_hosts_file.h.
 *
 * Lookup goes through the file without a copy or a parse per line: names
 * are compared where they lie; only keys of matching lines are decoded. So
 * 200,000 hashed lines cost well below 0.1 s, and one scan serves both the
 * order of host key algorithms and the check.
 */
#ifndef COMMON_HOSTS_KNOWN_HOSTS_H
#define COMMON_HOSTS_KNOWN_HOSTS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/attributes.h"
#include "common/base/error.h"
#include "common/base/text.h"
#include "common/hosts/known_hosts_file.h"
#include "common/key/key.h"

struct known_host {
	struct key *key;
	enum known_host_marker marker;
	char *file;
	unsigned long line;
	char *names; /* first field as written */
	bool is_hashed;
};

/* All lines that concern one host name. */
struct known_hosts {
	struct known_host *item;
	size_t count;
	unsigned long bad_lines; /* matching lines that held no usable key */
};

void known_hosts_release(struct known_hosts *k);

/* Adds the lines of one file that match name; a missing file is fine. */
int known_hosts_lookup(const char *path, const char *name,
    struct known_hosts *found, struct error *e) MUST_CHECK;

/* The same for text; path is what stands in the lines found. */
int known_hosts_lookup_text(struct span text, const char *path,
    const char *name, struct known_hosts *found) MUST_CHECK;

enum known_hosts_verdict {
	KNOWN_HOSTS_OK,
	KNOWN_HOSTS_NEW,      /* no key known for the host */
	KNOWN_HOSTS_NEW_TYPE, /* keys of other types only */
	KNOWN_HOSTS_CHANGED,  /* another key of this type is known */
	KNOWN_HOSTS_REVOKED
};

/* ret_line (may be NULL): the line that decided, borrowed. */
enum known_hosts_verdict known_hosts_check(const struct known_hosts *found,
    const struct key *k, const struct known_host **ret_line);

/*
 * Is the CA of a host certificate (a key of a certificate type) one for the
 * host? KNOWN_HOSTS_OK; KNOWN_HOSTS_REVOKED: the CA or the key in the
 * certificate is marked so; else KNOWN_HOSTS_NEW. Nothing but the CA's key is
 * looked at.
 */
enum known_hosts_verdict known_hosts_check_authority(
    const struct known_hosts *found, const struct key *certificate,
    const struct known_host **ret_line);

/* Other names under which key is known in a file ("plain" names only and
 * "[hashed name]"), as "file:line: names", for the question about a new host.
 */
int known_hosts_names_of_key(const char *path, const struct key *k,
    struct strings *ret_names) MUST_CHECK;

/*
 * Appends a line `names type base64`; hash: the name is hashed with a fresh
 * salt. The file and its folder (0700) are made where missing. A file without
 * a newline at its end gets one first.
 */
int known_hosts_add(const char *path, const char *name, const struct key *k,
    bool hash, struct error *e) MUST_CHECK;

/*
 * list with the algorithms whose key types are known for the host moved to
 * the front (order kept), and before them, where a CA is known, those of
 * certificates; fresh text.
 */
char *known_hosts_order_algorithms(
    const struct known_hosts *found, const char *list);

#endif
