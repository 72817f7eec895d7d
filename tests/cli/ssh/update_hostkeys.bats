# UpdateHostKeys: other keys of a server that is known are learnt once proved,
# and keys that it has no more go.

setup_file() {
	load ../common
	make_keys
	for t in ecdsa rsa; do
		"$KEYGEN" -q -t $t -N '' -f "$SCRATCH/host_$t"
	done
	"$KEYGEN" -q -t ecdsa -b 384 -N '' -f "$SCRATCH/former"
	start_sshd "HostKey $SCRATCH/host_ecdsa" "HostKey $SCRATCH/host_rsa"
}
teardown_file() { load ../common; stop_sshd; }
setup() {
	load ../common
	K=$BATS_TEST_TMPDIR/known
	K2=$BATS_TEST_TMPDIR/known2
	text() { cut -d' ' -f1,2 "$SCRATCH/$1.pub"; }
	known() { echo "target $(text "${1:-host_ed25519}")"; }
}

with() {
	# The first value wins.
	ssh_ "$@" -o UserKnownHostsFile="$K" -o UpdateHostKeys=yes -o LogLevel=VERBOSE target true
}
# check NAMES KEY...: the lines of the file, in any order.
check() {
	local names=$1 k
	shift
	[ "$(sort "$K")" = "$(for k; do echo "$names $(text "$k")"; done | sort)" ]
}

@test "other keys are learnt" {
	known > "$K"
	run -0 with
	[[ "$output" == *"Learned new hostkey: ECDSA SHA256:"* ]]
	[[ "$output" == *"Learned new hostkey: RSA SHA256:"* ]]
	check target host_ed25519 host_ecdsa host_rsa
	run -0 with
	[[ "$output" != *Learned* ]]
	check target host_ed25519 host_ecdsa host_rsa
}

@test "whatever the key of the connection is" {
	for t in ed25519:ssh-ed25519 ecdsa:ecdsa-sha2-nistp256 rsa:rsa-sha2-512 rsa:rsa-sha2-256; do
		known "host_${t%%:*}" > "$K"
		run -0 with -o HostKeyAlgorithms="${t#*:},ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-512"
		check target host_ed25519 host_ecdsa host_rsa
	done
}

@test "keys that the server has no more go, and other lines stay as they are" {
	{
		echo '# mine'
		known
		echo "target  $(text former)"
		echo "other $(text user_ed25519) comment"
		known host_ecdsa
	} > "$K"
	run -0 with
	[[ "$output" == *"Deprecating obsolete hostkey: ECDSA SHA256:"* ]]
	{
		echo '# mine'
		known
		echo "other $(text user_ed25519) comment"
		known host_ecdsa
		known host_rsa
	} > "$K2"
	diff "$K" "$K2"
}

@test "keys go from the other files too, and new ones into the first" {
	known > "$K"
	known former > "$K2"
	run -0 with -o UserKnownHostsFile="$K $K2"
	check target host_ed25519 host_ecdsa host_rsa
	[ ! -s "$K2" ]
}

@test "only types that would be taken are learnt" {
	known > "$K"
	run -0 with -o HostKeyAlgorithms=ssh-ed25519,ecdsa-sha2-nistp256
	check target host_ed25519 host_ecdsa
	run -0 with -o RequiredRSASize=4096
	check target host_ed25519 host_ecdsa
}

@test "hashed names" {
	known > "$K"
	run -0 with -o HashKnownHosts=yes
	[ "$(grep -c '^|1|' "$K")" -eq 2 ]
	run -0 with
	[ "$(wc -l < "$K")" -eq 3 ]
	# A file of hashed names only.
	grep '^|1|' "$K" > "$K2"
	mv "$K2" "$K"
	run -0 with -o HostKeyAlgorithms=ecdsa-sha2-nistp256,ssh-ed25519,rsa-sha2-512
	[ "$(wc -l < "$K")" -eq 3 ]
}

@test "a host with a list of names, a pattern, a CA or a revoked key is left alone" {
	for names in 'target,second' 'tar*' 'target,!other' '*'; do
		echo "$names $(text host_ed25519)" > "$K"
		cp "$K" "$K2"
		run -0 with
		diff "$K" "$K2"
	done
	for more in "@cert-authority target $(text former)" "@revoked target $(text former)"; do
		{ known; echo "$more"; } > "$K"
		cp "$K" "$K2"
		run -0 with
		diff "$K" "$K2"
	done
}

