# ssh-keygen -Y: signatures of files.

setup() {
	load ../common
	cd "$BATS_TEST_TMPDIR"
	export TZ=UTC
	"$KEYGEN" -q -N '' -f k -C 'the k'
	"$KEYGEN" -q -N '' -f ca -C 'the ca'
	echo hello > m
	echo other > m2
	echo "me@here,*@there $(cat k.pub)" > allowed
	fingerprint=$("$KEYGEN" -l -f k.pub | cut -d' ' -f2)
}

sign() {
	"$KEYGEN" -q -Y sign -f "${1:-k}" -n "${2:-file}" < m > m.sig
}

verify() {
	"$KEYGEN" -Y verify -f allowed -I me@here -n file -s m.sig "$@" < m
}

@test "sign writes FILE.sig; verify says who" {
	run -0 --separate-stderr "$KEYGEN" -Y sign -f k -n file m m2
	[ -z "$output" ]
	[ "$stderr" = $'Signing file m\nWrite signature to m.sig\nSigning file m2\nWrite signature to m2.sig' ]
	[ "$(head -n 1 m.sig)" = "-----BEGIN SSH SIGNATURE-----" ]
	[ "$(tail -n 1 m.sig)" = "-----END SSH SIGNATURE-----" ]
	[ "$(sed -n 2p m.sig | wc -c)" -eq 71 ]
	run -0 --separate-stderr verify
	[ "$output" = "Good \"file\" signature for me@here with ED25519 key $fingerprint" ]
	[ -z "$stderr" ]
}

@test "-q says nothing; the status tells" {
	run -0 "$KEYGEN" -q -Y sign -f k -n file m
	[ -z "$output" ]
	run -0 verify -q
	[ -z "$output" ]
	run -255 verify -q -n other
	[[ "$output" != *"Could not"* ]]
}

@test "standard input is signed to standard output" {
	run -0 --separate-stderr "$KEYGEN" -Y sign -f k -n file < m
	[ "$stderr" = "Signing data on standard input" ]
	echo "$output" > m.sig
	verify
	run -0 --separate-stderr "$KEYGEN" -Y sign -f k -n file - < m
	[ "$stderr" = "Signing data on standard input" ]
	echo "$output" > m.sig
	verify
	[ ! -e ./-.sig ]
}

@test "an old signature is only overwritten after a yes; a no is no failure" {
	echo old > m.sig
	run -0 --separate-stderr "$KEYGEN" -Y sign -f k -n file m m2 <<< n
	[ "$output" = $'m.sig already exists.\nOverwrite (y/n)? ' ]
	[ "$(cat m.sig)" = old ]
	[ -s m2.sig ]
	run -0 --separate-stderr "$KEYGEN" -Y sign -f k -n file m < /dev/null
	[ "$(cat m.sig)" = old ]
	"$KEYGEN" -Y sign -f k -n file m <<< y
	verify
}

@test "-f may be the public key, the private one, or a certificate" {
	"$KEYGEN" -q -s ca -I id -n me@here k.pub
	for f in k k.pub; do
		sign $f
		verify
	done
	rm k.pub
	sign k
	verify
	sign k-cert.pub
	run -255 verify
	echo "*@here cert-authority $(cat ca.pub)" > allowed
	run -0 verify
	[ "$output" = "Good \"file\" signature for me@here with ED25519-CERT key $fingerprint" ]
	mv k away
	run -255 "$KEYGEN" -Y sign -f k-cert.pub -n file m
	[[ "$output" == *'No private key found for public key "k-cert.pub"'* ]]
	mv ca k
	run -255 "$KEYGEN" -Y sign -f k-cert.pub -n file m
	[[ "$output" == *"is not that of the public key"* ]]
}

@test "an encrypted key asks, or takes -P; each type signs" {
	for t in "rsa -b 1024" "ecdsa -b 521" "ed25519 -a 1" "rsa -b 1024 -m PEM"; do
		rm -f e e.pub
		# shellcheck disable=SC2086
		"$KEYGEN" -q -t $t -N secret -f e
		echo "me@here $(cat e.pub)" > allowed
		"$KEYGEN" -q -Y sign -f e -P secret -n file < m > m.sig
		verify
		run -255 "$KEYGEN" -Y sign -f e -P wrong -n file m
		rm e.pub
		"$KEYGEN" -q -Y sign -f e -P secret -n file < m > m.sig
		verify
	done
}

@test "-O hashalg chooses the hash; others are refused" {
	for h in sha256 sha512; do
		"$KEYGEN" -q -Y sign -f k -n file -O hashalg=$h < m > m.sig
		grep -v -- ---- m.sig | base64 -d | grep -q $h
		verify
	done
	sign
	grep -v -- ---- m.sig | base64 -d | grep -q sha512
	for h in sha1 SHA256 ''; do
		run -255 "$KEYGEN" -Y sign -f k -n file -O hashalg=$h m
		[[ "$output" == *"unsupported hash algorithm"* ]]
	done
}

