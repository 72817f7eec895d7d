/*
 * certificate_show.c - ssh-keygen -L: what certificates say.
 * surface notes s12.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/key/certificate.h"
#include "keygen/keygen.h"

#define FILE_MAX ((size_t)64 * 1024 * 1024)
#define FIELD    "        "
#define ITEM     "                "

/* Text of the certificate must not drive the terminal. */
static void
print_escaped(struct span s)
{
	struct buf b = BUF_INIT;
	const char *text;

	text_escape(&b, s, true);
	text = buf_text(&b);
	fputs(text != NULL ? text : "", stdout);
	buf_release(&b);
}

static void
print_key(const char *what, const struct options *o, const struct key *k)
{
	char *fingerprint = key_fingerprint(k, o->hash);

	printf(FIELD "%s: %s %s", what, key_row(k)->short_name,
	    fingerprint != NULL ? fingerprint : "");
	free(fingerprint);
}

static bool
is_flag(struct span name)
{
	static const char *const flags[] = { "permit-X11-forwarding",
		"permit-agent-forwarding", "permit-port-forwarding",
		"permit-pty", "permit-user-rc", "no-touch-required",
		"verify-required" };

	for (size_t i = 0; i < ARRAY_COUNT(flags); i++)
		if (span_is(name, flags[i]))
			return true;
	return false;
}

static void
print_unknown(struct span data)
{
	if (data.len == 0) {
		printf(" UNKNOWN FLAG OPTION");
		return;
	}
	printf(" UNKNOWN OPTION: ");
	for (size_t i = 0; i < data.len; i++)
		printf("%02x", data.ptr[i]);
	printf(" (len %zu)", data.len);
}

static void
print_option(struct span name, struct span data, bool is_critical)
{
	struct reader rd = reader_of(data);
	bool has_value = is_critical && (span_is(name, "force-command") ||
					    span_is(name, "source-address"));
	struct span value = read_string(&rd);

	printf(ITEM);
	print_escaped(name);
	if (has_value && read_end(&rd) == 0) {
		printf(" ");
		print_escaped(value);
	} else if (data.len > 0 || !is_flag(name)) {
		print_unknown(data);
	}
	printf("\n");
}

static void
print_options(const char *what, const struct buf *options, bool is_critical)
{
	struct span rest = buf_span(options), name, data;

	if (rest.len == 0) {
		printf(FIELD "%s: (none)\n", what);
		return;
	}
	printf(FIELD "%s: \n", what);
	while (certificate_option_next(&rest, &name, &data))
		print_option(name, data, is_critical);
}

static void
print_principals(const struct strings *principals)
{
	if (principals->count == 0) {
		printf(FIELD "Principals: (none)\n");
		return;
	}
	printf(FIELD "Principals: \n");
	for (size_t i = 0; i < principals->count; i++) {
		printf(ITEM);
		print_escaped(span_text(principals->item[i]));
		printf("\n");
	}
}

static void
print_certificate(const struct options *o, const struct key *k)
{
	const struct certificate *c = key_certificate(k);
	char *validity = validity_format(c->valid_after, c->valid_before);

	printf(FIELD "Type: %s %s certificate\n", key_type_name(k),
	    c->kind == CERTIFICATE_HOST ? "host" : "user");
	print_key("Public key", o, k);
	printf("\n");
	print_key("Signing CA", o, c->ca);
	printf(" (using %s)\n", c->ca_algorithm->name);
	printf(FIELD "Key ID: \"");
	print_escaped(span_text(c->key_id));
	printf("\"\n" FIELD "Serial: %" PRIu64 "\n", c->serial);
	printf(FIELD "Valid: %s\n", validity != NULL ? validity : "");
	print_principals(&c->principals);
	print_options("Critical Options", &c->critical, true);
	print_options("Extensions", &c->extensions, false);
	free(validity);
}

static bool
is_empty(struct span line)
{
	size_t i = 0;

	while (i < line.len && (line.ptr[i] == ' ' || line.ptr[i] == '\t'))
		i++;
	return i == line.len || line.ptr[i] == '#';
}

/* Was it a certificate? */
static bool
show_line(const struct options *o, const char *name, bool with_number,
    size_t number, struct span line)
{
	struct key *k;
	int r = key_from_line(line, &k, NULL);

	if (r != 0 && r != ERR_KEY_TYPE && r != ERR_KEY_FORMAT)
		complain(0, "%s:%zu: %s", name, number, error_text(r));
	if (r != 0 || key_certificate(k) == NULL) {
		complain(0, "%s:%zu is not a certificate", name, number);
		if (r == 0)
			key_unref(k);
		return false;
	}
	printf("%s:", name);
	if (with_number)
		printf("%zu:", number);
	printf("\n");
	print_certificate(o, k);
	key_unref(k);
	return true;
}

static int
show_lines(
    const struct options *o, const char *name, bool is_stdin, struct span text)
{
	struct span line;
	bool found = false;

	for (size_t number = 1; line_next(&text, &line); number++) {
		if (!is_empty(line) &&
		    show_line(o, name, is_stdin || number > 1, number, line))
			found = true;
	}
	return found ? 0 : EXIT_USAGE;
}

int
keygen_show_certificates(const struct options *o)
{
	char *path = ask_path(o, "Enter file in which the key is", "ed25519");
	struct buf text = BUF_INIT;
	struct error e = { 0 };
	bool is_stdin;
	int r, status;

	if (path == NULL)
		return EXIT_USAGE;
	is_stdin = strcmp(path, "-") == 0;
	if (is_stdin)
		r = file_read_fd(STDIN_FILENO, FILE_MAX, &text, &e);
	else
		r = file_read(path, FILE_MAX, &text, &e);
	if (r != 0)
		status = complain(
		    EXIT_FATAL, "ssh-keygen: %s", error_message(&e, r));
	else
		status = show_lines(
		    o, is_stdin ? "(stdin)" : path, is_stdin, buf_span(&text));
	buf_release(&text);
	free(path);
	return status;
}
