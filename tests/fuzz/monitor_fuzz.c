/*
 * monitor_fuzz.c - the monitor, asked by a process that an attacker holds.
 *
 * Input: a byte that chooses the configuration, then messages: a byte for
 * the type and a chunk for the body. The user "me" stands for who runs this;
 * the key of authorized_keys is the engine's.
 */
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/text.h"
#include "common/key/key.h"
#include "common/transport/message.h"
#include "sshd/monitor.h"
#include "tests/fuzz/engine.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/scratch.h"

#define PASSWORD "open sesame"

/* ---- a world in which nothing takes time ---- */

static uint64_t now_us;
static bool password_was_right;

static int
check_password(const char *name, const char *password, bool permit_empty,
    bool *ret_ok, bool *ret_expired)
{
	*ret_ok = strcmp(password, PASSWORD) == 0;
	*ret_expired = false;
	password_was_right = *ret_ok && name != NULL;
	return 0;
}

static uint64_t
get_now_us(void)
{
	return now_us += 10;
}

static void
wait_us(uint64_t us)
{
	now_us += us;
}

static const struct monitor_world world = { check_password, get_now_us,
	wait_us };

/* ---- configurations ---- */

static const char *const settings[] = {
	"",
	"AuthenticationMethods publickey,password\n",
	"PasswordAuthentication no\nMaxAuthTries 2\n",
	"Match User me*,root\nPermitRootLogin forced-commands-only\n",
	"HostbasedAuthentication yes\nIgnoreRhosts no\n"
	"HostbasedUsesNameFromPacketOnly yes\n",
};

static struct sshd_config *
config_of(unsigned index)
{
	static struct sshd_config *made[ARRAY_COUNT(settings)];
	struct strings none = STRINGS_INIT;
	struct error e = { 0 };
	struct sshd_config_source source = { .lines = &none };
	struct buf text = BUF_INIT;
	char *line;

	if (made[index] != NULL)
		return made[index];
	line = key_public_line(engine_host_key(), NULL);
	REQUIRE(line != NULL);
	(void)scratch_file("authorized_keys", span_text(line));
	free(line);
	buf_printf(&text,
	    "AuthorizedKeysFile %s/authorized_keys\nStrictModes no\n"
	    "PermitRootLogin yes\n%s",
	    scratch_directory(), settings[index]);
	source.file = scratch_file("sshd_config", buf_span(&text));
	REQUIRE(sshd_config_load(&source, &made[index], &e) == 0);
	buf_release(&text);
	return made[index];
}

static struct host_keys *
make_host_keys(void)
{
	struct host_keys *keys = host_keys_new();
	struct buf out = BUF_SECRET_INIT;
	struct reader r;
	size_t mark;

	write_text(&out, ""); /* no agent */
	write_text(&out, "");
	write_text(&out, ""); /* no provider */
	write_uint32(&out, 1);
	write_string(&out, key_blob(engine_host_key()));
	write_text(&out, ""); /* no certificate */
	mark = write_string_begin(&out);
	REQUIRE(key_write_private(engine_host_key(), &out) == 0);
	write_string_end(&out, mark);
	r = reader_of(buf_span(&out));
	REQUIRE(keys != NULL && host_keys_read(&r, keys) == 0);
	buf_release(&out);
	return keys;
}

/* ---- one connection ---- */

struct run {
	struct monitor *m;
	struct ipc ipc, child;
	bool granted;
};

static void
take_replies(struct run *run, uint8_t asked)
{
	struct ipc_message reply;

	REQUIRE(ipc_flush(&run->ipc) == 0);
	REQUIRE(ipc_fill(&run->child) == 0);
	while (ipc_next(&run->child, &reply) == 1) {
		REQUIRE(reply.type >= PRIVSEP_SIGNED);
		REQUIRE(reply.fd < 0);
		if (reply.type != PRIVSEP_VERDICT || reply.body.len == 0 ||
		    reply.body.ptr[0] != PRIVSEP_GRANTED)
			continue;
		/* Nobody gets in but by a right password or a key. */
		REQUIRE(!run->granted);
		REQUIRE(password_was_right || asked == PRIVSEP_KEY_AUTH);
		run->granted = true;
	}
}

