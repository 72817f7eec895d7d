/*
 * port_test.c - terminals, records, privileges, confinement, passwords.
 *
 * What needs root, or a mount namespace of its own, is skipped without.
 */
#include "common/port/port.h"

#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <lastlog.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>

#include "common/base/file.h"
#include "common/base/secret.h"
#include "common/base/text.h"
#include "common/base/time.h"
#include "common/ipc/ipc.h"
#include "tests/unit/unit.h"

/* Runs fn in a child; its wait status. */
static int
status_of(void (*fn)(void))
{
	int status = 0;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		fn();
		_exit(0);
	}
	CHECK_INT(waitpid(pid, &status, 0), pid);
	return status;
}

/* ---- process ---- */

TEST(close_from_closes_all_above_and_none_below)
{
	int low = fcntl(0, F_DUPFD, 100);
	int high = fcntl(0, F_DUPFD, 700);

	CHECK(low >= 100 && high >= 700);
	port_close_from(low + 1);
	CHECK(fcntl(low, F_GETFD) >= 0);
	CHECK(fcntl(high, F_GETFD) < 0);
	port_close_from(low);
	CHECK(fcntl(low, F_GETFD) < 0);
	CHECK(fcntl(2, F_GETFD) >= 0);
}

TEST(no_dump_and_no_new_privileges_are_set)
{
	struct rlimit limit, before;

	CHECK_INT(getrlimit(RLIMIT_CORE, &before), 0);
	port_no_trace();
	CHECK_INT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
	CHECK_INT(getrlimit(RLIMIT_CORE, &limit), 0);
	CHECK(limit.rlim_cur == before.rlim_cur);
	CHECK(limit.rlim_max == before.rlim_max);
	CHECK_INT(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), 0);
	port_no_dump();
	CHECK_INT(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
	CHECK_INT(getrlimit(RLIMIT_CORE, &limit), 0);
	CHECK_INT(limit.rlim_max, 0);
	CHECK_INT(port_no_new_privileges(), 0);
	CHECK_INT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
}

TEST(child_dies_with_its_parent)
{
	int p[2];
	struct pollfd poll_fd;
	pid_t pid;

	CHECK_INT(pipe2(p, O_CLOEXEC), 0);
	if ((pid = fork()) == 0) {
		if (fork() == 0) {
			port_die_with_parent(SIGKILL);
			IGNORE_RESULT(fd_write_all(p[1], "r", 1));
			pause();
		}
		char ready;
		IGNORE_RESULT(fd_read_exact(p[0], &ready, 1));
		_exit(0);
	}
	close(p[1]);
	CHECK_INT(waitpid(pid, NULL, 0), pid);
	/* The pipe ends once the grandchild is gone. */
	poll_fd = (struct pollfd){ p[0], POLLIN, 0 };
	CHECK_INT(poll(&poll_fd, 1, 5000), 1);
	CHECK((poll_fd.revents & POLLHUP) != 0);
}

TEST(title_replaces_arguments_and_keeps_their_copies)
{
	/* As a program finds them: one block, arguments then environment. */
	static char block[] = "/bin/program\0-x\0NAME=value\0OTHER=thing";
	extern char **environ;
	static char *arguments[] = { block, block + 13, NULL };
	static char *variables[] = { block + 16, block + 27, NULL };

	environ = variables;
	port_title_init(2, arguments);
	port_title("session: %s [priv]", "somebody");
	CHECK_TEXT(block, "session: somebody [priv]");
	CHECK_TEXT(arguments[0], "/bin/program");
	CHECK_TEXT(arguments[1], "-x");
	CHECK_TEXT(getenv("NAME"), "value");
	CHECK_TEXT(getenv("OTHER"), "thing");
	port_title("%0200d", 1);
	CHECK_INT(strlen(block), sizeof(block) - 1);
	port_title("x");
	CHECK_TEXT(block, "x");
	CHECK_INT(block[sizeof(block) - 2], 0);
}

