/*
 * krl_walk.c - the bytes of a key revocation list, and one key among them.
 * Surface notes s10.
 *
 *     uint64   magic "SSHKRL\n\0"
 *     uint32   format: 1
 *     uint64   version of the list
 *     uint64   date
 *     uint64   flags (none are known)
 *     string   reserved
 *     string   comment
 *     sections: byte type, string data
 *
 *     certificates: string CA key or "", string reserved, then
 *     subsections: byte type, string data
 */
#include <string.h>

#include "common/crypto/digest.h"
#include "common/key/certificate.h"
#include "common/key/krl_impl.h"

#define MAGIC_TEXT "SSHKRL\n"

/* ---- going through ---- */

static int
damaged(struct error *e, const char *what)
{
	return error_set(
	    e, ERR_FORMAT, "damaged key revocation list: %s", what);
}

bool
krl_recognise(struct span file)
{
	size_t n = strlen(MAGIC_TEXT);

	return file.len >= n && memcmp(file.ptr, MAGIC_TEXT, n) == 0;
}

static int
walk_serial_list(
    struct reader *rd, const struct krl_visitor *v, struct error *e)
{
	int r = 0;

	while (r == 0 && rd->len > 0) {
		uint64_t serial = read_uint64(rd);

		if (read_error(rd) != 0)
			return damaged(e, "a list of serial numbers is cut");
		r = v->serials(v->context, serial, serial);
	}
	return r;
}

static int
walk_serial_range(
    struct reader *rd, const struct krl_visitor *v, struct error *e)
{
	uint64_t first = read_uint64(rd), last = read_uint64(rd);

	if (read_end(rd) != 0)
		return damaged(e, "a range of serial numbers has a wrong size");
	if (first > last)
		return damaged(
		    e, "a range of serial numbers ends before it begins");
	return v->serials(v->context, first, last);
}

/* The number of bits from the lowest to the highest that is set. */
static uint64_t
bit_length(struct span bits)
{
	unsigned top = 0;

	if (bits.len == 0)
		return 0;
	while (bits.ptr[0] >> top != 0)
		top++;
	return (uint64_t)(bits.len - 1) * 8 + top;
}

/* The bits are an mpint, so not negative. Needless zeros in front would change
 * nothing. */
static int
walk_bitmap(struct reader *rd, const struct krl_visitor *v, struct error *e)
{
	uint64_t offset = read_uint64(rd), length;
	struct span bits = read_string(rd);

	if (read_end(rd) != 0)
		return damaged(e, "a bitmap has a wrong size");
	if (bits.len > 0 && (bits.ptr[0] & 0x80) != 0)
		return damaged(e, "a bitmap is negative");
	while (bits.len > 0 && bits.ptr[0] == 0)
		bits = span_of(bits.ptr + 1, bits.len - 1);
	length = bit_length(bits);
	if (length > 0 && length - 1 > UINT64_MAX - offset)
		return damaged(e, "a bitmap goes beyond 64 bits");
	return v->bitmap(v->context, offset, bits);
}

static int
walk_key_ids(struct reader *rd, const struct krl_visitor *v, struct error *e)
{
	int r = 0;

	while (r == 0 && rd->len > 0) {
		struct span id = read_string(rd);

		if (read_error(rd) != 0)
			return damaged(e, "a list of key ids is cut");
		r = v->key_id(v->context, id);
	}
	return r;
}

/* What is not critical may be passed over by those who do not know it; and
 * here none is known. */
static int
walk_extension(struct reader *rd, struct error *e)
{
	bool is_critical;

	read_string(rd); /* name */
	is_critical = read_boolean(rd);
	read_string(rd);
	if (read_end(rd) != 0)
		return damaged(e, "an extension has a wrong size");
	if (is_critical)
		return error_set(e, ERR_UNSUPPORTED,
		    "key revocation list with an unknown critical extension");
	return 0;
}

static int
walk_subsection(
    int type, struct span data, const struct krl_visitor *v, struct error *e)
{
	struct reader rd = reader_of(data);

	switch (type) {
	case KRL_SERIAL_LIST:
		return walk_serial_list(&rd, v, e);
	case KRL_SERIAL_RANGE:
		return walk_serial_range(&rd, v, e);
	case KRL_SERIAL_BITMAP:
		return walk_bitmap(&rd, v, e);
	case KRL_KEY_ID:
		return walk_key_ids(&rd, v, e);
	case KRL_CERTIFICATE_EXTENSION:
		return walk_extension(&rd, e);
	default:
		return error_set(e, ERR_UNSUPPORTED,
		    "key revocation list with a subsection of the unknown "
		    "type %d",
		    type);
	}
}

static int
walk_certificates(
    struct span section, const struct krl_visitor *v, struct error *e)
{
	struct reader rd = reader_of(section);
	struct span ca = read_string(&rd);
	int r;

	read_string(&rd); /* reserved */
	if (read_error(&rd) != 0)
		return damaged(e, "a section of certificates is cut");
	r = v->ca(v->context, ca);
	while (r == 0 && rd.len > 0) {
		int type = read_byte(&rd);
		struct span data = read_string(&rd);

		if (read_error(&rd) != 0)
			return damaged(e, "a subsection is cut");
		r = walk_subsection(type, data, v, e);
	}
	return r;
}

static int
walk_entries(enum krl_section type, struct span section,
    const struct krl_visitor *v, struct error *e)
{
	size_t size = type == KRL_SHA1     ? KRL_SHA1_SIZE
		      : type == KRL_SHA256 ? KRL_SHA256_SIZE
					   : 0;
	struct reader rd = reader_of(section);
	int r = 0;

	while (r == 0 && rd.len > 0) {
		struct span s = read_string(&rd);

		if (read_error(&rd) != 0)
			return damaged(e, "a section of keys is cut");
		if (size != 0 ? s.len != size : s.len == 0)
			return damaged(e, "a key or hash has a wrong size");
		r = v->entry(v->context, type, s);
	}
	return r;
}