@test "whatever does not fit is refused, and why is said" {
	sign
	run -255 --separate-stderr verify -n git
	[ "$output" = "Could not verify signature." ]
	[ "$stderr" = "Couldn't verify signature: namespace does not match" ]
	run -255 --separate-stderr "$KEYGEN" -Y verify -f allowed -I me@here -n file -s m.sig < m2
	[ "$stderr" = "Signature verification failed: incorrect signature" ]
	run -255 --separate-stderr verify -I you@here
	[ "$stderr" = 'No line of allowed lets this key sign for "you@here"' ]
	run -255 --separate-stderr verify -f none
	[ "$stderr" = 'Unable to open allowed keys file "none": No such file or directory' ]
	run -255 --separate-stderr verify -s none
	[ "$stderr" = "Couldn't read signature file: No such file or directory" ]
	run -255 --separate-stderr verify -s m
	[ "$stderr" = "Couldn't parse signature: missing header" ]
	[ "$output" = "Could not verify signature." ]
	echo "me@here namespaces=\"git,mail\" $(cat k.pub)" > allowed
	run -255 --separate-stderr verify
	[[ "$stderr" == 'allowed:1: key is not permitted for use in signature namespace "file"'* ]]
	echo "me@here namespaces=\"git,f*\" $(cat k.pub)" > allowed
	verify
}

@test "bad lines are told and passed over" {
	sign
	{ echo "# comment"; echo; echo "me@here octopus $(cat k.pub)"
		echo "me@here"; echo "me@here ssh-ed25519 AAAA"; cat allowed; } > new
	run -0 --separate-stderr verify -f new
	[ "$stderr" = $'new:3: bad options: unknown key option\nnew:4: missing key\nnew:5: invalid key: not a key, or a damaged one' ]
	run -0 --separate-stderr "$KEYGEN" -Y match-principals -f new -I me@here
	[ "$output" = "me@here,*@there" ]
}

@test "-O verify-time and the times of a line" {
	sign
	echo "me@here valid-after=\"19800101\",valid-before=\"199001010000Z\" $(cat k.pub)" > allowed
	verify -O verify-time=19850101
	verify -O verify-time=19800101000000Z
	run -255 verify -O verify-time=19791231235959
	[[ "$output" == "allowed:1: key is not yet valid: verify time 1979-12-31T23:59:59 < valid-after 1980-01-01T00:00:00"* ]]
	run -255 verify
	[[ "$output" == "allowed:1: key has expired: verify time "*" > valid-before 1990-01-01T00:00:00"* ]]
	run -255 verify -O verify-time=tomorrow
	[[ "$output" == *'Invalid "verify-time" option'* ]]
	find() { "$KEYGEN" -Y find-principals -f allowed -s m.sig "$@"; }
	run -0 find -O verify-time=198501010000
	run -255 find
	[[ "$output" == *"No principal matched."* ]]
}

@test "-O print-pubkey shows the key that signed" {
	sign
	run -0 verify -O print-pubkey
	[ "${lines[1]}" = "$(cut -d' ' -f1,2 k.pub)" ]
	run -0 verify -q -O print-pubkey
	[ "$output" = "$(cut -d' ' -f1,2 k.pub)" ]
}

@test "certificates: time, principals, CA" {
	"$KEYGEN" -q -s ca -I id -n me@here,you@here -V 20000101:20100101 k.pub
	sign k-cert.pub
	echo "*@here,x cert-authority,valid-after=\"20020101\" $(cat ca.pub)" > allowed
	verify -O verify-time=20050101
	run -255 verify -O verify-time=20050101 -I x
	run -255 verify -O verify-time=20010101
	run -255 verify -O verify-time=20110101
	[[ "$output" == *"expired"* ]]
	run -0 "$KEYGEN" -Y find-principals -f allowed -s m.sig -O verify-time=20050101
	[ "$output" = $'me@here\nyou@here' ]
	echo "*@here $(cat ca.pub)" > allowed
	run -255 verify -O verify-time=20050101
	echo "me@here $(cat k-cert.pub)" > allowed
	verify
	"$KEYGEN" -q -s ca -I id k.pub
	sign k-cert.pub
	echo "*@here cert-authority $(cat ca.pub)" > allowed
	run -255 verify
	[[ "$output" == *"Certificate lacks principal list"* ]]
}

@test "-r: lists of revoked keys in either form; an unreadable one refuses all" {
	"$KEYGEN" -q -s ca -I id -n me@here k.pub
	sign
	verify -r ca.pub
	run -255 --separate-stderr verify -r k.pub
	[ "$stderr" = "The key is revoked by k.pub" ]
	"$KEYGEN" -q -k -f krl k.pub
	run -255 verify -r krl
	"$KEYGEN" -q -k -f krl ca.pub
	verify -r krl
	run -255 verify -r none
	run -255 verify -r m
	head -c -1 krl > cut
	run -255 verify -r cut
	sign k-cert.pub
	echo "me@here $(cat k-cert.pub)" > allowed
	verify
	run -255 verify -r krl
	run -255 verify -r ca.pub
}

