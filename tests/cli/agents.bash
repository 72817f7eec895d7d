# Agents for tests, in the background and gone afterwards.
#
#   setup() { load ../common; load ../agents; }
#   teardown() { stop_agents; }
#
# SSHAGENT and SSHADD: ours where they are built, else Debian's.

SSHAGENT=${SSHAGENT:-$BIN/ssh-agent}
SSHADD=${SSHADD:-$BIN/ssh-add}
[ -x "$SSHAGENT" ] || SSHAGENT=/usr/bin/ssh-agent
[ -x "$SSHADD" ] || SSHADD=/usr/bin/ssh-add
STUBAGENT=$ROOT/build/release/tests/cli/tools/stubagent
export SSHAGENT SSHADD

# wait_for_socket PID: until SSH_AUTH_SOCK is there.
wait_for_socket() {
	echo "$1" >> "$BATS_TEST_TMPDIR/agents"
	for _ in $(seq 200); do
		[ -S "$SSH_AUTH_SOCK" ] && return 0
		kill -0 "$1" 2>/dev/null || return 1
		sleep 0.05
	done
	return 1
}

# start_agent [OPTION]...: sets SSH_AUTH_SOCK.
start_agent() {
	export SSH_AUTH_SOCK=$BATS_TEST_TMPDIR/agent.$RANDOM
	"$SSHAGENT" -D -a "$SSH_AUTH_SOCK" "$@" </dev/null >/dev/null 2>&1 3>&- &
	wait_for_socket $!
}

# start_stub MODE [KEYFILE]...: see tests/cli/tools/stubagent.c.
start_stub() {
	local mode=$1
	shift
	export SSH_AUTH_SOCK=$BATS_TEST_TMPDIR/stub.$RANDOM
	"$STUBAGENT" "$mode" "$SSH_AUTH_SOCK" "$@" </dev/null >/dev/null 2>&1 3>&- &
	wait_for_socket $!
}

add_keys() {
	"$SSHADD" -q "$@" 2>/dev/null
}

stop_agents() {
	local pid
	[ -s "$BATS_TEST_TMPDIR/agents" ] || return 0
	while read -r pid; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done < "$BATS_TEST_TMPDIR/agents"
	rm -f "$BATS_TEST_TMPDIR/agents"
}
