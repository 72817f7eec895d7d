/*
 * agent_client_test.c - the client's end, against answers that lie ready in
 * the socket: good ones, refusals, damaged ones.
 */
#include "common/agent/client.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/file.h"
#include "common/crypto/random.h"
#include "tests/unit/unit.h"

/* The client, and the agent's end of its socket. */
struct ends {
	struct agent *agent;
	int peer;
};

static struct ends
ends_new(void)
{
	struct ends e;
	int fds[2];

	CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	CHECK_INT(agent_adopt(fds[0], &e.agent), 0);
	CHECK_INT(agent_fd(e.agent), fds[0]);
	e.peer = fds[1];
	return e;
}

static void
ends_free(struct ends *e)
{
	agent_close(e->agent);
	close(e->peer);
}

/* The agent will answer with this type and body. */
static void
answer(struct ends *e, uint8_t type, struct span body)
{
	struct buf b = BUF_INIT;

	write_uint32(&b, (uint32_t)(1 + body.len));
	write_byte(&b, type);
	write_span(&b, body);
	CHECK_INT(fd_write_all(e->peer, b.data, b.len), 0);
	buf_release(&b);
}

static void
answer_type(struct ends *e, uint8_t type)
{
	answer(e, type, span_of(NULL, 0));
}

/* What the client has asked; its length is checked. */
static struct buf
asked(struct ends *e)
{
	struct buf b = BUF_INIT;
	uint8_t head[4];
	struct reader r = reader_of(span_of(head, 4));
	uint32_t len;

	CHECK_INT(fd_read_exact(e->peer, head, 4), 0);
	len = read_uint32(&r);
	CHECK_INT(fd_read_exact(e->peer, buf_reserve(&b, len), len), 0);
	buf_extend(&b, len);
	return b;
}

static struct key *
generate(const char *type)
{
	struct key *k;

	CHECK_INT(
	    key_generate(type, strcmp(type, "rsa") == 0 ? 1024 : 0, &k, NULL),
	    0);
	return k;
}

TEST(without_a_socket_there_is_no_agent)
{
	struct agent *a;
	struct error e = { 0 };

	unsetenv("SSH_AUTH_SOCK");
	CHECK_INT(agent_connect(NULL, &a, &e), ERR_NOT_FOUND);
	setenv("SSH_AUTH_SOCK", "", 1);
	CHECK_INT(agent_connect(NULL, &a, &e), ERR_NOT_FOUND);
	setenv("SSH_AUTH_SOCK", "no-such-socket", 1);
	CHECK_INT(agent_connect(NULL, &a, &e), ERR_SYSTEM);
	CHECK(strstr(e.text, "no-such-socket: No such file") != NULL);
	CHECK_INT(agent_connect("no-such-socket", &a, NULL), ERR_SYSTEM);
	agent_close(NULL);
}

TEST(a_list_is_read)
{
	struct ends e = ends_new();
	struct agent_identities list;
	struct key *k = generate("ed25519");
	struct buf body = BUF_INIT, request;
	struct error error = { 0 };

	write_uint32(&body, 3);
	write_string(&body, key_blob(k));
	write_text(&body, "a comment");
	write_text(&body, "no key at all");
	write_string(&body, span_of("cut\0here", 8));
	write_string(&body, span_of(NULL, 0));
	write_text(&body, "");
	answer(&e, AGENT_IDENTITIES_ANSWER, buf_span(&body));
	CHECK_INT(agent_list(e.agent, &list, &error), 0);
	request = asked(&e);
	CHECK_SPAN(buf_span(&request), unit_hex("0b"));
	CHECK_INT(list.count, 3);
	CHECK(key_equal(list.item[0].key, k));
	CHECK_TEXT(list.item[0].comment, "a comment");
	CHECK(list.item[1].key == NULL);
	CHECK(span_is(buf_span(&list.item[1].blob), "no key at all"));
	CHECK_TEXT(list.item[1].comment, "cut");
	CHECK_TEXT(list.item[2].comment, "");
	agent_identities_release(&list);
	CHECK_INT(list.count, 0);
	key_unref(k);
	buf_release(&body);
	buf_release(&request);
	ends_free(&e);
}

