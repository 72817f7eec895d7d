/*
 * dns_records.c - ssh-keygen -r: the SSHFP records of a host's keys.
 * RFC 4255, RFC 6594, RFC 7479; surface notes s5.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/hosts/sshfp_text.h"
#include "keygen/keygen.h"

/* -O hashalg=...; 0 or the exit status. */
static int
read_hashes(const struct options *o, unsigned *ret)
{
	*ret = SSHFP_ALL;
	for (size_t i = 0; i < o->extra.count; i++) {
		const char *option = o->extra.item[i];

		if (!text_starts_with(option, "hashalg="))
			return complain(EXIT_FATAL,
			    "Unsupported option \"%s\": -r knows "
			    "hashalg=sha1 and hashalg=sha256",
			    option);
		if (!sshfp_hash_find(option + strlen("hashalg="), ret))
			return complain(EXIT_FATAL,
			    "Unsupported hash algorithm \"%s\": SSHFP "
			    "records have sha1 or sha256",
			    option + strlen("hashalg="));
	}
	return 0;
}

static int
print_records(const struct options *o, const struct key *k, unsigned hashes)
{
	struct buf text = BUF_INIT;
	int r = sshfp_write(k, o->record_name, hashes, o->is_generic, &text);

	if (r == 0)
		fwrite(text.data, 1, text.len, stdout);
	else if (r == ERR_UNSUPPORTED)
		complain(0, "export_dns_rr: unsupported algorithm: %s",
		    key_type_name(k));
	buf_release(&text);
	return r == ERR_MEMORY ? complain(EXIT_FATAL, "out of memory") : 0;
}

static int
print_file(const struct options *o, unsigned hashes)
{
	struct key *k;
	int status = load_either(o, o->file, &k);

	if (status != 0)
		return status;
	status = print_records(o, k, hashes);
	key_unref(k);
	return status;
}

/* The host's own keys, as many as it has. */
static int
print_host_keys(const struct options *o, unsigned hashes)
{
	static const char *const types[] = { "rsa", "ecdsa", "ed25519" };
	bool found = false;
	int status = 0;

	for (size_t i = 0; i < ARRAY_COUNT(types) && status == 0; i++) {
		char *path = text_format(
		    "%s/ssh_host_%s_key.pub", SHEETBEND_SYSCONFDIR, types[i]);
		struct key *k = NULL;

		if (path == NULL)
			return complain(EXIT_FATAL, "out of memory");
		if (key_public_load(path, &k, NULL) == 0) {
			found = true;
			status = print_records(o, k, hashes);
			key_unref(k);
		}
		free(path);
	}
	if (!found)
		return complain(
		    EXIT_FATAL, "no keys found in %s", SHEETBEND_SYSCONFDIR);
	return status;
}

int
keygen_show_dns_records(const struct options *o)
{
	unsigned hashes;
	int status = read_hashes(o, &hashes);

	if (status != 0)
		return status;
	return o->file != NULL ? print_file(o, hashes)
			       : print_host_keys(o, hashes);
}
