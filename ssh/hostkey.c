/*
 * hostkey.c - is the server who it says it is.
 */
#include "ssh/hostkey.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/base/time.h"
#include "common/key/certificate.h"
#include "common/key/revocation.h"
#include "common/port/prompt.h"

#define BOX_LINE "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@"

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
	return 0;
}

void
host_check_release(struct host_check *h)
{
	known_hosts_release(&h->found);
	free(h->host);
	free(h->name);
	memset(h, 0, sizeof(*h));
}

char *
host_check_algorithms(const struct host_check *h)
{
	const char *list = h->o->host_key_algorithms;

	/* An order that somebody wrote down stays. */
	if (ssh_options_is_set(h->o, SSH_OPTION_host_key_algorithms))
		return strdup(list);
	return known_hosts_order_algorithms(&h->found, list);
}

/* ---- words about a key ---- */

static const char *
type_of(const struct key *k)
{
	return key_row(k)->short_name;
}

static char *
fingerprint(const struct host_check *h, const struct key *k)
{
	return key_fingerprint(k, h->o->fingerprint_hash == FINGERPRINT_HASH_MD5
				      ? DIGEST_MD5
				      : DIGEST_SHA256);
}

static char *
randomart(const struct host_check *h, const struct key *k)
{
	if (!h->o->visual_host_key)
		return NULL;
	return key_randomart(k, h->o->fingerprint_hash == FINGERPRINT_HASH_MD5
				    ? DIGEST_MD5
				    : DIGEST_SHA256);
}

static void
log_lines(const char *text)
{
	struct span rest = span_text(text), line;

	while (line_next(&rest, &line))
		log_info("%.*s", (int)line.len, (const char *)line.ptr);
}

static bool
refuse(void)
{
	log_fatal("Host key verification failed.");
	return false;
}

/* ---- a key that was revoked ---- */

static void
warn_revoked(const struct host_check *h, const struct key *k)
{
	log_error(BOX_LINE);
	log_error(
	    "@       WARNING: REVOKED HOST KEY DETECTED!               @");
	log_error(BOX_LINE);
	log_error("The %s host key for %s is marked as revoked.", type_of(k),
	    h->host);
	log_error("This could mean that a stolen key is being used to "
		  "impersonate this host.");
}

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

static bool
is_revoked(const struct host_check *h, const struct key *k)
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
			log_error("%s host key for %s is in %s", type_of(k),
			    h->host, path);
		free(path);
		if (is_in)
			return true;
	}
	return false;
}

static bool
on_revoked(const struct host_check *h, const struct key *k)
{
	warn_revoked(h, k);
	log_error("%s host key for %s was revoked and you have requested "
		  "strict checking.",
	    type_of(k), h->host);
	return refuse();
}

/* ---- a key that has changed ---- */

static void
warn_changed(const struct host_check *h, const struct key *k,
    const struct known_host *line)
{
	char *text = fingerprint(h, k), *art = randomart(h, k);
	const char *file = h->o->user_known_hosts_file.count > 0
			       ? h->o->user_known_hosts_file.item[0]
			       : line->file;

	log_error(BOX_LINE);
	log_error(
	    "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @");
	log_error(BOX_LINE);
	log_error("IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!");
	log_error("Someone could be eavesdropping on you right now "
		  "(man-in-the-middle attack)!");
	log_error("It is also possible that a host key has just been changed.");
	log_error("The fingerprint for the %s key sent by the remote host is",
	    type_of(k));
	log_error("%s.", text != NULL ? text : "unknown");
	if (art != NULL)
		log_lines(art);
	log_error("Please contact your system administrator.");
	log_error(
	    "Add correct host key in %s to get rid of this message.", file);
	log_error("Offending %s key in %s:%lu", type_of(line->key), line->file,
	    line->line);
	log_error("  remove with:");
	log_error("  ssh-keygen -f \"%s\" -R \"%s\"", line->file, h->name);
	free(text);
	free(art);
}

static bool
on_changed(
    struct host_check *h, const struct key *k, const struct known_host *line)
{
	warn_changed(h, k, line);
	if (h->o->strict_host_key_checking != STRICT_HOST_KEY_CHECKING_NO) {
		log_error("Host key for %s has changed and you have requested "
			  "strict checking.",
		    h->host);
		return refuse();
	}
	h->is_untrusted = true;
	return true;
}

