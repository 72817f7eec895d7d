/*
 * auth_publickey.c - which key, by which algorithm, signed by whom.
 * RFC 4252 s7, RFC 8332.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/text.h"
#include "ssh/auth_impl.h"
#include "ssh/providers.h"

/* For a signature by a key whose file could sign as well; else there is no
 * limit: a person may have to confirm it. */
#define SIGNATURE_PATIENCE_MS 30000

/* ---- algorithms ---- */

/*
 * RFC 8332 s3.3: for RSA the best of what the server named; where it named
 * nothing, "ssh-rsa" if it is allowed, else what is.
 */
static const struct signature_algorithm *
choose_algorithm(const struct auth *a, const struct key *k)
{
	const char *accepted = a->c.o->pubkey_accepted_algorithms;
	const char *server = transport_server_sig_algs(a->c.t);
	struct span rest = span_text(accepted), name;
	struct buf common = BUF_INIT;
	const struct signature_algorithm *s = NULL;

	if (key_row(k)->type != KEY_RSA)
		return key_choose_signature(k, span_text(accepted));
	if (*server == '\0') {
		/* "ssh-rsa", or that of certificates: named as the type. */
		name = span_text(key_type_name(k));
		if (list_has(rest, name))
			return signature_find(name);
		return key_choose_signature(k, rest);
	}
	while (list_next(&rest, &name)) {
		/* Servers name the plain algorithms only. */
		s = signature_find(name);
		if (s == NULL ||
		    !list_has(span_text(server), span_text(s->plain)))
			continue;
		if (common.len > 0)
			write_byte(&common, ',');
		write_span(&common, name);
	}
	s = NULL;
	if (buf_error(&common) == 0 && common.len > 0)
		s = key_choose_signature(k, buf_span(&common));
	buf_release(&common);
	return s;
}

/* For agents that know no better RSA signature than that by SHA-1: only
 * where both sides allow it. */
static const struct signature_algorithm *
choose_old_rsa(const struct auth *a, const struct key *k)
{
	const char *server = transport_server_sig_algs(a->c.t);
	struct span name = span_text(key_type_name(k));

	if (key_row(k)->type != KEY_RSA ||
	    !list_has(span_text(a->c.o->pubkey_accepted_algorithms), name) ||
	    (*server != '\0' &&
		!list_has(span_text(server), span_text("ssh-rsa"))))
		return NULL;
	return signature_find(name);
}

bool
publickey_needs_ext_info(const struct auth *a)
{
	const struct identities *list = a->c.identities;

	if (*transport_server_sig_algs(a->c.t) != '\0')
		return false;
	for (size_t i = 0; i < list->count; i++) {
		const struct key *k = identity_key(&list->item[i]);

		if (k != NULL && key_row(k)->type == KEY_RSA)
			return true;
	}
	return false;
}

void
publickey_reconsider(struct auth *a)
{
	for (size_t i = 0; i < a->c.identities->count; i++) {
		struct identity *id = &a->c.identities->item[i];

		if (id->answer == IDENTITY_NO_ALGORITHM &&
		    choose_algorithm(a, identity_key(id)) != NULL &&
		    (id->private == NULL || identity_is_whole(id)))
			id->answer = IDENTITY_NOT_OFFERED;
	}
}

/* ---- signing ---- */

/* Loads what needs a passphrase; false: not with this key. */
static bool
unlock(struct auth *a, struct identity *id)
{
	struct error e = { 0 };
	int r;

	if (id->private != NULL)
		return true;
	if (!id->is_encrypted)
		return false; /* only its public half is here */
	r = auth_can_ask(a)
		? identity_unlock(id, a->c.o->number_of_password_prompts, &e)
		: ERR_UNSUPPORTED;
	if (r == 0) {
		identities_share(a->c.identities, id);
		return true;
	}
	if (r != ERR_UNSUPPORTED && r != ERR_CANCELLED && r != ERR_PASSPHRASE)
		log_info("Load key \"%s\": %s", id->path, error_message(&e, r));
	id->answer = IDENTITY_LOCKED;
	return false;
}

