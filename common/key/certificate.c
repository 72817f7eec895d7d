/*
 * certificate.c - reading, judging and making certificates.
 * draft-miller-ssh-cert.
 *
 *     string   type ("...-cert-v01@openssh.com")
 *     string   nonce
 *     ...      the fields of the public key, without its type name
 *     uint64   serial
 *     uint32   kind: 1 user, 2 host
 *     string   key id
 *     string   principals: string each
 *     uint64   valid after, uint64 valid before
 *     string   critical options: (string name, string data) each
 *     string   extensions: the same
 *     string   reserved
 *     string   CA's public key
 *     string   signature over all of the above
 */
#include "common/key/certificate.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/address.h"
#include "common/crypto/random.h"
#include "common/key/key_impl.h"

#define NONCE_SIZE  32
#define OPTIONS_MAX 256

/* ---- reading ---- */

void
certificate_free(struct certificate *c)
{
	if (c == NULL)
		return;
	free(c->key_id);
	strings_release(&c->principals);
	buf_release(&c->critical);
	buf_release(&c->extensions);
	key_unref(c->ca);
	free(c);
}

static int
read_principals(struct span field, struct strings *ret)
{
	struct reader rd = reader_of(field);
	int r;

	while (rd.len > 0) {
		struct span name = read_text(&rd);
		char *text;

		if ((r = read_error(&rd)) != 0)
			return r;
		if (ret->count == CERTIFICATE_PRINCIPALS_MAX)
			return ERR_LIMIT;
		if ((text = span_dup_text(name)) == NULL)
			return ERR_MEMORY;
		if ((r = strings_take(ret, text)) != 0)
			return r;
	}
	return 0;
}

/* Only the form is looked at. */
static int
read_options(struct span field, struct buf *ret)
{
	struct reader rd = reader_of(field);

	for (int n = 0; rd.len > 0; n++) {
		read_text(&rd);
		read_string(&rd);
		if (read_error(&rd) != 0)
			return ERR_FORMAT;
		if (n == OPTIONS_MAX)
			return ERR_LIMIT;
	}
	write_span(ret, field);
	return buf_error(ret);
}

/* A CA may not itself be a certificate: there are no chains. */
static int
read_ca(struct span blob, struct key **ret)
{
	struct reader rd = reader_of(blob);
	const struct key_type_row *row = key_type_find(read_string(&rd));

	if (row == NULL || row->plain != NULL)
		return ERR_KEY_TYPE;
	return key_from_blob(blob, ret);
}

static int
verify(struct certificate *c, struct span body, struct span signature)
{
	struct reader rd = reader_of(signature);

	/* Weak algorithms too: whether they count is for certificate_check()
	 * to say, and one wants to see what is in such a certificate. */
	c->ca_algorithm = signature_find(read_string(&rd));
	if (c->ca_algorithm == NULL ||
	    signature_is_of_certificate(c->ca_algorithm))
		return ERR_SIGNATURE_ALGORITHM;
	return key_verify(c->ca, c->ca_algorithm, body, signature);
}

static int
read_fields(struct certificate *c, struct reader *rd, struct span blob)
{
	struct span key_id, principals, critical, extensions, ca, signature;
	struct span body;
	uint32_t kind;
	int r;

	c->serial = read_uint64(rd);
	kind = read_uint32(rd);
	key_id = read_text(rd);
	principals = read_string(rd);
	c->valid_after = read_uint64(rd);
	c->valid_before = read_uint64(rd);
	critical = read_string(rd);
	extensions = read_string(rd);
	read_string(rd); /* reserved: whatever is in it is signed */
	ca = read_string(rd);
	body = span_of(blob.ptr, rd->size - rd->len);
	signature = read_string(rd);
	if ((r = read_end(rd)) != 0)
		return r;
	if (kind != CERTIFICATE_USER && kind != CERTIFICATE_HOST)
		return ERR_KEY_FORMAT;
	c->kind = (enum certificate_kind)kind;
	if ((c->key_id = span_dup_text(key_id)) == NULL)
		return ERR_MEMORY;
	if ((r = read_principals(principals, &c->principals)) != 0 ||
	    (r = read_options(critical, &c->critical)) != 0 ||
	    (r = read_options(extensions, &c->extensions)) != 0 ||
	    (r = read_ca(ca, &c->ca)) != 0)
		return r;
	return verify(c, body, signature);
}

