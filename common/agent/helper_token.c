/*
 * helper_token.c - keys of PKCS#11 tokens, by ssh-pkcs11-helper: one process
 * a provider, as long as its keys are used.
 */
#include <stdlib.h>
#include <string.h>

#include "common/agent/helper_impl.h"
#include "common/base/log.h"
#include "common/base/secret.h"

/* How often a PIN is asked for in one signature: tokens lock themselves after
 * few wrong ones. */
#define PIN_TRIES 2

/* Counted: by its owner and by the signer of each key. */
struct token_provider {
	unsigned refs;
	char *path;
	struct helper helper;
	struct helper_person person;
	struct key **keys;
	size_t key_count;
};

struct token_signer {
	struct token_provider *provider;
	uint32_t index;
};

static void
unref(struct token_provider *p)
{
	if (--p->refs > 0)
		return;
	helper_stop(&p->helper);
	free(p->path);
	free(p);
}

/* ---- answers ---- */

static int
read_key(struct reader *rd, struct key **ret)
{
	struct span blob = read_string_max(rd, HELPER_FIELD_MAX);
	struct span label = read_text(rd);
	char *text;
	struct key *k;
	int r;

	if ((r = read_error(rd)) != 0)
		return r;
	if ((r = key_from_blob(blob, &k)) != 0)
		return r;
	text = text_escaped(label);
	r = text == NULL ? ERR_MEMORY : key_set_comment(k, text);
	if (r == 0 && key_certificate(k) != NULL)
		r = ERR_KEY_TYPE;
	free(text);
	if (r != 0)
		key_unref(k);
	else
		*ret = k;
	return r;
}

int
token_read_keys(
    struct span body, struct key ***ret, size_t *ret_count, struct error *e)
{
	struct reader rd = reader_of(body);
	uint32_t count = read_uint32(&rd);
	size_t n = 0;
	struct key **keys;
	int r = 0;

	if (read_error(&rd) != 0 || count > HELPER_KEYS_MAX)
		return error_set(
		    e, ERR_FORMAT, "helper process: malformed answer");
	if ((keys = calloc((size_t)count + 1, sizeof(*keys))) == NULL)
		return error_set(e, ERR_MEMORY, "out of memory");
	while (n < count && (r = read_key(&rd, &keys[n])) == 0)
		n++;
	if (r == 0)
		r = read_end(&rd);
	if (r == 0) {
		*ret = keys;
		*ret_count = n;
		return 0;
	}
	while (n > 0)
		key_unref(keys[--n]);
	free(keys);
	return error_set(
	    e, r, "the token gave no sound key: %s", error_text(r));
}

/* ---- signing ---- */

static int
log_in(struct token_signer *s, struct span label, struct error *e)
{
	struct token_provider *p = s->provider;
	char *shown = text_escaped(label);
	char *question = NULL, *pin = NULL;
	struct span body;
	struct buf *out;
	int r;

	if (shown != NULL)
		question = text_format("Enter PIN for '%s': ", shown);
	free(shown);
	if (question == NULL)
		return error_set(e, ERR_MEMORY, "out of memory");
	r = p->person.ask_pin(p->person.context, question, &pin, e);
	free(question);
	if (r != 0)
		return r;
	out = ipc_begin(&p->helper.ipc, HELPER_TOKEN_LOGIN);
	write_uint32(out, s->index);
	write_text(out, pin);
	secret_free_text(pin);
	r = helper_call(&p->helper, &body, e);
	return r == HELPER_ANSWER_NEED_PIN ? ERR_UNEXPECTED : r;
}

static int
ask_to_sign(struct token_signer *s, const struct signature_algorithm *a,
    struct span data, struct span *ret_body, struct error *e)
{
	struct helper *h = &s->provider->helper;
	struct buf *out = ipc_begin(&h->ipc, HELPER_TOKEN_SIGN);

