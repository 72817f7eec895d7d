/*
 * sshd_authorized_keys_test.c - options of key lines and the search.
 */
#include "sshd/authorized_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/key/certificate.h"
#include "common/key/key.h"
#include "tests/unit/unit.h"

static const uint8_t blob_bytes[] = { 0, 0, 0, 11, 's', 's', 'h', '-', 'e', 'd',
	'2', '5', '5', '1', '9', 0, 0, 0, 4, 1, 2, 3, 4 };

#define TYPE "ssh-ed25519"

struct found {
	bool yes;
	struct key_match match;
	size_t problem_line;
	char problem[256];
};

static void
on_problem(size_t line, const char *text, void *context)
{
	struct found *f = context;

	f->problem_line = line;
	text_copy(f->problem, sizeof(f->problem), text);
}

/* %K in the text stands for the key in base64. */
static struct found
look(const char *format)
{
	static const struct address from = { .family = 2,
		.bytes = { 192, 0, 2, 7 } };
	struct key_context c = { &from, "host.example", 1000000000, NULL, NULL,
		NULL };
	struct buf text = BUF_INIT, key = BUF_INIT;
	struct found f = { 0 };

	base64_write(&key, span_of(blob_bytes, sizeof(blob_bytes)), 0);
	for (const char *p = format; *p != '\0'; p++) {
		if (p[0] == '%' && p[1] == 'K') {
			write_span(&text, buf_span(&key));
			p++;
		} else {
			write_byte(&text, (uint8_t)*p);
		}
	}
	f.yes = authorized_keys_find(buf_span(&text), TYPE,
	    span_of(blob_bytes, sizeof(blob_bytes)), &c, on_problem, &f,
	    &f.match);
	buf_release(&text);
	buf_release(&key);
	return f;
}

static bool
is_found(const char *text)
{
	struct found f = look(text);

	if (f.yes)
		key_options_release(&f.match.options);
	return f.yes;
}

TEST(a_key_is_found_with_and_without_comment)
{
	CHECK(is_found(TYPE " %K\n"));
	CHECK(is_found(TYPE " %K"));
	CHECK(is_found(TYPE " %K me@here\n"));
	CHECK(is_found("  " TYPE "\t %K me\r\n"));
	CHECK(is_found("# a comment\n\n" TYPE " %K me\n"));
}

TEST(a_key_elsewhere_in_a_line_is_not_a_key)
{
	CHECK(!is_found("# " TYPE " %K\n"));
	CHECK(!is_found(TYPE " AAAA %K\n"));
	CHECK(!is_found("%K\n"));
	CHECK(!is_found("ssh-rsa %K\n"));
	CHECK(!is_found(TYPE "%K\n"));
	CHECK(!is_found("x" TYPE " %K\n"));
	CHECK(!is_found(TYPE " %Kx\n"));
	CHECK(!is_found(""));
	CHECK(!is_found("command=\"" TYPE " %K\" " TYPE " AAAA\n"));
}

TEST(the_line_number_is_told)
{
	struct found f = look("\n# x\n" TYPE " %K me\n");

	CHECK(f.yes);
	CHECK_INT(f.match.line, 3);
	key_options_release(&f.match.options);
}

TEST(options_are_read)
{
	struct found f =
	    look("restrict,pty,command=\"echo \\\"a b\\\"\","
		 "environment=\"A=1\",environment=\"B=2\" " TYPE " %K\n");
	const struct key_options *o = &f.match.options;

	CHECK(f.yes);
	CHECK(!o->no_pty);
	CHECK(o->no_port_forwarding && o->no_agent_forwarding);
	CHECK(o->no_x11_forwarding && o->no_user_rc);
	CHECK_TEXT(o->command, "echo \"a b\"");
	CHECK_INT(o->environment.count, 2);
	CHECK_TEXT(o->environment.item[1], "B=2");
	key_options_release(&f.match.options);
}

TEST(option_names_are_compared_without_case)
{
	struct found f = look("NO-PTY,no-X11-Forwarding " TYPE " %K\n");

	CHECK(f.yes);
	CHECK(f.match.options.no_pty && f.match.options.no_x11_forwarding);
	key_options_release(&f.match.options);
}

