/*
 * agent_server_test.c - ssh-agent's end of the protocol: what it answers, what
 * it refuses, and to whom.
 */
#include "agent/agent_server.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/crypto/random.h"
#include "common/key/certificate.h"
#include "tests/unit/unit.h"

#define SECOND_US 1000000
#define WALL_S    1800000000

/* ---- an agent, and connections to it ---- */

static struct agent_server server;
static struct agent_time now;
static bool confirms;      /* what the person says */
static unsigned questions; /* how often it was asked */
static unsigned jobs;      /* signatures that were jobs */

static char *
resolve(const char *path)
{
	return strcmp(path, "/missing") == 0 ? NULL : strdup(path);
}

static void
start_with(struct agent_policy policy)
{
	static const struct agent_host host = { resolve };

	log_set_level(LOG_LEVEL_QUIET);
	if (policy.providers == NULL)
		policy.providers = "/usr/lib*/*";
	agent_server_init(&server, &policy, &host);
	now = (struct agent_time){ 50 * SECOND_US, WALL_S };
}

static void
start(void)
{
	start_with((struct agent_policy){
	    .websafe_restricted = true, .fingerprint = DIGEST_SHA256 });
}

static struct agent_peer *
connect_peer(void)
{
	struct agent_peer *p = agent_peer_new(&server);

	CHECK(p != NULL);
	return p;
}

static void
do_job(struct agent_peer *p)
{
	struct agent_job *job = agent_peer_take_job(p);

	if (job->kind == AGENT_JOB_CONFIRM) {
		questions++;
		job->result = confirms ? 0 : ERR_CANCELLED;
	} else if (job->kind == AGENT_JOB_SIGN) {
		jobs++;
		job->result = key_sign(job->key, job->algorithm,
		    buf_span(&job->data), &job->signature);
	} else {
		job->result = ERR_NOT_FOUND;
	}
	agent_peer_job_done(p, job);
}

static void
give(struct agent_peer *p, struct span bytes)
{
	while (bytes.len > 0) {
		size_t room;
		uint8_t *space = agent_peer_space(p, &room);
		size_t n = bytes.len < room ? bytes.len : room;

		CHECK(n > 0);
		memcpy(space, bytes.ptr, n);
		agent_peer_received(p, n);
		bytes.ptr += n;
		bytes.len -= n;
		if (bytes.len > 0) {
			enum agent_state state;

			CHECK_INT(agent_peer_run(p, now, &state), 0);
		}
	}
}

/* Runs until it wants more; jobs are done on the way. */
static int
run(struct agent_peer *p, enum agent_state *ret)
{
	int r;

	while ((r = agent_peer_run(p, now, ret)) == 0 && *ret == AGENT_JOB)
		do_job(p);
	return r;
}

/* Sends a message (without its length) and takes the answer out; released. */
static struct buf
ask(struct agent_peer *p, struct buf *message)
{
	struct buf framed = BUF_INIT, answer = BUF_INIT;
	enum agent_state state;
	struct span out;

	write_string(&framed, buf_span(message));
	buf_release(message);
	give(p, buf_span(&framed));
	buf_release(&framed);
	CHECK_INT(run(p, &state), 0);
	CHECK_INT(state, AGENT_READING);
	out = agent_peer_output(p);
	CHECK(out.len >= 5);
	write_bytes(&answer, out.ptr + 4, out.len - 4);
	agent_peer_sent(p, out.len);
	return answer;
}

/* The type of the answer. */
static int
ask_type(struct agent_peer *p, struct buf *message)
{
	struct buf answer = ask(p, message);
	int type = answer.data[0];

	buf_release(&answer);
	return type;
}

static struct buf
message(enum agent_message type)
{
	struct buf b = BUF_INIT;

	write_byte(&b, (uint8_t)type);
	return b;
}

/* ---- messages ---- */

static struct key *
generate(const char *type)
{
	struct key *k;

	CHECK_INT(
	    key_generate(type, strcmp(type, "rsa") == 0 ? 1024 : 0, &k, NULL),
	    0);
	return k;
}

static struct key *
certify(struct key *k, struct key *ca, enum certificate_kind kind,
    const char *principal)
{
	struct strings principals = STRINGS_INIT;
	struct certificate_request q = { .kind = kind,
		.key_id = "id",
		.principals = &principals,
		.valid_before = CERTIFICATE_FOREVER };
	struct key *certificate;

	CHECK_INT(strings_add(&principals, principal), 0);
	CHECK_INT(certificate_sign(k, &q, ca,
		      key_choose_signature(ca, span_of(NULL, 0)), &certificate),
	    0);
	strings_release(&principals);
	return certificate;
}

static struct buf
add_message(const struct key *k, const struct key *certificate,
    const char *comment, const struct agent_constraints *c)
{
	bool any = c != NULL && agent_constraints_any(c);
	struct buf b =
	    message(any ? AGENT_ADD_ID_CONSTRAINED : AGENT_ADD_IDENTITY);

	CHECK_INT(agent_write_key(&b, k, certificate), 0);
	write_text(&b, comment);
	if (any)
		agent_write_constraints(&b, c);
	return b;
}

static void
add(struct agent_peer *p, const struct key *k, const char *comment,
    const struct agent_constraints *c)
{
	struct buf b = add_message(k, NULL, comment, c);

	CHECK_INT(ask_type(p, &b), AGENT_SUCCESS);
}

