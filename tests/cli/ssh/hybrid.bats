# Hybrid keys (ML-DSA-44 and Ed25519) of users, hosts and CAs: off by default,
# and working wherever they are named.

NAME=ssh-mldsa44-ed25519@openssh.com
CERT=ssh-mldsa44-ed25519-cert-v01@openssh.com

setup_file() {
	load ../common
	make_keys
	cd "$SCRATCH"
	"$KEYGEN" -q -t mldsa44-ed25519 -N '' -C hybrid -f hybrid
	"$KEYGEN" -q -t $NAME -N '' -C host -f host_hybrid
	"$KEYGEN" -q -t mldsa44-ed25519 -N '' -f ca
	cat hybrid.pub >> authorized_keys
	"$KEYGEN" -q -s ca -h -I host -n target host_hybrid.pub
	start_sshd "HostKeyAlgorithms +$NAME,$CERT" \
		"PubkeyAcceptedAlgorithms +$NAME,$CERT" \
		"CASignatureAlgorithms +$NAME" \
		"TrustedUserCAKeys $SCRATCH/ca.pub" \
		"HostKey $SCRATCH/host_hybrid" \
		"HostCertificate $SCRATCH/host_hybrid-cert.pub"
	sed '/IdentityFile/d' ssh_config > config
}

teardown_file() {
	load ../common
	stop_sshd
}

setup() {
	load ../common
	cd "$SCRATCH"
}

login() {
	timeout 60 "$SSH" -F config "$@" target echo in < /dev/null
}

@test "a hybrid user key logs in where it is named, and only there" {
	run -0 --separate-stderr login -i hybrid -o PubkeyAcceptedAlgorithms=+$NAME
	[ "$output" = in ]
	grep -q "Accepted publickey for $ME from .* ssh2: MLDSA44-ED25519 SHA256:" "$SSHD_LOG"
	run -255 login -i hybrid
}

@test "a certificate of a hybrid key by a hybrid CA logs in" {
	cp hybrid certified
	cp hybrid.pub certified.pub
	run -0 "$KEYGEN" -s ca -I user -n "$ME" certified.pub
	[[ "$("$KEYGEN" -L -f certified-cert.pub)" == *"Signing CA: MLDSA44-ED25519 SHA256:"*"(using $NAME)"* ]]
	run -0 --separate-stderr login -i certified -o PubkeyAcceptedAlgorithms=$CERT
	[ "$output" = in ]
	grep -q "ssh2: MLDSA44-ED25519-CERT SHA256:[^ ]* ID user (serial 0) CA MLDSA44-ED25519 SHA256:" "$SSHD_LOG"
}

@test "a hybrid host key, and a certificate of one, are verified" {
	echo "target $(cat host_hybrid.pub)" > known_hybrid
	run -0 login -i user_ed25519 -o UserKnownHostsFile=known_hybrid \
		-o HostKeyAlgorithms=$NAME
	echo "target $(cat hybrid.pub)" > known_hybrid
	run -255 login -i user_ed25519 -o UserKnownHostsFile=known_hybrid \
		-o HostKeyAlgorithms=$NAME
	[[ "$output" == *"REMOTE HOST IDENTIFICATION HAS CHANGED"* ]]
	echo "@cert-authority target $(cat ca.pub)" > known_hybrid
	run -0 login -i user_ed25519 -o UserKnownHostsFile=known_hybrid \
		-o HostKeyAlgorithms=$CERT -o CASignatureAlgorithms=+$NAME
	run -255 login -i user_ed25519 -o UserKnownHostsFile=known_hybrid \
		-o HostKeyAlgorithms=$CERT
}

@test "-Q names the signature; the types that work without options leave it out" {
	"$SSH" -Q sig | grep -qx "$NAME"
	run ! grep mldsa <("$SSH" -Q key)
}
