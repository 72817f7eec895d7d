# Host keys in an agent, and what the daemon tells a client of its keys.

setup_file() {
	load ../common
	make_keys
	AGENT=$BIN/ssh-agent ADD=$BIN/ssh-add
	[ -x "$AGENT" ] || AGENT=/usr/bin/ssh-agent
	export ADD
	[ -x "$ADD" ] || ADD=/usr/bin/ssh-add
	"$KEYGEN" -q -t ecdsa -N '' -f "$SCRATCH/held"
	"$KEYGEN" -q -t rsa -b 2048 -N '' -f "$SCRATCH/held_rsa"
	"$KEYGEN" -q -t ed25519 -N '' -f "$SCRATCH/ca"
	"$KEYGEN" -q -s "$SCRATCH/ca" -h -I host -n target "$SCRATCH/held.pub"
	"$AGENT" -D -a "$SCRATCH/agent" </dev/null >/dev/null 2>&1 3>&- &
	echo $! > "$SCRATCH/agent.pid"
	for _ in $(seq 200); do
		[ -S "$SCRATCH/agent" ] && break
		sleep 0.05
	done
	SSH_AUTH_SOCK=$SCRATCH/agent "$ADD" -q -k "$SCRATCH/held" "$SCRATCH/held_rsa"
	mkdir "$SCRATCH/kept"
	mv "$SCRATCH/held" "$SCRATCH/held_rsa" "$SCRATCH/kept"
	start_sshd "HostKeyAgent $SCRATCH/agent" "HostKey $SCRATCH/held" "HostKey $SCRATCH/held_rsa.pub" \
		"HostCertificate $SCRATCH/held-cert.pub" || return 1
	for k in held held_rsa; do
		echo "target $(cut -d' ' -f1,2 "$SCRATCH/$k.pub")"
	done >> "$SCRATCH/known_hosts"
}
teardown_file() {
	load ../common
	stop_sshd
	kill "$(cat "$SCRATCH/agent.pid")" 2>/dev/null || true
}
setup() { load ../common; : > "$SSHD_LOG"; }

configure() {
	[ -e "$SCRATCH/base" ] || cp "$SCRATCH/sshd_config" "$SCRATCH/base"
	{ printf '%s\n' "$@"; cat "$SCRATCH/base"; } > "$SCRATCH/sshd_config"
	rm -f "$SCRATCH/sshd.pid"
	kill -HUP "$(cat "$SCRATCH/started")"
	wait_for_sshd "$(cat "$SCRATCH/started")"
}

@test "keys of the agent sign, private or public file named" {
	for a in ecdsa-sha2-nistp256 rsa-sha2-512 rsa-sha2-256 ssh-ed25519; do
		run -0 ssh_ -o HostKeyAlgorithms=$a target echo in
		[ "$output" = in ]
	done
}

@test "a key of the agent with a certificate" {
	echo "@cert-authority target $(cat "$SCRATCH/ca.pub")" > "$SCRATCH/known_ca"
	run -0 ssh_ -o UserKnownHostsFile="$SCRATCH/known_ca" \
		-o HostKeyAlgorithms=ecdsa-sha2-nistp256-cert-v01@openssh.com target echo in
	[ "$output" = in ]
}

@test "rekeying asks the agent again" {
	count_bytes() { ssh_ -o HostKeyAlgorithms=ecdsa-sha2-nistp256 -o RekeyLimit=1M target "$1" | wc -c; }
	run -0 count_bytes 'head -c 5000000 /dev/zero'
	[ "$output" = 5000000 ]
}

@test "SSH_AUTH_SOCK names the agent of inetd mode" {
	sed "s,^HostKeyAgent .*,HostKeyAgent SSH_AUTH_SOCK," "$SCRATCH/sshd_config" > "$SCRATCH/inetd_config"
	run -0 env SSH_AUTH_SOCK="$SCRATCH/agent" timeout 30 "$SSH" -F "$SCRATCH/ssh_config" \
		-o HostKeyAlgorithms=ecdsa-sha2-nistp256 \
		-o ProxyCommand="$BIN/sshd -i -f $SCRATCH/inetd_config -E $SCRATCH/inetd.log" target echo in
	[ "$output" = in ]
}

@test "an agent that is not there leaves only the keys with files" {
	configure "HostKeyAgent $SCRATCH/none"
	run -0 ssh_ -o HostKeyAlgorithms=ssh-ed25519 target true
	run -255 ssh_ -o HostKeyAlgorithms=ecdsa-sha2-nistp256 target true
	grep -q "Could not connect to agent: .*$SCRATCH/none: No such file" "$SSHD_LOG"
	grep -q "Unable to load host key \"$SCRATCH/held\"" "$SSHD_LOG"
	configure
}

@test "an agent without the key ends the login, not the daemon" {
	SSH_AUTH_SOCK=$SCRATCH/agent "${ADD:-/usr/bin/ssh-add}" -q -d "$SCRATCH/held_rsa.pub"
	run -255 ssh_ -o HostKeyAlgorithms=rsa-sha2-512 target true
	grep -q 'cannot sign with the host key for rsa-sha2-512' "$SSHD_LOG"
	run -0 ssh_ target true
	SSH_AUTH_SOCK=$SCRATCH/agent "${ADD:-/usr/bin/ssh-add}" -q "$SCRATCH/kept/held_rsa"
	run -0 ssh_ -o HostKeyAlgorithms=rsa-sha2-512 target true
}

@test "OpenSSH's client learns all keys, those of the agent too" {
	[ -x /usr/bin/ssh ] || skip "no OpenSSH client"
	for first in ssh-ed25519 rsa-sha2-256 ecdsa-sha2-nistp256; do
		grep "${first/rsa-sha2-256/ssh-rsa}" "$SCRATCH/known_hosts" > "$SCRATCH/learnt"
		run -0 timeout 30 /usr/bin/ssh -F "$SCRATCH/ssh_config" -o IgnoreUnknown=RememberHosts \
			-o HostKeyAlgorithms=$first,ssh-ed25519,rsa-sha2-512,ecdsa-sha2-nistp256 \
			-o UserKnownHostsFile="$SCRATCH/learnt" -o UpdateHostKeys=yes target true
		[ "$(wc -l < "$SCRATCH/learnt")" -eq 3 ]
		for k in held held_rsa host_ed25519; do
			grep -qF "$(cut -d' ' -f2 "$SCRATCH/$k.pub")" "$SCRATCH/learnt"
		done
	done
}
