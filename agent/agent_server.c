/*
 * agent_server.c - connections, and the messages in order.
 */
#include "agent/agent_server.h"

#include <stdlib.h>
#include <string.h>

#include "agent/agent_peer.h"
#include "common/agent/helper.h"
#include "common/base/log.h"

/* Bytes read at a time: several requests of a client that sends ahead. */
#define READ_SIZE ((size_t)16 * 1024)
/* Answers that wait to be read before no more requests are taken. */
#define OUTPUT_MAX ((size_t)64 * 1024)

/* ---- the server ---- */

void
agent_server_init(struct agent_server *s, const struct agent_policy *p,
    const struct agent_host *host)
{
	s->policy = *p;
	s->host = host;
	agent_store_init(&s->store);
}

void
agent_server_release(struct agent_server *s)
{
	agent_store_release(&s->store);
}

/* ---- jobs ---- */

struct agent_job *
agent_job_new(enum agent_job_kind kind)
{
	struct agent_job *job = calloc(1, sizeof(*job));

	if (job != NULL)
		job->kind = kind;
	return job;
}

void
agent_job_free(struct agent_job *job)
{
	if (job == NULL)
		return;
	key_unref(job->key);
	buf_release(&job->data);
	buf_release(&job->signature);
	free(job->question);
	free(job->provider);
	secret_free_text(job->pin);
	token_close(job->token);
	free(job);
}

struct agent_job *
agent_peer_take_job(struct agent_peer *p)
{
	struct agent_job *job = p->job;

	p->job = NULL;
	p->is_busy = true;
	return job;
}

void
agent_peer_job_done(struct agent_peer *p, struct agent_job *job)
{
	agent_job_free(p->job);
	p->job = job;
	p->is_busy = false;
	p->is_done = true;
}

/* ---- answers ---- */

void
agent_answer(struct agent_peer *p, enum agent_message type)
{
	write_uint32(&p->out, 1);
	write_byte(&p->out, (uint8_t)type);
}

void
agent_answer_status(struct agent_peer *p, bool is_success)
{
	agent_answer(p, is_success ? AGENT_SUCCESS : AGENT_FAILURE);
}

/* ---- jobs that are done ---- */

/* The job came back: the answer, or the next job. */
static void
go_on(struct agent_peer *p)
{
	struct agent_job *job = p->job;

	p->job = NULL;
	switch (job->kind) {
	case AGENT_JOB_CONFIRM:
		agent_confirmed(p, job);
		break;
	case AGENT_JOB_SIGN:
		agent_signed(p, job);
		break;
	case AGENT_JOB_PROVIDER:
		agent_provider_opened(p, job);
		break;
	}
	agent_job_free(job);
}

/* ---- messages ---- */

/* Which messages there are; a locked agent knows only some of them. */
/* clang-format off */
static const struct {
	enum agent_message type;
	agent_handler *handler;
	bool when_locked;
	const char *name;
} messages[] = {
	{ AGENT_REQUEST_IDENTITIES,            agent_on_list,            true,  "request identities" },
	{ AGENT_SIGN_REQUEST,                  agent_on_sign,            false, "sign request" },
	{ AGENT_ADD_IDENTITY,                  agent_on_add,             false, "add identity" },
	{ AGENT_ADD_ID_CONSTRAINED,            agent_on_add_constrained, false, "add identity constrained" },
	{ AGENT_REMOVE_IDENTITY,               agent_on_remove,          false, "remove identity" },
	{ AGENT_REMOVE_ALL_IDENTITIES,         agent_on_remove_all,      false, "remove all identities" },
	{ AGENT_ADD_SMARTCARD_KEY,             agent_on_add_provider,    false, "add provider" },
	{ AGENT_ADD_SMARTCARD_KEY_CONSTRAINED, agent_on_add_provider_constrained, false, "add provider constrained" },
	{ AGENT_REMOVE_SMARTCARD_KEY,          agent_on_remove_provider, false, "remove provider" },
	{ AGENT_LOCK,                          agent_on_lock,            false, "lock" },
	{ AGENT_UNLOCK,                        agent_on_unlock,          true,  "unlock" },
	{ AGENT_EXTENSION,                     agent_on_extension,       true,  "extension" },
};
/* clang-format on */

