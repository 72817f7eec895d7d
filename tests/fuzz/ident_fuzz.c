/*
 * ident_fuzz.c - the version line, from a client and from a server.
 * RFC 4253 s4.2.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "common/transport/transport_impl.h"
#include "tests/fuzz/fuzz.h"

static int
read_once(struct span input, bool tolerant, size_t *ret_used, char **ret_ident)
{
	struct error e = { 0 };
	int r = ident_read(input, tolerant, ret_used, ret_ident, &e);

	REQUIRE(r <= 0 && (r == 0) == (e.code == 0));
	REQUIRE(*ret_used <= input.len);
	REQUIRE((*ret_used != 0) == (*ret_ident != NULL));
	REQUIRE(r == 0 || *ret_used == 0);
	return r;
}

/* What comes in pieces has the same end. */
static void
check_pieces(struct span input, bool tolerant, int r, size_t used)
{
	for (size_t n = 0; n < input.len && n < 600; n++) {
		char *ident = NULL;
		size_t u;
		int q = read_once(span_of(input.ptr, n), tolerant, &u, &ident);

		free(ident);
		if (u != 0)
			REQUIRE(r == 0 && u == used);
		if (q < 0)
			REQUIRE(r < 0);
		if (q < 0 || u != 0)
			return;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span input = span_of(data, size);

	for (int tolerant = 0; tolerant < 2; tolerant++) {
		char *ident = NULL;
		size_t used;
		int r = read_once(input, tolerant != 0, &used, &ident);

		if (ident != NULL) {
			REQUIRE(strlen(ident) <= TRANSPORT_IDENT_MAX);
			REQUIRE(strncmp(ident, "SSH-2.", 6) == 0 ||
				strncmp(ident, "SSH-1.99-", 9) == 0);
			REQUIRE(strpbrk(ident, "\r\n") == NULL);
		}
		free(ident);
		check_pieces(input, tolerant != 0, r, used);
	}
	(void)ident_is_old(input);
	return 0;
}

void
fuzz_seeds(void)
{
	fuzz_seed("plain", span_text("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"));
	fuzz_seed("lf", span_text("SSH-2.0-x\n"));
	fuzz_seed("old", span_text("SSH-1.5-x\r\n"));
	fuzz_seed("both", span_text("SSH-1.99-x\r\n"));
	fuzz_seed(
	    "lines", span_text("Hello\r\nthere\nSSH-2.0-dropbear\r\nmore"));
}
