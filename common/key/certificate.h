/*
 * certificate.h - certificates of OpenSSH: what they say, whether it holds
 * here and now, and making them.
 * Format: draft-miller-ssh-cert; surface notes s9.
 *
 * A certificate is a key (key.h): key_from_blob() reads it and verifies the
 * CA's signature, so one that exists was signed by the CA that it names. What
 * it says is immutable. Whether that CA counts, and for whom, is the caller's
 * to decide.
 */
#ifndef COMMON_KEY_CERTIFICATE_H
#define COMMON_KEY_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/text.h"
#include "common/key/key.h"

#define CERTIFICATE_PRINCIPALS_MAX 256
#define CERTIFICATE_FOREVER        UINT64_MAX

enum certificate_kind {
	CERTIFICATE_USER = 1,
	CERTIFICATE_HOST = 2
};

struct certificate {
	uint64_t serial;
	enum certificate_kind kind;
	char *key_id;
	struct strings principals;
	uint64_t valid_after;  /* seconds since 1970, the first that counts */
	uint64_t valid_before; /* the first that does not; or FOREVER */
	struct buf critical;   /* options as on the wire, sound */
	struct buf extensions;
	struct key *ca;
	const struct signature_algorithm *ca_algorithm;
};

/* Walks critical or extensions: false at the end. data is as on the wire: a
 * string for options with a value, nothing for flags. */
bool certificate_option_next(
    struct span *rest, struct span *ret_name, struct span *ret_data);

/* ---- judging ---- */

struct certificate_use {
	enum certificate_kind kind;
	uint64_t now_s;
	/* Who must be listed: a user (compared exactly) or a host in lower
	 * case (principals may hold wildcards). A certificate without
	 * principals is nobody's. NULL: the caller looks at them itself. */
	const char *name;
	/* CASignatureAlgorithms; NULL: all that are not off. */
	const char *ca_algorithms;
};

/*
 * Does the certificate hold for this use: kind, time, name, the algorithm of
 * the CA; for hosts also that nothing critical is asked for. ERR_PERMISSION
 * with a sentence that says why not. The CA itself is not judged.
 */
int certificate_check(const struct certificate *c,
    const struct certificate_use *use, struct error *e) MUST_CHECK;

/* What a user certificate allows and demands. Text is owned. */
struct certificate_rights {
	bool x11_forwarding;
	bool agent_forwarding;
	bool port_forwarding;
	bool pty;
	bool user_rc;
	bool touch_not_required;
	bool verify_required;
	char *force_command;  /* NULL: none */
	char *source_address; /* CIDR list; NULL: from everywhere */
};

/* ERR_PERMISSION for a critical option that nobody here knows, and for one
 * that is damaged or given twice. Unknown extensions are ignored. */
int certificate_rights_read(const struct certificate *c,
    struct certificate_rights *ret, struct error *e) MUST_CHECK;
void certificate_rights_release(struct certificate_rights *r);

/* ---- making ---- */

struct certificate_option {
	const char *name;
	const char *value; /* NULL: a flag */
};

struct certificate_request {
	enum certificate_kind kind;
	uint64_t serial;
	const char *key_id;
	const struct strings *principals;
	uint64_t valid_after;
	uint64_t valid_before;
	const struct certificate_option *critical; /* in any order */
	size_t critical_count;
	const struct certificate_option *extensions;
	size_t extension_count;
};

/*
 * Signs subject (a plain key, or a certificate whose key is meant) by ca,
 * which has its private half, with the algorithm. ERR_KEY_TYPE: ca is a
 * certificate, has no private half, or the algorithm is another type's;
 * ERR_ARGUMENT: an option given twice; ERR_LIMIT: too many principals.
 */
int certificate_sign(const struct key *subject,
    const struct certificate_request *q, const struct key *ca,
    const struct signature_algorithm *a, struct key **ret) MUST_CHECK;

#endif
