/*
 * monitor_keys.c - KEY_PROBE and KEY_AUTH: is this key authorised, and does
 * its signature fit this session?
 * RFC 4252 s7, RFC 8332, publickey-hostbound-v00@openssh.com.
 */
#include "sshd/monitor_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/time.h"
#include "common/key/certificate.h"
#include "common/key/key.h"
#include "common/transport/message.h"
#include "sshd/authorized_commands.h"

#define ALGORITHM_MAX 64
#define KEY_BLOB_MAX  ((size_t)64 * 1024)

/* ---- the key as it was offered ---- */

struct offer {
	const struct signature_algorithm *algorithm;
	struct key *key;
	char *base64;
	char *plain_base64; /* of a certificate's key */
	char *detail;       /* "ED25519 SHA256:..." */
};

static void
offer_release(struct offer *o)
{
	key_unref(o->key);
	free(o->base64);
	free(o->plain_base64);
	free(o->detail);
}

/* Is the algorithm one of PubkeyAcceptedAlgorithms? */
static bool
is_accepted(const struct monitor *m, struct span algorithm)
{
	const char *list = m->options.pubkey_accepted_algorithms;
	char name[ALGORITHM_MAX];

	if (algorithm.len >= sizeof(name))
		return false;
	memcpy(name, algorithm.ptr, algorithm.len);
	name[algorithm.len] = '\0';
	return list != NULL && pattern_list_match(list, name, false) == 1;
}

static enum digest_algorithm
fingerprint_digest(const struct monitor *m)
{
	return m->options.fingerprint_hash == FINGERPRINT_HASH_MD5
		   ? DIGEST_MD5
		   : DIGEST_SHA256;
}

static void
write_key(const struct monitor *m, const struct key *k, struct buf *out)
{
	char *fingerprint = key_fingerprint(k, fingerprint_digest(m));

	buf_printf(out, "%s %s", key_row(k)->short_name,
	    fingerprint != NULL ? fingerprint : "");
	free(fingerprint);
}

static char *
base64_of(struct span blob)
{
	struct buf out = BUF_INIT;

	base64_write(&out, blob, 0);
	return buf_take_text(&out);
}

/* "ED25519 SHA256:...", and for certificates "ID id (serial 7) CA RSA
 * SHA256:...". */
static void
describe(struct monitor *m, struct offer *o)
{
	const struct certificate *c = key_certificate(o->key);
	struct buf detail = BUF_INIT;

	write_key(m, o->key, &detail);
	if (c != NULL) {
		buf_printf(&detail, " ID %s (serial %llu) CA ", c->key_id,
		    (unsigned long long)c->serial);
		write_key(m, c->ca, &detail);
	}
	o->detail = buf_take_text(&detail);
	o->base64 = base64_of(key_blob(o->key));
	o->plain_base64 = base64_of(key_plain_blob(o->key));
}

/*
 * Reads what was offered. False: no key of ours, or not one that may be
 * used here; o is then still to be released.
 */
static bool
take_offer(
    struct monitor *m, struct span algorithm, struct span blob, struct offer *o)
{
	unsigned least = (unsigned)m->options.required_rsa_size;

	memset(o, 0, sizeof(*o));
	o->algorithm = signature_find(algorithm);
	if (o->algorithm == NULL || blob.len > KEY_BLOB_MAX ||
	    key_from_blob(blob, &o->key) != 0)
		return false;
	describe(m, o);
	if (o->base64 == NULL || o->plain_base64 == NULL || o->detail == NULL)
		return false;
	if (!is_accepted(m, algorithm)) {
		log_info("signature algorithm %s not in "
			 "PubkeyAcceptedAlgorithms",
		    o->algorithm->name);
		return false;
	}
	if (strcmp(key_type_name(o->key), o->algorithm->key_type) != 0) {
		log_info("key of type %s cannot be used with algorithm %s",
		    key_type_name(o->key), o->algorithm->name);
		return false;
	}
	if (key_row(o->key)->type == KEY_RSA && key_bits(o->key) < least) {
		log_info("refusing RSA key of %u bits: RequiredRSASize is %u",
		    key_bits(o->key), least);
		return false;
	}
	if (strings_has(&m->used_keys, o->plain_base64)) {
		log_debug1("key was used already in this login");
		return false;
	}
	return true;
}

