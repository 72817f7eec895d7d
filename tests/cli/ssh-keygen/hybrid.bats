# ssh-keygen with hybrid keys (ML-DSA-44 and Ed25519).

setup() {
	load ../common
	cd "$BATS_TEST_TMPDIR"
	"$KEYGEN" -q -t mldsa44-ed25519 -N '' -C 'a comment' -f k
}

@test "files have the form of the other types" {
	[ "$(cut -d' ' -f1,3- k.pub)" = "ssh-mldsa44-ed25519@openssh.com a comment" ]
	[ "$(head -n 1 k)" = "-----BEGIN OPENSSH PRIVATE KEY-----" ]
	[ "$(stat -c %a k)" = 600 ]
	[ "$("$KEYGEN" -y -f k)" = "$(cat k.pub)" ]
	[[ "$("$KEYGEN" -l -f k)" == "256 SHA256:"*" a comment (MLDSA44-ED25519)" ]]
	[ "$("$KEYGEN" -l -f k)" = "$("$KEYGEN" -l -f k.pub)" ]
}

@test "the default file has the type in its name" {
	run -0 --separate-stderr "$KEYGEN" -t mldsa44-ed25519 -N '' < /dev/null || :
	[[ "$output" == *"/.ssh/id_mldsa44_ed25519)"* ]]
}

@test "a passphrase locks it, a change of it keeps it; other formats are ours" {
	"$KEYGEN" -q -p -a 1 -N secret -f k
	run -0 "$KEYGEN" -y -P secret -f k
	[ "$output" = "$(cat k.pub)" ]
	run -255 "$KEYGEN" -y -P wrong -f k
	for m in PEM PKCS8; do
		"$KEYGEN" -q -p -m $m -P secret -N '' -f k
		[ "$(head -n 1 k)" = "-----BEGIN OPENSSH PRIVATE KEY-----" ]
		"$KEYGEN" -q -p -a 1 -N secret -f k
	done
}

@test "it signs files, is certified, certifies, and is revoked" {
	echo "me $(cat k.pub)" > allowed
	"$KEYGEN" -q -Y sign -f k -n file < k.pub > sig
	run -0 "$KEYGEN" -Y verify -f allowed -I me -n file -s sig < k.pub
	[[ "$output" == 'Good "file" signature for me with MLDSA44-ED25519 key SHA256:'* ]]
	run -255 "$KEYGEN" -Y verify -f allowed -I me -n file -s sig < k
	"$KEYGEN" -q -s k -I id -n me k.pub
	echo "me cert-authority $(cat k.pub)" > allowed
	"$KEYGEN" -q -Y sign -f k-cert.pub -n file < k.pub > sig
	"$KEYGEN" -Y verify -f allowed -I me -n file -s sig < k.pub
	"$KEYGEN" -q -k -f krl k.pub
	run -1 "$KEYGEN" -Q -f krl k.pub k-cert.pub
	run -255 "$KEYGEN" -Y verify -r krl -f allowed -I me -n file -s sig < k.pub
}

@test "a key of which a byte was changed is refused" {
	{ cut -d' ' -f1 k.pub | tr -d '\n'; printf ' '
		cut -d' ' -f2 k.pub | base64 -d | head -c -1 | base64 -w 0; } > cut.pub
	run -255 "$KEYGEN" -l -f cut.pub
	[[ "$output" == *"is not a public key file"* ]]
}
