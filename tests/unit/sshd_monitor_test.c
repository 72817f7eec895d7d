/*
 * sshd_monitor_test.c - the process that decides, driven by hand: what it
 * answers, and what it never does, whatever the child says.
 */
#include "sshd/monitor.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/base/time.h"
#include "common/key/key.h"
#include "common/port/port.h"
#include "common/transport/message.h"
#include "sshd/session_start.h"
#include "tests/unit/unit.h"

#define PASSWORD "open sesame"

/* ---- a world in which nothing takes time ---- */

static uint64_t now_us;
static uint64_t waited_us;
static unsigned checks_of_unknown;
static bool has_empty_password;

static int
fake_check_password(const char *name, const char *password, bool permit_empty,
    bool *ret_ok, bool *ret_expired)
{
	now_us += 1000;
	if (name == NULL)
		checks_of_unknown++;
	*ret_ok = strcmp(password, PASSWORD) == 0 ||
		  (permit_empty && has_empty_password && *password == '\0');
	*ret_expired = false;
	return 0;
}

static uint64_t
fake_now_us(void)
{
	return now_us;
}

static void
fake_wait_us(uint64_t us)
{
	waited_us += us;
	now_us += us;
}

static const struct monitor_world world = { fake_check_password, fake_now_us,
	fake_wait_us };

/* ---- a monitor and a child made of bytes ---- */

struct bench {
	struct sshd_config *config;
	struct host_keys *keys;
	struct key *host_key;
	struct key *user_key;
	struct peer peer;
	struct monitor *m;
	struct ipc monitor_end;
	struct ipc child;
	struct buf body;
	struct ipc_message reply;
	char user[64];
	uint8_t hash[32];
};

/* A test is a process of its own: what it made lives as long, and is in
 * sight of a sanitizer that looks for leaks. */
static void *kept[64];

static void *
keep(void *p)
{
	static size_t count;

	CHECK(p != NULL && count < ARRAY_COUNT(kept));
	return kept[count++] = p;
}

static const char *
scratch(const char *name)
{
	return keep(text_format("%s/%s", unit_scratch(), name));
}

static void
write_file(const char *path, const char *text)
{
	CHECK_INT(
	    file_write_atomic(path, span_text(text), 0600, false, NULL), 0);
}

static void
load_config(struct bench *b, const char *text)
{
	const char *file = scratch("sshd_config");
	char *line = key_public_line(b->user_key, NULL);
	struct strings none = STRINGS_INIT;
	struct sshd_config_source source = { .file = file, .lines = &none };
	char *all;

	write_file(scratch("authorized_keys"), line);
	all = text_format("AuthorizedKeysFile %s\nStrictModes no\n"
			  "PermitRootLogin yes\n%s\n",
	    scratch("authorized_keys"), text);
	write_file(file, all);
	CHECK_INT(sshd_config_load(&source, &b->config, NULL), 0);
	free(all);
	free(line);
}

static void
load_keys(struct bench *b)
{
	struct buf out = BUF_INIT;
	struct reader r;
	size_t mark;

	CHECK_INT(key_generate("ed25519", 0, &b->host_key, NULL), 0);
	CHECK_INT(key_generate("ed25519", 0, &b->user_key, NULL), 0);
	write_text(&out, ""); /* no agent */
	write_text(&out, "");
	write_text(&out, ""); /* no provider */
	write_uint32(&out, 1);
	write_string(&out, key_blob(b->host_key));
	write_text(&out, ""); /* no certificate */
	mark = write_string_begin(&out);
	CHECK_INT(key_write_private(b->host_key, &out), 0);
	write_string_end(&out, mark);
	r = reader_of(buf_span(&out));
	b->keys = host_keys_new();
	CHECK_INT(host_keys_read(&r, b->keys), 0);
	CHECK_INT(read_end(&r), 0);
	buf_release(&out);
}

static struct bench *
bench_new(const char *config)
{
	struct bench *b = keep(calloc(1, sizeof(*b)));
	int fds[2];

	log_set_level(LOG_LEVEL_QUIET);
	text_copy(b->user, sizeof(b->user), getpwuid(geteuid())->pw_name);
	load_keys(b);
	load_config(b, config);
	peer_of(-1, &b->peer);
	CHECK_INT(ipc_pair(fds), 0);
	ipc_init(&b->monitor_end, fds[0], PRIVSEP_MESSAGE_MAX);
	ipc_init(&b->child, fds[1], PRIVSEP_MESSAGE_MAX);
	b->m = monitor_new(b->config, &b->peer, b->keys, &world);
	CHECK(b->m != NULL);
	memset(b->hash, 0x42, sizeof(b->hash));
	return b;
}

