/*
 * hostkey_update.c - UpdateHostKeys: what the server says, its proofs, and
 * what is changed in known_hosts.
 */
#include "ssh/hostkey_update.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/base/address.h"
#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/port/prompt.h"
#include "ssh/hostkey_text.h"
#include "ssh/terminal.h"

#define PROVE_REQUEST "hostkeys-prove-00@openssh.com"

struct keys {
	struct key *item[HOST_UPDATE_KEYS_MAX];
	size_t count;
};

struct host_update {
	const struct host_check *h;
	struct connection *connection;
	const struct key *present; /* of this connection: it is known */
	struct keys offered;       /* by the server, that we would take */
	struct keys fresh;         /* of those, what is to be learnt */
	struct keys obsolete;      /* known, and not offered any more */
	struct strings texts;      /* "type base64" of offered and obsolete */
	bool is_elsewhere;         /* one of them stands under another name */
};

/* ---- sets of keys ---- */

static bool
has_key(const struct keys *s, const struct key *k)
{
	for (size_t i = 0; i < s->count; i++)
		if (key_equal(s->item[i], k))
			return true;
	return false;
}

/* A key that is there is not added; false: there is no more room. */
static bool
add_key(struct keys *s, struct key *k)
{
	if (has_key(s, k))
		return true;
	if (s->count == ARRAY_COUNT(s->item))
		return false;
	s->item[s->count++] = key_ref(k);
	return true;
}

static void
release_keys(struct keys *s)
{
	for (size_t i = 0; i < s->count; i++)
		key_unref(s->item[i]);
	s->count = 0;
}

void
host_update_free(struct host_update *u)
{
	if (u == NULL)
		return;
	release_keys(&u->offered);
	release_keys(&u->fresh);
	release_keys(&u->obsolete);
	strings_release(&u->texts);
	free(u);
}

/* ---- what the server says ---- */

/* Would we take this type of key in a key exchange? */
static bool
is_permitted(const struct ssh_options *o, const struct key *k)
{
	struct span rest = span_text(o->host_key_algorithms), name;

	if (key_row(k)->type == KEY_RSA &&
	    key_bits(k) < (unsigned)o->required_rsa_size)
		return false;
	while (list_next(&rest, &name)) {
		const struct signature_algorithm *a = signature_find(name);

		if (a != NULL && strcmp(a->key_type, key_type_name(k)) == 0)
			return true;
	}
	return false;
}

static bool
is_marked_revoked(const struct known_hosts *found, const struct key *k)
{
	return known_hosts_check(found, k, NULL) == KNOWN_HOSTS_REVOKED;
}

/* Keys that we do not know, do not want or do not trust go without notice. */
static bool
read_offer(struct host_update *u, struct reader *r)
{
	const struct host_check *h = u->h;

	for (size_t n = 0; r->len > 0; n++) {
		struct span blob = read_string(r);
		struct key *k;
		bool ok = true;

		if (read_error(r) != 0 || n == HOST_UPDATE_KEYS_MAX)
			return false;
		if (key_from_blob(blob, &k) != 0)
			continue;
		if (key_certificate(k) == NULL && is_permitted(h->o, k) &&
		    !is_marked_revoked(&h->found, k) &&
		    !host_check_is_revoked(h, k))
			ok = add_key(&u->offered, k);
		key_unref(k);
		if (!ok)
			return false;
	}
	return read_end(r) == 0;
}

/* ---- what is known ---- */

static bool
is_address(struct span name)
{
	char *text = span_dup_text(name), *end;
	struct address a;
	bool is;

	if (text == NULL)
		return false;
	if (text[0] == '[' && (end = strchr(text, ']')) != NULL) {
		*end = '\0';
		is = address_parse(text + 1, &a) == 0;
	} else {
		is = address_parse(text, &a) == 0;
	}
	free(text);
	return is;
}

/*
 * A line that somebody wrote with a meaning of his own: patterns, or more
 * names than a host and its address, which is how ssh itself writes them.
 */
