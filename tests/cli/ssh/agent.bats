# Keys of an agent: which are offered, in which order, and that no agent can
# keep anybody from logging in by a file.

setup_file() {
	load ../common
	start_sshd 'MaxAuthTries 4' 'PubkeyAcceptedAlgorithms +ssh-rsa'
	for type in rsa ecdsa; do
		"$KEYGEN" -q -t $type -N '' -C $type -f "$SCRATCH/user_$type"
	done
	"$KEYGEN" -q -t ed25519 -N 'pass phrase' -C locked -f "$SCRATCH/user_locked"
	"$KEYGEN" -q -t ed25519 -N '' -C stranger -f "$SCRATCH/stranger"
	"$KEYGEN" -q -t ed25519 -N '' -C ca -f "$SCRATCH/ca"
	"$KEYGEN" -q -t ed25519 -N '' -C certified -f "$SCRATCH/certified"
	"$KEYGEN" -q -s "$SCRATCH/ca" -I someone -n "$ME" "$SCRATCH/certified.pub"
	cat "$SCRATCH"/user_{rsa,ecdsa,locked}.pub >> "$SCRATCH/authorized_keys"
	echo "cert-authority $(cat "$SCRATCH/ca.pub")" >> "$SCRATCH/authorized_keys"
	printf '#!/bin/sh\necho "pass phrase"\n' > "$SCRATCH/askpass"
	chmod 700 "$SCRATCH/askpass"
}
teardown_file() { load ../common; stop_sshd; }
setup() {
	load ../common
	load ../agents
	cd "$BATS_TEST_TMPDIR"
	# The configuration without a key of its own.
	grep -v 'IdentityFile\|IdentitiesOnly' "$SCRATCH/ssh_config" > config
}
teardown() { stop_agents; }

# with_agent [argument of ssh]...: the agent's keys, and no others but those
# that are named.
with_agent() {
	timeout 60 "$SSH" -F config -o IdentityFile=none "$@"
}

order() {
	with_agent -Z "$@" target | cut -d' ' -f3-
}

offers() {
	sed -n 's/^debug1: Offering public key: //p' log | tr -d '\r'
}

@test "a key of the agent logs in, without any file" {
	start_agent
	add_keys "$SCRATCH/user_ed25519"
	run -0 with_agent -v -E log target true
	[ "$(offers)" = "user ED25519 $(fingerprint "$SCRATCH/user_ed25519") agent" ]
	grep -q 'bound agent to hostkey' log
}

@test "every type of key signs by the agent" {
	start_agent
	add_keys "$SCRATCH"/user_{rsa,ecdsa}
	for type in rsa ecdsa; do
		run -0 with_agent -v -o IdentitiesOnly=yes -i "$SCRATCH/user_$type.pub" target true
	done
	run -0 with_agent -o PubkeyAcceptedAlgorithms=rsa-sha2-256 target true
}

