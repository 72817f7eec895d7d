# Every command of sftp, against a server that it runs itself.

setup() { load ../common; load ../sftp; sides; }

@test "pwd, cd, lpwd, lcd" {
	mkdir "$REMOTE/d" d
	run -0 typed pwd 'cd d' pwd 'lcd d' lpwd 'cd ..' pwd 'cd' pwd
	[[ $output == *"Remote working directory: $REMOTE"$'\n'* ]]
	[[ $output == *"Remote working directory: $REMOTE/d"$'\n'* ]]
	[[ $output == *"Local working directory: $LOCAL/d"$'\n'* ]]
	[[ ${lines[-1]} == "Remote working directory: $LOCAL" ]]
}

@test "cd to what is no directory, lcd to what is not there: said, nothing changed" {
	echo x > "$REMOTE/f"
	run -0 typed 'cd f' 'cd none' pwd 'lcd none' lpwd
	[[ $output == *"Can't change directory: \"$REMOTE/f\" is not a directory"* ]]
	[[ $output == *"stat remote: No such file or directory"* ]]
	[[ $output == *"Remote working directory: $REMOTE"$'\n'* ]]
	[[ $output == *"Couldn't change local directory to \"none\": No such file or directory"* ]]
	[[ $output == *"Local working directory: $LOCAL"* ]]
}

@test "mkdir, rmdir, rename, rm" {
	run -0 batch 'mkdir a' 'mkdir "b c"' 'rmdir a' 'rename "b c" d'
	[ -d "$REMOTE/d" ] && [ ! -e "$REMOTE/a" ] && [ ! -e "$REMOTE/b c" ]
	touch "$REMOTE/x1" "$REMOTE/x2" "$REMOTE/y"
	run -0 batch -N -- 'rm x*'
	[[ $output == *"Removing $REMOTE/x1"*"Removing $REMOTE/x2"* ]]
	[ ! -e "$REMOTE/x1" ] && [ ! -e "$REMOTE/x2" ] && [ -e "$REMOTE/y" ]
}

@test "rename replaces, rename -l does not" {
	echo 1 > "$REMOTE/a"; echo 2 > "$REMOTE/b"
	run -0 batch 'rename a b'
	[ "$(cat "$REMOTE/b")" = 1 ]
	echo 3 > "$REMOTE/a"
	run -1 batch 'rename -l a b'
	[[ $output == *"remote rename \"$REMOTE/a\" to \"$REMOTE/b\": Failure"* ]]
	[ "$(cat "$REMOTE/b")" = 1 ]
}

@test "ln, ln -s, symlink" {
	echo x > "$REMOTE/a"
	run -0 batch 'ln a hard' 'ln -s a soft' 'symlink nowhere dangling'
	[ "$REMOTE/a" -ef "$REMOTE/hard" ]
	[ "$(readlink "$REMOTE/soft")" = a ]
	[ "$(readlink "$REMOTE/dangling")" = nowhere ]
}

@test "chmod, chown, chgrp with patterns; the other id stays" {
	touch "$REMOTE/a1" "$REMOTE/a2"
	run -0 batch 'chmod 0640 a*'
	[ "$(stat -c %a "$REMOTE/a1" "$REMOTE/a2" | sort -u)" = 640 ]
	run -0 batch "chown $(id -u) a1" "chgrp $(id -g) a1"
	[ "$(stat -c %u:%g "$REMOTE/a1")" = "$(id -u):$(id -g)" ]
	if [ "$(id -u)" = 0 ]; then
		run -0 batch 'chown 1234 a1' 'chgrp 567 a1'
		[ "$(stat -c %u:%g "$REMOTE/a1")" = 1234:567 ]
	fi
	run -1 batch 'chmod 9 a1'
	[[ $output == *"You must supply a numeric argument to the chmod command."* ]]
	run -1 batch 'chown nobody a1'
	[[ $output == *"You must supply a numeric argument to the chown command."* ]]
}

@test "chown -h changes the link, not what it points to" {
	[ "$(id -u)" = 0 ] || skip "changes owners"
	touch "$REMOTE/a"; ln -s a "$REMOTE/l"
	run -0 batch 'chown -h 1234 l'
	[ "$(stat -c %u "$REMOTE/l")" = 1234 ]
	[ "$(stat -c %u "$REMOTE/a")" = 0 ]
}

