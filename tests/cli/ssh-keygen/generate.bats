# ssh-keygen: new keys.

setup() {
	load ../common
	cd "$BATS_TEST_TMPDIR"
}

types="ed25519 ecdsa rsa ssh-ed25519 ecdsa-sha2-nistp256 ecdsa-sha2-nistp384
ecdsa-sha2-nistp521 ssh-rsa"

@test "every type, by short and full name, quietly" {
	for t in $types; do
		run -0 "$KEYGEN" -q -N '' -t "$t" -f "$t" -C "comment of $t"
		[ "$output" = "" ]
		[ "$(stat -c %a "$t")" = 600 ]
		[ "$(stat -c %a "$t.pub")" = 644 ]
		run -0 "$KEYGEN" -l -f "$t"
		[[ $output =~ ^[0-9]+\ SHA256:.{43}\ comment\ of\ $t\ \((RSA|ECDSA|ED25519)\)$ ]]
	done
}

@test "the public file obeys the umask, the private one is always 0600" {
	umask 077
	"$KEYGEN" -q -N '' -f strict
	[ "$(stat -c %a strict.pub)" = 600 ]
	umask 000
	"$KEYGEN" -q -N '' -f lax
	[ "$(stat -c %a lax)" = 600 ]
	[ "$(stat -c %a lax.pub)" = 644 ]
}

@test "sizes" {
	"$KEYGEN" -q -N '' -t rsa -b 2048 -f r
	[[ $("$KEYGEN" -l -f r) == 2048\ * ]]
	"$KEYGEN" -q -N '' -t ecdsa -b 521 -f e
	[[ $("$KEYGEN" -l -f e) == 521\ * ]]
	"$KEYGEN" -q -N '' -t rsa -f d
	[[ $("$KEYGEN" -l -f d) == 3072\ * ]]
}

@test "what is said is what OpenSSH says" {
	run -0 "$KEYGEN" -N '' -f k -C hello
	[ "${lines[0]}" = "Generating public/private ed25519 key pair." ]
	[ "${lines[1]}" = "Your identification has been saved in k" ]
	[ "${lines[2]}" = "Your public key has been saved in k.pub" ]
	[ "${lines[3]}" = "The key fingerprint is:" ]
	[ "${lines[4]}" = "$(fingerprint k) hello" ]
	[ "${lines[5]}" = "The key's randomart image is:" ]
	[ "${lines[6]}" = "+--[ED25519 256]--+" ]
	[ "${lines[16]}" = "+----[SHA256]-----+" ]
	[ "${#lines[@]}" = 17 ]
}

@test "the comment is user@host where none is given, and may be empty" {
	"$KEYGEN" -q -N '' -f k
	[ "$(cut -d' ' -f3 k.pub)" = "$ME@$(hostname)" ]
	"$KEYGEN" -q -N '' -f e -C ''
	[ "$(wc -w < e.pub)" = 2 ]
	[[ $("$KEYGEN" -l -f e) == *" no comment (ED25519)" ]]
}

@test "the file name is asked for, and its end is no crash" {
	run -0 "$KEYGEN" -N '' -C c <<< "$PWD/asked"
	[[ $output == *"Enter file in which to save the key ("*"/.ssh/id_ed25519): "* ]]
	[ -s asked ]
	run -1 "$KEYGEN" -N '' < /dev/null
}

@test "an existing file is kept unless the answer is y" {
	"$KEYGEN" -q -N '' -f k -C first
	cp k kept
	run -1 "$KEYGEN" -q -N '' -f k <<< n
	[[ $output == *"k already exists."*"Overwrite (y/n)? "* ]]
	cmp k kept
	run -1 "$KEYGEN" -q -N '' -f k < /dev/null
	cmp k kept
	run -0 "$KEYGEN" -q -N '' -f k -C second <<< y
	! cmp -s k kept
	[[ $("$KEYGEN" -l -f k) == *" second (ED25519)" ]]
}

@test "a passphrase is asked for twice, without echo" {
	run -0 "$PTYRUN" -e 'Enter passphrase for "k" (empty for no passphrase): ' \
		-s 'sesame\n' -e 'Enter same passphrase again: ' -s 'sesame\n' \
		-- "$KEYGEN" -f k -C c
	[[ $output != *sesame* ]]
	run -0 "$KEYGEN" -y -P sesame -f k
	run -255 "$KEYGEN" -y -P wrong -f k
}

@test "passphrases that differ are asked for again" {
	run -0 "$PTYRUN" -e ': ' -s 'one\n' -e 'again: ' -s 'two\n' \
		-e 'Passphrases do not match.  Try again.' \
		-e ': ' -s 'one\n' -e 'again: ' -s 'one\n' -- "$KEYGEN" -q -f k
	run -0 "$KEYGEN" -y -P one -f k
}

