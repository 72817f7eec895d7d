/*
 * error_test.c - codes and sentences.
 */
#include "common/base/error.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/unit.h"

TEST(error_every_code_has_a_sentence)
{
	for (int code = 0; code > -ERROR_INDEX_COUNT; code--) {
		CHECK(error_text(code) != NULL);
		CHECK(error_text(code)[0] != '\0');
	}
	CHECK_TEXT(error_text(ERR_MEMORY), "out of memory");
	CHECK_TEXT(error_text(1), "unknown error");
	CHECK_TEXT(error_text(-ERROR_INDEX_COUNT), "unknown error");
}

TEST(error_disconnect_reasons_follow_the_rfc)
{
	CHECK_INT(error_disconnect_reason(ERR_FORMAT), 2);
	CHECK_INT(error_disconnect_reason(ERR_MAC), 5);
	CHECK_INT(error_disconnect_reason(ERR_MEMORY), 0);
	CHECK_INT(error_disconnect_reason(-1000), 0);
}

TEST(error_set_returns_the_code_and_keeps_the_sentence)
{
	struct error e = { 0 };

	CHECK_INT(
	    error_set(&e, ERR_FORMAT, "field %s at %d", "x", 7), ERR_FORMAT);
	CHECK_TEXT(error_message(&e, e.code), "field x at 7");
	error_prefix(&e, "file %s", "f");
	CHECK_TEXT(error_message(&e, e.code), "file f: field x at 7");
	CHECK_INT(e.code, ERR_FORMAT);
	error_clear(&e);
	CHECK_INT(e.code, 0);
	CHECK_TEXT(error_message(&e, ERR_MAC), error_text(ERR_MAC));
}

TEST(error_may_be_absent)
{
	CHECK_INT(error_set(NULL, ERR_LIMIT, "x"), ERR_LIMIT);
	errno = ENOENT;
	CHECK_INT(error_set_errno(NULL, "x"), ERR_NOT_FOUND);
	error_prefix(NULL, "x");
	CHECK_TEXT(error_message(NULL, ERR_LIMIT), "limit exceeded");
}

TEST(error_errno_becomes_a_code_and_a_text)
{
	static const struct {
		int number;
		int code;
	} rows[] = { { ENOENT, ERR_NOT_FOUND }, { EACCES, ERR_PERMISSION },
		{ EPERM, ERR_PERMISSION }, { EEXIST, ERR_EXISTS },
		{ EIO, ERR_SYSTEM } };
	struct error e;

	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		errno = rows[i].number;
		CHECK_INT(error_set_errno(&e, "open %s", "f"), rows[i].code);
		CHECK_INT(e.system_errno, rows[i].number);
		CHECK_INT(errno, rows[i].number);
		CHECK(strstr(e.text, "open f: ") == e.text);
		CHECK(strstr(e.text, strerror(rows[i].number)) != NULL);
	}
}

TEST(error_long_sentences_are_cut_visibly)
{
	struct error e;
	char text[3000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	CHECK_INT(error_set(&e, ERR_FORMAT, "%s", text), ERR_FORMAT);
	CHECK_INT(strlen(e.text), sizeof(e.text) - 1);
	CHECK_TEXT(e.text + sizeof(e.text) - 4, "...");
	error_prefix(&e, "%s", text);
	CHECK_INT(strlen(e.text), sizeof(e.text) - 1);
	errno = EIO;
	CHECK_INT(error_set_errno(&e, "%s", text), ERR_SYSTEM);
	CHECK_TEXT(e.text + sizeof(e.text) - 4, "...");
	CHECK_INT(error_set(&e, ERR_FORMAT, "short"), ERR_FORMAT);
	error_prefix(&e, "%.1020s", text);
	CHECK_TEXT(e.text + sizeof(e.text) - 4, "...");
}
