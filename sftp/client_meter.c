/*
 * client_meter.c - how far copies are, on a terminal.
 */
#include "sftp/client_meter.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/base/time.h"

#define DRAW_EVERY_US   200000
#define SAMPLE_EVERY_US 1000000
/* Shorter than this a file is not worth a line of its own while it moves. */
#define FIGURES_WIDTH 40
#define WIDTH_DEFAULT 80

static unsigned
terminal_width(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return WIDTH_DEFAULT;
}

/* Are we in the terminal's foreground? Behind it nothing is drawn. */
static bool
is_in_front(void)
{
	pid_t group = tcgetpgrp(STDOUT_FILENO);

	return group == -1 || group == getpgrp();
}

static void
format_bytes(double v, char *out, size_t size)
{
	static const char *const units[] = { "  ", "KB", "MB", "GB", "TB",
		"PB" };
	size_t unit = 0;

	while (v >= 10000 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		v /= 1024;
		unit++;
	}
	snprintf(out, size, "%4.0f%s", v, units[unit]);
}

static void
format_rate(double v, char *out, size_t size)
{
	static const char units[] = "KMGTP";
	size_t unit = 0;

	v /= 1024;
	while (v >= 1000 && units[unit + 1] != '\0') {
		v /= 1024;
		unit++;
	}
	snprintf(out, size, "%5.1f%cB/s", v, units[unit]);
}

static void
format_time(double seconds, char *out, size_t size)
{
	unsigned long s =
	    seconds > 0 && seconds < 1e8 ? (unsigned long)(seconds + 0.5) : 0;

	if (s >= 3600)
		snprintf(out, size, "%lu:%02lu:%02lu", s / 3600, s / 60 % 60,
		    s % 60);
	else
		snprintf(out, size, "%02lu:%02lu", s / 60, s % 60);
}

static void
draw(struct client_meter *m, const char *name, uint64_t done, uint64_t size,
    double rate, double seconds, const char *what)
{
	char bytes[16], speed[24], time[24];
	unsigned width = terminal_width();
	int room = width > FIGURES_WIDTH + 1 ? (int)(width - FIGURES_WIDTH) : 1;
	unsigned percent =
	    size == 0 ? 100 : (unsigned)((double)done * 100 / (double)size);

	format_bytes((double)done, bytes, sizeof(bytes));
	format_rate(rate, speed, sizeof(speed));
	format_time(seconds, time, sizeof(time));
	printf("\r%-*.*s %3u%% %s %s %8s%-4s", room, room, name,
	    percent > 100 ? 100 : percent, bytes, speed, time, what);
	fflush(stdout);
	m->is_drawn = true;
}

static void
sample(struct client_meter *m, uint64_t now_us, uint64_t bytes)
{
	double rate;

	if (now_us - m->sample_us < SAMPLE_EVERY_US)
		return;
	rate = (double)(bytes - m->sample_bytes) * 1e6 /
	       (double)(now_us - m->sample_us);
	m->rate = m->rate == 0 ? rate : m->rate * 0.7 + rate * 0.3;
	m->sample_us = now_us;
	m->sample_bytes = bytes;
}

void
client_meter_start(struct client_meter *m, bool is_on)
{
	memset(m, 0, sizeof(*m));
	m->is_on = is_on;
	m->start_us = m->file_us = m->sample_us = time_monotonic_us();
}

void
client_meter_tick(struct client_meter *m, const struct copy_progress *p)
{
	uint64_t now_us;
	char name[256];
	double left;

	if (!m->is_on)
		return;
	now_us = time_monotonic_us();
	if (now_us - m->drawn_us < DRAW_EVERY_US)
		return;
	m->drawn_us = now_us;
	sample(m, now_us, p->bytes_done);
	if (p->name[0] == '\0' || !is_in_front())
		return;
	left =
	    m->rate > 0 ? (double)(p->name_size - p->name_done) / m->rate : 0;
	if (p->files_known <= 1) {
		draw(m, p->name, p->name_done, p->name_size, m->rate, left,
		    " ETA");
		return;
	}
	/* Many at a time: what is left of all that is known. */
	left = m->rate > 0 ? (double)(p->bytes_known - p->bytes_done) / m->rate
			   : 0;
	snprintf(name, sizeof(name), "%llu of %llu%s files, %.180s",
	    (unsigned long long)p->files_done,
	    (unsigned long long)p->files_known, p->all_known ? "" : "+",
	    p->name);
	draw(m, name, p->bytes_done, p->bytes_known, m->rate, left,
	    p->all_known ? " ETA" : "+ETA");
}

void
client_meter_file(
    struct client_meter *m, const char *name, uint64_t size, bool failed)
{
	uint64_t now_us = time_monotonic_us();
	double seconds = (double)(now_us - m->file_us) / 1e6;

	m->file_us = now_us;
	m->files++;
	if (failed)
		return;
	m->bytes += size;
	if (!m->is_on || !is_in_front())
		return;
	draw(m, name, size, size,
	    seconds > 0 ? (double)size / seconds : (double)size, seconds, "");
	printf("\n");
	m->is_drawn = false;
}

void
client_meter_clear(struct client_meter *m)
{
	if (m->is_drawn)
		printf("\r%*s\r", (int)terminal_width() - 1, "");
	m->is_drawn = false;
}

void
client_meter_end(struct client_meter *m)
{
	double seconds = (double)(time_monotonic_us() - m->start_us) / 1e6;
	char bytes[16], rate[24], time[24];

	client_meter_clear(m);
	if (!m->is_on || m->files < 2)
		return;
	format_bytes((double)m->bytes, bytes, sizeof(bytes));
	format_rate(
	    seconds > 0 ? (double)m->bytes / seconds : 0, rate, sizeof(rate));
	format_time(seconds, time, sizeof(time));
	printf("Total: %llu files, %s bytes in %s, %s\n",
	    (unsigned long long)m->files, bytes + strspn(bytes, " "), time,
	    rate + strspn(rate, " "));
}
