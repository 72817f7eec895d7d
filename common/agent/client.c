/*
 * client.c - asking an agent.
 * draft-ietf-sshm-ssh-agent s4; session-bind: surface notes s9.
 */
#include "common/agent/client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/time.h"

/* Of one key's comment, and of one extension's name. */
#define COMMENT_MAX  4096
#define NAME_MAX_LEN 256
#define NAMES_MAX    256

struct agent {
	int fd;
	unsigned answer_ms; /* 0: for ever */
	struct buf in;      /* the answer, from its type on */
};

/* ---- the connection ---- */

int
agent_adopt(int fd, struct agent **ret)
{
	struct agent *a = calloc(1, sizeof(*a));

	if (a == NULL) {
		close(fd);
		return ERR_MEMORY;
	}
	a->fd = fd;
	a->in = (struct buf)BUF_MAX_INIT(AGENT_MESSAGE_MAX);
	*ret = a;
	return 0;
}

int
agent_connect(const char *path, struct agent **ret, struct error *e)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd, r;

	if (path == NULL)
		path = getenv("SSH_AUTH_SOCK");
	if (path == NULL || path[0] == '\0')
		return error_set(
		    e, ERR_NOT_FOUND, "no agent: SSH_AUTH_SOCK is not set");
	if (!text_copy(address.sun_path, sizeof(address.sun_path), path)) {
		errno = ENAMETOOLONG;
		return error_set_errno(e, "connecting to the agent %s", path);
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_set_errno(e, "making a socket");
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		IGNORE_RESULT(
		    error_set_errno(e, "connecting to the agent %s", path));
		if (e != NULL)
			e->code = ERR_SYSTEM; /* whatever errno says */
		close(fd);
		return ERR_SYSTEM;
	}
	if ((r = agent_adopt(fd, ret)) != 0)
		return error_set(e, r, "%s", error_text(r));
	return 0;
}

void
agent_close(struct agent *a)
{
	if (a == NULL)
		return;
	close(a->fd);
	buf_release(&a->in);
	free(a);
}

int
agent_fd(const struct agent *a)
{
	return a->fd;
}

void
agent_set_patience(struct agent *a, unsigned answer_ms)
{
	a->answer_ms = answer_ms;
}

