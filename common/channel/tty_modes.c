/*
 * tty_modes.c - encoded terminal modes. RFC 4254 s8, RFC 8160 (IUTF8).
 *
 * One row per opcode; a list is opcode, uint32 argument, ..., TTY_OP_END.
 */
#include <string.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/channel/session.h"

enum {
	TTY_OP_END = 0,
	TTY_OP_ISPEED = 128,
	TTY_OP_OSPEED = 129,
	TTY_OP_ARGUMENT_MAX = 159 /* opcodes above have no known shape */
};

#define CHARACTER_NONE 255 /* "255 if none": the character is off */

enum mode_kind {
	MODE_CC,
	MODE_INPUT,
	MODE_LOCAL,
	MODE_OUTPUT,
	MODE_CONTROL
};

struct mode_row {
	uint8_t opcode;
	enum mode_kind kind;
	tcflag_t value; /* index into c_cc, or the flag */
	tcflag_t mask;  /* bits that the flag stands in; 0: the flag */
};

/* clang-format off */
static const struct mode_row modes[] = {
	{ 1,  MODE_CC, VINTR, 0 },
	{ 2,  MODE_CC, VQUIT, 0 },
	{ 3,  MODE_CC, VERASE, 0 },
	{ 4,  MODE_CC, VKILL, 0 },
	{ 5,  MODE_CC, VEOF, 0 },
	{ 6,  MODE_CC, VEOL, 0 },
	{ 7,  MODE_CC, VEOL2, 0 },
	{ 8,  MODE_CC, VSTART, 0 },
	{ 9,  MODE_CC, VSTOP, 0 },
	{ 10, MODE_CC, VSUSP, 0 },
	/* 11 VDSUSP, 15 VFLUSH, 17 VSTATUS: not on this platform */
	{ 12, MODE_CC, VREPRINT, 0 },
	{ 13, MODE_CC, VWERASE, 0 },
	{ 14, MODE_CC, VLNEXT, 0 },
	{ 16, MODE_CC, VSWTC, 0 },
	{ 18, MODE_CC, VDISCARD, 0 },
	{ 30, MODE_INPUT, IGNPAR, 0 },
	{ 31, MODE_INPUT, PARMRK, 0 },
	{ 32, MODE_INPUT, INPCK, 0 },
	{ 33, MODE_INPUT, ISTRIP, 0 },
	{ 34, MODE_INPUT, INLCR, 0 },
	{ 35, MODE_INPUT, IGNCR, 0 },
	{ 36, MODE_INPUT, ICRNL, 0 },
	{ 37, MODE_INPUT, IUCLC, 0 },
	{ 38, MODE_INPUT, IXON, 0 },
	{ 39, MODE_INPUT, IXANY, 0 },
	{ 40, MODE_INPUT, IXOFF, 0 },
	{ 41, MODE_INPUT, IMAXBEL, 0 },
	{ 42, MODE_INPUT, IUTF8, 0 },
	{ 50, MODE_LOCAL, ISIG, 0 },
	{ 51, MODE_LOCAL, ICANON, 0 },
	{ 52, MODE_LOCAL, XCASE, 0 },
	{ 53, MODE_LOCAL, ECHO, 0 },
	{ 54, MODE_LOCAL, ECHOE, 0 },
	{ 55, MODE_LOCAL, ECHOK, 0 },
	{ 56, MODE_LOCAL, ECHONL, 0 },
	{ 57, MODE_LOCAL, NOFLSH, 0 },
	{ 58, MODE_LOCAL, TOSTOP, 0 },
	{ 59, MODE_LOCAL, IEXTEN, 0 },
	{ 60, MODE_LOCAL, ECHOCTL, 0 },
	{ 61, MODE_LOCAL, ECHOKE, 0 },
	{ 62, MODE_LOCAL, PENDIN, 0 },
	{ 70, MODE_OUTPUT, OPOST, 0 },
	{ 71, MODE_OUTPUT, OLCUC, 0 },
	{ 72, MODE_OUTPUT, ONLCR, 0 },
	{ 73, MODE_OUTPUT, OCRNL, 0 },
	{ 74, MODE_OUTPUT, ONOCR, 0 },
	{ 75, MODE_OUTPUT, ONLRET, 0 },
	{ 90, MODE_CONTROL, CS7, CSIZE },
	{ 91, MODE_CONTROL, CS8, CSIZE },
	{ 92, MODE_CONTROL, PARENB, 0 },
	{ 93, MODE_CONTROL, PARODD, 0 },
};

