/*
 * session_sftp.c - internal-sftp on a channel.
 *
 * Requests are taken where the channel offers them; answers go out from the
 * loop's deferred work, as streams do, while the transport has room.
 */
#include "sshd/session_sftp.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/config/config.h"
#include "sftp/protocol.h"
#include "sftp/server.h"
#include "sftp/server_arguments.h"
#include "sshd/session_trees.h"

#define WORD         "internal-sftp"
#define EXIT_FATAL   255
#define EXIT_NOLOGIN 254
#define EXIT_REFUSED 1

/* What waits in front of the next key of a terminal on this connection. */
#define PENDING_BESIDE_TERMINAL (128u * 1024)

/* Requests are taken up to this: the longest answer then has room to be read
 * straight into its packets. */
#define PENDING_BESIDE_ANSWER (TRANSPORT_PENDING_HIGH - SFTP_PACKET_MAX)

struct session_sftp {
	struct command *c;
	struct sftp_server *server; /* NULL: only a message and a status */
	char *message;
	struct sftp_server_options options;
	struct strings trees;
	size_t packet_len; /* data that one packet of the channel takes */
	bool eof;
	bool scheduled;
	bool ended; /* status, EOF and CLOSE were sent */
	bool dead;  /* freed by the deferred run that is to come */
	int status;
};

bool
session_sftp_is(const char *command)
{
	size_t len = strlen(WORD);

	return command != NULL && strncmp(command, WORD, len) == 0 &&
	       (command[len] == '\0' || command[len] == ' ' ||
		   command[len] == '\t');
}

bool
session_sftp_only(const struct user_session *u)
{
	return u->options.confine.count > 0 || u->start.key.confine.count > 0;
}

/* ---- the server's output ---- */

static bool
has_room(const struct session_sftp *s)
{
	const struct user_session *u = s->c->u;

	if (channel_room(s->c->channel) == 0)
		return false;
	if (transport_pending_bytes(u->transport) < PENDING_BESIDE_TERMINAL)
		return true;
	list_for_each(link, &u->commands)
		if (list_entry(link, struct command, link)->has_pty)
			return false;
	return true;
}

static bool
has_room_for_answer(void *context)
{
	const struct session_sftp *s = context;

	return has_room(s) && transport_pending_bytes(s->c->u->transport) <
				  PENDING_BESIDE_ANSWER;
}

/* What fails here is the transport, whose owner is told. */
static void
flush_output(struct session_sftp *s)
{
	struct span out = sftp_server_output(s->server);
	size_t taken;

	while (out.len > 0 && has_room(s)) {
		taken = 0;
		if (channel_write(
			s->c->channel, CHANNEL_STREAM_DATA, out, &taken) != 0 ||
		    taken == 0)
			return;
		sftp_server_sent(s->server, taken);
		out = sftp_server_output(s->server);
	}
}

static size_t
total(const struct iovec *room, size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		n += room[i].iov_len;
	return n;
}

static void
commit_answer(void *context, const struct iovec *room, size_t used)
{
	struct session_sftp *s = context;

	/* What fails here is the transport, whose owner is told. */
	IGNORE_RESULT(channel_read_commit(
			  s->c->channel, CHANNEL_STREAM_DATA, room, used) != 0);
}

/* The packets that an answer takes, and no more than those. */
static size_t
begin_answer(void *context, size_t want, struct iovec *ret_room, size_t max)
{
	struct session_sftp *s = context;
	size_t count = 0, packets;

	flush_output(s);
	if (sftp_server_output(s->server).len > 0 || !has_room(s))
		return 0;
	/* How large a packet may be is learnt from the first one. */
	for (int i = 0; i < 2; i++) {
		packets =
		    s->packet_len == 0 ? 1 : (want - 1) / s->packet_len + 1;
		if (packets > max)
			return 0;
		count = channel_read_begin(
		    s->c->channel, CHANNEL_STREAM_DATA, ret_room, packets);
		if (count == 0)
			return 0;
		if (total(ret_room, count) >= want &&
		    ret_room[0].iov_len >= SFTP_DATA_HEAD)
			return count;
		if (ret_room[0].iov_len > s->packet_len)
			s->packet_len = ret_room[0].iov_len;
		commit_answer(s, ret_room, 0);
	}
	return 0;
}

/* Its flag -l decided that the line is wanted: the monitor, which has a
 * level of its own, must not drop it. */