/* Sends what lies in body; a reply, if any, is in b->reply. */
static int
say(struct bench *b, uint8_t type)
{
	int r =
	    monitor_dispatch(b->m, &b->monitor_end, type, buf_span(&b->body));

	buf_clear(&b->body);
	b->reply.type = 0;
	if (ipc_has_output(&b->monitor_end)) {
		CHECK_INT(ipc_flush(&b->monitor_end), 0);
		CHECK_INT(ipc_receive(&b->child, &b->reply), 0);
	}
	return r;
}

static int
say_sign(struct bench *b)
{
	write_string(&b->body, span_of(b->hash, sizeof(b->hash)));
	write_text(&b->body, "ssh-ed25519");
	return say(b, PRIVSEP_SIGN);
}

static int
say_user(struct bench *b, const char *name)
{
	write_text(&b->body, name);
	write_text(&b->body, "ssh-connection");
	return say(b, PRIVSEP_USER);
}

static int
say_password(struct bench *b, const char *password)
{
	write_text(&b->body, password);
	write_boolean(&b->body, false);
	return say(b, PRIVSEP_PASSWORD);
}

static int
verdict(const struct bench *b)
{
	return b->reply.type == PRIVSEP_VERDICT && b->reply.body.len > 0
		   ? b->reply.body.ptr[0]
		   : -1;
}

static struct bench *
bench_for(const char *config, const char *user)
{
	struct bench *b = bench_new(config);

	CHECK_INT(say_sign(b), 0);
	CHECK_INT(b->reply.type, PRIVSEP_SIGNED);
	CHECK_INT(say_user(b, user != NULL ? user : b->user), 0);
	CHECK_INT(b->reply.type, PRIVSEP_USER_KNOWN);
	return b;
}

/* ---- keys ---- */

struct claim {
	const char *user;
	const char *method;
	const struct key *key;
	const uint8_t *session_id;
	bool hostbound;
};

static int
say_key(struct bench *b, const struct claim *c)
{
	struct buf data = BUF_INIT, signature = BUF_INIT;

	write_string(&data, span_of(c->session_id, 32));
	write_byte(&data, SSH_MSG_USERAUTH_REQUEST);
	write_text(&data, c->user);
	write_text(&data, "ssh-connection");
	write_text(&data, c->method);
	write_boolean(&data, true);
	write_text(&data, "ssh-ed25519");
	write_string(&data, key_blob(c->key));
	if (c->hostbound)
		write_string(&data, key_blob(b->host_key));
	CHECK_INT(key_sign(c->key, signature_find(span_text("ssh-ed25519")),
		      buf_span(&data), &signature),
	    0);
	write_text(&b->body, "ssh-ed25519");
	write_string(&b->body, key_blob(c->key));
	write_string(&b->body, buf_span(&signature));
	write_boolean(&b->body, c->hostbound);
	buf_release(&data);
	buf_release(&signature);
	return say(b, PRIVSEP_KEY_AUTH);
}

static struct claim
true_claim(const struct bench *b)
{
	return (
	    struct claim){ b->user, "publickey", b->user_key, b->hash, false };
}

TEST(a_right_password_is_accepted_and_not_delayed)
{
	struct bench *b = bench_for("", NULL);

	waited_us = 0;
	CHECK_INT(say_password(b, PASSWORD), 0);
	CHECK_INT(verdict(b), PRIVSEP_GRANTED);
	CHECK_INT(waited_us, 0);
	CHECK_INT(monitor_exit_status(b->m), SESSION_EXIT_FATAL);
}

TEST(a_wrong_password_is_refused_after_a_delay)
{
	struct bench *b = bench_for("", NULL);

	waited_us = 0;
	CHECK_INT(say_password(b, "wrong"), 0);
	CHECK_INT(verdict(b), PRIVSEP_REFUSED);
	CHECK(waited_us >= 4000 && waited_us < 10000);
	CHECK_INT(monitor_exit_status(b->m), SESSION_EXIT_AUTH_FAILED);
}

