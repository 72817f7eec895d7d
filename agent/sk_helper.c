/*
 * sk_helper.c - ssh-sk-helper: answers requests about security keys by the
 * provider that they name.
 *
 * Hostile input: requests come from the program that started it; what the
 * provider returns is bounded before it is passed on. Holds secrets: PINs.
 */
#include "agent/sk_helper.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/agent/helper.h"
#include "common/agent/helper_protocol.h"
#include "common/base/secret.h"
#include "common/key/key.h"
#include "common/port/port.h"

#define NAME "ssh-sk-helper"

static const struct algorithm {
	const char *type;
	uint32_t number;
} algorithms[] = {
	{ "sk-ecdsa-sha2-nistp256@openssh.com", SK_ECDSA },
	{ "sk-ssh-ed25519@openssh.com", SK_ED25519 },
};

/* ---- what all requests begin with ---- */

struct request {
	struct sk_provider provider;
	char *device, *pin, *user;
	bool has_pin;
	struct sk_option options[2], *list[3]; /* NULL ends it */
};

static void
request_release(struct request *q)
{
	free(q->device);
	free(q->user);
	secret_free_text(q->pin);
}

static void
add_option(struct request *q, const char *name, char *value)
{
	size_t n = q->list[0] == NULL ? 0 : 1;

	if (value == NULL || *value == '\0')
		return;
	q->options[n] = (struct sk_option){ .name = (char *)(uintptr_t)name,
		.value = value,
		.required = strcmp(name, "device") == 0 };
	q->list[n] = &q->options[n];
}

static int
malformed(struct error *e)
{
	return error_set(e, ERR_FORMAT, "malformed request");
}

static int
read_request(struct request *q, struct reader *rd, struct error *e)
{
	char *provider;
	int r;

	memset(q, 0, sizeof(*q));
	provider = span_dup_text(read_text(rd));
	q->device = span_dup_text(read_text(rd));
	q->has_pin = read_boolean(rd);
	q->pin = span_dup_text(read_text(rd));
	if (read_error(rd) != 0 || provider == NULL || q->device == NULL ||
	    q->pin == NULL)
		r = malformed(e);
	else
		r = sk_provider_open(provider, &q->provider, e);
	free(provider);
	add_option(q, "device", q->device);
	return r;
}

static const char *
pin_of(const struct request *q)
{
	return q->has_pin ? q->pin : NULL;
}

static const struct algorithm *
find_algorithm(struct span type)
{
	for (size_t i = 0; i < ARRAY_COUNT(algorithms); i++)
		if (span_is(type, algorithms[i].type))
			return &algorithms[i];
	return NULL;
}

/* ---- what providers return ---- */

static int
explain(int code, struct error *e)
{
	switch (code) {
	case SK_ERR_UNSUPPORTED:
		return error_set(
		    e, ERR_UNSUPPORTED, "requested feature not supported");
	case SK_ERR_PIN_REQUIRED:
		return error_set(e, ERR_PASSPHRASE,
		    "a PIN is needed, or the one given was wrong");
	case SK_ERR_DEVICE_NOT_FOUND:
		return error_set(e, ERR_NOT_FOUND, "device not found");
	case SK_ERR_CREDENTIAL_EXISTS:
		return error_set(e, ERR_EXISTS, "credential already exists");
	default:
		return error_set(
		    e, ERR_CANCELLED, "the device refused or failed");
	}
}

static int
bad_answer(struct error *e)
{
	return error_set(e, ERR_FORMAT, "the provider returned nonsense");
}

static bool
is_sane(const void *bytes, size_t len)
{
	return len <= HELPER_FIELD_MAX && (bytes != NULL || len == 0);
}

static bool
is_sane_enrolled(const struct sk_enroll_response *k)
{
	return is_sane(k->public_key, k->public_key_len) &&
	       is_sane(k->key_handle, k->key_handle_len) &&
	       is_sane(k->signature, k->signature_len) &&
	       is_sane(k->attestation_cert, k->attestation_cert_len) &&
	       is_sane(k->authdata, k->authdata_len);
}

/* ---- requests ---- */

static int
run_enroll(struct request *q, const struct algorithm *a,
    const char *application, uint8_t flags, struct span challenge,
    struct buf *out, struct error *e)
{
	struct sk_enroll_response *k = NULL;
	int r;

	r = q->provider.enroll(a->number, challenge.ptr, challenge.len,
	    application, flags, pin_of(q), q->list, &k);
	if (r != 0)
		return explain(r, e);
	if (k == NULL || !is_sane_enrolled(k)) {
		r = bad_answer(e);
	} else {
		write_string(out, span_of(k->public_key, k->public_key_len));
		write_byte(out, flags | k->flags);
		write_string(out, span_of(k->key_handle, k->key_handle_len));
		write_string(
		    out, span_of(k->attestation_cert, k->attestation_cert_len));
		write_string(out, span_of(k->signature, k->signature_len));
		write_string(out, span_of(k->authdata, k->authdata_len));
	}
	sk_enroll_response_free(k);
	return r;
}