TEST(a_line_with_a_bad_option_is_skipped_and_told)
{
	struct found f = look("nonsense " TYPE " %K\n");

	CHECK(!f.yes);
	CHECK_INT(f.problem_line, 1);
	CHECK_TEXT(f.problem, "unknown key option \"nonsense\"");
	CHECK(!is_found("command=unquoted " TYPE " %K\n"));
	CHECK(!is_found("command=\"no end " TYPE " %K\n"));
	CHECK(!is_found("no-pty=\"x\" " TYPE " %K\n"));
	CHECK(!is_found("command " TYPE " %K\n"));
	CHECK(!is_found("no-pty, " TYPE " %K\n"));
	CHECK(!is_found("no-pty,,no-pty " TYPE " %K\n"));
	CHECK(!is_found("environment=\"=x\" " TYPE " %K\n"));
	CHECK(!is_found("environment=\"A B=x\" " TYPE " %K\n"));
	CHECK(!is_found("expiry-time=\"soon\" " TYPE " %K\n"));
	CHECK(!is_found("from=\"192.0.2.0/99\" " TYPE " %K\n"));
	CHECK(!is_found("command=\"a\",command=\"b\" " TYPE " %K\n"));
}

TEST(a_later_line_with_the_key_still_counts)
{
	struct found f = look("from=\"198.51.100.1\" " TYPE " %K\n"
			      "no-pty " TYPE " %K\n");

	CHECK(f.yes);
	CHECK_INT(f.match.line, 2);
	CHECK_INT(f.problem_line, 1);
	key_options_release(&f.match.options);
}

TEST(from_compares_addresses_blocks_and_names)
{
	CHECK(is_found("from=\"192.0.2.7\" " TYPE " %K\n"));
	CHECK(is_found("from=\"192.0.2.0/24\" " TYPE " %K\n"));
	CHECK(is_found("from=\"*.example\" " TYPE " %K\n"));
	CHECK(is_found("from=\"10.0.0.1,host.*\" " TYPE " %K\n"));
	CHECK(!is_found("from=\"10.0.0.0/8\" " TYPE " %K\n"));
	CHECK(!is_found("from=\"!192.0.2.7,*\" " TYPE " %K\n"));
	CHECK(!is_found("from=\"!host.example,192.0.2.7\" " TYPE " %K\n"));
}

TEST(an_expired_key_is_refused)
{
	CHECK(is_found("expiry-time=\"20991231\" " TYPE " %K\n"));
	CHECK(!is_found("expiry-time=\"19991231\" " TYPE " %K\n"));
	/* The earliest of several counts. */
	CHECK(
	    !is_found("expiry-time=\"20991231\",expiry-time=\"19991231Z\" " TYPE
		      " %K\n"));
}

TEST(permissions_that_cannot_be_understood_let_nobody_in)
{
	static const char *const good[] = { "permitopen=\"h:80\"",
		"permitopen=\"*:*\"", "permitopen=\"[::1]:80\"",
		"permitlisten=\"80\"", "permitlisten=\"h:80\"",
		"permitlisten=\"*\"", "permitlisten=\"0\"", "tunnel=\"0\"",
		"tunnel=\"any\"" };
	static const char *const bad[] = { "permitopen=\"h\"",
		"permitopen=\"80\"", "permitopen=\":80\"", "permitopen=\"h:x\"",
		"permitopen=\"h:0\"", "permitlisten=\"h\"",
		"permitlisten=\"h:99999\"", "tunnel=\"x\"", "tunnel=\"-1\"" };
	char line[64];

	for (size_t i = 0; i < ARRAY_COUNT(good); i++) {
		snprintf(line, sizeof(line), "%s " TYPE " %%K\n", good[i]);
		CHECK(is_found(line));
	}
	for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
		snprintf(line, sizeof(line), "%s " TYPE " %%K\n", bad[i]);
		CHECK(!is_found(line));
	}
}