static int
walk_section(
    int type, struct span section, const struct krl_visitor *v, struct error *e)
{
	struct reader rd = reader_of(section);

	switch (type) {
	case KRL_CERTIFICATES:
		return walk_certificates(section, v, e);
	case KRL_KEYS:
	case KRL_SHA1:
	case KRL_SHA256:
		return walk_entries((enum krl_section)type, section, v, e);
	case KRL_SIGNATURE:
		return error_set(e, ERR_UNSUPPORTED,
		    "signed key revocation lists are not supported");
	case KRL_EXTENSION:
		return walk_extension(&rd, e);
	default:
		return error_set(e, ERR_UNSUPPORTED,
		    "key revocation list with a section of the unknown type %d",
		    type);
	}
}

static int
walk_header(struct reader *rd, const struct krl_visitor *v, struct error *e)
{
	struct krl_header h;
	uint64_t magic = read_uint64(rd);
	uint32_t format = read_uint32(rd);

	h.version = read_uint64(rd);
	h.date = read_uint64(rd);
	read_uint64(rd); /* flags */
	read_string(rd); /* reserved */
	h.comment = read_string(rd);
	if (read_error(rd) != 0)
		return damaged(e, "its header is cut");
	if (magic != KRL_MAGIC)
		return damaged(e, "its first bytes are others");
	if (format != KRL_FORMAT)
		return error_set(e, ERR_UNSUPPORTED,
		    "key revocation list of the unknown format %lu",
		    (unsigned long)format);
	return v->header(v->context, &h);
}

int
krl_walk(struct span file, const struct krl_visitor *v, struct error *e)
{
	struct reader rd = reader_of(file);
	int r;

	if (!krl_recognise(file))
		return error_set(e, ERR_FORMAT, "not a key revocation list");
	r = walk_header(&rd, v, e);
	while (r == 0 && rd.len > 0) {
		int type = read_byte(&rd);
		struct span section = read_string(&rd);

		if (read_error(&rd) != 0)
			return damaged(e, "a section is cut");
		r = walk_section(type, section, v, e);
	}
	return r;
}

/* ---- one key ---- */

bool
krl_bitmap_has(uint64_t offset, struct span bits, uint64_t serial)
{
	uint64_t i = serial - offset;

	if (serial < offset || i / 8 >= bits.len)
		return false;
	return (bits.ptr[bits.len - 1 - i / 8] >> (i % 8) & 1) != 0;
}

/* A key that might be listed: itself, or the CA of a certificate. */
struct wanted {
	struct span blob;
	uint8_t sha1[KRL_SHA1_SIZE];
	uint8_t sha256[KRL_SHA256_SIZE];
};

struct search {
	struct wanted keys[2];
	size_t key_count;
	const struct certificate *certificate; /* NULL: a plain key */
	bool is_its_ca; /* the entries are about this certificate's CA */
	bool is_found;
};

static int
want(struct search *s, struct span blob)
{
	struct wanted *w = &s->keys[s->key_count++];
	int r;

	w->blob = blob;
	if ((r = digest_of(DIGEST_SHA1, blob, w->sha1)) != 0)
		return r;
	return digest_of(DIGEST_SHA256, blob, w->sha256);
}

static int
search_header(void *context, const struct krl_header *h)
{
	return 0;
}

static int
search_ca(void *context, struct span blob)
{
	struct search *s = context;

	s->is_its_ca =
	    s->certificate != NULL &&
	    (blob.len == 0 || span_equal(blob, key_blob(s->certificate->ca)));
	return 0;
}

static int
search_serials(void *context, uint64_t first, uint64_t last)
{
	struct search *s = context;

	if (s->is_its_ca && s->certificate->serial != 0 &&
	    s->certificate->serial >= first && s->certificate->serial <= last)
		s->is_found = true;
	return 0;
}

static int
search_bitmap(void *context, uint64_t offset, struct span bits)
{
	struct search *s = context;

	if (s->is_its_ca && s->certificate->serial != 0 &&
	    krl_bitmap_has(offset, bits, s->certificate->serial))
		s->is_found = true;
	return 0;
}

static int
search_key_id(void *context, struct span id)
{
	struct search *s = context;

	if (s->is_its_ca && span_is(id, s->certificate->key_id))
		s->is_found = true;
	return 0;
}

static int
search_entry(void *context, enum krl_section section, struct span entry)
{
	struct search *s = context;

	for (size_t i = 0; i < s->key_count; i++) {
		const struct wanted *w = &s->keys[i];
		const void *own = section == KRL_SHA1     ? w->sha1
				  : section == KRL_SHA256 ? w->sha256
							  : w->blob.ptr;

		if (section == KRL_KEYS && entry.len != w->blob.len)
			continue;
		if (memcmp(own, entry.ptr, entry.len) == 0)
			s->is_found = true;
	}
	return 0;
}

int
krl_file_check(struct span file, const struct key *k, bool *ret_is_revoked,
    struct error *e)
{
	struct search s = { .certificate = key_certificate(k) };
	const struct krl_visitor v = { search_header, search_ca, search_serials,
		search_bitmap, search_key_id, search_entry, &s };
	int r = want(&s, key_plain_blob(k));

	if (r == 0 && s.certificate != NULL)
		r = want(&s, key_blob(s.certificate->ca));
	if (r != 0)
		return error_set(e, r, "%s", error_text(r));
	if ((r = krl_walk(file, &v, e)) != 0)
		return r;
	*ret_is_revoked = s.is_found;
	return 0;
}
