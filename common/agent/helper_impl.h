/*
 * helper_impl.h - what the files of a helper's client share: the process, and
 * reading its answers, which are hostile. Private to this folder and its
 * tests.
 */
#ifndef COMMON_AGENT_HELPER_IMPL_H
#define COMMON_AGENT_HELPER_IMPL_H

#include <sys/types.h>

#include "common/agent/helper.h"
#include "common/agent/helper_protocol.h"
#include "common/base/attributes.h"
#include "common/base/error.h"
#include "common/ipc/ipc.h"

/* ---- the process (helper_process.c) ---- */

struct helper {
	pid_t pid;
	struct ipc ipc;
};

/* variable: names the program; name: of the program beside ours. */
int helper_start(struct helper *h, const char *variable, const char *name,
    struct error *e) MUST_CHECK;

/* Hangs up and reaps. */
void helper_stop(struct helper *h);

/*
 * Sends what was composed by ipc_begin() and waits for the answer. 0 with its
 * body (borrowed) in ret; HELPER_ANSWER_NEED_PIN with it too, or the code of
 * FAILED. ERR_CLOSED: the helper died.
 */
int helper_call(
    struct helper *h, struct span *ret_body, struct error *e) MUST_CHECK;

/* ---- answers ---- */

/* FAILED: the code, with the sentence, made fit for terminals, in e. */
int helper_read_failure(struct span body, struct error *e) MUST_CHECK;

/* A signature: ERR_SIGNATURE unless it is one by k and a of data. */
int helper_read_signature(struct span body, const struct key *k,
    const struct signature_algorithm *a, struct span data, struct buf *ret,
    struct error *e) MUST_CHECK;

int security_key_read_enrolled(struct span body,
    const struct security_key_request *q, struct key **ret,
    struct security_key_attestation *attestation, struct error *e) MUST_CHECK;
int security_key_read_residents(struct span body,
    struct security_key_resident **ret, size_t *ret_count,
    struct error *e) MUST_CHECK;

/* Plain keys with their labels as comments; the array and they are the
 * caller's. */
int token_read_keys(struct span body, struct key ***ret, size_t *ret_count,
    struct error *e) MUST_CHECK;

#endif
