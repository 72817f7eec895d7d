# Our ssh with our sshd: every algorithm there is, passwords, terminals, bulk.

setup_file() {
	load peers
	key_kinds+=' mldsa44_ed25519'
	make_account || true
	start_server ours 'PasswordAuthentication yes' \
		'KbdInteractiveAuthentication yes'
}

setup() {
	load peers
	OTHER=$ROOT/bin/ssh
	load suite
}

teardown() { say_why; }
teardown_file() { stop_peers; }

@test "every key exchange" {
	list=$(both_know kex)
	[[ $list == *mlkem768x25519-sha256* ]]
	every 15 "$list" with_option KexAlgorithms
}
@test "every cipher" { every_cipher; }
@test "every MAC with stream and block ciphers" { every_mac; }
@test "compression with every cipher" { compression_with_every_cipher; }
@test "every type of host key" { every_host_key; }
@test "every type of user key" { every_user_key; }

@test "exit statuses" { exit_statuses; }
@test "standard error is separate" { stderr_is_separate; }
@test "the end of input arrives" { end_of_input_arrives; }
@test "a shell that reads standard input" { shell_reads_standard_input; }
@test "the terminal of a command" { terminal_of_a_command; }
@test "a login shell on a terminal" { login_shell_on_a_terminal; }
@test "the environment" { environment_is_passed; }

@test "a password from a program" { password_asked_by_a_program password; }
@test "a password typed" { password_typed password; }
@test "keyboard-interactive from a program" { password_asked_by_a_program keyboard-interactive; }
@test "keyboard-interactive typed" { password_typed keyboard-interactive; }

@test "1 GiB down with rekeying" { a_gibibyte_down; }
@test "1 GiB up with rekeying" { a_gibibyte_up; }
@test "both ways at once with rekeying" { both_ways_at_once; }

# Bytes that the server sends to a person who types three keys.
bytes_of_typing() {
	printf '%s\n' "exec 3<>/dev/tcp/127.0.0.1/$PORT 4<&0" \
		'cat <&4 >&3 &' \
		"tee $SCRATCH/down <&3" > "$SCRATCH/proxy"
	PS1= "$PTYRUN" -s 'echo $((40+3))\r' -e 43 -s a -d 150 -s b -d 150 -s c -d 150 \
		-s '\x03exit\r' -- "$SSH" -F "$SCRATCH/ssh_config" \
		-i "$SCRATCH/user_ed25519" -o ProxyCommand="bash $SCRATCH/proxy" \
		-o ObscureKeystrokeTiming="$1" target > /dev/null
	wc -c < "$SCRATCH/down"
}

@test "PINGs hide the times of keystrokes and are answered" {
	plain=$(bytes_of_typing no)
	hidden=$(bytes_of_typing yes)
	echo "$plain bytes without, $hidden with"
	[ $((hidden - plain)) -gt 300 ]
}
