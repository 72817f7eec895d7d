/*
 * agent_permission.c - which keys a connection may see and use.
 */
#include "agent/agent_permission.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/key/certificate.h"

#define USERAUTH_REQUEST 50

/* ---- binding ---- */

void
agent_way_release(struct agent_way *w)
{
	for (size_t i = 0; i < w->count; i++)
		key_unref(w->hop[i].host_key);
	*w = (struct agent_way){ 0 };
}

static bool
hop_has_session(const struct agent_bound_hop *hop, struct span id)
{
	return span_equal(span_of(hop->session_id, hop->session_id_len), id);
}

/* What the ways that are there say to one more. ret_is_known: it is there. */
static int
check_new_hop(const struct agent_way *w, const struct key *host_key,
    struct span id, bool *ret_is_known, struct error *e)
{
	*ret_is_known = false;
	for (size_t i = 0; i < w->count; i++) {
		const struct agent_bound_hop *hop = &w->hop[i];

		if (!hop->is_forwarded)
			return error_set(e, ERR_PERMISSION,
			    "the connection is bound to a login already");
		if (!hop_has_session(hop, id))
			continue;
		if (!key_equal(hop->host_key, host_key))
			return error_set(e, ERR_PERMISSION,
			    "the session is bound with another host key");
		*ret_is_known = true;
	}
	if (!*ret_is_known && w->count == AGENT_HOPS_MAX)
		return error_set(e, ERR_LIMIT,
		    "the connection is bound to %d sessions already",
		    AGENT_HOPS_MAX);
	return 0;
}

/* Takes host_key, also on failure. */
static int
bind_hop(struct agent_way *w, struct key *host_key, struct span id,
    struct span signature, bool is_forwarded, struct error *e)
{
	struct agent_bound_hop *hop;
	bool is_known = false;
	int r;

	if ((r = key_verify(host_key, NULL, id, signature)) != 0)
		r = error_set(
		    e, r, "the host key's signature: %s", error_text(r));
	else
		r = check_new_hop(w, host_key, id, &is_known, e);
	if (r != 0 || is_known) {
		key_unref(host_key);
		return r;
	}
	hop = &w->hop[w->count++];
	hop->host_key = host_key;
	memcpy(hop->session_id, id.ptr, id.len);
	hop->session_id_len = id.len;
	hop->is_forwarded = is_forwarded;
	return 0;
}

int
agent_way_bind(struct agent_way *w, struct reader *r, struct error *e)
{
	struct span blob = read_string(r);
	struct span id = read_string(r);
	struct span signature = read_string(r);
	bool is_forwarded = read_boolean(r);
	struct key *host_key;
	int error;

	/* From here on the connection speaks for another host, or fails to. */
	w->was_attempted = true;
	if ((error = read_end(r)) != 0)
		return error_set(e, error, "%s", error_text(error));
	if (id.len == 0 || id.len > AGENT_SESSION_ID_MAX)
		return error_set(e, ERR_LIMIT,
		    "a session identifier of %zu bytes (1 to %d are allowed)",
		    id.len, AGENT_SESSION_ID_MAX);
	if ((error = key_from_blob(blob, &host_key)) != 0)
		return error_set(
		    e, error, "the host key: %s", error_text(error));
	return bind_hop(w, host_key, id, signature, is_forwarded, e);
}

/* ---- destinations ---- */

/* Is the certificate one of a CA of the hop, for the hop's name? */
static bool
is_certified(const struct agent_hop *hop, const struct agent_host_key *ca,
    const struct key *host_key, uint64_t wall_s)
{
	const struct certificate *c = key_certificate(host_key);
	struct certificate_use use = { CERTIFICATE_HOST, wall_s, hop->name,
		NULL };

	return ca->is_ca && key_equal(c->ca, ca->key) &&
	       certificate_check(c, &use, NULL) == 0;
}

static bool
hop_matches(
    const struct agent_hop *hop, const struct key *host_key, uint64_t wall_s)
{
	for (size_t i = 0; i < hop->key_count; i++) {
		const struct agent_host_key *known = &hop->keys[i];

		if (key_certificate(host_key) != NULL
			? is_certified(hop, known, host_key, wall_s)
			: !known->is_ca && key_equal(known->key, host_key))
			return true;
	}
	return false;
}

/*
 * Is there a constraint for this hop? from NULL: from here; to NULL: to
 * anywhere; user empty: anybody.
 */
static bool
hop_allowed(const struct agent_constraints *c, const struct key *from,
    const struct key *to, struct span user, uint64_t wall_s)
{
	for (size_t i = 0; i < c->destination_count; i++) {
		const struct agent_destination *d = &c->destinations[i];
		char *name;
		bool matches;

		if (from == NULL ? d->from.name != NULL
				 : !hop_matches(&d->from, from, wall_s))
			continue;
		if (to != NULL && !hop_matches(&d->to, to, wall_s))
			continue;
		if (user.len == 0 || d->to.user == NULL)
			return true;
		if (span_has_nul(user) || (name = span_dup_text(user)) == NULL)
			continue;
		matches = pattern_match(d->to.user, name);
		free(name);
		if (matches)
			return true;
	}
	return false;
}