@test "copy and cp: by the server" {
	[[ $("$SERVER" -Q requests) == *copy-data* ]] || skip "this server has no copy-data"
	head -c 100000 /dev/urandom > "$REMOTE/a"
	run -0 batch 'copy a b' 'cp a c'
	cmp "$REMOTE/a" "$REMOTE/b"
	cmp "$REMOTE/a" "$REMOTE/c"
	run -1 batch 'cp none d'
	[[ $output == *"$REMOTE/none"*"No such file or directory"* ]]
	mkdir "$REMOTE/folder"
	run -1 batch 'cp folder d'
	[[ $output == *"not a regular file"* ]]
	[ ! -e "$REMOTE/d" ]
	ln -s a "$REMOTE/to_a"
	for same in 'a a' 'a to_a' 'to_a a' 'a ./folder/../a'; do
		run -1 batch "cp $same"
		[[ $output == *"they are the same file"* ]]
		cmp "$REMOTE/a" "$REMOTE/b"
	done
}

@test "df in blocks, in inodes, for people" {
	run -0 batch df 'df -h' 'df -i' "df $REMOTE"
	[[ $output == *"        Size         Used        Avail       (root)    %Capacity"* ]]
	[[ $output == *"    Size     Used    Avail   (root)    %Capacity"* ]]
	[[ $output == *"     Inodes        Used       Avail      (root)    %Capacity"* ]]
}

@test "ls in columns, by name; -1, -a, -r, -t, -S, -f" {
	echo 1 > "$REMOTE/b"; echo 22 > "$REMOTE/a"; echo > "$REMOTE/.h"; mkdir "$REMOTE/d"
	touch -d 2001-01-01 "$REMOTE/a"; touch -d 2002-01-01 "$REMOTE/b"; touch -d 2000-01-01 "$REMOTE/d"
	run -0 batch ls
	[ "${lines[-1]}" = 'a  b  d  ' ]
	run -0 batch 'ls -1'
	[ "${lines[*]: -3}" = 'a b d' ]
	run -0 batch 'ls -1a'
	[ "${lines[*]: -6}" = '. .. .h a b d' ]
	run -0 batch 'ls -1r'
	[ "${lines[*]: -3}" = 'd b a' ]
	run -0 batch 'ls -1t'
	[ "${lines[*]: -3}" = 'b a d' ]
	run -0 batch 'ls -1S a b'
	run -0 batch 'ls -1S'
	[ "${lines[-2]}" = a ] && [ "${lines[-1]}" = b ]
	run -0 batch 'ls -1f'
	[ "$(printf '%s\n' "${lines[@]: -3}" | sort | tr '\n' ' ')" = 'a b d ' ]
}

@test "ls -l, -n, -h" {
	head -c 2048 /dev/zero > "$REMOTE/f"; chmod 4751 "$REMOTE/f"; touch -d '2020-02-03 04:05' "$REMOTE/f"
	mkdir -m 1777 "$REMOTE/d"; touch -d '2020-02-03' "$REMOTE/d"; ln -s f "$REMOTE/l"
	run -0 batch 'ls -l'
	[[ $output =~ -rwsr-x--x\ +\?\ $(id -un)\ +$(id -gn)\ +2048\ Feb\ +3\ +2020\ f ]]
	[[ $output =~ drwxrwxrwt\ .*\ d ]]
	[[ $output =~ lrwxrwxrwx\ .*\ l ]]
	run -0 batch 'ls -n'
	[[ $output =~ \?\ $(id -u)\ +$(id -g)\ +2048\  ]]
	run -0 batch 'ls -lh'
	[[ $output == *" 2.0K Feb  3  2020 f"* ]]
	run -0 batch 'ls -ln f'
	[[ $output =~ \?\ $(id -u)\ +$(id -g)\ +2048\  ]]
	if [[ $("$SERVER" -Q requests) == *users-groups-by-id* ]]; then
		run -0 batch 'ls -l f'
		[[ $output =~ \?\ $(id -un)\ +$(id -gn)\ +2048\  ]]
	fi
	ln -s d "$REMOTE/to_d"; touch "$REMOTE/d/inside"
	run -0 batch 'ls -l to_d'
	[[ ${lines[-1]} == -*to_d/inside ]]
	recent=$(date +'%b %e')
	touch "$REMOTE/now"
	run -0 batch 'ls -l now'
	[[ $output == *"$recent "*:*" now"* ]]
}