int
certificate_read(const struct key_type_row *row, struct span blob,
    EVP_PKEY **ret_pkey, struct key_sk **ret_sk, struct certificate **ret)
{
	const struct key_type_row *plain = key_type_find(span_text(row->plain));
	struct certificate *c = calloc(1, sizeof(*c));
	struct reader rd = reader_of(blob);
	struct key_sk *sk = NULL;
	EVP_PKEY *pkey = NULL;
	int r;

	if (c == NULL)
		return ERR_MEMORY;
	read_string(&rd); /* the type, known to the caller */
	read_string(&rd); /* nonce */
	if ((r = read_error(&rd)) == 0)
		r = key_read_public(plain, &rd, &pkey, &sk);
	if (r == 0)
		r = read_fields(c, &rd, blob);
	if (r != 0) {
		EVP_PKEY_free(pkey);
		key_sk_free(sk);
		certificate_free(c);
		return as_key_error(r);
	}
	*ret_pkey = pkey;
	*ret_sk = sk;
	*ret = c;
	return 0;
}

bool
certificate_option_next(
    struct span *rest, struct span *ret_name, struct span *ret_data)
{
	struct reader rd = reader_of(*rest);

	if (rest->len == 0)
		return false;
	*ret_name = read_string(&rd);
	*ret_data = read_string(&rd);
	*rest = read_rest(&rd);
	return read_error(&rd) == 0;
}

/* ---- judging ---- */

static int
check_name(const struct certificate *c, const char *name, struct error *e)
{
	if (c->principals.count == 0)
		return error_set(
		    e, ERR_PERMISSION, "Certificate lacks principal list");
	for (size_t i = 0; i < c->principals.count; i++) {
		const char *principal = c->principals.item[i];

		if (c->kind == CERTIFICATE_HOST
			? pattern_match_no_case(principal, name)
			: strcmp(principal, name) == 0)
			return 0;
	}
	return error_set(e, ERR_PERMISSION,
	    "Certificate invalid: name is not a listed principal");
}

static int
check_algorithm(const struct certificate *c, const char *list, struct error *e)
{
	if (list == NULL
		? !c->ca_algorithm->off
		: pattern_list_match(list, c->ca_algorithm->name, false) == 1)
		return 0;
	return error_set(e, ERR_PERMISSION,
	    "Certificate signed with disallowed algorithm %s",
	    c->ca_algorithm->name);
}

int
certificate_check(const struct certificate *c,
    const struct certificate_use *use, struct error *e)
{
	int r;

	if (c->kind != use->kind)
		return error_set(e, ERR_PERMISSION,
		    "Certificate invalid: not a %s certificate",
		    use->kind == CERTIFICATE_HOST ? "host" : "user");
	if (use->now_s < c->valid_after)
		return error_set(
		    e, ERR_PERMISSION, "Certificate invalid: not yet valid");
	if (use->now_s >= c->valid_before)
		return error_set(
		    e, ERR_PERMISSION, "Certificate invalid: expired");
	if (use->name != NULL && (r = check_name(c, use->name, e)) != 0)
		return r;
	if ((r = check_algorithm(c, use->ca_algorithms, e)) != 0)
		return r;
	/* None is defined for hosts. */
	if (use->kind == CERTIFICATE_HOST && c->critical.len > 0)
		return error_set(e, ERR_PERMISSION,
		    "Certificate for host contains unsupported critical "
		    "options");
	return 0;
}

/* ---- rights of users ---- */

void
certificate_rights_release(struct certificate_rights *r)
{
	free(r->force_command);
	free(r->source_address);
	memset(r, 0, sizeof(*r));
}

/* The value of an option: a string inside the data, of which nothing is
 * left. */
static int
take_value(struct span name, struct span data, char **to, struct error *e)
{
	struct reader rd = reader_of(data);
	struct span value = read_text(&rd);

	if (read_end(&rd) != 0 || *to != NULL)
		return error_set(e, ERR_PERMISSION,
		    "Certificate has %s \"%.*s\" option",
		    *to != NULL ? "more than one" : "a damaged", (int)name.len,
		    (const char *)name.ptr);
	if ((*to = span_dup_text(value)) == NULL)
		return error_set(e, ERR_MEMORY, "%s", error_text(ERR_MEMORY));
	return 0;
}

static int
take_critical(struct certificate_rights *rights, struct span name,
    struct span data, struct error *e)
{
	char *shown;
	int r;

	if (span_is(name, "force-command"))
		return take_value(name, data, &rights->force_command, e);
	if (span_is(name, "source-address")) {
		r = take_value(name, data, &rights->source_address, e);
		if (r == 0 &&
		    address_list_match(rights->source_address, NULL, true) < -1)
			r = error_set(e, ERR_PERMISSION,
			    "Certificate source-address list is invalid");
		return r;
	}
	if (span_is(name, "verify-required") && data.len == 0) {
		rights->verify_required = true;
		return 0;
	}
	shown = text_escaped(name);
	r = error_set(e, ERR_PERMISSION,
	    "Certificate critical option \"%s\" is not supported",
	    shown != NULL ? shown : "?");
	free(shown);
	return r;
}

