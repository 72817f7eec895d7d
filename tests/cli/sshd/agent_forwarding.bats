# The client's agent in the user's session. The socket lies in the user's
# home: as root, with a scratch account.

setup_file() {
	load ../common
	[ "$(id -u)" -eq 0 ] || return 0
	export U=sbf$$ HOME_OF_U=$SCRATCH/home
	useradd -M -d "$HOME_OF_U" -s /bin/bash -p '*' "$U"
	mkdir -p "$HOME_OF_U"
	chown "$U" "$HOME_OF_U"
	chmod 755 "$SCRATCH" "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR"/file 2>/dev/null || true
	start_sshd 'Include test.d/*.conf' "SetEnv ADD=/usr/bin/ssh-add" \
		"TrustedUserCAKeys $SCRATCH/ca.pub" || return 1
	"$KEYGEN" -q -t ed25519 -N '' -C ca -f "$SCRATCH/ca"
	chmod 644 "$SCRATCH/authorized_keys" # read as the user
	sed -i "s/User $ME/User $U/" "$SCRATCH/ssh_config"
}
teardown_file() {
	load ../common
	[ "$(id -u)" -eq 0 ] || return 0
	stop_sshd
	userdel -f "$U" 2>/dev/null
	rm -rf "$HOME_OF_U"
}
setup() {
	load ../common
	load ../agents
	cd "$BATS_TEST_TMPDIR"
	[ "$(id -u)" -eq 0 ] || skip "root only"
	: > "$SSHD_LOG"
	start_agent
	add_keys "$SCRATCH/user_ed25519"
}
teardown() {
	stop_agents
	[ ! -e "$SCRATCH/keys" ] || mv "$SCRATCH/keys" "$SCRATCH/authorized_keys"
}

soon() {
	for _ in $(seq 200); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.05
	done
	echo "never: $*" >&2
	return 1
}

is_empty() {
	[ -z "$(ls -A "$1" 2>/dev/null)" ]
}

# The line of authorized_keys gets options.
with_key_options() {
	[ -e "$SCRATCH/keys" ] || cp "$SCRATCH/authorized_keys" "$SCRATCH/keys"
	echo "$1 $(cat "$SCRATCH/user_ed25519.pub")" > "$SCRATCH/authorized_keys"
}

# Another daemon's configuration for this test's connections.
with_server_line() {
	sed "1i $1" "$SCRATCH/sshd_config" > sshd_config
	cat > config <<-CONFIG
		Host target
		    ProxyCommand $BIN/sshd -i -f $PWD/sshd_config -E $SSHD_LOG
		    HostKeyAlias target
	CONFIG
	cat "$SCRATCH/ssh_config" >> config
}

@test "the agent's keys are there within the session" {
	run -0 ssh_ -A target '$ADD -L'
	[ "$output" = "$(cat "$SCRATCH/user_ed25519.pub")" ]
	run -0 ssh_ -o ForwardAgent="$SSH_AUTH_SOCK" target '$ADD -L'
	export NAMED=$SSH_AUTH_SOCK
	unset SSH_AUTH_SOCK
	run -0 ssh_ -o 'ForwardAgent=$NAMED' target '$ADD -L'
	run -0 ssh_ -A -o IdentityAgent="$NAMED" target '$ADD -L'
}

@test "without being asked for it is not there" {
	for option in -a "-o ForwardAgent=no" "-A -o IdentityAgent=none" \
		"-o ForwardAgent=$PWD/nowhere" '-o ForwardAgent=$NOWHERE'; do
		run -0 ssh_ $option target 'echo "<$SSH_AUTH_SOCK>"'
		[ "$output" = '<>' ]
	done
}

@test "the socket is the user's own, and goes with the connection" {
	run -0 ssh_ -A target 'echo $SSH_AUTH_SOCK; stat -c "%U %a" "$SSH_AUTH_SOCK" ~/.ssh/agent'
	[[ "${lines[0]}" =~ ^$HOME_OF_U/\.ssh/agent/s\.[0-9a-f]{10}\.sshd\.[A-Za-z0-9]{10}$ ]]
	[ "${lines[1]} ${lines[2]}" = "$U 600 $U 700" ]
	soon is_empty "$HOME_OF_U/.ssh/agent"
}

@test "it goes also when the client is killed, and when the session is" {
	"$SSH" -F "$SCRATCH/ssh_config" -A target 'echo $$; exec sleep 60' > pid 2>&1 3>&- &
	client=$!
	soon test -s pid
	run ! is_empty "$HOME_OF_U/.ssh/agent"
	kill -KILL $client
	soon is_empty "$HOME_OF_U/.ssh/agent"
	: > pid
	"$SSH" -F "$SCRATCH/ssh_config" -A target 'ps -o ppid= $$; exec sleep 60' > pid 2>&1 3>&- &
	client=$!
	soon grep -q '[0-9]' pid
	kill -TERM "$(grep -oE '[0-9]+' pid)"
	soon is_empty "$HOME_OF_U/.ssh/agent"
	wait $client || true
}

