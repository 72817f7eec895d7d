/*
 * arguments.c - the command line of ssh.
 */
#include "ssh/arguments.h"

#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/crypto/cipher.h"
#include "common/crypto/mac.h"
#include "ssh/fatal.h"
#include "ssh/query.h"

/* "+": options end at the host; parsing begins again behind it. */
#define FLAG_LETTERS                                                           \
	"+1246AaB:b:Cc:D:E:e:F:fGgI:i:J:KkL:l:Mm:NnO:o:P:p:Q:qR:S:sTtVvW:w:XxYyZ"

/* Letters that stand for a line; the argument, if there is one, follows. */
struct line_flag {
	char letter;
	const char *line;
};

/* clang-format off */
static const struct line_flag line_flags[] = {
	{ '4', "AddressFamily inet" },
	{ '6', "AddressFamily inet6" },
	{ 'A', "ForwardAgent yes" },
	{ 'a', "ForwardAgent no" },
	{ 'B', "BindInterface" },
	{ 'b', "BindAddress" },
	{ 'C', "Compression yes" },
	{ 'c', "Ciphers" },
	{ 'D', "DynamicForward" },
	{ 'f', "ForkAfterAuthentication yes" },
	{ 'g', "GatewayPorts yes" },
	{ 'I', "PKCS11Provider" },
	{ 'J', "ProxyJump" },
	{ 'm', "MACs" },
	{ 'n', "StdinNull yes" },
	{ 'P', "Tag" },
	{ 'S', "ControlPath" },
	{ 'x', "ForwardX11 no" },
};
/* clang-format on */

static const char usage_text[] =
    "usage: ssh [-46AaCfGgKkMNnqsTtVvXxYyZ] [-B bind_interface] [-b bind_address]\n"
    "           [-c cipher_spec] [-D [bind_address:]port] [-E log_file]\n"
    "           [-e escape_char] [-F configfile] [-I pkcs11] [-i identity_file]\n"
    "           [-J destination] [-L address] [-l login_name] [-m mac_spec]\n"
    "           [-O ctl_cmd] [-o option] [-P tag] [-p port] [-R address]\n"
    "           [-S ctl_path] [-W host:port] [-w local_tun[:remote_tun]]\n"
    "           destination [command [argument ...]]\n"
    "       ssh [-Q query_option]\n";

/* What parsing must remember between flags. */
struct parsing {
	struct arguments *a;
	unsigned tty_flags; /* -t counted */
	bool no_tty;        /* -T last */
	unsigned master_flags;
	bool has_proxy_jump;
	bool has_port;
};

NORETURN static void
usage(void)
{
	fputs(usage_text, stderr);
	leave(EXIT_ERROR);
}

NORETURN PRINTF_LIKE(1, 2) static void reject(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	leave(EXIT_ERROR);
}

static void
need(int r)
{
	if (r != 0)
		reject("out of memory");
}

static void
add_line(struct parsing *p, const char *line)
{
	need(strings_add(&p->a->lines, line));
}

/* At the front: beats what else the command line says. */
static void
add_first_line(struct parsing *p, const char *line)
{
	struct strings *s = &p->a->lines;
	char *last;

	add_line(p, line);
	last = s->item[s->count - 1];
	memmove(s->item + 1, s->item, (s->count - 1) * sizeof(*s->item));
	s->item[0] = last;
}

/* keyword "value", so that blanks and quotes survive; fresh text. */
static char *
quoted_line(const char *keyword, const char *value)
{
	struct buf line = BUF_INIT;
	char *text;

	buf_printf(&line, "%s \"", keyword);
	for (const char *s = value; *s != '\0'; s++) {
		if (*s == '"' || *s == '\\')
			write_byte(&line, '\\');
		write_byte(&line, (uint8_t)*s);
	}
	write_byte(&line, '"');
	if ((text = buf_take_text(&line)) == NULL)
		reject("out of memory");
	return text;
}

static void
add_quoted(struct parsing *p, const char *keyword, const char *value)
{
	need(strings_take(&p->a->lines, quoted_line(keyword, value)));
}

/* ---- names that reach shells: ProxyCommand, LocalCommand ---- */

static bool
is_valid_user(const char *user)
{
	if (*user == '-')
		return false;
	for (const char *s = user; *s != '\0'; s++) {
		if (iscntrl((unsigned char)*s) ||
		    strchr("'`\";&<>|(){}", *s) != NULL)
			return false;
		/* Could become an option of a command. */
		if (isspace((unsigned char)*s) && s[1] == '-')
			return false;
		if (*s == '\\' && s[1] == '\0')
			return false;
	}
	return true;
}

