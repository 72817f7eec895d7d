/*
 * monitor_certificates.c - user certificates that a CA of TrustedUserCAKeys
 * signed, and keys that were revoked.
 * draft-miller-ssh-cert; CAs of authorized_keys are monitor_keys.c's.
 *
 * The certificate is the peer's, its signature is good (key_from_blob()
 * saw to that): what is left to decide is whether its CA counts here, and
 * for this user.
 */
#include "sshd/monitor_state.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/time.h"
#include "common/key/certificate.h"
#include "common/key/revocation.h"

#define CA_FILE_MAX         ((size_t)16 * 1024 * 1024)
#define PRINCIPALS_FILE_MAX ((size_t)16 * 1024 * 1024)

/* ---- the CA ---- */

static bool
lists_key(struct span text, const struct key *wanted)
{
	struct span line;
	struct key *k;

	while (line_next(&text, &line)) {
		bool same;

		if (key_from_line(line, &k, NULL) != 0)
			continue;
		same = key_equal(k, wanted);
		key_unref(k);
		if (same)
			return true;
	}
	return false;
}

static bool
is_trusted_ca(const struct monitor *m, const struct key *ca)
{
	const char *path = m->options.trusted_user_ca_keys;
	struct buf text = BUF_INIT;
	struct error e = { 0 };
	bool found = false;

	if (path == NULL)
		return false;
	if (file_read(path, CA_FILE_MAX, &text, &e) != 0)
		log_error("TrustedUserCAKeys: %s", e.text);
	else
		found = lists_key(buf_span(&text), ca);
	buf_release(&text);
	return found;
}

/* ---- principals ---- */

/*
 * `[options] principal` of AuthorizedPrincipalsFile: the principal is the
 * last word.
 */
static void
split_line(struct span line, struct span *ret_options, struct span *ret_name)
{
	size_t end = line.len, start = 0, name;

	while (end > 0 && strchr(" \t\r", line.ptr[end - 1]) != NULL)
		end--;
	while (start < end && strchr(" \t", line.ptr[start]) != NULL)
		start++;
	if (start < end && line.ptr[start] == '#')
		start = end;
	name = end;
	while (name > start && strchr(" \t", line.ptr[name - 1]) == NULL)
		name--;
	*ret_name = span_of(line.ptr + name, end - name);
	while (name > start && strchr(" \t", line.ptr[name - 1]) != NULL)
		name--;
	*ret_options = span_of(line.ptr + start, name - start);
}

static bool
has_principal(const struct certificate *c, struct span name)
{
	for (size_t i = 0; i < c->principals.count; i++)
		if (span_is(name, c->principals.item[i]))
			return true;
	return false;
}

/* The options of a line that names one of the certificate's principals. */
static bool
find_principal(const struct monitor *m, const char *path, struct span text,
    const struct certificate *c, struct key_options *ret)
{
	struct key_context context = { &m->peer->remote, m->host, time_wall_s(),
		NULL, NULL, NULL };
	struct span line, options, name;

	for (size_t n = 1; line_next(&text, &line); n++) {
		struct error e = { 0 };

		split_line(line, &options, &name);
		if (name.len == 0 || !has_principal(c, name))
			continue;
		if (key_options_parse(options, ret, &e) == 0) {
			if (key_options_check(ret, &context, &e) == 0)
				return true;
			key_options_release(ret);
		}
		log_info("%s, line %zu: %s", path, n, e.text);
	}
	return false;
}

/* Needs the rights of the user to read his file. */
static bool
search_principals(const struct monitor *m, const struct certificate *c,
    struct key_options *ret)
{
	const char *pattern = m->options.authorized_principals_file;
	char *path;
	struct buf text = BUF_INIT;
	struct error e = { 0 };
	bool found = false;

	path =
	    monitor_expand_path(m, "AuthorizedPrincipalsFile", pattern, false);
	if (path == NULL)
		return false;
	if (account_read_file(m->account, path, m->options.strict_modes,
		PRINCIPALS_FILE_MAX, &text, &e) != 0)
		log_info("cannot read authorized principals: %s", e.text);
	else
		found = find_principal(m, path, buf_span(&text), c, ret);
	buf_release(&text);
	free(path);
	return found;
}

/* AuthorizedPrincipalsCommand, after the file. */
static bool
ask_principals(
    const struct monitor *m, const struct key *k, struct key_options *ret)
{
	const char *command = m->options.authorized_principals_command;
	struct buf text = BUF_INIT;
	bool found;

	found = monitor_run_command(m, "AuthorizedPrincipalsCommand", command,
		    m->options.authorized_principals_command_user, k, &text) &&
		find_principal(
		    m, command, buf_span(&text), key_certificate(k), ret);
	buf_release(&text);
	return found;
}

/*
 * Who the certificate is for: one of the principals that are listed for the
 * user, or where nothing lists any, the user's name. ret_name is then what
 * certificate_check() is to look for.
 */
static bool
match_principal(const struct monitor *m, const struct key *k,
    struct key_options *ret, const char **ret_name)
{
	const struct sshd_options *o = &m->options;

	*ret_name = NULL;
	if (o->authorized_principals_file == NULL &&
	    o->authorized_principals_command == NULL) {
		*ret_name = m->account->name;
		return true;
	}
	if (o->authorized_principals_file != NULL &&
	    search_principals(m, key_certificate(k), ret))
		return true;
	if (o->authorized_principals_command != NULL &&
	    ask_principals(m, k, ret))
		return true;
	log_info("Certificate does not contain an authorized principal");
	return false;
}

bool
monitor_ca_is_trusted(
    const struct monitor *m, const struct key *k, struct key_options *ret)
{
	const struct certificate *c = key_certificate(k);
	struct key_context context = { &m->peer->remote, m->host, time_wall_s(),
		NULL, NULL, NULL };
	struct certificate_use use = { CERTIFICATE_USER, context.now_s, NULL,
		m->options.ca_signature_algorithms };
	struct error e = { 0 };

	if (!is_trusted_ca(m, c->ca)) {
		log_debug1("CA of the certificate is not listed in "
			   "TrustedUserCAKeys");
		return false;
	}
	key_options_init(ret);
	if (!match_principal(m, k, ret, &use.name))
		return false;
	ret->touch_not_required = true;
	if (certificate_check(c, &use, &e) == 0 &&
	    key_options_narrow(ret, c, &context, &e) == 0)
		return true;
	log_info("%s", e.text);
	key_options_release(ret);
	return false;
}

/* ---- revoked keys ---- */

bool
monitor_key_is_revoked(
    const struct monitor *m, const struct key *k, const char *detail)
{
	const struct strings *files = &m->options.revoked_keys;

	for (size_t i = 0; i < files->count; i++) {
		const char *path = files->item[i];
		struct error e = { 0 };
		bool is_revoked;

		if (revocation_check(path, k, &is_revoked, &e) != 0) {
			log_error("Error checking authentication key %s in "
				  "revoked keys file: %s; all keys are refused",
			    detail, e.text);
			return true;
		}
		if (is_revoked) {
			log_error("Authentication key %s revoked by file %s",
			    detail, path);
			return true;
		}
	}
	return false;
}
