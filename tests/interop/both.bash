# Shared by interop files about keys in devices: one server of ours and one of
# OpenSSH's, logins in every pairing of client and server that has one of ours
# in it.
#
#   setup_file() { load both; start_both; }
#   setup() { load both; forget; }
#   teardown_file() { load both; stop_both; }
#
# The keys that may log in are in $SCRATCH/authorized_keys, CAs in user_cas;
# each test may write both anew.

load ../cli/common
load ../cli/devices

THEIR_KEYGEN=/usr/bin/ssh-keygen
THEIR_SSH=/usr/bin/ssh
THEIR_SSHD=/usr/sbin/sshd
pairs="ours:ours ours:theirs theirs:ours"

# start NAME PROGRAM
start() {
	local name=$1 program=$2 pid try port d=$SCRATCH/$1
	mkdir -p "$d"
	for try in 1 2 3 4 5; do
		port=$(free_port)
		{
			cat <<-CONFIG
				Port $port
				ListenAddress 127.0.0.1
				HostKey $SCRATCH/host
				PidFile $d/pid
				AuthorizedKeysFile $SCRATCH/authorized_keys
				TrustedUserCAKeys $SCRATCH/user_cas
				StrictModes no
				PermitRootLogin yes
				PasswordAuthentication no
				KbdInteractiveAuthentication no
				LogLevel DEBUG1
				MaxStartups 100
			CONFIG
			[ "$name" = theirs ] || echo 'PerSourcePenalties no'
			# For logins with -b.
			cat <<-CONFIG
				Match Address 127.0.0.2
				PubkeyAuthOptions touch-required
				Match Address 127.0.0.3
				PubkeyAuthOptions verify-required
			CONFIG
		} > "$d/config"
		rm -f "$d/pid"
		"$program" -D -f "$d/config" -E "$d/log" </dev/null >/dev/null 2>&1 3>&- &
		pid=$!
		for _ in $(seq 200); do
			if [ -s "$d/pid" ]; then
				echo "$pid" > "$d/started"
				echo "$port" > "$d/port"
				return 0
			fi
			kill -0 "$pid" 2>/dev/null || break
			sleep 0.05
		done
		kill "$pid" 2>/dev/null || true
	done
	cat "$d/log" "$d/config" >&2
	return 1
}

start_both() {
	[ "$(id -u)" -ne 0 ] || mkdir -p /run/sshd
	cd "$SCRATCH" || return 1
	"$KEYGEN" -q -t ed25519 -N '' -f host
	touch authorized_keys user_cas
	start ours "$BIN/sshd" && start theirs "$THEIR_SSHD" || return 1
	echo "sheetbend-test $(cut -d' ' -f1,2 host.pub)" > known_hosts
	for side in ours theirs; do
		cat > "client_$side" <<-CONFIG
			IgnoreUnknown RememberHosts
			Host server
			  RememberHosts no
			  HostName 127.0.0.1
			  HostKeyAlias sheetbend-test
			  Port $(cat "$side/port")
			  User $ME
			  UserKnownHostsFile $SCRATCH/known_hosts
			  GlobalKnownHostsFile /dev/null
			  SecurityKeyProvider $SO
			  PreferredAuthentications publickey
		CONFIG
	done
}

stop_both() {
	local side
	for side in ours theirs; do
		[ ! -s "$SCRATCH/$side/started" ] || kill "$(cat "$SCRATCH/$side/started")" || true
	done
}

# What earlier tests left in the logs.
forget() {
	cd "$SCRATCH" || return 1
	: > ours/log
	: > theirs/log
}

# login CLIENT SERVER [ssh argument]...
login() {
	local program=$SSH config=client_$2
	[ "$1" = ours ] || program=$THEIR_SSH
	shift 2
	timeout 60 "$program" -F "$config" "$@" server echo in </dev/null
}

# accepted CLIENT:SERVER [ssh argument]...
accepted() {
	local pair=$1
	shift
	output=$(login "${pair%:*}" "${pair#*:}" "$@" 2>client_log) && [ "$output" = in ] && return
	echo "$pair with $*: refused"
	cat client_log
	tail -n 20 "${pair#*:}/log"
	return 1
}

# refused CLIENT:SERVER WHY [ssh argument]...: with WHY in the server's log.
refused() {
	local pair=$1 why=$2
	shift 2
	if login "${pair%:*}" "${pair#*:}" "$@" >out 2>client_log; then
		echo "$pair with $*: accepted"
		return 1
	fi
	[ -z "$why" ] || grep -q "$why" "${pair#*:}/log" && return
	echo "$pair with $*: not said why"
	cat client_log
	tail -n 20 "${pair#*:}/log"
	return 1
}
