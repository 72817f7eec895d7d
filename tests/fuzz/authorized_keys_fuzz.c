/*
 * authorized_keys_fuzz.c - lines and options of authorized_keys, what of
 * them travels between our processes, patterns of sshd_config's lists.
 *
 * Input: a byte; even: the text of a file, odd: the message of a session's
 * start.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/key/key.h"
#include "sshd/authorized_keys.h"
#include "sshd/session_start.h"
#include "tests/fuzz/engine.h"
#include "tests/fuzz/fuzz.h"

static bool
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Options go to another process and come back the same. */
static void
check_options(const struct key_options *o)
{
	struct buf out = BUF_INIT, out_again = BUF_INIT;
	struct key_options again;
	struct reader r;

	key_options_init(&again);
	key_options_write(&out, o);
	REQUIRE(buf_error(&out) == 0);
	r = reader_of(buf_span(&out));
	REQUIRE(key_options_read(&r, &again) == 0 && read_end(&r) == 0);
	/* What was checked at login (from=, expiry) stays behind. */
	REQUIRE(same(o->command, again.command));
	REQUIRE(o->no_pty == again.no_pty &&
		o->environment.count == again.environment.count);
	key_options_write(&out_again, &again);
	REQUIRE(span_equal(buf_span(&out), buf_span(&out_again)));
	buf_release(&out);
	buf_release(&out_again);
	key_options_release(&again);
}

static void
run_options(struct span text)
{
	struct key_options o, stricter;
	struct error e = { 0 };

	key_options_init(&o);
	key_options_init(&stricter);
	if (key_options_parse(text, &o, &e) == 0) {
		check_options(&o);
		/* Limits are never lifted. */
		if (key_options_merge(&stricter, &o) == 0) {
			REQUIRE(stricter.no_pty == o.no_pty);
			REQUIRE(same(stricter.command, o.command));
			check_options(&stricter);
		}
	} else {
		/* It may quote the line: the logger makes that fit. */
		REQUIRE(e.text[0] != '\0');
	}
	key_options_release(&o);
	key_options_release(&stricter);
}

static void
on_problem(size_t line, const char *text, void *context)
{
	REQUIRE(line >= 1 && text != NULL);
}

static void
run_file(struct span text)
{
	struct address a;
	struct key_context c = { &a, "host.example", 1700000000, NULL, NULL,
		NULL };
	struct key_match match;
	struct span blob = key_blob(engine_host_key());

	REQUIRE(address_parse("192.0.2.7", &a) == 0);
	memset(&match, 0, sizeof match);
	if (authorized_keys_find(
		text, "ssh-ed25519", blob, &c, on_problem, NULL, &match)) {
		struct error e = { 0 };

		REQUIRE(match.line >= 1);
		REQUIRE(key_options_check(&match.options, &c, &e) == 0);
		check_options(&match.options);
		key_options_release(&match.options);
	}
	run_options(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_of(span_of(data, size));
	struct session_start start;

	if (fuzz_byte(&r) % 2 == 0) {
		run_file(read_rest(&r));
		return 0;
	}
	session_start_init(&start);
	if (session_start_read(read_rest(&r), &start) == 0) {
		struct buf out = BUF_INIT;

		REQUIRE(start.user != NULL && start.home != NULL);
		session_start_write(&out, &start);
		REQUIRE(buf_error(&out) == 0);
		buf_release(&out);
	}
	session_start_release(&start);
	return 0;
}

void
fuzz_seeds(void)
{
	static const char *const options[] = { "",
		"restrict,pty,command=\"echo \\\"x\\\"\" ",
		"from=\"192.0.2.0/24,!10.*\",environment=\"A=b\" ",
		"expiry-time=\"20991231\",permitopen=\"localhost:80\" ",
		"no-pty,no-x11-forwarding,cert-authority " };
	char *line = key_public_line(engine_host_key(), "comment");
	struct buf seed = BUF_INIT;
	struct session_start start;

	for (size_t i = 0; i < ARRAY_COUNT(options); i++) {
		char name[] = { 'o', (char)('0' + i), '\0' };

		buf_clear(&seed);
		write_byte(&seed, 0);
		write_span(&seed, span_text("# comment\n"));
		write_span(&seed, span_text(options[i]));
		write_span(&seed, span_text(line));
		fuzz_seed(name, buf_span(&seed));
		name[0] = 'p';
		buf_clear(&seed);
		write_byte(&seed, 0);
		write_span(&seed, span_text(options[i]));
		if (seed.len > 1)
			buf_truncate(&seed, seed.len - 1);
		fuzz_seed(name, buf_span(&seed));
	}
	session_start_init(&start);
	start.user = fuzz_text(span_text("user"));
	start.home = fuzz_text(span_text("/home/user"));
	start.shell = fuzz_text(span_text("/bin/sh"));
	start.host = fuzz_text(span_text("host"));
	start.auth_info = fuzz_text(span_text(""));
	start.nologin = fuzz_text(span_text(""));
	buf_clear(&seed);
	write_byte(&seed, 1);
	session_start_write(&seed, &start);
	fuzz_seed("start", buf_span(&seed));
	session_start_release(&start);
	buf_release(&seed);
	free(line);
}