/* What the agent says is checked: a wrong signature would cost an attempt. */
static int
sign_by_agent(struct auth *a, struct identity *id,
    const struct signature_algorithm *s, struct span data,
    struct buf *ret_signature, struct error *e)
{
	struct agent *agent = a->c.identities->agent;
	int r;

	agent_set_patience(
	    agent, id->private != NULL ? SIGNATURE_PATIENCE_MS : 0);
	r = agent_sign(
	    agent, buf_span(&id->agent_blob), s, data, ret_signature, e);
	if (r == 0 && key_verify(identity_key(id), s, data,
			  buf_span(ret_signature)) != 0) {
		buf_clear(ret_signature);
		r = error_set(e, ERR_SIGNATURE,
		    "the agent's signature is not by this key");
	}
	return r;
}

/* It said no, or cannot. Its other keys may be as good as before. */
static void
on_agent_failure(
    struct auth *a, struct identity *id, int code, const struct error *e)
{
	bool refused = code == ERR_PERMISSION;

	log_error("sign_and_send_pubkey: signing failed for %s \"%s\" from "
		  "agent: %s",
	    key_row(identity_key(id))->short_name, identity_name(id),
	    error_message(e, code));
	if (code == ERR_CLOSED || code == ERR_FORMAT || code == ERR_TIMEOUT)
		identities_forget_agent(a->c.identities);
	buf_release(&id->agent_blob);
	/* Who keeps a key in the agent is not asked for its passphrase. */
	if (id->private == NULL && (refused || !id->is_encrypted))
		id->answer = IDENTITY_NOT_SIGNED;
}

/* The key's file. False: not with this key, and id says why. */
static bool
sign_by_file(struct auth *a, struct identity *id,
    const struct signature_algorithm *s, struct span data,
    struct buf *ret_signature)
{
	int r;

	if (!unlock(a, id))
		return false;
	/* The file may hold another key than its public half says. */
	if (!identity_is_whole(id)) {
		log_error("%s: its public half belongs to another key",
		    identity_name(id));
		id->answer = IDENTITY_NO_ALGORITHM;
		return false;
	}
	r = providers_prepare(a->c.o, id->private);
	if (r == 0)
		r = key_sign(id->private, s, data, ret_signature);
	if (r == 0)
		return true;
	log_error("%s: cannot sign: %s", identity_name(id), error_text(r));
	id->answer = IDENTITY_NOT_SIGNED;
	return false;
}

static bool
sign(struct auth *a, struct identity *id, const struct signature_algorithm **s,
    struct buf *ret_signature)
{
	struct span blob = key_blob(identity_key(id));
	const struct signature_algorithm *old;
	struct buf data = BUF_INIT;
	struct error e = { 0 };
	bool done = false;
	int r;

	r = userauth_client_sign_data(a->u, (*s)->name, blob, &data);
	if (r == 0 && id->agent_blob.len > 0) {
		r = sign_by_agent(
		    a, id, *s, buf_span(&data), ret_signature, &e);
		done = r == 0;
		old = choose_old_rsa(a, identity_key(id));
		if (r == ERR_SIGNATURE_ALGORITHM && old != NULL && old != *s) {
			log_debug1(
			    "%s: %s", identity_name(id), error_message(&e, r));
			buf_release(&data);
			*s = old;
			return sign(a, id, s, ret_signature);
		}
		if (!done)
			on_agent_failure(a, id, r, &e);
	}
	if (!done && id->answer != IDENTITY_NOT_SIGNED)
		done = sign_by_file(a, id, *s, buf_span(&data), ret_signature);
	buf_release(&data);
	return done;
}

/* The signed request; as publickey_try. */
static int
send_signed(
    struct auth *a, struct identity *id, const struct signature_algorithm *s)
{
	struct buf signature = BUF_INIT;
	int r = 0;

