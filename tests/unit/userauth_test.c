/*
 * userauth_test.c - both halves of user authentication against each other,
 * and against messages that they must refuse.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/userauth/userauth_client.h"
#include "common/userauth/userauth_server.h"
#include "tests/unit/pair.h"
#include "tests/unit/unit.h"

struct login {
	struct pair *p;
	struct userauth_client *c;
	struct userauth_server *s;
	int client_event, server_event; /* the last ones that are not NONE */
	unsigned client_events, server_events;
	int banners;
};

static int
on_client_packet(struct pair_end *e, const struct packet *packet, void *context)
{
	struct login *l = context;
	int r = userauth_client_packet(l->c, packet);

	if (r == USERAUTH_CLIENT_BANNER) {
		l->banners++;
	} else if (r > 0) {
		l->client_event = r;
		l->client_events++;
	}
	return r < 0 ? r : 0;
}

static int
on_server_packet(struct pair_end *e, const struct packet *packet, void *context)
{
	struct login *l = context;
	int r = userauth_server_packet(l->s, packet);

	if (r > 0) {
		l->server_event = r;
		l->server_events++;
	}
	return r < 0 ? r : 0;
}

static struct login *
login_new(void)
{
	struct login *l = calloc(1, sizeof(*l));

	CHECK(l != NULL);
	l->p = pair_new(NULL);
	CHECK_INT(userauth_client_new(
		      l->p->client.t, "alice", "ssh-connection", &l->c),
	    0);
	CHECK_INT(userauth_server_new(
		      l->p->server.t, key_blob(l->p->server.key), &l->s),
	    0);
	l->p->client.on_packet = on_client_packet;
	l->p->server.on_packet = on_server_packet;
	l->p->client.context = l->p->server.context = l;
	return l;
}

static void
login_free(struct login *l)
{
	userauth_client_free(l->c);
	userauth_server_free(l->s);
	pair_free(l->p);
	free(l);
}

/* Carries a request; it must reach the server's owner. */
static const struct userauth_request *
carry_request(struct login *l)
{
	unsigned before = l->server_events;

	pair_run(l->p);
	CHECK_INT(l->p->client.failed, 0);
	CHECK_INT(l->p->server.failed, 0);
	CHECK_INT(l->server_events, before + 1);
	return userauth_server_request(l->s);
}

/* Carries an answer; the event that it makes. */
static int
carry_answer(struct login *l)
{
	unsigned before = l->client_events;

	pair_run(l->p);
	CHECK_INT(l->p->client.failed, 0);
	CHECK_INT(l->client_events, before + 1);
	return l->client_event;
}

TEST(none_is_refused_with_the_methods_that_can_continue)
{
	struct login *l = login_new();
	const struct userauth_request *q;

	CHECK_INT(userauth_client_none(l->c), 0);
	q = carry_request(l);
	CHECK_INT(q->method, USERAUTH_NONE);
	CHECK(span_is(q->user, "alice"));
	CHECK(span_is(q->service, "ssh-connection"));
	CHECK(span_is(q->method_name, "none"));
	CHECK_INT(
	    userauth_server_failure(l->s, "publickey,password", false), 0);
	CHECK_INT(carry_answer(l), USERAUTH_CLIENT_FAILURE);
	CHECK_TEXT(userauth_client_methods(l->c), "publickey,password");
	CHECK(!userauth_client_partial_success(l->c));
	login_free(l);
}

