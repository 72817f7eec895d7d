/*
 * option_forwards.c - LocalForward, RemoteForward, DynamicForward.
 *
 *   listen   [bind:]port | path
 *   connect  host:port | path
 */
#include <stdlib.h>
#include <string.h>

#include "ssh/option_kinds.h"
#include "ssh/options.h"

/* Ports of a SOCKS remote forward, as the dump writes them. */
static const char socks_target[] = "[socks]:0";

static void
release_end(struct ssh_forward_end *end)
{
	free(end->host);
	free(end->path);
	memset(end, 0, sizeof(*end));
}

static void
release_forward(struct ssh_forward *f)
{
	release_end(&f->listen);
	release_end(&f->connect);
}

static void
release_forwards(void *value)
{
	struct ssh_forwards *list = value;

	for (size_t i = 0; i < list->count; i++)
		release_forward(&list->item[i]);
	free(list->item);
	list->item = NULL;
	list->count = 0;
}

/* Moves f in; it is then empty, also on failure. */
static int
add_forward(struct ssh_forwards *list, struct ssh_forward *f)
{
	struct ssh_forward *grown = NULL;

	if (list->count < CONFIG_MAX_LIST)
		grown = realloc(list->item, (list->count + 1) * sizeof(*grown));
	if (grown == NULL) {
		release_forward(f);
		return list->count < CONFIG_MAX_LIST ? ERR_MEMORY : ERR_LIMIT;
	}
	list->item = grown;
	list->item[list->count++] = *f;
	memset(f, 0, sizeof(*f));
	return 0;
}

static int
append_forwards(void *to, void *value)
{
	struct ssh_forwards *more = value;
	int r = 0;

	for (size_t i = 0; r == 0 && i < more->count; i++)
		r = add_forward(to, &more->item[i]);
	return r;
}

static int
copy_end(struct ssh_forward_end *to, const struct ssh_forward_end *from)
{
	to->port = from->port;
	if (from->host != NULL && (to->host = strdup(from->host)) == NULL)
		return ERR_MEMORY;
	if (from->path != NULL && (to->path = strdup(from->path)) == NULL)
		return ERR_MEMORY;
	return 0;
}

static int
copy_forwards(void *to, const void *from)
{
	const struct ssh_forwards *list = from;
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->count; i++) {
		const struct ssh_forward *f = &list->item[i];
		struct ssh_forward copy = { .socks = f->socks };

		if ((r = copy_end(&copy.listen, &f->listen)) != 0 ||
		    (r = copy_end(&copy.connect, &f->connect)) != 0) {
			release_forward(&copy);
			break;
		}
		r = add_forward(to, &copy);
	}
	return r;
}

/* ---- parsing ---- */

static int
set_host(struct ssh_forward_end *end, const char *text, size_t len)
{
	end->host = strndup(text, len);
	return end->host != NULL ? 0 : ERR_MEMORY;
}

/* "host:port" or "[host]:port". ERR_FORMAT. */
static int
parse_host_port(const char *text, bool zero, struct ssh_forward_end *end)
{
	const char *colon = strrchr(text, ':');
	size_t len;
	int r;

	if (colon == NULL ||
	    config_parse_port(colon + 1, zero, &end->port) != 0)
		return ERR_FORMAT;
	len = (size_t)(colon - text);
	if (len >= 2 && text[0] == '[' && text[len - 1] == ']')
		r = set_host(end, text + 1, len - 2);
	else if (memchr(text, ':', len) != NULL ||
		 memchr(text, '[', len) != NULL)
		r = ERR_FORMAT; /* which colon would be the port's? */
	else
		r = set_host(end, text, len);
	return r;
}

static int
parse_end(const char *text, bool listen, bool zero, struct ssh_forward_end *end)
{
	if (strchr(text, '/') != NULL) {
		end->path = strdup(text);
		return end->path != NULL ? 0 : ERR_MEMORY;
	}
	if (listen && config_parse_port(text, zero, &end->port) == 0)
		return 0;
	return parse_host_port(text, listen && zero, end);
}

static int
bad_forward(struct config_arguments *a, int r)
{
	if (r != ERR_FORMAT)
		return r;
	return config_fault(a, "Bad forwarding specification.");
}

static int
parse_listen(struct config_arguments *a, bool remote, struct ssh_forward *f)
{
	const char *word = config_next(a);

	if (word == NULL)
		return ERR_CONFIG;
	return bad_forward(a, parse_end(word, true, remote, &f->listen));
}

static int
parse_connect(struct config_arguments *a, bool remote, struct ssh_forward *f)
{
	const char *word;

	if (!config_has_next(a) && remote) {
		f->socks = true;
		return 0;
	}
	if (!config_has_next(a))
		return config_fault(a, "Missing target argument.");
	if ((word = config_next(a)) == NULL)
		return ERR_CONFIG;
	if (remote && strcmp(word, socks_target) == 0) {
		f->socks = true;
		return 0;
	}
	return bad_forward(a, parse_end(word, false, false, &f->connect));
}

static int
parse_forward(struct config_arguments *a, bool remote, void *value)
{
	struct ssh_forward f = { 0 };
	int r;

	if ((r = parse_listen(a, remote, &f)) != 0 ||
	    (r = parse_connect(a, remote, &f)) != 0) {
		release_forward(&f);
		return r;
	}
	return add_forward(value, &f);
}

static int
parse_local(struct config_arguments *a, void *value)
{
	return parse_forward(a, false, value);
}

static int
parse_remote(struct config_arguments *a, void *value)
{
	return parse_forward(a, true, value);
}

static int
parse_dynamic(struct config_arguments *a, void *value)
{
	struct ssh_forward f = { .socks = true };
	int r = parse_listen(a, false, &f);

	if (r != 0) {
		release_forward(&f);
		return r;
	}
	return add_forward(value, &f);
}

/* ---- formatting ---- */

static void
write_end(struct buf *out, const struct ssh_forward_end *end)
{
	if (end->path != NULL)
		config_write_word(out, end->path);
	else if (end->host != NULL)
		buf_printf(out, "[%s]:%d", end->host, end->port);
	else
		buf_printf(out, "%d", end->port);
}

static bool
format_listen(
    const struct config_row *row, const void *value, size_t n, struct buf *out)
{
	const struct ssh_forwards *list = value;

	if (n >= list->count)
		return false;
	write_end(out, &list->item[n].listen);
	return true;
}

static bool
format_both(
    const struct config_row *row, const void *value, size_t n, struct buf *out)
{
	const struct ssh_forwards *list = value;

	if (!format_listen(row, value, n, out))
		return false;
	write_byte(out, ' ');
	if (list->item[n].socks)
		buf_printf(out, "%s", socks_target);
	else
		write_end(out, &list->item[n].connect);
	return true;
}

const struct config_kind config_kind_dynamic_forwards = {
	.name = "dynamic_forwards",
	.size = sizeof(struct ssh_forwards),
	.parse = parse_dynamic,
	.format = format_listen,
	.copy = copy_forwards,
	.append = append_forwards,
	.release = release_forwards,
};

const struct config_kind config_kind_local_forwards = {
	.name = "local_forwards",
	.size = sizeof(struct ssh_forwards),
	.parse = parse_local,
	.format = format_both,
	.copy = copy_forwards,
	.append = append_forwards,
	.release = release_forwards,
};

const struct config_kind config_kind_remote_forwards = {
	.name = "remote_forwards",
	.size = sizeof(struct ssh_forwards),
	.parse = parse_remote,
	.format = format_both,
	.copy = copy_forwards,
	.append = append_forwards,
	.release = release_forwards,
};
