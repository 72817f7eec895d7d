# Security keys (FIDO) between our programs and OpenSSH's, by a security key in
# software that both load: keys made by one and used by the other, in every
# pairing of client and server that has one of ours in it.

THEIR_KEYGEN=/usr/bin/ssh-keygen
THEIR_SSH=/usr/bin/ssh
THEIR_SSHD=/usr/sbin/sshd
kinds="ours_ed25519 ours_ecdsa theirs_ed25519 theirs_ecdsa"

# start NAME PROGRAM
start() {
	local name=$1 program=$2 pid try port d=$SCRATCH/$1
	mkdir -p "$d"
	for try in 1 2 3 4 5; do
		port=$((20000 + RANDOM % 40000))
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
		kill "$pid" 2>/dev/null
	done
	cat "$d/log" "$d/config" >&2
	return 1
}

setup_file() {
	load ../cli/common
	[ "$(id -u)" -ne 0 ] || mkdir -p /run/sshd
	cd "$SCRATCH" || return 1
	common
	mkdir "$SK_SOFTWARE"
	echo 1234 > "$SK_SOFTWARE/pin"
	"$KEYGEN" -q -t ed25519 -N '' -f host
	"$KEYGEN" -q -t ed25519 -N '' -f ca
	cp ca.pub user_cas
	for k in $kinds; do
		make "$k" "$k"
	done
	cat ours_*.pub theirs_*.pub > authorized_keys
	start ours "$BIN/sshd" && start theirs "$THEIR_SSHD"
	{
		echo "sheetbend-test $(cut -d' ' -f1,2 host.pub)"
	} > known_hosts
	for side in ours theirs; do
		cat > "client_$side" <<-CONFIG
			Host server
			  HostName 127.0.0.1
			  HostKeyAlias sheetbend-test
			  Port $(cat "$side/port")
			  User $ME
			  UserKnownHostsFile $SCRATCH/known_hosts
			  GlobalKnownHostsFile /dev/null
			  IdentitiesOnly yes
			  IdentityAgent none
			  SecurityKeyProvider $SO
			  PreferredAuthentications publickey
		CONFIG
	done
}

# make KIND FILE [option]...: by the program of KIND.
make() {
	local program=$KEYGEN kind=$1 file=$2
	shift 2
	case $kind in theirs_*) program=$THEIR_KEYGEN ;; esac
	"$program" -q -t "${kind#*_}-sk" -w "$SO" -N '' -C "$kind" -f "$file" "$@"
}

common() {
	SO=$ROOT/build/release/tests/cli/tools/sk_software.so
	SK_SOFTWARE=$SCRATCH/device
	SSH_ASKPASS=$SCRATCH/askpass SSH_ASKPASS_REQUIRE=force
	export SO SK_SOFTWARE SSH_ASKPASS SSH_ASKPASS_REQUIRE
	cat > "$SSH_ASKPASS" <<-'SCRIPT'
		#!/bin/sh
		case $1 in
		*PIN*) echo 1234 ;;
		esac
	SCRIPT
	chmod +x "$SSH_ASKPASS"
}

teardown_file() {
	load ../cli/common
	for side in ours theirs; do
		[ ! -s "$SCRATCH/$side/started" ] || kill "$(cat "$SCRATCH/$side/started")" || true
	done
	[ ! -s "$SCRATCH/agent.pid" ] || kill "$(cat "$SCRATCH/agent.pid")" || true
}

setup() {
	load ../cli/common
	cd "$SCRATCH"
	common
	rm -f device/fault
	: > ours/log
	: > theirs/log
}

# login CLIENT SERVER KEY [ssh argument]...
login() {
	local program=$SSH config=client_$2 key=$3
	[ "$1" = ours ] || program=$THEIR_SSH
	shift 3
	timeout 60 "$program" -F "$config" -i "$key" "$@" server echo in </dev/null
}

pairs="ours:ours ours:theirs theirs:ours"

accepted() {
	local pair=$1 key=$2
	shift 2
	output=$(login "${pair%:*}" "${pair#*:}" "$key" "$@" 2>client_log) && [ "$output" = in ] && return
	echo "$pair with $key: refused"
	cat client_log
	tail -n 20 "${pair#*:}/log"
	return 1
}

refused() {
	local pair=$1 key=$2 why=$3
	shift 3
	if login "${pair%:*}" "${pair#*:}" "$key" "$@" >out 2>client_log; then
		echo "$pair with $key: accepted"
		return 1
	fi
	[ -z "$why" ] || grep -q "$why" "${pair#*:}/log" && return
	echo "$pair with $key: not said why"
	cat client_log
	tail -n 20 "${pair#*:}/log"
	return 1
}

@test "keys of both makers log in, by either client, at either server" {
	for pair in $pairs; do
		for k in $kinds; do
			accepted "$pair" "$k"
		done
	done
}

@test "both show the same of a key, and read each other's files" {
	for k in $kinds; do
		[ "$("$KEYGEN" -lf "$k.pub")" = "$("$THEIR_KEYGEN" -lf "$k.pub")" ]
		[ "$("$KEYGEN" -y -f "$k")" = "$("$THEIR_KEYGEN" -y -f "$k")" ]
		cp "$k" copy && "$KEYGEN" -q -p -N secret -f copy
		"$THEIR_KEYGEN" -q -p -P secret -N '' -f copy
		"$KEYGEN" -y -f copy | diff - "$k.pub"
	done
}

