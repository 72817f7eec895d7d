# ssh-keygen -p and -c.

setup() {
	load ../common
	cd "$BATS_TEST_TMPDIR"
	"$KEYGEN" -q -N '' -f k -C 'a comment'
}

@test "-p sets, changes and removes a passphrase" {
	run -0 "$KEYGEN" -p -a 1 -N one -f k
	[ "${lines[0]}" = "Key has comment 'a comment'" ]
	[ "${lines[1]}" = "Your identification has been saved with the new passphrase." ]
	run -255 "$KEYGEN" -y -P '' -f k
	run -0 "$KEYGEN" -p -a 1 -P one -N two -f k
	run -255 "$KEYGEN" -y -P one -f k
	run -0 "$KEYGEN" -p -P two -N '' -f k
	[ "$("$KEYGEN" -y -f k)" = "$(cat k.pub)" ]
	[ "$(stat -c %a k)" = 600 ]
}

@test "-p with a wrong passphrase leaves the file as it is" {
	"$KEYGEN" -p -a 1 -N one -f k
	cp k kept
	run -255 "$KEYGEN" -p -P wrong -N two -f k
	[ "$output" = 'Load key "k": incorrect passphrase supplied to decrypt private key' ]
	cmp k kept
}

@test "-p asks for the old and twice for the new one" {
	"$KEYGEN" -p -a 1 -N one -f k
	run -0 "$PTYRUN" -e 'Enter old passphrase: ' -s 'one\n' \
		-e 'Enter new passphrase (empty for no passphrase): ' -s 'two\n' \
		-e 'Enter same passphrase again: ' -s 'two\n' -- "$KEYGEN" -p -a 1 -f k
	run -0 "$KEYGEN" -y -P two -f k
}

@test "-p converts between formats and back" {
	"$KEYGEN" -q -N '' -t rsa -b 1024 -f r -C c
	for m in PEM PKCS8 RFC4716; do
		for n in '' sesame ''; do
			"$KEYGEN" -p -a 1 -P "${old:-}" -N "$n" -m "$m" -f r
			[ "$("$KEYGEN" -y -P "$n" -f r)" = "$(cat r.pub)" ]
			old=$n
		done
	done
	[ "$(head -n 1 r)" = "-----BEGIN OPENSSH PRIVATE KEY-----" ]
}

@test "-p of a key that others can read is refused" {
	chmod 640 k
	cp k kept
	run -255 "$KEYGEN" -p -N x -f k
	[[ $output == *"UNPROTECTED PRIVATE KEY FILE"* ]]
	cmp k kept
}

@test "-c changes the comment of both files" {
	run -0 "$KEYGEN" -c -C 'another one' -f k
	[ "${lines[0]}" = "Old comment: a comment" ]
	[ "${lines[1]}" = "Comment 'another one' applied" ]
	[[ $(cat k.pub) == *" another one" ]]
	rm k.pub
	[[ $("$KEYGEN" -y -f k) == *" another one" ]]
}

@test "-c keeps the passphrase" {
	"$KEYGEN" -p -a 1 -N one -f k
	run -0 "$KEYGEN" -c -a 1 -P one -C new -f k
	run -255 "$KEYGEN" -y -P '' -f k
	[[ $("$KEYGEN" -y -P one -f k) == *" new" ]]
}

@test "-c asks for the comment" {
	run -0 "$KEYGEN" -c -f k <<< typed
	[[ $output == *"New comment: "* ]]
	[[ $(cat k.pub) == *" typed" ]]
	run -0 "$KEYGEN" -c -C typed -f k
	[[ $output == *"No change to comment"* ]]
	run -1 "$KEYGEN" -c -f k < /dev/null
}
