/*
 * security_key.c - keys in security keys (FIDO): making them, changing what
 * they demand, making files of those that a device remembers.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/agent/helper.h"
#include "common/base/file.h"
#include "common/base/secret.h"
#include "common/crypto/random.h"
#include "keygen/keygen.h"

#define APPLICATION_DEFAULT "ssh:"
#define CHALLENGE_MAX       (64 * 1024)
#define CHALLENGE_DEFAULT   32
#define PIN_TRIES           2
#define USER_MAX            32

static const struct {
	const char *short_name, *name;
} types[] = {
	{ "ecdsa-sk", "sk-ecdsa-sha2-nistp256@openssh.com" },
	{ "ed25519-sk", "sk-ssh-ed25519@openssh.com" },
};

/* The type's full name; NULL where it is not one of a security key. */
static const char *
full_name(const char *type)
{
	for (size_t i = 0; i < ARRAY_COUNT(types); i++)
		if (strcmp(type, types[i].short_name) == 0 ||
		    strcmp(type, types[i].name) == 0)
			return types[i].name;
	return NULL;
}

bool
is_security_key_type(const char *type)
{
	return full_name(type) != NULL;
}

/* ---- -O ---- */

struct wishes {
	struct security_key_request q;
	const char *challenge_file, *attestation_file;
};

/* What follows "NAME=" in text, or NULL. */
static const char *
value_of(const char *text, const char *name)
{
	size_t len = strlen(name);

	return strncmp(text, name, len) == 0 && text[len] == '='
		   ? text + len + 1
		   : NULL;
}

static int
take_wish(struct wishes *w, const char *text)
{
	const struct {
		const char *name, **to;
	} values[] = {
		{ "application", &w->q.application },
		{ "challenge", &w->challenge_file },
		{ "device", &w->q.device },
		{ "user", &w->q.user },
		{ "write-attestation", &w->attestation_file },
	};
	const char *value;

	for (size_t i = 0; i < ARRAY_COUNT(values); i++) {
		if ((value = value_of(text, values[i].name)) != NULL) {
			*values[i].to = value;
			return 0;
		}
	}
	if (strcmp(text, "no-touch-required") == 0)
		w->q.flags &= (uint8_t)~KEY_SK_TOUCHED;
	else if (strcmp(text, "verify-required") == 0)
		w->q.flags |= KEY_SK_VERIFIED;
	else if (strcmp(text, "resident") == 0)
		w->q.flags |= KEY_SK_RESIDENT;
	else
		return complain(EXIT_FATAL,
		    "Option \"%s\" is unsupported for FIDO authenticator "
		    "enrollment",
		    text);
	return 0;
}

static int
read_wishes(const struct options *o, const char *type, struct wishes *w)
{
	int status = 0;

	memset(w, 0, sizeof(*w));
	w->q.provider = o->security_key_provider;
	w->q.type = full_name(type);
	w->q.application = APPLICATION_DEFAULT;
	w->q.flags = KEY_SK_TOUCHED;
	for (size_t i = 0; status == 0 && i < o->extra.count; i++)
		status = take_wish(w, o->extra.item[i]);
	if (status == 0 && strncmp(w->q.application, "ssh:", 4) != 0)
		status = complain(EXIT_FATAL,
		    "FIDO application string must begin with \"ssh:\"");
	if (status == 0 && w->q.user != NULL && strlen(w->q.user) >= USER_MAX)
		status = complain(EXIT_FATAL,
		    "FIDO user \"%s\" is too long: at most %d bytes", w->q.user,
		    USER_MAX - 1);
	return status;
}

/* What the attestation is over: by a person, or by nobody. */
static int
read_challenge(const struct wishes *w, struct buf *ret)
{
	struct error e = { 0 };
	uint8_t *room;
	int r;

	if (w->challenge_file != NULL) {
		r = file_read(w->challenge_file, CHALLENGE_MAX, ret, &e);
		return r == 0 ? 0
			      : complain(EXIT_FATAL,
				    "Unable to read attestation challenge: %s",
				    error_message(&e, r));
	}
	if ((room = buf_reserve(ret, CHALLENGE_DEFAULT)) == NULL ||
	    random_fill(&random_system, room, CHALLENGE_DEFAULT) != 0)
		return complain(EXIT_FATAL, "no randomness");
	buf_extend(ret, CHALLENGE_DEFAULT);
	return 0;
}

