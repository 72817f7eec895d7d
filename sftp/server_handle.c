/*
 * server_handle.c - handles: what a peer calls its open files.
 * On the wire: uint32 index, uint32 generation.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "sftp/server_impl.h"

/* Descriptors that are not the peer's: the process's own. */
#define RESERVED 32u

void
handles_init(struct handles *h)
{
	struct rlimit limit;

	memset(h, 0, sizeof(*h));
	h->limit = SFTP_SERVER_HANDLES_MAX;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	if (limit.rlim_cur < h->limit + RESERVED)
		h->limit = limit.rlim_cur > 2 * RESERVED
			       ? (uint32_t)limit.rlim_cur - RESERVED
			       : RESERVED;
}

static bool
grow(struct handles *h)
{
	uint32_t count = h->count == 0 ? 16 : h->count * 2;
	struct handle *item;

	if (count > h->limit)
		count = h->limit;
	item = realloc(h->item, count * sizeof(*item));
	if (item == NULL)
		return false;
	memset(item + h->count, 0, (count - h->count) * sizeof(*item));
	h->item = item;
	h->count = count;
	return true;
}

struct handle *
handle_new(
    struct sftp_server *s, enum handle_kind kind, int fd, const char *path)
{
	struct handles *all = &s->handles;
	uint32_t i = all->first_free;
	struct handle *h;
	char *copy;

	while (i < all->count && all->item[i].kind != HANDLE_FREE)
		i++;
	errno = EMFILE;
	if (i >= all->limit)
		return NULL;
	if (i >= all->count && !grow(all)) {
		errno = ENOMEM;
		return NULL;
	}
	if ((copy = strdup(path)) == NULL)
		return NULL;
	all->first_free = i + 1;
	h = &all->item[i];
	*h = (struct handle){ .kind = kind,
		.generation = h->generation + 1,
		.fd = fd,
		.path = copy,
		.may_change = sftp_place_may_change(&s->place, path) };
	return h;
}

static void
log_close(struct sftp_server *s, const struct handle *h, bool forced)
{
	const char *what = forced ? "forced " : "";

	if (!server_logs(s, LOG_LEVEL_INFO))
		return;
	if (h->kind == HANDLE_DIRECTORY)
		server_log(s, LOG_LEVEL_INFO, "%sclosedir \"%s\"", what,
		    server_shown(h->path));
	else
		server_log(s, LOG_LEVEL_INFO,
		    "%sclose \"%s\" bytes read %" PRIu64 " written %" PRIu64,
		    what, server_shown(h->path), h->bytes_read,
		    h->bytes_written);
}

static int
end_handle(struct sftp_server *s, struct handle *h, bool forced)
{
	uint32_t index = (uint32_t)(h - s->handles.item);
	uint32_t generation = h->generation;
	int r;

	log_close(s, h, forced);
	job_forget(s, h);
	if (s->write_handle == h)
		s->write_handle = NULL;
	r = h->dir != NULL ? closedir(h->dir) : close(h->fd);
	free(h->path);
	*h = (struct handle){ .kind = HANDLE_FREE, .generation = generation };
	if (index < s->handles.first_free)
		s->handles.first_free = index;
	return r;
}

int
handle_close(struct sftp_server *s, struct handle *h)
{
	return end_handle(s, h, false);
}

void
handles_release(struct sftp_server *s)
{
	for (uint32_t i = 0; i < s->handles.count; i++)
		if (s->handles.item[i].kind != HANDLE_FREE)
			end_handle(s, &s->handles.item[i], true);
	free(s->handles.item);
	s->handles.item = NULL;
	s->handles.count = 0;
}

void
handle_answer(struct sftp_server *s, uint32_t id, const struct handle *h)
{
	struct buf name = BUF_INIT;

	write_uint32(&name, (uint32_t)(h - s->handles.item));
	write_uint32(&name, h->generation);
	sftp_handle_write(&s->out, id, buf_span(&name));
	buf_release(&name);
}

struct handle *
handle_find_any(struct sftp_server *s, struct span text)
{
	struct reader r = reader_of(text);
	uint32_t index = read_uint32(&r);
	uint32_t generation = read_uint32(&r);
	struct handle *h;

	if (read_end(&r) != 0 || index >= s->handles.count)
		return NULL;
	h = &s->handles.item[index];
	return h->kind != HANDLE_FREE && h->generation == generation ? h : NULL;
}

struct handle *
handle_find(struct sftp_server *s, struct span text, enum handle_kind kind)
{
	struct handle *h = handle_find_any(s, text);

	return h != NULL && h->kind == kind ? h : NULL;
}
