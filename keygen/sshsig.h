/*
 * sshsig.h - ssh-keygen -Y: signatures of files; what its operations share.
 */
#ifndef KEYGEN_SSHSIG_H
#define KEYGEN_SSHSIG_H

#include <stdbool.h>
#include <stdint.h>

#include "keygen/keygen.h"

/* What -O said. */
struct sshsig_wishes {
	const char *hash;     /* hashalg=; NULL: the default */
	uint64_t verify_time; /* verify-time=, else now */
	bool print_public;    /* print-pubkey */
};

/* Each returns the exit status. */
int sshsig_operation_sign(
    const struct options *o, const struct sshsig_wishes *w);
int sshsig_operation_verify(
    const struct options *o, const struct sshsig_wishes *w);
int sshsig_operation_check(
    const struct options *o, const struct sshsig_wishes *w);
int sshsig_operation_find(
    const struct options *o, const struct sshsig_wishes *w);
int sshsig_operation_match(
    const struct options *o, const struct sshsig_wishes *w);

#endif
