# ssh-add -s and -e, and ssh-agent's side of it: keys of PKCS#11 tokens.
# SoftHSM is the token.

setup_file() {
	load ../common
	load ../devices
	[ -e "$MODULE" ] || return 0
	use_devices
	make_token token
	make_token_key token rsa:2048 01 'an RSA key'
	make_token_key token EC:prime256v1 02 p256
	make_token_key token EC:edwards25519 03 ed
}

setup() {
	load ../agent
	load ../devices
	agent_setup
	[ -e "$MODULE" ] && [ -x "$BIN/ssh-pkcs11-helper" ] || skip "no SoftHSM"
	use_devices
	# Who is asked by ssh-add answers with the PIN, too.
	printf '#!/bin/sh\necho "$1" >> "%s"\ncat "%s"\n' "$ASKED" "$PWD/pin" > "$SSH_ASKPASS"
	echo "$PIN" > pin
	start_agent -a "$PWD/sock"
}

teardown() {
	agent_teardown
}

sorted_comments() {
	"$ADD" -L 2> /dev/null | cut -d' ' -f3- | sort | paste -sd,
}

@test "-s adds the keys of a token, which sign; -e removes them" {
	"$ADD" -q cert
	run -0 "$ADD" -s "$MODULE"
	[ "$output" = "Card added: $MODULE" ]
	[ "$(cat "$ASKED")" = "Enter passphrase for PKCS#11: " ]
	[ "$(sorted_comments)" = "an RSA key,ed,p256,the cert,the cert" ]
	"$ADD" -L | grep -v 'the cert' > keys
	n=0
	while read -r line; do
		n=$((n + 1))
		echo "$line" > "key$n.pub"
		run -0 "$ADD" -T "key$n.pub"
	done < keys
	[ $n -eq 3 ]
	run -0 "$ADD" -e "$MODULE"
	[ "$output" = "Card removed: $MODULE" ]
	[ "$(sorted_comments)" = "the cert,the cert" ]
	run -1 "$ADD" -e "$MODULE"
	[[ $output == "Could not remove card \"$MODULE\":"* ]]
}

@test "a wrong PIN adds nothing" {
	echo 9999 > pin
	run -1 "$ADD" -s "$MODULE"
	[ "$output" = "Could not add card \"$MODULE\": agent refused operation" ]
	run -1 "$ADD" -l
	# The token is not locked by it.
	echo "$PIN" > pin
	run -0 "$ADD" -s "$MODULE"
}

@test "constraints hold for the keys of a token" {
	run -0 "$ADD" -c -t 1h -s "$MODULE"
	"$ADD" -L | grep p256 > p256.pub
	: > "$ASKED"
	printf '#!/bin/sh\necho "$1" >> "%s"\nexit 1\n' "$ASKED" > "$SSH_ASKPASS"
	run -1 "$ADD" -T p256.pub
	grep -q '^Allow use of key p256?$' "$ASKED"
	printf '#!/bin/sh\nexit 0\n' > "$SSH_ASKPASS"
	run -0 "$ADD" -T p256.pub
}

@test "certificates go with the keys of a token" {
	run -0 "$ADD" -s "$MODULE"
	"$ADD" -L | grep ' p256$' > p256.pub
	"$ADD" -qD
	"$KEYGEN" -q -s ca -I id -n me p256.pub
	run -0 "$ADD" -s "$MODULE" p256-cert.pub
	[ "$("$ADD" -l | wc -l)" -eq 4 ]
	run -0 "$ADD" -T p256-cert.pub
	"$ADD" -qD
	run -0 "$ADD" -C -s "$MODULE" p256-cert.pub
	[ "$("$ADD" -l | wc -l)" -eq 1 ]
	[[ $("$ADD" -l) == *"(ECDSA-CERT)" ]]
	run -1 "$ADD" -s "$MODULE" p256.pub
	[ "$output" = "p256.pub is not a certificate" ]
}

@test "a module elsewhere is refused, also by a link from an allowed place" {
	cp "$MODULE" "$PWD/module.so"
	run -1 "$ADD" -s "$PWD/module.so"
	[ "$output" = "Could not add card \"$PWD/module.so\": agent refused operation" ]
	start_agent -a "$PWD/sock2" -P "$PWD/allowed/*"
	mkdir allowed
	ln -s "$PWD/module.so" allowed/link.so
	run -1 "$ADD" -s "$PWD/allowed/link.so"
	mv module.so allowed/
	run -0 "$ADD" -s "$PWD/allowed/module.so"
	# And by the link, since the real path counts.
	"$ADD" -qD
	ln -sf "$PWD/allowed/module.so" link.so
	run -0 "$ADD" -s "$PWD/link.so"
	run -0 "$ADD" -e "$PWD/allowed/module.so"
}

@test "OpenSSH's ssh-add adds and removes a token's keys with our agent" {
	run -0 /usr/bin/ssh-add -s "$MODULE"
	[ "$("$ADD" -l | wc -l)" -eq 3 ]
	run -0 /usr/bin/ssh-add -e "$MODULE"
	run -1 "$ADD" -l
}

@test "our ssh-add adds and removes a token's keys with OpenSSH's agent" {
	start_openssh() {
		eval "$(/usr/bin/ssh-agent -s -P '/usr/lib*/*' -a "$PWD/openssh" | grep -v '^echo')"
		echo "$SSH_AGENT_PID" >> agents
	}
	start_openssh 3>&-
	run -0 "$ADD" -s "$MODULE"
	# 9.2 knows no Ed25519 there.
	[ "$("$ADD" -l | wc -l)" -eq 2 ]
	"$ADD" -L | head -n 1 > one.pub
	run -0 "$ADD" -T one.pub
	run -0 "$ADD" -e "$MODULE"
	run -1 "$ADD" -l
}
