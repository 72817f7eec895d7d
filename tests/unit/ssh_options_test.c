/*
 * ssh_options_test.c - the options of ssh: files, command line, conditions,
 * what -G prints.
 */
#include "ssh/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "tests/unit/unit.h"

/* One reading: what is put in and what comes out. */
struct reading {
	struct ssh_options options;
	struct ssh_tokens tokens;
	struct strings lines;
	struct ssh_options_source source;
	struct buf messages;
	struct error e;
	char path[512];
};

static void
on_message(void *context, enum config_message kind, const char *text)
{
	struct reading *r = context;

	buf_printf(&r->messages, "%s\n", text);
}

static bool
run_true(void *context, const char *command)
{
	return strcmp(command, "true alias me") == 0;
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	CHECK(f != NULL);
	CHECK(fputs(text, f) >= 0);
	CHECK_INT(fclose(f), 0);
}

static void
begin(struct reading *r, const char *config)
{
	memset(r, 0, sizeof(*r));
	snprintf(r->path, sizeof(r->path), "%s/config", unit_scratch());
	if (config != NULL)
		write_file(r->path, config);
	r->source = (struct ssh_options_source){
		.lines = &r->lines,
		.config_file = config != NULL ? r->path : "none",
		.home = unit_scratch(),
		.host = "alias",
		.local_user = "me",
		.run = run_true,
		.message = on_message,
		.context = r,
	};
	ssh_options_init(&r->options);
}

static int
load(struct reading *r)
{
	int error = ssh_options_load(&r->options, &r->source, &r->e);

	if (error == 0)
		error = ssh_options_finish(
		    &r->options, &r->source, &r->tokens, &r->e);
	return error;
}

static void
end(struct reading *r)
{
	ssh_options_release(&r->options);
	ssh_tokens_release(&r->tokens);
	strings_release(&r->lines);
	buf_release(&r->messages);
}

static void
line(struct reading *r, const char *text)
{
	CHECK_INT(strings_add(&r->lines, text), 0);
}

/* Is this a line of what -G prints? */
static bool
prints(const struct reading *r, const char *wanted)
{
	struct buf out = BUF_INIT;
	struct span rest, text;
	bool found = false;

	ssh_options_dump(&r->options, r->source.host, &out);
	rest = buf_span(&out);
	while (!found && line_next(&rest, &text))
		found = span_is(text, wanted);
	if (!found) {
		write_byte(&out, 0);
		fprintf(stderr, "%s", (char *)out.data);
	}
	buf_release(&out);
	return found;
}

TEST(defaults_are_those_of_the_manual)
{
	struct reading r;

	begin(&r, NULL);
	CHECK_INT(load(&r), 0);
	CHECK_INT(r.options.port, 22);
	CHECK_TEXT(r.options.hostname, "alias");
	CHECK_TEXT(r.options.user, "me");
	CHECK_INT(
	    r.options.strict_host_key_checking, STRICT_HOST_KEY_CHECKING_ASK);
	CHECK_INT(r.options.connect_timeout, -1);
	CHECK_INT(r.options.escape_char, '~');
	CHECK_INT(r.options.obscure_keystroke_timing, 20);
	CHECK_INT(r.options.update_host_keys, NYA_YES);
	CHECK(!ssh_options_is_set(&r.options, SSH_OPTION_port));
	CHECK(strstr(r.options.kex_algorithms, "mlkem768x25519-sha256,") ==
	      r.options.kex_algorithms);
	CHECK(prints(&r, "connecttimeout none"));
	CHECK(prints(&r, "canonicalizePermittedcnames none"));
	CHECK(prints(&r, "ipqos ef cs0"));
	CHECK(prints(&r, "tunneldevice any:any"));
	CHECK(prints(&r, "rekeylimit 0 0"));
	CHECK(prints(&r, "fingerprinthash SHA256"));
	CHECK(prints(&r, "identityfile ~/.ssh/id_ed25519"));
	end(&r);
}

