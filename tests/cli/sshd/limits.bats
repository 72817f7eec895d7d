# Limits: slots that are taken and come back, penalties, attempts, sessions.

setup_file() { load ../common; make_keys; }
setup() {
	load ../common
	BASE=$SCRATCH
	SCRATCH=$BATS_TEST_TMPDIR
	cp -p "$BASE"/{host_ed25519,host_ed25519.pub,user_ed25519,user_ed25519.pub,authorized_keys} "$SCRATCH"
	HELD=()
}
teardown() {
	let_go
	stop_sshd
}

soon() {
	for _ in $(seq 200); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.05
	done
	echo "never: $*" >&2
	return 1
}
# Opens a connection that says nothing.
hold() {
	local fd
	exec {fd}<>"/dev/tcp/127.0.0.1/$PORT"
	read -r -t 5 -u "$fd" line || line=
	HELD+=("$fd")
}
let_go() {
	local fd
	for fd in "${HELD[@]}"; do
		exec {fd}>&-
	done
	HELD=()
}

@test "MaxStartups: the next one is told, dropped and logged; the slot comes back" {
	start_sshd 'MaxStartups 2'
	hold
	hold
	hold
	[ "$line" = $'Not allowed at this time\r' ]
	grep -q 'drop connection #2 from \[127.0.0.1\]:[0-9]* on \[127.0.0.1\]:'"$PORT"' Maxstartups' "$SSHD_LOG"
	grep -q 'beginning MaxStartups throttling' "$SSHD_LOG"
	run -255 ssh_ target true
	let_go
	soon ssh_ target true
	grep -q 'exited MaxStartups throttling' "$SSHD_LOG"
}

@test "authenticated connections take no slot" {
	start_sshd 'MaxStartups 1'
	mkfifo "$SCRATCH/fifo"
	for i in 1 2 3; do
		"$SSH" -F "$SCRATCH/ssh_config" target 'echo in; sleep 20' > "$SCRATCH/out.$i" 2>&1 3>&- &
		pids+=($!)
		soon grep -q in "$SCRATCH/out.$i"
	done
	run -0 ssh_ target true
	kill "${pids[@]}"
}

@test "a session process that crashes gives its slot back" {
	start_sshd 'MaxStartups 1' 'SpareSessions 1'
	hold
	session=$(pgrep -f 'sshd-session: 127.0.0.1 \[accepted\]' -P "$(cat "$SCRATCH/started")")
	kill -SEGV "$session"
	soon ssh_ target true
	grep -q 'was killed by signal 11' "$SSHD_LOG"
}

@test "an authentication child that is killed ends its connection only" {
	start_sshd 'SpareSessions 1'
	hold
	session=$(pgrep -f 'sshd-session: 127.0.0.1 \[accepted\]' -P "$(cat "$SCRATCH/started")")
	child=$(pgrep -P "$session" -f '\[net\]')
	kill -KILL "$child"
	soon grep -q 'authentication process of 127.0.0.1 port [0-9]* was killed by signal 9' "$SSHD_LOG"
	run -0 ssh_ target true
}

@test "PerSourceMaxStartups" {
	start_sshd 'PerSourceMaxStartups 1'
	hold
	hold
	[ "$line" = $'Not allowed at this time\r' ]
	grep -q ' PerSourceMaxStartups' "$SSHD_LOG"
}

@test "LoginGraceTime frees the slot of a login that waits for a file for ever" {
	# Any file of a user's may be one that never opens; the banner is the
	# one for which that takes no more than a FIFO.
	mkfifo "$SCRATCH/banner"
	start_sshd 'LoginGraceTime 1' 'MaxStartups 1' "Banner $SCRATCH/banner"
	timeout 60 "$SSH" -F "$SCRATCH/ssh_config" target true 3>&- < /dev/null &
	client=$!
	killed() { grep -q 'was killed by signal 14' "$SSHD_LOG"; }
	soon killed || soon killed
	status=0
	wait "$client" || status=$?
	[ "$status" -eq 255 ]
	# Whoever made it wait is no crash of ours, and the slot is free.
	rm "$SCRATCH/banner"
	soon ssh_ target true
	! grep -q 'penalty.*crash' "$SSHD_LOG"
}

@test "LoginGraceTime frees the slot of a silent client" {
	start_sshd 'LoginGraceTime 1' 'MaxStartups 1'
	hold
	soon ssh_ target true
	grep -q 'Timeout before authentication for connection from 127.0.0.1 to 127.0.0.1' "$SSHD_LOG"
}

