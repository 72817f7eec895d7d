/*
 * helper_serve.c - the helper's end: what all helpers have in common.
 */
#include "common/agent/helper_protocol.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/secret.h"
#include "common/port/port.h"

/* The socket goes elsewhere, and the standard descriptors of libraries that
 * chat are nowhere. */
static int
take_socket(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	if (null < 0 || fd < 0 || dup2(null, STDIN_FILENO) < 0 ||
	    dup2(null, STDOUT_FILENO) < 0)
		return -1;
	close(null);
	return fd;
}

static bool
is_started_by_us(void)
{
	struct stat st;
	uid_t uid;

	return fstat(STDIN_FILENO, &st) == 0 && S_ISSOCK(st.st_mode) &&
	       port_peer_uid(STDIN_FILENO, &uid) == 0 &&
	       (uid == 0 || uid == getuid());
}

static int
answer(struct ipc *ipc, const struct ipc_message *m, helper_handler *handler,
    void *context)
{
	struct buf out = BUF_SECRET_INIT;
	struct error e = { 0 };
	struct reader body = reader_of(m->body);
	uint8_t type = HELPER_OK;
	int r;

	if (m->fd >= 0)
		close(m->fd);
	r = handler(context, (enum helper_message)m->type, &body, &out, &e);
	if (r == 0)
		r = buf_error(&out);
	if (r == HELPER_ANSWER_NEED_PIN)
		type = HELPER_NEED_PIN;
	if (r < 0) {
		type = HELPER_FAILED;
		buf_clear(&out);
		write_uint32(&out, (uint32_t)-r);
		write_text(&out, error_message(&e, r));
	}
	write_span(ipc_begin(ipc, type), buf_span(&out));
	buf_release(&out);
	if ((r = ipc_end(ipc, -1)) != 0)
		return r;
	return ipc_flush(ipc);
}

int
helper_serve(const char *name, helper_handler *handler, void *context)
{
	struct ipc_message m;
	struct ipc ipc;
	int fd, r;

	if (!is_started_by_us()) {
		fprintf(
		    stderr, "%s is run by other programs, not by hand\n", name);
		return 1;
	}
	port_close_from(STDERR_FILENO + 1);
	port_no_dump();
	signal(SIGPIPE, SIG_IGN);
	if ((fd = take_socket()) < 0 || port_no_new_privileges() != 0) {
		fprintf(stderr, "%s: cannot confine itself\n", name);
		return 1;
	}
	ipc_init(&ipc, fd, HELPER_MESSAGE_MAX);
	while ((r = ipc_receive(&ipc, &m)) == 0)
		if ((r = answer(&ipc, &m, handler, context)) != 0)
			break;
	ipc_release(&ipc);
	if (r == ERR_CLOSED)
		return 0;
	fprintf(stderr, "%s: %s\n", name, error_text(r));
	return 1;
}
