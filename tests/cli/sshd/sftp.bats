# internal-sftp, through Debian's sftp and by hand.

setup_file() {
	load ../common
	# A block of an included file ends with it.
	printf 'Match Address 127.0.0.3\n    ForceCommand internal-sftp -R\n' > "$SCRATCH/forced"
	if [ "$(id -u)" -eq 0 ]; then
		# Every directory above it must be root's alone.
		mktemp -d /run/sheetbend-sftp.XXXXXX > "$SCRATCH/chroot"
		chmod 755 "$(cat "$SCRATCH/chroot")"
		printf 'Match Address 127.0.0.4\n    ChrootDirectory %s\n' "$(cat "$SCRATCH/chroot")" >> "$SCRATCH/forced"
	fi
	start_sshd 'Subsystem sftp internal-sftp -l INFO' "Include $SCRATCH/forced"
}
teardown_file() {
	load ../common
	stop_sshd
	[ ! -s "$SCRATCH/chroot" ] || rm -rf "$(cat "$SCRATCH/chroot")"
}
setup() {
	load ../common
	T=$BATS_TEST_TMPDIR
	# Debian's programs do not know our keywords.
	grep -v RememberHosts "$SCRATCH/ssh_config" > "$T/ssh_config"
}

# Debian's sftp; commands on standard input.
sftp_() {
	timeout 30 /usr/bin/sftp -q -b - -F "$T/ssh_config" "$@" target
}

# Waits, since what is logged goes through another process.
logged() {
	for _ in $(seq 200); do
		grep -q "$1" "$SSHD_LOG" && return 0
		sleep 0.05
	done
	echo "never logged: $1" >&2
	return 1
}

@test "a file goes up and down unchanged, also a large one" {
	head -c 30000000 /dev/urandom > "$T/data"
	run -0 sftp_ <<-END
		put $T/data $T/up
		get $T/up $T/down
	END
	cmp "$T/data" "$T/up"
	cmp "$T/data" "$T/down"
}

@test "keys are exchanged in the middle of files" {
	head -c 40000000 /dev/urandom > "$T/data"
	run -0 sftp_ -o RekeyLimit=3M <<-END
		put $T/data $T/up
		get $T/up $T/down
	END
	cmp "$T/data" "$T/up"
	cmp "$T/data" "$T/down"
	# With the large packets of our own client, too.
	run -0 timeout 60 "$BIN/sftp" -q -b - -F "$SCRATCH/ssh_config" -S "$SSH" -o RekeyLimit=3M target <<-END
		put $T/data $T/up2
		get $T/up2 $T/down2
	END
	cmp "$T/data" "$T/up2"
	cmp "$T/data" "$T/down2"
}

@test "names of any bytes, links, modes and times" {
	mkdir "$T/from"
	printf 1 > "$T/from/a b"
	printf 2 > "$T/from/"$'\xff\xfe'
	ln -s 'a b' "$T/from/link"
	chmod 640 "$T/from/a b"
	touch -d '2001-02-03 04:05:06' "$T/from/a b"
	odd=$'\xff\xfe'
	run -0 sftp_ <<-END
		put -pr $T/from $T/to
		ln -s nowhere $T/to/dangling
		chmod 600 $T/to/$odd
	END
	[ "$(cat "$T/to/"$'\xff\xfe')" = 2 ]
	[ "$(stat -c '%a %Y' "$T/to/a b")" = "$(stat -c '%a %Y' "$T/from/a b")" ]
	[ "$(readlink "$T/to/dangling")" = nowhere ]
}

@test "the session begins at home; ls -l is as that of ls" {
	run -0 sftp_ <<< $'pwd\nls -ln '"$SCRATCH/host_ed25519.pub"
	[[ "${lines[1]}" == "Remote working directory: $HOME" ]]
	[[ "${lines[3]}" =~ ^-rw-r--r--.*\ [0-9]+\ .*host_ed25519.pub$ ]]
}

@test "errors name what failed and end a batch" {
	run -1 sftp_ <<< "get $T/nothing"
	[[ "$output" == *"$T/nothing"* ]]
	run -1 sftp_ <<< "rmdir $T/nothing"
	[[ "$output" == *"No such file"* ]]
}

@test "what is done is logged as asked for" {
	echo x > "$T/logged"
	run -0 sftp_ <<< "get $T/logged $T/copy"
	logged "internal-sftp: session opened for local user $ME from \[127.0.0.1\]"
	logged "internal-sftp: open \"$T/logged\" flags READ mode 0666"
	logged "internal-sftp: close \"$T/logged\" bytes read 2 written 0"
}

