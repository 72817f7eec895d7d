# Dropbear's dbclient with our sshd. Its algorithms are chosen at the server's
# end: dbclient's proxy program is `sshd -i` that offers only one.

have_dbclient() {
	command -v dbclient >/dev/null && command -v dropbearconvert >/dev/null
}

setup_file() {
	local kind
	load peers
	have_dbclient || return 0
	make_account || true
	start_server ours 'PasswordAuthentication yes' \
		'KbdInteractiveAuthentication yes'
	for kind in ed25519 ecdsa256 ecdsa384 ecdsa521 rsa; do
		dropbearconvert openssh dropbear "$SCRATCH/user_$kind" \
			"$SCRATCH/user_$kind.dropbear"
	done
	mkdir -p "$SCRATCH/home"
	HOME=$SCRATCH/home timeout 20 dbclient -y -y -J \
		"/usr/bin/python3 $INTEROP/kexinit.py answer $SCRATCH/lists" \
		x@y true </dev/null >/dev/null 2>&1 || true
	[ -s "$SCRATCH/lists" ]
}

setup() {
	load peers
	have_dbclient || skip "no dbclient"
	export HOME=$SCRATCH/home
	[ -s "$SCRATCH/account" ] && read -r ME _ < "$SCRATCH/account"
	mkdir -p "$HOME/.ssh"
	write_known_hosts 127.0.0.1 > "$HOME/.ssh/known_hosts"
}

teardown() { say_why; }
teardown_file() { stop_peers; }

dbclient_() {
	timeout 60 dbclient -T -p "$PORT" -l "$ME" "$@"
}

key=(-i "$BATS_FILE_TMPDIR/user_ed25519.dropbear")

# to_sshd_with OPTIONS ARGUMENT...: a daemon of its own with these options.
to_sshd_with() {
	timeout 60 dbclient -T -l "$ME" -J "$ROOT/bin/sshd -i -f $SCRATCH/sshd_config -E $SCRATCH/inetd.log $1" \
		"${@:2}"
}

with_option() {
	[ "$(echo over and back | to_sshd_with "-o $1=$2" "${key[@]}" 127.0.0.1 cat)" = "over and back" ]
}

dbclient_and_we_know() {
	shared_with "$SCRATCH/lists" "$1" "$2"
}

with_mac_and_cipher() {
	[ "$(echo over and back | to_sshd_with "-o MACs=$1 -o Ciphers=$2" \
		"${key[@]}" 127.0.0.1 cat)" = "over and back" ]
}

with_user_key() {
	[ "$(to_sshd_with "-o PubkeyAcceptedAlgorithms=$1" \
		-i "$SCRATCH/user_$(key_of "$1").dropbear" 127.0.0.1 'echo in')" = in ]
}

@test "every key exchange" {
	every 6 "$(dbclient_and_we_know kex kex)" with_option KexAlgorithms
	# The option rules: one that only we know fails.
	! with_option KexAlgorithms mlkem768nistp256-sha256 || return 1
}

@test "every cipher with every MAC" {
	for mac in $(dbclient_and_we_know mac mac); do
		every 3 "$(dbclient_and_we_know cipher cipher)" with_mac_and_cipher "$mac"
	done
	every 2 "$(dbclient_and_we_know mac mac)" with_option MACs
}

@test "every type of host key" {
	every 7 "$(dbclient_and_we_know hostkey sig)" with_option HostKeyAlgorithms
}

@test "every type of user key" {
	every 5 "ssh-ed25519 ecdsa-sha2-nistp256 ecdsa-sha2-nistp384
		ecdsa-sha2-nistp521 rsa-sha2-256" with_user_key
}

@test "exit statuses, standard error" {
	for n in 0 1 127 255; do
		run -"$n" dbclient_ "${key[@]}" 127.0.0.1 "exit $n"
	done
	# With its own input at the end already it closes at our EOF.
	for n in $(seq 20); do
		run -7 dbclient_ "${key[@]}" 127.0.0.1 'exit 7' < /dev/null
	done
	[ "$(dbclient_ "${key[@]}" 127.0.0.1 'echo out; echo err >&2' 2>"$SCRATCH/err")" = out ]
	[ "$(cat "$SCRATCH/err")" = err ]
}

@test "a login shell on a terminal" {
	run "$PTYRUN" -w 80x24 -s 'echo a$((40+2))b\r' -e a42b \
		-s 'stty size\r' -e '24 80' -w 132x50 -d 200 -s 'stty size\r' -e '50 132' \
		-s 'exit 7\r' -- dbclient -p "$PORT" -l "$ME" "${key[@]}" 127.0.0.1
	echo "$output"
	[ "$status" -eq 7 ]
}

@test "a password" {
	need_account
	run env DROPBEAR_PASSWORD="$PASSWORD" timeout 20 dbclient -T -p "$PORT" \
		-l "$ACCOUNT" 127.0.0.1 'echo "I am $USER"'
	echo "$output"
	[[ $output == *"I am $ACCOUNT"* ]]
}

@test "a password typed" {
	need_account
	run "$PTYRUN" -e 'assword: ' -s "$PASSWORD\\r" -e "I am $ACCOUNT" -- \
		dbclient -p "$PORT" -l "$ACCOUNT" 127.0.0.1 'echo "I am $USER"'
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "128 MiB each way" {
	sum=$(stream 134217728 | digest)
	[ "$(dbclient_ "${key[@]}" 127.0.0.1 "$(stream_command 134217728)" | digest)" = "$sum" ]
	up=$(stream 134217728 | dbclient_ "${key[@]}" 127.0.0.1 "$digest_command")
	[ "${up%% *}" = "$sum" ]
}

@test "both ways at once, with new keys by the server" {
	sum=$(stream 33554432 | digest)
	: > "$SCRATCH/inetd.log"
	[ "$(stream 33554432 | to_sshd_with '-o RekeyLimit=4M' "${key[@]}" 127.0.0.1 cat | digest)" = "$sum" ]
	[ "$(grep -c 'SSH2_MSG_NEWKEYS received' "$SCRATCH/inetd.log")" -ge 7 ]
}