/* ---- a key that is new ---- */

static bool
remember(struct host_check *h, const struct key *k)
{
	const struct strings *files = &h->o->user_known_hosts_file;
	struct error e = { 0 };

	if (files->count == 0 || strcmp(files->item[0], "none") == 0 ||
	    strcmp(files->item[0], "/dev/null") == 0) {
		log_info("Warning: Permanently added '%s' (%s) to the list of "
			 "known hosts.",
		    h->name, type_of(k));
		return true;
	}
	if (known_hosts_add(
		files->item[0], h->name, k, h->o->hash_known_hosts, &e) != 0) {
		log_info("Failed to add the host to the list of known hosts "
			 "(%s): %s",
		    files->item[0], e.text);
		return false;
	}
	log_info("Warning: Permanently added '%s' (%s) to the list of known "
		 "hosts.",
	    h->name, type_of(k));
	return true;
}

static void
write_other_names(
    const struct host_check *h, const struct key *k, struct buf *out)
{
	const struct strings *files = &h->o->user_known_hosts_file;
	struct strings names = STRINGS_INIT;

	for (size_t i = 0; i < files->count; i++)
		if (known_hosts_names_of_key(files->item[i], k, &names) != 0)
			break;
	if (names.count == 0)
		buf_printf(out, "This key is not known by any other names.\n");
	else
		buf_printf(out, "This host key is known by the following other "
				"names/addresses:\n");
	for (size_t i = 0; i < names.count; i++) {
		buf_printf(out, "    ");
		text_escape(out, span_text(names.item[i]), false);
		buf_printf(out, "\n");
	}
	strings_release(&names);
}

/* The whole question; fresh text. */
static char *
compose_question(const struct host_check *h, const struct key *k,
    const struct peer *peer, bool has_other_types, const char *print)
{
	struct buf out = BUF_INIT;
	char *address =
	    peer->is_proxied ? NULL : known_hosts_name(peer->text, peer->port);
	char *art = randomart(h, k);

	buf_printf(&out,
	    "The authenticity of host '%s (%s)' can't be "
	    "established%s\n%s key fingerprint is %s.\n",
	    h->name,
	    address != NULL ? address : "<no hostip for proxy command>",
	    has_other_types ? ",\nbut keys of different type are already known "
			      "for this host."
			    : ".",
	    type_of(k), print);
	if (art != NULL)
		buf_printf(&out, "%s", art);
	write_other_names(h, k, &out);
	buf_printf(&out, "Are you sure you want to continue connecting "
			 "(yes/no/[fingerprint])? ");
	free(address);
	free(art);
	return buf_take_text(&out);
}

/* Asks until the answer is one; a fingerprint must be the key's. */
static bool
ask(const char *question, const char *print)
{
	const char *text = question;
	struct error e = { 0 };
	char *answer;

	for (;;) {
		bool yes, no;

		if (prompt_line(text, &answer, &e) != 0)
			return false;
		yes = strcasecmp(answer, "yes") == 0 ||
		      strcmp(answer, print) == 0;
		no = strcasecmp(answer, "no") == 0 || *answer == '\0';
		secret_free_text(answer);
		if (yes || no)
			return yes;
		text = "Please type 'yes', 'no' or the fingerprint: ";
	}
}

static bool
ask_about_new(struct host_check *h, const struct key *k,
    const struct peer *peer, bool has_other_types)
{
	char *print = fingerprint(h, k);
	char *question = NULL;
	bool yes = false;

	if (h->o->batch_mode || !prompt_is_possible())
		log_error("The %s key of %s (%s) is not known, and there is "
			  "nobody to ask; StrictHostKeyChecking=accept-new "
			  "would accept it.",
		    type_of(k), h->name,
		    print != NULL ? print : "no fingerprint");
	else if (print != NULL && (question = compose_question(h, k, peer,
				       has_other_types, print)) != NULL)
		yes = ask(question, print);
	free(question);
	free(print);
	return yes;
}

static void
show_randomart(const struct host_check *h, const struct key *k)
{
	char *art = randomart(h, k), *print;

	if (art == NULL)
		return;
	if ((print = fingerprint(h, k)) != NULL)
		log_info("Host key fingerprint is %s", print);
	log_lines(art);
	free(print);
	free(art);
}

