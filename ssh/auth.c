/*
 * auth.c - the client's policy of authentication. RFC 4252, 4256, 8332.
 */
#include "ssh/auth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/base/text.h"
#include "common/port/prompt.h"
#include "ssh/agent_add.h"
#include "ssh/auth_impl.h"
#include "ssh/hostbased.h"

#define DEFAULT_METHODS "hostbased,publickey,keyboard-interactive,password"

static const char *const method_names[METHODS_COUNT] = {
	[METHOD_NONE] = "none",
	[METHOD_HOSTBASED] = "hostbased",
	[METHOD_PUBLICKEY] = "publickey",
	[METHOD_KEYBOARD_INTERACTIVE] = "keyboard-interactive",
	[METHOD_PASSWORD] = "password",
};

/* ---- small facts ---- */

static bool
is_known_to_continue(const struct auth *a, enum method m)
{
	return a->methods != NULL &&
	       list_has(span_text(a->methods), span_text(method_names[m]));
}

static const char *
preferred(const struct auth *a)
{
	return a->c.o->preferred_authentications != NULL
		   ? a->c.o->preferred_authentications
		   : DEFAULT_METHODS;
}

static enum method
method_find(struct span name)
{
	for (int m = METHOD_NONE + 1; m < METHODS_COUNT; m++)
		if (span_is(name, method_names[m]))
			return (enum method)m;
	return METHOD_NONE;
}

bool
auth_can_ask(const struct auth *a)
{
	return !a->c.o->batch_mode && prompt_is_possible();
}

/* ---- password ---- */

/* prefix "Enter " and the like; "user@host's" follows, then what. */
static char *
ask_password(const struct auth *a, const char *prefix, const char *what)
{
	char *question =
	    text_format("%s%s@%s's %s: ", prefix, a->c.user, a->c.host, what);
	char *answer = NULL;

	if (question != NULL && prompt_secret(question, &answer, NULL) != 0)
		answer = NULL;
	free(question);
	return answer;
}

static int
try_password(struct auth *a)
{
	const struct ssh_options *o = a->c.o;
	char *password;
	int r;

	if (!o->password_authentication || a->c.is_untrusted) {
		a->password_answer = REPORT_SWITCHED_OFF;
		return 0;
	}
	if (a->password_attempts >= o->number_of_password_prompts)
		return 0;
	if (!auth_can_ask(a)) {
		a->password_answer = REPORT_NOBODY_TO_ASK;
		return 0;
	}
	if (a->password_attempts++ > 0)
		log_error("Permission denied, please try again.");
	password = ask_password(a, "", "password");
	if (password == NULL) {
		a->password_attempts = o->number_of_password_prompts;
		if (a->password_answer == REPORT_NOT_TRIED)
			a->password_answer = REPORT_CANCELLED;
		return 0;
	}
	r = userauth_client_password(a->u, password, NULL);
	secret_free_text(password);
	a->password_answer = REPORT_REFUSED;
	return r == 0 ? 1 : r;
}

/* The log escapes what it is given. */
static void
show_lines(struct span text)
{
	struct span line;

	while (line_next(&text, &line))
		log_info("%.*s", (int)line.len, (const char *)line.ptr);
}

/* Twice the same; NULL: given up. */
static char *
ask_new_password(const struct auth *a)
{
	for (;;) {
		char *one = ask_password(a, "Enter ", "new password");
		char *two = one != NULL
				? ask_password(a, "Retype ", "new password")
				: NULL;
		bool is_same =
		    one != NULL && two != NULL && strcmp(one, two) == 0;

		if (!is_same || two == NULL) {
			bool gave_up = two == NULL;

			secret_free_text(one);
			secret_free_text(two);
			if (gave_up)
				return NULL;
			log_error("Mismatch; try again, EOF to quit.");
			continue;
		}
		secret_free_text(two);
		return one;
	}
}