TEST(an_unknown_user_costs_a_hash_and_never_gets_in)
{
	struct bench *b = bench_for("", "no-such-user-here");

	checks_of_unknown = 0;
	CHECK_INT(say_password(b, PASSWORD), 0);
	CHECK_INT(verdict(b), PRIVSEP_REFUSED);
	CHECK_INT(checks_of_unknown, 1);
	CHECK_INT(monitor_exit_status(b->m), SESSION_EXIT_INVALID_USER);
}

TEST(known_and_unknown_users_get_the_same_answers)
{
	struct bench *known = bench_for("", NULL);
	struct bench *unknown = bench_for("", "no-such-user-here");

	CHECK_SPAN(known->reply.body, unknown->reply.body);
	CHECK_INT(say(known, PRIVSEP_NONE), 0);
	CHECK_INT(say(unknown, PRIVSEP_NONE), 0);
	CHECK_SPAN(known->reply.body, unknown->reply.body);
	write_text(&known->body, "");
	write_text(&unknown->body, "");
	CHECK_INT(say(known, PRIVSEP_KBDINT), 0);
	CHECK_INT(say(unknown, PRIVSEP_KBDINT), 0);
	CHECK_INT(verdict(known), PRIVSEP_ASK);
	CHECK_SPAN(known->reply.body, unknown->reply.body);
}

TEST(who_has_no_password_needs_no_method_where_that_is_permitted)
{
	static const struct {
		const char *config;
		int verdict;
	} cases[] = {
		{ "", PRIVSEP_REFUSED },
		{ "PermitEmptyPasswords yes", PRIVSEP_GRANTED },
		{ "PermitEmptyPasswords yes\nPasswordAuthentication no",
		    PRIVSEP_REFUSED },
		{ "PermitEmptyPasswords yes\nAuthenticationMethods none",
		    PRIVSEP_GRANTED },
		{ "PermitEmptyPasswords yes\n"
		  "AuthenticationMethods publickey,password password",
		    PRIVSEP_REFUSED },
		{ "PermitEmptyPasswords yes\nDenyUsers *", PRIVSEP_REFUSED },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		struct bench *b = bench_for(cases[i].config, NULL);

		has_empty_password = false;
		CHECK_INT(say(b, PRIVSEP_NONE), 0);
		CHECK_INT(verdict(b), PRIVSEP_REFUSED);
		b = bench_for(cases[i].config, NULL);
		has_empty_password = true;
		CHECK_INT(say(b, PRIVSEP_NONE), 0);
		CHECK_INT(verdict(b), cases[i].verdict);
		if (cases[i].verdict != PRIVSEP_GRANTED)
			continue;
		b = bench_for(cases[i].config, "no-such-user-here");
		CHECK_INT(say(b, PRIVSEP_NONE), 0);
		CHECK_INT(verdict(b), PRIVSEP_REFUSED);
	}
}

TEST(a_denied_user_is_like_an_unknown_one)
{
	struct bench *b = bench_for("DenyUsers *", NULL);

	checks_of_unknown = 0;
	CHECK_INT(say_password(b, PASSWORD), 0);
	CHECK_INT(verdict(b), PRIVSEP_REFUSED);
	CHECK_INT(checks_of_unknown, 1);
}

TEST(requests_out_of_order_end_the_connection)
{
	struct bench *b = bench_new("");

	CHECK_INT(say_user(b, b->user), ERR_UNEXPECTED);
	CHECK_INT(say_password(b, PASSWORD), ERR_UNEXPECTED);
	CHECK_INT(say(b, PRIVSEP_DONE), ERR_UNEXPECTED);
	CHECK_INT(say(b, PRIVSEP_PTY_OPEN), ERR_UNEXPECTED);
	CHECK_INT(say_sign(b), 0);
	CHECK_INT(say_password(b, PASSWORD), ERR_UNEXPECTED);
	CHECK_INT(say_user(b, b->user), 0);
	CHECK_INT(say_user(b, b->user), ERR_UNEXPECTED);
	CHECK_INT(say(b, PRIVSEP_KBDINT_ANSWER), ERR_UNEXPECTED);
	CHECK_INT(say(b, PRIVSEP_DONE), ERR_UNEXPECTED);
	CHECK_INT(say(b, PRIVSEP_REQUEST_COUNT), ERR_UNEXPECTED);
	CHECK_INT(say(b, 0), ERR_UNEXPECTED);
	CHECK_INT(say(b, 255), ERR_UNEXPECTED);
}

