/*
 * sshsig.c - ssh-keygen -Y: which operation, with which options.
 * Surface notes s5.
 */
#include "keygen/sshsig.h"

#include <string.h>
#include <strings.h>

#include "common/base/time.h"

enum {
	TAKES_HASH = 1,
	TAKES_TIME = 2,
	TAKES_PRINT = 4
};

typedef int operation(const struct options *o, const struct sshsig_wishes *w);

/* clang-format off */
static const struct operation_row {
	const char *name;
	operation *run;
	int takes;         /* of -O */
	const char *needs; /* flags: f key or allowed signers, n, s, I */
	const char *file;  /* what -f is */
} operations[] = {
	{ "sign",             sshsig_operation_sign,   TAKES_HASH,               "nf",   "key" },
	{ "verify",           sshsig_operation_verify, TAKES_TIME | TAKES_PRINT, "nsIf", "allowed keys file" },
	{ "check-novalidate", sshsig_operation_check,  TAKES_TIME | TAKES_PRINT, "ns",   NULL },
	{ "find-principals",  sshsig_operation_find,   TAKES_TIME,               "sf",   "allowed keys file" },
	{ "match-principals", sshsig_operation_match,  TAKES_TIME,               "fI",   "allowed keys file" },
};
/* clang-format on */

static bool
is_missing(const char *text)
{
	return text == NULL || text[0] == '\0';
}

/* What is missing of the flags that the operation needs; NULL: nothing. */
static const char *
find_missing(const struct operation_row *row, const struct options *o)
{
	for (const char *flag = row->needs; *flag != '\0'; flag++) {
		if (*flag == 'n' && is_missing(o->principals))
			return "namespace";
		if (*flag == 's' && is_missing(o->ca_key))
			return "signature file";
		if (*flag == 'I' && is_missing(o->key_id))
			return row->run == sshsig_operation_match
				   ? "principal ID"
				   : "principal identity";
		if (*flag == 'f' && is_missing(o->file))
			return row->file;
	}
	return NULL;
}

static bool
take_wish(const char *text, int takes, struct sshsig_wishes *w, int *status)
{
	static const char hash[] = "hashalg=", time[] = "verify-time=";

	if ((takes & TAKES_HASH) &&
	    strncasecmp(text, hash, strlen(hash)) == 0) {
		w->hash = text + strlen(hash);
		return true;
	}
	if ((takes & TAKES_TIME) &&
	    strncasecmp(text, time, strlen(time)) == 0) {
		if (time_parse_stamp(text + strlen(time), &w->verify_time) != 0)
			*status = complain(
			    EXIT_FATAL, "Invalid \"verify-time\" option");
		return true;
	}
	if ((takes & TAKES_PRINT) && strcasecmp(text, "print-pubkey") == 0) {
		w->print_public = true;
		return true;
	}
	return false;
}

static int
read_wishes(const struct options *o, int takes, struct sshsig_wishes *w)
{
	int status = 0;

	w->verify_time = time_wall_s();
	for (size_t i = 0; i < o->extra.count && status == 0; i++)
		if (!take_wish(o->extra.item[i], takes, w, &status))
			return complain(EXIT_FATAL, "Invalid option \"%s\"",
			    o->extra.item[i]);
	return status;
}

int
keygen_sshsig(const struct options *o)
{
	struct sshsig_wishes w = { 0 };
	const struct operation_row *row = NULL;
	const char *missing;
	int status;

	for (size_t i = 0; i < ARRAY_COUNT(operations); i++)
		if (strcasecmp(o->operation, operations[i].name) == 0)
			row = &operations[i];
	if (row == NULL)
		return complain(EXIT_USAGE,
		    "Unsupported operation for -Y: \"%s\" (sign, verify, "
		    "check-novalidate, find-principals and match-principals "
		    "are known)",
		    o->operation);
	if ((missing = find_missing(row, o)) != NULL)
		return complain(EXIT_USAGE,
		    "Too few arguments for %s: missing %s", row->name, missing);
	if (row->run != sshsig_operation_sign && o->argument_count > 0)
		return complain(EXIT_USAGE, "Too many arguments.");
	if ((status = read_wishes(o, row->takes, &w)) != 0)
		return status;
	return row->run(o, &w);
}
