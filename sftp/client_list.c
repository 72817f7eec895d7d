/*
 * client_list.c - a folder's listing. draft-ietf-secsh-filexfer-02 s6.7.
 */
#include "sftp/client_list.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"

/* READDIRs in flight: some servers give a handful of names for each. */
#define READS_AHEAD 4

struct client_list {
	struct client *c;
	struct client_list_owner owner;
	uint8_t handle[SFTP_HANDLE_MAX];
	size_t handle_len;
	bool has_handle;
	unsigned asked; /* requests without an answer */
	uint64_t entries;
	bool is_paused;
	bool is_over; /* all names are here, or an error was */
	bool is_told; /* the owner knows */
	int code;
	struct error error;
};

int
client_status_error(const struct client_reply *r, struct error *e)
{
	char *text = client_status_text(r);
	int code;

	switch (r->status) {
	case SSH_FX_NO_SUCH_FILE:
		code = ERR_NOT_FOUND;
		break;
	case SSH_FX_PERMISSION_DENIED:
		code = ERR_PERMISSION;
		break;
	case SSH_FX_OP_UNSUPPORTED:
		code = ERR_UNSUPPORTED;
		break;
	case SSH_FX_NO_CONNECTION:
	case SSH_FX_CONNECTION_LOST:
		code = ERR_CLOSED;
		break;
	default:
		code = ERR_SYSTEM;
		break;
	}
	error_set(e, code, "%s",
	    text != NULL ? text : client_status_words(r->status));
	free(text);
	return code;
}

/* ---- the end ---- */

static void
end_listing(struct client_list *l, int code)
{
	if (l->is_over)
		return;
	l->is_over = true;
	l->code = code;
}

static void
close_handle(struct client_list *l)
{
	struct sftp_request q = { .kind = SFTP_CLOSE,
		.handle = span_of(l->handle, l->handle_len) };

	if (!l->has_handle)
		return;
	l->has_handle = false;
	/* Nothing is lost when closing a folder fails. */
	client_request(l->c, &q, NULL, NULL);
}

/* Tells and frees once nothing more can come. */
static void
finish(struct client_list *l)
{
	if (!l->is_over)
		return;
	close_handle(l);
	if (!l->is_told) {
		l->is_told = true;
		l->owner.on_end(l->code, &l->error, l->owner.context);
	}
	if (l->asked == 0)
		free(l);
}

/* ---- names ---- */

static bool
is_dots(struct span name)
{
	return span_is(name, ".") || span_is(name, "..");
}

static bool
is_usable(struct span name)
{
	return name.len > 0 && memchr(name.ptr, '/', name.len) == NULL &&
	       !span_has_nul(name);
}

static int
bad_name(struct client_list *l, struct span name)
{
	char *text = text_escaped(name);
	int r = error_set(&l->error, ERR_FORMAT,
	    "the server sent \"%s\" as a name in the folder, which is none",
	    text != NULL ? text : "");

	free(text);
	return r;
}

static int
take_entry(struct client_list *l, const struct sftp_name *entry)
{
	if (++l->entries > CLIENT_LIST_MAX)
		return error_set(&l->error, ERR_LIMIT,
		    "the server lists more than %d names in the folder",
		    CLIENT_LIST_MAX);
	if (!is_usable(entry->name))
		return bad_name(l, entry->name);
	if (!l->is_told && (l->owner.with_dots || !is_dots(entry->name)))
		l->owner.on_entry(entry, l->owner.context);
	return 0;
}

static int
take_names(struct client_list *l, struct span body)
{
	struct reader rd = reader_of(body);
	uint32_t count;
	int r = sftp_names_read(&rd, &count);

	if (r == 0 && count == 0)
		return error_set(&l->error, ERR_FORMAT,
		    "the server answers with a list of no names");
	for (uint32_t i = 0; r == 0 && i < count; i++) {
		struct sftp_name entry = sftp_name_next(&rd);

		r = read_error(&rd) == 0 ? take_entry(l, &entry)
					 : read_error(&rd);
	}
	if (r != 0 && l->error.code == 0)
		error_set(&l->error, ERR_FORMAT,
		    "the server sent a malformed list of names");
	return r;
}

/* ---- requests ---- */

static void ask_for_names(struct client_list *l);

static void
on_names(const struct client_reply *r, void *context)
{
	struct client_list *l = context;
	int code;

	l->asked--;
	if (!l->is_over) {
		if (r->status == SSH_FX_EOF)
			end_listing(l, 0);
		else if (r->status != SSH_FX_OK)
			end_listing(l, client_status_error(r, &l->error));
		else if ((code = take_names(l, r->body)) != 0)
			end_listing(l, code);
		else
			ask_for_names(l);
	}
	finish(l);
}

static void
ask_for_names(struct client_list *l)
{
	struct sftp_request q = { .kind = SFTP_READDIR,
		.handle = span_of(l->handle, l->handle_len) };

	while (!l->is_over && !l->is_paused && l->has_handle &&
	       l->asked < READS_AHEAD) {
		l->asked++;
		client_request(l->c, &q, on_names, l);
		/* A small folder has all its names in the first answer. */
		if (l->entries == 0 && l->asked == 2)
			break;
	}
}

static void
on_opened(const struct client_reply *r, void *context)
{
	struct client_list *l = context;

	l->asked--;
	if (r->status == SSH_FX_OK) {
		memcpy(l->handle, r->body.ptr, r->body.len);
		l->handle_len = r->body.len;
		l->has_handle = true;
		ask_for_names(l);
	} else {
		end_listing(l, client_status_error(r, &l->error));
	}
	finish(l);
}

struct client_list *
client_list_start(
    struct client *c, const char *path, const struct client_list_owner *owner)
{
	struct client_list *l = calloc(1, sizeof(*l));
	struct sftp_request q = { .kind = SFTP_OPENDIR,
		.path = span_text(path) };

	if (l == NULL)
		return NULL;
	l->c = c;
	l->owner = *owner;
	if (client_is_over(c)) {
		free(l);
		return NULL;
	}
	l->asked = 1;
	client_request(c, &q, on_opened, l);
	return l;
}

void
client_list_pause(struct client_list *l, bool paused)
{
	l->is_paused = paused;
	if (!paused)
		ask_for_names(l);
}

void
client_list_stop(struct client_list *l)
{
	l->is_told = true;
	end_listing(l, ERR_CANCELLED);
	finish(l);
}
