/*
 * keyscan_types.c - which types of keys are asked for.
 *
 * Types are those of the table of keys, under the names that people use:
 * "rsa", "ecdsa" (all curves), "ed25519", "ecdsa-sk"; full names work too.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "keygen/keyscan.h"

static bool
has_type(const struct scan_options *o, const char *short_name)
{
	for (size_t i = 0; i < o->type_count; i++)
		if (strcmp(o->types[i].name, short_name) == 0)
			return true;
	return false;
}

/* The algorithms of a type (by its short name), or of its certificates. */
static char *
list_algorithms(const char *short_name, bool of_certificates)
{
	const struct signature_algorithm *a;
	struct buf list = BUF_INIT;

	for (size_t i = 0; (a = signature_row(i)) != NULL; i++) {
		const struct key_type_row *row =
		    key_type_find(span_text(a->key_type));
		const struct key_type_row *plain = row;

		if (row == NULL ||
		    signature_is_of_certificate(a) != of_certificates)
			continue;
		if (row->plain != NULL)
			plain = key_type_find(span_text(row->plain));
		if (plain == NULL || strcmp(plain->short_name, short_name) != 0)
			continue;
		buf_printf(&list, "%s%s", list.len > 0 ? "," : "", a->name);
	}
	return buf_take_text(&list);
}

static int
add_type(struct scan_options *o, const struct key_type_row *row)
{
	struct scan_type *t = &o->types[o->type_count];

	if (has_type(o, row->short_name))
		return 0;
	if (o->type_count == KEYSCAN_TYPES_MAX)
		return complain(1, "too many key types");
	t->name = row->short_name;
	t->algorithms = list_algorithms(row->short_name, o->with_certificates);
	if (t->algorithms == NULL)
		return complain(1, "out of memory");
	o->type_count++;
	return 0;
}

static const struct key_type_row *
find_type(const char *name)
{
	const struct signature_algorithm *a = signature_find(span_text(name));
	const struct key_type_row *row;

	if (a != NULL)
		name = a->key_type;
	for (size_t i = 0; (row = key_type_row(i)) != NULL; i++) {
		if (strcmp(name, row->name) == 0 && row->plain != NULL)
			return key_type_find(span_text(row->plain));
		if (row->plain == NULL &&
		    (strcmp(name, row->name) == 0 ||
			strcasecmp(name, row->short_name) == 0))
			return row;
	}
	return NULL;
}

/* RSA first, then as the table has them: the order of the lines printed. */
static int
add_defaults(struct scan_options *o)
{
	const struct key_type_row *row;
	int status = add_type(o, find_type("rsa"));

	for (size_t i = 0; (row = key_type_row(i)) != NULL; i++)
		if (status == 0 && row->plain == NULL && !row->off)
			status = add_type(o, row);
	return status;
}

int
keyscan_set_types(struct scan_options *o, const char *list)
{
	struct span rest = span_text(list), item;
	int status = 0;

	if (list == NULL)
		return add_defaults(o);
	while (status == 0 && list_next(&rest, &item)) {
		char *name = span_dup_text(item);
		const struct key_type_row *row =
		    name == NULL ? NULL : find_type(name);

		status = row == NULL
			     ? complain(1, "Unknown key type \"%.*s\"",
				   (int)item.len, (const char *)item.ptr)
			     : add_type(o, row);
		free(name);
	}
	if (status == 0 && o->type_count == 0)
		return complain(1, "no key type was named");
	return status;
}
