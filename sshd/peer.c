/*
 * peer.c - addresses of a connected socket.
 */
#include "sshd/peer.h"

#include <string.h>
#include <sys/socket.h>

#include "common/base/text.h"

typedef int name_function(int, struct sockaddr *, socklen_t *);

static void
one_end(int fd, name_function *name, struct address *ret_address,
    char text[ADDRESS_TEXT_MAX], uint16_t *ret_port)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	memset(ret_address, 0, sizeof(*ret_address));
	*ret_port = PEER_UNKNOWN_PORT;
	text_copy(text, ADDRESS_TEXT_MAX, "UNKNOWN");
	if (name(fd, (struct sockaddr *)&ss, &len) != 0)
		return;
	if (address_from_sockaddr((struct sockaddr *)&ss, ret_address) != 0) {
		ret_address->family = 0;
		return;
	}
	address_format(ret_address, text);
	*ret_port = ret_address->port;
}

void
peer_of(int fd, struct peer *ret)
{
	memset(ret, 0, sizeof(*ret));
	one_end(
	    fd, getpeername, &ret->remote, ret->remote_text, &ret->remote_port);
	one_end(
	    fd, getsockname, &ret->local, ret->local_text, &ret->local_port);
}

static void
write_address(struct buf *out, const struct address *a)
{
	write_byte(out, a->family == AF_INET    ? 4
			: a->family == AF_INET6 ? 6
						: 0);
	write_bytes(out, a->bytes, sizeof(a->bytes));
	write_uint32(out, a->scope);
	write_uint32(out, a->port);
}

static void
read_address(struct reader *r, struct address *ret, char text[ADDRESS_TEXT_MAX],
    uint16_t *ret_port)
{
	uint8_t family = read_byte(r);
	struct span bytes = read_bytes(r, sizeof(ret->bytes));

	memset(ret, 0, sizeof(*ret));
	ret->family = family == 4 ? AF_INET : family == 6 ? AF_INET6 : 0;
	if (bytes.len == sizeof(ret->bytes))
		memcpy(ret->bytes, bytes.ptr, bytes.len);
	ret->scope = read_uint32(r);
	ret->port = (uint16_t)read_uint32(r);
	*ret_port = PEER_UNKNOWN_PORT;
	text_copy(text, ADDRESS_TEXT_MAX, "UNKNOWN");
	if (ret->family != 0) {
		address_format(ret, text);
		*ret_port = ret->port;
	}
}

void
peer_write(struct buf *out, const struct peer *p)
{
	write_address(out, &p->remote);
	write_address(out, &p->local);
}

void
peer_read(struct reader *r, struct peer *ret)
{
	memset(ret, 0, sizeof(*ret));
	read_address(r, &ret->remote, ret->remote_text, &ret->remote_port);
	read_address(r, &ret->local, ret->local_text, &ret->local_port);
}