TEST(a_damaged_list_is_refused)
{
	static const char *const bodies[] = {
		"",
		"000000",
		"00000001",
		"00000001 00000000",
		"00000001 00000000 00000001",
		"00000000 00",
		"ffffffff 00000000 00000000",
		"00000801",
		"00000002 00000000 00000000",
	};

	for (size_t i = 0; i < ARRAY_COUNT(bodies); i++) {
		struct ends e = ends_new();
		struct agent_identities list = { 0 };

		answer(&e, AGENT_IDENTITIES_ANSWER, unit_hex(bodies[i]));
		CHECK_INT(agent_list(e.agent, &list, NULL), ERR_FORMAT);
		CHECK(list.item == NULL);
		ends_free(&e);
	}
}

TEST(refusals_and_strange_answers_are_told_apart)
{
	struct ends e = ends_new();
	struct agent_identities list;
	struct error error = { 0 };

	answer_type(&e, AGENT_FAILURE);
	CHECK_INT(agent_list(e.agent, &list, &error), ERR_PERMISSION);
	CHECK_TEXT(error.text, "agent refused operation");
	answer_type(&e, AGENT_FAILURE);
	CHECK_INT(agent_remove_all(e.agent, &error), ERR_PERMISSION);
	answer_type(&e, AGENT_SIGN_RESPONSE);
	CHECK_INT(agent_remove_all(e.agent, &error), ERR_FORMAT);
	CHECK_TEXT(error.text, "the agent answered with a message of type 14");
	answer_type(&e, AGENT_SUCCESS);
	CHECK_INT(agent_remove_all(e.agent, &error), 0);
	shutdown(e.peer, SHUT_WR);
	CHECK_INT(agent_remove_all(e.agent, &error), ERR_CLOSED);
	close(e.peer);
	CHECK_INT(agent_remove_all(e.agent, &error), ERR_CLOSED);
	e.peer = -1;
	ends_free(&e);
}

TEST(an_agent_that_does_not_answer_is_given_up)
{
	struct ends e = ends_new();
	struct error error = { 0 };
	const uint8_t part[] = { 0, 0, 0, 9, AGENT_SUCCESS };

	agent_set_patience(e.agent, 20);
	CHECK_INT(agent_remove_all(e.agent, &error), ERR_TIMEOUT);
	/* Nor is one that stops in the middle. */
	CHECK_INT(fd_write_all(e.peer, part, sizeof(part)), 0);
	CHECK_INT(agent_remove_all(e.agent, &error), ERR_TIMEOUT);
	ends_free(&e);
	e = ends_new();
	agent_set_patience(e.agent, 60000);
	answer_type(&e, AGENT_SUCCESS);
	CHECK_INT(agent_remove_all(e.agent, &error), 0);
	close(e.peer);
	CHECK_INT(agent_remove_all(e.agent, &error), ERR_CLOSED);
	agent_close(e.agent);
}

TEST(lengths_beyond_the_limit_are_refused)
{
	static const char *const heads[] = { "00000000", "00040001",
		"ffffffff" };
	struct error error = { 0 };

	for (size_t i = 0; i < ARRAY_COUNT(heads); i++) {
		struct ends e = ends_new();
		struct span head = unit_hex(heads[i]);

		CHECK_INT(fd_write_all(e.peer, head.ptr, head.len), 0);
		CHECK_INT(agent_remove_all(e.agent, &error), ERR_FORMAT);
		ends_free(&e);
	}
}

static void
sign_by(const char *type, const char *algorithm, uint32_t flags)
{
	struct ends e = ends_new();
	struct key *k = generate(type), *remote;
	const struct signature_algorithm *a =
	    signature_find(span_text(algorithm));
	struct buf signature = BUF_INIT, body = BUF_INIT, got = BUF_INIT;
	struct buf request;
	struct reader r;

	CHECK_INT(agent_key(e.agent, key_blob(k), &remote), 0);
	CHECK(key_has_private(remote) && key_equal(remote, k));
	CHECK_INT(key_sign(k, a, span_text("data"), &signature), 0);
	write_string(&body, buf_span(&signature));
	answer(&e, AGENT_SIGN_RESPONSE, buf_span(&body));
	CHECK_INT(key_sign(remote, a, span_text("data"), &got), 0);
	CHECK_SPAN(buf_span(&got), buf_span(&signature));
	CHECK_INT(key_verify(remote, a, span_text("data"), buf_span(&got)), 0);
	request = asked(&e);
	r = reader_of(buf_span(&request));
	CHECK_INT(read_byte(&r), AGENT_SIGN_REQUEST);
	CHECK_SPAN(read_string(&r), key_blob(k));
	CHECK(span_is(read_string(&r), "data"));
	CHECK_INT(read_uint32(&r), flags);
	CHECK_INT(read_end(&r), 0);
	buf_release(&request);
	buf_release(&signature);
	buf_release(&body);
	buf_release(&got);
	key_unref(k);
	key_unref(remote);
	ends_free(&e);
}