static void
log_line(void *context, enum log_level level, const char *line)
{
	struct session_sftp *s = context;
	char *text = text_format(WORD ": %s", line);

	if (text != NULL)
		send_log_line(level > LOG_LEVEL_INFO ? LOG_LEVEL_INFO : level,
		    text, s->c->u);
	free(text);
}

/* ---- the end ---- */

static void
end(struct session_sftp *s, int status)
{
	struct channel *channel = s->c->channel;

	s->ended = true;
	s->c->exit_sent = true;
	if (session_send_exit_status(channel, (uint32_t)status) != 0 ||
	    channel_send_eof(channel) != 0)
		return;
	IGNORE_RESULT(channel_close(channel));
}

/* ---- requests ---- */

static void
fail(struct session_sftp *s, int code)
{
	log_error(
	    "internal-sftp of %s: %s", s->c->u->start.user, error_text(code));
	end(s, EXIT_FATAL);
}

/* Requests that the channel keeps for us. */
static bool
take_queued(struct session_sftp *s)
{
	struct channel *channel = s->c->channel;
	struct span queued = channel_queued(channel, CHANNEL_STREAM_DATA);
	struct span rest = queued;
	int r;

	if (queued.len == 0 || !sftp_server_wants_input(s->server))
		return false;
	if ((r = sftp_server_input(s->server, &rest)) != 0) {
		fail(s, r);
		return false;
	}
	if (rest.len == queued.len)
		return false;
	IGNORE_RESULT(channel_consumed(channel, CHANNEL_STREAM_DATA,
			  queued.len - rest.len) != 0);
	return true;
}

static void
check_end(struct session_sftp *s)
{
	if (s->eof && !s->ended && !sftp_server_has_work(s->server) &&
	    sftp_server_output(s->server).len == 0 &&
	    channel_queued(s->c->channel, CHANNEL_STREAM_DATA).len == 0)
		end(s, 0);
}

static bool
is_over(const struct session_sftp *s)
{
	return s->ended || s->c->channel == NULL;
}

static void
run(struct session_sftp *s)
{
	if (sftp_server_has_work(s->server))
		sftp_server_work(s->server);
	do {
		flush_output(s);
	} while (!is_over(s) && take_queued(s));
	if (!is_over(s)) {
		flush_output(s);
		check_end(s);
	}
}

/* Instead of a service, and after the request was answered. */
static void
say(struct session_sftp *s)
{
	size_t taken = 0;

	if (s->message != NULL)
		IGNORE_RESULT(
		    channel_write(s->c->channel, CHANNEL_STREAM_STDERR,
			span_text(s->message), &taken) != 0);
	end(s, s->status);
}

static void
on_run(void *context)
{
	struct session_sftp *s = context;

	s->scheduled = false;
	if (s->dead)
		free(s);
	else if (is_over(s))
		return;
	else if (s->server != NULL)
		run(s);
	else
		say(s);
}

static void
schedule(struct session_sftp *s)
{
	if (!s->scheduled && loop_defer(s->c->u->loop, on_run, s) == 0)
		s->scheduled = true;
}

/* Before each wait: is there anything that could be done? The link has
 * written by now, so it is done in the next turn. */
static void
prepare(void *context)
{
	struct session_sftp *s = context;

	if (is_over(s))
		return;
	if (sftp_server_has_work(s->server) ||
	    (has_room(s) && sftp_server_output(s->server).len > 0) ||
	    (has_room_for_answer(s) &&
		channel_queued(s->c->channel, CHANNEL_STREAM_DATA).len > 0))
		schedule(s);
}

size_t
session_sftp_on_data(
    struct session_sftp *s, enum channel_stream stream, struct span data)
{
	struct span rest = data;
	int r;

	if (s->ended || s->server == NULL || stream != CHANNEL_STREAM_DATA)
		return data.len;
	if ((r = sftp_server_input(s->server, &rest)) != 0) {
		fail(s, r);
		return data.len;
	}
	/* Answers leave together, when all that has arrived was handled. */
	schedule(s);
	return data.len - rest.len;
}

void
session_sftp_on_eof(struct session_sftp *s)
{
	s->eof = true;
	if (s->server != NULL)
		schedule(s);
}

void
session_sftp_on_writable(struct session_sftp *s)
{
	if (s->server != NULL)
		schedule(s);
}

/* ---- start ---- */

static void
refuse(struct session_sftp *s, const char *text, int status)
{
	s->message = strdup(text);
	s->status = status;
	schedule(s);
}

