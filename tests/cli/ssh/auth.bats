# Authentication: which keys, which questions, what is said when it fails.

setup_file() {
	load ../common
	start_sshd 'PasswordAuthentication yes' 'KbdInteractiveAuthentication no'
	for type in rsa ecdsa; do
		"$KEYGEN" -q -t $type -N '' -C $type -f "$SCRATCH/user_$type"
	done
	"$KEYGEN" -q -t ed25519 -N 'pass phrase' -C locked -f "$SCRATCH/user_locked"
	"$KEYGEN" -q -t ed25519 -N '' -C stranger -f "$SCRATCH/stranger"
	cat "$SCRATCH"/user_{rsa,ecdsa,locked}.pub >> "$SCRATCH/authorized_keys"
}
teardown_file() { load ../common; stop_sshd; }
setup() {
	load ../common
	# The configuration without a key of its own.
	grep -v IdentityFile "$SCRATCH/ssh_config" > "$BATS_TEST_TMPDIR/config"
}

with_keys() {
	timeout 30 "$SSH" -F "$BATS_TEST_TMPDIR/config" "$@"
}

at_terminal() {
	local steps=()
	while [ "$1" != -- ]; do
		steps+=("$1")
		shift
	done
	shift
	"$PTYRUN" "${steps[@]}" -- "$SSH" -F "$BATS_TEST_TMPDIR/config" -o BatchMode=no "$@"
}

@test "every key type logs in" {
	for type in ed25519 rsa ecdsa; do
		run -0 with_keys -v -i "$SCRATCH/user_$type" target true
		[[ "$output" == *'using "publickey".'* ]]
	done
}

@test "RSA signs with rsa-sha2-256 where only that is accepted" {
	run -0 with_keys -o PubkeyAcceptedAlgorithms=rsa-sha2-256 -i "$SCRATCH/user_rsa" target true
}

@test "RSA keys below RequiredRSASize are not offered" {
	run -255 with_keys -v -o RequiredRSASize=8192 -i "$SCRATCH/user_rsa" target true
	[[ "$output" != *"Offering public key"* ]]
	run -0 with_keys -o RequiredRSASize=2048 -i "$SCRATCH/user_rsa" target true
}

@test "a key whose algorithm is not accepted here is not offered" {
	run -255 --separate-stderr with_keys -o PubkeyAcceptedAlgorithms=ssh-ed25519 -i "$SCRATCH/user_rsa" target true
	[[ "$stderr" == *"PubkeyAcceptedAlgorithms"* ]]
}

@test "the right key among several is found" {
	run -0 with_keys -i "$SCRATCH/stranger" -i "$SCRATCH/user_rsa" -i "$SCRATCH/user_ed25519" target true
}

@test "the name of the public file does as well" {
	run -0 with_keys -i "$SCRATCH/user_ed25519.pub" target true
}

@test "one key alone is signed at once, without a question" {
	run -0 with_keys -vvv -E "$BATS_TEST_TMPDIR/log" -i "$SCRATCH/user_ed25519" target true
	grep -q 'Offering public key: .*user_ed25519 ED25519 SHA256:.* explicit' "$BATS_TEST_TMPDIR/log"
	! grep -q 'Server accepts key' "$BATS_TEST_TMPDIR/log"
}

@test "the passphrase is asked for, again after a wrong one" {
	run -0 at_terminal -e "Enter passphrase for key '$SCRATCH/user_locked': " -s 'wrong\n' \
		-e "Enter passphrase for key '$SCRATCH/user_locked': " -s 'pass phrase\n' -e in -- \
		-i "$SCRATCH/user_locked" target echo in
	[[ "$output" != *"pass phrase"* ]]
}

@test "the passphrase is asked for only when the server wants the key" {
	"$KEYGEN" -q -t ed25519 -N 'secret' -f "$BATS_TEST_TMPDIR/unwanted"
	run -0 at_terminal -e in -- -i "$BATS_TEST_TMPDIR/unwanted" -i "$SCRATCH/user_ed25519" target echo in
	[[ "$output" != *"Enter passphrase"* ]]
}

@test "BatchMode asks for nothing and says what it would have needed" {
	run -255 --separate-stderr with_keys -i "$SCRATCH/user_locked" target true
	[[ "$stderr" == *"BatchMode forbids"* ]]
}

@test "SSH_ASKPASS answers where there is no terminal" {
	cat > "$BATS_TEST_TMPDIR/askpass" <<-'E'
		#!/bin/sh
		echo "$1" > "${0%/*}/asked"
		echo 'pass phrase'
	E
	chmod +x "$BATS_TEST_TMPDIR/askpass"
	SSH_ASKPASS="$BATS_TEST_TMPDIR/askpass" SSH_ASKPASS_REQUIRE=force \
		run -0 with_keys -o BatchMode=no -i "$SCRATCH/user_locked" target true
	[ "$(cat "$BATS_TEST_TMPDIR/asked")" = "Enter passphrase for key '$SCRATCH/user_locked': " ]
}

@test "passwords: asked three times, not shown, then the reasons" {
	run -255 at_terminal -e "$ME@127.0.0.1's password: " -s 'one-wrong\n' \
		-e 'Permission denied, please try again.' -e "password: " -s 'two-wrong\n' \
		-e "password: " -s 'three-wrong\n' -e 'Permission denied (publickey,password).' \
		-e 'ssh: offered: a password' -e 'password: refused' -e 'most likely: a wrong password' -- \
		-o IdentityFile=none target true
	[[ "$output" != *-wrong* ]]
}

