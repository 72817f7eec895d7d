/*
 * server.c - an SFTP server's input, output, and which request goes where.
 */
#include "sftp/server.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sftp/server_impl.h"

/* ---- status ---- */

uint32_t
server_errno_status(int number)
{
	switch (number) {
	case 0:
		return SSH_FX_OK;
	case ENOENT:
	case ENOTDIR:
	case EBADF:
	case ELOOP:
		return SSH_FX_NO_SUCH_FILE;
	case EPERM:
	case EACCES:
	case EFAULT:
	case EROFS:
		return SSH_FX_PERMISSION_DENIED;
	case ENOSYS:
	case EOPNOTSUPP:
		return SSH_FX_OP_UNSUPPORTED;
	default:
		return SSH_FX_FAILURE;
	}
}

static void
send_status(struct sftp_server *s, uint32_t id, uint32_t code, const char *text)
{
	if (code != SSH_FX_OK && code != SSH_FX_EOF)
		server_log(s, LOG_LEVEL_VERBOSE, "sent status %s", text);
	sftp_status_write(&s->out, id, code, text);
}

void
server_status(struct sftp_server *s, uint32_t id, uint32_t code)
{
	send_status(s, id, code, sftp_status_text(code));
}

void
server_errno(struct sftp_server *s, uint32_t id, int number)
{
	uint32_t code = server_errno_status(number);

	/* Where the code alone says it, in the words that people know. */
	if (number == 0 || number == ENOENT || number == EACCES)
		server_status(s, id, code);
	else
		send_status(s, id, code, strerror(number));
}

/* ---- what the requests share ---- */

bool
server_logs(const struct sftp_server *s, enum log_level level)
{
	return s->config.log != NULL && level <= s->options->log_level;
}

void
server_log(struct sftp_server *s, enum log_level level, const char *format, ...)
{
	va_list args;
	char *line;
	int n;

	if (!server_logs(s, level))
		return;
	va_start(args, format);
	n = vasprintf(&line, format, args);
	va_end(args);
	if (n < 0)
		return;
	s->config.log(s->config.context, level, line);
	free(line);
}

const char *
server_shown(const char *path)
{
	static struct buf shown[4];
	static unsigned turn;
	struct buf *b = &shown[turn++ % ARRAY_COUNT(shown)];
	const char *text;

	buf_clear(b);
	text_escape(b, span_text(path), true);
	text = buf_text(b);
	return text != NULL ? text : "?";
}

bool
server_path(struct span path, char out[SERVER_PATH_MAX])
{
	if (path.len >= SERVER_PATH_MAX) {
		errno = ENAMETOOLONG;
		return false;
	}
	if (path.len > 0)
		memcpy(out, path.ptr, path.len);
	out[path.len] = '\0';
	return true;
}

mode_t
server_umask_enter(const struct sftp_server *s)
{
	return s->options->has_umask ? umask(s->options->umask) : 0;
}

void
server_umask_leave(const struct sftp_server *s, mode_t saved)
{
	if (s->options->has_umask)
		umask(saved);
}

/* ---- the table ---- */

static server_handler *const handlers[SFTP_KIND_COUNT] = {
	[SFTP_OPEN] = server_on_open,
	[SFTP_CLOSE] = server_on_close,
	[SFTP_READ] = server_on_read,
	/* WRITE comes in pieces. */
	[SFTP_LSTAT] = server_on_lstat,
	[SFTP_FSTAT] = server_on_fstat,
	[SFTP_SETSTAT] = server_on_setstat,
	[SFTP_FSETSTAT] = server_on_fsetstat,
	[SFTP_OPENDIR] = server_on_opendir,
	[SFTP_READDIR] = server_on_readdir,
	[SFTP_REMOVE] = server_on_remove,
	[SFTP_MKDIR] = server_on_mkdir,
	[SFTP_RMDIR] = server_on_rmdir,
	[SFTP_REALPATH] = server_on_realpath,
	[SFTP_STAT] = server_on_stat,
	[SFTP_RENAME] = server_on_rename,
	[SFTP_READLINK] = server_on_readlink,
	[SFTP_SYMLINK] = server_on_symlink,
	[SFTP_POSIX_RENAME] = server_on_posix_rename,
	[SFTP_STATVFS] = server_on_statvfs,
	[SFTP_FSTATVFS] = server_on_fstatvfs,
	[SFTP_HARDLINK] = server_on_hardlink,
	[SFTP_FSYNC] = server_on_fsync,
	[SFTP_LSETSTAT] = server_on_lsetstat,
	[SFTP_LIMITS] = server_on_limits,
	[SFTP_EXPAND_PATH] = server_on_expand_path,
	[SFTP_COPY_DATA] = server_on_copy_data,
	[SFTP_HOME_DIRECTORY] = server_on_home_directory,
	[SFTP_USERS_GROUPS] = server_on_users_groups,
	[SFTP_CHECK_HANDLE] = server_on_check_file,
	[SFTP_CHECK_NAME] = server_on_check_file,
	[SFTP_CHECK_FILE] = server_on_check_file,
	[SFTP_SPACE_AVAILABLE] = server_on_space_available,
};