TEST(principals_are_for_lines_of_authorities)
{
	CHECK(!is_found("principals=\"a\" " TYPE " %K\n"));
	CHECK(is_found("principals=\"a\" " TYPE " %K\n" TYPE " %K\n"));
}

TEST(the_first_of_several_variables_of_one_name_counts)
{
	struct found f = look("environment=\"A=1\",environment=\"AB=3\","
			      "environment=\"A=2\" " TYPE " %K\n");
	const struct key_options *o = &f.match.options;

	CHECK(f.yes);
	CHECK_INT(o->environment.count, 2);
	CHECK_TEXT(o->environment.item[0], "A=1");
	CHECK_TEXT(o->environment.item[1], "AB=3");
	key_options_release(&f.match.options);
}

TEST(a_certificate_authority_is_no_users_key)
{
	CHECK(!is_found("cert-authority " TYPE " %K\n"));
}

TEST(every_truncated_option_field_is_survived)
{
	static const char text[] = "restrict,command=\"a \\\" b\",from=\"*\","
				   "environment=\"A=1\"";

	for (size_t n = 0; n < sizeof(text); n++) {
		char *copy = malloc(n);
		struct key_options o;

		if (n > 0)
			memcpy(copy, text, n);
		if (key_options_parse(span_of(copy, n), &o, NULL) == 0)
			key_options_release(&o);
		free(copy);
	}
}

TEST(options_survive_the_way_to_another_process)
{
	struct key_options o, again;
	struct buf out = BUF_INIT;
	struct reader r;

	CHECK_INT(
	    key_options_parse(
		span_text("no-pty,command=\"x\",permitopen=\"a:1\""), &o, NULL),
	    0);
	key_options_write(&out, &o);
	r = reader_of(buf_span(&out));
	CHECK_INT(key_options_read(&r, &again), 0);
	CHECK_INT(read_end(&r), 0);
	CHECK(again.no_pty && !again.no_user_rc);
	CHECK_TEXT(again.command, "x");
	CHECK_TEXT(again.permit_open.item[0], "a:1");
	for (size_t n = 0; n < out.len; n++) {
		struct key_options part;

		r = reader_of(span_of(out.data, n));
		CHECK(key_options_read(&r, &part) != 0);
	}
	key_options_release(&o);
	key_options_release(&again);
	buf_release(&out);
}

TEST(two_keys_together_have_the_limits_of_both)
{
	struct key_options a, b, c;

	CHECK_INT(key_options_parse(span_text("no-pty"), &a, NULL), 0);
	CHECK_INT(
	    key_options_parse(span_text("no-user-rc,command=\"x\""), &b, NULL),
	    0);
	CHECK_INT(key_options_parse(span_text("command=\"y\""), &c, NULL), 0);
	CHECK_INT(key_options_merge(&a, &b), 0);
	CHECK(a.no_pty && a.no_user_rc);
	CHECK_TEXT(a.command, "x");
	CHECK_INT(key_options_merge(&a, &c), ERR_PERMISSION);
	key_options_release(&a);
	key_options_release(&b);
	key_options_release(&c);
}

/* ---- certificates ---- */

struct issued {
	struct key *ca;
	struct key *k;
};

static struct issued
issue(const struct certificate_option *critical, size_t count,
    const struct certificate_option *extensions, size_t extension_count)
{
	struct strings principals = STRINGS_INIT;
	struct certificate_request q = { CERTIFICATE_USER, 1, "id", &principals,
		0, CERTIFICATE_FOREVER, critical, count, extensions,
		extension_count };
	struct issued i;

	CHECK_INT(key_generate("ed25519", 0, &i.ca, NULL), 0);
	CHECK_INT(strings_add(&principals, "anna"), 0);
	CHECK_INT(strings_add(&principals, "role"), 0);
	CHECK_INT(certificate_sign(i.ca, &q, i.ca,
		      key_choose_signature(i.ca, span_of(NULL, 0)), &i.k),
	    0);
	strings_release(&principals);
	return i;
}

static void
issued_release(struct issued *i)
{
	key_unref(i->k);
	key_unref(i->ca);
}

static const struct address here = { .family = 2, .bytes = { 192, 0, 2, 7 } };

