/*
 * helper_process.c - starting, asking and ending a helper.
 */
#include "common/agent/helper_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/text.h"

/* How long a helper may take to end once we have hung up. */
#define END_TRIES    200
#define END_SLEEP_NS (10 * 1000 * 1000)

extern char **environ;

/* ---- the program and its environment ---- */

static char *
beside_us(const char *name)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *folder, *beside;

	if (n <= 0)
		return NULL;
	path[n] = '\0';
	if ((folder = path_directory(path)) == NULL)
		return NULL;
	beside = path_join(folder, name);
	free(folder);
	if (beside != NULL && access(beside, X_OK) != 0) {
		free(beside);
		beside = NULL;
	}
	return beside;
}

static char *
find_program(const char *variable, const char *name)
{
	const char *named = getenv(variable);
	char *path;

	if (named != NULL && *named != '\0')
		return strdup(named);
	if ((path = beside_us(name)) != NULL)
		return path;
	return path_join(SHEETBEND_LIBEXECDIR, name);
}

/* What is meant for us, for the linker, or for the C library is no matter of
 * the helper; a module may look for its own settings in the rest. */
static bool
is_passed_on(const char *variable)
{
	static const char *const withheld[] = { "LD_", "SSH_", "GLIBC_",
		"GCONV_", "MALLOC_", "DISPLAY=", "WAYLAND_",
		"XAUTHORITY=", "BASH_", "ENV=" };

	for (size_t i = 0; i < ARRAY_COUNT(withheld); i++)
		if (text_starts_with(variable, withheld[i]))
			return false;
	return true;
}

/* The array is the caller's, the texts are borrowed. */
static char **
make_environment(void)
{
	size_t n = 0, kept = 0;
	char **copy;

	while (environ != NULL && environ[n] != NULL)
		n++;
	if ((copy = calloc(n + 1, sizeof(*copy))) == NULL)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (is_passed_on(environ[i]))
			copy[kept++] = environ[i];
	return copy;
}

/* ---- starting ---- */

/* Signals as at the start of a program, but a broken pipe is no death. */
static int
set_attributes(posix_spawnattr_t *a)
{
	sigset_t none, defaults;

	sigemptyset(&none);
	sigfillset(&defaults);
	sigdelset(&defaults, SIGKILL);
	sigdelset(&defaults, SIGSTOP);
	if (posix_spawnattr_setsigmask(a, &none) != 0 ||
	    posix_spawnattr_setsigdefault(a, &defaults) != 0)
		return -1;
	return posix_spawnattr_setflags(
	    a, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

/* No fork(): the process may have threads, and much memory. Its own
 * descriptors are all close-on-exec. */
static int
spawn(const char *program, int fd, pid_t *ret)
{
	char *argv[] = { (char *)(uintptr_t)program, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	char **environment = make_environment();
	int r = ENOMEM;

	if (environment == NULL)
		return ENOMEM;
	if (posix_spawn_file_actions_init(&files) != 0)
		goto out_environment;
	if (posix_spawnattr_init(&attributes) != 0)
		goto out_files;
	if (set_attributes(&attributes) == 0 &&
	    posix_spawn_file_actions_adddup2(&files, fd, STDIN_FILENO) == 0 &&
	    posix_spawn_file_actions_adddup2(&files, fd, STDOUT_FILENO) == 0)
		r = posix_spawn(
		    ret, program, &files, &attributes, argv, environment);
	posix_spawnattr_destroy(&attributes);
out_files:
	posix_spawn_file_actions_destroy(&files);
out_environment:
	free(environment);
	return r;
}

int
helper_start(
    struct helper *h, const char *variable, const char *name, struct error *e)
{
	char *program = find_program(variable, name);
	int fds[2], r;

	if (program == NULL)
		return error_set(e, ERR_MEMORY, "out of memory");
	if ((r = ipc_pair(fds)) != 0) {
		r = error_set_errno(e, "making a socket for %s", name);
		goto out;
	}
	r = spawn(program, fds[1], &h->pid);
	close(fds[1]);
	if (r != 0) {
		close(fds[0]);
		errno = r;
		r = error_set_errno(e, "starting the helper %s", program);
		goto out;
	}
	log_debug1("helper %s started, pid %ld", program, (long)h->pid);
	ipc_init(&h->ipc, fds[0], HELPER_MESSAGE_MAX);
out:
	free(program);
	return r;
}

void
helper_stop(struct helper *h)
{
	static const struct timespec pause = { 0, END_SLEEP_NS };
	pid_t pid;

	ipc_release(&h->ipc);
	/* The library in it may hang. */
	for (int i = 0; i < END_TRIES; i++) {
		pid = waitpid(h->pid, NULL, WNOHANG);
		if (pid != 0 && !(pid < 0 && errno == EINTR))
			return;
		nanosleep(&pause, NULL);
	}
	log_debug1("helper %ld does not end: killed", (long)h->pid);
	kill(h->pid, SIGKILL);
	while (waitpid(h->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}

/* ---- asking ---- */

int
helper_call(struct helper *h, struct span *ret_body, struct error *e)
{
	struct ipc_message m;
	int r;

	if ((r = ipc_end(&h->ipc, -1)) == 0 && (r = ipc_flush(&h->ipc)) == 0)
		r = ipc_receive(&h->ipc, &m);
	if (r == ERR_CLOSED || r == ERR_SYSTEM)
		return error_set(e, ERR_CLOSED,
		    "the helper process ended without an answer: the provider "
		    "library may have crashed");
	if (r != 0)
		return error_set(e, r, "helper process: %s", error_text(r));
	if (m.fd >= 0)
		close(m.fd);
	*ret_body = m.body;
	switch (m.type) {
	case HELPER_OK:
		return 0;
	case HELPER_NEED_PIN:
		return HELPER_ANSWER_NEED_PIN;
	case HELPER_FAILED:
		return helper_read_failure(m.body, e);
	default:
		return error_set(e, ERR_UNEXPECTED,
		    "helper process: unknown answer %u", m.type);
	}
}

/* ---- answers ---- */

int
helper_read_failure(struct span body, struct error *e)
{
	struct reader rd = reader_of(body);
	uint32_t code = read_uint32(&rd);
	struct span text = read_string_max(&rd, sizeof(e->text));
	struct buf shown = BUF_INIT;
	int r;

	if (read_end(&rd) != 0 || code == 0 || code >= ERROR_INDEX_COUNT)
		return error_set(
		    e, ERR_FORMAT, "helper process: malformed answer");
	text_escape(&shown, text, true);
	r = -(int)code;
	if (buf_text(&shown) == NULL || shown.len == 0)
		r = error_set(e, r, "%s", error_text(r));
	else
		r = error_set(e, r, "%s", buf_text(&shown));
	buf_release(&shown);
	return r;
}

int
helper_read_signature(struct span body, const struct key *k,
    const struct signature_algorithm *a, struct span data, struct buf *ret,
    struct error *e)
{
	struct reader rd = reader_of(body);
	struct span signature = read_string_max(&rd, HELPER_FIELD_MAX);
	const struct signature_algorithm *plain;
	int r;

	if (read_end(&rd) != 0)
		return error_set(
		    e, ERR_FORMAT, "helper process: malformed answer");
	/* A damaged signature (of RSA) can give the key away; and a device
	 * that was swapped is better told here than by the server. */
	plain = signature_find(span_text(a->plain));
	if ((r = key_verify(k, plain, data, signature)) != 0)
		return error_set(e, ERR_SIGNATURE,
		    "the device made a signature that does not fit the key: %s",
		    error_text(r));
	write_span(ret, signature);
	return buf_error(ret);
}