static void
dispatch(struct agent_peer *p, struct span body)
{
	struct reader r = reader_of(body);
	uint8_t type = read_byte(&r);

	for (size_t i = 0; i < ARRAY_COUNT(messages); i++) {
		if (messages[i].type != type)
			continue;
		log_debug2("request: %s", messages[i].name);
		if (p->server->store.is_locked && !messages[i].when_locked) {
			log_verbose("refused, since the agent is locked: %s",
			    messages[i].name);
			agent_answer(p, AGENT_FAILURE);
			return;
		}
		messages[i].handler(p, &r);
		return;
	}
	log_verbose("refused: a message of unknown type %u", type);
	agent_answer(p, AGENT_FAILURE);
}

/* ---- connections ---- */

struct agent_peer *
agent_peer_new(struct agent_server *s)
{
	struct agent_peer *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->server = s;
	p->in = (struct buf)BUF_SECRET_INIT;
	p->in.max = 4 + AGENT_MESSAGE_MAX + READ_SIZE;
	return p;
}

void
agent_peer_free(struct agent_peer *p)
{
	if (p == NULL)
		return;
	agent_job_free(p->job);
	agent_pending_release(&p->pending);
	agent_constraints_release(&p->pending_constraints);
	agent_way_release(&p->way);
	buf_release(&p->in);
	buf_release(&p->out);
	free(p);
}

/* Bytes of the first message with its length, 0 while that is unknown. */
static size_t
message_size(const struct agent_peer *p)
{
	struct reader r = reader_of(buf_span(&p->in));
	size_t len = read_uint32(&r);

	return read_error(&r) != 0 ? 0 : 4 + len;
}

uint8_t *
agent_peer_space(struct agent_peer *p, size_t *ret_len)
{
	/* A whole message is there: it is worked off first. */
	size_t size = message_size(p);

	*ret_len = 0;
	if (size > 4 + AGENT_MESSAGE_MAX || (size > 0 && p->in.len >= size))
		return NULL;
	*ret_len = READ_SIZE;
	return buf_reserve(&p->in, READ_SIZE);
}

void
agent_peer_received(struct agent_peer *p, size_t n)
{
	buf_extend(&p->in, n);
}

/* 1: a message was answered or set off a job; 0: there is no whole one. */
static int
run_message(struct agent_peer *p)
{
	size_t size = message_size(p);

	if (size == 0)
		return 0;
	if (size == 4 || size > 4 + AGENT_MESSAGE_MAX) {
		log_error("a request of %zu bytes (1 to %u are allowed)",
		    size - 4, AGENT_MESSAGE_MAX);
		return ERR_FORMAT;
	}
	if (p->in.len < size)
		return 0;
	dispatch(p, span_of(p->in.data + 4, size - 4));
	if (p->wait_until_us == 0) /* else it stays for later */
		buf_consume(&p->in, size);
	return 1;
}

int
agent_peer_run(
    struct agent_peer *p, struct agent_time now, enum agent_state *ret)
{
	int r = 1;

	p->now = now;
	IGNORE_RESULT(agent_store_expire(&p->server->store, now.now_us) != 0);
	*ret = AGENT_READING;
	while (r == 1) {
		if (p->is_done) {
			p->is_done = false;
			go_on(p);
		}
		if (p->wait_until_us > now.now_us)
			*ret = AGENT_WAITING;
		else if (p->is_busy)
			*ret = AGENT_BUSY;
		else if (p->job != NULL)
			*ret = AGENT_JOB;
		if (*ret != AGENT_READING || p->out.len > OUTPUT_MAX)
			break;
		p->wait_until_us = 0;
		r = run_message(p);
	}
	if (r >= 0 && (r = buf_error(&p->out)) == 0)
		r = buf_error(&p->in);
	return r;
}

struct span
agent_peer_output(const struct agent_peer *p)
{
	return buf_span(&p->out);
}

void
agent_peer_sent(struct agent_peer *p, size_t n)
{
	buf_consume(&p->out, n);
}

uint64_t
agent_peer_wait_until(const struct agent_peer *p)
{
	return p->wait_until_us;
}
