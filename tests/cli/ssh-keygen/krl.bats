# ssh-keygen -k and -Q: key revocation lists.

setup() {
	load ../common
	cd "$BATS_TEST_TMPDIR"
	export TZ=UTC
	for k in ca k l; do
		"$KEYGEN" -q -N '' -f $k -C "the $k"
	done
	"$KEYGEN" -q -s ca -I "an id" -n u -z 7 k.pub
}

fingerprint() {
	"$KEYGEN" -l -f "$1" | cut -d' ' -f2
}

@test "-k lists keys, -Q judges them and ends with 1 where one is revoked" {
	run -0 --separate-stderr "$KEYGEN" -k -f krl k.pub
	[ "$output" = "Revoking from k.pub" ]
	[ -z "$stderr" ]
	run -1 "$KEYGEN" -Q -f krl k.pub l.pub
	[ "${lines[0]}" = "k.pub (the k): REVOKED" ]
	[ "${lines[1]}" = "l.pub (the l): ok" ]
	run -0 "$KEYGEN" -Q -f krl l.pub ca.pub
	run -0 "$KEYGEN" -Q -f krl
	[ -z "$output" ]
}

@test "-q says nothing" {
	run -0 "$KEYGEN" -q -k -f krl k.pub
	[ -z "$output" ]
}

@test "-Q judges private keys, several keys in a file, and standard input" {
	"$KEYGEN" -q -k -f krl l.pub
	"$KEYGEN" -q -N secret -f locked
	"$KEYGEN" -q -k -u -f krl locked.pub
	cat k.pub l.pub > both
	run -1 "$KEYGEN" -Q -f krl k both locked
	[ "${lines[0]}" = "k (the k): ok" ]
	[ "${lines[1]}" = "both (the k): ok" ]
	[ "${lines[2]}" = "both (the l): REVOKED" ]
	[[ "${lines[3]}" == "locked"*": REVOKED" ]]
	run -1 "$KEYGEN" -Q -f krl - < both
	[ "${lines[1]}" = "(standard input) (the l): REVOKED" ]
	printf 'no key\n' >> both
	run -255 "$KEYGEN" -Q -f krl both
	[[ "$output" == *"both, line 3"* ]]
}

@test "certificates are listed by serial number, or by id, and fall with their CA" {
	"$KEYGEN" -q -k -f krl k-cert.pub
	run -1 "$KEYGEN" -Q -f krl k-cert.pub
	run -0 "$KEYGEN" -Q -f krl k.pub
	run -0 "$KEYGEN" -Q -l -f krl
	[[ "$output" == *$'\nserial: 7' ]]
	"$KEYGEN" -q -s ca -I "an id" -n u k.pub
	run -0 "$KEYGEN" -Q -f krl k-cert.pub
	"$KEYGEN" -q -k -u -f krl k-cert.pub
	run -1 "$KEYGEN" -Q -f krl k-cert.pub
	run -0 "$KEYGEN" -Q -l -f krl
	[[ "$output" == *$'\nserial: 7\nid: an id' ]]
	echo "key: $(cat k-cert.pub)" | "$KEYGEN" -q -k -f krl -
	run -1 "$KEYGEN" -Q -f krl k.pub
	"$KEYGEN" -q -k -f krl ca.pub
	run -1 "$KEYGEN" -Q -f krl k-cert.pub
}

@test "a specification names serials, ids, keys and hashes" {
	cat > spec <<-END
		# a comment
		serial: 1-4
		 serial:  0x10
		serial: 010
		serial: 3-6
		id: some  id   # and a comment
		key: $(cat l.pub)

		sha1: $(cat ca.pub)
		SHA256: $(cat ca.pub)
		hash: $(fingerprint k.pub)
		$(cat k-cert.pub)
	END
	"$KEYGEN" -q -k -f krl -s ca -z 12 -C "my list" spec
	"$KEYGEN" -Q -l -f krl > shown
	grep -qx '# KRL version 12' shown
	grep -qE '^# Generated at [0-9]{8}T[0-9]{6}$' shown
	grep -qx '# Comment: my list' shown
	grep -qx "hash: $(fingerprint l.pub) # ssh-ed25519" shown
	grep -qx "hash: $(fingerprint k.pub)" shown
	grep -qx "hash: $(fingerprint ca.pub)" shown
	grep -qE "^# hash SHA1:[0-9a-f]{40}$" shown
	diff - <(sed -n '/CA key/,$p' shown) <<-END
		# CA key ssh-ed25519 $(fingerprint ca.pub)
		serial: 1-8
		serial: 16
		id: some  id
	END
}