static struct buf
sign_message(struct span blob, struct span data, uint32_t flags)
{
	struct buf b = message(AGENT_SIGN_REQUEST);

	write_string(&b, blob);
	write_string(&b, data);
	write_uint32(&b, flags);
	return b;
}

/* Was it signed, and well? */
static bool
signs_with(struct agent_peer *p, const struct key *k, struct span blob,
    struct span data, uint32_t flags, const char *algorithm)
{
	struct buf b = sign_message(blob, data, flags), answer = ask(p, &b);
	struct reader r = reader_of(buf_span(&answer));
	int type = read_byte(&r);
	struct span signature;

	if (type == AGENT_FAILURE) {
		CHECK_INT(answer.len, 1);
		buf_release(&answer);
		return false;
	}
	CHECK_INT(type, AGENT_SIGN_RESPONSE);
	signature = read_string(&r);
	CHECK_INT(read_end(&r), 0);
	CHECK_INT(key_verify(
		      k, signature_find(span_text(algorithm)), data, signature),
	    0);
	buf_release(&answer);
	return true;
}

static bool
signs(struct agent_peer *p, const struct key *k, struct span data)
{
	return signs_with(p, k, key_blob(k), data, 0, key_type_name(k));
}

/* The comments of the list, with commas. */
static char *
list(struct agent_peer *p)
{
	struct buf b = message(AGENT_REQUEST_IDENTITIES), answer = ask(p, &b);
	struct reader r = reader_of(buf_span(&answer));
	struct buf text = BUF_INIT;
	uint32_t count;

	CHECK_INT(read_byte(&r), AGENT_IDENTITIES_ANSWER);
	count = read_uint32(&r);
	for (uint32_t i = 0; i < count; i++) {
		struct span blob = read_string(&r);
		struct span comment = read_string(&r);

		CHECK(blob.len > 0);
		if (i > 0)
			write_byte(&text, ',');
		write_span(&text, comment);
	}
	CHECK_INT(read_end(&r), 0);
	buf_release(&answer);
	return buf_take_text(&text);
}

#define CHECK_LIST(p, want)                                                    \
	do {                                                                   \
		char *listed = list(p);                                        \
		CHECK_TEXT(listed, want);                                      \
		free(listed);                                                  \
	} while (0)

/* ---- keys ---- */

TEST(keys_are_listed_in_order_and_sign)
{
	struct key *a = generate("ed25519"), *b = generate("ecdsa");
	struct key *c = generate("rsa");
	struct agent_peer *p, *other;

	start();
	p = connect_peer();
	other = connect_peer();
	CHECK_LIST(p, "");
	add(p, a, "one", NULL);
	add(p, b, "two", NULL);
	add(p, c, "three", NULL);
	CHECK_LIST(other, "one,two,three");
	CHECK(signs(other, a, span_text("data")));
	CHECK(signs(other, b, span_text("data")));
	CHECK(signs(other, a, span_of(NULL, 0)));
	CHECK_INT(jobs, 0);
	agent_peer_free(p);
	agent_peer_free(other);
	agent_server_release(&server);
	key_unref(a);
	key_unref(b);
	key_unref(c);
}

TEST(flags_choose_the_digest_of_rsa_and_workers_sign)
{
	struct key *k = generate("rsa");
	struct agent_peer *p;

	start();
	p = connect_peer();
	add(p, k, "rsa", NULL);
	CHECK(signs_with(p, k, key_blob(k), span_text("x"), 2, "rsa-sha2-256"));
	CHECK(signs_with(p, k, key_blob(k), span_text("x"), 4, "rsa-sha2-512"));
	CHECK(signs_with(p, k, key_blob(k), span_text("x"), 0, "ssh-rsa"));
	CHECK_INT(jobs, 3);
	agent_peer_free(p);
	agent_server_release(&server);
	key_unref(k);
}

TEST(a_certificate_goes_beside_its_key)
{
	struct key *k = generate("ed25519"), *ca = generate("ed25519");
	struct key *c = certify(k, ca, CERTIFICATE_USER, "user");
	struct agent_peer *p;
	struct buf b;

	start();
	p = connect_peer();
	add(p, k, "plain", NULL);
	b = add_message(k, c, "certified", NULL);
	CHECK_INT(ask_type(p, &b), AGENT_SUCCESS);
	CHECK_LIST(p, "plain,certified");
	CHECK(signs_with(p, k, key_blob(c), span_text("x"), 0, "ssh-ed25519"));
	b = message(AGENT_REMOVE_IDENTITY);
	write_string(&b, key_blob(k));
	CHECK_INT(ask_type(p, &b), AGENT_SUCCESS);
	CHECK_LIST(p, "certified");
	CHECK(!signs(p, k, span_text("x")));
	agent_peer_free(p);
	agent_server_release(&server);
	key_unref(k);
	key_unref(ca);
	key_unref(c);
}