TEST(pipe_is_enlarged)
{
	int p[2];
	int before;

	CHECK_INT(pipe2(p, O_CLOEXEC), 0);
	before = fcntl(p[0], F_GETPIPE_SZ);
	port_pipe_enlarge(p[0]);
	CHECK(fcntl(p[0], F_GETPIPE_SZ) >= before);
	port_pipe_enlarge(-1);
}

TEST(socket_is_made_interactive)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int value = 0;
	socklen_t len = sizeof(value);

	CHECK(fd >= 0);
	port_socket_interactive(fd);
	CHECK_INT(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &len), 0);
	CHECK(value != 0);
	CHECK_INT(
	    getsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &value, &len), 0);
	CHECK_INT(value, 128 * 1024);
}

TEST(socket_within_the_machine_is_not_paced)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(to), name_len = 16;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char name[16] = "", before[16] = "";

	CHECK_INT(bind(listener, (struct sockaddr *)&to, len), 0);
	CHECK_INT(listen(listener, 1), 0);
	CHECK_INT(getsockname(listener, (struct sockaddr *)&to, &len), 0);
	CHECK_INT(
	    getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, before, &name_len), 0);
	port_socket_local(fd); /* not connected: stays as it is */
	name_len = sizeof(name);
	CHECK_INT(
	    getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &name_len), 0);
	CHECK_TEXT(name, before);
	CHECK_INT(connect(fd, (struct sockaddr *)&to, len), 0);
	port_socket_local(fd);
	name_len = sizeof(name);
	CHECK_INT(
	    getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &name_len), 0);
	CHECK_TEXT(name, "reno");
	close(fd);
	close(listener);
}

TEST(peer_uid_of_a_socket_pair_is_ours)
{
	int fds[2];
	uid_t uid = 77;

	CHECK_INT(ipc_pair(fds), 0);
	CHECK_INT(port_peer_uid(fds[0], &uid), 0);
	CHECK_INT(uid, getuid());
	CHECK_INT(port_peer_uid(-1, &uid), ERR_SYSTEM);
}

/* ---- terminals ---- */

TEST(pty_carries_bytes_and_changes_owner)
{
	struct port_pty pty;
	struct stat st;
	char got[8] = "";
	struct group *tty = getgrnam("tty");

	if (port_pty_open(&pty) != 0)
		SKIP("no pseudo terminals here: %s", strerror(errno));
	CHECK(text_starts_with(pty.name, "/dev/"));
	CHECK(isatty(pty.slave));
	CHECK((fcntl(pty.master, F_GETFD) & FD_CLOEXEC) != 0);
	CHECK((fcntl(pty.slave, F_GETFD) & FD_CLOEXEC) != 0);
	CHECK_INT(fd_write_all(pty.master, "hi\n", 3), 0);
	CHECK_INT(fd_read_exact(pty.slave, got, 3), 0);
	CHECK_TEXT(got, "hi\n");

	CHECK_INT(port_pty_give(&pty, getuid(), getgid()), 0);
	CHECK_INT(fstat(pty.slave, &st), 0);
	CHECK_INT(st.st_uid, getuid());
	CHECK_INT(st.st_mode & 0777, tty != NULL ? 0620 : 0600);
	if (getuid() == 0) {
		CHECK_INT(port_pty_give(&pty, 12345, 12345), 0);
		CHECK_INT(fstat(pty.slave, &st), 0);
		CHECK_INT(st.st_uid, 12345);
		port_pty_take_back(&pty);
		CHECK_INT(fstat(pty.slave, &st), 0);
		CHECK_INT(st.st_uid, 0);
		CHECK_INT(st.st_mode & 0777, 0666);
	}
	port_pty_close(&pty);
	CHECK_INT(pty.slave, -1);
	port_pty_close(&pty);
}

static void
take_terminal(void)
{
	struct port_pty pty;
	int fd;

	if (setsid() < 0 || port_pty_open(&pty) != 0)
		_exit(77);
	if (open("/dev/tty", O_RDWR) >= 0)
		_exit(1);
	if (port_pty_make_controlling(pty.slave) != 0)
		_exit(2);
	if ((fd = open("/dev/tty", O_RDWR)) < 0)
		_exit(3);
	if (tcgetpgrp(fd) != getpid())
		_exit(4);
	signal(SIGHUP, SIG_IGN);
}

