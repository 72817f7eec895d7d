# What the network is asked for (IPQoS), and what is not used is ended
# (ChannelTimeout, UnusedConnectionTimeout), by either end.

setup_file() { load ../common; make_keys; }
setup() {
	load ../common
	BASE=$SCRATCH
	SCRATCH=$BATS_TEST_TMPDIR
	cp -p "$BASE"/{host_ed25519,host_ed25519.pub,user_ed25519,user_ed25519.pub,authorized_keys} "$SCRATCH"
}
teardown() { stop_sshd; }

# The class of service of the TCP sockets of a process, asked of its own.
class_of() {
	/usr/bin/python3 - "$1" <<-'END'
		import ctypes, os, socket, sys
		libc = ctypes.CDLL(None, use_errno=True)
		pid = int(sys.argv[1])
		process = os.pidfd_open(pid)
		for number in os.listdir(f"/proc/{pid}/fd"):
		    fd = libc.syscall(438, process, int(number), 0)  # pidfd_getfd
		    if fd < 0 or not os.readlink(f"/proc/self/fd/{fd}").startswith("socket:"):
		        continue
		    s = socket.socket(fileno=fd)
		    if s.family == socket.AF_INET:
		        print(s.getsockopt(socket.IPPROTO_IP, socket.IP_TOS))
		    elif s.family == socket.AF_INET6:
		        print(s.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS))
	END
}

# now seconds since $since, in tenths
took() {
	local now
	now=$(date +%s%N)
	echo $(((now - since) / 100000000))
}
begin() { since=$(date +%s%N); }

@test "IPQoS: sshd marks what it sends, a terminal's by the first class, the rest by the second" {
	[ "$(id -u)" -eq 0 ] || skip "asks a process for its sockets"
	start_sshd 'IPQoS af21 cs1'
	for with in -T:32 -tt:72; do
		mkfifo "$SCRATCH/fifo"
		timeout 30 "$SSH" -F "$SCRATCH/ssh_config" "${with%:*}" -o IPQoS=none target 'echo pid $PPID; sleep 20' \
			</dev/null > "$SCRATCH/fifo" 2>/dev/null 3>&- &
		client=$!
		read -r _ pid < "$SCRATCH/fifo"
		got=$(class_of "${pid%$'\r'}")
		kill "$client"
		wait "$client" || true
		rm "$SCRATCH/fifo"
		[ "$got" = "${with#*:}" ]
	done
}

@test "IPQoS: ssh marks what it sends" {
	[ "$(id -u)" -eq 0 ] || skip "asks a process for its sockets"
	start_sshd
	for with in -T:0 -tt:184 "-o IPQoS=af11 -T:40"; do
		mkfifo "$SCRATCH/fifo"
		# shellcheck disable=SC2086
		"$SSH" -F "$SCRATCH/ssh_config" ${with%:*} target 'echo in; sleep 20' </dev/null > "$SCRATCH/fifo" 2>/dev/null 3>&- &
		client=$!
		read -r _ < "$SCRATCH/fifo"
		got=$(class_of "$client")
		kill "$client"
		wait "$client" || true
		rm "$SCRATCH/fifo"
		[ "$got" = "${with#*:}" ]
	done
}

@test "ChannelTimeout of sshd ends a session without traffic, and what runs in it" {
	start_sshd 'ChannelTimeout session=1'
	begin
	run -255 ssh_ target "echo \$\$ > '$SCRATCH/pid'; sleep 20"
	[ "$(took)" -ge 10 ] && [ "$(took)" -lt 60 ]
	grep -q 'channel 0: closing after session without traffic' "$SSHD_LOG"
	for _ in $(seq 100); do
		kill -0 "$(cat "$SCRATCH/pid")" 2>/dev/null || break
		sleep 0.05
	done
	run ! kill -0 "$(cat "$SCRATCH/pid")"
}

@test "ChannelTimeout: traffic in either direction keeps a session" {
	start_sshd 'ChannelTimeout session=1'
	run -7 ssh_ target 'for i in 1 2 3 4; do sleep 0.6; echo; done; exit 7'
	# What comes in counts as well.
	{ for _ in 1 2 3 4; do sleep 0.6; echo; done; } | {
		run -3 ssh_ target 'cat > /dev/null; exit 3'
	}
}

@test "ChannelTimeout: the first type that matches counts; other types do not; global is all" {
	start_sshd 'ChannelTimeout direct-tcpip=1 sess*=0 *=1'
	run -0 ssh_ target 'sleep 1.6'
	stop_sshd
	start_sshd 'ChannelTimeout *=0 global=1'
	run -255 ssh_ target 'sleep 20'
}

@test "ChannelTimeout of ssh" {
	start_sshd
	begin
	run -255 ssh_ -o ChannelTimeout=session=1 target 'sleep 20'
	[ "$(took)" -ge 10 ] && [ "$(took)" -lt 60 ]
	[[ $output == *'closing after session without traffic'* ]]
	run -0 ssh_ -o ChannelTimeout=direct-tcpip=1 target 'sleep 1.6'
}

@test "UnusedConnectionTimeout ends a connection that has no channels, and no other" {
	start_sshd 'UnusedConnectionTimeout 1'
	begin
	run -255 ssh_ -N target
	[ "$(took)" -ge 10 ] && [ "$(took)" -lt 60 ]
	grep -q "terminating inactive connection from user $ME 127.0.0.1 port" "$SSHD_LOG"
	run -0 ssh_ target 'sleep 1.8'
}
