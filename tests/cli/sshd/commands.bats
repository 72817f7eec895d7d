# AuthorizedKeysCommand and AuthorizedPrincipalsCommand: what they are given,
# what their answer does, and what happens when they fail.

setup_file() {
	load ../common
	[ "$(id -u)" -eq 0 ] || return 0
	# The programs must lie where nobody else can write.
	DIRECTORY=$(mktemp -d /run/sheetbend-test.XXXXXX)
	export DIRECTORY
	chmod 755 "$DIRECTORY"
	start_sshd 'AuthorizedKeysFile none' "AuthorizedKeysCommand $DIRECTORY/keys" \
		'AuthorizedKeysCommandUser nobody' 'MaxAuthTries 20' || return 1
	"$KEYGEN" -q -t ed25519 -N '' -f "$SCRATCH/ca"
	"$KEYGEN" -q -s "$SCRATCH/ca" -I 'Joanne User' -z 77 -n anna,bert "$SCRATCH/user_ed25519" 2>/dev/null
	mv "$SCRATCH/user_ed25519-cert.pub" "$SCRATCH/certificate.pub"
	cp "$SCRATCH/user_ed25519.pub" "$DIRECTORY/user.pub"
	chmod 644 "$DIRECTORY/user.pub"
}
teardown_file() {
	load ../common
	[ "$(id -u)" -eq 0 ] || return 0
	stop_sshd
	rm -rf "$DIRECTORY"
}
setup() {
	load ../common
	[ "$(id -u)" -eq 0 ] || skip "root only"
	: > "$SSHD_LOG"
	rm -f "$DIRECTORY"/keys "$DIRECTORY"/principals
}

configure() {
	[ -e "$SCRATCH/base" ] || cp "$SCRATCH/sshd_config" "$SCRATCH/base"
	{ printf '%s\n' "$@"; cat "$SCRATCH/base"; } > "$SCRATCH/sshd_config"
	rm -f "$SCRATCH/sshd.pid"
	kill -HUP "$(cat "$SCRATCH/started")"
	wait_for_sshd "$(cat "$SCRATCH/started")"
}
# program NAME: a shell program in the folder, from standard input.
program() {
	{ echo '#!/bin/sh'; cat; } > "$DIRECTORY/$1"
	chmod 755 "$DIRECTORY/$1"
}
soon() {
	for _ in $(seq 200); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.05
	done
	echo "never: $*" >&2
	cat "$SSHD_LOG" >&2
	return 1
}
gone() { ! kill -0 "$1" 2>/dev/null; }

@test "the key that a program prints logs in" {
	configure
	program keys <<-SH
		cat $DIRECTORY/user.pub
	SH
	run -0 ssh_ target echo in
	echo "$output"
	[ "$output" = in ]
	program keys <<-SH
		echo # nothing
	SH
	run -255 ssh_ target true
}

@test "options in front of the key count" {
	configure
	program keys <<-SH
		printf 'command="echo forced" '; cat $DIRECTORY/user.pub
	SH
	run -0 ssh_ target echo in
	[ "$output" = forced ]
}

@test "it runs as its account, with a clean environment, and gets the user's name" {
	configure
	program keys <<-SH
		exec 3>&1 >&2
		id -un; pwd; echo "\$#:\$1"; env | sort; readlink /proc/self/fd/0
		exec >&3 3>&-
		# the last one is of the list's own
		ls /proc/self/fd >&2
		cat $DIRECTORY/user.pub
	SH
	run -0 ssh_ target true
	told=$(sed -n 's/^AuthorizedKeysCommand: //p' "$SSHD_LOG" | tr -d '\r')
	expected=$(printf '%s\n' nobody / "1:$ME" HOME=/nonexistent LOGNAME=nobody \
		PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin PWD=/ USER=nobody /dev/null 0 1 2 3)
	[ "$told" = "$expected" ]
}

@test "tokens are arguments of their own, whatever they hold" {
	configure "AuthorizedKeysCommand $DIRECTORY/keys '%u x' %k %t %f %U \"%C\" %h %%"
	program keys <<-SH
		for a; do echo "\$a"; done >&2
		cat $DIRECTORY/user.pub
	SH
	run -0 ssh_ target true
	told=$(sed -n 's/^AuthorizedKeysCommand: //p' "$SSHD_LOG" | tr -d '\r' | sed 's/^127.0.0.1 [0-9]* /127.0.0.1 P /')
	expected=$(printf '%s\n' "$ME x" "$(cut -d' ' -f2 "$DIRECTORY/user.pub")" ssh-ed25519 \
		"$(fingerprint "$DIRECTORY/user.pub")" "$(id -u)" "127.0.0.1 P 127.0.0.1 $PORT" ~root %)
	[ "$told" = "$expected" ]
}

@test "files come first, and the program is not asked then" {
	configure "AuthorizedKeysFile $SCRATCH/authorized_keys"
	program keys <<-SH
		echo asked >&2
	SH
	run -0 ssh_ target true
	run -1 grep asked "$SSHD_LOG"
	configure "AuthorizedKeysFile $SCRATCH/none"
	program keys <<-SH
		cat $DIRECTORY/user.pub
	SH
	run -0 ssh_ target true
}