static void
take_extension(struct certificate_rights *rights, struct span name)
{
	const struct {
		const char *name;
		bool *flag;
	} known[] = {
		{ "no-touch-required", &rights->touch_not_required },
		{ "permit-X11-forwarding", &rights->x11_forwarding },
		{ "permit-agent-forwarding", &rights->agent_forwarding },
		{ "permit-port-forwarding", &rights->port_forwarding },
		{ "permit-pty", &rights->pty },
		{ "permit-user-rc", &rights->user_rc },
	};

	for (size_t i = 0; i < ARRAY_COUNT(known); i++)
		if (span_is(name, known[i].name))
			*known[i].flag = true;
}

int
certificate_rights_read(const struct certificate *c,
    struct certificate_rights *ret, struct error *e)
{
	struct certificate_rights rights = { 0 };
	struct span rest = buf_span(&c->critical), name, data;
	int r = 0;

	while (r == 0 && certificate_option_next(&rest, &name, &data))
		r = take_critical(&rights, name, data, e);
	if (r != 0) {
		certificate_rights_release(&rights);
		return r;
	}
	rest = buf_span(&c->extensions);
	while (certificate_option_next(&rest, &name, &data))
		take_extension(&rights, name);
	*ret = rights;
	return 0;
}

/* ---- making ---- */

static int
by_name(const void *a, const void *b)
{
	const struct certificate_option *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* The draft wants the options sorted by name, each at most once. */
static int
write_options(
    const struct certificate_option *options, size_t count, struct buf *out)
{
	struct certificate_option *sorted;
	size_t mark = write_string_begin(out);
	int r = 0;

	if (count > OPTIONS_MAX)
		return ERR_LIMIT;
	if ((sorted = calloc(count + 1, sizeof(*sorted))) == NULL)
		return ERR_MEMORY;
	for (size_t i = 0; i < count; i++)
		sorted[i] = options[i];
	qsort(sorted, count, sizeof(*sorted), by_name);
	for (size_t i = 0; i < count && r == 0; i++) {
		size_t data;

		if (i > 0 && strcmp(sorted[i - 1].name, sorted[i].name) == 0)
			r = ERR_ARGUMENT;
		write_text(out, sorted[i].name);
		data = write_string_begin(out);
		if (sorted[i].value != NULL)
			write_text(out, sorted[i].value);
		write_string_end(out, data);
	}
	write_string_end(out, mark);
	free(sorted);
	return r;
}

static void
write_principals(const struct strings *principals, struct buf *out)
{
	size_t mark = write_string_begin(out);

	for (size_t i = 0; i < principals->count; i++)
		write_text(out, principals->item[i]);
	write_string_end(out, mark);
}

/* All up to the signature. */
static int
write_body(const struct key_type_row *row, struct span plain,
    const struct certificate_request *q, struct span ca, struct buf *out)
{
	struct reader rd = reader_of(plain);
	uint8_t nonce[NONCE_SIZE];
	int r;

	if ((r = random_fill(&random_system, nonce, sizeof(nonce))) != 0)
		return r;
	read_string(&rd); /* the type */
	write_text(out, row->name);
	write_string(out, span_of(nonce, sizeof(nonce)));
	write_span(out, read_rest(&rd));
	write_uint64(out, q->serial);
	write_uint32(out, (uint32_t)q->kind);
	write_text(out, q->key_id);
	write_principals(q->principals, out);
	write_uint64(out, q->valid_after);
	write_uint64(out, q->valid_before);
	if ((r = write_options(q->critical, q->critical_count, out)) != 0 ||
	    (r = write_options(q->extensions, q->extension_count, out)) != 0)
		return r;
	write_text(out, "");
	write_string(out, ca);
	return buf_error(out);
}

int
certificate_sign(const struct key *subject, const struct certificate_request *q,
    const struct key *ca, const struct signature_algorithm *a, struct key **ret)
{
	const struct key_type_row *row = subject->row;
	struct buf body = BUF_INIT, signature = BUF_INIT;
	int r;

	if (ca->certificate != NULL || signature_is_of_certificate(a))
		return ERR_KEY_TYPE;
	if (q->principals->count > CERTIFICATE_PRINCIPALS_MAX)
		return ERR_LIMIT;
	if (row->plain == NULL && (row = key_type_of_certificate(row)) == NULL)
		return ERR_KEY_TYPE;
	r = write_body(row, key_plain_blob(subject), q, key_blob(ca), &body);
	if (r == 0)
		r = key_sign(ca, a, buf_span(&body), &signature);
	if (r == 0) {
		write_string(&body, buf_span(&signature));
		r = buf_error(&body);
	}
	/* Read again: what was made is then known to be in order. */
	if (r == 0)
		r = key_from_blob(buf_span(&body), ret);
	buf_release(&body);
	buf_release(&signature);
	return r;
}
