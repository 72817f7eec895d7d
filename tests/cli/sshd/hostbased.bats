# Host-based authentication: in namespaces where this machine is called
# client.test and has its own /etc/ssh, between our programs and with
# OpenSSH's on either side.

setup_file() {
	load ../common
	[ "$(id -u)" -eq 0 ] && unshare --net --mount true 2>/dev/null || return 0
	export U=sbh$$ D=$SCRATCH/d
	useradd -M -d "$D/home" -s /bin/sh -p '*' "$U"
	mkdir -p "$D/bin" "$D/ssh" "$D/home/.ssh"
	chmod 755 "$SCRATCH" "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR"/file "$D" 2>/dev/null || true
	cp "$BIN/ssh" "$BIN/ssh-keysign" "$D/bin"
	chmod 4755 "$D/bin/ssh-keysign"
	for t in ed25519 ecdsa rsa; do
		"$KEYGEN" -q -t $t -N '' -C '' -f "$D/ssh/ssh_host_${t}_key"
		echo "client.test $(cat "$D/ssh/ssh_host_${t}_key.pub")"
	done > "$D/known"
	"$KEYGEN" -q -t ed25519 -N '' -f "$D/other"
	"$KEYGEN" -q -t ed25519 -N '' -f "$D/ca"
	{ cat /etc/hosts; echo '192.0.2.7 client.test'; } > "$D/hosts"
	chown -R "$U" "$D/home"
}
teardown_file() {
	load ../common
	[ -z "${U:-}" ] || userdel -f "$U" 2>/dev/null || true
}
setup() {
	load ../common
	[ "$(id -u)" -eq 0 ] && unshare --net --mount true 2>/dev/null || skip "needs root and namespaces"
	if findmnt -nT "$D/bin" -o OPTIONS | grep -q nosuid; then skip "no set-uid programs there"; fi
	PROGRAM=$D/bin/ssh SERVER=$BIN/sshd
	rm -f "$D"/ssh/shosts.equiv "$D"/home/.shosts "$D"/home/.rhosts "$D"/home/.ssh/known_hosts "$D"/ssh/*-cert.pub
	cp "$D/known" "$D/ssh/ssh_known_hosts"
	printf 'Host *\nEnableSSHKeysign yes\n' > "$D/ssh/ssh_config"
	echo client.test > "$D/ssh/shosts.equiv"
	LINES_=('HostbasedUsesNameFromPacketOnly yes')
}
teardown() { cat "$BATS_TEST_TMPDIR/log" 2>/dev/null || true; }

# login OPTION...: as the user, to a server in the same namespaces.
login() {
	{
		printf '%s\n' "${LINES_[@]}"
		cat <<-CONFIG
			Port 2222
			ListenAddress 192.0.2.7
			HostKey /etc/ssh/ssh_host_ed25519_key
			PidFile $BATS_TEST_TMPDIR/pid
			HostbasedAuthentication yes
			PasswordAuthentication no
			KbdInteractiveAuthentication no
			PubkeyAuthentication no
			MaxAuthTries 20
			LogLevel DEBUG1
		CONFIG
	} > "$BATS_TEST_TMPDIR/config"
	chmod 755 "$BATS_TEST_TMPDIR"
	export U D BATS_TEST_TMPDIR SERVER
	timeout 60 unshare --net --mount --fork --kill-child bash -c '
		mount --make-rprivate /
		mount --bind "$D/ssh" /etc/ssh
		mount --bind "$D/hosts" /etc/hosts
		mkdir -p /run/sshd
		ip link set lo up
		ip address add 192.0.2.7/32 dev lo
		rm -f "$BATS_TEST_TMPDIR/pid"
		"$SERVER" -D -f "$BATS_TEST_TMPDIR/config" -E "$BATS_TEST_TMPDIR/log" </dev/null >/dev/null 2>&1 3>&- &
		server=$!
		for _ in $(seq 200); do
			[ -s "$BATS_TEST_TMPDIR/pid" ] && break
			sleep 0.05
		done
		cd /
		setpriv --reuid "$U" --regid "$U" --init-groups env HOME="$D/home" USER="$U" "$@" </dev/null
		status=$?
		kill "$server"
		wait "$server"
		exit $status
	' bash "$PROGRAM" -F /etc/ssh/ssh_config -o BatchMode=yes "$@" -o HostbasedAuthentication=yes \
		-o PreferredAuthentications=hostbased -p 2222 -o UserKnownHostsFile="$BATS_TEST_TMPDIR/none" \
		-o StrictHostKeyChecking=accept-new -o LogLevel=ERROR client.test 'id -un'
}

@test "a host that is trusted names its user" {
	run -0 login
	[ "$output" = "$U" ]
	grep -q "Accepted hostbased for $U from 192.0.2.7 port [0-9]* ssh2: ED25519 SHA256:.*, client user \"$U\", client host \"client.test\"" "$BATS_TEST_TMPDIR/log"
	grep -q 'Accepted for client.test \[client.test\] by /etc/ssh/shosts.equiv' "$BATS_TEST_TMPDIR/log"
}

@test "every type of host key, and a certificate" {
	for a in ssh-ed25519 ecdsa-sha2-nistp256 rsa-sha2-512 rsa-sha2-256; do
		run -0 login -o HostbasedAcceptedAlgorithms=$a
		[ "$output" = "$U" ]
	done
	"$KEYGEN" -q -s "$D/ca" -h -I host -n client.test "$D/ssh/ssh_host_ed25519_key.pub"
	echo "@cert-authority *.test $(cat "$D/ca.pub")" > "$D/ssh/ssh_known_hosts"
	run -0 login -o HostbasedAcceptedAlgorithms=ssh-ed25519-cert-v01@openssh.com
	[ "$output" = "$U" ]
	rm "$D/ssh/ssh_host_ed25519_key-cert.pub"
	"$KEYGEN" -q -s "$D/ca" -h -I host -n other.test "$D/ssh/ssh_host_ed25519_key.pub"
	run -255 login -o HostbasedAcceptedAlgorithms=ssh-ed25519-cert-v01@openssh.com
}

@test "by the address, and by the name that it resolves to" {
	LINES_=('HostbasedUsesNameFromPacketOnly no')
	run -255 login
	grep -q 'userauth_hostbased mismatch: client sends client.test, but we resolve 192.0.2.7 to 192.0.2.7' "$BATS_TEST_TMPDIR/log"
	echo 192.0.2.7 > "$D/ssh/shosts.equiv"
	sed 's/^client.test/192.0.2.7/' "$D/known" > "$D/ssh/ssh_known_hosts"
	run -0 login
	LINES_=('UseDNS yes')
	run -255 login
	echo client.test > "$D/ssh/shosts.equiv"
	cp "$D/known" "$D/ssh/ssh_known_hosts"
	run -0 login
}

@test "a host that no file names is refused" {
	for line in '' '# client.test' 'other.test' '+' '-client.test' 'client.test other' "client.test -$U" '+ +'; do
		echo "$line" > "$D/ssh/shosts.equiv"
		run -255 login
	done
	for line in "client.test $U" "+client.test +$U" "client.test -other
client.test"; do
		echo "$line" > "$D/ssh/shosts.equiv"
		run -0 login
	done
}

@test "a host whose key is not known, or revoked, is refused" {
	echo "client.test $(cat "$D/other.pub")" > "$D/ssh/ssh_known_hosts"
	run -255 login
	{ cat "$D/known"; sed 's/^/@revoked /' "$D/known"; } > "$D/ssh/ssh_known_hosts"
	run -255 login
	: > "$D/ssh/ssh_known_hosts"
	cp "$D/known" "$D/home/.ssh/known_hosts"
	run -0 login
	LINES_+=('IgnoreUserKnownHosts yes')
	run -255 login
}

@test "users' own files: ignored by default, and never if others can write them" {
	rm "$D/ssh/shosts.equiv"
	for f in .shosts .rhosts; do
		echo "client.test $U" > "$D/home/$f"
		chown "$U" "$D/home/$f"
		run -255 login
		grep -q "Server has been configured to ignore $f" "$BATS_TEST_TMPDIR/log"
		LINES_=('HostbasedUsesNameFromPacketOnly yes' 'IgnoreRhosts no')
		run -0 login
		chmod 666 "$D/home/$f"
		run -255 login
		chmod 644 "$D/home/$f"
		LINES_[1]='IgnoreRhosts shosts-only'
		if [ $f = .shosts ]; then run -0 login; else run -255 login; fi
		LINES_=('HostbasedUsesNameFromPacketOnly yes')
		rm "$D/home/$f"
	done
}

@test "off: at the server, in the algorithms, at the client" {
	LINES_+=('HostbasedAuthentication no')
	run -255 login
	LINES_=('HostbasedUsesNameFromPacketOnly yes' 'HostbasedAcceptedAlgorithms rsa-sha2-512')
	run -255 login -o HostbasedAcceptedAlgorithms=ssh-ed25519
	run -0 login
	LINES_=('HostbasedUsesNameFromPacketOnly yes')
	run -255 login -o HostbasedAuthentication=no
}

@test "ssh-keysign: not enabled, not set-uid" {
	echo '# nothing' > "$D/ssh/ssh_config"
	run -255 login
	[[ "$output" == *"ssh-keysign not enabled in /etc/ssh/ssh_config"* ]]
	printf 'Host *\nEnableSSHKeysign yes\n' > "$D/ssh/ssh_config"
	chmod 755 "$D/bin/ssh-keysign"
	run -255 login
	[[ "$output" == *"could not open any host key (it must be set-uid root)"* ]]
	chmod 4755 "$D/bin/ssh-keysign"
}

# keysign USER HOST: what the helper answers a request of that content.
keysign() {
	export D U
	timeout 30 unshare --net --mount --uts --fork --kill-child bash -c '
		mount --make-rprivate /
		mount --bind "$D/ssh" /etc/ssh
		hostname client.test
		cd /
		setpriv --reuid "$U" --regid "$U" --init-groups /usr/bin/python3 -c "$1" "$D" "$2" "$3"
	' bash '
import base64, struct, subprocess, sys
d, user, host = sys.argv[1:]
def s(b):
    b = b if isinstance(b, bytes) else b.encode()
    return struct.pack(">I", len(b)) + b
blob = base64.b64decode(open(d + "/ssh/ssh_host_ed25519_key.pub").read().split()[1])
data = s(b"x" * 32) + b"\x32" + s("me") + s("ssh-connection") + s("hostbased") + s("ssh-ed25519") + s(blob) + s(host) + s(user)
p = subprocess.run([d + "/bin/ssh-keysign"], input=s(b"\1" + s(data)), stdout=subprocess.PIPE)
sys.exit(p.stdout[4:6] != b"\1\1" and 9)
' "$1" "$2"
}

@test "ssh-keysign signs only for who calls it, and for this host" {
	run -0 keysign "$U" client.test.
	run -9 keysign root client.test.
	run -9 keysign "$U" other.test.
	run -9 keysign "$U" client.test
	run -9 keysign "$U" ''
}

@test "root is not let in by the system's files" {
	LINES_+=('PermitRootLogin yes')
	echo 'client.test +' > "$D/ssh/shosts.equiv"
	echo "client.test $U" >> "$D/ssh/shosts.equiv"
	run -255 login -l root
}

@test "OpenSSH's client and our server" {
	[ -u /usr/lib/openssh/ssh-keysign ] || skip "no set-uid ssh-keysign of OpenSSH"
	PROGRAM=/usr/bin/ssh
	for a in ssh-ed25519 ecdsa-sha2-nistp256 rsa-sha2-512; do
		run -0 login -o HostbasedAcceptedAlgorithms=$a
		[ "$output" = "$U" ]
	done
	rm "$D/ssh/shosts.equiv"
	run -255 login
}

@test "our client and OpenSSH's server" {
	[ -x /usr/sbin/sshd ] || skip "no OpenSSH sshd"
	SERVER=/usr/sbin/sshd
	for a in ssh-ed25519 ecdsa-sha2-nistp256 rsa-sha2-512; do
		run -0 login -o HostbasedAcceptedAlgorithms=$a
		[ "$output" = "$U" ]
	done
	rm "$D/ssh/shosts.equiv"
	run -255 login
}
