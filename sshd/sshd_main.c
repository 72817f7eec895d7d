/*
 * sshd_main.c - the program: sshd, and under the name sshd-session the
 * process of one connection.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "common/base/time.h"
#include "common/port/port.h"
#include "sshd/arguments.h"
#include "sshd/host_keys.h"
#include "sshd/listen.h"
#include "sshd/listener.h"
#include "sshd/options.h"
#include "sshd/privsep.h"
#include "sshd/serve.h"
#include "sshd/session_main.h"
#include "sshd/template.h"

/* Set to the pid of a daemon that executes itself anew, which must not
 * become a daemon a second time. */
#define DAEMON_VARIABLE "SHEETBEND_SSHD_DAEMON"

#define EXIT_USAGE 1

struct daemon {
	struct arguments a;
	struct sshd_config *config;
	const struct sshd_options *options;
	struct host_keys *keys;
	struct listen_sockets sockets;
	bool log_to_stderr;
	int ready_fd; /* the waiting parent; -1 */
	bool has_pid_file;
};

/* ---- configuration ---- */

static void
on_message(void *context, enum config_message kind, const char *text)
{
	log_error("%s", text);
}

static void
load_config(struct daemon *d)
{
	struct sshd_config_source source = {
		.file = d->a.config_file,
		.lines = &d->a.lines,
		.ports_given = d->a.ports_given,
		.message = on_message,
	};
	struct error e = { 0 };
	int r = sshd_config_load(&source, &d->config, &e);

	if (r != 0) {
		log_fatal("%s", error_message(&e, r));
		/* A fault of the command line, which also names the file. */
		exit(r != ERR_CONFIG ||
				text_starts_with(e.text, "command-line")
			 ? EXIT_USAGE
			 : SESSION_EXIT_FATAL);
	}
	d->options = sshd_config_global(d->config);
}

/* What would let in whom it should not is refused, the rest is told. */
static void
check_unsupported(const struct daemon *d)
{
	struct strings needed = STRINGS_INIT, list = STRINGS_INIT;

	if (sshd_options_unsupported(d->options, true, &needed) != 0 ||
	    needed.count > 0) {
		log_fatal("not supported yet, and not safe to leave out: %s",
		    needed.count > 0 ? needed.item[0] : "out of memory");
		exit(SESSION_EXIT_FATAL);
	}
	if (sshd_options_unsupported(d->options, false, &list) == 0) {
		for (size_t i = 0; i < list.count; i++)
			log_info("not supported yet, and without effect: %s",
			    list.item[i]);
	}
	strings_release(&needed);
	strings_release(&list);
}

/* For -T and -G: with Match blocks for a connection described by -C. */
static void
dump(const struct daemon *d)
{
	struct sshd_match_context m = { .testing = d->a.specs.count > 0 };
	struct strings text = STRINGS_INIT;
	struct sshd_options o;
	struct buf out = BUF_INIT;
	struct error e = { 0 };
	int r = 0;

	for (size_t i = 0; i < d->a.specs.count; i++) {
		r = sshd_match_parse(d->a.specs.item[i], &m, &text, &e);
		if (r != 0) {
			log_fatal("%s", error_message(&e, r));
			exit(EXIT_USAGE);
		}
	}
	if (d->a.specs.count > 0)
		r = sshd_options_for(d->config, &m, &o, &e);
	if (r != 0) {
		log_fatal("%s", error_message(&e, r));
		exit(SESSION_EXIT_FATAL);
	}
	sshd_options_dump(d->a.specs.count > 0 ? &o : d->options, &out);
	if (fd_write_all(1, out.data, out.len) != 0)
		exit(SESSION_EXIT_FATAL);
	buf_release(&out);
	if (d->a.specs.count > 0)
		sshd_options_release(&o);
	strings_release(&text);
}

