# scp: by SFTP, by the old protocol, between two machines, and what it
# refuses.

setup_file() {
	load ../common
	make_keys
	mkdir "$SCRATCH/path"
	ln -s "$BIN/scp" "$SCRATCH/path/scp"
	# The old protocol needs scp on the other side.
	start_sshd 'Subsystem sftp internal-sftp' "SetEnv PATH=$SCRATCH/path:/usr/bin:/bin"
	head -c 3000000 /dev/urandom > "$SCRATCH/data"
}
teardown_file() { load ../common; stop_sshd; }
setup() {
	load ../common
	T=$BATS_TEST_TMPDIR
	SCP=$BIN/scp
	cd "$T" || return
}

scp_() {
	timeout 40 "$SCP" -F "$SCRATCH/ssh_config" -S "$SSH" "$@"
}

# Both protocols.
each_way() {
	local way
	for way in -s -O; do
		rm -rf "$T/w"
		mkdir "$T/w"
		cd "$T/w" || return
		"$@" "$way" || { echo "with $way"; return 1; }
	done
}

up_and_down() {
	scp_ -q "$1" "$SCRATCH/data" "target:$PWD/up" && cmp "$SCRATCH/data" up &&
		scp_ -q "$1" "target:$PWD/up" down && cmp up down &&
		mkdir d && scp_ -q "$1" up "target:$PWD/d" && cmp up d/up &&
		mkdir e && scp_ -q "$1" "target:$PWD/up" e && cmp up e/up &&
		head -c 4000000 /dev/zero > up && scp_ -q "$1" "$SCRATCH/data" "target:$PWD/up" &&
		cmp "$SCRATCH/data" up && : > empty && scp_ -q "$1" empty "target:$PWD/none" &&
		[ -f none ] && [ ! -s none ]
}

@test "a file goes up and down, to a name and into a folder, over a longer one" {
	each_way up_and_down
}

@test "-O: a new file has the source's mode, less the umask; one that was there keeps its own" {
	for mode in 444 604 755; do
		echo "$mode" > "f$mode"
		chmod "$mode" "f$mode"
	done
	umask 027
	echo old > down444
	chmod 666 down444
	scp_ -q -O "target:$PWD/f444" down444
	[ "$(stat -c %a down444)" = 666 ]
	rm down444
	for mode in 444 604 755; do
		scp_ -q -O "target:$PWD/f$mode" "down$mode"
	done
	[ "$(stat -c %a down444 down604 down755 | tr '\n' ' ')" = '440 600 750 ' ]
}

trees() {
	mkdir -p from/sub/deep from/empty
	for i in $(seq 60); do echo "$i" > "from/sub/$i"; done
	printf x > 'from/a b'
	chmod 640 from/sub/7
	chmod 500 from/sub/deep
	touch -d '2001-02-03 04:05:06' from/sub/7 from/sub from
	scp_ -q -r -p "$1" from "target:$PWD/there" && diff -r from there &&
		scp_ -q -r -p "$1" "target:$PWD/there" back && diff -r from back &&
		[ "$(cd from; find . -printf '%p %m %T@\n' | sed 's/\.[0-9]*$//' | sort)" = \
			"$(cd back; find . -printf '%p %m %T@\n' | sed 's/\.[0-9]*$//' | sort)" ] &&
		mkdir into && scp_ -q -r "$1" from "target:$PWD/into" && diff -r from into/from
}

@test "folders go with all that is in them, with modes and times" {
	each_way trees
	chmod -R u+w "$T"
}