/* Probes with a key, signs, and has the server verify. */
static void
log_in_by_key(struct login *l, struct key *key)
{
	const struct signature_algorithm *a =
	    signature_find(span_text("ssh-ed25519"));
	struct buf data = BUF_INIT, signature = BUF_INIT;
	const struct userauth_request *q;

	CHECK_INT(userauth_client_probe(l->c, a->name, key_blob(key)), 0);
	q = carry_request(l);
	CHECK_INT(q->method, USERAUTH_PUBLICKEY_PROBE);
	CHECK(span_is(q->algorithm, "ssh-ed25519"));
	CHECK_SPAN(q->key_blob, key_blob(key));
	CHECK_INT(userauth_server_pk_ok(l->s), 0);
	CHECK_INT(carry_answer(l), USERAUTH_CLIENT_PK_OK);

	CHECK_INT(
	    userauth_client_sign_data(l->c, a->name, key_blob(key), &data), 0);
	CHECK_INT(key_sign(key, a, buf_span(&data), &signature), 0);
	CHECK_INT(userauth_client_publickey(
		      l->c, a->name, key_blob(key), buf_span(&signature)),
	    0);
	q = carry_request(l);
	CHECK_INT(q->method, USERAUTH_PUBLICKEY);
	CHECK(span_is(q->method_name, "publickey"));
	CHECK_SPAN(q->signed_data, buf_span(&data));
	CHECK_INT(key_verify(key, a, q->signed_data, q->signature), 0);
	buf_release(&data);
	buf_release(&signature);
}

TEST(a_key_is_probed_and_then_signs_bound_to_the_host)
{
	struct login *l = login_new();
	const struct userauth_request *q;
	struct key *key;
	struct error e;
	struct buf want = BUF_INIT;

	CHECK_INT(key_generate("ed25519", 0, &key, &e), 0);
	log_in_by_key(l, key);
	q = userauth_server_request(l->s);
	CHECK(transport_peer_has_hostbound(l->p->client.t));
	CHECK(q->hostbound);
	write_string(&want, transport_session_id(l->p->server.t));
	write_byte(&want, 50);
	write_text(&want, "alice");
	write_text(&want, "ssh-connection");
	write_text(&want, "publickey-hostbound-v00@openssh.com");
	write_byte(&want, 1);
	write_text(&want, "ssh-ed25519");
	write_string(&want, key_blob(key));
	write_string(&want, key_blob(l->p->server.key));
	CHECK_SPAN(q->signed_data, buf_span(&want));
	CHECK_INT(userauth_server_success(l->s), 0);
	CHECK_INT(carry_answer(l), USERAUTH_CLIENT_SUCCESS);
	buf_release(&want);
	key_unref(key);
	login_free(l);
}

TEST(a_signature_is_not_bound_where_that_is_forbidden)
{
	struct login *l = login_new();
	const struct userauth_request *q;
	struct key *key;
	struct error e;

	CHECK_INT(key_generate("ed25519", 0, &key, &e), 0);
	userauth_client_forbid_hostbound(l->c);
	log_in_by_key(l, key);
	q = userauth_server_request(l->s);
	CHECK(!q->hostbound);
	CHECK(span_is(q->method_name, "publickey"));
	CHECK_INT(userauth_server_success(l->s), 0);
	CHECK_INT(carry_answer(l), USERAUTH_CLIENT_SUCCESS);
	key_unref(key);
	login_free(l);
}

TEST(the_length_of_a_password_does_not_show)
{
	static const char *const passwords[] = { "", "a", "0123456789abcdef",
		"correct horse battery staple correct horse battery staple" };
	size_t first = 0;

	for (size_t i = 0; i < ARRAY_COUNT(passwords); i++) {
		struct login *l = login_new();
		const struct userauth_request *q;

		CHECK_INT(
		    userauth_client_password(l->c, passwords[i], NULL), 0);
		q = carry_request(l);
		CHECK_INT(q->method, USERAUTH_PASSWORD);
		CHECK(span_is(q->password, passwords[i]));
		CHECK(!q->is_password_change);
		if (i == 0)
			first = l->p->client.sent;
		CHECK_INT(l->p->client.sent, first);
		login_free(l);
	}
}

TEST(an_expired_password_is_changed)
{
	struct login *l = login_new();
	const struct userauth_request *q;

	CHECK_INT(userauth_client_password(l->c, "old", NULL), 0);
	carry_request(l);
	CHECK_INT(userauth_server_password_change(l->s, "expired"), 0);
	CHECK_INT(carry_answer(l), USERAUTH_CLIENT_PASSWORD_CHANGE);
	CHECK(span_is(userauth_client_text(l->c), "expired"));
	CHECK_INT(userauth_client_password(l->c, "old", "new"), 0);
	q = carry_request(l);
	CHECK(q->is_password_change);
	CHECK(span_is(q->password, "old"));
	CHECK(span_is(q->new_password, "new"));
	CHECK_INT(userauth_server_success(l->s), 0);
	CHECK_INT(carry_answer(l), USERAUTH_CLIENT_SUCCESS);
	login_free(l);
}