@test "PerSourcePenalties: who fails too often is refused for a while" {
	start_sshd 'PerSourcePenalties authfail:2 min:3 max:4'
	"$KEYGEN" -q -t ed25519 -N '' -f "$SCRATCH/stranger"
	for i in 1 2; do
		run -255 timeout 20 "$SSH" -F none -p "$PORT" -i "$SCRATCH/stranger" -o BatchMode=yes -o IdentitiesOnly=yes \
			-o UserKnownHostsFile="$SCRATCH/kh" -o StrictHostKeyChecking=no -o RememberHosts=no 127.0.0.1 true
	done
	refused() { hold; [ "$line" = $'Not allowed at this time\r' ]; }
	soon refused
	grep -q 'penalty: failed authentication' "$SSHD_LOG"
	sleep 4
	run -0 ssh_ target true
}

@test "PerSourcePenaltyExemptList" {
	start_sshd 'PerSourcePenalties noauth:10 min:1' 'PerSourcePenaltyExemptList 127.0.0.0/8'
	for i in 1 2 3; do
		hold
		let_go
	done
	run -0 ssh_ target true
}

@test "MaxAuthTries: the connection ends with the reason" {
	start_sshd 'MaxAuthTries 2'
	for i in 1 2 3; do
		"$KEYGEN" -q -t ed25519 -N '' -f "$SCRATCH/wrong$i"
	done
	run -255 timeout 20 /usr/bin/ssh -F none -p "$PORT" -i "$SCRATCH/wrong1" -i "$SCRATCH/wrong2" -i "$SCRATCH/wrong3" \
		-o BatchMode=yes -o IdentitiesOnly=yes -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no 127.0.0.1 true
	[[ "$output" == *"Too many authentication failures"* ]]
	grep -q "maximum authentication attempts exceeded for $ME from 127.0.0.1" "$SSHD_LOG"
	grep -q "Disconnecting authenticating user $ME 127.0.0.1 port [0-9]*: Too many authentication failures \[preauth\]" "$SSHD_LOG"
}

@test "MaxSessions 0 lets in, and opens no session" {
	start_sshd 'MaxSessions 0'
	run -255 ssh_ target true
	soon grep -q 'Accepted publickey' "$SSHD_LOG"
}

@test "what is no SSH is told so, and the daemon goes on" {
	start_sshd
	exec {fd}<>"/dev/tcp/127.0.0.1/$PORT"
	HELD+=("$fd")
	printf 'GET / HTTP/1.0\r\n\r\n' >&"$fd"
	reply=$(timeout 5 cat <&"$fd" || true)
	[[ "$reply" == *"Invalid SSH identification string."* ]]
	soon grep -qE 'banner exchange: Connection from 127.0.0.1 port [0-9]+: invalid format' "$SSHD_LOG"
	grep -q 'kex_exchange_identification: Invalid SSH identification string' "$SSHD_LOG"
	run -0 ssh_ target true
}

@test "who only looks whether somebody listens is logged in the words that are looked for" {
	start_sshd
	exec {fd}<>"/dev/tcp/127.0.0.1/$PORT"
	exec {fd}>&-
	soon grep -q 'kex_exchange_identification: \(read: \)\?Connection \(closed by remote host\|reset by peer\)' "$SSHD_LOG"
	soon grep -qE 'Connection (closed|reset) by 127.0.0.1 port [0-9]+.?$' "$SSHD_LOG"
	exec {fd}<>"/dev/tcp/127.0.0.1/$PORT"
	HELD+=("$fd")
	printf 'SSH-1.5-old\r\n' >&"$fd"
	soon grep -qE 'banner exchange: Connection from 127.0.0.1 port [0-9]+: could not read protocol version' "$SSHD_LOG"
}

@test "garbage after the identification ends that connection only" {
	start_sshd
	for i in 1 2 3; do
		exec {fd}<>"/dev/tcp/127.0.0.1/$PORT"
		HELD+=("$fd")
		{ printf 'SSH-2.0-x\r\n'; head -c 50000 /dev/urandom; } >&"$fd" 2>/dev/null || true
		timeout 5 cat <&"$fd" >/dev/null || true
	done
	run -0 ssh_ target true
}

@test "connections that come and go leave no process behind" {
	start_sshd 'SpareSessions 1'
	for i in $(seq 10); do
		hold
		let_go
		ssh_ target true
	done
	# The spare and the template.
	few() { [ "$(pgrep -c -P "$(cat "$SCRATCH/started")")" -le 2 ]; }
	soon few
	[ "$(ls "/proc/$(cat "$SCRATCH/started")/fd" | wc -l)" -lt 20 ]
}
