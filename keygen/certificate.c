/*
 * certificate.c - ssh-keygen -s: signing public keys.
 * surface notes s5.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/agent/client.h"
#include "common/base/address.h"
#include "common/base/file.h"
#include "common/base/time.h"
#include "common/key/certificate.h"
#include "keygen/keygen.h"

#define OPTIONS_MAX 128

/* What -O asked for. Text is borrowed from the command line, but for names
 * cut out of "name=data". */
struct wishes {
	bool flags[6]; /* of flag_rows */
	bool verify_required;
	const char *force_command;
	const char *source_address;
	struct certificate_option critical[OPTIONS_MAX];
	size_t critical_count;
	struct certificate_option extensions[OPTIONS_MAX];
	size_t extension_count;
	struct strings names; /* owned */
};

/* clang-format off */
static const struct flag_row {
	const char *on, *off;  /* as after -O */
	const char *extension; /* as in the certificate */
	bool by_default;       /* for users */
} flag_rows[] = {
	{ "permit-x11-forwarding",   "no-x11-forwarding",   "permit-X11-forwarding",   true },
	{ "permit-agent-forwarding", "no-agent-forwarding", "permit-agent-forwarding", true },
	{ "permit-port-forwarding",  "no-port-forwarding",  "permit-port-forwarding",  true },
	{ "permit-pty",              "no-pty",              "permit-pty",              true },
	{ "permit-user-rc",          "no-user-rc",          "permit-user-rc",          true },
	{ "no-touch-required",       "touch-required",      "no-touch-required",       false },
};
/* clang-format on */

_Static_assert(
    ARRAY_COUNT(flag_rows) == ARRAY_COUNT(((struct wishes *)NULL)->flags),
    "a wish for each row");

/* ---- -O ---- */

static int
take_custom(struct wishes *w, const char *text, bool is_critical)
{
	struct certificate_option *list =
	    is_critical ? w->critical : w->extensions;
	size_t *count = is_critical ? &w->critical_count : &w->extension_count;
	const char *equals = strchr(text, '=');
	size_t len = equals != NULL ? (size_t)(equals - text) : strlen(text);
	char *name = span_dup_text(span_of(text, len));

	if (name == NULL || strings_take(&w->names, name) != 0)
		return complain(EXIT_FATAL, "out of memory");
	if (len == 0)
		return complain(
		    EXIT_FATAL, "Certificate option without a name");
	/* Room for those that have a name of their own here. */
	if (*count + ARRAY_COUNT(flag_rows) >= OPTIONS_MAX)
		return complain(EXIT_FATAL, "Too many certificate options");
	list[*count].name = name;
	list[*count].value = equals != NULL ? equals + 1 : NULL;
	(*count)++;
	return 0;
}

static int
take_text(const char **to, const char *name, const char *value)
{
	if (*value == '\0')
		return complain(EXIT_FATAL, "Empty %s option", name);
	if (*to != NULL)
		return complain(EXIT_FATAL, "%s already specified", name);
	*to = value;
	return 0;
}

static int
take_source_address(struct wishes *w, const char *value)
{
	int status = take_text(&w->source_address, "source-address", value);

	if (status == 0 && address_list_match(value, NULL, true) < -1)
		return complain(EXIT_FATAL, "Invalid source-address list");
	return status;
}

static bool
take_flag(struct wishes *w, const char *text)
{
	for (size_t i = 0; i < ARRAY_COUNT(flag_rows); i++) {
		bool on = strcasecmp(text, flag_rows[i].on) == 0;

		if (!on && strcasecmp(text, flag_rows[i].off) != 0)
			continue;
		w->flags[i] = on;
		return true;
	}
	return false;
}

/* Is text "name=..."? The value then goes to *ret. */
static bool
has_name(const char *text, const char *name, const char **ret)
{
	size_t len = strlen(name);

	if (strncasecmp(text, name, len) != 0)
		return false;
	*ret = text + len;
	return true;
}

