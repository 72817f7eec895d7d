/*
 * ident_test.c - version lines. RFC 4253 s4.2, s5.1.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/transport/transport_impl.h"
#include "tests/unit/unit.h"

static int
read_text_ident(const char *text, bool tolerant, size_t *used, char **ident,
    struct error *e)
{
	*ident = NULL;
	return ident_read(span_text(text), tolerant, used, ident, e);
}

static void
accepts(const char *text, bool tolerant, const char *want, size_t want_used)
{
	struct error e = { 0 };
	char *ident;
	size_t used;

	CHECK_INT(read_text_ident(text, tolerant, &used, &ident, &e), 0);
	CHECK_INT(used, want_used);
	CHECK_TEXT(ident, want);
	free(ident);
}

static void
refuses(const char *text, bool tolerant)
{
	struct error e = { 0 };
	char *ident;
	size_t used;

	CHECK_INT(
	    read_text_ident(text, tolerant, &used, &ident, &e), ERR_IDENT);
	CHECK(e.text[0] != '\0');
	CHECK(ident == NULL);
}

static void
waits(struct span input, bool tolerant)
{
	struct error e = { 0 };
	char *ident = NULL;
	size_t used = 1;

	CHECK_INT(ident_read(input, tolerant, &used, &ident, &e), 0);
	CHECK_INT(used, 0);
	CHECK(ident == NULL);
}

TEST(a_line_with_cr_lf_or_lf_alone_is_taken)
{
	accepts("SSH-2.0-X\r\nrest", false, "SSH-2.0-X", 11);
	accepts("SSH-2.0-X\n", false, "SSH-2.0-X", 10);
	accepts("SSH-2.0-Some_1.0 and a comment\r\n", false,
	    "SSH-2.0-Some_1.0 and a comment", 32);
	accepts("SSH-1.99-Old\r\n", false, "SSH-1.99-Old", 14);
	accepts("SSH-2.0-with-dashes\r\n", true, "SSH-2.0-with-dashes", 21);
}

TEST(every_truncated_prefix_waits_for_more)
{
	const char *text = "SSH-2.0-Sheetbend_0.1 x\r\n";

	for (size_t n = 0; n < strlen(text); n++) {
		waits(span_of(text, n), false);
		waits(span_of(text, n), true);
	}
}

TEST(a_client_passes_over_lines_before_the_ident)
{
	accepts("hello\r\n\r\n*** notice ***\nSSH-2.0-X\r\n", true, "SSH-2.0-X",
	    35);
	refuses("hello\r\nSSH-2.0-X\r\n", false);
}

TEST(a_server_refuses_at_the_first_byte_that_cannot_be)
{
	refuses("G", false);
	refuses("SSI", false);
	refuses("\n", false);
	refuses("GET / HTTP/1.0\r\n", false);
}

TEST(malformed_idents_are_refused)
{
	refuses("SSH-\r\n", true);
	refuses("SSH-2.0\r\n", true);
	refuses("SSH-2.0-\r\n", true);
	refuses("SSH-2.0- x\r\n", true);
	refuses("SSH-2-X\r\n", true);
	refuses("SSH-.0-X\r\n", true);
	refuses("SSH-2.-X\r\n", true);
	refuses("SSH-99999.0-X\r\n", true);
	refuses("SSH-2.0-X\tY\r\n", true);
	refuses("SSH-2.0-X\033[0m\r\n", true);
	refuses("SSH-2.0-X\r\r\n", true);
	refuses("SSH-3.0-X\r\n", true);
	refuses("SSH-02.0-X\r\n", true);
	refuses("SSH-2.00-X\r\n", true);
}

TEST(a_nul_byte_is_refused)
{
	static const char line[] = "SSH-2.0-a\0b\r\n";
	static const char before[] = "he\0llo\r\nSSH-2.0-X\r\n";
	struct error e = { 0 };
	char *ident = NULL;
	size_t used;

	CHECK_INT(
	    ident_read(span_of(line, sizeof line - 1), true, &used, &ident, &e),
	    ERR_IDENT);
	CHECK_INT(ident_read(span_of(before, sizeof before - 1), true, &used,
		      &ident, &e),
	    ERR_IDENT);
}

TEST(protocol_1_is_refused_by_name)
{
	struct error e = { 0 };
	char *ident;
	size_t used;

	CHECK_INT(read_text_ident("SSH-1.5-HALLO\n", false, &used, &ident, &e),
	    ERR_IDENT);
	CHECK_TEXT(e.text, "Protocol major versions differ: 2 vs. 1");
	CHECK(ident_is_old(span_text("SSH-1.5-HALLO\n")));
	CHECK(!ident_is_old(span_text("SSH-2.0-HALLO\n")));
}

TEST(the_line_has_255_bytes_at_most)
{
	struct buf b = BUF_INIT;
	struct error e = { 0 };
	char *ident = NULL;
	size_t used;

	write_span(&b, span_text("SSH-2.0-"));
	while (b.len < TRANSPORT_IDENT_MAX - 2)
		write_byte(&b, 'x');
	write_span(&b, span_text("\r\n"));
	CHECK_INT(ident_read(buf_span(&b), false, &used, &ident, &e), 0);
	CHECK_INT(used, 255);
	free(ident);
	ident = NULL;
	buf_truncate(&b, 253);
	write_span(&b, span_text("y\r\n"));
	CHECK_INT(ident_read(buf_span(&b), true, &used, &ident, &e), ERR_IDENT);
	buf_truncate(&b, 255);
	CHECK_INT(ident_read(buf_span(&b), true, &used, &ident, &e), ERR_IDENT);
	buf_release(&b);
}

TEST(a_client_does_not_read_lines_for_ever)
{
	struct buf b = BUF_INIT;
	struct error e = { 0 };
	char *ident = NULL;
	size_t used;

	for (int i = 0; i < 2000; i++)
		write_span(&b, span_text("x\n"));
	CHECK_INT(ident_read(buf_span(&b), true, &used, &ident, &e), ERR_IDENT);
	buf_clear(&b);
	for (int i = 0; i < 10000; i++)
		write_byte(&b, 'x');
	CHECK_INT(ident_read(buf_span(&b), true, &used, &ident, &e), ERR_IDENT);
	buf_release(&b);
}