static const struct { speed_t speed; uint32_t bits; } speeds[] = {
	{ B0, 0 }, { B50, 50 }, { B75, 75 }, { B110, 110 }, { B134, 134 },
	{ B150, 150 }, { B200, 200 }, { B300, 300 }, { B600, 600 },
	{ B1200, 1200 }, { B1800, 1800 }, { B2400, 2400 }, { B4800, 4800 },
	{ B9600, 9600 }, { B19200, 19200 }, { B38400, 38400 },
	{ B57600, 57600 }, { B115200, 115200 }, { B230400, 230400 },
	{ B460800, 460800 }, { B500000, 500000 }, { B576000, 576000 },
	{ B921600, 921600 }, { B1000000, 1000000 }, { B1152000, 1152000 },
	{ B1500000, 1500000 }, { B2000000, 2000000 }, { B2500000, 2500000 },
	{ B3000000, 3000000 }, { B3500000, 3500000 }, { B4000000, 4000000 },
};
/* clang-format on */

static uint32_t
speed_bits(speed_t speed)
{
	for (size_t i = 0; i < ARRAY_COUNT(speeds); i++)
		if (speeds[i].speed == speed)
			return speeds[i].bits;
	return 9600;
}

static bool
speed_find(uint32_t bits, speed_t *ret)
{
	for (size_t i = 0; i < ARRAY_COUNT(speeds); i++)
		if (speeds[i].bits == bits) {
			*ret = speeds[i].speed;
			return true;
		}
	return false;
}

static tcflag_t *
mode_word(struct termios *t, enum mode_kind kind)
{
	switch (kind) {
	case MODE_INPUT:
		return &t->c_iflag;
	case MODE_LOCAL:
		return &t->c_lflag;
	case MODE_OUTPUT:
		return &t->c_oflag;
	case MODE_CONTROL:
		return &t->c_cflag;
	case MODE_CC:
		break;
	}
	return NULL;
}

static uint32_t
mode_get(const struct mode_row *row, struct termios *t)
{
	tcflag_t mask = row->mask != 0 ? row->mask : row->value;

	if (row->kind != MODE_CC)
		return (*mode_word(t, row->kind) & mask) == row->value;
	if (t->c_cc[row->value] == _POSIX_VDISABLE)
		return CHARACTER_NONE;
	return t->c_cc[row->value];
}

static void
mode_set(const struct mode_row *row, uint32_t argument, struct termios *t)
{
	tcflag_t *word = mode_word(t, row->kind);

	if (word == NULL) {
		if (argument == CHARACTER_NONE)
			t->c_cc[row->value] = _POSIX_VDISABLE;
		else if (argument < CHARACTER_NONE)
			t->c_cc[row->value] = (cc_t)argument;
	} else if (argument != 0) {
		*word = (*word & ~row->mask) | row->value;
	} else if (row->mask == 0) {
		*word &= ~row->value;
	}
}

static void
mode_apply(uint8_t opcode, uint32_t argument, struct termios *t)
{
	speed_t speed;

	if (opcode == TTY_OP_ISPEED && speed_find(argument, &speed))
		IGNORE_RESULT(cfsetispeed(t, speed)); /* the row is valid */
	if (opcode == TTY_OP_OSPEED && speed_find(argument, &speed))
		IGNORE_RESULT(cfsetospeed(t, speed)); /* the row is valid */
	for (size_t i = 0; i < ARRAY_COUNT(modes); i++)
		if (modes[i].opcode == opcode)
			mode_set(&modes[i], argument, t);
}

void
tty_modes_write(struct buf *out, const struct termios *t)
{
	struct termios copy = *t;

	write_byte(out, TTY_OP_OSPEED);
	write_uint32(out, speed_bits(cfgetospeed(t)));
	write_byte(out, TTY_OP_ISPEED);
	write_uint32(out, speed_bits(cfgetispeed(t)));
	for (size_t i = 0; i < ARRAY_COUNT(modes); i++) {
		write_byte(out, modes[i].opcode);
		write_uint32(out, mode_get(&modes[i], &copy));
	}
	write_byte(out, TTY_OP_END);
}

int
tty_modes_apply(struct span encoded, struct termios *t)
{
	struct reader r = reader_of(encoded);
	uint32_t argument;
	uint8_t opcode;

	/* Some clients leave TTY_OP_END out: the end of the string will do. */
	while (r.len > 0) {
		opcode = read_byte(&r);
		if (opcode == TTY_OP_END || opcode > TTY_OP_ARGUMENT_MAX)
			break;
		argument = read_uint32(&r);
		if (read_error(&r) != 0)
			return ERR_TRUNCATED;
		mode_apply(opcode, argument, t);
	}
	return 0;
}