static int
take_wish(struct wishes *w, const char *text)
{
	const char *value;

	if (strcasecmp(text, "clear") == 0) {
		memset(w->flags, 0, sizeof(w->flags));
		w->verify_required = false;
		return 0;
	}
	if (strcasecmp(text, "verify-required") == 0 ||
	    strcasecmp(text, "no-verify-required") == 0) {
		w->verify_required = strcasecmp(text, "verify-required") == 0;
		return 0;
	}
	if (has_name(text, "force-command=", &value))
		return take_text(&w->force_command, "force-command", value);
	if (has_name(text, "source-address=", &value))
		return take_source_address(w, value);
	if (has_name(text, "critical:", &value))
		return take_custom(w, value, true);
	if (has_name(text, "extension:", &value))
		return take_custom(w, value, false);
	if (take_flag(w, text))
		return 0;
	return complain(
	    EXIT_FATAL, "Unsupported certificate option \"%s\"", text);
}

/* Did "extension:NAME" ask for it already? Most are there by default. */
static bool
has_extension(const struct wishes *w, const char *name)
{
	for (size_t i = 0; i < w->extension_count; i++)
		if (strcmp(w->extensions[i].name, name) == 0)
			return true;
	return false;
}

/* The options with names of their own join the others. */
static int
finish_wishes(struct wishes *w, bool is_host, bool is_quiet)
{
	if (is_host && !is_quiet &&
	    (w->force_command != NULL || w->source_address != NULL ||
		w->verify_required))
		complain(0,
		    "Warning: force-command, source-address and "
		    "verify-required are for user certificates; no client "
		    "takes a host certificate with them");
	if (w->force_command != NULL)
		w->critical[w->critical_count++] =
		    (struct certificate_option){ "force-command",
			    w->force_command };
	if (w->source_address != NULL)
		w->critical[w->critical_count++] =
		    (struct certificate_option){ "source-address",
			    w->source_address };
	if (w->verify_required)
		w->critical[w->critical_count++] =
		    (struct certificate_option){ "verify-required", NULL };
	for (size_t i = 0; !is_host && i < ARRAY_COUNT(flag_rows); i++)
		if (w->flags[i] && !has_extension(w, flag_rows[i].extension))
			w->extensions[w->extension_count++] =
			    (struct certificate_option){ flag_rows[i].extension,
				    NULL };
	return 0;
}

static int
read_wishes(const struct options *o, struct wishes *w)
{
	int status = 0;

	for (size_t i = 0; i < ARRAY_COUNT(flag_rows); i++)
		w->flags[i] = flag_rows[i].by_default;
	for (size_t i = 0; i < o->extra.count && status == 0; i++)
		status = take_wish(w, o->extra.item[i]);
	return status != 0 ? status : finish_wishes(w, o->is_host, o->is_quiet);
}

/* ---- -n, -z, -t ---- */

static int
read_principals(const struct options *o, struct strings *ret)
{
	if (o->principals == NULL) {
		if (!o->is_quiet)
			complain(0, "Warning: certificate will contain no "
				    "principals (-n)");
		return 0;
	}
	if (strings_split(ret, o->principals, ',') != 0)
		return complain(EXIT_FATAL, "out of memory");
	for (size_t i = 0; i < ret->count; i++)
		if (ret->item[i][0] == '\0')
			return complain(EXIT_FATAL, "Empty principal name");
	if (ret->count > CERTIFICATE_PRINCIPALS_MAX)
		return complain(EXIT_FATAL,
		    "Too many principals: a certificate holds %d at most",
		    CERTIFICATE_PRINCIPALS_MAX);
	return 0;
}

/* "7" or "+7", which counts up from file to file. */
static int
read_serial(const char *text, uint64_t *ret, bool *ret_counts)
{
	const char *digits = text;
	char *end;

	*ret = 0;
	*ret_counts = false;
	if (text == NULL)
		return 0;
	if (text[0] == '+') {
		*ret_counts = true;
		digits++;
	}
	/* Twenty digits may exceed 64 bits; strtoull then stays at the most,
	 * which only 18446744073709551615 itself is. */
	*ret = strtoull(digits, &end, 10);
	if (digits[0] < '0' || digits[0] > '9' || *end != '\0' ||
	    (*ret == UINT64_MAX && strcmp(digits, "18446744073709551615") != 0))
		return complain(
		    EXIT_FATAL, "Invalid serial number \"%s\"", text);
	return 0;
}

