# Keys of security keys: -t ecdsa-sk and ed25519-sk, -O, -w, -K, -p -O.

setup() {
	load ../common
	load ../devices
	cd "$BATS_TEST_TMPDIR"
	use_devices
}

fault() {
	echo "$1" > "$SK_SOFTWARE/fault"
}

pin_is_set() {
	echo "$PIN" > "$SK_SOFTWARE/pin"
}

# The flags of the private file: the byte behind the application.
flags_of() {
	python3 - "$1" <<-'PYTHON'
		import base64, struct, sys
		text = open(sys.argv[1]).read().split('-----')[2]
		blob = base64.b64decode(text)
		at = len('openssh-key-v1\0')
		def take(b, at):
		    n = struct.unpack('>I', b[at:at + 4])[0]
		    return b[at + 4:at + 4 + n], at + 4 + n
		for _ in range(3):
		    _, at = take(blob, at)
		_, at = take(blob, at + 4)
		private, _ = take(blob, at)
		at = 8
		name, at = take(private, at)
		for _ in range(3 if b'ecdsa' in name else 2):
		    _, at = take(private, at)
		print(private[at])
	PYTHON
}

@test "both types are made, with their names everywhere" {
	for type in ed25519 ecdsa; do
		run -0 "$KEYGEN" -t "$type-sk" -w "$SO" -N '' -C c -f "$type"
		[ "${lines[0]}" = "Generating public/private $type-sk key pair." ]
		[ "${lines[1]}" = "You may need to touch your authenticator to authorize key generation." ]
		[ "${lines[2]}" = "Your identification has been saved in $type" ]
		run -0 "$KEYGEN" -l -f "$type.pub"
		[[ $output == "256 SHA256:"*" c (${type^^}-SK)" ]]
		[ "$(flags_of "$type")" -eq 1 ]
		[ "$(stat -c %a "$type")" = 600 ]
	done
	grep -q '^sk-ssh-ed25519@openssh.com ' ed25519.pub
	grep -q '^sk-ecdsa-sha2-nistp256@openssh.com ' ecdsa.pub
	run -0 "$KEYGEN" -q -t sk-ssh-ed25519@openssh.com -w "$SO" -N '' -f full
}

@test "the default file is named after the type" {
	run -1 "$KEYGEN" -t ed25519-sk -w "$SO" -N '' </dev/null
	[[ $output == *"/.ssh/id_ed25519_sk): "* ]]
}

@test "SSH_SK_PROVIDER names the library where -w does not" {
	SSH_SK_PROVIDER=$SO run -0 "$KEYGEN" -q -t ed25519-sk -N '' -f k
	[ -s k.pub ]
}

@test "-O sets application and flags" {
	pin_is_set
	run -0 "$KEYGEN" -q -t ed25519-sk -w "$SO" -N '' -f k \
		-O application=ssh:tests -O no-touch-required
	[ "$(flags_of k)" -eq 0 ]
	grep -q "$(printf ssh:tests | base64 | cut -c1-8)" <(cut -d' ' -f2 k.pub | base64 -d | tail -c 9 | base64)
	run -0 "$KEYGEN" -q -t ecdsa-sk -w "$SO" -N '' -f v -O verify-required
	[ "$(flags_of v)" -eq 5 ]
	asked "^Enter PIN for authenticator: "
	run -0 "$KEYGEN" -q -t ecdsa-sk -w "$SO" -N '' -f r -O resident
	[ "$(flags_of r)" -eq 33 ]
}

@test "what -O cannot say is refused" {
	run -255 "$KEYGEN" -t ed25519-sk -w "$SO" -N '' -f k -O application=web
	[ "${lines[1]}" = 'FIDO application string must begin with "ssh:"' ]
	run -255 "$KEYGEN" -t ed25519-sk -w "$SO" -N '' -f k -O foo
	[ "${lines[1]}" = 'Option "foo" is unsupported for FIDO authenticator enrollment' ]
	run -255 "$KEYGEN" -q -t ed25519-sk -w "$SO" -N '' -f k -O user="$(printf '%040d' 0)"
	[[ $output == *"is too long"* ]]
	run -255 "$KEYGEN" -q -t ed25519-sk -w "$SO" -N '' -f k -O challenge=/no/such
	[[ $output == "Unable to read attestation challenge: "* ]]
	run -1 "$KEYGEN" -t ed25519 -N '' -f k -O resident
	[[ $output == *"-O resident says nothing here: it goes with -t ecdsa-sk and ed25519-sk" ]]
	[ ! -e k ]
}