static bool
is_complex(const struct known_host *line)
{
	struct span rest = span_text(line->names), name;
	size_t names = 0, addresses = 0;

	if (line->is_hashed)
		return false;
	while (list_next(&rest, &name)) {
		if (known_hosts_is_pattern(name))
			return true;
		names++;
		addresses += is_address(name);
	}
	return names > 2 || (names == 2 && addresses == 0);
}

static bool
is_in_users_files(const struct host_check *h, const struct known_host *line)
{
	return strings_has(&h->o->user_known_hosts_file, line->file);
}

/* What the lines found for a name say. False: they forbid an update. */
static bool
sort_lines(struct host_update *u, const struct known_hosts *found)
{
	for (size_t i = 0; i < found->count; i++) {
		const struct known_host *line = &found->item[i];

		if (!is_in_users_files(u->h, line))
			continue;
		if (line->marker != KNOWN_HOST_PLAIN || is_complex(line)) {
			log_debug1("CA/revocation marker, manual host list or "
				   "wildcard host pattern found, skipping "
				   "UserKnownHostsFile update");
			return false;
		}
		if (!has_key(&u->offered, line->key) &&
		    !add_key(&u->obsolete, line->key))
			return false;
	}
	return true;
}

static bool
knows(const struct known_hosts *found, const struct key *k)
{
	return known_hosts_check(found, k, NULL) == KNOWN_HOSTS_OK;
}

static bool
find_changes(struct host_update *u)
{
	const struct host_check *h = u->h;

	if (!sort_lines(u, &h->found) || !sort_lines(u, &h->found_address))
		return false;
	for (size_t i = 0; i < u->offered.count; i++) {
		struct key *k = u->offered.item[i];

		if (key_equal(k, u->present))
			continue;
		if (knows(&h->found, k) &&
		    (h->address_name == NULL || knows(&h->found_address, k)))
			continue;
		if (!add_key(&u->fresh, k))
			return false;
	}
	log_debug1("%zu server keys: %zu new, %zu to remove", u->offered.count,
	    u->fresh.count, u->obsolete.count);
	return true;
}

/* ---- the same keys under other names ---- */

static bool
is_ours(const struct host_update *u, const struct known_hosts_line *line)
{
	return known_hosts_line_matches(line, span_text(u->h->name)) ||
	       (u->h->address_name != NULL &&
		   known_hosts_line_matches(
		       line, span_text(u->h->address_name)));
}

static int
look_elsewhere(void *context, const struct known_hosts_line *line)
{
	struct host_update *u = context;

	if (line->kind != KNOWN_HOSTS_ENTRY)
		return 0;
	for (size_t i = 0; i < u->texts.count; i++) {
		struct span text = span_text(u->texts.item[i]);

		if (line->key.len < text.len ||
		    memcmp(line->key.ptr, text.ptr, text.len) != 0 ||
		    is_ours(u, line))
			continue;
		log_debug1("%s:%lu: host key found matching a different name "
			   "or address, skipping UserKnownHostsFile update",
		    line->path, line->number);
		u->is_elsewhere = true;
		return 1;
	}
	return 0;
}

static int
add_texts(struct host_update *u, const struct keys *s)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->count; i++)
		r = strings_take(&u->texts, key_public_line(s->item[i], NULL));
	return r;
}

/* Hosts with several names would come to know different keys under each. */
static bool
is_elsewhere(struct host_update *u)
{
	const struct strings *files = &u->h->o->user_known_hosts_file;
	struct error e = { 0 };

	if (add_texts(u, &u->offered) != 0 || add_texts(u, &u->obsolete) != 0)
		return true;
	for (size_t i = 0; i < files->count && !u->is_elsewhere; i++) {
		if (known_hosts_walk(files->item[i], look_elsewhere, u, &e) <
		    0) {
			log_debug1("%s", e.text);
			return true;
		}
	}
	return u->is_elsewhere;
}

/* ---- changing the files ---- */

