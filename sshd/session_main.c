/*
 * session_main.c - the template, and where a session process gets its host
 * keys and its connection from: the listener, or inetd.
 */
#include "sshd/session_main.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/crypto/library.h"
#include "common/crypto/random.h"
#include "common/ipc/ipc.h"
#include "common/port/port.h"
#include "sshd/privsep.h"
#include "sshd/serve.h"
#include "sshd/template.h"

/* ---- from the listener ---- */

static int
receive(struct ipc *listener, uint8_t type, struct ipc_message *ret)
{
	int r = ipc_receive(listener, ret);

	return r == 0 && ret->type != type ? ERR_UNEXPECTED : r;
}

static int
keys_from_listener(void *context, struct host_keys *ret_keys)
{
	struct ipc_message m;
	struct reader r;
	int rc;

	if ((rc = receive(context, HANDOVER_HOST_KEYS, &m)) != 0)
		return rc;
	r = reader_of(m.body);
	if ((rc = host_keys_read(&r, ret_keys)) != 0)
		return rc;
	return read_end(&r);
}

static int
connection_from_listener(void *context, int *ret_fd_in, int *ret_fd_out)
{
	struct ipc_message m;
	int r;

	if ((r = receive(context, HANDOVER_CONNECTION, &m)) != 0)
		return r;
	if (m.fd < 0)
		return ERR_UNEXPECTED;
	*ret_fd_in = *ret_fd_out = m.fd;
	return 0;
}

static void
tell_listener(void *context)
{
	struct ipc *listener = context;

	/* It may be gone, or have restarted: the session goes on. */
	ipc_begin(listener, HANDOVER_AUTHENTICATED);
	IGNORE_RESULT(ipc_end(listener, -1));
	IGNORE_RESULT(ipc_flush(listener));
	ipc_release(listener);
}

static void
set_log(const struct sshd_config *config, bool to_stderr)
{
	if (to_stderr)
		log_to_stderr();
	else
		log_to_syslog("sshd-session",
		    sshd_config_global(config)->syslog_facility);
}

static int
read_startup(struct sshd_config **ret, struct error *e)
{
	struct buf text = BUF_INIT;
	struct sshd_config *config = NULL;
	struct reader r, inner;
	bool to_stderr;
	uint8_t level;
	int rc;

	/* The file's position is shared by all who were given it. */
	for (;;) {
		uint8_t *to = buf_reserve(&text, 65536);
		ssize_t n = to == NULL || text.len > TEMPLATE_STARTUP_MAX
				? -1
				: pread(TEMPLATE_STARTUP_FD, to, 65536,
				      (off_t)text.len);

		if (n < 0) {
			buf_release(&text);
			return error_set_errno(e, "configuration");
		}
		if (n == 0)
			break;
		buf_extend(&text, (size_t)n);
	}
	r = reader_of(buf_span(&text));
	inner = reader_of(read_string(&r));
	to_stderr = read_boolean(&r);
	level = read_byte(&r);
	rc = read_end(&r);
	if (rc == 0)
		rc = sshd_config_read(&inner, &config, e);
	buf_release(&text);
	if (rc != 0)
		return rc;
	log_set_level((enum log_level)level);
	set_log(config, to_stderr);
	*ret = config;
	return 0;
}

NORETURN static void
serve_one(const struct serve_setup *setup, int fd)
{
	struct ipc listener;
	struct serve_source source = {
		.host_keys = keys_from_listener,
		.connection = connection_from_listener,
		.authenticated = tell_listener,
		.context = &listener,
	};

	random_forked();
	close(TEMPLATE_IPC_FD);
	ipc_init(&listener, fd, LISTENER_MESSAGE_MAX);
	port_title("sshd-session: [waiting]");
	/* What it has is wiped by its owners; the rest goes with it. */
	_exit(serve(setup, &source));
}

/* Forks as often as the listener asks. ERR_CLOSED: it does not any more. */
static int
be_template(const struct serve_setup *setup, struct ipc *listener)
{
	struct ipc_message m;
	pid_t pid;
	int r;

	for (;;) {
		if ((r = receive(listener, TEMPLATE_FORK, &m)) != 0)
			return r;
		if (m.fd < 0)
			return ERR_UNEXPECTED;
		if ((pid = port_fork_sibling()) == 0)
			serve_one(setup, m.fd);
		close(m.fd);
		if (pid < 0)
			log_error("cannot fork: %s", strerror(errno));
		write_uint32(ipc_begin(listener, TEMPLATE_FORKED),
		    pid < 0 ? 0 : (uint32_t)pid);
		if ((r = ipc_end(listener, -1)) != 0 ||
		    (r = ipc_flush(listener)) != 0)
			return r;
	}
}