static bool
is_valid_host(const char *host)
{
	if (*host == '-' || *host == '\0')
		return false;
	for (const char *s = host; *s != '\0'; s++)
		if (iscntrl((unsigned char)*s) || isspace((unsigned char)*s) ||
		    strchr("'`\"$\\;&<>|(){},", *s) != NULL)
			return false;
	return true;
}

/* ---- single flags ---- */

/* A name as it is: no token of the configuration is meant by it. */
static void
set_user(struct parsing *p, const char *user)
{
	struct buf text = BUF_INIT;

	if (!is_valid_user(user))
		reject("remote username contains invalid characters");
	for (const char *s = user; *s != '\0'; s++) {
		if (*s == '%')
			write_byte(&text, '%');
		write_byte(&text, (uint8_t)*s);
	}
	if (buf_text(&text) == NULL)
		reject("out of memory");
	add_quoted(p, "User", (char *)text.data);
	buf_release(&text);
}

static void
set_port(struct parsing *p, const char *text)
{
	long long port;
	char line[32];

	if (p->has_port)
		return;
	if (!text_to_int(text, 1, 65535, &port))
		reject("Bad port '%s'", text);
	snprintf(line, sizeof(line), "Port %lld", port);
	add_line(p, line);
	p->has_port = true;
}

static void
add_identity(struct parsing *p, const char *path)
{
	struct passwd *pw;
	char *expanded = NULL;

	if (*path == '~' && (pw = getpwuid(getuid())) != NULL &&
	    path_expand_home(path, pw->pw_dir, &expanded, NULL) != 0)
		expanded = NULL;
	if (access(expanded != NULL ? expanded : path, F_OK) != 0)
		fprintf(stderr,
		    "Warning: Identity file %s not accessible: %s.\n", path,
		    strerror(errno));
	else
		add_quoted(p, "IdentityFile", path);
	free(expanded);
}

static void
set_escape(struct parsing *p, const char *text)
{
	char *line;
	bool is_control = text[0] == '^' && text[1] != '\0' &&
			  text[2] == '\0' && (unsigned char)text[1] >= 64 &&
			  (unsigned char)text[1] < 128;

	if (strcmp(text, "none") != 0 && !is_control &&
	    (text[0] == '\0' || text[1] != '\0'))
		reject("Bad escape character '%s'.", text);
	line = quoted_line("EscapeChar", text);
	add_first_line(p, line);
	free(line);
}

/* Our own message, as scripts know it, before the engine's. */
static void
check_names(
    const char *list, const char *kind, const void *(*find)(struct span name))
{
	struct span rest = span_text(list), name;

	if (*list == '-')
		return;
	if (*list == '+' || *list == '^') {
		rest.ptr++;
		rest.len--;
	}
	while (list_next(&rest, &name))
		if (find(name) == NULL)
			reject("Unknown %s type '%s'", kind, list);
}

static const void *
find_cipher(struct span name)
{
	return cipher_find(name);
}

static const void *
find_mac(struct span name)
{
	return mac_find(name);
}

static void
louder(struct parsing *p)
{
	struct arguments *a = p->a;

	if (!a->has_log_level || a->log_level < LOG_LEVEL_DEBUG1)
		a->log_level = LOG_LEVEL_DEBUG1;
	else if (a->log_level < LOG_LEVEL_DEBUG3)
		a->log_level++;
	a->has_log_level = true;
}

static void
set_tunnel(struct parsing *p, const char *device)
{
	add_line(p, "Tunnel point-to-point");
	add_quoted(p, "TunnelDevice", device);
}

/* LocalForward and RemoteForward take two words. */
static void
add_forward(struct parsing *p, const char *keyword, const char *spec)
{
	struct buf line = BUF_INIT;
	const char *at = spec;
	unsigned colons = 0;
	char *text;

	/* [bind:]port:host:hostport: the target begins two colons before
	 * the end, outside of brackets. */
	buf_printf(&line, "%s ", keyword);
	for (size_t i = strlen(spec), depth = 0; i > 0; i--) {
		char c = spec[i - 1];

		depth += c == ']';
		depth -= c == '[' && depth > 0;
		if (c == ':' && depth == 0 &&
		    (++colons == 2 || spec[i] == '/')) {
			at = spec + i;
			break;
		}
	}
	if (at != spec)
		buf_printf(&line, "%.*s ", (int)(at - spec - 1), spec);
	buf_printf(&line, "%s", at);
	if ((text = buf_take_text(&line)) == NULL)
		reject("out of memory");
	need(strings_take(&p->a->lines, text));
}