TEST(pty_becomes_the_controlling_terminal)
{
	int status = status_of(take_terminal);

	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		SKIP("no pseudo terminals here");
	CHECK_INT(status, 0);
}

/* ---- login records ---- */

/* Puts an empty file of the scratch directory over path. */
static bool
cover(const char *path, const char *name, mode_t mode)
{
	char *own = path_join(unit_scratch(), name);
	int fd = open(own, O_RDWR | O_CREAT | O_CLOEXEC, mode);
	bool done = fd >= 0 && fchmod(fd, mode) == 0 &&
		    mount(own, path, NULL, MS_BIND, NULL) == 0;

	if (fd >= 0)
		close(fd);
	free(own);
	return done;
}

static void
enter_namespace(void)
{
	if (getuid() != 0)
		SKIP("needs root");
	if (unshare(CLONE_NEWNS) != 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		SKIP("no mount namespaces here: %s", strerror(errno));
}

/* /run and /var/log with files of our own in them. */
static void
own_record_files(void)
{
	static const struct {
		const char *path;
		mode_t mode;
	} files[] = { { "/run/utmp", 0664 }, { "/var/log/wtmp", 0664 },
		{ "/var/log/lastlog", 0664 }, { "/var/log/btmp", 0660 } };

	enter_namespace();
	if (mount("none", "/run", "tmpfs", 0, NULL) != 0 ||
	    mount("none", "/var/log", "tmpfs", 0, NULL) != 0)
		SKIP("cannot mount: %s", strerror(errno));
	for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
		int fd = open(files[i].path, O_CREAT | O_WRONLY, 0600);

		CHECK(fd >= 0);
		CHECK_INT(fchmod(fd, files[i].mode), 0);
		close(fd);
	}
}

static struct port_login
somebody(const struct address *a)
{
	return (struct port_login){ .pid = 4242,
		.uid = 70000,
		.user = "somebody",
		.tty = "/dev/pts/17",
		.host = "client.example.com",
		.address = a };
}

/* The records of a file; their number must be as given. */
static const struct utmp *
records_of(const char *path, size_t count)
{
	static struct buf b;

	buf_clear(&b);
	CHECK_INT(file_read(path, 100000, &b, NULL), 0);
	CHECK_INT(b.len, count * sizeof(struct utmp));
	return (const struct utmp *)(const void *)b.data;
}

TEST(login_is_recorded_and_ended)
{
	struct address a;
	struct port_login l;
	const struct utmp *u;

	own_record_files();
	CHECK_INT(address_parse("192.0.2.9", &a), 0);
	l = somebody(&a);
	port_login_record(&l);
	u = records_of("/run/utmp", 1);
	CHECK_INT(u->ut_type, USER_PROCESS);
	CHECK_INT(u->ut_pid, 4242);
	CHECK_TEXT(u->ut_user, "somebody");
	CHECK_TEXT(u->ut_line, "pts/17");
	CHECK_TEXT(u->ut_host, "client.example.com");
	CHECK(memcmp(u->ut_id, "s/17", 4) == 0);
	CHECK(memcmp(u->ut_addr_v6, a.bytes, 4) == 0);
	CHECK((uint64_t)(uint32_t)u->ut_tv.tv_sec + 5 > time_wall_s());

	port_logout_record(&l);
	u = records_of("/run/utmp", 1);
	CHECK_INT(u->ut_type, DEAD_PROCESS);
	CHECK_TEXT(u->ut_user, "");
	u = records_of("/var/log/wtmp", 2);
	CHECK_INT(u[0].ut_type, USER_PROCESS);
	CHECK_INT(u[1].ut_type, DEAD_PROCESS);
	CHECK_TEXT(u[1].ut_line, "pts/17");
}

