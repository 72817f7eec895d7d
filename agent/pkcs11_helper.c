/*
 * pkcs11_helper.c - ssh-pkcs11-helper: answers requests about the keys of one
 * PKCS#11 module.
 *
 * Hostile input: requests come from the program that started it. Holds
 * secrets: PINs.
 */
#include "agent/pkcs11_helper.h"

#include <stdlib.h>
#include <string.h>

#include "common/agent/helper_protocol.h"
#include "common/base/secret.h"

#define NAME "ssh-pkcs11-helper"

struct state {
	struct module module;
	bool is_open;
};

static int
malformed(struct error *e)
{
	return error_set(e, ERR_FORMAT, "malformed request");
}

static void
write_keys(const struct module *m, struct buf *out)
{
	write_uint32(out, (uint32_t)m->object_count);
	for (size_t i = 0; i < m->object_count; i++) {
		write_string(out, key_blob(m->objects[i].key));
		write_text(out, m->objects[i].label);
	}
}

static int
open_module(
    struct state *s, struct reader *rd, struct buf *out, struct error *e)
{
	char *path = span_dup_text(read_text(rd));
	char *pin = span_dup_text(read_text(rd));
	int r;

	if (read_end(rd) != 0 || s->is_open || path == NULL || pin == NULL)
		r = malformed(e);
	else
		r = module_open(&s->module, path, pin, e);
	if (r == 0) {
		s->is_open = true;
		r = module_list_keys(&s->module, e);
	}
	if (r == 0)
		write_keys(&s->module, out);
	free(path);
	secret_free_text(pin);
	return r;
}

static struct token_object *
read_object(struct state *s, struct reader *rd)
{
	uint32_t index = read_uint32(rd);

	return s->is_open && index < s->module.object_count
		   ? &s->module.objects[index]
		   : NULL;
}

static int
sign(struct state *s, struct reader *rd, struct buf *out, struct error *e)
{
	struct token_object *o = read_object(s, rd);
	const struct signature_algorithm *a = signature_find(read_text(rd));
	struct span data = read_string(rd);

	if (read_end(rd) != 0 || o == NULL || a == NULL ||
	    strcmp(a->key_type, key_type_name(o->key)) != 0)
		return malformed(e);
	return object_sign(&s->module, o, a, data, out, e);
}

static int
log_in(struct state *s, struct reader *rd, struct error *e)
{
	struct token_object *o = read_object(s, rd);
	char *pin = span_dup_text(read_text(rd));
	int r;

	if (read_end(rd) != 0 || o == NULL || pin == NULL)
		r = malformed(e);
	else
		r = token_login(&s->module, o->token, pin, false, e);
	secret_free_text(pin);
	return r;
}

static int
on_request(void *context, enum helper_message type, struct reader *body,
    struct buf *out, struct error *e)
{
	struct state *s = context;

	switch (type) {
	case HELPER_TOKEN_OPEN:
		return open_module(s, body, out, e);
	case HELPER_TOKEN_SIGN:
		return sign(s, body, out, e);
	case HELPER_TOKEN_LOGIN:
		return log_in(s, body, e);
	default:
		return malformed(e);
	}
}

int
main(int argc, char **argv)
{
	static struct state state;
	int status = helper_serve(NAME, on_request, &state);

	if (state.is_open)
		module_close(&state.module);
	return status;
}
