# What holds between two programs that both speak OpenSSH's command line:
# ours and Debian's, in either role. Each check is one @test of the files
# which load this. OTHER is the `ssh -Q` of the end that is not ours.

OTHER=${OTHER:-/usr/bin/ssh}

both_know() {
	shared "$1" "$ROOT/bin/ssh" "$OTHER"
}

with_option() {
	echo_through -o "$1=$2"
}

every_kex() {
	every 14 "$(both_know kex)" with_option KexAlgorithms
}

every_cipher() {
	every 10 "$(both_know cipher)" with_option Ciphers
}

with_cipher_and_mac() {
	echo_through -c "$1" -m "$2"
}

# Plain and etm MACs, with a stream and a block cipher of each size of block.
every_mac() {
	local cipher status=0
	for cipher in aes128-ctr aes256-cbc 3des-cbc; do
		every 16 "$(both_know mac)" with_cipher_and_mac "$cipher" || status=1
	done
	return "$status"
}

with_compression() {
	echo_through -v -C -c "$1" 2> "$SCRATCH/compression" || return 1
	grep -q 'compression: zlib@openssh.com' "$SCRATCH/compression"
}

compression_with_every_cipher() {
	every 10 "$(both_know cipher)" with_compression
}

every_host_key() {
	every 8 "$(both_know sig)" with_option HostKeyAlgorithms
}

with_user_key() {
	echo_through -i "$SCRATCH/user_$(key_of "$1")" \
		-o "PubkeyAcceptedAlgorithms=$1"
}

every_user_key() {
	every 8 "$(both_know sig)" with_user_key
}

# ---- sessions ----

# The status of a command of the other end, and of one that a signal ended.
exit_statuses() {
	local n status
	for n in 0 1 7 127 254 255; do
		status=0
		ssh_ target "exit $n" || status=$?
		echo "exit $n: $status"
		[ "$status" -eq "$n" ] || return 1
	done
	status=0
	ssh_ target 'kill -TERM $$' || status=$?
	echo "killed: $status"
	[ "$status" -eq 255 ]
}

stderr_is_separate() {
	ssh_ target 'echo out; echo err >&2' > "$SCRATCH/out" 2> "$SCRATCH/err"
	[ "$(cat "$SCRATCH/out")" = out ]
	[ "$(cat "$SCRATCH/err")" = err ]
	# Much of both, neither lost.
	ssh_ target 'head -c 3000000 /dev/zero >&2 & head -c 5000000 /dev/zero; wait' \
		> "$SCRATCH/out" 2> "$SCRATCH/err"
	[ "$(wc -c < "$SCRATCH/out") $(wc -c < "$SCRATCH/err")" = '5000000 3000000' ]
}

end_of_input_arrives() {
	[ "$(printf 12345 | ssh_ target 'wc -c')" -eq 5 ]
	[ "$(ssh_ target 'wc -c' < /dev/null)" -eq 0 ]
	[ "$(ssh_ -n target 'wc -c' < "$SCRATCH/ssh_config")" -eq 0 ]
}

# A shell of its own, without a terminal.
shell_reads_standard_input() {
	local status=0
	echo 'echo $((20 + 22)); exit 3' | ssh_ -T target > "$SCRATCH/out" || status=$?
	# PAM may have put a message of the day in front.
	[ "$status" -eq 3 ] && [ "$(tail -n 1 "$SCRATCH/out")" = 42 ]
}

