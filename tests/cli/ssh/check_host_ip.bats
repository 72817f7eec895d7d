# CheckHostIP: addresses in known_hosts, with an address that is not the
# loopback one, in a network namespace.

setup_file() {
	load ../common
	[ "$(id -u)" -eq 0 ] && unshare --net true 2>/dev/null || return 0
	make_keys
	PORT=2222
	write_sshd_config 'ListenAddress 192.0.2.7:2222'
	sed -i '/^ListenAddress 127/d; /^Port/d' "$SCRATCH/sshd_config"
	write_ssh_config
	cat > "$SCRATCH/config" <<-CONFIG
		Host target
		    Hostname 192.0.2.7
		    HostKeyAlias target
		    Port 2222
		    CheckHostIP yes
	CONFIG
	cat "$SCRATCH/ssh_config" >> "$SCRATCH/config"
}
setup() {
	load ../common
	[ "$(id -u)" -eq 0 ] && unshare --net true 2>/dev/null || skip "needs root and namespaces"
	K=$BATS_TEST_TMPDIR/known
	key=$(cut -d' ' -f1,2 "$SCRATCH/host_ed25519.pub")
	other=$(cut -d' ' -f1,2 "$SCRATCH/user_ed25519.pub")
}

# login OPTION...: in a namespace with a server at 192.0.2.7.
login() {
	export BIN SCRATCH BATS_TEST_TMPDIR
	timeout 60 unshare --net --fork --kill-child bash -c '
		ip link set lo up
		ip address add 192.0.2.7/32 dev lo
		rm -f "$SCRATCH/sshd.pid"
		"$BIN/sshd" -D -f "$SCRATCH/sshd_config" -E "$BATS_TEST_TMPDIR/log" </dev/null >/dev/null 2>&1 3>&- &
		server=$!
		for _ in $(seq 200); do
			[ -s "$SCRATCH/sshd.pid" ] && break
			sleep 0.05
		done
		"$@"
		status=$?
		kill "$server"
		wait "$server"
		exit $status
	' bash "${PROGRAM:-$SSH}" -F "$SCRATCH/config" -o IgnoreUnknown=RememberHosts "$@" \
		-o UserKnownHostsFile="$K" target echo in
}

@test "the address of a known host is added" {
	echo "target $key" > "$K"
	run -0 login
	[[ "$output" == *"Warning: Permanently added the ED25519 host key for IP address '[192.0.2.7]:2222' to the list of known hosts."*in ]]
	[ "$(cat "$K")" = "target $key
[192.0.2.7]:2222 $key" ]
	run -0 login
	[ "$output" = in ]
}

@test "a new host is added with its address" {
	run -0 login -o StrictHostKeyChecking=accept-new
	[ "$(cat "$K")" = "target,[192.0.2.7]:2222 $key" ]
	rm "$K"
	run -0 login -o StrictHostKeyChecking=accept-new -o HashKnownHosts=yes
	[ "$(grep -c '^|1|' "$K")" -eq 2 ]
	run -0 login
	[ "$output" = in ]
}

@test "an address with another key is told, and strict checking ends it" {
	printf '%s\n' "target $key" "[192.0.2.7]:2222 $other" > "$K"
	run -255 login
	[[ "$output" == *"Warning: the ED25519 host key for 'target' differs from the key for the IP address '[192.0.2.7]:2222'"*"Offending key for IP in $K:2"*"Matching host key in $K:1"*"Exiting, you have requested strict checking."*"Host key verification failed."* ]]
	run -0 login -o StrictHostKeyChecking=no
	[[ "$output" == *"differs from the key"*in ]]
	cp "$K" "$K.before"
	run -0 login -o StrictHostKeyChecking=no -o UpdateHostKeys=yes
	diff "$K" "$K.before"
}

@test "a changed key of the host: what the address says is told" {
	printf '%s\n' "target $other" > "$K"
	run -255 login
	[[ "$output" == *"POSSIBLE DNS SPOOFING DETECTED"*"is unknown. This could either mean that"*"REMOTE HOST IDENTIFICATION HAS CHANGED"* ]]
	printf '%s\n' "target $other" "[192.0.2.7]:2222 $key" > "$K"
	run -255 login
	[[ "$output" == *"is unchanged. This could either mean that"*"Offending key for IP in $K:2"* ]]
	printf '%s\n' "target,[192.0.2.7]:2222 $other" > "$K"
	run -255 login
	[[ "$output" == *"has a different value. This could either mean that"* ]]
}

@test "off, the address does not matter" {
	printf '%s\n' "target $key" "[192.0.2.7]:2222 $other" > "$K"
	run -0 login -o CheckHostIP=no
	[ "$output" = in ]
}

@test "a command is asked about the address, too" {
	printf '#!/bin/sh\necho "$@" >> %s\n' "$BATS_TEST_TMPDIR/asked" > "$BATS_TEST_TMPDIR/command"
	chmod 755 "$BATS_TEST_TMPDIR/command"
	echo "target $key" > "$K"
	run -0 login -o HostKeyAlgorithms=ssh-ed25519 -o KnownHostsCommand="$BATS_TEST_TMPDIR/command %I %H %t"
	[ "$(cat "$BATS_TEST_TMPDIR/asked")" = "HOSTNAME target ssh-ed25519
ADDRESS [192.0.2.7]:2222 ssh-ed25519" ]
}

@test "OpenSSH's client writes the same lines" {
	[ -x /usr/bin/ssh ] || skip "no OpenSSH client"
	echo "target $key" > "$K"
	PROGRAM=/usr/bin/ssh run -0 login
	cp "$K" "$K.theirs"
	echo "target $key" > "$K"
	run -0 login
	diff "$K" "$K.theirs"
	rm "$K"
	PROGRAM=/usr/bin/ssh run -0 login -o StrictHostKeyChecking=accept-new
	[ "$(cat "$K")" = "target,[192.0.2.7]:2222 $key" ]
}
