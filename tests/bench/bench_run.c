/*
 * bench_run.c - processes, servers, the scratch folder, the table.
 */
#include "tests/bench/bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char scratch[128];
static char bin_folder[PATH_MAX];
static char own_folder[PATH_MAX];
static int missed;
static pid_t started[4096]; /* to be ended when a measurement fails */
static size_t started_count;
static pid_t owner; /* workers leave cleaning up to it */

void
bench_fail(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "bench: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	bench_clean_up();
	exit(1);
}

double
seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- running programs ---- */

void
command_init(struct command *c)
{
	memset(c, 0, sizeof(*c));
	c->stdin_fd = c->stdout_fd = c->stderr_fd = -1;
}

void
command_add(struct command *c, const char *argument)
{
	if (c->count + 1 >= ARRAY_COUNT(c->argv))
		bench_fail("a command line of too many words");
	c->argv[c->count++] = argument;
	c->argv[c->count] = NULL;
}

static void
redirect(int from, int to)
{
	int fd = from >= 0 ? from : open("/dev/null", O_RDWR);

	if (fd != to)
		dup2(fd, to);
}

pid_t
command_start(const struct command *c)
{
	pid_t pid = fork();

	if (pid < 0)
		bench_fail("cannot fork: %s", strerror(errno));
	if (pid == 0) {
		redirect(c->stdin_fd, 0);
		redirect(c->stdout_fd, 1);
		if (c->stderr_fd >= 0)
			dup2(c->stderr_fd, 2);
		execv(c->argv[0], (char *const *)c->argv);
		fprintf(stderr, "bench: cannot run %s: %s\n", c->argv[0],
		    strerror(errno));
		_exit(127);
	}
	if (started_count < ARRAY_COUNT(started))
		started[started_count++] = pid;
	return pid;
}

struct usage
command_wait(pid_t pid, double since)
{
	struct usage u;
	struct rusage r;

	for (size_t i = 0; i < started_count; i++) {
		if (started[i] == pid)
			started[i--] = started[--started_count];
	}
	while (wait4(pid, &u.status, 0, &r) < 0) {
		if (errno != EINTR)
			bench_fail("lost a child: %s", strerror(errno));
	}
	u.wall_s = seconds_now() - since;
	u.max_rss_kib = r.ru_maxrss;
	u.cpu_s = (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
		  (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
	return u;
}

struct usage
command_run(const struct command *c)
{
	double since = seconds_now();

	return command_wait(command_start(c), since);
}

void
process_end(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGTERM);
	command_wait(pid, seconds_now());
}

/* ---- scratch folder, keys ---- */

const char *
bench_scratch(void)
{
	return scratch;
}

static void
keygen(const char *name)
{
	char path[256];
	struct command c;

	snprintf(path, sizeof(path), "%s/%s", scratch, name);
	command_init(&c);
	command_add(&c, "/usr/bin/ssh-keygen");
	command_add(&c, "-q");
	command_add(&c, "-t");
	command_add(&c, "ed25519");
	command_add(&c, "-N");
	command_add(&c, "");
	command_add(&c, "-f");
	command_add(&c, path);
	if (command_run(&c).status != 0)
		bench_fail("ssh-keygen made no key");
}

static void
client_config(void)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/ssh_config", scratch);
	if ((f = fopen(path, "w")) == NULL)
		bench_fail("cannot write %s", path);
	fprintf(f,
	    "IdentityFile %s/user_key\nIdentitiesOnly yes\n"
	    "StrictHostKeyChecking no\nUserKnownHostsFile "
	    "%s/known_hosts\nGlobalKnownHostsFile /dev/null\n"
	    "BatchMode yes\nLogLevel ERROR\n",
	    scratch, scratch);
	fclose(f);
}