/* -t names a signature algorithm of an RSA key, or just the type. */
static const struct signature_algorithm *
choose_algorithm(const struct options *o, const struct key *ca)
{
	const char *type = o->type;
	const struct signature_algorithm *a;

	if (type == NULL || strcasecmp(type, key_row(ca)->short_name) == 0)
		a = key_choose_signature(ca, span_of(NULL, 0));
	else
		a = key_choose_signature(ca, span_text(type));
	/* DSA is off by default: an old CA can still be used by its name. */
	if (a == NULL)
		complain(0, "CA key type %s doesn't match specified %s",
		    key_type_name(ca), type != NULL ? type : "none");
	return a;
}

/* ---- files ---- */

/* The public key of a file: a .pub, a private key file (the half that needs
 * no passphrase), or the .pub beside what was named. */
static int
load_subject(const char *path, struct key **ret)
{
	char *beside = text_format("%s.pub", path);
	struct buf text = BUF_SECRET_INIT;
	struct key *private = NULL;
	struct error e = { 0 };
	int r = key_public_load(path, ret, &e);

	if (r != 0 && beside != NULL && key_public_load(beside, ret, NULL) == 0)
		r = 0;
	if (r != 0 && file_read(path, KEY_FILE_MAX, &text, NULL) == 0) {
		*ret = NULL;
		if (key_private_parse(
			buf_span(&text), NULL, &private, ret, NULL) == 0)
			key_unref(private);
		r = *ret != NULL ? 0 : r;
	}
	buf_release(&text);
	free(beside);
	if (r != 0)
		return complain(EXIT_FATAL, "load pubkey \"%s\": %s", path,
		    r == ERR_NOT_FOUND ? "No such file or directory"
				       : error_message(&e, r));
	return 0;
}

/* NAME.pub becomes NAME-cert.pub. */
static char *
name_of_certificate(const char *path)
{
	size_t len = strlen(path);

	if (text_ends_with(path, ".pub"))
		len -= strlen(".pub");
	return text_format("%.*s-cert.pub", (int)len, path);
}

static void
announce(const struct options *o, const char *path,
    const struct certificate_request *q)
{
	char *validity = validity_format(q->valid_after, q->valid_before);

	if (validity != NULL)
		complain(0,
		    "Signed %s key %s: id \"%s\" serial %" PRIu64
		    "%s%s valid %s",
		    o->is_host ? "host" : "user", path, q->key_id, q->serial,
		    o->principals != NULL ? " for " : "",
		    o->principals != NULL ? o->principals : "", validity);
	free(validity);
}

static int
save(const struct options *o, const char *subject_path, const struct key *k,
    const struct certificate_request *q)
{
	char *path = name_of_certificate(subject_path);
	struct error e = { 0 };
	int r, status = 0;

	if (path == NULL)
		return complain(EXIT_FATAL, "out of memory");
	if ((r = key_public_save(k, path, &e)) != 0)
		status =
		    complain(EXIT_FATAL, "Unable to save certificate to %s: %s",
			path, error_message(&e, r));
	else if (!o->is_quiet)
		announce(o, path, q);
	free(path);
	return status;
}

static int
sign_file(const struct options *o, const char *path,
    const struct certificate_request *q, const struct key *ca,
    const struct signature_algorithm *a)
{
	struct key *subject, *k = NULL;
	int r, status;

	if ((status = load_subject(path, &subject)) != 0)
		return status;
	if (key_certificate(subject) != NULL)
		status = complain(EXIT_FATAL,
		    "key \"%s\" type %s cannot be certified", path,
		    key_row(subject)->short_name);
	else if ((r = certificate_sign(subject, q, ca, a, &k)) != 0)
		status =
		    complain(EXIT_FATAL, "Couldn't certify key %s: %s", path,
			r == ERR_ARGUMENT ? "an option was given twice"
					  : error_text(r));
	else if (key_set_comment(k, key_comment(subject)) != 0)
		status = complain(EXIT_FATAL, "out of memory");
	else
		status = save(o, path, k, q);
	key_unref(subject);
	key_unref(k);
	return status;
}

