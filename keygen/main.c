/*
 * main.c - ssh-keygen: the command line.
 */
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/base/text.h"
#include "common/crypto/cipher.h"
#include "common/crypto/library.h"
#include "common/port/port.h"
#include "keygen/keygen.h"

typedef int mode(const struct options *o);

/*
 * What ssh-keygen can be asked to do. Of several flags the first row that was
 * given is the mode; the flag of a later one then only says more (-F with -l,
 * -k with -s, -s with -D).
 */
/* clang-format off */
static const struct mode_row {
	char flag;
	mode *run;
	bool takes_options;   /* -O */
	bool takes_arguments; /* what follows the flags */
} mode_rows[] = {
	{ 'k', keygen_krl_make,                 false, true },
	{ 'Q', keygen_krl_query,                false, true },
	{ 'Y', keygen_sshsig,                   true,  true },
	{ 's', keygen_sign_certificates,        true,  true },
	{ 'L', keygen_show_certificates,        false, false },
	{ 'F', keygen_find_host,                false, false },
	{ 'R', keygen_remove_host,              false, false },
	{ 'H', keygen_hash_hosts,               false, false },
	{ 'D', keygen_token_list,               false, false },
	{ 'K', keygen_resident_keys,            true,  false },
	{ 'l', keygen_show_fingerprints,        false, false },
	{ 'B', keygen_show_bubblebabble,        false, false },
	{ 'p', keygen_change_passphrase,        true,  false },
	{ 'c', keygen_change_comment,           false, false },
	{ 'e', keygen_export,                   false, false },
	{ 'i', keygen_import,                   false, false },
	{ 'X', keygen_import,                   false, false },
	{ 'y', keygen_show_public,              false, false },
	{ 'r', keygen_show_dns_records,         true, false },
	{ 'M', keygen_moduli,                   true,  true },
	{ 'A', keygen_host_keys,                false, false },
};

static const struct mode_row generate_row = {
	'\0', keygen_generate, true, false
};
/* clang-format on */

static int
usage(void)
{
	return complain(EXIT_USAGE,
	    "usage: ssh-keygen [-q] [-a rounds] [-b bits] [-C comment] "
	    "[-f output_keyfile]\n"
	    "                  [-m format] [-N new_passphrase] "
	    "[-O option]\n"
	    "                  [-t ecdsa | ecdsa-sk | ed25519 | ed25519-sk | "
	    "mldsa44-ed25519 | rsa]\n"
	    "                  [-w provider] [-Z cipher]\n"
	    "       ssh-keygen -p [-a rounds] [-f keyfile] [-m format] "
	    "[-N new_passphrase]\n"
	    "                  [-O option] [-P old_passphrase] [-Z cipher]\n"
	    "       ssh-keygen -c [-a rounds] [-C comment] [-f keyfile] "
	    "[-P passphrase]\n"
	    "       ssh-keygen -i [-f input_keyfile] [-m key_format] "
	    "[-P passphrase]\n"
	    "       ssh-keygen -e [-f input_keyfile] [-m key_format] "
	    "[-P passphrase]\n"
	    "       ssh-keygen -y [-f input_keyfile] [-P passphrase]\n"
	    "       ssh-keygen -l [-v] [-E fingerprint_hash] "
	    "[-f input_keyfile]\n"
	    "       ssh-keygen -B [-v] [-f input_keyfile]\n"
	    "       ssh-keygen -F hostname [-Hlqv] [-E fingerprint_hash] "
	    "[-f known_hosts_file]\n"
	    "       ssh-keygen -H [-f known_hosts_file]\n"
	    "       ssh-keygen -R hostname [-f known_hosts_file]\n"
	    "       ssh-keygen -M generate [-b bits] [-O option] "
	    "output_file\n"
	    "       ssh-keygen -M screen [-f input_file] [-O option] "
	    "output_file\n"
	    "       ssh-keygen -r hostname [-g] [-f input_keyfile] "
	    "[-O hashalg=sha1 | sha256]\n"
	    "       ssh-keygen -s ca_key -I certificate_identity [-hU] "
	    "[-D pkcs11_provider]\n"
	    "                  [-n principals] [-O option] [-P passphrase] "
	    "[-t type] "
	    "[-V validity_interval]\n"
	    "                  [-z serial_number] file ...\n"
	    "       ssh-keygen -L [-f input_keyfile]\n"
	    "       ssh-keygen -D pkcs11_provider [-lv]\n"
	    "       ssh-keygen -K [-a rounds] [-N passphrase] "
	    "[-O device=path] [-w provider]\n"
	    "       ssh-keygen -A [-a rounds] [-f prefix_path]\n"
	    "       ssh-keygen -k -f krl_file [-u] [-C comment] [-s ca_public] "
	    "[-z version_number]\n"
	    "                  file ...\n"
	    "       ssh-keygen -Q [-l] -f krl_file [file ...]\n"
	    "       ssh-keygen -Y find-principals -s signature_file "
	    "-f allowed_signers_file\n"
	    "       ssh-keygen -Y match-principals -I signer_identity "
	    "-f allowed_signers_file\n"
	    "       ssh-keygen -Y check-novalidate -n namespace "
	    "-s signature_file\n"
	    "       ssh-keygen -Y sign -f key_file -n namespace [-O option] "
	    "[-U] [file ...]\n"
	    "       ssh-keygen -Y verify -f allowed_signers_file "
	    "-I signer_identity\n"
	    "                  -n namespace -s signature_file [-r krl_file] "
	    "[-O option]");
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
	o->has_hash = true;
	return 0;
}

