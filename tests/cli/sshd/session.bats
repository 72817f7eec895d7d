# What runs for a user: environment, terminals, forced commands, its end.

setup_file() {
	load ../common
	start_sshd 'ExposeAuthInfo yes' 'SetEnv FROM_SERVER=1 TEST_BOTH=server' 'PermitUserEnvironment KEY_*' \
		'LogLevel DEBUG2' 'Subsystem cat /bin/cat' 'Subsystem sftp internal-sftp' 'ClientAliveInterval 1'
	for k in forced nopty restricted env expired elsewhere here broken; do
		"$KEYGEN" -q -t ed25519 -N '' -C $k -f "$SCRATCH/key_$k"
	done
	pub() { cat "$SCRATCH/key_$1.pub"; }
	{
		echo "command=\"echo forced; echo \\\"\$SSH_ORIGINAL_COMMAND\\\"\" $(pub forced)"
		echo "no-pty $(pub nopty)"
		echo "restrict $(pub restricted)"
		echo "environment=\"KEY_A=from the key\",environment=\"OTHER=x\" $(pub env)"
		echo "expiry-time=\"20200101\" $(pub expired)"
		echo "from=\"192.0.2.1\" $(pub elsewhere)"
		echo "from=\"127.0.0.0/8\" $(pub here)"
		echo "no-such-option $(pub broken)"
		echo "ssh-ed25519 AAAAdamaged broken line"
	} >> "$SCRATCH/authorized_keys"
}
teardown_file() { load ../common; stop_sshd; }
setup() {
	load ../common
	grep -v IdentityFile "$SCRATCH/ssh_config" > "$BATS_TEST_TMPDIR/config"
}

with_key() {
	local key=$1
	shift
	timeout 30 "$SSH" -F "$BATS_TEST_TMPDIR/config" -i "$SCRATCH/key_$key" "$@"
}
soon() {
	for _ in $(seq 200); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.05
	done
	echo "never: $*" >&2
	return 1
}

@test "the environment is made from nothing" {
	run -0 --separate-stderr env MARK=leaked "$SSH" -F "$SCRATCH/ssh_config" target env
	[[ $'\n'"$output"$'\n' == *$'\n'"USER=$ME"$'\n'* ]]
	[[ $'\n'"$output"$'\n' == *$'\n'"LOGNAME=$ME"$'\n'* ]]
	[[ $'\n'"$output"$'\n' == *$'\n'"HOME=$(getent passwd "$ME" | cut -d: -f6)"$'\n'* ]]
	[[ $'\n'"$output"$'\n' == *$'\n'"SHELL=$(getent passwd "$ME" | cut -d: -f7)"$'\n'* ]]
	[[ "$output" == *"MAIL=/var/mail/$ME"* ]]
	[[ "$output" != *MARK* ]]
	[[ "$output" != *SHEETBEND* ]]
}

@test "SSH_CONNECTION and SSH_CLIENT hold both ends" {
	run -0 ssh_ target 'echo $SSH_CONNECTION; echo $SSH_CLIENT'
	[[ "${lines[0]}" =~ ^127.0.0.1\ [0-9]+\ 127.0.0.1\ $PORT$ ]]
	[[ "${lines[1]}" =~ ^127.0.0.1\ [0-9]+\ $PORT$ ]]
}

@test "AcceptEnv takes what it names, SetEnv of the server wins" {
	run -0 ssh_ -o SetEnv="TEST_A=client TEST_BOTH=client OTHER=client" target 'echo $TEST_A $TEST_BOTH $FROM_SERVER ${OTHER-unset}'
	[ "$output" = "client server 1 unset" ]
}

@test "a key may set variables that PermitUserEnvironment names" {
	run -0 with_key env target 'echo $KEY_A ${OTHER-unset}'
	[ "$output" = "from the key unset" ]
}

@test "SSH_USER_AUTH names a file that tells how, and is gone afterwards" {
	run -0 ssh_ target 'echo $SSH_USER_AUTH; stat -c %a $SSH_USER_AUTH; cat $SSH_USER_AUTH'
	[ "${lines[1]}" = 600 ]
	[ "${lines[2]}" = "publickey $(cut -d' ' -f1,2 "$SCRATCH/user_ed25519.pub")" ]
	soon test ! -e "${lines[0]}"
}

@test "statuses and signals come back" {
	for n in 0 1 4 44 255; do
		run -$n ssh_ target "exit $n"
	done
	run -255 ssh_ -v target 'kill -KILL $$'
}

@test "standard error stays apart, and comes after standard output was closed" {
	run -0 --separate-stderr ssh_ target 'echo out; exec 1>&-; echo err >&2'
	[ "$output" = out ]
	[ "$stderr" = err ]
}

