# SFTP clients of others against our sshd: with internal-sftp on one port,
# with the program sftp-server on another.

setup_file() {
	load ../cli/common
	PORT2=$(free_port)
	printf 'Match LocalPort %s\n    Subsystem sftp %s\n' "$PORT2" "$BIN/sftp-server" > "$SCRATCH/second"
	start_sshd "Port $PORT2" 'Subsystem sftp internal-sftp' "Include $SCRATCH/second"
	echo "$PORT2" > "$SCRATCH/port2"
	chmod 600 "$SCRATCH/user_ed25519"
	head -c 5000000 /dev/urandom > "$SCRATCH/data"
	if command -v puttygen > /dev/null; then
		puttygen "$SCRATCH/user_ed25519" -O private -o "$SCRATCH/user.ppk"
	fi
}
teardown_file() { load ../cli/common; stop_sshd; }
setup() {
	load ../cli/common
	T=$BATS_TEST_TMPDIR
	PORTS="$PORT $(cat "$SCRATCH/port2")"
	HOST_KEY=$(/usr/bin/ssh-keygen -lf "$SCRATCH/host_ed25519.pub" | cut -d' ' -f2)
	cat > "$T/ssh_config" <<-END
		Host *
		    User $ME
		    IdentityFile $SCRATCH/user_ed25519
		    IdentitiesOnly yes
		    UserKnownHostsFile /dev/null
		    StrictHostKeyChecking no
		    LogLevel ERROR
		    BatchMode yes
	END
}

needs() {
	command -v "$1" > /dev/null || skip "$1 is not installed"
}

# on_both FUNCTION: with PORT set, in a fresh folder.
on_both() {
	local p
	for p in $PORTS; do
		PORT=$p
		D=$T/$p
		mkdir "$D"
		"$@" || { echo "with port $p (of $PORTS)"; return 1; }
	done
}

with_sftp() {
	printf '%s\n' "cd $D" "put $SCRATCH/data up" 'ls -la' 'df -h' 'cp up copy' 'ln copy hard' \
		'ln -s up soft' 'rename up down' "get down $D/got" 'chmod 600 down' 'rm copy' 'mkdir d' |
		timeout 60 /usr/bin/sftp -b - -F "$T/ssh_config" -P "$PORT" 127.0.0.1
	cmp "$SCRATCH/data" "$D/got"
	[ "$(stat -c %a "$D/down")" = 600 ]
	mkdir "$D/tree"
	for i in $(seq 200); do echo "$i" > "$D/tree/$i"; done
	printf '%s\n' "put -r $D/tree $D/there" "get -pr $D/there $D/back" |
		timeout 60 /usr/bin/sftp -b - -F "$T/ssh_config" -P "$PORT" 127.0.0.1 > /dev/null
	diff -r "$D/tree" "$D/back"
}

@test "OpenSSH's sftp" {
	needs /usr/bin/sftp
	on_both with_sftp
}

with_scp() {
	timeout 60 /usr/bin/scp -q -s -F "$T/ssh_config" -P "$PORT" "$SCRATCH/data" "127.0.0.1:$D/up"
	timeout 60 /usr/bin/scp -q -s -p -r -F "$T/ssh_config" -P "$PORT" "127.0.0.1:$D" "$T/back.$PORT"
	cmp "$SCRATCH/data" "$T/back.$PORT/up"
	timeout 60 /usr/bin/scp -q -s -F "$T/ssh_config" -P "$PORT" "127.0.0.1:~/.does-not-exist" "$D" && return 1
	true
}

@test "OpenSSH's scp" {
	needs /usr/bin/scp
	on_both with_scp
}