TEST(keyboard_interactive_goes_on_for_several_rounds)
{
	struct login *l = login_new();
	static const char *const prompts[] = { "Password: ", "Token: " };
	static const bool echo[] = { false, true };
	static const char *const answers[] = { "secret", "123456" };
	bool shown;

	CHECK_INT(userauth_client_kbdint(l->c, "pam"), 0);
	CHECK(span_is(carry_request(l)->devices, "pam"));
	CHECK_INT(userauth_server_prompts(
		      l->s, "Name", "Instruction", prompts, echo, 2),
	    0);
	CHECK_INT(carry_answer(l), USERAUTH_CLIENT_PROMPTS);
	CHECK(span_is(userauth_client_name(l->c), "Name"));
	CHECK(span_is(userauth_client_instruction(l->c), "Instruction"));
	CHECK_INT(userauth_client_prompt_count(l->c), 2);
	CHECK(span_is(userauth_client_prompt(l->c, 0, &shown), "Password: "));
	CHECK(!shown);
	CHECK(span_is(userauth_client_prompt(l->c, 1, &shown), "Token: "));
	CHECK(shown);
	CHECK_INT(userauth_client_prompt(l->c, 2, &shown).len, 0);
	CHECK_INT(userauth_client_respond(l->c, answers, 1), ERR_ARGUMENT);
	CHECK_INT(userauth_client_respond(l->c, answers, 2), 0);
	carry_request(l);
	CHECK_INT(l->server_event, USERAUTH_SERVER_RESPONSES);
	CHECK_INT(userauth_server_asked_count(l->s), 2);
	CHECK_INT(userauth_server_response_count(l->s), 2);
	CHECK(span_is(userauth_server_response(l->s, 1), "123456"));
	CHECK_INT(userauth_server_response(l->s, 2).len, 0);
	CHECK(span_is(userauth_server_request(l->s)->user, "alice"));

	/* A round without a question. */
	CHECK_INT(userauth_server_prompts(l->s, "", "wait", NULL, NULL, 0), 0);
	CHECK_INT(carry_answer(l), USERAUTH_CLIENT_PROMPTS);
	CHECK_INT(userauth_client_prompt_count(l->c), 0);
	CHECK_INT(userauth_client_respond(l->c, NULL, 0), 0);
	carry_request(l);
	CHECK_INT(userauth_server_response_count(l->s), 0);
	CHECK_INT(userauth_server_success(l->s), 0);
	CHECK_INT(carry_answer(l), USERAUTH_CLIENT_SUCCESS);
	login_free(l);
}

TEST(a_dialogue_can_be_given_up_for_another_method)
{
	struct login *l = login_new();
	static const char *const prompt = "Password: ";
	static const bool echo = false;

	CHECK_INT(userauth_client_kbdint(l->c, ""), 0);
	carry_request(l);
	CHECK_INT(userauth_server_prompts(l->s, "", "", &prompt, &echo, 1), 0);
	CHECK_INT(carry_answer(l), USERAUTH_CLIENT_PROMPTS);
	CHECK_INT(userauth_client_password(l->c, "x", NULL), 0);
	CHECK_INT(carry_request(l)->method, USERAUTH_PASSWORD);
	CHECK_INT(userauth_server_failure(l->s, "password", false), 0);
	CHECK_INT(carry_answer(l), USERAUTH_CLIENT_FAILURE);
	CHECK_INT(userauth_client_respond(l->c, &prompt, 1), ERR_UNEXPECTED);
	login_free(l);
}