/* -U: the CA's private half stays in the agent; -s names its public key. */
static int
load_from_agent(
    const struct options *o, struct agent **ret_agent, struct key **ret)
{
	struct agent_identities list = { 0 };
	struct error e = { 0 };
	struct key *public;
	int r, status = load_either(o, o->ca_key, &public);

	if (status != 0)
		return status;
	if ((r = agent_connect(NULL, ret_agent, &e)) != 0) {
		*ret_agent = NULL;
		status = complain(EXIT_FATAL,
		    "Cannot use public key for CA "
		    "signature: %s",
		    error_message(&e, r));
	} else if ((r = agent_list(*ret_agent, &list, &e)) != 0) {
		status = complain(EXIT_FATAL, "Retrieve agent key list: %s",
		    error_message(&e, r));
	} else {
		r = ERR_NOT_FOUND;
		for (size_t i = 0; i < list.count && r == ERR_NOT_FOUND; i++)
			if (span_equal(
				key_blob(public), buf_span(&list.item[i].blob)))
				r = agent_key(
				    *ret_agent, key_blob(public), ret);
		if (r != 0)
			status = complain(EXIT_FATAL,
			    "CA key %s not found in agent", o->ca_key);
	}
	agent_identities_release(&list);
	key_unref(public);
	return status;
}

/* The key of -s, wherever its private half is. */
static int
load_ca(const struct options *o, struct agent **ret_agent, struct key **ret)
{
	int r;

	if (o->in_agent)
		return load_from_agent(o, ret_agent, ret);
	if (o->provider != NULL)
		r = token_load_key(o, o->ca_key, ret);
	else
		r = load_private(o, o->ca_key, "Enter passphrase: ", ret, NULL);
	return r != 0 ? EXIT_FATAL : 0;
}

static int
sign_all(const struct options *o, struct certificate_request *q)
{
	const struct signature_algorithm *a = NULL;
	struct agent *agent = NULL;
	struct key *ca = NULL;
	bool counts;
	int status = read_serial(o->serial, &q->serial, &counts);

	if (status == 0)
		status = load_ca(o, &agent, &ca);
	if (status == 0 && (a = choose_algorithm(o, ca)) == NULL)
		status = EXIT_FATAL;
	for (int i = 0; i < o->argument_count && status == 0; i++) {
		status = sign_file(o, o->arguments[i], q, ca, a);
		if (counts)
			q->serial++;
	}
	key_unref(ca);
	agent_close(agent);
	return status;
}

int
keygen_sign_certificates(const struct options *o)
{
	struct wishes *w = calloc(1, sizeof(*w));
	struct strings principals = STRINGS_INIT;
	struct certificate_request q = {
		.kind = o->is_host ? CERTIFICATE_HOST : CERTIFICATE_USER,
		.key_id = o->key_id,
		.principals = &principals,
		.valid_before = CERTIFICATE_FOREVER,
	};
	int status = 0;

	if (w == NULL)
		return complain(EXIT_FATAL, "out of memory");
	if (o->key_id == NULL)
		status = complain(
		    EXIT_FATAL, "Must specify key id (-I) when certifying");
	else if (o->argument_count == 0)
		status = complain(EXIT_USAGE, "Too few arguments.");
	if (status == 0 && o->validity != NULL)
		status = validity_parse(o->validity, time_wall_s(),
		    &q.valid_after, &q.valid_before);
	if (status == 0)
		status = read_wishes(o, w);
	if (status == 0)
		status = read_principals(o, &principals);
	if (status == 0) {
		q.critical = w->critical;
		q.critical_count = w->critical_count;
		q.extensions = w->extensions;
		q.extension_count = w->extension_count;
		status = sign_all(o, &q);
	}
	strings_release(&principals);
	strings_release(&w->names);
	free(w);
	return status;
}