TEST(last_login_is_found)
{
	struct port_login l = somebody(NULL);
	char tty[32] = "", host[8] = "";
	uint64_t t = 0;

	own_record_files();
	CHECK(
	    !port_last_login(l.uid, &t, tty, sizeof(tty), host, sizeof(host)));
	port_login_record(&l);
	CHECK(port_last_login(l.uid, &t, tty, sizeof(tty), host, sizeof(host)));
	CHECK_TEXT(tty, "pts/17");
	CHECK_TEXT(host, "client.");
	CHECK(t + 5 > time_wall_s());
	/* The hole in front belongs to people who never came. */
	CHECK(!port_last_login(
	    l.uid - 1, &t, tty, sizeof(tty), host, sizeof(host)));
}

TEST(failed_login_is_recorded_where_only_root_reads)
{
	struct port_login l = somebody(NULL);
	const struct utmp *u;

	own_record_files();
	l.tty = NULL;
	l.user = "a-name-that-is-longer-than-the-field-of-the-record";
	port_login_failed_record(&l);
	u = records_of("/var/log/btmp", 1);
	CHECK_TEXT(u->ut_line, "ssh:notty");
	CHECK(memcmp(u->ut_user, l.user, sizeof(u->ut_user)) == 0);
	CHECK_INT(chmod("/var/log/btmp", 0664), 0);
	port_login_failed_record(&l);
	records_of("/var/log/btmp", 1);
}

TEST(missing_record_files_stay_missing)
{
	struct port_login l = somebody(NULL);
	char text[8];
	uint64_t t;
	struct stat st;

	own_record_files();
	CHECK_INT(unlink("/run/utmp"), 0);
	CHECK_INT(unlink("/var/log/wtmp"), 0);
	CHECK_INT(unlink("/var/log/lastlog"), 0);
	CHECK_INT(unlink("/var/log/btmp"), 0);
	port_login_record(&l);
	port_logout_record(&l);
	port_login_failed_record(&l);
	CHECK(!port_last_login(0, &t, text, sizeof(text), text, sizeof(text)));
	CHECK(stat("/run/utmp", &st) != 0);
	CHECK(stat("/var/log/wtmp", &st) != 0);
	CHECK(stat("/var/log/lastlog", &st) != 0);
	CHECK(stat("/var/log/btmp", &st) != 0);
}

/* ---- privileges ---- */

static void
become_nobody(void)
{
	struct passwd *pw = getpwnam("nobody");
	struct error e = { 0 };
	gid_t groups[64];
	int count;

	if (pw == NULL)
		_exit(77);
	if (port_become_user("nobody", pw->pw_uid, pw->pw_gid, &e) != 0) {
		fprintf(stderr, "%s\n", e.text);
		_exit(1);
	}
	if (getuid() != pw->pw_uid || geteuid() != pw->pw_uid ||
	    getgid() != pw->pw_gid || setuid(0) == 0)
		_exit(2);
	count = getgroups(64, groups);
	for (int i = 0; i < count; i++)
		if (groups[i] == 0)
			_exit(3);
	/* Nobody else from here on. */
	if (port_become_user("root", 0, 0, &e) != ERR_PERMISSION)
		_exit(4);
	if (port_become_user("nobody", pw->pw_uid, pw->pw_gid, &e) != 0)
		_exit(5);
}

TEST(root_becomes_a_user_for_good)
{
	if (getuid() != 0)
		SKIP("needs root");
	CHECK_INT(status_of(become_nobody), 0);
}

static void
become_confined(void)
{
	char *empty = path_join(unit_scratch(), "empty");
	char *open_dir = path_join(unit_scratch(), "open");
	struct error e = { 0 };
	gid_t groups[4];

	if (mkdir(empty, 0755) != 0 || mkdir(open_dir, 0755) != 0 ||
	    chmod(open_dir, 0777) != 0)
		_exit(1);
	if (port_become_confined(open_dir, 12345, 12346, &e) != ERR_PERMISSION)
		_exit(2);
	if (port_become_confined("/no/such", 12345, 12346, &e) != ERR_NOT_FOUND)
		_exit(3);
	if (port_become_confined(empty, 12345, 12346, &e) != 0)
		_exit(4);
	if (getuid() != 12345 || getgid() != 12346 ||
	    getgroups(4, groups) != 1 || groups[0] != 12346)
		_exit(5);
	if (open("/etc/passwd", O_RDONLY) >= 0 ||
	    open("/proc/self", O_RDONLY) >= 0)
		_exit(6);
	_exit(0);
}