TEST(a_key_that_comes_again_keeps_its_place)
{
	struct key *a = generate("ed25519"), *b = generate("ed25519");
	struct agent_peer *p;
	struct buf m;

	start();
	p = connect_peer();
	add(p, a, "a", NULL);
	add(p, b, "b", NULL);
	add(p, a, "again", NULL);
	CHECK_LIST(p, "again,b");
	CHECK_INT(server.store.count, 2);
	m = message(AGENT_REMOVE_ALL_IDENTITIES);
	CHECK_INT(ask_type(p, &m), AGENT_SUCCESS);
	CHECK_LIST(p, "");
	m = message(AGENT_REMOVE_IDENTITY);
	write_string(&m, key_blob(a));
	CHECK_INT(ask_type(p, &m), AGENT_FAILURE);
	agent_peer_free(p);
	agent_server_release(&server);
	key_unref(a);
	key_unref(b);
}

TEST(keys_go_when_their_time_is_over)
{
	struct key *a = generate("ed25519"), *b = generate("ed25519");
	struct agent_constraints c = { .lifetime_s = 10 };
	struct agent_peer *p;

	start_with((struct agent_policy){ .lifetime_s = 100 });
	p = connect_peer();
	add(p, a, "short", &c);
	add(p, b, "default", NULL);
	CHECK(agent_store_expire(&server.store, now.now_us) ==
	      now.now_us + 10 * SECOND_US);
	now.now_us += 10 * SECOND_US - 1;
	CHECK_LIST(p, "short,default");
	now.now_us += 1;
	CHECK(!signs(p, a, span_text("x")));
	CHECK_LIST(p, "default");
	now.now_us += 90 * SECOND_US;
	CHECK_LIST(p, "");
	CHECK(agent_store_expire(&server.store, now.now_us) == 0);
	agent_peer_free(p);
	agent_server_release(&server);
	key_unref(a);
	key_unref(b);
}

TEST(no_more_keys_than_one_answer_can_list)
{
	char comment[1024];
	struct agent_peer *p;
	size_t count = 0;
	int type;

	start();
	p = connect_peer();
	memset(comment, 'c', sizeof(comment) - 1);
	comment[sizeof(comment) - 1] = '\0';
	do {
		struct key *k = generate("ed25519");
		struct buf b = add_message(k, NULL, comment, NULL);

		type = ask_type(p, &b);
		count += type == AGENT_SUCCESS;
		key_unref(k);
	} while (type == AGENT_SUCCESS);
	CHECK_INT(type, AGENT_FAILURE);
	CHECK_INT(count, (AGENT_MESSAGE_MAX - 5) / (8 + 51 + 1023));
	CHECK_INT(server.store.count, count);
	free(list(p));
	agent_peer_free(p);
	agent_server_release(&server);
}

/* ---- a person ---- */

TEST(a_person_confirms_or_not)
{
	struct key *k = generate("rsa");
	struct agent_constraints c = { .confirm = true };
	struct agent_peer *p;

	start();
	p = connect_peer();
	add(p, k, "key", &c);
	confirms = false;
	CHECK(
	    !signs_with(p, k, key_blob(k), span_text("x"), 4, "rsa-sha2-512"));
	confirms = true;
	CHECK(signs_with(p, k, key_blob(k), span_text("x"), 4, "rsa-sha2-512"));
	CHECK_INT(questions, 2);
	CHECK_INT(jobs, 1);
	agent_peer_free(p);
	agent_server_release(&server);
	key_unref(k);
}

/* What happens between question and answer counts. */
static void
meanwhile(bool locks)
{
	struct key *k = generate("ed25519");
	struct agent_constraints c = { .confirm = true };
	struct buf m, framed = BUF_INIT;
	struct agent_peer *p, *other;
	struct agent_job *job;
	enum agent_state state;

	start();
	p = connect_peer();
	other = connect_peer();
	add(p, k, "key", &c);
	m = sign_message(key_blob(k), span_text("x"), 0);
	write_string(&framed, buf_span(&m));
	give(p, buf_span(&framed));
	CHECK_INT(agent_peer_run(p, now, &state), 0);
	CHECK_INT(state, AGENT_JOB);
	job = agent_peer_take_job(p);
	CHECK_INT(job->kind, AGENT_JOB_CONFIRM);
	CHECK(strstr(job->question, "Allow use of key key?\n") != NULL);
	CHECK_INT(agent_peer_run(p, now, &state), 0);
	CHECK_INT(state, AGENT_BUSY);
	buf_release(&m);
	m = message(locks ? AGENT_LOCK : AGENT_REMOVE_ALL_IDENTITIES);
	if (locks)
		write_text(&m, "pw");
	CHECK_INT(ask_type(other, &m), AGENT_SUCCESS);
	agent_peer_job_done(p, job); /* yes */
	CHECK_INT(agent_peer_run(p, now, &state), 0);
	CHECK_INT(state, AGENT_READING);
	CHECK_SPAN(agent_peer_output(p), unit_hex("00000001 05"));
	agent_peer_free(p);
	agent_peer_free(other);
	agent_server_release(&server);
	buf_release(&framed);
	key_unref(k);
}

TEST(a_key_that_went_while_a_person_thought_signs_no_more)
{
	meanwhile(false);
	meanwhile(true);
}

/* ---- the lock ---- */

static struct buf
lock_message(bool lock, const char *password)
{
	struct buf b = message(lock ? AGENT_LOCK : AGENT_UNLOCK);

	write_text(&b, password);
	return b;
}

