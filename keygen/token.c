/*
 * token.c - keys on PKCS#11 tokens: listing them, signing with them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/agent/helper.h"
#include "keygen/keygen.h"

static int
open_provider(const struct options *o, struct token_provider **ret)
{
	struct error e = { 0 };
	int r = token_open(o->provider, NULL, &helper_person_prompt, ret, &e);

	if (r != 0) {
		complain(0, "%s", error_message(&e, r));
		return complain(
		    EXIT_FATAL, "cannot read public key from pkcs11");
	}
	if (token_key_count(*ret) == 0) {
		token_close(*ret);
		complain(0,
		    "provider \"%s\" has no tokens with keys that SSH can use",
		    o->provider);
		return complain(
		    EXIT_FATAL, "cannot read public key from pkcs11");
	}
	return 0;
}

static int
show(const struct options *o, const struct key *k)
{
	char *text = NULL, *art = NULL;
	int status = 0;

	if (o->with_fingerprint) {
		text =
		    key_fingerprint(k, o->has_hash ? o->hash : DIGEST_SHA256);
		if (o->verbosity > 0)
			art = key_randomart(
			    k, o->has_hash ? o->hash : DIGEST_SHA256);
		if (text != NULL)
			printf("%u %s %s (%s)\n", key_bits(k), text,
			    key_comment(k), key_row(k)->short_name);
		if (art != NULL)
			printf("%s\n", art);
	} else if ((text = key_public_line(k, key_comment(k))) != NULL) {
		printf("%s\n", text);
	}
	if (text == NULL)
		status = complain(EXIT_FATAL, "out of memory");
	free(text);
	free(art);
	return status;
}

int
keygen_token_list(const struct options *o)
{
	struct token_provider *p;
	int status = open_provider(o, &p);

	if (status != 0)
		return status;
	for (size_t i = 0; i < token_key_count(p) && status == 0; i++)
		status = show(o, token_key(p, i));
	token_close(p);
	return status;
}

int
token_load_key(const struct options *o, const char *path, struct key **ret)
{
	struct token_provider *p;
	struct key *public, *found = NULL;
	struct error e = { 0 };
	int r = key_public_load(path, &public, &e);

	if (r != 0) {
		complain(0, "Couldn't load CA public key \"%s\": %s", path,
		    error_message(&e, r));
		return r;
	}
	if (open_provider(o, &p) != 0) {
		key_unref(public);
		return ERR_NOT_FOUND;
	}
	for (size_t i = 0; i < token_key_count(p) && found == NULL; i++)
		if (key_equal(token_key(p, i), public))
			found = key_ref(token_key(p, i));
	token_close(p);
	key_unref(public);
	if (found == NULL) {
		complain(0, "No PKCS#11 key matching %s found", path);
		return ERR_NOT_FOUND;
	}
	*ret = found;
	return 0;
}