/* May this be done at all? What writes is decided here, in one place, by
 * the table of requests; what OPEN does, by its flags. */
static bool
is_permitted(struct sftp_server *s, enum sftp_kind kind, bool writes)
{
	const struct sftp_server_options *o = s->options;
	const char *name = sftp_kind_name(kind);

	if ((o->denied >> kind & 1) != 0 || (o->allowed >> kind & 1) == 0) {
		server_log(s, LOG_LEVEL_INFO, "Refusing %s request", name);
		return false;
	}
	if (o->read_only && writes) {
		server_log(s, LOG_LEVEL_VERBOSE,
		    "Refusing %s request in read-only mode", name);
		return false;
	}
	return true;
}

static void
on_request(struct sftp_server *s, const struct sftp_event *e)
{
	struct sftp_request q;
	int r = sftp_request_read(e, &q);

	if (r == ERR_UNSUPPORTED) {
		server_status(s, q.id, SSH_FX_OP_UNSUPPORTED);
		return;
	}
	if (r != 0 || handlers[q.kind] == NULL) {
		server_status(s, q.id, SSH_FX_BAD_MESSAGE);
		return;
	}
	server_log(s, LOG_LEVEL_DEBUG3, "request %u: %s", q.id,
	    sftp_kind_name(q.kind));
	if (!is_permitted(s, q.kind,
		sftp_kind_writes(q.kind) ||
		    (q.kind == SFTP_OPEN && sftp_open_writes(q.pflags)))) {
		server_status(s, q.id, SSH_FX_PERMISSION_DENIED);
		return;
	}
	handlers[q.kind](s, &q);
}

/* Its first piece decides; what follows is written, or dropped. */
static void
on_bulk(struct sftp_server *s, const struct sftp_event *e)
{
	if (e->done == 0) {
		s->write_status = SSH_FX_OK;
		s->write_errno = 0;
		s->write_handle = handle_find(s, e->handle, HANDLE_FILE);
		if (!is_permitted(s, SFTP_WRITE, true))
			s->write_status = SSH_FX_PERMISSION_DENIED;
		else if (s->write_handle == NULL || e->total > SFTP_DATA_MAX)
			s->write_status = SSH_FX_FAILURE;
		else if (!s->write_handle->writable)
			s->write_status = SSH_FX_PERMISSION_DENIED;
	}
	if (s->write_status == SSH_FX_OK)
		server_on_write_piece(s, e);
	if (e->done + e->piece.len < e->total)
		return;
	if (s->write_status != SSH_FX_OK)
		server_status(s, e->id, s->write_status);
	else
		server_errno(s, e->id, s->write_errno);
	s->write_handle = NULL;
}

static int
on_init(struct sftp_server *s, const struct sftp_event *e)
{
	uint32_t version;
	int r;

	if (e->event != SFTP_INPUT_PACKET || e->type != SSH_FXP_INIT ||
	    s->started)
		return ERR_UNEXPECTED;
	if ((r = sftp_init_read(e->body, &version)) != 0)
		return r;
	server_log(s, LOG_LEVEL_VERBOSE, "received client version %u", version);
	s->started = true;
	sftp_version_write(&s->out, s->options->denied | ~s->options->allowed);
	return 0;
}

/* ---- input and output ---- */

