/*
 * server_main.c - sftp-server(8): the server on standard input and output,
 * as a subsystem of any SSH server.
 */
#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/port/port.h"
#include "sftp/protocol.h"
#include "sftp/server.h"
#include "sftp/server_arguments.h"

#define EXIT_USAGE 1
#define EXIT_FATAL 255
#define INPUT_SIZE ((size_t)512 * 1024)

NORETURN static void
fatal(const char *text)
{
	log_fatal("%s", text);
	exit(EXIT_FATAL);
}

NORETURN static void
usage(void)
{
	fputs(
	    "usage: sftp-server [-ehR] [-d start_directory] [-f log_facility] "
	    "[-l log_level]\n"
	    "\t[-P denied_requests] [-p allowed_requests] [-u umask]\n"
	    "       sftp-server -Q protocol_feature\n",
	    stderr);
	exit(EXIT_USAGE);
}

NORETURN static void
print_requests(void)
{
	for (int k = 0; k < SFTP_KIND_COUNT; k++)
		printf("%s\n", sftp_kind_name((enum sftp_kind)k));
	exit(0);
}

static void
log_line(void *context, enum log_level level, const char *line)
{
	/* Names in it are escaped already. */
	log_forward(level, span_text(line), "");
}

/* What is waiting goes out before more is read: the peer's own pipe holds
 * its requests back meanwhile. */
static void
send_output(struct sftp_server *s)
{
	struct span out = sftp_server_output(s);

	while (out.len > 0) {
		ssize_t n = write(STDOUT_FILENO, out.ptr, out.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			/* Nobody reads: the session is over. */
			sftp_server_free(s);
			exit(errno == EPIPE ? 0 : EXIT_FATAL);
		}
		sftp_server_sent(s, (size_t)n);
		out = sftp_server_output(s);
	}
}

/* Has the other side gone? A copy may take hours, or have no end. */
static bool
is_deserted(void)
{
	struct pollfd p = { .fd = STDOUT_FILENO };

	return poll(&p, 1, 0) > 0 && (p.revents & (POLLERR | POLLHUP)) != 0;
}

static void
handle_input(struct sftp_server *s, struct span data)
{
	int r;

	do {
		if ((r = sftp_server_input(s, &data)) != 0) {
			send_output(s);
			sftp_server_free(s);
			fatal(error_text(r));
		}
		while (sftp_server_has_work(s)) {
			/* Answers do not wait for what comes behind them. */
			send_output(s);
			if (is_deserted()) {
				sftp_server_free(s);
				exit(0);
			}
			sftp_server_work(s);
		}
		send_output(s);
	} while (data.len > 0);
}

static void
serve(struct sftp_server *s)
{
	uint8_t *input = malloc(INPUT_SIZE);
	ssize_t n;

	if (input == NULL)
		fatal("out of memory");
	for (;;) {
		n = read(STDIN_FILENO, input, INPUT_SIZE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		handle_input(s, span_of(input, (size_t)n));
	}
	free(input);
}

/* SSH_CONNECTION begins with the client's address. */
static char *
peer_address(void)
{
	const char *connection = getenv("SSH_CONNECTION");

	if (connection == NULL)
		return strdup("");
	return strndup(connection, strcspn(connection, " "));
}

static void
set_log(const struct sftp_server_options *o)
{
	log_set_level(o->log_level);
	if (!o->log_to_stderr)
		log_to_syslog("sftp-server", o->log_facility);
}

/* Where we were started, which is the home directory under any SSH
 * server, unless -d says otherwise. */
static char *
start_of(const struct sftp_server_options *o, const struct passwd *pw,
    struct error *e)
{
	char *here;

	if (o->start_directory == NULL && (here = getcwd(NULL, 0)) != NULL)
		return here;
	return sftp_server_start(o, pw->pw_name, pw->pw_dir, e);
}

int
main(int argc, char **argv)
{
	enum sftp_server_action action;
	struct sftp_server_options o;
	struct sftp_server_config config = { .options = &o, .log = log_line };
	struct sftp_server *s;
	struct error e = { 0 };
	struct passwd *pw;
	char *start, *address;

	/* Who may only copy files could else write a program of his own into
	 * /proc/self/mem. */
	port_no_trace();
	if (sftp_server_arguments(argc, argv, &o, &action, &e) != 0)
		fatal(e.text);
	if (action == SFTP_SERVER_USAGE)
		usage();
	if (action == SFTP_SERVER_QUERY_REQUESTS)
		print_requests();
	set_log(&o);
	if ((pw = getpwuid(getuid())) == NULL)
		fatal("no account for this user id");
	config.user = pw->pw_name = strdup(pw->pw_name);
	config.home = pw->pw_dir = strdup(pw->pw_dir);
	config.address = address = peer_address();
	if (config.user == NULL || config.home == NULL || address == NULL)
		fatal("out of memory");
	config.start = start = start_of(&o, pw, &e);
	if (start == NULL || sftp_server_new(&config, &s, &e) != 0)
		fatal(e.text);
	port_pipe_enlarge(STDIN_FILENO);
	port_pipe_enlarge(STDOUT_FILENO);
	serve(s);
	sftp_server_free(s);
	return 0;
}
