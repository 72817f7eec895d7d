# VerifyHostKeyDNS: with a name server of our own, in namespaces where
# /etc/resolv.conf names it.

setup_file() {
	load ../common
	[ "$(id -u)" -eq 0 ] && unshare --net --mount true 2>/dev/null || return 0
	make_keys
	PORT=22
	write_sshd_config
	write_ssh_config
	: > "$SCRATCH/nobody"
	print() { "$KEYGEN" -r "$1" -f "$2" | cut -d' ' -f1,4-6; }
	"$KEYGEN" -q -t ed25519 -N '' -f "$SCRATCH/other"
	"$KEYGEN" -q -t ecdsa -N '' -f "$SCRATCH/ecdsa"
	{
		print good.test "$SCRATCH/host_ed25519"
		print bad.test "$SCRATCH/other"
		print both.test "$SCRATCH/other"
		print both.test "$SCRATCH/host_ed25519"
		print type.test "$SCRATCH/ecdsa"
		print old.test "$SCRATCH/host_ed25519" | grep ' 4 1 '
		print mixed.test "$SCRATCH/host_ed25519" | grep ' 4 1 '
		print mixed.test "$SCRATCH/other" | grep ' 4 2 '
		echo "!broken.test"
	} > "$SCRATCH/records"
}
setup() {
	load ../common
	[ "$(id -u)" -eq 0 ] && unshare --net --mount true 2>/dev/null || skip "needs root and namespaces"
	K=$BATS_TEST_TMPDIR/known
}

# dns TRUST COMMAND...: runs it beside the name server; TRUST is the options
# line of resolv.conf.
dns() {
	local trust=$1
	shift
	printf 'nameserver 127.0.0.1\noptions timeout:5 attempts:1 %s\n' "$trust" > "$BATS_TEST_TMPDIR/resolv.conf"
	export ROOT SCRATCH BATS_TEST_TMPDIR
	timeout 60 unshare --net --mount --fork --kill-child bash -c '
		set -u
		mount --make-rprivate /
		mount --bind "$BATS_TEST_TMPDIR/resolv.conf" "$(readlink -f /etc/resolv.conf)"
		ip link set lo up
		mapfile -t records < "$SCRATCH/records"
		rm -f "$BATS_TEST_TMPDIR/ready"
		/usr/bin/python3 "$ROOT/tests/cli/tools/dns_responder.py" 127.0.0.1 53 \
			"$BATS_TEST_TMPDIR/ready" "${records[@]}" </dev/null 3>&- &
		server=$!
		for _ in $(seq 200); do
			[ -e "$BATS_TEST_TMPDIR/ready" ] && break
			sleep 0.05
		done
		"$@"
		status=$?
		kill "$server"
		exit $status
	' bash "$@"
}
# login TRUST HOST OPTION...
login() {
	local trust=$1 host=$2
	shift 2
	dns "$trust" "${PROGRAM:-$SSH}" -F "$SCRATCH/ssh_config" "$@" \
		-o IgnoreUnknown=RememberHosts -o UserKnownHostsFile="$K" -o VerifyHostKeyDNS=yes \
		-o ProxyCommand="$BIN/sshd -i -f $SCRATCH/sshd_config -E $BATS_TEST_TMPDIR/log" "$host" echo in
}

@test "a record that the resolver validated is enough" {
	for host in good.test both.test old.test; do
		run -0 login trust-ad $host
		[ "$output" = in ]
		[ ! -e "$K" ]
	done
}

@test "without trust in the resolver, or with ask, it is not" {
	run -255 login '' good.test
	[[ "$output" == *"No ED25519 host key is known for good.test and you have requested strict checking."* ]]
	run -255 login trust-ad good.test -o VerifyHostKeyDNS=ask
	[[ "$output" == *"No ED25519 host key is known for good.test"* ]]
}

@test "the question says what DNS says" {
	PROGRAM=$BATS_TEST_TMPDIR/asking
	printf '#!/bin/sh\nshift 2\nexec "%s" -e "(yes/no" -s "yes\\r" -- "%s" -F "%s" -o BatchMode=no -o StrictHostKeyChecking=ask "$@"\n' \
		"$PTYRUN" "$SSH" "$SCRATCH/ssh_config" > "$PROGRAM"
	chmod 755 "$PROGRAM"
	run -0 login '' good.test
	[[ "$output" == *"key fingerprint is SHA256:"*"Matching host key fingerprint found in DNS."*"Are you sure"* ]]
	rm "$K"
	run -0 login '' none.test
	[[ "$output" == *"No matching host key fingerprint found in DNS."* ]]
	rm "$K"
	run -0 login '' 192.0.2.1
	[[ "$output" != *"found in DNS"* ]]
}

@test "records of other keys warn, and the known file decides" {
	for host in bad.test type.test mixed.test; do
		echo "$host $(cut -d' ' -f1,2 "$SCRATCH/host_ed25519.pub")" > "$K"
		run -0 login trust-ad $host
		[[ "$output" == *"REMOTE HOST IDENTIFICATION HAS CHANGED"*"Update the SSHFP RR in DNS with the new host key"*in ]]
		rm "$K"
		run -255 login trust-ad $host
	done
}

@test "names without records, and servers that fail, are as without DNS" {
	for host in none.test broken.test; do
		run -255 login trust-ad $host
		[[ "$output" != *"IDENTIFICATION HAS CHANGED"* ]]
		echo "$host $(cut -d' ' -f1,2 "$SCRATCH/host_ed25519.pub")" > "$K"
		run -0 login trust-ad $host
		rm "$K"
	done
}

@test "OpenSSH's client agrees" {
	[ -x /usr/bin/ssh ] || skip "no OpenSSH client"
	for program in "$SSH" /usr/bin/ssh; do
		# It wants all records of a type to be of the key; RFC 4255 does not.
		for host in good.test old.test; do
			PROGRAM=$program run -0 login trust-ad $host
			PROGRAM=$program run -255 login '' $host
		done
		for host in bad.test type.test none.test; do
			PROGRAM=$program run -255 login trust-ad $host
		done
	done
}