@test "a program that fails lets nobody in, whatever it printed" {
	configure
	program keys <<-SH
		cat $DIRECTORY/user.pub
		exit 3
	SH
	run -255 ssh_ target true
	grep -q "AuthorizedKeysCommand: $DIRECTORY/keys: exited with status 3" "$SSHD_LOG"
	program keys <<-SH
		cat $DIRECTORY/user.pub
		kill -9 \$\$
	SH
	run -255 ssh_ target true
	grep -q "AuthorizedKeysCommand: $DIRECTORY/keys: was killed by signal 9" "$SSHD_LOG"
	rm "$DIRECTORY/keys"
	run -255 ssh_ target true
	grep -q "AuthorizedKeysCommand: $DIRECTORY/keys: No such file" "$SSHD_LOG"
}

@test "a program that others can change is not run" {
	configure
	program keys <<-SH
		cat $DIRECTORY/user.pub
	SH
	chmod g+w "$DIRECTORY/keys"
	run -255 ssh_ target true
	grep -q "AuthorizedKeysCommand: bad ownership or modes for file $DIRECTORY/keys" "$SSHD_LOG"
	chmod 755 "$DIRECTORY/keys"
	chown nobody "$DIRECTORY/keys"
	run -255 ssh_ target true
	chown root "$DIRECTORY/keys"
	chmod o+w "$DIRECTORY"
	run -255 ssh_ target true
	grep -q "bad ownership or modes for directory $DIRECTORY" "$SSHD_LOG"
	chmod 755 "$DIRECTORY"
	run -0 ssh_ target true
}

@test "an account that is not there runs nothing" {
	configure 'AuthorizedKeysCommandUser sheetbend-nobody'
	program keys <<-SH
		cat $DIRECTORY/user.pub
	SH
	run -255 ssh_ target true
	grep -q 'AuthorizedKeysCommand: there is no account sheetbend-nobody' "$SSHD_LOG"
}

@test "more than 16 MiB are refused" {
	configure
	program keys <<-SH
		cat $DIRECTORY/user.pub
		exec yes
	SH
	run -255 ssh_ target true
	grep -q 'printed more than 16777216 bytes' "$SSHD_LOG"
}

@test "a program that hangs is killed with all its children when the login is over" {
	configure 'LoginGraceTime 2'
	program keys <<-SH
		sleep 1000 &
		echo "pids \$\$ \$!" >&2
		wait
	SH
	run -255 ssh_ target true
	soon grep -q 'Timeout before authentication for connection from 127.0.0.1' "$SSHD_LOG"
	grep -q 'took too long and was killed' "$SSHD_LOG"
	read -r _ _ first second < <(grep -o 'AuthorizedKeysCommand: pids.*' "$SSHD_LOG" | tr -d '\r')
	[ "$second" -gt 1 ]
	soon gone "$first"
	soon gone "$second"
}

@test "an unknown name costs the same work, and is not told" {
	configure
	program keys <<-SH
		echo "for \$1" >&2
	SH
	run -255 ssh_ -l 'no.body' target true
	grep -q 'AuthorizedKeysCommand: for nonexistent' "$SSHD_LOG"
}

@test "principals from a program, with the tokens of the certificate" {
	configure 'AuthorizedKeysCommand none' "TrustedUserCAKeys $SCRATCH/ca.pub" \
		"AuthorizedPrincipalsCommand $DIRECTORY/principals %u %t %T %i %s %F %f %k %K" \
		'AuthorizedPrincipalsCommandUser nobody'
	with() { ssh_ -o CertificateFile="$SCRATCH/certificate.pub" target "$@"; }
	program principals <<-SH
		for a; do echo "\$a"; done >&2
		echo bert
	SH
	run -0 with echo in
	[ "$output" = in ]
	told=$(sed -n 's/^AuthorizedPrincipalsCommand: //p' "$SSHD_LOG" | tr -d '\r')
	expected=$(printf '%s\n' "$ME" ssh-ed25519-cert-v01@openssh.com ssh-ed25519 'Joanne User' 77 \
		"$(fingerprint "$SCRATCH/ca.pub")" "$(fingerprint "$SCRATCH/certificate.pub")" \
		"$(cut -d' ' -f2 "$SCRATCH/certificate.pub")" "$(cut -d' ' -f2 "$SCRATCH/ca.pub")")
	[ "$told" = "$expected" ]
	program principals <<-SH
		echo 'command="echo forced" anna'
	SH
	run -0 with true
	[ "$output" = forced ]
	program principals <<-SH
		echo carl
	SH
	run -255 with true
	grep -q 'Certificate does not contain an authorized principal' "$SSHD_LOG"
	program principals <<-SH
		echo anna
		exit 1
	SH
	run -255 with true
}

@test "principals: a file, then the program" {
	configure 'AuthorizedKeysCommand none' "TrustedUserCAKeys $SCRATCH/ca.pub" \
		"AuthorizedPrincipalsFile $SCRATCH/principals" \
		"AuthorizedPrincipalsCommand $DIRECTORY/principals" 'AuthorizedPrincipalsCommandUser nobody'
	with() { ssh_ -o CertificateFile="$SCRATCH/certificate.pub" target "$@"; }
	program principals <<-SH
		echo "asked for \$*" >&2
		echo anna
	SH
	echo bert > "$SCRATCH/principals"
	run -0 with true
	run -1 grep 'asked for' "$SSHD_LOG"
	echo carl > "$SCRATCH/principals"
	run -0 with true
	grep -q "AuthorizedPrincipalsCommand: asked for $ME" "$SSHD_LOG"
}