static void
load_keys(struct daemon *d)
{
	d->keys = host_keys_new();
	if (d->keys == NULL ||
	    (d->options->host_key_agent != NULL &&
		host_keys_set_agent(d->keys, d->options->host_key_agent) !=
		    0) ||
	    host_keys_set_provider(
		d->keys, d->options->security_key_provider) != 0 ||
	    host_keys_load(d->keys, &d->options->host_key,
		sshd_options_is_set(d->options, SSHD_OPTION_host_key),
		(unsigned)d->options->required_rsa_size) == 0) {
		log_fatal("sshd: no hostkeys available -- exiting.");
		exit(1);
	}
	host_keys_load_certificates(d->keys, &d->options->host_certificate);
}

static void
check_confinement(void)
{
	struct error e = { 0 };
	int r = serve_check_confinement(&e);

	if (r != 0) {
		log_fatal("%s", error_message(&e, r));
		exit(SESSION_EXIT_FATAL);
	}
}

/* ---- log ---- */

static void
open_log_file(struct daemon *d)
{
	int fd = open(d->a.log_file,
	    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0600);

	/* As descriptor 2: there the session processes find it too. */
	if (fd < 0 || dup2(fd, 2) < 0) {
		fprintf(stderr, "Couldn't open logfile %s: %s\n", d->a.log_file,
		    strerror(errno));
		exit(SESSION_EXIT_FATAL);
	}
	close(fd);
	log_to_stderr();
}

static void
set_log(struct daemon *d)
{
	d->log_to_stderr = d->a.log_stderr || d->a.debug > 0 ||
			   d->a.log_file != NULL || d->a.test;
	log_set_level((enum log_level)d->options->log_level);
	if (!d->log_to_stderr)
		log_to_syslog("sshd", d->options->syslog_facility);
}

/* ---- daemon ---- */

static bool
is_daemon_already(void)
{
	const char *text = getenv(DAEMON_VARIABLE);
	long long pid = 0;
	bool same = text != NULL && text_to_int(text, 1, INT32_MAX, &pid) &&
		    pid == getpid();

	unsetenv(DAEMON_VARIABLE);
	return same;
}

/* The parent waits until the daemon accepts connections, and tells by its
 * exit status whether it does. */
NORETURN static void
wait_for_daemon(int fd)
{
	char byte;

	exit(read(fd, &byte, 1) == 1 ? 0 : SESSION_EXIT_FATAL);
}

static void
become_daemon(struct daemon *d)
{
	int fds[2], null_fd;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0 || (pid = fork()) < 0) {
		log_fatal("cannot become a daemon: %s", strerror(errno));
		exit(SESSION_EXIT_FATAL);
	}
	if (pid > 0) {
		close(fds[1]);
		wait_for_daemon(fds[0]);
	}
	close(fds[0]);
	d->ready_fd = fds[1];
	setsid();
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null_fd < 0 || chdir("/") != 0 || dup2(null_fd, 0) < 0 ||
	    dup2(null_fd, 1) < 0 ||
	    (!d->log_to_stderr && dup2(null_fd, 2) < 0)) {
		log_fatal("cannot become a daemon: %s", strerror(errno));
		exit(SESSION_EXIT_FATAL);
	}
	if (null_fd > 2)
		close(null_fd);
}

static void
write_pid_file(struct daemon *d)
{
	const char *path = d->options->pid_file;
	FILE *f;

	if (path == NULL || d->a.debug > 0)
		return;
	if ((f = fopen(path, "we")) == NULL) {
		log_error("Couldn't create pid file \"%s\": %s", path,
		    strerror(errno));
		return;
	}
	fprintf(f, "%ld\n", (long)getpid());
	fclose(f);
	d->has_pid_file = true;
}

static void
on_ready(void *context)
{
	struct daemon *d = context;

	write_pid_file(d);
	port_notify("READY=1");
	if (d->ready_fd >= 0) {
		/* Without a parent nobody needs to know. */
		IGNORE_RESULT(write(d->ready_fd, "", 1) < 0);
		close(d->ready_fd);
		d->ready_fd = -1;
	}
}

static void
remove_pid_file(struct daemon *d)
{
	if (d->has_pid_file)
		unlink(d->options->pid_file);
	d->has_pid_file = false;
}

