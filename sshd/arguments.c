/*
 * arguments.c - reads the command line. Surface notes s3.
 */
#include "sshd/arguments.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "common/base/log.h"

NORETURN static void
usage(void)
{
	fprintf(stderr,
	    "Sheetbend_" SHEETBEND_VERSION ", %s\n"
	    "usage: sshd [-46DdeGiqTtV] [-C connection_spec] "
	    "[-c host_cert_file]\n"
	    "            [-E log_file] [-f config_file] [-g login_grace_time]\n"
	    "            [-h host_key_file] [-o option] [-p port] [-u len]\n",
	    OpenSSL_version(OPENSSL_VERSION));
	exit(1);
}

NORETURN static void
version(void)
{
	fprintf(stderr,
	    "Sheetbend_" SHEETBEND_VERSION
	    " (compatible with OpenSSH_10.5p1), %s\n",
	    OpenSSL_version(OPENSSL_VERSION));
	exit(0);
}

static void
take(struct strings *list, char *text)
{
	if (text == NULL || strings_take(list, text) != 0) {
		log_fatal("out of memory");
		exit(255);
	}
}

static void
line(struct arguments *a, const char *keyword, const char *value)
{
	take(&a->lines, text_format("%s %s", keyword, value));
}

static void
port(struct arguments *a, const char *text)
{
	long long n;

	if (!text_to_int(text, 1, 65535, &n)) {
		fprintf(stderr, "Bad port number.\n");
		exit(1);
	}
	a->ports_given = true;
	line(a, "Port", text);
}

static void
grace(struct arguments *a, const char *text)
{
	int64_t seconds;

	if (text_to_seconds(text, &seconds) != 0) {
		fprintf(stderr, "Invalid login grace time.\n");
		exit(1);
	}
	line(a, "LoginGraceTime", text);
}

#define DEBUG_MOST 3

static void
debug(struct arguments *a)
{
	if (a->debug < DEBUG_MOST)
		a->debug++;
	log_set_level((enum log_level)(LOG_LEVEL_DEBUG1 + a->debug - 1));
}

static void
finish_debug(struct arguments *a)
{
	static const char *const levels[] = { "", "DEBUG1", "DEBUG2",
		"DEBUG3" };

	if (a->debug > 0)
		line(a, "LogLevel", levels[a->debug]);
}

static void
one_flag(struct arguments *a, int flag, const char *value)
{
	switch (flag) {
	case '4':
		line(a, "AddressFamily", "inet");
		break;
	case '6':
		line(a, "AddressFamily", "inet6");
		break;
	case 'C':
		take(&a->specs, text_format("%s", value));
		break;
	case 'c':
		line(a, "HostCertificate", value);
		break;
	case 'D':
		a->foreground = true;
		break;
	case 'd':
		debug(a);
		break;
	case 'E':
		a->log_file = value;
		break;
	case 'e':
		a->log_stderr = true;
		break;
	case 'f':
		a->config_file = value;
		break;
	case 'G':
		a->dump_only = true;
		break;
	case 'g':
		grace(a, value);
		break;
	case 'h':
		line(a, "HostKey", value);
		break;
	case 'i':
		a->inetd = true;
		break;
	case 'o':
		take(&a->lines, text_format("%s", value));
		break;
	case 'p':
		port(a, value);
		break;
	case 'q':
		line(a, "LogLevel", "QUIET");
		log_set_level(LOG_LEVEL_QUIET);
		break;
	case 'r':
		fprintf(stderr, "sshd: option -r is deprecated\n");
		break;
	case 'T':
		a->extended_test = true;
		break;
	case 't':
		a->test = true;
		break;
	case 'V':
		version();
	case 'b':
	case 'k':
	case 'Q':
	case 'u':
		break;
	default:
		usage();
	}
}

void
arguments_parse(struct arguments *a, int argc, char **argv)
{
	int flag;

	*a = (struct arguments){ .config_file = SSHD_CONFIG_DEFAULT };
	while ((flag = getopt(
		    argc, argv, "46b:C:c:DdE:ef:Gg:h:ik:o:p:Q:qrTtu:V")) != -1)
		one_flag(a, flag, optarg);
	if (optind < argc) {
		fprintf(stderr, "Extra argument %s.\n", argv[optind]);
		exit(1);
	}
	finish_debug(a);
}

void
arguments_release(struct arguments *a)
{
	strings_release(&a->lines);
	strings_release(&a->specs);
}