TEST(partial_success_and_banners_are_reported)
{
	struct login *l = login_new();

	CHECK_INT(userauth_server_banner(l->s, span_text("x")), ERR_UNEXPECTED);
	CHECK_INT(userauth_client_password(l->c, "x", NULL), 0);
	carry_request(l);
	CHECK_INT(userauth_server_banner(l->s, span_text("hello\n")), 0);
	CHECK_INT(userauth_server_failure(l->s, "publickey", true), 0);
	CHECK_INT(carry_answer(l), USERAUTH_CLIENT_FAILURE);
	CHECK(userauth_client_partial_success(l->c));
	CHECK_INT(l->banners, 1);
	CHECK(span_is(userauth_client_text(l->c), "hello\n"));
	login_free(l);
}

TEST(one_request_is_outstanding_at_a_time)
{
	struct login *l = login_new();

	CHECK_INT(userauth_client_none(l->c), 0);
	CHECK_INT(userauth_client_none(l->c), ERR_UNEXPECTED);
	carry_request(l);
	CHECK_INT(userauth_client_password(l->c, "x", NULL), ERR_UNEXPECTED);
	CHECK_INT(userauth_server_failure(l->s, "password", false), 0);
	CHECK_INT(
	    userauth_server_failure(l->s, "password", false), ERR_UNEXPECTED);
	CHECK_INT(userauth_server_success(l->s), ERR_UNEXPECTED);
	CHECK_INT(carry_answer(l), USERAUTH_CLIENT_FAILURE);
	login_free(l);
}

/* ---- messages by hand ---- */

static void
write_head(struct buf *b, const char *user, const char *method)
{
	write_text(b, user);
	write_text(b, "ssh-connection");
	write_text(b, method);
}

static int
to_server(struct userauth_server *s, uint8_t type, struct span payload)
{
	struct packet packet = { .type = type, .payload = payload };

	return userauth_server_packet(s, &packet);
}

static int
to_client(struct userauth_client *c, uint8_t type, struct span payload)
{
	struct packet packet = { .type = type, .payload = payload };

	return userauth_client_packet(c, &packet);
}

static struct userauth_server *
server_ready(struct pair *p)
{
	struct userauth_server *s;
	struct buf b = BUF_INIT;

	CHECK_INT(
	    userauth_server_new(p->server.t, key_blob(p->server.key), &s), 0);
	write_text(&b, "ssh-userauth");
	CHECK_INT(to_server(s, SSH_MSG_SERVICE_REQUEST, buf_span(&b)), 0);
	buf_release(&b);
	return s;
}

TEST(requests_that_come_early_wait_for_their_turn)
{
	struct pair *p = pair_new(NULL);
	struct userauth_server *s = server_ready(p);
	struct buf none = BUF_INIT, password = BUF_INIT;

	write_head(&none, "bob", "none");
	write_head(&password, "bob", "password");
	write_boolean(&password, false);
	write_text(&password, "pw");
	CHECK_INT(to_server(s, 50, buf_span(&none)), USERAUTH_SERVER_REQUEST);
	CHECK_INT(to_server(s, 50, buf_span(&password)), 0);
	CHECK_INT(to_server(s, 50, buf_span(&none)), 0);
	CHECK_INT(userauth_server_next(s), USERAUTH_SERVER_NONE);
	CHECK_INT(userauth_server_request(s)->method, USERAUTH_NONE);
	CHECK_INT(userauth_server_failure(s, "password", false), 0);
	CHECK_INT(userauth_server_next(s), USERAUTH_SERVER_REQUEST);
	CHECK_INT(userauth_server_request(s)->method, USERAUTH_PASSWORD);
	CHECK(span_is(userauth_server_request(s)->password, "pw"));
	CHECK_INT(userauth_server_failure(s, "password", false), 0);
	CHECK_INT(userauth_server_next(s), USERAUTH_SERVER_REQUEST);
	CHECK_INT(userauth_server_request(s)->method, USERAUTH_NONE);
	CHECK_INT(userauth_server_failure(s, "password", false), 0);
	CHECK_INT(userauth_server_next(s), USERAUTH_SERVER_NONE);
	for (int i = 0; i < 17; i++)
		CHECK_INT(to_server(s, 50, buf_span(&none)),
		    i == 0 ? USERAUTH_SERVER_REQUEST : 0);
	CHECK_INT(to_server(s, 50, buf_span(&none)), ERR_LIMIT);
	buf_release(&none);
	buf_release(&password);
	userauth_server_free(s);
	pair_free(p);
}