TEST(only_digests_are_signed)
{
	struct bench *b = bench_new("");

	write_text(&b->body, "hostkeys-prove-00@openssh.com and more");
	write_text(&b->body, "ssh-ed25519");
	CHECK_INT(say(b, PRIVSEP_SIGN), ERR_FORMAT);
	write_string(&b->body, span_of(b->hash, 32));
	write_text(&b->body, "ssh-rsa");
	CHECK(say(b, PRIVSEP_SIGN) < 0);
}

TEST(a_user_cannot_name_another_service)
{
	struct bench *b = bench_new("");

	CHECK_INT(say_sign(b), 0);
	write_text(&b->body, b->user);
	write_text(&b->body, "ssh-userauth");
	CHECK_INT(say(b, PRIVSEP_USER), ERR_UNEXPECTED);
}

TEST(a_signature_with_an_authorised_key_is_accepted)
{
	struct bench *b = bench_for("", NULL);
	struct claim c = true_claim(b);

	CHECK_INT(say_key(b, &c), 0);
	CHECK_INT(verdict(b), PRIVSEP_GRANTED);
}

TEST(a_hostbound_signature_is_accepted)
{
	struct bench *b = bench_for("", NULL);
	struct claim c = true_claim(b);

	c.hostbound = true;
	c.method = "publickey-hostbound-v00@openssh.com";
	CHECK_INT(say_key(b, &c), 0);
	CHECK_INT(verdict(b), PRIVSEP_GRANTED);
}

static int
verdict_on(struct bench *b, const struct claim *c)
{
	CHECK_INT(say_key(b, c), 0);
	return verdict(b);
}

TEST(a_signature_made_for_something_else_is_refused)
{
	struct bench *b = bench_for("MaxAuthTries 100", NULL);
	struct claim c = true_claim(b);
	uint8_t other[32] = { 1 };
	struct key *stranger;

	c.session_id = other;
	CHECK_INT(verdict_on(b, &c), PRIVSEP_REFUSED);
	c = true_claim(b);
	c.user = "somebody-else";
	CHECK_INT(verdict_on(b, &c), PRIVSEP_REFUSED);
	c = true_claim(b);
	c.method = "hostbased";
	CHECK_INT(verdict_on(b, &c), PRIVSEP_REFUSED);
	c = true_claim(b);
	c.hostbound = true; /* said to be, and signed as another method */
	CHECK_INT(verdict_on(b, &c), PRIVSEP_REFUSED);
	CHECK_INT(key_generate("ed25519", 0, &stranger, NULL), 0);
	c = true_claim(b);
	c.key = stranger;
	CHECK_INT(verdict_on(b, &c), PRIVSEP_REFUSED);
	key_unref(stranger);
}

TEST(a_good_probe_grants_nothing)
{
	struct bench *b = bench_for("", NULL);

	write_text(&b->body, "ssh-ed25519");
	write_string(&b->body, key_blob(b->user_key));
	CHECK_INT(say(b, PRIVSEP_KEY_PROBE), 0);
	CHECK_INT(verdict(b), PRIVSEP_KEY_GOOD);
	CHECK_INT(say(b, PRIVSEP_DONE), ERR_UNEXPECTED);
}

TEST(too_many_failures_are_told_so)
{
	struct bench *b = bench_for("MaxAuthTries 3", NULL);

	CHECK_INT(say(b, PRIVSEP_NONE), 0); /* the first one is free */
	CHECK_INT(verdict(b), PRIVSEP_REFUSED);
	CHECK_INT(say_password(b, "1"), 0);
	CHECK_INT(verdict(b), PRIVSEP_REFUSED);
	CHECK_INT(say_password(b, "2"), 0);
	CHECK_INT(verdict(b), PRIVSEP_REFUSED);
	CHECK_INT(say_password(b, "3"), 0);
	CHECK_INT(verdict(b), PRIVSEP_TOO_MANY);
}

