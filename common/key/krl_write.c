/*
 * krl_write.c - the bytes of a key revocation list; serial numbers in as few
 * of them as can be.
 *
 * Serial numbers have three forms: eight bytes each in a list, a pair of ends,
 * a bit each in a bitmap. Ranges come sorted; each is given a form so that the
 * sum is least. The cost of a range depends on its form and on the form of
 * the one before alone (does it go on, or does a subsection begin?), so the
 * best way up to each range, for each form of it, follows from those up to
 * the one before: the shortest path through a trellis of three rows. Costs
 * are counted in bits.
 */
#include <stdlib.h>
#include <string.h>

#include "common/key/krl_impl.h"

enum form {
	FORM_LIST,
	FORM_RANGE,
	FORM_BITMAP,       /* goes on with one that was begun */
	FORM_BITMAP_BEGINS /* how a way gets into FORM_BITMAP */
};
#define FORMS 3

#define SUBSECTION_BITS 40 /* byte, uint32 */
#define SERIAL_BITS     64
/* Offset, length, and on average half a byte each of rounding and of room for
 * the sign. */
#define BITMAP_BITS (SUBSECTION_BITS + 64 + 32 + 8)
#define NEVER       (UINT64_MAX / 2)

/* Other programs read no mpint of more than 2048 bytes. */
#define BITMAP_LENGTH_MAX (2048 * 8 - 1)

/* A list of more in a row costs more than a range. */
#define LIST_RUN_MAX 4

/* The best way to a range that ends in one of the forms. */
struct way {
	uint64_t cost;
	uint64_t bitmap_start; /* of a bitmap that is open */
};

/* For each range and its form, how that form was come by: the form of the
 * range before, and whether a bitmap begins here. */
struct step {
	uint8_t before[FORMS];
	bool begins;
};

static enum form
cheapest(const struct way ways[static FORMS])
{
	enum form best = FORM_LIST;

	for (enum form f = FORM_RANGE; f < FORMS; f++)
		if (ways[f].cost < ways[best].cost)
			best = f;
	return best;
}

/* A list begins, or goes on from a range before that is in it. */
static void
step_list(const struct krl_range *r, const struct way *before, struct way *to,
    struct step *s)
{
	uint64_t run = r->last - r->first;
	enum form from = cheapest(before);
	uint64_t begin = before[from].cost + SUBSECTION_BITS;

	s->before[FORM_LIST] = (uint8_t)from;
	if (before[FORM_LIST].cost <= begin) {
		begin = before[FORM_LIST].cost;
		s->before[FORM_LIST] = FORM_LIST;
	}
	to->cost =
	    run >= LIST_RUN_MAX ? NEVER : begin + SERIAL_BITS * (run + 1);
}

static void
step_bitmap(const struct krl_range *r, const struct krl_range *previous,
    const struct way *before, struct way *to, struct step *s)
{
	enum form from = cheapest(before);
	uint64_t begin = before[from].cost + BITMAP_BITS;
	uint64_t go_on = NEVER;

	if (r->last - r->first >= BITMAP_LENGTH_MAX) {
		to->cost = NEVER;
		return;
	}
	begin += r->last - r->first + 1;
	if (previous != NULL && before[FORM_BITMAP].cost < NEVER &&
	    r->last - before[FORM_BITMAP].bitmap_start < BITMAP_LENGTH_MAX)
		go_on = before[FORM_BITMAP].cost + (r->last - previous->last);
	s->begins = begin < go_on;
	s->before[FORM_BITMAP] = (uint8_t)(s->begins ? from : FORM_BITMAP);
	to->cost = s->begins ? begin : go_on;
	to->bitmap_start =
	    s->begins ? r->first : before[FORM_BITMAP].bitmap_start;
}

/* Gives each range its form. */
static void
choose(const struct krl_range *range, size_t count, struct step *steps,
    uint8_t *forms)
{
	struct way before[FORMS] = { { .cost = NEVER }, { .cost = 0 },
		{ .cost = NEVER } };
	enum form f;

	for (size_t i = 0; i < count; i++) {
		struct way after[FORMS] = { { 0 } };

		step_list(&range[i], before, &after[FORM_LIST], &steps[i]);
		f = cheapest(before);
		steps[i].before[FORM_RANGE] = (uint8_t)f;
		after[FORM_RANGE].cost =
		    before[f].cost + SUBSECTION_BITS + 2 * SERIAL_BITS;
		step_bitmap(&range[i], i > 0 ? &range[i - 1] : NULL, before,
		    &after[FORM_BITMAP], &steps[i]);
		memcpy(before, after, sizeof(before));
	}
	f = cheapest(before);
	for (size_t i = count; i-- > 0;) {
		forms[i] = (uint8_t)(f == FORM_BITMAP && steps[i].begins
					 ? FORM_BITMAP_BEGINS
					 : f);
		f = steps[i].before[f];
	}
}

