# Shared by the interop files: keys of every type, accounts, peers in the
# background, and the loops over every algorithm that both ends know.
#
#   setup_file() { load peers; make_account || true; start_server ours; }
#   setup() { load peers; }
#   teardown() { say_why; }
#   teardown_file() { stop_peers; }
#
# The client is $SSH (ours, unless the file sets another).

load ../cli/common

INTEROP=$ROOT/tests/interop
PASSWORD='correct horse'
key_kinds='ed25519 ecdsa256 ecdsa384 ecdsa521 rsa dsa'
GIB=1073741824
# SHA-256 of `stream $GIB`.
GIB_SHA256=aaa24880c67fbb5a10af34ad26980444194f2111abe4c772524b50a969438817
export INTEROP PASSWORD

# ---- data ----

# Bytes that look random and are the same every time; as text, so that the
# other end of a connection can make them too.
stream_command() {
	echo "head -c $1 /dev/zero | openssl enc -aes-128-ctr" \
		-K 000102030405060708090a0b0c0d0e0f \
		-iv 00000000000000000000000000000000
}

stream() {
	eval "$(stream_command "$1")"
}

digest_command='openssl dgst -sha256 -r'

digest() {
	$digest_command | cut -d' ' -f1
}

# ---- keys and configuration ----

# Host and user keys of every kind, once for a file.
make_keys() {
	local kind owner type bits
	[ -e "$SCRATCH/host_ed25519" ] && return
	for owner in host user; do
		for kind in $key_kinds; do
			type=${kind%%[0-9]*} bits=${kind#ecdsa}
			case $kind in
			ed25519) set -- "$KEYGEN" -t ed25519 ;;
			ecdsa*) set -- "$KEYGEN" -t "$type" -b "$bits" ;;
			rsa) set -- "$KEYGEN" -t rsa -b 2048 ;;
			dsa) set -- /usr/bin/ssh-keygen -t dsa ;; # ours makes none
			mldsa*) set -- "$KEYGEN" -t mldsa44-ed25519 ;;
			esac
			[ -x "$1" ] || continue
			"$@" -q -N '' -C "$owner" -f "$SCRATCH/${owner}_$kind"
		done
	done
	cat "$SCRATCH"/user_*.pub > "$SCRATCH/authorized_keys"
	chmod 600 "$SCRATCH/authorized_keys"
}

# The kind of key that an algorithm works with.
key_of() {
	case $1 in
	ssh-ed25519) echo ed25519 ;;
	ecdsa-sha2-nistp*) echo "ecdsa${1#ecdsa-sha2-nistp}" ;;
	ssh-rsa | rsa-sha2-*) echo rsa ;;
	ssh-dss) echo dsa ;;
	*mldsa44*) echo mldsa44_ed25519 ;;
	esac
}

# write_known_hosts NAME: every host key under that name.
write_known_hosts() {
	local file
	for file in "$SCRATCH"/host_*.pub; do
		echo "$1 $(cut -d' ' -f1,2 "$file")"
	done
}

# In place of the one in common.bash: for OpenSSH's client too, and as the
# scratch account where there is one, since nothing is in its home.
write_ssh_config() {
	[ -s "$SCRATCH/account" ] && read -r ME _ < "$SCRATCH/account"
	cat > "$SCRATCH/ssh_config" <<-CONFIG
		IgnoreUnknown RememberHosts
		Host target
		    Hostname 127.0.0.1
		    Port $PORT
		    HostKeyAlias target
		Host *
		    User $ME
		    IdentitiesOnly yes
		    UserKnownHostsFile $SCRATCH/known_hosts
		    GlobalKnownHostsFile none
		    StrictHostKeyChecking yes
		    BatchMode yes
		    RememberHosts no
		    PubkeyAcceptedAlgorithms +ssh-rsa,ssh-dss
	CONFIG
	write_known_hosts target > "$SCRATCH/known_hosts"
}

