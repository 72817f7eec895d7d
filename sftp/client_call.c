/*
 * client_call.c - single requests whose answer is waited for.
 */
#include "sftp/client_call.h"

#include <stdlib.h>
#include <string.h>

#include "sftp/client_list.h"

/* ---- one request ---- */

/* On the heap: the answer may come after an interruption has ended the wait. */
struct call {
	bool is_done;
	bool is_abandoned;
	int code;
	struct error error;
	struct buf body;
};

static void
call_free(struct call *call)
{
	if (call == NULL)
		return;
	buf_release(&call->body);
	free(call);
}

static void
on_reply(const struct client_reply *r, void *context)
{
	struct call *call = context;

	if (call->is_abandoned) {
		call_free(call);
		return;
	}
	call->is_done = true;
	if (r->status != SSH_FX_OK)
		call->code = client_status_error(r, &call->error);
	write_span(&call->body, r->body);
	if (call->code == 0)
		call->code = buf_error(&call->body);
}

static bool
is_interrupted(const struct caller *c)
{
	return c->interrupted != NULL && *c->interrupted != 0;
}

/* One turn; what failed is known to all that wait by their replies. */
static void
turn(struct caller *c)
{
	IGNORE_RESULT(client_link_turn(&c->link, 1, -1, NULL));
}

static int
call_wait(struct caller *c, struct call *call, struct error *e)
{
	while (!call->is_done && !is_interrupted(c))
		turn(c);
	if (!call->is_done) {
		call->is_abandoned = true;
		return error_set(e, ERR_CANCELLED, "Interrupted");
	}
	if (call->code != 0 && e != NULL)
		*e = call->error;
	return call->code;
}

/* ret: the answer, to be given to call_free(); NULL on failure. */
static int
request(struct caller *c, const struct sftp_request *q, struct call **ret,
    struct error *e)
{
	struct client *client = client_link_client(c->link);
	struct call *call;
	int r;

	*ret = NULL;
	if (!client_has(client, q->kind))
		return error_set(e, ERR_UNSUPPORTED,
		    "the server does not have %s",
		    sftp_kind_extension(q->kind));
	if ((call = calloc(1, sizeof(*call))) == NULL)
		return error_set(e, ERR_MEMORY, "out of memory");
	client_request(client, q, on_reply, call);
	if ((r = call_wait(c, call, e)) == 0) {
		*ret = call;
		return 0;
	}
	if (!call->is_abandoned)
		call_free(call);
	return r;
}

/* A request whose answer is its status alone. */
static int
request_status(struct caller *c, const struct sftp_request *q, struct error *e)
{
	struct call *call;
	int r = request(c, q, &call, e);

	call_free(call);
	return r;
}

static int
malformed(struct error *e)
{
	return error_set(e, ERR_FORMAT, "the server's answer is malformed");
}

int
call_stat(struct caller *c, const char *path, bool follow,
    struct sftp_attrs *ret, struct error *e)
{
	struct sftp_request q = { .kind = follow ? SFTP_STAT : SFTP_LSTAT,
		.path = span_text(path) };
	struct call *call;
	int r = request(c, &q, &call, e);

	if (r == 0 && sftp_attrs_answer_read(buf_span(&call->body), ret) != 0)
		r = malformed(e);
	call_free(call);
	return r;
}

int
call_name(struct caller *c, enum sftp_kind kind, const char *path, char **ret,
    struct error *e)
{
	struct sftp_request q = { .kind = kind, .path = span_text(path) };
	struct sftp_name name = { 0 };
	struct reader rd;
	struct call *call;
	uint32_t count;
	int r = request(c, &q, &call, e);

	if (r == 0) {
		rd = reader_of(buf_span(&call->body));
		if (sftp_names_read(&rd, &count) != 0 || count != 1 ||
		    (name = sftp_name_next(&rd), read_error(&rd)) != 0 ||
		    span_has_nul(name.name))
			r = malformed(e);
		else if ((*ret = span_dup_text(name.name)) == NULL)
			r = error_set(e, ERR_MEMORY, "out of memory");
	}
	call_free(call);
	return r;
}