/* RFC 4252 s8: SSH_MSG_USERAUTH_PASSWD_CHANGEREQ. */
static int
on_password_change(struct auth *a)
{
	char *old, *new = NULL;
	int r = 0;

	if (a->method != METHOD_PASSWORD || !auth_can_ask(a))
		return ERR_UNEXPECTED;
	show_lines(userauth_client_text(a->u));
	old = ask_password(a, "Enter ", "old password");
	if (old != NULL)
		new = ask_new_password(a);
	if (new != NULL) {
		r = userauth_client_password(a->u, old, new);
		r = r == 0 ? 1 : r;
	}
	secret_free_text(old);
	secret_free_text(new);
	return r;
}

/* ---- keyboard-interactive ---- */

static int
try_kbdint(struct auth *a)
{
	const struct ssh_options *o = a->c.o;
	int r;

	if (!o->kbd_interactive_authentication || a->c.is_untrusted) {
		a->kbdint_answer = REPORT_SWITCHED_OFF;
		return 0;
	}
	if (a->kbdint_is_over ||
	    a->kbdint_attempts >= o->number_of_password_prompts)
		return 0;
	if (!auth_can_ask(a)) {
		a->kbdint_answer = REPORT_NOBODY_TO_ASK;
		return 0;
	}
	a->kbdint_attempts++;
	a->kbdint_prompted = false;
	r = userauth_client_kbdint(a->u, o->kbd_interactive_devices != NULL
					     ? o->kbd_interactive_devices
					     : "");
	return r == 0 ? 1 : r;
}

/* "(user@host) Password: ": who is asked for cannot be forged by a server. */
static int
answer_prompt(const struct auth *a, size_t index, char **ret)
{
	struct buf question = BUF_INIT;
	bool echo;
	struct span text = userauth_client_prompt(a->u, index, &echo);
	int r;

	buf_printf(&question, "(%s@%s) ", a->c.user, a->c.host);
	text_escape_lines(&question, text, true);
	if (buf_text(&question) == NULL)
		r = ERR_MEMORY;
	else if (echo)
		r = prompt_line((char *)question.data, ret, NULL);
	else
		r = prompt_secret((char *)question.data, ret, NULL);
	buf_release(&question);
	return r;
}

/* 1: answered, 0: the person gave up. */
static int
on_prompts(struct auth *a)
{
	size_t count = userauth_client_prompt_count(a->u), done = 0;
	char **answers;
	int r = 0;

	if (a->method != METHOD_KEYBOARD_INTERACTIVE)
		return ERR_UNEXPECTED;
	if ((answers = calloc(count + 1, sizeof(*answers))) == NULL)
		return ERR_MEMORY;
	show_lines(userauth_client_name(a->u));
	show_lines(userauth_client_instruction(a->u));
	while (r == 0 && done < count)
		if ((r = answer_prompt(a, done, &answers[done])) == 0)
			done++;
	if (count > 0) {
		a->kbdint_prompted = true;
		a->kbdint_answer = REPORT_REFUSED;
	}
	if (r == 0) {
		r = userauth_client_respond(
		    a->u, (const char *const *)answers, count);
		r = r == 0 ? 1 : r;
	} else {
		a->kbdint_is_over = true;
		a->kbdint_answer = REPORT_CANCELLED;
		r = 0;
	}
	for (size_t i = 0; i < done; i++)
		secret_free_text(answers[i]);
	free(answers);
	return r;
}

/* ---- what next ---- */

static int
try_method(struct auth *a, enum method m)
{
	switch (m) {
	case METHOD_HOSTBASED:
		return hostbased_try(a);
	case METHOD_PUBLICKEY:
		if (a->c.o->pubkey_authentication == PUBKEY_AUTHENTICATION_NO)
			return 0;
		return publickey_try(a);
	case METHOD_KEYBOARD_INTERACTIVE:
		return try_kbdint(a);
	case METHOD_PASSWORD:
		return try_password(a);
	default:
		return 0;
	}
}

