/*
 * helper_security_key.c - security keys, by ssh-sk-helper: one process an
 * operation.
 */
#include <stdlib.h>
#include <string.h>

#include "common/agent/helper_impl.h"
#include "common/base/log.h"
#include "common/base/secret.h"

#define PROVIDER_DEFAULT "internal"

/* ---- asking ---- */

static int
start(struct helper *h, struct error *e)
{
	return helper_start(h, "SSH_SK_HELPER", "ssh-sk-helper", e);
}

static const char *
choose_provider(const char *provider)
{
	if (provider == NULL || *provider == '\0')
		provider = getenv("SSH_SK_PROVIDER");
	if (provider == NULL || *provider == '\0')
		provider = PROVIDER_DEFAULT;
	return provider;
}

static void
write_optional(struct buf *out, const char *text)
{
	write_text(out, text != NULL ? text : "");
}

/* What all requests begin with. */
static struct buf *
begin(struct helper *h, enum helper_message type, const char *provider,
    const char *device, const char *pin)
{
	struct buf *out = ipc_begin(&h->ipc, (uint8_t)type);

	write_text(out, choose_provider(provider));
	write_optional(out, device);
	write_boolean(out, pin != NULL);
	write_optional(out, pin);
	return out;
}

/* ---- signing ---- */

struct attached {
	char *provider;
	struct helper_person person;
};

static void
free_attached(void *context)
{
	struct attached *at = context;

	free(at->provider);
	free(at);
}

static int
sign_once(const struct attached *at, const struct key *k,
    const struct signature_algorithm *a, struct span data, const char *pin,
    struct buf *ret, struct error *e)
{
	const struct key_type_row *row = key_row(k);
	struct helper h;
	struct span body;
	struct buf *out;
	int r;

	if ((r = start(&h, e)) != 0)
		return r;
	out = begin(&h, HELPER_SK_SIGN, at->provider, NULL, pin);
	write_text(out, row->plain != NULL ? row->plain : row->name);
	write_text(out, key_application(k));
	write_string(out, key_sk_handle(k));
	write_byte(out, key_sk_flags(k));
	write_string(out, data);
	r = helper_call(&h, &body, e);
	if (r == HELPER_ANSWER_NEED_PIN)
		r = error_set(e, ERR_UNEXPECTED, "unexpected answer");
	if (r == 0)
		r = helper_read_signature(body, k, a, data, ret, e);
	helper_stop(&h);
	return r;
}

/* With the words around it; fresh text. */
static char *
describe(const struct key *k, const char *before, const char *after)
{
	char *fingerprint = key_fingerprint(k, DIGEST_SHA256);
	char *text = NULL;

	if (fingerprint != NULL)
		text = text_format("%s %s %s%s", before, key_row(k)->short_name,
		    fingerprint, after);
	free(fingerprint);
	return text;
}

/* The person is told while the device waits. */
static int
sign_with_notice(const struct attached *at, const struct key *k,
    const struct signature_algorithm *a, struct span data, const char *pin,
    struct buf *ret, struct error *e)
{
	const struct helper_person *p = &at->person;
	bool tells =
	    (key_sk_flags(k) & KEY_SK_TOUCHED) != 0 && p->touch_begin != NULL;
	char *text = NULL;
	int r;

	if (tells)
		text = describe(k, "Confirm user presence for key", "");
	if (text != NULL)
		p->touch_begin(p->context, text);
	r = sign_once(at, k, a, data, pin, ret, e);
	if (text != NULL && p->touch_end != NULL)
		p->touch_end(p->context);
	free(text);
	return r;
}

static char *
pin_question(const struct key *k)
{
	char *fingerprint = key_fingerprint(k, DIGEST_SHA256);
	char *text = NULL;

	if (fingerprint != NULL)
		text = text_format("Enter PIN for %s key %s: ",
		    key_row(k)->short_name, fingerprint);
	free(fingerprint);
	return text;
}