TEST(a_locked_agent_shows_and_does_nothing)
{
	struct key *k = generate("ed25519");
	struct agent_peer *p;
	struct buf b;

	start();
	p = connect_peer();
	add(p, k, "key", NULL);
	b = lock_message(false, "pw");
	CHECK_INT(ask_type(p, &b), AGENT_FAILURE);
	b = lock_message(true, "");
	CHECK_INT(ask_type(p, &b), AGENT_FAILURE);
	b = lock_message(true, "pw");
	CHECK_INT(ask_type(p, &b), AGENT_SUCCESS);
	b = lock_message(true, "other");
	CHECK_INT(ask_type(p, &b), AGENT_FAILURE);
	CHECK_LIST(p, "");
	CHECK(!signs(p, k, span_text("x")));
	b = add_message(k, NULL, "more", NULL);
	CHECK_INT(ask_type(p, &b), AGENT_FAILURE);
	b = message(AGENT_REMOVE_ALL_IDENTITIES);
	CHECK_INT(ask_type(p, &b), AGENT_FAILURE);
	b = lock_message(false, "pw");
	CHECK_INT(ask_type(p, &b), AGENT_SUCCESS);
	CHECK_LIST(p, "key");
	agent_peer_free(p);
	agent_server_release(&server);
	key_unref(k);
}

TEST(wrong_passwords_wait_longer_and_longer)
{
	struct agent_peer *p, *other;
	struct buf b, framed = BUF_INIT;
	enum agent_state state;
	uint64_t until;

	start();
	p = connect_peer();
	other = connect_peer();
	b = lock_message(true, "pw");
	CHECK_INT(ask_type(p, &b), AGENT_SUCCESS);
	b = lock_message(false, "wrong");
	CHECK_INT(ask_type(p, &b), AGENT_FAILURE);
	/* Now also the right one waits, from wherever it comes. */
	b = lock_message(false, "wrong");
	write_string(&framed, buf_span(&b));
	give(other, buf_span(&framed));
	CHECK_INT(agent_peer_run(other, now, &state), 0);
	CHECK_INT(state, AGENT_WAITING);
	until = agent_peer_wait_until(other);
	CHECK(until == now.now_us + 100000);
	CHECK_INT(agent_peer_output(other).len, 0);
	now.now_us = until - 1;
	CHECK_INT(agent_peer_run(other, now, &state), 0);
	CHECK_INT(state, AGENT_WAITING);
	now.now_us = until;
	CHECK_INT(agent_peer_run(other, now, &state), 0);
	CHECK_INT(state, AGENT_READING);
	CHECK_SPAN(agent_peer_output(other), unit_hex("00000001 05"));
	agent_peer_sent(other, 5);
	CHECK(server.store.unlock_after_us == now.now_us + 200000);
	now.now_us = server.store.unlock_after_us;
	buf_release(&b);
	b = lock_message(false, "pw");
	CHECK_INT(ask_type(p, &b), AGENT_SUCCESS);
	agent_peer_free(p);
	agent_peer_free(other);
	agent_server_release(&server);
	buf_release(&framed);
}

/* ---- messages as bytes ---- */

TEST(messages_may_come_byte_by_byte_or_together)
{
	struct span two =
	    unit_hex("00000001 0b 0000000a 1b 00000005 7175657279");
	struct buf first = BUF_INIT;
	enum agent_state state;

	start();
	for (int together = 0; together < 2; together++) {
		struct agent_peer *p = connect_peer();

		for (size_t i = 0; i < (together ? 1 : two.len); i++) {
			give(p, together ? two : span_of(two.ptr + i, 1));
			CHECK_INT(agent_peer_run(p, now, &state), 0);
			CHECK_INT(state, AGENT_READING);
		}
		if (together)
			CHECK_SPAN(agent_peer_output(p), buf_span(&first));
		else
			write_span(&first, agent_peer_output(p));
		agent_peer_free(p);
	}
	/* An empty list, then the names of the extensions. */
	CHECK_SPAN(span_of(first.data, 9), unit_hex("00000005 0c 00000000"));
	CHECK_INT(first.data[9 + 4], AGENT_EXTENSION_RESPONSE);
	CHECK(memmem(first.data, first.len, "session-bind@openssh.com", 24));
	buf_release(&first);
	agent_server_release(&server);
}

TEST(lengths_beyond_the_limit_end_the_connection)
{
	static const char *const heads[] = { "00000000", "00040001",
		"ffffffff" };
	enum agent_state state;

	start();
	for (size_t i = 0; i < ARRAY_COUNT(heads); i++) {
		struct agent_peer *p = connect_peer();

		give(p, unit_hex(heads[i]));
		CHECK_INT(agent_peer_run(p, now, &state), ERR_FORMAT);
		agent_peer_free(p);
	}
	agent_server_release(&server);
}

