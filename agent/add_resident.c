/*
 * add_resident.c - ssh-add -K: the keys that a security key remembers.
 *
 * Holds secrets: the PIN, wiped.
 */
#include <stdlib.h>

#include "agent/add.h"
#include "common/agent/helper.h"
#include "common/base/secret.h"

static int
add_one(struct agent *a, const struct add_options *o, const struct key *k)
{
	struct agent_constraints c = o->constraints; /* borrowed parts */
	const char *comment = key_comment(k);
	char *fingerprint = key_fingerprint(k, o->hash);
	struct error e = { 0 };
	int r;

	if (fingerprint == NULL)
		return complain("out of memory");
	if (comment[0] == '\0')
		comment = key_application(k);
	c.sk_provider = (char *)add_security_provider(o);
	if ((r = agent_add(a, k, NULL, comment, &c, &e)) != 0)
		r = complain("Unable to add key %s: %s", fingerprint,
		    error_message(&e, r));
	else
		r = tell(o, "Resident identity added: %s %s",
		    key_row(k)->short_name, fingerprint);
	if (r == 0)
		add_tell_constraints(o, &c);
	free(fingerprint);
	return r;
}

int
add_resident(struct agent *a, const struct add_options *o)
{
	struct security_key_resident *keys;
	struct error e = { 0 };
	char *pin = add_ask("Enter PIN for authenticator: ");
	size_t count;
	int r, status = 0;

	if (pin == NULL)
		return EXIT_FAILED;
	r = security_key_load_residents(
	    add_security_provider(o), NULL, pin, &keys, &count, &e);
	secret_free_text(pin);
	if (r != 0)
		return complain(
		    "Unable to load resident keys: %s", error_message(&e, r));
	if (count == 0)
		status = complain("No keys to download");
	for (size_t i = 0; i < count; i++)
		if (add_one(a, o, keys[i].key) != 0)
			status = EXIT_FAILED;
	security_key_residents_free(keys, count);
	return status;
}