@test "-O device= chooses the device" {
	run -0 "$KEYGEN" -q -t ed25519-sk -w "$SO" -N '' -f k -O device=software
	run -255 "$KEYGEN" -q -t ed25519-sk -w "$SO" -N '' -f l -O device=other
	[ "$output" = "Key enrollment failed: device not found" ]
}

@test "an attestation is written as OpenSSH writes it" {
	head -c 40 /dev/urandom > challenge
	run -0 "$KEYGEN" -t ed25519-sk -w "$SO" -N '' -f k -O challenge=challenge -O write-attestation=ours
	[[ $output == *"Your FIDO attestation certificate has been saved in ours"* ]]
	/usr/bin/ssh-keygen -q -t ed25519-sk -w "$SO" -N '' -f l -O challenge=challenge -O write-attestation=theirs
	cmp ours theirs
}

@test "a wrong PIN is asked for again, and then given up" {
	pin_is_set
	answer_pin 0000
	run -255 "$KEYGEN" -t ed25519-sk -w "$SO" -N '' -f k -O verify-required
	[[ $output == *"PIN incorrect"*"Key enrollment failed: a PIN is needed, or the one given was wrong" ]]
	[ "$(grep -c PIN "$ASKED")" -eq 2 ]
	[ ! -e k ]
}

@test "a resident key is replaced only after a question" {
	pin_is_set
	set -- -t ed25519-sk -w "$SO" -N '' -O resident -O user=me
	run -0 "$KEYGEN" -q "$@" -f one
	run -255 "$KEYGEN" "$@" -f two <<<n
	[[ $output == *"A resident key scoped to 'ssh:' with user id 'me' already exists."*"Overwrite key in token (y/n)? "* ]]
	[ ! -e two ]
	run -0 "$KEYGEN" -q "$@" -f two <<<y
	[ -s two ]
	run -0 "$KEYGEN" -q "$@" -O application=ssh:other -f three </dev/null
}

@test "-K makes files of all resident keys" {
	pin_is_set
	"$KEYGEN" -q -t ed25519-sk -w "$SO" -N '' -O resident -f a
	"$KEYGEN" -q -t ecdsa-sk -w "$SO" -N '' -O resident -O application=ssh:work -O user=me -O verify-required -f b
	: > "$ASKED"
	run -0 "$KEYGEN" -K -w "$SO"
	[ "${lines[0]}" = "You may need to touch your authenticator to authorize key download." ]
	[ "${lines[1]}" = "Saved ED25519-SK key to id_ed25519_sk_rk" ]
	[ "${lines[2]}" = "Saved ECDSA-SK key ssh:work to id_ecdsa_sk_rk_work_me" ]
	[ "$(cat "$ASKED")" = "$(printf '%s\n' 'Enter PIN for authenticator: ' \
		'Enter passphrase (empty for no passphrase): ' \
		'Enter same passphrase again: ')" ]
	cmp <(cut -d' ' -f1,2 a.pub) <(cut -d' ' -f1,2 id_ed25519_sk_rk.pub)
	grep -q ' ssh:work$' id_ecdsa_sk_rk_work_me.pub
	run -0 "$KEYGEN" -p -P sesame -N '' -f id_ecdsa_sk_rk_work_me
	[ "$(flags_of id_ecdsa_sk_rk_work_me)" -eq 37 ]
	run -0 "$KEYGEN" -K -w "$SO" -N '' <<<n # asks before it overwrites
	[[ $output == *"id_ed25519_sk_rk already exists."* ]]
}

@test "-K: names that a device gives lead nowhere else" {
	pin_is_set
	"$KEYGEN" -q -t ed25519-sk -w "$SO" -N '' -O resident -O user=../../x -O application=ssh:/etc/passwd -f a
	run -0 "$KEYGEN" -K -w "$SO" -N ''
	[ -s id_ed25519_sk_rk__etc_passwd_.._.._x ]
}