@test "signals at a passphrase give the terminal back and make no file" {
	# (ptyrun fails by itself where the terminal's modes are not restored)
	run env --default-signal "$PTYRUN" -e '(empty for no passphrase): ' \
		-s 'ses\x03' -- "$KEYGEN" -q -f k
	[ "$status" -eq 130 ]
	for s in TERM:143 HUP:129; do
		run "$PTYRUN" -e '(empty for no passphrase): ' -k "${s%:*}" \
			-- "$KEYGEN" -q -f k
		[ "$status" -eq "${s#*:}" ]
	done
	[ ! -e k ]
}

@test "the end of input at a passphrase makes no file" {
	run -1 "$PTYRUN" -e '(empty for no passphrase): ' -s '\x04' -- "$KEYGEN" -q -f k
	[ ! -e k ]
}

@test "a passphrase comes from an ask-pass program where that is wanted" {
	printf '#!/bin/sh\necho "$1" >> asked\necho sesame\n' > askpass
	chmod 755 askpass
	SSH_ASKPASS=$PWD/askpass SSH_ASKPASS_REQUIRE=force run -0 "$KEYGEN" -q -f k
	[ "$(head -n 1 asked)" = 'Enter passphrase for "k" (empty for no passphrase): ' ]
	[ "$(wc -l < asked)" = 2 ]
	run -0 "$KEYGEN" -y -P sesame -f k
}

@test "without a terminal the ask-pass program needs a display" {
	printf '#!/bin/sh\necho sesame\n' > askpass
	chmod 755 askpass
	export SSH_ASKPASS=$PWD/askpass
	DISPLAY=:7 run -0 setsid -w "$KEYGEN" -q -f with < /dev/null
	run -0 "$KEYGEN" -y -P sesame -f with
	WAYLAND_DISPLAY=w run -0 setsid -w "$KEYGEN" -q -f wayland < /dev/null
	run -1 setsid -w "$KEYGEN" -q -f without < /dev/null
	[ ! -e without ]
	DISPLAY=:7 SSH_ASKPASS_REQUIRE=never run -1 setsid -w "$KEYGEN" -q -f never < /dev/null
	[ ! -e never ]
}

@test "an ask-pass program that fails or is missing is said so" {
	export SSH_ASKPASS_REQUIRE=force
	SSH_ASKPASS=/bin/false run -1 "$KEYGEN" -q -f k
	[ "$output" = "no passphrase: the ask-pass program /bin/false gave no answer" ]
	SSH_ASKPASS=/no/such run -1 "$KEYGEN" -q -f k
	[ "$output" = "no passphrase: the ask-pass program /no/such cannot be run" ]
	[ ! -e k ]
}

@test "every cipher encrypts a file" {
	for c in 3des-cbc aes{128,192,256}-{cbc,ctr} aes{128,256}-gcm@openssh.com \
		chacha20-poly1305@openssh.com; do
		"$KEYGEN" -q -a 1 -N sesame -Z "$c" -f "$c" -C c
		[ "$("$KEYGEN" -y -P sesame -f "$c")" = "$(cat "$c.pub")" ]
		base64 -d <(grep -v -e ----- "$c") | grep -aq "$c"
	done
}

@test "formats" {
	"$KEYGEN" -q -N '' -t rsa -b 1024 -m PEM -f r
	[ "$(head -n 1 r)" = "-----BEGIN RSA PRIVATE KEY-----" ]
	"$KEYGEN" -q -N '' -t ecdsa -m PEM -f e
	[ "$(head -n 1 e)" = "-----BEGIN EC PRIVATE KEY-----" ]
	"$KEYGEN" -q -N '' -t ecdsa -m pkcs8 -f p
	[ "$(head -n 1 p)" = "-----BEGIN PRIVATE KEY-----" ]
	"$KEYGEN" -q -N sesame -t ed25519 -m PKCS8 -f q
	[ "$(head -n 1 q)" = "-----BEGIN ENCRYPTED PRIVATE KEY-----" ]
	"$KEYGEN" -q -N '' -t ed25519 -m PEM -f o
	[ "$(head -n 1 o)" = "-----BEGIN OPENSSH PRIVATE KEY-----" ]
	"$KEYGEN" -q -N '' -m RFC4716 -f n
	[ "$(head -n 1 n)" = "-----BEGIN OPENSSH PRIVATE KEY-----" ]
}

@test "bad values: one sentence, status 1, no file" {
	check() {
		want=$1
		shift
		run -1 "$KEYGEN" -q -N '' -f k "$@"
		[ "$output" = "$want" ]
		[ ! -e k ]
	}
	check "unknown key type foo" -t foo
	check "Invalid RSA key length: minimum is 1024 bits" -t rsa -b 1023
	check "Invalid RSA key length: maximum is 16384 bits" -t rsa -b 16385
	check "Invalid ECDSA key length: valid lengths are 256, 384 or 521 bits" -t ecdsa -b 255
	check "Invalid OpenSSH-format cipher 'foo'" -Z foo
	check "Invalid OpenSSH-format cipher 'none'" -Z none
	check "Invalid hash algorithm \"foo\"" -E foo
	check "Unsupported conversion format \"foo\" (RFC4716, PEM and PKCS8 are known)" -m foo
	check "Too many arguments." extra
	for v in x 0 -1 99999999999999999999 '' 1x; do
		run -1 "$KEYGEN" -q -N '' -f k -b "$v"
		[[ $output == "Bits has bad value $v "* ]]
		run -1 "$KEYGEN" -q -N '' -f k -a "$v"
		[[ $output == "Rounds has bad value $v "* ]]
	done
}

