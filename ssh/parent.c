/*
 * parent.c - the socket to the program that runs us.
 */
#include "ssh/parent.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/text.h"
#include "ssh/widen.h"

static int control = -1;
static struct watch *watch;

static struct file {
	bool is_used;
	uint32_t number;
	int fd;
} files[2 * DIRECT_FILES_MAX];

static bool
leads_to_parent(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	int type = 0;
	socklen_t type_size = sizeof(type);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) == 0 &&
	       type == SOCK_SEQPACKET &&
	       getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	       peer.pid == getppid();
}

void
parent_attach(int fd)
{
	control = fd;
	fcntl(control, F_SETFD, FD_CLOEXEC);
}

void
parent_take_environment(void)
{
	const char *text = getenv(DIRECT_VARIABLE);
	long long fd;

	if (text != NULL && text_to_int(text, 3, 65535, &fd) &&
	    leads_to_parent((int)fd))
		parent_attach((int)fd);
	unsetenv(DIRECT_VARIABLE);
}

bool
parent_is_there(void)
{
	return control >= 0;
}

void
parent_tell(enum direct_kind kind, uint32_t number, uint8_t word)
{
	struct direct_packet p = { kind, number, word, -1 };

	if (control >= 0)
		IGNORE_RESULT(!direct_send(control, &p));
}

/* ---- what it asks for ---- */

static void
take_file(const struct direct_packet *p)
{
	struct file *f = files;

	while (f < files + ARRAY_COUNT(files) && f->is_used)
		f++;
	if (f == files + ARRAY_COUNT(files)) {
		close(p->fd); /* more than is agreed */
		return;
	}
	log_debug1("file %u of the program that runs us: its data goes "
		   "directly",
	    (unsigned)p->number);
	*f = (struct file){ true, p->number, p->fd };
}

static void
take(const struct direct_packet *p)
{
	if (p->fd < 0)
		return;
	if (p->kind == DIRECT_CHANNEL)
		widen_add(p->fd, p->number);
	else if (p->kind == DIRECT_FILE)
		take_file(p);
	else
		close(p->fd);
}

static void
end(void)
{
	watch_free(watch);
	watch = NULL;
	close(control);
	control = -1;
}

/* All that is there. */
static void
receive(void)
{
	struct direct_packet p;
	int r = 0;

	while (control >= 0 && (r = direct_receive(control, &p)) > 0)
		take(&p);
	if (r < 0)
		end();
}

static void
on_readable(struct watch *w, unsigned ready, void *context)
{
	receive();
}

int
parent_start(struct loop *loop)
{
	if (control < 0)
		return 0;
	if ((watch = watch_new(loop, control, on_readable, NULL)) == NULL)
		return ERR_MEMORY;
	watch_set(watch, WATCH_READ);
	return 0;
}

/* ---- files ---- */

static struct file *
find(uint32_t number)
{
	for (size_t i = 0; i < ARRAY_COUNT(files); i++)
		if (files[i].is_used && files[i].number == number)
			return &files[i];
	return NULL;
}

int
parent_file(uint32_t number)
{
	struct file *f = find(number);

	/* It was shared before it was named, by the other way. */
	if (f == NULL) {
		receive();
		f = find(number);
	}
	return f != NULL ? f->fd : -1;
}

void
parent_forget_file(uint32_t number)
{
	struct file *f = find(number);

	if (f == NULL)
		return;
	close(f->fd);
	f->is_used = false;
}
