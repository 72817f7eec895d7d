/*
 * bench_keys.c - large files of keys: known_hosts with 200,000 hashed names,
 * authorized_keys with 10,000 lines.
 */
#include "tests/bench/bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/text.h"
#include "common/hosts/known_hosts_file.h"

#define HOSTS      200000
#define USERS_KEYS 10000
#define ROUNDS     9
#define LOGINS     21

/* "ssh-ed25519 BASE64": number n of keys that nobody has. */
static void
write_key(struct buf *out, uint32_t n)
{
	struct buf blob = BUF_INIT;

	write_text(&blob, "ssh-ed25519");
	write_uint32(&blob, 32);
	for (int i = 0; i < 8; i++)
		write_uint32(&blob, n * 2654435761u + (uint32_t)i);
	buf_printf(out, "ssh-ed25519 ");
	base64_write(out, buf_span(&blob), 0);
	buf_release(&blob);
}

static void
read_public(const char *name, struct buf *out)
{
	char path[256];
	struct error e = { 0 };

	snprintf(path, sizeof(path), "%s/%s.pub", bench_scratch(), name);
	if (file_read(path, 4096, out, &e) != 0)
		bench_fail("%s", e.text);
}

static void
write_out(const char *path, struct buf *text)
{
	struct error e = { 0 };

	if (buf_error(text) != 0 ||
	    file_write_atomic(path, buf_span(text), 0600, false, &e) != 0)
		bench_fail("cannot write %s: %s", path, e.text);
	buf_release(text);
}

/* Hashed names of many hosts, the servers' last. */
static void
write_known_hosts(const char *path, const struct server *s)
{
	struct buf text = BUF_INIT, key = BUF_INIT;
	char name[64];
	char *hashed;

	read_public("host_key", &key);
	for (uint32_t n = 0; n < HOSTS + SUITES; n++) {
		bool is_server = n >= HOSTS;

		if (is_server)
			snprintf(name, sizeof(name), "[127.0.0.1]:%u",
			    s[n - HOSTS].port);
		else
			snprintf(name, sizeof(name), "host%u.example", n);
		if ((hashed = known_hosts_hash(name)) == NULL)
			bench_fail("out of memory");
		buf_printf(&text, "%s ", hashed);
		free(hashed);
		if (is_server) {
			write_span(&text, buf_span(&key));
		} else {
			write_key(&text, n);
			write_byte(&text, '\n');
		}
	}
	buf_release(&key);
	write_out(path, &text);
}

static double
login_ms(enum suite suite, unsigned port, const char *const *options)
{
	struct command c;
	struct usage u;

	client_command(&c, suite, port, options);
	command_add(&c, "true");
	u = command_run(&c);
	if (u.status != 0)
		bench_fail("a login with large files failed");
	return u.wall_s * 1e3;
}

void
bench_known_hosts(void)
{
	double login[SUITES][ROUNDS];
	char path[256], option[300];
	const char *options[] = { option, "StrictHostKeyChecking=yes", NULL };
	struct server s[SUITES];

	snprintf(path, sizeof(path), "%s/many_hosts", bench_scratch());
	snprintf(option, sizeof(option), "UserKnownHostsFile=%s", path);
	for (int suite = 0; suite < SUITES; suite++)
		server_start(&s[suite], suite, "");
	write_known_hosts(path, s);
	for (int i = 0; i < ROUNDS; i++) {
		for (int suite = 0; suite < SUITES; suite++)
			login[suite][i] =
			    login_ms(suite, s[suite].port, options);
	}
	for (int suite = 0; suite < SUITES; suite++)
		server_stop(&s[suite]);
	unlink(path);
	row("login, 200,000 hashed known_hosts", "ms",
	    median(login[OURS], ROUNDS), median(login[DEBIAN], ROUNDS), true,
	    0.15);
}

/* The user's key behind `before` others. */
static void
write_authorized_keys(const char *path, uint32_t before)
{
	struct buf text = BUF_INIT;

	for (uint32_t n = 0; n < before; n++) {
		buf_printf(&text, "restrict,command=\"run %u\" ", n);
		write_key(&text, n);
		buf_printf(&text, " user%u@host\n", n);
	}
	read_public("user_key", &text);
	write_out(path, &text);
}

void
bench_authorized_keys(void)
{
	static const uint32_t before[2] = { 0, USERS_KEYS - 1 };
	double ms[SUITES][2][LOGINS], more[SUITES];
	struct server s[SUITES];
	char path[256];

	snprintf(path, sizeof(path), "%s/authorized_keys", bench_scratch());
	for (int suite = 0; suite < SUITES; suite++)
		server_start(&s[suite], suite, "");
	for (int i = 0; i < LOGINS; i++) {
		for (int many = 0; many < 2; many++) {
			write_authorized_keys(path, before[many]);
			for (int suite = 0; suite < SUITES; suite++)
				ms[suite][many][i] =
				    login_ms(suite, s[suite].port, NULL);
		}
	}
	write_authorized_keys(path, 0);
	for (int suite = 0; suite < SUITES; suite++) {
		server_stop(&s[suite]);
		more[suite] =
		    median(ms[suite][1], LOGINS) - median(ms[suite][0], LOGINS);
	}
	printf("%-44s %-7s %10s %10.2f\n",
	    "10,000 authorized_keys, Debian's: more by", "ms", "-",
	    more[DEBIAN]);
	row("10,000 authorized_keys, login more by", "ms", more[OURS], 0, true,
	    3);
}
