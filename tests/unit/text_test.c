/*
 * text_test.c - strings, values, escaping, base64, patterns.
 */
#include "common/base/text.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "tests/unit/unit.h"

TEST(strings_split_join_and_remove)
{
	struct strings s = STRINGS_INIT;
	struct strings copy = STRINGS_INIT;
	char *joined;

	CHECK_INT(strings_split(&s, "a,,b,c,", ','), 0);
	CHECK_INT(s.count, 5);
	CHECK_TEXT(s.item[1], "");
	CHECK(s.item[5] == NULL);
	CHECK(strings_has(&s, "c"));
	CHECK(!strings_has(&s, "d"));
	strings_remove(&s, 1);
	strings_remove(&s, 3);
	strings_remove(&s, 99);
	CHECK_TEXT(joined = strings_join(&s, ", "), "a, b, c");
	free(joined);
	CHECK(s.item[3] == NULL);
	CHECK_INT(strings_copy(&copy, &s), 0);
	CHECK_INT(copy.count, 3);
	CHECK_INT(strings_take(&s, NULL), ERR_MEMORY);
	for (int i = 0; i < 100; i++)
		CHECK_INT(strings_add(&s, "x"), 0);
	CHECK_INT(s.count, 103);
	CHECK(s.item[103] == NULL);
	strings_release(&s);
	strings_release(&copy);
	CHECK_TEXT(joined = strings_join(&s, ","), "");
	free(joined);
}

TEST(text_small_helpers)
{
	char small[4];
	char *t;

	CHECK(text_starts_with("abc", "ab") && text_starts_with("abc", ""));
	CHECK(!text_starts_with("ab", "abc"));
	CHECK(text_ends_with("abc", "bc") && !text_ends_with("c", "bc"));
	CHECK_TEXT(t = text_lower("AbC\xc4"), "abc\xc4");
	free(t);
	CHECK_TEXT(t = text_format("%d-%s", 1, "x"), "1-x");
	free(t);
	CHECK(text_copy(small, sizeof(small), "abc"));
	CHECK(!text_copy(small, sizeof(small), "abcd"));
	CHECK_TEXT(small, "abc");
	CHECK(!text_copy(small, 0, "x"));
}

TEST(text_to_int_takes_the_whole_text_in_range)
{
	static const char *const bad[] = { "", "-", "+1", " 1", "1 ", "0x10",
		"1.0", "--1", "9223372036854775808", "-9223372036854775809",
		"99999999999999999999999" };
	long long v = 77;

	for (size_t i = 0; i < ARRAY_COUNT(bad); i++)
		CHECK(!text_to_int(bad[i], LLONG_MIN, LLONG_MAX, &v));
	CHECK(!text_to_int("11", 0, 10, &v));
	CHECK(!text_to_int("-1", 0, 10, &v));
	CHECK_INT(v, 77);
	CHECK(text_to_int("9223372036854775807", 0, LLONG_MAX, &v));
	CHECK_INT(v, LLONG_MAX);
	CHECK(text_to_int("-9223372036854775808", LLONG_MIN, 0, &v));
	CHECK_INT(v, LLONG_MIN);
	CHECK(text_to_int("007", 0, 10, &v));
	CHECK_INT(v, 7);
}

TEST(text_to_seconds_adds_units)
{
	static const struct {
		const char *text;
		int code;
		int64_t seconds;
	} rows[] = { { "90", 0, 90 }, { "1h30m", 0, 5400 },
		{ "2W", 0, 1209600 }, { "1d1H1M1s", 0, 90061 }, { "0", 0, 0 },
		{ "1m30", 0, 90 }, { "", ERR_FORMAT, 0 },
		{ "-1", ERR_FORMAT, 0 }, { "1x", ERR_FORMAT, 0 },
		{ "m", ERR_FORMAT, 0 }, { "1 m", ERR_FORMAT, 0 },
		{ "9223372036854775807", 0, INT64_MAX },
		{ "9223372036854775808", ERR_LIMIT, 0 },
		{ "99999999999999999999", ERR_LIMIT, 0 },
		{ "9223372036854775807w", ERR_LIMIT, 0 },
		{ "9223372036854775807s1s", ERR_LIMIT, 0 } };

	for (size_t i = 0; i < ARRAY_COUNT(rows); i++) {
		int64_t seconds = 0;

		CHECK_INT(
		    text_to_seconds(rows[i].text, &seconds), rows[i].code);
		CHECK_INT(seconds, rows[i].seconds);
	}
}