terminal_of_a_command() {
	run pty_ -w 101x43 -- -i "$SCRATCH/user_ed25519" -tt target 'stty size; tty; echo $TERM; exit 9'
	echo "$output"
	[ "$status" -eq 9 ]
	[[ $output == *"43 101"* && $output == */dev/pts/* ]]
}

login_shell_on_a_terminal() {
	run env TERM=vt220 PS1= "$PTYRUN" -w 80x24 \
		-s 'echo a$((40+2))b $TERM\r' -e 'a42b vt220' \
		-w 132x50 -s 'stty size\r' -e '50 132' \
		-s 'sleep 60\r' -d 200 -s '\x03' -s 'echo b$((40+3))c\r' -e b43c \
		-s 'exit 7\r' -- "$SSH" -F "$SCRATCH/ssh_config" \
		-i "$SCRATCH/user_ed25519" target
	echo "$output"
	[ "$status" -eq 7 ]
}

environment_is_passed() {
	run env LC_TEST=one TEST_TWO='two words' "$SSH" -F "$SCRATCH/ssh_config" \
		-i "$SCRATCH/user_ed25519" -o SendEnv='LC_TEST TEST_TWO' \
		-o SetEnv=LC_SET=three target 'echo "$LC_TEST,$TEST_TWO,$LC_SET"'
	echo "$output"
	[ "$output" = 'one,two words,three' ]
}

# ---- passwords ----

by_password() {
	ssh_ -o BatchMode=no -o PubkeyAuthentication=no \
		-o PreferredAuthentications="$1" -o NumberOfPasswordPrompts=1 \
		-l "$ACCOUNT" target 'echo "I am $USER"'
}

# password_asked_by_a_program METHOD
password_asked_by_a_program() {
	need_account
	SSH_ASKPASS=$(askpass)
	export SSH_ASKPASS SSH_ASKPASS_REQUIRE=force
	run by_password "$1"
	echo "$output"
	[ "$status" -eq 0 ] && [[ $output == *"I am $ACCOUNT"* ]] || return 1
	printf '#!/bin/sh\necho wrong\n' > "$SSH_ASKPASS"
	run by_password "$1"
	echo "$output"
	[ "$status" -eq 255 ] && [[ $output == *"Permission denied"* ]]
}

# password_typed METHOD: a wrong one first, then the right one.
password_typed() {
	need_account
	run "$PTYRUN" -e 'assword: ' -s 'wrong\r' -e 'assword: ' \
		-s "$PASSWORD\\r" -e "I am $ACCOUNT" -- "$SSH" \
		-F "$SCRATCH/ssh_config" -o BatchMode=no -o PubkeyAuthentication=no \
		-o PreferredAuthentications="$1" -l "$ACCOUNT" target 'echo "I am $USER"'
	echo "$output"
	[ "$status" -eq 0 ] && [[ $output != *"$PASSWORD"* ]]
}

# ---- bulk ----

# bulk CIPHER LIMIT ARGUMENT...: new keys each time LIMIT bytes have passed.
bulk() {
	ssh_ -v -c "$1" -m hmac-sha2-256-etm@openssh.com,hmac-sha2-256 \
		-o RekeyLimit="$2" -E "$SCRATCH/bulk.log" "${@:3}"
}

rekeyed_at_least() {
	local n
	n=$(grep -c 'SSH2_MSG_NEWKEYS received' "$SCRATCH/bulk.log")
	rm -f "$SCRATCH/bulk.log"
	echo "keys were agreed upon $n times, at least $1 wanted"
	[ "$n" -ge "$1" ]
}

a_gibibyte_down() {
	[ "$(bulk aes128-gcm@openssh.com 64M target "$(stream_command $GIB)" | digest)" = $GIB_SHA256 ]
	rekeyed_at_least 15
}

a_gibibyte_up() {
	local sum
	sum=$(stream $GIB | bulk aes128-gcm@openssh.com 64M target "$digest_command")
	[ "${sum%% *}" = $GIB_SHA256 ]
	rekeyed_at_least 15
}

# Both directions at once, and new keys in the middle of both.
both_ways_at_once() {
	local cipher size=100000000 sum
	sum=$(stream $size | digest)
	for cipher in aes128-ctr chacha20-poly1305@openssh.com; do
		[ "$(stream $size | bulk "$cipher" 8M target cat | digest)" = "$sum" ]
		rekeyed_at_least 10
	done
}