static void
open_log(struct parsing *p, const char *path)
{
	p->a->log_file = path;
}

NORETURN static void
answer_query(const char *what)
{
	if (!query_print(what))
		reject("Unsupported query \"%s\"", what);
	leave(0);
}

/* ---- flags that are more than a line ---- */

static void
set_tty(struct parsing *p, bool on)
{
	p->no_tty = !on;
	p->tty_flags = on ? p->tty_flags + 1 : 0;
}

static bool
on_special_flag(struct parsing *p, int letter, char *value)
{
	struct arguments *a = p->a;

	switch (letter) {
	case '1':
		reject("SSH protocol v.1 is no longer supported");
	case '2':
		return true;
	case 'E':
		open_log(p, value);
		return true;
	case 'e':
		set_escape(p, value);
		return true;
	case 'F':
		a->config_file = value;
		return true;
	case 'G':
		a->print_options = true;
		return true;
	case 'i':
		add_identity(p, value);
		return true;
	case 'K':
		add_line(p, "GSSAPIAuthentication yes");
		add_line(p, "GSSAPIDelegateCredentials yes");
		return true;
	case 'k':
		add_line(p, "GSSAPIDelegateCredentials no");
		return true;
	case 'L':
		add_forward(p, "LocalForward", value);
		return true;
	case 'l':
		set_user(p, value);
		return true;
	case 'M':
		p->master_flags++;
		return true;
	case 'N':
		add_first_line(p, "SessionType none");
		set_tty(p, false);
		return true;
	case 'O':
		a->multiplex = value;
		return true;
	case 'o':
		add_line(p, value);
		return true;
	case 'p':
		set_port(p, value);
		return true;
	case 'Q':
		answer_query(value);
	case 'q':
		a->log_level = LOG_LEVEL_QUIET;
		a->has_log_level = true;
		return true;
	case 'R':
		add_forward(p, "RemoteForward", value);
		return true;
	case 's':
		a->is_subsystem = true;
		add_first_line(p, "SessionType subsystem");
		return true;
	case 'T':
		set_tty(p, false);
		return true;
	case 't':
		set_tty(p, true);
		return true;
	case 'V':
		version_print();
		leave(0);
	case 'v':
		louder(p);
		return true;
	case 'W':
		a->is_stdio_forward = true;
		set_tty(p, false);
		add_first_line(p, "SessionType none");
		return true;
	case 'w':
		set_tunnel(p, value);
		return true;
	case 'X':
	case 'Y':
		add_line(p, "ForwardX11 yes");
		if (letter == 'Y')
			add_line(p, "ForwardX11Trusted yes");
		return true;
	case 'y':
		a->to_syslog = true;
		return true;
	case 'Z':
		a->print_identities = true;
		return true;
	default:
		return false;
	}
}

static void
on_line_flag(struct parsing *p, int letter, const char *value)
{
	if (letter == 'c')
		check_names(value, "cipher", find_cipher);
	if (letter == 'm')
		check_names(value, "mac", find_mac);
	if (letter == 'J' && p->has_proxy_jump)
		reject("Only a single -J option is permitted (use commas to "
		       "separate multiple jump hops)");
	if (letter == 'f')
		add_line(p, "StdinNull yes");
	p->has_proxy_jump = p->has_proxy_jump || letter == 'J';
	for (size_t i = 0; i < ARRAY_COUNT(line_flags); i++) {
		if (line_flags[i].letter != letter)
			continue;
		if (value != NULL)
			add_quoted(p, line_flags[i].line, value);
		else
			add_line(p, line_flags[i].line);
		return;
	}
	usage();
}

/* Options from argv[1] on; the index of the first word that is none.
 * ret_is_over: "--" stood before it. */
static int
parse_flags(struct parsing *p, int argc, char **argv, bool *ret_is_over)
{
	int letter;

	optind = 1;
	while ((letter = getopt(argc, argv, FLAG_LETTERS)) != -1) {
		if (letter == '?')
			usage();
		if (!on_special_flag(p, letter, optarg))
			on_line_flag(p, letter, optarg);
	}
	*ret_is_over = optind > 1 && strcmp(argv[optind - 1], "--") == 0;
	return optind;
}

