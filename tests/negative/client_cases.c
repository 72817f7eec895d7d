/*
 * client_cases.c - a server that is wrong, step by step, against ssh.
 *
 * Each case is one run of ssh against a listening socket of ours. Whatever
 * the server does, ssh ends by itself, with its own exit status, and writes
 * nothing to the terminal that could drive it.
 */
#include "tests/negative/negative.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/error.h"
#include "common/base/file.h"
#include "common/base/time.h"
#include "common/key/key_file.h"

#define LIMIT_MS 12000
#define CHANNEL  0 /* the client's first one, and ours */

enum step {
	STEP_RAW,     /* connected; bytes only */
	STEP_KEX,     /* nothing is done but what the flags say */
	STEP_KEYED,   /* keys are exchanged */
	STEP_REQUEST, /* it asked for authentication */
	STEP_OPEN,    /* it opens its session */
	STEP_EXEC     /* its command runs */
};

enum status {
	STATUS_0 = 0,
	STATUS_255 = 255,
	STATUS_ANY = -1 /* 0 or 255 */
};

enum flag {
	FLAG_NONE,
	FLAG_BAD_SIGNATURE,
	FLAG_OTHER_KEY,   /* not the one in known_hosts */
	FLAG_OTHER_TYPE,  /* not the one negotiated */
	FLAG_OPEN_FAILURE /* it must refuse a channel */
};

struct client_case {
	const char *name;
	enum step step;
	enum status status;
	void (*act)(struct wire *w);
	enum flag flag;
};

struct run {
	const struct client_case *c;
	bool acted;
	pid_t pid;
};

static struct key *host_key, *other_key, *ecdsa_key;

/* ---- an honest server, but for one step ---- */

static void
act_at(struct wire *w, enum step step)
{
	struct run *run = w->context;

	if (run->c->step == step && !run->acted) {
		run->acted = true;
		if (run->c->act != NULL)
			run->c->act(w);
	}
}

static void
send_text(struct wire *w, uint8_t type, const char *text)
{
	struct buf b = BUF_INIT;

	write_byte(&b, type);
	write_text(&b, text);
	wire_send(w, &b);
	buf_release(&b);
}

static void
answer_open(struct wire *w, struct span payload)
{
	struct reader r = reader_of(payload);
	struct buf b = BUF_INIT;

	act_at(w, STEP_OPEN);
	(void)read_string(&r);
	wire_begin(&b, SSH_MSG_CHANNEL_OPEN_CONFIRMATION, read_uint32(&r));
	write_uint32(&b, CHANNEL);
	write_uint32(&b, 1 << 20);
	write_uint32(&b, 32768);
	wire_send(w, &b);
	buf_release(&b);
}

static void
finish_command(struct wire *w)
{
	struct buf b = BUF_INIT;

	wire_begin(&b, SSH_MSG_CHANNEL_DATA, CHANNEL);
	write_text(&b, "hello\n");
	wire_send(w, &b);
	wire_begin(&b, SSH_MSG_CHANNEL_REQUEST, CHANNEL);
	write_text(&b, "exit-status");
	write_boolean(&b, false);
	write_uint32(&b, 0);
	wire_send(w, &b);
	wire_begin(&b, SSH_MSG_CHANNEL_EOF, CHANNEL);
	wire_send(w, &b);
	wire_begin(&b, SSH_MSG_CHANNEL_CLOSE, CHANNEL);
	wire_send(w, &b);
	buf_release(&b);
}

static void
answer_request(struct wire *w, struct span payload)
{
	struct reader r = reader_of(payload);
	struct buf b = BUF_INIT;
	struct span type;

	(void)read_uint32(&r);
	type = read_string(&r);
	if (read_boolean(&r)) {
		wire_begin(&b, SSH_MSG_CHANNEL_SUCCESS, CHANNEL);
		wire_send(w, &b);
	}
	buf_release(&b);
	if (span_is(type, "exec")) {
		act_at(w, STEP_EXEC);
		finish_command(w);
	}
}

static void
on_keyed(struct wire *w)
{
	act_at(w, STEP_KEYED);
}