TEST(confined_process_sees_an_empty_root)
{
	if (getuid() != 0)
		SKIP("needs root");
	CHECK_INT(status_of(become_confined), 0);
}

/* ---- the filter ---- */

static void
enter_sandbox(void)
{
	struct error e;
	int r = port_sandbox_authentication(&e);

	if (r == ERR_UNSUPPORTED)
		_exit(77);
	if (r != 0)
		_exit(78);
}

/* Status of fn in the sandbox; skips where there is none. */
static int
sandboxed(void (*fn)(void))
{
	int status = status_of(fn);

	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		SKIP("no system call filters here");
	return status;
}

static int ipc_fds[2];

static void
serve_in_sandbox(void)
{
	struct ipc ipc;
	struct ipc_message m;
	void *secret;
	char *big;

	ipc_init(&ipc, ipc_fds[1], 1000000);
	enter_sandbox();
	if (ipc_receive(&ipc, &m) != 0)
		_exit(1);
	/* Memory of every kind, clocks, and softly failing files. */
	if ((big = malloc(10 * 1024 * 1024)) == NULL ||
	    (big = realloc(big, 30 * 1024 * 1024)) == NULL)
		_exit(2);
	memset(big, 1, 30 * 1024 * 1024);
	free(big);
	if ((secret = secret_alloc(20000)) == NULL)
		_exit(3);
	secret_free(secret, 20000);
	if (time_monotonic_us() == 0 || time_wall_s() == 0)
		_exit(4);
	if (open("/etc/passwd", O_RDONLY) >= 0 || errno != EACCES)
		_exit(5);
	if (socket(AF_INET, SOCK_STREAM, 0) >= 0 || errno != EACCES)
		_exit(6);
	write_span(ipc_begin(&ipc, 9), m.body);
	if (ipc_end(&ipc, -1) != 0 || ipc_flush(&ipc) != 0)
		_exit(7);
	_exit(0);
}

TEST(sandbox_lets_a_set_up_process_work)
{
	struct ipc ipc;
	struct ipc_message m;

	CHECK_INT(ipc_pair(ipc_fds), 0);
	ipc_init(&ipc, ipc_fds[0], 1000000);
	write_span(ipc_begin(&ipc, 8), span_text("hello"));
	CHECK_INT(ipc_end(&ipc, -1), 0);
	CHECK_INT(ipc_flush(&ipc), 0);
	CHECK_INT(sandboxed(serve_in_sandbox), 0);
	CHECK_INT(ipc_receive(&ipc, &m), 0);
	CHECK_SPAN(m.body, span_text("hello"));
	ipc_release(&ipc);
	close(ipc_fds[1]);
}

static void
try_execve(void)
{
	char *arguments[] = { NULL };

	enter_sandbox();
	syscall(SYS_execve, "/bin/true", arguments, arguments);
}

static void
try_fork(void)
{
	enter_sandbox();
	syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static void
try_kill(void)
{
	enter_sandbox();
	syscall(SYS_kill, getppid(), 0);
}

static void
try_ptrace(void)
{
	enter_sandbox();
	syscall(SYS_ptrace, 0, 0, 0, 0);
}

static void
try_connect(void)
{
	enter_sandbox();
	syscall(SYS_connect, 0, NULL, 0);
}

static void
try_unlink(void)
{
	enter_sandbox();
	syscall(SYS_unlinkat, AT_FDCWD, "/no/such", 0);
}

static void
try_mmap_exec(void)
{
	enter_sandbox();
	mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
	    0);
}

