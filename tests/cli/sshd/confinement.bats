# What the process that reads a stranger's bytes can do: as good as nothing.

setup_file() { load ../common; start_sshd 'SpareSessions 1'; }
teardown_file() { load ../common; stop_sshd; }
setup() { load ../common; LISTENER=$(cat "$SCRATCH/started"); }

soon() {
	for _ in $(seq 200); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.05
	done
	echo "never: $*" >&2
	return 1
}
# The authentication child of a connection that has got its identification.
open_connection() {
	exec 8<>"/dev/tcp/127.0.0.1/$PORT"
	read -r -t 5 -u 8 line
	MONITOR=$(pgrep -f 'sshd-session: 127.0.0.1 \[accepted\]' -P "$LISTENER")
	CHILD=$(pgrep -P "$MONITOR" -f '\[net\]')
	WAITING=$(pgrep -P "$MONITOR" -f '\[waiting\]')
}

@test "the child is another user, without groups, in an empty root" {
	[ "$(id -u)" -eq 0 ] || skip "root only"
	open_connection
	uid=$(id -u sshd)
	grep -qE "^Uid:[[:space:]]+$uid[[:space:]]+$uid[[:space:]]+$uid[[:space:]]+$uid$" "/proc/$CHILD/status"
	[ "$(ls -A "/proc/$CHILD/root")" = "" ]
	grep -qE '^CapEff:[[:space:]]+0+$' "/proc/$CHILD/status"
	grep -qE '^CapPrm:[[:space:]]+0+$' "/proc/$CHILD/status"
}

@test "the child is under a system call filter and can gain no privilege" {
	open_connection
	grep -qE '^Seccomp:[[:space:]]+2$' "/proc/$CHILD/status"
	grep -qE '^NoNewPrivs:[[:space:]]+1$' "/proc/$CHILD/status"
}

@test "the child has two descriptors, both sockets" {
	open_connection
	run -0 ls -l "/proc/$CHILD/fd"
	[ "$(grep -c ' -> socket:' <<<"$output")" -eq 2 ]
	[ "$(grep -c ' -> ' <<<"$output")" -eq 2 ]
}

@test "no process of a connection leaves a core, the child can make no file" {
	open_connection
	grep -qE '^Max core file size +0 +0 ' "/proc/$CHILD/limits"
	grep -qE '^Max core file size +0 +0 ' "/proc/$MONITOR/limits"
	grep -qE '^Max file size +0 +0 ' "/proc/$CHILD/limits"
	grep -qE '^Max processes +0 +0 ' "/proc/$CHILD/limits"
}

# Of a process that cannot be dumped, /proc belongs to root.
@test "neither the daemon nor a waiting process leaves a core" {
	[ "$(id -u)" -eq 0 ] || skip "root only"
	local d pid port owners
	d=$(mktemp -d)
	"$KEYGEN" -q -N '' -f "$d/host"
	port=$(free_port)
	printf '%s\n' "Port $port" 'ListenAddress 127.0.0.1' "HostKey $d/host" "PidFile $d/pid" \
		'SpareSessions 1' > "$d/config"
	chown -R nobody "$d"
	setpriv --reuid nobody --regid nogroup --clear-groups "$BIN/sshd" -D -f "$d/config" \
		-E "$d/log" < /dev/null > /dev/null 2>&1 3>&- &
	pid=$!
	for _ in $(seq 200); do
		[ ! -s "$d/pid" ] || ! pgrep -P "$pid" > "$d/waiting" || break
		sleep 0.1
	done
	stat -c %u "/proc/$pid/environ" $(sed 's|.*|/proc/&/environ|' "$d/waiting") > "$d/owners"
	kill "$pid"
	wait "$pid" || :
	owners=$(cat "$d/owners")
	cat "$d/log"
	rm -r "$d"
	[ "$(wc -l <<< "$owners")" -ge 2 ]
	[ "$(sort -u <<< "$owners")" = 0 ]
}

@test "the host key is in no memory that reads the network" {
	[ "$(id -u)" -eq 0 ] || skip "root only"
	open_connection
	printf 'SSH-2.0-x\r\n' >&8
	cat > "$BATS_TEST_TMPDIR/scan.py" <<-'PY'
		import base64, sys
		# The private seed: the last 64 bytes before the comment hold it.
		text = "".join(l for l in open(sys.argv[1]) if not l.startswith("-"))
		blob = base64.b64decode(text)
		public = base64.b64decode(open(sys.argv[1] + ".pub").read().split()[1])[-32:]
		at = blob.rindex(public)      # seed ‖ public
		seed = blob[at - 32:at]
		for pid in sys.argv[2:]:
		    found = False
		    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
		        for line in maps:
		            span, mode = line.split()[:2]
		            if "r" not in mode or "[v" in line:
		                continue
		            lo, hi = (int(x, 16) for x in span.split("-"))
		            try:
		                mem.seek(lo)
		                if seed in mem.read(hi - lo):
		                    found = True
		            except OSError:
		                pass
		    print(pid, "found" if found else "clean")
	PY
	run -0 python3 "$BATS_TEST_TMPDIR/scan.py" "$SCRATCH/host_ed25519" "$MONITOR" "$CHILD" "$WAITING"
	[ "${lines[0]}" = "$MONITOR found" ]
	[ "${lines[1]}" = "$CHILD clean" ]
	[ "${lines[2]}" = "$WAITING clean" ]
	exec 8>&-
	# And the user's session, once there is one.
	"$SSH" -F "$SCRATCH/ssh_config" target 'echo in; sleep 20' > "$BATS_TEST_TMPDIR/out" 3>&- &
	client=$!
	soon grep -q in "$BATS_TEST_TMPDIR/out"
	# Other tests have sessions of the same user: only those of our sshd.
	monitor=$(pgrep -P "$LISTENER" -f "sshd-session: $ME ")
	session=$(pgrep -P "$monitor" -f "sshd-session: $ME@notty")
	for pid in $session; do
		run -0 python3 "$BATS_TEST_TMPDIR/scan.py" "$SCRATCH/host_ed25519" "$pid"
		[ "${lines[0]}" = "$pid clean" ]
	done
	kill "$client"
}
