# Getting there: addresses, proxies, time limits, servers that misbehave.

setup_file() { load ../common; start_sshd; }
teardown_file() { load ../common; stop_sshd; }
setup() { load ../common; }

# A server of a few bytes: what it says, then it waits for the end, or closes.
fake_server() {
	rm -f "$BATS_TEST_TMPDIR/fake_port"
	python3 - "$BATS_TEST_TMPDIR/fake_port" "$1" "${2:-hold}" 3>&- <<-'E' &
		import os, socket, sys
		s = socket.socket()
		s.bind(("127.0.0.1", 0))
		s.listen(5)
		with open(sys.argv[1] + ".new", "w") as f:
		    f.write(str(s.getsockname()[1]))
		os.rename(sys.argv[1] + ".new", sys.argv[1])
		while True:
		    c, _ = s.accept()
		    c.sendall(sys.argv[2].encode().decode("unicode_escape").encode("latin-1"))
		    if sys.argv[3] == "close":
		        c.recv(1)
		        c.shutdown(socket.SHUT_WR)
		        while c.recv(65536): pass
		        c.close()
	E
	FAKE_PID=$!
	for _ in $(seq 200); do
		[ -e "$BATS_TEST_TMPDIR/fake_port" ] && break
		sleep 0.05
	done
	FAKE_PORT=$(cat "$BATS_TEST_TMPDIR/fake_port")
}
teardown() { [ -z "${FAKE_PID:-}" ] || kill "$FAKE_PID" 2>/dev/null || true; }

@test "LogLevel VERBOSE says how much was transferred" {
	run -3 --separate-stderr ssh_ -o LogLevel=VERBOSE target 'exit 3'
	[[ "$stderr" =~ $'\n''Transferred: sent '[0-9]+', received '[0-9]+' bytes, in '[0-9.]+' seconds' ]]
	[[ "$stderr" =~ $'\n''Bytes per second: sent '[0-9.]+', received '[0-9.]+ ]]
	run -3 --separate-stderr ssh_ -v target 'exit 3'
	[[ "$stderr" == *'debug1: Exit status 3'* ]]
}

@test "nobody listens: the reason, status 255" {
	run -255 --separate-stderr ssh_ -p 1 127.0.0.1 true
	[ "${stderr%$'\r'}" = "ssh: connect to host 127.0.0.1 port 1: Connection refused" ]
}

@test "a name that does not exist" {
	run -255 --separate-stderr ssh_ no-such-host.invalid true
	[[ "$stderr" == "ssh: Could not resolve hostname no-such-host.invalid: "* ]]
}

@test "a name with several addresses reaches the one that answers" {
	run -0 ssh_ -o HostKeyAlias=target -p "$PORT" localhost true
}

@test "-4 and -6 choose the family" {
	run -0 ssh_ -4 -o HostKeyAlias=target -p "$PORT" localhost true
	run -255 ssh_ -6 target true
}

@test "-b binds the source address" {
	run -0 ssh_ -b 127.0.0.3 target 'echo $SSH_CONNECTION'
	[[ "$output" == "127.0.0.3 "* ]]
}

@test "ConnectTimeout ends a silent server" {
	fake_server ''
	run -255 --separate-stderr ssh_ -o ConnectTimeout=1 -p "$FAKE_PORT" 127.0.0.1 true
	[[ "$stderr" == *"Connection timed out during banner exchange"* ]]
	[[ "$stderr" == *"Connection to 127.0.0.1 port $FAKE_PORT timed out"* ]]
}

@test "a server that closes at once" {
	fake_server '' close
	run -255 --separate-stderr ssh_ -p "$FAKE_PORT" 127.0.0.1 true
	[[ "$stderr" == *"kex_exchange_identification: Connection closed by remote host"* ]]
	[[ "$stderr" == *"Connection closed by 127.0.0.1 port $FAKE_PORT"* ]]
}

@test "something that is no SSH server" {
	fake_server 'SSH-1.5-old\r\n'
	run -255 ssh_ -p "$FAKE_PORT" 127.0.0.1 true
	kill "$FAKE_PID"
	fake_server 'SSH-2.0-x\r\nnonsense that is no packet at all, but long enough\r\n'
	run -255 --separate-stderr ssh_ -p "$FAKE_PORT" 127.0.0.1 true
	[[ "$stderr" == *"Bad packet"* ]]
}

@test "no algorithm in common: both are told" {
	run -255 --separate-stderr ssh_ -c 3des-cbc target true
	[[ "$stderr" == *"Unable to negotiate with 127.0.0.1 port $PORT: no matching cipher found. Their offer: "* ]]
}