static void
try_mmap_file(void)
{
	int fd = open("/proc/self/exe", O_RDONLY);

	enter_sandbox();
	mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
}

static void
try_mprotect_exec(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	enter_sandbox();
	mprotect(page, 4096, PROT_READ | PROT_EXEC);
}

static void
try_x32(void)
{
	enter_sandbox();
	syscall(0x40000000 + SYS_getpid);
}

TEST(sandbox_kills_at_everything_else)
{
	void (*const tries[])(void) = { try_execve, try_fork, try_kill,
		try_ptrace, try_connect, try_unlink, try_mmap_exec,
		try_mmap_file, try_mprotect_exec, try_x32 };

	for (size_t i = 0; i < ARRAY_COUNT(tries); i++) {
		int status = sandboxed(tries[i]);

		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			FAIL("try %zu ended with status %#x", i, status);
	}
}

/* ---- passwords ---- */

/* An account database of our own: alice with a password, eve without,
 * lock locked, none with no password possible, old with an old one. */
static void
own_accounts(void)
{
	char hash[CRYPT_OUTPUT_SIZE];
	char *settings = crypt_gensalt("$6$", 1000, NULL, 0);
	struct buf shadow = BUF_INIT;
	long day = (long)(time(NULL) / 86400);

	enter_namespace();
	CHECK(settings != NULL);
	CHECK(text_copy(hash, sizeof(hash), crypt("right", settings)));
	buf_printf(&shadow, "alice:%s:%ld:0:99999:7:::\n", hash, day);
	buf_printf(&shadow, "eve::%ld:0:99999:7:::\n", day);
	buf_printf(&shadow, "lock:!%s:%ld:0:99999:7:::\n", hash, day);
	buf_printf(&shadow, "none:*:%ld:0:99999:7:::\n", day);
	buf_printf(&shadow, "old:%s:%ld:0:10:7:::\n", hash, day - 11);
	buf_printf(&shadow, "new:%s:0:0:99999:7:::\n", hash);
	buf_printf(&shadow, "gone:%s:%ld:0:99999:7::%ld:\n", hash, day, day);
	buf_printf(&shadow, "stale:%s:%ld:0:10:7:5::\n", hash, day - 16);
	if (!cover("/etc/shadow", "shadow", 0600) ||
	    !cover("/etc/passwd", "passwd", 0644))
		SKIP("cannot cover /etc/shadow: %s", strerror(errno));
	for (int i = 0; i < 2; i++) {
		static const char *const names[] = { "alice", "eve", "lock",
			"none", "old", "new", "gone", "stale" };
		const char *path = i == 0 ? "/etc/shadow" : "/etc/passwd";
		int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
		struct buf passwd = BUF_INIT;

		for (size_t j = 0; j < ARRAY_COUNT(names); j++)
			buf_printf(&passwd, "%s:x:%zu:100::/:/bin/sh\n",
			    names[j], 2000 + j);
		CHECK(fd >= 0);
		CHECK_INT(fd_write_all(fd, i == 0 ? shadow.data : passwd.data,
			      i == 0 ? shadow.len : passwd.len),
		    0);
		close(fd);
		buf_release(&passwd);
	}
	buf_release(&shadow);
}

static bool
check(const char *name, const char *password, bool permit_empty)
{
	bool ok = !name;

	CHECK_INT(
	    port_password_check(name, password, permit_empty, &ok, NULL), 0);
	return ok;
}

TEST(password_right_and_wrong)
{
	own_accounts();
	CHECK(check("alice", "right", false));
	CHECK(!check("alice", "wrong", false));
	CHECK(!check("alice", "right ", false));
	CHECK(!check("alice", "", true));
	CHECK(!check("nobody-at-all", "right", true));
	CHECK(!check(NULL, "right", true));
	CHECK(!check(NULL, "", true));
}