/*
 * string "ssh-sk-attest-v01", string certificate, string signature,
 * string authenticator data, uint32 reserved, string reserved
 */
static int
save_attestation(const struct options *o, const char *path,
    const struct security_key_attestation *a)
{
	struct buf out = BUF_INIT;
	struct error e = { 0 };
	int r;

	if (path == NULL)
		return 0;
	write_text(&out, "ssh-sk-attest-v01");
	write_string(&out, buf_span(&a->certificate));
	write_string(&out, buf_span(&a->signature));
	write_string(&out, buf_span(&a->authenticator_data));
	write_uint32(&out, 0);
	write_text(&out, "");
	if ((r = buf_error(&out)) == 0)
		r = file_write_atomic(path, buf_span(&out), 0644, false, &e);
	buf_release(&out);
	if (r != 0)
		return complain(EXIT_FATAL,
		    "Unable to write attestation certificate: %s",
		    error_message(&e, r));
	if (!o->is_quiet)
		printf("Your FIDO attestation certificate has been saved in "
		       "%s\n",
		    path);
	return 0;
}

/* ---- making ---- */

static void
say_touch(const struct options *o, const char *again, const char *what)
{
	if (o->is_quiet)
		return;
	printf("You may need to touch your authenticator%s to authorize %s.\n",
	    again, what);
	fflush(stdout);
}

static bool
may_replace(const struct security_key_request *q)
{
	char *answer, *question = text_format(
			  "A resident key scoped to '%s' with user id '%s' "
			  "already exists.\nOverwrite key in token (y/n)? ",
			  q->application, q->user != NULL ? q->user : "null");
	bool yes;

	answer = question != NULL ? ask_line(question) : NULL;
	yes = answer != NULL && (answer[0] == 'y' || answer[0] == 'Y');
	free(question);
	free(answer);
	return yes;
}

/* Until the device has made a key, or refuses for good. */
static int
enroll(const struct options *o, struct security_key_request *q, char **pin,
    struct key **ret, struct security_key_attestation *a)
{
	struct error e = { 0 };
	int r;

	say_touch(o, "", "key generation");
	for (int tries = 0;;) {
		r = security_key_enroll(q, ret, a, &e);
		if (r == ERR_EXISTS && (q->flags & KEY_SK_FORCE) == 0) {
			if (!may_replace(q))
				break;
			q->flags |= KEY_SK_FORCE;
		} else if (r == ERR_PASSPHRASE && tries++ < PIN_TRIES) {
			if (*pin != NULL)
				complain(0, "PIN incorrect");
			secret_free_text(*pin);
			*pin = ask_passphrase("Enter PIN for authenticator: ");
			if ((q->pin = *pin) == NULL)
				break;
		} else {
			break;
		}
		say_touch(o, " again", "key generation");
	}
	if (r == 0)
		return 0;
	return complain(
	    EXIT_FATAL, "Key enrollment failed: %s", error_message(&e, r));
}

int
security_key_generate(
    const struct options *o, const char *type, struct key **ret)
{
	struct security_key_attestation a = { BUF_INIT, BUF_INIT, BUF_INIT };
	struct buf challenge = BUF_INIT;
	struct key *k = NULL;
	char *pin = NULL;
	struct wishes w;
	int status;

	if ((status = read_wishes(o, type, &w)) != 0 ||
	    (status = read_challenge(&w, &challenge)) != 0)
		goto out;
	w.q.challenge = buf_span(&challenge);
	if ((status = enroll(o, &w.q, &pin, &k, &a)) == 0)
		status = save_attestation(o, w.attestation_file, &a);
	if (status == 0)
		*ret = key_ref(k);
out:
	key_unref(k);
	secret_free_text(pin);
	buf_release(&challenge);
	security_key_attestation_release(&a);
	return status;
}

int
security_key_prepare(const struct options *o, struct key *k)
{
	if (!key_is_security_key(k))
		return 0;
	return security_key_attach(
	    k, o->security_key_provider, &helper_person_prompt);
}

/* ---- -p ---- */

