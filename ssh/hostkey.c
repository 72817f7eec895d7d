/*
 * hostkey.c - is the server who it says it is.
 */
#include "ssh/hostkey.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/time.h"
#include "common/key/certificate.h"
#include "common/key/revocation.h"
#include "common/port/prompt.h"
#include "ssh/hostkey_dns.h"
#include "ssh/hostkey_text.h"
#include "ssh/known_hosts_command.h"

/* ---- lookup ---- */

static void
look_up_files(
    const struct strings *files, const char *name, struct known_hosts *found)
{
	struct error e = { 0 };

	for (size_t i = 0; i < files->count; i++)
		if (known_hosts_lookup(files->item[i], name, found, &e) != 0)
			log_error("%s", e.text);
}

static void
look_up(
    const struct ssh_options *o, const char *name, struct known_hosts *found)
{
	look_up_files(&o->user_known_hosts_file, name, found);
	look_up_files(&o->global_known_hosts_file, name, found);
}

/* Lines of KnownHostsCommand, where the order of algorithms is ours. */
static int
order_by_command(struct host_check *h, struct error *e)
{
	if (ssh_options_is_set(h->o, SSH_OPTION_host_key_algorithms))
		return 0;
	return known_hosts_command(h->o, h->tokens, KNOWN_HOSTS_FOR_ORDER,
	    h->name, NULL, &h->ordered, e);
}

int
host_check_init(struct host_check *h, const struct ssh_options *o,
    const struct ssh_tokens *tokens, struct error *e)
{
	memset(h, 0, sizeof(*h));
	h->o = o;
	h->tokens = tokens;
	/* An alias stands for host and port together. */
	h->host = text_lower(
	    o->host_key_alias != NULL ? o->host_key_alias : o->hostname);
	if (h->host != NULL)
		h->name = o->host_key_alias != NULL
			      ? strdup(h->host)
			      : known_hosts_name(h->host, (unsigned)o->port);
	if (h->name == NULL)
		return error_set(e, ERR_MEMORY, "out of memory");
	look_up(o, h->name, &h->found);
	return order_by_command(h, e);
}

void
host_check_release(struct host_check *h)
{
	known_hosts_release(&h->found);
	known_hosts_release(&h->ordered);
	known_hosts_release(&h->found_address);
	free(h->host);
	free(h->name);
	free(h->address_name);
	memset(h, 0, sizeof(*h));
}

char *
host_check_algorithms(const struct host_check *h)
{
	const char *list = h->o->host_key_algorithms;

	/* An order that somebody wrote down stays. */
	if (ssh_options_is_set(h->o, SSH_OPTION_host_key_algorithms))
		return strdup(list);
	return known_hosts_order_algorithms(
	    h->found.count > 0 ? &h->found : &h->ordered, list);
}

static bool
refuse(void)
{
	log_fatal("Host key verification failed.");
	return false;
}

/* ---- a key that was revoked ---- */

/* Is k revoked by a file? Unreadable: yes, as nothing can then be said to be
 * good. */
static bool
is_in_revoked_file(const char *path, const struct key *k)
{
	struct error e = { 0 };
	bool is_in;

	if (revocation_check(path, k, &is_in, &e) != 0) {
		log_error("RevokedHostKeys: %s; all keys are refused", e.text);
		return true;
	}
	return is_in;
}

bool
host_check_is_revoked(const struct host_check *h, const struct key *k)
{
	const struct strings *files = &h->o->revoked_host_keys;

	for (size_t i = 0; i < files->count; i++) {
		struct error e = { 0 };
		char *path;
		bool is_in;

		if (ssh_option_expand(SSH_OPTION_revoked_host_keys,
			files->item[i], h->tokens, &path, &e) != 0) {
			log_error("RevokedHostKeys: %s", e.text);
			return true;
		}
		is_in = is_in_revoked_file(path, k);
		if (is_in)
			log_error("%s host key for %s is in %s",
			    hostkey_type(k), h->host, path);
		free(path);
		if (is_in)
			return true;
	}
	return false;
}