TEST(a_peer_that_reads_no_answers_is_not_worked_for)
{
	struct agent_peer *p;
	enum agent_state state;
	size_t sent = 0, room;

	start();
	p = connect_peer();
	for (int i = 0; i < 100000; i++) {
		uint8_t *space = agent_peer_space(p, &room);

		if (room == 0)
			break;
		for (size_t at = 0; at + 5 <= room; at += 5) {
			memcpy(space + at, "\0\0\0\1\x0b", 5);
			sent++;
		}
		agent_peer_received(p, room / 5 * 5);
		CHECK_INT(agent_peer_run(p, now, &state), 0);
	}
	CHECK_INT(room, 0);
	CHECK(agent_peer_output(p).len < 128 * 1024);
	/* It goes on once the answers are read. */
	while (agent_peer_output(p).len > 0) {
		sent -= agent_peer_output(p).len / 9;
		agent_peer_sent(p, agent_peer_output(p).len);
		CHECK_INT(agent_peer_run(p, now, &state), 0);
	}
	CHECK_INT(sent, 0);
	agent_peer_free(p);
	agent_server_release(&server);
}

TEST(odd_messages_are_refused)
{
	static const char *const odd[] = {
		"00",                               /* no such message */
		"01", "05", "ff",                   /* */
		"0b 00",                            /* trailing */
		"0d",                               /* short */
		"0d 00000000",                      /* */
		"0d 00000000 00000000 00000000 00", /* */
		"11", "11 00000000", "12", "12 00000000", "13 00", "14", "15",
		"16", "17", "19", "1a", "1b",
		"1b 00000001 78", /* an extension that nobody knows */
	};
	struct agent_peer *p;

	start();
	p = connect_peer();
	for (size_t i = 0; i < ARRAY_COUNT(odd); i++) {
		struct buf b = BUF_INIT;

		write_span(&b, unit_hex(odd[i]));
		CHECK_INT(ask_type(p, &b), AGENT_FAILURE);
	}
	agent_peer_free(p);
	agent_server_release(&server);
}

/* ---- hosts ---- */

struct host {
	struct key *key;
	uint8_t id[32];
};

static struct host
host_new(uint8_t number)
{
	struct host h = { .key = generate("ed25519") };

	memset(h.id, number, sizeof(h.id));
	return h;
}

static struct span
host_id(const struct host *h)
{
	return span_of(h->id, sizeof(h->id));
}

/* shown: the key that the host shows; h's own signs. */
static int
bind_as(struct agent_peer *p, const struct host *h, const struct key *shown,
    bool is_forwarded)
{
	struct buf b = message(AGENT_EXTENSION), signature = BUF_INIT;

	CHECK_INT(key_sign(h->key, signature_find(span_text("ssh-ed25519")),
		      host_id(h), &signature),
	    0);
	write_text(&b, "session-bind@openssh.com");
	write_string(&b, key_blob(shown));
	write_string(&b, host_id(h));
	write_string(&b, buf_span(&signature));
	write_boolean(&b, is_forwarded);
	buf_release(&signature);
	return ask_type(p, &b);
}

static void
bind_to(struct agent_peer *p, const struct host *h, bool is_forwarded)
{
	CHECK_INT(bind_as(p, h, h->key, is_forwarded), AGENT_SUCCESS);
}

static struct agent_hop
hop_of(const char *user, const struct host *h, const char *name)
{
	struct agent_hop hop = { 0 };

	if (h == NULL)
		return hop;
	hop.user = user == NULL ? NULL : strdup(user);
	hop.name = strdup(name);
	hop.keys = calloc(1, sizeof(*hop.keys));
	hop.keys[0].key = key_ref(h->key);
	hop.key_count = 1;
	return hop;
}

/* Allows from -> user@to. */
static void
allow(struct agent_constraints *c, const struct host *from, const char *user,
    const struct host *to)
{
	struct agent_destination *d;

	c->destinations = reallocarray(c->destinations,
	    c->destination_count + 1, sizeof(*c->destinations));
	d = &c->destinations[c->destination_count++];
	d->from = hop_of(NULL, from, "from");
	d->to = hop_of(user, to, "to");
}

/* What is signed to log in. host NULL: without the host's key. */
static struct buf
login(const struct host *session, const struct key *k, const char *user,
    const struct key *host)
{
	struct buf b = BUF_INIT;

	write_string(&b, host_id(session));
	write_byte(&b, 50);
	write_text(&b, user);
	write_text(&b, "ssh-connection");
	write_text(&b,
	    host == NULL ? "publickey" : "publickey-hostbound-v00@openssh.com");
	write_boolean(&b, true);
	write_text(&b, key_type_name(k));
	write_string(&b, key_blob(k));
	if (host != NULL)
		write_string(&b, key_blob(host));
	return b;
}

static bool
logs_in(struct agent_peer *p, const struct host *session, const struct key *k,
    const char *user, const struct key *host)
{
	struct buf b = login(session, k, user, host);
	bool done = signs(p, k, buf_span(&b));

	buf_release(&b);
	return done;
}