static int
enroll(struct request *q, struct reader *rd, struct buf *out, struct error *e)
{
	const struct algorithm *a = find_algorithm(read_text(rd));
	char *application = span_dup_text(read_text(rd));
	uint8_t flags;
	struct span challenge;
	int r;

	q->user = span_dup_text(read_text(rd));
	flags = read_byte(rd);
	challenge = read_string(rd);
	add_option(q, "user", q->user);
	if (read_end(rd) != 0 || a == NULL || application == NULL)
		r = malformed(e);
	else
		r = run_enroll(q, a, application, flags, challenge, out, e);
	free(application);
	return r;
}

/* surface s9: string type, string signature, byte flags, uint32 counter. */
static void
write_signature(const struct algorithm *a, const struct sk_sign_response *s,
    struct buf *out)
{
	size_t whole = write_string_begin(out), raw;

	write_text(out, a->type);
	raw = write_string_begin(out);
	if (a->number == SK_ECDSA) {
		write_mpint(out, span_of(s->sig_r, s->sig_r_len));
		write_mpint(out, span_of(s->sig_s, s->sig_s_len));
	} else {
		write_bytes(out, s->sig_r, s->sig_r_len);
	}
	write_string_end(out, raw);
	write_byte(out, s->flags);
	write_uint32(out, s->counter);
	write_string_end(out, whole);
}

static int
run_sign(struct request *q, const struct algorithm *a, const char *application,
    struct span handle, uint8_t flags, struct span data, struct buf *out,
    struct error *e)
{
	struct sk_sign_response *s = NULL;
	int r;

	r = q->provider.sign(a->number, data.ptr, data.len, application,
	    handle.ptr, handle.len, flags, pin_of(q), q->list, &s);
	if (r != 0)
		return explain(r, e);
	if (s == NULL || !is_sane(s->sig_r, s->sig_r_len) ||
	    !is_sane(s->sig_s, s->sig_s_len))
		r = bad_answer(e);
	else
		write_signature(a, s, out);
	sk_sign_response_free(s);
	return r;
}

static int
sign(struct request *q, struct reader *rd, struct buf *out, struct error *e)
{
	const struct algorithm *a = find_algorithm(read_text(rd));
	char *application = span_dup_text(read_text(rd));
	struct span handle = read_string(rd);
	uint8_t flags = read_byte(rd);
	struct span data = read_string(rd);
	int r;

	if (read_end(rd) != 0 || a == NULL || application == NULL)
		r = malformed(e);
	else
		r = run_sign(q, a, application, handle, flags, data, out, e);
	free(application);
	return r;
}

static const struct algorithm *
algorithm_of(uint32_t number)
{
	for (size_t i = 0; i < ARRAY_COUNT(algorithms); i++)
		if (algorithms[i].number == number)
			return &algorithms[i];
	return NULL;
}

/* Keys for web sites are none of ours. */
static bool
is_wanted(const struct sk_resident_key *k)
{
	return k != NULL && k->application != NULL &&
	       strncmp(k->application, "ssh:", 4) == 0 &&
	       algorithm_of(k->alg) != NULL && is_sane_enrolled(&k->key) &&
	       is_sane(k->user_id, k->user_id_len);
}

static void
write_resident(const struct sk_resident_key *k, struct buf *out)
{
	write_text(out, algorithm_of(k->alg)->type);
	write_string(out, span_of(k->key.public_key, k->key.public_key_len));
	write_text(out, k->application);
	write_byte(out,
	    KEY_SK_TOUCHED | KEY_SK_RESIDENT | (k->flags & KEY_SK_VERIFIED));
	write_string(out, span_of(k->key.key_handle, k->key.key_handle_len));
	write_string(out, span_of(k->user_id, k->user_id_len));
}

static int
load_residents(
    struct request *q, struct reader *rd, struct buf *out, struct error *e)
{
	struct sk_resident_key **keys = NULL;
	struct buf list = BUF_INIT;
	uint32_t wanted = 0;
	size_t count = 0;
	int r;

	if (read_end(rd) != 0)
		return malformed(e);
	r = q->provider.load_resident_keys(pin_of(q), q->list, &keys, &count);
	if (r != 0)
		return explain(r, e);
	if (keys == NULL && count > 0)
		return bad_answer(e);
	for (size_t i = 0; i < count && wanted < HELPER_KEYS_MAX; i++) {
		if (!is_wanted(keys[i]))
			continue;
		write_resident(keys[i], &list);
		wanted++;
	}
	write_uint32(out, wanted);
	write_span(out, buf_span(&list));
	r = buf_error(&list);
	buf_release(&list);
	sk_resident_keys_free(keys, count);
	return r;
}

static int
on_request(void *context, enum helper_message type, struct reader *body,
    struct buf *out, struct error *e)
{
	struct request q;
	int r;

	if ((r = read_request(&q, body, e)) == 0) {
		switch (type) {
		case HELPER_SK_ENROLL:
			r = enroll(&q, body, out, e);
			break;
		case HELPER_SK_SIGN:
			r = sign(&q, body, out, e);
			break;
		case HELPER_SK_RESIDENTS:
			r = load_residents(&q, body, out, e);
			break;
		default:
			r = malformed(e);
		}
	}
	request_release(&q);
	return r;
}

int
main(int argc, char **argv)
{
	/* While it waits for a touch it does not see that nobody wants the
	 * signature any more. */
	port_die_with_parent(SIGTERM);
	return helper_serve(NAME, on_request, NULL);
}