	write_uint32(out, s->index);
	write_text(out, a->plain);
	write_string(out, data);
	return helper_call(h, ret_body, e);
}

static struct span
read_label(struct span body)
{
	struct reader rd = reader_of(body);

	return read_string_max(&rd, 64);
}

static int
sign(void *context, const struct key *k, const struct signature_algorithm *a,
    struct span data, struct buf *ret)
{
	struct token_signer *s = context;
	struct error e = { 0 };
	struct span body;
	int r = ask_to_sign(s, a, data, &body, &e);

	for (int i = 0; r == HELPER_ANSWER_NEED_PIN && i < PIN_TRIES; i++) {
		if (s->provider->person.ask_pin == NULL) {
			r = error_set(&e, ERR_PERMISSION, "it wants a PIN");
			break;
		}
		if ((r = log_in(s, read_label(body), &e)) == ERR_PASSPHRASE)
			log_error("%s", error_message(&e, r));
		else if (r != 0)
			break;
		r = ask_to_sign(s, a, data, &body, &e);
	}
	if (r == HELPER_ANSWER_NEED_PIN)
		r = error_set(&e, ERR_PERMISSION, "the PIN was wrong");
	if (r == 0)
		r = helper_read_signature(body, k, a, data, ret, &e);
	if (r != 0)
		log_error(
		    "token of %s: %s", s->provider->path, error_message(&e, r));
	return r;
}

static void
free_signer(void *context)
{
	struct token_signer *s = context;

	unref(s->provider);
	free(s);
}

static int
attach(struct token_provider *p, uint32_t index)
{
	struct key_signer signer = { sign, free_signer, NULL };
	struct token_signer *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return ERR_MEMORY;
	p->refs++;
	*s = (struct token_signer){ p, index };
	signer.context = s;
	key_set_signer(p->keys[index], &signer);
	return 0;
}

/* ---- the provider ---- */

static int
load_keys(struct token_provider *p, const char *pin, struct error *e)
{
	struct buf *out = ipc_begin(&p->helper.ipc, HELPER_TOKEN_OPEN);
	struct span body;
	int r;

	write_text(out, p->path);
	write_text(out, pin != NULL ? pin : "");
	r = helper_call(&p->helper, &body, e);
	if (r == HELPER_ANSWER_NEED_PIN)
		return error_set(e, ERR_UNEXPECTED, "unexpected answer");
	if (r == 0)
		r = token_read_keys(body, &p->keys, &p->key_count, e);
	for (size_t i = 0; r == 0 && i < p->key_count; i++)
		if ((r = attach(p, (uint32_t)i)) != 0)
			r = error_set(e, r, "%s", error_text(r));
	return r;
}

int
token_open(const char *path, const char *pin,
    const struct helper_person *person, struct token_provider **ret,
    struct error *e)
{
	struct token_provider *p = calloc(1, sizeof(*p));
	int r;

	if (p == NULL || (p->path = strdup(path)) == NULL) {
		free(p);
		return error_set(e, ERR_MEMORY, "out of memory");
	}
	p->refs = 1;
	if (person != NULL)
		p->person = *person;
	r = helper_start(
	    &p->helper, "SSH_PKCS11_HELPER", "ssh-pkcs11-helper", e);
	if (r != 0) {
		free(p->path);
		free(p);
		return r;
	}
	if ((r = load_keys(p, pin, e)) != 0)
		token_close(p);
	else
		*ret = p;
	return r;
}

void
token_close(struct token_provider *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < p->key_count; i++)
		key_unref(p->keys[i]);
	free(p->keys);
	p->keys = NULL;
	p->key_count = 0;
	unref(p);
}

size_t
token_key_count(const struct token_provider *p)
{
	return p->key_count;
}

struct key *
token_key(const struct token_provider *p, size_t index)
{
	return p->keys[index];
}

const char *
token_path(const struct token_provider *p)
{
	return p->path;
}
