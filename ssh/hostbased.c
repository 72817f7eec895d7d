/*
 * hostbased.c - host-based authentication, the client's half.
 */
#include "ssh/hostbased.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/key/key_file.h"
#include "common/port/port.h"
#include "common/userauth/hostbased.h"
#include "ssh/auth_impl.h"
#include "ssh/keysign_protocol.h"

#define ANSWER_MS 20000

static const char *const key_names[] = KEYSIGN_HOST_KEYS;

/* ---- the helper ---- */

/* The installed one; beside us where there is none. Fresh text. */
static char *
find_helper(void)
{
	char *installed = path_join(SHEETBEND_LIBEXECDIR, KEYSIGN_PROGRAM);
	char self[4096], *folder, *beside = NULL;
	ssize_t n;

	if (installed == NULL || access(installed, X_OK) == 0)
		return installed;
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n <= 0)
		return installed;
	self[n] = '\0';
	if ((folder = path_directory(self)) != NULL)
		beside = path_join(folder, KEYSIGN_PROGRAM);
	free(folder);
	free(installed);
	return beside;
}

NORETURN static void
be_helper(
    const char *path, const int request[2], const int reply[2], int socket_fd)
{
	char *const argv[] = { (char *)KEYSIGN_PROGRAM, NULL };
	char *const env[] = { NULL };

	/* The socket first: its place must not be taken by the others. */
	if (socket_fd >= 0 && (socket_fd = fcntl(socket_fd, F_DUPFD, 10)) < 0)
		_exit(1);
	if (dup2(request[0], 0) < 0 || dup2(reply[1], 1) < 0)
		_exit(1);
	if (socket_fd >= 0 && dup2(socket_fd, KEYSIGN_SOCKET_FD) < 0)
		_exit(1);
	port_close_from(
	    socket_fd >= 0 ? KEYSIGN_SOCKET_FD + 1 : KEYSIGN_SOCKET_FD);
	signal(SIGPIPE, SIG_DFL);
	execve(path, argv, env);
	_exit(127);
}

static void
close_pipe(int fds[2])
{
	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

/* Reads exactly len bytes, within the time. */
static bool
read_in_time(int fd, uint8_t *to, size_t len)
{
	while (len > 0) {
		struct pollfd p = { fd, POLLIN, 0 };
		ssize_t n;

		if (poll(&p, 1, ANSWER_MS) <= 0 || (n = read(fd, to, len)) <= 0)
			return false;
		to += n;
		len -= (size_t)n;
	}
	return true;
}

static bool
read_reply(int fd, struct buf *ret)
{
	uint8_t head[4], *to;
	struct reader r = reader_of(span_of(head, sizeof(head)));
	uint32_t len;

	if (!read_in_time(fd, head, sizeof(head)))
		return false;
	len = read_uint32(&r);
	if (len > KEYSIGN_MESSAGE_MAX || (to = buf_reserve(ret, len)) == NULL ||
	    !read_in_time(fd, to, len))
		return false;
	buf_extend(ret, len);
	return true;
}

/* The reply to the request; false: there was none. */
static bool
converse(const struct auth *a, const struct buf *request, struct buf *reply)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 };
	char *path = find_helper();
	bool ok = path != NULL && pipe2(in, O_CLOEXEC) == 0 &&
		  pipe2(out, O_CLOEXEC) == 0;
	pid_t pid = ok ? fork() : -1;

	if (pid == 0)
		be_helper(path, in, out, a->c.socket_fd);
	ok = pid > 0 && fd_write_all(in[1], request->data, request->len) == 0;
	close_pipe(in);
	if (out[1] >= 0)
		close(out[1]);
	out[1] = -1;
	ok = ok && read_reply(out[0], reply);
	close_pipe(out);
	if (pid > 0) {
		if (!ok)
			kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			continue;
	}
	if (!ok)
		log_error("%s: no signature for host-based authentication",
		    path != NULL ? path : KEYSIGN_PROGRAM);
	free(path);
	return ok;
}

