/*
 * userauth_client_fuzz.c - what a server answers to requests for
 * authentication. RFC 4252, RFC 4256.
 *
 * Input: steps of a byte and a chunk. The byte chooses a request of ours,
 * the chunk is a packet's payload with its type.
 */
#include <string.h>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/key/key.h"
#include "common/transport/message.h"
#include "common/userauth/userauth_client.h"
#include "tests/fuzz/engine.h"
#include "tests/fuzz/fuzz.h"

static int
send_publickey(struct userauth_client *u)
{
	struct span blob = key_blob(engine_host_key());
	struct buf data = BUF_INIT;
	int r = userauth_client_sign_data(u, "ssh-ed25519", blob, &data);

	if (r == 0)
		r = userauth_client_publickey(
		    u, "ssh-ed25519", blob, span_text("signature"));
	buf_release(&data);
	return r;
}

/* What we do next; refused where it does not fit the engine's state. */
static int
request(struct userauth_client *u, uint8_t what)
{
	static const char *const answers[64] = { "a", "b", "c" };
	struct span blob = key_blob(engine_host_key());
	size_t n = userauth_client_prompt_count(u);
	const char *filled[64];

	switch (what % 8) {
	case 1:
		return userauth_client_none(u);
	case 2:
		return userauth_client_probe(u, "ssh-ed25519", blob);
	case 3:
		return send_publickey(u);
	case 4:
		return userauth_client_password(u, "secret", NULL);
	case 5:
		return userauth_client_kbdint(u, "");
	case 6:
		REQUIRE(n <= 64);
		for (size_t i = 0; i < 64; i++)
			filled[i] = answers[i % 3];
		return userauth_client_respond(u, filled, n);
	case 7:
		return userauth_client_password(u, "secret", "new");
	default:
		return 0;
	}
}

static void
check_event(struct userauth_client *u, int event)
{
	switch (event) {
	case USERAUTH_CLIENT_FAILURE:
		REQUIRE(userauth_client_methods(u) != NULL);
		(void)userauth_client_partial_success(u);
		break;
	case USERAUTH_CLIENT_BANNER:
	case USERAUTH_CLIENT_PASSWORD_CHANGE:
		REQUIRE(userauth_client_text(u).len <= 64 * 1024);
		break;
	case USERAUTH_CLIENT_PROMPTS:
		for (size_t i = 0; i < userauth_client_prompt_count(u); i++) {
			bool echo;
			struct buf out = BUF_INIT;

			text_escape_lines(
			    &out, userauth_client_prompt(u, i, &echo), false);
			REQUIRE(fuzz_is_printable(buf_span(&out), true));
			buf_release(&out);
		}
		(void)userauth_client_name(u);
		(void)userauth_client_instruction(u);
		break;
	default:
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_of(span_of(data, size));
	struct userauth_client *u;
	struct transport *t;
	int code = 0;
	bool asked = false;

	engine_reset();
	t = engine_open(TRANSPORT_CLIENT, 0);
	REQUIRE(userauth_client_new(t, "user", "ssh-connection", &u) == 0);
	while (r.len > 0 && code >= 0) {
		struct packet packet = { 0 };
		struct span chunk;

		asked |= request(u, fuzz_byte(&r)) == 0;
		chunk = fuzz_chunk(&r);
		if (chunk.len == 0)
			continue;
		packet.type = chunk.ptr[0];
		packet.payload = span_of(chunk.ptr + 1, chunk.len - 1);
		code = userauth_client_packet(u, &packet);
		/* Nobody is let in who did not ask. */
		REQUIRE(code != USERAUTH_CLIENT_SUCCESS || asked);
		check_event(u, code);
		engine_take(t, NULL);
		if (code == USERAUTH_CLIENT_SUCCESS)
			break;
	}
	userauth_client_free(u);
	transport_free(t);
	return 0;
}

/* ---- seeds ---- */

static void
put(struct buf *seed, uint8_t what, struct buf *payload)
{
	write_byte(seed, what);
	fuzz_put_chunk(seed, buf_span(payload));
	buf_clear(payload);
}

static void
begin(struct buf *seed, struct buf *b, uint8_t what)
{
	buf_clear(seed);
	write_byte(b, SSH_MSG_SERVICE_ACCEPT);
	write_text(b, "ssh-userauth");
	put(seed, what, b);
}

static void
put_failure(struct buf *seed, struct buf *b, uint8_t what)
{
	write_byte(b, SSH_MSG_USERAUTH_FAILURE);
	write_text(b, "publickey,password");
	write_boolean(b, false);
	put(seed, what, b);
}

void
fuzz_seeds(void)
{
	struct buf seed = BUF_INIT, b = BUF_INIT;

	begin(&seed, &b, 1);
	put_failure(&seed, &b, 0);
	write_byte(&b, SSH_MSG_USERAUTH_PK_OK);
	write_text(&b, "ssh-ed25519");
	write_string(&b, key_blob(engine_host_key()));
	put(&seed, 2, &b);
	write_byte(&b, SSH_MSG_USERAUTH_SUCCESS);
	put(&seed, 3, &b);
	fuzz_seed("publickey", buf_span(&seed));

	begin(&seed, &b, 4);
	write_byte(&b, SSH_MSG_USERAUTH_BANNER);
	write_text(&b, "Welcome\n");
	write_text(&b, "");
	put(&seed, 0, &b);
	write_byte(&b, SSH_MSG_USERAUTH_PASSWD_CHANGEREQ);
	write_text(&b, "Too old");
	write_text(&b, "");
	put(&seed, 0, &b);
	put_failure(&seed, &b, 7);
	fuzz_seed("password", buf_span(&seed));

	begin(&seed, &b, 5);
	write_byte(&b, SSH_MSG_USERAUTH_INFO_REQUEST);
	write_text(&b, "name");
	write_text(&b, "instruction");
	write_text(&b, "");
	write_uint32(&b, 1);
	write_text(&b, "Password: ");
	write_boolean(&b, false);
	put(&seed, 0, &b);
	put_failure(&seed, &b, 6);
	fuzz_seed("kbdint", buf_span(&seed));
	buf_release(&seed);
	buf_release(&b);
}
