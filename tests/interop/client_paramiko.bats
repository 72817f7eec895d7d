# Our ssh with a server made of Paramiko (paramiko_server.py).

have_paramiko() {
	/usr/bin/python3 -c 'import paramiko' 2>/dev/null
}

setup_file() {
	local kind keys=()
	load peers
	have_paramiko && make_keys || return 0
	# It keeps one ECDSA key only in older releases: the first counts.
	for kind in ed25519 ecdsa256 ecdsa384 ecdsa521 rsa dsa; do
		[ -e "$SCRATCH/host_$kind" ] && keys+=("$SCRATCH/host_$kind")
	done
	serve paramiko /usr/bin/python3 "$INTEROP/paramiko_server.py" "$SCRATCH/port" \
		"$SCRATCH/authorized_keys" "$PASSWORD" "${keys[@]}"
	wait_for_file "$SCRATCH/port"
	PORT=$(cat "$SCRATCH/port")
	write_ssh_config
	kexinit_of "$PORT" > "$SCRATCH/lists"
}

setup() {
	load peers
	have_paramiko || skip "no Paramiko"
	load suite
	ACCOUNT=anyone
}

teardown() { say_why; }
teardown_file() { stop_peers; }

paramiko_and_we_know() {
	shared_with "$SCRATCH/lists" "$1" "$2"
}

@test "every key exchange" {
	every 9 "$(paramiko_and_we_know kex kex)" with_option KexAlgorithms
}

@test "every cipher" {
	every 7 "$(paramiko_and_we_know cipher cipher)" with_option Ciphers
}

@test "every MAC" {
	every 6 "$(paramiko_and_we_know mac mac)" with_cipher_and_mac aes128-ctr
	every 6 "$(paramiko_and_we_know mac mac)" with_cipher_and_mac aes256-cbc
}

@test "every type of host key" {
	every 6 "$(paramiko_and_we_know hostkey sig)" with_option HostKeyAlgorithms
}

@test "every type of user key" {
	every 8 "$(plain_signatures)" with_user_key
}

@test "exit statuses" {
	for n in 0 1 127 255; do
		run -"$n" ssh_ target "exit $n"
	done
}

@test "standard error is separate" { stderr_is_separate; }
@test "the end of input arrives" { end_of_input_arrives; }

@test "a shell on a terminal of any size" {
	run env TERM=vt100 "$PTYRUN" -w 90x30 -e 'term vt100' -e 'ready> ' \
		-s 'size\r' -e 90x30 -e 'ready> ' -w 120x44 -d 200 \
		-s 'size\r' -e 120x44 -e 'ready> ' -s 'exit 5\r' -- \
		"$SSH" -F "$SCRATCH/ssh_config" -i "$SCRATCH/user_ed25519" target
	echo "$output"
	[ "$status" -eq 5 ]
}

@test "a password typed" {
	run "$PTYRUN" -e 'assword: ' -s 'wrong\r' -e 'assword: ' \
		-s "$PASSWORD\\r" -e "in it is" -- "$SSH" \
		-F "$SCRATCH/ssh_config" -o BatchMode=no -o PubkeyAuthentication=no \
		-o PreferredAuthentications=password -l "$ACCOUNT" target 'echo in it is'
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "two questions, one with echo" {
	run "$PTYRUN" -e 'Two questions' -e 'Answer both.' -e 'Password: ' \
		-s "$PASSWORD\\r" -e '6 times 7? ' -s '42\r' -e "in it is" -- "$SSH" \
		-F "$SCRATCH/ssh_config" -o BatchMode=no -o PubkeyAuthentication=no \
		-o PreferredAuthentications=keyboard-interactive target 'echo in it is'
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output != *"$PASSWORD"* && $output == *"7? 42"* ]]
}

@test "32 MiB both ways at once with rekeying" {
	sum=$(stream 33554432 | digest)
	[ "$(stream 33554432 | bulk aes128-ctr 4M target cat | digest)" = "$sum" ]
	rekeyed_at_least 6
}
