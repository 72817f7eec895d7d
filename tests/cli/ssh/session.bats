# Sessions: commands, their data and status.

setup_file() { load ../common; start_sshd; }
teardown_file() { load ../common; stop_sshd; }
setup() { load ../common; }

@test "a command's status comes back" {
	for status in 0 1 4 5 44 255; do
		run -$status ssh_ target "exit $status"
	done
}

@test "the words of the command are joined by blanks" {
	run -0 ssh_ target echo 'a  b' c
	[ "$output" = "a b c" ]
}

@test "a command that a signal ends gives 255" {
	run -255 ssh_ target 'kill -TERM $$'
}

@test "standard output and error stay apart" {
	run -3 --separate-stderr ssh_ target 'echo out; echo err >&2; exit 3'
	[ "$output" = out ]
	[ "$stderr" = err ]
}

@test "data goes both ways unchanged" {
	head -c 3000000 "$SSH" /dev/urandom | head -c 3000000 > "$BATS_TEST_TMPDIR/data"
	ssh_ target cat < "$BATS_TEST_TMPDIR/data" > "$BATS_TEST_TMPDIR/back"
	cmp "$BATS_TEST_TMPDIR/data" "$BATS_TEST_TMPDIR/back"
}

@test "an empty standard input ends the remote one" {
	run -0 ssh_ target 'cat; echo done' </dev/null
	[ "$output" = done ]
	run -0 ssh_ -n target 'cat; echo done'
	[ "$output" = done ]
}

@test "a closed standard output does not change the status" {
	ssh_ target 'exec >/dev/null; exit 7' >&- && status=0 || status=$?
	[ "$status" -eq 7 ]
}

@test "a reader that leaves ends the writer" {
	run -0 bash -c "timeout 30 '$SSH' -F '$SCRATCH/ssh_config' target 'yes 2>/dev/null' | head -n 2000 | wc -l"
	[ "$output" = 2000 ]
}

@test "standard input is left to others with -n" {
	run -0 bash -c "echo mine | { '$SSH' -n -F '$SCRATCH/ssh_config' target true; cat; }"
	[ "$output" = mine ]
}

@test "descriptors that others share stay blocking" {
	run -0 bash -c "{ '$SSH' -n -F '$SCRATCH/ssh_config' target 'echo x'; sleep 0; head -c 1000000 /dev/zero | wc -c; } 2>&1 | { sleep 0.3; cat; }"
	[ "$output" = $'x\n1000000' ]
}

@test "-T and a command: no terminal" {
	run ssh_ -T target tty
	[[ "$output" == *"not a tty"* ]]
}

@test "a shell without a terminal reads its commands from standard input" {
	run -6 --separate-stderr ssh_ target <<< $'echo from the shell\nexit 6'
	[[ "$output" == *"from the shell"* ]]
	[[ "$stderr" == *"Pseudo-terminal will not be allocated because stdin is not a terminal."* ]]
}

@test "SetEnv and SendEnv reach the command" {
	run -0 ssh_ -o SetEnv=TEST_ONE=1 target 'echo $TEST_ONE'
	[ "$output" = 1 ]
	TEST_TWO='a b=c' run -0 ssh_ -o 'SendEnv=TEST_*' target 'echo $TEST_TWO'
	[ "$output" = 'a b=c' ]
}

@test "RemoteCommand runs, but not together with another command" {
	run -0 ssh_ -o 'RemoteCommand=echo there' target
	[ "$output" = there ]
	run -255 ssh_ -o 'RemoteCommand=echo there' target true
}

@test "an unknown subsystem is refused" {
	run -255 --separate-stderr ssh_ -s target nonsense
	[[ "$stderr" == *"subsystem request failed on channel 0"* ]]
}

@test "LocalCommand runs once we are in" {
	run -0 ssh_ -o PermitLocalCommand=yes -o 'LocalCommand=echo local %h %p' target true
	[ "$output" = "local 127.0.0.1 $PORT" ]
}

@test "every cipher, MAC and kex of ours that the server has" {
	for c in $("$SSH" -Q cipher); do
		run ssh_ -c "$c" target 'echo ok'
		[[ "$output" == ok || "$output" == *"no matching cipher"* ]]
	done
	for k in $("$SSH" -Q kex); do
		run ssh_ -o KexAlgorithms="$k" target 'echo ok'
		[[ "$output" == ok || "$output" == *"no matching key exchange"* ]]
	done
	for m in $("$SSH" -Q mac); do
		run ssh_ -c aes128-ctr -m "$m" target 'echo ok'
		[[ "$output" == ok || "$output" == *"no matching MAC"* ]]
	done
}

@test "compression" {
	head -c 300000 "$SSH" > "$BATS_TEST_TMPDIR/data"
	ssh_ -C target cat < "$BATS_TEST_TMPDIR/data" > "$BATS_TEST_TMPDIR/back"
	cmp "$BATS_TEST_TMPDIR/data" "$BATS_TEST_TMPDIR/back"
}

@test "rekeying in the middle of data" {
	head -c 2000000 /dev/urandom > "$BATS_TEST_TMPDIR/data"
	ssh_ -v -E "$BATS_TEST_TMPDIR/log" -o RekeyLimit=100k target cat \
		< "$BATS_TEST_TMPDIR/data" > "$BATS_TEST_TMPDIR/back"
	cmp "$BATS_TEST_TMPDIR/data" "$BATS_TEST_TMPDIR/back"
	[ "$(grep -c 'NEWKEYS sent' "$BATS_TEST_TMPDIR/log")" -gt 5 ]
}

@test "-f returns when the command has begun; it goes on" {
	rm -f "$BATS_TEST_TMPDIR/mark"
	ssh_ -f target "sleep 1; touch '$BATS_TEST_TMPDIR/mark'" >/dev/null 2>&1 3>&-
	[ ! -e "$BATS_TEST_TMPDIR/mark" ]
	for _ in $(seq 60); do
		[ -e "$BATS_TEST_TMPDIR/mark" ] && break
		sleep 0.1
	done
	[ -e "$BATS_TEST_TMPDIR/mark" ]
}

@test "-f tells when the login failed" {
	run -255 ssh_ -f -o PubkeyAuthentication=no target true
}

@test "-N runs nothing and stays until it is ended" {
	"$SSH" -F "$SCRATCH/ssh_config" -N target 3>&- &
	pid=$!
	sleep 0.7
	kill -0 "$pid"
	kill "$pid"
	wait "$pid" && status=0 || status=$?
	[ "$status" -eq 255 ]
}
