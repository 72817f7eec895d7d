# Key files between our ssh-keygen and OpenSSH, puttygen, openssl.

setup() {
	load ../cli/common
	cd "$BATS_TEST_TMPDIR"
	PEER=/usr/bin/ssh-keygen
	[ -x "$PEER" ] || skip "no OpenSSH"
}

kinds="ed25519:256 ecdsa:256 ecdsa:384 ecdsa:521 rsa:2048"
ciphers="3des-cbc aes128-cbc aes192-cbc aes256-cbc aes128-ctr aes192-ctr
aes256-ctr aes128-gcm@openssh.com aes256-gcm@openssh.com
chacha20-poly1305@openssh.com"

@test "OpenSSH reads our keys of every type and format" {
	for kind in $kinds; do
		for format in RFC4716 PEM PKCS8; do
			# OpenSSH 9.2 does not know Ed25519 in PKCS#8.
			[ "$kind $format" = "ed25519:256 PKCS8" ] && continue
			for pass in '' sesame; do
				rm -f k k.pub
				"$KEYGEN" -q -a 1 -t "${kind%:*}" -b "${kind#*:}" \
					-N "$pass" -m "$format" -C 'a comment' -f k
				# 9.2 knows the comment of its own format only.
				[ "$("$PEER" -y -P "$pass" -f k | cut -d' ' -f1,2)" = \
					"$(cut -d' ' -f1,2 k.pub)" ]
				[ "$("$PEER" -l -f k)" = "$("$KEYGEN" -l -f k)" ]
				[ "$("$PEER" -l -E md5 -f k.pub)" = "$("$KEYGEN" -l -E md5 -f k.pub)" ]
				[ "$("$PEER" -lv -f k.pub)" = "$("$KEYGEN" -lv -f k.pub)" ]
			done
		done
	done
}

@test "we read OpenSSH's keys of every type and format" {
	for kind in $kinds; do
		for format in RFC4716 PEM PKCS8; do
			for pass in '' sesame; do
				rm -f k k.pub
				"$PEER" -q -a 1 -t "${kind%:*}" -b "${kind#*:}" \
					-N "$pass" -m "$format" -C 'a comment' -f k
				[ "$("$KEYGEN" -y -P "$pass" -f k)" = "$(cat k.pub)" ]
			done
		done
	done
}

@test "OpenSSH reads our files in every cipher, and we its" {
	for c in $ciphers; do
		rm -f ours* theirs*
		"$KEYGEN" -q -a 1 -N sesame -Z "$c" -f ours
		[ "$("$PEER" -y -P sesame -f ours)" = "$(cat ours.pub)" ]
		"$PEER" -q -a 1 -N sesame -Z "$c" -t ed25519 -f theirs
		[ "$("$KEYGEN" -y -P sesame -f theirs)" = "$(cat theirs.pub)" ]
	done
}

@test "each changes the other's passphrases and comments" {
	"$PEER" -q -t ed25519 -N one -f k -C first
	"$KEYGEN" -p -P one -N two -f k
	"$PEER" -c -P two -C second -f k
	"$KEYGEN" -c -P two -C third -f k
	[[ $("$PEER" -y -P two -f k) == *" third" ]]
}

@test "sizes of comments and passphrases" {
	for n in 0 1 7 8 9 100 1000; do
		comment=$(printf '%*s' "$n" '' | tr ' ' c)
		rm -f k k.pub
		"$KEYGEN" -q -a 1 -N "p$comment" -C "$comment" -f k
		[ "$("$PEER" -y -P "p$comment" -f k)" = "$(cat k.pub)" ]
	done
}

@test "openssl reads our PEM files, and we its" {
	command -v openssl || skip "no openssl"
	"$KEYGEN" -q -t rsa -b 2048 -N '' -m PEM -f r
	openssl rsa -in r -check -noout
	"$KEYGEN" -q -t rsa -b 2048 -N sesame -m PKCS8 -f p
	openssl pkey -in p -passin pass:sesame -noout
	"$KEYGEN" -q -t ecdsa -N sesame -m PEM -f e
	openssl ec -in e -passin pass:sesame -noout
	"$KEYGEN" -q -t ed25519 -N '' -m PKCS8 -f d
	openssl pkey -in d -noout
	openssl genpkey -algorithm ed25519 -out o
	chmod 600 o
	"$KEYGEN" -y -f o
}

@test "puttygen reads our keys, and we its" {
	command -v puttygen || skip "no puttygen"
	for kind in $kinds; do
		rm -f k* p*
		"$KEYGEN" -q -t "${kind%:*}" -b "${kind#*:}" -N '' -C c -f k
		puttygen k -O public-openssh -o k.putty
		[ "$(cat k.putty)" = "$(cat k.pub)" ]
		puttygen k -C putty -O private-openssh-new -o p
		chmod 600 p
		[ "$("$KEYGEN" -y -f p)" = "$(cut -d' ' -f1,2 k.pub) putty" ]
	done
}

@test "hashed known_hosts lines print alike" {
	"$KEYGEN" -q -N '' -f k -C ''
	echo "host.example $(cat k.pub)" > known
	"$PEER" -q -H -f known
	[ "$("$KEYGEN" -l -f known)" = "$("$PEER" -l -f known)" ]
}
