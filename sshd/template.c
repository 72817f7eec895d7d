/*
 * template.c - executing templates, and asking them for session processes.
 */
#include "sshd/template.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/list.h"
#include "common/base/log.h"
#include "common/ipc/ipc.h"
#include "sshd/privsep.h"

#define FIRST_SAFE_FD 16

struct templates {
	struct template_config c;
	struct list all;
	struct template *current; /* NULL: executed when it is needed */
	unsigned uses;            /* of each, at most TEMPLATE_USES */
	int startup_fd;           /* memory file: see write_startup */
	const char *program;      /* SshdSessionPath; NULL: this program */
};

/* Answers come in the order of the questions. */
struct template
{
	struct list link;
	struct templates *owner;
	struct ipc ipc;
	struct watch *watch;
	uint32_t id[TEMPLATE_USES];
	unsigned asked;
	unsigned answered;
};

/* ---- the program ---- */

/* This program's own file: still there when another was installed in its
 * place, or when it was deleted. */
static int program_fd = -1;

int
template_remember_program(void)
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
write_startup(struct templates *t)
{
	struct buf out = BUF_INIT;
	size_t mark;
	int fd, r;

	mark = write_string_begin(&out);
	sshd_config_write(t->c.config, &out);
	write_string_end(&out, mark);
	write_boolean(&out, t->c.log_to_stderr);
	write_byte(&out, (uint8_t)log_get_level());
	if ((r = buf_error(&out)) != 0)
		goto out;
	fd = memfd_create("sshd-config", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0) {
		r = ERR_SYSTEM;
		goto out;
	}
	t->startup_fd = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_SAFE_FD);
	close(fd);
	r = t->startup_fd < 0 ? ERR_SYSTEM
			      : fd_write_all(t->startup_fd, out.data, out.len);
	/* Nobody changes under a later process what an earlier one holds. */
	if (r == 0 &&
	    fcntl(t->startup_fd, F_ADD_SEALS,
		F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
		r = ERR_SYSTEM;
out:
	buf_release(&out);
	return r;
}

/* In the child of vfork(): system calls only. */
NORETURN static void
execute(const struct templates *t, int ipc_fd)
{
	static char *const argv[] = { (char *)"sshd-session", NULL };
	sigset_t none;
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int s = 1; s < 32; s++)
		signal(s, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (null_fd < 0 || dup2(null_fd, 0) < 0 || dup2(null_fd, 1) < 0 ||
	    (!t->c.log_to_stderr && dup2(null_fd, 2) < 0) ||
	    dup2(ipc_fd, TEMPLATE_IPC_FD) < 0 ||
	    dup2(t->startup_fd, TEMPLATE_STARTUP_FD) < 0)
		_exit(SESSION_EXIT_FATAL);
	/* /dev/null may have got one of those two numbers: it is not closed
	 * here, but on exec. */
	if (t->program != NULL)
		execve(t->program, argv, environ);
	else
		syscall(
		    SYS_execveat, program_fd, "", argv, environ, AT_EMPTY_PATH);
	_exit(SESSION_EXIT_FATAL);
}

static pid_t
spawn(const struct templates *t, int ipc_fd)
{
	pid_t pid = vfork();

	if (pid == 0)
		execute(t, ipc_fd);
	return pid;
}

/* ---- one template ---- */

/* It ends when it reads the end of its socket. */
static void
dismiss(struct template *p)
{
	if (p->owner->current == p)
		p->owner->current = NULL;
	watch_free(p->watch);
	ipc_release(&p->ipc);
	list_remove(&p->link);
	free(p);
}

/* Without an answer there is no process either. */
static void
fail(struct template *p)
{
	const struct template_config *c = &p->owner->c;

	if (p->owner->current == p)
		p->owner->current = NULL;
	while (p->answered < p->asked)
		c->forked(c->context, p->id[p->answered++], 0);
	dismiss(p);
}

static int
take_answer(struct template *p, const struct ipc_message *m)
{
	const struct template_config *c = &p->owner->c;
	struct reader r = reader_of(m->body);
	uint32_t pid = read_uint32(&r);
	int rc = read_end(&r);

	if (rc != 0)
		return rc;
	if (m->type != TEMPLATE_FORKED || m->fd >= 0 ||
	    p->answered == p->asked || pid > INT32_MAX)
		return ERR_UNEXPECTED;
	c->forked(c->context, p->id[p->answered++], (pid_t)pid);
	return 0;
}

static void
on_message(struct watch *w, unsigned ready, void *context)
{
	struct template *p = context;
	struct ipc_message m;
	int r = ipc_fill(&p->ipc);

	while (r == 0 && (r = ipc_next(&p->ipc, &m)) == 1)
		r = take_answer(p, &m);
	if (p->owner->current != p && p->answered == p->asked) {
		dismiss(p);
	} else if (r < 0) {
		log_error("the template of session processes ended");
		fail(p);
	}
}

static struct template *
execute_one(struct templates *t)
{
	struct template *p = calloc(1, sizeof(*p));
	int fds[2], up;
	pid_t pid;

	if (p == NULL)
		return NULL;
	if (ipc_pair(fds) != 0) {
		free(p);
		return NULL;
	}
	p->owner = t;
	list_init(&p->link);
	ipc_init(&p->ipc, fds[0], LISTENER_MESSAGE_MAX);
	/* Above the numbers that it is given in the child. */
	up = fcntl(fds[1], F_DUPFD_CLOEXEC, FIRST_SAFE_FD);
	close(fds[1]);
	pid = up < 0 ? -1 : spawn(t, up);
	if (up >= 0)
		close(up);
	if (pid > 0)
		p->watch = watch_new(t->c.loop, p->ipc.fd, on_message, p);
	if (p->watch == NULL) {
		dismiss(p);
		return NULL;
	}
	watch_set(p->watch, WATCH_READ);
	list_add_last(&t->all, &p->link);
	return p;
}

/* ---- all of them ---- */

struct templates *
templates_new(const struct template_config *c)
{
	struct templates *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->c = *c;
	t->startup_fd = -1;
	t->uses = sshd_config_global(c->config)->spare_sessions > 0
		      ? TEMPLATE_USES
		      : 1;
	list_init(&t->all);
	if (sshd_options_is_set(
		sshd_config_global(c->config), SSHD_OPTION_sshd_session_path))
		t->program = sshd_config_global(c->config)->sshd_session_path;
	if (write_startup(t) != 0) {
		templates_free(t);
		return NULL;
	}
	return t;
}

void
templates_free(struct templates *t)
{
	if (t == NULL)
		return;
	list_for_each_safe(l, &t->all)
		dismiss(list_entry(l, struct template, link));
	if (t->startup_fd >= 0)
		close(t->startup_fd);
	free(t);
}

int
templates_start(struct templates *t)
{
	if (t->current == NULL)
		t->current = execute_one(t);
	return t->current == NULL ? ERR_SYSTEM : 0;
}

int
templates_fork(struct templates *t, uint32_t id, int fd)
{
	struct template *p;
	int r;

	if ((r = templates_start(t)) != 0)
		return r;
	p = t->current;
	ipc_begin(&p->ipc, TEMPLATE_FORK);
	/* A few bytes into a socket that is nearly empty: it does not block. */
	if ((r = ipc_end(&p->ipc, fd)) != 0 || (r = ipc_drain(&p->ipc)) != 0) {
		/* Its end is noticed by the loop; others go to the next. */
		t->current = NULL;
		return r;
	}
	p->id[p->asked++] = id;
	if (p->asked == t->uses)
		t->current = NULL;
	return 0;
}

void
templates_renew(struct templates *t)
{
	struct template *p = t->current;

	t->current = NULL;
	/* It may be calling us: it goes when the loop sees its end, or with
	 * the last answer that it owes. */
	if (p != NULL)
		shutdown(p->ipc.fd, SHUT_WR);
}

bool
templates_owe(const struct templates *t)
{
	list_for_each(l, &t->all) {
		const struct template *p = list_entry(l, struct template, link);

		if (p->answered < p->asked)
			return true;
	}
	return false;
}