static int
edit_line(void *context, const struct known_hosts_line *line, struct buf *out)
{
	const struct host_update *u = context;
	struct key *k;
	bool is_obsolete;
	int r;

	if (line->marker != KNOWN_HOST_PLAIN || !is_ours(u, line))
		return KNOWN_HOSTS_KEEP;
	if ((r = known_hosts_line_key(line, &k, NULL)) != 0)
		return r == ERR_MEMORY ? r : KNOWN_HOSTS_KEEP;
	is_obsolete = has_key(&u->obsolete, k);
	key_unref(k);
	return is_obsolete ? KNOWN_HOSTS_REPLACE : KNOWN_HOSTS_KEEP;
}

static int
append_line(struct buf *out, const char *name, const char *key, bool hash)
{
	char *hashed = hash ? known_hosts_hash(name) : NULL;

	if (hash && hashed == NULL)
		return ERR_MEMORY;
	buf_printf(out, "%s %s\n", hash ? hashed : name, key);
	free(hashed);
	return buf_error(out);
}

static int
append_keys(void *context, struct buf *out)
{
	const struct host_update *u = context;
	const struct host_check *h = u->h;
	bool hash = h->o->hash_known_hosts;
	int r = 0;

	for (size_t i = 0; r == 0 && i < u->fresh.count; i++) {
		const struct key *k = u->fresh.item[i];
		char *text = key_public_line(k, NULL);

		if (text == NULL)
			return ERR_MEMORY;
		if (!knows(&h->found, k))
			r = append_line(out, h->name, text, hash);
		if (r == 0 && h->address_name != NULL &&
		    !knows(&h->found_address, k))
			r = append_line(out, h->address_name, text, hash);
		free(text);
	}
	return r;
}

static void
change_files(struct host_update *u)
{
	const struct strings *files = &u->h->o->user_known_hosts_file;

	for (size_t i = 0; i < files->count; i++) {
		struct known_hosts_rewrite w = { .edit = edit_line,
			.append = i == 0 ? append_keys : NULL,
			.context = u };
		struct error e = { 0 };
		bool changed;
		int r = known_hosts_rewrite(files->item[i], &w, &changed, &e);

		if (r != 0 && (i == 0 || r != ERR_NOT_FOUND))
			log_error("cannot update %s: %s", files->item[i],
			    error_message(&e, r));
	}
}

/* ---- the person ---- */

static void
show_keys(const struct host_update *u, const struct keys *s, const char *what)
{
	enum log_level level = u->h->o->update_host_keys == NYA_ASK
				   ? LOG_LEVEL_INFO
				   : LOG_LEVEL_VERBOSE;

	for (size_t i = 0; i < s->count; i++) {
		char *print = hostkey_fingerprint(u->h, s->item[i]);

		log_at(level, "%s hostkey: %s %s", what,
		    hostkey_type(s->item[i]), print != NULL ? print : "");
		free(print);
	}
}

static bool
ask(void)
{
	const char *text = "Accept updated hostkeys? (yes/no): ";
	char *answer;

	for (int i = 0; i < 3; i++) {
		bool yes, no;

		if (prompt_line(text, &answer, NULL) != 0)
			return false;
		yes = strcasecmp(answer, "yes") == 0;
		no = strcasecmp(answer, "no") == 0 || answer[0] == '\0';
		secret_free_text(answer);
		if (yes || no)
			return yes;
		text = "Please enter \"yes\" or \"no\": ";
	}
	return false;
}

static bool
is_wanted(const struct host_update *u)
{
	const struct ssh_options *o = u->h->o;
	bool was_raw, yes;

	if (o->update_host_keys != NYA_ASK)
		return true;
	if (o->batch_mode || !terminal_is_foreground() ||
	    !prompt_is_possible()) {
		log_debug1("nobody can be asked about updated host keys");
		return false;
	}
	was_raw = terminal_is_raw();
	terminal_leave_raw();
	yes = ask();
	if (was_raw)
		terminal_enter_raw();
	return yes;
}

