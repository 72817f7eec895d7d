/*
 * keysign.c - ssh-keysign: signs for host-based authentication with the
 * machine's host keys, for whoever calls it, and only what says truly who he
 * is and which machine this is.
 *
 * It is set-uid root. As root it opens the files of the host keys and does
 * nothing else; before it reads a byte, of the configuration, of the keys or
 * of the request, it has become the caller for good. It holds the keys only
 * while it runs, cannot be traced, and leaves no core.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "common/crypto/library.h"
#include "common/key/certificate.h"
#include "common/key/key_file.h"
#include "common/port/port.h"
#include "common/userauth/hostbased.h"
#include "ssh/keysign_protocol.h"
#include "ssh/options.h"

#define CONFIG_FILE SHEETBEND_SYSCONFDIR "/ssh_config"
#define KEYS_MAX    8

static const char *const key_names[] = KEYSIGN_HOST_KEYS;

NORETURN static void PRINTF_LIKE(1, 2) give_up(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	fputs(KEYSIGN_PROGRAM ": ", stderr);
	vfprintf(stderr, format, ap);
	fputc('\n', stderr);
	va_end(ap);
	_exit(1);
}

/* ---- as root ---- */

/* Nothing that is opened may get the number of a standard descriptor. */
static void
check_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			_exit(1);
}

static size_t
open_keys(int fds[static KEYS_MAX])
{
	size_t count = 0;

	for (size_t i = 0; key_names[i] != NULL && count < KEYS_MAX; i++) {
		char path[256];
		int n = snprintf(path, sizeof(path), "%s/%s",
		    SHEETBEND_SYSCONFDIR, key_names[i]);

		if (n < 0 || (size_t)n >= sizeof(path))
			continue;
		fds[count] = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (fds[count] >= 0)
			count++;
	}
	return count;
}