/* ---- the destination ---- */

/* %41 and the like in the parts of a URI (RFC 3986 s2.1), in place. */
static bool
decode_percent(char *text)
{
	char *to = text;

	for (const char *s = text; *s != '\0'; s++) {
		unsigned value;

		if (*s != '%') {
			*to++ = *s;
			continue;
		}
		if (!isxdigit((unsigned char)s[1]) ||
		    !isxdigit((unsigned char)s[2]) ||
		    sscanf(s + 1, "%2x", &value) != 1 || value == 0)
			return false;
		*to++ = (char)value;
		s += 2;
	}
	*to = '\0';
	return true;
}

/* [user@]host[:port][/] ; what is behind "ssh://". */
static bool
parse_uri(struct parsing *p, char *text)
{
	char *slash = strchr(text, '/'), *at, *colon;
	long long port;

	if (slash != NULL) {
		if (slash[1] != '\0')
			return false; /* a path */
		*slash = '\0';
	}
	if ((at = strrchr(text, '@')) != NULL) {
		*at = '\0';
		if (*text == '\0' || !decode_percent(text))
			return false;
		set_user(p, text);
		text = at + 1;
	}
	if (*text == '[') {
		char *end = strchr(++text, ']');

		if (end == NULL)
			return false;
		*end = '\0';
		colon = end[1] == ':' ? end + 1 : NULL;
		if (end[1] != '\0' && colon == NULL)
			return false;
	} else {
		colon = strchr(text, ':');
	}
	if (colon != NULL) {
		*colon = '\0';
		if (!text_to_int(colon + 1, 1, 65535, &port))
			return false;
		if (!p->has_port)
			p->a->port = (int)port;
		p->has_port = true;
	}
	return *text != '\0' && decode_percent(text) &&
	       (p->a->host = strdup(text)) != NULL;
}

static void
parse_destination(struct parsing *p, const char *text)
{
	char *copy = strdup(text), *at;

	if (copy == NULL)
		reject("out of memory");
	if (text_starts_with(text, "ssh://")) {
		if (!parse_uri(p, copy + strlen("ssh://")))
			usage();
	} else if ((at = strrchr(copy, '@')) != NULL) {
		if (at == copy)
			usage();
		*at = '\0';
		set_user(p, copy);
		p->a->host = strdup(at + 1);
	} else {
		p->a->host = strdup(copy);
	}
	free(copy);
	if (p->a->host == NULL || *p->a->host == '\0')
		usage();
	if (!is_valid_host(p->a->host))
		reject("hostname contains invalid characters");
}

static void
join_command(struct arguments *a, char **words)
{
	struct strings list = { words, 0, 0 };

	while (words[list.count] != NULL)
		list.count++;
	if (list.count > 0 && (a->command = strings_join(&list, " ")) == NULL)
		reject("out of memory");
}

/* Flags whose last word counts, or their number. */
static void
finish_flags(struct parsing *p)
{
	if (p->tty_flags > 0)
		add_first_line(p,
		    p->tty_flags > 1 ? "RequestTTY force" : "RequestTTY yes");
	else if (p->no_tty)
		add_first_line(p, "RequestTTY no");
	if (p->master_flags > 0)
		add_line(p, p->master_flags > 1 ? "ControlMaster ask"
						: "ControlMaster yes");
	if (p->a->has_log_level) {
		char line[32];

		snprintf(line, sizeof(line), "LogLevel %s",
		    log_level_name(p->a->log_level));
		add_first_line(p, line);
	}
}

void
arguments_parse(struct arguments *a, int argc, char **argv)
{
	struct parsing p = { .a = a };
	bool is_over;
	int i;

	memset(a, 0, sizeof(*a));
	i = parse_flags(&p, argc, argv, &is_over);
	if (i >= argc)
		usage();
	parse_destination(&p, argv[i]);
	/* Once more behind the host, unless "--" stood before it. */
	if (!is_over) {
		/* getopt skips the first word: the host takes that place. */
		argc -= i;
		argv += i;
		i = parse_flags(&p, argc, argv, &is_over);
		join_command(a, argv + i);
	} else {
		join_command(a, argv + i + 1);
	}
	finish_flags(&p);
}

void
arguments_release(struct arguments *a)
{
	strings_release(&a->lines);
	free(a->host);
	free(a->command);
}