@test "-s none is every CA" {
	echo 'serial: 7' | "$KEYGEN" -q -k -f krl -s NONE -
	run -1 "$KEYGEN" -Q -f krl k-cert.pub
	run -0 "$KEYGEN" -Q -l -f krl
	[[ "$output" == *$'\n# Wildcard CA\nserial: 7' ]]
	echo 'serial: 7' | "$KEYGEN" -q -k -f krl -s l.pub -
	run -0 "$KEYGEN" -Q -f krl k-cert.pub
}

@test "-u adds and keeps; -z and -C change; without them they stay" {
	"$KEYGEN" -q -k -f krl -z 5 -C c k.pub
	"$KEYGEN" -q -k -u -f krl l.pub
	run -1 "$KEYGEN" -Q -l -f krl k.pub l.pub
	[[ "$output" == *"KRL version 5"*"Comment: c"*"k): REVOKED"*"l): REVOKED"* ]]
	"$KEYGEN" -q -k -u -f krl -z 18446744073709551615 -C d
	run -1 "$KEYGEN" -Q -l -f krl k.pub
	[[ "$output" == *"KRL version 18446744073709551615"*"Comment: d"* ]]
	run -255 "$KEYGEN" -k -u -f none k.pub
	[ "$output" = 'KRL "none" does not exist' ]
	[ ! -e none ]
}

@test "a bad specification is told by line and leaves the old list" {
	"$KEYGEN" -q -k -f krl k.pub
	cp krl before
	while IFS='|' read -r line said; do
		printf '\n%s\n' "$line" > spec
		run -255 "$KEYGEN" -q -k -f krl -s ca spec
		[[ "$output" == "spec:2: $said"* ]] || { echo "$line: $output"; false; }
		cmp krl before
	done <<-END
		serial: x|invalid serial "x"
		serial: 5-3|invalid serial range "5-3"
		serial: 5-|invalid serial
		serial: -5|invalid serial
		serial: 99999999999999999999|invalid serial
		serial: 0|certificates without a serial number
		id:|missing key id
		key: x|invalid key
		sha1: ssh-ed25519 AAAA|invalid key
		hash: MD5:00|unsupported hash algorithm
		hash: SHA256:abc|invalid fingerprint
		what|invalid key
	END
	echo 'serial: 4' > spec
	run -255 "$KEYGEN" -q -k -f krl spec
	[[ "$output" == *"requires specification of a CA key"* ]]
	cmp krl before
}

@test "what is missing is said" {
	run -255 "$KEYGEN" -k k.pub
	[ "$output" = "KRL generation requires an output file" ]
	run -255 "$KEYGEN" -Q k.pub
	[ "$output" = "KRL checking requires an input file" ]
	run -255 "$KEYGEN" -Q -f none k.pub
	[ "$output" = "Unable to load KRL none: No such file or directory" ]
	run -255 "$KEYGEN" -k -f krl -s none.pub k.pub
	[ "$output" = "Cannot load CA public key none.pub: No such file or directory" ]
	run -255 "$KEYGEN" -k -f krl -z x k.pub
	[[ "$output" == *'"x"'* ]]
	run -255 "$KEYGEN" -k -f krl none.pub
	[ ! -e krl ]
	"$KEYGEN" -q -k -f krl k.pub
	run -255 "$KEYGEN" -Q -f krl none.pub
	[[ "$output" == *"Cannot load public key none.pub: No such file or directory" ]]
	run -255 "$KEYGEN" -Q -f k.pub k.pub
	[[ "$output" == "Invalid KRL file k.pub: "* ]]
	head -c -1 krl > cut
	run -255 "$KEYGEN" -Q -f cut l.pub
	[[ "$output" == "Invalid KRL file cut: damaged"* ]]
}
