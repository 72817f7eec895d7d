/*
 * linux_password.c - passwords by shadow(5) and crypt(3), and the ages of
 * accounts.
 *
 * Every check computes exactly one hash, whether the account exists, is
 * locked, or has no password: what a refusal costs does not tell why.
 * Holds secrets: hashes, passwords while they are compared.
 */
#include "common/port/port.h"

#include <crypt.h>
#include <paths.h>
#include <pwd.h>
#include <shadow.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/secret.h"
#include "common/base/text.h"

#define SHADOW_PATH "/etc/shadow"
#define DAY_SECONDS 86400

/* Where neither shadow nor the library names a scheme. */
#define FALLBACK_SETTING "$6$sheetbendnobody$"

static bool
is_usable_hash(const char *hash)
{
	int r;

	if (hash[0] == '\0' || hash[0] == '!' || hash[0] == '*')
		return false;
	r = crypt_checksalt(hash);
	return r == CRYPT_SALT_OK || r == CRYPT_SALT_METHOD_LEGACY ||
	       r == CRYPT_SALT_TOO_CHEAP;
}

/* ---- the hash spent on nobody ---- */

/* The first real hash of the file, not of a name service: this must not
 * take long or depend on a network. */
static bool
real_setting(char *ret, size_t size)
{
	FILE *file = fopen(SHADOW_PATH, "re");
	struct spwd *entry;
	bool found = false;

	if (file == NULL)
		return false;
	while (!found && (entry = fgetspent(file)) != NULL)
		found = is_usable_hash(entry->sp_pwdp) &&
			text_copy(ret, size, entry->sp_pwdp);
	fclose(file);
	return found;
}

/*
 * A setting of the kind and cost of the machine's real ones. Found once a
 * process; a real hash serves as its own setting.
 */
static const char *
nobody_setting(void)
{
	static char *setting;

	if (setting != NULL)
		return setting;
	if ((setting = secret_alloc(CRYPT_OUTPUT_SIZE)) == NULL)
		return FALLBACK_SETTING;
	if (!real_setting(setting, CRYPT_OUTPUT_SIZE) &&
	    crypt_gensalt_rn(NULL, 0, NULL, 0, setting, CRYPT_OUTPUT_SIZE) ==
		NULL)
		text_copy(setting, CRYPT_OUTPUT_SIZE, FALLBACK_SETTING);
	return setting;
}

/* ---- comparing ---- */

/* Is hash the one of the password? Always computes a hash. */
static int
compare(const char *password, const char *hash, bool *ret_equal)
{
	bool usable = hash != NULL && is_usable_hash(hash);
	const char *setting = usable ? hash : nobody_setting();
	struct crypt_data *data = secret_alloc(sizeof(*data));
	char *got;

	if (data == NULL)
		return ERR_MEMORY;
	got = crypt_rn(password, setting, data, (int)sizeof(*data));
	*ret_equal = usable && got != NULL && strlen(got) == strlen(hash) &&
		     secret_equal(got, hash, strlen(hash));
	secret_free(data, sizeof(*data));
	return 0;
}

static long
today(void)
{
	return (long)(time(NULL) / DAY_SECONDS);
}

/* Must the password be changed before anything else? */
static bool
must_change(const struct spwd *sp)
{
	if (sp == NULL)
		return false;
	if (sp->sp_lstchg == 0)
		return true;
	return sp->sp_lstchg > 0 && sp->sp_max >= 0 &&
	       today() - sp->sp_lstchg > sp->sp_max;
}

/* The account's hash, in shadow or passwd; NULL if there is no account. */
static const char *
hash_of(const char *name, const struct spwd **ret_shadow)
{
	const struct passwd *pw;

	*ret_shadow = NULL;
	if (name == NULL || (pw = getpwnam(name)) == NULL)
		return NULL;
	*ret_shadow = getspnam(name);
	return *ret_shadow != NULL ? (*ret_shadow)->sp_pwdp : pw->pw_passwd;
}

int
port_password_check(const char *name, const char *password, bool permit_empty,
    bool *ret_ok, bool *ret_expired)
{
	const struct spwd *shadow;
	const char *hash = hash_of(name, &shadow);
	bool equal;
	int r;

	if ((r = compare(password, hash, &equal)) != 0)
		return r;
	if (hash != NULL && hash[0] == '\0')
		equal = permit_empty && password[0] == '\0';
	/* An account with a hash of the empty password counts as empty. */
	else if (password[0] == '\0' && !permit_empty)
		equal = false;
	*ret_ok = equal;
	if (ret_expired != NULL)
		*ret_expired = equal && must_change(shadow);
	return 0;
}

bool
port_account_locked(const char *name)
{
	const struct spwd *shadow;
	const char *hash = hash_of(name, &shadow);

	/* A `*` only means that no password fits: keys may. */
	return hash != NULL && hash[0] == '!';
}

bool
port_account_expired(const char *name)
{
	const struct spwd *sp = getspnam(name);

	if (sp == NULL)
		return false;
	if (sp->sp_expire >= 0 && today() >= sp->sp_expire)
		return true;
	/* A password out of date for too long closes the account. */
	return sp->sp_lstchg > 0 && sp->sp_max >= 0 && sp->sp_inact >= 0 &&
	       today() - sp->sp_lstchg > sp->sp_max + sp->sp_inact;
}
