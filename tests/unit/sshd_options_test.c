/*
 * sshd_options_test.c - the options of sshd: files, blocks per connection,
 * the way to another process, what -T prints.
 */
#include "sshd/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "tests/unit/unit.h"

struct reading {
	struct sshd_config *config;
	struct strings lines;
	struct sshd_config_source source;
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

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	CHECK(f != NULL);
	CHECK(fputs(text, f) >= 0);
	CHECK_INT(fclose(f), 0);
}

static void
begin(struct reading *r, const char *text)
{
	memset(r, 0, sizeof(*r));
	snprintf(r->path, sizeof(r->path), "%s/config", unit_scratch());
	write_file(r->path, text);
	r->source = (struct sshd_config_source){ .file = r->path,
		.lines = &r->lines,
		.message = on_message,
		.context = r };
}

static int
load(struct reading *r)
{
	return sshd_config_load(&r->source, &r->config, &r->e);
}

static void
end(struct reading *r)
{
	sshd_config_free(r->config);
	strings_release(&r->lines);
	buf_release(&r->messages);
}

static bool
has_line(const struct sshd_options *o, const char *wanted)
{
	struct buf out = BUF_INIT;
	struct span rest, text;
	bool found = false;

	sshd_options_dump(o, &out);
	rest = buf_span(&out);
	while (!found && line_next(&rest, &text))
		found = span_is(text, wanted);
	buf_release(&out);
	return found;
}

static bool
prints(const struct reading *r, const char *wanted)
{
	return has_line(sshd_config_global(r->config), wanted);
}

TEST(defaults_are_those_of_the_manual)
{
	struct reading r;
	const struct sshd_options *o;

	begin(&r, "# nothing\n\n");
	CHECK_INT(load(&r), 0);
	o = sshd_config_global(r.config);
	CHECK_INT(o->login_grace_time, 120);
	CHECK_INT(o->permit_root_login, PERMIT_ROOT_LOGIN_PROHIBIT_PASSWORD);
	CHECK_INT(o->max_startups.rate, 30);
	CHECK_INT(o->per_source_max_startups, -1);
	CHECK_INT(o->unused_connection_timeout, -1);
	CHECK_INT(o->authorized_keys_file.count, 2);
	CHECK_INT(o->spare_sessions, 2);
	CHECK(o->banner == NULL);
	CHECK(!sshd_options_is_set(o, SSHD_OPTION_port));
	CHECK(strstr(o->kex_algorithms, "diffie-hellman") == NULL);
	CHECK(prints(&r, "port 22"));
	CHECK(prints(&r, "listenaddress [::]:22"));
	CHECK(prints(&r, "listenaddress 0.0.0.0:22"));
	CHECK(prints(&r, "permitrootlogin prohibit-password"));
	CHECK(prints(&r, "banner none"));
	CHECK(prints(&r, "authenticationmethods any"));
	CHECK(prints(&r, "persourcemaxstartups none"));
	CHECK(prints(&r, "permitopen any"));
	CHECK(prints(&r, "pubkeyauthoptions none"));
	CHECK(prints(&r,
	    "persourcepenalties crash:90.000000 authfail:5.000000 "
	    "noauth:1.000000 invaliduser:5.000000 grace-exceeded:10.000000 "
	    "refuseconnection:10.000000 max:600.000000 min:15.000000 "
	    "max-sources4:65536 max-sources6:65536 overflow:permissive "
	    "overflow6:permissive"));
	end(&r);
}