@test "-K says why there is nothing" {
	pin_is_set
	run -0 "$KEYGEN" -K -w "$SO"
	[[ $output == *"No keys to download" ]]
	answer_pin 0000
	run -255 "$KEYGEN" -K -w "$SO"
	[[ $output == *"Unable to load resident keys: a PIN is needed, or the one given was wrong" ]]
	fault absent
	run -255 "$KEYGEN" -K -w "$SO"
	[[ $output == *"Unable to load resident keys: device not found" ]]
	run -255 "$KEYGEN" -K -w "$SO" -O foo
	[[ $output == 'Option "foo" is unsupported for -K'* ]]
}

@test "-p changes what a key demands" {
	"$KEYGEN" -q -t ed25519-sk -w "$SO" -N '' -f k
	run -0 "$KEYGEN" -p -N '' -f k -O no-touch-required
	[ "$(flags_of k)" -eq 0 ]
	run -0 "$KEYGEN" -p -N '' -f k -O touch-required -O verify-required
	[ "$(flags_of k)" -eq 5 ]
	run -0 "$KEYGEN" -p -N '' -f k -O no-verify-required
	[ "$(flags_of k)" -eq 1 ]
	run -1 "$KEYGEN" -p -N '' -f k -O foo
	[[ $output == *'Option "foo" is unsupported here'* ]]
	"$KEYGEN" -q -t ed25519 -N '' -f plain
	run -1 "$KEYGEN" -p -N '' -f plain -O verify-required
	[[ $output == *"the key is not one of a security key"* ]]
}

@test "formats of OpenSSL are not for these keys: the file stays in ours" {
	"$KEYGEN" -q -t ecdsa-sk -w "$SO" -N '' -f k
	for format in PEM PKCS8; do
		run -0 "$KEYGEN" -p -N '' -m "$format" -f k
		[ "$(head -n 1 k)" = "-----BEGIN OPENSSH PRIVATE KEY-----" ]
		"$KEYGEN" -y -f k | diff - k.pub
	done
}

@test "a CA in a security key signs; a person is told to touch it" {
	"$KEYGEN" -q -t ed25519-sk -w "$SO" -N '' -f ca
	"$KEYGEN" -q -t ed25519 -N '' -f user
	run -0 "$KEYGEN" -w "$SO" -s ca -I id -n me user.pub
	asked "^none: Confirm user presence for key ED25519-SK SHA256:"
	/usr/bin/ssh-keygen -L -f user-cert.pub | grep -q 'Signing CA: ED25519-SK .*(using sk-ssh-ed25519@openssh.com)'
}

@test "what goes wrong in a device is said, and nothing is written" {
	while read -r what why; do
		fault "$what"
		run -255 "$KEYGEN" -q -t ed25519-sk -w "$SO" -N '' -f k
		[ "$output" = "Key enrollment failed: $why" ]
		[ ! -e k ]
	done <<-CASES
		absent device not found
		crash the helper process ended without an answer: the provider library may have crashed
		huge the provider returned nonsense
	CASES
	run -255 "$KEYGEN" -q -t ed25519-sk -w "$MODULE" -N '' -f k
	[[ $output == *"is not an OpenSSH FIDO library" ]]
	run -255 "$KEYGEN" -q -t ed25519-sk -w /no/such -N '' -f k
	[[ $output == *'provider "/no/such" cannot be loaded: '* ]]
	SSH_SK_HELPER=/no/such run -255 "$KEYGEN" -q -t ed25519-sk -w "$SO" -N '' -f k
	[[ $output == *"starting the helper /no/such: No such file or directory" ]]
}

@test "without a provider libfido2 looks for devices" {
	run -255 "$KEYGEN" -q -t ed25519-sk -N '' -f k
	[[ $output == "Key enrollment failed: device not found" ||
		$output == *"security keys need libfido2"* ]]
}

@test "a helper gets no variables of ours or of the linker's" {
	cat > helper <<-'SCRIPT'
		#!/bin/sh
		env > "${0%/*}/environment"
		ls -l /proc/self/fd > "${0%/*}/descriptors"
	SCRIPT
	chmod +x helper
	LD_TEST=1 SSH_AUTH_SOCK=/x DISPLAY=:9 KEPT=1 SSH_SK_HELPER=$PWD/helper \
		run -255 "$KEYGEN" -q -t ed25519-sk -w "$SO" -N '' -f k 7</dev/null
	! grep -qE '^(LD_|SSH_|DISPLAY=)' environment
	grep -q '^KEPT=1$' environment
}
