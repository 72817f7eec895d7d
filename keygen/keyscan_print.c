/*
 * keyscan_print.c - what ssh-keyscan found, as lines of known_hosts or of a
 * DNS zone.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/hosts/known_hosts.h"
#include "common/hosts/sshfp_text.h"
#include "keygen/keyscan.h"

static void
print_known_host(
    const struct scan_options *o, const char *name, const struct key *k)
{
	char *host = known_hosts_name(name, o->port);
	char *hash = NULL, *line = key_public_line(k, NULL);

	if (host != NULL && o->is_hashed)
		hash = known_hosts_hash(host);
	if (host == NULL || line == NULL || (o->is_hashed && hash == NULL))
		complain(0, "out of memory");
	else if (o->with_certificates)
		printf("%s\n", line); /* says itself which hosts it is for */
	else
		printf("%s %s\n", hash != NULL ? hash : host, line);
	free(host);
	free(hash);
	free(line);
}

static void
print_dns(const struct scan_options *o, const char *name, const struct key *k)
{
	struct buf text = BUF_INIT;
	int r = sshfp_write(k, name, o->dns_hashes, false, &text);

	if (r == ERR_UNSUPPORTED)
		complain(0, "export_dns_rr: unsupported algorithm: %s",
		    key_type_name(k));
	else if (r == 0)
		fwrite(text.data, 1, text.len, stdout);
	buf_release(&text);
}

static void
print_key(
    const struct scan_options *o, const struct target *t, const struct key *k)
{
	struct span rest = span_text(t->names), item;

	while (list_next(&rest, &item)) {
		char *name = span_dup_text(item);

		if (name == NULL)
			complain(0, "out of memory");
		else if (o->is_dns)
			print_dns(o, name, k);
		else
			print_known_host(o, name, k);
		free(name);
		/* One line is enough: the host names are inside. */
		if (o->with_certificates && !o->is_dns)
			break;
	}
}

void
print_target(const struct scan_options *o, const struct target *t)
{
	if (t->ident != NULL && !o->is_quiet)
		printf("%c %s:%u %s\n", o->is_dns ? ';' : '#', t->label,
		    o->port, t->ident);
	for (size_t i = 0; i < o->type_count; i++)
		if (t->keys[i] != NULL)
			print_key(o, t, t->keys[i]);
	/* Whoever waits for many hosts sees the first ones at once. */
	fflush(stdout);
}