@test "certificates of the configuration, named keys, the agent's others, files" {
	start_agent
	add_keys "$SCRATCH"/{user_rsa,certified,stranger,user_ecdsa}
	run -0 order -o CertificateFile="$SCRATCH/certified-cert.pub" \
		-i "$SCRATCH/user_ed25519" -i "$SCRATCH/user_ecdsa" -i "$SCRATCH/user_rsa"
	# The agent's own order is that of what was added.
	[ "$output" = "$SCRATCH/certified-cert.pub
$SCRATCH/user_ecdsa
$SCRATCH/user_rsa
certified
stranger
$SCRATCH/user_ed25519" ]
}

@test "IdentitiesOnly leaves the agent's other keys out" {
	start_agent
	add_keys "$SCRATCH"/{stranger,user_ecdsa,certified}
	run -0 order -o IdentitiesOnly=yes -i "$SCRATCH/user_ed25519" -i "$SCRATCH/user_ecdsa.pub"
	[ "$output" = "$SCRATCH/user_ecdsa
$SCRATCH/user_ed25519" ]
}

@test "a public key alone chooses among the agent's keys" {
	start_agent
	add_keys "$SCRATCH"/{stranger,user_ed25519}
	cp "$SCRATCH/user_ed25519.pub" only.pub
	run -0 with_agent -o IdentitiesOnly=yes -i only.pub target true
	# Named as the private one that is not there, too.
	run -0 with_agent -o IdentitiesOnly=yes -o IdentityFile=only -v -E log target true
	[ "$(offers)" = "only ED25519 $(fingerprint only.pub) explicit agent" ]
	unset SSH_AUTH_SOCK
	run -255 with_agent -o IdentitiesOnly=yes -i only.pub target true
}

@test "IdentityAgent: a path, a variable, SSH_AUTH_SOCK, none" {
	start_agent
	add_keys "$SCRATCH/user_ed25519"
	export OTHER=$SSH_AUTH_SOCK SSH_AUTH_SOCK=$PWD/nobody
	run -255 with_agent target true
	run -0 with_agent -o IdentityAgent="$OTHER" target true
	run -0 with_agent -o 'IdentityAgent=$OTHER' target true
	run -0 with_agent -o 'IdentityAgent=${OTHER}' target true
	run -255 with_agent -o 'IdentityAgent=$NOWHERE' target true
	run -255 with_agent -o 'IdentityAgent=$1' target true
	[[ "$output" == *'Invalid IdentityAgent environment variable name $1'* ]]
	SSH_AUTH_SOCK=$OTHER
	run -0 with_agent -o IdentityAgent=SSH_AUTH_SOCK target true
	run -255 with_agent -o IdentityAgent=none target true
}

@test "what is started by ssh meets the agent of IdentityAgent" {
	start_agent
	add_keys "$SCRATCH/user_ed25519"
	export OTHER=$SSH_AUTH_SOCK
	unset SSH_AUTH_SOCK
	run -0 with_agent -o IdentityAgent="$OTHER" -o PermitLocalCommand=yes \
		-o 'LocalCommand=echo "agent $SSH_AUTH_SOCK"' target true
	[ "$output" = "agent $OTHER" ]
}

@test "the passphrase of a key that the agent has is not asked for" {
	start_agent
	SSH_ASKPASS=$SCRATCH/askpass SSH_ASKPASS_REQUIRE=force add_keys "$SCRATCH/user_locked"
	run -0 with_agent -i "$SCRATCH/user_locked" target true
	# Nor where the agent would not sign after all.
	stop_agents
	cp "$SCRATCH/user_locked" open
	"$KEYGEN" -q -p -P 'pass phrase' -N '' -f open
	start_stub refuse open
	run -255 env SSH_ASKPASS="$SCRATCH/askpass" SSH_ASKPASS_REQUIRE=force "$SSH" -F config \
		-o BatchMode=no -o IdentitiesOnly=yes -i "$SCRATCH/user_locked" target true
	[[ "$output" == *"the agent did not sign with $SCRATCH/user_locked"* ]]
}

@test "certificates of the agent, and certificates for its keys" {
	start_agent
	add_keys "$SCRATCH/certified"
	run -0 with_agent -v -E log target true
	[[ "$(offers)" == *"ED25519-CERT "*" agent"* ]]
	# The certificate in a file, the key in the agent.
	"$SSHADD" -q -D 2>/dev/null
	cp "$SCRATCH/certified" key
	add_keys key
	rm key
	run -255 with_agent target true
	run -0 with_agent -o CertificateFile="$SCRATCH/certified-cert.pub" target true
	run -0 with_agent -o CertificateFile="$SCRATCH/certified-cert.pub" \
		-o IdentitiesOnly=yes -i "$SCRATCH/certified.pub" target true
}

@test "a certificate of a security key, by its file and by the agent" {
	local library=$ROOT/build/release/tests/cli/tools/sk_software.so
	"$KEYGEN" -q -t ed25519-sk -w "$library" -N '' -f sk
	"$KEYGEN" -q -s "$SCRATCH/ca" -I someone -n "$ME" sk.pub
	run -0 with_agent -o SecurityKeyProvider="$library" -v -E log -i sk target true
	grep -q 'Server accepts key: sk ED25519-SK-CERT' log
	[ "$SSHADD" != /usr/bin/ssh-add ] || skip "providers are allowed by our agent's -P"
	start_agent -P "$ROOT/*"
	"$SSHADD" -q -S "$library" sk 2>/dev/null
	run -0 with_agent target true
}

@test "a key that is restricted to hosts is used with these only" {
	start_agent
	"$SSHADD" -q -h target -H "$SCRATCH/known_hosts" "$SCRATCH/user_ed25519"
	run -0 with_agent target true
	sed -i 's/HostKeyAlias target/HostKeyAlias other/' config
	sed 's/^target /other /' "$SCRATCH/known_hosts" > known_hosts
	"$KEYGEN" -q -t ed25519 -N '' -f elsewhere
	echo "elsewhere $(cut -d' ' -f1,2 elsewhere.pub)" >> known_hosts
	"$SSHADD" -q -D
	"$SSHADD" -q -h elsewhere -H known_hosts "$SCRATCH/user_ed25519"
	run -255 with_agent -o UserKnownHostsFile=known_hosts target true
}

# ---- agents that are of no use ----

@test "an agent that is gone, locked or empty keeps nobody out" {
	start_agent
	run -0 with_agent -i "$SCRATCH/user_ed25519" target true
	add_keys "$SCRATCH/stranger"
	printf '#!/bin/sh\necho lock\n' > askpass
	chmod 700 askpass
	SSH_ASKPASS=$PWD/askpass SSH_ASKPASS_REQUIRE=force "$SSHADD" -q -x
	run -0 with_agent -i "$SCRATCH/user_ed25519" target true
	stop_agents
	run -0 with_agent -i "$SCRATCH/user_ed25519" target true
	SSH_AUTH_SOCK=$PWD
	run -0 with_agent -i "$SCRATCH/user_ed25519" target true
	SSH_AUTH_SOCK=$(printf '/%0200d' 7)
	run -0 with_agent -i "$SCRATCH/user_ed25519" target true
}

@test "an agent that lies keeps nobody out" {
	for mode in close noise long refuse false dies no-bind; do
		echo "$mode"
		start_stub $mode "$SCRATCH/user_ed25519"
		run -0 with_agent -i "$SCRATCH/user_ed25519" target true
		[[ "$output" == *"signing failed for ED25519 \"$SCRATCH/user_ed25519\" from agent: "* ]] ||
			[[ $mode == @(close|noise|long|no-bind) ]]
		stop_agents
	done
}

@test "an agent that never answers is given up" {
	start_stub silent
	run -0 with_agent -i "$SCRATCH/user_ed25519" -v -E log target true
	grep -q 'the agent does not answer' log
}

@test "an agent that hangs up at what it does not know, and one in small pieces, still sign" {
	for mode in no-bind drip; do
		start_stub $mode "$SCRATCH/user_ed25519"
		run -0 with_agent target true
		stop_agents
	done
}

@test "a failure names the agent's key by comment and fingerprint" {
	start_stub refuse "$SCRATCH/user_ed25519"
	run -255 --separate-stderr with_agent target true
	[[ "$stderr" == *'signing failed for ED25519 "stub agent" from agent: agent refused operation'* ]]
	[[ "$stderr" == *"ssh: offered: key stub agent in the agent (ED25519 $(fingerprint "$SCRATCH/user_ed25519"))"* ]]
	[[ "$stderr" == *"ssh: most likely: the agent did not sign with stub agent; "* ]]
	stop_agents
	start_agent
	add_keys "$SCRATCH/stranger"
	run -255 --separate-stderr with_agent target true
	[[ "$stderr" == *"ssh: offered: key stranger in the agent (ED25519 "* ]]
	[[ "$stderr" == *"ssh-add -L shows it"* ]]
}

@test "RSA of an agent that only knows SHA-1: the file, or what both allow" {
	start_stub old-rsa "$SCRATCH/user_rsa"
	run -0 with_agent -i "$SCRATCH/user_rsa" target true
	[[ "$output" == *"the agent signed by ssh-rsa where rsa-sha2-512 was asked for"* ]]
	run -255 with_agent target true
	run -0 with_agent -o PubkeyAcceptedAlgorithms=+ssh-rsa target true
	run -255 with_agent target true
}

@test "among a hundred keys the named one comes first" {
	start_stub crowd "$SCRATCH/user_ed25519"
	run -255 --separate-stderr with_agent target true
	[[ "$stderr" == *"Too many authentication failures"* ]]
	[[ "$stderr" == *"name the right key: -i FILE"* ]]
	run -0 with_agent -i "$SCRATCH/user_ed25519.pub" target true
}

# ---- AddKeysToAgent ----

agent_has() {
	"$SSHADD" -L 2>/dev/null | grep -q "$(cut -d' ' -f2 "$1")"
}

@test "AddKeysToAgent puts a key that was of use into the agent" {
	start_agent
	run -0 with_agent -i "$SCRATCH/user_ed25519" target true
	run ! agent_has "$SCRATCH/user_ed25519.pub"
	run -0 with_agent -o AddKeysToAgent=yes -i "$SCRATCH/stranger" -i "$SCRATCH/user_ed25519" target true
	agent_has "$SCRATCH/user_ed25519.pub"
	run ! agent_has "$SCRATCH/stranger.pub"
	"$SSHADD" -L | grep -q ' user$'
	# An encrypted one: afterwards it needs no passphrase.
	run -0 env SSH_ASKPASS="$SCRATCH/askpass" SSH_ASKPASS_REQUIRE=force \
		"$SSH" -F config -o BatchMode=no -o AddKeysToAgent=yes \
		-o IdentitiesOnly=yes -i "$SCRATCH/user_locked" target true
	run -0 with_agent -o IdentitiesOnly=yes -i "$SCRATCH/user_locked" target true
}

@test "AddKeysToAgent with a time" {
	start_agent
	run -0 with_agent -o AddKeysToAgent=2s -i "$SCRATCH/user_ed25519" target true
	for _ in $(seq 200); do
		agent_has "$SCRATCH/user_ed25519.pub" || return 0
		sleep 0.05
	done
	false
}

@test "AddKeysToAgent ask and confirm" {
	start_agent
	printf '#!/bin/sh\necho "$1" >> asked\nexit $(cat status)\n' > askpass
	chmod 700 askpass
	export SSH_ASKPASS=$PWD/askpass SSH_ASKPASS_REQUIRE=force
	echo 1 > status
	run -0 with_agent -o BatchMode=no -o AddKeysToAgent=ask -i "$SCRATCH/user_ed25519" target true
	run ! agent_has "$SCRATCH/user_ed25519.pub"
	[[ "$(cat asked)" == "Add key $SCRATCH/user_ed25519 ($(fingerprint "$SCRATCH/user_ed25519")) to agent?"* ]]
	echo 0 > status
	run -0 with_agent -o BatchMode=no -o AddKeysToAgent=ask -i "$SCRATCH/user_ed25519" target true
	agent_has "$SCRATCH/user_ed25519.pub"
	"$SSHADD" -q -D
	# Each use of it is confirmed by the agent's ask-pass program.
	stop_agents
	start_agent
	run -0 with_agent -o AddKeysToAgent='confirm 1h' -i "$SCRATCH/user_ed25519" target true
	rm -f asked
	run -0 with_agent target true
	[[ "$(cat asked)" == *"Allow use of key"* ]]
	echo 1 > status
	run -255 with_agent target true
}

@test "a key that others can read: the chmod that helps, unless the agent has it" {
	cp "$SCRATCH/user_ed25519" key
	cp "$SCRATCH/user_ed25519.pub" key.pub
	chmod 644 key
	run -255 --separate-stderr with_agent -i key target true
	[[ "$stderr" == *"Permissions 0644 for 'key' are too open."* ]]
	[[ "$stderr" == *'Load key "key": bad permissions'* ]]
	[[ "$stderr" == *"chmod 600 key"* ]]
	start_agent
	add_keys "$SCRATCH/user_ed25519"
	run -0 --separate-stderr with_agent -i key target true
	[ -z "$stderr" ]
}
