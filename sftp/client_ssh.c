/*
 * client_ssh.c - destinations, and the ssh that leads there.
 */
#include "sftp/client_ssh.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/buf.h"

void
client_destination_release(struct client_destination *d)
{
	free(d->user);
	free(d->host);
	free(d->port);
	free(d->path);
	memset(d, 0, sizeof(*d));
}

static char *
copy(const char *from, const char *to)
{
	return strndup(from, (size_t)(to - from));
}

static int
hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	return at != NULL ? (int)((at - digits) & 15) : -1;
}

/* RFC 3986 s2.1: %xx, in place; false for a broken one, and for %00. */
static bool
decode(char *text)
{
	char *to = text;

	if (text == NULL)
		return true;
	for (; *text != '\0'; text++) {
		int high, low;

		if (*text != '%') {
			*to++ = *text;
			continue;
		}
		if ((high = hex_digit(text[1])) < 0 ||
		    (low = hex_digit(text[2])) < 0 || high + low == 0)
			return false;
		*to++ = (char)(high * 16 + low);
		text += 2;
	}
	*to = '\0';
	return true;
}

/* "host" or "[address]", up to `end`; what is behind it, or NULL. */
static const char *
take_host(const char *at, const char *end, char **ret)
{
	const char *close;

	if (*at == '[') {
		close = memchr(at, ']', (size_t)(end - at));
		if (close == NULL || close == at + 1)
			return NULL;
		*ret = copy(at + 1, close);
		return close + 1;
	}
	close = memchr(at, ':', (size_t)(end - at));
	if (close == NULL)
		close = end;
	if (close == at)
		return NULL;
	*ret = copy(at, close);
	return close;
}

static bool
is_port(const char *text)
{
	long long v;

	return text_to_int(text, 1, 65535, &v);
}

/* The part behind "scheme://". */
static bool
parse_uri(const char *text, struct client_destination *d)
{
	const char *end = text + strcspn(text, "/");
	const char *at = memrchr(text, '@', (size_t)(end - text));
	const char *rest;

	if (at != NULL) {
		d->user = copy(text, at);
		text = at + 1;
	}
	if ((rest = take_host(text, end, &d->host)) == NULL)
		return false;
	if (rest < end) {
		if (*rest != ':')
			return false;
		d->port = copy(rest + 1, end);
		if (d->port == NULL || !is_port(d->port))
			return false;
	}
	if (*end == '/' && end[1] != '\0')
		d->path = strdup(end + 1);
	return decode(d->user) && decode(d->path) &&
	       (d->user == NULL || *d->user != '\0');
}

static bool
parse_plain(const char *text, struct client_destination *d)
{
	/* The path may have "@" and ":" in it; the user may have "@". */
	bool is_bracketed = text[strcspn(text, "[:")] == '[';
	const char *end = text + strcspn(text, is_bracketed ? "[" : ":");
	const char *at = memrchr(text, '@', (size_t)(end - text));
	const char *rest;

	if (at != NULL) {
		if (at == text)
			return false;
		d->user = copy(text, at);
		text = at + 1;
	}
	end = text + strlen(text);
	if ((rest = take_host(text, end, &d->host)) == NULL)
		return false;
	if (*rest == ':')
		d->path = strdup(rest + 1);
	return *rest == ':' || *rest == '\0';
}

int
client_destination_parse(const char *scheme, const char *text,
    struct client_destination *ret, struct error *e)
{
	struct client_destination d = { 0 };
	size_t len = strlen(scheme);
	bool is_uri = strncmp(text, scheme, len) == 0 &&
		      text_starts_with(text + len, "://");
	char *shown;

	if (is_uri ? parse_uri(text + len + 3, &d) : parse_plain(text, &d)) {
		/* ssh would take it for an option. */
		if (d.host[0] != '-') {
			*ret = d;
			return 0;
		}
	}
	client_destination_release(&d);
	shown = text_escaped(span_text(text));
	error_set(e, ERR_FORMAT,
	    "\"%s\" is no destination ([user@]host[:path] "
	    "or %s://[user@]host[:port][/path])",
	    shown != NULL ? shown : "", scheme);
	free(shown);
	return ERR_FORMAT;
}

/* The ssh that was built or installed with us. */
static char *
own_ssh(void)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash, *ssh;

	path[n > 0 ? n : 0] = '\0';
	if ((slash = strrchr(path, '/')) != NULL) {
		*slash = '\0';
		ssh = text_format("%s/ssh", path);
		if (ssh == NULL || access(ssh, X_OK) == 0)
			return ssh;
		free(ssh);
	}
	return strdup(access(SHEETBEND_BINDIR "/ssh", X_OK) == 0
			  ? SHEETBEND_BINDIR "/ssh"
			  : "ssh");
}

static int
add_all(struct strings *to, const char *const *texts)
{
	int r = 0;

	for (; r == 0 && *texts != NULL; texts++)
		r = strings_add(to, *texts);
	return r;
}

int
client_ssh_arguments(const struct client_ssh_command *c, struct strings *ret)
{
	static const char *const off[] = { "-x", "-oPermitLocalCommand no",
		"-oClearAllForwardings yes", "-oRemoteCommand none",
		"-oRequestTTY no", NULL };
	static const char *const agent[] = { "-oForwardAgent no", NULL };
	const char *const user[] = { c->user != NULL ? "-l" : NULL, c->user,
		NULL };
	const char *const end[] = { "--", c->host, c->command, NULL };
	char *program = c->program != NULL ? strdup(c->program) : own_ssh();
	int r = program != NULL ? strings_take(ret, program) : ERR_MEMORY;

	if (r == 0)
		r = add_all(ret, off);
	for (size_t i = 0;
	     r == 0 && c->options != NULL && i < c->options->count; i++)
		r = strings_add(ret, c->options->item[i]);
	if (r == 0)
		r = add_all(ret, agent);
	if (r == 0 && c->port != NULL)
		r = strings_take(ret, text_format("-oPort %s", c->port));
	if (r == 0)
		r = add_all(ret, user);
	if (r == 0 && c->is_subsystem)
		r = strings_add(ret, "-s");
	return r == 0 ? add_all(ret, end) : r;
}
