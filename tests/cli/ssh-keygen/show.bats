# ssh-keygen -y and -l.

setup() {
	load ../common
	cd "$BATS_TEST_TMPDIR"
	"$KEYGEN" -q -N '' -f k -C 'a comment'
	"$KEYGEN" -q -N sesame -a 1 -f locked -C locked
}

@test "-y prints the public line with the comment" {
	[ "$("$KEYGEN" -y -f k)" = "$(cat k.pub)" ]
	rm k.pub
	[[ $("$KEYGEN" -y -f k) == ssh-ed25519\ *" a comment" ]]
}

@test "-y takes the passphrase from -P, or asks" {
	[ "$("$KEYGEN" -y -P sesame -f locked)" = "$(cat locked.pub)" ]
	run -0 "$PTYRUN" -e 'Enter passphrase for "locked": ' -s 'sesame\n' \
		-- "$KEYGEN" -y -f locked
	[[ $output == *"$(cat locked.pub)"* ]]
	run -255 "$PTYRUN" -e ': ' -s 'wrong\n' -- "$KEYGEN" -y -f locked
	[[ $output == *'Load key "locked": incorrect passphrase supplied to decrypt private key'* ]]
}

@test "without a terminal the passphrase is read from standard input" {
	run -0 setsid -w "$KEYGEN" -y -f locked <<< sesame
	[[ $output == *"$(cat locked.pub)"* ]]
}

@test "a stopped question is asked again, the terminal in order meanwhile" {
	# A job of a shell, so that there is somebody to go on with it.
	export KEYGEN
	run -0 env --default-signal "$PTYRUN" -e 'Enter passphrase for "locked": ' \
		-s 'ses\x1a' -e ' echo ' -e 'Enter passphrase for "locked": ' \
		-s 'sesame\n' -- bash -mc '"$KEYGEN" -y -f locked; stty -a; fg'
	[[ $output == *"$(cat locked.pub)"* ]]
}

@test "keys that others can read are refused, with the box" {
	chmod 644 k
	run -255 --separate-stderr "$KEYGEN" -y -f k
	[ "$output" = "" ]
	[ "${#stderr_lines[@]}" = 8 ]
	[ "${stderr_lines[1]}" = "@         WARNING: UNPROTECTED PRIVATE KEY FILE!          @" ]
	[ "${stderr_lines[3]}" = "Permissions 0644 for 'k' are too open." ]
	[ "${stderr_lines[6]}" = "Nobody else may read it: chmod 600 k" ]
	[ "${stderr_lines[7]}" = 'Load key "k": bad permissions' ]
}

@test "-y of what is no key: one sentence, status 255" {
	run -255 "$KEYGEN" -y -f missing
	[ "$output" = "missing: No such file or directory" ]
	echo nothing > bad
	chmod 600 bad
	run -255 "$KEYGEN" -y -f bad
	[ "$output" = 'Load key "bad": not a private key file' ]
	head -c 200 k > short
	chmod 600 short
	run -255 "$KEYGEN" -y -f short
	[ "$output" = 'Load key "short": damaged private key file: its END line is missing' ]
	: > empty
	chmod 600 empty
	run -255 "$KEYGEN" -y -f empty
	run -255 "$KEYGEN" -y -f .
	[ "${#lines[@]}" = 1 ]
}

@test "-l of a private key needs no passphrase" {
	[ "$("$KEYGEN" -l -f locked)" = "$("$KEYGEN" -l -f locked.pub)" ]
	rm locked.pub
	[[ $("$KEYGEN" -l -f locked) == *" no comment (ED25519)" ]]
	[[ $("$KEYGEN" -l -P sesame -f locked) == *" locked (ED25519)" ]]
}

@test "-l of an old format takes comment and public half from the .pub" {
	"$KEYGEN" -q -N sesame -t rsa -b 1024 -m PEM -f old -C 'old comment'
	[[ $("$KEYGEN" -l -f old) == 1024\ SHA256:*" old comment (RSA)" ]]
	rm old.pub
	run -255 "$KEYGEN" -l -f old
	[[ $output == "old: incorrect passphrase"* ]]
}

@test "-l in the other hashes" {
	[[ $("$KEYGEN" -l -E md5 -f k) =~ ^256\ MD5(:[0-9a-f]{2}){16}\ a\ comment\ \(ED25519\)$ ]]
	[[ $("$KEYGEN" -l -E sha512 -f k) =~ ^256\ SHA512:.{86}\ a\ comment ]]
}

@test "-lv draws the picture" {
	run -0 "$KEYGEN" -l -v -f k.pub
	[ "${lines[1]}" = "+--[ED25519 256]--+" ]
	[ "${#lines[@]}" = 12 ]
}

@test "-l of files with several keys, and of standard input" {
	"$KEYGEN" -q -N '' -t ecdsa -f e -C ec
	{
		echo "# a comment line"
		echo
		echo "host.example,192.0.2.1 $(cut -d' ' -f1,2 k.pub)"
		echo "@cert-authority *.example $(cat e.pub)"
		echo "no-pty,command=\"echo \\\"a b\\\"\" $(cat k.pub)"
		echo "garbage"
	} > many
	run -0 "$KEYGEN" -l -f many
	[ "${#lines[@]}" = 3 ]
	[[ ${lines[0]} == "256 $(fingerprint k) host.example,192.0.2.1 (ED25519)" ]]
	[[ ${lines[1]} == *" ec (ECDSA)" ]]
	[[ ${lines[2]} == *" a comment (ED25519)" ]]
	[ "$("$KEYGEN" -l -f - < many)" = "$output" ]
}

@test "-l of what holds no key: one sentence, status 255" {
	echo nothing > bad
	run -255 "$KEYGEN" -l -f bad
	[ "$output" = "bad is not a public key file." ]
	run -255 "$KEYGEN" -l -f missing
	[ "$output" = "ssh-keygen: missing: No such file or directory" ]
	run -255 "$KEYGEN" -l -f - < /dev/null
	[ "$output" = "(stdin) is not a public key file." ]
}

@test "comments reach the terminal escaped" {
	printf '%s \033[2Jboo\n' "$(cut -d' ' -f1,2 k.pub)" > evil.pub
	run -0 "$KEYGEN" -l -f evil.pub
	[[ $output != *$'\033'* ]]
}
