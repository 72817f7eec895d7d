# sftp-server: its flags, its log, its ends; spoken to by Debian's sftp.

setup() {
	load ../common
	T=$BATS_TEST_TMPDIR
	SERVER=$BIN/sftp-server
	cd "$T" || return
}

# sftp_ FLAGS: commands on standard input.
sftp_() {
	timeout 30 /usr/bin/sftp -q -b - -D "$SERVER $*"
}

@test "-Q requests names what -P and -p take" {
	run -0 "$SERVER" -Q requests
	[ "${lines[0]}" = open ]
	[[ "$output" == *users-groups-by-id* ]]
	for name in "${lines[@]}"; do
		"$SERVER" -P "$name" -p "$name" < /dev/null
	done
	run -255 "$SERVER" -Q answers
	run -255 "$SERVER" -P "$(tr '\n' , <<< "$output")nonsense"
}

@test "the end of input is a good end, nonsense a bad one" {
	run -0 "$SERVER" < /dev/null
	run -255 "$SERVER" -e <<< 'GET / HTTP/1.0'
	run -255 "$SERVER" -e < <(printf '\377\377\377\377\1')
	[ -n "$output" ]
}

@test "wrong usage: 1 for flags, 255 for values" {
	run -1 "$SERVER" -h
	[[ "$output" == "usage: sftp-server"* ]]
	run -1 "$SERVER" -Z
	for flags in '-u 9' '-u 01777' '-l LOUD' '-f NOWHERE' '-d /nonexistent/directory'; do
		run -255 "$SERVER" -e $flags
		[ -n "$output" ]
	done
}

@test "-R: files are read and nothing is changed" {
	echo old > f
	run -0 sftp_ -R <<< "get $T/f $T/got"
	cmp f got
	for command in "put $T/got $T/f" "put $T/got $T/new" "rm $T/f" "mkdir $T/d" "rename $T/f $T/g" \
		"ln $T/f $T/g" "ln -s $T/f $T/g" "chmod 777 $T/f" "cp $T/f $T/g" "rmdir $T"; do
		run -1 sftp_ -R <<< "$command"
		[[ "$output" == *"ermission denied"* ]] || { echo "$command: $output"; return 1; }
	done
	[ "$(ls)" = $'f\ngot' ]
	[ "$(cat f)" = old ]
	[ "$(stat -c %a f)" = "$(stat -c %a got)" ]
}

@test "the server's own memory cannot be written to as a file" {
	as=()
	if [ "$(id -u)" -eq 0 ]; then
		as=(setpriv --reuid nobody --clear-groups)
		"${as[@]}" test -x "$SERVER" || skip "an ordinary user cannot run the programs here"
	fi
	echo x > f
	run -1 timeout 30 /usr/bin/sftp -q -b - -D "${as[*]} $SERVER -d /" <<< "put $T/f /proc/self/mem"
	[[ "$output" == *"/proc/self/mem"*"ermission denied"* ]]
}

@test "-d: where a session begins, with tokens" {
	mkdir -p "$T/in/$ME"
	run -0 sftp_ "-d $T/in/%u" <<< pwd
	[[ "$output" == *"Remote working directory: $T/in/$ME" ]]
	run -0 sftp_ "-d %d" <<< pwd
	[[ "$output" == *"Remote working directory: $(getent passwd "$ME" | cut -d: -f6)" ]]
}

@test "-u: the mask of what is made" {
	echo x > f
	chmod 666 f
	run -0 sftp_ -u 027 <<< "put $T/f $T/g
		mkdir $T/d"
	[ "$(stat -c %a g d)" = $'640\n750' ]
}

@test "-P and -p: requests that are refused or alone allowed" {
	echo x > f
	run -1 sftp_ -P remove,rmdir <<< "rm $T/f"
	[ -e f ]
	run -0 sftp_ -p realpath,lstat,stat,open,read,fstat,close,limits <<< "get $T/f $T/g"
	cmp f g
	run -1 sftp_ -p realpath,lstat,stat,open,read,fstat,close,limits <<< "rm $T/f"
	[ -e f ]
}

