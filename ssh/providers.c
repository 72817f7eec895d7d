/*
 * providers.c - keys of PKCS#11 tokens and of security keys.
 */
#include "ssh/providers.h"

#include <stdlib.h>
#include <string.h>

#include "common/agent/helper.h"
#include "common/base/log.h"

/* Nobody is asked in a batch; to touch a device can be told. */
static struct helper_person
person(const struct ssh_options *o)
{
	struct helper_person p = helper_person_prompt;

	if (o->batch_mode)
		p.ask_pin = NULL;
	return p;
}

static int
append(
    struct identities *list, struct key *k, const char *path, struct error *e)
{
	struct identity *grown =
	    realloc(list->item, (list->count + 1) * sizeof(*grown));
	char *name = strdup(path);

	if (grown != NULL)
		list->item = grown;
	if (grown == NULL || name == NULL) {
		free(name);
		return error_set(e, ERR_MEMORY, "out of memory");
	}
	grown[list->count++] = (struct identity){
		.path = name,
		.is_explicit = true,
		.public = key_ref(k),
		.private = key_ref(k),
	};
	log_debug1(
	    "%s: %s key \"%s\"", path, key_row(k)->short_name, key_comment(k));
	return 0;
}

int
providers_add_tokens(
    const struct ssh_options *o, struct identities *list, struct error *e)
{
	const char *path = o->pkcs11_provider;
	struct helper_person who = person(o);
	struct token_provider *p;
	struct error why = { 0 };
	int r;

	if (path == NULL || *path == '\0' || strcmp(path, "none") == 0)
		return 0;
	if ((r = token_open(path, NULL, &who, &p, &why)) != 0) {
		log_error("PKCS11Provider: %s", error_message(&why, r));
		return r == ERR_MEMORY ? r : 0;
	}
	if (token_key_count(p) == 0)
		log_info("provider %s has no keys that SSH can use", path);
	for (size_t i = 0; r == 0 && i < token_key_count(p); i++)
		r = append(list, token_key(p, i), path, e);
	token_close(p);
	return r;
}

/* "$NAME" stands for the value of an environment variable. */
const char *
providers_security_key(const struct ssh_options *o)
{
	const char *name = o->security_key_provider;

	if (name == NULL || *name != '$')
		return name;
	name = getenv(name + 1);
	return name != NULL && *name != '\0' ? name : "internal";
}

int
providers_prepare(const struct ssh_options *o, struct key *k)
{
	struct helper_person who = person(o);

	if (!key_is_security_key(k) || key_signs_elsewhere(k))
		return 0;
	return security_key_attach(k, providers_security_key(o), &who);
}

bool
providers_ask_person(const struct key *k)
{
	return key_is_security_key(k) || key_signs_elsewhere(k);
}
