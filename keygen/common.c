/*
 * common.c - what several modes of ssh-keygen need.
 */
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/file.h"
#include "common/base/secret.h"
#include "common/base/text.h"
#include "keygen/keygen.h"

int
complain(int status, const char *format, ...)
{
	va_list args;

	fflush(stdout);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return status;
}

static const struct passwd *
account(void)
{
	const struct passwd *pw = getpwuid(getuid());

	if (pw == NULL)
		complain(
		    0, "No user exists for uid %lu", (unsigned long)getuid());
	return pw;
}

char *
default_comment(void)
{
	const struct passwd *pw = account();
	char host[256] = "localhost";

	if (pw == NULL)
		return NULL;
	if (gethostname(host, sizeof(host)) != 0)
		text_copy(host, sizeof(host), "localhost");
	host[sizeof(host) - 1] = '\0';
	return text_format("%s@%s", pw->pw_name, host);
}

char *
default_path(const char *type)
{
	const struct key_type_row *row = key_type_find(span_text(type));
	const struct passwd *pw = account();
	char *name, *path;

	if (pw == NULL)
		return NULL;
	name = text_lower(row != NULL ? row->short_name : type);
	if (name == NULL)
		return NULL;
	for (char *p = name; *p != '\0'; p++)
		if (*p == '-')
			*p = '_';
	path = text_format("%s/.ssh/id_%s", pw->pw_dir, name);
	free(name);
	return path;
}

int
read_file_or_stdin(const char *path, size_t max, struct buf *ret_text)
{
	struct error e = { 0 };
	int r;

	if (strcmp(path, "-") == 0)
		r = file_read_fd(STDIN_FILENO, max, ret_text, &e);
	else
		r = file_read(path, max, ret_text, &e);
	if (r != 0)
		return complain(
		    EXIT_FATAL, "ssh-keygen: %s", error_message(&e, r));
	return 0;
}

bool
text_is_private(struct span text)
{
	static const char mark[] = "PRIVATE KEY-----";

	return text.len > 0 &&
	       memmem(text.ptr, text.len, mark, sizeof(mark) - 1) != NULL;
}

int
save_private(const struct options *o, const char *path, const struct key *k,
    const char *passphrase)
{
	const struct key_file_options fo = { o->format, passphrase, o->cipher,
		o->rounds };
	struct error e = { 0 };
	int r = key_private_save(k, path, &fo, &e);

	if (r != 0)
		return complain(EXIT_USAGE, "Saving key \"%s\" failed: %s",
		    path, error_message(&e, r));
	return 0;
}

int
save_public(const char *path, const struct key *k)
{
	char *public = text_format("%s.pub", path);
	struct error e = { 0 };
	int r;

	if (public == NULL)
		return complain(EXIT_FATAL, "out of memory");
	if ((r = key_public_save(k, public, &e)) != 0)
		r = complain(EXIT_USAGE, "Unable to save public key to %s: %s",
		    public, error_message(&e, r));
	free(public);
	return r;
}

static void
complain_of_load(const char *path, int r, const struct error *e)
{
	struct stat st;
	char *box;

	if (r == ERR_PERMISSION && stat(path, &st) == 0 &&
	    st.st_uid == getuid() && (st.st_mode & 077) != 0) {
		box = key_file_permissions_box(path, st.st_mode);
		fputs(box == NULL ? "" : box, stderr);
		free(box);
		complain(0, "Load key \"%s\": bad permissions", path);
	} else if (r == ERR_NOT_FOUND) {
		complain(0, "%s: No such file or directory", path);
	} else {
		complain(0, "Load key \"%s\": %s", path, error_message(e, r));
	}
}

int
load_private(const struct options *o, const char *path, const char *question,
    struct key **ret, char **ret_passphrase)
{
	char *passphrase = strdup(o->passphrase == NULL ? "" : o->passphrase);
	struct error e = { 0 };
	int r = ERR_MEMORY;

	if (passphrase != NULL)
		r = key_private_load(path, passphrase, ret, NULL, &e);
	if (r == ERR_PASSPHRASE && o->passphrase == NULL) {
		secret_free_text(passphrase);
		if ((passphrase = ask_passphrase(question)) == NULL)
			return r;
		r = key_private_load(path, passphrase, ret, NULL, &e);
	}
	if (r == 0 && (r = security_key_prepare(o, *ret)) != 0)
		key_unref(*ret);
	if (r == 0 && ret_passphrase != NULL) {
		*ret_passphrase = passphrase;
		passphrase = NULL;
	}
	secret_free_text(passphrase);
	if (r != 0)
		complain_of_load(path, r, &e);
	return r;
}

/* What can be had without a passphrase; NULL: nothing. */
static struct key *
load_public_half(const char *path)
{
	char *beside = text_format("%s.pub", path);
	struct key *k = NULL, *private = NULL;

	if (key_private_load(path, "", &private, &k, NULL) == 0 && k != NULL)
		IGNORE_RESULT(key_set_comment(k, key_comment(private)));
	if (k == NULL && beside != NULL &&
	    key_public_load(beside, &k, NULL) != 0)
		k = NULL;
	key_unref(private);
	free(beside);
	return k;
}

int
load_either(const struct options *o, const char *path, struct key **ret)
{
	struct buf text = BUF_SECRET_INIT;
	int status;
	bool is_private;

	if (key_public_load(path, ret, NULL) == 0)
		return 0;
	if ((status = read_file_or_stdin(path, KEY_FILE_MAX, &text)) != 0) {
		buf_release(&text);
		return status;
	}
	is_private = text_is_private(buf_span(&text));
	buf_release(&text);
	if ((*ret = load_public_half(path)) != NULL)
		return 0;
	if (!is_private)
		return complain(EXIT_FATAL, "%s is not a key file.", path);
	if (load_private(o, path, "Enter passphrase: ", ret, NULL) != 0)
		return EXIT_FATAL;
	return 0;
}
