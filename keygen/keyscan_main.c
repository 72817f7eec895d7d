/*
 * keyscan_main.c - ssh-keyscan: the command line.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/crypto/library.h"
#include "common/hosts/sshfp_text.h"
#include "common/transport/algorithm_names.h"
#include "keygen/keyscan.h"

int
complain(int status, const char *format, ...)
{
	va_list args;

	fflush(stdout);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return status;
}

static int
usage(void)
{
	return complain(1, "usage: ssh-keyscan [-46cDHqv] [-f file] "
			   "[-O hashalg=sha1 | sha256] [-p port]\n"
			   "                   [-T timeout] [-t type] "
			   "[host | addrlist namelist]");
}

/* As in the configuration: 90, 2m. */
static int
set_timeout(struct scan_options *o, const char *text)
{
	int64_t s;

	if (text_to_seconds(text, &s) != 0 || s < 1 || s > INT_MAX / 1000) {
		complain(0, "Bad timeout '%s'", text);
		return usage();
	}
	o->timeout_s = (unsigned)s;
	return 0;
}

static int
set_port(struct scan_options *o, const char *text)
{
	long long port;

	if (!text_to_int(text, 1, 65535, &port))
		return complain(1, "Bad port '%s'", text);
	o->port = (unsigned)port;
	return 0;
}

static int
set_option(struct scan_options *o, const char *text)
{
	if (!text_starts_with(text, "hashalg="))
		return complain(1,
		    "Unsupported option \"%s\": hashalg=sha1 and "
		    "hashalg=sha256 are known",
		    text);
	if (!sshfp_hash_find(text + strlen("hashalg="), &o->dns_hashes))
		return complain(1,
		    "Unsupported hash algorithm \"%s\": SSHFP records have "
		    "sha1 or sha256",
		    text + strlen("hashalg="));
	return 0;
}

static void
more_verbose(void)
{
	if (log_get_level() < LOG_LEVEL_DEBUG1)
		log_set_level(LOG_LEVEL_DEBUG1);
	else if (log_get_level() < LOG_LEVEL_DEBUG3)
		log_set_level(log_get_level() + 1);
}

/* What the command line says beside the options of the scan. */
struct arguments {
	const char *types;
	struct strings files;
};

static int
set_flag(struct scan_options *o, struct arguments *a, int flag)
{
	switch (flag) {
	case '4':
		o->family = AF_INET;
		return 0;
	case '6':
		o->family = AF_INET6;
		return 0;
	case 'c':
		o->with_certificates = true;
		return 0;
	case 'D':
		o->is_dns = true;
		return 0;
	case 'H':
		o->is_hashed = true;
		return 0;
	case 'q':
		o->is_quiet = true;
		return 0;
	case 'v':
		more_verbose();
		return 0;
	case 'f':
		return strings_add(&a->files, optarg) == 0
			   ? 0
			   : complain(1, "out of memory");
	case 'O':
		return set_option(o, optarg);
	case 'p':
		return set_port(o, optarg);
	case 'T':
		return set_timeout(o, optarg);
	case 't':
		a->types = optarg;
		return 0;
	default:
		return usage();
	}
}

static int
parse(int argc, char **argv, struct scan_options *o, struct arguments *a)
{
	int flag, status = 0;

	while (status == 0 &&
	       (flag = getopt(argc, argv, "46cDf:HO:p:qT:t:v")) != -1)
		status = set_flag(o, a, flag);
	o->arguments = argv + optind;
	o->argument_count = argc - optind;
	if (status == 0 && o->argument_count == 0 && a->files.count == 0)
		status = usage();
	if (status == 0)
		status = keyscan_set_types(o, a->types);
	return status;
}

/*
 * All algorithms that there are: old hosts have keys too, and nothing secret
 * travels. The quickest goes first.
 */
static int
load_algorithms(struct scan_options *o)
{
	struct algorithm_names names;

	if (algorithm_names_load(false, &names) != 0)
		return complain(1, "out of memory");
	o->kex = text_format("curve25519-sha256,ecdh-sha2-nistp256,%s",
	    names.family[CONFIG_KEX].known);
	o->ciphers = text_format("%s", names.family[CONFIG_CIPHERS].known);
	o->macs = text_format("%s", names.family[CONFIG_MACS].known);
	algorithm_names_release(&names);
	if (o->kex == NULL || o->ciphers == NULL || o->macs == NULL)
		return complain(1, "out of memory");
	return 0;
}

/* A closed standard descriptor would be given to a connection. */
static void
open_standard_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

int
main(int argc, char **argv)
{
	struct arguments a = { NULL, STRINGS_INIT };
	struct scan_options o = { .port = 22,
		.family = AF_UNSPEC,
		.timeout_s = TIMEOUT_DEFAULT_S,
		.dns_hashes = SSHFP_ALL,
		.files = &a.files };
	int status;

	open_standard_descriptors();
	crypto_library_start();
	if ((status = parse(argc, argv, &o, &a)) == 0 &&
	    (status = load_algorithms(&o)) == 0)
		status = scan_run(&o);
	if (fflush(stdout) != 0 && status == 0)
		status = complain(1, "cannot write the output");
	for (size_t i = 0; i < o.type_count; i++)
		free(o.types[i].algorithms);
	free(o.kex);
	free(o.ciphers);
	free(o.macs);
	strings_release(&a.files);
	return status;
}
