/*
 * known_hosts_command.c - KnownHostsCommand.
 */
#include "ssh/known_hosts_command.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/port/capture.h"

static const char *const reasons[] = {
	[KNOWN_HOSTS_FOR_ORDER] = "ORDER",
	[KNOWN_HOSTS_FOR_HOSTNAME] = "HOSTNAME",
	[KNOWN_HOSTS_FOR_ADDRESS] = "ADDRESS",
};

/* The words of the command for this question. */
static int
expand(const struct ssh_options *o, const struct ssh_tokens *tokens,
    enum known_hosts_reason reason, const char *name, const struct key *k,
    struct strings *ret_argv, struct error *e)
{
	struct ssh_tokens own = *tokens; /* a copy to set values in */
	enum digest_algorithm d = o->fingerprint_hash == FINGERPRINT_HASH_MD5
				      ? DIGEST_MD5
				      : DIGEST_SHA256;
	char *print = k != NULL ? key_fingerprint(k, d) : strdup("NONE");
	char *line = k != NULL ? key_public_line(k, NULL) : strdup("- NONE");
	int r = ERR_MEMORY;

	if (print != NULL && line != NULL) {
		own.tokens.value['f'] = print;
		own.tokens.value['H'] = name;
		own.tokens.value['I'] = reasons[reason];
		own.tokens.value['K'] = strchr(line, ' ') + 1;
		own.tokens.value['t'] = k != NULL ? key_type_name(k) : "NONE";
		r = ssh_option_expand_command(SSH_OPTION_known_hosts_command,
		    o->known_hosts_command, &own, ret_argv, e);
	} else {
		error_set(e, r, "%s", error_text(r));
	}
	free(print);
	free(line);
	return r;
}

static int
run(const struct strings *argv, struct buf *out, struct error *e)
{
	struct capture c = {
		.argv = argv->item,
		.deadline_us = UINT64_MAX, /* a person can interrupt it */
		.output_max = KNOWN_HOSTS_COMMAND_OUTPUT_MAX,
	};
	int r, status;

	if (argv->item[0][0] != '/')
		return error_set(e, ERR_CONFIG,
		    "KnownHostsCommand: %s is not an absolute path",
		    argv->item[0]);
	log_debug1("KnownHostsCommand: running %s", argv->item[0]);
	if ((r = capture_run(&c, out, &status, e)) == 0 &&
	    (r = capture_check_status(status, e)) != 0)
		error_prefix(e, "%s", argv->item[0]);
	if (r != 0)
		error_prefix(e, "KnownHostsCommand failed");
	return r;
}

int
known_hosts_command(const struct ssh_options *o,
    const struct ssh_tokens *tokens, enum known_hosts_reason reason,
    const char *name, const struct key *k, struct known_hosts *found,
    struct error *e)
{
	struct strings argv = STRINGS_INIT;
	struct buf text = BUF_INIT;
	char *file;
	int r;

	if (o->known_hosts_command == NULL)
		return 0;
	if ((r = expand(o, tokens, reason, name, k, &argv, e)) != 0)
		return r;
	if ((r = run(&argv, &text, e)) == 0) {
		file = text_format("KnownHostsCommand-%s", reasons[reason]);
		r = file == NULL ? ERR_MEMORY
				 : known_hosts_lookup_text(
				       buf_span(&text), file, name, found);
		if (r != 0)
			error_set(e, r, "KnownHostsCommand: %s", error_text(r));
		free(file);
	}
	buf_release(&text);
	strings_release(&argv);
	return r;
}
