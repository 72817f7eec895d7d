# The agent over one and two hops: our programs and OpenSSH's in every role,
# with keys that are restricted to hosts. Everything runs as a scratch account:
# sockets lie in its home.

setup_file() {
	local p
	load peers
	make_account || return 0
	start_server ours
	"$KEYGEN" -q -t ed25519 -N '' -f "$SCRATCH/theirs_key"
	start_theirs || return 1
	mkdir "$ACCOUNT_HOME/bin"
	for p in ssh ssh-add ssh-agent; do
		cp "$BIN/$p" "$ACCOUNT_HOME/bin/our-$p"
		ln -s "/usr/bin/$p" "$ACCOUNT_HOME/bin/their-$p"
	done
	cp "$ROOT/build/release/tests/cli/tools/stubagent" "$ACCOUNT_HOME/bin/"
	{
		sed 's/^target /ours /' "$SCRATCH/known_hosts"
		echo "theirs $(cut -d' ' -f1,2 "$SCRATCH/theirs_key.pub")"
	} > "$ACCOUNT_HOME/known_hosts"
	cat > "$ACCOUNT_HOME/config" <<-CONFIG
		IgnoreUnknown RememberHosts
		Host ours
		    Port $PORT
		    HostKeyAlias ours
		Host theirs
		    Port $(cat "$SCRATCH/theirs_port")
		    HostKeyAlias theirs
		Host *
		    Hostname 127.0.0.1
		    IdentityFile none
		    UserKnownHostsFile $ACCOUNT_HOME/known_hosts
		    GlobalKnownHostsFile none
		    BatchMode yes
		    RememberHosts no
	CONFIG
	cp "$SCRATCH/user_ed25519" "$SCRATCH/user_ed25519.pub" \
		"$ACCOUNT_HOME/"
	chown -R "$ACCOUNT:" "$ACCOUNT_HOME"
}

start_theirs() {
	local try
	mkdir -p /run/sshd
	for try in 1 2 3 4 5; do
		PORT=$(free_port)
		cat > "$SCRATCH/theirs_config" <<-CONFIG
			Port $PORT
			ListenAddress 127.0.0.1
			HostKey $SCRATCH/theirs_key
			PidFile none
			StrictModes no
			UsePAM no
			AuthorizedKeysFile .ssh/authorized_keys
			LogLevel VERBOSE
		CONFIG
		serve theirs /usr/sbin/sshd -D -e -f "$SCRATCH/theirs_config"
		wait_for_port && echo "$PORT" > "$SCRATCH/theirs_port" && break
	done
	PORT=$(cat "$SCRATCH/port")
	[ -s "$SCRATCH/theirs_port" ]
}

setup() {
	load peers
	need_account
	cd "$ACCOUNT_HOME" || return
}

teardown() {
	stop_agent
	say_why
}
teardown_file() { load peers; stop_peers; }

as_account() {
	setpriv --reuid "$ACCOUNT" --regid "$ACCOUNT" --init-groups \
		env -i HOME="$ACCOUNT_HOME" USER="$ACCOUNT" LOGNAME="$ACCOUNT" SHELL=/bin/bash \
		PATH="$ACCOUNT_HOME/bin:/usr/bin:/bin" SSH_AUTH_SOCK="$ACCOUNT_HOME/sock" \
		timeout 60 "$@"
}

# start_agent PROGRAM [ARGUMENT]...
start_agent() {
	rm -f sock
	as_account "$@" </dev/null >/dev/null 2>&1 3>&- &
	echo $! > "$SCRATCH/agent.pid"
	for _ in $(seq 200); do
		[ ! -S sock ] || return 0
		sleep 0.05
	done
	return 1
}

stop_agent() {
	local pid
	[ -s "$SCRATCH/agent.pid" ] || return 0
	pid=$(cat "$SCRATCH/agent.pid")
	kill "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
	rm -f "$SCRATCH/agent.pid"
}

# Runs "$@" with `agent` and its `add` of each kind.
with_each_agent() {
	local whose
	for whose in our their; do
		start_agent $whose-ssh-agent -D -a "$ACCOUNT_HOME/sock"
		echo "-- $whose agent"
		"$@" $whose || return 1
		stop_agent
	done
}

# ---- one hop ----

one_hop() {
	local add=$1-ssh-add client server remote
	as_account "$add" -q user_ed25519 2>/dev/null
	for client in our their; do
		for server in ours theirs; do
			for remote in our their; do
				echo "$client client, $server, $remote ssh-add"
				[ "$(as_account $client-ssh -F config -A $server "~/bin/$remote-ssh-add -L")" = \
					"$(cat user_ed25519.pub)" ] || return 1
				as_account $client-ssh -F config -A $server \
					"~/bin/$remote-ssh-add -T user_ed25519.pub" || return 1
			done
		done
	done
}

@test "one hop: each client, server and agent" { with_each_agent one_hop; }

# ---- other programs ----