/* Is every hop of the way allowed, the last one for the user? */
static bool
way_allowed(const struct agent_way *w, const struct agent_constraints *c,
    struct span user, uint64_t wall_s)
{
	const struct key *from = NULL;

	for (size_t i = 0; i < w->count; i++) {
		const struct agent_bound_hop *hop = &w->hop[i];
		bool is_last = i + 1 == w->count;

		if (!is_last && !hop->is_forwarded)
			return false;
		if (!hop_allowed(c, from, hop->host_key,
			is_last ? user : span_of(NULL, 0), wall_s))
			return false;
		from = hop->host_key;
	}
	return true;
}

bool
agent_may_see(
    const struct agent_way *w, const struct agent_key *k, uint64_t wall_s)
{
	const struct agent_constraints *c = &k->constraints;
	const struct agent_bound_hop *last;

	if (c->destination_count == 0)
		return true;
	if (w->count == 0)
		return !w->was_attempted;
	if (!way_allowed(w, c, span_of(NULL, 0), wall_s))
		return false;
	last = &w->hop[w->count - 1];
	return !last->is_forwarded ||
	       hop_allowed(c, last->host_key, NULL, span_of(NULL, 0), wall_s);
}

/* ---- what is signed ---- */

/*
 *     string session_id, byte 50, string user, string service,
 *     string method, boolean TRUE, string algorithm, string key blob,
 *     [string host key]  with publickey-hostbound-v00@openssh.com
 */
bool
agent_is_userauth(
    struct span data, struct span key_blob, struct agent_signed_request *ret)
{
	struct reader r = reader_of(data);
	struct span id = read_string(&r);
	uint8_t type = read_byte(&r);
	struct span user = read_string(&r);
	struct span service = read_string(&r);
	struct span method = read_string(&r);
	uint8_t signed_flag = read_byte(&r);
	struct span algorithm = read_string(&r);
	struct span blob = read_string(&r);
	struct span host_key = span_of(NULL, 0);
	bool is_bound = span_is(method, "publickey-hostbound-v00@openssh.com");

	if (is_bound)
		host_key = read_string(&r);
	if (read_end(&r) != 0 || id.len == 0 || type != USERAUTH_REQUEST ||
	    user.len == 0 || !span_is(service, "ssh-connection") ||
	    signed_flag != 1 || algorithm.len == 0 ||
	    !(is_bound || span_is(method, "publickey")) ||
	    (is_bound && host_key.len == 0) || !span_equal(blob, key_blob))
		return false;
	*ret = (struct agent_signed_request){ id, user, host_key };
	return true;
}

/* Surface notes s10: "SSHSIG", then strings namespace, reserved, hash
 * algorithm, hash. */
bool
agent_is_sshsig(struct span data)
{
	struct reader r = reader_of(data);
	struct span magic = read_bytes(&r, 6);
	struct span space = read_string(&r);

	(void)read_string(&r);
	(void)read_string(&r);
	(void)read_string(&r);
	return read_end(&r) == 0 && span_is(magic, "SSHSIG") && space.len > 0;
}

/* The request against the hop that it is sent over. */
static int
check_request(const struct agent_way *w, const struct agent_signed_request *q,
    struct error *e)
{
	const struct agent_bound_hop *last = &w->hop[w->count - 1];

	if (!hop_has_session(last, q->session_id))
		return error_set(e, ERR_PERMISSION,
		    "the login is for another session than the connection is "
		    "bound to");
	/* The first hop is ours: its ssh is believed about the host. */
	if (q->host_key.len == 0 && w->count > 1)
		return error_set(e, ERR_PERMISSION,
		    "the login does not name the host's key");
	if (q->host_key.len != 0 &&
	    !span_equal(q->host_key, key_blob(last->host_key)))
		return error_set(e, ERR_PERMISSION,
		    "the login names another host key than the connection is "
		    "bound to");
	return 0;
}

int
agent_may_sign(const struct agent_way *w, const struct agent_key *k,
    struct span data, uint64_t wall_s, struct error *e)
{
	struct agent_signed_request q;
	int r;

	if (k->constraints.destination_count == 0)
		return 0;
	if (w->count == 0)
		return error_set(e, ERR_PERMISSION,
		    "the key is for certain hosts, and the connection is not "
		    "bound to any");
	if (!agent_is_userauth(data, agent_key_blob(k), &q))
		return error_set(e, ERR_PERMISSION,
		    "the key is for logins at certain hosts, and this is no "
		    "login");
	if (w->hop[w->count - 1].is_forwarded)
		return error_set(e, ERR_PERMISSION,
		    "the key is for certain hosts, and the connection was "
		    "forwarded without being bound to one");
	if ((r = check_request(w, &q, e)) != 0)
		return r;
	if (!way_allowed(w, &k->constraints, q.user, wall_s))
		return error_set(e, ERR_PERMISSION,
		    "the key may not be used for this user at this host");
	return 0;
}
