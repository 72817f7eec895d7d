/*
 * stubagent.c - an agent that does one thing wrong, for tests of who asks it.
 *
 *   stubagent MODE SOCKET [KEYFILE]...
 *
 *   silent    reads, never answers
 *   close     hangs up at the first request
 *   noise     answers with bytes that mean nothing
 *   long      announces an answer of 4 GiB
 *   refuse    lists the keys, signs nothing
 *   false     signs, but something else
 *   dies      lists the keys, hangs up when it shall sign
 *   old-rsa   signs as ssh-rsa (SHA-1), whatever is asked for
 *   no-bind   hangs up at an extension, else does what it should
 *   crowd     lists a hundred keys of its own in front of the files'
 *   drip      does what it should, a byte at a time
 *   good      does what it should
 *
 * Ends by a signal. Each connection has a process of its own.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/agent/protocol.h"
#include "common/base/file.h"
#include "common/key/key_file.h"

#define KEYS_MAX  8
#define CROWD     100
#define NOISE     600
#define DRIP_US   500
#define KEY_WORDS "stub agent"

static const char *mode;
static struct key *keys[KEYS_MAX + CROWD];
static size_t key_count;

static bool
is_mode(const char *name)
{
	return strcmp(mode, name) == 0;
}

static void
fail(const char *what)
{
	fprintf(stderr, "stubagent: %s\n", what);
	exit(1);
}

static void
send_message(int fd, struct buf *m)
{
	struct buf out = BUF_INIT;

	write_string(&out, buf_span(m));
	for (size_t i = 0; is_mode("drip") && i + 1 < out.len; i++) {
		if (fd_write_all(fd, out.data + i, 1) != 0)
			exit(0);
		usleep(DRIP_US);
	}
	if (is_mode("drip"))
		buf_consume(&out, out.len - 1);
	if (fd_write_all(fd, out.data, out.len) != 0)
		exit(0);
	buf_release(&out);
	buf_release(m);
}

static void
send_type(int fd, enum agent_message type)
{
	struct buf m = BUF_INIT;

	write_byte(&m, (uint8_t)type);
	send_message(fd, &m);
}

static void
send_keys(int fd)
{
	struct buf m = BUF_INIT;

	write_byte(&m, AGENT_IDENTITIES_ANSWER);
	write_uint32(&m, (uint32_t)key_count);
	for (size_t i = 0; i < key_count; i++) {
		write_string(&m, key_blob(keys[i]));
		write_text(&m, KEY_WORDS);
	}
	send_message(fd, &m);
}

static const struct signature_algorithm *
choose(const struct key *k, uint32_t flags)
{
	const char *name = key_type_name(k);

	if (strcmp(name, "ssh-rsa") == 0 && !is_mode("old-rsa"))
		name = (flags & AGENT_RSA_SHA2_512) != 0   ? "rsa-sha2-512"
		       : (flags & AGENT_RSA_SHA2_256) != 0 ? "rsa-sha2-256"
							   : name;
	return signature_find(span_text(name));
}

static void
send_signature(int fd, struct reader *r)
{
	struct span blob = read_string(r), data = read_string(r);
	uint32_t flags = read_uint32(r);
	struct buf m = BUF_INIT, signature = BUF_INIT;

	if (is_mode("false"))
		data = span_text("something else");
	for (size_t i = 0; i < key_count; i++) {
		if (!span_equal(key_blob(keys[i]), blob))
			continue;
		if (key_sign(
			keys[i], choose(keys[i], flags), data, &signature) != 0)
			break;
		write_byte(&m, AGENT_SIGN_RESPONSE);
		write_string(&m, buf_span(&signature));
		send_message(fd, &m);
		buf_release(&signature);
		return;
	}
	send_type(fd, AGENT_FAILURE);
}

static void
send_noise(int fd)
{
	struct buf m = BUF_INIT;

	for (uint32_t i = 0; i < NOISE; i++)
		write_byte(&m, (uint8_t)(i * 131 + 7));
	send_message(fd, &m);
}

static void
answer(int fd, struct span request)
{
	struct reader r = reader_of(request);
	uint8_t type = read_byte(&r);

	if (is_mode("close") || (is_mode("no-bind") && type == AGENT_EXTENSION))
		exit(0);
	if (is_mode("silent"))
		return;
	if (is_mode("long")) {
		if (fd_write_all(fd, "\377\377\377\377", 4) != 0)
			exit(0);
	} else if (is_mode("noise")) {
		send_noise(fd);
	} else if (type == AGENT_REQUEST_IDENTITIES) {
		send_keys(fd);
	} else if (type != AGENT_SIGN_REQUEST || is_mode("refuse")) {
		send_type(fd, AGENT_FAILURE);
	} else {
		if (is_mode("dies"))
			exit(0);
		send_signature(fd, &r);
	}
}

static void
serve(int fd)
{
	uint8_t head[4];

	for (;;) {
		struct buf request = BUF_MAX_INIT(AGENT_MESSAGE_MAX);
		struct reader r = reader_of(span_of(head, sizeof(head)));
		uint32_t len;
		uint8_t *to;

		if (fd_read_exact(fd, head, sizeof(head)) != 0)
			exit(0);
		len = read_uint32(&r);
		if ((to = buf_reserve(&request, len)) == NULL ||
		    fd_read_exact(fd, to, len) != 0)
			exit(0);
		buf_extend(&request, len);
		answer(fd, buf_span(&request));
		buf_release(&request);
	}
}

static void
load_keys(int argc, char **argv)
{
	for (int i = 0; is_mode("crowd") && i < CROWD; i++)
		if (key_generate("ed25519", 0, &keys[key_count++], NULL) != 0)
			fail("cannot make keys");
	for (int i = 0; i < argc && i < KEYS_MAX; i++)
		if (key_private_load(
			argv[i], NULL, &keys[key_count++], NULL, NULL) != 0)
			fail(argv[i]);
}

int
main(int argc, char **argv)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), fd;

	if (argc < 3)
		fail("usage: stubagent MODE SOCKET [KEYFILE]...");
	mode = argv[1];
	load_keys(argc - 3, argv + 3);
	if (!text_copy(a.sun_path, sizeof(a.sun_path), argv[2]) ||
	    bind(listener, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    listen(listener, 16) != 0)
		fail(argv[2]);
	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		if (fork() == 0) {
			close(listener);
			serve(fd);
		}
		close(fd);
	}
	return 1;
}