/* ---- the files ---- */

struct problem {
	const struct monitor *m;
	const char *path;
};

static void
log_problem(size_t line, const char *text, void *context)
{
	const struct problem *p = context;

	log_info("Authentication tried for %s from %s: %s, line %zu: %s",
	    p->m->user, p->m->host, p->path, line, text);
}

/* A line with the key; for a certificate, one with its CA that it fits. */
static bool
search_text(const struct monitor *m, struct span text, const char *path,
    const struct offer *o, struct key_match *ret)
{
	const struct certificate *c = key_certificate(o->key);
	const struct key *wanted = c != NULL ? c->ca : o->key;
	struct key_context context = { &m->peer->remote, m->host, time_wall_s(),
		c, m->account->name, m->options.ca_signature_algorithms };
	struct problem problem = { m, path };
	struct error e = { 0 };

	if (!authorized_keys_find(text, key_type_name(wanted), key_blob(wanted),
		&context, log_problem, &problem, ret))
		return false;
	if (c == NULL ||
	    key_options_narrow(&ret->options, c, &context, &e) == 0)
		return true;
	log_problem(ret->line, e.text, &problem);
	key_options_release(&ret->options);
	return false;
}

static bool
search_file(const struct monitor *m, const char *path, const struct offer *o,
    struct key_options *ret)
{
	struct key_match match;
	struct buf text = BUF_INIT;
	struct error e = { 0 };
	bool found = false;
	int r;

	r = account_read_file(m->account, path, m->options.strict_modes,
	    AUTHORIZED_KEYS_FILE_MAX, &text, &e);
	if (r == ERR_PERMISSION)
		log_info("%s", e.text);
	else if (r != 0)
		log_debug1("cannot read authorized keys: %s", e.text);
	else
		found = search_text(m, buf_span(&text), path, o, &match);
	if (found) {
		log_verbose("Accepted key %s found at %s:%zu", o->detail, path,
		    match.line);
		*ret = match.options;
	}
	buf_release(&text);
	return found;
}

/* A name as it goes into a path: by itself, or, in a pattern, so that it
 * stands for itself. Fresh. */
static char *
name_in_path(const char *name, bool in_pattern)
{
	struct buf out = BUF_INIT;

	for (; *name != '\0'; name++) {
		if (in_pattern && strchr("*?[\\", *name) != NULL)
			write_byte(&out, '\\');
		write_byte(&out, (uint8_t)*name);
	}
	return buf_take_text(&out);
}

static char *
expand_with(const char *keyword, const char *pattern, const char *home,
    const char *user, uid_t id)
{
	struct config_tokens tokens = { { NULL } };
	struct error e = { 0 };
	char uid[24];
	char *path = NULL, *joined;
	int r;

	snprintf(uid, sizeof(uid), "%lu", (unsigned long)id);
	tokens.value['h'] = home;
	tokens.value['u'] = user;
	tokens.value['U'] = uid;
	r = config_expand(pattern, &tokens, "huU", false, NULL, &path, &e);
	if (r != 0) {
		log_error("%s: %s", keyword, error_message(&e, r));
		return NULL;
	}
	if (path[0] == '/')
		return path;
	joined = path_join(home, path);
	free(path);
	return joined;
}

/*
 * A name that is nobody's could be anything, "../" and wildcards too: it must
 * not choose which files are looked at.
 */
char *
monitor_expand_path(const struct monitor *m, const char *keyword,
    const char *pattern, bool has_wildcards)
{
	const struct account *a = m->account;
	char *home = name_in_path(a->home, has_wildcards);
	char *user =
	    name_in_path(a->exists ? a->name : "nonexistent", has_wildcards);
	char *path = home != NULL && user != NULL
			 ? expand_with(keyword, pattern, home, user, a->uid)
			 : NULL;

	free(home);
	free(user);
	return path;
}