/* The next request, by PreferredAuthentications. ERR_AUTH_FAILED: none. */
static int
next_request(struct auth *a)
{
	struct span rest = span_text(preferred(a)), name;

	while (list_next(&rest, &name)) {
		enum method m = method_find(name);
		int r;

		if (m == METHOD_NONE || !is_known_to_continue(a, m))
			continue;
		if (m == METHOD_HOSTBASED && !a->c.o->hostbased_authentication)
			continue;
		if (a->method != m)
			log_debug1(
			    "Next authentication method: %s", method_names[m]);
		a->method = m;
		if ((r = try_method(a, m)) != 0)
			return r < 0 ? r : 0;
	}
	/* A key was accepted and then not signed with: the server has not
	 * said yet what else there is. */
	if (a->methods == NULL) {
		a->method = METHOD_NONE;
		return userauth_client_none(a->u);
	}
	log_debug1("No more authentication methods to try.");
	return ERR_AUTH_FAILED;
}

/* Before the server named its methods: a key, if keys come first. */
static int
first_request(struct auth *a)
{
	struct span rest = span_text(preferred(a)), name;
	enum method first = METHOD_NONE;
	int r = 0;

	while (first == METHOD_NONE && list_next(&rest, &name)) {
		first = method_find(name);
		if (first == METHOD_HOSTBASED &&
		    !a->c.o->hostbased_authentication)
			first = METHOD_NONE;
	}
	if (first == METHOD_PUBLICKEY && !publickey_needs_ext_info(a)) {
		a->method = METHOD_PUBLICKEY;
		r = try_method(a, METHOD_PUBLICKEY);
	}
	if (r != 0)
		return r < 0 ? r : 0;
	a->method = METHOD_NONE;
	return userauth_client_none(a->u);
}

/* ---- answers ---- */

static void
note_refusal(struct auth *a)
{
	if (a->method == METHOD_PUBLICKEY && a->identity != NULL) {
		struct identity *id = a->identity;

		/* A locked key and one without a partner keep their story. */
		if (id->answer == IDENTITY_OFFERED)
			id->answer = IDENTITY_REFUSED;
		else if (id->answer == IDENTITY_ACCEPTED)
			id->answer = IDENTITY_SIGNATURE_REFUSED;
	} else if (a->method == METHOD_KEYBOARD_INTERACTIVE &&
		   !a->kbdint_prompted) {
		/* It has nothing to ask, now and later. */
		a->kbdint_is_over = true;
	}
}

/* A key that counted is worth keeping at hand. */
static void
note_success(struct auth *a)
{
	if (a->method == METHOD_PUBLICKEY && a->identity != NULL)
		agent_add_identity(a->c.o, a->identity);
}

static void
note_partial(struct auth *a)
{
	log_verbose("Authenticated using \"%s\" with partial success.",
	    method_names[a->method]);
	note_success(a);
	switch (a->method) {
	case METHOD_PUBLICKEY:
		if (a->identity != NULL)
			a->identity->answer = IDENTITY_PARTIAL;
		break;
	case METHOD_PASSWORD:
		a->password_answer = REPORT_PARTIAL;
		a->password_attempts = 0;
		break;
	case METHOD_KEYBOARD_INTERACTIVE:
		a->kbdint_answer = REPORT_PARTIAL;
		a->kbdint_attempts = 0;
		break;
	default:
		break;
	}
	/* RFC 4252 s5.1: another round; keys that were refused may count
	 * now, the one that counted does not count twice. */
	for (size_t i = 0; i < a->c.identities->count; i++)
		if (a->c.identities->item[i].answer == IDENTITY_REFUSED)
			a->c.identities->item[i].answer = IDENTITY_NOT_OFFERED;
}

static int
on_failure(struct auth *a)
{
	const char *list = userauth_client_methods(a->u);

	free(a->methods);
	if ((a->methods = strdup(list)) == NULL)
		return ERR_MEMORY;
	if (userauth_client_partial_success(a->u))
		note_partial(a);
	else
		note_refusal(a);
	a->identity = NULL;
	publickey_reconsider(a);
	log_debug1("Authentications that can continue: %s", list);
	return next_request(a);
}

