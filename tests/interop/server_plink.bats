# PuTTY's plink with our sshd. Its algorithms are chosen at the server's end:
# plink's proxy command is `sshd -i` that offers only one.

have_putty() {
	command -v plink >/dev/null && command -v puttygen >/dev/null
}

setup_file() {
	local kind
	load peers
	have_putty || return 0
	make_account || true
	start_server ours 'PasswordAuthentication yes' \
		'KbdInteractiveAuthentication yes'
	for kind in $key_kinds; do
		[ "$kind" = dsa ] || puttygen "$SCRATCH/user_$kind" -O private \
			-o "$SCRATCH/user_$kind.ppk"
	done
	mkdir -p "$SCRATCH/home"
	# What it finds weak it would ask about, and cannot.
	mkdir -p "$SCRATCH/home/.putty/sessions"
	echo 'KEX=dh-group1-sha1,ecdh,dh-gex-sha1,dh-group14-sha1,rsa,WARN' \
		> "$SCRATCH/home/.putty/sessions/weak"
	HOME=$SCRATCH/home timeout 20 plink -batch -proxycmd \
		"/usr/bin/python3 $INTEROP/kexinit.py answer $SCRATCH/lists" \
		x@y true >/dev/null 2>&1 || true
	[ -s "$SCRATCH/lists" ]
}

setup() {
	load peers
	have_putty || skip "no PuTTY"
	export HOME=$SCRATCH/home
	[ -s "$SCRATCH/account" ] && read -r ME _ < "$SCRATCH/account"
	hosts=()
	for file in "$SCRATCH"/host_*.pub; do
		hosts+=(-hostkey "$(fingerprint "$file")")
	done
}

teardown() { say_why; }
teardown_file() { stop_peers; }

plink_() {
	timeout 60 plink -load weak -batch "${hosts[@]}" -P "$PORT" -l "$ME" "$@"
}

key=(-i "$BATS_FILE_TMPDIR/user_ed25519.ppk")

# to_sshd_with OPTIONS ARGUMENT...: a daemon of its own with these options.
# PuTTY asks no proxy for what it takes for this machine: "far" is not.
to_sshd_with() {
	plink_ -proxycmd "$ROOT/bin/sshd -i -f $SCRATCH/sshd_config -E $SCRATCH/inetd.log $1" \
		"${@:2}"
}

# With data on the way, if ever so little: keys and sequence numbers count.
with_option() {
	[ "$(echo over and back | to_sshd_with "-o $1=$2" "${key[@]}" \
		"${@:3}" far cat)" = "over and back" ]
}

plink_and_we_know() {
	shared_with "$SCRATCH/lists" "$1" "$2"
}

with_cipher_and_mac() {
	[ "$(echo over and back | to_sshd_with "-o Ciphers=$1 -o MACs=$2" \
		"${key[@]}" far cat)" = "over and back" ]
}

with_user_key() {
	[ "$(to_sshd_with "-o PubkeyAcceptedAlgorithms=$1" \
		-i "$SCRATCH/user_$(key_of "$1").ppk" far 'echo in')" = in ]
}

@test "every key exchange" {
	every 10 "$(plink_and_we_know kex kex)" with_option KexAlgorithms
	# The option rules: one that only we know fails.
	! with_option KexAlgorithms mlkem768nistp256-sha256 || return 1
}

@test "every cipher" {
	every 7 "$(plink_and_we_know cipher cipher)" with_option Ciphers
}

@test "every MAC with stream and block ciphers" {
	every 4 "$(plink_and_we_know mac mac)" with_cipher_and_mac aes128-ctr
	every 4 "$(plink_and_we_know mac mac)" with_cipher_and_mac aes256-cbc
}

compressed() {
	with_option Ciphers "$1" -C
}

@test "compression with every cipher" {
	every 7 "$(plink_and_we_know cipher cipher)" compressed
}