TEST(a_key_for_one_host_goes_there_only)
{
	struct host a = host_new(1), b = host_new(2);
	struct key *k = generate("ed25519");
	struct agent_constraints c = AGENT_CONSTRAINTS_NONE;
	struct agent_peer *local, *p;

	start();
	allow(&c, NULL, NULL, &a);
	local = connect_peer();
	add(local, k, "key", &c);
	CHECK_LIST(local, "key");
	/* Unbound, it signs nothing at all. */
	CHECK(!logs_in(local, &a, k, "user", a.key));
	CHECK(!signs(local, k, span_text("x")));

	p = connect_peer();
	bind_to(p, &a, false);
	CHECK_LIST(p, "key");
	CHECK(logs_in(p, &a, k, "user", a.key));
	CHECK(logs_in(p, &a, k, "anybody", a.key));
	CHECK(logs_in(p, &a, k, "user", NULL)); /* the first hop */
	CHECK(!logs_in(p, &b, k, "user", a.key));
	CHECK(!logs_in(p, &a, k, "user", b.key));
	CHECK(!signs(p, k, span_text("x")));
	agent_peer_free(p);

	p = connect_peer();
	bind_to(p, &b, false);
	CHECK_LIST(p, "");
	CHECK(!logs_in(p, &b, k, "user", b.key));
	agent_peer_free(p);

	/* Forwarded to a, it is good for nothing from there. */
	p = connect_peer();
	bind_to(p, &a, true);
	CHECK_LIST(p, "");
	CHECK(!logs_in(p, &a, k, "user", a.key));
	agent_peer_free(p);
	agent_peer_free(local);
	agent_constraints_release(&c);
	agent_server_release(&server);
	key_unref(k);
	key_unref(a.key);
	key_unref(b.key);
}

TEST(a_key_goes_on_from_host_to_host_where_it_may)
{
	struct host a = host_new(1), b = host_new(2), x = host_new(3);
	struct key *k = generate("ed25519");
	struct agent_constraints c = AGENT_CONSTRAINTS_NONE;
	struct agent_peer *p;

	start();
	allow(&c, NULL, NULL, &a);
	allow(&c, &a, "u*", &b);
	p = connect_peer();
	add(p, k, "key", &c);
	agent_peer_free(p);

	p = connect_peer();
	bind_to(p, &a, true);
	CHECK_LIST(p, "key");
	CHECK(!logs_in(p, &a, k, "user", a.key));
	bind_to(p, &b, false);
	CHECK_LIST(p, "key");
	CHECK(logs_in(p, &b, k, "user", b.key));
	CHECK(!logs_in(p, &b, k, "other", b.key));
	CHECK(!logs_in(p, &b, k, "user", NULL)); /* must be bound */
	CHECK(!logs_in(p, &a, k, "user", a.key));
	/* After the login's hop there is no other. */
	CHECK_INT(bind_as(p, &x, x.key, false), AGENT_EXTENSION_FAILURE);
	agent_peer_free(p);

	p = connect_peer();
	bind_to(p, &a, true);
	bind_to(p, &x, false);
	CHECK_LIST(p, "");
	CHECK(!logs_in(p, &x, k, "user", x.key));
	agent_peer_free(p);

	/* To b only by way of a. */
	p = connect_peer();
	bind_to(p, &b, false);
	CHECK(!logs_in(p, &b, k, "user", b.key));
	agent_peer_free(p);

	p = connect_peer();
	bind_to(p, &a, true);
	bind_to(p, &b, true);
	CHECK_LIST(p, "");
	agent_peer_free(p);
	agent_constraints_release(&c);
	agent_server_release(&server);
	key_unref(k);
	key_unref(a.key);
	key_unref(b.key);
	key_unref(x.key);
}

TEST(bindings_are_verified)
{
	struct host a = host_new(1), b = host_new(2);
	struct key *k = generate("ed25519");
	struct agent_constraints c = AGENT_CONSTRAINTS_NONE;
	struct agent_peer *p;

	start();
	allow(&c, NULL, NULL, &a);
	p = connect_peer();
	add(p, k, "key", &c);
	/* Signed by another key: from now on it is nobody. */
	CHECK_INT(bind_as(p, &b, a.key, false), AGENT_EXTENSION_FAILURE);
	CHECK_LIST(p, "");
	CHECK(!logs_in(p, &a, k, "user", a.key));
	bind_to(p, &a, false);
	CHECK_LIST(p, "key");
	agent_peer_free(p);

	/* The same session again, and with another host's key. */
	p = connect_peer();
	bind_to(p, &a, true);
	bind_to(p, &a, true);
	memcpy(b.id, a.id, sizeof(b.id));
	CHECK_INT(bind_as(p, &b, b.key, true), AGENT_EXTENSION_FAILURE);
	/* Nor does it turn a forwarded hop into a login. */
	bind_to(p, &a, false);
	CHECK(!logs_in(p, &a, k, "user", a.key));
	for (uint8_t i = 2; i <= AGENT_HOPS_MAX; i++) {
		memset(b.id, i, sizeof(b.id));
		bind_to(p, &b, true);
	}
	memset(b.id, 0xff, sizeof(b.id));
	CHECK_INT(bind_as(p, &b, b.key, true), AGENT_EXTENSION_FAILURE);
	agent_peer_free(p);
	agent_constraints_release(&c);
	agent_server_release(&server);
	key_unref(k);
	key_unref(a.key);
	key_unref(b.key);
}

TEST(nobody_widens_or_removes_a_key_that_it_cannot_see)
{
	struct host a = host_new(1), b = host_new(2);
	struct key *k = generate("ed25519");
	struct agent_constraints c = AGENT_CONSTRAINTS_NONE;
	struct agent_peer *p;
	struct buf m;

	start();
	allow(&c, NULL, NULL, &a);
	p = connect_peer();
	add(p, k, "key", &c);
	agent_peer_free(p);
	p = connect_peer();
	bind_to(p, &b, true);
	m = add_message(k, NULL, "free", NULL);
	CHECK_INT(ask_type(p, &m), AGENT_FAILURE);
	m = message(AGENT_REMOVE_IDENTITY);
	write_string(&m, key_blob(k));
	CHECK_INT(ask_type(p, &m), AGENT_FAILURE);
	agent_peer_free(p);
	p = connect_peer();
	CHECK_LIST(p, "key");
	agent_peer_free(p);
	agent_constraints_release(&c);
	agent_server_release(&server);
	key_unref(k);
	key_unref(a.key);
	key_unref(b.key);
}

