/*
 * agent_provider.c - keys of PKCS#11 providers; which providers are allowed.
 * draft-ietf-sshm-ssh-agent s3.2.5, s3.4; surface notes s9.
 *
 * A provider is code. It runs in a helper process, and only if its real path
 * matches the patterns of -P; and whoever asks over a forwarded connection
 * names none, unless -O allow-remote-pkcs11 says otherwise.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/agent_peer.h"
#include "common/agent/helper.h"
#include "common/base/log.h"
#include "common/base/text.h"

/* ---- permission ---- */

int
agent_allow_provider(
    const struct agent_peer *p, const char *path, char **ret, struct error *e)
{
	const struct agent_policy *policy = &p->server->policy;
	char *real;

	if (strcmp(path, "internal") == 0) {
		*ret = strdup(path);
		return *ret == NULL ? error_set(e, ERR_MEMORY, "out of memory")
				    : 0;
	}
	if (p->way.was_attempted && !policy->remote_providers)
		return error_set(e, ERR_PERMISSION,
		    "a forwarded connection may not name a provider (see "
		    "-O allow-remote-pkcs11)");
	if ((real = p->server->host->resolve(path)) == NULL)
		return error_set(
		    e, ERR_NOT_FOUND, "the provider %s is not there", path);
	if (pattern_list_match(policy->providers, real, false) != 1) {
		error_set(e, ERR_PERMISSION,
		    "the provider %s is not among those of -P (%s)", real,
		    policy->providers);
		free(real);
		return ERR_PERMISSION;
	}
	*ret = real;
	return 0;
}

/* ---- adding ---- */

static void
refuse(struct agent_peer *p, const char *what, const struct error *e)
{
	log_error("refused: %s: %s", what, e->text);
	agent_answer(p, AGENT_FAILURE);
}

static int
start_job(
    struct agent_peer *p, const char *path, struct span pin, struct error *e)
{
	struct agent_job *job = agent_job_new(AGENT_JOB_PROVIDER);
	int r;

	if (job == NULL || (job->pin = span_dup_text(pin)) == NULL) {
		agent_job_free(job);
		return error_set(e, ERR_MEMORY, "out of memory");
	}
	if ((r = agent_allow_provider(p, path, &job->provider, e)) != 0) {
		agent_job_free(job);
		return r;
	}
	p->job = job;
	return 0;
}

static int
begin(struct agent_peer *p, struct reader *r, bool is_constrained,
    struct error *e)
{
	struct span path = read_text(r);
	struct span pin = read_text(r);
	struct agent_constraints *c = &p->pending_constraints;
	char *text;
	int error;

	if ((error = read_error(r)) == 0)
		error =
		    is_constrained ? agent_read_constraints(r, c) : read_end(r);
	if (error != 0)
		return error_set(e, error, "%s", error_text(error));
	if (path.len > HELPER_PROVIDER_MAX || pin.len > HELPER_PIN_MAX)
		return error_set(
		    e, ERR_LIMIT, "the path or the PIN is too long");
	if ((text = span_dup_text(path)) == NULL)
		return error_set(e, ERR_MEMORY, "out of memory");
	error = start_job(p, text, pin, e);
	free(text);
	return error;
}

static void
add_provider(struct agent_peer *p, struct reader *r, bool is_constrained)
{
	struct error e = { 0 };

	if (begin(p, r, is_constrained, &e) != 0) {
		agent_constraints_release(&p->pending_constraints);
		refuse(p, "adding a provider", &e);
	}
}

void
agent_on_add_provider(struct agent_peer *p, struct reader *r)
{
	add_provider(p, r, false);
}

void
agent_on_add_provider_constrained(struct agent_peer *p, struct reader *r)
{
	add_provider(p, r, true);
}

/* ---- the provider's keys ---- */

/* A copy of the constraints that every key gets, by way of their bytes. */
static int
copy_constraints(
    const struct agent_constraints *from, struct agent_constraints *ret)
{
	struct agent_constraints plain = *from; /* borrowed parts */
	struct buf bytes = BUF_INIT;
	struct reader r;
	int error;

	plain.certificates_only = false;
	plain.certificate_count = 0;
	agent_write_constraints(&bytes, &plain);
	if ((error = buf_error(&bytes)) == 0) {
		r = reader_of(buf_span(&bytes));
		error = agent_read_constraints(&r, ret);
	}
	buf_release(&bytes);
	return error;
}

/* One key, with a certificate or without one. */
static int
add_one(struct agent_peer *p, const struct agent_job *job, struct key *key,
    struct key *certificate)
{
	struct error e = { 0 };
	const char *comment = key_comment(key);
	struct agent_key *k = agent_key_new(
	    key_ref(key), certificate == NULL ? NULL : key_ref(certificate));
	int r;

	if (k == NULL)
		return ERR_MEMORY;
	free(k->comment);
	k->comment = strdup(comment[0] != '\0' ? comment : job->provider);
	k->provider = strdup(job->provider);
	r = k->comment == NULL || k->provider == NULL ? ERR_MEMORY : 0;
	if (r == 0)
		r = copy_constraints(&p->pending_constraints, &k->constraints);
	if (r != 0) {
		agent_key_free(k);
		return r;
	}
	if ((r = agent_add_key(p, k, &e)) != 0)
		log_error(
		    "refused: adding a key of %s: %s", job->provider, e.text);
	return r;
}

static int
add_with_certificates(
    struct agent_peer *p, const struct agent_job *job, struct key *key)
{
	const struct agent_constraints *c = &p->pending_constraints;
	int r = c->certificates_only ? 0 : add_one(p, job, key, NULL);

	for (size_t i = 0; r == 0 && i < c->certificate_count; i++)
		if (span_equal(
			key_plain_blob(c->certificates[i]), key_blob(key)))
			r = add_one(p, job, key, c->certificates[i]);
	return r;
}

void
agent_provider_opened(struct agent_peer *p, struct agent_job *job)
{
	size_t before = p->server->store.count;
	int r = job->result;

	if (r == 0 && p->server->store.is_locked)
		r = ERR_PERMISSION;
	for (size_t i = 0; r == 0 && i < token_key_count(job->token); i++)
		r = add_with_certificates(p, job, token_key(job->token, i));
	if (r == 0 && token_key_count(job->token) == 0)
		r = ERR_NOT_FOUND;
	log_debug1("provider %s: %zu keys are new", job->provider,
	    p->server->store.count - before);
	agent_constraints_release(&p->pending_constraints);
	agent_answer_status(p, r == 0);
}

/* ---- removing ---- */

void
agent_on_remove_provider(struct agent_peer *p, struct reader *r)
{
	struct agent_store *s = &p->server->store;
	struct span path = read_text(r);
	struct span pin = read_text(r);
	char *text = NULL, *real = NULL;
	size_t before = s->count;

	if (read_end(r) == 0 && pin.len <= HELPER_PIN_MAX)
		text = span_dup_text(path);
	if (text != NULL && (real = p->server->host->resolve(text)) == NULL)
		real = strdup(text); /* gone from the disk meanwhile */
	list_for_each_safe(link, &s->keys) {
		struct agent_key *k = list_entry(link, struct agent_key, link);

		if (real != NULL && k->provider != NULL &&
		    strcmp(k->provider, real) == 0)
			agent_store_remove(s, k);
	}
	free(text);
	free(real);
	agent_answer_status(p, s->count != before);
}