TEST(ports_apply_to_addresses_in_either_order)
{
	struct reading r;

	begin(&r, "Port 1\nListenAddress 1.2.3.4\nListenAddress ::1\nPort 2\n"
		  "ListenAddress 1.2.3.5:77\nListenAddress [::1]:78\n");
	CHECK_INT(load(&r), 0);
	CHECK_INT(sshd_config_global(r.config)->listen_address.count, 6);
	CHECK(prints(&r, "listenaddress 1.2.3.4:1"));
	CHECK(prints(&r, "listenaddress 1.2.3.4:2"));
	CHECK(prints(&r, "listenaddress [::1]:1"));
	CHECK(prints(&r, "listenaddress [::1]:2"));
	CHECK(prints(&r, "listenaddress 1.2.3.5:77"));
	CHECK(prints(&r, "listenaddress [::1]:78"));
	end(&r);
	begin(&r, "Port 9\nListenAddress 1.2.3.4:9\nListenAddress 1.1.1.1\n");
	CHECK_INT(strings_add(&r.lines, "Port 7"), 0);
	r.source.ports_given = true;
	CHECK_INT(load(&r), 0);
	CHECK_INT(sshd_config_global(r.config)->port.count, 1);
	CHECK(prints(&r, "listenaddress 1.2.3.4:9"));
	CHECK(prints(&r, "listenaddress 1.1.1.1:7"));
	end(&r);
	begin(&r, "Port 9\nAddressFamily inet\n");
	CHECK_INT(strings_add(&r.lines, "Port=5"), 0);
	CHECK_INT(load(&r), 0);
	CHECK_INT(sshd_config_global(r.config)->listen_address.count, 2);
	CHECK(prints(&r, "listenaddress 0.0.0.0:5"));
	CHECK(prints(&r, "listenaddress 0.0.0.0:9"));
	end(&r);
}

