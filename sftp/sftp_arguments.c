/*
 * sftp_arguments.c - the command line of sftp.
 */
#include "sftp/sftp_arguments.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log.h"
#include "sftp/client_ssh.h"

#define REQUESTS_MAX 65536
#define BUFFER_MAX   (16 * 1024 * 1024)

enum {
	OPTION_VERIFY = 256,
	OPTION_RESUME,
	OPTION_ATOMIC
};

/* What becomes of the command line. */
struct parsing {
	struct arguments *a;
	struct sftp *s;
	struct strings ssh; /* options that ssh gets */
	const char *program;
	const char *subsystem;
	char *user;
	char *port;
	bool is_noisy;
	unsigned verbose;
};

NORETURN static void
usage(void)
{
	fprintf(stderr,
	    "usage: sftp [-46AaCfNpqrv] [-B buffer_size] [-b batchfile] "
	    "[-c cipher]\n"
	    "          [-D sftp_server_command] [-F ssh_config] "
	    "[-i identity_file]\n"
	    "          [-J destination] [-l limit] [-o ssh_option] [-P port]\n"
	    "          [-R num_requests] [-S program] "
	    "[-s subsystem | sftp_server]\n"
	    "          [-X sftp_option] [--atomic] [--resume] [--verify] "
	    "destination\n");
	exit(1);
}

NORETURN static void
refuse(const char *what, const char *value)
{
	fprintf(stderr, "sftp: %s \"%s\"\n", what, value);
	exit(1);
}

static void
add(struct strings *to, const char *text)
{
	if (strings_add(to, text) != 0)
		sftp_out_of_memory();
}

static uint32_t
number(const char *what, const char *text, long long max)
{
	long long v;

	if (!text_to_int(text, 1, max, &v))
		refuse(what, text);
	return (uint32_t)v;
}

static void
sftp_option(struct parsing *p, const char *text)
{
	if (text_starts_with(text, "nrequests="))
		p->s->requests = number("Invalid number of requests",
		    text + strlen("nrequests="), REQUESTS_MAX);
	else if (text_starts_with(text, "buffer="))
		p->s->block = number("Invalid buffer size",
		    text + strlen("buffer="), BUFFER_MAX);
	else
		refuse("Invalid -X option", text);
}

/* Flags that are ssh's business. */
static bool
ssh_flag(struct parsing *p, int flag, const char *value)
{
	const char text[] = { '-', (char)flag, '\0' };

	if (flag > 255 || strchr("46ACciFJo", flag) == NULL)
		return false;
	add(&p->ssh, text);
	if (value != NULL)
		add(&p->ssh, value);
	return true;
}

static bool
copy_flag(struct sftp *s, int flag)
{
	switch (flag) {
	case 'a':
		s->resume = true;
		return true;
	case 'f':
		s->sync = true;
		return true;
	case 'p':
		s->preserve = true;
		return true;
	case 'r':
		s->recursive = true;
		return true;
	case OPTION_VERIFY:
		s->verify = true;
		return true;
	case OPTION_RESUME:
		s->rehash = true;
		return true;
	case OPTION_ATOMIC:
		s->atomic = true;
		return true;
	default:
		return false;
	}
}

static void
set_batch(struct parsing *p, const char *name)
{
	if (p->a->batch != NULL)
		refuse("Batch file already specified, so not", name);
	p->a->batch = name;
	p->s->is_batch = p->s->is_quiet = true;
	add(&p->ssh, "-oBatchMode yes");
}

