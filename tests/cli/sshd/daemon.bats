# The life of the daemon: start, pid file, restart, end; what outlives it.

setup_file() { load ../common; make_keys; }
setup() {
	load ../common
	SSHD=$BIN/sshd
	PORT=$(free_port)
	[ "$(id -u)" -ne 0 ] || mkdir -p /run/sshd
	cd "$BATS_TEST_TMPDIR"
	mkdir -p scratch
	cp -p "$SCRATCH"/{host_ed25519,host_ed25519.pub,user_ed25519,user_ed25519.pub,authorized_keys} scratch
	SCRATCH=$BATS_TEST_TMPDIR/scratch
	write_sshd_config
	write_ssh_config
	SSHD_LOG=$SCRATCH/sshd.log
	DAEMON=
}
teardown() {
	[ -z "${DAEMON:-}" ] || kill "$DAEMON" 2>/dev/null || true
	[ ! -s "$SCRATCH/sshd.pid" ] || kill "$(cat "$SCRATCH/sshd.pid")" 2>/dev/null || true
}

# Waits up to 10 seconds for a command to succeed.
soon() {
	for _ in $(seq 200); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.05
	done
	echo "never: $*" >&2
	return 1
}
gone() { ! kill -0 "$1" 2>/dev/null; }
# Children are in the state Z until bats reaps them.
ended() { gone "$1" || grep -q '^State:.Z' "/proc/$1/status"; }

start() {
	"${SSHD_COPY:-$SSHD}" -D -f "$SCRATCH/sshd_config" -E "$SSHD_LOG" "$@" </dev/null 3>&- &
	DAEMON=$!
	soon test -s "$SCRATCH/sshd.pid"
}

@test "as a daemon it returns when it listens, and leaves a pid file" {
	run -0 "$SSHD" -f "$SCRATCH/sshd_config" -E "$SSHD_LOG" 3>&-
	[ -s "$SCRATCH/sshd.pid" ]
	DAEMON=$(cat "$SCRATCH/sshd.pid")
	grep -q "Server listening on 127.0.0.1 port $PORT\." "$SSHD_LOG"
	run -0 ssh_ target echo in
	[ "$output" = in ]
	kill "$DAEMON"
	soon gone "$DAEMON"
	[ ! -e "$SCRATCH/sshd.pid" ]
	grep -q 'Received signal 15; terminating\.' "$SSHD_LOG"
}

@test "a daemon that cannot listen says so by its status" {
	start
	run -255 "$SSHD" -f "$SCRATCH/sshd_config" -E "$SCRATCH/second.log" 3>&-
	grep -q "Bind to port $PORT on 127.0.0.1 failed" "$SCRATCH/second.log"
}

@test "SIGHUP: the configuration is read again, the pid stays, sessions go on" {
	run -0 "$SSHD" -f "$SCRATCH/sshd_config" -E "$SSHD_LOG" 3>&-
	DAEMON=$(cat "$SCRATCH/sshd.pid")
	mkfifo hold
	ssh_ target 'echo begun; cat; echo end' < hold > out 2>&1 3>&- &
	client=$!
	exec 9> hold
	soon grep -q begun out
	sed -i '1i SetEnv AFTER=restart' "$SCRATCH/sshd_config"
	rm "$SCRATCH/sshd.pid"
	kill -HUP "$DAEMON"
	soon test -s "$SCRATCH/sshd.pid"
	[ "$(cat "$SCRATCH/sshd.pid")" = "$DAEMON" ]
	grep -q 'Received SIGHUP; restarting\.' "$SSHD_LOG"
	run -0 ssh_ target 'echo $AFTER'
	[ "$output" = restart ]
	exec 9>&-
	wait "$client"
	grep -q end out
}

@test "SIGHUP with a broken configuration ends it with a reason" {
	start
	echo "Nonsense" >> "$SCRATCH/sshd_config"
	kill -HUP "$DAEMON"
	soon ended "$DAEMON"
	grep -q 'Bad configuration option: Nonsense' "$SSHD_LOG"
	[ ! -e "$SCRATCH/sshd.pid" ]
}

@test "the end of the listener leaves sessions alive" {
	start
	mkfifo hold
	ssh_ target 'echo begun; cat; echo end' < hold > out 2>&1 3>&- &
	client=$!
	exec 9> hold
	soon grep -q begun out
	kill -9 "$DAEMON"
	soon ended "$DAEMON"
	run -255 ssh_ target true
	echo through >&9
	soon grep -q through out
	exec 9>&-
	wait "$client"
	grep -q end out
}