TEST(a_host_of_a_known_ca_is_known)
{
	struct host a = host_new(1), ca = host_new(2);
	struct key *k = generate("ed25519");
	struct key *good = certify(a.key, ca.key, CERTIFICATE_HOST, "to");
	struct key *other = certify(a.key, ca.key, CERTIFICATE_HOST, "x");
	struct key *user = certify(a.key, ca.key, CERTIFICATE_USER, "to");
	struct agent_constraints c = AGENT_CONSTRAINTS_NONE;
	struct agent_peer *p;

	start();
	allow(&c, NULL, NULL, &ca);
	c.destinations[0].to.keys[0].is_ca = true;
	p = connect_peer();
	add(p, k, "key", &c);
	agent_peer_free(p);
	p = connect_peer();
	CHECK_INT(bind_as(p, &a, good, false), AGENT_SUCCESS);
	CHECK(logs_in(p, &a, k, "user", good));
	CHECK(!logs_in(p, &a, k, "user", a.key));
	agent_peer_free(p);
	p = connect_peer();
	CHECK_INT(bind_as(p, &a, other, false), AGENT_SUCCESS);
	CHECK(!logs_in(p, &a, k, "user", other));
	agent_peer_free(p);
	p = connect_peer();
	CHECK_INT(bind_as(p, &a, user, false), AGENT_SUCCESS);
	CHECK(!logs_in(p, &a, k, "user", user));
	agent_peer_free(p);
	/* The CA's own key is not a host's. */
	p = connect_peer();
	bind_to(p, &ca, false);
	CHECK_LIST(p, "");
	agent_peer_free(p);
	agent_constraints_release(&c);
	agent_server_release(&server);
	key_unref(k);
	key_unref(a.key);
	key_unref(ca.key);
	key_unref(good);
	key_unref(other);
	key_unref(user);
}

/* ---- providers, security keys ---- */

static struct buf
provider_message(const char *path, const char *pin)
{
	struct buf b = message(AGENT_ADD_SMARTCARD_KEY);

	write_text(&b, path);
	write_text(&b, pin);
	return b;
}

/* Did it come as far as the helper? */
static bool
is_opened(struct agent_peer *p, const char *path)
{
	struct buf m = provider_message(path, "1234"), framed = BUF_INIT;
	enum agent_state state;

	write_string(&framed, buf_span(&m));
	give(p, buf_span(&framed));
	CHECK_INT(agent_peer_run(p, now, &state), 0);
	if (state == AGENT_JOB) {
		do_job(p);
		CHECK_INT(agent_peer_run(p, now, &state), 0);
		CHECK_INT(state, AGENT_READING);
		state = AGENT_JOB;
	}
	/* There is no helper here. */
	CHECK_SPAN(agent_peer_output(p), unit_hex("00000001 05"));
	agent_peer_sent(p, 5);
	buf_release(&m);
	buf_release(&framed);
	return state == AGENT_JOB;
}

TEST(providers_are_loaded_from_allowed_places_only)
{
	struct host a = host_new(1);
	struct agent_peer *p;

	start();
	p = connect_peer();
	CHECK(is_opened(p, "/usr/lib/one.so"));
	CHECK(is_opened(p, "/usr/lib64/a/one.so"));
	CHECK(!is_opened(p, "/tmp/one.so"));
	CHECK(!is_opened(p, "/home/user/usr/lib/one.so"));
	CHECK(!is_opened(p, "/missing"));
	/* Whoever comes from elsewhere loads none. */
	bind_to(p, &a, true);
	CHECK(!is_opened(p, "/usr/lib/one.so"));
	server.policy.remote_providers = true;
	CHECK(is_opened(p, "/usr/lib/one.so"));
	agent_peer_free(p);
	agent_server_release(&server);
	key_unref(a.key);
}

static struct key *
security_key(const char *application)
{
	struct key *plain = generate("ed25519"), *k;
	struct reader r = reader_of(key_blob(plain));
	struct span point;

	(void)read_string(&r);
	point = read_string(&r);
	CHECK_INT(key_sk_make("sk-ssh-ed25519@openssh.com", point, application,
		      KEY_SK_TOUCHED, span_text("handle"), &k),
	    0);
	key_unref(plain);
	return k;
}

/* Would the device be asked to sign? */
static bool
is_asked(struct agent_peer *p, const struct key *k, struct span data)
{
	struct buf m = sign_message(key_blob(k), data, 0), framed = BUF_INIT;
	enum agent_state state;

	write_string(&framed, buf_span(&m));
	give(p, buf_span(&framed));
	CHECK_INT(agent_peer_run(p, now, &state), 0);
	if (state == AGENT_JOB) {
		struct agent_job *job = agent_peer_take_job(p);

		CHECK_INT(job->kind, AGENT_JOB_SIGN);
		job->result = ERR_CANCELLED;
		agent_peer_job_done(p, job);
		CHECK_INT(agent_peer_run(p, now, &state), 0);
		state = AGENT_JOB;
	}
	CHECK_SPAN(agent_peer_output(p), unit_hex("00000001 05"));
	agent_peer_sent(p, 5);
	buf_release(&m);
	buf_release(&framed);
	return state == AGENT_JOB;
}