# A key of its own beside the options, unless they bring one.
ssh_() {
	case " $* " in
	*" -i "* | *PubkeyAuthentication=no*) ;;
	*) set -- -i "$SCRATCH/user_ed25519" "$@" ;;
	esac
	timeout 90 "$SSH" -F "$SCRATCH/ssh_config" "$@"
}

# start_server ours|openssh [line of sshd_config]...: every host key, every
# algorithm that the program knows.
start_server() {
	local peer=$1 query=/usr/bin/ssh kind lines=() more=ssh-rsa,ssh-dss
	shift
	make_keys
	for kind in ${key_kinds#ed25519 }; do   # common.bash has that one
		[ -e "$SCRATCH/host_$kind" ] && lines+=("HostKey $SCRATCH/host_$kind")
	done
	if [ "$peer" = ours ]; then
		query=$ROOT/bin/ssh lines+=("PerSourcePenalties no")
		more+=,$("$query" -Q sig | grep mldsa)
	fi
	[ -s "$SCRATCH/account" ] && lines+=("AuthorizedKeysFile .ssh/authorized_keys")
	PEER=$peer start_sshd "$@" "${lines[@]}" \
		"MaxStartups 100:30:200" \
		"KexAlgorithms $(all_of "$query" kex)" \
		"Ciphers $(all_of "$query" cipher)" \
		"MACs $(all_of "$query" mac)" \
		"HostKeyAlgorithms +$more" \
		"PubkeyAcceptedAlgorithms +$more"
}

# ---- an account with a password and a home ----

# Sets ACCOUNT and ACCOUNT_HOME; fails where there is no root.
make_account() {
	local try
	[ "$(id -u)" -eq 0 ] || return 1
	make_keys
	ACCOUNT=sb$BASHPID$RANDOM
	ACCOUNT_HOME=$(mktemp -d /tmp/sb-home.XXXXXX)
	for try in 1 2 3 4 5 6 7 8; do
		useradd -M -d "$ACCOUNT_HOME" -s /bin/bash "$ACCOUNT" && break
		sleep 0.3           # another test holds the lock of /etc/passwd
	done
	echo "$ACCOUNT $ACCOUNT_HOME" > "$SCRATCH/account"
	for try in 1 2 3 4 5 6 7 8; do
		echo "$ACCOUNT:$PASSWORD" | chpasswd && break
		sleep 0.3
	done
	mkdir "$ACCOUNT_HOME/.ssh"
	cp "$SCRATCH/authorized_keys" "$ACCOUNT_HOME/.ssh/"
	chmod 755 "$ACCOUNT_HOME"
	chown -R "$ACCOUNT:" "$ACCOUNT_HOME"
}

need_account() {
	[ -s "$SCRATCH/account" ] || skip "a scratch account needs root"
	read -r ACCOUNT ACCOUNT_HOME < "$SCRATCH/account"
}

remove_account() {
	local account home try
	[ -s "$SCRATCH/account" ] || return 0
	read -r account home < "$SCRATCH/account"
	for try in 1 2 3 4 5 6 7 8; do
		userdel -f "$account" 2>/dev/null
		id "$account" >/dev/null 2>&1 || break
		sleep 0.3
	done
	rm -rf "$home" "$SCRATCH/account"
}

# A program that answers every prompt with the password.
askpass() {
	printf '#!/bin/sh\necho "%s"\n' "$PASSWORD" > "$SCRATCH/askpass"
	chmod 700 "$SCRATCH/askpass"
	echo "$SCRATCH/askpass"
}

# ---- peers in the background ----

# serve NAME PROGRAM ARGUMENT...: its output goes to NAME.log.
serve() {
	local name=$1
	shift
	"$@" </dev/null >"$SCRATCH/$name.log" 2>&1 3>&- &
	echo $! >> "$SCRATCH/served"
}

# The last one served listens on $PORT, or is gone.
wait_for_port() {
	local pid
	pid=$(tail -n 1 "$SCRATCH/served")
	for _ in $(seq 200); do
		[ -z "$(ss -Hltn "sport = :$PORT")" ] || return 0
		kill -0 "$pid" 2>/dev/null || return 1
		sleep 0.05
	done
	return 1
}

# The last one served has made this file, or is gone.
wait_for_file() {
	local pid
	pid=$(tail -n 1 "$SCRATCH/served")
	for _ in $(seq 200); do
		[ ! -s "$1" ] || return 0
		kill -0 "$pid" 2>/dev/null || return 1
		sleep 0.05
	done
	return 1
}

stop_peers() {
	local pid
	stop_sshd
	if [ -s "$SCRATCH/served" ]; then
		while read -r pid; do
			kill "$pid" 2>/dev/null || continue
			for _ in $(seq 100); do
				kill -0 "$pid" 2>/dev/null || break
				sleep 0.05
			done
			kill -KILL "$pid" 2>/dev/null || true
		done < "$SCRATCH/served"
		rm -f "$SCRATCH/served"
	fi
	remove_account
}

# In teardown: the ends of all logs when the test has failed.
say_why() {
	local log
	[ -n "${BATS_TEST_COMPLETED:-}" ] && return 0
	[ -n "${BATS_TEST_SKIPPED:-}" ] && return 0
	for log in "$SCRATCH"/*.log; do
		[ -s "$log" ] || continue
		echo "-- end of ${log##*/}:"
		tail -n 12 "$log"
	done
	return 0
}

