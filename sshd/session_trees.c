/*
 * session_trees.c - Confine and confine= put together.
 */
#include "sshd/session_trees.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/config.h"
#include "sftp/server_arguments.h"
#include "sftp/server_place.h"
#include "sshd/user_session.h"

static int
expand(const struct user_session *u, const char *text, struct strings *ret,
    struct error *e)
{
	struct config_tokens tokens = { { NULL } };
	char uid[24], *path = NULL;
	int r;

	snprintf(uid, sizeof(uid), "%lu", (unsigned long)u->start.uid);
	tokens.value['h'] = u->start.home;
	tokens.value['u'] = u->start.user;
	tokens.value['U'] = uid;
	r = config_expand(text, &tokens, "huU", false, NULL, &path, e);
	if (r == 0 && !sftp_confine_check(path)) {
		r = error_set(e, ERR_CONFIG,
		    "Confine %s: \"rw:\" or \"ro:\" and an absolute path is "
		    "wanted",
		    path);
		free(path);
		return r;
	}
	return r == 0 ? strings_take(ret, path) : r;
}

/* Lines of any number of words each. */
static int
expand_all(const struct user_session *u, const struct strings *lines,
    struct strings *ret, struct error *e)
{
	struct strings words = STRINGS_INIT;
	int r = 0;

	for (size_t i = 0; i < lines->count && r == 0; i++)
		r = sftp_server_words(lines->item[i], &words);
	for (size_t i = 0; i < words.count && r == 0; i++)
		r = expand(u, words.item[i], ret, e);
	/* An empty text would otherwise confine to nothing, silently. */
	if (r == 0 && lines->count > 0 && ret->count == 0)
		r = error_set(e, ERR_CONFIG, "Confine names no directory");
	strings_release(&words);
	return r;
}

/* Both are "rw:" or "ro:" and a canonical path. */
static bool
lies_in(const char *inner, const char *outer)
{
	size_t len = strlen(outer);

	if (inner[1] == 'w' && outer[1] != 'w')
		return false;
	if (strcmp(outer + 3, "/") == 0)
		return true;
	return strncmp(inner + 3, outer + 3, len - 3) == 0 &&
	       (inner[len] == '/' || inner[len] == '\0');
}

/* Symbolic links on the way to a tree are the administrator's, or, in the
 * user's own file, resolved before they are compared. */
static int
canonicalize(struct strings *trees, struct error *e)
{
	for (size_t i = 0; i < trees->count; i++) {
		char *real = realpath(trees->item[i] + 3, NULL), *text;

		if (real == NULL)
			return error_set_errno(e, "Confine %s", trees->item[i]);
		text = text_format("%.3s%s", trees->item[i], real);
		free(real);
		if (text == NULL)
			return error_set(e, ERR_MEMORY, "out of memory");
		free(trees->item[i]);
		trees->item[i] = text;
	}
	return 0;
}

static int
check_key_trees(
    const struct strings *config, const struct strings *key, struct error *e)
{
	for (size_t i = 0; i < key->count; i++) {
		bool found = false;

		for (size_t j = 0; j < config->count; j++)
			found |= lies_in(key->item[i], config->item[j]);
		if (!found)
			return error_set(e, ERR_PERMISSION,
			    "the key's confine=\"%s\" is outside of Confine "
			    "of sshd_config",
			    key->item[i]);
	}
	return 0;
}

/* As a server of these trees would check them. */
static int
check_trees(const struct strings *trees, struct error *e)
{
	struct sftp_place place;
	int r = sftp_place_init(&place, "/", trees, e);

	if (r == 0)
		sftp_place_release(&place);
	return r;
}

int
session_trees(
    const struct user_session *u, struct strings *ret, struct error *e)
{
	struct strings config = STRINGS_INIT, key = STRINGS_INIT;
	int r;

	if ((r = expand_all(u, &u->options.confine, &config, e)) == 0)
		r = expand_all(u, &u->start.key.confine, &key, e);
	if (r == 0)
		r = canonicalize(&config, e);
	if (r == 0)
		r = canonicalize(&key, e);
	/* Those that the key's take the place of, too. */
	if (r == 0 && config.count > 0 && key.count > 0 &&
	    (r = check_trees(&config, e)) == 0)
		r = check_key_trees(&config, &key, e);
	if (r == 0)
		r = strings_copy(ret, key.count > 0 ? &key : &config);
	strings_release(&config);
	strings_release(&key);
	return r;
}
