# Our ssh with Debian's sshd: every algorithm that both know, passwords,
# terminals, bulk.

setup_file() {
	load peers
	[ -x /usr/sbin/sshd ] || return 0
	make_account || true
	if [ "$(id -u)" -eq 0 ]; then
		start_server openssh 'UsePAM yes' 'PasswordAuthentication yes' \
			'KbdInteractiveAuthentication yes'
	else
		start_server openssh
	fi
}

setup() {
	load peers
	load suite
	[ -x /usr/sbin/sshd ] || skip "no OpenSSH sshd"
}

teardown() { say_why; }
teardown_file() { stop_peers; }

@test "every key exchange" { every_kex; }
@test "every cipher" { every_cipher; }
@test "every MAC with stream and block ciphers" { every_mac; }
@test "compression with every cipher" { compression_with_every_cipher; }
@test "every type of host key" { every_host_key; }
@test "every type of user key" { every_user_key; }

@test "exit statuses" { exit_statuses; }
@test "standard error is separate" { stderr_is_separate; }
@test "the end of input arrives" { end_of_input_arrives; }
@test "a shell that reads standard input" { shell_reads_standard_input; }

terminals_need_root() {
	[ "$(id -u)" -eq 0 ] || skip "OpenSSH's sshd gives terminals as root only"
}

@test "the terminal of a command" {
	terminals_need_root
	terminal_of_a_command
}

@test "a login shell on a terminal" {
	terminals_need_root
	login_shell_on_a_terminal
}

@test "the environment" { environment_is_passed; }

@test "a password from a program" { password_asked_by_a_program password; }
@test "a password typed" { password_typed password; }
@test "keyboard-interactive from a program" { password_asked_by_a_program keyboard-interactive; }
@test "keyboard-interactive typed" { password_typed keyboard-interactive; }

@test "1 GiB down with rekeying" { a_gibibyte_down; }
@test "1 GiB up with rekeying" { a_gibibyte_up; }
@test "both ways at once with rekeying" { both_ways_at_once; }