TEST(faults_are_told_with_file_and_line)
{
	static const struct {
		const char *config;
		const char *message;
	} cases[] = {
		{ "Port\n",
		    "config line 1: no argument after keyword \"Port\"" },
		{ "Port \"\"\n", "config line 1: missing argument." },
		{ "Port 1 2\n",
		    "config line 1: keyword Port extra arguments at end of "
		    "line" },
		{ "Port 0\n", "config line 1: Badly formatted port number." },
		{ "Foox bar\n",
		    "config: line 1: Bad configuration option: Foox" },
		{ "Host x\n",
		    "config: line 1: Bad configuration option: Host" },
		{ "UseDNS maybe\n",
		    "config line 1: unsupported option \"maybe\"." },
		{ "MaxAuthTries x\n",
		    "config line 1: MaxAuthTries integer value invalid." },
		{ "Ciphers foo\n",
		    "config line 1: Bad SSH2 cipher spec 'foo'." },
		{ "MACs foo\n", "config line 1: Bad SSH2 mac spec 'foo'." },
		{ "Match foo bar\n", "Unsupported Match attribute foo" },
		{ "Match !user bar\n", "Unsupported Match attribute !user" },
		{ "Match user\n", "Missing Match criteria for user" },
		{ "Match all user x\n", "'all' cannot be combined" },
		{ "Match address 1.2.3.4/99\n",
		    "Invalid Match address argument '1.2.3.4/99'" },
		{ "Match address 10.0.0.1/24\n",
		    "Invalid Match address argument '10.0.0.1/24'" },
		{ "Match localport x\n",
		    "Invalid LocalPort 'x' on Match line" },
		{ "Match user x\nPort 22\n",
		    "config line 2: Directive 'Port' is not allowed within a "
		    "Match block" },
		{ "Match user x\nMaxAuthTries y\n",
		    "config line 2: MaxAuthTries integer value invalid." },
		{ "AcceptEnv A=B\n",
		    "config line 1: Invalid environment name." },
		{ "SetEnv A\n", "config line 1: Invalid environment." },
		{ "MaxStartups 10:200:3\n",
		    "config line 1: Invalid MaxStartups spec." },
		{ "MaxStartups 0\n",
		    "config line 1: Invalid MaxStartups spec." },
		{ "AuthenticationMethods foo\n",
		    "config line 1: invalid AuthenticationMethods method "
		    "list." },
		{ "AuthenticationMethods password,\n",
		    "config line 1: invalid AuthenticationMethods method "
		    "list." },
		{ "AuthenticationMethods any password\n",
		    "\"any\" must appear alone in AuthenticationMethods" },
		{ "PermitOpen foo\n",
		    "config line 1: PermitOpen bad port number" },
		{ "PermitListen foo_\n",
		    "config line 1: PermitListen bad port number" },
		{ "Subsystem a\n",
		    "config line 1: Missing subsystem command." },
		{ "PerSourceNetBlockSize 99\n",
		    "config line 1: Invalid PerSourceNetBlockSize spec." },
		{ "PerSourcePenalties crush:1\n",
		    "invalid PerSourcePenalties argument crush:1" },
		{ "PubkeyAuthOptions foo\n",
		    "unsupported PubkeyAuthOptions option foo" },
		{ "ListenAddress [::1\n",
		    "config line 1: bad address:port usage" },
		{ "AuthorizedKeysCommand foo\n",
		    "AuthorizedKeysCommand must be an absolute path" },
		{ "AllowUsers a@1.2.3.4/99\n",
		    "invalid AllowUsers pattern: \"a@1.2.3.4/99\"" },
		{ "ChannelTimeout foo\n",
		    "config line 1: invalid channel timeout foo" },
		{ "StreamLocalBindMask 888\n",
		    "config line 1: Invalid StreamLocalBindMask." },
		{ "PidFile a b\n", "keyword PidFile extra arguments" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		struct reading r;

		begin(&r, cases[i].config);
		if (load(&r) != ERR_CONFIG)
			FAIL("%s is accepted", cases[i].config);
		CHECK(buf_text(&r.messages) != NULL);
		if (strstr((char *)r.messages.data, cases[i].message) == NULL)
			FAIL(
			    "%s: %s", cases[i].config, (char *)r.messages.data);
		end(&r);
	}
}

TEST(what_works_no_more_is_a_warning)
{
	static const char *const cases[][2] = {
		{ "UsePAM yes\n",
		    "config line 1: Unsupported option UsePAM\n" },
		{ "UsePAM no\n", "" },
		{ "GSSAPIAuthentication yes\n",
		    "config line 1: Unsupported option "
		    "GSSAPIAuthentication\n" },
		{ "CheckMail x\n",
		    "config line 1: Deprecated option CheckMail\n" },
		{ "UsePrivilegeSeparation yes\n",
		    "config line 1: Deprecated option "
		    "UsePrivilegeSeparation\n" },
		{ "Protocol 2\n", "" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		struct reading r;
		const char *text;

		begin(&r, cases[i][0]);
		CHECK_INT(load(&r), 0);
		text = buf_text(&r.messages);
		CHECK(text != NULL && text_ends_with(text, cases[i][1]) &&
		      (*cases[i][1] != '\0') == (*text != '\0'));
		CHECK(prints(&r, "usepam no"));
		end(&r);
	}
}

TEST(values_of_every_kind_are_printed)
{
	static const char *const cases[][2] = {
		{ "AllowUsers a b@c", "allowusers b@c" },
		{ "DenyGroups x y", "denygroups y" },
		{ "AcceptEnv A B", "acceptenv B" },
		{ "SetEnv A=1 B=\"x y\"", "setenv A=1 \"B=x y\"" },
		{ "Subsystem sftp /a/b -x  \"y z\"",
		    "subsystem sftp /a/b -x  \"y z\"" },
		{ "ForceCommand echo \"hi  there\" x",
		    "forcecommand echo \"hi  there\" x" },
		{ "ChrootDirectory /x/%u", "chrootdirectory /x/%u" },
		{ "VersionAddendum a b", "versionaddendum a b" },
		{ "AuthenticationMethods publickey,publickey "
		  "keyboard-interactive:pam",
		    "authenticationmethods publickey,publickey "
		    "keyboard-interactive:pam" },
		{ "PermitOpen a:1 b:* [::1]:2", "permitopen a:1 b:* [::1]:2" },
		{ "PermitListen 80 a:90", "permitlisten 80 a:90" },
		{ "PermitUserEnvironment A*,B", "permituserenvironment A*,B" },
		{ "PubkeyAuthOptions touch-required verify-required",
		    "pubkeyauthoptions touch-required verify-required" },
		{ "MaxStartups 5", "maxstartups 5:30:5" },
		{ "MaxStartups 1:2:3\nMaxStartups 4:5:6", "maxstartups 1:2:3" },
		{ "PerSourceMaxStartups 7", "persourcemaxstartups 7" },
		{ "PerSourceNetBlockSize 24:64",
		    "persourcenetblocksize 24:64" },
		{ "PerSourcePenalties no", "persourcepenalties no" },
		{ "PermitTunnel yes", "permittunnel yes" },
		{ "UnusedConnectionTimeout 5m", "unusedconnectiontimeout 300" },
		{ "AuthorizedKeysFile none", "authorizedkeysfile none" },
		{ "AuthorizedKeysFile a b", "authorizedkeysfile a b" },
		{ "PermitRootLogin without-password",
		    "permitrootlogin prohibit-password" },
		{ "RekeyLimit 16K 1m", "rekeylimit 16384 60" },
		{ "LoginGraceTime 1m", "logingracetime 60" },
		{ "GatewayPorts clientspecified",
		    "gatewayports clientspecified" },
		{ "AllowTcpForwarding local", "allowtcpforwarding local" },
		{ "LogLevel verbose", "loglevel VERBOSE" },
		{ "StreamLocalBindMask 0022", "streamlocalbindmask 022" },
		{ "PidFile none", "pidfile none" },
		{ "HostKey /a\nHostKey /b", "hostkey /b" },
		{ "IPQoS cs1", "ipqos cs1 cs1" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
		struct reading r;

		begin(&r, cases[i][0]);
		if (load(&r) != 0)
			FAIL("%s: %s", cases[i][0], r.e.text);
		if (!prints(&r, cases[i][1]))
			FAIL("%s: no \"%s\"", cases[i][0], cases[i][1]);
		end(&r);
	}
}

TEST(penalties_add_up)
{
	struct reading r;
	const struct sshd_penalties *p;

	begin(&r, "PerSourcePenalties crash:1m authfail:2.5\n"
		  "PerSourcePenalties crash:7 max-sources4:9\n"
		  "PerSourcePenalties overflow:deny-all\n");
	CHECK_INT(load(&r), 0);
	p = &sshd_config_global(r.config)->per_source_penalties;
	CHECK(p->on);
	CHECK(p->seconds[SSHD_PENALTY_CRASH] > 59.9 &&
	      p->seconds[SSHD_PENALTY_CRASH] < 60.1);
	CHECK(p->seconds[SSHD_PENALTY_AUTHFAIL] > 2.4 &&
	      p->seconds[SSHD_PENALTY_AUTHFAIL] < 2.6);
	CHECK(p->seconds[SSHD_PENALTY_MAX] > 599);
	CHECK_INT(p->max_sources4, 9);
	CHECK(p->overflow_deny_all && p->overflow6_deny_all);
	end(&r);
}

static const char blocks[] = "Banner /global\n"
			     "MaxAuthTries 9\n"
			     "Subsystem sftp /global\n"
			     "Subsystem other /other\n"
			     "Match user anna,bert address 10.0.0.0/8\n"
			     "  Banner /ten\n"
			     "  AllowUsers x y\n"
			     "  Subsystem sftp /ten\n"
			     "Match group wheel\n"
			     "  Banner /wheel\n"
			     "  MaxAuthTries 2\n"
			     "Match localport 2200,2222 host *.example.org\n"
			     "  ForceCommand /bin/true\n"
			     "Match invalid-user\n"
			     "  PasswordAuthentication no\n"
			     "Match all\n"
			     "  MaxSessions 3\n";

static bool
wheel_has_bert(void *context, const char *user, const char *patterns)
{
	return strcmp(user, "bert") == 0 && strcmp(patterns, "wheel") == 0;
}

TEST(blocks_are_decided_per_connection)
{
	struct sshd_match_context m = { .user = "anna",
		.address = "10.1.2.3",
		.host = "10.1.2.3",
		.laddress = "192.0.2.1",
		.lport = 22,
		.in_group = wheel_has_bert };
	struct sshd_options o;
	struct reading r;

	begin(&r, blocks);
	CHECK_INT(load(&r), 0);
	CHECK_TEXT(sshd_config_global(r.config)->banner, "/global");
	CHECK_INT(sshd_config_global(r.config)->max_sessions, 10);
	CHECK_INT(sshd_options_for(r.config, &m, &o, &r.e), 0);
	CHECK_TEXT(o.banner, "/ten");
	CHECK_INT(o.max_auth_tries, 9);
	CHECK_INT(o.max_sessions, 3);
	CHECK_INT(o.allow_users.count, 2);
	CHECK_INT(o.subsystem.count, 2);
	CHECK(has_line(&o, "subsystem sftp /ten"));
	CHECK(has_line(&o, "subsystem other /other"));
	CHECK(o.force_command == NULL);
	CHECK(o.password_authentication);
	sshd_options_release(&o);
	m.user = "bert";
	m.address = "192.0.2.9";
	m.host = "h.Example.org";
	m.lport = 2222;
	CHECK_INT(sshd_options_for(r.config, &m, &o, &r.e), 0);
	CHECK_TEXT(o.banner, "/wheel");
	CHECK_INT(o.max_auth_tries, 2);
	CHECK_TEXT(o.force_command, "/bin/true");
	sshd_options_release(&o);
	m.user = "carl";
	m.invalid_user = true;
	CHECK_INT(sshd_options_for(r.config, &m, &o, &r.e), 0);
	CHECK_TEXT(o.banner, "/global");
	CHECK(!o.password_authentication);
	sshd_options_release(&o);
	end(&r);
}

TEST(a_configuration_goes_to_another_process)
{
	struct sshd_match_context m = { .user = "anna", .address = "10.1.2.3" };
	struct buf wire = BUF_INIT;
	struct sshd_config *copy = NULL;
	struct sshd_options o;
	struct reader rd;
	struct reading r;
	struct buf big = BUF_INIT;

	/* connect-bigconf of OpenSSH's tests: more than 256 KiB. */
	for (size_t i = 0; i < 20000; i++)
		buf_printf(&big, "# a line that is there to be long\n");
	buf_printf(&big, "AllowUsers *\n%s", blocks);
	begin(&r, buf_text(&big));
	CHECK_INT(load(&r), 0);
	sshd_config_write(r.config, &wire);
	CHECK_INT(buf_error(&wire), 0);
	CHECK(wire.len > (size_t)256 * 1024);
	rd = reader_of(buf_span(&wire));
	CHECK_INT(sshd_config_read(&rd, &copy, &r.e), 0);
	CHECK_INT(read_end(&rd), 0);
	CHECK_INT(sshd_options_for(copy, &m, &o, &r.e), 0);
	CHECK_TEXT(o.banner, "/ten");
	sshd_options_release(&o);
	sshd_config_free(copy);
	buf_release(&wire);
	buf_release(&big);
	end(&r);
}

TEST(every_truncated_configuration_is_refused)
{
	struct buf wire = BUF_INIT;
	struct reading r;

	begin(&r, blocks);
	CHECK_INT(load(&r), 0);
	sshd_config_write(r.config, &wire);
	for (size_t n = 0; n < wire.len; n++) {
		struct reader rd = reader_of(span_of(wire.data, n));
		struct sshd_config *copy = NULL;

		CHECK(sshd_config_read(&rd, &copy, &r.e) != 0);
	}
	/* A damaged one may be anything, but never a crash. */
	for (size_t n = 0; n < wire.len; n++) {
		struct reader rd;
		struct sshd_config *copy = NULL;

		wire.data[n] ^= 0x41;
		rd = reader_of(buf_span(&wire));
		if (sshd_config_read(&rd, &copy, &r.e) == 0)
			sshd_config_free(copy);
		wire.data[n] ^= 0x41;
	}
	buf_release(&wire);
	end(&r);
}

TEST(the_dump_gives_itself_when_read_again)
{
	static const char config[] =
	    "Port 1\nPort 2\nListenAddress 1.2.3.4\nListenAddress [::1]:5\n"
	    "AllowUsers a b@10.0.0.0/8\nSetEnv A=\"b c\" D=e\n"
	    "Subsystem sftp /x \"y z\"\nForceCommand a \"b  c\"\n"
	    "PerSourcePenalties crash:1.5 overflow:deny-all\n"
	    "HostKey \"/a b\"\nAcceptEnv X Y\nLogVerbose a*,b\n"
	    "ChannelTimeout *=5m\nPubkeyAuthOptions touch-required\n"
	    "PermitUserEnvironment FOO*\nAuthorizedKeysFile none\n"
	    "KexAlgorithms +diffie-hellman-group14-sha256\nIPQoS none\n";
	struct buf first = BUF_INIT, second = BUF_INIT;
	struct reading r;

	begin(&r, config);
	CHECK_INT(load(&r), 0);
	sshd_options_dump(sshd_config_global(r.config), &first);
	CHECK(buf_text(&first) != NULL);
	end(&r);
	begin(&r, buf_text(&first));
	if (load(&r) != 0)
		FAIL("%s", buf_text(&r.messages));
	CHECK_INT(r.messages.len, 0);
	sshd_options_dump(sshd_config_global(r.config), &second);
	CHECK_TEXT(buf_text(&second), buf_text(&first));
	end(&r);
	buf_release(&first);
	buf_release(&second);
}

TEST(include_may_stand_in_a_block_and_its_blocks_end_with_it)
{
	struct sshd_match_context m = { .user = "anna" };
	struct sshd_options o;
	struct reading r;
	char text[2048];
	char path[600];

	snprintf(path, sizeof(path), "%s/one", unit_scratch());
	write_file(path, "Banner /one\nMatch user anna\n MaxSessions 1\n");
	snprintf(path, sizeof(path), "%s/two", unit_scratch());
	write_file(path, "MaxAuthTries 2\nMatch user anna\n PermitTTY no\n");
	snprintf(text, sizeof(text),
	    "Include %s/on*\n"
	    "PrintMotd no\n" /* global again: the block ended */
	    "Match user anna\n Include %s/two\n ForceCommand x\n"
	    "Match user bert\n Include %s/two\n",
	    unit_scratch(), unit_scratch(), unit_scratch());
	begin(&r, text);
	CHECK_INT(load(&r), 0);
	CHECK_TEXT(sshd_config_global(r.config)->banner, "/one");
	CHECK(!sshd_config_global(r.config)->print_motd);
	CHECK_INT(sshd_options_for(r.config, &m, &o, &r.e), 0);
	CHECK_INT(o.max_sessions, 1);
	CHECK_INT(o.max_auth_tries, 2);
	CHECK(!o.permit_tty);
	CHECK_TEXT(o.force_command, "x");
	sshd_options_release(&o);
	m.user = "carl";
	CHECK_INT(sshd_options_for(r.config, &m, &o, &r.e), 0);
	CHECK_INT(o.max_auth_tries, 6);
	CHECK(o.permit_tty);
	sshd_options_release(&o);
	end(&r);
	snprintf(text, sizeof(text), "Include %s/config\n", unit_scratch());
	begin(&r, text);
	CHECK_INT(load(&r), ERR_LIMIT);
	CHECK_TEXT(r.e.text, "Too many recursive configuration includes");
	end(&r);
}

TEST(a_test_specification_names_a_connection)
{
	struct sshd_match_context m = { 0 };
	struct strings text = STRINGS_INIT;
	struct sshd_options o;
	struct error e = { 0 };
	struct reading r;

	CHECK_INT(sshd_match_parse(
		      "user=anna,addr=10.0.0.1,laddr=1.1.1.1,lport=2222,", &m,
		      &text, &e),
	    0);
	CHECK_INT(
	    sshd_match_parse("rdomain=,host=h,invalid-user", &m, &text, &e), 0);
	CHECK_TEXT(m.user, "anna");
	CHECK_TEXT(m.address, "10.0.0.1");
	CHECK_TEXT(m.rdomain, "");
	CHECK_INT(m.lport, 2222);
	CHECK(m.invalid_user && m.testing);
	CHECK_INT(sshd_match_parse("user", &m, &text, &e), ERR_ARGUMENT);
	CHECK_TEXT(e.text, "Invalid test mode specification user");
	CHECK_INT(sshd_match_parse("foo=b", &m, &text, &e), ERR_ARGUMENT);
	CHECK_INT(sshd_match_parse("lport=x", &m, &text, &e), ERR_ARGUMENT);
	begin(&r, "Match localport 22\n Banner x\n");
	CHECK_INT(load(&r), 0);
	m.lport = 0;
	CHECK_INT(sshd_options_for(r.config, &m, &o, &r.e), ERR_CONFIG);
	CHECK(
	    strstr(r.e.text, "'Match LocalPort' in configuration but") != NULL);
	end(&r);
	strings_release(&text);
}

TEST(user_patterns_have_hosts)
{
	struct strings list = STRINGS_INIT;

	CHECK_INT(
	    strings_split(&list, "root@10.0.0.0/8 an* b@*.org !evil", ' '), 0);
	CHECK(sshd_user_patterns_match(&list, "root", "h", "10.9.9.9"));
	CHECK(!sshd_user_patterns_match(&list, "root", "h", "11.9.9.9"));
	CHECK(sshd_user_patterns_match(&list, "anna", NULL, NULL));
	CHECK(sshd_user_patterns_match(&list, "b", "x.ORG", "1.1.1.1"));
	CHECK(!sshd_user_patterns_match(&list, "b", "x.com", "1.1.1.1"));
	CHECK(!sshd_user_patterns_match(&list, "evil", "x.com", "1.1.1.1"));
	CHECK(sshd_patterns_match(&list, "anna"));
	CHECK(!sshd_patterns_match(&list, "evil"));
	strings_release(&list);
}

TEST(commands_need_their_user)
{
	struct reading r;

	begin(&r, "AuthorizedKeysCommand /bin/x\n");
	CHECK_INT(load(&r), ERR_CONFIG);
	CHECK_TEXT(r.e.text, "AuthorizedKeysCommand set without "
			     "AuthorizedKeysCommandUser");
	end(&r);
}

TEST(what_keeps_people_out_is_not_left_out)
{
	struct sshd_match_context m = { .user = "anna" };
	struct strings list = STRINGS_INIT;
	struct sshd_options o;
	struct reading r;

	begin(&r, "X11Forwarding yes\nMatch user anna\n RDomain vrf1\n");
	CHECK_INT(load(&r), 0);
	CHECK_INT(sshd_options_unsupported(
		      sshd_config_global(r.config), false, &list),
	    0);
	CHECK_INT(list.count, 1);
	CHECK_TEXT(list.item[0], "X11Forwarding: X11 forwarding");
	CHECK_INT(sshd_options_for(r.config, &m, &o, &r.e), ERR_UNSUPPORTED);
	m.user = "bert";
	CHECK_INT(sshd_options_for(r.config, &m, &o, &r.e), 0);
	sshd_options_release(&o);
	strings_release(&list);
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
	struct sshd_match_context m = {
		.user = "anna", .address = "10.0.0.1", .host = "h", .lport = 22
	};
	struct buf sample = BUF_INIT;
	uint32_t state = 7;
	struct reading r;

	begin(&r, "AllowUsers a b@10.0.0.0/8\nSetEnv A=b\nAcceptEnv X*\n"
		  "Subsystem sftp /x y\nChannelTimeout *=5m\n"
		  "ListenAddress [::1]:5 rdomain x\nListenAddress a\n");
	CHECK_INT(load(&r), 0);
	sshd_options_dump(sshd_config_global(r.config), &sample);
	end(&r);
	buf_printf(&sample, "%s", blocks);
	for (size_t i = 0; i < 1500; i++) {
		struct buf text = BUF_INIT;
		struct sshd_options o;

		write_span(&text, buf_span(&sample));
		for (size_t j = 0; j < 1 + i % 16; j++)
			text.data[next_random(&state) % text.len] = (uint8_t)
			    nasty[next_random(&state) % (sizeof(nasty) - 1)];
		if (i % 3 == 0)
			buf_truncate(&text, next_random(&state) % text.len);
		begin(&r, buf_text(&text));
		if (load(&r) == 0 &&
		    sshd_options_for(r.config, &m, &o, &r.e) == 0)
			sshd_options_release(&o);
		end(&r);
		buf_release(&text);
	}
	buf_release(&sample);
}