@test "check-novalidate asks no list" {
	sign
	check() { "$KEYGEN" -Y check-novalidate -n "${2:-file}" -s m.sig < "$1"; }
	run -0 check m
	[ "$output" = "Good \"file\" signature with ED25519 key $fingerprint" ]
	run -255 check m2
	[[ "$output" == *"Could not verify signature." ]]
	run -255 check m git
}

@test "find-principals and match-principals" {
	sign
	{ echo "a,!b $(cat k.pub)"; echo "c $(cat ca.pub)"; echo "\"d e,a\" $(cat k.pub)"; } > allowed
	run -0 --separate-stderr "$KEYGEN" -Y find-principals -f allowed -s m.sig
	[ "$output" = $'a\nd e' ]
	run -0 --separate-stderr "$KEYGEN" -Y match-principals -f allowed -I a
	[ "$output" = $'a,!b\nd e,a' ]
	run -210 --separate-stderr "$KEYGEN" -Y match-principals -f allowed -I b
	[ -z "$output" ]
	[ "$stderr" = "No principal matched." ]
	echo "c $(cat ca.pub)" > allowed
	run -255 --separate-stderr "$KEYGEN" -Y find-principals -f allowed -s m.sig
	[ -z "$output" ]
	[ "$stderr" = "No principal matched." ]
	run -255 "$KEYGEN" -Y find-principals -f none -s m.sig
	run -255 "$KEYGEN" -Y match-principals -f none -I a
}

@test "what is missing or too much is said" {
	while IFS='|' read -r status flags said; do
		# shellcheck disable=SC2086
		run "-$status" "$KEYGEN" $flags < m
		[[ "$output" == *"$said"* ]] || { echo "$flags: $output"; false; }
	done <<-END
		1|-Y sign -f k m|Too few arguments for sign: missing namespace
		1|-Y sign -n file m|Too few arguments for sign: missing key
		1|-Y verify -f allowed -I a -n b|Too few arguments for verify: missing signature file
		1|-Y verify -f allowed -s m.sig -n b|missing principal identity
		1|-Y verify -f allowed -I a -s m.sig|missing namespace
		1|-Y verify -I a -n b -s m.sig|missing allowed keys file
		1|-Y check-novalidate -s m.sig|missing namespace
		1|-Y check-novalidate -n b|missing signature file
		1|-Y find-principals -s m.sig|missing allowed keys file
		1|-Y find-principals -f allowed|missing signature file
		1|-Y match-principals -f allowed|missing principal ID
		1|-Y match-principals -I a|missing allowed keys file
		1|-Y praise|Unsupported operation for -Y: "praise"
		1|-Y check-novalidate -n b -s m.sig m|Too many arguments
		255|-Y sign -f k -n file -O foo m|Invalid option "foo"
		255|-Y sign -f k -n file -O print-pubkey m|Invalid option "print-pubkey"
		255|-Y check-novalidate -n b -s m.sig -O hashalg=sha256|Invalid option
		255|-Y sign -f none -n file m|Couldn't load public key none: No such file or directory
		255|-Y sign -f k -n file none|Cannot open none for signing: No such file or directory
		255|-Y sign -f k -n file .|Signing . failed:
		255|-U -Y sign -f k.pub -n file m|Couldn't get agent socket
	END
}

@test "a file larger than memory would like is hashed in a small space" {
	[ -z "${SHEETBEND_BIN:-}" ] || skip "sanitizers want all of the address space"
	truncate -s 300M big
	(
		ulimit -v 200000
		"$KEYGEN" -q -Y sign -f k -n file big
		"$KEYGEN" -Y check-novalidate -n file -s big.sig < big
	)
}

@test "a security key signs, with a touch" {
	load ../devices
	use_devices
	[ -e "$SO" ] || skip "the security key in software is not built"
	for t in ed25519-sk ecdsa-sk; do
		"$KEYGEN" -q -t $t -w "$SO" -N '' -f $t
		echo "me@here $(cat $t.pub)" > allowed
		"$KEYGEN" -q -Y sign -w "$SO" -f $t -n file < m > m.sig
		run -0 --separate-stderr verify
		[[ "$output" == 'Good "file" signature for me@here with '*"-SK key SHA256:"* ]]
		run -255 "$KEYGEN" -Y verify -f allowed -I me@here -n file -s m.sig < m2
		[ ! -x /usr/bin/ssh-keygen ] ||
			/usr/bin/ssh-keygen -q -Y verify -f allowed -I me@here -n file -s m.sig < m
	done
}