int
call_path(struct caller *c, enum sftp_kind kind, const char *path,
    const struct sftp_attrs *a, struct error *e)
{
	struct sftp_request q = { .kind = kind, .path = span_text(path) };

	if (a != NULL)
		q.attrs = *a;
	return request_status(c, &q, e);
}

int
call_two_paths(struct caller *c, enum sftp_kind kind, const char *from,
    const char *to, struct error *e)
{
	struct sftp_request q = {
		.kind = kind, .path = span_text(from), .path2 = span_text(to)
	};

	return request_status(c, &q, e);
}

int
call_statvfs(struct caller *c, const char *path, struct sftp_statvfs *ret,
    struct error *e)
{
	struct sftp_request q = { .kind = SFTP_STATVFS,
		.path = span_text(path) };
	struct call *call;
	int r = request(c, &q, &call, e);

	if (r == 0 && sftp_statvfs_read(buf_span(&call->body), ret) != 0)
		r = malformed(e);
	call_free(call);
	return r;
}

/* ---- many at once ---- */

static int
stat_start(struct caller *c, const char *path, bool follow, struct call **ret)
{
	struct sftp_request q = { .kind = follow ? SFTP_STAT : SFTP_LSTAT,
		.path = span_text(path) };

	if ((*ret = calloc(1, sizeof(**ret))) == NULL)
		return ERR_MEMORY;
	client_request(client_link_client(c->link), &q, on_reply, *ret);
	return 0;
}

/* Waits for the answers in order; later ones come meanwhile. */
static int
stat_collect(
    struct caller *c, struct call *call, struct sftp_attrs *ret, int *ret_code)
{
	int r = call_wait(c, call, NULL);

	*ret_code = r;
	if (r == 0 && sftp_attrs_answer_read(buf_span(&call->body), ret) != 0)
		*ret_code = ERR_FORMAT;
	if (!call->is_abandoned)
		call_free(call);
	return r == ERR_CANCELLED || r == ERR_CLOSED ? r : 0;
}

#define STATS_AT_ONCE 512

int
call_stat_all(struct caller *c, const char *const *paths, size_t count,
    bool follow, struct sftp_attrs *ret, int *ret_codes, struct error *e)
{
	struct call *calls[STATS_AT_ONCE];
	int r = 0;

	for (size_t from = 0; from < count && r == 0; from += STATS_AT_ONCE) {
		size_t n =
		    count - from < STATS_AT_ONCE ? count - from : STATS_AT_ONCE;
		size_t started = 0;

		while (r == 0 && started < n) {
			r = stat_start(
			    c, paths[from + started], follow, &calls[started]);
			started += r == 0;
		}
		for (size_t i = 0; i < started; i++) {
			int s = stat_collect(
			    c, calls[i], &ret[from + i], &ret_codes[from + i]);

			r = r == 0 ? s : r;
		}
	}
	return r == 0 ? 0 : error_set(e, r, "%s", error_text(r));
}

/* ---- copies made by the server ---- */

static int
open_handle(struct caller *c, const char *path, uint32_t pflags,
    const struct sftp_attrs *a, struct call **ret, struct error *e)
{
	struct sftp_request q = {
		.kind = SFTP_OPEN, .path = span_text(path), .pflags = pflags
	};

	if (a != NULL)
		q.attrs = *a;
	return request(c, &q, ret, e);
}

static int
close_handle(struct caller *c, struct call *handle, struct error *e)
{
	struct sftp_request q = { .kind = SFTP_CLOSE };
	int r;

	if (handle == NULL)
		return 0;
	q.handle = buf_span(&handle->body);
	r = request_status(c, &q, e);
	call_free(handle);
	return r;
}