@test "a home that takes no socket: a folder in /tmp" {
	mkdir -p "$HOME_OF_U/.ssh"
	rm -rf "$HOME_OF_U/.ssh/agent"
	: > "$HOME_OF_U/.ssh/agent"
	run -0 ssh_ -A target 'echo $SSH_AUTH_SOCK; $ADD -L; stat -c "%U %a" "${SSH_AUTH_SOCK%/*}"'
	rm -f "$HOME_OF_U/.ssh/agent"
	[[ "${lines[0]}" =~ ^/tmp/ssh-[A-Za-z0-9]+/agent\.[0-9]+$ ]]
	[ "${lines[1]}" = "$(cat "$SCRATCH/user_ed25519.pub")" ]
	[ "${lines[2]}" = "$U 700" ]
	soon test ! -e "${lines[0]%/*}"
}

@test "AllowAgentForwarding and DisableForwarding" {
	for line in 'AllowAgentForwarding no' 'DisableForwarding yes'; do
		with_server_line "$line"
		run -0 timeout 30 "$SSH" -F config -A target 'echo "<$SSH_AUTH_SOCK>"'
		[ "$output" = '<>' ]
	done
	with_server_line 'AllowAgentForwarding yes'
	run -0 timeout 30 "$SSH" -F config -A target '$ADD -L'
}

@test "options of the key" {
	for options in no-agent-forwarding restrict; do
		with_key_options $options
		run -0 ssh_ -A target 'echo "<$SSH_AUTH_SOCK>"'
		[ "$output" = '<>' ]
	done
	with_key_options restrict,agent-forwarding
	run -0 ssh_ -A target '$ADD -L'
}

@test "permissions of the certificate" {
	cp "$SCRATCH/user_ed25519" key
	cp "$SCRATCH/user_ed25519.pub" key.pub
	"$KEYGEN" -q -s "$SCRATCH/ca" -I id -n "$U" -O no-agent-forwarding key.pub
	[ -e "$SCRATCH/keys" ] || mv "$SCRATCH/authorized_keys" "$SCRATCH/keys"
	: > "$SCRATCH/authorized_keys"
	run -0 ssh_ -A -o CertificateFile=key-cert.pub target 'echo "<$SSH_AUTH_SOCK>"'
	[ "$output" = '<>' ]
	"$KEYGEN" -q -s "$SCRATCH/ca" -I id -n "$U" -O clear -O permit-agent-forwarding key.pub
	run -0 ssh_ -A -o CertificateFile=key-cert.pub target '$ADD -L'
}

@test "many connections at once, more than are served at a time" {
	run -0 ssh_ -A target 'for i in $(seq 150); do $ADD -L & done | sort | uniq -c; wait'
	[[ "$output" =~ ^\ *150\ ssh-ed25519\ [^$'\n']*$ ]]
}

@test "an agent that is gone or silent does not hold up the session" {
	{ soon test -s out; stop_agents; echo go; } |
		ssh_ -A target 'echo ready; read go; timeout 20 $ADD -L; echo status $?' > out 2>/dev/null
	cat out
	# An error, or SIGPIPE; no wait.
	[[ "$(cat out)" == *"status "@(1|2|141) ]]
	start_stub silent
	run -0 ssh_ -o ForwardAgent="$SSH_AUTH_SOCK" -o IdentityAgent=none target '(timeout 3 $ADD -L; true) & echo here; sleep 0.3; echo there'
	[ "$output" = $'here\nthere' ]
	stop_agents
	for mode in noise long close; do
		start_stub $mode
		run -0 ssh_ -o ForwardAgent="$SSH_AUTH_SOCK" -o IdentityAgent=none \
			target 'timeout 20 $ADD -L >/dev/null 2>&1; echo $?'
		echo "$mode: $output"
		[[ "$output" == @(1|2|141) ]]
		stop_agents
	done
}

@test "an agent that answers in small pieces" {
	start_stub drip "$SCRATCH/user_ed25519"
	run -0 ssh_ -A target '$ADD -L'
	[ "$output" = "$(cut -d' ' -f1,2 "$SCRATCH/user_ed25519.pub") stub agent" ]
	run -0 ssh_ -A target '$ADD -T '"$SCRATCH/user_ed25519.pub"
}

@test "two hops, the second by the forwarded agent" {
	add_keys "$SCRATCH/ca"
	cat "$SCRATCH/ca.pub" >> "$SCRATCH/authorized_keys"
	cat > "$HOME_OF_U/config" <<-CONFIG
		Host second
		    Hostname 127.0.0.1
		    Port $PORT
		    User $U
		    HostKeyAlias target
		    UserKnownHostsFile $HOME_OF_U/known_hosts
		    BatchMode yes
	CONFIG
	cp "$SCRATCH/known_hosts" "$HOME_OF_U/"
	cp "$SSH" "$HOME_OF_U/ssh"
	run -0 ssh_ -A target "~/ssh -F config -A second 'echo \$SSH_CONNECTION; \$ADD -l'"
	[ "${#lines[@]}" -eq 3 ]
	cp "$SCRATCH/authorized_keys" "$SCRATCH/keys"
	sed -i '$d' "$SCRATCH/keys"
}