static size_t
write_list(struct buf *out, const struct krl_range *range, const uint8_t *forms,
    size_t count)
{
	size_t i, mark;

	write_byte(out, KRL_SERIAL_LIST);
	mark = write_string_begin(out);
	for (i = 0; i < count && forms[i] == FORM_LIST; i++)
		for (uint64_t n = 0; n <= range[i].last - range[i].first; n++)
			write_uint64(out, range[i].first + n);
	write_string_end(out, mark);
	return i;
}

static size_t
write_range(struct buf *out, const struct krl_range *range)
{
	write_byte(out, KRL_SERIAL_RANGE);
	write_uint32(out, 16);
	write_uint64(out, range->first);
	write_uint64(out, range->last);
	return 1;
}

static size_t
write_bitmap(struct buf *out, const struct krl_range *range,
    const uint8_t *forms, size_t count)
{
	uint8_t bits[BITMAP_LENGTH_MAX / 8 + 1] = { 0 };
	uint64_t offset = range[0].first;
	size_t i = 0, mark;

	do {
		for (uint64_t n = range[i].first - offset;
		     n <= range[i].last - offset; n++)
			bits[sizeof(bits) - 1 - n / 8] |= (uint8_t)(1 << n % 8);
		i++;
	} while (i < count && forms[i] == FORM_BITMAP);
	write_byte(out, KRL_SERIAL_BITMAP);
	mark = write_string_begin(out);
	write_uint64(out, offset);
	write_mpint(out, span_of(bits, sizeof(bits)));
	write_string_end(out, mark);
	return i;
}

int
krl_write_serials(struct buf *out, const struct krl_range *range, size_t count)
{
	struct step *steps = calloc(count + 1, sizeof(*steps));
	uint8_t *forms = calloc(count + 1, 1);
	size_t i = 0;
	int r = ERR_MEMORY;

	if (steps == NULL || forms == NULL)
		goto out;
	choose(range, count, steps, forms);
	while (i < count) {
		if (forms[i] == FORM_LIST)
			i += write_list(out, range + i, forms + i, count - i);
		else if (forms[i] == FORM_RANGE)
			i += write_range(out, range + i);
		else
			i += write_bitmap(out, range + i, forms + i, count - i);
	}
	r = buf_error(out);
out:
	free(steps);
	free(forms);
	return r;
}

/* ---- the rest of the file ---- */

static void
write_items(struct buf *out, const struct krl_set *s)
{
	for (size_t i = 0; i < s->count; i++)
		write_string(out, krl_item(s, i));
}

static void
write_set(struct buf *out, enum krl_section type, const struct krl_set *s)
{
	size_t mark;

	if (s->count == 0)
		return;
	write_byte(out, (uint8_t)type);
	mark = write_string_begin(out);
	write_items(out, s);
	write_string_end(out, mark);
}

static int
write_ca(struct buf *out, const struct krl_ca *ca)
{
	size_t section, ids;
	int r;

	if (ca->range_count == 0 && ca->key_ids.count == 0)
		return 0;
	write_byte(out, KRL_CERTIFICATES);
	section = write_string_begin(out);
	write_string(out, buf_span(&ca->blob));
	write_text(out, ""); /* reserved */
	if ((r = krl_write_serials(out, ca->range, ca->range_count)) != 0)
		return r;
	if (ca->key_ids.count > 0) {
		write_byte(out, KRL_KEY_ID);
		ids = write_string_begin(out);
		write_items(out, &ca->key_ids);
		write_string_end(out, ids);
	}
	write_string_end(out, section);
	return buf_error(out);
}

int
krl_write(struct krl *l, uint64_t date, struct buf *out)
{
	int r;

	if ((r = krl_settle(l)) != 0)
		return r;
	write_uint64(out, KRL_MAGIC);
	write_uint32(out, KRL_FORMAT);
	write_uint64(out, l->version);
	write_uint64(out, date);
	write_uint64(out, 0); /* flags */
	write_text(out, "");  /* reserved */
	write_text(out, l->comment != NULL ? l->comment : "");
	for (size_t i = 0; i < l->ca_count; i++)
		if ((r = write_ca(out, &l->ca[i])) != 0)
			return r;
	write_set(out, KRL_KEYS, &l->keys);
	write_set(out, KRL_SHA1, &l->sha1);
	write_set(out, KRL_SHA256, &l->sha256);
	return buf_error(out);
}
