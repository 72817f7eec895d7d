# Large files, whose data goes between file and packet in the ssh that sftp and
# scp run, and does not pass through them.

setup_file() {
	load ../common
	start_sshd 'Subsystem sftp internal-sftp'
}

teardown_file() { load ../common; stop_sshd; }

setup() {
	load ../common; load ../sftp; sides
	SCP=$BIN/scp
	flags=(-F "$SCRATCH/ssh_config" -P "$PORT")
}

# copies LINE...: a batch over ssh, with what ssh says.
copies() {
	printf '%s\n' "cd $REMOTE" "$@" > "$WORK/batch"
	timeout 60 "$SFTP" "${flags[@]}" -b "$WORK/batch" target
}

@test "files of every size around the limits, with keys exchanged meanwhile" {
	flags+=(-v -o RekeyLimit=1M)
	sizes='262143 262144 262145 522239 522240 522241 7654321'
	for size in $sizes; do head -c "$size" /dev/urandom > "$REMOTE/f$size"; done
	run -0 copies 'mget f*' 'lmkdir back' 'mkdir up' 'mput f* up'
	[[ $output == *"its data goes directly"* ]]
	[[ $output == *"NEWKEYS"* ]]
	for size in $sizes; do
		cmp "$REMOTE/f$size" "f$size"
		cmp "$REMOTE/f$size" "$REMOTE/up/f$size"
	done
}

@test "more files at once than are shared" {
	for i in $(seq 100); do head -c 270000 /dev/urandom > "$REMOTE/f$i"; done
	run -0 copies "get -r $REMOTE all" 'mkdir up' 'put -r all up'
	diff -r all "$REMOTE/up/all"
	rm -r "$REMOTE/up"
	diff -r all "$REMOTE"
}

@test "scp, both ways and between two servers" {
	head -c 5000001 /dev/urandom > f
	run -0 timeout 60 "$SCP" -v "${flags[@]}" f "target:$REMOTE/g"
	[[ $output == *"its data goes directly"* ]]
	run -0 timeout 60 "$SCP" -v "${flags[@]}" "target:$REMOTE/g" h
	[[ $output == *"its data goes directly"* ]]
	run -0 timeout 60 "$SCP" -v "${flags[@]}" -3 "target:$REMOTE/g" "target:$REMOTE/i"
	[[ $output != *"its data goes directly"* ]]
	cmp f h; cmp f "$REMOTE/g"; cmp f "$REMOTE/i"
}

@test "a limit on the rate, another program, a device: the usual way" {
	head -c 400000 /dev/urandom > "$REMOTE/f"
	flags+=(-v)
	flags+=(-l 100000)
	run -0 copies 'get f' 'put f g'
	[[ $output != *"its data goes directly"* ]]
	cmp f "$REMOTE/g"
	unset 'flags[-1]' 'flags[-1]'
	run -0 copies 'get f /dev/null'
	[[ $output != *"its data goes directly"* ]]
	printf '#!/bin/sh\n%s "$@"\nexit $?\n' "$SSH" > "$WORK/other"
	chmod +x "$WORK/other"
	flags+=(-S "$WORK/other")
	rm f "$REMOTE/g"
	run -0 copies 'get f' 'put f g'
	[[ $output != *"its data goes directly"* ]]
	cmp f "$REMOTE/g"
}

@test "a local file that cannot grow: said, with what there is up to there" {
	head -c 3000000 /dev/urandom > "$REMOTE/f"
	copies_limited() { ulimit -f 1000; copies 'get f'; }
	run -1 copies_limited
	[[ $output == *"write local \"f\": File too large"* ]]
	[ "$(stat -c %s f)" -le 1024000 ]
	cmp -n "$(stat -c %s f)" f "$REMOTE/f"
	run -0 copies 'reget f'
	cmp f "$REMOTE/f"
}

@test "a file that shrinks while it is sent: no byte that was never in it" {
	for i in 1 2 3 4 5; do
		head -c 60000000 /dev/zero | tr '\0' 'x' > f
		rm -f "$REMOTE/g"
		(sleep "0.0$i"; truncate -s 20000000 f) 3>&- &
		run copies 'put f g'
		wait
		[ "$status" -eq 0 ] || [[ $output == *'became shorter while it was read'* ]]
		run -1 grep -qaP '\x00' "$REMOTE/g"
	done
}

@test "kill -9 of sftp: what is there is a beginning, and reget goes on" {
	head -c 40000000 /dev/urandom > "$REMOTE/f"
	RANDOM=99
	for i in $(seq 12); do
		rm -f f
		printf '%s\n' "cd $REMOTE" 'get f' > "$WORK/batch"
		"$SFTP" "${flags[@]}" -b "$WORK/batch" target > /dev/null 2>&1 3>&- &
		pid=$!
		sleep "$(printf '0.%03d' $((20 + RANDOM % 60)))"
		kill -9 "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
		[ ! -e f ] || cmp -n "$(stat -c %s f)" f "$REMOTE/f"
		run -0 copies 'reget f'
		cmp "$REMOTE/f" f
	done
}
