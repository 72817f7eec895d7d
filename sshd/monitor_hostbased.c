/*
 * monitor_hostbased.c - HOSTBASED: a user whom his own host names, where that
 * host is trusted and proves itself by its key.
 * RFC 4252 s9.
 */
#include "sshd/monitor_state.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/time.h"
#include "common/hosts/known_hosts.h"
#include "common/key/certificate.h"
#include "common/userauth/hostbased.h"
#include "sshd/trusted_hosts.h"

#define KEY_BLOB_MAX ((size_t)64 * 1024)
/* Of a user's, who could have many logins read it at once. */
#define KNOWN_HOSTS_SIZE_MAX ((size_t)64 * 1024 * 1024)

/* What the client claims, checked as far as its form goes. */
struct claim {
	struct hostbased_claim wire;
	struct span signature;
	const struct signature_algorithm *algorithm;
	struct key *key;
	char *host; /* as the client says, without a dot at its end */
	char *user;
	char *detail;
};

static void
claim_release(struct claim *c)
{
	key_unref(c->key);
	free(c->host);
	free(c->user);
	free(c->detail);
}

/* ---- the claim ---- */

static char *
describe(const struct monitor *m, const struct claim *c)
{
	char *print = key_fingerprint(
	    c->key, m->options.fingerprint_hash == FINGERPRINT_HASH_MD5
			? DIGEST_MD5
			: DIGEST_SHA256);
	char *text =
	    text_format("%s %s, client user \"%s\", client host \"%s\"",
		key_row(c->key)->short_name, print != NULL ? print : "",
		c->user, c->host);

	free(print);
	return text;
}

static bool
is_accepted(const struct monitor *m, const struct signature_algorithm *a)
{
	const char *list = m->options.hostbased_accepted_algorithms;

	return list != NULL && pattern_list_match(list, a->name, false) == 1;
}

/* False: not a key that may be used here; c is then still to be released. */
static bool
take_claim(struct monitor *m, struct claim *c)
{
	unsigned least = (unsigned)m->options.required_rsa_size;
	size_t len;

	c->algorithm = signature_find(c->wire.algorithm);
	c->host = span_dup_text(c->wire.client_host);
	c->user = span_dup_text(c->wire.client_user);
	if (c->algorithm == NULL || c->host == NULL || c->user == NULL ||
	    c->wire.key_blob.len > KEY_BLOB_MAX ||
	    key_from_blob(c->wire.key_blob, &c->key) != 0)
		return false;
	len = strlen(c->host);
	if (len > 0 && c->host[len - 1] == '.')
		c->host[len - 1] = '\0';
	if ((c->detail = describe(m, c)) == NULL)
		return false;
	if (!is_accepted(m, c->algorithm)) {
		log_info("signature algorithm %s not in "
			 "HostbasedAcceptedAlgorithms",
		    c->algorithm->name);
		return false;
	}
	if (strcmp(key_type_name(c->key), c->algorithm->key_type) != 0) {
		log_info("key of type %s cannot be used with algorithm %s",
		    key_type_name(c->key), c->algorithm->name);
		return false;
	}
	if (key_row(c->key)->type == KEY_RSA && key_bits(c->key) < least) {
		log_info("refusing RSA key of %u bits: RequiredRSASize is %u",
		    key_bits(c->key), least);
		return false;
	}
	return true;
}

/* ---- is the host trusted? ---- */

/* A file of the system's counts only if nobody else can change it. */
static int
read_system_file(const char *path, struct buf *text)
{
	struct error e = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int r;

	if (fd < 0)
		return ERR_NOT_FOUND;
	if ((r = path_check_safe(path, fd, 0, NULL, &e)) != 0 ||
	    (r = file_read_fd(fd, TRUSTED_HOSTS_FILE_MAX, text, &e)) != 0)
		log_info("%s: %s", path, e.text);
	close(fd);
	return r;
}