@test "ls of a file, a folder, a pattern, nothing" {
	mkdir "$REMOTE/d"; touch "$REMOTE/d/in" "$REMOTE/f1" "$REMOTE/f2"
	run -0 batch 'ls -1 d'
	[ "${lines[-1]}" = d/in ]
	run -0 batch "ls -1 $REMOTE/d"
	[ "${lines[-1]}" = "$REMOTE/d/in" ]
	run -0 batch 'ls -1 f*'
	[ "${lines[*]: -2}" = 'f1 f2' ]
	run -0 batch 'ls -1 *'
	[ "${lines[*]: -3}" = 'd/ f1 f2' ]
	run -0 batch 'ls -1 */i*' 'ls -1 [fg][2-9]'
	[[ $output == *d/in* && ${lines[-1]} == f2 ]]
	run -1 batch 'ls none'
	[[ $output == *"Can't ls: \"$REMOTE/none\" not found"* ]]
}

@test "what a server sent as a name moves no cursor" {
	touch "$REMOTE/"$'evil\e[2Jname' "$REMOTE/"$'new\nline'
	run -0 batch 'ls -1'
	[[ $output == *'evil\033[2Jname'* && $output == *'new\nline'* ]]
	[[ $output != *$'\e'* ]]
}

@test "lls, lmkdir, lumask, !" {
	touch here
	run -0 batch 'lmkdir made' lls 'lls -d made' '!echo from the shell' 'lumask 027' '!umask'
	[ -d made ]
	[[ $output == *here*made*"from the shell"*"Local umask: 027"*0027* ]]
	# Told, and no end of the batch: it is none of the session's commands.
	run -0 batch '!exit 3' 'lls nowhere' pwd
	[[ $output == *"Shell exited with status 3"*"Remote working directory"* ]]
	run -1 batch 'lumask 999'
	run -1 batch 'lmkdir made'
	[[ $output == *"Couldn't create local directory \"made\": File exists"* ]]
}

@test "help, ?, version, progress" {
	run -0 batch help '?' version progress progress
	for c in bye cd chgrp chmod chown copy cp df exit get help lcd lls lmkdir ln lpwd ls lumask \
		mkdir progress put pwd quit reget rename reput rm rmdir symlink version; do
		grep -qE "^$c( |\$)" <<<"$output"
	done
	[[ $output == *"SFTP protocol version 3"* ]]
	grep -qE "^ {35}filesystem containing 'path'$" <<<"$output"
	[[ $output == *"Progress meter enabled"*"Progress meter disabled"* ]]
}

@test "unknown commands and flags, missing words, open quotes" {
	run -0 typed nonsense 'ls -z' 'get -z a' 'get --wrong a' get put mkdir 'rename a' 'ls "a' \
		chmod 'chown 1'
	[[ $output == *"Invalid command."* ]]
	[[ $output == *"ls: Invalid flag -z"* && $output == *"get: Invalid flag -z"* ]]
	[[ $output == *"get: Invalid flag --wrong"* ]]
	[[ $output == *"You must specify at least one path after a get command."* ]]
	[[ $output == *"You must specify at least one path after a put command."* ]]
	[[ $output == *"You must specify a path after a mkdir command."* ]]
	[[ $output == *"You must specify two paths after a rename command."* ]]
	[[ $output == *"You must supply a numeric argument to the chmod command."* ]]
	[[ $output == *"You must specify a path after a chown command."* ]]
	[[ $output == *"Unterminated quoted argument"* ]]
}

@test "quotes and backslashes keep blanks, quotes and patterns as they are" {
	touch "$REMOTE/a b" "$REMOTE/star*" "$REMOTE/starx" "$REMOTE/q\"uote" "$REMOTE/b\\s"
	for name in '"a b"' "'a b'" 'a\ b' 'a" "b'; do
		run -0 batch "ls -1 $name"
		[ "${lines[-1]}" = 'a b' ]
	done
	for name in '"star*"' 'star\*' "'star*'"; do
		run -0 batch "ls -1 $name"
		[[ ${lines[-1]} == 'star*' && $output != *starx* ]]
	done
	run -0 batch 'ls -1 q\"uote' "ls -1 'q\"uote'" 'ls -1 "q\"uote"' 'ls -1 b\\s'
	[ "$(grep -cx 'q"uote' <<<"$output")" = 3 ]
	[ "${lines[-1]}" = 'b\s' ]
	run -0 batch '# a comment' '   # another' 'ls -1 starx # behind'
	[ "${lines[-1]}" = starx ]
}

@test "bye, exit and quit end it" {
	for word in bye exit quit; do
		run -0 batch "$word" nonsense
		[[ $output != *Invalid* ]]
	done
}
