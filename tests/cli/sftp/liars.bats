# Servers that do not keep to the protocol: a clear error, a status, and
# nothing outside the target.

setup() {
	load ../common
	load ../sftp
	sides
	LIAR="python3 $BATS_TEST_DIRNAME/liar.py"
	mkdir in
	cd in
}

lied() {
	printf '%s\n' 'get -r t' > "$WORK/batch"
	timeout 30 "$SFTP" -b "$WORK/batch" -D "$LIAR $1"
}

@test "an honest one, to begin with" {
	run -0 lied nothing
	[ "$(stat -c %s t/f)" = 100 ]
}

@test "names that lead out of the folder" {
	for lie in slash absolute nul empty; do
		run -1 lied "$lie"
		[[ $output == *"remote readdir \"/r/t\": the server sent "*"as a name in the folder, which is none"* ]]
		[ -z "$(find "$WORK" /tmp -maxdepth 1 -name 'evil*' 2>/dev/null)" ]
	done
}

@test "names with control characters move no cursor" {
	run -0 lied escape
	[[ $output != *$'\e'* ]]
	run -0 bash -c "printf 'ls -1 t\n' | '$SFTP' -b - -D '$LIAR escape'"
	[[ $output == *'t/\033]0;evil\007'* && $output != *$'\e'* ]]
}

@test "wrong ids, more data than asked for, an end in the middle" {
	run -255 lied id
	[[ $output == *"the server does not keep to SFTP: data that nobody asked for"* ]]
	run -255 lied more
	[[ $output == *"the server does not keep to SFTP: more data than was asked for"* ]]
	run -255 lied cut
	[[ $output == *"Connection closed"* ]]
}

@test "a version that nobody offered, a message without end" {
	run -255 lied version
	[[ $output == *"it chose a version that nobody offered"* ]]
	run -255 lied long
	[[ $output == *"are no SFTP message"* ]]
}

@test "a folder without end takes no memory without end" {
	printf '%s\n' 'get -r t' > "$WORK/batch"
	run bash -c "ulimit -v 600000; timeout 4 '$SFTP' -q -b '$WORK/batch' -D '$LIAR endless' > '$WORK/out' 2>&1"
	# It goes on until somebody ends it.
	[ "$status" = 124 ]
	[ "$(grep -c 'Permission denied' "$WORK/out")" -gt 100 ]
}