@test "every type of host key" {
	every 6 "$(plink_and_we_know hostkey sig)" with_option HostKeyAlgorithms
}

@test "every type of user key" {
	every 7 "$(plain_signatures | grep -v ssh-dss)" with_user_key
}

@test "keys that puttygen has made" {
	for type in 'ed25519' 'ecdsa -b 384' 'rsa -b 2048 -q'; do
		rm -f "$SCRATCH"/made*
		puttygen -t $type -C made --new-passphrase /dev/null \
			-o "$SCRATCH/made.ppk" > /dev/null
		file=$SCRATCH/authorized_keys
		[ ! -s "$SCRATCH/account" ] ||
			file=$(cut -d' ' -f2 "$SCRATCH/account")/.ssh/authorized_keys
		puttygen "$SCRATCH/made.ppk" -L >> "$file"
		[ "$(plink_ -i "$SCRATCH/made.ppk" 127.0.0.1 'echo in')" = in ]
	done
}

@test "exit statuses, standard error" {
	for n in 0 1 127 255; do
		run -"$n" plink_ "${key[@]}" 127.0.0.1 "exit $n"
	done
	# With its own input at the end already it closes at our EOF.
	for n in $(seq 20); do
		run -7 plink_ "${key[@]}" 127.0.0.1 'exit 7' < /dev/null
	done
	[ "$(plink_ "${key[@]}" 127.0.0.1 'echo out; echo err >&2' 2>"$SCRATCH/err")" = out ]
	[ "$(cat "$SCRATCH/err")" = err ]
}

@test "a login shell on a terminal" {
	run "$PTYRUN" -w 80x24 -s 'echo a$((40+2))b\r' -e a42b \
		-s 'stty size\r' -e '24 80' -w 132x50 -d 200 -s 'stty size\r' -e '50 132' \
		-s 'exit 7\r' -- plink -no-antispoof "${hosts[@]}" -P "$PORT" -l "$ME" "${key[@]}" 127.0.0.1
	echo "$output" "status $status"
	[ "$status" -eq 7 ]
}

@test "a password" {
	need_account
	echo "$PASSWORD" > "$SCRATCH/password"
	run plink_ -pwfile "$SCRATCH/password" 127.0.0.1 'echo "I am $USER"'
	echo "$output"
	[[ $output == *"I am $ACCOUNT"* ]]
	echo wrong > "$SCRATCH/password"
	run -1 plink_ -pwfile "$SCRATCH/password" 127.0.0.1 'echo in'
}

# Passwords that are typed go through keyboard-interactive, PuTTY's first choice.
@test "keyboard-interactive typed" {
	need_account
	run "$PTYRUN" -e 'assword: ' -s "$PASSWORD\\r" -e "I am $ACCOUNT" -- \
		plink -no-antispoof "${hosts[@]}" -P "$PORT" -l "$ACCOUNT" 127.0.0.1 'echo "I am $USER"'
	echo "$output"
	[ "$status" -eq 0 ]
	grep -q "Accepted keyboard-interactive for $ACCOUNT" "$SSHD_LOG"
}

@test "128 MiB each way" {
	sum=$(stream 134217728 | digest)
	[ "$(plink_ "${key[@]}" 127.0.0.1 "$(stream_command 134217728)" | digest)" = "$sum" ]
	up=$(stream 134217728 | plink_ "${key[@]}" 127.0.0.1 "$digest_command")
	[ "${up%% *}" = "$sum" ]
}

@test "both ways at once, with new keys by the server" {
	sum=$(stream 33554432 | digest)
	: > "$SCRATCH/inetd.log"
	[ "$(stream 33554432 | to_sshd_with '-o RekeyLimit=4M' "${key[@]}" far cat | digest)" = "$sum" ]
	[ "$(grep -c 'SSH2_MSG_NEWKEYS received' "$SCRATCH/inetd.log")" -ge 7 ]
}
