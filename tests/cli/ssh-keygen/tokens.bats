# Keys of PKCS#11 tokens: -D, and -s with -D. SoftHSM is the token.

setup_file() {
	load ../common
	load ../devices
	use_devices
	make_token "test token"
	make_token_key "test token" rsa:2048 01 "an RSA key"
	make_token_key "test token" EC:prime256v1 02 "p256"
	make_token_key "test token" EC:secp384r1 03 "p384"
	make_token_key "test token" EC:secp521r1 04 "p521"
	make_token_key "test token" EC:edwards25519 05 "ed"
	cd "$SCRATCH"
	"$KEYGEN" -D "$MODULE" > keys
	"$KEYGEN" -q -t ed25519 -N '' -C user -f user
}

setup() {
	load ../common
	load ../devices
	cd "$SCRATCH"
	use_devices
	rm -f user-cert.pub
}

# The public key of a label in a file.
key_named() {
	grep " $1\$" keys > "$2"
}

@test "-D lists the keys of a token with their labels, without a PIN" {
	run -0 "$KEYGEN" -D "$MODULE"
	[ "$(sort <<<"$output" | cut -d' ' -f1 | tr '\n' ' ')" = "ecdsa-sha2-nistp256 ecdsa-sha2-nistp384 ecdsa-sha2-nistp521 ssh-ed25519 ssh-rsa " ]
	[[ $output == *" an RSA key"* && $output == *" p384"* ]]
	[ ! -s "$ASKED" ]
}

@test "-D lists what OpenSSH lists" {
	# 9.2 knows no Ed25519 there.
	diff <(/usr/bin/ssh-keygen -D "$MODULE" 2>/dev/null | sort) \
		<(grep -v ^ssh-ed25519 keys | sort)
}

@test "-l shows fingerprints, -v pictures" {
	run -0 "$KEYGEN" -l -D "$MODULE"
	[[ $output == *"521 SHA256:"*" p521 (ECDSA)"* ]]
	[[ $output == *"2048 SHA256:"*" an RSA key (RSA)"* ]]
	run -0 "$KEYGEN" -l -v -D "$MODULE" # -v prints debug lines too
	[[ $output == *"+--[ED25519 256]--+"* ]]
}

@test "-s with -D: each kind of key signs certificates, after the PIN" {
	for name in "an RSA key" p256 p384 p521 ed; do
		key_named "$name" ca.pub
		: > "$ASKED"
		run -0 "$KEYGEN" -D "$MODULE" -s ca.pub -I id -n user user.pub
		[ "$output" = 'Signed user key user-cert.pub: id "id" serial 0 for user valid forever' ]
		asked "^Enter PIN for 'test token': "
		/usr/bin/ssh-keygen -L -f user-cert.pub | grep -q "Signing CA: .* $(ssh-keygen -lf ca.pub | cut -d' ' -f2) "
	done
}

@test "one PIN is enough for several certificates" {
	key_named p256 ca.pub
	cp user.pub other.pub
	run -0 "$KEYGEN" -q -D "$MODULE" -s ca.pub -I id -n user user.pub other.pub
	[ "$(grep -c PIN "$ASKED")" -eq 1 ]
}

@test "RSA keys sign by the hash that -t asks for" {
	key_named "an RSA key" ca.pub
	for a in rsa-sha2-256 rsa-sha2-512; do
		run -0 "$KEYGEN" -q -t "$a" -D "$MODULE" -s ca.pub -I id -n user user.pub
		/usr/bin/ssh-keygen -L -f user-cert.pub | grep -q "using $a"
	done
}

@test "a wrong PIN makes no certificate, and is said" {
	key_named p256 ca.pub
	answer_pin 9999
	run -255 "$KEYGEN" -D "$MODULE" -s ca.pub -I id -n user user.pub
	[[ $output == *"token 'test token': the PIN is wrong"* ]]
	[ ! -e user-cert.pub ]
}

@test "a key that is not on the token is refused" {
	run -255 "$KEYGEN" -D "$MODULE" -s user.pub -I id -n user user.pub
	[ "$output" = "No PKCS#11 key matching user.pub found" ]
}

@test "libraries that are none are refused by name" {
	run -255 "$KEYGEN" -D /nonexistent
	[[ $output == *'provider "/nonexistent" cannot be loaded: '* ]]
	[[ $output == *"cannot read public key from pkcs11" ]]
	run -255 "$KEYGEN" -D "$SO"
	[[ $output == *"is not a PKCS11 library"* ]]
}

@test "a token without keys is said to be empty" {
	mkdir -p empty
	sed "s|$SCRATCH/tokens|$SCRATCH/empty|" softhsm2.conf > empty.conf
	SOFTHSM2_CONF=$SCRATCH/empty.conf run -255 "$KEYGEN" -D "$MODULE"
	[[ $output == *"has no tokens with keys that SSH can use"* ]]
}

@test "keys of which only the certificate is on the token are listed" {
	openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=x -days 2 \
		-keyout x.key -outform DER -out x.der 2>/dev/null
	pkcs11-tool --module "$MODULE" --token-label "test token" --login \
		--pin "$PIN" --write-object x.der --type cert --id 77 \
		--label "in a certificate" >/dev/null 2>&1
	run -0 "$KEYGEN" -D "$MODULE"
	[[ $output == *" in a certificate"* ]]
	[ "$(grep ' in a certificate$' <<<"$output" | cut -d' ' -f1,2)" = "$(chmod 600 x.key; "$KEYGEN" -y -f x.key | cut -d' ' -f1,2)" ]
	pkcs11-tool --module "$MODULE" --token-label "test token" --login \
		--pin "$PIN" --delete-object --type cert --id 77 >/dev/null 2>&1
}

@test "helpers are not for people, and missing ones are named" {
	for helper in ssh-pkcs11-helper ssh-sk-helper; do
		run -1 "$BIN/$helper" </dev/null
		[ "$output" = "$helper is run by other programs, not by hand" ]
	done
	SSH_PKCS11_HELPER=/no/such run -255 "$KEYGEN" -D "$MODULE"
	[[ $output == *"starting the helper /no/such: No such file or directory"* ]]
}

@test "a key that wants the PIN at each signature gets it each time" {
	pkcs11-tool --module "$MODULE" --token-label "test token" --login \
		--pin "$PIN" --keypairgen --key-type EC:prime256v1 --id 66 \
		--label "always asks" --always-auth >/dev/null 2>&1 ||
		skip "pkcs11-tool knows no --always-auth"
	"$KEYGEN" -D "$MODULE" | grep ' always asks$' > ca.pub
	cp user.pub other.pub
	run -0 "$KEYGEN" -q -D "$MODULE" -s ca.pub -I id -n user user.pub other.pub
	[ "$(grep -c PIN "$ASKED")" -eq 2 ]
	pkcs11-tool --module "$MODULE" --token-label "test token" --login \
		--pin "$PIN" --delete-object --type pubkey --id 66 >/dev/null 2>&1
	pkcs11-tool --module "$MODULE" --token-label "test token" --login \
		--pin "$PIN" --delete-object --type privkey --id 66 >/dev/null 2>&1
}
