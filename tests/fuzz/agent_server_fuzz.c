/*
 * agent_server_fuzz.c - ssh-agent's end of the protocol, given what a client
 * may send.
 *
 * Input: a byte of choices, then the stream as it comes from the socket. The
 * agent holds one key, the same in each run, which is bound to a host (whose
 * key is the same one) unless the choices say otherwise.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/agent_server.h"
#include "common/base/error.h"
#include "common/base/log.h"
#include "tests/fuzz/engine.h"
#include "tests/fuzz/fuzz.h"

enum {
	CONFIRMS = 1,
	SMALL_READS = 2,
	REMOTE_PROVIDERS = 4,
	UNBOUND = 8
};

static char *
resolve(const char *path)
{
	return strdup(path);
}

static const struct agent_host host = { resolve };

/* Only for logins at the engine's host. */
static void
bind_key(struct agent_key *k)
{
	struct agent_destination *d = calloc(1, sizeof(*d));

	REQUIRE(d != NULL && (d->to.name = strdup("host")) != NULL);
	REQUIRE((d->to.keys = calloc(1, sizeof(*d->to.keys))) != NULL);
	d->to.keys[0].key = key_ref(engine_host_key());
	d->to.key_count = 1;
	k->constraints.destinations = d;
	k->constraints.destination_count = 1;
	k->constraints.confirm = true;
}

static void
fill(struct agent_server *s, uint8_t choices)
{
	struct agent_key *k = agent_key_new(key_ref(engine_host_key()), NULL);

	REQUIRE(k != NULL);
	if (!(choices & UNBOUND))
		bind_key(k);
	REQUIRE(agent_store_add(&s->store, k) == 0);
}

static void
do_job(struct agent_peer *p, uint8_t choices)
{
	struct agent_job *job = agent_peer_take_job(p);

	switch (job->kind) {
	case AGENT_JOB_CONFIRM:
		REQUIRE(job->question != NULL);
		job->result = choices & CONFIRMS ? 0 : ERR_CANCELLED;
		break;
	case AGENT_JOB_SIGN:
		REQUIRE(job->key != NULL && job->algorithm != NULL);
		job->result = key_sign(job->key, job->algorithm,
		    buf_span(&job->data), &job->signature);
		break;
	case AGENT_JOB_PROVIDER:
		/* The patterns are those of the default. */
		REQUIRE(strncmp(job->provider, "/usr/lib", 8) == 0 ||
			strncmp(job->provider, "/usr/local/lib", 14) == 0 ||
			strcmp(job->provider, "internal") == 0);
		job->result = ERR_NOT_FOUND;
		break;
	}
	agent_peer_job_done(p, job);
}

/* Answers are whole messages of types that answer something. */
static void
take_answers(struct agent_peer *p)
{
	struct span out = agent_peer_output(p);
	struct reader r = reader_of(out);

	while (r.len > 0) {
		struct span body = read_string_max(&r, AGENT_MESSAGE_MAX);

		REQUIRE(read_error(&r) == 0 && body.len > 0);
		switch (body.ptr[0]) {
		case AGENT_FAILURE:
		case AGENT_SUCCESS:
		case AGENT_EXTENSION_FAILURE:
			REQUIRE(body.len == 1);
			break;
		default:
			REQUIRE(body.ptr[0] == AGENT_IDENTITIES_ANSWER ||
				body.ptr[0] == AGENT_SIGN_RESPONSE ||
				body.ptr[0] == AGENT_EXTENSION_RESPONSE);
		}
	}
	agent_peer_sent(p, out.len);
}

/* Runs until more is wanted; a negative code ends the connection. */
static int
run(struct agent_peer *p, struct agent_time *now, uint8_t choices)
{
	enum agent_state state = AGENT_JOB;
	int r = 0;

	while (r == 0 && (state == AGENT_JOB || state == AGENT_WAITING)) {
		if ((r = agent_peer_run(p, *now, &state)) != 0)
			break;
		if (state == AGENT_JOB)
			do_job(p, choices);
		else if (state == AGENT_WAITING)
			now->now_us = agent_peer_wait_until(p);
		take_answers(p);
	}
	REQUIRE(r != 0 || state == AGENT_READING);
	return r;
}

static void
feed(struct agent_peer *p, struct span bytes, uint8_t choices)
{
	struct agent_time now = { 1000000, 1800000000 };
	int r = 0;

	while (r == 0 && bytes.len > 0) {
		size_t room, n;
		uint8_t *space = agent_peer_space(p, &room);

		REQUIRE(room > 0 && space != NULL);
		n = bytes.len < room ? bytes.len : room;
		if (choices & SMALL_READS && n > 7)
			n = 7;
		memcpy(space, bytes.ptr, n);
		agent_peer_received(p, n);
		bytes.ptr += n;
		bytes.len -= n;
		r = run(p, &now, choices);
	}
	REQUIRE(r == 0 || r == ERR_FORMAT);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t choices = size > 0 ? data[0] : 0;
	const struct agent_policy policy = {
		.providers = "/usr/lib*/*,/usr/local/lib*/*",
		.remote_providers = (choices & REMOTE_PROVIDERS) != 0,
		.websafe_restricted = true,
		.fingerprint = DIGEST_SHA256,
	};
	struct agent_server server;
	struct agent_peer *p;

	log_set_level(LOG_LEVEL_QUIET);
	engine_reset();
	agent_server_init(&server, &policy, &host);
	fill(&server, choices);
	REQUIRE((p = agent_peer_new(&server)) != NULL);
	if (size > 1)
		feed(p, span_of(data + 1, size - 1), choices);
	agent_peer_free(p);
	REQUIRE(server.store.list_bytes <= AGENT_MESSAGE_MAX);
	agent_server_release(&server);
	return 0;
}

