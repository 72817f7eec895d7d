# get, put and their kin.

setup() { load ../common; load ../sftp; sides; }

@test "get and put of one file, to a name and into a folder" {
	head -c 500000 /dev/urandom > "$REMOTE/f"; mkdir d
	run -0 batch 'get f' 'get f g' 'get f d' 'get f d/'
	cmp "$REMOTE/f" f; cmp "$REMOTE/f" g; cmp "$REMOTE/f" d/f
	mkdir "$REMOTE/e"
	run -0 batch 'put g' 'put g h' 'put g e' 'put g e/i'
	for name in g h e/g e/i; do cmp "$REMOTE/f" "$REMOTE/$name"; done
}

@test "sizes around every limit" {
	for size in 0 1 32767 32768 32769 261119 261120 261121 522240 3000001; do
		head -c "$size" /dev/urandom > "$REMOTE/f$size"
	done
	run -0 batch 'mget f*' 'lmkdir back' 'mkdir up' 'mput f* up'
	for size in 0 1 32767 32768 32769 261119 261120 261121 522240 3000001; do
		cmp "$REMOTE/f$size" "f$size"
		cmp "$REMOTE/f$size" "$REMOTE/up/f$size"
	done
}

@test "-B and -R: any size of request, any number of them" {
	head -c 100000 /dev/urandom > "$REMOTE/f"
	for flags in '-B1000 -R1' '-B 1 -R 64' '-B40000 -R3' '-X buffer=5000 -X nrequests=2' '-B16000000'; do
		[[ $flags != '-B 1 '* ]] || truncate -s 2000 "$REMOTE/f"
		rm -f f "$REMOTE/g"
		printf '%s\n' "cd $REMOTE" 'get f' 'put f g' > "$WORK/batch"
		# shellcheck disable=SC2086
		run -0 timeout 30 "$SFTP" $flags -b "$WORK/batch" -D "$SERVER"
		cmp "$REMOTE/f" f; cmp f "$REMOTE/g"
	done
}

@test "trees: contents, modes and times with -p" {
	make_tree "$REMOTE/t"
	run -0 batch 'get -pr t' 'put -Pr t up'
	[ "$(tree_facts "$REMOTE/t")" = "$(tree_facts t)" ]
	[ "$(tree_facts "$REMOTE/t")" = "$(tree_facts "$REMOTE/up")" ]
}

@test "trees without -p: contents; into a folder that is there" {
	make_tree "$REMOTE/t"; mkdir in "$REMOTE/in"
	run -0 batch 'get -r t in' 'put -R in/t in'
	diff -r "$REMOTE/t" in/t
	diff -r "$REMOTE/t" "$REMOTE/in/t"
	run -0 batch 'get -r t in' 'put -R in/t in'
	diff -r "$REMOTE/t" in/t
}

@test "-r and -p on the command line" {
	make_tree "$REMOTE/t"
	run -0 batch -r -p -- 'get t' 'put t up'
	[ "$(tree_facts "$REMOTE/t")" = "$(tree_facts t)" ]
	[ "$(tree_facts "$REMOTE/t")" = "$(tree_facts "$REMOTE/up")" ]
}

@test "a directory without -r, links and FIFOs in trees" {
	mkdir "$REMOTE/d"; echo x > "$REMOTE/d/f"; ln -s f "$REMOTE/d/l"; mkfifo "$REMOTE/d/p"
	run -1 batch 'get d'
	[[ $output == *"download $REMOTE/d: not a regular file"* ]]
	run -0 batch 'get -r d'
	[[ $output == *"\"$REMOTE/d/l\": not a regular file"* && $output == *"\"$REMOTE/d/p\": not a regular file"* ]]
	[ "$(ls d)" = f ]
	run -0 batch 'get d/l'
	[ "$(cat l)" = x ] && [ ! -L l ]
	run -1 batch 'get d/p'
	mkdir e; echo y > e/f; ln -s f e/l; mkfifo e/p
	run -0 batch 'put -r e'
	[ "$(ls "$REMOTE/e")" = f ]
	run -1 batch 'put e other'
	[[ $output == *'local "e/" is not a regular file'* || $output == *'local "e" is not a regular file'* ]]
}