static bool
on_revoked(const struct host_check *h, const struct key *k)
{
	hostkey_warn_revoked(h, k);
	log_error("%s host key for %s was revoked and you have requested "
		  "strict checking.",
	    hostkey_type(k), h->name);
	return refuse();
}

/* ---- a key that has changed ---- */

static bool
on_changed(
    struct host_check *h, const struct key *k, const struct known_host *line)
{
	const struct known_host *address_line = NULL;

	if (h->address_name != NULL) {
		enum known_hosts_verdict v =
		    known_hosts_check(&h->found_address, k, &address_line);

		hostkey_warn_spoofing(h, k, v, address_line);
	}
	hostkey_warn_changed(h, k, line);
	if (h->o->strict_host_key_checking != STRICT_HOST_KEY_CHECKING_NO) {
		log_error("Host key for %s has changed and you have requested "
			  "strict checking.",
		    h->name);
		return refuse();
	}
	h->is_untrusted = true;
	return true;
}

/* ---- a key that is new ---- */

/* Where new keys are written; NULL: nowhere. */
static const char *
file_to_write(const struct host_check *h)
{
	const struct strings *files = &h->o->user_known_hosts_file;

	return files->count == 0 || strcmp(files->item[0], "none") == 0 ||
		       strcmp(files->item[0], "/dev/null") == 0
		   ? NULL
		   : files->item[0];
}

/* The name, with a new address beside it. Hashed, each has its own line. */
static int
add_names(const struct host_check *h, const struct key *k, const char *path,
    struct error *e)
{
	bool hash = h->o->hash_known_hosts;
	const char *address =
	    h->address_name != NULL && h->found_address.count == 0
		? h->address_name
		: NULL;
	char *both;
	int r;

	if (address == NULL || hash)
		r = known_hosts_add(path, h->name, k, hash, e);
	else if ((both = text_format("%s,%s", h->name, address)) == NULL)
		r = error_set(e, ERR_MEMORY, "%s", error_text(ERR_MEMORY));
	else {
		r = known_hosts_add(path, both, k, false, e);
		free(both);
	}
	if (r == 0 && address != NULL && hash)
		r = known_hosts_add(path, address, k, true, e);
	return r;
}

/* Not being able to write it down is no reason to stay away. */
static void
remember(const struct host_check *h, const struct key *k)
{
	const char *path = file_to_write(h);
	struct error e = { 0 };

	if (path != NULL && add_names(h, k, path, &e) != 0)
		log_info("Failed to add the host to the list of known hosts "
			 "(%s): %s",
		    path, e.text);
	else
		log_info("Warning: Permanently added '%s' (%s) to the list of "
			 "known hosts.",
		    h->name, hostkey_type(k));
}

static bool
on_new(struct host_check *h, const struct key *k, bool has_other_types)
{
	switch (h->o->strict_host_key_checking) {
	case STRICT_HOST_KEY_CHECKING_YES:
		log_error("No %s host key is known for %s and you have "
			  "requested strict checking.",
		    hostkey_type(k), h->name);
		return refuse();
	case STRICT_HOST_KEY_CHECKING_ASK:
		if (!hostkey_ask_about_new(h, k, has_other_types))
			return refuse();
		h->may_update = true;
		break;
	default:
		hostkey_show_randomart(h, k);
		break;
	}
	remember(h, k);
	return true;
}

/* ---- the address (CheckHostIP) ---- */

static bool
is_loopback(const struct peer *peer)
{
	static const uint8_t six[16] = { [15] = 1 };

	if (peer->is_proxied)
		return false;
	return peer->address.family == AF_INET
		   ? peer->address.bytes[0] == 127
		   : memcmp(peer->address.bytes, six, sizeof(six)) == 0;
}

/* What is known of the address, where it says more than the name. False: the
 * command failed. */