@test "the program may be deleted while it runs" {
	cp "$SSHD" ./other-name
	SSHD_COPY=$PWD/other-name start
	rm other-name
	for word in one two three four; do
		run -0 ssh_ target echo "$word"
		[ "$output" = "$word" ]
	done
}

@test "spares are there beforehand, and are replaced" {
	sed -i '1i SpareSessions 3' "$SCRATCH/sshd_config"
	start
	spares() { [ "$(pgrep -c -P "$DAEMON" -f waiting)" -eq "$1" ]; }
	soon spares 3
	first=$(pgrep -P "$DAEMON" -f waiting | sort)
	run -0 ssh_ target true
	soon spares 3
	[ "$(pgrep -P "$DAEMON" -f waiting | sort)" != "$first" ]
}

# Processes of the daemon with this title, by pid.
titled() {
	pgrep -P "$DAEMON" -f "$1" | sort
}

@test "a template is executed anew after 16 session processes" {
	start
	there() { [ -n "$(titled template)" ]; }
	soon there
	first=$(titled template)
	for _ in $(seq 17); do
		run -0 ssh_ target true
	done
	another() { [ -n "$(titled template)" ] && [ "$(titled template)" != "$first" ]; }
	soon another
}

@test "a template that is killed is replaced, and nobody notices" {
	start
	there() { [ -n "$(titled template)" ] && [ -n "$(titled waiting)" ]; }
	for word in one two three; do
		soon there
		kill -9 "$(titled template)"
		run -0 ssh_ target echo "$word"
		[ "$output" = "$word" ]
	done
}

@test "after a crash nothing keeps the address layout that crashed" {
	start
	there() { [ "$(pgrep -c -P "$DAEMON" -f waiting)" -eq 2 ]; }
	soon there
	template=$(titled template)
	spares=$(titled waiting)
	kill -SEGV "$(echo "$spares" | head -1)"
	others() {
		there && [ -z "$(comm -12 <(titled waiting) <(echo "$spares"))" ] &&
			[ "$(titled template)" != "$template" ]
	}
	soon others
	run -0 ssh_ target echo on
	[ "$output" = on ]
}

@test "SpareSessions 0 starts a process for each connection" {
	sed -i '1i SpareSessions 0' "$SCRATCH/sshd_config"
	start
	run -1 pgrep -P "$DAEMON"
	run -0 ssh_ target true
	none() { ! pgrep -P "$DAEMON"; }
	soon none
}

@test "SpareSessions 0: each session process has an address layout of its own" {
	sed -i '1i SpareSessions 0' "$SCRATCH/sshd_config"
	start
	exec 8<>"/dev/tcp/127.0.0.1/$PORT" 9<>"/dev/tcp/127.0.0.1/$PORT"
	read -r -t 5 -u 8 line
	read -r -t 5 -u 9 line
	layouts=$(for p in $(titled accepted); do grep -m1 sshd "/proc/$p/maps" | cut -d- -f1; done)
	[ "$(wc -l <<<"$layouts")" -eq 2 ]
	[ "$(sort -u <<<"$layouts" | wc -l)" -eq 2 ]
	exec 8>&- 9>&-
}

@test "a burst of connections is served" {
	start
	for i in $(seq 8); do
		ssh_ target "echo $i" > "out.$i" 2>&1 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}"
	for i in $(seq 8); do
		[ "$(cat "out.$i")" = "$i" ]
	done
}

@test "-d serves one connection in the foreground and ends with its status" {
	timeout 20 "$SSHD" -d -f "$SCRATCH/sshd_config" </dev/null > debug.log 2>&1 3>&- &
	DAEMON=$!
	soon grep -q 'Server listening' debug.log
	[ ! -e "$SCRATCH/sshd.pid" ]
	run -0 ssh_ target echo once
	[ "$output" = once ]
	soon ended "$DAEMON"
	DAEMON=
	grep -q '^debug1: ' debug.log
	run -255 ssh_ target true
}

@test "-i serves pipes: the address is UNKNOWN" {
	run -0 ssh_ -o ProxyCommand="$SSHD -i -f $SCRATCH/sshd_config -E $SSHD_LOG" target 'echo $SSH_CONNECTION; exit 0'
	[ "$output" = "UNKNOWN 65535 UNKNOWN 65535" ]
	run -7 ssh_ -o ProxyCommand="$SSHD -i -f $SCRATCH/sshd_config -E $SSHD_LOG" target exit 7
}

