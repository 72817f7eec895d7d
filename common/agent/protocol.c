/*
 * protocol.c - the agent protocol: what both ends encode alike.
 * draft-ietf-sshm-ssh-agent s5; extensions of OpenSSH: surface notes s9.
 */
#include "common/agent/protocol.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"

#define EXTENSION_PROVIDER     "sk-provider@openssh.com"
#define EXTENSION_DESTINATION  "restrict-destination-v00@openssh.com"
#define EXTENSION_CERTIFICATES "associated-certs-v00@openssh.com"

/* ---- constraints: life ---- */

bool
agent_constraints_any(const struct agent_constraints *c)
{
	return c->lifetime_s != 0 || c->confirm || c->sk_provider != NULL ||
	       c->destination_count > 0 || c->certificates_only ||
	       c->certificate_count > 0;
}

static void
hop_release(struct agent_hop *hop)
{
	free(hop->name);
	free(hop->user);
	for (size_t i = 0; i < hop->key_count; i++)
		key_unref(hop->keys[i].key);
	free(hop->keys);
}

void
agent_constraints_release(struct agent_constraints *c)
{
	free(c->sk_provider);
	for (size_t i = 0; i < c->destination_count; i++) {
		hop_release(&c->destinations[i].from);
		hop_release(&c->destinations[i].to);
	}
	free(c->destinations);
	for (size_t i = 0; i < c->certificate_count; i++)
		key_unref(c->certificates[i]);
	free(c->certificates);
	*c = AGENT_CONSTRAINTS_NONE;
}

/* ---- constraints: writing ---- */

/*
 *     string user, string hostname, string reserved,
 *     (string keyblob, boolean is_ca) * n
 */
static void
write_hop(struct buf *out, const struct agent_hop *hop)
{
	size_t mark = write_string_begin(out);

	write_text(out, hop->user == NULL ? "" : hop->user);
	write_text(out, hop->name == NULL ? "" : hop->name);
	write_text(out, "");
	for (size_t i = 0; i < hop->key_count; i++) {
		write_string(out, key_blob(hop->keys[i].key));
		write_boolean(out, hop->keys[i].is_ca);
	}
	write_string_end(out, mark);
}

static void
write_destinations(struct buf *out, const struct agent_constraints *c)
{
	size_t all;

	write_byte(out, AGENT_CONSTRAIN_EXTENSION);
	write_text(out, EXTENSION_DESTINATION);
	all = write_string_begin(out);
	for (size_t i = 0; i < c->destination_count; i++) {
		size_t one = write_string_begin(out);

		write_hop(out, &c->destinations[i].from);
		write_hop(out, &c->destinations[i].to);
		write_text(out, "");
		write_string_end(out, one);
	}
	write_string_end(out, all);
}

static void
write_certificates(struct buf *out, const struct agent_constraints *c)
{
	size_t all;

	write_byte(out, AGENT_CONSTRAIN_EXTENSION);
	write_text(out, EXTENSION_CERTIFICATES);
	write_boolean(out, c->certificates_only);
	all = write_string_begin(out);
	for (size_t i = 0; i < c->certificate_count; i++)
		write_string(out, key_blob(c->certificates[i]));
	write_string_end(out, all);
}

void
agent_write_constraints(struct buf *out, const struct agent_constraints *c)
{
	if (c->lifetime_s != 0) {
		write_byte(out, AGENT_CONSTRAIN_LIFETIME);
		write_uint32(out, c->lifetime_s);
	}
	if (c->confirm)
		write_byte(out, AGENT_CONSTRAIN_CONFIRM);
	if (c->sk_provider != NULL) {
		write_byte(out, AGENT_CONSTRAIN_EXTENSION);
		write_text(out, EXTENSION_PROVIDER);
		write_text(out, c->sk_provider);
	}
	if (c->destination_count > 0)
		write_destinations(out, c);
	if (c->certificates_only || c->certificate_count > 0)
		write_certificates(out, c);
}

/* ---- constraints: reading ---- */

/* Room for one more item in an array that doubles; NULL without memory. */
static void *
grow(void *array, size_t count, size_t size)
{
	if (count > 0 && (count & (count - 1)) != 0)
		return array;
	return reallocarray(array, count == 0 ? 1 : count * 2, size);
}

static int
add_hop_key(struct agent_hop *hop, struct span blob, bool is_ca)
{
	struct agent_host_key *keys;
	struct key *k;
	int r;

	if (hop->key_count >= AGENT_HOP_KEYS_LIMIT)
		return ERR_LIMIT;
	if ((r = key_from_blob(blob, &k)) != 0)
		return r;
	keys = grow(hop->keys, hop->key_count, sizeof(*keys));
	if (keys == NULL) {
		key_unref(k);
		return ERR_MEMORY;
	}
	hop->keys = keys;
	hop->keys[hop->key_count++] = (struct agent_host_key){ k, is_ca };
	return 0;
}

/* Empty text stays NULL. */
static int
take_text(struct span text, char **ret)
{
	if (text.len == 0)
		return 0;
	return (*ret = span_dup_text(text)) == NULL ? ERR_MEMORY : 0;
}