static enum trusted_verdict
judge(const struct trusted_client *t, const struct buf *text, const char *path)
{
	enum trusted_verdict v = trusted_hosts_check(buf_span(text), t);

	if (v == TRUSTED_HOSTS_YES)
		log_verbose(
		    "Accepted for %s [%s] by %s.", t->host, t->address, path);
	else if (v == TRUSTED_HOSTS_NO)
		log_info("Matched negative entry in %s.", path);
	return v;
}

/* The administrator's files; they never let anybody in as root. */
static enum trusted_verdict
check_system_files(const struct monitor *m, const struct trusted_client *t)
{
	static const char *const paths[] = { "/etc/hosts.equiv",
		SHEETBEND_SYSCONFDIR "/shosts.equiv" };
	enum trusted_verdict v = TRUSTED_HOSTS_SILENT;

	if (m->account->uid == 0)
		return v;
	for (size_t i = 0; v == TRUSTED_HOSTS_SILENT && i < ARRAY_COUNT(paths);
	     i++) {
		struct buf text = BUF_INIT;

		if (read_system_file(paths[i], &text) == 0)
			v = judge(t, &text, paths[i]);
		buf_release(&text);
	}
	return v;
}

static bool
is_ignored(const struct monitor *m, const char *name)
{
	return m->options.ignore_rhosts == IGNORE_RHOSTS_YES ||
	       (m->options.ignore_rhosts == IGNORE_RHOSTS_SHOSTS_ONLY &&
		   strcmp(name, ".rhosts") == 0);
}

/* Needs the rights of the user to read his files. */
static enum trusted_verdict
check_users_file(
    const struct monitor *m, const struct trusted_client *t, const char *name)
{
	char *path = path_join(m->account->home, name);
	struct buf text = BUF_INIT;
	struct error e = { 0 };
	enum trusted_verdict v = TRUSTED_HOSTS_SILENT;
	int r;

	if (path == NULL)
		return v;
	r = account_read_file(m->account, path, m->options.strict_modes,
	    TRUSTED_HOSTS_FILE_MAX, &text, &e);
	if (r == ERR_PERMISSION)
		log_info("Rhosts authentication refused for %s: %s", m->user,
		    e.text);
	else if (r == 0 && is_ignored(m, name))
		log_info("Server has been configured to ignore %s.", name);
	else if (r == 0)
		v = judge(t, &text, path);
	buf_release(&text);
	free(path);
	return v;
}

static bool
is_trusted(const struct monitor *m, const struct claim *c, const char *host,
    const char *address)
{
	const struct trusted_client t = { host, address, c->user,
		m->account->name, trusted_hosts_in_netgroup };
	enum trusted_verdict v = check_system_files(m, &t);

	if (v == TRUSTED_HOSTS_SILENT)
		v = check_users_file(m, &t, ".shosts");
	if (v == TRUSTED_HOSTS_SILENT)
		v = check_users_file(m, &t, ".rhosts");
	return v == TRUSTED_HOSTS_YES;
}

/* ---- is it the host's key? ---- */

static void
look_up_users(
    const struct monitor *m, const char *name, struct known_hosts *found)
{
	static const char *const files[] = { ".ssh/known_hosts",
		".ssh/known_hosts2" };

	for (size_t i = 0; i < ARRAY_COUNT(files); i++) {
		char *path = path_join(m->account->home, files[i]);
		struct buf text = BUF_INIT;
		struct error e = { 0 };
		int r = ERR_MEMORY;

		if (path != NULL)
			r = account_read_file(m->account, path,
			    m->options.strict_modes, KNOWN_HOSTS_SIZE_MAX,
			    &text, &e);
		if (r == 0)
			r = known_hosts_lookup_text(
			    buf_span(&text), path, name, found);
		if (r == ERR_PERMISSION)
			log_info("%s", e.text);
		buf_release(&text);
		free(path);
	}
}

static void
look_up(const struct monitor *m, const char *name, struct known_hosts *found)
{
	static const char *const files[] = { SHEETBEND_SYSCONFDIR
		"/ssh_known_hosts",
		SHEETBEND_SYSCONFDIR "/ssh_known_hosts2" };
	struct error e = { 0 };

	for (size_t i = 0; i < ARRAY_COUNT(files); i++)
		if (known_hosts_lookup(files[i], name, found, &e) != 0)
			log_info("%s", e.text);
	if (!sshd_config_global(m->config)->ignore_user_known_hosts)
		look_up_users(m, name, found);
}