static void
set_option(struct parsing *p, int flag, char *value)
{
	if (ssh_flag(p, flag, value) || copy_flag(p->s, flag))
		return;
	switch (flag) {
	case 'B':
		p->s->block = number("Invalid buffer size", value, BUFFER_MAX);
		break;
	case 'b':
		set_batch(p, value);
		break;
	case 'D':
		p->a->is_direct = true;
		p->a->direct = value;
		break;
	case 'l':
		p->a->bytes_per_second =
		    (uint64_t)number(
			"Invalid bandwidth limit", value, 100 * 1024 * 1024) *
		    1024 / 8;
		break;
	case 'N':
		p->is_noisy = true;
		break;
	case 'P':
		free(p->port);
		p->port = sftp_need(strdup(value));
		break;
	case 'q':
		p->s->is_quiet = true;
		add(&p->ssh, "-q");
		break;
	case 'R':
		p->s->requests =
		    number("Invalid number of requests", value, REQUESTS_MAX);
		break;
	case 'S':
		p->program = value;
		break;
	case 's':
		p->subsystem = value;
		break;
	case 'v':
		p->verbose++;
		add(&p->ssh, "-v");
		break;
	case 'X':
		sftp_option(p, value);
		break;
	default:
		usage();
	}
}

static void
take_destination(struct parsing *p, const char *text)
{
	struct client_destination d;
	struct error e = { 0 };

	if (client_destination_parse("sftp", text, &d, &e) != 0) {
		fprintf(stderr, "sftp: %s\n", error_message(&e, e.code));
		exit(1);
	}
	p->a->host = d.host;
	p->a->path = d.path;
	p->user = d.user;
	/* -P says more than the destination does. */
	if (d.port != NULL && p->port == NULL)
		p->port = d.port;
	else
		free(d.port);
}

/* ---- the way to the server ---- */

static void
way_direct(struct parsing *p)
{
	struct words w;
	const char *wrong = words_parse(p->a->direct, false, &w);

	if (wrong != NULL || w.count == 0)
		refuse("Invalid server command", p->a->direct);
	for (size_t i = 0; i < w.count; i++)
		add(&p->a->way, w.item[i].plain);
	words_release(&w);
}

static void
way_ssh(struct parsing *p)
{
	struct client_ssh_command c = {
		.program = p->program,
		.options = &p->ssh,
		.user = p->user,
		.port = p->port,
		.host = p->a->host,
		.command = p->subsystem != NULL ? p->subsystem : "sftp",
		.is_subsystem =
		    p->subsystem == NULL || strchr(p->subsystem, '/') == NULL,
	};

	if (client_ssh_arguments(&c, &p->a->way) != 0)
		sftp_out_of_memory();
}

static void
finish(struct parsing *p, int count, char **rest)
{
	struct sftp *s = p->s;

	if (p->a->is_direct) {
		if (count > 0)
			p->a->path = sftp_need(strdup(rest[0]));
		way_direct(p);
	} else {
		if (count < 1)
			usage();
		take_destination(p, rest[0]);
		way_ssh(p);
	}
	if (count > 1)
		p->a->target = rest[1];
	if (count > 2)
		usage();
	if (p->is_noisy)
		s->is_quiet = false;
	s->is_interactive = !s->is_batch && isatty(STDIN_FILENO);
	s->has_progress = !s->is_batch && isatty(STDOUT_FILENO);
	if (p->verbose > 0)
		log_set_level(p->verbose > 2   ? LOG_LEVEL_DEBUG3
			      : p->verbose > 1 ? LOG_LEVEL_DEBUG2
					       : LOG_LEVEL_DEBUG1);
}

void
arguments_parse(
    struct arguments *ret, struct sftp *ret_s, int argc, char **argv)
{
	static const struct option long_options[] = { { "verify", no_argument,
							  NULL, OPTION_VERIFY },
		{ "resume", no_argument, NULL, OPTION_RESUME },
		{ "atomic", no_argument, NULL, OPTION_ATOMIC },
		{ NULL, 0, NULL, 0 } };
	struct parsing p = { .a = ret, .s = ret_s };
	int option;

	memset(ret, 0, sizeof(*ret));
	while ((option = getopt_long(argc, argv,
		    "+46AaB:b:Cc:D:F:fi:J:l:No:P:pqR:rS:s:vX:", long_options,
		    NULL)) != -1)
		set_option(&p, option, optarg);
	finish(&p, argc - optind, argv + optind);
	strings_release(&p.ssh);
	free(p.user);
	free(p.port);
}

void
arguments_release(struct arguments *a)
{
	strings_release(&a->way);
	free(a->host);
	free(a->path);
}
