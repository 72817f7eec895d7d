/*
 * session_login.c - a client that tries methods by chance, right and wrong,
 * and a server that demands a list of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/text.h"
#include "tests/sim/session.h"

#define USER     "alice"
#define PASSWORD "correct horse"
#define ENABLED  "publickey,password,keyboard-interactive"

/* ---- client ---- */

static bool
is_right_now(struct session_side *s)
{
	if (s->wrong_left > 0 && chance_percent(&s->chance, 50)) {
		s->wrong_left--;
		return false;
	}
	return true;
}

static int
sign_request(struct session_side *s)
{
	struct buf data = BUF_INIT, signature = BUF_INIT;
	struct span blob = key_blob(sim_key[0]);
	int r;

	r = userauth_client_sign_data(s->client, "ssh-ed25519", blob, &data);
	/* Wrong: over other data than is sent. */
	if (!s->right)
		write_byte(&data, 0);
	if (r == 0)
		r = key_sign(sim_key[0],
		    signature_find(span_text("ssh-ed25519")), buf_span(&data),
		    &signature);
	if (r == 0)
		r = userauth_client_publickey(
		    s->client, "ssh-ed25519", blob, buf_span(&signature));
	buf_release(&data);
	buf_release(&signature);
	return r;
}

static int
try_method(struct session_side *s, struct span method)
{
	s->right = is_right_now(s);
	if (span_is(method, "publickey")) {
		s->probing = chance_percent(&s->chance, 50);
		if (!s->probing)
			return sign_request(s);
		/* A key that nobody knows is refused at the probe. */
		return userauth_client_probe(s->client, "ssh-ed25519",
		    s->right ? key_blob(sim_key[0]) : span_text("unknown"));
	}
	if (span_is(method, "password"))
		return userauth_client_password(
		    s->client, s->right ? PASSWORD : "wrong", NULL);
	if (span_is(method, "keyboard-interactive"))
		return userauth_client_kbdint(s->client, "");
	return session_wrong(s, "a method that nobody offered");
}

static int
try_next(struct session_side *s)
{
	struct span rest = span_text(userauth_client_methods(s->client));
	struct span name, chosen = span_of(NULL, 0);
	unsigned n = 0;

	s->probing = false;
	if (s->wrong_left > 0 && chance_percent(&s->chance, 20)) {
		s->wrong_left--;
		s->right = false;
		return userauth_client_none(s->client);
	}
	while (list_next(&rest, &name))
		if (chance_below(&s->chance, ++n) == 0)
			chosen = name;
	return try_method(s, chosen);
}

static int
on_client_failure(struct session_side *s)
{
	bool partial = userauth_client_partial_success(s->client);

	if (partial != (s->right && !s->probing))
		return session_wrong(s, partial ? "an undeserved success"
						: "an undeserved failure");
	return try_next(s);
}

static int
on_client_prompts(struct session_side *s)
{
	size_t count = userauth_client_prompt_count(s->client);
	const char *answers[USERAUTH_PROMPTS_MAX];
	bool echo;

	/* Sometimes the dialogue is given up. */
	if (s->wrong_left > 0 && chance_percent(&s->chance, 10)) {
		s->wrong_left--;
		s->right = s->probing = false;
		return userauth_client_none(s->client);
	}
	for (size_t i = 0; i < count; i++) {
		struct span prompt =
		    userauth_client_prompt(s->client, i, &echo);

		answers[i] = s->right && span_is(prompt, "Password: ")
				 ? PASSWORD
			     : s->right ? "42"
					: "";
	}
	return userauth_client_respond(s->client, answers, count);
}

static int
on_client_event(struct session_side *s, int event)
{
	switch (event) {
	case USERAUTH_CLIENT_FAILURE:
		return on_client_failure(s);
	case USERAUTH_CLIENT_PK_OK:
		if (!s->probing || !s->right)
			return session_wrong(s, "an undeserved PK_OK");
		s->probing = false;
		return sign_request(s);
	case USERAUTH_CLIENT_PROMPTS:
		return on_client_prompts(s);
	case USERAUTH_CLIENT_PASSWORD_CHANGE:
		return userauth_client_password(
		    s->client, s->right ? PASSWORD : "wrong", "new");
	case USERAUTH_CLIENT_SUCCESS:
		if (!s->right || s->probing)
			return session_wrong(s, "an undeserved login");
		session_login_end(s);
		return session_flow_start(s);
	default:
		return 0;
	}
}

/* ---- server ---- */

static int
fail_request(struct session_side *s)
{
	return userauth_server_failure(
	    s->server, auth_methods_continue(s->methods), false);
}

static int
grant(struct session_side *s, const char *method)
{
	if (!auth_methods_allows(s->methods, method, NULL))
		return fail_request(s);
	if (!auth_methods_succeeded(s->methods, method, NULL))
		return userauth_server_failure(
		    s->server, auth_methods_continue(s->methods), true);
	s->stage = SESSION_GRANTED;
	return userauth_server_success(s->server);
}