@test "^C at a prompt ends it, the terminal as it was" {
	run -130 at_terminal -e 'password: ' -s '\x03' -- -o IdentityFile=none target true
}

@test "NumberOfPasswordPrompts=1 asks once" {
	run -255 at_terminal -e 'password: ' -s 'x\n' -e 'Permission denied (' -- \
		-o NumberOfPasswordPrompts=1 -o IdentityFile=none target true
	[ "$(grep -c "password: $" <<<"${output//$'\r'/}")" -le 1 ]
}

@test "a failed login says what was offered, what came back, what helps" {
	run -255 --separate-stderr with_keys -i "$SCRATCH/stranger" target true
	print=$(fingerprint "$SCRATCH/stranger.pub")
	[[ "$stderr" == *"$ME@127.0.0.1: Permission denied (publickey,password)."* ]]
	[[ "$stderr" == *"ssh: offered: key $SCRATCH/stranger (ED25519 $print)"* ]]
	[[ "$stderr" == *"ssh: the server answered: key $SCRATCH/stranger: refused; it would take: publickey,password"* ]]
	[[ "$stderr" == *"ssh: most likely: the account $ME does not list this key"*"authorized_keys"* ]]
}

@test "a login without any key says so" {
	run -255 --separate-stderr with_keys -o IdentityFile=none -o PreferredAuthentications=publickey target true
	[[ "$stderr" == *"ssh: offered: nothing"* ]]
}

@test "keys in the order of the configuration" {
	run -255 --separate-stderr with_keys -o PreferredAuthentications=publickey -v \
		-i "$SCRATCH/stranger" -i "$SCRATCH/user_locked" target true
	first=$(grep -n 'Offering public key: .*stranger' <<<"$stderr" | head -n 1 | cut -d: -f1)
	second=$(grep -n 'Offering public key: .*user_locked' <<<"$stderr" | head -n 1 | cut -d: -f1)
	[ "$first" -lt "$second" ]
}

@test "a key file that others can read is refused, with the chmod" {
	cp "$SCRATCH/user_ed25519" "$BATS_TEST_TMPDIR/open"
	chmod 644 "$BATS_TEST_TMPDIR/open"
	run -255 --separate-stderr with_keys -i "$BATS_TEST_TMPDIR/open" target true
	[[ "$stderr" == *"WARNING: UNPROTECTED PRIVATE KEY FILE!"* ]]
	[[ "$stderr" == *"Load key \"$BATS_TEST_TMPDIR/open\": bad permissions"* ]]
}

@test "what is wrong with a key is told when its turn comes, not before" {
	cp "$SCRATCH/user_ed25519" "$BATS_TEST_TMPDIR/open"
	chmod 644 "$BATS_TEST_TMPDIR/open"
	echo nonsense > "$BATS_TEST_TMPDIR/nonsense"
	chmod 600 "$BATS_TEST_TMPDIR/nonsense"
	run -0 --separate-stderr with_keys -i "$SCRATCH/user_ed25519" -i "$BATS_TEST_TMPDIR/open" \
		-i "$BATS_TEST_TMPDIR/nonsense" -o IdentityFile=/nonexistent target true
	[ -z "$stderr" ]
	run -255 --separate-stderr with_keys -o IdentityFile=/nonexistent target true
	[[ "${stderr_lines[0]}" == "no such identity: /nonexistent: No such file or directory"* ]]
	[[ "$stderr" == *"no IdentityFile could be read"* ]]
	# No key is tried, none is complained of.
	run -255 --separate-stderr with_keys -i "$BATS_TEST_TMPDIR/open" -o PreferredAuthentications=password target true
	[[ "$stderr" != *UNPROTECTED* ]]
}

@test "a login that tries no key says which option is the cause" {
	run -255 --separate-stderr with_keys -i "$SCRATCH/user_ed25519" -o PreferredAuthentications=password target true
	[[ "${stderr_lines[-1]}" == *"PreferredAuthentications leaves publickey out here."* ]]
	run -255 --separate-stderr with_keys -o IdentityFile=none target true
	[[ "${stderr_lines[-1]}" == *"IdentityFile names none here."* ]]
}

@test "damaged key files are one line each, and the next key is tried" {
	head -c 200 "$SCRATCH/user_ed25519" > "$BATS_TEST_TMPDIR/cut"
	echo nonsense > "$BATS_TEST_TMPDIR/nonsense"
	: > "$BATS_TEST_TMPDIR/empty"
	chmod 600 "$BATS_TEST_TMPDIR"/{cut,nonsense,empty}
	for f in cut nonsense empty; do
		run -0 --separate-stderr with_keys -i "$BATS_TEST_TMPDIR/$f" -i "$SCRATCH/user_ed25519" target true
		[[ "$stderr" == *"Load key \"$BATS_TEST_TMPDIR/$f\": "* ]]
		[ "$(wc -l <<<"$stderr")" -eq 1 ]
	done
}

@test "PubkeyAuthentication=no and no password: refused" {
	run -255 --separate-stderr with_keys -o PubkeyAuthentication=no -i "$SCRATCH/user_ed25519" target true
	[[ "$stderr" == *"Permission denied (publickey,password)."* ]]
}

@test "PreferredAuthentications decides" {
	run -255 with_keys -o PreferredAuthentications=password -i "$SCRATCH/user_ed25519" target true
	run -0 with_keys -o PreferredAuthentications=password,publickey -i "$SCRATCH/user_ed25519" target true
}