static bool
take_reply(struct span message, struct buf *ret_signature)
{
	struct reader r = reader_of(message);
	uint8_t version = read_byte(&r);
	bool ok = read_boolean(&r);
	struct span text = read_string(&r);

	if (read_end(&r) != 0 || version != KEYSIGN_VERSION) {
		log_error("ssh-keysign: answer of another version");
		return false;
	}
	if (!ok)
		log_error(
		    "ssh-keysign: %.*s", (int)text.len, (const char *)text.ptr);
	else
		write_span(ret_signature, text);
	return ok && buf_error(ret_signature) == 0;
}

static bool
ask_helper(const struct auth *a, struct span data, struct buf *ret_signature)
{
	struct buf request = BUF_INIT, reply = BUF_INIT;
	size_t mark = write_string_begin(&request);
	bool ok;

	write_byte(&request, KEYSIGN_VERSION);
	write_string(&request, data);
	write_string_end(&request, mark);
	ok = buf_error(&request) == 0 && converse(a, &request, &reply) &&
	     take_reply(buf_span(&reply), ret_signature);
	buf_release(&request);
	buf_release(&reply);
	return ok;
}

/* ---- the claim ---- */

/* 1, or what hostbased_try() gives. */
static int
send_claim(struct auth *a, const struct signature_algorithm *algorithm,
    const struct key *k)
{
	const struct passwd *pw = getpwuid(getuid());
	char *name = port_local_name(a->c.socket_fd);
	char *host = name != NULL ? text_format("%s.", name) : NULL;
	struct hostbased_claim c = {
		.algorithm = span_text(algorithm->name),
		.key_blob = key_blob(k),
		.client_host = span_text(host),
		.client_user = span_text(pw != NULL ? pw->pw_name : ""),
	};
	struct buf data = BUF_INIT, signature = BUF_INIT;
	int r = 0;

	if (host == NULL || pw == NULL) {
		log_error("host-based authentication: this host or user has "
			  "no name");
		goto out;
	}
	log_debug1("Offering host key %s as %s@%s", algorithm->name,
	    pw->pw_name, host);
	if ((r = userauth_client_hostbased_data(a->u, &c, &data)) != 0 ||
	    !ask_helper(a, buf_span(&data), &signature))
		goto out;
	r = userauth_client_hostbased(a->u, &c, buf_span(&signature));
	if (r == 0)
		r = 1;
out:
	buf_release(&data);
	buf_release(&signature);
	free(host);
	free(name);
	return r;
}

/* ---- which key ---- */

static bool
server_takes(const struct auth *a, const struct signature_algorithm *s)
{
	const char *list = transport_server_sig_algs(a->c.t);

	return *list == '\0' ||
	       list_has(span_text(list), span_text(s->plain)) ||
	       list_has(span_text(list), span_text(s->name));
}

/* The public half of a key for the algorithm, not offered yet; fresh. */
static struct key *
find_key(struct auth *a, const struct signature_algorithm *s)
{
	const char *suffix =
	    signature_is_of_certificate(s) ? "-cert.pub" : ".pub";

	for (size_t i = 0; key_names[i] != NULL; i++) {
		char *path = text_format(
		    "%s/%s%s", SHEETBEND_SYSCONFDIR, key_names[i], suffix);
		struct key *k = NULL;
		char *line = NULL;
		bool fits;

		fits = path != NULL && key_public_load(path, &k, NULL) == 0 &&
		       strcmp(key_type_name(k), s->key_type) == 0 &&
		       (line = key_public_line(k, NULL)) != NULL &&
		       !strings_has(&a->hostbased_offered, line) &&
		       strings_add(&a->hostbased_offered, line) == 0;
		free(line);
		free(path);
		if (fits)
			return k;
		key_unref(k);
	}
	return NULL;
}

int
hostbased_try(struct auth *a)
{
	const char *wanted = a->c.o->hostbased_accepted_algorithms;
	struct span rest = span_text(wanted), name;
	int r = 0;

	while (r == 0 && list_next(&rest, &name)) {
		const struct signature_algorithm *s = signature_find(name);
		struct key *k;

		if (s == NULL || !server_takes(a, s))
			continue;
		while (r == 0 && (k = find_key(a, s)) != NULL) {
			r = send_claim(a, s, k);
			key_unref(k);
		}
	}
	return r;
}