static int
read_hop(struct span bytes, struct agent_hop *hop)
{
	struct reader r = reader_of(bytes);
	struct span user = read_text(&r);
	struct span name = read_text(&r);
	struct span reserved = read_string(&r);
	int error;

	if ((error = read_error(&r)) != 0)
		return error;
	if (reserved.len != 0)
		return ERR_UNSUPPORTED;
	if ((error = take_text(user, &hop->user)) != 0 ||
	    (error = take_text(name, &hop->name)) != 0)
		return error;
	while (r.len > 0) {
		struct span blob = read_string(&r);
		bool is_ca = read_boolean(&r);

		if ((error = read_error(&r)) != 0 ||
		    (error = add_hop_key(hop, blob, is_ca)) != 0)
			return error;
	}
	return 0;
}

/* From here or from a host with keys, without a user; to a host with keys. */
static bool
is_sound(const struct agent_destination *d)
{
	return d->from.user == NULL &&
	       (d->from.name == NULL) == (d->from.key_count == 0) &&
	       d->to.name != NULL && d->to.key_count > 0;
}

static int
read_destination(struct span bytes, struct agent_destination *d)
{
	struct reader r = reader_of(bytes);
	struct span from = read_string(&r);
	struct span to = read_string(&r);
	struct span reserved = read_string(&r);
	int error;

	if ((error = read_end(&r)) != 0)
		return error;
	if (reserved.len != 0)
		return ERR_UNSUPPORTED;
	if ((error = read_hop(from, &d->from)) != 0 ||
	    (error = read_hop(to, &d->to)) != 0)
		return error;
	return is_sound(d) ? 0 : ERR_FORMAT;
}

static int
read_destinations(struct reader *r, struct agent_constraints *c)
{
	struct reader all = reader_of(read_string(r));
	int error;

	/* A second list could widen the first; an empty one allows nothing,
	 * which no list at all would not say. */
	if (c->destination_count > 0 || all.len == 0)
		return ERR_FORMAT;
	while (all.len > 0) {
		struct span one = read_string(&all);
		struct agent_destination *d;

		if ((error = read_error(&all)) != 0)
			return error;
		if (c->destination_count >= AGENT_DESTINATIONS_LIMIT)
			return ERR_LIMIT;
		d = grow(c->destinations, c->destination_count, sizeof(*d));
		if (d == NULL)
			return ERR_MEMORY;
		c->destinations = d;
		d += c->destination_count++;
		memset(d, 0, sizeof(*d));
		if ((error = read_destination(one, d)) != 0)
			return error;
	}
	return 0;
}

static int
add_certificate(struct agent_constraints *c, struct span blob)
{
	struct key **list;
	struct key *k;
	int r;

	if (c->certificate_count >= AGENT_CERTIFICATES_LIMIT)
		return ERR_LIMIT;
	if ((r = key_from_blob(blob, &k)) != 0)
		return r;
	if (key_certificate(k) == NULL) {
		key_unref(k);
		return ERR_KEY_TYPE;
	}
	list = grow(c->certificates, c->certificate_count, sizeof(*list));
	if (list == NULL) {
		key_unref(k);
		return ERR_MEMORY;
	}
	c->certificates = list;
	c->certificates[c->certificate_count++] = k;
	return 0;
}

static int
read_certificates(struct reader *r, struct agent_constraints *c)
{
	bool only = read_boolean(r);
	struct reader all = reader_of(read_string(r));
	int error;

	if (c->certificates_only || c->certificate_count > 0)
		return ERR_FORMAT;
	c->certificates_only = only;
	while (all.len > 0) {
		struct span blob = read_string(&all);

		if ((error = read_error(&all)) != 0 ||
		    (error = add_certificate(c, blob)) != 0)
			return error;
	}
	return 0;
}

static int
read_provider(struct reader *r, struct agent_constraints *c)
{
	struct span path = read_text(r);

	if (read_error(r) != 0 || path.len == 0 || c->sk_provider != NULL)
		return ERR_FORMAT;
	return take_text(path, &c->sk_provider);
}

static int
read_extension(struct reader *r, struct agent_constraints *c)
{
	struct span name = read_string(r);

	if (span_is(name, EXTENSION_PROVIDER))
		return read_provider(r, c);
	if (span_is(name, EXTENSION_DESTINATION))
		return read_destinations(r, c);
	if (span_is(name, EXTENSION_CERTIFICATES))
		return read_certificates(r, c);
	return read_error(r) != 0 ? ERR_FORMAT : ERR_UNSUPPORTED;
}

static int
read_lifetime(struct reader *r, struct agent_constraints *c)
{
	uint32_t seconds = read_uint32(r);

	/* A key that is to be gone at once is none. */
	if (read_error(r) != 0 || seconds == 0 || c->lifetime_s != 0)
		return ERR_FORMAT;
	c->lifetime_s = seconds;
	return 0;
}

