# Certificates between our programs and OpenSSH's: made by one, shown and
# judged by the other, in every pairing of client and server that has one of
# ours in it.

THEIR_KEYGEN=/usr/bin/ssh-keygen
THEIR_SSH=/usr/bin/ssh
THEIR_SSHD=/usr/sbin/sshd
types="ed25519:256 ecdsa:256 ecdsa:384 ecdsa:521 rsa:2048"

# start NAME PROGRAM: two ports, the second with principals and revoked keys.
start() {
	local name=$1 program=$2 pid try d=$SCRATCH/$1
	mkdir -p "$d"
	for try in 1 2 3 4 5; do
		local a b
		a=$(free_port) b=$(free_port)
		{
			echo "Port $a"
			echo "Port $b"
			echo "ListenAddress 127.0.0.1"
			for t in $types; do
				echo "HostKey $SCRATCH/host_${t/:/_}"
				echo "HostCertificate $SCRATCH/host_${t/:/_}-cert.pub"
			done
			cat <<-CONFIG
				PidFile $d/pid
				AuthorizedKeysFile $SCRATCH/authorized_keys
				StrictModes no
				PermitRootLogin yes
				PasswordAuthentication no
				KbdInteractiveAuthentication no
				LogLevel DEBUG1
				TrustedUserCAKeys $SCRATCH/user_cas
				MaxStartups 100
			CONFIG
			[ "$name" = theirs ] || echo 'PerSourcePenalties no'
			cat <<-CONFIG
				Match LocalPort $b
				AuthorizedPrincipalsFile $SCRATCH/principals_%u
				RevokedKeys $SCRATCH/revoked
				CASignatureAlgorithms ssh-ed25519,rsa-sha2-512
			CONFIG
		} > "$d/config"
		rm -f "$d/pid"
		"$program" -D -f "$d/config" -E "$d/log" </dev/null >/dev/null 2>&1 3>&- &
		pid=$!
		for _ in $(seq 100); do
			if [ -s "$d/pid" ]; then
				# Another test may have taken the second port.
				grep -q "listening on 127.0.0.1 port $b\." "$d/log" || break
				echo "$pid" > "$d/started"
				echo "$a" > "$d/port"
				echo "$b" > "$d/port2"
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

setup_file() {
	load ../cli/common
	[ -x "$THEIR_SSHD" ] && [ -x "$THEIR_SSH" ] || skip "no OpenSSH"
	[ "$(id -u)" -ne 0 ] || mkdir -p /run/sshd
	cd "$SCRATCH"
	"$KEYGEN" -q -N '' -f user_ca
	"$KEYGEN" -q -N '' -t rsa -b 2048 -f host_ca
	"$KEYGEN" -q -N '' -f other_ca
	cp user_ca.pub user_cas
	: > authorized_keys
	: > revoked
	for t in $types; do
		"$KEYGEN" -q -N '' -t "${t%:*}" -b "${t#*:}" -f "host_${t/:/_}"
		"$KEYGEN" -q -N '' -t "${t%:*}" -b "${t#*:}" -f "user_${t/:/_}"
		# Half of them by the other program.
		maker=$KEYGEN
		[[ $t == ecdsa* ]] && maker=$THEIR_KEYGEN
		"$maker" -q -s host_ca -h -I "host $t" -n 'target,other,wild-*' "host_${t/:/_}.pub"
	done
	start ours "$ROOT/bin/sshd"
	start theirs "$THEIR_SSHD"
}

teardown_file() {
	load ../cli/common
	for name in ours theirs; do
		[ -s "$SCRATCH/$name/started" ] && kill "$(cat "$SCRATCH/$name/started")"
	done
	return 0
}

setup() {
	load ../cli/common
	cd "$BATS_TEST_TMPDIR"
	cat > config <<-CONFIG
		IgnoreUnknown RememberHosts
		User $ME
		HostKeyAlias target
		IdentitiesOnly yes
		UserKnownHostsFile $BATS_TEST_TMPDIR/known_hosts
		GlobalKnownHostsFile none
		StrictHostKeyChecking yes
		BatchMode yes
		RememberHosts no
	CONFIG
	echo "@cert-authority target $(cat "$SCRATCH/host_ca.pub")" > known_hosts
	cp "$SCRATCH/user_ed25519_256" id
	cp "$SCRATCH/user_ed25519_256.pub" id.pub
	: > "$SCRATCH/authorized_keys"
	: > "$SCRATCH/revoked"
	rm -f "$SCRATCH/principals_$ME"
}

# login PAIR [option of ssh]... [-- command...]; PAIR = client,server[2]
login() {
	local client=$SSH server=${1#*,} port=port
	[ "${1%,*}" = ours ] || client=$THEIR_SSH
	[[ $server != *2 ]] || port=port2
	server=${server%2}
	shift
	local options=()
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	[ $# -eq 0 ] || shift
	timeout 30 "$client" -F config -p "$(cat "$SCRATCH/$server/$port")" \
		"${options[@]}" 127.0.0.1 "${@:-true}" < /dev/null
}

pairs="ours,ours ours,theirs theirs,ours"
pairs2="ours,ours2 ours,theirs2 theirs,ours2"

all_let_in() {
	local pair
	for pair in $pairs; do
		login "$pair" -i id "$@" || { echo "refused: $pair"; return 1; }
	done
}

all_refuse() {
	local pair
	for pair in $pairs; do
		! login "$pair" -i id "$@" 2>/dev/null || { echo "let in: $pair"; return 1; }
	done
}

@test "-L shows the same for certificates of both" {
	export TZ=UTC
	n=0
	show() {
		n=$((n + 1))
		"$KEYGEN" -q -s "$SCRATCH/host_ca" "$@" id.pub
		diff <("$KEYGEN" -L -f id-cert.pub) <("$THEIR_KEYGEN" -L -f id-cert.pub)
		[ "$("$KEYGEN" -l -f id-cert.pub)" = "$("$THEIR_KEYGEN" -l -f id-cert.pub)" ]
		"$THEIR_KEYGEN" -q -s "$SCRATCH/host_ca" "$@" id.pub
		diff <("$KEYGEN" -L -f id-cert.pub) <("$THEIR_KEYGEN" -L -f id-cert.pub)
	}
	show -I 'an "id"' -n a,b -z 5
	show -I h -h -n '*.example.com,b' -V always:20300101
	show -I x -n u -V 20200101:forever -t rsa-sha2-256
	show -I x -n u -V 0x10:0x20 -O clear
	show -I x -n u -O force-command='a "b" c' -O source-address=10.0.0.0/8,::1/128
	show -I x -n u -O no-pty -O no-x11-forwarding -O verify-required
	show -I x -n u -O critical:a@b=c -O extension:d@e -O extension:f@g=h
	for f in "$ROOT"/tests/vectors/keys/*-cert.pub; do
		diff <("$KEYGEN" -L -f "$f") <("$THEIR_KEYGEN" -L -f "$f")
	done
}

@test "what both make of the same wishes differs in nonce and signature only" {
	wishes=(-I x -n u,v -z 9 -V 20200101Z:20300101Z -O force-command=f
		-O no-pty -O extension:zz=y -O extension:aa)
	"$KEYGEN" -q -s "$SCRATCH/user_ca" "${wishes[@]}" id.pub
	cut -d' ' -f2 id-cert.pub | base64 -d > ours
	"$THEIR_KEYGEN" -q -s "$SCRATCH/user_ca" "${wishes[@]}" id.pub
	cut -d' ' -f2 id-cert.pub | base64 -d > theirs
	# type 4+32, nonce 4+32 in front; ed25519 signature 64 at the end.
	cmp <(tail -c +73 ours | head -c -64) <(tail -c +73 theirs | head -c -64)
	[ "$(stat -c %s ours)" = "$(stat -c %s theirs)" ]
}

@test "user certificates of every type, made by each, log in everywhere" {
	for maker in "$KEYGEN" "$THEIR_KEYGEN"; do
		for t in $types; do
			cp "$SCRATCH/user_${t/:/_}" id
			cp "$SCRATCH/user_${t/:/_}.pub" id.pub
			"$maker" -q -s "$SCRATCH/user_ca" -I "id $t" -n "$ME" -z 3 id.pub
			all_let_in
		done
	done
	for server in ours theirs; do
		grep -q "Accepted publickey for $ME from 127.0.0.1 port [0-9]* ssh2: ED25519-CERT SHA256:[^ ]* ID id ed25519:256 (serial 3) CA ED25519 SHA256:" \
			"$SCRATCH/$server/log"
	done
}

@test "CAs of every type count" {
	for t in $types; do
		cp "$SCRATCH/user_${t/:/_}.pub" "$SCRATCH/user_cas"
		"$KEYGEN" -q -s "$SCRATCH/user_${t/:/_}" -I x -n "$ME" id.pub
		all_let_in
	done
	# SHA-1 does not, unless it is asked for.
	"$THEIR_KEYGEN" -q -s "$SCRATCH/user_rsa_2048" -t ssh-rsa -I x -n "$ME" id.pub
	all_refuse
	cp "$SCRATCH/user_ca.pub" "$SCRATCH/user_cas"
}

@test "CASignatureAlgorithms of the server says how a CA may sign" {
	local both=$pairs t
	for t in rsa:2048 ecdsa:256; do
		echo "cert-authority $(cat "$SCRATCH/user_${t/:/_}.pub")"
	done > "$SCRATCH/authorized_keys"
	for t in rsa-sha2-512 rsa-sha2-256; do
		"$KEYGEN" -q -s "$SCRATCH/user_rsa_2048" -t $t -I x -n "$ME" id.pub
		pairs=$both all_let_in
		[ $t = rsa-sha2-256 ] || pairs=$pairs2 all_let_in
	done
	pairs=$pairs2 all_refuse
	"$KEYGEN" -q -s "$SCRATCH/user_ecdsa_256" -I x -n "$ME" id.pub
	pairs=$both all_let_in
	pairs=$pairs2 all_refuse
}

@test "verify-required binds security keys only" {
	"$KEYGEN" -q -s "$SCRATCH/user_ca" -I x -n "$ME" -O verify-required id.pub
	all_let_in
}

@test "certificates that do not hold are refused everywhere" {
	refuse() {
		"$KEYGEN" -q -s "$SCRATCH/user_ca" -I x "$@" id.pub
		all_refuse
	}
	refuse -n "$ME" -V 20200101:20210101
	refuse -n "$ME" -V 20400101:forever
	refuse -n nobody-else
	refuse
	refuse -n "$ME" -h
	refuse -n "$ME" -O critical:unknown@example.com
	refuse -n "$ME" -O source-address=192.0.2.0/24
	"$KEYGEN" -q -s "$SCRATCH/other_ca" -I x -n "$ME" id.pub
	all_refuse
	# And the same without what is wrong.
	"$KEYGEN" -q -s "$SCRATCH/user_ca" -I x -n "$ME" -V -1h:+1h \
		-O source-address=192.0.2.0/24,127.0.0.0/8 id.pub
	all_let_in
}

@test "a certificate without its key is nothing" {
	"$KEYGEN" -q -s "$SCRATCH/user_ca" -I x -n "$ME" id.pub
	"$KEYGEN" -q -N '' -f another
	mv id-cert.pub another-cert.pub
	mv another id
	rm id.pub
	all_refuse -o CertificateFile=another-cert.pub
}

@test "force-command and the permits of a certificate bind the session" {
	"$KEYGEN" -q -s "$SCRATCH/user_ca" -I x -n "$ME" \
		-O force-command='echo forced; echo "$SSH_ORIGINAL_COMMAND"' id.pub
	for pair in $pairs; do
		[ "$(login "$pair" -i id -- echo mine)" = $'forced\necho mine' ]
	done
	"$KEYGEN" -q -s "$SCRATCH/user_ca" -I x -n "$ME" -O no-pty id.pub
	for pair in $pairs; do
		run login "$pair" -i id -tt -- true
		[[ $output == *"PTY allocation request failed on channel 0"* ]]
	done
}

@test "cert-authority in authorized_keys, with principals and options" {
	allow() { echo "$1 $(cat "$SCRATCH/other_ca.pub")" > "$SCRATCH/authorized_keys"; }
	"$KEYGEN" -q -s "$SCRATCH/other_ca" -I x -n "$ME,role" id.pub
	allow cert-authority; all_let_in
	allow 'cert-authority,principals="role,x"'; all_let_in
	allow 'cert-authority,principals="x,y"'; all_refuse
	allow 'cert-authority,from="192.0.2.1"'; all_refuse
	allow ''; all_refuse
	allow 'cert-authority,command="echo line"'
	for pair in $pairs; do
		[ "$(login "$pair" -i id)" = line ]
	done
	# The CA's command and the line's must be the same.
	"$KEYGEN" -q -s "$SCRATCH/other_ca" -I x -n "$ME" -O force-command='echo ca' id.pub
	all_refuse
	allow cert-authority
	for pair in $pairs; do
		[ "$(login "$pair" -i id)" = ca ]
	done
	# A CA's key logs nobody in by itself, nor does a certificate's line.
	cp "$SCRATCH/other_ca" id; cp "$SCRATCH/other_ca.pub" id.pub; rm id-cert.pub
	all_refuse
	cp "$SCRATCH/user_ed25519_256" id; cp "$SCRATCH/user_ed25519_256.pub" id.pub
	"$KEYGEN" -q -s "$SCRATCH/other_ca" -I x -n "$ME" id.pub
	cp id-cert.pub "$SCRATCH/authorized_keys"
	all_refuse
}

@test "AuthorizedPrincipalsFile says who may be whom" {
	pairs=$pairs2
	"$KEYGEN" -q -s "$SCRATCH/user_ca" -I x -n "$ME,role" id.pub
	all_refuse # there is no file
	printf '# comment\n\nother\nrole\n' > "$SCRATCH/principals_$ME"
	all_let_in
	echo other > "$SCRATCH/principals_$ME"
	all_refuse
	echo 'from="192.0.2.1" role' > "$SCRATCH/principals_$ME"
	all_refuse
	printf 'nonsense role\ncommand="echo by file" role\n' > "$SCRATCH/principals_$ME"
	for pair in $pairs; do
		[ "$(login "$pair" -i id)" = 'by file' ]
	done
}

@test "RevokedKeys: the key, its certificate, its CA, and a file that is gone" {
	pairs=$pairs2
	echo "$ME" > "$SCRATCH/principals_$ME"
	"$KEYGEN" -q -s "$SCRATCH/user_ca" -I x -n "$ME" id.pub
	all_let_in
	cp id.pub "$SCRATCH/revoked"; all_refuse
	cp id-cert.pub "$SCRATCH/revoked"; all_refuse
	cp "$SCRATCH/user_ca.pub" "$SCRATCH/revoked"; all_refuse
	cp "$SCRATCH/other_ca.pub" "$SCRATCH/revoked"; all_let_in
	rm "$SCRATCH/revoked"; all_refuse
	: > "$SCRATCH/revoked"; all_let_in
	# Plain keys too.
	rm id-cert.pub
	cp id.pub "$SCRATCH/authorized_keys"
	all_let_in
	cp id.pub "$SCRATCH/revoked"; all_refuse
}

@test "CertificateFile, and a certificate in the place of the public key" {
	"$KEYGEN" -q -s "$SCRATCH/user_ca" -I x -n "$ME" id.pub
	mv id-cert.pub elsewhere.pub
	all_refuse
	all_let_in -o CertificateFile=nosuch -o CertificateFile=elsewhere.pub
	mv elsewhere.pub id.pub
	all_let_in
}

@test "encrypted keys sign for their certificates" {
	"$KEYGEN" -q -s "$SCRATCH/user_ca" -I x -n "$ME" id.pub
	"$KEYGEN" -q -p -N sesame -a 1 -f id
	printf '#!/bin/sh\necho asked >> %s\necho sesame\n' "$PWD/asked" > askpass
	chmod +x askpass
	export SSH_ASKPASS=$PWD/askpass SSH_ASKPASS_REQUIRE=force
	for server in ours theirs; do
		: > asked
		login "ours,$server" -i id -o BatchMode=no
		[ "$(wc -l < asked)" = 1 ]
	done
}

# ---- hosts ----

algorithms="ssh-ed25519 ecdsa-sha2-nistp256 ecdsa-sha2-nistp384
ecdsa-sha2-nistp521 rsa-sha2-512 rsa-sha2-256"

with_user_key() {
	cp id.pub "$SCRATCH/authorized_keys"
}

@test "host certificates of every type are known by their CA" {
	with_user_key
	for a in $algorithms; do
		all_let_in -o "HostKeyAlgorithms=$a-cert-v01@openssh.com"
	done
	# A CA in known_hosts puts certificates first.
	for server in ours theirs; do
		login "ours,$server" -v -i id 2> log
		grep -q 'host key algorithm: ssh-ed25519-cert-v01@openssh.com' log
		grep -q "Host 'target' is known and matches the ED25519-CERT host certificate." log
	done
}

@test "host certificates for other names, by other CAs, are not" {
	with_user_key
	all_refuse -o HostKeyAlias=stranger
	echo "@cert-authority target $(cat "$SCRATCH/other_ca.pub")" > known_hosts
	all_refuse
	echo "@cert-authority other $(cat "$SCRATCH/host_ca.pub")" > known_hosts
	all_refuse
	echo "@cert-authority * $(cat "$SCRATCH/host_ca.pub")" > known_hosts
	all_let_in
	all_let_in -o HostKeyAlias=other
	all_refuse -o HostKeyAlias=stranger
	run -255 login ours,ours -i id -o HostKeyAlias=stranger
	[[ $output == *"Certificate invalid: name is not a listed principal"* ]]
	all_refuse -o CASignatureAlgorithms=ssh-ed25519
	# Principals of hosts may be patterns (OpenSSH's: since 10).
	login ours,ours -i id -o HostKeyAlias=wild-1
	login ours,theirs -i id -o HostKeyAlias=wild-1
	run -255 login ours,ours -i id -o HostKeyAlias=wild
	[[ $output == *"Certificate invalid: name is not a listed principal"* ]]
}

@test "revoked host CAs and keys are refused" {
	with_user_key
	echo "@revoked * $(cat "$SCRATCH/host_ca.pub")" >> known_hosts
	all_refuse
	run -255 login ours,ours -i id
	[[ $output == *"WARNING: REVOKED HOST KEY DETECTED!"* ]]
	sed -i 1q known_hosts
	cp "$SCRATCH/host_ca.pub" gone
	all_refuse -o RevokedHostKeys=gone
	cp "$SCRATCH/host_ed25519_256.pub" gone
	all_refuse -o RevokedHostKeys=gone \
		-o HostKeyAlgorithms=ssh-ed25519-cert-v01@openssh.com
	cp "$SCRATCH/other_ca.pub" gone
	all_let_in -o RevokedHostKeys=gone
}

@test "a certificate that nobody vouches for is the plain key in it" {
	with_user_key
	echo "target $(cat "$SCRATCH/host_ed25519_256.pub")" > known_hosts
	all_let_in -o HostKeyAlgorithms=ssh-ed25519-cert-v01@openssh.com
	echo "target $(cat "$SCRATCH/other_ca.pub")" > known_hosts
	all_refuse -o HostKeyAlgorithms=ssh-ed25519-cert-v01@openssh.com
}

@test "rekeying with certificates" {
	with_user_key
	head -c 3000000 /dev/urandom > data
	for pair in $pairs; do
		login "$pair" -i id -o RekeyLimit=512K -- "cat $PWD/data" | cmp - data
	done
}