/* The child should end then; one that does not has no guess left. */
TEST(after_too_many_failures_the_right_password_is_not_heard)
{
	struct bench *b = bench_for("MaxAuthTries 1", NULL);
	struct claim c = true_claim(b);

	CHECK_INT(say_password(b, "1"), 0);
	CHECK_INT(verdict(b), PRIVSEP_TOO_MANY);
	CHECK_INT(say_password(b, PASSWORD), ERR_UNEXPECTED);
	CHECK_INT(say_key(b, &c), ERR_UNEXPECTED);
	CHECK_INT(say_sign(b), ERR_UNEXPECTED);
	CHECK_INT(say(b, PRIVSEP_DONE), ERR_UNEXPECTED);
	CHECK(!monitor_is_authenticated(b->m));
	CHECK_INT(monitor_exit_status(b->m), SESSION_EXIT_AUTH_FAILED);
	write_byte(&b->body, PRIVSEP_END_ATTEMPTS);
	write_uint32(&b->body, 0);
	write_text(&b->body, "");
	CHECK_INT(say(b, PRIVSEP_END), MONITOR_OVER);
}

TEST(what_a_look_at_the_account_took_is_part_of_the_first_failure)
{
	struct bench *b = bench_new("");
	uint64_t began;

	CHECK_INT(say_sign(b), 0);
	began = now_us;
	CHECK_INT(say_user(b, "no-such-user"), 0);
	now_us += 2500; /* as a slow directory would */
	CHECK_INT(say(b, PRIVSEP_NONE), 0);
	CHECK_INT((int)(now_us - began), 4000);
}

/* How long a wrong password takes in a process of its own. */
static uint64_t
failure_in_another_process(struct bench *b)
{
	uint64_t took = 0;
	int fds[2];

	CHECK_INT(pipe(fds), 0);
	if (fork() == 0) {
		b->m = monitor_new(b->config, &b->peer, b->keys, &world);
		CHECK_INT(say_sign(b), 0);
		CHECK_INT(say_user(b, b->user), 0);
		took = now_us;
		CHECK_INT(say_password(b, "wrong"), 0);
		took = now_us - took;
		CHECK(write(fds[1], &took, sizeof(took)) == sizeof(took));
		_exit(0);
	}
	CHECK(read(fds[0], &took, sizeof(took)) == sizeof(took));
	close(fds[0]);
	close(fds[1]);
	return took;
}

TEST(a_failure_takes_the_same_on_every_connection)
{
	struct bench *b = bench_new("");
	uint64_t first = failure_in_another_process(b);

	CHECK(first >= 5000);
	for (int i = 0; i < 5; i++)
		CHECK(failure_in_another_process(b) == first);
}

/* With one folder a step, each step of the name would multiply the work. */
TEST(wildcards_in_a_name_are_not_searched_for)
{
	char *root = text_format("%s/keys", unit_scratch());
	char *config =
	    text_format("Match all\nAuthorizedKeysFile %s/%%u", root);
	struct bench *b;
	struct claim c;
	uint64_t began;

	/* As root the folders are read with the rights of nobody. */
	CHECK_INT(chmod(unit_scratch(), 0755), 0);
	CHECK_INT(chmod(scratch(".."), 0755), 0);
	CHECK_INT(mkdir(root, 0755), 0);
	for (int i = 0; i < 8; i++) {
		char *one = text_format("%s/%d", root, i);

		CHECK_INT(mkdir(one, 0755), 0);
		free(one);
	}
	b = bench_for(config, "*/../*/../*/../*/../*/../*/../*/../*");
	c = true_claim(b);
	began = time_monotonic_us();
	CHECK_INT(say_key(b, &c), 0);
	CHECK_INT(verdict(b), PRIVSEP_REFUSED);
	CHECK(time_monotonic_us() - began < 1000000);
	free(config);
	free(root);
}

TEST(wildcards_of_the_configuration_are)
{
	char *config = text_format(
	    "Match all\nAuthorizedKeysFile %s/author*_keys", unit_scratch());
	struct bench *b = bench_for(config, NULL);
	struct claim c = true_claim(b);

	CHECK_INT(say_key(b, &c), 0);
	CHECK_INT(verdict(b), PRIVSEP_GRANTED);
	free(config);
}