void
bench_set_up(const char *bin)
{
	struct command c;
	char from[256], to[256];
	ssize_t n;
	char *slash;

	if (realpath(bin, bin_folder) == NULL)
		bench_fail("no folder %s: %s", bin, strerror(errno));
	n = readlink("/proc/self/exe", own_folder, sizeof(own_folder) - 1);
	own_folder[n > 0 ? n : 0] = '\0';
	if ((slash = strrchr(own_folder, '/')) != NULL)
		*slash = '\0';
	/* Session processes that outlive their listener are waited for too. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal(SIGPIPE, SIG_IGN);
	snprintf(scratch, sizeof(scratch), "/tmp/sheetbend-bench.XXXXXX");
	if (mkdtemp(scratch) == NULL)
		bench_fail("no scratch folder: %s", strerror(errno));
	if (geteuid() == 0)
		mkdir("/run/sshd", 0755);
	owner = getpid();
	client_config();
	keygen("host_key");
	keygen("user_key");
	snprintf(from, sizeof(from), "%s/user_key.pub", scratch);
	snprintf(to, sizeof(to), "%s/authorized_keys", scratch);
	command_init(&c);
	command_add(&c, "/bin/cp");
	command_add(&c, from);
	command_add(&c, to);
	if (command_run(&c).status != 0)
		bench_fail("cannot copy the key");
}

void
bench_clean_up(void)
{
	struct command c;

	if (getpid() != owner)
		return;
	while (started_count > 0)
		kill(started[--started_count], SIGTERM);
	if (strncmp(scratch, "/tmp/sheetbend-bench.", 21) != 0)
		return;
	command_init(&c);
	command_add(&c, "/bin/rm");
	command_add(&c, "-rf");
	command_add(&c, scratch);
	command_run(&c);
	scratch[0] = '\0';
}

void
bench_program(char *ret, size_t size, enum suite suite, const char *name)
{
	snprintf(
	    ret, size, "%s/%s", suite == OURS ? bin_folder : "/usr/bin", name);
}

/* ---- servers ---- */

static unsigned
free_port(void)
{
	struct sockaddr_in sa;
	socklen_t size = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	memset(&sa, 0, sizeof(sa));
	sa.sin_family = AF_INET;
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, size) != 0 ||
	    getsockname(fd, (struct sockaddr *)&sa, &size) != 0)
		bench_fail("no free port: %s", strerror(errno));
	close(fd);
	return ntohs(sa.sin_port);
}

/* The pid file is written once the daemon listens: no connection is spent on
 * finding out. */
static void
server_await(struct server *s, const char *pid_file)
{
	struct timespec pause = { 0, 10 * 1000 * 1000 };

	for (int i = 0; i < 500; i++) {
		if (access(pid_file, R_OK) == 0)
			return;
		if (waitpid(s->pid, NULL, WNOHANG) == s->pid)
			break;
		nanosleep(&pause, NULL);
	}
	bench_fail("%s sshd does not start with %s",
	    s->suite == OURS ? "our" : "Debian's", s->config);
}

void
server_start(struct server *s, enum suite suite, const char *extra)
{
	char program[PATH_MAX + 8], pid_file[256], log[256];
	struct command c;
	FILE *f;

	s->suite = suite;
	s->port = free_port();
	snprintf(s->config, sizeof(s->config), "%s/sshd_config.%u", scratch,
	    s->port);
	snprintf(pid_file, sizeof(pid_file), "%s/pid.%u", scratch, s->port);
	snprintf(log, sizeof(log), "%s/log.%u", scratch, s->port);
	if ((f = fopen(s->config, "w")) == NULL)
		bench_fail("cannot write %s", s->config);
	fprintf(f,
	    "Port %u\nListenAddress 127.0.0.1\nHostKey %s/host_key\n"
	    "PidFile %s\nAuthorizedKeysFile %s/authorized_keys\n"
	    "StrictModes no\nPermitRootLogin yes\nPasswordAuthentication no\n"
	    "KbdInteractiveAuthentication no\nUsePAM no\nUseDNS no\n"
	    "PrintMotd no\nPrintLastLog no\nMaxStartups 200:30:300\n"
	    /* An empty home: what the user's own start-up files do is not
	     * ours to measure. */
	    "SetEnv HOME=%s\n%s",
	    s->port, scratch, pid_file, scratch, scratch, extra);
	fclose(f);
	if (suite == OURS)
		snprintf(program, sizeof(program), "%s/sshd", bin_folder);
	else
		snprintf(program, sizeof(program), "/usr/sbin/sshd");
	command_init(&c);
	command_add(&c, program);
	command_add(&c, "-D");
	command_add(&c, "-f");
	command_add(&c, s->config);
	command_add(&c, "-E");
	command_add(&c, log);
	s->pid = command_start(&c);
	server_await(s, pid_file);
}