# ---- every algorithm ----

# all_of PROGRAM QUERY: what `ssh -Q` prints, with commas.
all_of() {
	"$1" -Q "$2" | paste -sd, -
}

# known_to PROGRAM QUERY: its list, sorted. Keys that need a device have tests
# of their own.
known_to() {
	"$1" -Q "$2" | grep -vE '^(webauthn-)?sk-' | sort
}

# The signature algorithms of key types that every SSH program has.
plain_signatures() {
	known_to "$ROOT/bin/ssh" sig | grep -E '^(ssh-(ed25519|rsa|dss)|rsa-sha2-.*|ecdsa-.*)$'
}

# shared QUERY PROGRAM PROGRAM: what both know.
shared() {
	comm -12 <(known_to "$2" "$1") <(known_to "$3" "$1")
}

# kexinit_of PORT: the name-lists of a server, one `NAME a,b,c` a line.
kexinit_of() {
	timeout 20 /usr/bin/python3 "$INTEROP/kexinit.py" connect "$1"
}

# shared_with FILE LIST QUERY: what our `ssh -Q QUERY` and a saved list of
# kexinit.py have in common.
shared_with() {
	comm -12 <(sed -n "s/^$2 //p" "$1" | tr , '\n' | sort -u) \
		<(known_to "$ROOT/bin/ssh" "$3")
}

# every LEAST LIST COMMAND...: calls COMMAND with each word of LIST after its
# arguments. All of them are tried; the failing ones are named, and there must
# be at least LEAST.
every() {
	local least=$1 list=$2 n=0 failed= item out
	shift 2
	for item in $list; do
		n=$((n + 1))
		if ! out=$("$@" "$item" 2>&1); then
			failed="$failed $item"
			printf -- '-- %s failed:\n%s\n' "$item" "$(tail -n 8 <<<"$out")"
		fi
	done
	echo "$n tried, at least $least wanted; failed:${failed:- none}"
	[ -z "$failed" ] && [ "$n" -ge "$least" ]
}

# 100 kB through `cat` and back, unchanged.
echo_through() {
	local payload=$SCRATCH/payload
	[ -e "$payload" ] || { stream 100000 > "$payload.$BASHPID" && mv "$payload.$BASHPID" "$payload"; }
	ssh_ "$@" target cat < "$payload" > "$payload.back" || return 1
	cmp "$payload" "$payload.back"
}
