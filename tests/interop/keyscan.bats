# ssh-keyscan with the servers of OpenSSH, Dropbear and Paramiko, and
# OpenSSH's ssh-keyscan with our sshd.

setup_file() {
	load peers
	[ -x /usr/sbin/sshd ] && start_server openssh || start_server ours
}
setup() {
	load peers
	KEYSCAN=$BIN/ssh-keyscan
	cd "$BATS_TEST_TMPDIR"
}
teardown() { say_why; stop_other; }
teardown_file() { load peers; stop_peers; }

# One more server, for one test.
stop_other() {
	[ -z "${OTHER:-}" ] || kill "$OTHER" 2>/dev/null || true
}

# start_other PROGRAM ARGUMENT...: @ in an argument stands for a free port,
# which goes to OTHER_PORT; listens when it returns.
start_other() {
	local try
	for try in 1 2 3 4 5; do
		OTHER_PORT=$(free_port)
		"${@//@/$OTHER_PORT}" </dev/null > log 2>&1 3>&- &
		OTHER=$!
		for _ in $(seq 600); do
			[ -z "$(ss -Hltn "sport = :$OTHER_PORT")" ] || {
				# Ours, not somebody else's on that port.
				sleep 0.2
				kill -0 "$OTHER" 2>/dev/null && return 0
			}
			kill -0 "$OTHER" 2>/dev/null || break
			sleep 0.05
		done
	done
	cat log
	return 1
}

# expected NAME KIND...: the lines for these keys.
expected() {
	local name=$1 kind
	shift
	for kind in "$@"; do
		echo "$name $(cut -d' ' -f1,2 "$SCRATCH/host_$kind.pub")"
	done | sort
}

@test "OpenSSH's server: as its own ssh-keyscan sees it" {
	"$KEYSCAN" -T 60 -p "$PORT" 127.0.0.1 > ours
	# Of several ECDSA keys a server shows the one that is wanted most.
	grep -v '^#' ours | sort | diff - <(expected "[127.0.0.1]:$PORT" ed25519 ecdsa256 rsa)
	[[ $(head -n 1 ours) == "# 127.0.0.1:$PORT SSH-2.0-"* ]]
	[ -x /usr/bin/ssh-keyscan ] || skip "no OpenSSH"
	diff <(grep -v '^#' ours | sort) \
		<(/usr/bin/ssh-keyscan -T 60 -t rsa,ecdsa,ed25519 -p "$PORT" 127.0.0.1 2>/dev/null | grep -v '^#' | sort)
	diff <("$KEYSCAN" -T 60 -q -D -p "$PORT" 127.0.0.1 | sort) \
		<(/usr/bin/ssh-keyscan -T 60 -D -t rsa,ecdsa,ed25519 -p "$PORT" 127.0.0.1 2>/dev/null | grep -v '^;' | sort)
}

@test "DSA keys, where they are asked for" {
	[ -e "$SCRATCH/host_dsa" ] || skip "no DSA key"
	run -0 "$KEYSCAN" -T 60 -q -t dsa -p "$PORT" 127.0.0.1
	[ "$output" = "$(expected "[127.0.0.1]:$PORT" dsa)" ]
}

@test "OpenSSH takes hashed lines" {
	"$KEYSCAN" -T 60 -qH -p "$PORT" 127.0.0.1 > known
	run -0 timeout 60 /usr/bin/ssh -F none -o StrictHostKeyChecking=yes -o BatchMode=yes \
		-o UserKnownHostsFile="$PWD/known" -i "$SCRATCH/user_ed25519" \
		-p "$PORT" "$ME@127.0.0.1" true
}

@test "OpenSSH's ssh-keyscan with our server" {
	[ -x /usr/bin/ssh-keyscan ] || skip "no OpenSSH"
	start_other "$BIN/sshd" -D -p @ -f "$SCRATCH/sshd_config" \
		-o 'PerSourcePenalties no' -o PidFile=none -E "$PWD/sshd_log"
	/usr/bin/ssh-keyscan -T 60 -t rsa,ecdsa,ed25519 -p "$OTHER_PORT" 127.0.0.1 2>/dev/null |
		grep -v '^#' | sort | diff - <(expected "[127.0.0.1]:$OTHER_PORT" ed25519 ecdsa256 rsa)
	"$KEYSCAN" -T 60 -q -p "$OTHER_PORT" 127.0.0.1 | sort |
		diff - <(expected "[127.0.0.1]:$OTHER_PORT" ed25519 ecdsa256 rsa)
}

@test "Dropbear's server" {
	command -v dropbear || skip "no Dropbear"
	local kind keys=()
	for kind in ed25519 ecdsa256 rsa; do
		dropbearconvert openssh dropbear "$SCRATCH/host_$kind" "dropbear_$kind"
		keys+=(-r "$PWD/dropbear_$kind")
	done
	start_other dropbear -F -E -p 127.0.0.1:@ -P "$PWD/pid" "${keys[@]}"
	"$KEYSCAN" -T 60 -q -p "$OTHER_PORT" 127.0.0.1 | sort |
		diff - <(expected "[127.0.0.1]:$OTHER_PORT" ed25519 ecdsa256 rsa)
}

@test "Paramiko's server" {
	/usr/bin/python3 -c 'import paramiko' 2>/dev/null || skip "no Paramiko"
	/usr/bin/python3 "$INTEROP/paramiko_server.py" "$PWD/port" \
		"$SCRATCH/authorized_keys" "$PASSWORD" "$SCRATCH"/host_{ed25519,ecdsa256,rsa} \
		</dev/null > log 2>&1 3>&- &
	OTHER=$!
	for _ in $(seq 400); do
		[ ! -s port ] || break
		sleep 0.05
	done
	"$KEYSCAN" -q -T 20 -p "$(cat port)" 127.0.0.1 | sort |
		diff - <(expected "[127.0.0.1]:$(cat port)" ed25519 ecdsa256 rsa)
}