static int
say(struct run *run, uint8_t type, struct span body)
{
	struct reader r = reader_of(body);
	struct buf other = BUF_INIT;
	int code;

	if (type == PRIVSEP_USER && span_is(read_string(&r), "me")) {
		write_text(&other, getpwuid(geteuid())->pw_name);
		write_span(&other, read_rest(&r));
		body = buf_span(&other);
	}
	password_was_right = false;
	code = monitor_dispatch(run->m, &run->ipc, type, body);
	buf_release(&other);
	REQUIRE(code <= MONITOR_OVER);
	if (code >= 0)
		take_replies(run, type);
	REQUIRE(!monitor_is_authenticated(run->m) || run->granted);
	return code;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct host_keys *keys;
	struct reader r = reader_of(span_of(data, size));
	struct peer peer;
	struct run run = { 0 };
	bool session = false;
	int fds[2], code = 0;

	if (keys == NULL)
		keys = make_host_keys();
	peer_of(-1, &peer);
	run.m = monitor_new(config_of(fuzz_byte(&r) % ARRAY_COUNT(settings)),
	    &peer, keys, &world);
	REQUIRE(run.m != NULL && ipc_pair(fds) == 0);
	ipc_init(&run.ipc, fds[0], PRIVSEP_MESSAGE_MAX);
	ipc_init(&run.child, fds[1], PRIVSEP_MESSAGE_MAX);
	while (r.len > 0 && code == 0) {
		uint8_t type = fuzz_byte(&r);

		/* A terminal would be a real one, with a login record. */
		if (session && type == PRIVSEP_PTY_OPEN)
			break;
		code = say(&run, type, fuzz_chunk(&r));
		if (code == MONITOR_OVER && !session &&
		    monitor_is_authenticated(run.m)) {
			struct buf start = BUF_SECRET_INIT;

			REQUIRE(monitor_write_start(run.m, &start) == 0);
			buf_release(&start);
			session = true;
			code = 0;
		}
		(void)monitor_exit_status(run.m);
	}
	monitor_free(run.m);
	ipc_release(&run.ipc);
	ipc_release(&run.child);
	return 0;
}

/* ---- seeds ---- */

static void
put(struct buf *seed, uint8_t type, struct buf *body)
{
	write_byte(seed, type);
	fuzz_put_chunk(seed, buf_span(body));
	buf_clear(body);
}

static void
begin(struct buf *seed, struct buf *b, uint8_t config)
{
	buf_clear(seed);
	write_byte(seed, config);
	write_string(b, span_of("0123456789abcdef0123456789abcdef", 32));
	write_text(b, "ssh-ed25519");
	put(seed, PRIVSEP_SIGN, b);
	write_text(b, "me");
	write_text(b, "ssh-connection");
	put(seed, PRIVSEP_USER, b);
	put(seed, PRIVSEP_NONE, b);
}

static void
put_done(struct buf *seed, struct buf *b)
{
	write_text(b, "state");
	write_text(b, "summary");
	put(seed, PRIVSEP_DONE, b);
	write_byte(b, 5);
	write_text(b, "a line");
	put(seed, PRIVSEP_LOG, b);
	write_text(b, "/dev/pts/9999");
	put(seed, PRIVSEP_PTY_CLOSE, b);
	write_string(b, key_blob(engine_host_key()));
	write_text(b, "ssh-ed25519");
	put(seed, PRIVSEP_PROVE, b);
}

static void
put_hostbased(struct buf *seed, struct buf *b)
{
	write_text(b, "ssh-ed25519");
	write_string(b, key_blob(engine_host_key()));
	write_text(b, "client.example.");
	write_text(b, "me");
	write_text(b, "signature");
	put(seed, PRIVSEP_HOSTBASED, b);
}

static void
put_key(struct buf *seed, struct buf *b)
{
	struct key *k = engine_host_key();
	struct buf data = BUF_INIT, signature = BUF_INIT;

	write_text(b, "ssh-ed25519");
	write_string(b, key_blob(k));
	put(seed, PRIVSEP_KEY_PROBE, b);
	write_string(&data, span_of("0123456789abcdef0123456789abcdef", 32));
	write_byte(&data, SSH_MSG_USERAUTH_REQUEST);
	write_text(&data, getpwuid(geteuid())->pw_name);
	write_text(&data, "ssh-connection");
	write_text(&data, "publickey");
	write_boolean(&data, true);
	write_text(&data, "ssh-ed25519");
	write_string(&data, key_blob(k));
	REQUIRE(key_sign(k, signature_find(span_text("ssh-ed25519")),
		    buf_span(&data), &signature) == 0);
	write_text(b, "ssh-ed25519");
	write_string(b, key_blob(k));
	write_string(b, buf_span(&signature));
	write_boolean(b, false);
	put(seed, PRIVSEP_KEY_AUTH, b);
	buf_release(&data);
	buf_release(&signature);
}

void
fuzz_seeds(void)
{
	struct buf seed = BUF_INIT, b = BUF_INIT;

	for (uint8_t c = 0; c < ARRAY_COUNT(settings); c++) {
		char name[] = { 'c', (char)('0' + c), '\0' };

		begin(&seed, &b, c);
		put_hostbased(&seed, &b);
		put_key(&seed, &b);
		write_text(&b, PASSWORD);
		write_boolean(&b, false);
		if (c == 1)
			put(&seed, PRIVSEP_PASSWORD, &b);
		buf_clear(&b);
		put_done(&seed, &b);
		fuzz_seed(name, buf_span(&seed));
	}
	begin(&seed, &b, 0);
	write_text(&b, "");
	put(&seed, PRIVSEP_KBDINT, &b);
	write_uint32(&b, 1);
	write_text(&b, PASSWORD);
	put(&seed, PRIVSEP_KBDINT_ANSWER, &b);
	put_done(&seed, &b);
	fuzz_seed("kbdint", buf_span(&seed));
	begin(&seed, &b, 0);
	write_text(&b, "gssapi");
	put(&seed, PRIVSEP_OTHER, &b);
	write_byte(&b, 2);
	write_uint32(&b, 11);
	write_text(&b, "bye");
	put(&seed, PRIVSEP_END, &b);
	fuzz_seed("end", buf_span(&seed));
	buf_release(&seed);
	buf_release(&b);
}