@test "failures name the file, in the order of asking, and the rest goes on" {
	mkdir "$REMOTE/t"
	for i in $(seq 300); do echo "$i" > "$REMOTE/t/f$(printf %03d "$i")"; done
	mkdir t t/f017 t/f203
	run -1 batch 'get t/* t'
	[ "$(grep -c 'open local' <<<"$output")" = 2 ]
	[[ $output == *'open local "t/f017": Is a directory'*'open local "t/f203": Is a directory'* ]]
	[ "$(find t -type f | wc -l)" = 298 ]
	run -1 batch 'get none' 'get t/f001'
	[[ $output == *"File \"$REMOTE/none\" not found."* ]]
	[ ! -e f001 ]
	run -1 batch 'put none'
	[[ $output == *"stat none: No such file or directory"* ]]
	run -1 batch 'put t/f001 nodir/x'
	[[ $output == *"dest open \"$REMOTE/nodir/x\": No such file or directory"* ]]
	run -1 batch 'get t/f001 nodir/x'
	[[ $output == *'open local "nodir/x": No such file or directory'* ]]
	run -1 batch 'get t/f00* single'
	[[ $output == *'Multiple paths match, but destination "single" is not a directory'* ]]
}

@test "what may not be read or written is said" {
	[ "$(id -u)" != 0 ] || skip "root may read everything"
	echo x > "$REMOTE/f"; chmod 0 "$REMOTE/f"
	run -1 batch 'get f'
	[[ $output == *"remote open \"$REMOTE/f\": Permission denied"* ]]
}

@test "special files whose size says nothing are read to their end" {
	run -0 batch 'get /proc/version' 'get /proc/cpuinfo'
	cmp /proc/version version
	[ -s cpuinfo ]
	run -0 batch 'put /proc/version'
	cmp /proc/version "$REMOTE/version"
}

@test "a full disk here: one clear sentence, 1, and the copy ends" {
	head -c 100000 /dev/urandom > "$REMOTE/f"
	run -1 batch 'get f /dev/full'
	[[ $output == *'write local "/dev/full": No space left on device'* ]]
}

@test "a full disk there" {
	echo x > f
	run -1 batch 'put f /dev/full'
	[[ $output == *'write remote "/dev/full": Failure'* ]]
}

@test "reget, get -a, reput, put -a go on where the target ends" {
	head -c 700000 /dev/urandom > "$REMOTE/f"
	head -c 300000 "$REMOTE/f" > f
	inode=$(stat -c %i f)
	run -0 batch 'reget f'
	cmp "$REMOTE/f" f
	[ "$(stat -c %i f)" = "$inode" ]
	head -c 100 f > g
	run -0 batch 'get -a f g'
	cmp f g
	head -c 400000 f > "$REMOTE/h"; head -c 7 f > "$REMOTE/i"
	run -0 batch 'reput f h' 'put -a f i' 'put -a f new'
	cmp f "$REMOTE/h"; cmp f "$REMOTE/i"; cmp f "$REMOTE/new"
}

@test "resuming trusts the size and nothing else" {
	printf 'abcdef' > "$REMOTE/f"; printf 'XYZ' > f
	run -0 batch 'reget f'
	[ "$(cat f)" = XYZdef ]
	printf 'longer than that' > f
	run -1 batch 'reget f'
	[[ $output == *"Unable to resume download of \"f\": local file is larger than remote"* ]]
	run -1 batch 'put -a f f' 'reput f f'
	[[ $output == *"destination file same size or larger"* ]]
}

@test "-a on the command line" {
	printf 'abcdef' > "$REMOTE/f"; printf 'XYZ' > f
	run -0 batch -a -- 'get f'
	[ "$(cat f)" = XYZdef ]
}