TEST(the_server_refuses_what_is_not_allowed_now)
{
	struct pair *p = pair_new(NULL);
	struct userauth_server *s;
	struct buf b = BUF_INIT;
	uint32_t none = 0;

	/* before the service is asked for */
	CHECK_INT(
	    userauth_server_new(p->server.t, key_blob(p->server.key), &s), 0);
	write_head(&b, "bob", "none");
	CHECK_INT(to_server(s, 50, buf_span(&b)), ERR_UNEXPECTED);
	buf_clear(&b);
	write_text(&b, "ssh-connection");
	CHECK_INT(to_server(s, 5, buf_span(&b)), ERR_UNSUPPORTED);
	userauth_server_free(s);

	/* answers without a question, the server's own messages */
	pair_free(p);
	p = pair_new(NULL);
	s = server_ready(p);
	CHECK_INT(to_server(s, 61, span_of(&none, 4)), ERR_UNEXPECTED);
	CHECK_INT(to_server(s, 51, span_of(NULL, 0)), ERR_UNEXPECTED);
	CHECK_INT(to_server(s, 52, span_of(NULL, 0)), ERR_UNEXPECTED);
	CHECK_INT(to_server(s, 60, span_of(NULL, 0)), ERR_UNEXPECTED);
	CHECK_INT(to_server(s, 62, span_of(NULL, 0)), 0);

	/* another user or service than at first */
	buf_clear(&b);
	write_head(&b, "bob", "none");
	CHECK_INT(to_server(s, 50, buf_span(&b)), USERAUTH_SERVER_REQUEST);
	CHECK_INT(userauth_server_failure(s, "password", false), 0);
	buf_clear(&b);
	write_head(&b, "root", "none");
	CHECK_INT(to_server(s, 50, buf_span(&b)), ERR_UNEXPECTED);
	userauth_server_free(s);
	buf_release(&b);
	pair_free(p);
}

TEST(the_service_may_be_asked_for_again_between_requests)
{
	struct pair *p = pair_new(NULL);
	struct userauth_server *s = server_ready(p);
	struct buf service = BUF_INIT, b = BUF_INIT;

	write_text(&service, "ssh-userauth");
	CHECK_INT(to_server(s, 5, buf_span(&service)), 0);
	write_head(&b, "bob", "none");
	CHECK_INT(to_server(s, 50, buf_span(&b)), USERAUTH_SERVER_REQUEST);
	CHECK_INT(to_server(s, 5, buf_span(&service)), ERR_UNEXPECTED);
	CHECK_INT(userauth_server_failure(s, "password", false), 0);
	CHECK_INT(to_server(s, 5, buf_span(&service)), 0);
	CHECK_INT(to_server(s, 50, buf_span(&b)), USERAUTH_SERVER_REQUEST);
	userauth_server_free(s);
	buf_release(&service);
	buf_release(&b);
	pair_free(p);
}

TEST(too_long_names_and_too_many_requests_are_refused)
{
	struct pair *p = pair_new(NULL);
	struct userauth_server *s = server_ready(p);
	struct buf b = BUF_INIT;
	char name[USERAUTH_USER_MAX + 2];
	int r = 0;

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	write_head(&b, name, "none");
	CHECK_INT(to_server(s, 50, buf_span(&b)), ERR_LIMIT);
	userauth_server_free(s);

	s = server_ready(p);
	buf_clear(&b);
	write_string(&b, span_of("a\0b", 3));
	write_text(&b, "ssh-connection");
	write_text(&b, "none");
	CHECK_INT(to_server(s, 50, buf_span(&b)), ERR_FORMAT);
	userauth_server_free(s);

	s = server_ready(p);
	buf_clear(&b);
	write_head(&b, "bob", "unheard-of");
	for (unsigned i = 0; i < USERAUTH_REQUESTS_MAX; i++) {
		CHECK_INT(
		    to_server(s, 50, buf_span(&b)), USERAUTH_SERVER_REQUEST);
		CHECK_INT(userauth_server_request(s)->method, USERAUTH_OTHER);
		r = userauth_server_failure(s, "password", false);
		CHECK_INT(r, 0);
	}
	CHECK_INT(to_server(s, 50, buf_span(&b)), ERR_AUTH_ATTEMPTS);
	userauth_server_free(s);
	buf_release(&b);
	pair_free(p);
}

