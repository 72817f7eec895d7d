/*
 * report.c - why a login failed.
 */
#include "ssh/report.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/text.h"
#include "common/base/time.h"
#include "common/key/certificate.h"

static const char *
identity_words(enum identity_answer a)
{
	switch (a) {
	case IDENTITY_REFUSED:
		return "refused";
	case IDENTITY_ACCEPTED:
		return "accepted, but not used";
	case IDENTITY_SIGNATURE_REFUSED:
		return "known, but its signature was refused";
	case IDENTITY_PARTIAL:
		return "accepted, but more is wanted";
	case IDENTITY_OFFERED:
		return "no answer";
	case IDENTITY_NOT_SIGNED:
		return "accepted, but not signed for here";
	default:
		return NULL;
	}
}

static const char *
method_words(enum report_answer a)
{
	switch (a) {
	case REPORT_REFUSED:
		return "refused";
	case REPORT_PARTIAL:
		return "accepted, but more is wanted";
	default:
		return NULL;
	}
}

/* ---- first line: what was offered ---- */

static void
separate(struct buf *out)
{
	if (out->len > 0)
		buf_printf(out, "; ");
}

static void
write_identity(const struct identity *id, struct buf *out)
{
	const struct key *k = identity_key(id);
	char *print = k != NULL ? key_fingerprint(k, DIGEST_SHA256) : NULL;

	separate(out);
	buf_printf(out, "key %s%s", identity_name(id),
	    id->was_in_agent ? " in the agent" : "");
	if (print != NULL)
		buf_printf(out, " (%s %s)", key_row(k)->short_name, print);
	free(print);
}

static bool
write_offered(const struct report *r, struct buf *out)
{
	for (size_t i = 0; i < r->identities->count; i++)
		if (identity_words(r->identities->item[i].answer) != NULL)
			write_identity(&r->identities->item[i], out);
	if (method_words(r->keyboard_interactive) != NULL) {
		separate(out);
		buf_printf(out, "keyboard-interactive");
	}
	if (method_words(r->password) != NULL) {
		separate(out);
		buf_printf(out, "a password");
	}
	return out->len > 0;
}

/* ---- second line: what the server answered ---- */

static void
write_answers(const struct report *r, struct buf *out)
{
	for (size_t i = 0; i < r->identities->count; i++) {
		const struct identity *id = &r->identities->item[i];

		if (identity_words(id->answer) == NULL)
			continue;
		separate(out);
		buf_printf(out, "key %s: %s", identity_name(id),
		    identity_words(id->answer));
	}
	if (method_words(r->keyboard_interactive) != NULL) {
		separate(out);
		buf_printf(out, "keyboard-interactive: %s",
		    method_words(r->keyboard_interactive));
	}
	if (method_words(r->password) != NULL) {
		separate(out);
		buf_printf(out, "password: %s", method_words(r->password));
	}
	separate(out);
	buf_printf(out, "it would take: ");
	if (*r->methods == '\0')
		buf_printf(out, "nothing");
	else
		text_escape(out, span_text(r->methods), false);
}

/* ---- third line: the cause and the remedy ---- */

static bool
server_takes(const struct report *r, const char *method)
{
	return list_has(span_text(r->methods), span_text(method));
}

static const struct identity *
first_with(const struct report *r, enum identity_answer answer)
{
	for (size_t i = 0; i < r->identities->count; i++)
		if (r->identities->item[i].answer == answer)
			return &r->identities->item[i];
	return NULL;
}

static void
write_authorize(
    const struct report *r, const struct identity *id, struct buf *out)
{
	const char *path = id->path;

	if (path == NULL)
		buf_printf(out,
		    "put its line (ssh-add -L shows it) into %s's "
		    "~/.ssh/authorized_keys there",
		    r->user);
	else
		buf_printf(out,
		    "put %s.pub into %s's ~/.ssh/authorized_keys there "
		    "(ssh-copy-id -i %s.pub -p %d %s@%s)",
		    path, r->user, path, r->o->port, r->user, r->host);
}

/* A certificate that was refused says itself why, more often than not. */
static bool
write_certificate_cause(const struct report *r, struct buf *out)
{
	const struct identity *id = NULL;
	const struct certificate *c;
	uint64_t now = time_wall_s();

	for (size_t i = 0; id == NULL && i < r->identities->count; i++)
		if (r->identities->item[i].answer == IDENTITY_REFUSED &&
		    r->identities->item[i].certificate != NULL)
			id = &r->identities->item[i];
	if (id == NULL)
		return false;
	c = key_certificate(id->certificate);
	buf_printf(out, "the certificate of %s ", identity_name(id));
	if (now < c->valid_after)
		buf_printf(out, "is not valid yet; compare the clocks");
	else if (now >= c->valid_before)
		buf_printf(out, "has expired; ask its CA for a new one");
	else if (!strings_has(&c->principals, r->user))
		buf_printf(out,
		    "does not name %s (ssh-keygen -L shows its "
		    "principals)",
		    r->user);
	else
		buf_printf(out,
		    "was signed by a CA that the server does not "
		    "trust for %s (TrustedUserCAKeys, "
		    "cert-authority in authorized_keys)",
		    r->user);
	return true;
}

