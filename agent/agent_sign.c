/*
 * agent_sign.c - signatures: whether, by which algorithm, and where.
 * draft-ietf-sshm-ssh-agent s4.4.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/agent_peer.h"
#include "common/base/log.h"
#include "common/base/text.h"

void
agent_pending_release(struct agent_pending *pending)
{
	buf_release(&pending->blob);
	buf_release(&pending->data);
	pending->flags = 0;
}

/* The algorithm that the flags ask for. */
static const struct signature_algorithm *
choose_algorithm(const struct key *k, uint32_t flags)
{
	const char *name = key_type_name(k);

	if (key_row(k)->type == KEY_RSA) {
		if (flags & AGENT_RSA_SHA2_256)
			name = "rsa-sha2-256";
		else if (flags & AGENT_RSA_SHA2_512)
			name = "rsa-sha2-512";
	}
	return signature_find(span_text(name));
}

/* Fast enough to be made between two messages? RSA and DSA take the time of
 * thirty others; a device may wait for a person. */
static bool
is_quick(const struct key *k)
{
	switch (key_row(k)->type) {
	case KEY_ED25519:
	case KEY_ECDSA:
		return !key_signs_elsewhere(k);
	default:
		return false;
	}
}

/* ---- what a web site could make a security key sign ---- */

/*
 * Keys of web sites (FIDO, another application than "ssh:...") sign logins
 * and files only, so that a forwarded agent cannot be made to answer a web
 * site's challenge.
 */
static bool
is_websafe(const struct agent_policy *policy, const struct agent_key *k,
    struct span data)
{
	const char *application = key_application(k->key);
	struct agent_signed_request q;

	if (!policy->websafe_restricted || application == NULL ||
	    text_starts_with(application, "ssh:"))
		return true;
	if (policy->websafe_allow != NULL &&
	    pattern_list_match(policy->websafe_allow, application, false) == 1)
		return true;
	return agent_is_userauth(data, agent_key_blob(k), &q) ||
	       agent_is_sshsig(data);
}

/* ---- signing ---- */

static void
answer_signature(struct agent_peer *p, struct span signature)
{
	size_t mark = write_string_begin(&p->out);

	write_byte(&p->out, AGENT_SIGN_RESPONSE);
	write_string(&p->out, signature);
	write_string_end(&p->out, mark);
}

static void
answer_failure(struct agent_peer *p)
{
	agent_answer(p, AGENT_FAILURE);
	agent_pending_release(&p->pending);
}

/* Here and now. */
static void
sign_quickly(struct agent_peer *p, const struct agent_key *k,
    const struct signature_algorithm *a)
{
	struct buf signature = BUF_INIT;
	int r = key_sign(k->key, a, buf_span(&p->pending.data), &signature);

	if (r == 0) {
		answer_signature(p, buf_span(&signature));
		agent_pending_release(&p->pending);
	} else {
		agent_log_refused(p, "signing by", k, error_text(r));
		answer_failure(p);
	}
	buf_release(&signature);
}

static void
sign_by_job(struct agent_peer *p, const struct agent_key *k,
    const struct signature_algorithm *a)
{
	struct agent_job *job = agent_job_new(AGENT_JOB_SIGN);

	if (job == NULL) {
		answer_failure(p);
		return;
	}
	job->key = key_ref(k->key);
	job->algorithm = a;
	job->data = p->pending.data; /* moves */
	p->pending.data = (struct buf)BUF_INIT;
	p->job = job;
}

static void
sign_now(struct agent_peer *p, const struct agent_key *k)
{
	const struct signature_algorithm *a =
	    choose_algorithm(k->key, p->pending.flags);

	if (a == NULL)
		answer_failure(p);
	else if (is_quick(k->key))
		sign_quickly(p, k, a);
	else
		sign_by_job(p, k, a);
}

static void
ask_first(struct agent_peer *p, const struct agent_key *k)
{
	struct agent_job *job = agent_job_new(AGENT_JOB_CONFIRM);
	char *fingerprint =
	    key_fingerprint(k->key, p->server->policy.fingerprint);
	char *comment = text_escaped(span_text(k->comment));

	if (job != NULL && fingerprint != NULL && comment != NULL)
		job->question =
		    text_format("Allow use of key %s?\nKey fingerprint %s.",
			comment, fingerprint);
	free(fingerprint);
	free(comment);
	if (job == NULL || job->question == NULL) {
		agent_job_free(job);
		answer_failure(p);
		return;
	}
	p->job = job;
}

/* The key of the pending request, if it may sign the data. */
static struct agent_key *
find_allowed(struct agent_peer *p)
{
	struct agent_key *k = agent_find_seen(p, buf_span(&p->pending.blob));
	struct error e = { 0 };

	if (k == NULL) {
		log_verbose("refused: signing by a key that is not here");
		return NULL;
	}
	if (agent_may_sign(&p->way, k, buf_span(&p->pending.data),
		p->now.wall_s, &e) != 0) {
		agent_log_refused(p, "signing by", k, e.text);
		return NULL;
	}
	if (!is_websafe(&p->server->policy, k, buf_span(&p->pending.data))) {
		agent_log_refused(p, "signing by", k,
		    "neither a login nor a file is to be signed, and the key "
		    "is one for the web (see -O websafe-allow)");
		return NULL;
	}
	return k;
}

void
agent_on_sign(struct agent_peer *p, struct reader *r)
{
	struct span blob = read_string(r);
	struct span data = read_string(r);
	uint32_t flags = read_uint32(r);
	struct agent_key *k;

	if (read_end(r) != 0) {
		log_verbose("refused: a malformed sign request");
		agent_answer(p, AGENT_FAILURE);
		return;
	}
	write_span(&p->pending.blob, blob);
	write_span(&p->pending.data, data);
	p->pending.flags = flags;
	if (buf_error(&p->pending.blob) != 0 ||
	    buf_error(&p->pending.data) != 0 || (k = find_allowed(p)) == NULL)
		answer_failure(p);
	else if (k->constraints.confirm)
		ask_first(p, k);
	else
		sign_now(p, k);
}

/* ---- jobs that are done ---- */

void
agent_confirmed(struct agent_peer *p, struct agent_job *job)
{
	struct agent_key *k;

	if (job->result != 0)
		log_info("refused: the use of a key was not confirmed");
	/* While the person thought, the key may have gone, or all of them
	 * been locked away. */
	if (job->result != 0 || p->server->store.is_locked ||
	    (k = find_allowed(p)) == NULL)
		answer_failure(p);
	else
		sign_now(p, k);
}

void
agent_signed(struct agent_peer *p, struct agent_job *job)
{
	if (job->result != 0) {
		log_error("signing failed: %s", error_text(job->result));
		answer_failure(p);
		return;
	}
	answer_signature(p, buf_span(&job->signature));
	agent_pending_release(&p->pending);
}