static int
sign_with_pin(const struct attached *at, const struct key *k,
    const struct signature_algorithm *a, struct span data, struct buf *ret,
    struct error *e)
{
	const struct helper_person *p = &at->person;
	char *question = pin_question(k), *pin = NULL;
	int r;

	if (question == NULL)
		return error_set(e, ERR_MEMORY, "out of memory");
	if ((r = p->ask_pin(p->context, question, &pin, e)) == 0) {
		r = sign_with_notice(at, k, a, data, pin, ret, e);
		secret_free_text(pin);
	}
	free(question);
	return r;
}

/*
 * First without a PIN: the device may know a finger, and one that wants a PIN
 * says so at once, before it waits for a touch.
 */
static int
sign(void *context, const struct key *k, const struct signature_algorithm *a,
    struct span data, struct buf *ret)
{
	const struct attached *at = context;
	bool can_ask = at->person.ask_pin != NULL;
	struct error e = { 0 };
	int r = ERR_PASSPHRASE;

	if ((key_sk_flags(k) & KEY_SK_VERIFIED) == 0 || !can_ask)
		r = sign_with_notice(at, k, a, data, NULL, ret, &e);
	else
		r = sign_once(at, k, a, data, NULL, ret, &e);
	if (r == ERR_PASSPHRASE && can_ask)
		r = sign_with_pin(at, k, a, data, ret, &e);
	else if (r == ERR_PASSPHRASE)
		r = ERR_PERMISSION;
	if (r != 0)
		log_error("security key: %s", error_message(&e, r));
	return r;
}

int
security_key_attach(
    struct key *k, const char *provider, const struct helper_person *person)
{
	struct key_signer signer = { sign, free_attached, NULL };
	struct attached *at;

	if (!key_is_security_key(k) || !key_has_private(k))
		return ERR_KEY_TYPE;
	if ((at = calloc(1, sizeof(*at))) == NULL)
		return ERR_MEMORY;
	if ((at->provider = strdup(choose_provider(provider))) == NULL) {
		free(at);
		return ERR_MEMORY;
	}
	if (person != NULL)
		at->person = *person;
	signer.context = at;
	key_set_signer(k, &signer);
	return 0;
}

/* ---- new keys ---- */

void
security_key_attestation_release(struct security_key_attestation *a)
{
	buf_release(&a->certificate);
	buf_release(&a->signature);
	buf_release(&a->authenticator_data);
}

static int
malformed(struct error *e)
{
	return error_set(e, ERR_FORMAT, "helper process: malformed answer");
}

static int
keep_attestation(struct security_key_attestation *to, struct span certificate,
    struct span signature, struct span authenticator_data)
{
	write_span(&to->certificate, certificate);
	write_span(&to->signature, signature);
	write_span(&to->authenticator_data, authenticator_data);
	if (buf_error(&to->certificate) != 0 ||
	    buf_error(&to->signature) != 0 ||
	    buf_error(&to->authenticator_data) != 0)
		return ERR_MEMORY;
	return 0;
}

int
security_key_read_enrolled(struct span body,
    const struct security_key_request *q, struct key **ret,
    struct security_key_attestation *attestation, struct error *e)
{
	struct reader rd = reader_of(body);
	struct span public_key = read_string_max(&rd, HELPER_FIELD_MAX);
	uint8_t flags = read_byte(&rd);
	struct span handle = read_string_max(&rd, HELPER_FIELD_MAX);
	struct span certificate = read_string_max(&rd, HELPER_FIELD_MAX);
	struct span signature = read_string_max(&rd, HELPER_FIELD_MAX);
	struct span authdata = read_string_max(&rd, HELPER_FIELD_MAX);
	struct key *k;
	int r;

