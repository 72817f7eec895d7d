/*
 * krl.c - key revocation lists in memory.
 */
#include "common/key/krl.h"

#include <stdlib.h>
#include <string.h>

#include "common/crypto/digest.h"
#include "common/key/certificate.h"
#include "common/key/krl_impl.h"

#define CAS_MAX 4096

/* ---- sets of byte strings ---- */

struct span
krl_item(const struct krl_set *s, size_t index)
{
	return span_of(s->bytes.data + s->item[index].at, s->item[index].len);
}

static void
set_release(struct krl_set *s)
{
	buf_release(&s->bytes);
	free(s->item);
	memset(s, 0, sizeof(*s));
}

static int
set_add(struct krl_set *s, struct span item)
{
	int r;

	if (s->count == s->cap) {
		size_t cap = s->cap == 0 ? 16 : s->cap * 2;
		struct krl_item *more =
		    reallocarray(s->item, cap, sizeof(*more));

		if (more == NULL)
			return ERR_MEMORY;
		s->item = more;
		s->cap = cap;
	}
	s->item[s->count] = (struct krl_item){ s->bytes.len, item.len };
	write_span(&s->bytes, item);
	if ((r = buf_error(&s->bytes)) != 0)
		return r;
	s->count++;
	return 0;
}

static int
compare(struct span a, struct span b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n == 0 ? 0 : memcmp(a.ptr, b.ptr, n);

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int
by_bytes(const void *a, const void *b, void *set)
{
	const struct krl_item *x = a, *y = b;
	const uint8_t *bytes = ((const struct krl_set *)set)->bytes.data;

	return compare(
	    span_of(bytes + x->at, x->len), span_of(bytes + y->at, y->len));
}

static void
set_settle(struct krl_set *s)
{
	size_t n = 0;

	if (s->count == 0)
		return;
	qsort_r(s->item, s->count, sizeof(*s->item), by_bytes, s);
	for (size_t i = 1; i < s->count; i++)
		if (compare(krl_item(s, n), krl_item(s, i)) != 0)
			s->item[++n] = s->item[i];
	s->count = n + 1;
}

static bool
set_has(const struct krl_set *s, struct span item)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare(item, krl_item(s, middle));

		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

/* ---- ranges of serial numbers ---- */

static int
add_range(struct krl_ca *ca, uint64_t first, uint64_t last)
{
	struct krl_range *before;

	/* Those that come in order, as they mostly do, need no room. */
	if (ca->range_count > 0) {
		before = &ca->range[ca->range_count - 1];
		if (first >= before->first && before->last != UINT64_MAX &&
		    first <= before->last + 1) {
			if (last > before->last)
				before->last = last;
			return 0;
		}
	}
	if (ca->range_count == ca->range_cap) {
		size_t cap = ca->range_cap == 0 ? 16 : ca->range_cap * 2;
		struct krl_range *more;

		if (cap > KRL_RANGES_MAX)
			return ERR_LIMIT;
		more = reallocarray(ca->range, cap, sizeof(*more));
		if (more == NULL)
			return ERR_MEMORY;
		ca->range = more;
		ca->range_cap = cap;
	}
	ca->range[ca->range_count++] = (struct krl_range){ first, last };
	return 0;
}

static int
by_first(const void *a, const void *b)
{
	const struct krl_range *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

/* Sorts, and joins what overlaps or touches. */
static void
settle_ranges(struct krl_ca *ca)
{
	size_t n = 0;

	if (ca->range_count == 0)
		return;
	qsort(ca->range, ca->range_count, sizeof(*ca->range), by_first);
	for (size_t i = 1; i < ca->range_count; i++) {
		struct krl_range *kept = &ca->range[n];
		const struct krl_range *next = &ca->range[i];

		if (kept->last == UINT64_MAX || next->first <= kept->last + 1) {
			if (next->last > kept->last)
				kept->last = next->last;
		} else {
			ca->range[++n] = *next;
		}
	}
	ca->range_count = n + 1;
}

static bool
has_serial(const struct krl_ca *ca, uint64_t serial)
{
	size_t low = 0, high = ca->range_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (serial < ca->range[middle].first)
			high = middle;
		else if (serial > ca->range[middle].last)
			low = middle + 1;
		else
			return true;
	}
	return false;
}

/* ---- lists ---- */

struct krl *
krl_new(void)
{
	return calloc(1, sizeof(struct krl));
}

void
krl_free(struct krl *l)
{
	if (l == NULL)
		return;
	for (size_t i = 0; i < l->ca_count; i++) {
		buf_release(&l->ca[i].blob);
		free(l->ca[i].range);
		set_release(&l->ca[i].key_ids);
	}
	free(l->ca);
	set_release(&l->keys);
	set_release(&l->sha1);
	set_release(&l->sha256);
	free(l->comment);
	free(l);
}

int
krl_set_comment(struct krl *l, const char *comment)
{
	char *copy = strdup(comment);

	if (copy == NULL)
		return ERR_MEMORY;
	free(l->comment);
	l->comment = copy;
	return 0;
}

/* The entry of a CA, made where there is none. */
static int
find_ca(struct krl *l, struct span blob, struct krl_ca **ret)
{
	struct krl_ca *more;
	int r;

	for (size_t i = 0; i < l->ca_count; i++)
		if (span_equal(buf_span(&l->ca[i].blob), blob)) {
			*ret = &l->ca[i];
			return 0;
		}
	if (l->ca_count == CAS_MAX)
		return ERR_LIMIT;
	more = reallocarray(l->ca, l->ca_count + 1, sizeof(*more));
	if (more == NULL)
		return ERR_MEMORY;
	l->ca = more;
	memset(&more[l->ca_count], 0, sizeof(*more));
	write_span(&more[l->ca_count].blob, blob);
	if ((r = buf_error(&more[l->ca_count].blob)) != 0)
		return r;
	*ret = &more[l->ca_count++];
	return 0;
}

int
krl_revoke_serials(struct krl *l, struct span ca, uint64_t first, uint64_t last)
{
	struct krl_ca *entry;
	int r;

	if (first == 0 || first > last)
		return ERR_ARGUMENT;
	l->is_settled = false;
	if ((r = find_ca(l, ca, &entry)) != 0)
		return r;
	return add_range(entry, first, last);
}

int
krl_revoke_key_id(struct krl *l, struct span ca, struct span key_id)
{
	struct krl_ca *entry;
	int r;

	l->is_settled = false;
	if ((r = find_ca(l, ca, &entry)) != 0)
		return r;
	return set_add(&entry->key_ids, key_id);
}

static int
revoke_hash(struct krl *l, struct krl_set *s, struct span hash, size_t size)
{
	if (hash.len != size)
		return ERR_ARGUMENT;
	l->is_settled = false;
	return set_add(s, hash);
}

int
krl_revoke_sha1(struct krl *l, struct span hash)
{
	return revoke_hash(l, &l->sha1, hash, KRL_SHA1_SIZE);
}

int
krl_revoke_sha256(struct krl *l, struct span hash)
{
	return revoke_hash(l, &l->sha256, hash, KRL_SHA256_SIZE);
}

int
krl_revoke_plain_key(struct krl *l, const struct key *k)
{
	l->is_settled = false;
	return set_add(&l->keys, key_plain_blob(k));
}

int
krl_revoke_key(struct krl *l, const struct key *k)
{
	const struct certificate *c = key_certificate(k);

	if (c == NULL)
		return krl_revoke_plain_key(l, k);
	if (c->serial != 0)
		return krl_revoke_serials(
		    l, key_blob(c->ca), c->serial, c->serial);
	return krl_revoke_key_id(l, key_blob(c->ca), span_text(c->key_id));
}

static int
by_blob(const void *a, const void *b)
{
	const struct krl_ca *x = a, *y = b;

	return compare(buf_span(&x->blob), buf_span(&y->blob));
}

int
krl_settle(struct krl *l)
{
	if (l->is_settled)
		return 0;
	if (l->ca_count > 0)
		qsort(l->ca, l->ca_count, sizeof(*l->ca), by_blob);
	for (size_t i = 0; i < l->ca_count; i++) {
		settle_ranges(&l->ca[i]);
		set_settle(&l->ca[i].key_ids);
	}
	set_settle(&l->keys);
	set_settle(&l->sha1);
	set_settle(&l->sha256);
	l->is_settled = true;
	return 0;
}

/* ---- looking up ---- */

static int
check_plain(const struct krl *l, struct span blob, bool *ret)
{
	uint8_t sha1[KRL_SHA1_SIZE], sha256[KRL_SHA256_SIZE];
	int r;

	if ((r = digest_of(DIGEST_SHA1, blob, sha1)) != 0 ||
	    (r = digest_of(DIGEST_SHA256, blob, sha256)) != 0)
		return r;
	*ret = set_has(&l->keys, blob) ||
	       set_has(&l->sha1, span_of(sha1, sizeof(sha1))) ||
	       set_has(&l->sha256, span_of(sha256, sizeof(sha256)));
	return 0;
}

static bool
has_certificate(const struct krl *l, const struct certificate *c)
{
	for (size_t i = 0; i < l->ca_count; i++) {
		const struct krl_ca *ca = &l->ca[i];

		if (ca->blob.len > 0 &&
		    !span_equal(buf_span(&ca->blob), key_blob(c->ca)))
			continue;
		if ((c->serial != 0 && has_serial(ca, c->serial)) ||
		    set_has(&ca->key_ids, span_text(c->key_id)))
			return true;
	}
	return false;
}

int
krl_check(const struct krl *l, const struct key *k, bool *ret_is_revoked)
{
	const struct certificate *c = key_certificate(k);
	bool key = false, ca = false;
	int r;

	if (!l->is_settled)
		return ERR_BUG;
	if ((r = check_plain(l, key_plain_blob(k), &key)) != 0)
		return r;
	if (c != NULL && (r = check_plain(l, key_blob(c->ca), &ca)) != 0)
		return r;
	*ret_is_revoked = key || ca || (c != NULL && has_certificate(l, c));
	return 0;
}

/* ---- from the bytes of a file ---- */

struct loading {
	struct krl *list;
	struct span ca;
};

static int
load_header(void *context, const struct krl_header *h)
{
	struct krl *l = ((struct loading *)context)->list;

	l->version = h->version;
	l->date = h->date;
	free(l->comment);
	l->comment = NULL;
	if (h->comment.len == 0)
		return 0;
	/* What is behind a NUL is not shown. */
	l->comment = span_dup_text(h->comment);
	return l->comment == NULL ? ERR_MEMORY : 0;
}

static int
load_ca(void *context, struct span blob)
{
	((struct loading *)context)->ca = blob;
	return 0;
}

/* The number 0 is in no way of writing a list but by hand; as it revokes
 * nothing, it is left out. */
static int
load_serials(void *context, uint64_t first, uint64_t last)
{
	struct loading *to = context;

	if (last == 0)
		return 0;
	return krl_revoke_serials(
	    to->list, to->ca, first == 0 ? 1 : first, last);
}

static int
load_bitmap(void *context, uint64_t offset, struct span bits)
{
	size_t count = bits.len * 8;
	size_t i = 0;
	int r = 0;

	while (r == 0 && i < count) {
		size_t first;

		/* Whole bytes of nothing go fast. */
		if (i % 8 == 0 && bits.ptr[bits.len - 1 - i / 8] == 0) {
			i += 8;
			continue;
		}
		if (!krl_bitmap_has(offset, bits, offset + i)) {
			i++;
			continue;
		}
		first = i;
		while (i < count && krl_bitmap_has(offset, bits, offset + i))
			i++;
		r = load_serials(context, offset + first, offset + i - 1);
	}
	return r;
}

static int
load_key_id(void *context, struct span id)
{
	struct loading *to = context;

	return krl_revoke_key_id(to->list, to->ca, id);
}

static int
load_entry(void *context, enum krl_section section, struct span s)
{
	struct krl *l = ((struct loading *)context)->list;

	l->is_settled = false;
	return set_add(section == KRL_SHA1     ? &l->sha1
		       : section == KRL_SHA256 ? &l->sha256
					       : &l->keys,
	    s);
}

int
krl_read(struct krl *l, struct span file, struct error *e)
{
	struct loading to = { .list = l };
	const struct krl_visitor v = { load_header, load_ca, load_serials,
		load_bitmap, load_key_id, load_entry, &to };
	int r;

	if (e != NULL)
		error_clear(e);
	if ((r = krl_walk(file, &v, e)) != 0)
		return e != NULL && e->code == 0
			   ? error_set(
				 e, r, "key revocation list: %s", error_text(r))
			   : r;
	return krl_settle(l);
}
