/*
 * terminal.c - the person's terminal.
 */
#include "ssh/terminal.h"

#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "ssh/fatal.h"

/* RFC 4254 s8: TTY_OP_END. */
#define MODES_END 0

static struct termios modes_before;
static bool is_raw;
static bool leave_is_registered;

static struct termios
raw_modes(struct termios t)
{
	t.c_iflag |= IGNPAR;
	t.c_iflag &= ~(tcflag_t)(ISTRIP | INLCR | IGNCR | ICRNL | IXON | IXANY |
				 IXOFF | IUCLC);
	t.c_lflag &=
	    ~(tcflag_t)(ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHONL | IEXTEN);
	t.c_oflag &= ~(tcflag_t)OPOST;
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	return t;
}

void
terminal_enter_raw(void)
{
	struct termios raw;

	if (is_raw || tcgetattr(STDIN_FILENO, &modes_before) != 0)
		return;
	raw = raw_modes(modes_before);
	if (!leave_is_registered) {
		at_leave(terminal_leave_raw);
		leave_is_registered = true;
	}
	is_raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
}

void
terminal_leave_raw(void)
{
	if (!is_raw)
		return;
	is_raw = false;
	/* Nothing can be done where the terminal is gone. */
	(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &modes_before);
}

bool
terminal_is_raw(void)
{
	return is_raw;
}

bool
terminal_is_foreground(void)
{
	pid_t group = tcgetpgrp(STDIN_FILENO);

	return group >= 0 && group == getpgrp();
}

void
terminal_window_size(struct window_size *ret)
{
	struct winsize ws;

	memset(ret, 0, sizeof(*ret));
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (ioctl(fd, TIOCGWINSZ, &ws) != 0)
			continue;
		ret->columns = ws.ws_col;
		ret->rows = ws.ws_row;
		ret->width_pixels = ws.ws_xpixel;
		ret->height_pixels = ws.ws_ypixel;
		return;
	}
}

void
terminal_write_modes(struct buf *out)
{
	struct termios t;

	if (is_raw)
		tty_modes_write(out, &modes_before);
	else if (tcgetattr(STDIN_FILENO, &t) == 0)
		tty_modes_write(out, &t);
	else
		write_byte(out, MODES_END);
}

void
terminal_suspend(void)
{
	bool was_raw = is_raw;

	terminal_leave_raw();
	/* Stops here; the next line runs after SIGCONT. */
	kill(getpid(), SIGTSTP);
	if (was_raw)
		terminal_enter_raw();
}