TEST(the_first_value_wins_and_the_command_line_is_first)
{
	struct reading r;

	begin(&r, "Port 1\nPort 2\nUser file\nCompression yes\n");
	line(&r, "port=3");
	line(&r, "User = line");
	CHECK_INT(load(&r), 0);
	CHECK_INT(r.options.port, 3);
	CHECK_TEXT(r.options.user, "line");
	CHECK(r.options.compression);
	end(&r);
}

TEST(blocks_hold_for_their_hosts)
{
	struct reading r;

	begin(&r, "Host other alias*\n Port 1\n"
		  "Host !alias *\n User no\n"
		  "Host al?as\n Hostname %h.example\n"
		  "Match host *.example !user me\n BindAddress a\n"
		  "Match host=*.example user me exec \"true %n %u\"\n"
		  " BindAddress b\n"
		  "Match originalhost alias,!x all\n");
	CHECK_INT(load(&r), ERR_CONFIG);
	end(&r);
	begin(&r, "Host other alias*\n Port 1\n"
		  "Host !alias *\n User no\n"
		  "Host al?as\n Hostname %h.example\n"
		  "Match host *.example !user me\n BindAddress a\n"
		  "Match host=*.example user me exec \"true %n %u\"\n"
		  " BindAddress b\n"
		  "Match all\n Tag t\n"
		  "Match tagged t,u sessiontype shell command \"\"\n"
		  " ConnectTimeout 5\n");
	CHECK_INT(load(&r), 0);
	CHECK_INT(r.options.port, 1);
	CHECK_TEXT(r.options.user, "me");
	CHECK_TEXT(r.options.hostname, "alias.example");
	CHECK_TEXT(r.options.bind_address, "b");
	CHECK_INT(r.options.connect_timeout, 5);
	end(&r);
}

TEST(final_reads_again_with_the_new_name)
{
	struct reading r;

	begin(&r, "Host real\n Port 5\n"
		  "Host alias\n Hostname real\n IdentityFile a\n"
		  "Match final\n User x\n SendEnv A\n");
	CHECK_INT(load(&r), 0);
	CHECK_INT(r.options.port, 5);
	CHECK_TEXT(r.options.user, "x");
	CHECK_INT(r.options.identity_file.count, 1);
	CHECK_INT(r.options.send_env.count, 1);
	end(&r);
	begin(&r, "Host real\n Port 5\n"
		  "Host alias\n Hostname real\n"
		  "Match !final\n User x\n");
	CHECK_INT(load(&r), 0);
	CHECK_INT(r.options.port, 22);
	CHECK_TEXT(r.options.user, "x");
	end(&r);
}