@test "a host and its address on one line are no list" {
	echo "target,127.0.0.1 $(text host_ed25519)" > "$K"
	run -0 with
	[ "$(wc -l < "$K")" -eq 3 ]
}

@test "a key that stands under another name as well is left alone" {
	{ known; echo "second $(text host_ecdsa)"; } > "$K"
	cp "$K" "$K2"
	run -0 with
	diff "$K" "$K2"
	{ known; known former; echo "second $(text former)"; } > "$K"
	cp "$K" "$K2"
	run -0 with
	diff "$K" "$K2"
}

@test "keys known from elsewhere than the person's files teach nothing" {
	known > "$K2"
	run -0 with -o GlobalKnownHostsFile="$K2"
	[ ! -e "$K" ]
	printf '#!/bin/sh\ncat %s\n' "$K2" > "$BATS_TEST_TMPDIR/command"
	chmod 755 "$BATS_TEST_TMPDIR/command"
	run -0 with -o KnownHostsCommand="$BATS_TEST_TMPDIR/command"
	[ ! -e "$K" ]
	run -0 with -o StrictHostKeyChecking=accept-new
	check target host_ed25519
}

@test "a host that the person accepted teaches at once" {
	run -0 "$PTYRUN" -e '(yes/no' -s 'yes\r' -- "$SSH" -F "$SCRATCH/ssh_config" -o BatchMode=no \
		-o StrictHostKeyChecking=ask -o UserKnownHostsFile="$K" -o UpdateHostKeys=yes target true
	check target host_ed25519 host_ecdsa host_rsa
}

@test "the question: yes, no, and nobody to ask" {
	known > "$K"
	ask() {
		"$PTYRUN" "$@" -- "$SSH" -F "$SCRATCH/ssh_config" -o BatchMode=no \
			-o UserKnownHostsFile="$K" -o UpdateHostKeys=ask target 'sleep 1'
	}
	run -0 ask -e 'Accept updated hostkeys? (yes/no): ' -s 'no\r'
	check target host_ed25519
	run -0 with -o UpdateHostKeys=ask
	check target host_ed25519
	run -0 ask -e 'Accept updated hostkeys? (yes/no): ' -s 'what\r' -e '"no": ' -s 'yes\r'
	check target host_ed25519 host_ecdsa host_rsa
}

@test "off: by the option, and by default where the file or DNS is given" {
	known > "$K"
	run -0 with -o UpdateHostKeys=no
	check target host_ed25519
	run -0 ssh_ -o UserKnownHostsFile="$K" target true
	check target host_ed25519
	[[ "$("$SSH" -F none -G host)" == *'updatehostkeys true'* ]]
	[[ "$("$SSH" -F none -o VerifyHostKeyDNS=yes -G host)" == *'updatehostkeys false'* ]]
}

@test "a file that cannot be written does not matter" {
	run -0 with -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no
	[ -c /dev/null ]
	known > "$K"
	mkdir "$BATS_TEST_TMPDIR/closed"
	mv "$K" "$BATS_TEST_TMPDIR/closed"
	chattr +i "$BATS_TEST_TMPDIR/closed" 2>/dev/null || chmod 500 "$BATS_TEST_TMPDIR/closed"
	run -0 ssh_ -o UserKnownHostsFile="$BATS_TEST_TMPDIR/closed/known" -o UpdateHostKeys=yes target echo in
	[[ "$output" == *in* ]]
	chattr -i "$BATS_TEST_TMPDIR/closed" 2>/dev/null || chmod 700 "$BATS_TEST_TMPDIR/closed"
}

@test "OpenSSH's sshd teaches as well, all algorithms" {
	[ -x /usr/sbin/sshd ] || skip "no OpenSSH sshd"
	[ "$(id -u)" -ne 0 ] || mkdir -p /run/sshd
	grep -v PerSource "$SCRATCH/sshd_config" > "$BATS_TEST_TMPDIR/config"
	for t in ed25519:ssh-ed25519 rsa:rsa-sha2-256 ecdsa:ecdsa-sha2-nistp256; do
		known "host_${t%%:*}" > "$K"
		run -0 with -o HostKeyAlgorithms="${t#*:},ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-512" \
			-o ProxyCommand="/usr/sbin/sshd -i -f $BATS_TEST_TMPDIR/config -E $BATS_TEST_TMPDIR/log"
		check target host_ed25519 host_ecdsa host_rsa
	done
}
