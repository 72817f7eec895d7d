/*
 * json.h - reads JSON (RFC 8259) for tests: the official vectors' files.
 *
 * Values live until the test ends. Asking for what is not there, or is of
 * another kind, fails the test; json_find alone gives NULL.
 */
#ifndef TESTS_UNIT_JSON_H
#define TESTS_UNIT_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/buf.h"

struct json;

/*
 * A file of the official vectors, e.g. "wycheproof/x25519_test.json.gz":
 * from the folder that SHEETBEND_VECTORS names, or ../shared/vectors beside
 * the repository. Skips the test where there is none.
 */
const struct json *json_official(const char *name);

/* Parses text; fails the test where it is malformed. */
const struct json *json_parse(struct span text);

/* The member of an object, or NULL. */
const struct json *json_find(const struct json *object, const char *key);
const struct json *json_get(const struct json *object, const char *key);

/* Going through an array: NULL where it ends. */
const struct json *json_first(const struct json *array);
const struct json *json_next(const struct json *item);

/* A member that is a string (\u escapes are left as they stand); that is a
 * string of hexadecimal digits; that is a number; that is true or false. */
const char *json_text(const struct json *object, const char *key);
struct span json_hex(const struct json *object, const char *key);
long long json_int(const struct json *object, const char *key);
bool json_bool(const struct json *object, const char *key);

#endif