/* The caller, for good: effective, saved and file system ids too. */
static void
become_caller(void)
{
	uid_t uid = getuid();
	gid_t gid = getgid();

	if (setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
		_exit(1);
	if (uid != 0 && (setuid(0) == 0 || seteuid(0) == 0))
		_exit(1);
	port_no_dump();
}

/* ---- may it be used at all? ---- */

static void
on_message(void *context, enum config_message kind, const char *text)
{
	if (kind == CONFIG_ERROR)
		fprintf(stderr, KEYSIGN_PROGRAM ": %s\n", text);
}

/* EnableSSHKeysign in the system's file, in force for every host. */
static void
check_enabled(void)
{
	struct strings none = STRINGS_INIT;
	struct ssh_options_source source = {
		.lines = &none,
		.config_file = CONFIG_FILE,
		.host = "",
		.local_user = "",
		.message = on_message,
	};
	struct ssh_options o;
	struct error e = { 0 };
	int r;

	ssh_options_init(&o);
	if ((r = ssh_options_load(&o, &source, &e)) != 0 && r != ERR_NOT_FOUND)
		give_up("%s", error_message(&e, r));
	if (r != 0 || !ssh_options_is_set(&o, SSH_OPTION_enable_ssh_keysign) ||
	    !o.enable_ssh_keysign)
		give_up("ssh-keysign not enabled in %s", CONFIG_FILE);
	ssh_options_release(&o);
}

/* ---- keys ---- */

static size_t
load_keys(const int *fds, size_t count, struct key **ret)
{
	size_t loaded = 0;

	for (size_t i = 0; i < count; i++) {
		struct buf text = BUF_SECRET_INIT;

		if (file_read_fd(fds[i], KEY_FILE_MAX, &text, NULL) == 0 &&
		    key_private_parse(
			buf_span(&text), NULL, &ret[loaded], NULL, NULL) == 0)
			loaded++;
		buf_release(&text);
		close(fds[i]);
	}
	return loaded;
}

/* The key whose public half the claim names, by itself or in a certificate. */
static const struct key *
find_key(struct key *const *keys, size_t count, const struct key *named)
{
	for (size_t i = 0; i < count; i++)
		if (span_equal(key_blob(keys[i]), key_plain_blob(named)))
			return keys[i];
	return NULL;
}

/* ---- the request ---- */

static int
read_message(struct buf *ret)
{
	uint8_t head[4];
	struct reader r = reader_of(span_of(head, sizeof(head)));
	uint8_t *to;
	uint32_t len;
	int rc;

	if ((rc = fd_read_exact(0, head, sizeof(head))) != 0)
		return rc;
	len = read_uint32(&r);
	if (len > KEYSIGN_MESSAGE_MAX)
		return ERR_LIMIT;
	if ((to = buf_reserve(ret, len)) == NULL)
		return ERR_MEMORY;
	if ((rc = fd_read_exact(0, to, len)) == 0)
		buf_extend(ret, len);
	return rc;
}

/* "name." as the host is called on the connection to the server. */
static bool
is_this_host(struct span host)
{
	char *name = port_local_name(KEYSIGN_SOCKET_FD);
	bool same =
	    name != NULL && host.len == strlen(name) + 1 &&
	    strncasecmp((const char *)host.ptr, name, host.len - 1) == 0 &&
	    host.ptr[host.len - 1] == '.';

	if (!same)
		fprintf(stderr, KEYSIGN_PROGRAM ": this host is called %s\n",
		    name != NULL ? name : "nothing");
	free(name);
	return same;
}

/* Does the claim say who calls, and from where? Else why not. */
static const char *
check_claim(const struct hostbased_claim *c)
{
	const struct passwd *pw = getpwuid(getuid());

	if (c->session_id.len < 20)
		return "not a session id";
	if (!span_is(c->service, "ssh-connection"))
		return "not for this service";
	if (pw == NULL || !span_is(c->client_user, pw->pw_name))
		return "the request names another user";
	if (!is_this_host(c->client_host))
		return "the request names another host";
	return NULL;
}

static const char *
sign(struct key *const *keys, size_t count, struct span data,
    struct buf *ret_signature)
{
	const struct signature_algorithm *a;
	struct hostbased_claim c;
	struct key *named = NULL;
	const struct key *key;
	const char *why;

	if (hostbased_read_signed(data, &c) != 0)
		return "not a host-based request";
	if ((why = check_claim(&c)) != NULL)
		return why;
	a = signature_find(c.algorithm);
	if (a == NULL || key_from_blob(c.key_blob, &named) != 0 ||
	    strcmp(a->key_type, key_type_name(named)) != 0)
		why = "algorithm and key do not go together";
	else if ((key = find_key(keys, count, named)) == NULL)
		why = "no such host key here";
	else if (key_sign(key, a, data, ret_signature) != 0)
		why = "the key does not sign";
	key_unref(named);
	return why;
}

static void
answer(const char *why, struct span signature)
{
	struct buf out = BUF_INIT;
	size_t mark = write_string_begin(&out);

	write_byte(&out, KEYSIGN_VERSION);
	write_boolean(&out, why == NULL);
	if (why == NULL)
		write_string(&out, signature);
	else
		write_text(&out, why);
	write_string_end(&out, mark);
	if (buf_error(&out) != 0 || fd_write_all(1, out.data, out.len) != 0)
		give_up("cannot answer: %s", strerror(errno));
	buf_release(&out);
}

int
main(int argc, char **argv)
{
	struct buf request = BUF_INIT, signature = BUF_INIT;
	struct key *keys[KEYS_MAX] = { NULL };
	int fds[KEYS_MAX], r;
	size_t count, opened;
	struct reader rd;
	struct span data;
	const char *why;

	check_descriptors();
	opened = open_keys(fds);
	become_caller();

	if (argc != 1)
		give_up("is run by ssh, without arguments");
	crypto_library_start_locked();
	check_enabled();
	if ((count = load_keys(fds, opened, keys)) == 0)
		give_up("could not open any host key (it must be set-uid "
			"root)");
	if ((r = read_message(&request)) != 0)
		give_up("no request: %s", error_text(r));
	rd = reader_of(buf_span(&request));
	if (read_byte(&rd) != KEYSIGN_VERSION)
		give_up("ssh is of another version");
	data = read_string(&rd);
	if (read_end(&rd) != 0)
		give_up("damaged request");
	why = sign(keys, count, data, &signature);
	for (size_t i = 0; i < count; i++)
		key_unref(keys[i]);
	answer(why, buf_span(&signature));
	buf_release(&signature);
	buf_release(&request);
	return why == NULL ? 0 : 1;
}
