/*
 * wire.c - one end of a connection that says what it likes.
 */
#include "tests/negative/wire.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/log.h"
#include "common/base/time.h"

static struct wire *current; /* whose packets are being read */

static const struct transport_config usual = {
	.ident = "SSH-2.0-Negative_1",
	.kex_algorithms = "curve25519-sha256",
	.host_key_algorithms = "ssh-ed25519",
	.ciphers = "aes128-ctr,aes128-gcm@openssh.com",
	.macs = "hmac-sha2-256,hmac-sha2-256-etm@openssh.com",
	.compression = "none,zlib@openssh.com",
};

/* The transport takes UNIMPLEMENTED for itself and only logs it. */
static void
on_log(enum log_level level, const char *line, void *context)
{
	if (current != NULL &&
	    strstr(line, "Received SSH2_MSG_UNIMPLEMENTED") != NULL)
		current->unimplemented++;
}

void
wire_init(struct wire *w, int fd)
{
	struct timeval limit = { 5, 0 };

	memset(w, 0, sizeof *w);
	w->fd = fd;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	log_set_level(LOG_LEVEL_DEBUG1);
	log_set_sink(on_log, NULL);
}

void
wire_release(struct wire *w)
{
	transport_free(w->t);
	buf_release(&w->last);
	buf_release(&w->raw);
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
	w->t = NULL;
}

static struct span
find_blob(void *context, const char *algorithm)
{
	struct wire *w = context;

	return key_blob(w->shown != NULL ? w->shown : w->key);
}

bool
wire_start(struct wire *w, enum transport_role role,
    const struct transport_config *config)
{
	struct transport_config c = config != NULL ? *config : usual;
	struct error e = { 0 };

	c.role = role;
	w->role = role;
	if (transport_new(&c, time_monotonic_us(), &w->t, &e) != 0)
		return false;
	if (role == TRANSPORT_SERVER)
		transport_set_host_keys(w->t, find_blob, w);
	return true;
}

/* ---- moving bytes ---- */

void
wire_send_bytes(struct wire *w, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	while (len > 0 && !w->closed) {
		ssize_t n = send(w->fd, p, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			/* What it said before it closed can still be read. */
			return;
		}
		p += n;
		len -= (size_t)n;
	}
}

void
wire_flush(struct wire *w)
{
	struct iovec iov[8];
	size_t count;

	while (w->t != NULL && (count = transport_pending(w->t, iov, 8)) > 0)
		for (size_t i = 0; i < count; i++) {
			wire_send_bytes(w, iov[i].iov_base, iov[i].iov_len);
			transport_sent(w->t, iov[i].iov_len);
		}
}

static int
sign(struct wire *w)
{
	struct buf signature = BUF_INIT;
	struct span hash = transport_sign_hash(w->t);
	int r;

	if (w->spoil_signature)
		hash.len--;
	r = key_sign(w->key, key_choose_signature(w->key, span_of(NULL, 0)),
	    hash, &signature);
	if (r == 0)
		r = transport_signed(w->t, buf_span(&signature));
	buf_release(&signature);
	return r;
}

static void
take_packet(struct wire *w, const struct packet *packet)
{
	w->count[packet->type]++;
	buf_clear(&w->last);
	write_byte(&w->last, packet->type);
	write_span(&w->last, packet->payload);
	if (w->on_packet != NULL)
		w->on_packet(w, packet->type, packet->payload);
}

static void
take_keyed(struct wire *w)
{
	w->keyed = true;
	if (w->on_keyed != NULL)
		w->on_keyed(w);
}

static void
take_events(struct wire *w)
{
	struct packet packet;
	int r;

	current = w;
	while ((r = transport_next(w->t, time_monotonic_us(), &packet)) > 0) {
		if (r == TRANSPORT_VERIFY_HOST_KEY)
			r = w->refuse_kex ? transport_host_key_refused(w->t)
					  : transport_host_key_accepted(w->t);
		else if (r == TRANSPORT_SIGN)
			r = sign(w);
		else if (r == TRANSPORT_KEX_DONE)
			take_keyed(w);
		else if (r == TRANSPORT_PACKET)
			take_packet(w, &packet);
		else if (r == TRANSPORT_DISCONNECTED) {
			w->disconnected = true;
			(void)transport_disconnect_text(w->t, &w->reason);
		}
		if (r < 0)
			break;
	}
	current = NULL;
	if (r < 0 && !w->disconnected)
		w->failed = true;
}

static void
take_bytes(struct wire *w)
{
	uint8_t spare[4096];
	uint8_t *to = spare;
	size_t room = sizeof spare;
	ssize_t n;

	if (w->t != NULL && (to = transport_recv_space(w->t, &room)) == NULL) {
		to = spare;
		room = sizeof spare;
	}
	n = recv(w->fd, to, room, 0);
	if (n < 0 && errno == EINTR)
		return;
	if (n <= 0) {
		w->closed = true;
		return;
	}
	if (w->t == NULL) {
		if (w->raw.len < 1 << 20)
			write_bytes(&w->raw, to, (size_t)n);
	} else if (to != spare) {
		transport_received(w->t, (size_t)n);
		take_events(w);
	}
}

/* One turn; false when the time is over or nothing can come any more. */
static bool
turn(struct wire *w, uint64_t until_us)
{
	uint64_t now = time_monotonic_us();
	struct pollfd p = { w->fd, POLLIN, 0 };

	wire_flush(w);
	if (w->closed || now >= until_us)
		return false;
	if (poll(&p, 1, (int)((until_us - now) / 1000) + 1) > 0)
		take_bytes(w);
	return true;
}

static uint64_t
limit(unsigned wait_ms)
{
	return time_monotonic_us() + (uint64_t)wait_ms * 1000;
}

