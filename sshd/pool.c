/*
 * pool.c - starting session processes and passing connections on.
 */
#include "sshd/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "sshd/privsep.h"

#define FIRST_SAFE_FD        16
#define FILL_DELAY_US        3000
#define FAILURE_DELAY_US     1000000
#define LISTENER_MESSAGE_MAX (1024u * 1024)

struct pool {
	struct pool_config c;
	struct list processes;
	struct timer *fill;
	size_t spares;
	int startup_fd;      /* memory file: see write_startup */
	const char *program; /* SshdSessionPath; NULL: this program */
};

/* ---- the program ---- */

/* This program's own file: still there when another was installed in its
 * place, or when it was deleted. */
static int program_fd = -1;

int
pool_remember_program(void)
{
	int fd = open("/proc/self/exe", O_PATH | O_CLOEXEC);

	if (fd < 0)
		return ERR_SYSTEM;
	program_fd = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_SAFE_FD);
	close(fd);
	return program_fd < 0 ? ERR_SYSTEM : 0;
}

/*
 * string configuration, boolean log to stderr, byte log level
 */
static int
write_startup(struct pool *p)
{
	struct buf out = BUF_INIT;
	size_t mark;
	int fd, r;

	mark = write_string_begin(&out);
	sshd_config_write(p->c.config, &out);
	write_string_end(&out, mark);
	write_boolean(&out, p->c.log_to_stderr);
	write_byte(&out, (uint8_t)log_get_level());
	if ((r = buf_error(&out)) != 0)
		goto out;
	fd = memfd_create("sshd-config", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0) {
		r = ERR_SYSTEM;
		goto out;
	}
	p->startup_fd = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_SAFE_FD);
	close(fd);
	r = p->startup_fd < 0 ? ERR_SYSTEM
			      : fd_write_all(p->startup_fd, out.data, out.len);
	/* Nobody changes under a later process what an earlier one holds. */
	if (r == 0 &&
	    fcntl(p->startup_fd, F_ADD_SEALS,
		F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
		r = ERR_SYSTEM;
out:
	buf_release(&out);
	return r;
}

/* ---- life ---- */

static void
on_fill(struct timer *t, void *context)
{
	pool_fill(context);
}

struct pool *
pool_new(const struct pool_config *config)
{
	struct pool *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->c = *config;
	p->startup_fd = -1;
	if (sshd_options_is_set(
		sshd_config_global(p->c.config), SSHD_OPTION_sshd_session_path))
		p->program = sshd_config_global(p->c.config)->sshd_session_path;
	list_init(&p->processes);
	p->fill = timer_new(p->c.loop, on_fill, p);
	if (p->fill == NULL || write_startup(p) != 0) {
		pool_free(p);
		return NULL;
	}
	return p;
}

static void
close_ipc(struct pool_process *s)
{
	watch_free(s->watch);
	s->watch = NULL;
	ipc_release(&s->ipc);
}

void
pool_forget(struct pool_process *s)
{
	if (!s->busy)
		s->pool->spares--;
	close_ipc(s);
	list_remove(&s->link);
	free(s);
}

void
pool_free(struct pool *p)
{
	if (p == NULL)
		return;
	list_for_each_safe(l, &p->processes)
		pool_forget(list_entry(l, struct pool_process, link));
	timer_free(p->fill);
	if (p->startup_fd >= 0)
		close(p->startup_fd);
	free(p);
}

struct pool_process *
pool_find(struct pool *p, pid_t pid)
{
	list_for_each(l, &p->processes) {
		struct pool_process *s =
		    list_entry(l, struct pool_process, link);

		if (s->pid == pid)
			return s;
	}
	return NULL;
}

/* ---- starting one ---- */

/* In the child of vfork(): system calls only. */
NORETURN static void
execute(const struct pool *p, int ipc_fd)
{
	static char *const argv[] = { (char *)"sshd-session", NULL };
	sigset_t none;
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int s = 1; s < 32; s++)
		signal(s, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (null_fd < 0 || dup2(null_fd, 0) < 0 || dup2(null_fd, 1) < 0 ||
	    (!p->c.log_to_stderr && dup2(null_fd, 2) < 0) ||
	    dup2(ipc_fd, POOL_IPC_FD) < 0 ||
	    dup2(p->startup_fd, POOL_STARTUP_FD) < 0)
		_exit(SESSION_EXIT_FATAL);
	/* /dev/null may have got one of those two numbers: it is not closed
	 * here, but on exec. */
	if (p->program != NULL)
		execve(p->program, argv, environ);
	else
		syscall(
		    SYS_execveat, program_fd, "", argv, environ, AT_EMPTY_PATH);
	_exit(SESSION_EXIT_FATAL);
}

static pid_t
spawn(const struct pool *p, int ipc_fd)
{
	pid_t pid = vfork();

	if (pid == 0)
		execute(p, ipc_fd);
	return pid;
}

static int
send_host_keys(struct pool_process *s)
{
	int r;

	host_keys_write(
	    s->pool->c.host_keys, ipc_begin(&s->ipc, HANDOVER_HOST_KEYS));
	if ((r = ipc_end(&s->ipc, -1)) != 0)
		return r;
	/* A few kilobytes into an empty socket: it does not block. */
	return ipc_drain(&s->ipc);
}

static void
on_message(struct watch *w, unsigned ready, void *context)
{
	struct pool_process *s = context;
	struct ipc_message m;
	int r = ipc_fill(&s->ipc);

	while (r == 0 && (r = ipc_next(&s->ipc, &m)) == 1) {
		if (m.fd >= 0)
			close(m.fd);
		if (m.type == HANDOVER_AUTHENTICATED && s->busy)
			s->pool->c.authenticated(s->pool->c.context, s);
		r = 0;
	}
	/* Its end is noticed again, with its status, when it is reaped. */
	if (r < 0)
		close_ipc(s);
}

static struct pool_process *
start_process(struct pool *p)
{
	struct pool_process *s = calloc(1, sizeof(*s));
	int fds[2], up;

	if (s == NULL)
		return NULL;
	if (ipc_pair(fds) != 0) {
		free(s);
		return NULL;
	}
	s->pool = p;
	ipc_init(&s->ipc, fds[0], LISTENER_MESSAGE_MAX);
	up = fcntl(fds[1], F_DUPFD_CLOEXEC, FIRST_SAFE_FD);
	close(fds[1]);
	s->pid = up < 0 ? -1 : spawn(p, up);
	if (up >= 0)
		close(up);
	list_add_last(&p->processes, &s->link);
	p->spares++;
	if (s->pid > 0)
		s->watch = watch_new(p->c.loop, s->ipc.fd, on_message, s);
	if (s->watch == NULL || send_host_keys(s) != 0) {
		log_error(
		    "cannot start a session process: %s", strerror(errno));
		pool_forget(s);
		return NULL;
	}
	watch_set(s->watch, WATCH_READ);
	return s;
}

void
pool_fill(struct pool *p)
{
	size_t wanted = (size_t)sshd_config_global(p->c.config)->spare_sessions;

	while (p->spares < wanted) {
		if (start_process(p) == NULL) {
			timer_set(p->fill, FAILURE_DELAY_US);
			return;
		}
	}
}

void
pool_fill_later(struct pool *p)
{
	if (!timer_is_set(p->fill))
		timer_set(p->fill, FILL_DELAY_US);
}

void
pool_spare_failed(struct pool *p)
{
	timer_set(p->fill, FAILURE_DELAY_US);
}

/* ---- handing over ---- */

static struct pool_process *
find_spare(struct pool *p)
{
	list_for_each(l, &p->processes) {
		struct pool_process *s =
		    list_entry(l, struct pool_process, link);

		if (!s->busy && s->ipc.fd >= 0)
			return s;
	}
	return NULL;
}

struct pool_process *
pool_hand_over(struct pool *p, int fd, const struct address *source)
{
	struct pool_process *s = find_spare(p);

	if (s == NULL)
		s = start_process(p);
	if (s == NULL)
		return NULL;
	ipc_begin(&s->ipc, HANDOVER_CONNECTION);
	if (ipc_end(&s->ipc, fd) != 0 || ipc_drain(&s->ipc) != 0) {
		close_ipc(s); /* reaped later */
		return NULL;
	}
	s->busy = true;
	s->starting = true;
	s->source = *source;
	p->spares--;
	return s;
}