@test "the exit status is 0 at the end of input and 255 for nonsense" {
	run -0 bash -c "timeout 20 '$SSH' -F '$SCRATCH/ssh_config' -s target sftp </dev/null"
	run -255 bash -c "printf 'GET / HTTP/1.0\r\n\r\n' |
		timeout 20 '$SSH' -F '$SCRATCH/ssh_config' -s target sftp"
	logged 'internal-sftp of .*: '
}

@test "thousands of reads whose answers nobody takes cost little memory" {
	truncate -s 300M "$T/big"
	# OPEN, then 10000 READs of 256 KiB each; standard output is not read.
	python3 - "$T/big" > "$T/requests" <<-'END'
		import struct, sys
		p = lambda b: sys.stdout.buffer.write(struct.pack('>I', len(b)) + b)
		s = lambda b: struct.pack('>I', len(b)) + b
		p(b'\1\0\0\0\3')
		p(b'\3\0\0\0\1' + s(sys.argv[1].encode()) + struct.pack('>II', 1, 0))
		for i in range(10000):
		    p(b'\5' + struct.pack('>I', i) + s(b'\0\0\0\0\0\0\0\1') +
		      struct.pack('>QI', i * 4096, 262144))
	END
	mkfifo "$T/answers"
	"$SSH" -F "$SCRATCH/ssh_config" -s target sftp < "$T/requests" > "$T/answers" 3>&- &
	client=$!
	exec 4< "$T/answers"
	for _ in $(seq 100); do
		pid=$(grep -o 'Starting session: subsystem.*' "$SSHD_LOG" | wc -l)
		sleep 0.02
	done
	# The largest session process of our sshd now.
	most=0
	for p in $(pgrep -P "$(cat "$SCRATCH/sshd.pid")") ; do
		for q in $p $(pgrep -P "$p"); do
			for r in $q $(pgrep -P "$q"); do
				kb=$(awk '/VmHWM/ { print $2 }' "/proc/$r/status" 2>/dev/null || echo 0)
				[ "${kb:-0}" -le "$most" ] || most=$kb
			done
		done
	done
	kill "$client"
	exec 4<&-
	echo "at most $most KiB"
	[ "$most" -gt 1000 ]
	[ "$most" -lt 65536 ]
}

@test "ForceCommand internal-sftp serves any subsystem, and nothing else" {
	printf '\0\0\0\5\1\0\0\0\3' > "$T/init"
	type=$(timeout 20 "$SSH" -F "$SCRATCH/ssh_config" -o BindAddress=127.0.0.3 -s target sftp \
		< "$T/init" | head -c 5 | od -An -tu1 -j4 | tr -d ' ')
	[ "$type" = 2 ] # VERSION
	for what in 'target true' 'target'; do
		run -1 timeout 20 "$SSH" -F "$SCRATCH/ssh_config" -o BindAddress=127.0.0.3 $what <<< ''
		[[ "$output" == *"This service allows sftp connections only."* ]]
	done
	run -1 timeout 20 /usr/bin/scp -O -q -F "$T/ssh_config" -o BindAddress=127.0.0.3 "$T/init" target:/tmp/never
	[[ "$output" == *"This service allows sftp connections only."* ]]
	echo x > "$T/read"
	run -0 sftp_ -o BindAddress=127.0.0.3 <<< "get $T/read $T/got"
	cmp "$T/read" "$T/got"
	run -1 sftp_ -o BindAddress=127.0.0.3 <<< "put $T/read $T/never"
	[[ "$output" == *"Permission denied"* ]]
	[ ! -e "$T/never" ]
	run -1 timeout 20 "$SSH" -F "$SCRATCH/ssh_config" -o BindAddress=127.0.0.3 -tt target
	[[ "$output" == *"This service allows sftp connections only."* ]]
}

@test "in a chroot no file is needed, and the log still comes" {
	[ "$(id -u)" -eq 0 ] || skip "chroot needs root"
	root=$(cat "$SCRATCH/chroot")
	mkdir "$root/pub"
	run -0 sftp_ -o BindAddress=127.0.0.4 <<-END
		pwd
		put $SCRATCH/host_ed25519.pub /pub/key
		ls -l /pub
		get /pub/key $T/back
	END
	[[ "$output" == *"Remote working directory: /"* ]]
	cmp "$SCRATCH/host_ed25519.pub" "$root/pub/key"
	cmp "$root/pub/key" "$T/back"
	logged 'internal-sftp: open "/pub/key" flags WRITE,CREATE,TRUNCATE'
	run -1 sftp_ -o BindAddress=127.0.0.4 <<< 'get /etc/passwd'
}
