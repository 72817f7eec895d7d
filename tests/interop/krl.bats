# Key revocation lists between our ssh-keygen, ssh and sshd and OpenSSH's: made
# by one, shown and judged by the other.

THEIR_KEYGEN=/usr/bin/ssh-keygen

setup_file() {
	load ../cli/common
	[ -x "$THEIR_KEYGEN" ] || skip "no OpenSSH"
	start_sshd "RevokedKeys $SCRATCH/revoked" "TrustedUserCAKeys $SCRATCH/ca.pub"
	cd "$SCRATCH"
	for k in ca ca2 a b c; do
		"$KEYGEN" -q -N '' -f $k -C "the $k"
	done
	"$KEYGEN" -q -t rsa -b 1024 -N '' -f r
	for serial in 0 1 5 70 71 1000 20000 90000; do
		"$KEYGEN" -q -s ca -I "id $serial" -n "$ME" -z $serial a.pub
		mv a-cert.pub cert_$serial.pub
		"$KEYGEN" -q -s ca2 -I "id $serial" -n "$ME" -z $serial a.pub
		mv a-cert.pub cert2_$serial.pub
	done
	"$KEYGEN" -q -k -f empty
	cat > spec <<-END
		serial: 5
		serial: 64-70
		serial: 1000-80000
		$(seq -f 'serial: %.0f' 90000 3 100000)
		serial: 18446744073709551000-18446744073709551615
		id: id 0
		id: another
		key: $(cat b.pub)
		sha1: $(cat r.pub)
		sha256: $(cat c.pub)
		hash: $("$KEYGEN" -l -f ca2.pub | cut -d' ' -f2)
	END
}

teardown_file() {
	load ../cli/common
	stop_sshd
}

setup() {
	load ../cli/common
	cd "$SCRATCH"
}

# Without the lines that say when, and hashes in either spelling.
shown() {
	TZ=UTC "$1" -Q -l -f "$2" | sed '/^# Generated/d; /^hash: SHA256:[^#]*$/d'
}

judged() {
	"$1" -Q -f "$2" a.pub b.pub c.pub r.pub ca.pub ca2.pub cert*.pub || :
}

@test "lists of both say the same to both" {
	for ca in ca ca.pub none; do
		"$KEYGEN" -q -k -f ours -s $ca -z 9 spec
		"$THEIR_KEYGEN" -q -k -f theirs -s $ca -z 9 spec
		shown "$KEYGEN" ours > want
		grep -q '^serial: 64-70' want
		for list in ours theirs; do
			for program in "$KEYGEN" "$THEIR_KEYGEN"; do
				diff want <(shown "$program" $list)
			done
		done
		judged "$THEIR_KEYGEN" theirs > want
		[ "$(grep -c REVOKED want)" -gt 8 ]
		[ "$(grep -c ': ok' want)" -gt 3 ]
		for list in ours theirs; do
			diff want <(judged "$KEYGEN" $list)
			diff want <(judged "$THEIR_KEYGEN" $list)
		done
	done
}

@test "each kind of entry alone, both ways" {
	while IFS= read -r line; do
		echo "$line" > one
		"$KEYGEN" -q -k -f ours -s ca one
		"$THEIR_KEYGEN" -q -k -f theirs -s ca one
		# All but the header's date.
		cmp <(tail -c +29 ours) <(tail -c +29 theirs)
		diff <(judged "$KEYGEN" theirs) <(judged "$THEIR_KEYGEN" ours)
		[ "$(judged "$KEYGEN" ours | grep -c REVOKED)" -gt 0 ]
	done <<-END
		serial: 5
		serial: 1000-80000
		id: id 0
		key: $(cat b.pub)
		sha1: $(cat r.pub)
		sha256: $(cat c.pub)
		key: $(cat ca.pub)
		key: $(cat cert_70.pub)
		key: $(cat cert_0.pub)
		$(cat cert_70.pub)
		$(cat cert_0.pub)
	END
}

@test "each adds to the other's list" {
	"$THEIR_KEYGEN" -q -k -f list -s ca -z 3 spec
	echo "serial: 71" | "$KEYGEN" -q -k -u -f list -s ca2 -
	echo "serial: 72-99" | "$THEIR_KEYGEN" -q -k -u -f list -s ca -
	"$KEYGEN" -q -k -u -f list a.pub
	diff <(shown "$KEYGEN" list) <(shown "$THEIR_KEYGEN" list)
	run -0 "$KEYGEN" -Q -l -f list
	[[ "$output" == *"version 3"* ]]
	[[ "$output" == *$'\nserial: 64-70\nserial: 72-99\n'* ]]
	run -1 "$THEIR_KEYGEN" -Q -f list cert2_71.pub
	run -1 "$THEIR_KEYGEN" -Q -f list a.pub
}

@test "dense, sparse and mixed serials are no larger than OpenSSH's" {
	awk 'BEGIN { srand(1); for (x = 1; n++ < 3000; ) {
		x += 1 + int(exp(rand() * 9)); y = x + (rand() < .3 ? int(exp(rand() * 9)) : 0)
		print "serial: " x (x < y ? "-" y : ""); x = y } }' > many
	"$KEYGEN" -q -k -f ours -s ca many
	"$THEIR_KEYGEN" -q -k -f theirs -s ca many
	diff <(shown "$KEYGEN" theirs) <(shown "$THEIR_KEYGEN" ours)
	[ "$(stat -c %s ours)" -le "$(stat -c %s theirs)" ]
}

login() {
	timeout 30 "${1:-$SSH}" -F ssh_config -i "${2:-user_ed25519}" target true < /dev/null
}

@test "sshd refuses what a list of either names, and all where it is damaged" {
	cp "$BATS_TEST_DIRNAME/../../tests/vectors/keys/rsa1024.pub" other.pub
	for maker in "$KEYGEN" "$THEIR_KEYGEN"; do
		"$maker" -q -k -f revoked other.pub
		login
		"$maker" -q -k -f revoked user_ed25519.pub
		run ! login
		echo "$("$KEYGEN" -l -f user_ed25519.pub | sed 's/^[0-9]* \([^ ]*\).*/hash: \1/')" > one
		"$maker" -q -k -f revoked one
		run ! login
		# by certificate
		cp empty revoked
		"$KEYGEN" -q -s ca -I "my id" -n "$ME" -z 4 user_ed25519.pub
		mv authorized_keys away
		: > authorized_keys
		login
		echo 'serial: 4' | "$maker" -q -k -f revoked -s ca -
		run ! login
		echo 'id: my id' | "$maker" -q -k -f revoked -s none -
		run ! login
		"$maker" -q -k -f revoked ca.pub
		run ! login
		mv away authorized_keys
		rm user_ed25519-cert.pub
	done
	head -c -1 revoked > cut
	mv cut revoked
	run ! login
	grep -q 'damaged key revocation list' "$SSHD_LOG"
	rm revoked
	run ! login
	cp empty revoked
	login
}

@test "ssh refuses host keys that a list of either names" {
	cp empty revoked
	for maker in "$KEYGEN" "$THEIR_KEYGEN"; do
		"$maker" -q -k -f hosts a.pub
		timeout 30 "$SSH" -F ssh_config -o RevokedHostKeys=hosts target true
		"$maker" -q -k -f hosts host_ed25519.pub
		run ! timeout 30 "$SSH" -F ssh_config -o RevokedHostKeys=hosts target true
		[[ "$output" == *REVOKED* ]]
	done
}