	if (sign(a, id, &s, &signature)) {
		r = userauth_client_publickey(a->u, s->name,
		    key_blob(identity_key(id)), buf_span(&signature));
		r = r == 0 ? 1 : r;
	}
	buf_release(&signature);
	return r;
}

/* ---- offering ---- */

static void
log_offer(const struct identity *id, const char *what)
{
	char *print;

	if (!log_wants(LOG_LEVEL_DEBUG1))
		return;
	print = key_fingerprint(identity_key(id), DIGEST_SHA256);
	log_debug1("%s: %s %s %s%s%s", what, identity_name(id),
	    key_row(identity_key(id))->short_name, print != NULL ? print : "",
	    id->is_explicit ? " explicit" : "",
	    id->agent_blob.len > 0 ? " agent" : "");
	free(print);
}

/* Is there no doubt which key to sign with? An agent or a device may ask a
 * person, so it is not asked for a signature that may be of no use. */
static bool
is_obvious(const struct auth *a, const struct identity *id)
{
	const char *remembered = a->c.remembered;

	if (id->private == NULL && id->agent_blob.len == 0)
		return false;
	if (id->private != NULL && providers_ask_person(id->private))
		return false;
	if (remembered != NULL &&
	    identities_find(a->c.identities, remembered) == id)
		return true;
	return identities_usable(a->c.identities) == 1 &&
	       id->agent_blob.len == 0;
}

/* RequiredRSASize. */
static bool
is_too_short(const struct auth *a, const struct identity *id)
{
	const struct key *k = identity_key(id);

	if (key_row(k)->type != KEY_RSA ||
	    key_bits(k) >= (unsigned)a->c.o->required_rsa_size)
		return false;
	log_debug1("%s: %u bits are less than RequiredRSASize %d",
	    identity_name(id), key_bits(k), a->c.o->required_rsa_size);
	return true;
}

/* Offers one key; as publickey_try. */
static int
offer(struct auth *a, struct identity *id)
{
	const struct signature_algorithm *s;
	int r;

	if (!identity_can_sign(id)) {
		identity_log_failure(id);
		id->answer = IDENTITY_UNUSABLE;
		return 0; /* nobody can sign for it (any more) */
	}
	/* A file that hides even its public half must be opened first. */
	if (identity_key(id) == NULL && !unlock(a, id))
		return 0;
	if (is_too_short(a, id)) {
		id->answer = IDENTITY_NO_ALGORITHM;
		return 0;
	}
	if ((s = choose_algorithm(a, identity_key(id))) == NULL) {
		log_debug1(
		    "%s: no mutual signature algorithm", identity_name(id));
		id->answer = IDENTITY_NO_ALGORITHM;
		return 0;
	}
	log_offer(id, "Offering public key");
	if (is_obvious(a, id)) {
		r = send_signed(a, id, s);
	} else {
		r = userauth_client_probe(
		    a->u, s->name, key_blob(identity_key(id)));
		r = r == 0 ? 1 : r;
	}
	if (r == 1) {
		id->answer = IDENTITY_OFFERED;
		a->identity = id;
	}
	return r;
}

int
publickey_try(struct auth *a)
{
	struct identities *list = a->c.identities;
	struct identity *first = NULL;
	int r = 0;

	if (a->c.remembered != NULL)
		first = identities_find(list, a->c.remembered);
	if (first != NULL && first->answer == IDENTITY_NOT_OFFERED)
		r = offer(a, first);
	for (size_t i = 0; r == 0 && i < list->count; i++)
		if (list->item[i].answer == IDENTITY_NOT_OFFERED)
			r = offer(a, &list->item[i]);
	return r;
}

int
publickey_on_ok(struct auth *a)
{
	struct identity *id = a->identity;
	const struct signature_algorithm *s;

	if (a->method != METHOD_PUBLICKEY || id == NULL)
		return ERR_UNEXPECTED;
	log_offer(id, "Server accepts key");
	id->answer = IDENTITY_ACCEPTED;
	s = choose_algorithm(a, identity_key(id));
	return s == NULL ? 0 : send_signed(a, id, s);
}
