/*
 * session_fuzz.c - fields of session requests, terminal modes.
 * RFC 4254 s6, s8.
 */
#include <string.h>

#include "common/base/error.h"
#include "common/channel/session.h"
#include "tests/fuzz/fuzz.h"

/* Modes that were written are applied to the same settings. */
static void
check_modes(const struct termios *t)
{
	struct buf modes = BUF_INIT, again = BUF_INIT;
	struct termios u;

	memset(&u, 0, sizeof u);
	tty_modes_write(&modes, t);
	REQUIRE(buf_error(&modes) == 0);
	REQUIRE(tty_modes_apply(buf_span(&modes), &u) == 0);
	tty_modes_write(&again, &u);
	REQUIRE(span_equal(buf_span(&modes), buf_span(&again)));
	buf_release(&modes);
	buf_release(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span input = span_of(data, size);
	struct pty_request pty;
	struct window_size window;
	struct termios t;
	struct reader r = reader_of(input);
	int number;

	memset(&t, 0, sizeof t);
	(void)tty_modes_apply(input, &t);
	check_modes(&t);
	if (session_read_pty(&r, &pty) == 0) {
		REQUIRE(r.len == 0 && !span_has_nul(pty.term));
		memset(&t, 0, sizeof t);
		(void)tty_modes_apply(pty.modes, &t);
		check_modes(&t);
	}
	r = reader_of(input);
	if (session_read_window_change(&r, &window) == 0)
		REQUIRE(size == 16);
	if ((number = session_signal_number(input)) != 0)
		REQUIRE(session_signal_name(number) != NULL);
	return 0;
}

void
fuzz_seeds(void)
{
	static const char modes[] = "\1\0\0\0\3\43\0\0\0\1\200\0\0\226\0"
				    "\201\0\0\226\0";
	struct buf seed = BUF_INIT;

	fuzz_seed("modes", span_of(modes, sizeof modes));
	write_text(&seed, "xterm");
	for (uint32_t i = 0; i < 4; i++)
		write_uint32(&seed, 80 + i);
	fuzz_seed("window", span_of(seed.data + 9, 16));
	write_string(&seed, span_of(modes, sizeof modes));
	fuzz_seed("pty", buf_span(&seed));
	fuzz_seed("signal", span_text("TERM"));
	buf_release(&seed);
}