/* ---- seeds ---- */

static void
put(struct buf *stream, struct buf *message)
{
	write_string(stream, buf_span(message));
	buf_clear(message);
}

static void
put_sign(struct buf *stream, struct span blob, struct span data)
{
	struct buf m = BUF_INIT;

	write_byte(&m, AGENT_SIGN_REQUEST);
	write_string(&m, blob);
	write_string(&m, data);
	write_uint32(&m, 4);
	put(stream, &m);
	buf_release(&m);
}

static void
put_bind(struct buf *stream, struct span id, bool is_forwarding)
{
	const struct key *k = engine_host_key();
	struct buf m = BUF_INIT, signature = BUF_INIT;

	REQUIRE(key_sign(k, signature_find(span_text(key_type_name(k))), id,
		    &signature) == 0);
	write_byte(&m, AGENT_EXTENSION);
	write_text(&m, "session-bind@openssh.com");
	write_string(&m, key_blob(k));
	write_string(&m, id);
	write_string(&m, buf_span(&signature));
	write_boolean(&m, is_forwarding);
	put(stream, &m);
	buf_release(&m);
	buf_release(&signature);
}

static void
seed_keys(void)
{
	const struct key *bound = engine_host_key();
	struct buf stream = BUF_INIT, m = BUF_INIT;
	struct agent_key *k = agent_key_new(key_ref(engine_host_key()), NULL);

	REQUIRE(k != NULL);
	bind_key(k);
	write_byte(&stream, CONFIRMS);
	write_byte(&m, AGENT_ADD_ID_CONSTRAINED);
	REQUIRE(agent_write_key(&m, bound, NULL) == 0);
	write_text(&m, "comment");
	agent_write_constraints(&m, &k->constraints);
	put(&stream, &m);
	write_byte(&m, AGENT_REQUEST_IDENTITIES);
	put(&stream, &m);
	put_sign(&stream, key_blob(bound), span_text("data"));
	write_byte(&m, AGENT_REMOVE_IDENTITY);
	write_string(&m, key_blob(bound));
	put(&stream, &m);
	fuzz_seed("keys", buf_span(&stream));
	agent_key_free(k);
	buf_release(&stream);
	buf_release(&m);
}

static void
seed_bound(void)
{
	const struct key *bound = engine_host_key();
	struct buf stream = BUF_INIT, login = BUF_INIT;

	write_string(&login, span_text("session"));
	write_byte(&login, 50);
	write_text(&login, "user");
	write_text(&login, "ssh-connection");
	write_text(&login, "publickey-hostbound-v00@openssh.com");
	write_boolean(&login, true);
	write_text(&login, key_type_name(bound));
	write_string(&login, key_blob(bound));
	write_string(&login, key_blob(engine_host_key()));
	write_byte(&stream, CONFIRMS);
	put_bind(&stream, span_text("session"), false);
	put_sign(&stream, key_blob(bound), buf_span(&login));
	fuzz_seed("bound", buf_span(&stream));
	stream.data[0] = UNBOUND;
	fuzz_seed("unbound", buf_span(&stream));
	buf_clear(&stream);
	write_byte(&stream, SMALL_READS);
	put_bind(&stream, span_text("one"), true);
	put_bind(&stream, span_text("two"), true);
	fuzz_seed("forwarded", buf_span(&stream));
	buf_release(&stream);
	buf_release(&login);
}

static void
seed_others(void)
{
	static const char *const passwords[] = { "pw", "no", "pw" };
	struct buf stream = BUF_INIT, m = BUF_INIT;

	write_byte(&stream, 0);
	for (size_t i = 0; i < ARRAY_COUNT(passwords); i++) {
		write_byte(&m, i == 0 ? AGENT_LOCK : AGENT_UNLOCK);
		write_text(&m, passwords[i]);
		put(&stream, &m);
	}
	write_byte(&m, AGENT_EXTENSION);
	write_text(&m, "query");
	put(&stream, &m);
	write_byte(&m, AGENT_ADD_SMARTCARD_KEY_CONSTRAINED);
	write_text(&m, "/usr/lib/p11.so");
	write_text(&m, "1234");
	write_byte(&m, AGENT_CONSTRAIN_LIFETIME);
	write_uint32(&m, 60);
	put(&stream, &m);
	write_byte(&m, AGENT_REMOVE_SMARTCARD_KEY);
	write_text(&m, "/usr/lib/p11.so");
	write_text(&m, "");
	put(&stream, &m);
	write_byte(&m, AGENT_REMOVE_ALL_IDENTITIES);
	put(&stream, &m);
	fuzz_seed("others", buf_span(&stream));
	buf_release(&stream);
	buf_release(&m);
}

void
fuzz_seeds(void)
{
	seed_keys();
	seed_bound();
	seed_others();
}
