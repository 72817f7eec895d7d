# sftp with a person at a terminal.

setup() { load ../common; load ../sftp; sides; }

# typed_at STEP... -- argument of sftp...
typed_at() {
	local steps=()
	while [ "$1" != -- ]; do
		steps+=("$1")
		shift
	done
	shift
	"$PTYRUN" "${steps[@]}" -- "$SFTP" -D "$SERVER" "$@"
}

@test "a prompt, commands, errors that end nothing, ^D" {
	run -0 typed_at -e 'sftp> ' -s 'pwd\r' -e 'Remote working directory' -e 'sftp> ' -s 'nonsense\r' \
		-e 'Invalid command.' -e 'sftp> ' -s '\x04' --
}

@test "tab completes commands and names on both sides; blanks are quoted" {
	touch "$REMOTE/unique name" "$REMOTE/same1" "$REMOTE/same2" localfile
	run -0 typed_at -e 'sftp> ' -s 'lp\t' -e 'wd ' -s '\r' -e 'Local working' -e 'sftp> ' \
		-s 'get un\t' -e 'ique\ name' -s '\r' -e 'Fetching' -e 'sftp> ' \
		-s 'ls sa\t' -e 'me' -s '\t' -e 'same1' -e 'same2' -s '1\r' -e 'sftp> ' \
		-s 'put loc\t' -e 'alfile' -s '\r' -e 'Uploading' -e 'sftp> ' -s 'bye\r' -- "$REMOTE"
	[ -e 'unique name' ] && [ -e "$REMOTE/localfile" ]
}

@test "tab shows folders by their names, and no name moves the cursor" {
	mkdir "$REMOTE/folder1"; touch "$REMOTE/folder2" "$REMOTE/"$'folder\e[2Jx'
	run -0 typed_at -e 'sftp> ' -s 'ls fo\t' -e 'lder' -s '\t' -e 'folder1/  ' -e 'folder2' -e '033[2Jx' \
		-s '\x15bye\r' -- "$REMOTE"
	[[ $output != *$'folder\e[2J'* ]]
}

@test "lines are remembered" {
	run -0 typed_at -e 'sftp> ' -s 'lpwd\r' -e 'Local working' -e 'sftp> ' -s '\e[A\r' -e 'Local working' \
		-e 'sftp> ' -s 'bye\r' --
}

@test "progress: each file, and a total for many" {
	head -c 3000000 /dev/urandom > "$REMOTE/large"
	mkdir "$REMOTE/t"; for i in 1 2 3; do echo "$i" > "$REMOTE/t/n$i"; done
	run -0 typed_at -w 100x30 -e 'sftp> ' -s 'get large\r' -e 'large' -e '100%' -e 'sftp> ' \
		-s 'get -r t\r' -e 'n1' -e '100%' -e 'Total: 3 files' -e 'sftp> ' -s 'bye\r' -- "$REMOTE"
}

@test "^C ends the transfer and not the session; what is there can be resumed" {
	head -c 3000000 /dev/urandom > "$REMOTE/f"
	run -0 typed_at -e 'sftp> ' -s 'get f\r' -e 'Fetching' -d 700 -s '\x03' -e 'Interrupt' -e 'sftp> ' \
		-s 'pwd\r' -e "Remote working directory: $REMOTE" -e 'sftp> ' -s 'bye\r' -- -l 4000 "$REMOTE"
	[ "$(stat -c %s f)" -lt 3000000 ]
	run -0 batch 'reget f'
	cmp "$REMOTE/f" f
}

@test "^C at the prompt gives a fresh one" {
	run -0 typed_at -e 'sftp> ' -s 'half a li\x03' -e 'sftp> ' -s 'pwd\r' -e 'Remote working' -e 'sftp> ' -s 'bye\r' --
}

@test "ls has the colours of LS_COLORS, none with NO_COLOR" {
	mkdir "$REMOTE/dir"; touch "$REMOTE/a.tar"
	LS_COLORS='di=01;34:*.tar=01;31' TERM=xterm run -0 typed_at -e 'sftp> ' -s 'ls\r' -e '[01;31ma.tar' \
		-e '[01;34mdir' -e 'sftp> ' -s 'bye\r' -- "$REMOTE"
	NO_COLOR=1 LS_COLORS='di=01;34' TERM=xterm run -0 typed_at -e 'sftp> ' -s 'ls\r' -e 'a.tar' -e 'dir' \
		-e 'sftp> ' -s 'bye\r' -- "$REMOTE"
	[[ $output != *'01;34'* ]]
}