/* SIGHUP: the program as it is installed now, with the same arguments. */
NORETURN static void
restart(struct daemon *d, char *program, char **argv)
{
	char pid[24], state[64];

	/* sd_notify(3): the time tells this reload's READY=1 from one that was
	 * under way before. */
	snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%llu",
	    (unsigned long long)time_monotonic_us());
	port_notify(state);
	snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	if (!d->a.foreground)
		setenv(DAEMON_VARIABLE, pid, 1);
	listen_pass_on(&d->sockets);
	execv(program, argv);
	log_error("RESTART FAILED: %s: %s", program, strerror(errno));
	exit(1);
}

static char *
program_path(const char *argv0)
{
	char path[4096];
	ssize_t n;

	if (argv0[0] == '/')
		return strdup(argv0);
	n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (n <= 0)
		return NULL;
	path[n] = '\0';
	return strdup(path);
}

static char **
copy_arguments(int argc, char **argv)
{
	char **copy = calloc((size_t)argc + 1, sizeof(*copy));

	for (int i = 0; copy != NULL && i < argc; i++)
		copy[i] = strdup(argv[i]);
	return copy;
}

static int
run_listener(struct daemon *d, char *program, char **argv)
{
	struct listener_config c = {
		.config = d->config,
		.host_keys = d->keys,
		.sockets = &d->sockets,
		.log_to_stderr = d->log_to_stderr,
		.single = d->a.debug > 0,
		.ready = on_ready,
		.context = d,
	};
	bool stay = d->a.foreground || d->a.debug > 0 || is_daemon_already();
	int status;

	if (listen_open(&d->sockets, d->options) != 0) {
		log_fatal("Cannot bind any address.");
		return SESSION_EXIT_FATAL;
	}
	if (!stay)
		become_daemon(d);
	signal(SIGPIPE, SIG_IGN);
	switch (listener_run(&c, &status)) {
	case LISTENER_RESTART:
		remove_pid_file(d);
		restart(d, program, argv);
	case LISTENER_STOPPED:
		port_notify("STOPPING=1");
		break;
	default:
		break;
	}
	remove_pid_file(d);
	return status;
}

/* ---- main ---- */

static void
sanitise_descriptors(void)
{
	int fd;

	while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd <= 2)
		continue;
	if (fd > 2)
		close(fd);
}

static int
sshd_main(struct daemon *d, char *program, char **argv)
{
	if (d->a.log_file != NULL)
		open_log_file(d);
	load_config(d);
	if (d->a.dump_only) {
		dump(d);
		return 0;
	}
	if (d->a.inetd) {
		set_log(d);
		return session_inetd_main(d->config, d->log_to_stderr);
	}
	check_confinement();
	load_keys(d);
	if (d->a.extended_test)
		dump(d);
	if (d->a.extended_test || d->a.test)
		return 0;
	set_log(d);
	check_unsupported(d);
	return run_listener(d, program, argv);
}

int
main(int argc, char **argv)
{
	struct daemon d = { .ready_fd = -1 };
	char *program, **again;
	int status;

	/* Host keys are in here; users' processes execute another program. */
	port_no_trace();
	if (argc > 0 && strcmp(path_last(argv[0]), "sshd-session") == 0) {
		port_title_init(argc, argv);
		return session_main();
	}
	sanitise_descriptors();
	program = program_path(argc > 0 ? argv[0] : "");
	again = copy_arguments(argc, argv);
	if (program == NULL || again == NULL ||
	    template_remember_program() != 0) {
		fprintf(stderr, "sshd: cannot find its own program file\n");
		return SESSION_EXIT_FATAL;
	}
	arguments_parse(&d.a, argc, argv);
	port_title_init(argc, argv);
	status = sshd_main(&d, program, again);
	host_keys_free(d.keys);
	sshd_config_free(d.config);
	arguments_release(&d.a);
	for (int i = 0; i < argc; i++)
		free(again[i]);
	free(again);
	free(program);
	return status;
}
