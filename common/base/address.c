/*
 * address.c - internet addresses as values.
 * RFC 4291 (text of IPv6 addresses), RFC 4007 s11 (scopes), RFC 4632 (CIDR).
 */
#include "common/base/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "common/base/error.h"
#include "common/base/text.h"

static unsigned
bits_of(int family)
{
	return family == AF_INET ? 32 : 128;
}

static int
scope_parse(const char *text, uint32_t *ret_scope)
{
	long long number;
	unsigned index;

	if (text_to_int(text, 1, UINT32_MAX, &number)) {
		*ret_scope = (uint32_t)number;
		return 0;
	}
	if ((index = if_nametoindex(text)) == 0)
		return ERR_FORMAT;
	*ret_scope = index;
	return 0;
}

int
address_parse(const char *text, struct address *ret_address)
{
	struct address a = { 0, { 0 }, 0, 0 };
	char host[ADDRESS_TEXT_MAX];
	char *percent;

	if (!text_copy(host, sizeof(host), text))
		return ERR_FORMAT;
	if ((percent = strchr(host, '%')) != NULL)
		*percent++ = '\0';
	if (percent == NULL && inet_pton(AF_INET, host, a.bytes) == 1)
		a.family = AF_INET;
	else if (inet_pton(AF_INET6, host, a.bytes) == 1)
		a.family = AF_INET6;
	else
		return ERR_FORMAT;
	if (percent != NULL && scope_parse(percent, &a.scope) != 0)
		return ERR_FORMAT;
	*ret_address = a;
	return 0;
}

static void
from_inet6(const struct sockaddr_in6 *in6, struct address *a)
{
	a->port = ntohs(in6->sin6_port);
	if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		a->family = AF_INET;
		memcpy(a->bytes, in6->sin6_addr.s6_addr + 12, 4);
		return;
	}
	a->family = AF_INET6;
	a->scope = in6->sin6_scope_id;
	memcpy(a->bytes, in6->sin6_addr.s6_addr, 16);
}

int
address_from_sockaddr(const struct sockaddr *sa, struct address *ret)
{
	struct address a = { 0, { 0 }, 0, 0 };
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	/* Copied, since sa need not be aligned for what it holds. */
	if (sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof(in));
		a.family = AF_INET;
		a.port = ntohs(in.sin_port);
		memcpy(a.bytes, &in.sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		memcpy(&in6, sa, sizeof(in6));
		from_inet6(&in6, &a);
	} else {
		return ERR_FORMAT;
	}
	*ret = a;
	return 0;
}

socklen_t
address_to_sockaddr(const struct address *a, struct sockaddr_storage *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (a->family == AF_INET) {
		struct sockaddr_in *in = (struct sockaddr_in *)ret;

		in->sin_family = AF_INET;
		in->sin_port = htons(a->port);
		memcpy(&in->sin_addr, a->bytes, 4);
		return sizeof(*in);
	}
	if (a->family == AF_INET6) {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;

		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(a->port);
		in6->sin6_scope_id = a->scope;
		memcpy(&in6->sin6_addr, a->bytes, 16);
		return sizeof(*in6);
	}
	return 0;
}

const char *
address_format(const struct address *a, char buf[ADDRESS_TEXT_MAX])
{
	char name[IF_NAMESIZE];
	size_t used;

	if (a->family == 0 ||
	    inet_ntop(a->family, a->bytes, buf, ADDRESS_TEXT_MAX) == NULL) {
		text_copy(buf, ADDRESS_TEXT_MAX, "UNKNOWN");
		return buf;
	}
	if (a->scope == 0)
		return buf;
	used = strlen(buf);
	if (if_indextoname(a->scope, name) != NULL)
		snprintf(buf + used, ADDRESS_TEXT_MAX - used, "%%%s", name);
	else
		snprintf(buf + used, ADDRESS_TEXT_MAX - used, "%%%u",
		    (unsigned)a->scope);
	return buf;
}

bool
address_equal(const struct address *a, const struct address *b)
{
	if (a->family != b->family)
		return false;
	return a->family == 0 ||
	       memcmp(a->bytes, b->bytes, bits_of(a->family) / 8) == 0;
}

void
address_mask(struct address *a, unsigned bits)
{
	unsigned keep = bits;

	for (size_t i = 0; i < sizeof(a->bytes); i++) {
		if (keep >= 8) {
			keep -= 8;
			continue;
		}
		a->bytes[i] &= (uint8_t)(0xff00u >> keep);
		keep = 0;
	}
}

/* "address/bits"; bits outside the prefix must be zero (a block written
 * otherwise is more often a slip than a wish). */
static int
block_parse(char *text, struct address *ret, unsigned *ret_bits)
{
	char *slash = strchr(text, '/');
	struct address a;
	struct address masked;
	long long bits;

	*slash = '\0';
	if (address_parse(text, &a) != 0 ||
	    !text_to_int(slash + 1, 0, bits_of(a.family), &bits))
		return ERR_FORMAT;
	masked = a;
	address_mask(&masked, (unsigned)bits);
	if (!address_equal(&masked, &a))
		return ERR_FORMAT;
	*ret = a;
	*ret_bits = (unsigned)bits;
	return 0;
}

/* Does a, whose text is given, match one entry? 1, 0, ERR_FORMAT. */
static int
entry_match(
    char *entry, const struct address *a, const char *text, bool cidr_only)
{
	struct address block;
	struct address masked;
	unsigned bits;

	if (strchr(entry, '/') != NULL) {
		if (block_parse(entry, &block, &bits) != 0)
			return ERR_FORMAT;
		if (a == NULL || a->family != block.family)
			return 0;
		masked = *a;
		address_mask(&masked, bits);
		return address_equal(&masked, &block);
	}
	if (address_parse(entry, &block) == 0)
		return a != NULL && address_equal(a, &block);
	if (cidr_only)
		return ERR_FORMAT;
	return a != NULL && pattern_match_no_case(entry, text);
}

/* One item of the list: as address_list_match for it alone. */
static int
item_match(
    struct span item, const struct address *a, const char *text, bool cidr_only)
{
	char entry[256];
	bool negated;
	int r;

	negated = item.len > 0 && item.ptr[0] == '!';
	if (negated)
		item = span_of(item.ptr + 1, item.len - 1);
	if (item.len == 0 || item.len >= sizeof(entry) || span_has_nul(item))
		return ERR_FORMAT;
	memcpy(entry, item.ptr, item.len);
	entry[item.len] = '\0';
	r = entry_match(entry, a, text, cidr_only);
	return r == 1 && negated ? -1 : r;
}

int
address_list_match(const char *list, const struct address *a, bool cidr_only)
{
	char text[ADDRESS_TEXT_MAX] = "";
	bool found = false;
	bool refused = false;
	const char *end;
	int r;

	if (a != NULL)
		address_format(a, text);
	/* To the end also after a match, so that a bad entry is always
	 * noticed, not only by some of the peers. */
	for (;; list = end + 1) {
		end = strchrnul(list, ',');
		r = item_match(
		    span_of(list, (size_t)(end - list)), a, text, cidr_only);
		if (r < -1)
			return r;
		found = found || r == 1;
		refused = refused || r == -1;
		if (*end == '\0')
			break;
	}
	return refused ? -1 : found;
}