@test "options and modes that do not go together are refused" {
	run -1 "$KEYGEN" -O foo -f k
	[[ $output == "ssh-keygen: -O foo says nothing here"* ]]
	run -1 "$KEYGEN" -p -c -f k
	[ "$output" = "Can only have one of -p and -c." ]
	[ ! -e k ]
}

@test "DSA keys are not made, and why is said" {
	for t in dsa ssh-dss; do
		run -1 "$KEYGEN" -q -t $t -N '' -f k
		[[ $output == "DSA keys are read and used where that is allowed, but not made: "* ]]
		[ ! -e k ]
	done
}

# start_asking COMMAND...: ssh-keygen that waits for the name of the file, as
# $pid; descriptor 9 answers it.
start_asking() {
	mkfifo question
	exec 9<> question
	"$@" < question 3>&- 9>&- > out 2> err &
	pid=$!
	for _ in $(seq 600); do
		! grep -q 'Enter file\|comment: ' out err || return 0
		sleep 0.1
	done
	cat out err
	return 1
}

@test "passphrases of the command line are wiped there" {
	start_asking "$KEYGEN" -t ed25519 -a 1 -Psesame1 -N sesame2 -C seen
	tr '\0' ' ' < "/proc/$pid/cmdline" > line
	echo "$BATS_TEST_TMPDIR/k" >&9
	wait "$pid"
	exec 9>&-
	grep -q 'ed25519 .*seen' line
	run -1 grep sesame line
	"$KEYGEN" -y -P sesame2 -f k
}

# Of a process that cannot be dumped, /proc belongs to root.
@test "no core is dumped of a process with keys" {
	as_other=(env)
	[ "$(id -u)" -ne 0 ] || as_other=(setpriv --reuid nobody --regid nogroup --clear-groups)
	start_asking "${as_other[@]}" "$KEYGEN" -t ed25519 -N ''
	owner=$(stat -c %u "/proc/$pid/environ")
	echo /nowhere/k >&9
	wait "$pid" || :
	exec 9>&-
	[ "$owner" = 0 ]
}

@test "keys lie in locked memory" {
	[ "$(ulimit -l)" = unlimited ] || [ "$(ulimit -l)" -ge 1024 ] ||
		skip "no memory may be locked"
	"$KEYGEN" -q -t ed25519 -N '' -f "$BATS_TEST_TMPDIR/k"
	start_asking "$KEYGEN" -c -f "$BATS_TEST_TMPDIR/k"
	locked=$(sed -n 's/^VmLck:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$pid/status")
	echo new >&9
	wait "$pid"
	exec 9>&-
	[ "$locked" -ge 64 ]
}

@test "usage names the modes that exist" {
	run -1 "$KEYGEN" '-?'
	[[ ${lines[0]} == *": invalid option -- '?'" ]]
	[[ ${lines[1]} == "usage: ssh-keygen "* ]]
	[[ $output == *"ssh-keygen -e"* ]]
}

@test "a folder that cannot be written is said so" {
	run -1 "$KEYGEN" -q -N '' -f /proc/none/k
	[[ $output == 'Saving key "/proc/none/k" failed: '*"No such file or directory" ]]
}

@test "-A makes the missing host keys, and those only" {
	conf=$(strings -a "$KEYGEN" | grep -m1 '^/.*etc/ssh$' || echo /etc/ssh)
	mkdir -p "root$conf"
	run -0 "$KEYGEN" -A -f "$PWD/root"
	[ "$output" = "ssh-keygen: generating new host keys: RSA ECDSA ED25519 MLDSA44-ED25519 " ]
	for t in rsa ecdsa ed25519; do
		[ "$(stat -c %a "root$conf/ssh_host_${t}_key")" = 600 ]
	done
	run -0 "$KEYGEN" -A -f "$PWD/root"
	[ "$output" = "" ]
	rm "root$conf/ssh_host_ecdsa_key"
	run -0 "$KEYGEN" -A -f "$PWD/root"
	[ "$output" = "ssh-keygen: generating new host keys: ECDSA " ]
	run -1 "$KEYGEN" -A -f "$PWD/nowhere"
}

@test "closed standard descriptors do not end up in a key" {
	run -0 bash -c '"$KEYGEN" -N "" -f k -C c >&- 2>&- <&-; [ -s k ]'
	run -0 "$KEYGEN" -y -f k
}