static int
set_rounds(struct options *o, const char *value)
{
	return set_number(value, "Rounds", 65536, &o->rounds);
}

static int
set_bits(struct options *o, const char *value)
{
	return set_number(value, "Bits", INT_MAX, &o->bits);
}

static int
add_extra(struct options *o, const char *value)
{
	if (strings_add(&o->extra, value) != 0)
		return complain(EXIT_FATAL, "out of memory");
	return 0;
}

static int
set_verbose(struct options *o, const char *value)
{
	o->verbosity++;
	log_set_level(o->verbosity == 1   ? LOG_LEVEL_DEBUG1
		      : o->verbosity == 2 ? LOG_LEVEL_DEBUG2
					  : LOG_LEVEL_DEBUG3);
	return 0;
}

/* ---- flags ---- */

enum flag_kind {
	NAMES_MODE, /* and says nothing more */
	IS_SWITCH,  /* a bool at offset */
	IS_COUNTED, /* calls set without a value */
	HAS_TEXT,   /* a const char * at offset */
	HAS_SECRET, /* a char * at offset, wiped where `ps` would show it */
	HAS_VALUE   /* calls set */
};

#define AT(field) offsetof(struct options, field), NULL
#define BY(set)   0, set

/* clang-format off */
static const struct flag_row {
	char flag;
	enum flag_kind kind;
	size_t offset;
	int (*set)(struct options *o, const char *value);
} flag_rows[] = {
	{ 'A', NAMES_MODE, 0, NULL },
	{ 'a', HAS_VALUE,  BY(set_rounds) },
	{ 'B', NAMES_MODE, 0, NULL },
	{ 'b', HAS_VALUE,  BY(set_bits) },
	{ 'C', HAS_TEXT,   AT(comment) },
	{ 'c', NAMES_MODE, 0, NULL },
	{ 'D', HAS_TEXT,   AT(provider) },
	{ 'E', HAS_VALUE,  BY(set_hash) },
	{ 'e', NAMES_MODE, 0, NULL },
	{ 'F', HAS_TEXT,   AT(host) },
	{ 'f', HAS_TEXT,   AT(file) },
	{ 'g', IS_SWITCH,  AT(is_generic) },
	{ 'H', IS_SWITCH,  AT(is_hashed) },
	{ 'h', IS_SWITCH,  AT(is_host) },
	{ 'I', HAS_TEXT,   AT(key_id) },
	{ 'i', NAMES_MODE, 0, NULL },
	{ 'K', NAMES_MODE, 0, NULL },
	{ 'k', NAMES_MODE, 0, NULL },
	{ 'L', NAMES_MODE, 0, NULL },
	{ 'l', IS_SWITCH,  AT(with_fingerprint) },
	{ 'M', HAS_TEXT,   AT(operation) },
	{ 'm', HAS_VALUE,  BY(set_format) },
	{ 'N', HAS_SECRET, AT(new_passphrase) },
	{ 'n', HAS_TEXT,   AT(principals) },
	{ 'O', HAS_VALUE,  BY(add_extra) },
	{ 'P', HAS_SECRET, AT(passphrase) },
	{ 'p', NAMES_MODE, 0, NULL },
	{ 'Q', NAMES_MODE, 0, NULL },
	{ 'q', IS_SWITCH,  AT(is_quiet) },
	{ 'R', HAS_TEXT,   AT(host) },
	{ 'r', HAS_TEXT,   AT(record_name) },
	{ 's', HAS_TEXT,   AT(ca_key) },
	{ 't', HAS_TEXT,   AT(type) },
	{ 'U', IS_SWITCH,  AT(in_agent) },
	{ 'u', IS_SWITCH,  AT(is_update) },
	{ 'V', HAS_TEXT,   AT(validity) },
	{ 'v', IS_COUNTED, BY(set_verbose) },
	{ 'w', HAS_TEXT,   AT(security_key_provider) },
	{ 'X', NAMES_MODE, 0, NULL },
	{ 'Y', HAS_TEXT,   AT(operation) },
	{ 'y', NAMES_MODE, 0, NULL },
	{ 'Z', HAS_VALUE,  BY(set_cipher) },
	{ 'z', HAS_TEXT,   AT(serial) },
};
/* clang-format on */