TEST(text_to_bytes_takes_powers_of_1024)
{
	uint64_t v = 0;

	CHECK_INT(text_to_bytes("512", &v), 0);
	CHECK_INT(v, 512);
	CHECK_INT(text_to_bytes("16K", &v), 0);
	CHECK_INT(v, 16384);
	CHECK_INT(text_to_bytes("1g", &v), 0);
	CHECK_INT(v, 1073741824);
	CHECK_INT(text_to_bytes("15e", &v), 0);
	CHECK_INT(text_to_bytes("16e", &v), ERR_LIMIT);
	CHECK_INT(text_to_bytes("1KB", &v), ERR_FORMAT);
	CHECK_INT(text_to_bytes("K", &v), ERR_FORMAT);
	CHECK_INT(text_to_bytes("", &v), ERR_FORMAT);
	CHECK_INT(text_to_bytes("1x", &v), ERR_FORMAT);
}

static void
check_escape(const char *hex, bool utf8, const char *want)
{
	struct buf b = BUF_INIT;

	text_escape(&b, unit_hex(hex), utf8);
	CHECK_TEXT(buf_text(&b), want);
	buf_release(&b);
}

TEST(escape_makes_every_control_visible)
{
	struct buf all = BUF_INIT;
	char *text;

	CHECK_TEXT(text = text_escaped(span_of("a\n\r\t\\\0\x1b[0m\x7f", 11)),
	    "a\\n\\r\\t\\\\\\000\\033[0m\\177");
	free(text);
	for (int c = 0; c < 256; c++)
		write_byte(&all, (uint8_t)c);
	CHECK((text = text_escaped(buf_span(&all))) != NULL);
	for (char *p = text; *p != '\0'; p++)
		CHECK(*p >= 0x20 && *p < 0x7f);
	free(text);
	buf_release(&all);
}

TEST(escape_passes_only_well_formed_visible_utf8)
{
	check_escape("c3a4 e282ac f09f9880", true,
	    "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
	check_escape("c3a4", false, "\\303\\244");
	/* overlong */
	check_escape("c0af", true, "\\300\\257");
	check_escape("e080af", true, "\\340\\200\\257");
	check_escape("f08080af", true, "\\360\\200\\200\\257");
	/* surrogate, over U+10FFFF, lone and missing continuation bytes */
	check_escape("eda080", true, "\\355\\240\\200");
	check_escape("f4908080", true, "\\364\\220\\200\\200");
	check_escape("80", true, "\\200");
	check_escape("e282", true, "\\342\\202");
	check_escape("c341", true, "\\303A");
	check_escape("ff", true, "\\377");
	/* C1: U+009B is CSI */
	check_escape("c29b", true, "\\302\\233");
	/* U+202E, U+2066, U+200F, U+2028, U+FEFF, U+E0041 */
	check_escape("e280ae", true, "\\342\\200\\256");
	check_escape("e281a6", true, "\\342\\201\\246");
	check_escape("e2808f", true, "\\342\\200\\217");
	check_escape("e280a8", true, "\\342\\200\\250");
	check_escape("efbbbf", true, "\\357\\273\\277");
	check_escape("f3a08181", true, "\\363\\240\\201\\201");
}

TEST(escape_lines_keeps_line_ends)
{
	struct buf b = BUF_INIT;

	text_escape_lines(
	    &b, span_text("a\r\nb\tc\\d\n\re\x1b\xc3\xa4\r"), true);
	CHECK_TEXT(buf_text(&b), "a\nb\tc\\d\n\\re\\033\xc3\xa4\\r");
	buf_release(&b);
}

/* RFC 4648 s10 */
static const struct {
	const char *plain;
	const char *encoded;
} base64_rows[] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
};

TEST(base64_matches_rfc4648)
{
	for (size_t i = 0; i < ARRAY_COUNT(base64_rows); i++) {
		struct buf out = BUF_INIT;
		struct buf back = BUF_INIT;

		base64_write(&out, span_text(base64_rows[i].plain), 0);
		CHECK_TEXT(buf_text(&out), base64_rows[i].encoded);
		CHECK_INT(base64_read(&back, buf_span(&out)), 0);
		CHECK_SPAN(buf_span(&back), span_text(base64_rows[i].plain));
		buf_release(&out);
		buf_release(&back);
	}
}

TEST(base64_refuses_what_is_not_base64)
{
	static const char *const bad[] = { "Z", "Zg",
		"Zg=", "Zg===", "Z===", "====", "=",
		"Zg==Zg==", "Zh==", "Zm9=", "Zm9v!", "Zm9v-_==", "Zm=v",
		"Zg= =x", "Zm9vZ", "\x80\x80\x80\x80" };
	struct buf out = BUF_INIT;

	write_byte(&out, 'x');
	for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
		if (base64_read(&out, span_text(bad[i])) != ERR_FORMAT)
			FAIL("\"%s\" was accepted", bad[i]);
		CHECK_INT(out.len, 1);
	}
	buf_release(&out);
}

