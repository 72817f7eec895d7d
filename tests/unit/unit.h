/*
 * unit.h - the runner of unit tests: each test in its own process, in its
 * own scratch directory, with a message that says what happened.
 *
 *     TEST(window_refuses_overrun)
 *     {
 *             struct window w = window_of(10);
 *             CHECK_INT(window_consume(&w, 11), ERR_WINDOW);
 *     }
 *
 * A file holds any number of TESTs and no main. Usage of the program:
 * [-l] [-v] [-j jobs] [pattern...]; it closes with one line for each failure
 * and `N passed, N failed, N skipped`, exit status 1 if any failed.
 */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attributes.h"
#include "common/base/buf.h"

struct unit_test {
	const char *name;
	const char *file;
	void (*run)(void);
	struct unit_test *next;
};

void unit_register(struct unit_test *t);

#define TEST(name)                                                             \
	static void test_##name(void);                                         \
	static struct unit_test unit_##name = { #name, __FILE__, test_##name,  \
		NULL };                                                        \
	__attribute__((constructor)) static void register_##name(void)         \
	{                                                                      \
		unit_register(&unit_##name);                                   \
	}                                                                      \
	static void test_##name(void)

NORETURN void unit_fail(const char *file, int line, const char *format, ...)
    PRINTF_LIKE(3, 4);
NORETURN void unit_skip(const char *format, ...) PRINTF_LIKE(1, 2);

void unit_check_int(const char *file, int line, const char *expression,
    long long got, long long want);
void unit_check_text(const char *file, int line, const char *expression,
    const char *got, const char *want);
void unit_check_bytes(const char *file, int line, const char *expression,
    struct span got, struct span want);

#define FAIL(...) unit_fail(__FILE__, __LINE__, __VA_ARGS__)
#define SKIP(...) unit_skip(__VA_ARGS__)
#define CHECK(condition)                                                       \
	do {                                                                   \
		if (!(condition))                                              \
			FAIL("%s is false", #condition);                       \
	} while (0)
#define CHECK_INT(got, want)                                                   \
	unit_check_int(                                                        \
	    __FILE__, __LINE__, #got, (long long)(got), (long long)(want))
#define CHECK_TEXT(got, want)                                                  \
	unit_check_text(__FILE__, __LINE__, #got, got, want)
#define CHECK_SPAN(got, want)                                                  \
	unit_check_bytes(__FILE__, __LINE__, #got, got, want)

/* The bytes of hexadecimal text (white space skipped); lives until the test
 * ends. */
struct span unit_hex(const char *text);

/* A file of tests/vectors (found by the program's own build path or the
 * current directory); fails the test when it is missing. */
struct span unit_vector_file(const char *name);

/* This test's scratch directory; removed afterwards. */
const char *unit_scratch(void);

#endif