@test "-f: the target is synced" {
	echo x > "$REMOTE/f"
	run -0 batch 'get -f f' 'put -f f g'
	run -0 batch -f -- 'get f' 'put f h'
	cmp "$REMOTE/f" "$REMOTE/h"
}

@test "--atomic: a new file by rename, none left beside it" {
	head -c 300000 /dev/urandom > "$REMOTE/f"; echo old > f; echo old > "$REMOTE/g"
	old=$(stat -c %i f)
	run -0 batch 'get --atomic f' 'put --atomic f g'
	cmp "$REMOTE/f" f; cmp f "$REMOTE/g"
	[ "$(stat -c %i f)" != "$old" ]
	[ "$(ls -A)" = f ] && [ "$(ls -A "$REMOTE" | tr '\n' ' ')" = 'f g ' ]
	echo old > f
	run -1 batch 'get --atomic none f'
	mkdir dir
	run -1 batch 'get --atomic f /proc/f'
	[ "$(cat f)" = old ]
}

@test "--verify says what was not proved when the server has no hashes" {
	SERVER=/usr/lib/openssh/sftp-server
	echo x > "$REMOTE/f"
	run -0 batch 'get --verify f' 'put --verify f g'
	[[ $output == *'is not proved to be the same: the server gives no hashes of files (check-file)'* ]]
	cmp "$REMOTE/f" f
}

has_hashes() {
	[[ $("$SERVER" -Q requests) == *check-file* ]] || skip "this server gives no hashes"
}

@test "--verify proves both directions" {
	has_hashes
	head -c 3000000 /dev/urandom > "$REMOTE/f"; : > "$REMOTE/empty"
	run -0 batch 'get --verify f' 'put --verify f g' 'get --verify empty' 'put --verify empty e'
	[[ $output != *proved* ]]
	cmp "$REMOTE/f" f; cmp f "$REMOTE/g"
	run -0 batch --verify -- 'get f h'
	cmp f h
}

@test "--resume sends what differs, and only that" {
	has_hashes
	head -c 5000000 /dev/urandom > "$REMOTE/f"
	cp "$REMOTE/f" f
	printf 'damage' | dd of=f bs=1 seek=2000000 conv=notrunc status=none
	truncate -s 4000000 f
	run -0 batch 'get --resume --verify f'
	cmp "$REMOTE/f" f
	cp f "$REMOTE/g"
	printf 'damage' | dd of="$REMOTE/g" bs=1 seek=10 conv=notrunc status=none
	echo longer >> "$REMOTE/g"
	run -0 batch 'put --resume f g'
	cmp f "$REMOTE/g"
}

@test "--resume without hashes sends all of it" {
	SERVER=/usr/lib/openssh/sftp-server
	head -c 500000 /dev/urandom > "$REMOTE/f"
	head -c 600000 /dev/zero > f
	run -0 batch 'get --resume f' 'put --resume f g'
	cmp "$REMOTE/f" f; cmp f "$REMOTE/g"
}

@test "names with blanks, quotes and patterns, by get and put" {
	mkdir src
	for name in 'a b' 'star*' 'q"uote' "a'b" 'back\slash' '-dash' '~tilde' $'tab\there'; do
		echo "$name" > "src/$name"
	done
	run -0 batch 'mput src/*' 'mkdir sub' 'put -r src sub'
	diff -r src "$REMOTE/sub/src"
	mkdir back
	run -1 batch 'mget * back' # but for the folder
	run -1 batch 'get -r "sub/src/none"'
	diff -r src "$REMOTE/sub/src"
	diff <(cd src && cat ./*) <(cd back && cat ./*)
}

@test "a folder that its owner may not write to: the umask holds all the same" {
	sides
	mkdir "$REMOTE/d"
	chmod 577 "$REMOTE/d"
	umask 027
	run -0 batch 'get -r d'
	[ "$(stat -c %a d)" = 550 ]
	run -0 batch 'get -rp d kept'
	[ "$(stat -c %a kept)" = 577 ]
}