several() {
	echo 1 > a1; echo 2 > a2; echo 3 > b
	mkdir d e
	scp_ -q "$1" a1 a2 b "target:$PWD/d" && [ "$(cat d/*)" = $'1\n2\n3' ] &&
		scp_ -q "$1" "target:$PWD/d/a?" "target:$PWD/d/b" e && [ "$(cat e/*)" = $'1\n2\n3' ] &&
		rm e/* && scp_ -q "$1" "target:$PWD/d/[ab]*" e && [ "$(ls e | wc -l)" -eq 3 ]
}

@test "several sources, and patterns of the other side's files" {
	each_way several
}

between() {
	mkdir -p from/sub d
	cp "$SCRATCH/data" from/sub/f
	scp_ -q -3 "$1" "target:$PWD/from/sub/f" "target:$PWD/g" && cmp from/sub/f g &&
		scp_ -q -r "$1" "target:$PWD/from" "target:$PWD/d" && diff -r from d/from
}

@test "between two machines, through us" {
	each_way between
}

@test "between two machines, from the one to the other" {
	# The source's machine has our configuration only when it is told.
	printf '#!/bin/sh\nexec "%s" -F "%s" -S "%s" "$@"\n' "$BIN/scp" "$SCRATCH/ssh_config" "$SSH" > "$T/scp"
	chmod 755 "$T/scp"
	rm "$SCRATCH/path/scp"
	cp "$T/scp" "$SCRATCH/path/scp"
	echo direct > one
	# What it was started with is the caller's input, not the copy's.
	run eval 'echo for the caller | { scp_ -R "target:$T/one" "target:$T/two" && cat > rest; }'
	rm "$SCRATCH/path/scp"
	ln -s "$BIN/scp" "$SCRATCH/path/scp"
	echo "$output"
	[ "$status" -eq 0 ]
	cmp one two
	[ "$(cat rest)" = "for the caller" ]
}

@test "scp:// with a port and a path with %xx" {
	echo uri > 'with space'
	run -0 scp_ -q -o HostKeyAlias=target "scp://$ME@127.0.0.1:$PORT/$T/with%20space" got
	cmp 'with space' got
	run -0 scp_ -q -o HostKeyAlias=target got "scp://127.0.0.1:$PORT/$T/again"
	cmp got again
}

failing() {
	echo good > good
	mkdir d
	run scp_ -q "$1" "target:$PWD/nothing" x
	[ "$status" -eq 1 ] && [[ "$output" == *"$PWD/nothing"*"No such file"* ]] || return 1
	# The others go all the same.
	run scp_ -q "$1" good nothing "target:$PWD/d"
	[ "$status" -eq 1 ] && [[ "$output" == *nothing*"No such file"* ]] && cmp good d/good || return 1
	run scp_ -q "$1" d "target:$PWD/e"
	[ "$status" -eq 1 ] && [[ "$output" == *d*"not a regular file"* ]] && [ ! -e e ] || return 1
	echo keep > file
	run scp_ -q "$1" good good "target:$PWD/file"
	[ "$status" -ne 0 ] && [ "$(cat file)" = keep ] || return 1
	run scp_ -q "$1" good "target:$PWD/no/where"
	[ "$status" -eq 1 ] && [[ "$output" == *"No such file"* ]]
}

@test "what cannot be copied is named, the rest is, and the status is 1" {
	each_way failing
}

@test "no connection: status not 0, and ssh's own words" {
	run scp_ -o Port=1 good target:x
	[ "$status" -ne 0 ]
	[[ "$output" == *"onnection refused"* ]]
}

@test "names with colons, dashes, tildes and spaces" {
	echo 1 > a:b; echo 2 > ./-r; echo 3 > 'x y'
	mkdir d
	run -0 scp_ -q -- ./a:b ./-r 'x y' "target:$T/d"
	[ "$(ls d)" = $'-r\na:b\nx y' ]
	run -0 scp_ -q "target:$T/d/x y" got
	[ "$(cat got)" = 3 ]
	echo home > "$HOME/.scp-test.$$"
	run scp_ -q "target:~/.scp-test.$$" fromhome
	rm "$HOME/.scp-test.$$"
	[ "$(cat fromhome)" = home ]
}

# A hostile machine, in the place of ssh.
hostile() {
	printf '#!/bin/sh\nprintf "%%b" "%s"\nsleep 1\n' "$1" > "$T/ssh"
	chmod 755 "$T/ssh"
}

@test "a hostile sender of the old protocol reaches nothing but what was asked for" {
	mkdir target.d
	for lines in 'C0644 2 other\nx\n\0' 'C0644 2 ../out\nx\n\0' 'C0644 2 /tmp/out\nx\n\0' \
		'C0644 2 ..\nx\n\0' 'C0644 2 \nx\n\0' 'D0755 0 file\nC0644 2 in\nx\n\0E\n' \
		'D0755 0 .\n' 'T1 0 1 0\nD0777 0 ..\n' 'C0644 99999999999999999999 file\n' \
		'C9644 2 file\nx\n\0' 'E\n' 'Q\n'; do
		hostile "$lines"
		run timeout 20 "$SCP" -q -O -S "$T/ssh" host:dir/file target.d
		[ "$status" -eq 1 ] || { echo "$lines: status $status"; return 1; }
		[ -z "$(ls target.d)" ] || [ "$(ls target.d)" = file ]
		[ ! -e out ] && [ ! -e other ]
	done
	run timeout 20 "$SCP" -q -O -r -S "$T/ssh" host:dir/file target.d
	[ "$status" -eq 1 ]
	# What was asked for comes, with and without braces.
	hostile 'C0644 2 file\nx\n\0'
	run -0 timeout 20 "$SCP" -q -O -S "$T/ssh" 'host:{dir/file,other}' target.d
	[ "$(cat target.d/file)" = x ]
	run -0 timeout 20 "$SCP" -q -O -T -S "$T/ssh" host:anything target.d
}

@test "what a hostile machine says does not drive the terminal" {
	hostile '\1scp: \033]0;title\007bad\n'
	run timeout 20 "$SCP" -q -O -S "$T/ssh" host:file x
	[[ "$output" != *$'\033'* ]]
	[[ "$output" == *title* ]]
}

@test "the roles of the old protocol, as scripts call them" {
	echo hello > f
	run -0 bash -c "printf '\0\0\0\0' | '$SCP' -f f | tr '\0' Z"
	[ "$output" = $'C0644 6 f\nhello\nZ' ]
	run -0 bash -c "printf 'C0600 3 g\nabc\0' | '$SCP' -t '$T/got' | tr '\0' Z"
	[ "$output" = ZZZ ]
	[ "$(cat got)" = abc ]
	run -1 bash -c "printf 'C0600 3 g\nabc\0' | '$SCP' -d -t '$T/nowhere'"
	[[ "$output" == *"Not a directory"* ]]
}

@test "a disk that is full is said, with the file's name" {
	[ "$(id -u)" -eq 0 ] || skip "mounts a small file system"
	mkdir small
	for way in -s -O; do
		run unshare -m bash -c "mount -t tmpfs -o size=1m tmpfs '$T/small' &&
			timeout 40 '$SCP' -q $way -F '$SCRATCH/ssh_config' -S '$SSH' 'target:$SCRATCH/data' '$T/small/full'"
		echo "$output"
		[ "$status" -eq 1 ]
		[[ "$output" == *small/full*"No space left on device"* ]]
	done
}

@test "--atomic leaves no part of a file behind, --verify proves the copy" {
	run -0 scp_ -q --atomic --verify "$SCRATCH/data" "target:$T/up"
	cmp "$SCRATCH/data" up
	[ "$(ls "$T")" = up ]
	printf damaged | dd of=up conv=notrunc bs=1 seek=100000 2> /dev/null
	run -0 scp_ -q --resume "$SCRATCH/data" "target:$T/up"
	cmp "$SCRATCH/data" up
	run -1 scp_ --atomic -O "$SCRATCH/data" "target:$T/up"
	[[ "$output" == *"not with -O"* ]]
}

@test "-O: links that lead back into their own folder are named, not followed for ever" {
	mkdir -p d/sub
	echo x > d/sub/f
	for i in 1 2 3; do ln -s .. "d/sub/up$i"; done
	run -1 scp_ -q -O -r d "target:$T/copy"
	[ "$(grep -c 'a link to a folder that it lies in' <<< "$output")" -eq 3 ]
	[ "$(cd copy; find . -type f)" = ./sub/f ]
}

@test "what would prove nothing is refused: -O, -R, local copies" {
	echo one > one
	for args in '-O one target:two' '-R target:one target:two' 'one two'; do
		for flag in --verify --resume --atomic; do
			run -1 scp_ -q "$flag" ${args//target:/target:$T/}
			[[ "$output" == *"--verify, --resume and --atomic"*" not "* ]]
			[ ! -e two ]
		done
	done
}

@test "wrong usage ends with 1 and says how" {
	for args in '' 'one' '-Z a b' '-l nothing a b' '-X what=1 a b'; do
		run -1 "$SCP" $args
	done
	run -1 "$SCP"
	[[ "$output" == *"usage: scp"* ]]
}

@test "-O: a folder that its owner may not write to: the umask holds all the same" {
	cd "$BATS_TEST_TMPDIR"
	umask 027
	run -0 bash -c "printf 'D0577 0 d\nE\n' | '$BIN/scp' -r -t . | od -An -c"
	[ "$(stat -c %a d)" = 550 ]
	run -0 bash -c "printf 'D0577 0 kept\nE\n' | '$BIN/scp' -r -p -t . | od -An -c"
	[ "$(stat -c %a kept)" = 577 ]
}