/* Does a line with these options let the certificate in as user? */
static bool
lets_in(const struct issued *i, const char *options, const char *user,
    char problem[static 256])
{
	struct key_context c = { &here, "h", 1000, key_certificate(i->k), user,
		NULL };
	char *line = key_public_line(i->ca, "x");
	char *text = text_format("%s %s\n", options, line);
	struct found f = { 0 };
	bool yes = authorized_keys_find(span_text(text), TYPE, key_blob(i->ca),
	    &c, on_problem, &f, &f.match);

	if (yes)
		key_options_release(&f.match.options);
	text_copy(problem, 256, f.problem);
	free(line);
	free(text);
	return yes;
}

TEST(lines_of_authorities_let_certificates_in)
{
	struct issued i = issue(NULL, 0, NULL, 0);
	char problem[256];

	CHECK(lets_in(&i, "cert-authority", "anna", problem));
	CHECK(!lets_in(&i, "cert-authority", "bert", problem));
	CHECK_TEXT(
	    problem, "Certificate invalid: name is not a listed principal");
	CHECK(lets_in(
	    &i, "cert-authority,principals=\"x,role\"", "bert", problem));
	CHECK(!lets_in(
	    &i, "cert-authority,principals=\"x,rol*\"", "anna", problem));
	CHECK_TEXT(
	    problem, "Certificate does not contain an authorized principal");
	CHECK(!lets_in(&i, "cert-authority,from=\"10.*\"", "anna", problem));
	/* The line of a plain key is no reason to say anything. */
	CHECK(!lets_in(&i, "no-pty", "anna", problem));
	CHECK_TEXT(problem, "");
	issued_release(&i);
}

static int
narrow(const struct issued *i, const char *options, struct key_options *o,
    struct error *e)
{
	struct key_context c = { &here, "h", 1000, NULL, NULL, NULL };

	CHECK_INT(key_options_parse(span_text(options), o, NULL), 0);
	return key_options_narrow(o, key_certificate(i->k), &c, e);
}

TEST(certificates_narrow_what_a_line_allows)
{
	static const struct certificate_option extensions[] = {
		{ "permit-pty", NULL }, { "permit-user-rc", NULL }
	};
	struct issued i = issue(NULL, 0, extensions, 2);
	struct key_options o;

	CHECK_INT(narrow(&i, "no-user-rc,command=\"x\"", &o, NULL), 0);
	CHECK(!o.no_pty && o.no_user_rc && o.no_agent_forwarding);
	CHECK(o.no_x11_forwarding && o.no_port_forwarding);
	CHECK_TEXT(o.command, "x");
	key_options_release(&o);
	issued_release(&i);
}

TEST(commands_of_line_and_certificate_must_be_the_same)
{
	static const struct certificate_option critical = { "force-command",
		"ls" };
	struct issued i = issue(&critical, 1, NULL, 0);
	struct key_options o;
	struct error e = { 0 };

	CHECK_INT(narrow(&i, "", &o, &e), 0);
	CHECK_TEXT(o.command, "ls");
	key_options_release(&o);
	CHECK_INT(narrow(&i, "command=\"ls\"", &o, &e), 0);
	key_options_release(&o);
	CHECK_INT(narrow(&i, "command=\"rm\"", &o, &e), ERR_PERMISSION);
	CHECK_TEXT(
	    e.text, "certificate and key options forced command do not match");
	key_options_release(&o);
	issued_release(&i);
}

TEST(source_addresses_of_certificates_bind)
{
	static const struct certificate_option there = { "source-address",
		"10.0.0.0/8" };
	static const struct certificate_option both = { "source-address",
		"10.0.0.0/8,192.0.2.0/24" };
	struct issued i = issue(&there, 1, NULL, 0);
	struct key_options o;
	struct error e = { 0 };

	CHECK_INT(narrow(&i, "", &o, &e), ERR_PERMISSION);
	key_options_release(&o);
	issued_release(&i);
	i = issue(&both, 1, NULL, 0);
	CHECK_INT(narrow(&i, "", &o, &e), 0);
	key_options_release(&o);
	issued_release(&i);
}