static void
apply(struct host_update *u)
{
	show_keys(u, &u->fresh, "Learned new");
	show_keys(u, &u->obsolete, "Deprecating obsolete");
	if (is_wanted(u))
		change_files(u);
}

/* ---- proofs ---- */

/* An RSA key may prove itself by either of its algorithms, SHA-1 apart. */
static int
verify_proof(const struct key *k, struct span data, struct span signature)
{
	static const char *const rsa[] = { "rsa-sha2-512", "rsa-sha2-256" };
	int r = ERR_SIGNATURE;

	if (key_row(k)->type != KEY_RSA)
		return key_verify(k,
		    signature_find(span_text(key_type_name(k))), data,
		    signature);
	for (size_t i = 0; r != 0 && i < ARRAY_COUNT(rsa); i++)
		r = key_verify(
		    k, signature_find(span_text(rsa[i])), data, signature);
	return r;
}

/*
 * What was signed:
 *   string "hostkeys-prove-00@openssh.com", string session_id,
 *   string host key blob
 */
static int
check_proof(
    const struct host_update *u, const struct key *k, struct span signature)
{
	const struct transport *t = connection_transport(u->connection);
	struct buf data = BUF_INIT;
	int r;

	write_text(&data, PROVE_REQUEST);
	write_string(&data, transport_session_id(t));
	write_string(&data, key_blob(k));
	if ((r = buf_error(&data)) == 0)
		r = verify_proof(k, buf_span(&data), signature);
	buf_release(&data);
	return r;
}

static void
on_proofs(struct connection *k, bool success, struct reader *r, void *context)
{
	struct host_update *u = context;
	int rc = success ? 0 : ERR_PERMISSION;

	for (size_t i = 0; rc == 0 && i < u->fresh.count; i++) {
		struct span signature = read_string(r);

		if ((rc = read_error(r)) == 0)
			rc = check_proof(u, u->fresh.item[i], signature);
	}
	if (rc == 0)
		rc = read_end(r);
	if (rc == 0)
		apply(u);
	else
		log_info("The server told of host keys that it could not prove "
			 "to have (%s); they are not learnt.",
		    error_text(rc));
}

static bool
ask_for_proofs(struct host_update *u)
{
	struct buf *out =
	    connection_request_begin(u->connection, PROVE_REQUEST, true);

	if (out == NULL)
		return false;
	for (size_t i = 0; i < u->fresh.count; i++)
		write_string(out, key_blob(u->fresh.item[i]));
	return connection_request_end(u->connection, on_proofs, u) == 0;
}

/* ---- the whole ---- */

/* True where proofs are on their way. */
static bool
begin(struct host_update *u, struct reader *r)
{
	if (!read_offer(u, r)) {
		log_debug1("the server's list of host keys is of no use");
		return false;
	}
	/* A list without the key that it uses is not of this server. */
	if (u->present == NULL || !has_key(&u->offered, u->present)) {
		log_debug1("the server's list lacks its present host key");
		return false;
	}
	if (!find_changes(u) ||
	    (u->fresh.count == 0 && u->obsolete.count == 0) || is_elsewhere(u))
		return false;
	if (u->fresh.count > 0)
		return ask_for_proofs(u);
	apply(u);
	return false;
}

struct host_update *
host_update_new(
    const struct host_check *h, struct connection *k, struct reader *r)
{
	struct host_update *u;

	if (h->o->update_host_keys == NYA_NO || !h->may_update) {
		log_debug1("the server's host keys are not learnt: %s",
		    h->may_update ? "UpdateHostKeys is off"
				  : "its key is not from the person's file");
		return NULL;
	}
	if ((u = calloc(1, sizeof(*u))) == NULL)
		return NULL;
	u->h = h;
	u->connection = k;
	u->present = transport_host_key(connection_transport(k));
	if (begin(u, r))
		return u;
	host_update_free(u);
	return NULL;
}