TEST(a_request_bound_to_another_host_is_refused)
{
	struct pair *p = pair_new(NULL);
	struct userauth_server *s = server_ready(p);
	struct buf b = BUF_INIT;

	write_head(&b, "bob", "publickey-hostbound-v00@openssh.com");
	write_boolean(&b, true);
	write_text(&b, "ssh-ed25519");
	write_text(&b, "blob");
	write_text(&b, "other host key");
	write_text(&b, "signature");
	CHECK_INT(to_server(s, 50, buf_span(&b)), ERR_FORMAT);
	userauth_server_free(s);
	buf_release(&b);
	pair_free(p);
}

TEST(requests_after_success_are_ignored)
{
	struct pair *p = pair_new(NULL);
	struct userauth_server *s = server_ready(p);
	struct buf b = BUF_INIT;
	uint32_t none = 0;

	write_head(&b, "bob", "none");
	CHECK_INT(to_server(s, 50, buf_span(&b)), USERAUTH_SERVER_REQUEST);
	CHECK_INT(userauth_server_success(s), 0);
	CHECK_INT(to_server(s, 50, buf_span(&b)), USERAUTH_SERVER_NONE);
	CHECK_INT(to_server(s, 61, span_of(&none, 4)), ERR_UNEXPECTED);
	CHECK_INT(userauth_server_banner(s, span_text("late")), ERR_UNEXPECTED);
	userauth_server_free(s);
	buf_release(&b);
	pair_free(p);
}

/* Every message that the server reads, one at a time. */
static size_t
server_message(struct buf *b, int which, struct span host_key)
{
	buf_clear(b);
	switch (which) {
	case 0:
		write_head(b, "bob", "none");
		break;
	case 1:
	case 2:
	case 3:
		write_head(b, "bob",
		    which == 3 ? "publickey-hostbound-v00@openssh.com"
			       : "publickey");
		write_boolean(b, which != 1);
		write_text(b, "ssh-ed25519");
		write_text(b, "blob");
		if (which == 3)
			write_string(b, host_key);
		if (which != 1)
			write_text(b, "signature");
		break;
	case 4:
	case 5:
		write_head(b, "bob", "password");
		write_boolean(b, which == 5);
		write_text(b, "one");
		if (which == 5)
			write_text(b, "two");
		break;
	case 6:
		write_head(b, "bob", "keyboard-interactive");
		write_text(b, "en");
		write_text(b, "pam");
		break;
	default:
		return 0;
	}
	return b->len;
}

TEST(the_server_refuses_every_truncated_and_overlong_request)
{
	struct pair *p = pair_new(NULL);
	struct buf b = BUF_INIT;
	size_t len;

	for (int which = 0;
	     (len = server_message(&b, which, key_blob(p->server.key))) > 0;
	     which++) {
		for (size_t n = 0; n <= len + 1; n++) {
			struct userauth_server *s = server_ready(p);
			struct buf copy = BUF_INIT;
			int r;

			write_span(&copy, span_of(b.data, n < len ? n : len));
			if (n > len)
				write_byte(&copy, 0);
			r = to_server(s, 50, buf_span(&copy));
			if (n == len)
				CHECK_INT(r, USERAUTH_SERVER_REQUEST);
			else
				CHECK(r < 0);
			buf_release(&copy);
			userauth_server_free(s);
		}
	}
	buf_release(&b);
	pair_free(p);
}