@test "-i answers with its identification at once" {
	mkfifo in
	exec 9<>in
	run -0 bash -c "timeout 10 '$SSHD' -i -f '$SCRATCH/sshd_config' -E '$SSHD_LOG' < in | head -n 1"
	exec 9>&-
	[[ "$output" == SSH-2.0-Sheetbend_* ]]
}

@test "-i and another protocol: refused, status 255" {
	run -255 bash -c "echo 'SSH-1.5-HALLO' | timeout 10 '$SSHD' -i -f '$SCRATCH/sshd_config' -E '$SSHD_LOG'"
}

@test "-i without host keys: one sentence in the log, status 255" {
	sed -i "s|^HostKey .*|HostKey $SCRATCH/none|" "$SCRATCH/sshd_config"
	run -255 bash -c "timeout 10 '$SSHD' -i -f '$SCRATCH/sshd_config' -E '$SSHD_LOG' < /dev/null"
	grep -q 'no hostkeys available' "$SSHD_LOG"
}

@test "sockets of a service manager are taken, and readiness is told" {
	cat > activate.py <<-'PY'
		import os, socket, sys
		sshd, conf, log, out = sys.argv[1:5]
		s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
		n = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		n.bind("notify.sock"); n.settimeout(10)
		pid = os.fork()
		if pid == 0:
		    os.dup2(s.fileno(), 3)
		    os.set_inheritable(3, True)
		    for fd in (0, 1, 2):
		        os.dup2(os.open("/dev/null", os.O_RDWR), fd)
		    os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()), NOTIFY_SOCKET=os.path.abspath("notify.sock"))
		    os.execv(sshd, [sshd, "-D", "-f", conf, "-E", log])
		print(n.recv(100).decode(), s.getsockname()[1], pid, file=open(out, "w"))
	PY
	run -0 python3 activate.py "$SSHD" "$SCRATCH/sshd_config" "$SSHD_LOG" told 3>&-
	read -r ready port DAEMON < told
	[ "$ready" = READY=1 ]
	run -0 ssh_ -p "$port" target echo through
	[ "$output" = through ]
	# They are still there after a reload.
	kill -HUP "$DAEMON"
	soon grep -q 'Received SIGHUP; restarting' "$SSHD_LOG"
	run -0 ssh_ -p "$port" -oConnectionAttempts=5 target echo again
	[ "$output" = again ]
}

@test "a service manager is told of a reload, with its time, and of the end" {
	cat > manage.py <<-'PY'
		import os, signal, socket, sys, time
		n = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		n.bind("manage.sock"); n.settimeout(10)
		pid = os.fork()
		if pid == 0:
		    for fd in (0, 1, 2):
		        os.dup2(os.open("/dev/null", os.O_RDWR), fd)
		    os.environ["NOTIFY_SOCKET"] = os.path.abspath("manage.sock")
		    os.execv(sys.argv[1], [sys.argv[1], "-D"] + sys.argv[2:])
		try:
		    assert n.recv(100) == b"READY=1"
		    before = time.monotonic_ns() // 1000
		    os.kill(pid, signal.SIGHUP)
		    what, at = n.recv(100).split(b"\n")
		    assert what == b"RELOADING=1"
		    name, at = at.split(b"=")
		    assert name == b"MONOTONIC_USEC" and before <= int(at) <= time.monotonic_ns() // 1000
		    assert n.recv(100) == b"READY=1"
		    os.kill(pid, signal.SIGTERM)
		    assert n.recv(100) == b"STOPPING=1"
		finally:
		    os.kill(pid, signal.SIGTERM)
		    os.waitpid(pid, 0)
	PY
	run -0 python3 manage.py "$SSHD" -f "$SCRATCH/sshd_config" -E "$SSHD_LOG" 3>&-
}

@test "a client that says nothing holds only its own slot, for LoginGraceTime" {
	sed -i '1i LoginGraceTime 2' "$SCRATCH/sshd_config"
	start
	exec 8<>"/dev/tcp/127.0.0.1/$PORT"
	run -0 ssh_ target echo meanwhile
	[ "$output" = meanwhile ]
	soon grep -q 'Timeout before authentication for connection from 127.0.0.1 to 127.0.0.1, pid = ' "$SSHD_LOG"
	exec 8>&-
}
