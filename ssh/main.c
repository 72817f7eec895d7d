/*
 * main.c - ssh: the command line and the configuration, then the connection.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/crypto/library.h"
#include "common/port/port.h"
#include "ssh/arguments.h"
#include "ssh/client.h"
#include "ssh/fatal.h"
#include "ssh/options.h"
#include "ssh/parent.h"
#include "ssh/proxy.h"
#include "ssh/query.h"

/* Descriptors 0 to 2 are open from here on, so that nothing else gets their
 * numbers. */
static void
open_standard_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

static void
open_log(const struct arguments *a)
{
	int fd;

	if (a->has_log_level)
		log_set_level(a->log_level);
	if (a->to_syslog) {
		log_to_syslog("ssh", LOG_USER);
	} else if (a->log_file != NULL) {
		fd = open(a->log_file,
		    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		if (fd < 0) {
			fprintf(stderr, "Couldn't open logfile %s: %s\n",
			    a->log_file, strerror(errno));
			leave(EXIT_ERROR);
		}
		log_to_file(fd);
	}
}

/* ---- what the configuration asks us ---- */

static bool
run_match_exec(void *context, const char *command)
{
	int status = shell_run(command);

	return status != -1 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void
on_config_message(void *context, enum config_message kind, const char *text)
{
	if (kind == CONFIG_ERROR)
		log_error("%s", text);
	else
		log_info("%s", text);
}

static void
on_config_debug(void *context, const char *text)
{
	log_debug1("%s", text);
}

/* -W: what it implies holds unless somebody said otherwise. */
static int
imply_stdio_forward(struct ssh_options *o, struct error *e)
{
	int r =
	    ssh_options_set(o, SSH_OPTION_exit_on_forward_failure, "yes", e);

	return r != 0 ? r
		      : ssh_options_set(
			    o, SSH_OPTION_clear_all_forwardings, "yes", e);
}

static void
load_options(const struct arguments *a, const char *home, const char *user,
    struct ssh_options *o, struct ssh_tokens *tokens)
{
	struct ssh_options_source source = {
		.lines = &a->lines,
		.config_file = a->config_file,
		.home = home,
		.host = a->host,
		.port = a->port,
		.local_user = user,
		.command = a->command,
		.subsystem = a->is_subsystem,
		.run = run_match_exec,
		.message = on_config_message,
		.debug = on_config_debug,
	};
	struct error e = { 0 };
	int r;

	ssh_options_init(o);
	if ((r = ssh_options_load(o, &source, &e)) == 0 && a->is_stdio_forward)
		r = imply_stdio_forward(o, &e);
	if (r == 0)
		r = ssh_options_finish(o, &source, tokens, &e);
	if (r != 0)
		fatal("%s", error_message(&e, r));
}

/* ---- what is refused before a connection is made ---- */

/* These stand in many files (the system's own) and are missed only where
 * they apply: no warning at each login. */
static const char *const quiet_keywords[] = { "ControlMaster", "ControlPath",
	"ControlPersist", "GatewayPorts", "GSSAPIAuthentication",
	"GSSAPIDelegateCredentials" };

static bool
is_quiet_keyword(const char *text)
{
	for (size_t i = 0; i < ARRAY_COUNT(quiet_keywords); i++)
		if (text_starts_with(text, quiet_keywords[i]))
			return true;
	return false;
}

static void
refuse_unsupported(const struct arguments *a, const struct ssh_options *o)
{
	struct strings list = STRINGS_INIT, warnings = STRINGS_INIT;

	if (a->multiplex != NULL)
		fatal("ssh: -O: connection sharing is not supported yet");
	if (a->is_stdio_forward)
		fatal("ssh: -W: forwarding of standard input and output is "
		      "not supported yet");
	if (ssh_options_unsupported(o, true, &list) != 0 ||
	    ssh_options_unsupported(o, false, &warnings) != 0)
		fatal("ssh: out of memory");
	for (size_t i = 0; i < warnings.count; i++)
		log_at(is_quiet_keyword(warnings.item[i]) ? LOG_LEVEL_DEBUG1
							  : LOG_LEVEL_INFO,
		    "Warning: %s is not supported yet; going on without",
		    warnings.item[i]);
	for (size_t i = 0; i < list.count; i++)
		log_error("ssh: %s is not supported yet", list.item[i]);
	if (list.count > 0)
		leave(EXIT_ERROR);
	strings_release(&list);
	strings_release(&warnings);
}

/* The command to run, from either place; NULL: a shell. */
static const char *
choose_command(const struct arguments *a, const struct ssh_options *o)
{
	const char *command = a->command;

	if (o->remote_command != NULL) {
		if (command != NULL)
			fatal("Cannot execute command-line and remote "
			      "command.");
		command = o->remote_command;
	}
	if (o->session_type == SESSION_TYPE_SUBSYSTEM && command == NULL)
		fatal("You must specify a subsystem to invoke.");
	if (o->fork_after_authentication && command == NULL &&
	    o->session_type == SESSION_TYPE_DEFAULT)
		fatal("Cannot fork into background without a command to "
		      "execute.");
	return command;
}

NORETURN static void
print_options(const struct ssh_options *o, const char *host)
{
	struct buf out = BUF_INIT;

	ssh_options_dump(o, host, &out);
	if (buf_error(&out) != 0 ||
	    fd_write_all(STDOUT_FILENO, out.data, out.len) != 0)
		leave(EXIT_ERROR);
	leave(0);
}

int
main(int argc, char **argv)
{
	static struct arguments a;
	static struct ssh_options o;
	static struct ssh_tokens tokens;
	struct passwd *pw;
	const char *command;
	char *home, *user;

	open_standard_descriptors();
	port_no_trace();
	parent_take_environment();
	arguments_parse(&a, argc, argv);
	open_log(&a);
	if ((pw = getpwuid(getuid())) == NULL ||
	    (home = strdup(pw->pw_dir)) == NULL ||
	    (user = strdup(pw->pw_name)) == NULL)
		fatal("No user exists for uid %u", (unsigned)getuid());
	load_options(&a, home, user, &o, &tokens);
	if (a.print_options)
		print_options(&o, a.host);
	log_set_level((enum log_level)o.log_level);
	if (a.to_syslog)
		log_to_syslog("ssh", o.syslog_facility);
	log_debug1("%s, %s", VERSION_NAME, version_library());
	if (o.refuse_connection != NULL)
		fatal("%s", o.refuse_connection);
	if (a.print_identities)
		client_print_identities(&o, &tokens);
	command = choose_command(&a, &o);
	crypto_library_start_locked();
	refuse_unsupported(&a, &o);
	client_run(&a, &o, &tokens, home, command);
}