int
call_copy(struct caller *c, const char *from, const char *to, struct error *e)
{
	struct sftp_attrs a = { 0 };
	struct call *source = NULL, *target = NULL;
	struct sftp_request q = { .kind = SFTP_COPY_DATA };
	int r = call_stat(c, from, true, &a, e), s;

	a.flags &= SSH_FILEXFER_ATTR_PERMISSIONS;
	a.permissions &= 0777;
	if (r == 0)
		r = open_handle(c, from, SSH_FXF_READ, NULL, &source, e);
	if (r == 0)
		r = open_handle(c, to,
		    SSH_FXF_WRITE | SSH_FXF_CREAT | SSH_FXF_TRUNC, &a, &target,
		    e);
	if (r == 0) {
		q.handle = buf_span(&source->body);
		q.handle2 = buf_span(&target->body);
		r = request_status(c, &q, e);
	}
	s = close_handle(c, target, r == 0 ? e : NULL);
	r = r == 0 ? s : r;
	s = close_handle(c, source, r == 0 ? e : NULL);
	return r == 0 ? s : r;
}

/* ---- listings ---- */

void
call_entries_release(struct call_entries *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->item[i].name);
		free(list->item[i].longname);
	}
	free(list->item);
	memset(list, 0, sizeof(*list));
}

int
call_entries_add(struct call_entries *list, const struct call_entry *entry)
{
	struct call_entry *item;
	size_t cap;

	if (list->count == CALL_ENTRIES_MAX)
		return ERR_LIMIT;
	if (list->count == list->cap) {
		cap = list->cap == 0 ? 64 : list->cap * 2;
		item = realloc(list->item, cap * sizeof(*item));
		if (item == NULL)
			return ERR_MEMORY;
		list->item = item;
		list->cap = cap;
	}
	list->item[list->count++] = *entry;
	return 0;
}

struct call_listing {
	struct client_list *list; /* NULL once it has ended */
	struct call_entries *to;
	int code;
	struct error *e;
};

static void
on_entry(const struct sftp_name *entry, void *context)
{
	struct call_listing *listing = context;
	struct call_entry copy = { .name = span_dup_text(entry->name),
		.longname = span_dup_text(entry->longname),
		.a = entry->attrs };

	if (listing->code == 0 && (copy.name == NULL || copy.longname == NULL))
		listing->code = ERR_MEMORY;
	if (listing->code == 0)
		listing->code = call_entries_add(listing->to, &copy);
	if (listing->code != 0) {
		free(copy.name);
		free(copy.longname);
	}
}

static void
on_list_end(int code, const struct error *e, void *context)
{
	struct call_listing *listing = context;

	listing->list = NULL;
	if (listing->code != 0) {
		error_set(
		    listing->e, listing->code, "%s", error_text(listing->code));
	} else if (code != 0) {
		listing->code = code;
		if (listing->e != NULL)
			*listing->e = *e;
	}
}

int
call_list_all(struct caller *c, const char *const *paths, size_t count,
    struct call_entries *ret, int *ret_codes, struct error *e)
{
	struct call_listing *listing = calloc(count, sizeof(*listing));
	bool is_cancelled = false;

	if (listing == NULL)
		return error_set(e, ERR_MEMORY, "out of memory");
	for (size_t i = 0; i < count; i++) {
		struct client_list_owner owner = { on_entry, on_list_end, true,
			&listing[i] };

		listing[i].to = &ret[i];
		listing[i].e = e;
		listing[i].list = client_list_start(
		    client_link_client(c->link), paths[i], &owner);
		if (listing[i].list == NULL)
			listing[i].code =
			    error_set(e, ERR_CLOSED, "Connection closed");
	}
	for (size_t i = 0; i < count; i++) {
		while (listing[i].list != NULL && !is_interrupted(c))
			turn(c);
		if (listing[i].list != NULL) {
			is_cancelled = true;
			client_list_stop(listing[i].list);
			listing[i].code = ERR_CANCELLED;
		}
		ret_codes[i] = listing[i].code;
	}
	free(listing);
	return is_cancelled ? error_set(e, ERR_CANCELLED, "Interrupted") : 0;
}

int
call_list(struct caller *c, const char *path, struct call_entries *ret,
    struct error *e)
{
	int code = 0;
	int r = call_list_all(c, &path, 1, ret, &code, e);

	if (r == 0)
		r = code;
	if (r != 0)
		call_entries_release(ret);
	return r;
}
