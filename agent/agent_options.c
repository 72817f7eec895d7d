/*
 * agent_options.c - ssh-agent: the command line.
 * Flags: surface notes s6.
 */
#include "agent/agent_options.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/text.h"

#define PROVIDERS_DEFAULT "/usr/lib*/*,/usr/local/lib*/*"

void
agent_usage(void)
{
	fputs("usage: ssh-agent [-c | -s] [-DdTU] [-a bind_address] "
	      "[-E fingerprint_hash]\n"
	      "                 [-O option] [-P allowed_providers] [-t life]\n"
	      "       ssh-agent [-TU] [-a bind_address] [-E fingerprint_hash] "
	      "[-O option]\n"
	      "                 [-P allowed_providers] [-t life] "
	      "command [arg ...]\n"
	      "       ssh-agent [-c | -s] -k\n"
	      "       ssh-agent -u\n"
	      "       ssh-agent -V\n",
	    stderr);
}

PRINTF_LIKE(2, 3)
static void
refuse(struct agent_options *o, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("ssh-agent: ", stderr);
	vfprintf(stderr, format, args);
	fputs("\n", stderr);
	va_end(args);
	o->action = AGENT_ACTION_USAGE;
}

static void
set_option(struct agent_options *o, const char *value)
{
	static const char allow[] = "websafe-allow=";

	if (strcmp(value, "allow-remote-pkcs11") == 0)
		o->policy.remote_providers = true;
	else if (strcmp(value, "no-restrict-websafe") == 0)
		o->policy.websafe_restricted = false;
	else if (text_starts_with(value, allow) &&
		 o->policy.websafe_allow == NULL)
		o->policy.websafe_allow = value + strlen(allow);
	else if (text_starts_with(value, allow))
		refuse(o, "-O %s may be given once", allow);
	else
		refuse(o,
		    "unknown option -O %s (allow-remote-pkcs11, "
		    "no-restrict-websafe and websafe-allow=LIST are "
		    "known)",
		    value);
}

static void
set_lifetime(struct agent_options *o, const char *value)
{
	int64_t seconds;

	if (text_to_seconds(value, &seconds) != 0 || seconds < 0 ||
	    seconds > UINT32_MAX)
		refuse(o,
		    "Invalid lifetime \"%s\" (a time like 90, 15m or 1h "
		    "is wanted)",
		    value);
	else
		o->policy.lifetime_s = (uint32_t)seconds;
}

static void
set_providers(struct agent_options *o, const char *value, bool *is_given)
{
	if (*is_given)
		refuse(o, "-P may be given once");
	*is_given = true;
	o->policy.providers = value;
}

/* One flag; what is_given tells is of -P. */
static void
set_flag(struct agent_options *o, int flag, char *value, bool *is_given)
{
	switch (flag) {
	case 'a':
		o->path = value;
		break;
	case 'D':
		o->is_foreground = true;
		break;
	case 'd':
		o->is_foreground = o->is_debug = true;
		break;
	case 'E':
		if (digest_find(value, &o->policy.fingerprint) != 0)
			refuse(o, "Invalid hash algorithm \"%s\"", value);
		break;
	case 'k':
		o->action = AGENT_ACTION_KILL;
		break;
	case 'O':
		set_option(o, value);
		break;
	case 'P':
		set_providers(o, value, is_given);
		break;
	case 'T':
		o->in_temporary = true;
		break;
	case 't':
		set_lifetime(o, value);
		break;
	case 'U':
		o->keeps_stale = true;
		break;
	case 'u':
		o->any_host = o->action == AGENT_ACTION_CLEAN;
		o->action = AGENT_ACTION_CLEAN;
		break;
	case 'V':
		o->action = AGENT_ACTION_VERSION;
		break;
	default:
		o->action = AGENT_ACTION_USAGE;
	}
}

static bool
shell_is_csh(void)
{
	const char *shell = getenv("SHELL");

	return shell != NULL && text_ends_with(shell, "csh");
}

static void
check(struct agent_options *o, bool has_c, bool has_s)
{
	if (has_c && has_s)
		refuse(o, "-c and -s exclude each other");
	else if (o->command != NULL && (has_c || has_s || o->is_foreground ||
					   o->action != AGENT_ACTION_SERVE))
		refuse(o, "a command cannot be run with -c, -D, -d, -k, -s or "
			  "-u");
	else if (o->path != NULL && o->in_temporary)
		refuse(o, "-a and -T exclude each other");
}

void
agent_options_parse(int argc, char **argv, struct agent_options *ret)
{
	struct agent_options o = { .policy = { .providers = PROVIDERS_DEFAULT,
				       .websafe_restricted = true,
				       .fingerprint = DIGEST_SHA256 } };
	bool has_c = false, has_s = false, has_providers = false;
	int flag;

	while (o.action != AGENT_ACTION_USAGE &&
	       (flag = getopt(argc, argv, "+a:cDdE:kO:P:sTt:UuV")) != -1) {
		if (flag == 'c')
			has_c = true;
		else if (flag == 's')
			has_s = true;
		else
			set_flag(&o, flag, optarg, &has_providers);
	}
	if (optind < argc)
		o.command = argv + optind;
	if (o.action != AGENT_ACTION_USAGE && o.action != AGENT_ACTION_VERSION)
		check(&o, has_c, has_s);
	o.is_csh = has_c || (!has_s && shell_is_csh());
	*ret = o;
}