static size_t
waiting(const struct sftp_server *s)
{
	return s->out.len - s->out_sent;
}

bool
sftp_server_wants_input(const struct sftp_server *s)
{
	const struct sftp_server_config *c = &s->config;

	return s->job.kind == JOB_NONE &&
	       waiting(s) < SFTP_SERVER_OUTPUT_HIGH &&
	       (c->has_room == NULL || c->has_room(c->context));
}

int
sftp_server_input(struct sftp_server *s, struct span *data)
{
	struct sftp_event e;
	int r;

	while (sftp_server_wants_input(s)) {
		if ((r = sftp_input_next(&s->input, data, &e)) != 0)
			return r;
		if (e.event == SFTP_INPUT_NEED)
			break;
		if (!s->started || e.type == SSH_FXP_INIT) {
			if ((r = on_init(s, &e)) != 0)
				return r;
		} else if (e.event == SFTP_INPUT_BULK) {
			on_bulk(s, &e);
		} else {
			on_request(s, &e);
		}
		if ((r = buf_error(&s->out)) != 0)
			return r;
	}
	return 0;
}

struct span
sftp_server_output(const struct sftp_server *s)
{
	if (waiting(s) == 0)
		return span_of(NULL, 0);
	return span_of(s->out.data + s->out_sent, waiting(s));
}

void
sftp_server_sent(struct sftp_server *s, size_t n)
{
	s->out_sent += n;
	if (s->out_sent == s->out.len) {
		buf_clear(&s->out);
		s->out_sent = 0;
	} else if (s->out_sent >= SFTP_SERVER_OUTPUT_HIGH) {
		/* Moved seldom: what is left is shorter than what is gone. */
		buf_consume(&s->out, s->out_sent);
		s->out_sent = 0;
	}
}

bool
sftp_server_has_work(const struct sftp_server *s)
{
	return s->job.kind != JOB_NONE;
}

void
sftp_server_work(struct sftp_server *s)
{
	if (s->job.kind != JOB_NONE)
		job_work(s);
}

/* ---- life ---- */

/* limits@openssh.com. */
void
server_on_limits(struct sftp_server *s, const struct sftp_request *q)
{
	struct sftp_limits l = { .packet = SFTP_PACKET_MAX,
		.read = SFTP_DATA_MAX,
		.write = SFTP_DATA_MAX,
		.handles = s->handles.limit };

	sftp_limits_write(&s->out, q->id, &l);
}

/* The account database is out of reach then: who is most likely to own what
 * is listed is looked up before. */
int
sftp_server_confine_process(struct sftp_server *s, struct error *e)
{
	owners_user(&s->owners, 0);
	owners_user(&s->owners, (uint32_t)getuid());
	owners_group(&s->owners, 0);
	owners_group(&s->owners, (uint32_t)getgid());
	return sftp_place_confine_process(&s->place, e);
}

static void
log_session(struct sftp_server *s, const char *what)
{
	const char *address = s->config.address;

	server_log(s, LOG_LEVEL_INFO, "session %s for local user %s from [%s]",
	    what, s->config.user,
	    address != NULL && address[0] != '\0' ? address : "UNKNOWN");
}

int
sftp_server_new(const struct sftp_server_config *config,
    struct sftp_server **ret, struct error *e)
{
	static const struct strings everything = STRINGS_INIT;
	struct sftp_server *s = calloc(1, sizeof(*s));
	int r;

	if (s == NULL)
		return error_set(e, ERR_MEMORY, "out of memory");
	s->config = *config;
	s->options = config->options;
	r = sftp_place_init(&s->place, config->start,
	    config->trees != NULL ? config->trees : &everything, e);
	if (r != 0) {
		free(s);
		return r;
	}
	sftp_input_init(&s->input, SSH_FXP_WRITE, SFTP_PACKET_MAX);
	handles_init(&s->handles);
	log_session(s, "opened");
	*ret = s;
	return 0;
}

void
sftp_server_free(struct sftp_server *s)
{
	if (s == NULL)
		return;
	job_release(s);
	handles_release(s);
	log_session(s, "closed");
	sftp_place_release(&s->place);
	sftp_input_release(&s->input);
	owners_release(&s->owners);
	buf_release(&s->out);
	free(s);
}
