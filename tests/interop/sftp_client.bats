# Our sftp against the servers of OpenSSH, Paramiko and AsyncSSH.

setup_file() {
	load ../cli/common
	make_keys
	for peer in paramiko asyncssh; do
		/usr/bin/python3 "$BATS_TEST_DIRNAME/sftp_server.py" $peer "$SCRATCH/host_ed25519" \
			"$SCRATCH/authorized_keys" "$SCRATCH/$peer.port" > "$SCRATCH/$peer.log" 2>&1 3>&- &
		echo $! > "$SCRATCH/$peer.pid"
	done
	PEER=openssh start_sshd 'Subsystem sftp /usr/lib/openssh/sftp-server'
	for peer in paramiko asyncssh; do
		for _ in $(seq 200); do
			[ ! -s "$SCRATCH/$peer.port" ] || break
			kill -0 "$(cat "$SCRATCH/$peer.pid")" 2>/dev/null || break
			sleep 0.1
		done
	done
}

teardown_file() {
	load ../cli/common
	for peer in paramiko asyncssh; do
		kill "$(cat "$SCRATCH/$peer.pid")" 2>/dev/null || true
	done
	stop_sshd
}

setup() { load ../cli/common; load ../cli/sftp; sides; }

# peer NAME LINE...: a batch with that server.
peer() {
	local name=$1 port=$PORT
	shift
	if [ "$name" != openssh ]; then
		[ -s "$SCRATCH/$name.port" ] || { cat "$SCRATCH/$name.log"; return 1; }
		port=$(cat "$SCRATCH/$name.port")
	fi
	printf '%s\n' "cd $REMOTE" "$@" > "$WORK/batch"
	timeout 60 "$SFTP" -F "$SCRATCH/ssh_config" -P "$port" -b "$WORK/batch" target
}

# What every server must get right.
check_peer() {
	make_tree "$REMOTE/t"
	chmod 700 "$REMOTE/t/deep/er/still"
	chmod 644 "$REMOTE/t/f100"
	touch -d '2019-05-06 07:08:09' "$REMOTE/t/deep/er/still" "$REMOTE/t/deep"
	run -0 peer "$1" 'get -pr t' 'put -pr t up' 'ls -l t' 'mkdir m' 'rename m n' 'rmdir n' \
		'get t/f300000 one' 'put one t/two' 'rm t/two' '-get none'
	diff -r "$REMOTE/t" t
	diff -r "$REMOTE/t" "$REMOTE/up"
	cmp one "$REMOTE/t/f300000"
	[ "$(tree_facts "$REMOTE/t" | grep -v '^. d')" != "" ]
	[ "$(tree_facts "$REMOTE/t" | grep ' f ')" = "$(tree_facts t | grep ' f ')" ]
	[ "$(tree_facts t | grep ' f ')" = "$(tree_facts "$REMOTE/up" | grep ' f ')" ]
	[ ! -e "$REMOTE/t/two" ]
	[[ $output == *"File \"$REMOTE/none\" not found."* ]]
	head -c 3000000 /dev/urandom > "$REMOTE/large"
	head -c 1000000 "$REMOTE/large" > large
	run -0 peer "$1" 'reget large' 'put --atomic large back' 'get --verify large again'
	cmp "$REMOTE/large" large
	cmp large "$REMOTE/back"
	cmp large again
}

# The arguments of SYMLINK in OpenSSH's order.
check_symlink() {
	run -0 peer "$1" 'ln -s target link'
	[ "$(readlink "$REMOTE/link")" = target ]
}

@test "OpenSSH's server" {
	check_peer openssh
	check_symlink openssh
	run -0 peer openssh 'df -h' 'ln large hard' 'chmod 600 large' 'ls -l large'
	[ "$REMOTE/large" -ef "$REMOTE/hard" ]
}

@test "Paramiko's server" {
	check_peer paramiko
	check_symlink paramiko
	# It hashes what a handle reads: one that was opened for reading.
	run -0 peer paramiko 'get --verify large proved'
	[[ $output != *"not proved"* ]]
	cmp large proved
}

# It takes the arguments of SYMLINK in that order from clients that call
# themselves OpenSSH only.
@test "AsyncSSH's server" {
	check_peer asyncssh
}

# A long way to OpenSSH's server, whose window for one channel is 2 MiB.
far() {
	"$ROOT/build/release/tests/bench/relay" 25 "$PORT" > "$WORK/relay" 3>&- &
	RELAY=$!
	for _ in $(seq 100); do [ ! -s "$WORK/relay" ] || break; sleep 0.05; done
}

far_put() {
	printf 'put %s %s\n' "$1" "$REMOTE/large" "$1" "$REMOTE/second" > "$WORK/batch"
	timeout 60 "$SFTP" -v -F "$SCRATCH/ssh_config" -P "$(cat "$WORK/relay")" -b "$WORK/batch" target
}

@test "a large file over a long way is spread over several channels" {
	far
	head -c 60000000 /dev/urandom > large
	run far_put large
	kill "$RELAY"
	[ "$status" -eq 0 ]
	cmp large "$REMOTE/large"
	cmp large "$REMOTE/second"
	[[ $output == *"one more for the program that runs us"* ]]
}

@test "one that is killed then is resumed without a gap" {
	far
	head -c 60000000 /dev/urandom > large
	for ms in 900 1200 1500; do
		rm -f "$REMOTE/large"
		printf 'put large %s\n' "$REMOTE/large" > "$WORK/batch"
		"$SFTP" -F "$SCRATCH/ssh_config" -P "$(cat "$WORK/relay")" -b "$WORK/batch" target \
			> /dev/null 2>&1 3>&- &
		pid=$!
		sleep "$(printf '%d.%03d' $((ms / 1000)) $((ms % 1000)))"
		kill -9 "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
		for _ in $(seq 100); do
			[ -n "$(fuser "$REMOTE/large" 2>/dev/null)" ] || break
			sleep 0.05
		done
		[ -e "$REMOTE/large" ] || touch "$REMOTE/large"
		[ "$(stat -c %s "$REMOTE/large")" -lt 60000000 ] || continue
		run peer openssh "lcd $LOCAL" 'reput large'
		[ "$status" -eq 0 ] || { kill "$RELAY"; false; }
		cmp large "$REMOTE/large" || { kill "$RELAY"; false; }
	done
	kill "$RELAY"
}