TEST(keys_sign_through_the_agent)
{
	sign_by("ed25519", "ssh-ed25519", 0);
	sign_by("ecdsa", "ecdsa-sha2-nistp256", 0);
	sign_by("rsa", "rsa-sha2-256", 2);
	sign_by("rsa", "rsa-sha2-512", 4);
	sign_by("rsa", "ssh-rsa", 0);
}

TEST(a_signature_of_another_algorithm_is_refused)
{
	struct ends e = ends_new();
	struct key *k = generate("rsa");
	const struct signature_algorithm *wanted =
	    signature_find(span_text("rsa-sha2-512"));
	struct buf signature = BUF_INIT, body = BUF_INIT, got = BUF_INIT;
	struct error error = { 0 };

	CHECK_INT(key_sign(k, signature_find(span_text("ssh-rsa")),
		      span_text("data"), &signature),
	    0);
	write_string(&body, buf_span(&signature));
	answer(&e, AGENT_SIGN_RESPONSE, buf_span(&body));
	CHECK_INT(agent_sign(e.agent, key_blob(k), wanted, span_text("data"),
		      &got, &error),
	    ERR_SIGNATURE_ALGORITHM);
	CHECK_TEXT(error.text,
	    "the agent signed by ssh-rsa where rsa-sha2-512 was asked for");
	answer(&e, AGENT_SIGN_RESPONSE, unit_hex("00000002 0000"));
	CHECK_INT(agent_sign(e.agent, key_blob(k), wanted, span_text("data"),
		      &got, &error),
	    ERR_FORMAT);
	answer_type(&e, AGENT_FAILURE);
	CHECK_INT(agent_sign(e.agent, key_blob(k), wanted, span_text("data"),
		      &got, &error),
	    ERR_PERMISSION);
	CHECK_INT(got.len, 0);
	buf_release(&signature);
	buf_release(&body);
	key_unref(k);
	ends_free(&e);
}

/* The request that add sends, without and with constraints. */
TEST(adding_sends_the_key)
{
	struct ends e = ends_new();
	struct key *k = generate("ed25519"), *remote, *back, *none;
	struct agent_constraints c = AGENT_CONSTRAINTS_NONE;
	struct buf request;
	struct error error = { 0 };
	struct reader r;

	answer_type(&e, AGENT_SUCCESS);
	CHECK_INT(agent_add(e.agent, k, NULL, "comment", &c, &error), 0);
	request = asked(&e);
	r = reader_of(buf_span(&request));
	CHECK_INT(read_byte(&r), AGENT_ADD_IDENTITY);
	CHECK_INT(agent_read_key(&r, &back, &none), 0);
	CHECK(key_equal(back, k) && none == NULL);
	CHECK(span_is(read_string(&r), "comment"));
	CHECK_INT(read_end(&r), 0);
	buf_release(&request);
	c.lifetime_s = 5;
	answer_type(&e, AGENT_SUCCESS);
	CHECK_INT(agent_add(e.agent, k, NULL, "", &c, &error), 0);
	request = asked(&e);
	CHECK_INT(request.data[0], AGENT_ADD_ID_CONSTRAINED);
	CHECK_SPAN(span_of(request.data + request.len - 5, 5),
	    unit_hex("01 00000005"));
	buf_release(&request);
	/* A key that lives in an agent cannot go to another one. */
	CHECK_INT(agent_key(e.agent, key_blob(k), &remote), 0);
	CHECK_INT(
	    agent_add(e.agent, remote, NULL, "", &c, &error), ERR_KEY_TYPE);
	key_unref(k);
	key_unref(remote);
	key_unref(back);
	ends_free(&e);
}