@test "a background process that holds the output holds the channel" {
	before=$SECONDS
	run -0 ssh_ target '(sleep 2; echo late) & echo early'
	[ "$output" = $'early\nlate' ]
	run -0 ssh_ target 'sleep 30 >/dev/null 2>&1 & echo quick'
	[ $((SECONDS - before)) -lt 20 ]
}

@test "a terminal: standard streams are on it, with name, type and size" {
	run -3 pty_ -w 91x33 -- -tt target 'tty; echo "$SSH_TTY $TERM"; stty size; test -t 0 && test -t 1 && test -t 2 && exit 3'
	[[ "$output" == /dev/pts/*"/dev/pts/"*"33 91"* ]]
}

@test "a login shell on a terminal has a dash before its name" {
	run -6 pty_ -s 'echo "name: $0"\r' -e 'name: -' -s 'exit 6\r' -- target
}

@test "no-pty and restrict keep terminals away; commands go on" {
	for k in nopty restricted; do
		run -0 --separate-stderr with_key $k -tt target 'tty; true'
		[[ "$output" == *"not a tty"* ]]
		run -0 with_key $k target echo still
		[ "$output" = still ]
	done
}

@test "a forced command runs instead, and is told what was asked for" {
	run -0 with_key forced target something else
	[ "$output" = $'forced\nsomething else' ]
	run -0 with_key forced -s target cat
	[ "$output" = $'forced\n/bin/cat' ]
}

@test "expired keys, keys for elsewhere, keys with bad options are refused and logged" {
	for k in expired elsewhere broken; do
		run -255 with_key $k target true
	done
	grep -q 'key has expired' "$SSHD_LOG"
	grep -q 'not from a permitted host (from="192.0.2.1")' "$SSHD_LOG"
	grep -q 'unknown key option "no-such-option"' "$SSHD_LOG"
	run -0 with_key here target true
}

@test "subsystems run; unknown ones are refused" {
	run -0 bash -c "echo through | timeout 20 '$SSH' -F '$SCRATCH/ssh_config' -s target cat"
	[ "$output" = through ]
	run -255 ssh_ -s target nonsense
	run -0 bash -c "timeout 20 '$SSH' -F '$SCRATCH/ssh_config' -s target sftp </dev/null"
	# It is a server's name, not a command's.
	run -127 ssh_ target internal-sftp
}

@test "a client that vanishes takes its processes along" {
	"$SSH" -F "$SCRATCH/ssh_config" target 'echo $$; exec sleep 1000' > "$BATS_TEST_TMPDIR/out" 3>&- &
	client=$!
	soon test -s "$BATS_TEST_TMPDIR/out"
	remote=$(cat "$BATS_TEST_TMPDIR/out")
	kill -0 "$remote"
	kill -KILL "$client"
	gone() { ! kill -0 "$remote"; }
	soon gone
}

@test "a client that keeps silent under ClientAliveInterval is let go" {
	"$SSH" -F "$SCRATCH/ssh_config" target 'echo $$; exec sleep 1000' > "$BATS_TEST_TMPDIR/out" 3>&- &
	client=$!
	soon test -s "$BATS_TEST_TMPDIR/out"
	kill -STOP "$client"
	soon grep -q 'Timeout, client not responding from user' "$SSHD_LOG"
	remote=$(cat "$BATS_TEST_TMPDIR/out")
	gone() { ! kill -0 "$remote"; }
	soon gone
	kill -KILL "$client"
}

@test "100 MB both ways arrive unchanged, with rekeying and compression" {
	head -c 100000000 /dev/urandom > "$BATS_TEST_TMPDIR/data"
	sum=$(sha256sum < "$BATS_TEST_TMPDIR/data")
	[ "$(ssh_ -o RekeyLimit=10M target cat < "$BATS_TEST_TMPDIR/data" | sha256sum)" = "$sum" ]
	[ "$(ssh_ -C -o RekeyLimit=30M target cat < "$BATS_TEST_TMPDIR/data" | sha256sum)" = "$sum" ]
}

@test "an endless writer ends when nobody reads" {
	run -0 bash -c "timeout 20 '$SSH' -F '$SCRATCH/ssh_config' target yes | head -n 2000 | wc -l"
	[ "$output" -eq 2000 ]
}

@test "a session that is killed is named in the log" {
	run -255 ssh_ target 'rm -f "$SSH_USER_AUTH"; kill -9 $PPID; sleep 1'
	soon grep -qE "session of $ME from 127.0.0.1 port [0-9]+ was killed by signal 9" "$SSHD_LOG"
}

@test "nothing a client names reaches the log unescaped" {
	run -255 timeout 20 /usr/bin/ssh -F none -p "$PORT" -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
		-o IdentityFile=none -l $'forged\e[31m\nAccepted publickey' 127.0.0.1 true
	! grep -q '^Accepted publickey for forged' "$SSHD_LOG"
	! grep -q $'\e' "$SSHD_LOG"
}