TEST(faults_are_told_with_file_and_line)
{
	static const struct {
		const char *config;
		const char *message;
	} cases[] = {
		{ "Port\n",
		    "config line 1: no argument after keyword \"port\"" },
		{ "\nPort 1 2\n",
		    "config line 2: keyword port extra arguments at end of "
		    "line" },
		{ "Port 0\n", "config line 1: Bad port '0'." },
		{ "Port 70000\n", "config line 1: Bad port '70000'." },
		{ "Prot 1\n",
		    "config: line 1: Bad configuration option: prot (did you "
		    "mean Port?)" },
		{ "Xyzzy1 1\n",
		    "config: line 1: Bad configuration option: xyzzy1" },
		{ "BatchMode maybe\n",
		    "config line 1: unsupported option \"maybe\"." },
		{ "BatchMode \"yes\n", "config line 1: invalid quotes" },
		{ "Ciphers foo\n",
		    "config line 1: Bad SSH2 cipher spec 'foo'." },
		{ "MACs +foo\n", "config line 1: Bad SSH2 MAC spec '+foo'" },
		{ "KexAlgorithms foo\n",
		    "config line 1: Bad SSH2 KexAlgorithms 'foo'." },
		{ "HostKeyAlgorithms foo\n",
		    "config line 1: Bad key types 'foo'." },
		{ "ConnectTimeout 5x\n", "config line 1: invalid time value." },
		{ "ConnectionAttempts x\n",
		    "config line 1: integer value invalid." },
		{ "LocalForward 80\n",
		    "config line 1: Missing target argument." },
		{ "LocalForward 80 a\n",
		    "config line 1: Bad forwarding specification." },
		{ "LocalForward 0 a:1\n",
		    "config line 1: Bad forwarding specification." },
		{ "Match foo bar\n", "Unsupported Match attribute foo" },
		{ "Match foo bar\n", "config line 1: Bad Match condition" },
		{ "Match host\n", "Missing Match criteria for host" },
		{ "Match host a all\n", "'all' cannot be combined with" },
		{ "Match localnetwork x/99\n", "Bad Match condition" },
		{ "LogLevel X\n", "config line 1: unsupported log level 'X'" },
		{ "IPQoS x\n", "config line 1: Bad IPQoS value: x" },
		{ "RekeyLimit 1\n", "config line 1: RekeyLimit too small" },
		{ "EscapeChar abc\n", "config line 1: Bad escape character." },
		{ "SendEnv A=B\n", "config line 1: Invalid environment name." },
		{ "SetEnv A\n", "config line 1: Invalid SetEnv." },
		{ "StreamLocalBindMask 999\n", "config line 1: Bad mask." },
		{ "TunnelDevice x\n", "config line 1: Bad tun device." },
		{ "ControlPersist x\n",
		    "config line 1: Bad ControlPersist argument." },
		{ "ProxyJump u@:3\n", "Invalid ProxyJump \"u@:3\"" },
		{ "UserKnownHostsFile none b\n",
		    "\"none\" argument must appear alone." },
		{ "RSAAuthentication yes\nFoo x\n",
		    "config line 1: Unsupported option \"rsaauthentication\"" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		struct reading r;

		begin(&r, cases[i].config);
		CHECK_INT(load(&r), ERR_CONFIG);
		write_byte(&r.messages, 0);
		if (strstr((char *)r.messages.data, cases[i].message) == NULL)
			FAIL(
			    "%s: %s", cases[i].config, (char *)r.messages.data);
		CHECK(
		    strstr(r.e.text, "config: terminating, 1 bad configuration "
				     "options") != NULL);
		end(&r);
	}
}

TEST(faults_count_in_blocks_that_do_not_hold)
{
	struct reading r;

	begin(&r, "Host other\n Port x\n Foo y\n");
	CHECK_INT(load(&r), ERR_CONFIG);
	CHECK(strstr(r.e.text, "terminating, 2 bad") != NULL);
	end(&r);
}

TEST(ignored_unknown_keywords_are_no_fault)
{
	struct reading r;

	begin(&r, "IgnoreUnknown Foo*,bar\nFooBar x\nBAR y\nProtocol 2\n"
		  "Cipher x\n");
	CHECK_INT(load(&r), 0);
	CHECK_INT(r.messages.len, 0);
	end(&r);
}

TEST(the_command_line_has_no_blocks)
{
	static const char *const lines[] = { "Host x", "Match all",
		"Include /x", "Foo x", "Port" };

	for (size_t i = 0; i < ARRAY_COUNT(lines); i++) {
		struct reading r;

		begin(&r, NULL);
		line(&r, lines[i]);
		CHECK_INT(load(&r), ERR_CONFIG);
		write_byte(&r.messages, 0);
		CHECK(
		    strstr((char *)r.messages.data,
			i < 3    ? "directive not supported as a command-line"
			: i == 3 ? "command-line: line 0: Bad configuration "
				   "option: foo"
				 : "command-line line 0: no argument") != NULL);
		end(&r);
	}
}

TEST(algorithm_lists_are_relative_to_the_default)
{
	struct reading r;
	char *expected;

	begin(&r, "KexAlgorithms -diffie*,ecdh*,*curve*,mlkem*,sntrup*@*\n"
		  "Ciphers ^3des-cbc\nMACs +hmac-md5\n"
		  "HostKeyAlgorithms rsa-*-cert-*,ssh-ed25519,"
		  "ssh-mldsa44-ed25519@openssh.com\n");
	CHECK_INT(load(&r), 0);
	CHECK_TEXT(r.options.kex_algorithms, "sntrup761x25519-sha512");
	CHECK(strncmp(r.options.ciphers, "3des-cbc,", 9) == 0);
	CHECK(text_ends_with(r.options.macs, ",hmac-sha1,hmac-md5"));
	CHECK_TEXT(r.options.host_key_algorithms,
	    "rsa-sha2-512-cert-v01@openssh.com,"
	    "rsa-sha2-256-cert-v01@openssh.com,ssh-ed25519,"
	    "ssh-mldsa44-ed25519@openssh.com");
	expected = text_format("kexalgorithms %s", r.options.kex_algorithms);
	CHECK(prints(&r, expected));
	free(expected);
	end(&r);
}

TEST(forwards_are_printed_as_people_know_them)
{
	struct reading r;

	begin(&r, "LocalForward 80 a:81\n"
		  "LocalForward 127.0.0.1:82 [::1]:83\n"
		  "LocalForward %d/sock /b\n"
		  "LocalForward *:8 a:9\n"
		  "RemoteForward 0 c:1\n"
		  "RemoteForward 1080\n"
		  "RemoteForward [::1]:1081 [socks]:0\n"
		  "DynamicForward localhost:1082\n");
	CHECK_INT(load(&r), 0);
	CHECK(prints(&r, "localforward 80 [a]:81"));
	CHECK(prints(&r, "localforward [127.0.0.1]:82 [::1]:83"));
	CHECK(prints(&r, "localforward [*]:8 [a]:9"));
	CHECK(prints(&r, "remoteforward 0 [c]:1"));
	CHECK(prints(&r, "remoteforward 1080 [socks]:0"));
	CHECK(prints(&r, "remoteforward [::1]:1081 [socks]:0"));
	CHECK(prints(&r, "dynamicforward [localhost]:1082"));
	CHECK_INT(r.options.local_forward.count, 4);
	CHECK(strncmp(r.options.local_forward.item[2].listen.path,
		  unit_scratch(), strlen(unit_scratch())) == 0);
	CHECK_TEXT(r.options.local_forward.item[2].connect.path, "/b");
	CHECK(r.options.remote_forward.item[1].socks);
	end(&r);
}

TEST(values_of_every_kind_are_printed)
{
	static const char *const cases[][2] = {
		{ "AddKeysToAgent confirm 1h", "addkeystoagent confirm 3600" },
		{ "AddKeysToAgent 5m", "addkeystoagent 300" },
		{ "AddKeysToAgent yes", "addkeystoagent true" },
		{ "RekeyLimit 16K 1m", "rekeylimit 16384 60" },
		{ "RekeyLimit default 1h", "rekeylimit 0 3600" },
		{ "IPQoS cs1 none", "ipqos cs1 none" },
		{ "IPQoS lowdelay", "ipqos none none" },
		{ "IPQoS 0x11", "ipqos 0x11 0x11" },
		{ "EscapeChar none", "escapechar none" },
		{ "EscapeChar ^b", "escapechar ^B" },
		{ "ControlPersist 10m", "controlpersist 600" },
		{ "ControlPersist 0", "controlpersist yes" },
		{ "ForwardAgent $FOO", "forwardagent $FOO" },
		{ "ForwardAgent /x-%h", "forwardagent /x-alias" },
		{ "UserKnownHostsFile none", "userknownhostsfile none" },
		{ "UserKnownHostsFile \"a b\" c",
		    "userknownhostsfile \"a b\" c" },
		{ "StrictHostKeyChecking off", "stricthostkeychecking false" },
		{ "PubkeyAuthentication host-bound",
		    "pubkeyauthentication host-bound" },
		{ "RequestTTY force", "requesttty force" },
		{ "Tunnel yes", "tunnel point-to-point" },
		{ "TunnelDevice 3", "tunneldevice 3:any" },
		{ "UpdateHostKeys ask", "updatehostkeys ask" },
		{ "VerifyHostKeyDNS yes", "verifyhostkeydns true" },
		{ "CanonicalizeHostname always",
		    "canonicalizehostname always" },
		{ "CanonicalizePermittedCNAMEs *.a:*.b x:y",
		    "canonicalizePermittedcnames *.a:*.b x:y" },
		{ "ProxyCommand foo  \"bar %h\" # x",
		    "proxycommand foo  \"bar %h\" # x" },
		{ "ProxyJump u@[::1]:3,ssh://a@b:4",
		    "proxyjump u@[::1]:3,a@b:4" },
		{ "RemoteCommand echo \"%h\" %%x",
		    "remotecommand echo \"alias\" %x" },
		{ "LocalCommand foo %h", "localcommand foo %h" },
		{ "ControlPath /x-%n-%r-%p", "controlpath /x-alias-me-22" },
		{ "IdentityFile ~/x-%h", "identityfile ~/x-%h" },
		{ "IdentityAgent $FOO", "identityagent $FOO" },
		{ "SetEnv A=1 A=2 B=\"x y\"", "setenv A=1 \"B=x y\"" },
		{ "GlobalKnownHostsFile /a /b # c",
		    "globalknownhostsfile /a /b" },
		{ "ObscureKeystrokeTiming interval:80",
		    "obscurekeystroketiming interval:80" },
		{ "ChannelTimeout session=5m *=0",
		    "channeltimeout session=300 *=0" },
		{ "StreamLocalBindMask 0022", "streamlocalbindmask 022" },
		{ "SyslogFacility local3", "syslogfacility LOCAL3" },
		{ "Hostname %h.FOO.%%", "hostname alias.foo.%" },
		{ "User %u-%n", "user me-alias" },
		{ "ConnectTimeout 1h30m", "connecttimeout 5400" },
		{ "PermitRemoteOpen a:1 b:*", "permitremoteopen a:1 b:*" },
		{ "KeepAlive no", "tcpkeepalive no" },
		{ "ChallengeResponseAuthentication no",
		    "kbdinteractiveauthentication no" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		struct reading r;

		begin(&r, cases[i][0]);
		CHECK_INT(load(&r), 0);
		if (!prints(&r, cases[i][1]))
			FAIL("%s: no \"%s\"", cases[i][0], cases[i][1]);
		end(&r);
	}
}

TEST(the_dump_gives_itself_when_read_again)
{
	static const char config[] =
	    "LocalForward /a /b\nRemoteForward 1080\nDynamicForward 9\n"
	    "ProxyCommand nc \"%h\" %p\nSetEnv A=\"b c\" D=\\\"e\n"
	    "UserKnownHostsFile ~/a \"b c\"\nSendEnv A B\nIPQoS ef 0x3\n"
	    "AddKeysToAgent confirm 9\nIdentityFile none\n"
	    "ObscureKeystrokeTiming 50\nWarnWeakCrypto no-pq-kex\n"
	    "Ciphers ^aes256-ctr\nEscapeChar ^C\nControlPersist 4\n"
	    "CertificateFile a\nChannelTimeout *=3\nRequestTTY no\n"
	    "CanonicalDomains a b\nTag foo\nLogLevel debug2\n"
	    "RevokedHostKeys ~/x\nVersionAddendum a b\n";
	struct buf first = BUF_INIT, second = BUF_INIT;
	struct reading r;

	begin(&r, config);
	CHECK_INT(load(&r), 0);
	ssh_options_dump(&r.options, "alias", &first);
	CHECK(buf_text(&first) != NULL);
	end(&r);
	begin(&r, buf_text(&first));
	CHECK_INT(load(&r), 0);
	CHECK_INT(r.messages.len, 0);
	ssh_options_dump(&r.options, "alias", &second);
	CHECK_TEXT(buf_text(&second), buf_text(&first));
	end(&r);
	buf_release(&first);
	buf_release(&second);
}

TEST(tokens_are_those_of_the_manual)
{
	static const char sha[] = "0123456789abcdef0123456789abcdef01234567";
	struct reading r;
	char *text;

	begin(&r, "Hostname real\nPort 7\nUser you\nHostKeyAlias k\n"
		  "ControlPath %C\n");
	CHECK_INT(load(&r), 0);
	CHECK_INT(ssh_option_expand(SSH_OPTION_identity_file,
		      "~/%h-%n-%p-%r-%u-%k-%j.%%", &r.tokens, &text, &r.e),
	    0);
	CHECK(text_ends_with(text, "/real-alias-7-you-me-k-.%"));
	CHECK(text_starts_with(text, unit_scratch()));
	free(text);
	CHECK_INT(strlen(r.options.control_path), strlen(sha));
	CHECK_INT(ssh_option_expand(
		      SSH_OPTION_proxy_command, "%u", &r.tokens, &text, &r.e),
	    ERR_CONFIG);
	CHECK_INT(ssh_option_expand(SSH_OPTION_identity_file, "${NO_SUCH_X}",
		      &r.tokens, &text, &r.e),
	    ERR_CONFIG);
	CHECK(setenv("UNIT_X", "val", 1) == 0);
	CHECK_INT(ssh_option_expand(SSH_OPTION_identity_file, "a${UNIT_X}$b",
		      &r.tokens, &text, &r.e),
	    0);
	CHECK_TEXT(text, "aval$b");
	free(text);
	end(&r);
}

TEST(include_is_conditional_and_its_blocks_end_with_it)
{
	struct reading r;
	char path[600];

	begin(&r, "Host alias\n Include inc.*\n Port 5\n"
		  "Host other\n Include inc.2\n");
	snprintf(path, sizeof(path), "%s/.ssh", unit_scratch());
	CHECK_INT(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/.ssh/inc.1", unit_scratch());
	write_file(path, "Tag one\nHost other\n BindAddress no\n");
	snprintf(path, sizeof(path), "%s/.ssh/inc.2", unit_scratch());
	write_file(path, "BindInterface two\nMatch user me\n User x\n");
	CHECK_INT(load(&r), 0);
	CHECK_TEXT(r.options.tag, "one");
	CHECK(r.options.bind_address == NULL);
	CHECK_TEXT(r.options.bind_interface, "two");
	CHECK_TEXT(r.options.user, "x");
	CHECK_INT(r.options.port, 5);
	end(&r);
	begin(&r, "Host other\n Include ~/.ssh/inc.2 ${NO_SUCH_X}\n");
	CHECK_INT(load(&r), 0);
	CHECK(r.options.bind_interface == NULL);
	CHECK_TEXT(r.options.user, "me");
	end(&r);
}

TEST(include_of_itself_ends)
{
	struct reading r;
	char text[700];

	begin(&r, "");
	snprintf(text, sizeof(text), "Include %s\n", r.path);
	write_file(r.path, text);
	CHECK(load(&r) != 0);
	CHECK_TEXT(r.e.text, "Too many recursive configuration includes");
	end(&r);
}

TEST(a_users_file_that_others_may_write_is_refused)
{
	struct reading r;
	char path[600];

	begin(&r, NULL);
	r.source.config_file = NULL;
	snprintf(path, sizeof(path), "%s/.ssh", unit_scratch());
	CHECK_INT(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/.ssh/config", unit_scratch());
	write_file(path, "Port 9\n");
	CHECK_INT(chmod(path, 0600), 0);
	CHECK_INT(load(&r), 0);
	CHECK_INT(r.options.port, 9);
	end(&r);
	begin(&r, NULL);
	r.source.config_file = NULL;
	CHECK_INT(chmod(path, 0620), 0);
	CHECK_INT(load(&r), ERR_PERMISSION);
	CHECK(strstr(r.e.text, "Bad owner or permissions on ") == r.e.text);
	end(&r);
	begin(&r, "Port 9\n");
	CHECK_INT(chmod(r.path, 0666), 0);
	CHECK_INT(load(&r), 0);
	end(&r);
}

TEST(a_missing_file_of_F_is_told)
{
	struct reading r;

	begin(&r, NULL);
	r.source.config_file = "/no/such/file";
	CHECK_INT(load(&r), ERR_NOT_FOUND);
	CHECK_TEXT(r.e.text,
	    "Can't open user config file /no/such/file: No such file or "
	    "directory");
	end(&r);
}

TEST(proxy_command_and_jump_exclude_each_other)
{
	static const char *const cases[][3] = {
		{ "ProxyCommand a\nProxyJump b\n", "a", NULL },
		{ "ProxyJump b\nProxyCommand a\n", NULL, "b" },
		{ "ProxyCommand none\nProxyJump b\n", NULL, NULL },
		{ "ProxyJump none\nProxyCommand a\n", "a", NULL },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		struct reading r;

		begin(&r, cases[i][0]);
		CHECK_INT(load(&r), 0);
		CHECK(
		    (r.options.proxy_command == NULL) == (cases[i][1] == NULL));
		CHECK((r.options.proxy_jump == NULL) == (cases[i][2] == NULL));
		end(&r);
	}
}

TEST(what_is_not_there_yet_is_named)
{
	struct strings later = STRINGS_INIT;
	struct reading r;

	begin(&r, "LocalForward 1 a:2\nForwardAgent no\nForwardX11 yes\n"
		  "GSSAPIAuthentication yes\nIdentityAgent none\n"
		  "UpdateHostKeys no\nControlMaster auto\n");
	CHECK_INT(load(&r), 0);
	CHECK_INT(ssh_options_unsupported(&r.options, false, &later), 0);
	CHECK_INT(later.count, 2);
	CHECK(strings_has(&later, "ControlMaster: connection sharing"));
	CHECK(strings_has(&later, "ForwardX11: X11 forwarding"));
	strings_release(&later);
	CHECK_INT(ssh_options_unsupported(&r.options, true, &later), 0);
	CHECK_INT(later.count, 1);
	CHECK(strings_has(&later, "LocalForward: port forwarding"));
	strings_release(&later);
	end(&r);
}

TEST(clearing_takes_the_forwards_away)
{
	struct reading r;

	begin(&r, "LocalForward 1 a:2\nDynamicForward 5\n");
	line(&r, "ClearAllForwardings yes");
	CHECK_INT(load(&r), 0);
	CHECK_INT(r.options.local_forward.count, 0);
	CHECK_INT(r.options.dynamic_forward.count, 0);
	end(&r);
}

TEST(send_env_takes_back)
{
	struct reading r;

	begin(&r, "SendEnv LANG LC_* FOO\nSendEnv -L* BAR\n");
	CHECK_INT(load(&r), 0);
	CHECK_INT(r.options.send_env.count, 2);
	CHECK_TEXT(r.options.send_env.item[0], "FOO");
	CHECK_TEXT(r.options.send_env.item[1], "BAR");
	end(&r);
}

/* The same mutations in every run. */
static uint32_t
next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

TEST(mutated_files_do_no_harm)
{
	static const char nasty[] = "\"'\\#=%:,@[]/-+^ \n0";
	static const char more[] =
	    "LocalForward /a [::1]:5\nRemoteForward 1080\nProxyJump a@b:1,c\n"
	    "AddKeysToAgent confirm 5m\nTunnelDevice 1:any\nSetEnv A=b C=d\n"
	    "SendEnv A* -B\nEscapeChar ^A\nControlPersist 5\n"
	    "ForwardAgent ${HOME}/x\nChannelTimeout *=5m s=1\n"
	    "CanonicalizePermittedCNAMEs *.a:b\nRekeyLimit 1G 1h\n"
	    "Match host a,!b !user c exec \"x %h\" localnetwork 10.0.0.0/8\n"
	    "Host a* !b\nMatch tagged x command \"\" sessiontype exec\n";
	struct buf sample = BUF_INIT;
	uint32_t state = 7;
	struct reading r;

	begin(&r, NULL);
	CHECK_INT(load(&r), 0);
	buf_printf(&sample, "%s", more);
	ssh_options_dump(&r.options, "alias", &sample);
	end(&r);
	for (size_t i = 0; i < 1500; i++) {
		struct buf text = BUF_INIT;

		write_span(&text, buf_span(&sample));
		for (size_t j = 0; j < 1 + i % 16; j++)
			text.data[next_random(&state) % text.len] = (uint8_t)
			    nasty[next_random(&state) % (sizeof(nasty) - 1)];
		if (i % 3 == 0)
			buf_truncate(&text, next_random(&state) % text.len);
		begin(&r, buf_text(&text));
		IGNORE_RESULT(load(&r) != 0);
		end(&r);
		buf_release(&text);
	}
	buf_release(&sample);
}