/* What a shell would be refused with as well. */
static bool
is_refused(struct session_sftp *s)
{
	const struct session_start *start = &s->c->u->start;

	if (start->nologin[0] != '\0')
		refuse(s, start->nologin, EXIT_NOLOGIN);
	else if (start->must_change_password)
		refuse(s, "Password change required but no TTY available.\n",
		    EXIT_REFUSED);
	/* Who asked for something else (a shell, scp -O) speaks no SFTP: both
	 * sides would wait for each other for ever. */
	else if (s->c->has_pty || !s->c->is_subsystem)
		refuse(s, "This service allows sftp connections only.\r\n",
		    EXIT_REFUSED);
	else
		return false;
	return true;
}

static int
parse_line(struct session_sftp *s, const char *line, struct error *e)
{
	struct strings words = STRINGS_INIT;
	enum sftp_server_action action = SFTP_SERVER_RUN;
	int r = sftp_server_words(line, &words);

	if (r == 0)
		r = sftp_server_arguments(
		    (int)words.count, words.item, &s->options, &action, e);
	if (r == 0 && action != SFTP_SERVER_RUN)
		r = error_set(e, ERR_ARGUMENT,
		    "unknown flag in \"%s\": see sftp-server(8)", line);
	strings_release(&words);
	return r;
}

static bool
is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* -d, else the home directory, else / (in a chroot there may be neither). */
static char *
choose_start(struct session_sftp *s, struct error *e)
{
	const struct session_start *start = &s->c->u->start;
	char *path =
	    sftp_server_start(&s->options, start->user, start->home, e);

	if (path == NULL || is_directory(path))
		return path;
	if (s->options.start_directory != NULL)
		log_error("internal-sftp: cannot start in %s", path);
	free(path);
	if ((path = strdup("/")) == NULL)
		error_set(e, ERR_MEMORY, "out of memory");
	return path;
}

/* With Confine the whole session is held to the trees: it serves nothing
 * else. */
static int
confine(struct session_sftp *s, struct error *e)
{
	struct user_session *u = s->c->u;
	int r;

	if (s->trees.count == 0 || u->is_confined)
		return 0;
	r = sftp_server_confine_process(s->server, e);
	u->is_confined = r == 0;
	return r;
}

static int
start_server(struct session_sftp *s, const char *line, struct error *e)
{
	const struct session_start *start = &s->c->u->start;
	struct sftp_server_config config = { .options = &s->options,
		.user = start->user,
		.home = start->home,
		.address = start->peer.remote_text,
		.trees = &s->trees,
		.log = log_line,
		.begin = begin_answer,
		.commit = commit_answer,
		.has_room = has_room_for_answer,
		.context = s };
	char *path;
	int r;

	if ((r = parse_line(s, line, e)) != 0 ||
	    (r = session_trees(s->c->u, &s->trees, e)) != 0)
		return r;
	if ((path = choose_start(s, e)) == NULL)
		return ERR_MEMORY;
	config.start = path;
	r = sftp_server_new(&config, &s->server, e);
	free(path);
	if (r == 0 && (r = confine(s, e)) != 0) {
		sftp_server_free(s->server);
		s->server = NULL;
	}
	return r;
}

bool
session_sftp_start(
    struct command *c, const char *line, struct session_sftp **ret)
{
	struct session_sftp *s = calloc(1, sizeof(*s));
	struct error e = { 0 };
	char *text;
	int r;

	if (s == NULL)
		return false;
	s->c = c;
	*ret = s;
	if (is_refused(s))
		return true;
	if ((r = start_server(s, line, &e)) != 0) {
		log_error("internal-sftp for %s: %s", c->u->start.user,
		    error_message(&e, r));
		text = text_format(WORD ": %s\r\n", error_message(&e, r));
		refuse(s, text != NULL ? text : "", EXIT_FATAL);
		free(text);
		return true;
	}
	if (loop_add_prepare(c->u->loop, prepare, s) != 0) {
		session_sftp_free(s);
		*ret = NULL;
		return false;
	}
	return true;
}

void
session_sftp_free(struct session_sftp *s)
{
	if (s == NULL)
		return;
	if (s->server != NULL)
		loop_remove_prepare(s->c->u->loop, prepare, s);
	sftp_server_free(s->server);
	sftp_server_options_release(&s->options);
	strings_release(&s->trees);
	free(s->message);
	s->server = NULL;
	s->dead = true;
	if (!s->scheduled)
		free(s);
}