static enum known_hosts_verdict
check_certificate(const struct monitor *m, const struct known_hosts *found,
    const struct key *k, const char *name)
{
	struct certificate_use use = { CERTIFICATE_HOST, time_wall_s(), name,
		m->options.ca_signature_algorithms };
	const struct known_host *line;
	enum known_hosts_verdict v =
	    known_hosts_check_authority(found, k, &line);
	struct error e = { 0 };

	if (v == KNOWN_HOSTS_OK &&
	    certificate_check(key_certificate(k), &use, &e) != 0) {
		log_info("%s", e.text);
		v = KNOWN_HOSTS_NEW;
	}
	return v;
}

static bool
key_is_known(const struct monitor *m, const struct key *k, const char *host)
{
	struct known_hosts found = { 0 };
	char *name = text_lower(host);
	enum known_hosts_verdict v = KNOWN_HOSTS_NEW;

	if (name != NULL) {
		look_up(m, name, &found);
		v = key_certificate(k) != NULL
			? check_certificate(m, &found, k, name)
			: known_hosts_check(&found, k, NULL);
	}
	if (v == KNOWN_HOSTS_REVOKED)
		log_info("the host key of %s is marked as revoked", host);
	else if (v != KNOWN_HOSTS_OK)
		log_debug1("the host key of %s is not known", host);
	known_hosts_release(&found);
	free(name);
	return v == KNOWN_HOSTS_OK;
}

static bool
is_authorised(const struct monitor *m, const struct claim *c)
{
	const char *address = m->peer->remote_text;
	const char *host = m->host;
	bool trusted, known;

	if (monitor_key_is_revoked(m, c->key, c->detail))
		return false;
	if (m->options.hostbased_uses_name_from_packet_only) {
		host = address = c->host;
	} else if (strcasecmp(host, c->host) != 0) {
		log_info("userauth_hostbased mismatch: client sends %s, but we "
			 "resolve %s to %s",
		    c->host, address, host);
	}
	/* Both, so that either takes its time. */
	trusted = is_trusted(m, c, host, address);
	known = key_is_known(m, c->key, host);
	return trusted && known;
}

static bool
signature_fits(const struct monitor *m, const struct claim *c)
{
	struct buf data = BUF_INIT;
	int r;

	hostbased_write_signed(&data, &c->wire);
	if ((r = buf_error(&data)) == 0)
		r = key_verify(
		    c->key, c->algorithm, buf_span(&data), c->signature);
	if (r != 0)
		log_debug1("signature of %s: %s", c->detail, error_text(r));
	buf_release(&data);
	return r == 0;
}

/*
 * Needs privilege for the user's files and those of the system. The child
 * could pass on a signature made for something else: it is verified over data
 * composed here, from the session and the user that the monitor knows.
 */
int
monitor_on_hostbased(struct monitor *m, struct ipc *ipc, struct reader *r)
{
	struct monitor_attempt a = { .method = "hostbased" };
	struct claim c = { .wire = {
			       .session_id = buf_span(&m->session_id),
			       .user = span_text(m->spelled),
			       .service = span_text("ssh-connection"),
			   } };
	char *line;
	int rc;

	hostbased_read_fields(r, &c.wire);
	c.signature = read_string(r);
	if ((rc = read_end(r)) != 0)
		return rc;
	m->attempts++;
	m->phase = MONITOR_AUTH;
	if (m->methods != NULL &&
	    auth_methods_allows(m->methods, a.method, NULL) &&
	    take_claim(m, &c) && is_authorised(m, &c))
		a.ok = signature_fits(m, &c);
	a.detail = c.detail;
	if (a.ok) {
		line = key_public_line(c.key, NULL);
		a.info =
		    line != NULL ? text_format("hostbased %s", line) : NULL;
		free(line);
	}
	rc = monitor_finish(m, ipc, &a);
	free(a.info);
	claim_release(&c);
	return rc;
}