static bool
look_up_address(struct host_check *h, const struct key *k)
{
	const struct peer *p = h->peer;
	struct error e = { 0 };

	if (!h->o->check_host_ip || p->is_proxied || is_loopback(p) ||
	    strcmp(h->host, p->text) == 0)
		return true;
	h->address_name = known_hosts_name(p->text, p->port);
	if (h->address_name == NULL)
		return false;
	look_up(h->o, h->address_name, &h->found_address);
	if (known_hosts_command(h->o, h->tokens, KNOWN_HOSTS_FOR_ADDRESS,
		h->address_name, k, &h->found_address, &e) == 0)
		return true;
	log_error("%s", e.text);
	return false;
}

static void
remember_address(const struct host_check *h, const struct key *k)
{
	const char *path = file_to_write(h);
	struct error e = { 0 };

	if (path == NULL)
		return;
	if (known_hosts_add(
		path, h->address_name, k, h->o->hash_known_hosts, &e) != 0)
		log_info("Failed to add the %s host key for IP address '%s' to "
			 "the list of known hosts (%s): %s",
		    hostkey_type(k), h->address_name, path, e.text);
	else
		log_info("Warning: Permanently added the %s host key for IP "
			 "address '%s' to the list of known hosts.",
		    hostkey_type(k), h->address_name);
}

static bool
ask_to_go_on(const struct host_check *h)
{
	bool yes = false;

	if (h->o->strict_host_key_checking == STRICT_HOST_KEY_CHECKING_YES) {
		log_error("Exiting, you have requested strict checking.");
		return false;
	}
	if (h->o->strict_host_key_checking != STRICT_HOST_KEY_CHECKING_ASK)
		return true;
	if (h->o->batch_mode || !prompt_is_possible()) {
		log_error("There is nobody to ask; the address is not "
			  "trusted.");
		return false;
	}
	return prompt_confirm("Are you sure you want to continue connecting "
			      "(yes/no)? ",
		   &yes, NULL) == 0 &&
	       yes;
}

/* The name is known with this key; is its address too? line: of the name. */
static bool
verify_address(
    struct host_check *h, const struct key *k, const struct known_host *line)
{
	const struct known_host *other = NULL;

	if (h->address_name == NULL)
		return true;
	switch (known_hosts_check(&h->found_address, k, &other)) {
	case KNOWN_HOSTS_OK:
		return true;
	case KNOWN_HOSTS_REVOKED:
		hostkey_warn_revoked(h, k);
		return refuse();
	case KNOWN_HOSTS_CHANGED:
		break;
	default:
		remember_address(h, k);
		return true;
	}
	h->may_update = false;
	log_info("Warning: the %s host key for '%s' differs from the key for "
		 "the IP address '%s'",
	    hostkey_type(k), h->name, h->address_name);
	log_info("Offending key for IP in %s:%lu", other->file, other->line);
	log_info("Matching host key in %s:%lu", line->file, line->line);
	return ask_to_go_on(h) || refuse();
}

/* ---- the verdict on a key ---- */

/* A host on another port than 22 may be known without the port. */
static enum known_hosts_verdict
check_without_port(const struct host_check *h, const struct key *k)
{
	struct known_hosts found = { 0 };
	enum known_hosts_verdict v;

	if (strcmp(h->name, h->host) == 0)
		return KNOWN_HOSTS_NEW;
	log_debug1("checking without port identifier");
	look_up(h->o, h->host, &found);
	v = known_hosts_check(&found, k, NULL);
	known_hosts_release(&found);
	if (v == KNOWN_HOSTS_OK)
		log_debug1("found matching key w/out port");
	return v;
}

/* ---- certificates ---- */

/* Does what the certificate says hold for this host? */
static bool
certificate_holds(const struct host_check *h, const struct key *k)
{
	struct certificate_use use = { CERTIFICATE_HOST, time_wall_s(), h->host,
		h->o->ca_signature_algorithms };
	struct error e = { 0 };

	if (certificate_check(key_certificate(k), &use, &e) == 0)
		return true;
	log_error("%s", e.text);
	return false;
}

static enum known_hosts_verdict
check_authority(const struct host_check *h, const struct known_hosts *found,
    const struct key *k)
{
	const struct known_host *line = NULL;
	enum known_hosts_verdict v =
	    known_hosts_check_authority(found, k, &line);

	if (v != KNOWN_HOSTS_OK)
		return v;
	log_debug1("Found CA key in %s:%lu", line->file, line->line);
	return certificate_holds(h, k) ? KNOWN_HOSTS_OK : KNOWN_HOSTS_NEW;
}

