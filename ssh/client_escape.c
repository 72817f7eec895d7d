/*
 * client_escape.c - what ~ commands do.
 */
#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include "common/base/log.h"
#include "ssh/client_impl.h"
#include "ssh/fatal.h"
#include "ssh/terminal.h"

#define CONTROL_Z 26

/* clang-format off */
static const char help_text[] =
    "Supported escape sequences:\r\n"
    " %1$s.   - terminate connection\r\n"
    " %1$sB   - send a BREAK to the remote system\r\n"
    " %1$sR   - request rekey\r\n"
    " %1$sV/v - decrease/increase verbosity (LogLevel)\r\n"
    " %1$s^Z  - suspend ssh\r\n"
    " %1$s#   - list forwarded connections\r\n"
    " %1$s&   - background ssh (when waiting for connections to terminate)\r\n"
    " %1$sI   - show connection information\r\n"
    " %1$s?   - this message\r\n"
    " %1$s%1$s   - send the escape character by typing it twice\r\n"
    "(Note that escapes are only recognized immediately after newline.)\r\n";
/* clang-format on */

/* The escape character in print: "~", "^A". */
static const char *
escape_name(const struct client *c)
{
	static char name[3];
	int ch = c->o->escape_char;

	if (isprint(ch)) {
		name[0] = (char)ch;
		name[1] = '\0';
	} else {
		name[0] = '^';
		name[1] = (char)(ch ^ 64);
		name[2] = '\0';
	}
	return name;
}

static void
show_help(const struct client *c)
{
	const char *name = escape_name(c);

	fprintf(stderr, "%s?\r\n", name);
	/* The name of the escape character stands for each "%1$s". */
	for (const char *s = help_text; *s != '\0'; s++) {
		if (s[0] == '%' && s[1] == '1') {
			fputs(name, stderr);
			s += 3;
		} else {
			fputc(*s, stderr);
		}
	}
}

static void
show_connections(const struct client *c)
{
	char *line = session_describe(c->session);

	fprintf(stderr, "%s#\r\nThe following connections are open:\r\n%s\r\n",
	    escape_name(c), line != NULL ? line : "");
	free(line);
}

static void
show_information(const struct client *c)
{
	struct transport_negotiated n;
	struct transport_counters k;

	if (!transport_get_negotiated(c->t, &n))
		return;
	transport_get_counters(c->t, &k);
	fprintf(stderr, "%sI\r\n  to %s port %u as %s\r\n", escape_name(c),
	    c->peer.text, c->peer.port, c->o->user);
	fprintf(stderr, "  kexalgorithm %s\r\n  hostkeyalgorithm %s\r\n", n.kex,
	    n.host_key);
	fprintf(
	    stderr, "  cipher %s in, %s out\r\n", n.cipher_in, n.cipher_out);
	fprintf(stderr, "  mac %s in, %s out\r\n", n.mac_in, n.mac_out);
	fprintf(stderr, "  compression %s in, %s out\r\n", n.compression_in,
	    n.compression_out);
	fprintf(stderr, "  bytes %llu in, %llu out; %llu rekeys\r\n",
	    (unsigned long long)k.bytes_in, (unsigned long long)k.bytes_out,
	    (unsigned long long)k.rekeys);
}

static void
change_level(const struct client *c, int step)
{
	int level = (int)log_get_level() + step;

	if (level >= LOG_LEVEL_QUIET && level <= LOG_LEVEL_DEBUG3)
		log_set_level((enum log_level)level);
	fprintf(stderr, "%s%c [LogLevel %s]\r\n", escape_name(c),
	    step > 0 ? 'v' : 'V', log_level_name(log_get_level()));
}

/*
 * The process that the shell waits for ends, its copy goes on without the
 * terminal. Both have the same epoll and socket; signals only end it now.
 */
static void
go_to_background(struct client *c)
{
	sigset_t all;
	pid_t pid;

	terminal_leave_raw();
	session_stop_input(c->session);
	fprintf(stderr, "%s& [backgrounded]\n", escape_name(c));
	if ((pid = fork()) < 0) {
		log_error("fork failed");
		return;
	}
	if (pid > 0)
		_exit(0);
	sigemptyset(&all);
	sigaddset(&all, SIGTERM);
	sigaddset(&all, SIGINT);
	sigaddset(&all, SIGHUP);
	sigprocmask(SIG_UNBLOCK, &all, NULL);
}

/* Runs from the loop: the stream that read the command is not in use. */
static void
run_deferred(void *context)
{
	struct client *c = context;
	uint8_t command = c->deferred_escape;

	c->deferred_escape = 0;
	switch (command) {
	case '.':
		fprintf(stderr, "%s.\r\n", escape_name(c));
		client_end_of_session(c, SESSION_NO_STATUS);
	case CONTROL_Z:
		fprintf(stderr, "%s^Z [suspend ssh]\r\n", escape_name(c));
		terminal_suspend();
		session_window_changed(c->session);
		break;
	case '&':
		go_to_background(c);
		break;
	case 'B':
		fprintf(stderr, "%sB\r\n", escape_name(c));
		session_send_break_now(c->session);
		break;
	case 'R':
		if (transport_rekey(c->t, loop_now_us(c->loop)) != 0)
			log_debug1("rekey is not possible now");
		break;
	default:
		break;
	}
}

bool
client_on_escape(uint8_t command, void *context)
{
	struct client *c = context;

	switch (command) {
	case '.':
	case CONTROL_Z:
	case '&':
	case 'B':
	case 'R':
		c->deferred_escape = command;
		if (loop_defer(c->loop, run_deferred, c) != 0)
			log_error("out of memory");
		return true;
	case '?':
		show_help(c);
		return true;
	case '#':
		show_connections(c);
		return true;
	case 'I':
		show_information(c);
		return true;
	case 'C':
		fprintf(stderr, "%sC\r\ncommandline not available\r\n",
		    escape_name(c));
		return true;
	case 'v':
		change_level(c, 1);
		return true;
	case 'V':
		change_level(c, -1);
		return true;
	default:
		return false;
	}
}
