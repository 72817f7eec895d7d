# Our ssh with Dropbear's server. Dropbear looks for authorized_keys only in
# the account's home, so this needs root and a scratch account.

# start_dropbear KIND...: with these host keys; sets PORT.
start_dropbear() {
	local kind keys=() try
	for kind in "$@"; do
		keys+=(-r "$SCRATCH/dropbear_$kind")
	done
	for try in 1 2 3 4 5; do
		PORT=$(free_port)
		serve "dropbear_$1" dropbear -F -E -p "127.0.0.1:$PORT" \
			-P "$SCRATCH/dropbear_$1.pid" "${keys[@]}"
		wait_for_port && return 0
	done
	cat "$SCRATCH/dropbear_$1.log"
	return 1
}

setup_file() {
	local kind
	load peers
	command -v dropbear >/dev/null && make_account || return 0
	for kind in ed25519 ecdsa256 ecdsa384 ecdsa521 rsa; do
		dropbearconvert openssh dropbear "$SCRATCH/host_$kind" \
			"$SCRATCH/dropbear_$kind"
	done
	# It reads no DSA key of OpenSSH's format.
	dropbearkey -t dss -f "$SCRATCH/dropbear_dsa" |
		grep '^ssh-dss ' > "$SCRATCH/host_dsa.pub"
	# It takes four keys at most.
	start_dropbear ecdsa384 ecdsa521
	write_ssh_config
	mv "$SCRATCH/ssh_config" "$SCRATCH/ssh_config.curves"
	start_dropbear ed25519 ecdsa256 rsa dsa
	echo "$PORT" > "$SCRATCH/port"
	write_ssh_config
	kexinit_of "$PORT" > "$SCRATCH/lists"
}

setup() {
	load peers
	command -v dropbear >/dev/null || skip "no Dropbear"
	need_account
	load suite
}

teardown() { say_why; }
teardown_file() { stop_peers; }

# One of the server's lists and ours.
dropbear_and_we_know() {
	shared_with "$SCRATCH/lists" "$1" "$2"
}

@test "every key exchange" {
	every 6 "$(dropbear_and_we_know kex kex)" with_option KexAlgorithms
}

@test "every cipher with every MAC" {
	for mac in $(dropbear_and_we_know mac mac); do
		every 3 "$(dropbear_and_we_know cipher cipher)" with_mac_and_cipher "$mac"
	done
	every 2 "$(dropbear_and_we_know mac mac)" with_option MACs
}

with_mac_and_cipher() {
	echo_through -m "$1" -c "$2"
}

@test "every type of host key" {
	every 5 "$(dropbear_and_we_know hostkey sig)" with_option HostKeyAlgorithms
	every 2 "ecdsa-sha2-nistp384 ecdsa-sha2-nistp521" with_curve
}

with_curve() {
	timeout 20 "$SSH" -F "$SCRATCH/ssh_config.curves" \
		-i "$SCRATCH/user_ed25519" -o "HostKeyAlgorithms=$1" target true
}

@test "every type of user key" {
	# Dropbear takes the types of user keys that it has as host keys.
	every 7 "$(dropbear_and_we_know hostkey sig) ecdsa-sha2-nistp384 ecdsa-sha2-nistp521" \
		with_user_key
}

@test "keys that Dropbear has made and converted" {
	for type in ed25519 'ecdsa -s 384' 'rsa -s 2048'; do
		rm -f "$SCRATCH"/made*
		dropbearkey -t $type -f "$SCRATCH/made" > "$SCRATCH/made.out"
		sed -n '/^ssh-\|^ecdsa-/p' "$SCRATCH/made.out" \
			>> "$ACCOUNT_HOME/.ssh/authorized_keys"
		dropbearconvert dropbear openssh "$SCRATCH/made" "$SCRATCH/made.openssh"
		chmod 600 "$SCRATCH/made.openssh"
		"$KEYGEN" -y -f "$SCRATCH/made.openssh"
		echo_through -i "$SCRATCH/made.openssh"
	done
}

@test "exit statuses" { exit_statuses; }
@test "standard error is separate" { stderr_is_separate; }
@test "the end of input arrives" { end_of_input_arrives; }
@test "a shell that reads standard input" { shell_reads_standard_input; }
@test "the terminal of a command" { terminal_of_a_command; }
@test "a login shell on a terminal" { login_shell_on_a_terminal; }
@test "a password from a program" { password_asked_by_a_program password; }
@test "a password typed" { password_typed password; }

@test "128 MiB both ways at once with rekeying" {
	sum=$(stream 134217728 | digest)
	[ "$(stream 134217728 | bulk aes128-ctr 16M target cat | digest)" = "$sum" ]
	rekeyed_at_least 7
}
