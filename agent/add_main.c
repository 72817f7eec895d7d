/*
 * add_main.c - ssh-add: the start, the agent, the files.
 */
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/add.h"
#include "common/base/buf.h"
#include "common/base/log.h"
#include "common/crypto/library.h"
#include "common/key/key_file.h"
#include "common/port/port.h"
#include "common/port/prompt.h"

/* ---- shared ---- */

int
complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs("\n", stderr);
	return EXIT_FAILED;
}

int
tell(const struct add_options *o, const char *format, ...)
{
	va_list args;

	if (o->is_quiet)
		return 0;
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs("\n", stderr);
	return 0;
}

/* Where nobody can be asked, a script answers on standard input. Byte by byte:
 * no copy stays behind. */
static char *
read_answer(void)
{
	struct buf answer = BUF_SECRET_INIT;
	char *text = NULL;
	uint8_t c;
	ssize_t n;

	answer.max = PROMPT_ANSWER_MAX;
	while ((n = read(STDIN_FILENO, &c, 1)) == 1 && c != '\n')
		write_byte(&answer, c);
	if ((n == 1 || answer.len > 0) && buf_error(&answer) == 0) {
		answer.max++; /* the NUL comes on top */
		text = buf_take_text(&answer);
	}
	buf_release(&answer);
	return text;
}

char *
add_ask(const char *question)
{
	struct error e = { 0 };
	char *answer;
	int r;

	/* Without a terminal to type at, a person at a screen is asked: that
	 * is how programs start us. */
	if (!isatty(STDIN_FILENO))
		IGNORE_RESULT(setenv("SSH_ASKPASS_REQUIRE", "prefer", 0) != 0);
	if ((r = prompt_secret(question, &answer, &e)) == 0)
		return answer;
	if (r == ERR_UNSUPPORTED && (answer = read_answer()) != NULL)
		return answer;
	complain("no answer to \"%s\": %s", question, error_message(&e, r));
	return NULL;
}

int
add_load_public(const char *path, struct key **ret, struct error *e)
{
	struct key *private = NULL, *public = NULL;
	char *beside;
	int r;

	if ((r = key_public_load(path, ret, e)) == 0)
		return 0;
	if ((beside = text_format("%s.pub", path)) == NULL)
		return error_set(e, ERR_MEMORY, "out of memory");
	r = key_public_load(beside, ret, e);
	free(beside);
	if (r == 0)
		return 0;
	/* Without a passphrase, too, some files tell their public half. */
	r = key_private_load(path, NULL, &private, &public, e);
	if (r == 0)
		key_unref(private);
	if (public == NULL)
		return r != 0 ? r : ERR_KEY_FORMAT;
	*ret = public;
	return 0;
}

char *
add_certificate_path(const char *path)
{
	size_t len = strlen(path);

	if (text_ends_with(path, ".pub"))
		len -= strlen(".pub");
	return text_format("%.*s-cert.pub", (int)len, path);
}

/* ---- files ---- */

static const char *const default_files[] = { "id_rsa", "id_ecdsa",
	"id_ecdsa_sk", "id_ed25519", "id_ed25519_sk", "id_mldsa44_ed25519" };

static const char *
home_folder(void)
{
	const struct passwd *account = getpwuid(getuid());

	return account == NULL ? NULL : account->pw_dir;
}

static int
each_default_file(
    struct agent *a, const struct add_options *o, add_file_function *fn)
{
	const char *home = home_folder();
	int status = 0, count = 0;

	if (home == NULL)
		return complain(
		    "No user found with uid %u", (unsigned)getuid());
	for (size_t i = 0; i < ARRAY_COUNT(default_files); i++) {
		char *path = text_format("%s/.ssh/%s", home, default_files[i]);
		struct stat st;

		if (path != NULL && stat(path, &st) == 0) {
			if (fn(a, o, path) != 0)
				status = EXIT_FAILED;
			else
				count++;
		}
		free(path);
	}
	return count == 0 ? EXIT_FAILED : status;
}

int
add_each_file(
    struct agent *a, const struct add_options *o, add_file_function *fn)
{
	int status = 0;

	if (o->file_count == 0)
		return each_default_file(a, o, fn);
	for (int i = 0; i < o->file_count; i++)
		if (fn(a, o, o->files[i]) != 0)
			status = EXIT_FAILED;
	return status;
}

/* ---- the start ---- */

static void
open_standard_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

static int
no_agent(int r, const struct error *e)
{
	if (r == ERR_NOT_FOUND)
		complain("Could not open a connection to your authentication "
			 "agent.");
	else
		complain("Error connecting to agent: %s",
		    e->system_errno != 0 ? strerror(e->system_errno)
					 : error_message(e, r));
	return EXIT_NO_AGENT;
}

static int
act(struct agent *a, const struct add_options *o)
{
	switch (o->action) {
	case ADD_KEYS:
		return add_keys(a, o);
	case ADD_RESIDENT:
		return add_resident(a, o);
	case ADD_REMOVE:
		return add_remove(a, o);
	case ADD_REMOVE_ALL:
		return add_remove_all(a, o);
	case ADD_FINGERPRINTS:
	case ADD_LINES:
		return add_list(a, o);
	case ADD_TEST:
		return add_test(a, o);
	case ADD_LOCK:
	case ADD_UNLOCK:
		return add_lock(a, o);
	case ADD_PROVIDER:
		return add_provider(a, o);
	case ADD_REMOVE_PROVIDER:
		return add_remove_provider(a, o);
	case ADD_EXTENSIONS:
		return add_extensions(a, o);
	case ADD_USAGE:
		break;
	}
	return EXIT_FAILED;
}

static int
run(struct add_options *o)
{
	struct error e = { 0 };
	struct agent *a;
	int r, status;

	if ((r = agent_connect(NULL, &a, &e)) != 0)
		return no_agent(r, &e);
	if ((status = add_destinations(o)) == 0)
		status = act(a, o);
	agent_close(a);
	return status;
}

int
main(int argc, char **argv)
{
	struct add_options o;
	int status = EXIT_FAILED;

	open_standard_descriptors();
	port_no_dump();
	crypto_library_start_locked();
	log_to_stderr();
	add_options_parse(argc, argv, &o);
	if (o.action != ADD_USAGE)
		status = run(&o);
	if (fflush(stdout) != 0 && status == 0)
		status = complain("cannot write the output");
	add_options_release(&o);
	return status;
}
