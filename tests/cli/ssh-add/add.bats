# ssh-add: its flags and messages.

setup() {
	load ../agent
	agent_setup
	start_agent -a "$BATS_TEST_TMPDIR/sock"
}

teardown() {
	agent_teardown
}

@test "without an agent: status 2" {
	SSH_AUTH_SOCK=/nonexistent run -2 "$ADD" -l
	[ "$output" = "Error connecting to agent: No such file or directory" ]
	unset SSH_AUTH_SOCK
	run -2 "$ADD" -l
	[ "$output" = "Could not open a connection to your authentication agent." ]
}

@test "an empty agent says so, on standard output, status 1" {
	run -1 --separate-stderr "$ADD" -l
	[ "$output" = "The agent has no identities." ]
	[ -z "$stderr" ]
	run -1 "$ADD" -L
	[ "$output" = "The agent has no identities." ]
}

@test "adds files, lists them, removes them" {
	run -0 --separate-stderr "$ADD" ed ec rsa
	[ -z "$output" ]
	[ "$stderr" = "Identity added: ed (the ed)
Identity added: ec (the ec)
Identity added: rsa (the rsa)" ]
	run -0 "$ADD" -l
	[ "${lines[0]}" = "$("$KEYGEN" -lf ed.pub)" ]
	[ "${lines[2]}" = "$("$KEYGEN" -lf rsa.pub)" ]
	run -0 "$ADD" -l -E md5
	[ "${lines[1]}" = "$("$KEYGEN" -E md5 -lf ec.pub)" ]
	diff <("$ADD" -L) <(cat ed.pub ec.pub rsa.pub)
	run -0 "$ADD" -d ec
	[ "$output" = "Identity removed: ec ECDSA (the ec)" ]
	[ "$(comments)" = "the ed,the rsa" ]
	run -0 "$ADD" -d rsa.pub
	run -1 "$ADD" -d rsa
	[ "$output" = 'Could not remove identity "rsa": agent refused operation' ]
	run -1 "$ADD" -d missing
	[ "$output" = 'Bad key file missing: No such file or directory' ]
	run -1 "$ADD" -d ask
	# The public half is in the private file, too, passphrase or not.
	rm ed.pub locked.pub
	run -0 "$ADD" -d ed
	run -1 "$ADD" -d locked
	[[ $output == 'Could not remove identity "locked":'* ]]
	run -0 "$ADD" -D
	[ "$output" = "All identities removed." ]
	run -1 "$ADD" -l
}

@test "without files: those of the home that are there" {
	if [ "$(getent passwd "$(id -u)" | cut -d: -f6)" = "$HOME" ]; then
		skip "the account's own home"
	fi
	# The account's home decides, not HOME: an empty private one is put in
	# its place.
	unshare -m true 2> /dev/null || skip "needs a mount namespace"
	own=$(getent passwd "$(id -u)" | cut -d: -f6)
	mkdir -p mounted/.ssh
	cp ed mounted/.ssh/id_ed25519
	cp ed.pub mounted/.ssh/id_ed25519.pub
	cp cert mounted/.ssh/id_ecdsa
	cp cert.pub mounted/.ssh/id_ecdsa.pub
	cp cert-cert.pub mounted/.ssh/id_ecdsa-cert.pub
	run -0 unshare -m sh -c 'mount --bind mounted "$1" && exec "$2"' sh "$own" "$ADD"
	[[ $output == *"Identity added: $own/.ssh/id_ecdsa (the cert)"* ]]
	[[ $output == *"Certificate added: $own/.ssh/id_ecdsa-cert.pub (an id)"* ]]
	[[ $output == *"Identity added: $own/.ssh/id_ed25519 (the ed)"* ]]
	run -0 unshare -m sh -c 'mount --bind mounted "$1" && exec "$2" -d -k' sh "$own" "$ADD"
	rm -r mounted/.ssh/*
	run -1 unshare -m sh -c 'mount --bind mounted "$1" && exec "$2"' sh "$own" "$ADD"
	[ -z "$output" ]
}

@test "a certificate beside the key goes with it, unless -k; alone by -C" {
	run -0 "$ADD" cert
	[ "$output" = "Identity added: cert (the cert)
Certificate added: cert-cert.pub (an id)" ]
	run -0 "$ADD" -l
	[[ ${lines[1]} == *"(ED25519-CERT)" ]]
	[ "$("$ADD" -L | sed -n 2p | cut -d' ' -f1,2)" = "$(cut -d' ' -f1,2 cert-cert.pub)" ]
	run -0 "$ADD" -T cert.pub cert-cert.pub
	run -0 "$ADD" -d cert
	[ "$output" = "Identity removed: cert ED25519 (the cert)
Identity removed: cert-cert.pub ED25519-CERT (the cert)" ]
	run -0 "$ADD" -k cert
	[ "$output" = "Identity added: cert (the cert)" ]
	run -0 "$ADD" -d -k cert
	run -0 "$ADD" -C cert
	[ "$output" = "Certificate added: cert-cert.pub (an id)" ]
	run -0 "$ADD" -d -C cert
	[ "$output" = "Identity removed: cert-cert.pub ED25519-CERT (the cert)" ]
	cp cert-cert.pub ed-cert.pub
	run -1 "$ADD" ed
	[[ $output == *"Certificate ed-cert.pub does not match private key ed"* ]]
}

@test "a certificate's end is its life in the agent, but for -N" {
	"$KEYGEN" -q -s ca -I soon -n me -V -1m:+60m cert.pub
	run -0 "$ADD" cert
	[[ ${lines[2]} =~ ^Lifetime\ set\ to\ 01:0[45]:[0-5][0-9]$ ]]
	run -0 "$ADD" -t 10m cert
	[ "${lines[1]}" = "Lifetime set to 00:10:00" ]
	[ "${lines[3]}" = "Lifetime set to 00:10:00" ]
	run -0 "$ADD" -N cert
	[ ${#lines[@]} -eq 2 ]
	"$ADD" -D
	"$KEYGEN" -q -s ca -I past -n me -V 20200101:20200102 cert.pub
	run -0 "$ADD" cert
	[[ $output == *"Certificate cert-cert.pub has expired; it is not added (-N adds it)"* ]]
	[ "$("$ADD" -l | wc -l)" -eq 1 ]
	run -0 "$ADD" -N cert
	[ "$("$ADD" -l | wc -l)" -eq 2 ]
}

@test "-d - reads public keys from standard input" {
	"$ADD" -q ed ec cert
	run -0 "$ADD" -d - < ed.pub
	[ "$output" = "Identity removed: (stdin) ED25519 (the ed)" ]
	run -0 "$ADD" -qd - < cert-cert.pub
	[ -z "$output" ]
	[ "$(comments)" = "the ec,the cert" ]
	run -1 "$ADD" -d - <<< "# nothing"
	run -1 "$ADD" -d - <<< "nonsense"
	[ "$output" = "(stdin):1: not a public key" ]
	cat ec.pub cert.pub | "$ADD" -qd -
	run -1 "$ADD" -l
}

@test "- reads a private key from standard input" {
	run -0 "$ADD" - < ed
	[ "$output" = "Identity added: (stdin) (the ed)" ]
	run -1 "$ADD" - < ed.pub
	[[ $output == 'Error loading key "(stdin)":'* ]]
}

@test "files that are no keys, not there, or open to others" {
	run -1 "$ADD" missing
	[ "$output" = "missing: No such file or directory" ]
	chmod 600 ed.pub
	run -1 "$ADD" ed.pub
	[[ $output == 'Error loading key "ed.pub":'* ]]
	chmod 644 ed
	run -1 "$ADD" ed
	[[ $output == *"UNPROTECTED PRIVATE KEY FILE"* ]]
	[[ $output == *"chmod 600 ed" ]]
	# The others are added all the same.
	run -1 "$ADD" missing ec
	[ "$(comments)" = "the ec" ]
}

@test "a passphrase is asked for, and tried for the files that follow" {
	askpass pw 0
	cp locked again
	run -0 "$ADD" locked again
	[ "$output" = "Identity added: locked (the locked)
Identity added: again (the locked)" ]
	[ "$(cat asked)" = "|Enter passphrase for locked: " ]
	rm -f asked
	run -0 "$ADD" -c locked
	[ "$(cat asked)" = "|Enter passphrase for locked (will confirm each use): " ]
}

@test "a wrong passphrase is asked for again, an empty one is a no" {
	cat > ask <<-'END'
		#!/bin/sh
		echo "$1" >> asked
		case $(wc -l < asked) in
		1) echo wrong ;;
		2) echo pw ;;
		*) echo ;;
		esac
	END
	chmod +x ask
	export SSH_ASKPASS=$PWD/ask SSH_ASKPASS_REQUIRE=force
	run -0 "$ADD" locked
	[ "$(sed -n 2p asked)" = "Bad passphrase, try again for locked: " ]
	"$ADD" -D
	run -1 "$ADD" locked
	[ -z "$output" ]
	run -1 "$ADD" -l
}

@test "a passphrase from the terminal" {
	[ -x "$PTYRUN" ] || skip "no ptyrun"
	run -0 "$PTYRUN" -e 'Enter passphrase for locked: ' -s 'pw\r' \
		-e 'Identity added: locked' -- "$ADD" locked
	[[ $output != *pw* ]]
	[ "$(comments)" = "the locked" ]
}

@test "-t, -c and -q" {
	run -0 "$ADD" -t 90m -c ed
	[ "$output" = "Identity added: ed (the ed)
Lifetime set to 01:30:00
The user must confirm each use of the key" ]
	run -0 "$ADD" -q -t 1w ec
	[ -z "$output" ]
	run -1 "$ADD" -t nonsense ed
	[ "$output" = "Invalid lifetime" ]
	run -0 "$ADD" -t 1 rsa
	gone_rsa() { [ "$(comments)" = "the ed,the ec" ]; }
	await gone_rsa
}

@test "-T signs and verifies by each key" {
	"$ADD" -q ed rsa
	run -0 "$ADD" -T ed.pub rsa.pub
	[ -z "$output" ]
	run -1 "$ADD" -T ed.pub ec.pub
	[ "$output" = "Agent signature failed for ec.pub: agent refused operation" ]
	run -1 "$ADD" -T missing.pub
	[[ $output == "Couldn't read public key missing.pub:"* ]]
	run -1 "$ADD" -T
}

@test "-x asks twice" {
	cat > ask <<-'END'
		#!/bin/sh
		echo "$1" >> asked
		wc -l < asked
	END
	chmod +x ask
	export SSH_ASKPASS=$PWD/ask SSH_ASKPASS_REQUIRE=force
	run -1 "$ADD" -x
	[ "$output" = "Passwords do not match." ]
	[ "$(cat asked)" = "Enter lock password: 
Again: " ]
	run -1 "$ADD" -X
	[[ $output == "Failed to unlock agent: agent refused operation" ]]
}

@test "-Q lists the agent's extensions" {
	run -0 "$ADD" -Q
	[ "$output" = "query
session-bind@openssh.com" ]
}

@test "-h takes host keys of known_hosts files" {
	echo "one,two.example $(cut -d' ' -f1,2 ec.pub)" > hosts
	echo "@cert-authority *.zone $(cut -d' ' -f1,2 ca.pub)" >> hosts
	echo "@revoked bad $(cut -d' ' -f1,2 rsa.pub)" >> hosts
	for destination in one user@one ONE 'one>two.example' 'one>*@a.zone'; do
		run -0 "$ADD" -H hosts -h "$destination" ed
	done
	run -1 "$ADD" -H hosts -h three ed
	[ "$output" = 'No host keys found for destination "three"' ]
	run -1 "$ADD" -H hosts -h bad ed
	for destination in '' user@ @one 'user@one>one' 'one>' '>one' 'one>one>one'; do
		run -1 "$ADD" -H hosts -h "$destination" ed
		[[ $output == "Invalid key destination constraint \"$destination\":"* ]]
	done
	# Such a key signs nothing for who cannot say for which host.
	run -1 "$ADD" -T ed.pub
	run -0 "$ADD" -l
}

@test "security keys: added with a provider, used by the agent" {
	lib=$ROOT/build/release/tests/cli/tools/sk_software.so
	[ -e "$lib" ] && [ -x "$BIN/ssh-sk-helper" ] || skip "no security key"
	SSH_AUTH_SOCK= SSH_SK_PROVIDER=$lib run "$KEYGEN" -q -t ed25519-sk -N '' -C 'the sk' -f sk
	[ "$status" -eq 0 ] || skip "ssh-keygen makes none"
	start_agent -a "$PWD/sock2" -P "$ROOT/*"
	run -0 "$ADD" -S "$lib" sk
	run -0 "$ADD" -T sk.pub
	[[ $("$ADD" -l) == *"(ED25519-SK)" ]]
	start_agent -a "$PWD/sock3"
	run -1 "$ADD" -S "$lib" sk
	[[ $output == *"agent refused operation"* ]]
}

@test "the notice of a security key that waits to be touched goes with it" {
	lib=$ROOT/build/release/tests/cli/tools/sk_software.so
	[ -e "$lib" ] && [ -x "$BIN/ssh-sk-helper" ] || skip "no security key"
	cat > ask <<-END
		#!/bin/sh
		echo "\$SSH_ASKPASS_PROMPT|\$1" >> "$PWD/asked"
		[ "\$SSH_ASKPASS_PROMPT" != none ] || exec sleep 100
	END
	chmod +x ask
	export SSH_ASKPASS=$PWD/ask SSH_ASKPASS_REQUIRE=force
	SSH_SK_PROVIDER=$lib "$KEYGEN" -q -t ed25519-sk -N '' -f sk
	rm -f asked
	start_agent -a "$PWD/sock2" -P "$ROOT/*"
	"$ADD" -q -S "$lib" sk
	run -0 timeout 20 "$ADD" -T sk.pub
	grep -q '^none|' asked
}

@test "an agent ends although a security key does not answer" {
	lib=$ROOT/build/release/tests/cli/tools/sk_software.so
	[ -e "$lib" ] && [ -x "$BIN/ssh-sk-helper" ] || skip "no security key"
	askpass '' 0
	mkdir device
	export SK_SOFTWARE=$PWD/device
	SSH_SK_PROVIDER=$lib "$KEYGEN" -q -t ed25519-sk -N '' -f sk
	start_agent -a "$PWD/sock2" -P "$ROOT/*"
	"$ADD" -q -S "$lib" sk
	"$ADD" -q ed rsa
	echo hang > device/fault
	rm -f asked
	"$ADD" -T sk.pub 3>&- &
	client=$!
	await test -s asked # the notice to touch it
	# Others are served meanwhile, and it goes when it is told to.
	run -0 timeout 20 "$ADD" -T ed.pub rsa.pub
	kill "$SSH_AGENT_PID"
	await gone "$SSH_AGENT_PID"
	[ ! -e sock2 ]
	run -1 wait "$client"
}

@test "-K adds the keys that a security key remembers" {
	lib=$ROOT/build/release/tests/cli/tools/sk_software.so
	[ -e "$lib" ] && [ -x "$BIN/ssh-sk-helper" ] || skip "no security key"
	export SK_SOFTWARE=$PWD/device SSH_SK_PROVIDER=$lib
	mkdir device
	echo 1234 > device/pin
	askpass 1234 0
	start_agent -a "$PWD/sock2" -P "$ROOT/*"
	run -1 "$ADD" -K
	[[ $output == *"No keys to download"* ]]
	run "$KEYGEN" -q -t ed25519-sk -O resident -N '' -f sk
	[ "$status" -eq 0 ] || skip "ssh-keygen makes none"
	run -0 "$ADD" -K
	[[ $output == "Resident identity added: ED25519-SK SHA256:"* ]]
	run -0 "$ADD" -T sk.pub
}

@test "bad flags are refused with the usage" {
	run -1 "$ADD" -Z
	[[ $output == *"usage: ssh-add"* ]]
	run -1 "$ADD" -l -D
	[[ $output == *"only one of"* ]]
	run -1 "$ADD" -E nonsense -l
	run -0 "$ADD" -M 5 -m 4 ed
}