static void
on_packet(struct wire *w, uint8_t type, struct span payload)
{
	switch (type) {
	case SSH_MSG_SERVICE_REQUEST:
		send_text(w, SSH_MSG_SERVICE_ACCEPT, "ssh-userauth");
		break;
	case SSH_MSG_USERAUTH_REQUEST:
		act_at(w, STEP_REQUEST);
		wire_send_type(w, SSH_MSG_USERAUTH_SUCCESS);
		(void)!transport_authenticated(w->t);
		break;
	case SSH_MSG_GLOBAL_REQUEST:
		wire_send_type(w, SSH_MSG_REQUEST_FAILURE);
		break;
	case SSH_MSG_CHANNEL_OPEN:
		answer_open(w, payload);
		break;
	case SSH_MSG_CHANNEL_REQUEST:
		answer_request(w, payload);
		break;
	default:
		break;
	}
}

/* ---- ssh ---- */

static void
execute(unsigned port)
{
	char port_text[16], known[300], identity[300];
	int in = open("/dev/null", O_RDONLY);
	int out = open(scratch_path("out"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	int err = open(scratch_path("err"), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	snprintf(port_text, sizeof port_text, "%u", port);
	snprintf(known, sizeof known, "UserKnownHostsFile=%s",
	    scratch_path("known_hosts"));
	snprintf(identity, sizeof identity, "%s", scratch_path("user_key"));
	(void)setsid();
	dup2(in, 0);
	dup2(out, 1);
	dup2(err, 2);
	execl(options.ssh, options.ssh, "-F", "none", "-p", port_text, "-i",
	    identity, "-o", known, "-o", "GlobalKnownHostsFile=none", "-o",
	    "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", "-o",
	    "RememberHosts=no", "-o", "IdentitiesOnly=yes", "-o",
	    "ConnectTimeout=3", "-o",
	    "KexAlgorithms=+diffie-hellman-group1-sha1", "user@127.0.0.1",
	    "true", (char *)NULL);
	_exit(127);
}

static bool
is_fit_for_terminals(const char *name)
{
	struct buf b = BUF_INIT;
	bool fit = true;

	if (file_read(scratch_path(name), 64 << 20, &b, NULL) == 0)
		for (size_t i = 0; i < b.len; i++)
			fit &= b.data[i] >= 0x20
				   ? b.data[i] != 0x7f
				   : strchr("\r\n\t", b.data[i]) != NULL &&
					 b.data[i] != 0;
	buf_release(&b);
	return fit;
}

static void
judge(const struct client_case *c, const struct wire *w, bool ended, int status)
{
	struct buf err = BUF_INIT;
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

	(void)!file_read(scratch_path("err"), 4096, &err, NULL);
	if (!ended)
		case_failed(c->name, "ssh hangs");
	else if (code < 0)
		case_failed(
		    c->name, "ssh ended by signal %d", WTERMSIG(status));
	else if (c->status == STATUS_ANY ? code != 0 && code != 255
					 : code != (int)c->status)
		case_failed(c->name, "exit status %d, wanted %d: %s", code,
		    c->status, buf_text(&err));
	else if (c->flag == FLAG_OPEN_FAILURE &&
		 w->count[SSH_MSG_CHANNEL_OPEN_FAILURE] == 0)
		case_failed(c->name, "the channel was not refused");
	else if (!is_fit_for_terminals("err"))
		case_failed(c->name, "raw control bytes on stderr");
	else if (code == 255 && err.len == 0)
		case_failed(c->name, "it failed without a word");
	else
		case_passed(c->name);
	buf_release(&err);
}

/* Serves until ssh has ended. */
static bool
serve(struct wire *w, struct run *run, int *ret_status)
{
	uint64_t until = time_monotonic_us() + LIMIT_MS * 1000u;

	while (time_monotonic_us() < until) {
		if (waitpid(run->pid, ret_status, WNOHANG) == run->pid)
			return true;
		if (w->closed || w->disconnected || w->failed)
			usleep(2000);
		else
			(void)wire_until(w, 255, 1000000, 10);
		/* Our own end has no more to say: nor should it wait. */
		if (w->failed)
			(void)shutdown(w->fd, SHUT_WR);
	}
	kill(run->pid, SIGKILL);
	waitpid(run->pid, ret_status, 0);
	return false;
}

static bool
prepare(struct wire *w, const struct client_case *c)
{
	static const struct transport_config config = {
		.ident = "SSH-2.0-Negative_1",
		.kex_algorithms = "curve25519-sha256",
		.host_key_algorithms = "ssh-ed25519",
		.ciphers = "aes128-gcm@openssh.com,aes128-ctr",
		.macs = "hmac-sha2-256",
		.compression = "none",
	};

	w->key = c->flag == FLAG_OTHER_KEY ? other_key : host_key;
	w->shown = c->flag == FLAG_OTHER_TYPE ? ecdsa_key : NULL;
	w->spoil_signature = c->flag == FLAG_BAD_SIGNATURE;
	w->on_packet = on_packet;
	w->on_keyed = on_keyed;
	return wire_start(w, TRANSPORT_SERVER, &config);
}

static void
run_case(const struct client_case *c)
{
	struct run run = { .c = c };
	struct pollfd p = { -1, POLLIN, 0 };
	struct wire w;
	unsigned port;
	int status = 0;
	bool ended;

	if (!case_wanted(c->name))
		return;
	if ((p.fd = listen_loopback(&port)) < 0) {
		case_failed(c->name, "cannot listen");
		return;
	}
	if ((run.pid = fork()) == 0)
		execute(port);
	if (run.pid < 0 || poll(&p, 1, 5000) <= 0) {
		case_failed(c->name, "ssh does not connect");
		if (run.pid > 0)
			kill(run.pid, SIGKILL);
		close(p.fd);
		return;
	}
	wire_init(&w, accept(p.fd, NULL, NULL));
	close(p.fd);
	w.context = &run;
	if (c->step != STEP_RAW && !prepare(&w, c))
		case_failed(c->name, "no transport");
	act_at(&w, STEP_RAW);
	ended = serve(&w, &run, &status);
	judge(c, &w, ended, status);
	wire_release(&w);
}

/* ---- bytes before keys ---- */

#define IDENT        "SSH-2.0-Negative_1\r\n"
#define SAY(w, text) wire_send_bytes(w, text, sizeof(text) - 1)

static void
act_old(struct wire *w)
{
	SAY(w, "SSH-1.5-old\r\n");
}

static void
act_http(struct wire *w)
{
	SAY(w, "HTTP/1.1 400 Bad Request\r\n\r\n");
	(void)shutdown(w->fd, SHUT_WR);
}

static void
act_escape_lines(struct wire *w)
{
	SAY(w, "\x1b[2J\x1b]0;title\x07hello\r\nSSH-2.0-\x1b[31mred\r\n");
}

static void
act_nul_ident(struct wire *w)
{
	SAY(w, "SSH-2.0-a\0b\r\n");
}

static void
act_endless_lines(struct wire *w)
{
	for (int i = 0; i < 3000; i++)
		SAY(w, "a line before the identification, and no end\r\n");
}

static void
act_endless_line(struct wire *w)
{
	char block[4096];

	memset(block, 'x', sizeof block);
	for (int i = 0; i < 64; i++)
		wire_send_bytes(w, block, sizeof block);
}

static void
act_close(struct wire *w)
{
	(void)shutdown(w->fd, SHUT_RDWR);
}

static void
act_nothing(struct wire *w)
{
}

static void
send_kexinit(struct wire *w, const char *kex)
{
	const char *const lists[] = { kex, "ssh-ed25519", "aes128-ctr",
		"aes128-ctr", "hmac-sha2-256", "hmac-sha2-256", "none", "none",
		"", "" };
	struct buf b = BUF_INIT;

	SAY(w, IDENT);
	write_byte(&b, SSH_MSG_KEXINIT);
	write_bytes(&b, "0123456789abcdef", 16);
	for (size_t i = 0; i < 10; i++)
		write_text(&b, lists[i]);
	write_boolean(&b, false);
	write_uint32(&b, 0);
	wire_send_clear(w, &b);
	buf_release(&b);
}

static void
act_stall_after_kexinit(struct wire *w)
{
	send_kexinit(w, "curve25519-sha256");
}

static void
act_no_common(struct wire *w)
{
	send_kexinit(w, "rot13\x1b[31m");
}

static void
act_unknown_kex(struct wire *w)
{
	send_kexinit(w, "rot13");
}

#define GEX "diffie-hellman-group-exchange-sha256"

static void
send_group(struct wire *w, size_t bytes, uint8_t last, const char *generator)
{
	struct buf b = BUF_INIT;
	uint8_t prime[4096];

	memset(prime, 0xff, sizeof prime);
	prime[bytes - 1] = last;
	send_kexinit(w, GEX);
	write_byte(&b, SSH_MSG_KEX_DH_GEX_GROUP);
	write_mpint(&b, span_of(prime, bytes));
	write_mpint(&b, span_text(generator));
	wire_send_clear(w, &b);
	buf_release(&b);
}

static void
act_tiny_group(struct wire *w)
{
	send_group(w, 64, 0x6b, "\2");
}

static void
act_huge_group(struct wire *w)
{
	send_group(w, 2048, 0x6b, "\2");
}

static void
act_even_prime(struct wire *w)
{
	send_group(w, 256, 0xfe, "\2");
}

static void
act_generator_one(struct wire *w)
{
	send_group(w, 256, 0xff, "\1");
}

/* The answer to a key exchange, with a public value that is none. */
static void
send_reply(struct wire *w, const char *kex, struct span value)
{
	struct buf b = BUF_INIT;

	send_kexinit(w, kex);
	write_byte(&b, SSH_MSG_KEX_REPLY);
	write_string(&b, key_blob(host_key));
	write_string(&b, value);
	write_text(&b, "no signature");
	wire_send_clear(w, &b);
	buf_release(&b);
}

static void
act_f_zero(struct wire *w)
{
	send_reply(w, "diffie-hellman-group14-sha256", span_of(NULL, 0));
}

static void
act_f_one(struct wire *w)
{
	send_reply(w, "diffie-hellman-group14-sha256", span_text("\1"));
}

static void
act_zero_point(struct wire *w)
{
	static const uint8_t zero[32];

	send_reply(w, "curve25519-sha256", span_of(zero, sizeof zero));
}

static void
act_point_off_curve(struct wire *w)
{
	uint8_t point[65];

	memset(point, 7, sizeof point);
	point[0] = 4;
	send_reply(w, "ecdh-sha2-nistp256", span_of(point, sizeof point));
}

static void
act_early_newkeys(struct wire *w)
{
	struct buf b = BUF_INIT;

	send_kexinit(w, "curve25519-sha256");
	write_byte(&b, SSH_MSG_NEWKEYS);
	wire_send_clear(w, &b);
	buf_release(&b);
}

static void
act_strict_ignore(struct wire *w)
{
	struct buf b = BUF_INIT;

	send_kexinit(w, "curve25519-sha256,kex-strict-s-v00@openssh.com");
	write_byte(&b, SSH_MSG_IGNORE);
	write_text(&b, "");
	wire_send_clear(w, &b);
	buf_release(&b);
}

static void
act_two_kexinits(struct wire *w)
{
	struct buf b = BUF_INIT;

	send_kexinit(w, "curve25519-sha256");
	write_byte(&b, SSH_MSG_KEXINIT);
	write_bytes(&b, "0123456789abcdef", 16);
	wire_send_clear(w, &b);
	buf_release(&b);
}

static void
act_huge_packet(struct wire *w)
{
	SAY(w, IDENT "\x7f\xff\xff\xf0\4aaaaaaaaaaaaaaaaaaaa");
}

/* ---- with keys ---- */

static void
act_success(struct wire *w)
{
	wire_send_type(w, SSH_MSG_USERAUTH_SUCCESS);
}

static void
act_bad_mac(struct wire *w)
{
	char block[512];

	memset(block, 0x5a, sizeof block);
	wire_send_bytes(w, block, sizeof block);
}

static void
act_disconnect(struct wire *w)
{
	struct buf b = BUF_INIT;

	write_byte(&b, SSH_MSG_DISCONNECT);
	write_uint32(&b, 2);
	write_text(&b, "\x1b[2Jgo away\nroot@host# ");
	write_text(&b, "");
	wire_send(w, &b);
	buf_release(&b);
}

static void
act_other_service(struct wire *w)
{
	send_text(w, SSH_MSG_SERVICE_ACCEPT, "ssh-teapot");
}

static void
act_ext_info(struct wire *w)
{
	struct buf b = BUF_INIT;

	write_byte(&b, SSH_MSG_EXT_INFO);
	write_uint32(&b, 0xffffffff);
	wire_send(w, &b);
	buf_release(&b);
}

static void
send_banner(struct wire *w, const char *text)
{
	struct buf b = BUF_INIT;

	write_byte(&b, SSH_MSG_USERAUTH_BANNER);
	write_text(&b, text);
	write_text(&b, "");
	wire_send(w, &b);
	buf_release(&b);
}

static void
act_banner_escape(struct wire *w)
{
	send_banner(w, "\x1b[2J\x1b]52;c;aGk=\x07 welcome\x9b"
		       "2J\r\n");
}

static void
act_banner_flood(struct wire *w)
{
	char text[16000];

	memset(text, 'b', sizeof text);
	text[sizeof text - 1] = '\0';
	for (int i = 0; i < 200; i++)
		send_banner(w, text);
}

static void
act_endless_failures(struct wire *w)
{
	struct buf b = BUF_INIT;

	for (int i = 0; i < 50; i++) {
		write_byte(&b, SSH_MSG_USERAUTH_FAILURE);
		write_text(&b, "publickey,password,\x1b[31m");
		write_boolean(&b, i % 2 != 0);
		wire_send(w, &b);
	}
	buf_release(&b);
}

static void
act_many_prompts(struct wire *w)
{
	struct buf b = BUF_INIT;

	write_byte(&b, SSH_MSG_USERAUTH_INFO_REQUEST);
	write_text(&b, "");
	write_text(&b, "");
	write_text(&b, "");
	write_uint32(&b, 0xffffffff);
	wire_send(w, &b);
	buf_release(&b);
}

static void
act_pk_ok_other(struct wire *w)
{
	struct buf b = BUF_INIT;

	write_byte(&b, SSH_MSG_USERAUTH_PK_OK);
	write_text(&b, "ssh-ed25519");
	write_string(&b, key_blob(other_key));
	wire_send(w, &b);
	buf_release(&b);
}

/* ---- channels ---- */

static void
act_exit_status_early(struct wire *w)
{
	struct buf b = BUF_INIT;

	wire_begin(&b, SSH_MSG_CHANNEL_REQUEST, CHANNEL);
	write_text(&b, "exit-status");
	write_boolean(&b, false);
	write_uint32(&b, 0);
	wire_send(w, &b);
	buf_release(&b);
}

static void
act_unknown_channel(struct wire *w)
{
	struct buf b = BUF_INIT;

	wire_begin(&b, SSH_MSG_CHANNEL_DATA, 4711);
	write_text(&b, "data");
	wire_send(w, &b);
	buf_release(&b);
}

static void
act_big_data(struct wire *w)
{
	static char block[200000];
	struct buf b = BUF_INIT;

	wire_begin(&b, SSH_MSG_CHANNEL_DATA, CHANNEL);
	write_string(&b, span_of(block, sizeof block));
	wire_send(w, &b);
	buf_release(&b);
}

static void
act_open_failure(struct wire *w)
{
	struct buf b = BUF_INIT;

	wire_begin(&b, SSH_MSG_CHANNEL_OPEN_FAILURE, CHANNEL);
	write_uint32(&b, 1);
	write_text(&b, "\x1b[2J no\nroot# ");
	write_text(&b, "");
	wire_send(w, &b);
	buf_release(&b);
}

static void
act_confirm_twice(struct wire *w)
{
	struct buf b = BUF_INIT;

	wire_begin(&b, SSH_MSG_CHANNEL_OPEN_CONFIRMATION, CHANNEL);
	for (int i = 0; i < 3; i++)
		write_uint32(&b, 32768);
	wire_send(w, &b);
	buf_release(&b);
}

static void
open_channel(struct wire *w, const char *type)
{
	struct buf b = BUF_INIT;

	write_byte(&b, SSH_MSG_CHANNEL_OPEN);
	write_text(&b, type);
	for (int i = 0; i < 3; i++)
		write_uint32(&b, 32768);
	write_text(&b, "127.0.0.1");
	write_uint32(&b, 22);
	write_text(&b, "127.0.0.1");
	write_uint32(&b, 23);
	wire_send(w, &b);
	buf_release(&b);
}

static void
act_open_forwarded(struct wire *w)
{
	open_channel(w, "forwarded-tcpip");
}

static void
act_open_direct(struct wire *w)
{
	open_channel(w, "direct-tcpip");
}

static void
act_open_x11(struct wire *w)
{
	open_channel(w, "x11");
}

static void
act_open_agent(struct wire *w)
{
	open_channel(w, "auth-agent@openssh.com");
}

static void
act_open_session(struct wire *w)
{
	open_channel(w, "session");
}

static void
act_data_after_close(struct wire *w)
{
	struct buf b = BUF_INIT;

	wire_begin(&b, SSH_MSG_CHANNEL_EOF, CHANNEL);
	wire_send(w, &b);
	wire_begin(&b, SSH_MSG_CHANNEL_DATA, CHANNEL);
	write_text(&b, "after the end");
	wire_send(w, &b);
	buf_release(&b);
}

static const struct client_case cases[] = {
	{ "client-honest", STEP_EXEC, STATUS_0, NULL, FLAG_NONE },
	{ "client-ident-1.5", STEP_RAW, STATUS_255, act_old, FLAG_NONE },
	{ "client-http", STEP_RAW, STATUS_255, act_http, FLAG_NONE },
	{ "client-escapes-before-ident", STEP_RAW, STATUS_255, act_escape_lines,
	    FLAG_NONE },
	{ "client-ident-nul", STEP_RAW, STATUS_255, act_nul_ident, FLAG_NONE },
	{ "client-endless-lines", STEP_RAW, STATUS_255, act_endless_lines,
	    FLAG_NONE },
	{ "client-endless-line", STEP_RAW, STATUS_255, act_endless_line,
	    FLAG_NONE },
	{ "client-closed-at-once", STEP_RAW, STATUS_255, act_close, FLAG_NONE },
	{ "client-stall", STEP_RAW, STATUS_255, act_nothing, FLAG_NONE },
	{ "client-stall-after-kexinit", STEP_RAW, STATUS_255,
	    act_stall_after_kexinit, FLAG_NONE },
	{ "client-kexinit-escape", STEP_RAW, STATUS_255, act_no_common,
	    FLAG_NONE },
	{ "client-kexinit-unknown", STEP_RAW, STATUS_255, act_unknown_kex,
	    FLAG_NONE },
	{ "client-gex-512-bits", STEP_RAW, STATUS_255, act_tiny_group,
	    FLAG_NONE },
	{ "client-gex-16384-bits", STEP_RAW, STATUS_255, act_huge_group,
	    FLAG_NONE },
	{ "client-gex-even-prime", STEP_RAW, STATUS_255, act_even_prime,
	    FLAG_NONE },
	{ "client-gex-generator-1", STEP_RAW, STATUS_255, act_generator_one,
	    FLAG_NONE },
	{ "client-kex-f-0", STEP_RAW, STATUS_255, act_f_zero, FLAG_NONE },
	{ "client-kex-f-1", STEP_RAW, STATUS_255, act_f_one, FLAG_NONE },
	{ "client-kex-zero-point", STEP_RAW, STATUS_255, act_zero_point,
	    FLAG_NONE },
	{ "client-kex-off-curve", STEP_RAW, STATUS_255, act_point_off_curve,
	    FLAG_NONE },
	{ "client-newkeys-early", STEP_RAW, STATUS_255, act_early_newkeys,
	    FLAG_NONE },
	{ "client-strict-ignore", STEP_RAW, STATUS_255, act_strict_ignore,
	    FLAG_NONE },
	{ "client-kexinit-twice", STEP_RAW, STATUS_255, act_two_kexinits,
	    FLAG_NONE },
	{ "client-packet-huge", STEP_RAW, STATUS_255, act_huge_packet,
	    FLAG_NONE },
	{ "client-bad-signature", STEP_KEX, STATUS_255, NULL,
	    FLAG_BAD_SIGNATURE },
	{ "client-other-host-key", STEP_KEX, STATUS_255, NULL, FLAG_OTHER_KEY },
	{ "client-other-key-type", STEP_KEX, STATUS_255, NULL,
	    FLAG_OTHER_TYPE },
	{ "client-success-unasked", STEP_KEYED, STATUS_255, act_success,
	    FLAG_NONE },
	{ "client-bad-mac", STEP_KEYED, STATUS_255, act_bad_mac, FLAG_NONE },
	{ "client-disconnect-escape", STEP_KEYED, STATUS_255, act_disconnect,
	    FLAG_NONE },
	{ "client-other-service", STEP_KEYED, STATUS_255, act_other_service,
	    FLAG_NONE },
	{ "client-ext-info-huge", STEP_KEYED, STATUS_255, act_ext_info,
	    FLAG_NONE },
	{ "client-open-before-auth", STEP_KEYED, STATUS_ANY, act_open_session,
	    FLAG_NONE },
	{ "client-banner-escape", STEP_REQUEST, STATUS_0, act_banner_escape,
	    FLAG_NONE },
	{ "client-banner-flood", STEP_REQUEST, STATUS_ANY, act_banner_flood,
	    FLAG_NONE },
	{ "client-endless-failures", STEP_REQUEST, STATUS_255,
	    act_endless_failures, FLAG_NONE },
	{ "client-4-billion-prompts", STEP_REQUEST, STATUS_255,
	    act_many_prompts, FLAG_NONE },
	{ "client-pk-ok-of-other-key", STEP_REQUEST, STATUS_255,
	    act_pk_ok_other, FLAG_NONE },
	{ "client-exit-status-early", STEP_OPEN, STATUS_ANY,
	    act_exit_status_early, FLAG_NONE },
	{ "client-open-failure-escape", STEP_OPEN, STATUS_255, act_open_failure,
	    FLAG_NONE },
	{ "client-confirmed-twice", STEP_OPEN, STATUS_255, act_confirm_twice,
	    FLAG_NONE },
	{ "client-data-for-no-channel", STEP_EXEC, STATUS_255,
	    act_unknown_channel, FLAG_NONE },
	{ "client-data-over-maximum", STEP_EXEC, STATUS_255, act_big_data,
	    FLAG_NONE },
	{ "client-data-after-eof", STEP_EXEC, STATUS_255, act_data_after_close,
	    FLAG_NONE },
	{ "client-open-forwarded", STEP_EXEC, STATUS_0, act_open_forwarded,
	    FLAG_OPEN_FAILURE },
	{ "client-open-direct", STEP_EXEC, STATUS_0, act_open_direct,
	    FLAG_OPEN_FAILURE },
	{ "client-open-x11", STEP_EXEC, STATUS_0, act_open_x11,
	    FLAG_OPEN_FAILURE },
	{ "client-open-agent", STEP_EXEC, STATUS_0, act_open_agent,
	    FLAG_OPEN_FAILURE },
	{ "client-open-session", STEP_EXEC, STATUS_0, act_open_session,
	    FLAG_OPEN_FAILURE },
};

/* ---- every type ---- */

static uint8_t sweep_type;

static void
act_sweep(struct wire *w)
{
	static const uint8_t noise[] = { 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 5,
		'n', 'o', 'i', 's', 'e', 0, 0xff };
	struct buf b = BUF_INIT;

	write_byte(&b, sweep_type);
	if (sweep_type % 2 != 0)
		write_bytes(&b, noise, sizeof noise);
	wire_send(w, &b);
	buf_release(&b);
}

static void
sweep(enum step step, const char *step_name)
{
	for (int type = 0; type < 200; type++) {
		char name[64];
		struct client_case c = { name, step, STATUS_ANY, act_sweep,
			FLAG_NONE };

		if (type > 101 && type < 190 && type % 16 != 0)
			continue;
		sweep_type = (uint8_t)type;
		snprintf(
		    name, sizeof name, "client-type-%d-%s", type, step_name);
		run_case(&c);
	}
}

static bool
make_keys(void)
{
	struct key_file_options format = { .format = KEY_FORMAT_OPENSSH };
	struct buf line = BUF_INIT;
	struct error e = { 0 };
	char *text;
	bool ok;

	if (key_generate("ed25519", 0, &host_key, &e) != 0 ||
	    key_generate("ed25519", 0, &other_key, &e) != 0 ||
	    key_generate("ecdsa", 0, &ecdsa_key, &e) != 0 ||
	    key_private_save(
		other_key, scratch_path("user_key"), &format, &e) != 0 ||
	    (text = key_public_line(host_key, NULL)) == NULL)
		return false;
	/* For any port: what a case listens on is known only then. */
	buf_printf(&line, "[127.0.0.1]:* %s\n", text);
	ok = scratch_write("known_hosts", buf_span(&line));
	free(text);
	buf_release(&line);
	return ok;
}

void
client_cases(void)
{
	if (access(options.ssh, X_OK) != 0 || !make_keys()) {
		case_failed("ssh", "%s is missing, or keys", options.ssh);
		return;
	}
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		run_case(&cases[i]);
	sweep(STEP_KEYED, "keyed");
	sweep(STEP_EXEC, "running");
	key_unref(host_key);
	key_unref(other_key);
	key_unref(ecdsa_key);
}
