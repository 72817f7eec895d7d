/*
 * negative.c - speaks SSH wrongly on purpose, to the real sshd and the real
 * ssh, and checks that each wrong step ends as it should and that the
 * daemon goes on serving.
 *
 *   negative [-s bin/sshd] [-c bin/ssh] [-v] [part of a name]
 *
 * Works as root and as an ordinary user. Closes with one line for each
 * failure and `N passed, N failed, N skipped`.
 */
#include "tests/negative/negative.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"

struct options options = { "bin/sshd", "bin/ssh", NULL, false };

static unsigned passed, failed, skipped;
static char directory[128];

bool
case_wanted(const char *name)
{
	return options.pattern == NULL || strstr(name, options.pattern) != NULL;
}

void
case_passed(const char *name)
{
	passed++;
	if (options.verbose)
		printf("ok %s\n", name);
}

void
case_skipped(const char *name, const char *why)
{
	skipped++;
	printf("skipped %s: %s\n", name, why);
}

void
case_failed(const char *name, const char *format, ...)
{
	va_list args;

	failed++;
	printf("FAILED %s: ", name);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
}

const char *
scratch_path(const char *name)
{
	static char paths[8][256];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof paths[0], "%s/%s", directory, name);
	return path;
}

bool
scratch_write(const char *name, struct span contents)
{
	return file_write_atomic(
		   scratch_path(name), contents, 0600, false, NULL) == 0;
}

const char *
user_name(void)
{
	const struct passwd *pw = getpwuid(geteuid());

	return pw != NULL ? pw->pw_name : "root";
}

static struct sockaddr_in
loopback(unsigned port)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port) };

	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return sa;
}

int
listen_loopback(unsigned *ret_port)
{
	struct sockaddr_in sa = loopback(0);
	socklen_t len = sizeof sa;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, len) != 0 ||
	    listen(fd, 16) != 0 ||
	    getsockname(fd, (struct sockaddr *)&sa, &len) != 0)
		return -1;
	*ret_port = ntohs(sa.sin_port);
	return fd;
}

int
connect_loopback(unsigned port)
{
	struct sockaddr_in sa = loopback(port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof sa) != 0) {
		close(fd);
		return -1;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return fd;
}

static void
remove_scratch(void)
{
	DIR *d = opendir(directory);
	struct dirent *entry;

	while (d != NULL && (entry = readdir(d)) != NULL)
		(void)unlinkat(dirfd(d), entry->d_name, 0);
	if (d != NULL)
		closedir(d);
	(void)rmdir(directory);
}

/* The listener has only its spares left, and no descriptor more. */
static void
check_leaks(const struct daemon *d, unsigned children, unsigned descriptors)
{
	unsigned now_children = 0, now_descriptors = 0;

	for (int i = 0; i < 80; i++) {
		now_children = daemon_children(d);
		now_descriptors = daemon_descriptors(d);
		if (now_children <= children && now_descriptors <= descriptors)
			break;
		usleep(100000);
	}
	if (now_children > children)
		case_failed("no-process-is-left", "%u, at the start %u",
		    now_children, children);
	else
		case_passed("no-process-is-left");
	if (now_descriptors > descriptors)
		case_failed("no-descriptor-is-left", "%u, at the start %u",
		    now_descriptors, descriptors);
	else
		case_passed("no-descriptor-is-left");
}

static void
run_server_role(void)
{
	struct daemon d = { 0 };
	unsigned children, descriptors;

	if (!daemon_start(&d) || !daemon_serves(&d)) {
		case_failed("sshd", "does not start, or serve");
		daemon_show_log();
		daemon_stop(&d);
		return;
	}
	usleep(500000);
	children = daemon_children(&d);
	descriptors = daemon_descriptors(&d);
	server_cases(&d);
	if (daemon_serves(&d))
		case_passed("serves-at-the-end");
	else
		case_failed("serves-at-the-end", "no login");
	check_leaks(&d, children, descriptors);
	if (failed != 0)
		daemon_show_log();
	daemon_stop(&d);
}

int
main(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "s:c:v")) != -1) {
		if (c == 's')
			options.sshd = optarg;
		else if (c == 'c')
			options.ssh = optarg;
		else if (c == 'v')
			options.verbose = true;
		else
			return 2;
	}
	if (optind < argc)
		options.pattern = argv[optind];
	signal(SIGPIPE, SIG_IGN);
	snprintf(directory, sizeof directory, "%s/negative-XXXXXX",
	    getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
	if (mkdtemp(directory) == NULL || chmod(directory, 0755) != 0) {
		perror(directory);
		return 1;
	}
	run_server_role();
	client_cases();
	remove_scratch();
	printf("negative: %u passed, %u failed, %u skipped\n", passed, failed,
	    skipped);
	return failed != 0;
}