static bool
on_new(struct host_check *h, const struct key *k, const struct peer *peer,
    bool has_other_types)
{
	switch (h->o->strict_host_key_checking) {
	case STRICT_HOST_KEY_CHECKING_YES:
		log_error("No %s host key is known for %s and you have "
			  "requested strict checking.",
		    type_of(k), h->name);
		return refuse();
	case STRICT_HOST_KEY_CHECKING_ASK:
		if (!ask_about_new(h, k, peer, has_other_types))
			return refuse();
		break;
	default:
		show_randomart(h, k);
		break;
	}
	/* Not being able to write it down is no reason to stay away. */
	(void)remember(h, k);
	return true;
}

/* A host on another port than 22 may be known without the port. */
static bool
is_known_without_port(const struct host_check *h, const struct key *k)
{
	struct known_hosts found = { 0 };
	bool is_known;

	if (strcmp(h->name, h->host) == 0)
		return false;
	log_debug1("checking without port identifier");
	look_up(h->o, h->host, &found);
	is_known = known_hosts_check(&found, k, NULL) == KNOWN_HOSTS_OK;
	known_hosts_release(&found);
	if (is_known)
		log_debug1("found matching key w/out port");
	return is_known;
}

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

static void
log_key(const struct host_check *h, const struct key *k)
{
	char *print;

	if (!log_wants(LOG_LEVEL_DEBUG1))
		return;
	print = fingerprint(h, k);
	log_debug1("Server host key: %s %s", key_type_name(k),
	    print != NULL ? print : "");
	free(print);
}

/* ---- certificates ---- */

static void
log_certificate(const struct host_check *h, const struct key *k)
{
	const struct certificate *c = key_certificate(k);
	char *print, *ca;

	if (!log_wants(LOG_LEVEL_DEBUG1))
		return;
	print = fingerprint(h, k);
	ca = fingerprint(h, c->ca);
	log_debug1("Server host certificate: %s %s, serial %llu ID \"%s\" CA "
		   "%s %s",
	    key_type_name(k), print != NULL ? print : "",
	    (unsigned long long)c->serial, c->key_id, key_type_name(c->ca),
	    ca != NULL ? ca : "");
	free(print);
	free(ca);
}

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
verify_plain(struct host_check *h, const struct key *k, const struct peer *peer)
{
	const struct known_host *line = NULL;
	enum known_hosts_verdict verdict =
	    known_hosts_check(&h->found, k, &line);

	switch (verdict) {
	case KNOWN_HOSTS_OK:
		log_debug1("Host '%s' is known and matches the %s host key.",
		    h->name, type_of(k));
		if (line != NULL)
			log_debug1(
			    "Found key in %s:%lu", line->file, line->line);
		show_randomart(h, k);
		return true;
	case KNOWN_HOSTS_REVOKED:
		return on_revoked(h, k);
	case KNOWN_HOSTS_CHANGED:
		return on_changed(h, k, line);
	default:
		if (is_known_without_port(h, k))
			return true;
		return on_new(h, k, peer, verdict == KNOWN_HOSTS_NEW_TYPE);
	}
}

/* A certificate by nobody we know still shows a key, which may be known. */
static bool
verify_key_inside(
    struct host_check *h, const struct key *k, const struct peer *peer)
{
	struct key *plain;
	bool ok;

	log_debug1("No matching CA found. Retry with plain key");
	if (key_from_blob(key_plain_blob(k), &plain) != 0)
		return refuse();
	ok = verify_plain(h, plain, peer);
	key_unref(plain);
	return ok;
}

bool
host_check_verify(
    struct host_check *h, const struct key *k, const struct peer *peer)
{
	bool is_certificate = key_certificate(k) != NULL;

	log_key(h, k);
	if (is_certificate)
		log_certificate(h, k);
	if (is_revoked(h, k))
		return on_revoked(h, k);
	if (h->o->no_host_authentication_for_localhost && is_loopback(peer)) {
		log_debug1("Forcing accepting of host key for "
			   "loopback/localhost.");
		return true;
	}
	if (!is_certificate)
		return verify_plain(h, k, peer);
	switch (check_certificate(h, k)) {
	case KNOWN_HOSTS_OK:
		log_debug1("Host '%s' is known and matches the %s host "
			   "certificate.",
		    h->name, type_of(k));
		return true;
	case KNOWN_HOSTS_REVOKED:
		return on_revoked(h, k);
	default:
		return verify_key_inside(h, k, peer);
	}
}