/* As fd_read_exact; ERR_TIMEOUT once deadline_us (0: never) has passed. */
static int
read_exact(struct agent *a, uint8_t *to, size_t len, uint64_t deadline_us)
{
	struct pollfd p = { a->fd, POLLIN, 0 };

	if (deadline_us == 0)
		return fd_read_exact(a->fd, to, len);
	while (len > 0) {
		uint64_t now = time_monotonic_us();
		ssize_t n;

		if (now >= deadline_us)
			return ERR_TIMEOUT;
		if (poll(&p, 1, (int)((deadline_us - now) / 1000) + 1) <= 0)
			continue;
		n = recv(a->fd, to, len, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
			return ERR_CLOSED;
		if (n > 0) {
			to += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static int
no_answer(int code, const char *where, struct error *e)
{
	if (code == ERR_TIMEOUT)
		return error_set(e, ERR_TIMEOUT,
		    "the agent does not answer (it had some seconds)");
	return error_set(e, ERR_CLOSED,
	    "the agent closed the connection %s an answer", where);
}

static int
receive(struct agent *a, struct error *e)
{
	uint64_t deadline =
	    a->answer_ms == 0
		? 0
		: time_monotonic_us() + (uint64_t)a->answer_ms * 1000;
	uint8_t head[4];
	struct reader r = reader_of(span_of(head, sizeof(head)));
	uint8_t *room;
	uint32_t len;
	int error;

	if ((error = read_exact(a, head, sizeof(head), deadline)) != 0)
		return no_answer(error, "without", e);
	len = read_uint32(&r);
	if (len == 0 || len > AGENT_MESSAGE_MAX)
		return error_set(e, ERR_FORMAT,
		    "the agent's answer has a length of %u bytes (1 to %u "
		    "are allowed)",
		    (unsigned)len, AGENT_MESSAGE_MAX);
	buf_clear(&a->in);
	if ((room = buf_reserve(&a->in, len)) == NULL)
		return error_set(e, ERR_MEMORY, "%s", error_text(ERR_MEMORY));
	if ((error = read_exact(a, room, len, deadline)) != 0)
		return no_answer(error, "within", e);
	buf_extend(&a->in, len);
	return 0;
}

/* An agent that is gone is an error, not a SIGPIPE. */
static int
send_all(int fd, struct span bytes)
{
	while (bytes.len > 0) {
		ssize_t n = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ERR_CLOSED;
		bytes.ptr += n;
		bytes.len -= (size_t)n;
	}
	return 0;
}

/* Sends a request (length and type included) and receives the answer. */
static int
exchange(struct agent *a, struct buf *request, struct error *e)
{
	int r;

	if ((r = buf_error(request)) != 0)
		return error_set(e, r, "%s", error_text(r));
	if (request->len - 4 > AGENT_MESSAGE_MAX)
		return error_set(e, ERR_LIMIT,
		    "a request of %zu bytes is too long for an agent (%u)",
		    request->len - 4, AGENT_MESSAGE_MAX);
	if (send_all(a->fd, buf_span(request)) != 0)
		return error_set(
		    e, ERR_CLOSED, "the agent closed the connection");
	return receive(a, e);
}

/* ---- requests ---- */

static size_t
begin(struct buf *out, enum agent_message type)
{
	size_t mark = write_string_begin(out);

	write_byte(out, (uint8_t)type);
	return mark;
}

static size_t
begin_extension(struct buf *out, const char *name)
{
	size_t mark = begin(out, AGENT_EXTENSION);

	write_text(out, name);
	return mark;
}

static bool
is_failure(uint8_t type)
{
	return type == AGENT_FAILURE || type == AGENT_EXTENSION_FAILURE;
}

/* What an answer of a type that does not answer the request means. */
static int
refused(uint8_t type, struct error *e)
{
	if (is_failure(type))
		return error_set(e, ERR_PERMISSION, "agent refused operation");
	return error_set(e, ERR_FORMAT,
	    "the agent answered with a message of type %u", type);
}

/* Ends the request at mark; wants SUCCESS. Releases the request. */
static int
ask(struct agent *a, struct buf *request, size_t mark, struct error *e)
{
	int r;

	write_string_end(request, mark);
	if ((r = exchange(a, request, e)) == 0 &&
	    a->in.data[0] != AGENT_SUCCESS)
		r = refused(a->in.data[0], e);
	buf_release(request);
	return r;
}

/* ---- the list of keys ---- */

static void
identity_release(struct agent_identity *i)
{
	buf_release(&i->blob);
	key_unref(i->key);
	free(i->comment);
}

void
agent_identities_release(struct agent_identities *list)
{
	for (size_t i = 0; i < list->count; i++)
		identity_release(&list->item[i]);
	free(list->item);
	*list = (struct agent_identities){ 0 };
}

static int
read_identity(struct reader *r, struct agent_identity *ret)
{
	struct span blob = read_string(r);
	struct span comment = read_string(r);
	const uint8_t *nul;
	int error;

	if ((error = read_error(r)) != 0)
		return error;
	if (comment.len > COMMENT_MAX)
		comment.len = COMMENT_MAX;
	if (comment.len > 0 &&
	    (nul = memchr(comment.ptr, '\0', comment.len)) != NULL)
		comment.len = (size_t)(nul - comment.ptr);
	if ((ret->comment = span_dup_text(comment)) == NULL)
		return ERR_MEMORY;
	write_span(&ret->blob, blob);
	if ((error = buf_error(&ret->blob)) != 0)
		return error;
	/* A key that we cannot read still has a blob to show. */
	if (key_from_blob(blob, &ret->key) != 0)
		ret->key = NULL;
	return 0;
}

static int
read_identities(struct reader *r, struct agent_identities *ret)
{
	uint32_t count = read_uint32(r);
	int error;

	if ((error = read_error(r)) != 0)
		return error;
	if (count > AGENT_IDENTITIES_LIMIT)
		return ERR_LIMIT;
	if (count > r->len / 8) /* two strings each */
		return ERR_FORMAT;
	ret->item = calloc(count == 0 ? 1 : count, sizeof(*ret->item));
	if (ret->item == NULL)
		return ERR_MEMORY;
	while (ret->count < count) {
		error = read_identity(r, &ret->item[ret->count++]);
		if (error != 0)
			return error;
	}
	return read_end(r);
}

int
agent_list(struct agent *a, struct agent_identities *ret, struct error *e)
{
	struct agent_identities list = { 0 };
	struct buf request = BUF_INIT;
	struct reader r;
	int error;

	write_string_end(&request, begin(&request, AGENT_REQUEST_IDENTITIES));
	error = exchange(a, &request, e);
	buf_release(&request);
	if (error != 0)
		return error;
	r = reader_of(buf_span(&a->in));
	if (read_byte(&r) != AGENT_IDENTITIES_ANSWER)
		return refused(a->in.data[0], e);
	if ((error = read_identities(&r, &list)) != 0) {
		agent_identities_release(&list);
		return error_set(e,
		    error == ERR_MEMORY ? ERR_MEMORY : ERR_FORMAT,
		    "the agent's list of keys: %s", error_text(error));
	}
	*ret = list;
	return 0;
}

/* ---- signatures ---- */

static int
take_signature(struct agent *a, const struct signature_algorithm *algorithm,
    struct buf *ret_signature, struct error *e)
{
	struct reader r = reader_of(buf_span(&a->in));
	struct span signature, name;
	struct reader inner;
	int error;

	if (read_byte(&r) != AGENT_SIGN_RESPONSE)
		return refused(a->in.data[0], e);
	signature = read_string(&r);
	error = read_end(&r);
	inner = reader_of(signature);
	name = read_string(&inner);
	if (error != 0 || read_error(&inner) != 0)
		return error_set(
		    e, ERR_FORMAT, "the agent's signature is malformed");
	if (!span_is(name, algorithm->plain)) {
		char *text = text_escaped(name);

		error = error_set(e, ERR_SIGNATURE_ALGORITHM,
		    "the agent signed by %.64s where %s was asked for",
		    text == NULL ? "?" : text, algorithm->plain);
		free(text);
		return error;
	}
	write_span(ret_signature, signature);
	return buf_error(ret_signature);
}

int
agent_sign(struct agent *a, struct span blob,
    const struct signature_algorithm *algorithm, struct span data,
    struct buf *ret_signature, struct error *e)
{
	struct buf request = BUF_INIT;
	size_t mark = begin(&request, AGENT_SIGN_REQUEST);
	int r;

	write_string(&request, blob);
	write_string(&request, data);
	write_uint32(&request, agent_sign_flags(algorithm));
	write_string_end(&request, mark);
	if ((r = exchange(a, &request, e)) == 0)
		r = take_signature(a, algorithm, ret_signature, e);
	buf_release(&request);
	return r;
}

static int
sign_by_agent(void *context, const struct key *k,
    const struct signature_algorithm *a, struct span data,
    struct buf *ret_signature)
{
	return agent_sign(context, key_blob(k), a, data, ret_signature, NULL);
}

int
agent_key(struct agent *a, struct span blob, struct key **ret)
{
	struct key_signer signer = { sign_by_agent, NULL, a };
	int r;

	if ((r = key_from_blob(blob, ret)) == 0)
		key_set_signer(*ret, &signer);
	return r;
}

/* ---- adding and removing ---- */

int
agent_add(struct agent *a, const struct key *k, const struct key *certificate,
    const char *comment, const struct agent_constraints *c, struct error *e)
{
	struct buf request = BUF_SECRET_INIT;
	size_t mark =
	    begin(&request, agent_constraints_any(c) ? AGENT_ADD_ID_CONSTRAINED
						     : AGENT_ADD_IDENTITY);
	int r;

	if ((r = agent_write_key(&request, k, certificate)) != 0) {
		buf_release(&request);
		return error_set(e, r, "%s", error_text(r));
	}
	write_text(&request, comment);
	agent_write_constraints(&request, c);
	return ask(a, &request, mark, e);
}

int
agent_add_provider(struct agent *a, const char *path, const char *pin,
    const struct agent_constraints *c, struct error *e)
{
	struct buf request = BUF_SECRET_INIT;
	size_t mark = begin(&request, agent_constraints_any(c)
					  ? AGENT_ADD_SMARTCARD_KEY_CONSTRAINED
					  : AGENT_ADD_SMARTCARD_KEY);

	write_text(&request, path);
	write_text(&request, pin);
	agent_write_constraints(&request, c);
	return ask(a, &request, mark, e);
}

int
agent_remove_provider(
    struct agent *a, const char *path, const char *pin, struct error *e)
{
	struct buf request = BUF_SECRET_INIT;
	size_t mark = begin(&request, AGENT_REMOVE_SMARTCARD_KEY);

	write_text(&request, path);
	write_text(&request, pin);
	return ask(a, &request, mark, e);
}

int
agent_remove(struct agent *a, struct span blob, struct error *e)
{
	struct buf request = BUF_INIT;
	size_t mark = begin(&request, AGENT_REMOVE_IDENTITY);

	write_string(&request, blob);
	return ask(a, &request, mark, e);
}

int
agent_remove_all(struct agent *a, struct error *e)
{
	struct buf request = BUF_INIT;
	size_t mark = begin(&request, AGENT_REMOVE_ALL_IDENTITIES);

	return ask(a, &request, mark, e);
}

int
agent_lock(struct agent *a, bool lock, const char *password, struct error *e)
{
	struct buf request = BUF_SECRET_INIT;
	size_t mark = begin(&request, lock ? AGENT_LOCK : AGENT_UNLOCK);

	write_text(&request, password);
	return ask(a, &request, mark, e);
}

/* ---- extensions ---- */

int
agent_bind(struct agent *a, struct span host_key, struct span session_id,
    struct span signature, bool is_forwarding, struct error *e)
{
	struct buf request = BUF_INIT;
	size_t mark = begin_extension(&request, "session-bind@openssh.com");

	write_string(&request, host_key);
	write_string(&request, session_id);
	write_string(&request, signature);
	write_boolean(&request, is_forwarding);
	return ask(a, &request, mark, e);
}

static int
read_names(struct reader *r, struct strings *ret)
{
	while (r->len > 0) {
		struct span name = read_text(r);
		int error;

		if ((error = read_error(r)) != 0)
			return error;
		if (name.len > NAME_MAX_LEN || ret->count >= NAMES_MAX)
			return ERR_LIMIT;
		if ((error = strings_take(ret, span_dup_text(name))) != 0)
			return error;
	}
	return read_end(r);
}

int
agent_query(struct agent *a, struct strings *ret, struct error *e)
{
	struct buf request = BUF_INIT;
	struct strings names = STRINGS_INIT;
	struct reader r;
	uint8_t type;
	int error;

	write_string_end(&request, begin_extension(&request, "query"));
	error = exchange(a, &request, e);
	buf_release(&request);
	if (error != 0)
		return error;
	r = reader_of(buf_span(&a->in));
	type = read_byte(&r);
	if (is_failure(type))
		return error_set(e, ERR_UNSUPPORTED,
		    "the agent does not know the extension \"query\"");
	/* Older drafts answer by SUCCESS and the names alone. */
	if (type != AGENT_EXTENSION_RESPONSE && type != AGENT_SUCCESS)
		return refused(type, e);
	if (type == AGENT_EXTENSION_RESPONSE &&
	    !span_is(read_string(&r), "query"))
		error = ERR_FORMAT;
	if (error == 0)
		error = read_names(&r, &names);
	if (error != 0) {
		strings_release(&names);
		return error_set(e,
		    error == ERR_MEMORY ? ERR_MEMORY : ERR_FORMAT,
		    "the agent's list of extensions: %s", error_text(error));
	}
	*ret = names;
	return 0;
}