/* The name of a terminal is free for others only after it was taken back. */
TEST(a_terminal_is_nobody_elses_until_it_is_closed_here)
{
	struct bench *b = bench_for("", NULL);
	struct buf out = BUF_INIT;
	struct ipc_message slave;
	struct port_pty other;
	struct reader r;
	char *name;

	CHECK_INT(say_password(b, PASSWORD), 0);
	write_text(&b->body, "the state");
	write_text(&b->body, "summary");
	CHECK_INT(say(b, PRIVSEP_DONE), MONITOR_OVER);
	CHECK_INT(monitor_write_start(b->m, &out), 0);
	CHECK_INT(say(b, PRIVSEP_PTY_OPEN), 0);
	r = reader_of(b->reply.body);
	CHECK(read_boolean(&r));
	name = span_dup_text(read_text(&r));
	close(b->reply.fd);
	CHECK_INT(ipc_receive(&b->child, &slave), 0);
	close(slave.fd);
	CHECK_INT(port_pty_open(&other), 0);
	CHECK(strcmp(other.name, name) != 0);
	port_pty_close(&other);
	write_text(&b->body, name);
	CHECK_INT(say(b, PRIVSEP_PTY_CLOSE), 0);
	CHECK_INT(port_pty_open(&other), 0);
	CHECK_TEXT(other.name, name);
	port_pty_close(&other);
	free(name);
	buf_release(&out);
}

TEST(two_methods_are_both_needed)
{
	struct bench *b =
	    bench_for("AuthenticationMethods publickey,password", NULL);
	struct claim c = true_claim(b);

	CHECK_INT(say_password(b, PASSWORD), 0);
	CHECK_INT(verdict(b), PRIVSEP_REFUSED);
	CHECK_INT(say_key(b, &c), 0);
	CHECK_INT(verdict(b), PRIVSEP_PARTIAL);
	CHECK_INT(say(b, PRIVSEP_DONE), ERR_UNEXPECTED);
	CHECK_INT(say_password(b, PASSWORD), 0);
	CHECK_INT(verdict(b), PRIVSEP_GRANTED);
}

TEST(one_key_does_not_count_twice)
{
	struct bench *b =
	    bench_for("AuthenticationMethods publickey,publickey", NULL);
	struct claim c = true_claim(b);

	CHECK_INT(verdict_on(b, &c), PRIVSEP_PARTIAL);
	CHECK_INT(verdict_on(b, &c), PRIVSEP_REFUSED);
}

TEST(a_method_that_is_off_is_refused)
{
	struct bench *b = bench_for("PasswordAuthentication no", NULL);

	CHECK_INT(say_password(b, PASSWORD), 0);
	CHECK_INT(verdict(b), PRIVSEP_REFUSED);
}

TEST(a_key_algorithm_that_is_off_is_refused)
{
	struct bench *b =
	    bench_for("PubkeyAcceptedAlgorithms rsa-sha2-256", NULL);
	struct claim c = true_claim(b);

	CHECK_INT(verdict_on(b, &c), PRIVSEP_REFUSED);
}

TEST(after_the_verdict_only_the_transport_is_awaited)
{
	struct bench *b = bench_for("", NULL);
	struct buf out = BUF_INIT;
	struct session_start s;

	CHECK_INT(say_password(b, PASSWORD), 0);
	CHECK_INT(say_password(b, PASSWORD), ERR_UNEXPECTED);
	CHECK_INT(say_sign(b), ERR_UNEXPECTED);
	write_text(&b->body, "the state");
	write_text(&b->body, "summary");
	CHECK_INT(say(b, PRIVSEP_DONE), MONITOR_OVER);
	CHECK(monitor_is_authenticated(b->m));
	CHECK_INT(monitor_exit_status(b->m), SESSION_EXIT_OK);
	CHECK_INT(monitor_write_start(b->m, &out), 0);
	CHECK_INT(session_start_read(buf_span(&out), &s), 0);
	CHECK_TEXT(s.user, b->user);
	CHECK(span_is(buf_span(&s.transport), "the state"));
	/* A session may ask for signatures at a rekey. */
	CHECK_INT(say_sign(b), 0);
	CHECK_INT(say_password(b, PASSWORD), ERR_UNEXPECTED);
	write_text(&b->body, "/dev/pts/0");
	CHECK(say(b, PRIVSEP_PTY_CLOSE) < 0);
	session_start_release(&s);
	buf_release(&out);
}