	if (read_end(&rd) != 0)
		return malformed(e);
	r = key_sk_make(q->type, public_key, q->application, flags, handle, &k);
	if (r != 0)
		return error_set(e, r, "the security key gave no sound key: %s",
		    error_text(r));
	if (attestation != NULL &&
	    (r = keep_attestation(
		 attestation, certificate, signature, authdata)) != 0) {
		key_unref(k);
		return error_set(e, r, "%s", error_text(r));
	}
	*ret = k;
	return 0;
}

int
security_key_enroll(const struct security_key_request *q, struct key **ret,
    struct security_key_attestation *attestation, struct error *e)
{
	struct helper h;
	struct span body;
	struct buf *out;
	int r;

	if ((r = start(&h, e)) != 0)
		return r;
	out = begin(&h, HELPER_SK_ENROLL, q->provider, q->device, q->pin);
	write_text(out, q->type);
	write_text(out, q->application);
	write_optional(out, q->user);
	write_byte(out, q->flags);
	write_string(out, q->challenge);
	r = helper_call(&h, &body, e);
	if (r == HELPER_ANSWER_NEED_PIN)
		r = malformed(e);
	if (r == 0)
		r = security_key_read_enrolled(body, q, ret, attestation, e);
	helper_stop(&h);
	return r;
}

/* ---- keys that the device remembers ---- */

void
security_key_residents_free(struct security_key_resident *keys, size_t count)
{
	for (size_t i = 0; keys != NULL && i < count; i++) {
		key_unref(keys[i].key);
		buf_release(&keys[i].user_id);
	}
	free(keys);
}

static int
read_resident(struct reader *rd, struct security_key_resident *ret)
{
	struct span type = read_text(rd);
	struct span public_key = read_string_max(rd, HELPER_FIELD_MAX);
	struct span application = read_text(rd);
	uint8_t flags = read_byte(rd);
	struct span handle = read_string_max(rd, HELPER_FIELD_MAX);
	struct span user_id = read_string_max(rd, HELPER_FIELD_MAX);
	char *type_name, *name;
	int r;

	if ((r = read_error(rd)) != 0)
		return r;
	type_name = span_dup_text(type);
	name = span_dup_text(application);
	r = type_name == NULL || name == NULL
		? ERR_MEMORY
		: key_sk_make(
		      type_name, public_key, name, flags, handle, &ret->key);
	free(type_name);
	free(name);
	if (r != 0)
		return r;
	write_span(&ret->user_id, user_id);
	return buf_error(&ret->user_id);
}

int
security_key_read_residents(struct span body,
    struct security_key_resident **ret, size_t *ret_count, struct error *e)
{
	struct reader rd = reader_of(body);
	uint32_t count = read_uint32(&rd);
	struct security_key_resident *keys;
	int r = 0;

	if (read_error(&rd) != 0 || count > HELPER_KEYS_MAX)
		return malformed(e);
	if ((keys = calloc((size_t)count + 1, sizeof(*keys))) == NULL)
		return error_set(e, ERR_MEMORY, "out of memory");
	for (uint32_t i = 0; r == 0 && i < count; i++)
		r = read_resident(&rd, &keys[i]);
	if (r == 0)
		r = read_end(&rd);
	if (r != 0) {
		security_key_residents_free(keys, count);
		return error_set(e, r, "the security key gave no sound key: %s",
		    error_text(r));
	}
	*ret = keys;
	*ret_count = count;
	return 0;
}

int
security_key_load_residents(const char *provider, const char *device,
    const char *pin, struct security_key_resident **ret, size_t *ret_count,
    struct error *e)
{
	struct helper h;
	struct span body;
	int r;

	if ((r = start(&h, e)) != 0)
		return r;
	begin(&h, HELPER_SK_RESIDENTS, provider, device, pin);
	r = helper_call(&h, &body, e);
	if (r == HELPER_ANSWER_NEED_PIN)
		r = malformed(e);
	if (r == 0)
		r = security_key_read_residents(body, ret, ret_count, e);
	helper_stop(&h);
	return r;
}
