/*
 * allowed_signers.h - files that say whose signatures by which keys count.
 * Format: surface notes s10.
 *
 *     PRINCIPALS [OPTIONS] TYPE BASE64 [COMMENT]
 *
 * PRINCIPALS is a list of patterns, in quotes where it holds blanks. The file
 * is a person's own, or comes with a repository: a line that is damaged counts
 * for nothing, and the lines behind it count as if it were not there.
 */
#ifndef COMMON_KEY_ALLOWED_SIGNERS_H
#define COMMON_KEY_ALLOWED_SIGNERS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/text.h"
#include "common/key/key.h"

#define ALLOWED_SIGNERS_MAX ((size_t)64 * 1024 * 1024)

/* One line. */
struct allowed_signer {
	char *principals; /* patterns, comma-separated */
	bool is_ca;
	char *namespaces;      /* patterns; NULL: any namespace */
	uint64_t valid_after;  /* seconds since 1970; 0: always */
	uint64_t valid_before; /* the last that counts; UINT64_MAX: for ever */
	struct key *key;
};

/* ERR_FORMAT with what is wrong; ERR_NOT_FOUND for empty lines and comments. */
int allowed_signer_parse(
    struct span line, struct allowed_signer *ret, struct error *e) MUST_CHECK;
void allowed_signer_release(struct allowed_signer *s);

/* Does the line speak about this principal? */
bool allowed_signer_names(
    const struct allowed_signer *s, const char *principal) MUST_CHECK;

/*
 * Does the line let signatures by this key count at this time, for the
 * principal (NULL: whoever)? The key is that of the line; or, for a CA, a
 * certificate by it that is good at this time and lists the principal.
 * ERR_NOT_FOUND: the line is about another key; ERR_PERMISSION: it is about
 * this one and says no, with the reason. To ret_principals (may be NULL) are
 * added, each once, those who are meant: the line's patterns but for negated
 * ones, or of a certificate those of its principals which they match.
 */
int allowed_signer_check(const struct allowed_signer *s, const struct key *k,
    const char *principal, uint64_t now_s, struct strings *ret_principals,
    struct error *e) MUST_CHECK;

/* ERR_PERMISSION where the line is for other namespaces. */
int allowed_signer_check_namespace(const struct allowed_signer *s,
    const char *namespace, struct error *e) MUST_CHECK;

#endif