/* Every request, cut off everywhere: refused, or at least not granted. */
TEST(truncated_requests_grant_nothing)
{
	struct bench *b = bench_for("MaxAuthTries 1000000", NULL);
	struct buf whole = BUF_INIT;

	write_text(&whole, PASSWORD);
	write_boolean(&whole, false);
	for (unsigned type = 1; type < PRIVSEP_REQUEST_COUNT; type++) {
		if (type == PRIVSEP_LOG)
			continue;
		for (size_t n = 0; n < whole.len; n++) {
			write_bytes(&b->body, whole.data, n);
			CHECK(say(b, (uint8_t)type) < 0 ||
			      verdict(b) != PRIVSEP_GRANTED);
		}
	}
	CHECK(!monitor_is_authenticated(b->m));
	buf_release(&whole);
}

TEST(a_truncated_start_is_refused)
{
	struct bench *b = bench_for("", NULL);
	struct buf out = BUF_INIT;

	CHECK_INT(say_password(b, PASSWORD), 0);
	write_text(&b->body, "the state");
	write_text(&b->body, "summary");
	CHECK_INT(say(b, PRIVSEP_DONE), MONITOR_OVER);
	CHECK_INT(monitor_write_start(b->m, &out), 0);
	for (size_t n = 0; n < out.len; n++) {
		struct session_start s;

		CHECK(session_start_read(span_of(out.data, n), &s) != 0);
	}
	buf_release(&out);
}

/* ---- proofs of host keys ---- */

static int
say_prove(struct bench *b, const struct key *k, const char *algorithm)
{
	write_string(&b->body, key_blob(k));
	write_text(&b->body, algorithm);
	return say(b, PRIVSEP_PROVE);
}

static struct bench *
bench_in_session(void)
{
	struct bench *b = bench_for("", NULL);
	struct buf out = BUF_INIT;

	CHECK_INT(say_password(b, PASSWORD), 0);
	write_text(&b->body, "the state");
	write_text(&b->body, "summary");
	CHECK_INT(say(b, PRIVSEP_DONE), MONITOR_OVER);
	CHECK_INT(monitor_write_start(b->m, &out), 0);
	buf_release(&out);
	return b;
}

TEST(a_host_key_is_proved_for_this_session_only)
{
	struct bench *b = bench_in_session();
	const struct signature_algorithm *a =
	    signature_find(span_text("ssh-ed25519"));
	struct buf data = BUF_INIT;
	struct reader r;

	monitor_trim(b->m); /* long after the login as well */
	CHECK_INT(say_prove(b, b->host_key, "ssh-ed25519"), 0);
	CHECK_INT(b->reply.type, PRIVSEP_SIGNED);
	write_text(&data, "hostkeys-prove-00@openssh.com");
	write_string(&data, span_of(b->hash, sizeof(b->hash)));
	write_string(&data, key_blob(b->host_key));
	r = reader_of(b->reply.body);
	CHECK_INT(
	    key_verify(b->host_key, a, buf_span(&data), read_string(&r)), 0);
	CHECK_INT(read_end(&r), 0);
	buf_release(&data);
}

TEST(only_our_host_keys_are_proved)
{
	struct bench *b = bench_in_session();

	CHECK_INT(say_prove(b, b->user_key, "ssh-ed25519"), 0);
	CHECK_INT(b->reply.body.len, 4);
	CHECK_INT(say_prove(b, b->host_key, "rsa-sha2-512"), 0);
	CHECK_INT(b->reply.body.len, 4);
	CHECK_INT(
	    say_prove(b, b->host_key, "ssh-ed25519-cert-v01@openssh.com"), 0);
	CHECK_INT(b->reply.body.len, 4);
}

TEST(host_keys_are_proved_to_who_logged_in_and_not_for_ever)
{
	struct bench *b = bench_for("", NULL);

	CHECK_INT(say_prove(b, b->host_key, "ssh-ed25519"), ERR_UNEXPECTED);
	b = bench_in_session();
	for (int i = 0; i < 256; i++)
		CHECK_INT(say_prove(b, b->host_key, "ssh-ed25519"), 0);
	CHECK_INT(say_prove(b, b->host_key, "ssh-ed25519"), ERR_UNEXPECTED);
}
