/*
 * hostkey_text.c - what people read about host keys: warnings, the question
 * about a new one.
 */
#include "ssh/hostkey_text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/key/certificate.h"
#include "common/port/prompt.h"

#define BOX_LINE "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@"

/* ---- words about a key ---- */

const char *
hostkey_type(const struct key *k)
{
	return key_row(k)->short_name;
}

char *
hostkey_fingerprint(const struct host_check *h, const struct key *k)
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

/* ---- warnings ---- */

void
hostkey_warn_revoked(const struct host_check *h, const struct key *k)
{
	log_error(BOX_LINE);
	log_error(
	    "@       WARNING: REVOKED HOST KEY DETECTED!               @");
	log_error(BOX_LINE);
	log_error("The %s host key for %s is marked as revoked.",
	    hostkey_type(k), h->name);
	log_error("This could mean that a stolen key is being used to "
		  "impersonate this host.");
}

/* What is known to differ: in the files, or in DNS. */
static void
warn_different(const struct host_check *h, const struct key *k)
{
	char *text = hostkey_fingerprint(h, k), *art = randomart(h, k);

	log_error(BOX_LINE);
	log_error(
	    "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @");
	log_error(BOX_LINE);
	log_error("IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!");
	log_error("Someone could be eavesdropping on you right now "
		  "(man-in-the-middle attack)!");
	log_error("It is also possible that a host key has just been changed.");
	log_error("The fingerprint for the %s key sent by the remote host is",
	    hostkey_type(k));
	log_error("%s.", text != NULL ? text : "unknown");
	if (art != NULL)
		log_lines(art);
	log_error("Please contact your system administrator.");
	free(text);
	free(art);
}

void
hostkey_warn_changed(const struct host_check *h, const struct key *k,
    const struct known_host *line)
{
	const char *file = h->o->user_known_hosts_file.count > 0
			       ? h->o->user_known_hosts_file.item[0]
			       : line->file;

	warn_different(h, k);
	log_error(
	    "Add correct host key in %s to get rid of this message.", file);
	log_error("Offending %s key in %s:%lu", hostkey_type(line->key),
	    line->file, line->line);
	log_error("  remove with:");
	log_error("  ssh-keygen -f \"%s\" -R \"%s\"", line->file, h->name);
}

void
hostkey_warn_dns(const struct host_check *h, const struct key *k)
{
	warn_different(h, k);
	log_error("Update the SSHFP RR in DNS with the new host key to get "
		  "rid of this message.");
}

void
hostkey_warn_spoofing(const struct host_check *h, const struct key *k,
    enum known_hosts_verdict address_verdict, const struct known_host *line)
{
	const char *what = address_verdict == KNOWN_HOSTS_OK ? "is unchanged"
			   : line == NULL                    ? "is unknown"
					  : "has a different value";

	log_error(BOX_LINE);
	log_error(
	    "@       WARNING: POSSIBLE DNS SPOOFING DETECTED!          @");
	log_error(BOX_LINE);
	log_error(
	    "The %s host key for %s has changed,", hostkey_type(k), h->host);
	log_error(
	    "and the key for the corresponding IP address %s", h->address_name);
	log_error("%s. This could either mean that", what);
	log_error("DNS SPOOFING is happening or the IP address for the host");
	log_error("and its host key have changed at the same time.");
	if (line != NULL)
		log_error(
		    "Offending key for IP in %s:%lu", line->file, line->line);
}

/* ---- the question about a new key ---- */

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
    bool has_other_types, const char *print)
{
	struct buf out = BUF_INIT;
	char *address = h->peer->is_proxied
			    ? NULL
			    : known_hosts_name(h->peer->text, h->peer->port);
	char *art = randomart(h, k);

	buf_printf(&out,
	    "The authenticity of host '%s (%s)' can't be "
	    "established%s\n%s key fingerprint is %s.\n",
	    h->name,
	    address != NULL ? address : "<no hostip for proxy command>",
	    has_other_types ? ",\nbut keys of different type are already known "
			      "for this host."
			    : ".",
	    hostkey_type(k), print);
	if (art != NULL)
		buf_printf(&out, "%s", art);
	if (h->dns != HOST_DNS_NOT_ASKED)
		buf_printf(&out, "%s host key fingerprint found in DNS.\n",
		    h->dns >= HOST_DNS_MATCH ? "Matching" : "No matching");
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

bool
hostkey_ask_about_new(
    struct host_check *h, const struct key *k, bool has_other_types)
{
	char *print = hostkey_fingerprint(h, k);
	char *question = NULL;
	bool yes = false;

	if (h->o->batch_mode || !prompt_is_possible())
		log_error("The %s key of %s (%s) is not known, and there is "
			  "nobody to ask; StrictHostKeyChecking=accept-new "
			  "would accept it.",
		    hostkey_type(k), h->name,
		    print != NULL ? print : "no fingerprint");
	else if (print != NULL && (question = compose_question(
				       h, k, has_other_types, print)) != NULL)
		yes = ask(question, print);
	free(question);
	free(print);
	return yes;
}

/* ---- lines for the log ---- */

void
hostkey_show_randomart(const struct host_check *h, const struct key *k)
{
	char *art = randomart(h, k), *print;

	if (art == NULL)
		return;
	if ((print = hostkey_fingerprint(h, k)) != NULL)
		log_info("Host key fingerprint is %s", print);
	log_lines(art);
	free(print);
	free(art);
}

static void
log_plain(const struct host_check *h, const struct key *k)
{
	char *print;

	if (!log_wants(LOG_LEVEL_DEBUG1))
		return;
	print = hostkey_fingerprint(h, k);
	log_debug1("Server host key: %s %s", key_type_name(k),
	    print != NULL ? print : "");
	free(print);
}

static void
log_certificate(const struct host_check *h, const struct key *k)
{
	const struct certificate *c = key_certificate(k);
	char *print, *ca;

	if (!log_wants(LOG_LEVEL_DEBUG1))
		return;
	print = hostkey_fingerprint(h, k);
	ca = hostkey_fingerprint(h, c->ca);
	log_debug1("Server host certificate: %s %s, serial %llu ID \"%s\" CA "
		   "%s %s",
	    key_type_name(k), print != NULL ? print : "",
	    (unsigned long long)c->serial, c->key_id, key_type_name(c->ca),
	    ca != NULL ? ca : "");
	free(print);
	free(ca);
}

void
hostkey_log(const struct host_check *h, const struct key *k)
{
	log_plain(h, k);
	if (key_certificate(k) != NULL)
		log_certificate(h, k);
}
