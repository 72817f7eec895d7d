/*
 * json.c - reads JSON for tests. RFC 8259.
 */
#include "tests/unit/json.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "common/base/text.h"
#include "tests/unit/unit.h"

enum {
	DEPTH_MAX = 32
};

enum kind {
	KIND_OBJECT,
	KIND_ARRAY,
	KIND_STRING,
	KIND_WORD /* a number, true, false, null: as it stands */
};

struct json {
	enum kind kind;
	char *key;          /* of a member, else NULL */
	char *text;         /* KIND_STRING, KIND_WORD */
	struct json *first; /* KIND_OBJECT, KIND_ARRAY */
	struct json *next;  /* in the same object or array */
};

/* Keeps everything reachable for the leak checker. */
static struct json *roots;

struct parser {
	const uint8_t *ptr;
	size_t len;
	size_t size;
};

NORETURN static void
malformed(const struct parser *p)
{
	FAIL("malformed JSON at byte %zu", p->size - p->len);
}

static uint8_t
peek(struct parser *p)
{
	while (p->len > 0 && strchr(" \t\r\n", *p->ptr) != NULL) {
		p->ptr++;
		p->len--;
	}
	if (p->len == 0)
		malformed(p);
	return *p->ptr;
}

static void
expect(struct parser *p, uint8_t c)
{
	if (peek(p) != c)
		malformed(p);
	p->ptr++;
	p->len--;
}

static char *
take_text(struct buf *b)
{
	char *text = buf_take_text(b);

	if (text == NULL)
		FAIL("out of memory");
	return text;
}

static char *
parse_string(struct parser *p)
{
	struct buf text = BUF_INIT;

	expect(p, '"');
	while (p->len > 1 && *p->ptr != '"') {
		if (*p->ptr == '\\' && p->ptr[1] != 'u') {
			p->ptr++;
			p->len--;
		}
		write_byte(&text, *p->ptr++);
		p->len--;
	}
	if (p->len == 0 || *p->ptr != '"')
		malformed(p);
	p->ptr++;
	p->len--;
	return take_text(&text);
}

static char *
parse_word(struct parser *p)
{
	struct buf text = BUF_INIT;

	while (p->len > 0 && strchr(",]} \t\r\n", *p->ptr) == NULL) {
		write_byte(&text, *p->ptr++);
		p->len--;
	}
	if (text.len == 0)
		malformed(p);
	return take_text(&text);
}

static struct json *parse_value(struct parser *p, int depth);

/* What stands between brackets; objects have a key before each value. */
static struct json *
parse_items(struct parser *p, int depth, bool keys, uint8_t end)
{
	struct json *first = NULL;
	struct json **last = &first;

	expect(p, *p->ptr);
	if (peek(p) == end) {
		expect(p, end);
		return NULL;
	}
	for (;;) {
		char *key = NULL;

		if (keys) {
			key = parse_string(p);
			expect(p, ':');
		}
		*last = parse_value(p, depth + 1);
		(*last)->key = key;
		last = &(*last)->next;
		if (peek(p) == end)
			break;
		expect(p, ',');
		peek(p);
	}
	expect(p, end);
	return first;
}

static struct json *
parse_value(struct parser *p, int depth)
{
	struct json *v = calloc(1, sizeof(*v));

	if (v == NULL || depth > DEPTH_MAX)
		malformed(p);
	switch (peek(p)) {
	case '{':
		v->kind = KIND_OBJECT;
		v->first = parse_items(p, depth, true, '}');
		break;
	case '[':
		v->kind = KIND_ARRAY;
		v->first = parse_items(p, depth, false, ']');
		break;
	case '"':
		v->kind = KIND_STRING;
		v->text = parse_string(p);
		break;
	default:
		v->kind = KIND_WORD;
		v->text = parse_word(p);
	}
	return v;
}

const struct json *
json_parse(struct span text)
{
	struct parser p = { text.ptr, text.len, text.len };
	struct json *root = parse_value(&p, 0);

	root->next = roots;
	roots = root;
	return root;
}

/* ---- the official vectors ---- */

/* The folder of the official vectors as a fresh path, or NULL. */
static char *
official_folder(void)
{
	const char *given = getenv("SHEETBEND_VECTORS");
	char program[PATH_MAX];
	char *slash;
	ssize_t n;

	if (given != NULL)
		return text_format("%s", given);
	n = readlink("/proc/self/exe", program, sizeof(program) - 1);
	program[n > 0 ? n : 0] = '\0';
	while ((slash = strrchr(program, '/')) != NULL) {
		char *path;

		*slash = '\0';
		path = text_format("%s/../shared/vectors", program);
		if (path != NULL && access(path, R_OK | X_OK) == 0)
			return path;
		free(path);
	}
	return NULL;
}

/* gzread takes plain files as well as compressed ones. */
static bool
read_compressed(const char *path, struct buf *out)
{
	gzFile file = gzopen(path, "rb");
	uint8_t chunk[16384];
	int n;

	if (file == NULL)
		return false;
	while ((n = gzread(file, chunk, sizeof(chunk))) > 0)
		write_bytes(out, chunk, (size_t)n);
	gzclose(file);
	if (n < 0 || buf_error(out) != 0)
		FAIL("%s is damaged", path);
	return true;
}

const struct json *
json_official(const char *name)
{
	char *folder = official_folder();
	struct buf text = BUF_INIT;
	const struct json *root;
	char *path;

	if (folder == NULL)
		SKIP("no folder of official vectors");
	path = text_format("%s/%s", folder, name);
	free(folder);
	if (path == NULL || !read_compressed(path, &text))
		SKIP("no %s among the official vectors", name);
	free(path);
	root = json_parse(buf_span(&text));
	buf_release(&text);
	return root;
}

/* ---- looking into values ---- */

const struct json *
json_find(const struct json *object, const char *key)
{
	const struct json *v;

	if (object->kind != KIND_OBJECT)
		return NULL;
	for (v = object->first; v != NULL; v = v->next)
		if (strcmp(v->key, key) == 0)
			return v;
	return NULL;
}

const struct json *
json_get(const struct json *object, const char *key)
{
	const struct json *v = json_find(object, key);

	if (v == NULL)
		FAIL("no member %s", key);
	return v;
}

const struct json *
json_first(const struct json *array)
{
	if (array->kind != KIND_ARRAY)
		FAIL("not an array");
	return array->first;
}

const struct json *
json_next(const struct json *item)
{
	return item->next;
}

const char *
json_text(const struct json *object, const char *key)
{
	const struct json *v = json_get(object, key);

	if (v->kind != KIND_STRING)
		FAIL("%s is not a string", key);
	return v->text;
}

struct span
json_hex(const struct json *object, const char *key)
{
	return unit_hex(json_text(object, key));
}

long long
json_int(const struct json *object, const char *key)
{
	const struct json *v = json_get(object, key);
	long long number;
	char *end;

	if (v->kind != KIND_WORD)
		FAIL("%s is not a number", key);
	errno = 0;
	number = strtoll(v->text, &end, 10);
	if (*end != '\0' || errno != 0)
		FAIL("%s is not a number", key);
	return number;
}

bool
json_bool(const struct json *object, const char *key)
{
	const struct json *v = json_get(object, key);

	if (v->kind != KIND_WORD)
		FAIL("%s is neither true nor false", key);
	return strcmp(v->text, "true") == 0;
}
