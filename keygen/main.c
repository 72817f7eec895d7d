/*
 * main.c - ssh-keygen: the command line.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/crypto/cipher.h"
#include "keygen/keygen.h"

/* Every flag that ssh-keygen is known to have, so that an argument is never
 * mistaken for one; those of NOT_YET are refused by name. */
#define FLAGS                                                                  \
	"ABceghHiKkLlpQqUuvXya:b:C:D:E:F:f:I:M:m:N:n:O:P:R:r:s:t:V:w:Y:Z:z:"
#define NOT_YET "BegHiKkQUuXDFMRrwY"

typedef int mode(const struct options *o);

static int
usage(void)
{
	return complain(EXIT_USAGE,
	    "usage: ssh-keygen [-q] [-a rounds] [-b bits] [-C comment] "
	    "[-f output_keyfile]\n"
	    "                  [-m format] [-N new_passphrase] "
	    "[-t ecdsa | ed25519 | rsa]\n"
	    "                  [-Z cipher]\n"
	    "       ssh-keygen -p [-a rounds] [-f keyfile] [-m format] "
	    "[-N new_passphrase]\n"
	    "                  [-P old_passphrase] [-Z cipher]\n"
	    "       ssh-keygen -c [-a rounds] [-C comment] [-f keyfile] "
	    "[-P passphrase]\n"
	    "       ssh-keygen -y [-f input_keyfile] [-P passphrase]\n"
	    "       ssh-keygen -l [-v] [-E fingerprint_hash] "
	    "[-f input_keyfile]\n"
	    "       ssh-keygen -s ca_key -I certificate_identity [-h] "
	    "[-n principals]\n"
	    "                  [-O option] [-P passphrase] [-t type] "
	    "[-V validity_interval]\n"
	    "                  [-z serial_number] file ...\n"
	    "       ssh-keygen -L [-f input_keyfile]\n"
	    "       ssh-keygen -A [-a rounds] [-f prefix_path]");
}

static int
set_number(const char *text, const char *what, long long max, unsigned *ret)
{
	long long v;

	if (!text_to_int(text, 1, max, &v))
		return complain(EXIT_USAGE,
		    "%s has bad value %s (a number from 1 to %lld is wanted)",
		    what, text, max);
	*ret = (unsigned)v;
	return 0;
}

static int
set_format(struct options *o, const char *name)
{
	if (strcasecmp(name, "RFC4716") == 0)
		o->format = KEY_FORMAT_OPENSSH;
	else if (strcasecmp(name, "PEM") == 0)
		o->format = KEY_FORMAT_PEM;
	else if (strcasecmp(name, "PKCS8") == 0)
		o->format = KEY_FORMAT_PKCS8;
	else
		return complain(EXIT_USAGE,
		    "Unsupported conversion format \"%s\" "
		    "(RFC4716, PEM and PKCS8 are known)",
		    name);
	o->has_format = true;
	return 0;
}

static int
set_cipher(struct options *o, const char *name)
{
	const struct cipher_algorithm *a = cipher_find(span_text(name));

	if (a == NULL || (a->flags & CIPHER_INTERNAL))
		return complain(
		    EXIT_USAGE, "Invalid OpenSSH-format cipher '%s'", name);
	o->cipher = name;
	return 0;
}

static int
set_hash(struct options *o, const char *name)
{
	if (digest_find(name, &o->hash) != 0)
		return complain(
		    EXIT_USAGE, "Invalid hash algorithm \"%s\"", name);
	return 0;
}

static int
set_verbose(struct options *o)
{
	log_set_level(o->is_verbose ? LOG_LEVEL_DEBUG3 : LOG_LEVEL_DEBUG1);
	o->is_verbose = true;
	return 0;
}

static int
set_text(const char **to, const char *value)
{
	*to = value;
	return 0;
}

/* The flags that have a value or set a switch. 0, or the exit status. */
static int
set_option(struct options *o, int flag, const char *value)
{
	switch (flag) {
	case 'a':
		return set_number(value, "Rounds", 65536, &o->rounds);
	case 'b':
		return set_number(value, "Bits", INT_MAX, &o->bits);
	case 'C':
		return set_text(&o->comment, value);
	case 'E':
		return set_hash(o, value);
	case 'f':
		return set_text(&o->file, value);
	case 'm':
		return set_format(o, value);
	case 'N':
		return set_text(&o->new_passphrase, value);
	case 'h':
		o->is_host = true;
		return 0;
	case 'I':
		return set_text(&o->key_id, value);
	case 'n':
		return set_text(&o->principals, value);
	case 'O':
		if (strings_add(&o->extra, value) != 0)
			return complain(EXIT_FATAL, "out of memory");
		return 0;
	case 'P':
		return set_text(&o->passphrase, value);
	case 'q':
		o->is_quiet = true;
		return 0;
	case 's':
		return set_text(&o->ca_key, value);
	case 't':
		return set_text(&o->type, value);
	case 'V':
		return set_text(&o->validity, value);
	case 'v':
		return set_verbose(o);
	case 'Z':
		return set_cipher(o, value);
	case 'z':
		return set_text(&o->serial, value);
	default:
		return usage();
	}
}

static mode *
mode_of(int flag)
{
	switch (flag) {
	case 'A':
		return keygen_host_keys;
	case 'c':
		return keygen_change_comment;
	case 'L':
		return keygen_show_certificates;
	case 'l':
		return keygen_show_fingerprints;
	case 'p':
		return keygen_change_passphrase;
	case 's':
		return keygen_sign_certificates;
	case 'y':
		return keygen_show_public;
	default:
		return NULL;
	}
}

/* Of what was given beside the mode: -O and arguments are for certificates
 * alone. */
static int
check_rest(const struct options *o, mode *chosen)
{
	if (chosen == keygen_sign_certificates)
		return 0;
	if (o->extra.count > 0)
		return complain(EXIT_USAGE,
		    "ssh-keygen: -O %s is not supported yet without -s "
		    "(options of security keys)",
		    o->extra.item[0]);
	if (o->argument_count > 0)
		return complain(EXIT_USAGE, "Too many arguments.");
	return 0;
}

/* 0, or the exit status. *ret stays NULL where no mode was named. */
static int
parse(int argc, char **argv, struct options *o, mode **ret)
{
	int flag, status;

	opterr = 0;
	while ((flag = getopt(argc, argv, FLAGS)) != -1) {
		mode *m = mode_of(flag);

		if (flag == '?')
			return usage();
		if (strchr(NOT_YET, flag) != NULL)
			return complain(EXIT_USAGE,
			    "ssh-keygen: -%c is not supported yet", flag);
		if (m != NULL && *ret != NULL && *ret != m)
			return complain(EXIT_USAGE,
			    "ssh-keygen: only one of -A, -c, -L, -l, -p, -s "
			    "and -y may be given");
		if (m != NULL)
			*ret = m;
		if ((m == NULL || optarg != NULL) &&
		    (status = set_option(o, flag, optarg)) != 0)
			return status;
	}
	o->arguments = argv + optind;
	o->argument_count = argc - optind;
	return check_rest(o, *ret);
}

/* A closed standard descriptor would be given to a key file. */
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
	struct options o = { .hash = DIGEST_SHA256 };
	mode *chosen = NULL;
	int status;

	open_standard_descriptors();
	if ((status = parse(argc, argv, &o, &chosen)) != 0)
		return status;
	status = chosen == NULL ? keygen_generate(&o) : chosen(&o);
	if (fflush(stdout) != 0 && status == 0)
		status = complain(EXIT_FATAL, "cannot write the output");
	strings_release(&o.extra);
	return status;
}
