# Keys of a PKCS#11 token between our programs and OpenSSH's: by the client
# itself, and by the agent of one with the other's client.

only='-o IdentitiesOnly=yes -o IdentityAgent=none'
none='-o IdentityFile=none'

setup_file() {
	load both
	use_devices
	start_both
	make_token "a token"
	make_token_key "a token" rsa:2048 01 rsa
	make_token_key "a token" EC:prime256v1 02 p256
	make_token_key "a token" EC:secp521r1 03 p521
	make_token_key "a token" EC:edwards25519 04 ed
	"$KEYGEN" -D "$MODULE" > all_keys
}

teardown_file() {
	load both
	stop_both
}

setup() {
	load both
	load ../cli/agents
	forget
	use_devices
	cp all_keys authorized_keys
}

teardown() {
	stop_agents
}

may_log_in() {
	grep " $1\$" all_keys > authorized_keys
}

@test "each kind of key logs in by PKCS11Provider, after the PIN" {
	for pair in $pairs; do
		for kind in rsa p256 p521 ed; do
			# OpenSSH 9.2 knows no Ed25519 in tokens.
			[ "$kind:$pair" != ed:theirs:ours ] || continue
			may_log_in "$kind"
			: > "$ASKED"
			accepted "$pair" -o IdentityAgent=none -o IdentityFile=/nonexistent -o PKCS11Provider="$MODULE"
			asked "^Enter PIN for 'a token': "
		done
	done
}

@test "-I is PKCS11Provider, and the PIN is asked for only where a key will do" {
	may_log_in p256
	accepted ours:theirs $only -I "$MODULE"
	[ "$(grep -c PIN "$ASKED")" -eq 1 ]
	: > authorized_keys
	: > "$ASKED"
	refused ours:theirs "" $only -I "$MODULE"
	[ ! -s "$ASKED" ]
}

@test "a wrong PIN is refused by the token, and said" {
	answer_pin 0000
	run -255 login ours theirs $only -I "$MODULE"
	[[ $output == *"token 'a token': the PIN is wrong"* ]]
	[[ $output == *"Permission denied (publickey)"* ]]
}

@test "BatchMode asks nobody" {
	run -255 login ours theirs $only -I "$MODULE" -o BatchMode=yes
	[[ $output == *"it wants a PIN"* ]]
	[ ! -s "$ASKED" ]
}

@test "a module that cannot be used is said, and other keys go on" {
	"$KEYGEN" -q -t ed25519 -N '' -f plain
	cp plain.pub authorized_keys
	for module in /nonexistent "$SO"; do
		run -0 login ours theirs $only -I "$module" -i plain
		[[ $output == *"PKCS11Provider: provider \"$module\" "* ]]
		[[ $output == *in ]]
	done
	rm -f plain plain.pub
}

@test "a certificate goes with a key of the token" {
	"$KEYGEN" -q -t ed25519 -N '' -f user_ca
	cp user_ca.pub user_cas
	grep ' p256$' all_keys > on_token.pub
	"$KEYGEN" -q -s user_ca -I id -n "$ME" on_token.pub
	: > authorized_keys
	for server in ours theirs; do
		accepted "ours:$server" $only -I "$MODULE" -o CertificateFile=on_token-cert.pub
	done
	rm -f user_ca user_ca.pub
	: > user_cas
}

# start_agent_of SIDE
start_agent_of() {
	SSH_AUTH_SOCK=$BATS_TEST_TMPDIR/agent
	export SSH_AUTH_SOCK
	rm -f "$SSH_AUTH_SOCK"
	if [ "$1" = ours ]; then
		"$BIN/ssh-agent" -D -a "$SSH_AUTH_SOCK" </dev/null >/dev/null 2>&1 3>&- &
	else
		/usr/bin/ssh-agent -D -a "$SSH_AUTH_SOCK" </dev/null >/dev/null 2>&1 3>&- &
	fi
	wait_for_socket $!
}

@test "agents of both take a token from ssh-add of both, and give it up" {
	for agent in ours theirs; do
		for add in "$BIN/ssh-add" /usr/bin/ssh-add; do
			start_agent_of "$agent"
			run -0 "$add" -s "$MODULE"
			[[ $output == *"Card added: $MODULE" ]]
			run -0 "$add" -l
			[[ $output == *" p521 (ECDSA)"* && $output == *" rsa (RSA)"* ]]
			for pair in ours:theirs theirs:ours; do
				for kind in rsa p521; do
					may_log_in "$kind"
					accepted "$pair" $none
				done
			done
			run -0 "$add" -e "$MODULE"
			[[ $output == *"Card removed: $MODULE" ]]
			run -1 "$add" -l
			[ "$output" = "The agent has no identities." ]
			stop_agents
		done
	done
}

@test "our agent signs with Ed25519 of a token for OpenSSH's client" {
	start_agent_of ours
	"$BIN/ssh-add" -s "$MODULE"
	may_log_in ed
	accepted theirs:ours $none
	accepted ours:theirs $none
}

@test "a wrong PIN adds nothing" {
	start_agent_of ours
	answer_pin 0000
	run -1 "$BIN/ssh-add" -s "$MODULE"
	run -1 "$BIN/ssh-add" -l
}

@test "a CA on a token, held by the agent, signs certificates" {
	start_agent_of ours
	"$BIN/ssh-add" -s "$MODULE"
	grep ' p256$' all_keys > ca.pub
	"$KEYGEN" -q -t ed25519 -N '' -f user
	run -0 "$KEYGEN" -q -U -s ca.pub -I id -n "$ME" user.pub
	cp ca.pub user_cas
	: > authorized_keys
	unset SSH_AUTH_SOCK
	accepted ours:theirs -o IdentitiesOnly=yes -i user
	: > user_cas
	rm -f user user.pub user-cert.pub
}

@test "without a terminal and an ask-pass program the PIN comes from standard input" {
	unset SSH_ASKPASS_REQUIRE
	start_agent_of ours
	for add in "$BIN/ssh-add" /usr/bin/ssh-add; do
		run -0 setsid -w "$add" -s "$MODULE" <<<"$PIN"
		run -0 "$add" -l
		[[ $output == *" p521 (ECDSA)"* ]]
		run -0 setsid -w "$add" -e "$MODULE" <<<"$PIN"
		run -1 "$add" -l
	done
}