static bool
search_pattern(const struct monitor *m, const char *pattern,
    const struct offer *o, struct key_options *ret)
{
	bool has_wildcards = strpbrk(pattern, "*?[") != NULL;
	char *path = monitor_expand_path(
	    m, "AuthorizedKeysFile", pattern, has_wildcards);
	struct strings paths = STRINGS_INIT;
	bool found = false;

	if (path != NULL && !has_wildcards)
		found = search_file(m, path, o, ret);
	else if (path != NULL && account_glob(m->account, path, &paths) == 0) {
		for (size_t i = 0; i < paths.count && !found; i++)
			found = search_file(m, paths.item[i], o, ret);
	}
	strings_release(&paths);
	free(path);
	return found;
}

/*
 * For the stand-in of an unknown name, and for one that is not allowed, the
 * program runs all the same: it takes its time.
 */
bool
monitor_run_command(const struct monitor *m, const char *keyword,
    const char *command, const char *run_as, const struct key *k,
    struct buf *out)
{
	struct authorized_command c = { keyword, command, run_as, m->account,
		m->peer, k, fingerprint_digest(m), m->deadline_us };
	struct error e = { 0 };

	if (run_as == NULL) {
		log_error("%s: no account is set to run it", keyword);
		return false;
	}
	if (authorized_command_run(&c, out, &e) == 0)
		return true;
	log_error("%s: %s", keyword, e.text);
	return false;
}

/* AuthorizedKeysCommand, after the files. */
static bool
search_command(
    const struct monitor *m, const struct offer *o, struct key_options *ret)
{
	const char *command = m->options.authorized_keys_command;
	struct key_match match;
	struct buf text = BUF_INIT;
	bool found;

	found = command != NULL &&
		monitor_run_command(m, "AuthorizedKeysCommand", command,
		    m->options.authorized_keys_command_user, o->key, &text) &&
		search_text(m, buf_span(&text), command, o, &match);
	if (found) {
		log_verbose("Accepted key %s found at %s:%zu", o->detail,
		    command, match.line);
		*ret = match.options;
	}
	buf_release(&text);
	return found;
}

/*
 * Is the key authorised? For the stand-in of an unknown name, and for one
 * that is not allowed, the files are looked for all the same.
 */
static bool
is_authorised(struct monitor *m, const struct offer *o, struct key_options *ret)
{
	const struct strings *files = &m->options.authorized_keys_file;
	bool found = false;

	if (span_equal(buf_span(&m->known_blob), key_blob(o->key))) {
		*ret = m->known_options;
		key_options_init(&m->known_options);
		buf_clear(&m->known_blob);
		return true;
	}
	if (monitor_key_is_revoked(m, o->key, o->detail))
		return false;
	if (key_certificate(o->key) != NULL)
		found = monitor_ca_is_trusted(m, o->key, ret);
	for (size_t i = 0; i < files->count && !found; i++)
		found = search_pattern(m, files->item[i], o, ret);
	if (!found)
		found = search_command(m, o, ret);
	if (found && !m->valid) {
		key_options_release(ret);
		found = false;
	}
	return found;
}

static void
remember(struct monitor *m, const struct offer *o, struct key_options *options)
{
	key_options_release(&m->known_options);
	buf_clear(&m->known_blob);
	write_span(&m->known_blob, key_blob(o->key));
	if (buf_error(&m->known_blob) != 0) {
		buf_release(&m->known_blob);
		key_options_release(options);
		return;
	}
	m->known_options = *options;
	key_options_init(options);
}

static bool
method_is_on(const struct monitor *m)
{
	return m->methods != NULL &&
	       auth_methods_allows(m->methods, "publickey", NULL);
}

/*
 * Needs the rights of the user to read his files. The child learns whether
 * a key is authorised, as any peer may.
 */
int
monitor_on_key_probe(struct monitor *m, struct ipc *ipc, struct reader *r)
{
	struct span algorithm = read_text(r);
	struct span blob = read_string(r);
	struct monitor_attempt a = { .method = "publickey", .is_probe = true };
	struct key_options options;
	struct offer offer;
	int rc;

	if ((rc = read_end(r)) != 0)
		return rc;
	m->attempts++;
	m->phase = MONITOR_AUTH;
	key_options_init(&options);
	if (take_offer(m, algorithm, blob, &offer) && method_is_on(m) &&
	    is_authorised(m, &offer, &options)) {
		a.ok = true;
		a.key_options = &options;
	}
	a.detail = offer.detail;
	rc = monitor_finish(m, ipc, &a);
	if (a.ok)
		remember(m, &offer, &options);
	key_options_release(&options);
	offer_release(&offer);
	return rc;
}

