# Shared by the bats files: a server on a free loopback port, keys and
# configuration in a scratch folder, everything gone afterwards.
#
#   setup_file() { load ../common; start_sshd; }
#   teardown_file() { stop_sshd; }
#   setup() { load ../common; }
#
# PEER=openssh uses the machine's own sshd instead of ours.
# Variables for the tests: SCRATCH, PORT, SSH, KEYGEN, PTYRUN, SSHD_LOG.

bats_require_minimum_version 1.5.0

ROOT=$(cd "$BATS_TEST_DIRNAME" && while [ ! -e Makefile ]; do cd ..; done && pwd)
# SHEETBEND_BIN: another folder of programs, as build/<variant>/bin.
BIN=${SHEETBEND_BIN:-$ROOT/bin}
SSH=${SSH:-$BIN/ssh}
KEYGEN=${KEYGEN:-$BIN/ssh-keygen}
[ -x "$KEYGEN" ] || KEYGEN=/usr/bin/ssh-keygen
PTYRUN=$ROOT/build/release/tests/cli/tools/ptyrun
SCRATCH=${BATS_FILE_TMPDIR:-}
ME=$(id -un)
export SSH KEYGEN PTYRUN SCRATCH ME
# Nothing of the caller's agent, display or locale reaches a test.
unset SSH_AUTH_SOCK SSH_ASKPASS SSH_ASKPASS_REQUIRE DISPLAY WAYLAND_DISPLAY
export LC_ALL=C
if [ -n "$SCRATCH" ] && [ -s "$SCRATCH/port" ]; then
	PORT=$(cat "$SCRATCH/port")
	SSHD_LOG=$SCRATCH/sshd.log
	export PORT SSHD_LOG
fi

# The keys of a test file, once.
make_keys() {
	[ -e "$SCRATCH/host_ed25519" ] && return
	"$KEYGEN" -q -t ed25519 -N '' -C host -f "$SCRATCH/host_ed25519"
	"$KEYGEN" -q -t ed25519 -N '' -C user -f "$SCRATCH/user_ed25519"
	cp "$SCRATCH/user_ed25519.pub" "$SCRATCH/authorized_keys"
	chmod 600 "$SCRATCH/authorized_keys"
}

free_port() {
	local port
	# Below those that the system gives to connections.
	for _ in $(seq 100); do
		port=$((10000 + RANDOM % 22000))
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
	done
	echo "$port"
}

# The program to start, and what it needs on this machine.
sshd_program() {
	if [ "${PEER:-}" = openssh ] || [ ! -x "$BIN/sshd" ]; then
		[ "$(id -u)" -ne 0 ] || mkdir -p /run/sshd
		echo /usr/sbin/sshd
	else
		echo "$BIN/sshd"
	fi
}

write_sshd_config() {
	{
		# First values win: the test's lines stand in front.
		printf '%s\n' "$@"
		cat <<-CONFIG
			Port $PORT
			ListenAddress 127.0.0.1
			HostKey $SCRATCH/host_ed25519
			PidFile $SCRATCH/sshd.pid
			AuthorizedKeysFile $SCRATCH/authorized_keys
			StrictModes no
			PermitRootLogin yes
			PasswordAuthentication no
			KbdInteractiveAuthentication no
			AcceptEnv LC_* TEST_*
			LogLevel DEBUG1
		CONFIG
		# Tests fail to log in on purpose, again and again.
		[ "$(sshd_program)" = /usr/sbin/sshd ] || echo 'PerSourcePenalties no'
	} > "$SCRATCH/sshd_config"
}

# Waits until the pid file is there, or the process is gone.
wait_for_sshd() {
	for _ in $(seq 200); do
		[ -s "$SCRATCH/sshd.pid" ] && return 0
		kill -0 "$1" 2>/dev/null || return 1
		sleep 0.05
	done
	return 1
}

# start_sshd [line of sshd_config]...
start_sshd() {
	local program try pid
	program=$(sshd_program)
	make_keys
	SSHD_LOG=$SCRATCH/sshd.log
	for try in 1 2 3 4 5; do
		PORT=$(free_port)
		write_sshd_config "$@"
		rm -f "$SCRATCH/sshd.pid"
		"$program" -D -f "$SCRATCH/sshd_config" -E "$SSHD_LOG" \
			</dev/null >/dev/null 2>&1 3>&- &
		pid=$!
		if wait_for_sshd "$pid"; then
			echo "$pid" > "$SCRATCH/started"
			echo "$PORT" > "$SCRATCH/port"
			export PORT SSHD_LOG
			write_ssh_config
			return 0
		fi
		kill "$pid" 2>/dev/null || true
	done
	cat "$SSHD_LOG" >&2
	return 1
}

stop_sshd() {
	local pid
	[ -s "$SCRATCH/started" ] || return 0
	pid=$(cat "$SCRATCH/started")
	kill "$pid" 2>/dev/null || true
	for _ in $(seq 100); do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.05
	done
	rm -f "$SCRATCH/started" "$SCRATCH/port"
}

# A client configuration that knows the server as "target".
write_ssh_config() {
	cat > "$SCRATCH/ssh_config" <<-CONFIG
		Host target
		    Hostname 127.0.0.1
		    Port $PORT
		    HostKeyAlias target
		Host *
		    User $ME
		    IdentityFile $SCRATCH/user_ed25519
		    IdentitiesOnly yes
		    UserKnownHostsFile $SCRATCH/known_hosts
		    GlobalKnownHostsFile none
		    StrictHostKeyChecking yes
		    BatchMode yes
		    RememberHosts no
	CONFIG
	echo "target $(cut -d' ' -f1,2 "$SCRATCH/host_ed25519.pub")" > "$SCRATCH/known_hosts"
}

# Our ssh with that configuration, never for longer than 30 seconds.
ssh_() {
	timeout 30 "$SSH" -F "$SCRATCH/ssh_config" "$@"
}

# The terminal driver: pty_ STEP... -- argument of ssh...
pty_() {
	local steps=()
	while [ "$1" != -- ]; do
		steps+=("$1")
		shift
	done
	shift
	"$PTYRUN" "${steps[@]}" -- "$SSH" -F "$SCRATCH/ssh_config" "$@"
}

fingerprint() {
	"$KEYGEN" -l -f "$1" | cut -d' ' -f2
}
