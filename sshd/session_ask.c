/*
 * session_ask.c - the session's requests to the monitor. It answers at
 * once, so the session waits for it.
 */
#include <stdlib.h>
#include <unistd.h>

#include "sshd/privsep.h"
#include "sshd/user_session.h"

static int
expect(struct user_session *u, uint8_t type, struct ipc_message *ret)
{
	int r = ipc_receive(&u->monitor, ret);

	if (r == 0 && ret->type != type) {
		if (ret->fd >= 0)
			close(ret->fd);
		r = ERR_UNEXPECTED;
	}
	return r;
}

static int
ask_signed(struct user_session *u, struct buf *ret_signature)
{
	struct ipc_message m;
	struct reader r;
	int rc;

	if ((rc = ipc_end(&u->monitor, -1)) != 0 ||
	    (rc = ipc_flush(&u->monitor)) != 0 ||
	    (rc = expect(u, PRIVSEP_SIGNED, &m)) != 0)
		return rc;
	r = reader_of(m.body);
	write_span(ret_signature, read_string(&r));
	if ((rc = read_end(&r)) != 0)
		return rc;
	return buf_error(ret_signature);
}

int
ask_signature(struct user_session *u, struct span hash, const char *algorithm,
    struct buf *ret_signature)
{
	struct buf *out = ipc_begin(&u->monitor, PRIVSEP_SIGN);

	write_string(out, hash);
	write_text(out, algorithm);
	return ask_signed(u, ret_signature);
}

int
ask_proof(struct user_session *u, struct span blob, const char *algorithm,
    struct buf *ret_signature)
{
	struct buf *out = ipc_begin(&u->monitor, PRIVSEP_PROVE);

	write_string(out, blob);
	write_text(out, algorithm);
	return ask_signed(u, ret_signature);
}

static int
take_slave(struct user_session *u, struct port_pty *pty)
{
	struct ipc_message m;
	int r;

	if ((r = expect(u, PRIVSEP_PTY_SLAVE, &m)) != 0)
		return r;
	pty->slave = m.fd;
	return m.fd < 0 ? ERR_UNEXPECTED : 0;
}

int
ask_pty(struct user_session *u, struct port_pty *ret, char **ret_last_login)
{
	struct port_pty pty = { .master = -1, .slave = -1 };
	struct ipc_message m;
	struct reader r;
	struct span name;
	char *last;
	bool ok;
	int rc;

	ipc_begin(&u->monitor, PRIVSEP_PTY_OPEN);
	if ((rc = ipc_end(&u->monitor, -1)) != 0 ||
	    (rc = ipc_flush(&u->monitor)) != 0 ||
	    (rc = expect(u, PRIVSEP_PTY, &m)) != 0)
		return rc;
	r = reader_of(m.body);
	ok = read_boolean(&r);
	name = read_text(&r);
	last = span_dup_text(read_text(&r));
	pty.master = m.fd;
	rc = read_end(&r);
	if (rc == 0 && (!ok || last == NULL || name.len >= sizeof(pty.name)))
		rc = ok ? ERR_MEMORY : ERR_PERMISSION;
	if (rc == 0) {
		for (size_t i = 0; i < name.len; i++)
			pty.name[i] = (char)name.ptr[i];
		rc = take_slave(u, &pty);
	}
	if (rc == 0 && pty.master < 0)
		rc = ERR_UNEXPECTED;
	if (rc != 0) {
		port_pty_close(&pty);
		free(last);
		return rc;
	}
	*ret = pty;
	*ret_last_login = last;
	return 0;
}

void
tell_pty_closed(struct user_session *u, const char *name)
{
	write_text(ipc_begin(&u->monitor, PRIVSEP_PTY_CLOSE), name);
	/* Without a monitor the session ends anyway. */
	IGNORE_RESULT(ipc_end(&u->monitor, -1));
	IGNORE_RESULT(ipc_flush(&u->monitor));
}

void
send_log_line(enum log_level level, const char *line, void *context)
{
	struct user_session *u = context;
	struct buf *out = ipc_begin(&u->monitor, PRIVSEP_LOG);

	write_byte(out, (uint8_t)level);
	write_text(out, line);
	IGNORE_RESULT(ipc_end(&u->monitor, -1));
	IGNORE_RESULT(ipc_drain(&u->monitor));
}