TEST(the_server_refuses_every_truncated_answer)
{
	struct pair *p = pair_new(NULL);
	struct buf b = BUF_INIT, head = BUF_INIT;
	static const char *const prompts[] = { "a", "b" };
	static const bool echo[] = { false, false };

	write_head(&head, "bob", "keyboard-interactive");
	write_text(&head, "");
	write_text(&head, "");
	write_uint32(&b, 2);
	write_text(&b, "one");
	write_text(&b, "two");
	for (size_t n = 0; n <= b.len; n++) {
		struct userauth_server *s = server_ready(p);
		int r;

		CHECK_INT(
		    to_server(s, 50, buf_span(&head)), USERAUTH_SERVER_REQUEST);
		CHECK_INT(
		    userauth_server_prompts(s, "", "", prompts, echo, 2), 0);
		r = to_server(s, 61, span_of(b.data, n));
		if (n == b.len)
			CHECK_INT(r, USERAUTH_SERVER_RESPONSES);
		else
			CHECK(r < 0);
		userauth_server_free(s);
	}
	/* more answers than any question has */
	{
		struct userauth_server *s = server_ready(p);

		CHECK_INT(
		    to_server(s, 50, buf_span(&head)), USERAUTH_SERVER_REQUEST);
		CHECK_INT(
		    userauth_server_prompts(s, "", "", prompts, echo, 2), 0);
		CHECK_INT(to_server(s, 61, unit_hex("ffffffff")), ERR_LIMIT);
		userauth_server_free(s);
	}
	buf_release(&b);
	buf_release(&head);
	pair_free(p);
}

/* A client with a request of this kind outstanding. */
static struct userauth_client *
client_waiting(struct pair *p, char kind)
{
	struct userauth_client *c;
	struct buf b = BUF_INIT;
	int r;

	CHECK_INT(
	    userauth_client_new(p->client.t, "bob", "ssh-connection", &c), 0);
	write_text(&b, "ssh-userauth");
	CHECK_INT(to_client(c, 6, buf_span(&b)), 0);
	buf_release(&b);
	r = kind == 'n'   ? userauth_client_none(c)
	    : kind == 'p' ? userauth_client_password(c, "x", NULL)
	    : kind == 'k'
		? userauth_client_kbdint(c, "")
		: userauth_client_probe(c, "ssh-ed25519", span_text("blob"));
	CHECK_INT(r, 0);
	return c;
}

static size_t
client_message(struct buf *b, int which, uint8_t *type, char *kind, int *event)
{
	buf_clear(b);
	*kind = 'n';
	switch (which) {
	case 0:
		*type = 51;
		*event = USERAUTH_CLIENT_FAILURE;
		write_text(b, "publickey,password");
		write_boolean(b, true);
		break;
	case 1:
		*type = 53;
		*event = USERAUTH_CLIENT_BANNER;
		write_text(b, "text");
		write_text(b, "en");
		break;
	case 2:
		*type = 60;
		*kind = 'q';
		*event = USERAUTH_CLIENT_PK_OK;
		write_text(b, "ssh-ed25519");
		write_text(b, "blob");
		break;
	case 3:
		*type = 60;
		*kind = 'p';
		*event = USERAUTH_CLIENT_PASSWORD_CHANGE;
		write_text(b, "change");
		write_text(b, "");
		break;
	case 4:
		*type = 60;
		*kind = 'k';
		*event = USERAUTH_CLIENT_PROMPTS;
		write_text(b, "name");
		write_text(b, "instruction");
		write_text(b, "");
		write_uint32(b, 2);
		write_text(b, "one");
		write_boolean(b, true);
		write_text(b, "two");
		write_boolean(b, false);
		break;
	default:
		return 0;
	}
	return b->len;
}

TEST(the_client_refuses_every_truncated_and_overlong_message)
{
	struct pair *p = pair_new(NULL);
	struct buf b = BUF_INIT;
	uint8_t type;
	char kind;
	int event;

	for (int which = 0; client_message(&b, which, &type, &kind, &event) > 0;
	     which++) {
		write_byte(&b, 0);
		for (size_t n = 0; n <= b.len; n++) {
			struct userauth_client *c = client_waiting(p, kind);
			int r = to_client(c, type, span_of(b.data, n));

			if (n == b.len - 1)
				CHECK_INT(r, event);
			else
				CHECK(r < 0);
			userauth_client_free(c);
		}
	}
	buf_release(&b);
	pair_free(p);
}

