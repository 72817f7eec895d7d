/*
 * session_test.c - encoded terminal modes, names of signals. RFC 4254 s6, s8.
 */
#include <string.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/channel/session.h"
#include "tests/unit/unit.h"

/* The flags that have an opcode. */
#define INPUT_FLAGS                                                            \
	(IGNPAR | PARMRK | INPCK | ISTRIP | INLCR | IGNCR | ICRNL | IUCLC |    \
	    IXON | IXANY | IXOFF | IMAXBEL | IUTF8)

static void
fill(struct termios *t, unsigned char seed)
{
	memset(t, 0, sizeof(*t));
	t->c_iflag = seed % 2 == 0 ? ICRNL | IXON | IUTF8 : INPUT_FLAGS;
	t->c_oflag = OPOST | ONLCR;
	t->c_cflag = seed % 2 == 0 ? CS8 : CS7 | PARENB | PARODD;
	t->c_lflag =
	    ISIG | ICANON | ECHO | ECHOE | ECHOK | IEXTEN | ECHOCTL | ECHOKE;
	for (int i = 0; i < 17; i++)
		t->c_cc[i] = (cc_t)(seed + i);
	t->c_cc[VTIME] = t->c_cc[VMIN] = 0;
	t->c_cc[VEOL] = _POSIX_VDISABLE;
	CHECK_INT(cfsetispeed(t, B38400), 0);
	CHECK_INT(cfsetospeed(t, B115200), 0);
}

static void
check_same(const struct termios *a, const struct termios *b)
{
	CHECK_INT(a->c_iflag, b->c_iflag);
	CHECK_INT(a->c_oflag, b->c_oflag);
	CHECK_INT(a->c_lflag, b->c_lflag);
	CHECK_INT(a->c_cflag & (CSIZE | PARENB | PARODD),
	    b->c_cflag & (CSIZE | PARENB | PARODD));
	CHECK_INT(cfgetospeed(a), cfgetospeed(b));
	for (int i = 0; i < 17; i++)
		if (i != VTIME && i != VMIN)
			CHECK_INT(a->c_cc[i], b->c_cc[i]);
}

TEST(modes_survive_the_way_over_the_wire)
{
	for (unsigned char seed = 1; seed < 40; seed++) {
		struct termios from, to;
		struct buf modes = BUF_INIT;

		fill(&from, seed);
		fill(&to, (unsigned char)(seed + 41));
		tty_modes_write(&modes, &from);
		CHECK_INT(buf_error(&modes), 0);
		CHECK_INT(tty_modes_apply(buf_span(&modes), &to), 0);
		check_same(&to, &from);
		buf_release(&modes);
	}
}

TEST(opcodes_and_arguments_are_those_of_the_rfc)
{
	struct termios t;

	fill(&t, 10);
	/* VINTR = ^C, ECHO off, ISIG on, OSPEED 9600, end */
	CHECK_INT(tty_modes_apply(unit_hex("01 00000003 35 00000000"
					   "32 00000001 81 00002580 00"),
		      &t),
	    0);
	CHECK_INT(t.c_cc[VINTR], 3);
	CHECK((t.c_lflag & ECHO) == 0);
	CHECK((t.c_lflag & ISIG) != 0);
	CHECK_INT(cfgetospeed(&t), B9600);
	/* 255 switches a character off */
	CHECK_INT(tty_modes_apply(unit_hex("02 000000ff 00"), &t), 0);
	CHECK_INT(t.c_cc[VQUIT], _POSIX_VDISABLE);
}

TEST(what_follows_the_end_or_an_unknown_shape_is_ignored)
{
	struct termios t;

	fill(&t, 10);
	CHECK_INT(tty_modes_apply(unit_hex("00 01 000000"), &t), 0);
	CHECK_INT(tty_modes_apply(unit_hex("a0 01"), &t), 0);
	CHECK_INT(tty_modes_apply(unit_hex("9f 00000001 01 00000007"), &t), 0);
	CHECK_INT(t.c_cc[VINTR], 7);
	CHECK_INT(tty_modes_apply(span_of(NULL, 0), &t), 0);
	/* an impossible character or speed changes nothing */
	CHECK_INT(
	    tty_modes_apply(unit_hex("01 00000100 81 00000001 00"), &t), 0);
	CHECK_INT(t.c_cc[VINTR], 7);
	CHECK_INT(cfgetospeed(&t), B115200);
}

TEST(every_truncated_argument_is_noticed)
{
	struct buf modes = BUF_INIT;
	struct termios t;

	fill(&t, 1);
	tty_modes_write(&modes, &t);
	for (size_t n = 0; n < modes.len; n++)
		CHECK_INT(tty_modes_apply(span_of(modes.data, n), &t),
		    n % 5 == 0 ? 0 : ERR_TRUNCATED);
	buf_release(&modes);
}

TEST(signals_have_the_names_of_the_rfc)
{
	CHECK_INT(session_signal_number(span_text("TERM")), 15);
	CHECK_INT(session_signal_number(span_text("INT")), 2);
	CHECK_INT(session_signal_number(span_text("SIGTERM")), 0);
	CHECK_INT(session_signal_number(span_text("TERM ")), 0);
	CHECK_INT(session_signal_number(span_text("")), 0);
	CHECK_TEXT(session_signal_name(9), "KILL");
	CHECK(session_signal_name(64) == NULL);
	CHECK(session_signal_name(0) == NULL);
}