/* For getopt(3). */
static void
list_flags(char ret[static 2 * ARRAY_COUNT(flag_rows) + 1])
{
	for (size_t i = 0; i < ARRAY_COUNT(flag_rows); i++) {
		*ret++ = flag_rows[i].flag;
		if (flag_rows[i].kind >= HAS_TEXT)
			*ret++ = ':';
	}
	*ret = '\0';
}

static int
take_secret(char **field, char *value)
{
	secret_free_text(*field);
	if ((*field = strdup(value)) == NULL)
		return complain(EXIT_FATAL, "out of memory");
	secret_wipe(value, strlen(value));
	return 0;
}

static int
set_option(struct options *o, const struct flag_row *row, char *value)
{
	char *field = (char *)o + row->offset;

	switch (row->kind) {
	case NAMES_MODE:
		break;
	case IS_SWITCH:
		*(bool *)field = true;
		break;
	case HAS_TEXT:
		*(const char **)field = value;
		break;
	case HAS_SECRET:
		return take_secret((char **)field, value);
	case IS_COUNTED:
	case HAS_VALUE:
		return row->set(o, value);
	}
	return 0;
}

static const struct flag_row *
find_flag(int flag)
{
	for (size_t i = 0; i < ARRAY_COUNT(flag_rows); i++)
		if (flag_rows[i].flag == flag)
			return &flag_rows[i];
	return NULL;
}

static const struct mode_row *
choose_mode(const bool given[static UCHAR_MAX + 1])
{
	for (size_t i = 0; i < ARRAY_COUNT(mode_rows); i++)
		if (given[(unsigned char)mode_rows[i].flag])
			return &mode_rows[i];
	return &generate_row;
}

static int
check_mode(const struct mode_row *m, const struct options *o)
{
	if (o->extra.count > 0 && !m->takes_options)
		return complain(EXIT_USAGE,
		    "ssh-keygen: -O %s says nothing here: it goes with -M, "
		    "-r, -s and -Y",
		    o->extra.item[0]);
	if (o->argument_count > 0 && !m->takes_arguments)
		return complain(EXIT_USAGE, "Too many arguments.");
	return 0;
}

/* 0, or the exit status. */
static int
parse(int argc, char **argv, struct options *o, const struct mode_row **ret)
{
	char flags[2 * ARRAY_COUNT(flag_rows) + 1];
	bool given[UCHAR_MAX + 1] = { false };
	int flag, status;

	list_flags(flags);
	while ((flag = getopt(argc, argv, flags)) != -1) {
		const struct flag_row *row = find_flag(flag);

		if (row == NULL)
			return usage();
		given[(unsigned char)flag] = true;
		if ((status = set_option(o, row, optarg)) != 0)
			return status;
	}
	if (given['p'] && given['c'])
		return complain(EXIT_USAGE, "Can only have one of -p and -c.");
	o->arguments = argv + optind;
	o->argument_count = argc - optind;
	*ret = choose_mode(given);
	return check_mode(*ret, o);
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
	const struct mode_row *chosen = NULL;
	int status;

	open_standard_descriptors();
	port_no_trace();
	crypto_library_start_locked();
	if ((status = parse(argc, argv, &o, &chosen)) != 0)
		return status;
	status = chosen->run(&o);
	if (fflush(stdout) != 0 && status == 0)
		status = complain(EXIT_FATAL, "cannot write the output");
	strings_release(&o.extra);
	secret_free_text(o.new_passphrase);
	secret_free_text(o.passphrase);
	return status;
}
