/*
 * ssh_config_fuzz.c - ssh_config: the lexer, every keyword, Host and Match,
 * tokens, and what -G prints.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "ssh/options.h"
#include "tests/fuzz/config_input.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/scratch.h"

struct reading {
	struct ssh_options options;
	struct ssh_tokens tokens;
	struct ssh_options_source source;
	struct strings lines;
	struct error e;
	bool faults;
};

static void
on_message(void *context, enum config_message kind, const char *text)
{
	struct reading *r = context;

	r->faults |= kind == CONFIG_ERROR;
	REQUIRE(text[0] != '\0');
}

static bool
run_nothing(void *context, const char *command)
{
	return command[0] % 2 != 0;
}

static int
load(struct reading *r, struct span text)
{
	int code;

	memset(r, 0, sizeof *r);
	r->source = (struct ssh_options_source){
		.lines = &r->lines,
		.config_file = scratch_file("ssh_config", text),
		.home = "/home/me",
		.host = "host",
		.local_user = "me",
		.run = run_nothing,
		.message = on_message,
		.context = r,
	};
	ssh_options_init(&r->options);
	code = ssh_options_load(&r->options, &r->source, &r->e);
	if (code == 0)
		code = ssh_options_finish(
		    &r->options, &r->source, &r->tokens, &r->e);
	REQUIRE(code <= 0);
	REQUIRE(code == 0 || r->e.text[0] != '\0');
	REQUIRE(code != 0 || !r->faults);
	return code;
}

static void
end(struct reading *r)
{
	ssh_options_release(&r->options);
	ssh_tokens_release(&r->tokens);
	strings_release(&r->lines);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of(data, size);
	struct buf dump = BUF_INIT;
	struct reading r;

	if (config_input_reaches_out(text))
		return 0;
	if (load(&r, text) == 0) {
		struct strings unsupported = STRINGS_INIT;

		ssh_options_dump(&r.options, "host", &dump);
		REQUIRE(buf_error(&dump) == 0 && dump.len != 0);
		REQUIRE(ssh_options_unsupported(
			    &r.options, true, &unsupported) == 0);
		strings_release(&unsupported);
	}
	end(&r);
	buf_release(&dump);
	return 0;
}

void
fuzz_seeds(void)
{
	fuzz_seed("hosts",
	    span_text("Host a *.b !c\n  Port 22\nHost *\n  User=\"me you\"\n"
		      "  IdentityFile /k/%h-%r # comment\n"));
	fuzz_seed("match",
	    span_text("Match host h* user !root exec \"test %h\"\n"
		      "\tCiphers +aes128-ctr\n\tMACs -hmac-sha1*\n"
		      "Match final all\nKexAlgorithms ^curve25519-sha256\n"));
	fuzz_seed("values",
	    span_text("ConnectTimeout 1m30\nRekeyLimit 1G 1h\nIPQoS af21 cs1\n"
		      "SetEnv A=b C=\"d e\"\nSendEnv LC_*\n"
		      "LocalForward 8080 [::1]:80\nDynamicForward 1080\n"
		      "StrictHostKeyChecking accept-new\nTunnel ethernet\n"
		      "ProxyCommand nc %h %p\nLogLevel DEBUG3\n"));
	fuzz_seed("faults",
	    span_text("Bogus yes\nPort 99999\nIgnoreUnknown Foo*\nFoo 1\n"));
}