TEST(the_client_refuses_what_is_not_allowed_now)
{
	struct pair *p = pair_new(NULL);
	struct userauth_client *c;
	struct buf b = BUF_INIT;

	/* before the service is accepted; another service */
	CHECK_INT(
	    userauth_client_new(p->client.t, "bob", "ssh-connection", &c), 0);
	CHECK_INT(to_client(c, 52, span_of(NULL, 0)), ERR_UNEXPECTED);
	write_text(&b, "ssh-connection");
	CHECK_INT(to_client(c, 6, buf_span(&b)), ERR_FORMAT);
	userauth_client_free(c);

	/* number 60 belongs to the method in use */
	c = client_waiting(p, 'n');
	CHECK_INT(to_client(c, 60, buf_span(&b)), ERR_UNEXPECTED);
	CHECK_INT(to_client(c, 61, buf_span(&b)), ERR_UNEXPECTED);
	CHECK_INT(to_client(c, 50, buf_span(&b)), ERR_UNEXPECTED);
	CHECK_INT(to_client(c, 6, buf_span(&b)), ERR_UNEXPECTED);
	CHECK_INT(to_client(c, 54, buf_span(&b)), 0);
	userauth_client_free(c);

	/* success when nothing was asked for, and twice */
	c = client_waiting(p, 'n');
	buf_clear(&b);
	write_text(&b, "password");
	write_boolean(&b, false);
	CHECK_INT(to_client(c, 51, buf_span(&b)), USERAUTH_CLIENT_FAILURE);
	CHECK_INT(to_client(c, 51, buf_span(&b)), ERR_UNEXPECTED);
	CHECK_INT(to_client(c, 52, span_of(NULL, 0)), ERR_UNEXPECTED);
	userauth_client_free(c);

	/* another key than the one that was probed */
	c = client_waiting(p, 'q');
	buf_clear(&b);
	write_text(&b, "ssh-ed25519");
	write_text(&b, "glob");
	CHECK_INT(to_client(c, 60, buf_span(&b)), ERR_FORMAT);
	userauth_client_free(c);

	/* names of methods that would forge a line; too many prompts */
	c = client_waiting(p, 'n');
	buf_clear(&b);
	write_text(&b, "pass\nword");
	write_boolean(&b, false);
	CHECK_INT(to_client(c, 51, buf_span(&b)), ERR_FORMAT);
	userauth_client_free(c);
	c = client_waiting(p, 'k');
	buf_clear(&b);
	write_text(&b, "");
	write_text(&b, "");
	write_text(&b, "");
	write_uint32(&b, 0xffffffff);
	CHECK_INT(to_client(c, 60, buf_span(&b)), ERR_LIMIT);
	CHECK_INT(userauth_client_prompt_count(c), 0);
	userauth_client_free(c);
	buf_release(&b);
	pair_free(p);
}

/* RFC 4252 s9 */
TEST(a_hostbased_request_is_taken_apart)
{
	struct pair *p = pair_new(NULL);
	struct userauth_server *s = server_ready(p);
	const struct userauth_request *q;
	struct buf b = BUF_INIT;

	write_head(&b, "bob", "hostbased");
	write_text(&b, "ssh-ed25519");
	write_text(&b, "the key");
	write_text(&b, "host.example.");
	write_text(&b, "anna");
	for (size_t n = b.len - 20; n <= b.len; n += 20)
		CHECK(to_server(s, 50, span_of(b.data, n)) < 0);
	userauth_server_free(s);
	s = server_ready(p);
	write_text(&b, "the signature");
	CHECK_INT(to_server(s, 50, buf_span(&b)), USERAUTH_SERVER_REQUEST);
	q = userauth_server_request(s);
	CHECK_INT(q->method, USERAUTH_HOSTBASED);
	CHECK(span_is(q->method_name, "hostbased"));
	CHECK(span_is(q->algorithm, "ssh-ed25519"));
	CHECK(span_is(q->key_blob, "the key"));
	CHECK(span_is(q->client_host, "host.example."));
	CHECK(span_is(q->client_user, "anna"));
	CHECK(span_is(q->signature, "the signature"));
	userauth_server_free(s);
	buf_release(&b);
	pair_free(p);
}
