/*
 * scp_main.c - scp: the command line, and which copy is of which kind.
 */
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/base/log.h"
#include "sftp/scp.h"

#define REQUESTS_MAX 65536
#define BUFFER_MAX   (16 * 1024 * 1024)

enum {
	OPTION_VERIFY = 256,
	OPTION_RESUME,
	OPTION_ATOMIC
};

/* The old protocol's roles, which a server's scp is started in. */
enum role {
	ROLE_CLIENT,
	ROLE_SOURCE, /* -f */
	ROLE_SINK    /* -t */
};

NORETURN static void
usage(void)
{
	fputs("usage: scp [-346ABCOpqRrsTv] [-c cipher] [-D sftp_server_path] "
	      "[-F ssh_config]\n"
	      "           [-i identity_file] [-J destination] [-l limit] "
	      "[-o ssh_option]\n"
	      "           [-P port] [-S program] [-X sftp_option] [--atomic] "
	      "[--resume]\n"
	      "           [--verify] source ... target\n",
	    stderr);
	exit(EXIT_FAILED);
}

PRINTF_LIKE(1, 0)
static void
say(const char *format, va_list args)
{
	char *text = NULL, *shown;

	if (vasprintf(&text, format, args) < 0)
		return;
	shown = text_escaped(span_text(text));
	fprintf(stderr, "scp: %s\n", shown != NULL ? shown : "");
	free(shown);
	free(text);
}

void
scp_fail(struct scp *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	s->failures++;
}

void
scp_die(int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	exit(status);
}

void *
scp_need(void *memory)
{
	if (memory == NULL)
		scp_die(EXIT_FAILED, "out of memory");
	return memory;
}

/* ---- flags ---- */

static void
pass(struct scp *s, const char *text)
{
	if (strings_add(&s->ssh, text) != 0)
		scp_need(NULL);
}

static uint32_t
number(const char *what, const char *text, long long max)
{
	long long v;

	if (!text_to_int(text, 1, max, &v))
		scp_die(EXIT_FAILED, "%s \"%s\"", what, text);
	return (uint32_t)v;
}

static void
sftp_option(struct scp *s, const char *text)
{
	if (text_starts_with(text, "nrequests="))
		s->requests = number("invalid number of requests",
		    text + strlen("nrequests="), REQUESTS_MAX);
	else if (text_starts_with(text, "buffer="))
		s->block = number("invalid buffer size",
		    text + strlen("buffer="), BUFFER_MAX);
	else
		scp_die(EXIT_FAILED, "invalid -X option \"%s\"", text);
}

/* Flags that are ssh's business. */
static bool
ssh_flag(struct scp *s, int flag, const char *value)
{
	const char text[] = { '-', (char)flag, '\0' };

	if (flag > 255 || strchr("46ACcFiJoqv", flag) == NULL)
		return false;
	pass(s, text);
	if (value != NULL)
		pass(s, value);
	return flag != 'q' && flag != 'v'; /* these are ours as well */
}

static bool
plain_flag(struct scp *s, int flag)
{
	switch (flag) {
	case '3':
		s->is_direct = false;
		return true;
	case 'd':
		s->wants_folder = true;
		return true;
	case 'O':
		s->is_old = true;
		return true;
	case 'p':
		s->preserve = true;
		return true;
	case 'q':
		s->is_quiet = true;
		return true;
	case 'R':
		s->is_direct = true;
		return true;
	case 'r':
		s->recursive = true;
		return true;
	case 's':
		s->is_old = false;
		return true;
	case 'T':
		s->is_unchecked = true;
		return true;
	case 'v':
		s->verbose++;
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
set_option(struct scp *s, enum role *role, int flag, const char *value)
{
	if (ssh_flag(s, flag, value) || plain_flag(s, flag))
		return;
	switch (flag) {
	case 'B':
		pass(s, "-oBatchmode yes");
		break;
	case 'D':
		s->server = value;
		break;
	case 'f':
		*role = ROLE_SOURCE;
		break;
	case 'l':
		s->bytes_per_second =
		    (uint64_t)number(
			"invalid bandwidth limit", value, 100 * 1024 * 1024) *
		    1024 / 8;
		break;
	case 'P':
		s->port = value;
		break;
	case 'S':
		s->program = value;
		break;
	case 't':
		*role = ROLE_SINK;
		break;
	case 'X':
		sftp_option(s, value);
		break;
	default:
		usage();
	}
}

/* ---- copies ---- */

static void
copy_between(struct scp *s, struct scp_place *sources, size_t count,
    struct scp_place *target)
{
	bool proves = s->verify || s->rehash || s->atomic;

	if (s->is_old && proves)
		scp_die(EXIT_FAILED,
		    "--verify, --resume and --atomic need SFTP: not with -O");
	/* The scp there may be any; what it left out nobody would hear of. */
	if (s->is_direct && target->is_remote && proves)
		for (size_t i = 0; i < count; i++)
			if (sources[i].is_remote)
				scp_die(EXIT_FAILED,
				    "--verify, --resume and --atomic are done "
				    "here: not with -R");
	if (s->is_direct && target->is_remote) {
		for (size_t i = 0; i < count; i++)
			if (sources[i].is_remote)
				scp_at_source(s, &sources[i], target);
			else
				scp_by_sftp(s, &sources[i], 1, target);
	} else if (s->is_old) {
		scp_by_rcp(s, sources, count, target);
	} else {
		scp_by_sftp(s, sources, count, target);
	}
}

static int
run(struct scp *s, char **argv, int argc)
{
	size_t count = (size_t)argc - 1;
	struct scp_place *places, *target;

	places = scp_need(calloc((size_t)argc, sizeof(*places)));
	for (int i = 0; i < argc; i++)
		scp_place_parse(argv[i], &places[i]);
	target = &places[count];
	copy_between(s, places, count, target);
	for (int i = 0; i < argc; i++)
		scp_place_release(&places[i]);
	free(places);
	return s->failures > 0 ? EXIT_FAILED : 0;
}

static void
allow_many_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
	/* Else fewer files are copied at a time. */
	IGNORE_RESULT(setrlimit(RLIMIT_NOFILE, &limit) != 0);
}

int
main(int argc, char **argv)
{
	static const struct option long_options[] = { { "verify", no_argument,
							  NULL, OPTION_VERIFY },
		{ "resume", no_argument, NULL, OPTION_RESUME },
		{ "atomic", no_argument, NULL, OPTION_ATOMIC },
		{ NULL, 0, NULL, 0 } };
	static struct scp s;
	enum role role = ROLE_CLIENT;
	int flag, status;

	setlocale(LC_ALL, "");
	signal(SIGPIPE, SIG_IGN);
	while ((flag = getopt_long(argc, argv,
		    "+346ABCc:D:dF:fi:J:l:Oo:P:pqRrS:sTtvX:", long_options,
		    NULL)) != -1)
		set_option(&s, &role, flag, optarg);
	argc -= optind;
	argv += optind;
	if (s.verbose > 0)
		log_set_level(LOG_LEVEL_DEBUG1);
	if (role == ROLE_SOURCE)
		scp_serve_source(&s, argv, argc);
	if (role == ROLE_SINK && argc == 1)
		scp_serve_sink(&s, argv[0]);
	if (argc < 2 || role != ROLE_CLIENT)
		usage();
	allow_many_files();
	status = run(&s, argv, argc);
	strings_release(&s.ssh);
	return status;
}
