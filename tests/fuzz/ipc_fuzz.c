/*
 * ipc_fuzz.c - frames between our own processes, of which one may have
 * been taken over.
 *
 * Input: chunks, each written at once; with an odd first byte a descriptor
 * comes along.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/file.h"
#include "common/ipc/ipc.h"
#include "tests/fuzz/fuzz.h"

#define MESSAGE_MAX 4096

static void
send_with_fd(int to, struct span bytes, int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { (void *)(uintptr_t)bytes.ptr, bytes.len };
	struct msghdr m = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof control.bytes };
	struct cmsghdr *c;

	memset(&control, 0, sizeof control);
	c = CMSG_FIRSTHDR(&m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof fd);
	(void)sendmsg(to, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static int
take_all(struct ipc *ipc)
{
	struct ipc_message m;
	int r;

	while ((r = ipc_next(ipc, &m)) == 1) {
		REQUIRE(m.body.len < MESSAGE_MAX);
		if (m.fd >= 0) {
			REQUIRE(fcntl(m.fd, F_GETFD) == FD_CLOEXEC);
			close(m.fd);
		}
	}
	return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_of(span_of(data, size));
	struct ipc ipc;
	int fds[2], code = 0, probe;

	REQUIRE(ipc_pair(fds) == 0);
	ipc_init(&ipc, fds[0], MESSAGE_MAX);
	while (r.len > 0 && code >= 0) {
		bool has_fd = fuzz_byte(&r) % 2 != 0;
		struct span bytes = fuzz_chunk(&r);

		if (bytes.len == 0)
			continue;
		if (has_fd)
			send_with_fd(fds[1], bytes, fds[1]);
		else
			(void)send(fds[1], bytes.ptr, bytes.len,
			    MSG_DONTWAIT | MSG_NOSIGNAL);
		code = ipc_fill(&ipc);
		if (code >= 0)
			code = take_all(&ipc);
	}
	ipc_release(&ipc);
	close(fds[1]);
	/* Every descriptor that came was closed: the lowest free one stays
	 * the same. */
	probe = open("/dev/null", O_RDONLY | O_CLOEXEC);
	REQUIRE(probe == fds[0]);
	close(probe);
	return 0;
}

void
fuzz_seeds(void)
{
	static const uint8_t plain[] = { 0, 0, 8, 0, 0, 0, 4, 9, 'a', 'b',
		'c' };
	static const uint8_t with_fd[] = { 1, 0, 8, 0x80, 0, 0, 4, 9, 'a', 'b',
		'c', 0, 0, 5, 0, 0, 0, 1, 7 };

	fuzz_seed("plain", span_of(plain, sizeof plain));
	fuzz_seed("fd", span_of(with_fd, sizeof with_fd));
}