int
security_key_change(const struct options *o, struct key *k)
{
	uint8_t flags = key_sk_flags(k);

	for (size_t i = 0; i < o->extra.count; i++) {
		const char *text = o->extra.item[i];

		if (!key_is_security_key(k))
			return complain(EXIT_USAGE,
			    "ssh-keygen: -O %s says nothing here: the key is "
			    "not one of a security key",
			    text);
		if (strcmp(text, "touch-required") == 0)
			flags |= KEY_SK_TOUCHED;
		else if (strcmp(text, "no-touch-required") == 0)
			flags &= (uint8_t)~KEY_SK_TOUCHED;
		else if (strcmp(text, "verify-required") == 0)
			flags |= KEY_SK_VERIFIED;
		else if (strcmp(text, "no-verify-required") == 0)
			flags &= (uint8_t)~KEY_SK_VERIFIED;
		else
			return complain(EXIT_USAGE,
			    "Option \"%s\" is unsupported here: "
			    "[no-]touch-required and [no-]verify-required "
			    "are known",
			    text);
	}
	key_sk_set_flags(k, flags);
	return 0;
}

/* ---- -K ---- */

/* Part of a name: what others chose must not lead elsewhere. */
static void
write_part(struct buf *out, struct span s)
{
	if (s.len == 0)
		return;
	write_byte(out, '_');
	for (size_t i = 0; i < s.len; i++)
		write_byte(
		    out, isalnum(s.ptr[i]) || strchr("-_.@+", s.ptr[i]) != NULL
			     ? s.ptr[i]
			     : '_');
}

/* id_TYPE_rk[_APPLICATION][_USER], fresh text. */
static char *
resident_path(const struct security_key_resident *r)
{
	const char *application = key_application(r->key);
	struct span user = buf_span(&r->user_id);
	const uint8_t *end =
	    user.len > 0 ? memchr(user.ptr, 0, user.len) : NULL;
	struct buf out = BUF_INIT;

	if (end != NULL)
		user.len = (size_t)(end - user.ptr);
	write_span(&out, span_text(key_row(r->key)->type == KEY_ECDSA_SK
				       ? "id_ecdsa_sk_rk"
				       : "id_ed25519_sk_rk"));
	write_part(&out, span_text(application + strlen("ssh:")));
	write_part(&out, user);
	return buf_take_text(&out);
}

static int
save_resident(const struct options *o, const struct security_key_resident *r,
    const char *passphrase)
{
	const char *application = key_application(r->key);
	char *path = resident_path(r), *shown;
	int status = 0;

	if (path == NULL || key_set_comment(r->key, application) != 0) {
		status = complain(EXIT_FATAL, "out of memory");
	} else if (may_overwrite(path) &&
		   (status = save_private(o, path, r->key, passphrase)) == 0 &&
		   (status = save_public(path, r->key)) == 0) {
		shown = text_escaped(span_text(application));
		printf("Saved %s key%s%s to %s\n", key_row(r->key)->short_name,
		    strcmp(application, "ssh:") == 0 ? "" : " ",
		    strcmp(application, "ssh:") == 0 || shown == NULL ? ""
								      : shown,
		    path);
		free(shown);
	}
	free(path);
	return status;
}

static int
save_residents(const struct options *o,
    const struct security_key_resident *keys, size_t count)
{
	char *passphrase;
	int status = 0;

	if (count == 0)
		return complain(0, "No keys to download");
	passphrase = o->new_passphrase != NULL
			 ? strdup(o->new_passphrase)
			 : ask_new_passphrase("Enter passphrase (empty for no "
					      "passphrase): ");
	if (passphrase == NULL)
		return EXIT_USAGE;
	for (size_t i = 0; i < count && status == 0; i++)
		status = save_resident(o, &keys[i], passphrase);
	secret_free_text(passphrase);
	return status;
}

int
keygen_resident_keys(const struct options *o)
{
	struct security_key_resident *keys = NULL;
	const char *device = NULL;
	struct error e = { 0 };
	size_t count = 0;
	char *pin;
	int r, status;

	for (size_t i = 0; i < o->extra.count; i++)
		if ((device = value_of(o->extra.item[i], "device")) == NULL)
			return complain(EXIT_FATAL,
			    "Option \"%s\" is unsupported for -K: device= is "
			    "known",
			    o->extra.item[i]);
	if ((pin = ask_passphrase("Enter PIN for authenticator: ")) == NULL)
		return EXIT_USAGE;
	say_touch(o, "", "key download");
	r = security_key_load_residents(o->security_key_provider, device,
	    *pin != '\0' ? pin : NULL, &keys, &count, &e);
	secret_free_text(pin);
	if (r != 0)
		return complain(EXIT_FATAL, "Unable to load resident keys: %s",
		    error_message(&e, r));
	status = save_residents(o, keys, count);
	security_key_residents_free(keys, count);
	return status;
}
