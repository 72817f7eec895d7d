# Shared by the tests of ssh-agent and ssh-add: keys, a home of its own, an
# agent that ends with the test.
#
#   setup() { load ../agent; agent_setup; }
#   teardown() { agent_teardown; }

load ../common

AGENT=$BIN/ssh-agent
ADD=$BIN/ssh-add
export AGENT ADD

# Keys once for a file: ed, ec, rsa, locked (passphrase pw), cert (with a
# certificate), ca.
agent_keys() {
	local kind
	[ -e "$SCRATCH/keys/done" ] && return
	mkdir -p "$SCRATCH/keys"
	"$KEYGEN" -q -t ed25519 -N '' -C 'the ed' -f "$SCRATCH/keys/ed"
	"$KEYGEN" -q -t ecdsa -N '' -C 'the ec' -f "$SCRATCH/keys/ec"
	"$KEYGEN" -q -t rsa -b 2048 -N '' -C 'the rsa' -f "$SCRATCH/keys/rsa"
	"$KEYGEN" -q -t ed25519 -N pw -a 1 -C 'the locked' -f "$SCRATCH/keys/locked"
	"$KEYGEN" -q -t ed25519 -N '' -C 'the cert' -f "$SCRATCH/keys/cert"
	"$KEYGEN" -q -t ed25519 -N '' -C 'the ca' -f "$SCRATCH/keys/ca"
	"$KEYGEN" -q -s "$SCRATCH/keys/ca" -I 'an id' -n me "$SCRATCH/keys/cert.pub"
	touch "$SCRATCH/keys/done"
}

agent_setup() {
	agent_keys
	cd "$BATS_TEST_TMPDIR" || return
	cp "$SCRATCH"/keys/* .
	export HOME=$BATS_TEST_TMPDIR/home SHELL=/bin/sh
	mkdir -m 700 "$HOME"
	unset SSH_AGENT_PID SSH_SK_PROVIDER TMPDIR
}

# start_agent [flag]...
start_agent() {
	eval "$("$AGENT" -s "$@" | grep -v '^echo')"
	[ -S "$SSH_AUTH_SOCK" ]
	echo "$SSH_AGENT_PID" >> "$BATS_TEST_TMPDIR/agents"
}

agent_teardown() {
	local pid
	[ -e "$BATS_TEST_TMPDIR/agents" ] || return 0
	while read -r pid; do
		kill "$pid" 2> /dev/null || true
	done < "$BATS_TEST_TMPDIR/agents"
}

# await COMMAND...: until it succeeds, 20 seconds at most.
await() {
	local _
	for _ in $(seq 400); do
		"$@" && return 0
		sleep 0.05
	done
	echo "waited in vain for: $*"
	return 1
}

gone() {
	! kill -0 "$1" 2> /dev/null
}

# askpass TEXT STATUS: a program that notes its question, prints and exits.
askpass() {
	cat > ask <<-END
		#!/bin/sh
		printf '%s|%s\n' "\$SSH_ASKPASS_PROMPT" "\$1" >> "$PWD/asked"
		printf '%s\n' '$1'
		exit $2
	END
	chmod +x ask
	export SSH_ASKPASS=$PWD/ask SSH_ASKPASS_REQUIRE=force
}

# The comments of the agent's keys in a line.
comments() {
	"$ADD" -L 2> /dev/null | cut -d' ' -f3- | paste -sd,
}