static int
decide_publickey(struct session_side *s, const struct userauth_request *q)
{
	if (!auth_methods_allows(s->methods, "publickey", NULL) ||
	    !span_equal(q->key_blob, key_blob(sim_key[0])))
		return fail_request(s);
	if (q->method == USERAUTH_PUBLICKEY_PROBE)
		return userauth_server_pk_ok(s->server);
	if (key_verify(sim_key[0], signature_find(q->algorithm), q->signed_data,
		q->signature) != 0)
		return fail_request(s);
	return grant(s, "publickey");
}

static int
decide_password(struct session_side *s, const struct userauth_request *q)
{
	if (!span_is(q->password, PASSWORD) ||
	    !auth_methods_allows(s->methods, "password", NULL))
		return fail_request(s);
	if (s->expired && !q->is_password_change)
		return userauth_server_password_change(s->server, "expired");
	s->expired = false;
	return grant(s, "password");
}

/* A round of questions, or the end of the dialogue. */
static int
ask(struct session_side *s)
{
	static const char *const prompts[] = {
		"Password: ", "Token: ", "Password: "
	};
	static const bool echo[] = { false, true, false };

	if (s->rounds_left == 0)
		return s->answers_right ? grant(s, "keyboard-interactive")
					: fail_request(s);
	s->rounds_left--;
	return userauth_server_prompts(s->server, "name", "instruction",
	    prompts, echo, 1 + chance_below(&s->chance, 3));
}

static int
start_dialogue(struct session_side *s)
{
	if (!auth_methods_allows(s->methods, "keyboard-interactive", NULL))
		return fail_request(s);
	s->rounds_left =
	    1 + (unsigned)chance_below(&s->chance, SESSION_ROUNDS_MAX);
	s->answers_right = true;
	if (chance_percent(&s->chance, 20))
		return userauth_server_prompts(
		    s->server, "", "nothing to ask yet", NULL, NULL, 0);
	return ask(s);
}

static int
take_answers(struct session_side *s)
{
	size_t count = userauth_server_response_count(s->server);

	if (count != userauth_server_asked_count(s->server))
		return session_wrong(s, "answers to other questions");
	for (size_t i = 0; i < count; i++)
		if (!span_is(userauth_server_response(s->server, i),
			i == 1 ? "42" : PASSWORD))
			s->answers_right = false;
	return ask(s);
}

static int
decide_request(struct session_side *s)
{
	const struct userauth_request *q = userauth_server_request(s->server);
	int r;

	if (!span_is(q->user, USER))
		return session_wrong(s, "another user");
	if (chance_percent(&s->chance, 20) &&
	    (r = userauth_server_banner(s->server, span_text("hello\n"))) != 0)
		return r;
	switch (q->method) {
	case USERAUTH_PUBLICKEY_PROBE:
	case USERAUTH_PUBLICKEY:
		return decide_publickey(s, q);
	case USERAUTH_PASSWORD:
		return decide_password(s, q);
	case USERAUTH_KBDINT:
		return start_dialogue(s);
	case USERAUTH_NONE:
	case USERAUTH_OTHER:
		break;
	}
	return fail_request(s);
}

static int
on_server_event(struct session_side *s, int event)
{
	int r = 0;

	if (event == USERAUTH_SERVER_REQUEST)
		r = decide_request(s);
	else if (event == USERAUTH_SERVER_RESPONSES)
		r = take_answers(s);
	if (r == 0 && s->stage == SESSION_LOGIN)
		r = userauth_server_next(s->server);
	return r;
}

/* ---- both ---- */

static int
start_server(struct session_side *s)
{
	struct strings words = STRINGS_INIT;
	struct error e = { 0 };
	int r;

	if ((r = strings_split(&words, s->sim->methods, ' ')) == 0)
		r = auth_methods_new(&words, ENABLED, &s->methods, &e);
	strings_release(&words);
	if (r == 0)
		r = userauth_server_new(s->end->t,
		    key_blob(sim_key_for(s->config.host_key_algorithms)),
		    &s->server);
	return r;
}

int
session_login_start(struct session_side *s)
{
	int r;

	if (s->config.role == TRANSPORT_SERVER)
		return start_server(s);
	r = userauth_client_new(s->end->t, USER, "ssh-connection", &s->client);
	s->right = false;
	return r == 0 ? userauth_client_none(s->client) : r;
}

static int
server_event(struct session_side *s, int event)
{
	while (event > 0) {
		if (s->decides_later && chance_percent(&s->chance, 70)) {
			s->undecided = event;
			return 0;
		}
		event = on_server_event(s, event);
	}
	return event;
}

int
session_login_packet(struct session_side *s, const struct packet *packet)
{
	int r;

	if (s->client != NULL) {
		r = userauth_client_packet(s->client, packet);
		return r > 0 ? on_client_event(s, r) : r;
	}
	if (s->server != NULL) {
		r = userauth_server_packet(s->server, packet);
		return r > 0 ? server_event(s, r) : r;
	}
	return session_wrong(s, "userauth after its end");
}

int
session_login_turn(struct session_side *s)
{
	int event = s->undecided;

	s->undecided = 0;
	return event != 0 ? server_event(s, event) : 0;
}

void
session_login_end(struct session_side *s)
{
	userauth_client_free(s->client);
	userauth_server_free(s->server);
	auth_methods_free(s->methods);
	s->client = NULL;
	s->server = NULL;
	s->methods = NULL;
}
