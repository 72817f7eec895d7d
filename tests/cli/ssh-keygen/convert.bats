# ssh-keygen -e, -i, -B and -r.

setup() {
	load ../common
	cd "$BATS_TEST_TMPDIR"
	VECTORS=$ROOT/tests/vectors/keys
}

@test "-e and -i of every type and format" {
	for kind in ed25519:256 ecdsa:256 ecdsa:384 ecdsa:521 rsa:1024; do
		rm -f k k.pub
		"$KEYGEN" -q -t "${kind%:*}" -b "${kind#*:}" -N '' -C 'a comment' -f k
		for format in RFC4716 PKCS8 PEM; do
			"$KEYGEN" -e -m $format -f k > from_private
			"$KEYGEN" -e -m $format -f k.pub > from_public
			cmp from_private from_public
			run -0 "$KEYGEN" -i -m $format -f from_public
			[ "$output" = "$(cut -d' ' -f1,2 k.pub)" ]
			run -0 "$KEYGEN" -i -m $format -f - < from_public
			[ "$output" = "$(cut -d' ' -f1,2 k.pub)" ]
		done
	done
}

@test "-e writes RFC 4716 with the comment" {
	"$KEYGEN" -q -N '' -C 'my key' -f k
	run -0 "$KEYGEN" -e -f k.pub
	[ "${lines[0]}" = "---- BEGIN SSH2 PUBLIC KEY ----" ]
	[ "${lines[1]}" = 'Comment: "my key"' ]
	[ "${lines[2]}" = "$(cut -d' ' -f2 k.pub)" ]
	[ "${lines[3]}" = "---- END SSH2 PUBLIC KEY ----" ]
	"$KEYGEN" -q -s k -I x -n y k.pub
	"$KEYGEN" -e -f k-cert.pub > cert
	[ "$("$KEYGEN" -i -f cert)" = "$(cut -d' ' -f1,2 k-cert.pub)" ]
}

@test "-e of an encrypted key of old asks, and needs no .pub" {
	"$KEYGEN" -q -t ecdsa -m PEM -N sesame -f k
	rm k.pub
	run -0 --separate-stderr "$KEYGEN" -e -P sesame -m PKCS8 -f k
	[ "${lines[0]}" = "-----BEGIN PUBLIC KEY-----" ]
	run -255 "$KEYGEN" -e -P wrong -f k
	[ "$output" = 'Load key "k": incorrect passphrase supplied to decrypt private key' ]
}

@test "-i reads private keys of SSH Communications, plain and encrypted" {
	for k in rsa1024 dsa; do
		"$KEYGEN" -i -f "$VECTORS/${k}_sshcom" > imported
		chmod 600 imported
		[ "$("$KEYGEN" -y -f imported)" = "$(cut -d' ' -f1,2 "$VECTORS/$k.pub")" ]
		"$KEYGEN" -i -P sesame -f "$VECTORS/${k}_sshcom_encrypted" | cmp - imported
		"$KEYGEN" -X -f "$VECTORS/${k}_sshcom" | cmp - imported
		run -255 "$KEYGEN" -i -P wrong -f "$VECTORS/${k}_sshcom_encrypted"
		[[ $output == *": incorrect passphrase supplied to decrypt private key" ]]
		run -0 --separate-stderr "$KEYGEN" -i -f "$VECTORS/${k}_sshcom_encrypted" <<< sesame
		[[ $output == *"-----BEGIN "?SA" PRIVATE KEY-----"* ]]
	done
}

@test "-i reads private PEM files too" {
	"$KEYGEN" -q -t ecdsa -m PKCS8 -N '' -f k
	"$KEYGEN" -i -m PKCS8 -f k > imported
	chmod 600 imported
	[ "$("$KEYGEN" -y -f imported)" = "$(cut -d' ' -f1,2 k.pub)" ]
}

@test "-e and -i of what is no key: one sentence, status 255" {
	echo nonsense > bad
	run -255 "$KEYGEN" -e -f bad
	[ "$output" = "bad is not a key file." ]
	run -255 "$KEYGEN" -i -f bad
	[ "$output" = 'bad: not an SSH2 key file: no line "---- BEGIN SSH2 ... KEY ----"' ]
	run -255 "$KEYGEN" -i -m PEM -f bad
	[ "$output" = "bad: not a recognised public key format" ]
	run -255 "$KEYGEN" -i -f missing
	[ "$output" = "ssh-keygen: missing: No such file or directory" ]
	run -1 "$KEYGEN" -e -m DER -f bad
	[[ $output == 'Unsupported conversion format "DER"'* ]]
}

@test "-B says the fingerprint in words" {
	run -0 "$KEYGEN" -B -f "$VECTORS/ed25519.pub"
	[ "$output" = "256 $(cat "$VECTORS/ed25519.bubblebabble") ed25519@vector (ED25519)" ]
	run -0 "$KEYGEN" -Bv -f "$VECTORS/ed25519.pub"
	[ "${#lines[@]}" -eq 12 ]
}

@test "-r prints SSHFP records" {
	f=$VECTORS/ed25519.pub
	blob=$(cut -d' ' -f2 "$f" | base64 -d | sha256sum | cut -d' ' -f1)
	sha1=$(cut -d' ' -f2 "$f" | base64 -d | sha1sum | cut -d' ' -f1)
	run -0 "$KEYGEN" -r host.example -f "$f"
	[ "$output" = "host.example IN SSHFP 4 1 $sha1
host.example IN SSHFP 4 2 $blob" ]
	run -0 "$KEYGEN" -r h -g -O hashalg=sha256 -f "$f"
	[ "$output" = "h IN TYPE44 \\# 34 04 02 $blob" ]
	run -0 "$KEYGEN" -r h -O hashalg=sha1 -f "$f"
	[ "$output" = "h IN SSHFP 4 1 $sha1" ]
	for k in rsa1024:1 dsa:2 ecdsa521:3; do
		run -0 "$KEYGEN" -r h -f "$VECTORS/${k%:*}.pub"
		[[ $output == "h IN SSHFP ${k#*:} 1 "* ]]
	done
	run -255 "$KEYGEN" -r h -O hashalg=sha512 -f "$f"
	[ "$output" = 'Unsupported hash algorithm "sha512": SSHFP records have sha1 or sha256' ]
	run -255 "$KEYGEN" -r h -O foo -f "$f"
	run -0 "$KEYGEN" -r h -f "$VECTORS/user_ed25519_by_ed25519-cert.pub"
	[[ $output == "export_dns_rr: unsupported algorithm"* ]]
}

@test "-y warns of another key in the .pub beside" {
	"$KEYGEN" -q -N '' -f k
	"$KEYGEN" -q -N '' -f other
	run -0 --separate-stderr "$KEYGEN" -y -f k
	[ -z "$stderr" ]
	cp other.pub k.pub
	run -0 --separate-stderr "$KEYGEN" -y -f k
	[[ $stderr == "Warning: k.pub holds another key than k; "* ]]
}