static void
check_web(const char *allow_list, bool restricted, bool is_free)
{
	struct host a = host_new(1);
	struct key *ssh = security_key("ssh:"), *web = security_key("web.site");
	struct buf data = login(&a, web, "user", NULL), file = BUF_INIT;
	struct agent_peer *p;

	write_bytes(&file, "SSHSIG", 6);
	write_text(&file, "file");
	write_text(&file, "");
	write_text(&file, "sha512");
	write_text(&file, "hash");
	start_with((struct agent_policy){ .websafe_restricted = restricted,
	    .websafe_allow = allow_list,
	    .fingerprint = DIGEST_SHA256 });
	p = connect_peer();
	add(p, ssh, "ssh", NULL);
	add(p, web, "web", NULL);
	CHECK(is_asked(p, ssh, span_text("anything")));
	CHECK(is_asked(p, web, buf_span(&data)));
	CHECK(is_asked(p, web, buf_span(&file)));
	CHECK(is_asked(p, web, span_text("a challenge")) == is_free);
	agent_peer_free(p);
	agent_server_release(&server);
	buf_release(&data);
	buf_release(&file);
	key_unref(ssh);
	key_unref(web);
	key_unref(a.key);
}

TEST(keys_of_web_sites_sign_logins_and_files_only)
{
	check_web(NULL, true, false);
	check_web(NULL, false, true);
	check_web("other.site", true, false);
	check_web("*.site,other", true, true);
}

TEST(security_keys_come_from_allowed_places_only)
{
	struct key *k = security_key("ssh:"), *plain = generate("ed25519");
	struct agent_constraints c = { 0 };
	struct agent_peer *p;
	struct buf m;

	start();
	p = connect_peer();
	c.sk_provider = strdup("/tmp/sk.so");
	m = add_message(k, NULL, "", &c);
	CHECK_INT(ask_type(p, &m), AGENT_FAILURE);
	free(c.sk_provider);
	c.sk_provider = strdup("/usr/lib/sk.so");
	m = add_message(k, NULL, "", &c);
	CHECK_INT(ask_type(p, &m), AGENT_SUCCESS);
	m = add_message(plain, NULL, "", &c);
	CHECK_INT(ask_type(p, &m), AGENT_FAILURE);
	agent_peer_free(p);
	agent_constraints_release(&c);
	agent_server_release(&server);
	key_unref(k);
	key_unref(plain);
}

/* ---- noise ---- */

/* Some thousand messages, each with some damage: an answer or the end of the
 * connection, and nothing else (the sanitizers watch). */
TEST(mutated_messages_never_crash)
{
	struct random_seeded seed;
	struct random_source random = random_seeded_source(&seed);
	struct host a = host_new(1);
	struct key *k = generate("ed25519"), *ca = generate("ecdsa");
	struct key *c = certify(k, ca, CERTIFICATE_USER, "user");
	struct agent_constraints constraints = { .lifetime_s = 5 };
	struct buf samples[6];

	start();
	random_seeded_init(&seed, 20261121);
	allow(&constraints, NULL, "user", &a);
	allow(&constraints, &a, NULL, &a);
	samples[0] = add_message(k, c, "comment", &constraints);
	samples[1] = add_message(ca, NULL, "comment", NULL);
	samples[2] = sign_message(key_blob(k), span_text("data"), 4);
	samples[3] = lock_message(true, "password");
	samples[4] = provider_message("/usr/lib/one.so", "1234");
	samples[5] = message(AGENT_EXTENSION);
	write_text(&samples[5], "session-bind@openssh.com");
	write_string(&samples[5], key_blob(a.key));
	write_string(&samples[5], host_id(&a));
	write_string(&samples[5], span_text("no signature"));
	write_boolean(&samples[5], true);
	for (int i = 0; i < 3000; i++) {
		struct buf m = BUF_INIT;
		struct agent_peer *p = connect_peer();
		enum agent_state state;
		uint8_t noise[12];

		CHECK_INT(random_fill(&random, noise, sizeof(noise)), 0);
		write_string(&m, buf_span(&samples[i % 6]));
		for (int n = 0; n < noise[0] % 4; n++)
			m.data[4 + (noise[1 + n] * 256 + noise[5 + n]) %
				       (m.len - 4)] ^= noise[8 + n];
		give(p, buf_span(&m));
		CHECK_INT(run(p, &state), 0);
		CHECK(state != AGENT_READING || agent_peer_output(p).len > 4);
		agent_peer_free(p);
		now.now_us += SECOND_US;
		if (i % 100 == 99) {
			agent_server_release(&server);
			start();
		}
		buf_release(&m);
	}
	for (size_t i = 0; i < ARRAY_COUNT(samples); i++)
		buf_release(&samples[i]);
	agent_constraints_release(&constraints);
	agent_server_release(&server);
	key_unref(k);
	key_unref(ca);
	key_unref(c);
	key_unref(a.key);
}