TEST(password_locked_and_empty_accounts)
{
	own_accounts();
	CHECK(!check("lock", "right", true));
	CHECK(!check("none", "right", true));
	CHECK(!check("none", "*", true));
	CHECK(!check("none", "", true));
	CHECK(!check("eve", "", false));
	CHECK(check("eve", "", true));
	CHECK(!check("eve", "x", true));
	CHECK(port_account_locked("lock"));
	CHECK(!port_account_locked("none"));
	CHECK(!port_account_locked("alice"));
	CHECK(!port_account_locked("nobody-at-all"));
}

TEST(password_ages)
{
	bool ok = false, expired = true;

	own_accounts();
	CHECK_INT(
	    port_password_check("alice", "right", false, &ok, &expired), 0);
	CHECK(ok && !expired);
	CHECK_INT(port_password_check("old", "right", false, &ok, &expired), 0);
	CHECK(ok && expired);
	CHECK_INT(port_password_check("new", "right", false, &ok, &expired), 0);
	CHECK(ok && expired);
	CHECK_INT(port_password_check("old", "wrong", false, &ok, &expired), 0);
	CHECK(!ok && !expired);
	CHECK(port_account_expired("gone"));
	CHECK(port_account_expired("stale"));
	CHECK(!port_account_expired("old"));
	CHECK(!port_account_expired("alice"));
	CHECK(!port_account_expired("nobody-at-all"));
}

static uint64_t
cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* The least time that three checks took. */
static uint64_t
cost_us(const char *name)
{
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < 3; i++) {
		uint64_t before = cpu_us();

		check(name, "some password", false);
		before = cpu_us() - before;
		least = before < least ? before : least;
	}
	return least;
}

TEST(password_refusals_cost_the_same)
{
	static const char *const names[] = { "alice", "lock", "none", "eve",
		"nobody-at-all", NULL };
	uint64_t least = UINT64_MAX, most = 0;

	own_accounts();
	check(NULL, "", false);
	for (size_t i = 0; i < ARRAY_COUNT(names); i++) {
		uint64_t cost = cost_us(names[i]);

		least = cost < least ? cost : least;
		most = cost > most ? cost : most;
	}
	/* A hash of 1000 rounds is far over a look-up; all have done one. */
	CHECK(most < 2 * least);
}

/* ---- service manager ---- */

TEST(listen_fds_are_ours_only_by_process_id)
{
	char pid[32];
	int fd = fcntl(0, F_DUPFD, 3);

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	while (fd >= 0 && fd < 4)
		fd = fcntl(0, F_DUPFD, 3);
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "2", 1);
	CHECK_INT(port_listen_fds(), 2);
	CHECK((fcntl(3, F_GETFD) & FD_CLOEXEC) != 0);
	CHECK(getenv("LISTEN_FDS") == NULL);
	CHECK_INT(port_listen_fds(), 0);
	setenv("LISTEN_PID", "1", 1);
	setenv("LISTEN_FDS", "2", 1);
	CHECK_INT(port_listen_fds(), 0);
	CHECK(getenv("LISTEN_PID") == NULL);
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", "-1", 1);
	CHECK_INT(port_listen_fds(), 0);
}

static void
check_notify(const char *path, size_t name_len)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char got[64] = "";

	CHECK(fd >= 0);
	CHECK(text_copy(to.sun_path, sizeof(to.sun_path), path));
	if (path[0] == '@')
		to.sun_path[0] = '\0';
	CHECK_INT(
	    bind(fd, (struct sockaddr *)&to,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + name_len)),
	    0);
	setenv("NOTIFY_SOCKET", path, 1);
	port_notify("READY=1");
	CHECK_INT(recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT), 7);
	CHECK_TEXT(got, "READY=1");
	close(fd);
}

TEST(notify_reaches_path_and_abstract_sockets)
{
	char *path = path_join(unit_scratch(), "notify");
	char name[64];

	check_notify(path, strlen(path) + 1);
	snprintf(name, sizeof(name), "@sheetbend-test-%d", (int)getpid());
	check_notify(name, strlen(name));
	setenv("NOTIFY_SOCKET", "/no/such/socket", 1);
	port_notify("READY=1");
	unsetenv("NOTIFY_SOCKET");
	port_notify("READY=1");
	free(path);
}