bool
wire_until(struct wire *w, uint8_t type, unsigned count, unsigned wait_ms)
{
	uint64_t until = limit(wait_ms);

	while (w->count[type] < count && !w->disconnected && !w->failed)
		if (!turn(w, until))
			break;
	return w->count[type] >= count;
}

bool
wire_until_keyed(struct wire *w, unsigned wait_ms)
{
	uint64_t until = limit(wait_ms);

	while (!w->keyed && !w->disconnected && !w->failed)
		if (!turn(w, until))
			break;
	wire_flush(w);
	return w->keyed;
}

bool
wire_until_closed(struct wire *w, unsigned wait_ms)
{
	uint64_t until = limit(wait_ms);

	while (!w->closed)
		if (!turn(w, until))
			break;
	return w->closed;
}

/* ---- saying things ---- */

void
wire_send(struct wire *w, struct buf *payload)
{
	int r;

	if (w->t == NULL) {
		wire_send_clear(w, payload);
		return;
	}
	r = transport_send_raw_payload(w->t, buf_span(payload));
	buf_clear(payload);
	if (r == 0)
		wire_flush(w);
}

void
wire_send_type(struct wire *w, uint8_t type)
{
	struct buf b = BUF_INIT;

	write_byte(&b, type);
	wire_send(w, &b);
	buf_release(&b);
}

void
wire_send_clear(struct wire *w, struct buf *payload)
{
	size_t padding = 4 + (8 - (4 + 1 + payload->len + 4) % 8) % 8;
	struct buf b = BUF_INIT;

	write_uint32(&b, (uint32_t)(1 + payload->len + padding));
	write_byte(&b, (uint8_t)padding);
	write_span(&b, buf_span(payload));
	for (size_t i = 0; i < padding; i++)
		write_byte(&b, 0);
	wire_send_bytes(w, b.data, b.len);
	buf_release(&b);
	buf_clear(payload);
}

void
wire_begin(struct buf *b, uint8_t type, uint32_t channel)
{
	buf_clear(b);
	write_byte(b, type);
	write_uint32(b, channel);
}

void
wire_begin_request(struct buf *b, uint32_t channel, const char *type)
{
	wire_begin(b, SSH_MSG_CHANNEL_REQUEST, channel);
	write_text(b, type);
	write_boolean(b, true);
}

/* ---- the honest steps ---- */

bool
wire_service(struct wire *w)
{
	struct buf b = BUF_INIT;

	write_byte(&b, SSH_MSG_SERVICE_REQUEST);
	write_text(&b, "ssh-userauth");
	wire_send(w, &b);
	buf_release(&b);
	return wire_until(w, SSH_MSG_SERVICE_ACCEPT, 1, WIRE_WAIT_MS);
}

void
wire_send_publickey(
    struct wire *w, const char *user, struct key *key, enum wire_spoil spoil)
{
	bool hostbound = spoil == WIRE_OTHER_HOST_KEY;
	struct buf body = BUF_INIT, data = BUF_INIT, signature = BUF_INIT;
	struct span id = transport_session_id(w->t);
	struct key *other = NULL;

	(void)!key_generate("ed25519", 0, &other, NULL);
	write_byte(&body, SSH_MSG_USERAUTH_REQUEST);
	write_text(&body, user);
	write_text(&body, "ssh-connection");
	write_text(&body,
	    hostbound ? "publickey-hostbound-v00@openssh.com" : "publickey");
	write_boolean(&body, true);
	write_text(&body,
	    spoil == WIRE_OTHER_ALGORITHM ? "rsa-sha2-512" : "ssh-ed25519");
	write_string(&body, key_blob(key));
	if (hostbound)
		write_string(&body, key_blob(other));
	if (spoil == WIRE_OTHER_SESSION)
		write_string(
		    &data, span_of("0123456789abcdef0123456789abcdef", 32));
	else
		write_string(&data, id);
	write_span(&data, buf_span(&body));
	if (spoil == WIRE_OTHER_USER)
		data.data[4 + id.len + 1 + 4] ^= 1;
	(void)!key_sign(spoil == WIRE_OTHER_BLOB ? other : key,
	    signature_find(span_text("ssh-ed25519")), buf_span(&data),
	    &signature);
	if (spoil == WIRE_BROKEN_SIGNATURE)
		signature.data[signature.len - 1] ^= 1;
	write_string(&body, buf_span(&signature));
	wire_send(w, &body);
	key_unref(other);
	buf_release(&body);
	buf_release(&data);
	buf_release(&signature);
}

bool
wire_login(struct wire *w, const char *user, struct key *key)
{
	wire_send_publickey(w, user, key, WIRE_HONEST);
	if (!wire_until(w, SSH_MSG_USERAUTH_SUCCESS, 1, WIRE_WAIT_MS))
		return false;
	return transport_authenticated(w->t) == 0;
}

bool
wire_open_session(struct wire *w)
{
	struct buf b = BUF_INIT;
	struct reader r;
	unsigned had = w->count[SSH_MSG_CHANNEL_OPEN_CONFIRMATION];

	write_byte(&b, SSH_MSG_CHANNEL_OPEN);
	write_text(&b, "session");
	write_uint32(&b, 0);
	write_uint32(&b, 65536);
	write_uint32(&b, 32768);
	wire_send(w, &b);
	buf_release(&b);
	if (!wire_until(
		w, SSH_MSG_CHANNEL_OPEN_CONFIRMATION, had + 1, WIRE_WAIT_MS))
		return false;
	r = reader_of(buf_span(&w->last));
	(void)read_byte(&r);
	(void)read_uint32(&r);
	w->peer_channel = read_uint32(&r);
	return read_error(&r) == 0;
}
