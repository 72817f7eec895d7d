/*
 * add_other.c - ssh-add: the lock (-x, -X), PKCS#11 providers (-s, -e), the
 * agent's extensions (-Q).
 *
 * Holds secrets: passwords and PINs, wiped.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/add.h"
#include "common/base/secret.h"
#include "common/key/key_file.h"

/* ---- the lock ---- */

/* Asked for twice where it is a new one. */
static char *
ask_password(bool is_new)
{
	char *password = add_ask("Enter lock password: "), *again;

	if (password == NULL || !is_new)
		return password;
	again = add_ask("Again: ");
	if (again != NULL && strcmp(password, again) != 0)
		complain("Passwords do not match.");
	if (again == NULL || strcmp(password, again) != 0) {
		secret_free_text(password);
		password = NULL;
	}
	secret_free_text(again);
	return password;
}

int
add_lock(struct agent *a, const struct add_options *o)
{
	bool lock = o->action == ADD_LOCK;
	char *password = ask_password(lock);
	struct error e = { 0 };
	int r;

	if (password == NULL)
		return EXIT_FAILED;
	r = agent_lock(a, lock, password, &e);
	secret_free_text(password);
	if (r != 0)
		return complain("Failed to %slock agent: %s", lock ? "" : "un",
		    error_message(&e, r));
	return tell(o, "Agent %slocked.", lock ? "" : "un");
}

/* ---- PKCS#11 ---- */

/* The certificates of the command line go with the keys. */
static int
load_certificates(const struct add_options *o, struct agent_constraints *c)
{
	struct error e = { 0 };
	int r;

	if (o->file_count == 0)
		return 0;
	c->certificates = calloc((size_t)o->file_count, sizeof(struct key *));
	if (c->certificates == NULL)
		return complain("out of memory");
	for (int i = 0; i < o->file_count; i++) {
		struct key **k = &c->certificates[c->certificate_count];

		r = key_public_load(o->files[i], k, &e);
		if (r != 0)
			return complain("Failed to load certificate %s: %s",
			    o->files[i], error_message(&e, r));
		c->certificate_count++;
		if (key_certificate(*k) == NULL)
			return complain("%s is not a certificate", o->files[i]);
	}
	return 0;
}

static void
release_certificates(struct agent_constraints *c)
{
	for (size_t i = 0; i < c->certificate_count; i++)
		key_unref(c->certificates[i]);
	free(c->certificates);
}

int
add_provider(struct agent *a, const struct add_options *o)
{
	struct agent_constraints c = o->constraints; /* borrowed parts */
	struct error e = { 0 };
	char *pin = NULL;
	int r, status;

	c.certificates_only = o->certificates_only;
	if ((status = load_certificates(o, &c)) != 0)
		goto out;
	status = EXIT_FAILED;
	if ((pin = add_ask("Enter passphrase for PKCS#11: ")) == NULL)
		goto out;
	if ((r = agent_add_provider(a, o->provider, pin, &c, &e)) != 0)
		status = complain("Could not add card \"%s\": %s", o->provider,
		    error_message(&e, r));
	else
		status = tell(o, "Card added: %s", o->provider);
out:
	secret_free_text(pin);
	release_certificates(&c);
	return status;
}

int
add_remove_provider(struct agent *a, const struct add_options *o)
{
	struct error e = { 0 };
	int r = agent_remove_provider(a, o->provider, "", &e);

	if (r != 0)
		return complain("Could not remove card \"%s\": %s", o->provider,
		    error_message(&e, r));
	return tell(o, "Card removed: %s", o->provider);
}

/* ---- extensions ---- */

int
add_extensions(struct agent *a, const struct add_options *o)
{
	struct strings names = STRINGS_INIT;
	struct error e = { 0 };
	int r = agent_query(a, &names, &e);

	if (r != 0)
		return complain("unable to query supported extensions: %s",
		    error_message(&e, r));
	for (size_t i = 0; i < names.count; i++) {
		char *name = text_escaped(span_text(names.item[i]));

		printf("%s\n", name == NULL ? "" : name);
		free(name);
	}
	strings_release(&names);
	return 0;
}
