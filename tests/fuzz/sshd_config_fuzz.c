/*
 * sshd_config_fuzz.c - sshd_config: every keyword, Match, its way to another
 * process, and what -T prints.
 */
#include <stdlib.h>
#include <string.h>

#include "common/base/error.h"
#include "sshd/options.h"
#include "tests/fuzz/config_input.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/scratch.h"

static void
on_message(void *context, enum config_message kind, const char *text)
{
	REQUIRE(text[0] != '\0');
}

static bool
in_group(void *context, const char *user, const char *pattern_list)
{
	return pattern_list_match(pattern_list, "staff", false) == 1;
}

static int
load(struct span text, struct sshd_config **ret)
{
	struct strings lines = STRINGS_INIT;
	struct sshd_config_source source = {
		.file = scratch_file("sshd_config", text),
		.lines = &lines,
		.message = on_message,
	};
	struct error e = { 0 };
	int r = sshd_config_load(&source, ret, &e);

	REQUIRE(r <= 0);
	REQUIRE(r == 0 || e.text[0] != '\0');
	return r;
}

static void
dump_for(const struct sshd_config *c, const char *user, struct buf *out)
{
	struct sshd_match_context m = { .user = user,
		.in_group = in_group,
		.host = "host.example",
		.address = "192.0.2.1",
		.laddress = "192.0.2.2",
		.lport = 22 };
	struct sshd_options o;
	struct error e = { 0 };

	if (sshd_options_for(c, &m, &o, &e) != 0)
		return;
	sshd_options_dump(&o, out);
	REQUIRE(buf_error(out) == 0 && out->len != 0);
	(void)sshd_user_patterns_match(&o.allow_users, user, m.host, m.address);
	(void)sshd_patterns_match(&o.accept_env, "LANG");
	sshd_options_release(&o);
}

/* In another process it means the same. */
static void
check_passed_on(const struct sshd_config *c)
{
	struct buf passed = BUF_INIT, a = BUF_INIT, b = BUF_INIT;
	struct sshd_config *again = NULL;
	struct error e = { 0 };
	struct reader r;

	sshd_config_write(c, &passed);
	r = reader_of(buf_span(&passed));
	REQUIRE(sshd_config_read(&r, &again, &e) == 0);
	dump_for(c, "anna", &a);
	dump_for(again, "anna", &b);
	REQUIRE(span_equal(buf_span(&a), buf_span(&b)));
	sshd_config_free(again);
	buf_release(&passed);
	buf_release(&a);
	buf_release(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of(data, size);
	struct sshd_config *c = NULL, *again = NULL;
	struct buf dump = BUF_INIT, second = BUF_INIT;

	if (config_input_reaches_out(text))
		return 0;
	if (load(text, &c) == 0) {
		check_passed_on(c);
		dump_for(c, "root", &dump);
		buf_clear(&dump);
		/* What -T prints is a configuration that means the same. */
		sshd_options_dump(sshd_config_global(c), &dump);
		if (load(buf_span(&dump), &again) == 0) {
			sshd_options_dump(sshd_config_global(again), &second);
			REQUIRE(span_equal(buf_span(&dump), buf_span(&second)));
		} else {
			REQUIRE(!"the dump is no configuration");
		}
	}
	sshd_config_free(c);
	sshd_config_free(again);
	buf_release(&dump);
	buf_release(&second);
	return 0;
}

void
fuzz_seeds(void)
{
	fuzz_seed("plain",
	    span_text("Port 22\nListenAddress [::1]:2222\nHostKey /k\n"
		      "AcceptEnv LANG LC_*\nSubsystem sftp internal-sftp\n"
		      "AllowUsers a b@192.0.2.*\nMaxStartups 10:30:100\n"
		      "AuthenticationMethods publickey,password any\n"));
	fuzz_seed("match",
	    span_text("Match User anna,!root Address 192.0.2.0/24\n"
		      "  ForceCommand /bin/true\n  X11Forwarding no\n"
		      "Match Group staff LocalPort 22\n  PermitTTY no\n"
		      "Match all\n  Banner none\n"));
	fuzz_seed("values",
	    span_text("LoginGraceTime 1m\nPerSourcePenalties crash:90 max:10m\n"
		      "PerSourceNetBlockSize 32:128\nRekeyLimit 1G 1h\n"
		      "Ciphers ^aes128-ctr\nPermitOpen a:1 [::]:2\n"
		      "ChannelTimeout *=5m\nPermitUserEnvironment A*\n"
		      "SetEnv A=b\nIPQoS ef\nLogLevel DEBUG\n"));
}