@test "-e and -l: what is logged" {
	echo x > f
	run -0 sftp_ -e -l INFO <<< "get $T/f $T/g
		rm $T/f
		mkdir $T/d
		rename $T/g $T/d/h
		chmod 600 $T/d/h
		ls $T/d"
	[[ "$output" == *"session opened for local user $ME from [UNKNOWN]"* ]]
	[[ "$output" == *"open \"$T/f\" flags READ mode 0666"* ]]
	[[ "$output" == *"close \"$T/f\" bytes read 2 written 0"* ]]
	[[ "$output" == *"remove name \"$T/f\""* ]]
	[[ "$output" == *"mkdir name \"$T/d\" mode 0777"* ]]
	[[ "$output" == *"rename old \"$T/g\" new \"$T/d/h\""* ]]
	[[ "$output" == *"set \"$T/d/h\" mode 0600"* ]]
	[[ "$output" == *"opendir \"$T/d"* ]]
	[[ "$output" == *"session closed for local user $ME from [UNKNOWN]"* ]]
	run -0 sftp_ -e <<< "ls $T"
	[[ "$output" != *session* ]]
}

@test "a name cannot forge a line of the log" {
	odd=$'a\nsession closed for local user root'
	echo x > "$odd"
	run -0 sftp_ -e -l INFO <<< "get $T/a* $T/got"
	[[ "$output" == *'open "'*'a\nsession closed'* ]]
	! grep -q '^session closed for local user root$' <<< "$output"
}

@test "a full disk, a quota, a file that cannot be read: each with its words" {
	[ "$(id -u)" -eq 0 ] || skip "mounts a small file system"
	head -c 3000000 /dev/zero > big
	mkdir small
	run unshare -m bash -c "mount -t tmpfs -o size=1m tmpfs '$T/small' &&
		printf 'put $T/big $T/small/full\n' |
		timeout 30 '$BIN/sftp' -b - -D '$SERVER'"
	echo "$output"
	[ "$status" -eq 1 ]
	[[ "$output" == *full*"No space left on device"* ]]
	run -1 sftp_ <<< "get $T/small"
}

@test "a file that becomes shorter while it is read ends where it ends" {
	head -c 600000 /dev/urandom > f
	# OPEN, READ at 0, then (after the cut) READs behind the end.
	{
		printf '\0\0\0\5\1\0\0\0\3'
		printf '\0\0\0\22\3\0\0\0\1\0\0\0\1f\0\0\0\1\0\0\0\0'
		printf '\0\0\0\35\5\0\0\0\2\0\0\0\10\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\12'
		for _ in $(seq 200); do
			[ -e cut ] && break
			sleep 0.05
		done
		printf '\0\0\0\35\5\0\0\0\3\0\0\0\10\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\4\0\0'
		printf '\0\0\0\35\5\0\0\0\4\0\0\0\10\0\0\0\0\0\0\0\1\0\0\0\0\0\4\0\0\0\4\0\0'
	} | timeout 30 "$SERVER" > answers &
	server=$!
	for _ in $(seq 200); do
		[ "$(stat -c %s answers 2> /dev/null || echo 0)" -gt 100 ] && break
		sleep 0.05
	done
	truncate -s 100 f
	: > cut
	wait $server
	# DATA of 100 bytes (type 103, id 3), then STATUS 1, end of file (id 4).
	od -An -v -tu1 answers | tr -s ' \n' ' ' > bytes
	grep -q ' 0 0 0 109 103 0 0 0 3 0 0 0 100 ' bytes
	grep -qE ' 101 0 0 0 4 0 0 0 1 ' bytes
}

@test "a copy that never ends ends when nobody waits for it any more" {
	# OPEN /dev/zero and /dev/null, copy-data from the one to the other.
	{
		printf '\0\0\0\5\1\0\0\0\3'
		printf '\0\0\0\32\3\0\0\0\1\0\0\0\11/dev/zero\0\0\0\1\0\0\0\0'
		printf '\0\0\0\32\3\0\0\0\2\0\0\0\11/dev/null\0\0\0\2\0\0\0\0'
		printf '\0\0\0\102\310\0\0\0\3\0\0\0\11copy-data\0\0\0\10\0\0\0\0\0\0\0\1'
		printf '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\10\0\0\0\1\0\0\0\1\0\0\0\0\0\0\0\0'
		sleep 1
	} | { timeout -s KILL 10 "$SERVER"; echo "$?" > status; } | head -c 100 > /dev/null
	[ "$(cat status)" -eq 0 ]
}