/* A cause that lies with one of our keys; false: none. */
static bool
write_key_cause(const struct report *r, struct buf *out)
{
	const struct identity *id;

	if ((id = first_with(r, IDENTITY_LOCKED)) != NULL) {
		buf_printf(out, "the passphrase of %s was not given%s",
		    id->path,
		    r->o->batch_mode
			? "; BatchMode forbids to ask for it"
			: "; log in from a terminal, or set SSH_ASKPASS");
	} else if ((id = first_with(r, IDENTITY_NOT_SIGNED)) != NULL &&
		   !id->was_in_agent) {
		buf_printf(out,
		    "the device with the key %s did not sign; the line above "
		    "says why (is it plugged in, is the PIN right, was it "
		    "touched in time?)",
		    identity_name(id));
	} else if (id != NULL) {
		buf_printf(out,
		    "the agent did not sign with %s; it may want a "
		    "confirmation, be locked, or keep the key for other "
		    "hosts (ssh-add -T FILE.pub tries it)",
		    identity_name(id));
	} else if ((id = first_with(r, IDENTITY_SIGNATURE_REFUSED)) != NULL) {
		buf_printf(out,
		    "the server knows %s but does not let %s in "
		    "with it; its log says why (AllowUsers, "
		    "PermitRootLogin, options of the key)",
		    identity_name(id), r->user);
	} else if (write_certificate_cause(r, out)) {
		return true;
	} else if ((id = first_with(r, IDENTITY_NO_ALGORITHM)) != NULL) {
		buf_printf(out,
		    "%s signs with no algorithm that both sides "
		    "accept; see PubkeyAcceptedAlgorithms, or "
		    "make an ed25519 key (ssh-keygen)",
		    identity_name(id));
	} else if ((id = first_with(r, IDENTITY_REFUSED)) != NULL) {
		buf_printf(out,
		    "the account %s does not list this key, or "
		    "is another one; ",
		    r->user);
		write_authorize(r, id, out);
	} else {
		return false;
	}
	return true;
}

static void
write_no_key(const struct report *r, struct buf *out)
{
	if (r->pubkey_off)
		buf_printf(out, "the server takes keys, and "
				"PubkeyAuthentication is off here");
	else if (r->pubkey_not_preferred)
		buf_printf(out, "the server takes keys, and "
				"PreferredAuthentications leaves publickey "
				"out here");
	else if (ssh_options_is_set(r->o, SSH_OPTION_identity_file) &&
		 r->identities->count == 0)
		buf_printf(out, "the server takes keys, and IdentityFile "
				"names none here");
	else if (ssh_options_is_set(r->o, SSH_OPTION_identity_file))
		buf_printf(out, "no IdentityFile could be read; see the "
				"lines above, or ssh -v");
	else
		buf_printf(out,
		    "there is no key in ~/.ssh; make one with "
		    "ssh-keygen and put its .pub into %s's "
		    "~/.ssh/authorized_keys there",
		    r->user);
}

static void
write_cause(const struct report *r, struct buf *out)
{
	enum report_answer typed = r->password != REPORT_NOT_TRIED
				       ? r->password
				       : r->keyboard_interactive;

	if (r->was_cut_off && identities_usable(r->identities) > 1)
		buf_printf(out, "the server allows only so many attempts; "
				"name the right key: -i FILE -o "
				"IdentitiesOnly=yes");
	else if (first_with(r, IDENTITY_PARTIAL) != NULL ||
		 typed == REPORT_PARTIAL)
		buf_printf(out,
		    "the server wants more than one proof; it "
		    "still asks for %s",
		    r->methods);
	else if (typed == REPORT_REFUSED)
		buf_printf(out, "a wrong password, or an account that may "
				"not log in by password; the server's log "
				"says which");
	else if (write_key_cause(r, out))
		return;
	else if (server_takes(r, "publickey"))
		write_no_key(r, out);
	else if (typed == REPORT_NOBODY_TO_ASK)
		buf_printf(out, "%s",
		    r->o->batch_mode
			? "BatchMode forbids to ask for a password; the "
			  "server takes no key"
			: "nobody can be asked for a password: no terminal, "
			  "and no SSH_ASKPASS");
	else if (typed == REPORT_SWITCHED_OFF)
		buf_printf(out, "passwords are switched off on this side "
				"(PasswordAuthentication, "
				"PreferredAuthentications, or a host key "
				"that does not match)");
	else
		buf_printf(out, "the server asks for a method that is not "
				"in use here");
}

void
report_failed_login(const struct report *r)
{
	struct buf line = BUF_INIT;
	bool offered = write_offered(r, &line);

	log_error("ssh: offered: %s",
	    offered ? buf_text(&line) : "nothing (no usable key)");
	buf_clear(&line);
	write_answers(r, &line);
	log_error("ssh: the server answered: %s", buf_text(&line));
	buf_clear(&line);
	write_cause(r, &line);
	log_error("ssh: most likely: %s.", buf_text(&line));
	buf_release(&line);
}