@test "ProxyCommand carries the connection" {
	cat > "$BATS_TEST_TMPDIR/carry" <<-'E'
		import os, socket, sys, threading
		s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
		def up():
		    while True:
		        b = os.read(0, 65536)
		        if not b: break
		        s.sendall(b)
		    s.shutdown(1)
		threading.Thread(target=up, daemon=True).start()
		while True:
		    b = s.recv(65536)
		    if not b: break
		    os.write(1, b)
	E
	run -0 ssh_ -o "ProxyCommand=python3 '$BATS_TEST_TMPDIR/carry' %h %p" target 'echo through'
	[ "$output" = through ]
}

# Of a process that cannot be dumped, /proc belongs to root.
@test "no core is dumped of ssh; what it runs is its own affair" {
	local as_other=(env) whose
	whose=$(id -u)
	if [ "$whose" -eq 0 ]; then
		as_other=(setpriv --reuid nobody --regid nogroup --clear-groups)
		whose=$(id -u nobody)
	fi
	run -255 env SHELL=/bin/sh "${as_other[@]}" "$SSH" -F none -o \
		ProxyCommand='sh -c "stat -c %%u /proc/\$PPID/environ /proc/\$\$/environ >&2"' target true
	[ "${lines[0]} ${lines[1]}" = "0 $whose" ]
}

@test "keys lie in locked memory" {
	[ "$(ulimit -l)" = unlimited ] || [ "$(ulimit -l)" -ge 1024 ] ||
		skip "no memory may be locked"
	"$SSH" -F "$SCRATCH/ssh_config" -n target 'echo in; exec sleep 20' \
		> "$BATS_TEST_TMPDIR/out" 3>&- &
	client=$!
	for _ in $(seq 200); do
		! grep -q in "$BATS_TEST_TMPDIR/out" || break
		sleep 0.05
	done
	locked=$(sed -n 's/^VmLck:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$client/status")
	kill "$client"
	[ "$locked" -ge 64 ]
}

@test "ProxyCommand that fails" {
	run -255 --separate-stderr ssh_ -o ProxyCommand=false target true
	[[ "$stderr" == *"Connection closed by UNKNOWN port 65535"* ]]
	run -255 ssh_ -o ProxyCommand=/no/such/program target true
}

@test "ProxyCommand knows its tokens" {
	run -255 --separate-stderr ssh_ -o "ProxyCommand=echo '%h %p %r %n' >&2" target true
	[[ "$stderr" == *"127.0.0.1 $PORT $ME target"* ]]
}

@test "-E takes all messages, with CR LF as scripts know it" {
	run -0 --separate-stderr ssh_ -v -E "$BATS_TEST_TMPDIR/log" target true
	[ -z "$stderr" ]
	grep -q $'^debug1: Connecting to 127.0.0.1 \[127.0.0.1\] port '"$PORT"$'\.\r$' "$BATS_TEST_TMPDIR/log"
	grep -q "^Authenticated to 127.0.0.1 (\[127.0.0.1\]:$PORT) using \"publickey\"\." "$BATS_TEST_TMPDIR/log"
}

@test "-q says nothing" {
	run -255 --separate-stderr ssh_ -q -o PubkeyAuthentication=no target true
	[ -z "$stderr" ]
}

@test "ServerAliveInterval finds a server that is gone" {
	ssh_ -o ServerAliveInterval=1 -o ServerAliveCountMax=1 target \
		'kill -STOP $PPID; sleep 20' 2> "$BATS_TEST_TMPDIR/err" 3>&- && status=0 || status=$?
	pkill -CONT -P "$(cat "$SCRATCH/started")" || true
	[ "$status" -eq 255 ]
	grep -q 'Timeout, server 127.0.0.1 not responding.' "$BATS_TEST_TMPDIR/err"
}

@test "the second visit guesses right, and only where the file may be written" {
	export HOME_BEFORE=$HOME
	log=$BATS_TEST_TMPDIR/log
	home=$(getent passwd "$ME" | cut -d: -f6)
	[ -d "$home/.ssh" ] || skip "no ~/.ssh"
	cp "$home/.ssh/sheetbend_hosts" "$BATS_TEST_TMPDIR/saved" 2>/dev/null || true
	run -0 ssh_ -o RememberHosts=yes target true
	run -0 ssh_ -o RememberHosts=yes -v -E "$log" target true
	cp "$BATS_TEST_TMPDIR/saved" "$home/.ssh/sheetbend_hosts" 2>/dev/null || rm -f "$home/.ssh/sheetbend_hosts"
	grep -q 'the guess was right' "$log"
}

@test "a damaged memory does no harm" {
	home=$(getent passwd "$ME" | cut -d: -f6)
	[ -d "$home/.ssh" ] || skip "no ~/.ssh"
	cp "$home/.ssh/sheetbend_hosts" "$BATS_TEST_TMPDIR/saved" 2>/dev/null || true
	head -c 2000 /dev/urandom > "$home/.ssh/sheetbend_hosts"
	run -0 ssh_ -o RememberHosts=yes target true
	cp "$BATS_TEST_TMPDIR/saved" "$home/.ssh/sheetbend_hosts" 2>/dev/null || rm -f "$home/.ssh/sheetbend_hosts"
}
