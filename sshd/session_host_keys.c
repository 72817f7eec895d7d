/*
 * session_host_keys.c - tells the client all host keys, so that it knows the
 * next one before the present one goes, and proves that they are ours.
 * hostkeys-00@openssh.com, hostkeys-prove-00@openssh.com: surface notes s9.
 */
#include <string.h>

#include "common/key/key.h"
#include "sshd/user_session.h"

/* Proofs are dear: who asks for more than this in a connection wants
 * something else. A client asks once. */
#define PROOF_REQUESTS_MAX 4

int
announce_host_keys(struct user_session *u)
{
	const struct key *k;
	struct buf *out;

	if (host_keys_public(u->keys, 0) == NULL)
		return 0;
	out = connection_request_begin(
	    u->connection, "hostkeys-00@openssh.com", false);
	if (out == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; (k = host_keys_public(u->keys, i)) != NULL; i++)
		write_string(out, key_blob(k));
	return connection_request_end(u->connection, NULL, NULL);
}

static const struct key *
find_key(const struct user_session *u, struct span blob)
{
	const struct key *k;

	for (size_t i = 0; (k = host_keys_public(u->keys, i)) != NULL; i++)
		if (span_equal(key_blob(k), blob))
			return k;
	return NULL;
}

/* An RSA key signs as in the key exchange where that was by RSA: it is what
 * the client knows. */
static const char *
algorithm_for(const struct user_session *u, const struct key *k)
{
	struct transport_negotiated n;

	if (key_row(k)->type != KEY_RSA)
		return key_type_name(k);
	if (transport_get_negotiated(u->transport, &n) && n.host_key != NULL &&
	    strstr(n.host_key, "rsa-sha2-256") != NULL)
		return "rsa-sha2-256";
	return "rsa-sha2-512";
}

bool
prove_host_keys(struct user_session *u, struct reader *r, struct buf *reply)
{
	struct buf signature = BUF_INIT;
	bool ok = u->proof_requests++ < PROOF_REQUESTS_MAX;

	for (size_t count = 0; ok && r->len > 0; count++) {
		struct span blob = read_string(r);
		const struct key *k = find_key(u, blob);

		buf_clear(&signature);
		ok = read_error(r) == 0 && k != NULL && count < HOST_KEYS_MAX &&
		     ask_proof(u, blob, algorithm_for(u, k), &signature) == 0 &&
		     signature.len > 0;
		write_string(reply, buf_span(&signature));
	}
	if (!ok)
		log_debug1("a proof of host keys was refused");
	buf_release(&signature);
	return ok && buf_error(reply) == 0;
}
