/*
 * client_beside.c - the socket to the ssh that we run.
 */
#include "sftp/client_beside.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/text.h"

void
client_beside_init(struct client_beside *b)
{
	*b = (struct client_beside){ .control = -1, .opened = -1 };
	for (size_t i = 0; i < CLIENT_WIDEN_MAX; i++)
		b->asked[i] = -1;
}

int
client_beside_open(struct client_beside *b)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) != 0)
		return -1;
	b->control = fds[0];
	return fds[1];
}

void
client_beside_close(struct client_beside *b)
{
	if (b->control >= 0)
		close(b->control);
	if (b->opened >= 0)
		close(b->opened);
	for (size_t i = 0; i < CLIENT_WIDEN_MAX; i++)
		if (b->asked[i] >= 0)
			close(b->asked[i]);
	client_beside_init(b);
}

void
client_beside_export(int fd)
{
	char *number = text_format("%d", fd);

	if (number != NULL && fcntl(fd, F_SETFD, 0) == 0)
		setenv(DIRECT_VARIABLE, number, 1);
	free(number);
}

/* ---- answers ---- */

static void
take_channel(struct client_beside *b, const struct direct_packet *p)
{
	int fd;

	if (p->number >= b->count)
		return;
	fd = b->asked[p->number];
	b->asked[p->number] = -1;
	if (p->word == 'y' && b->opened < 0)
		b->opened = fd;
	else if (fd >= 0)
		close(fd);
}

/* Up to the next channel that is open. */
static void
take_answers(struct client_beside *b)
{
	struct direct_packet p;
	int r = 0;

	while (b->control >= 0 && b->opened < 0 &&
	       (r = direct_receive(b->control, &p)) > 0) {
		if (p.fd >= 0)
			close(p.fd); /* nothing of that kind was agreed */
		if (p.kind == DIRECT_CHANNEL)
			take_channel(b, &p);
		else if (p.kind == DIRECT_READY)
			b->shares_files = true;
	}
	if (r < 0)
		client_beside_close(b);
}

/* ---- further channels ---- */

static void
ask(struct client_beside *b)
{
	struct direct_packet p = { DIRECT_CHANNEL, b->count, 0, -1 };
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
		return;
	p.fd = fds[1];
	if (direct_send(b->control, &p)) {
		b->asked[b->count++] = fds[0];
	} else {
		close(fds[0]);
		client_beside_close(b);
	}
	close(fds[1]);
}

int
client_beside_widen(struct client_beside *b, unsigned wanted)
{
	int fd;

	while (
	    b->control >= 0 && b->count < wanted && b->count < CLIENT_WIDEN_MAX)
		ask(b);
	if (b->count > 0)
		take_answers(b);
	fd = b->opened;
	b->opened = -1;
	return fd;
}

/* ---- files ---- */

bool
client_beside_shares_files(struct client_beside *b)
{
	if (!b->shares_files)
		take_answers(b);
	return b->shares_files;
}

bool
client_beside_share(struct client_beside *b, int fd, uint32_t *ret_number)
{
	struct direct_packet p = { DIRECT_FILE, b->last_file + 1, 0, fd };
	struct stat st;

	if (b->control < 0 || b->files == DIRECT_FILES_MAX ||
	    fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
	    !direct_send(b->control, &p))
		return false;
	b->files++;
	*ret_number = ++b->last_file;
	return true;
}

void
client_beside_forget(struct client_beside *b)
{
	if (b->files > 0)
		b->files--;
}
