/*
 * userauth_server_fuzz.c - what a client sends before it is authenticated.
 * RFC 4252, RFC 4256.
 *
 * Input: steps of a byte and a chunk. The byte is how we answer the next
 * question of the engine, the chunk a packet's payload with its type.
 */
#include <string.h>

#include "common/base/error.h"
#include "common/key/key.h"
#include "common/transport/message.h"
#include "common/userauth/userauth_server.h"
#include "tests/fuzz/engine.h"
#include "tests/fuzz/fuzz.h"

struct run {
	struct transport *t;
	struct userauth_server *u;
	struct buf user; /* the first one named */
	bool done;
};

static void
check_request(struct run *run, const struct userauth_request *q)
{
	REQUIRE(q->user.len <= USERAUTH_USER_MAX && !span_has_nul(q->user));
	REQUIRE(!span_has_nul(q->method_name) && !span_has_nul(q->service));
	REQUIRE(!run->done);
	if (run->user.len == 0)
		write_span(&run->user, q->user);
	REQUIRE(span_equal(buf_span(&run->user), q->user));
	if (q->method == USERAUTH_PUBLICKEY) {
		struct reader r = reader_of(q->signed_data);

		REQUIRE(
		    span_equal(read_string(&r), transport_session_id(run->t)));
		REQUIRE(read_byte(&r) == SSH_MSG_USERAUTH_REQUEST);
		REQUIRE(span_equal(read_string(&r), q->user));
	}
	if (q->method == USERAUTH_PASSWORD)
		REQUIRE(q->password.len <= USERAUTH_PASSWORD_MAX &&
			!span_has_nul(q->password));
}

static int
answer(struct run *run, uint8_t how, bool is_key)
{
	static const char *const prompts[] = { "One: ", "Two: " };
	static const bool echo[] = { false, true };

	switch (how % 8) {
	case 0:
	case 1:
		return userauth_server_failure(
		    run->u, "publickey,password", how % 8 == 1);
	case 2:
		run->done = true;
		return userauth_server_success(run->u);
	case 3:
		if (is_key)
			return userauth_server_pk_ok(run->u);
		break;
	case 4:
	case 5:
		return userauth_server_prompts(
		    run->u, "", "", prompts, echo, how % 8 - 3u);
	case 6:
		return userauth_server_password_change(run->u, "New:");
	default:
		break;
	}
	return userauth_server_failure(run->u, "publickey", false);
}

static int
on_events(struct run *run, int event, uint8_t how)
{
	while (event > 0) {
		const struct userauth_request *q =
		    userauth_server_request(run->u);
		int r;

		if (event == USERAUTH_SERVER_REQUEST)
			check_request(run, q);
		else
			for (size_t i = 0;
			     i < userauth_server_response_count(run->u); i++)
				REQUIRE(
				    userauth_server_response(run->u, i).len <
				    70000);
		r = answer(run, how,
		    event == USERAUTH_SERVER_REQUEST &&
			q->method == USERAUTH_PUBLICKEY_PROBE);
		if (r < 0)
			return r;
		event = userauth_server_next(run->u);
	}
	return event;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_of(span_of(data, size));
	struct run run = { 0 };
	int code = 0;

	engine_reset();
	run.t = engine_open(TRANSPORT_SERVER, 0);
	REQUIRE(userauth_server_new(
		    run.t, key_blob(engine_host_key()), &run.u) == 0);
	while (r.len > 0 && code >= 0) {
		uint8_t how = fuzz_byte(&r);
		struct span chunk = fuzz_chunk(&r);
		struct packet packet = { 0 };

		if (chunk.len == 0) {
			int b =
			    userauth_server_banner(run.u, span_text("Hello\n"));
			REQUIRE(b == 0 || b == ERR_UNEXPECTED);
			continue;
		}
		packet.type = chunk.ptr[0];
		packet.payload = span_of(chunk.ptr + 1, chunk.len - 1);
		code = on_events(
		    &run, userauth_server_packet(run.u, &packet), how);
		engine_take(run.t, NULL);
	}
	userauth_server_free(run.u);
	transport_free(run.t);
	buf_release(&run.user);
	return 0;
}

/* ---- seeds ---- */

static void
begin_request(struct buf *b, const char *method)
{
	buf_clear(b);
	write_byte(b, SSH_MSG_USERAUTH_REQUEST);
	write_text(b, "user");
	write_text(b, "ssh-connection");
	write_text(b, method);
}

static void
put(struct buf *seed, uint8_t how, struct buf *payload)
{
	write_byte(seed, how);
	fuzz_put_chunk(seed, buf_span(payload));
}

static void
put_service(struct buf *seed)
{
	struct buf b = BUF_INIT;

	write_byte(&b, SSH_MSG_SERVICE_REQUEST);
	write_text(&b, "ssh-userauth");
	put(seed, 0, &b);
	begin_request(&b, "none");
	put(seed, 0, &b);
	buf_release(&b);
}

static void
seed_publickey(bool sign, bool hostbound)
{
	struct buf seed = BUF_INIT, b = BUF_INIT;
	struct span blob = key_blob(engine_host_key());

	put_service(&seed);
	begin_request(&b,
	    hostbound ? "publickey-hostbound-v00@openssh.com" : "publickey");
	write_boolean(&b, sign);
	write_text(&b, "ssh-ed25519");
	write_string(&b, blob);
	if (hostbound)
		write_string(&b, blob);
	if (sign)
		write_text(&b, "signature");
	put(&seed, sign ? 2 : 3, &b);
	fuzz_seed(sign ? hostbound ? "hostbound" : "publickey" : "probe",
	    buf_span(&seed));
	buf_release(&seed);
	buf_release(&b);
}

void
fuzz_seeds(void)
{
	struct buf seed = BUF_INIT, b = BUF_INIT;

	seed_publickey(false, false);
	seed_publickey(true, false);
	seed_publickey(true, true);
	put_service(&seed);
	begin_request(&b, "password");
	write_boolean(&b, false);
	write_text(&b, "secret");
	put(&seed, 6, &b);
	begin_request(&b, "password");
	write_boolean(&b, true);
	write_text(&b, "secret");
	write_text(&b, "new");
	put(&seed, 2, &b);
	fuzz_seed("password", buf_span(&seed));
	buf_clear(&seed);
	put_service(&seed);
	begin_request(&b, "keyboard-interactive");
	write_text(&b, "");
	write_text(&b, "");
	put(&seed, 5, &b);
	buf_clear(&b);
	write_byte(&b, SSH_MSG_USERAUTH_INFO_RESPONSE);
	write_uint32(&b, 2);
	write_text(&b, "a");
	write_text(&b, "b");
	put(&seed, 2, &b);
	fuzz_seed("kbdint", buf_span(&seed));
	buf_release(&seed);
	buf_release(&b);
}
