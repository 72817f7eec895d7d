/*
 * authorized_commands.c - programs that print authorized keys or principals.
 */
#include "sshd/authorized_commands.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/base/time.h"
#include "common/config/config.h"
#include "common/key/certificate.h"
#include "common/port/capture.h"

#define PATH_DEFAULT                                                           \
	"/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
#define TOKENS             "CDfhktUu"
#define TOKENS_CERTIFICATE TOKENS "FiKsT"

/* ---- tokens ---- */

/* Texts that the tokens point to. */
struct token_texts {
	struct strings owned;
	int error;
};

static const char *
keep(struct token_texts *t, char *text)
{
	if (t->error == 0)
		t->error = strings_take(&t->owned, text);
	else
		free(text);
	return t->error == 0 ? t->owned.item[t->owned.count - 1] : NULL;
}

static char *
base64_of(struct span blob)
{
	struct buf out = BUF_INIT;

	base64_write(&out, blob, 0);
	return buf_take_text(&out);
}

static int
fill_tokens(const struct authorized_command *c, struct token_texts *t,
    struct config_tokens *tokens)
{
	const struct certificate *cert = key_certificate(c->key);
	const struct account *a = c->account;
	const char **v = tokens->value;

	v['C'] = keep(t, text_format("%s %u %s %u", c->peer->remote_text,
			     c->peer->remote_port, c->peer->local_text,
			     c->peer->local_port));
	v['D'] = "";
	v['f'] = keep(t, key_fingerprint(c->key, c->digest));
	v['h'] = a->home;
	v['k'] = keep(t, base64_of(key_blob(c->key)));
	v['t'] = key_type_name(c->key);
	v['U'] = keep(t, text_format("%lu", (unsigned long)a->uid));
	v['u'] = a->exists ? a->name : "nonexistent";
	if (cert == NULL)
		return t->error;
	v['F'] = keep(t, key_fingerprint(cert->ca, c->digest));
	v['i'] = cert->key_id;
	v['K'] = keep(t, base64_of(key_blob(cert->ca)));
	v['s'] = keep(t, text_format("%llu", (unsigned long long)cert->serial));
	v['T'] = key_type_name(cert->ca);
	return t->error;
}

static int
expand(const struct authorized_command *c, struct strings *ret_argv,
    struct error *e)
{
	struct token_texts texts = { STRINGS_INIT, 0 };
	struct config_tokens tokens = { { NULL } };
	bool is_certificate = key_certificate(c->key) != NULL;
	int r;

	r = fill_tokens(c, &texts, &tokens);
	if (r != 0)
		error_set(e, r, "%s", error_text(r));
	else
		r = config_expand_command(c->command, &tokens,
		    is_certificate ? TOKENS_CERTIFICATE : TOKENS, false, NULL,
		    ret_argv, e);
	if (r == 0 && ret_argv->count == 1 &&
	    (r = strings_add(ret_argv, tokens.value['u'])) != 0)
		strings_release(ret_argv);
	strings_release(&texts.owned);
	return r;
}

/* ---- the program ---- */

static int
check_program(const char *path, struct error *e)
{
	struct stat st;

	if (path[0] != '/')
		return error_set(
		    e, ERR_CONFIG, "%s is not an absolute path", path);
	if (stat(path, &st) != 0)
		return error_set_errno(e, "%s", path);
	if (!S_ISREG(st.st_mode))
		return error_set(
		    e, ERR_PERMISSION, "%s is not a regular file", path);
	return path_check_safe(path, -1, 0, NULL, e);
}

static int
make_environment(const struct passwd *pw, struct strings *env)
{
	int r;

	if ((r = strings_take(env, strdup("PATH=" PATH_DEFAULT))) != 0 ||
	    (r = strings_take(env, text_format("USER=%s", pw->pw_name))) != 0 ||
	    (r = strings_take(env, text_format("LOGNAME=%s", pw->pw_name))) !=
		0)
		return r;
	return strings_take(env, text_format("HOME=%s", pw->pw_dir));
}

static void
log_complaint(void *context, struct span line)
{
	const struct authorized_command *c = context;

	log_info("%s: %.*s", c->keyword, (int)line.len, (const char *)line.ptr);
}

static uint64_t
deadline_of(const struct authorized_command *c)
{
	uint64_t own = time_monotonic_us() + AUTHORIZED_COMMAND_TIME_US;

	return own < c->deadline_us ? own : c->deadline_us;
}

static int
run(const struct authorized_command *c, const struct passwd *pw,
    const struct strings *argv, const struct strings *env, struct buf *out,
    struct error *e)
{
	struct capture capture = {
		.argv = argv->item,
		.env = env->item,
		.user = pw->pw_name,
		.uid = pw->pw_uid,
		.gid = pw->pw_gid,
		.own_group = true,
		.deadline_us = deadline_of(c),
		.output_max = AUTHORIZED_COMMAND_OUTPUT_MAX,
		.on_error_line = log_complaint,
		.context = (void *)c,
	};
	size_t start = out->len;
	int r, status;

	log_debug1(
	    "%s: running %s as %s", c->keyword, argv->item[0], pw->pw_name);
	if ((r = capture_run(&capture, out, &status, e)) != 0)
		return r;
	if ((r = capture_check_status(status, e)) != 0) {
		error_prefix(e, "%s", argv->item[0]);
		buf_truncate(out, start);
	}
	return r;
}

int
authorized_command_run(
    const struct authorized_command *c, struct buf *out, struct error *e)
{
	const struct passwd *pw;
	struct strings argv = STRINGS_INIT, env = STRINGS_INIT;
	int r;

	if ((r = expand(c, &argv, e)) != 0)
		return r;
	if ((r = check_program(argv.item[0], e)) != 0)
		goto out;
	if ((pw = getpwnam(c->run_as)) == NULL)
		r = error_set(
		    e, ERR_NOT_FOUND, "there is no account %s", c->run_as);
	else if (geteuid() != 0 && pw->pw_uid != geteuid())
		r = error_set(e, ERR_PERMISSION,
		    "only root can run a program as %s", c->run_as);
	else if ((r = make_environment(pw, &env)) != 0)
		error_set(e, r, "%s", error_text(r));
	else
		r = run(c, pw, &argv, &env, out, e);
out:
	strings_release(&argv);
	strings_release(&env);
	return r;
}