static int
read_constraint(struct reader *r, struct agent_constraints *c)
{
	switch (read_byte(r)) {
	case AGENT_CONSTRAIN_LIFETIME:
		return read_lifetime(r, c);
	case AGENT_CONSTRAIN_CONFIRM:
		if (c->confirm)
			return ERR_FORMAT;
		c->confirm = true;
		return 0;
	case AGENT_CONSTRAIN_EXTENSION:
		return read_extension(r, c);
	default:
		return ERR_UNSUPPORTED;
	}
}

int
agent_read_constraints(struct reader *r, struct agent_constraints *ret)
{
	int error;

	*ret = AGENT_CONSTRAINTS_NONE;
	if ((error = read_error(r)) != 0)
		return error;
	while (r->len > 0) {
		if ((error = read_constraint(r, ret)) != 0)
			return error;
		if ((error = read_error(r)) != 0)
			return error;
	}
	return read_end(r);
}

/* ---- private keys ---- */

/*
 * How many fields (after the type) the private form of a plain key begins
 * with that its certificate has inside too; behind a certificate they are
 * left out.
 */
static size_t
public_fields(const struct key_type_row *plain)
{
	switch (plain->type) {
	case KEY_RSA:      /* n, e */
	case KEY_ECDSA:    /* curve, point */
	case KEY_ECDSA_SK: /* the same; the application stays */
		return 2;
	case KEY_DSA: /* p, q, g, y */
		return 4;
	default: /* Ed25519 says its public half twice */
		return 0;
	}
}

int
agent_write_key(
    struct buf *out, const struct key *k, const struct key *certificate)
{
	struct buf plain = BUF_SECRET_INIT;
	struct reader r;
	int error;

	if (certificate == NULL)
		return key_write_private(k, out);
	if (key_certificate(certificate) == NULL ||
	    !span_equal(key_plain_blob(certificate), key_plain_blob(k)))
		return ERR_KEY_TYPE;
	if ((error = key_write_private(k, &plain)) != 0)
		goto out;
	r = reader_of(buf_span(&plain));
	(void)read_string(&r);
	for (size_t n = public_fields(key_row(k)); n > 0; n--)
		(void)read_string(&r);
	write_text(out, key_type_name(certificate));
	write_string(out, key_blob(certificate));
	write_span(out, read_rest(&r));
	error = read_error(&r);
out:
	buf_release(&plain);
	return error;
}

/* The fields that were left out, from the certificate's key. */
static void
restore_public(struct buf *out, const struct key *certificate)
{
	const struct key_type_row *plain =
	    key_type_find(span_text(key_row(certificate)->plain));
	struct reader r = reader_of(key_plain_blob(certificate));
	struct span field[4];
	size_t count = public_fields(plain);

	write_string(out, read_string(&r));
	for (size_t i = 0; i < count; i++)
		field[i] = read_string(&r);
	/* The one type whose two forms differ in order: e, n and n, e. */
	for (size_t i = 0; i < count; i++)
		write_string(
		    out, field[plain->type == KEY_RSA ? count - 1 - i : i]);
}

static int
read_with_certificate(
    struct reader *r, struct key **ret_key, struct key **ret_certificate)
{
	struct buf whole = BUF_SECRET_INIT;
	struct key *certificate, *k = NULL;
	struct reader inner;
	struct span blob;
	int error;

	(void)read_string(r); /* the type, which the blob repeats */
	blob = read_string(r);
	if (read_error(r) != 0)
		return ERR_KEY_FORMAT;
	if ((error = key_from_blob(blob, &certificate)) != 0)
		return error;
	error = ERR_KEY_FORMAT;
	if (key_certificate(certificate) == NULL)
		goto out;
	restore_public(&whole, certificate);
	write_bytes(&whole, r->ptr, r->len);
	if ((error = buf_error(&whole)) != 0)
		goto out;
	inner = reader_of(buf_span(&whole));
	if ((error = key_read_private(&inner, &k)) != 0)
		goto out;
	error = ERR_KEY_FORMAT;
	if (!span_equal(key_blob(k), key_plain_blob(certificate)))
		goto out;
	(void)read_bytes(r, r->len - inner.len);
	*ret_key = k;
	*ret_certificate = certificate;
	k = certificate = NULL;
	error = 0;
out:
	key_unref(k);
	key_unref(certificate);
	buf_release(&whole);
	return error;
}

int
agent_read_key(
    struct reader *r, struct key **ret_key, struct key **ret_certificate)
{
	struct reader ahead = *r;
	const struct key_type_row *row = key_type_find(read_string(&ahead));

	*ret_certificate = NULL;
	if (read_error(&ahead) != 0)
		return ERR_KEY_FORMAT;
	if (row == NULL)
		return ERR_KEY_TYPE;
	if (row->plain != NULL)
		return read_with_certificate(r, ret_key, ret_certificate);
	return key_read_private(r, ret_key);
}

/* ---- signatures ---- */

uint32_t
agent_sign_flags(const struct signature_algorithm *a)
{
	if (strcmp(a->plain, "rsa-sha2-256") == 0)
		return AGENT_RSA_SHA2_256;
	if (strcmp(a->plain, "rsa-sha2-512") == 0)
		return AGENT_RSA_SHA2_512;
	return 0;
}