@test "a signature without a touch is refused, and the server says why" {
	for pair in $pairs; do
		for k in ours_ed25519 theirs_ecdsa; do
			echo untouched > device/fault
			refused "$pair" "$k" "user presence (authenticator touch) requirement not met"
			rm device/fault
		done
	done
}

@test "no-touch-required makes a key without touch enough" {
	make ours_ed25519 untouched -O no-touch-required
	make theirs_ecdsa untouched2 -O no-touch-required
	{
		echo "no-touch-required $(cat untouched.pub)"
		cat untouched2.pub
	} > saved
	cp authorized_keys kept
	cp saved authorized_keys
	for pair in $pairs; do
		accepted "$pair" untouched
		refused "$pair" untouched2 "requirement not met"
	done
	mv kept authorized_keys
}

@test "verify-required wants the PIN" {
	make ours_ecdsa verified -O verify-required
	make theirs_ed25519 verified2 -O verify-required
	cp authorized_keys kept
	{
		echo "verify-required $(cat verified.pub)"
		echo "verify-required $(cat verified2.pub)"
		echo "verify-required $(cat ours_ed25519.pub)"
	} > authorized_keys
	for pair in $pairs; do
		accepted "$pair" verified
		accepted "$pair" verified2
		refused "$pair" ours_ed25519 "user verification requirement not met"
	done
	mv kept authorized_keys
}

@test "certificates of security keys, made by either, log in" {
	for k in ours_ed25519 theirs_ecdsa; do
		cp "$k" cert_key && cp "$k.pub" cert_key.pub
		cp authorized_keys kept && : > authorized_keys
		for maker in "$KEYGEN" "$THEIR_KEYGEN"; do
			rm -f cert_key-cert.pub
			"$maker" -q -s ca -I sk -n "$ME" cert_key.pub
			for pair in $pairs; do
				accepted "$pair" cert_key
				echo untouched > device/fault
				refused "$pair" cert_key "requirement not met"
				rm device/fault
			done
			"$maker" -q -s ca -I sk -n "$ME" -O verify-required cert_key.pub
			for pair in $pairs; do
				refused "$pair" cert_key "user verification requirement not met"
			done
		done
		mv kept authorized_keys
	done
}

@test "a certificate's no-touch-required counts where the CA is trusted" {
	make ours_ed25519 nt -O no-touch-required
	"$KEYGEN" -q -s ca -I sk -n "$ME" -O no-touch-required nt.pub
	for pair in $pairs; do
		accepted "$pair" nt
	done
	"$KEYGEN" -q -s ca -I sk -n "$ME" nt.pub
	for pair in $pairs; do
		refused "$pair" nt "requirement not met"
	done
}

@test "certificates by a CA in a security key are judged alike" {
	"$THEIR_KEYGEN" -q -t ed25519 -N '' -f plain
	cp authorized_keys kept && : > authorized_keys
	for maker in "$KEYGEN" "$THEIR_KEYGEN"; do
		for k in theirs_ed25519 ours_ecdsa; do
			cp "$k.pub" user_cas
			SSH_SK_PROVIDER=$SO "$maker" -q -s "$k" -I by-sk -n "$ME" plain.pub
			for pair in $pairs; do
				accepted "$pair" plain
			done
		done
	done
	cp ca.pub user_cas
	mv kept authorized_keys
}

@test "a damaged signature of a device never leaves" {
	echo wrong > device/fault
	run -255 login ours theirs ours_ed25519
	[[ $output == *"the device made a signature that does not fit the key"* ]]
}

@test "a provider that crashes takes only its helper along" {
	echo crash > device/fault
	run -255 login ours theirs ours_ed25519
	[[ $output == *"the helper process ended without an answer"* ]]
	[[ $output == *"Permission denied (publickey)"* ]]
	[[ $output == *"the device with the key ours_ed25519 did not sign"* ]]
}

@test "keys that a device remembers come back, by either program" {
	mkdir back
	cd back
	make ours_ed25519 made -O resident -O user=one -O application=ssh:interop
	"$KEYGEN" -q -K -w "$SO" -N ''
	mkdir theirs
	(cd theirs && "$THEIR_KEYGEN" -q -K -w "$SO" -N '')
	diff id_ed25519_sk_rk_interop_one.pub theirs/id_ed25519_sk_rk_interop_one.pub
	cmp <(cut -d' ' -f1,2 made.pub) <(cut -d' ' -f1,2 id_ed25519_sk_rk_interop_one.pub)
	cp made.pub ../authorized_keys
	cd ..
	for pair in $pairs; do
		accepted "$pair" back/id_ed25519_sk_rk_interop_one
		accepted "$pair" back/theirs/id_ed25519_sk_rk_interop_one
	done
	cat ours_*.pub theirs_*.pub > authorized_keys
}

@test "an OpenSSH agent signs for our client with a security key" {
	command -v ssh-agent >/dev/null
	/usr/bin/ssh-agent -D -a "$SCRATCH/agent" -P "$ROOT/*" >/dev/null 2>&1 3>&- &
	echo $! > agent.pid
	for _ in $(seq 100); do
		[ -S agent ] && break
		sleep 0.05
	done
	SSH_AUTH_SOCK=$SCRATCH/agent /usr/bin/ssh-add -q -S "$SO" ours_ed25519
	run -0 "$SSH" -F client_theirs -o IdentityAgent="$SCRATCH/agent" \
		-i ours_ed25519.pub server echo in
	[[ $output == *in ]]
	kill "$(cat agent.pid)"
	rm agent.pid
}