double
server_stop(struct server *s)
{
	struct usage u;
	double cpu, deadline;

	kill(s->pid, SIGTERM);
	u = command_wait(s->pid, seconds_now());
	cpu = u.cpu_s;
	/* Sessions that were left to us; they end with their clients. */
	for (deadline = seconds_now() + 5; seconds_now() < deadline;) {
		struct rusage r;
		struct timespec pause = { 0, 2 * 1000 * 1000 };
		int status;
		pid_t pid = wait4(-1, &status, WNOHANG, &r);

		if (pid < 0)
			break;
		if (pid == 0)
			nanosleep(&pause, NULL);
		else
			cpu +=
			    (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
			    (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) /
				1e6;
	}
	return cpu;
}

void
client_command(struct command *c, enum suite client, unsigned port,
    const char *const *options)
{
	static char program[PATH_MAX + 8], config[256];
	static char port_text[2][16];
	static unsigned turn;
	char *text = port_text[turn++ % 2];

	if (client == OURS)
		snprintf(program, sizeof(program), "%s/ssh", bin_folder);
	snprintf(config, sizeof(config), "%s/ssh_config", scratch);
	snprintf(text, 16, "%u", port);
	command_init(c);
	command_add(c, client == OURS ? program : "/usr/bin/ssh");
	command_add(c, "-F");
	command_add(c, config);
	command_add(c, "-p");
	command_add(c, text);
	for (; options != NULL && *options != NULL; options++) {
		command_add(c, "-o");
		command_add(c, *options);
	}
	command_add(c, "127.0.0.1");
}

unsigned
relay_start(unsigned round_trip_ms, unsigned port, pid_t *ret_pid)
{
	char program[PATH_MAX + 8], delay[16], target[16], answer[16];
	struct command c;
	int fds[2];
	ssize_t n;

	snprintf(program, sizeof(program), "%s/relay", own_folder);
	snprintf(delay, sizeof(delay), "%u", round_trip_ms / 2);
	snprintf(target, sizeof(target), "%u", port);
	if (pipe2(fds, O_CLOEXEC) != 0)
		bench_fail("no pipe: %s", strerror(errno));
	command_init(&c);
	command_add(&c, program);
	command_add(&c, delay);
	command_add(&c, target);
	c.stdout_fd = fds[1];
	*ret_pid = command_start(&c);
	close(fds[1]);
	n = read(fds[0], answer, sizeof(answer) - 1);
	close(fds[0]);
	if (n <= 0)
		bench_fail("the relay does not start");
	answer[n] = '\0';
	return (unsigned)strtoul(answer, NULL, 10);
}

/* ---- figures ---- */

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double
percentile(double *values, size_t count, double p)
{
	qsort(values, count, sizeof(*values), compare);
	return values[(size_t)((double)(count - 1) * p)];
}

double
median(double *values, size_t count)
{
	return percentile(values, count, 0.5);
}

static void
head_line(void)
{
	static bool begun;

	if (!begun)
		printf("%-44s %-7s %10s %10s %8s  %s\n", "what", "unit", "ours",
		    "debian", "ratio", "limit");
	begun = true;
}

void
row_floor(const char *what, const char *unit, double floor, double debian)
{
	head_line();
	printf("  without SSH: %-29s %-7s %10.2f %10.2f %8.3f\n", what, unit,
	    floor, debian, floor / debian);
	fflush(stdout);
}

void
row(const char *what, const char *unit, double ours, double debian,
    bool at_most, double limit)
{
	double figure = debian > 0 ? ours / debian : ours;
	bool ok = at_most ? figure <= limit : figure >= limit;
	char ratio[16] = "-", other[24] = "-";

	head_line();
	if (debian > 0) {
		snprintf(ratio, sizeof(ratio), "%.3f", figure);
		snprintf(other, sizeof(other), "%.2f", debian);
	}
	printf("%-44s %-7s %10.2f %10s %8s  %s %.2f %s\n", what, unit, ours,
	    other, ratio, at_most ? "<=" : ">=", limit, ok ? "ok" : "MISSED");
	fflush(stdout);
	if (!ok)
		missed++;
}

int
rows_missed(void)
{
	return missed;
}