@test "PuTTY's plink and Dropbear's dbclient forward to our sshd" {
	local host
	start_agent our-ssh-agent -D -a "$ACCOUNT_HOME/sock"
	as_account our-ssh-add -q user_ed25519 2>/dev/null
	if command -v plink >/dev/null; then
		host=$(fingerprint "$SCRATCH/host_ed25519.pub")
		run -0 as_account plink -batch -A -hostkey "$host" -P "$PORT" -l "$ACCOUNT" \
			127.0.0.1 '~/bin/our-ssh-add -L'
		[ "$output" = "$(cat user_ed25519.pub)" ]
	fi
	if command -v dbclient >/dev/null; then
		sed 's/^ours /127.0.0.1 /' known_hosts > .ssh/known_hosts
		run -0 --separate-stderr as_account dbclient -A -T -p "$PORT" -l "$ACCOUNT" \
			127.0.0.1 '~/bin/our-ssh-add -L'
		[ "$output" = "$(cat user_ed25519.pub)" ]
	fi
}

@test "our ssh forwards to Dropbear" {
	command -v dropbear >/dev/null || skip "no dropbear"
	local main=$PORT
	start_agent our-ssh-agent -D -a "$ACCOUNT_HOME/sock"
	as_account our-ssh-add -q user_ed25519 2>/dev/null
	dropbearconvert openssh dropbear "$SCRATCH/theirs_key" "$SCRATCH/dropbear_key"
	for _ in 1 2 3; do
		PORT=$(free_port)
		serve dropbear dropbear -F -E -r "$SCRATCH/dropbear_key" -p "127.0.0.1:$PORT" -P "$SCRATCH/dropbear.pid"
		wait_for_port && break
	done
	run -0 as_account our-ssh -F config -p "$PORT" -A theirs '~/bin/our-ssh-add -L'
	PORT=$main
	[ "$output" = "$(cat user_ed25519.pub)" ]
}

# ---- two hops ----

# each_way COMMAND: with client, first server, client there, second server.
each_way() {
	local client first client2 second
	for client in our their; do
		for client2 in our their; do
			for first in ours theirs; do
				second=theirs
				[ $first = ours ] || second=ours
				echo "$client to $first, $client2 to $second"
				"$@" $client $first $client2 $second || return 1
			done
		done
	done
}

# hops CLIENT FIRST CLIENT SECOND: prints the second session's keys.
hops() {
	as_account $1-ssh -F config -A $2 "~/bin/$3-ssh -F config -A $4 '~/bin/$3-ssh-add -L'"
}

along_the_way() {
	local add=$1
	shift
	as_account $add-ssh-add -qD
	as_account $add-ssh-add -q -H known_hosts -h $2 -h "$2>$4" user_ed25519 || return 1
	# Permitted to log in there, not to go on from there.
	run hops "$@"
	echo "$output"
	[ "$status" -eq 1 ] && [ "$output" = "The agent has no identities." ]
}

off_the_way() {
	local add=$1
	shift
	as_account $add-ssh-add -qD
	as_account $add-ssh-add -q -H known_hosts -h $2 user_ed25519 || return 1
	run as_account $1-ssh -F config $2 true
	[ "$status" -eq 0 ] || return 1
	run hops "$@"
	echo "$output"
	[ "$status" -eq 255 ] && [[ $output == *"Permission denied"* ]] || return 1
	# Nor directly to the second one.
	run as_account $1-ssh -F config $4 true
	[ "$status" -eq 255 ]
}

for_another_user() {
	local add=$1
	shift
	as_account $add-ssh-add -qD
	as_account $add-ssh-add -q -H known_hosts -h $2 -h "$2>nobody@$4" user_ed25519 || return 1
	run hops "$@"
	[ "$status" -eq 255 ]
}

ways_of() {
	local what=$1 add=$2
	each_way "$what" "$add"
}

@test "two hops along the way that a key is restricted to" {
	with_each_agent ways_of along_the_way
}

@test "two hops off the way that a key is restricted to" {
	with_each_agent ways_of off_the_way
}

@test "two hops as another user than a key is restricted to" {
	with_each_agent ways_of for_another_user
}

# ---- the key that worked ----

@test "among a hundred keys the one that this host took last comes first" {
	start_agent stubagent crowd "$ACCOUNT_HOME/sock" user_ed25519
	run -255 as_account our-ssh -F config ours true
	[[ $output == *"Too many authentication failures"* ]]
	run -0 as_account our-ssh -F config -o RememberHosts=yes -o IdentitiesOnly=yes \
		-i user_ed25519.pub ours true
	run -0 as_account our-ssh -F config -o RememberHosts=yes ours true
	# One offer, signed at once.
	run -0 as_account our-ssh -F config -o RememberHosts=yes -v ours true
	[ "$(grep -c 'Offering public key' <<< "$output")" -eq 1 ]
	[ "$(grep -c 'Server accepts key' <<< "$output")" -eq 0 ]
}