/* As for plain keys, a CA may be known for the host on any port. */
static enum known_hosts_verdict
check_certificate(const struct host_check *h, const struct key *k)
{
	struct known_hosts found = { 0 };
	enum known_hosts_verdict v = check_authority(h, &h->found, k);

	if (v != KNOWN_HOSTS_NEW || strcmp(h->name, h->host) == 0)
		return v;
	look_up(h->o, h->host, &found);
	v = check_authority(h, &found, k);
	known_hosts_release(&found);
	return v;
}

/* ---- the verdict ---- */

static bool
on_known(
    struct host_check *h, const struct key *k, const struct known_host *line)
{
	log_debug1("Host '%s' is known and matches the %s host key.", h->name,
	    hostkey_type(k));
	log_debug1("Found key in %s:%lu", line->file, line->line);
	h->may_update = strings_has(&h->o->user_known_hosts_file, line->file);
	hostkey_show_randomart(h, k);
	return verify_address(h, k, line);
}

static bool
verify_plain(struct host_check *h, const struct key *k)
{
	const struct known_host *line = NULL;
	enum known_hosts_verdict verdict =
	    known_hosts_check(&h->found, k, &line);

	switch (verdict) {
	case KNOWN_HOSTS_OK:
		return on_known(h, k, line);
	case KNOWN_HOSTS_REVOKED:
		return on_revoked(h, k);
	case KNOWN_HOSTS_CHANGED:
		return on_changed(h, k, line);
	default:
		break;
	}
	switch (check_without_port(h, k)) {
	case KNOWN_HOSTS_OK:
		return true;
	case KNOWN_HOSTS_REVOKED:
		return on_revoked(h, k);
	default:
		return on_new(h, k, verdict == KNOWN_HOSTS_NEW_TYPE);
	}
}

/* A certificate by nobody we know still shows a key, which may be known. */
static bool
verify_key_inside(struct host_check *h, const struct key *k)
{
	struct key *plain;
	bool ok;

	log_debug1("No matching CA found. Retry with plain key");
	if (key_from_blob(key_plain_blob(k), &plain) != 0)
		return refuse();
	ok = verify_plain(h, plain);
	key_unref(plain);
	h->may_update = false;
	return ok;
}

static bool
verify_certificate(struct host_check *h, const struct key *k)
{
	switch (check_certificate(h, k)) {
	case KNOWN_HOSTS_OK:
		log_debug1("Host '%s' is known and matches the %s host "
			   "certificate.",
		    h->name, hostkey_type(k));
		return true;
	case KNOWN_HOSTS_REVOKED:
		return on_revoked(h, k);
	default:
		return verify_key_inside(h, k);
	}
}

/* What the command knows, now that there is a key to ask about. */
static bool
ask_command(struct host_check *h, const struct key *k)
{
	struct error e = { 0 };

	if (known_hosts_command(h->o, h->tokens, KNOWN_HOSTS_FOR_HOSTNAME,
		h->name, k, &h->found, &e) == 0)
		return true;
	log_error("%s", e.text);
	return refuse();
}

bool
host_check_verify(
    struct host_check *h, const struct key *k, const struct peer *peer)
{
	h->peer = peer;
	hostkey_log(h, k);
	if (host_check_is_revoked(h, k))
		return on_revoked(h, k);
	h->dns = hostkey_check_dns(h, k);
	if (h->dns == HOST_DNS_SECURE && h->o->verify_host_key_dns == NYA_YES)
		return true;
	if (h->o->no_host_authentication_for_localhost && is_loopback(peer)) {
		log_debug1("Forcing accepting of host key for "
			   "loopback/localhost.");
		return true;
	}
	if (!ask_command(h, k))
		return false;
	if (!look_up_address(h, k))
		return refuse();
	return key_certificate(k) != NULL ? verify_certificate(h, k)
					  : verify_plain(h, k);
}
