# Confine: sessions that reach some directories and nothing else.

setup_file() {
	load ../common
	BASE=$SCRATCH/tree
	mkdir -p "$BASE/in/sub" "$BASE/read"
	echo inside > "$BASE/in/file"
	echo for-reading > "$BASE/read/file"
	echo secret > "$BASE/secret"
	ln -s ../secret "$BASE/in/out"
	ln -s "$BASE/secret" "$BASE/in/absolute"
	ln -s .. "$BASE/in/up"
	# The same server, confined for who comes from another address.
	printf '%s\n' 'Match Address 127.0.0.3' "    Confine rw:$BASE/in ro:$BASE/read" \
		'Match Address 127.0.0.4' '    Confine rw:/nonexistent' \
		'Match Address 127.0.0.5' "    Confine rw:$BASE/way/in" > "$SCRATCH/confined"
	ln -s . "$BASE/way"
	start_sshd 'Subsystem sftp internal-sftp' "Include $SCRATCH/confined"
	# A key that is confined by its line.
	"$KEYGEN" -q -t ed25519 -N '' -f "$SCRATCH/confined_key"
	echo "confine=\"rw:$BASE/in ro:$BASE/read\" $(cat "$SCRATCH/confined_key.pub")" >> "$SCRATCH/authorized_keys"
	"$KEYGEN" -q -t ed25519 -N '' -f "$SCRATCH/wide_key"
	echo "confine=\"rw:$BASE\" $(cat "$SCRATCH/wide_key.pub")" >> "$SCRATCH/authorized_keys"
}
teardown_file() { load ../common; stop_sshd; }
setup() {
	load ../common
	T=$BATS_TEST_TMPDIR
	BASE=$(realpath "$SCRATCH/tree")
	{ echo 'IgnoreUnknown RememberHosts'; cat "$SCRATCH/ssh_config"; } > "$T/ssh_config"
	sed "s/user_ed25519/confined_key/" "$T/ssh_config" > "$T/key_config"
	sed "s/user_ed25519/wide_key/" "$T/ssh_config" > "$T/wide_config"
	CONFIG=$T/ssh_config
	FROM=127.0.0.3
	# Without Landlock or openat2 there is no service, and no more to test.
	if [ ! -e "$SCRATCH/probed" ]; then
		sftp_ <<< pwd > "$SCRATCH/probed" 2>&1 || true
	fi
	if grep -qE 'this kernel cannot' "$SCRATCH/probed"; then
		skip "$(cat "$SCRATCH/probed")"
	fi
}