/* ---- signatures ---- */

/*
 * What the signature must cover, from what the monitor knows itself: the
 * hash that it signed first, the user that was named, the key that signed.
 *   string session_id, byte 50, string user, string service,
 *   string method, boolean TRUE, string algorithm, string blob
 *   [, string host key blob]
 */
static void
compose_signed(const struct monitor *m, struct span algorithm, struct span blob,
    bool hostbound, struct buf *out)
{
	write_string(out, buf_span(&m->session_id));
	write_byte(out, SSH_MSG_USERAUTH_REQUEST);
	write_text(out, m->spelled);
	write_text(out, "ssh-connection");
	write_text(out,
	    hostbound ? "publickey-hostbound-v00@openssh.com" : "publickey");
	write_boolean(out, true);
	write_string(out, algorithm);
	write_string(out, blob);
	if (hostbound)
		write_string(out, m->host_key_blob);
}

/*
 * A security key that did not see a person, or did not verify who it is, signs
 * all the same: whether that will do is for the server to say.
 */
static bool
person_suffices(const struct monitor *m, const struct offer *o,
    const struct key_options *options, const struct signature_facts *facts)
{
	int demanded = m->options.pubkey_auth_options;
	const char *lacks = NULL;

	if (!facts->is_security_key)
		return true;
	if (((demanded & PUBKEY_AUTH_TOUCH_REQUIRED) ||
		!options->touch_not_required) &&
	    (facts->flags & KEY_SK_TOUCHED) == 0)
		lacks = "user presence (authenticator touch)";
	else if (((demanded & PUBKEY_AUTH_VERIFY_REQUIRED) ||
		     options->verify_required) &&
		 (facts->flags & KEY_SK_VERIFIED) == 0)
		lacks = "user verification";
	if (lacks == NULL)
		return true;
	log_error("public key %s signature for %s from %s port %u rejected: "
		  "%s requirement not met",
	    o->detail, m->user, m->peer->remote_text,
	    (unsigned)m->peer->remote_port, lacks);
	return false;
}

static bool
signature_fits(const struct monitor *m, const struct offer *o,
    struct span algorithm, struct span blob, bool hostbound,
    struct span signature, const struct key_options *options)
{
	struct signature_facts facts = { 0 };
	struct buf data = BUF_INIT;
	int r;

	compose_signed(m, algorithm, blob, hostbound, &data);
	r = buf_error(&data);
	if (r == 0)
		r = key_verify_facts(
		    o->key, o->algorithm, buf_span(&data), signature, &facts);
	if (r != 0)
		log_debug1("signature of %s: %s", o->detail, error_text(r));
	buf_release(&data);
	return r == 0 && person_suffices(m, o, options, &facts);
}

/*
 * The child could pass on a signature made for something else: it is
 * verified over data composed here, never over the child's.
 */
int
monitor_on_key_auth(struct monitor *m, struct ipc *ipc, struct reader *r)
{
	struct span algorithm = read_text(r);
	struct span blob = read_string(r);
	struct span signature = read_string(r);
	bool hostbound = read_boolean(r);
	struct monitor_attempt a = { .method = "publickey" };
	struct key_options options;
	struct offer offer;
	int rc;

	if ((rc = read_end(r)) != 0)
		return rc;
	m->attempts++;
	m->phase = MONITOR_AUTH;
	key_options_init(&options);
	if (take_offer(m, algorithm, blob, &offer) && method_is_on(m) &&
	    is_authorised(m, &offer, &options)) {
		a.ok = signature_fits(
		    m, &offer, algorithm, blob, hostbound, signature, &options);
		a.key_options = &options;
		a.info = text_format(
		    "publickey %s %s", key_type_name(offer.key), offer.base64);
	}
	a.detail = offer.detail;
	if (a.ok && strings_add(&m->used_keys, offer.plain_base64) != 0)
		a.ok = false;
	rc = monitor_finish(m, ipc, &a);
	free(a.info);
	key_options_release(&options);
	offer_release(&offer);
	return rc;
}