/* Byte for byte, but for what could drive a terminal. */
static void
on_banner(struct auth *a)
{
	struct span text = userauth_client_text(a->u);
	struct buf out = BUF_INIT;

	if (a->c.is_quiet || log_get_level() < LOG_LEVEL_INFO)
		return;
	text_escape_lines(&out, text, true);
	if (buf_error(&out) == 0 && fwrite(out.data, 1, out.len, stderr) > 0)
		fflush(stderr);
	buf_release(&out);
}

int
auth_packet(struct auth *a, const struct packet *p, struct error *e)
{
	int event = userauth_client_packet(a->u, p);
	int r = 1;

	if (event < 0)
		return error_set(
		    e, event, "authentication: %s", error_text(event));
	switch (event) {
	case USERAUTH_CLIENT_SUCCESS:
		note_success(a);
		identities_forget_agent(a->c.identities);
		return AUTH_SUCCEEDED;
	case USERAUTH_CLIENT_FAILURE:
		r = on_failure(a);
		return r == 0 ? AUTH_CONTINUES : r;
	case USERAUTH_CLIENT_BANNER:
		on_banner(a);
		break;
	case USERAUTH_CLIENT_PK_OK:
		r = publickey_on_ok(a);
		break;
	case USERAUTH_CLIENT_PROMPTS:
		r = on_prompts(a);
		break;
	case USERAUTH_CLIENT_PASSWORD_CHANGE:
		r = on_password_change(a);
		break;
	default:
		break;
	}
	/* The person or the key had no answer: something else then. */
	if (r == 0)
		r = next_request(a);
	return r < 0 ? r : AUTH_CONTINUES;
}

int
auth_new(const struct auth_config *c, struct auth **ret, struct error *e)
{
	struct auth *a = calloc(1, sizeof(*a));
	int r;

	if (a == NULL)
		return error_set(e, ERR_MEMORY, "out of memory");
	a->c = *c;
	r = userauth_client_new(c->t, c->user, "ssh-connection", &a->u);
	if (r == 0 && (c->o->pubkey_authentication &
			  PUBKEY_AUTHENTICATION_HOST_BOUND) == 0)
		userauth_client_forbid_hostbound(a->u);
	if (r == 0)
		r = first_request(a);
	if (r != 0) {
		auth_free(a);
		return error_set(e, r, "authentication: %s", error_text(r));
	}
	*ret = a;
	return 0;
}

void
auth_free(struct auth *a)
{
	if (a == NULL)
		return;
	userauth_client_free(a->u);
	strings_release(&a->hostbased_offered);
	free(a->methods);
	free(a);
}

const char *
auth_method(const struct auth *a)
{
	return method_names[a->method];
}

const struct identity *
auth_identity(const struct auth *a)
{
	return a->method == METHOD_PUBLICKEY ? a->identity : NULL;
}

static struct report
make_report(const struct auth *a)
{
	return (struct report){
		.o = a->c.o,
		.identities = a->c.identities,
		.user = a->c.user,
		.host = a->c.host,
		.methods = a->methods != NULL ? a->methods : "",
		.password = a->password_answer,
		.keyboard_interactive = a->kbdint_answer,
		.pubkey_off =
		    a->c.o->pubkey_authentication == PUBKEY_AUTHENTICATION_NO,
		.pubkey_not_preferred =
		    !list_has(span_text(preferred(a)), span_text("publickey")),
	};
}

void
auth_report(const struct auth *a)
{
	struct report r = make_report(a);

	log_fatal(
	    "%s@%s: Permission denied (%s).", a->c.user, a->c.host, r.methods);
	report_failed_login(&r);
}

void
auth_report_cut_off(const struct auth *a)
{
	struct report r = make_report(a);

	r.was_cut_off = true;
	report_failed_login(&r);
}
