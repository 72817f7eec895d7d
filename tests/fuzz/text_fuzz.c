/*
 * text_fuzz.c - values, escaping, base64, hexadecimal, patterns, lists,
 * times.
 *
 * Input: a byte that chooses, then the text.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/base/time.h"
#include "tests/fuzz/fuzz.h"

static void
run_numbers(const char *text)
{
	long long n;
	int64_t seconds;
	uint64_t bytes, stamp;

	if (text_to_int(text, -1000, 1000, &n))
		REQUIRE(n >= -1000 && n <= 1000);
	if (text_to_seconds(text, &seconds) == 0)
		REQUIRE(seconds >= 0);
	(void)text_to_bytes(text, &bytes);
	(void)time_parse_stamp(text, &stamp);
}

static void
run_escape(struct span s)
{
	struct buf out = BUF_INIT, again = BUF_INIT;
	char *text = text_escaped(s);

	REQUIRE(text != NULL && fuzz_is_printable(span_text(text), false));
	text_escape(&out, s, false);
	REQUIRE(span_is(buf_span(&out), text));
	buf_clear(&out);
	text_escape_lines(&out, s, false);
	REQUIRE(fuzz_is_printable(buf_span(&out), true));
	/* What was made fit stays as it is. */
	text_escape_lines(&again, buf_span(&out), false);
	REQUIRE(span_equal(buf_span(&out), buf_span(&again)));
	buf_clear(&out);
	text_escape(&out, s, true);
	for (size_t i = 0; i < out.len; i++)
		REQUIRE(out.data[i] >= 0x20 && out.data[i] != 0x7f);
	REQUIRE(buf_error(&out) == 0);
	free(text);
	buf_release(&out);
	buf_release(&again);
}

static void
run_base64(struct span s)
{
	struct buf read = BUF_INIT, written = BUF_INIT, again = BUF_INIT;

	if (base64_read(&read, s) == 0) {
		base64_write(&written, buf_span(&read), s.len % 3 * 35);
		REQUIRE(base64_read(&again, buf_span(&written)) == 0);
		REQUIRE(span_equal(buf_span(&read), buf_span(&again)));
	}
	buf_clear(&written);
	buf_clear(&again);
	base64_write(&written, s, 0);
	REQUIRE(base64_read(&again, buf_span(&written)) == 0);
	REQUIRE(span_equal(s, buf_span(&again)));
	buf_release(&read);
	buf_release(&written);
	buf_release(&again);
}

static void
run_hex(struct span s, const char *text)
{
	struct buf written = BUF_INIT, read = BUF_INIT;

	(void)hex_read(&read, text);
	buf_clear(&read);
	hex_write(&written, s);
	REQUIRE(hex_read(&read, buf_text(&written)) == 0);
	REQUIRE(span_equal(s, buf_span(&read)));
	buf_release(&written);
	buf_release(&read);
}

static void
run_patterns(char *text)
{
	char *name = strchr(text, '\n');
	int r;

	if (name == NULL)
		return;
	*name++ = '\0';
	r = pattern_list_match(text, name, true);
	REQUIRE(r >= -1 && r <= 1);
	REQUIRE(
	    !pattern_match(text, name) || pattern_match_no_case(text, name));
	if (strpbrk(text, "*?") == NULL)
		REQUIRE(pattern_match(text, name) == (strcmp(text, name) == 0));
}

static void
run_lists(struct span s, const char *text)
{
	struct strings items = STRINGS_INIT;
	struct span rest = s, name;
	char *joined;

	while (list_next(&rest, &name))
		REQUIRE(name.len > 0 && list_has(s, name));
	name = list_first_common(s, span_text("one,two"));
	REQUIRE(name.len == 0 || span_is(name, "one") || span_is(name, "two"));
	REQUIRE(strings_split(&items, text, ',') == 0);
	joined = strings_join(&items, ",");
	REQUIRE(joined != NULL && strcmp(joined, text) == 0);
	free(joined);
	strings_release(&items);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_of(span_of(data, size));
	uint8_t what = fuzz_byte(&r);
	struct span s = read_rest(&r);
	char *text = fuzz_text(s);

	switch (what % 6) {
	case 0:
		run_numbers(text);
		break;
	case 1:
		run_escape(s);
		break;
	case 2:
		run_base64(s);
		break;
	case 3:
		run_hex(s, text);
		break;
	case 4:
		run_patterns(text);
		break;
	default:
		run_lists(s, text);
		break;
	}
	free(text);
	return 0;
}

void
fuzz_seeds(void)
{
	fuzz_seed("time", span_of("\0001h30m", 6));
	fuzz_seed("size", span_of("\00016K", 4));
	fuzz_seed("stamp", span_of("\000202611201200Z", 14));
	fuzz_seed(
	    "escape", span_text("\1a\x1b[31m\xc3\xa9\xe2\x80\xae\r\n\t\\"));
	fuzz_seed("base64", span_text("\2c2hlZXRiZW5k\nYQ=="));
	fuzz_seed("hex", span_text("\003c0ffee"));
	fuzz_seed("pattern", span_text("\4*.a?c,!b\nx.abc"));
	fuzz_seed("list", span_text("\5one,,two"));
}
