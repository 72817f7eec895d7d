# KnownHostsCommand: what it is given, what its lines do, and that its failure
# ends the connection.

setup_file() { load ../common; start_sshd; }
teardown_file() { load ../common; stop_sshd; }
setup() {
	load ../common
	COMMAND=$BATS_TEST_TMPDIR/command
	asked=$BATS_TEST_TMPDIR/asked
	line=$(cat "$SCRATCH/known_hosts")
}

# with OPTION... : without files; the command's arguments are in ARGUMENTS.
with() {
	ssh_ -o UserKnownHostsFile=none -o KnownHostsCommand="$COMMAND ${ARGUMENTS:-}" "$@"
}
program() {
	{ echo '#!/bin/sh'; cat; } > "$COMMAND"
	chmod 755 "$COMMAND"
}

@test "a key that the command prints is known" {
	program <<-SH
		echo '$line'
	SH
	run -0 with target echo in
	[ "$output" = in ]
	program <<-SH
		echo '# nothing'
	SH
	run -255 with target true
	[[ "$output" == *"No ED25519 host key is known for target"* ]]
}

@test "it is asked for the order of algorithms, then for the host" {
	program <<-SH
		echo "\$@" >> $asked
		echo '$line'
	SH
	ARGUMENTS='%I %H %t %f %K %h %k %p' run -0 with target true
	key=$(cut -d' ' -f2 "$SCRATCH/host_ed25519.pub")
	[ "$(cat "$asked")" = "ORDER target NONE NONE NONE 127.0.0.1 target $PORT
HOSTNAME target ssh-ed25519 $(fingerprint "$SCRATCH/host_ed25519.pub") $key 127.0.0.1 target $PORT" ]
	rm "$asked"
	ARGUMENTS='%I' run -0 with -o HostKeyAlgorithms=ssh-ed25519 target true
	[ "$(cat "$asked")" = HOSTNAME ]
}

@test "without an alias it is asked for [host]:port" {
	program <<-SH
		echo "\$@" >> $asked
		printf '[127.0.0.1]:$PORT '; cut -d' ' -f1,2 $SCRATCH/host_ed25519.pub
	SH
	ARGUMENTS='%H' run -0 with -p "$PORT" 127.0.0.1 true
	[ "$(sort -u "$asked")" = "[127.0.0.1]:$PORT" ]
}

@test "tokens and variables are arguments of their own" {
	program <<-SH
		for a; do echo "\$a" >> $asked; done
		echo '$line'
	SH
	export TEST_BLANKS='a  b'
	ARGUMENTS='${TEST_BLANKS} "%u x" %%' run -0 with -o HostKeyAlgorithms=ssh-ed25519 target true
	[ "$(cat "$asked")" = "a  b
$ME x
%" ]
}

@test "the order that it gives is followed" {
	"$KEYGEN" -q -t ecdsa -N '' -f "$BATS_TEST_TMPDIR/ecdsa"
	program <<-SH
		printf 'target '; cut -d' ' -f1,2 $BATS_TEST_TMPDIR/ecdsa.pub
		printf 'target '; cut -d' ' -f1,2 $SCRATCH/host_ed25519.pub
	SH
	run -0 with -o ProxyCommand="$BIN/sshd -i -f $SCRATCH/sshd_config -o HostKey=$BATS_TEST_TMPDIR/ecdsa -E $BATS_TEST_TMPDIR/log" target true
	grep -q 'host key algorithm: ssh-ed25519' "$BATS_TEST_TMPDIR/log" ||
		grep -q 'host key algorithm: ecdsa-sha2-nistp256' "$BATS_TEST_TMPDIR/log"
	program <<-SH
		printf 'target '; cut -d' ' -f1,2 $BATS_TEST_TMPDIR/ecdsa.pub
	SH
	run -0 with -o ProxyCommand="$BIN/sshd -i -f $SCRATCH/sshd_config -o HostKey=$BATS_TEST_TMPDIR/ecdsa -E $BATS_TEST_TMPDIR/log2" target true
	grep -q 'host key algorithm: ecdsa-sha2-nistp256' "$BATS_TEST_TMPDIR/log2"
}

@test "a key that it marks as revoked is refused, whatever files say" {
	program <<-SH
		echo '@revoked $line'
	SH
	run -255 ssh_ -o KnownHostsCommand="$COMMAND" target true
	[[ "$output" == *"REVOKED HOST KEY DETECTED"* ]]
}

@test "a command that fails ends the connection, whatever files say" {
	program <<-SH
		echo '$line'
		echo complaint >&2
		exit 3
	SH
	run -255 ssh_ -o KnownHostsCommand="$COMMAND" target true
	[[ "$output" == *complaint*"KnownHostsCommand failed: $COMMAND: exited with status 3"* ]]
	run -255 ssh_ -o HostKeyAlgorithms=ssh-ed25519 -o KnownHostsCommand="$COMMAND" target true
	[[ "$output" == *"exited with status 3"*"Host key verification failed."* ]]
	rm "$COMMAND"
	run -255 ssh_ -o KnownHostsCommand="$COMMAND" target true
	[[ "$output" == *"cannot execute $COMMAND: No such file"* ]]
	run -255 ssh_ -o KnownHostsCommand="true" target true
	[[ "$output" == *"true is not an absolute path"* ]]
	run -255 ssh_ -o KnownHostsCommand="/bin/true %x" target true
	[[ "$output" == *"unknown key %x"* ]]
	run -0 ssh_ -o KnownHostsCommand=none target true
}
