# A client made of Paramiko (paramiko_client.py) with our sshd.

have_paramiko() {
	/usr/bin/python3 -c 'import paramiko' 2>/dev/null
}

setup_file() {
	load peers
	have_paramiko || return 0
	make_account || true
	start_server ours 'PasswordAuthentication yes' \
		'KbdInteractiveAuthentication yes' 'MaxSessions 20'
	# What Paramiko offers, from its own tables.
	/usr/bin/python3 - > "$SCRATCH/lists" <<-'LISTS'
		import paramiko
		t = paramiko.Transport
		print("kex", ",".join(t._preferred_kex))
		print("cipher", ",".join(t._preferred_ciphers))
		print("mac", ",".join(t._preferred_macs))
		print("hostkey", ",".join(t._preferred_keys))
		print("pubkey", ",".join(t._preferred_pubkeys))
	LISTS
}

setup() {
	load peers
	have_paramiko || skip "no Paramiko"
}

teardown() { say_why; }
teardown_file() { stop_peers; }

# paramiko_ TEST [NAME...]: as the scratch account, or as ourselves.
paramiko_() {
	local user=$ME
	[ -s "$SCRATCH/account" ] && read -r user _ < "$SCRATCH/account"
	timeout 120 /usr/bin/python3 "$INTEROP/paramiko_client.py" "$PORT" \
		"$user" "$SCRATCH" "$PASSWORD" "$@"
}

# both LEAST LIST QUERY TEST: with all names that it and we know.
both() {
	local names
	names=$(shared_with "$SCRATCH/lists" "$2" "$3")
	paramiko_ "$4" $names
	[ "$(wc -w <<< "$names")" -ge "$1" ]
}

@test "every key exchange" { both 9 kex kex kex; }
@test "every cipher" { both 7 cipher cipher ciphers; }
@test "every MAC with stream and block ciphers" { both 6 mac mac macs; }
@test "compression with every cipher" { both 7 cipher cipher compression; }
@test "every type of host key" { both 6 hostkey sig host_keys; }
@test "every type of user key" { both 6 pubkey sig user_keys; }
@test "exit statuses, standard error" { paramiko_ statuses; }
@test "a login shell on a terminal" { paramiko_ terminal; }
@test "30 commands on one connection" { paramiko_ many_commands; }
@test "eight channels at once" { paramiko_ channels_at_once; }
@test "new keys while data flows both ways" { paramiko_ rekey; }

@test "a password" {
	need_account
	paramiko_ password
}

@test "keyboard-interactive" {
	need_account
	paramiko_ interactive
}