sftp_() {
	timeout 30 /usr/bin/sftp -q -b - -F "$CONFIG" -o BindAddress=$FROM target
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

@test "inside, everything works" {
	run sftp_ <<-END
		pwd
		get file $T/got
		put $T/got sub/new
		mkdir sub/d
		rename sub/new sub/d/moved
		ln sub/d/moved sub/linked
		cd $BASE/in/sub
		ls -l d
		chmod 600 d/moved
		df .
		rm linked
		rm d/moved
		rmdir d
		get $BASE/read/file $T/read
	END
	echo "$output"
	[ "$status" -eq 0 ]
	[[ "$output" == *"Remote working directory: $BASE/in"* ]]
	[ "$(cat "$T/got" "$T/read")" = $'inside\nfor-reading' ]
}

# refused COMMAND...: each ends its batch, and for that reason.
refused() {
	local command
	for command; do
		run sftp_ <<< "$command"
		if [ "$status" -ne 1 ] || [[ "$output" != *[Pp]ermission\ denied* && "$output" != *"not found"* &&
			"$output" != *"Read-only file system"* && "$output" != *Failure* &&
			"$command" != df* ]]; then # which fails without a word
			echo "$command: status $status, $output"
			return 1
		fi
	done
}

@test "outside, nothing does" {
	refused "get ../secret $T/no" "get $BASE/secret $T/no" "get out $T/no" \
		"get absolute $T/no" "get up/secret $T/no" "get sub/../../secret $T/no" \
		"get /etc/passwd $T/no" "get /proc/self/root/etc/passwd $T/no" \
		"get /proc/self/environ $T/no" "ls /" "ls .." "ls up/" "cd .." "df /" "df out" \
		"put $T/ssh_config ../new" "put $T/ssh_config $BASE/new" "put $T/ssh_config out" \
		"mkdir ../d" "mkdir up/d" "rename file ../file" "rename ../secret secret" \
		"ln ../secret sub/secret" "ln file ../file" "ln file up/file" "rm ../secret" \
		"rm up/secret" "rmdir up/read" "chmod 777 ../secret" "chmod 777 out" "cp ../secret copy" \
		"cp file ../copy" "cp absolute copy" "rmdir $BASE/in"
	[ ! -e "$T/no" ]
	[ "$(cat "$BASE/secret")" = secret ]
	[ "$(ls "$BASE")" = $'in\nread\nsecret\nway' ]
	[ "$(ls "$BASE/in")" = $'absolute\nfile\nout\nsub\nup' ]
}

@test "a directory for reading is not written, nor linked into one that is" {
	refused "put $T/ssh_config $BASE/read/new" "put $T/ssh_config $BASE/read/file" \
		"rm $BASE/read/file" "rename $BASE/read/file sub/stolen" "ln $BASE/read/file sub/stolen" \
		"chmod 777 $BASE/read/file" "mkdir $BASE/read/d" "cp file $BASE/read/copy"
	[ "$(ls "$BASE/read")" = file ]
	[ "$(cat "$BASE/read/file")" = for-reading ]
}

@test "shells, commands and other subsystems are refused" {
	run -255 ssh_ -o BindAddress=$FROM target true
	run -255 ssh_ -o BindAddress=$FROM target
	run -255 ssh_ -o BindAddress=$FROM -s target other
	logged 'only sftp is allowed here (Confine)'
	run -0 ssh_ target true
}

@test "the kernel holds the whole process, whatever the server does" {
	# The second line of defence, seen in the process.
	timeout 20 "$SSH" -F "$SCRATCH/ssh_config" -o BindAddress=$FROM -s target sftp \
		< <(printf '\0\0\0\5\1\0\0\0\3'; sleep 5) > "$T/out" 3>&- &
	client=$!
	for _ in $(seq 200); do
		[ -s "$T/out" ] && break
		sleep 0.05
	done
	held=no
	for p in $(pgrep -P "$(cat "$SCRATCH/sshd.pid")"); do
		for q in $p $(pgrep -P "$p"); do
			for r in $q $(pgrep -P "$q"); do
				grep -q '^NoNewPrivs:.*1' "/proc/$r/status" 2>/dev/null &&
					! grep -q '^Seccomp:.*2' "/proc/$r/status" && held=yes
			done
		done
	done
	kill "$client"
	[ "$held" = yes ]
}

@test "a key is confined by its line" {
	CONFIG=$T/key_config FROM=127.0.0.1
	run -0 sftp_ <<< $'pwd\nget file '"$T/got"
	[[ "$output" == *"Remote working directory: $BASE/in"* ]]
	refused "get ../secret $T/no" "get /etc/passwd $T/no" "rm $BASE/read/file"
	run -255 timeout 20 "$SSH" -F "$CONFIG" target true
}

@test "a key's directories must lie in those of the configuration" {
	CONFIG=$T/wide_config
	run -255 sftp_ <<< pwd
	logged "is outside of Confine of sshd_config"
	# The narrower one counts.
	CONFIG=$T/key_config
	run -0 sftp_ <<< pwd
}

@test "a link on the way to a directory is the administrator's, and followed" {
	FROM=127.0.0.5
	run -0 sftp_ <<< $'pwd\nget file '"$T/got"
	[[ "$output" == *"Remote working directory: $BASE/in"* ]]
	refused "get ../secret $T/no" "get /etc/passwd $T/no"
}

@test "a directory that is not there ends in no service, with the reason" {
	FROM=127.0.0.4
	run -255 sftp_ <<< pwd
	[[ "$output" == *"Confine rw:/nonexistent: No such file"* ]]
	run -255 ssh_ -o BindAddress=$FROM target true
}

@test "nonsense in the configuration is found by -t" {
	for bad in /tmp x:/tmp rw:tmp 'rw:/tmp none'; do
		write_sshd_config "Confine $bad"
		run -255 "$BIN/sshd" -t -f "$SCRATCH/sshd_config"
		[[ "$output" == *"onfine"* ]]
	done
	write_sshd_config "Confine rw:%h ro:/usr/share"
	run -0 "$BIN/sshd" -T -f "$SCRATCH/sshd_config"
	[[ "${output,,}" == *"confine rw:%h ro:/usr/share"* ]]
}

@test "without root it confines as well" {
	[ "$(id -u)" -eq 0 ] || skip "all of the tests above ran without root"
	if ! setpriv --reuid nobody --clear-groups test -x "$BIN/sshd"; then
		skip "an ordinary user cannot run the programs here"
	fi
	N=$(mktemp -d /tmp/sheetbend-confine.XXXXXX)
	mkdir "$N/in"
	echo inside > "$N/in/file"
	echo secret > "$N/secret"
	cp "$SCRATCH/host_ed25519" "$SCRATCH/authorized_keys" "$N"
	port=$(free_port)
	printf '%s\n' "Port $port" 'ListenAddress 127.0.0.1' "HostKey $N/host_ed25519" "PidFile $N/pid" \
		"AuthorizedKeysFile $N/authorized_keys" 'StrictModes no' 'Subsystem sftp internal-sftp' \
		'Match Address 127.0.0.3' "    Confine rw:$N/in" > "$N/config"
	chown -R nobody "$N"
	setpriv --reuid nobody --clear-groups "$BIN/sshd" -D -f "$N/config" -E "$N/log" 3>&- < /dev/null &
	server=$!
	for _ in $(seq 200); do
		[ -s "$N/pid" ] && break
		sleep 0.05
	done
	sed "s/User .*/User nobody/" "$T/ssh_config" > "$T/nobody"
	run timeout 30 /usr/bin/sftp -q -b - -F "$T/nobody" -o BindAddress=$FROM -o Port="$port" target <<< \
		$'get file '"$T/got"$'\nput '"$T/got"$' new\n-get ../secret '"$T/no"$'\n-get /etc/passwd '"$T/no"
	# Neither confined nor another user than sshd: it writes no program into itself.
	memory=$(timeout 30 /usr/bin/sftp -q -b - -F "$T/nobody" -o Port="$port" target <<< \
		"put $T/got /proc/self/mem" 2>&1) || true
	kill "$server"
	echo "$memory"
	echo "$output"
	cat "$N/log" | grep -v debug | tail -5
	[ "$(cat "$T/got" "$N/in/new")" = $'inside\ninside' ]
	[ ! -e "$T/no" ]
	[[ "$memory" == *"/proc/self/mem"*"ermission denied"* ]]
	rm -rf "$N"
}
