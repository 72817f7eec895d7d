/*
 * agent_client_fuzz.c - the answers of an agent, as a client reads them.
 *
 * Input: a byte that chooses the request, then the answer as it comes from
 * the socket, which then ends.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/agent/client.h"
#include "common/base/error.h"
#include "common/base/file.h"
#include "tests/fuzz/engine.h"
#include "tests/fuzz/fuzz.h"

/* What a socket takes at once on every system. */
#define ANSWER_MAX 65536

static void
check_error(int r, const struct error *e)
{
	REQUIRE(r == 0 || e->text[0] != '\0');
	REQUIRE(fuzz_is_printable(span_text(e->text), false));
}

static void
list(struct agent *a)
{
	struct agent_identities found = { 0 };
	struct error e = { 0 };
	int r = agent_list(a, &found, &e);

	check_error(r, &e);
	REQUIRE(r == 0 || found.item == NULL);
	REQUIRE(found.count <= AGENT_IDENTITIES_LIMIT);
	for (size_t i = 0; i < found.count; i++) {
		const struct agent_identity *one = &found.item[i];

		REQUIRE(one->comment != NULL);
		if (one->key != NULL)
			REQUIRE(span_equal(
			    key_blob(one->key), buf_span(&one->blob)));
	}
	agent_identities_release(&found);
}

static void
sign(struct agent *a)
{
	const struct key *k = engine_host_key();
	struct buf signature = BUF_INIT;
	struct error e = { 0 };
	int r = agent_sign(a, key_blob(k),
	    signature_find(span_text(key_type_name(k))), span_text("data"),
	    &signature, &e);

	check_error(r, &e);
	REQUIRE((r == 0) == (signature.len > 0));
	buf_release(&signature);
}

static void
query(struct agent *a)
{
	struct strings names = STRINGS_INIT;
	struct error e = { 0 };
	int r = agent_query(a, &names, &e);

	check_error(r, &e);
	REQUIRE(r == 0 || names.count == 0);
	strings_release(&names);
}

static void
remove_all(struct agent *a)
{
	struct error e = { 0 };

	check_error(agent_remove_all(a, &e), &e);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const requests[])(
	    struct agent * a) = { list, sign, query, remove_all };
	struct agent *a;
	int fds[2];

	if (size == 0 || size > ANSWER_MAX)
		return 0;
	engine_reset();
	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	REQUIRE(fd_write_all(fds[1], data + 1, size - 1) == 0);
	REQUIRE(shutdown(fds[1], SHUT_WR) == 0);
	REQUIRE(agent_adopt(fds[0], &a) == 0);
	requests[data[0] % ARRAY_COUNT(requests)](a);
	agent_close(a);
	close(fds[1]);
	return 0;
}

/* ---- seeds ---- */

static void
seed(const char *name, uint8_t request, struct buf *body)
{
	struct buf b = BUF_INIT;

	write_byte(&b, request);
	write_string(&b, buf_span(body));
	fuzz_seed(name, buf_span(&b));
	buf_release(&b);
	buf_clear(body);
}

void
fuzz_seeds(void)
{
	const struct key *k = engine_host_key();
	struct buf body = BUF_INIT, signature = BUF_INIT;

	write_byte(&body, AGENT_IDENTITIES_ANSWER);
	write_uint32(&body, 2);
	write_string(&body, key_blob(k));
	write_text(&body, "comment");
	write_text(&body, "no key");
	write_text(&body, "");
	seed("list", 0, &body);
	REQUIRE(key_sign(k, signature_find(span_text(key_type_name(k))),
		    span_text("data"), &signature) == 0);
	write_byte(&body, AGENT_SIGN_RESPONSE);
	write_string(&body, buf_span(&signature));
	seed("signature", 1, &body);
	write_byte(&body, AGENT_EXTENSION_RESPONSE);
	write_text(&body, "query");
	write_text(&body, "query");
	seed("query", 2, &body);
	write_byte(&body, AGENT_FAILURE);
	seed("failure", 3, &body);
	buf_release(&body);
	buf_release(&signature);
}
