/*
 * bench_floor.c - what the machine itself takes: the same path without SSH.
 *
 * Two processes pass bytes on: one between descriptors and a TCP connection,
 * the other between that and a command, on pipes or on a terminal. Bulk is
 * sealed by AES-128-GCM on the way, in blocks, in place; keys are not. There
 * is no login, no packet, no window: what SSH does beside this is what it can
 * still save.
 */
#include "tests/bench/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <poll.h>
#include <pty.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define BLOCK ((size_t)256 * 1024)
#define TAG   16

static void
must(bool ok)
{
	if (!ok)
		_exit(1);
}

/* ---- keys ---- */

/* As they come, both ways, until either side ends. */
static void
pass_keys(int in, int out, int connection)
{
	struct pollfd p[2] = { { in, POLLIN, 0 }, { connection, POLLIN, 0 } };
	char bytes[4096];
	ssize_t n;

	for (;;) {
		if (poll(p, 2, -1) < 0)
			return;
		if (p[0].revents != 0) {
			if ((n = read(in, bytes, sizeof(bytes))) <= 0)
				return;
			must(write(connection, bytes, (size_t)n) == n);
		}
		if (p[1].revents != 0) {
			if ((n = read(connection, bytes, sizeof(bytes))) <= 0)
				return;
			must(write(out, bytes, (size_t)n) == n);
		}
	}
}

/* ---- bulk ---- */

static EVP_CIPHER_CTX *
cipher_new(int encrypt)
{
	static const uint8_t key[16] = { 1 };
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();

	must(c != NULL && EVP_CipherInit_ex2(c, EVP_aes_128_gcm(), key, NULL,
			      encrypt, NULL) == 1);
	return c;
}

static void
begin_block(EVP_CIPHER_CTX *c, int encrypt, uint64_t number)
{
	uint8_t iv[12] = { 0 };

	memcpy(iv, &number, sizeof(number));
	must(EVP_CipherInit_ex2(c, NULL, NULL, iv, encrypt, NULL) == 1);
}

static bool
write_all(int fd, const uint8_t *p, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static bool
read_all(int fd, uint8_t *p, size_t len)
{
	while (len > 0) {
		ssize_t n = read(fd, p, len);

		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

/* Each block: its length, its bytes sealed, the tag. */
static void
seal(int from, int connection)
{
	EVP_CIPHER_CTX *c = cipher_new(1);
	uint8_t *block = malloc(4 + BLOCK + TAG);
	ssize_t n;
	int out;

	must(block != NULL);
	for (uint64_t i = 0; (n = read(from, block + 4, BLOCK)) > 0; i++) {
		uint32_t len = (uint32_t)n;

		memcpy(block, &len, sizeof(len));
		begin_block(c, 1, i);
		must(
		    EVP_CipherUpdate(c, block + 4, &out, block + 4, (int)n) == 1);
		must(EVP_CipherFinal_ex(c, block + 4 + n, &out) == 1);
		must(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TAG,
			 block + 4 + n) == 1);
		must(write_all(connection, block, 4 + (size_t)n + TAG));
	}
	must(shutdown(connection, SHUT_WR) == 0);
}

static void
open_sealed(int connection, int to)
{
	EVP_CIPHER_CTX *c = cipher_new(0);
	uint8_t *block = malloc(BLOCK + TAG);
	uint32_t len;
	int out;

	must(block != NULL);
	for (uint64_t i = 0; read_all(connection, (uint8_t *)&len, sizeof(len));
	     i++) {
		must(len <= BLOCK && read_all(connection, block, len + TAG));
		begin_block(c, 0, i);
		must(EVP_CIPHER_CTX_ctrl(
			 c, EVP_CTRL_AEAD_SET_TAG, TAG, block + len) == 1);
		must(EVP_CipherUpdate(c, block, &out, block, (int)len) == 1);
		must(EVP_CipherFinal_ex(c, block + len, &out) == 1);
		must(write_all(to, block, len));
	}
}

/* ---- both ends ---- */

/* Near 0, far 1: connected by TCP on loopback, as ssh and sshd set it. */
static void
connect_ends(int ret[2])
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	ret[0] = socket(AF_INET, SOCK_STREAM, 0);
	must(bind(listener, (struct sockaddr *)&address, len) == 0 &&
	     getsockname(listener, (struct sockaddr *)&address, &len) == 0 &&
	     listen(listener, 1) == 0 &&
	     connect(ret[0], (struct sockaddr *)&address, len) == 0);
	ret[1] = accept(listener, NULL, NULL);
	must(ret[1] >= 0);
	close(listener);
	for (int i = 0; i < 2; i++) {
		must(setsockopt(ret[i], IPPROTO_TCP, TCP_NODELAY, &on,
			 sizeof(on)) == 0);
		must(setsockopt(ret[i], IPPROTO_TCP, TCP_CONGESTION, "reno",
			 4) == 0);
	}
}

NORETURN static void
become_command(const char *command)
{
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

NORETURN static void
far_end_of_keys(int connection, const char *command)
{
	int master;
	pid_t pid = forkpty(&master, NULL, NULL, NULL);

	must(pid >= 0);
	if (pid == 0)
		become_command(command);
	pass_keys(connection, connection, master);
	_exit(0);
}

NORETURN static void
far_end_of_bulk(int connection, const char *command, bool down)
{
	int fds[2];
	pid_t pid;

	must(pipe2(fds, O_CLOEXEC) == 0);
	IGNORE_RESULT(fcntl(fds[0], F_SETPIPE_SZ, 1024 * 1024) < 0);
	if ((pid = fork()) == 0) {
		must(dup2(fds[down ? 1 : 0], down ? 1 : 0) >= 0);
		become_command(command);
	}
	must(pid > 0);
	close(fds[down ? 1 : 0]);
	if (down)
		seal(fds[0], connection);
	else
		open_sealed(connection, fds[1]);
	close(fds[down ? 0 : 1]);
	must(waitpid(pid, NULL, 0) == pid);
	_exit(0);
}

pid_t
floor_start_keys(int terminal, const char *command)
{
	struct termios t;
	int ends[2];
	pid_t pid = fork(), far;

	if (pid != 0)
		return pid;
	connect_ends(ends);
	if ((far = fork()) == 0) {
		close(ends[0]);
		far_end_of_keys(ends[1], command);
	}
	must(far > 0);
	close(ends[1]);
	must(tcgetattr(terminal, &t) == 0);
	cfmakeraw(&t);
	must(tcsetattr(terminal, TCSANOW, &t) == 0);
	pass_keys(terminal, terminal, ends[0]);
	_exit(0);
}

pid_t
floor_start_bulk(int fd, const char *command, bool down)
{
	int ends[2];
	pid_t pid = fork(), far;

	if (pid != 0)
		return pid;
	connect_ends(ends);
	if ((far = fork()) == 0) {
		close(ends[0]);
		close(fd);
		far_end_of_bulk(ends[1], command, down);
	}
	must(far > 0);
	close(ends[1]);
	if (down)
		open_sealed(ends[0], fd);
	else
		seal(fd, ends[0]);
	close(ends[0]);
	must(waitpid(far, NULL, 0) == far);
	_exit(0);
}