with_psftp() {
	printf '%s\n' "cd $D" "put $SCRATCH/data up" 'ls' 'mv up down' "get down $D/got" 'mkdir d' 'chmod 600 down' |
		timeout 60 psftp -batch -P "$PORT" -l "$ME" -i "$SCRATCH/user.ppk" -hostkey "$HOST_KEY" 127.0.0.1
	cmp "$SCRATCH/data" "$D/got"
	timeout 60 pscp -sftp -batch -q -P "$PORT" -l "$ME" -i "$SCRATCH/user.ppk" -hostkey "$HOST_KEY" \
		-p "127.0.0.1:$D/down" "$D/again"
	cmp "$SCRATCH/data" "$D/again"
}

@test "PuTTY's psftp and pscp" {
	needs psftp
	on_both with_psftp
}

with_lftp() {
	mkdir "$D/from"
	for i in $(seq 30); do echo "$i" > "$D/from/$i"; done
	HOME=$D timeout 60 lftp -e "set sftp:connect-program '/usr/bin/ssh -a -x -F $T/ssh_config';
		set cmd:fail-exit yes; open -u $ME,x -p $PORT sftp://127.0.0.1; cd $D; put $SCRATCH/data -o up;
		get up -o $D/got; mirror -R $D/from there; mirror there $D/back; mv up down; rm down; exit" < /dev/null
	cmp "$SCRATCH/data" "$D/got"
	diff -r "$D/from" "$D/back"
}

@test "lftp" {
	needs lftp
	on_both with_lftp
}

with_curl() {
	local url=sftp://127.0.0.1:$PORT$D
	timeout 60 curl -sS -k -u "$ME:" --key "$SCRATCH/user_ed25519" --pubkey "$SCRATCH/user_ed25519.pub" \
		-T "$SCRATCH/data" "$url/up"
	timeout 60 curl -sS -k -u "$ME:" --key "$SCRATCH/user_ed25519" --pubkey "$SCRATCH/user_ed25519.pub" \
		-o "$D/got" "$url/up" -Q "*rename $D/up $D/down"
	cmp "$SCRATCH/data" "$D/got"
	timeout 60 curl -sS -k -u "$ME:" --key "$SCRATCH/user_ed25519" --pubkey "$SCRATCH/user_ed25519.pub" \
		"$url/" | grep -q down
}

@test "curl" {
	needs curl
	curl -V | grep -qw sftp || skip "this curl knows no SFTP"
	"$KEYGEN" -y -f "$SCRATCH/user_ed25519" > /dev/null
	on_both with_curl
}

with_python() {
	timeout 100 /usr/bin/python3 -W ignore "$BATS_TEST_DIRNAME/sftp_clients.py" "$1" 127.0.0.1 "$PORT" "$ME" \
		"$SCRATCH/user_ed25519" "$D"
}

@test "Paramiko" {
	/usr/bin/python3 -c 'import paramiko' 2> /dev/null || skip "Paramiko is not installed"
	on_both with_python paramiko
}

@test "AsyncSSH" {
	/usr/bin/python3 -W ignore -c 'import asyncssh' 2> /dev/null || skip "AsyncSSH is not installed"
	on_both with_python asyncssh
}

with_sshfs() {
	local m=$T/mount.$PORT status=0
	mkdir "$m"
	sshfs -F "$T/ssh_config" -p "$PORT" "127.0.0.1:$D" "$m" || return 1
	{
		cp "$SCRATCH/data" "$m/up" && cmp "$SCRATCH/data" "$m/up" &&
			mkdir "$m/d" && mv "$m/up" "$m/d/moved" && ln -s moved "$m/d/link" &&
			[ "$(readlink "$m/d/link")" = moved ] && chmod 600 "$m/d/moved" &&
			echo tail >> "$m/d/moved" && truncate -s 100 "$m/d/moved" &&
			[ "$(stat -c '%a %s' "$D/d/moved")" = '600 100' ] && df "$m" &&
			rm "$m/d/moved" "$m/d/link" && rmdir "$m/d" && [ -z "$(ls -A "$m")" ]
	} || status=1
	fusermount -u "$m" || fusermount3 -u "$m"
	return $status
}

@test "sshfs" {
	needs sshfs
	[ -w /dev/fuse ] || skip "no FUSE here"
	on_both with_sshfs
}