TEST(base64_lines_have_their_length_and_white_space_is_skipped)
{
	struct buf in = BUF_INIT, out = BUF_INIT, back = BUF_INIT;

	for (int i = 0; i < 200; i++)
		write_byte(&in, (uint8_t)(i * 37));
	for (size_t columns = 1; columns < 80; columns += 3) {
		struct span rest;

		buf_clear(&out);
		buf_clear(&back);
		base64_write(&out, buf_span(&in), columns);
		rest = buf_span(&out);
		while (rest.len > 0) {
			const uint8_t *end = memchr(rest.ptr, '\n', rest.len);
			size_t n = end != NULL ? (size_t)(end - rest.ptr) : 0;

			CHECK(end != NULL);
			CHECK(n == columns || n + 1 == rest.len);
			rest = span_of(rest.ptr + n + 1, rest.len - n - 1);
		}
		CHECK_INT(base64_read(&back, buf_span(&out)), 0);
		CHECK_SPAN(buf_span(&back), buf_span(&in));
	}
	buf_clear(&back);
	CHECK_INT(base64_read(&back, span_text(" Z\tm\r\n8 = \n")), 0);
	CHECK_SPAN(buf_span(&back), span_text("fo"));
	buf_release(&in);
	buf_release(&out);
	buf_release(&back);
}

TEST(hex_reads_both_cases_and_nothing_else)
{
	struct buf b = BUF_INIT;

	CHECK_INT(hex_read(&b, "00fFA9"), 0);
	CHECK_SPAN(buf_span(&b), span_of("\0\xff\xa9", 3));
	CHECK_INT(hex_read(&b, "abc"), ERR_FORMAT);
	CHECK_INT(hex_read(&b, "0g"), ERR_FORMAT);
	CHECK_INT(hex_read(&b, "0 "), ERR_FORMAT);
	CHECK_INT(b.len, 3);
	buf_clear(&b);
	hex_write(&b, span_of("\0\xff\xa9", 3));
	CHECK_TEXT(buf_text(&b), "00ffa9");
	buf_release(&b);
}

TEST(name_lists_skip_empty_names)
{
	struct span rest = span_text(",a,,bc,");
	struct span name;

	CHECK(list_next(&rest, &name));
	CHECK(span_is(name, "a"));
	CHECK(list_next(&rest, &name));
	CHECK(span_is(name, "bc"));
	CHECK(!list_next(&rest, &name));
	CHECK(list_has(span_text("a,bc"), span_text("bc")));
	CHECK(!list_has(span_text("a,bc"), span_text("b")));
	CHECK(!list_has(span_text(""), span_text("")));
	CHECK(span_is(
	    list_first_common(span_text("x,b,a"), span_text("a,b")), "b"));
	CHECK_INT(list_first_common(span_text("x"), span_text("a,b")).len, 0);
}

TEST(patterns_match_the_whole_text)
{
	static const struct {
		const char *pattern;
		const char *text;
		bool matches;
	} rows[] = { { "", "", true }, { "", "a", false }, { "*", "", true },
		{ "*", "anything", true }, { "?", "", false },
		{ "?", "a", true }, { "a*", "b", false },
		{ "*.example.com", "www.example.com", true },
		{ "*.example.com", "example.com", false },
		{ "a*b*c", "aXbYbZc", true }, { "a*b*c", "aXbYbZ", false },
		{ "*a?", "xxabac", true }, { "**?**", "x", true },
		{ "abc", "ABC", false }, { "a?c*", "abcdef", true },
		{ "*aab", "aaaab", true } };

	for (size_t i = 0; i < ARRAY_COUNT(rows); i++)
		if (pattern_match(rows[i].pattern, rows[i].text) !=
		    rows[i].matches)
			FAIL("%s against %s", rows[i].pattern, rows[i].text);
	CHECK(pattern_match_no_case("AB*", "abC"));
}

TEST(patterns_of_many_stars_stay_fast)
{
	char pattern[2001];
	char text[20001];

	for (size_t i = 0; i < sizeof(pattern) - 1; i++)
		pattern[i] = i % 2 == 0 ? '*' : 'a';
	memset(text, 'a', sizeof(text) - 1);
	pattern[sizeof(pattern) - 2] = 'b';
	pattern[sizeof(pattern) - 1] = text[sizeof(text) - 1] = '\0';
	CHECK(!pattern_match(pattern, text));
}

TEST(pattern_lists_let_negation_win)
{
	CHECK_INT(pattern_list_match("a*,!ab", "ab", false), -1);
	CHECK_INT(pattern_list_match("!ab,a*", "ab", false), -1);
	CHECK_INT(pattern_list_match("!ab,a*", "ac", false), 1);
	CHECK_INT(pattern_list_match("!ab", "ac", false), 0);
	CHECK_INT(pattern_list_match("", "ac", false), 0);
	CHECK_INT(pattern_list_match("AC", "ac", false), 0);
	CHECK_INT(pattern_list_match("AC", "ac", true), 1);
	CHECK_INT(pattern_list_match("ac", "AC", true), 1);
	CHECK_INT(pattern_list_match("!", "x", true), 0);
}