int
session_main(void)
{
	struct sshd_config *config = NULL;
	struct serve_setup setup;
	struct ipc listener;
	struct error e = { 0 };
	int r;

	crypto_library_start();
	port_title("sshd-session: [template]");
	if (fd_set_cloexec(TEMPLATE_IPC_FD, true) != 0 ||
	    fcntl(TEMPLATE_STARTUP_FD, F_GETFD) < 0) {
		log_fatal("sshd-session is started by sshd, not by hand");
		return 1;
	}
	if ((r = read_startup(&config, &e)) == 0)
		r = serve_prepare(config, &setup, &e);
	if (r != 0) {
		log_fatal("session process: %s", error_message(&e, r));
		return SESSION_EXIT_FATAL;
	}
	close(TEMPLATE_STARTUP_FD);
	ipc_init(&listener, TEMPLATE_IPC_FD, LISTENER_MESSAGE_MAX);
	r = be_template(&setup, &listener);
	if (r == ERR_CLOSED)
		_exit(SESSION_EXIT_OK);
	log_fatal("template of session processes: %s", error_text(r));
	return SESSION_EXIT_FATAL;
}

/* ---- from inetd ---- */

struct inetd {
	const struct sshd_config *config;
	int fd_in;
	int fd_out;
};

static int
keys_from_files(void *context, struct host_keys *ret_keys)
{
	const struct inetd *i = context;
	const struct sshd_options *o = sshd_config_global(i->config);
	int r;

	if (o->host_key_agent != NULL &&
	    (r = host_keys_set_agent(ret_keys, o->host_key_agent)) != 0)
		return r;
	if ((r = host_keys_set_provider(ret_keys, o->security_key_provider)) !=
	    0)
		return r;
	if (host_keys_load(ret_keys, &o->host_key,
		sshd_options_is_set(o, SSHD_OPTION_host_key),
		(unsigned)o->required_rsa_size) > 0) {
		host_keys_load_certificates(ret_keys, &o->host_certificate);
		return 0;
	}
	log_fatal("sshd: no hostkeys available -- exiting.");
	return ERR_NOT_FOUND;
}

static int
connection_from_inetd(void *context, int *ret_fd_in, int *ret_fd_out)
{
	const struct inetd *i = context;

	*ret_fd_in = i->fd_in;
	*ret_fd_out = i->fd_out;
	return 0;
}

static void
tell_nobody(void *context)
{
}

/* A socket is one descriptor; pipes are two. Their numbers go to
 * /dev/null, so that nothing is printed into the connection. */
static int
take_descriptors(struct inetd *i, bool keep_stderr)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	i->fd_in = fcntl(0, F_DUPFD_CLOEXEC, 5);
	if (i->fd_in < 0 || null_fd < 0)
		return ERR_SYSTEM;
	if (getpeername(0, (struct sockaddr *)&ss, &len) == 0 &&
	    (ss.ss_family == AF_INET || ss.ss_family == AF_INET6))
		i->fd_out = i->fd_in;
	else
		i->fd_out = fcntl(1, F_DUPFD_CLOEXEC, 5);
	if (i->fd_out < 0 || dup2(null_fd, 0) < 0 || dup2(null_fd, 1) < 0 ||
	    (!keep_stderr && dup2(null_fd, 2) < 0))
		return ERR_SYSTEM;
	close(null_fd);
	return 0;
}

int
session_inetd_main(const struct sshd_config *config, bool keep_stderr)
{
	struct inetd i = { .config = config };
	struct serve_source source = {
		.host_keys = keys_from_files,
		.connection = connection_from_inetd,
		.authenticated = tell_nobody,
		.context = &i,
	};
	struct serve_setup setup;
	struct error e = { 0 };
	int r;

	crypto_library_start();
	if (take_descriptors(&i, keep_stderr) != 0) {
		log_fatal("no connection: %s", strerror(errno));
		return SESSION_EXIT_FATAL;
	}
	if ((r = serve_prepare(config, &setup, &e)) != 0) {
		log_fatal("%s", error_message(&e, r));
		return SESSION_EXIT_FATAL;
	}
	return serve(&setup, &source);
}
