/*
 * session_env.c - the environment of a command, made from nothing.
 * Order: surface notes s11. What comes later replaces what came before.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "sshd/session_agent.h"
#include "sshd/user_session.h"

#define PATH_DEFAULT                                                           \
	"/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
#define PATH_ROOT            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define MAIL_DIRECTORY       "/var/mail"
#define ENVIRONMENT_FILE_MAX ((size_t)64 * 1024)
#define ENVIRONMENT_LINES    1000

static size_t
name_length(const char *assignment)
{
	return strcspn(assignment, "=");
}

/* Takes "NAME=value" (fresh text); replaces one of that name. */
static int
take(struct strings *env, char *assignment)
{
	size_t n;

	if (assignment == NULL)
		return ERR_MEMORY;
	n = name_length(assignment);
	for (size_t i = 0; i < env->count; i++) {
		if (name_length(env->item[i]) == n &&
		    strncmp(env->item[i], assignment, n) == 0) {
			free(env->item[i]);
			env->item[i] = assignment;
			return 0;
		}
	}
	return strings_take(env, assignment);
}

static int
set(struct strings *env, const char *name, const char *value)
{
	return take(env, text_format("%s=%s", name, value));
}

static int
set_all(struct strings *env, const struct strings *from)
{
	int r = 0;

	for (size_t i = 0; i < from->count && r == 0; i++)
		r = take(env, strdup(from->item[i]));
	return r;
}

static int
add_account(struct strings *env, const struct session_start *s)
{
	const char *zone = getenv("TZ");
	int r;

	if ((r = set(env, "USER", s->user)) != 0 ||
	    (r = set(env, "LOGNAME", s->user)) != 0 ||
	    (r = set(env, "HOME", s->home)) != 0 ||
	    (r = set(env, "PATH", s->uid == 0 ? PATH_ROOT : PATH_DEFAULT)) !=
		0 ||
	    (r = take(env,
		 text_format("MAIL=" MAIL_DIRECTORY "/%s", s->user))) != 0 ||
	    (r = set(env, "SHELL", s->shell)) != 0)
		return r;
	return zone != NULL ? set(env, "TZ", zone) : 0;
}

/* ---- what the user himself may set, where that is permitted ---- */

static bool
user_may_set(const struct sshd_options *o, const char *assignment)
{
	const struct sshd_user_environment *p = &o->permit_user_environment;
	char name[128];
	size_t n = name_length(assignment);

	if (!p->on || n == 0 || n >= sizeof(name) || assignment[n] != '=')
		return false;
	if (p->patterns == NULL)
		return true;
	memcpy(name, assignment, n);
	name[n] = '\0';
	return pattern_list_match(p->patterns, name, false) == 1;
}

static int
add_key_environment(struct strings *env, const struct command *c)
{
	const struct strings *wanted = &c->u->start.key.environment;
	int r = 0;

	for (size_t i = 0; i < wanted->count && r == 0; i++) {
		if (user_may_set(&c->u->options, wanted->item[i]))
			r = take(env, strdup(wanted->item[i]));
	}
	return r;
}

/* The assignment of a line, fresh; NULL where there is none. */
static char *
assignment_of(struct span line)
{
	while (line.len > 0 && (line.ptr[0] == ' ' || line.ptr[0] == '\t'))
		line = span_of(line.ptr + 1, line.len - 1);
	if (line.len == 0 || line.ptr[0] == '#' || span_has_nul(line))
		return NULL;
	return span_dup_text(line);
}

/* ~/.ssh/environment: lines NAME=value, `#` comments. */
static int
add_environment_file(struct strings *env, const struct command *c)
{
	char *path = text_format("%s/.ssh/environment", c->u->start.home);
	struct buf text = BUF_INIT;
	struct span rest, line;
	int r = 0, lines = 0;

	if (path != NULL && c->u->options.permit_user_environment.on &&
	    file_read(path, ENVIRONMENT_FILE_MAX, &text, NULL) == 0) {
		rest = buf_span(&text);
		while (r == 0 && lines++ < ENVIRONMENT_LINES &&
		       line_next(&rest, &line)) {
			char *one = assignment_of(line);

			if (one != NULL && strchr(one, '=') == NULL)
				log_info("Bad line %d in %s", lines, path);
			if (one != NULL && user_may_set(&c->u->options, one))
				r = take(env, one);
			else
				free(one);
		}
	}
	buf_release(&text);
	free(path);
	return r;
}

/* ---- facts of the connection ---- */

static int
add_connection(
    struct strings *env, const struct command *c, const char *original_command)
{
	const struct peer *p = &c->u->start.peer;
	int r;

	r = take(env, text_format("SSH_CLIENT=%s %u %u", p->remote_text,
			  p->remote_port, p->local_port));
	if (r == 0)
		r = take(env,
		    text_format("SSH_CONNECTION=%s %u %s %u", p->remote_text,
			p->remote_port, p->local_text, p->local_port));
	if (r == 0 && c->u->auth_info_path != NULL)
		r = set(env, "SSH_USER_AUTH", c->u->auth_info_path);
	if (r == 0 && c->has_pty)
		r = set(env, "SSH_TTY", c->pty.name);
	if (r == 0 && original_command != NULL)
		r = set(env, "SSH_ORIGINAL_COMMAND", original_command);
	return r;
}

int
command_environment(
    const struct command *c, const char *original_command, struct strings *ret)
{
	const char *agent = session_agent_path(c->u);
	struct strings env = STRINGS_INIT;
	int r;

	if ((r = set_all(&env, &c->env)) != 0 ||
	    (r = add_account(&env, &c->u->start)) != 0 ||
	    (c->term != NULL && (r = set(&env, "TERM", c->term)) != 0) ||
	    (agent != NULL && (r = set(&env, "SSH_AUTH_SOCK", agent)) != 0) ||
	    (r = add_key_environment(&env, c)) != 0 ||
	    (r = add_environment_file(&env, c)) != 0 ||
	    (r = set_all(&env, &c->u->options.set_env)) != 0 ||
	    (r = add_connection(&env, c, original_command)) != 0) {
		strings_release(&env);
		return r;
	}
	*ret = env;
	return 0;
}
