/*
 * add_options.c - ssh-add: the command line.
 * Flags: surface notes s6.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/add.h"
#include "common/base/log.h"

#define FLAGS "CcDdE:e:H:h:KkLlM:m:NQqS:s:Tt:vXx"

static void
usage(struct add_options *o)
{
	fputs("usage: ssh-add [-CcDdKkLlNQqvXx] [-E fingerprint_hash] "
	      "[-H hostkey_file]\n"
	      "               [-h destination_constraint] [-S provider] "
	      "[-t life]\n"
	      "               [file ...]\n"
	      "       ssh-add -s pkcs11 [-Cv] [certificate ...]\n"
	      "       ssh-add -e pkcs11\n"
	      "       ssh-add -T pubkey ...\n",
	    stderr);
	o->action = ADD_USAGE;
}

static void
set_action(struct add_options *o, enum add_action action)
{
	if (o->action == ADD_USAGE)
		return;
	/* -l and -L are two forms of one list; else one thing at a time. */
	if (o->action != ADD_KEYS && o->action != action) {
		complain("ssh-add: only one of -D, -d, -e, -K, -L, -l, -Q, "
			 "-s, -T, -X and -x may be given");
		o->action = ADD_USAGE;
		return;
	}
	o->action = action;
}

static void
set_lifetime(struct add_options *o, const char *value)
{
	int64_t seconds;

	if (text_to_seconds(value, &seconds) != 0 || seconds < 0 ||
	    seconds > UINT32_MAX) {
		complain("Invalid lifetime");
		o->action = ADD_USAGE;
		return;
	}
	o->constraints.lifetime_s = (uint32_t)seconds;
}

static void
set_hash(struct add_options *o, const char *value)
{
	if (digest_find(value, &o->hash) != 0) {
		complain("Invalid hash algorithm \"%s\"", value);
		o->action = ADD_USAGE;
	}
}

static void
add_text(struct add_options *o, struct strings *list, const char *value)
{
	if (strings_add(list, value) != 0) {
		complain("out of memory");
		o->action = ADD_USAGE;
	}
}

static void
set_louder(void)
{
	enum log_level level = log_get_level();

	if (level < LOG_LEVEL_DEBUG1)
		log_set_level(LOG_LEVEL_DEBUG1);
	else if (level < LOG_LEVEL_DEBUG3)
		log_set_level(level + 1);
}

/* true: the flag was one of those that stand for an action. */
static bool
set_action_flag(struct add_options *o, int flag, const char *value)
{
	static const struct {
		char flag;
		enum add_action action;
	} actions[] = {
		{ 'D', ADD_REMOVE_ALL },
		{ 'd', ADD_REMOVE },
		{ 'e', ADD_REMOVE_PROVIDER },
		{ 'K', ADD_RESIDENT },
		{ 'L', ADD_LINES },
		{ 'l', ADD_FINGERPRINTS },
		{ 'Q', ADD_EXTENSIONS },
		{ 's', ADD_PROVIDER },
		{ 'T', ADD_TEST },
		{ 'X', ADD_UNLOCK },
		{ 'x', ADD_LOCK },
	};

	for (size_t i = 0; i < ARRAY_COUNT(actions); i++) {
		if (actions[i].flag != flag)
			continue;
		set_action(o, actions[i].action);
		if (value != NULL)
			o->provider = value;
		return true;
	}
	return false;
}

static void
set_flag(struct add_options *o, int flag, const char *value)
{
	switch (flag) {
	case 'C':
		o->certificates_only = true;
		break;
	case 'c':
		o->constraints.confirm = true;
		break;
	case 'E':
		set_hash(o, value);
		break;
	case 'H':
		add_text(o, &o->host_files, value);
		break;
	case 'h':
		add_text(o, &o->destinations, value);
		break;
	case 'k':
		o->keys_only = true;
		break;
	case 'M':
	case 'm':
		break; /* of keys that are no more */
	case 'N':
		o->no_expiry = true;
		break;
	case 'q':
		o->is_quiet = true;
		break;
	case 'S':
		o->sk_provider = value;
		break;
	case 't':
		set_lifetime(o, value);
		break;
	case 'v':
		set_louder();
		break;
	default:
		usage(o);
	}
}

void
add_options_parse(int argc, char **argv, struct add_options *ret)
{
	struct add_options o = { .hash = DIGEST_SHA256,
		.sk_provider = getenv("SSH_SK_PROVIDER") };
	int flag;

	while (
	    o.action != ADD_USAGE && (flag = getopt(argc, argv, FLAGS)) != -1) {
		if (!set_action_flag(&o, flag, optarg))
			set_flag(&o, flag, optarg);
	}
	o.files = argv + optind;
	o.file_count = argc - optind;
	if (o.action == ADD_TEST && o.file_count == 0) {
		complain("ssh-add: no keys to test");
		usage(&o);
	}
	*ret = o;
}

void
add_options_release(struct add_options *o)
{
	agent_constraints_release(&o->constraints);
	strings_release(&o->destinations);
	strings_release(&o->host_files);
}