/* Requests without secrets of their own form: the exact bytes. */
TEST(requests_have_their_form)
{
	struct ends e = ends_new();
	struct agent_constraints c = AGENT_CONSTRAINTS_NONE;
	struct buf b;

#define REQUEST(call, hex)                                                     \
	do {                                                                   \
		answer_type(&e, AGENT_SUCCESS);                                \
		CHECK_INT(call, 0);                                            \
		b = asked(&e);                                                 \
		CHECK_SPAN(buf_span(&b), unit_hex(hex));                       \
		buf_release(&b);                                               \
	} while (0)
	REQUEST(
	    agent_remove(e.agent, span_text("ab"), NULL), "12 00000002 6162");
	REQUEST(agent_lock(e.agent, true, "pw", NULL), "16 00000002 7077");
	REQUEST(agent_lock(e.agent, false, "pw", NULL), "17 00000002 7077");
	REQUEST(agent_add_provider(e.agent, "/l", "1", &c, NULL),
	    "14 00000002 2f6c 00000001 31");
	c.confirm = true;
	REQUEST(agent_add_provider(e.agent, "/l", "1", &c, NULL),
	    "1a 00000002 2f6c 00000001 31 02");
	REQUEST(agent_remove_provider(e.agent, "/l", "", NULL),
	    "15 00000002 2f6c 00000000");
	REQUEST(agent_bind(e.agent, span_text("k"), span_text("i"),
		    span_text("s"), true, NULL),
	    "1b 00000018 73657373696f6e2d62696e64406f70656e7373682e636f6d"
	    "00000001 6b 00000001 69 00000001 73 01");
#undef REQUEST
	ends_free(&e);
}

TEST(extensions_are_listed)
{
	struct ends e = ends_new();
	struct strings names = STRINGS_INIT;
	struct buf body = BUF_INIT;
	struct error error = { 0 };

	write_text(&body, "query");
	write_text(&body, "one@example");
	write_text(&body, "two@example");
	answer(&e, AGENT_EXTENSION_RESPONSE, buf_span(&body));
	CHECK_INT(agent_query(e.agent, &names, &error), 0);
	CHECK_INT(names.count, 2);
	CHECK_TEXT(names.item[1], "two@example");
	strings_release(&names);
	/* As older drafts have it. */
	answer(&e, AGENT_SUCCESS, buf_span(&body));
	CHECK_INT(agent_query(e.agent, &names, &error), 0);
	CHECK_INT(names.count, 3);
	strings_release(&names);
	answer_type(&e, AGENT_FAILURE);
	CHECK_INT(agent_query(e.agent, &names, &error), ERR_UNSUPPORTED);
	answer(&e, AGENT_EXTENSION_RESPONSE, unit_hex("00000001 61"));
	CHECK_INT(agent_query(e.agent, &names, &error), ERR_FORMAT);
	answer(&e, AGENT_SUCCESS, unit_hex("00000001 00"));
	CHECK_INT(agent_query(e.agent, &names, &error), ERR_FORMAT);
	CHECK(names.item == NULL);
	buf_release(&body);
	ends_free(&e);
}

/* Two thousand damaged answers of each kind: an error or a value, and
 * nothing else (the sanitizers watch). */
TEST(mutated_answers_never_crash)
{
	struct random_seeded seed;
	struct random_source random = random_seeded_source(&seed);
	struct key *k = generate("ed25519");
	struct buf body = BUF_INIT;

	random_seeded_init(&seed, 20261121);
	write_uint32(&body, 2);
	for (int i = 0; i < 2; i++) {
		write_string(&body, key_blob(k));
		write_text(&body, "comment");
	}
	for (int i = 0; i < 2000; i++) {
		struct ends e = ends_new();
		struct agent_identities list;
		struct strings names = STRINGS_INIT;
		uint8_t where[2], byte;

		CHECK_INT(random_fill(&random, where, 2), 0);
		CHECK_INT(random_fill(&random, &byte, 1), 0);
		body.data[where[0] % body.len] ^= byte;
		answer(&e, AGENT_IDENTITIES_ANSWER,
		    span_of(body.data, body.len - where[1] % 4));
		if (agent_list(e.agent, &list, NULL) == 0)
			agent_identities_release(&list);
		answer(&e, AGENT_SUCCESS, buf_span(&body));
		if (agent_query(e.agent, &names, NULL) == 0)
			strings_release(&names);
		ends_free(&e);
		if (i % 8 == 7) { /* not until it is all noise */
			buf_clear(&body);
			write_uint32(&body, 1);
			write_string(&body, key_blob(k));
			write_text(&body, "comment");
		}
	}
	key_unref(k);
	buf_release(&body);
}
