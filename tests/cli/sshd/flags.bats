# The command line of sshd: what it prints, and its exit statuses.

setup_file() {
	load ../common
	make_keys
}
setup() {
	load ../common
	SSHD=$BIN/sshd
	CONF=$BATS_TEST_TMPDIR/sshd_config
	[ "$(id -u)" -ne 0 ] || mkdir -p /run/sshd
}

conf() {
	printf '%s\n' "HostKey $SCRATCH/host_ed25519" "$@" > "$CONF"
}

@test "-V names the version on stderr" {
	run -0 --separate-stderr "$SSHD" -V
	[ -z "$output" ]
	[[ "$stderr" == Sheetbend_*"(compatible with OpenSSH_10.5p1), OpenSSL "* ]]
}

@test "an unknown flag prints the usage, status 1" {
	run -1 --separate-stderr "$SSHD" -Z
	[[ "$stderr" == *"usage: sshd "* ]]
	run -1 "$SSHD" -f /dev/null extra
}

@test "a bad port or grace time ends with status 1" {
	run -1 --separate-stderr "$SSHD" -p 0
	[ "$stderr" = "Bad port number." ]
	run -1 "$SSHD" -p 65536
	run -1 "$SSHD" -p 2x
	run -1 --separate-stderr "$SSHD" -g soon
	[ "$stderr" = "Invalid login grace time." ]
}

@test "-t is silent about a good configuration" {
	conf
	run -0 "$SSHD" -t -f "$CONF"
	[ -z "$output" ]
}

@test "-t names the file and line of a fault, status 255" {
	conf "Port 22" "NoSuchKeyword yes"
	run -255 --separate-stderr "$SSHD" -t -f "$CONF"
	[[ "$stderr" == *"$CONF: line 3: Bad configuration option: NoSuchKeyword"* ]]
	[[ "$stderr" == *"$CONF: terminating, 1 bad configuration options"* ]]
}

@test "-t without a configuration file says so, status 1" {
	run -1 --separate-stderr "$SSHD" -t -f "$BATS_TEST_TMPDIR/none"
	[[ "$stderr" == *"$BATS_TEST_TMPDIR/none"*"No such file"* ]]
}

@test "without a host key: one sentence, status 1" {
	echo "HostKey $BATS_TEST_TMPDIR/none" > "$CONF"
	run -1 --separate-stderr "$SSHD" -t -f "$CONF"
	[[ "$stderr" == *"Unable to load host key \"$BATS_TEST_TMPDIR/none\""* ]]
	[[ "$stderr" == *"sshd: no hostkeys available -- exiting."* ]]
}

@test "damaged, encrypted and public-only host keys are refused" {
	head -c 100 "$SCRATCH/host_ed25519" > "$BATS_TEST_TMPDIR/cut"
	: > "$BATS_TEST_TMPDIR/empty"
	"$KEYGEN" -q -t ed25519 -N secret -f "$BATS_TEST_TMPDIR/locked"
	cp "$SCRATCH/host_ed25519.pub" "$BATS_TEST_TMPDIR/public"
	chmod 600 "$BATS_TEST_TMPDIR"/{cut,empty,locked,public}
	for f in cut empty locked public; do
		echo "HostKey $BATS_TEST_TMPDIR/$f" > "$CONF"
		run -1 --separate-stderr "$SSHD" -t -f "$CONF"
		[[ "$stderr" == *"$BATS_TEST_TMPDIR/$f"* ]]
	done
}

@test "a host key that others can read is refused, with the box" {
	cp "$SCRATCH/host_ed25519" "$BATS_TEST_TMPDIR/open"
	chmod 644 "$BATS_TEST_TMPDIR/open"
	echo "HostKey $BATS_TEST_TMPDIR/open" > "$CONF"
	run -1 --separate-stderr "$SSHD" -t -f "$CONF"
	[[ "$stderr" == *"UNPROTECTED PRIVATE KEY FILE"* ]]
}

@test "one usable host key among bad ones is enough" {
	conf "HostKey $BATS_TEST_TMPDIR/none"
	run -0 "$SSHD" -t -f "$CONF"
}

@test "-T prints every keyword, and takes what it printed" {
	conf "Port 2022" "Banner /etc/issue.net" "MaxStartups 1:2:3"
	run -0 --separate-stderr "$SSHD" -T -f "$CONF"
	[[ "$output" == *$'\nbanner /etc/issue.net\n'* ]]
	[[ "$output" == *$'\nmaxstartups 1:2:3\n'* ]]
	[[ "$output" == "port 2022"* ]]
	echo "$output" > "$BATS_TEST_TMPDIR/again"
	run -0 --separate-stderr "$SSHD" -T -f "$BATS_TEST_TMPDIR/again"
	[ "$output" = "$(cat "$BATS_TEST_TMPDIR/again")" ]
}

@test "-G needs no host keys" {
	echo "HostKey $BATS_TEST_TMPDIR/none" > "$CONF"
	run -0 --separate-stderr "$SSHD" -G -f "$CONF"
	[[ "$output" == *"hostkey $BATS_TEST_TMPDIR/none"* ]]
}

@test "-T -C applies Match blocks" {
	conf "Banner none" "Match User alice" "  Banner /a" "Match Address 192.0.2.0/24" "  Banner /b"
	run -0 "$SSHD" -T -f "$CONF" -C user=alice,host=h,addr=198.51.100.1
	[[ "$output" == *$'\nbanner /a\n'* ]]
	run -0 "$SSHD" -T -f "$CONF" -C user=bob,host=h,addr=192.0.2.9
	[[ "$output" == *$'\nbanner /b\n'* ]]
	run -0 "$SSHD" -T -f "$CONF" -C user=bob -C host=h,addr=198.51.100.1
	[[ "$output" == *$'\nbanner none\n'* ]]
	run -1 "$SSHD" -T -f "$CONF" -C nonsense=1
	run -1 "$SSHD" -t -f "$CONF" -o NoSuchKeyword=1
}

@test "-o beats the file, -p replaces its ports, -h adds a key" {
	conf "Port 1111" "MaxAuthTries 3"
	run -0 "$SSHD" -T -f "$CONF" -o MaxAuthTries=9 -p 2222 -p 3333
	[[ "$output" == "port 2222"$'\n'"port 3333"$'\n'* ]]
	[[ "$output" == *$'\nmaxauthtries 9\n'* ]]
	echo > "$CONF"
	run -0 "$SSHD" -T -f "$CONF" -h "$SCRATCH/host_ed25519"
	[[ "$output" == *"hostkey $SCRATCH/host_ed25519"* ]]
}

@test "-4, -6, -g and -q are the keywords they stand for" {
	conf
	run -0 "$SSHD" -T -4 -g 7 -f "$CONF"
	[[ "$output" == *$'\naddressfamily inet\n'* ]]
	[[ "$output" == *$'\nlogingracetime 7\n'* ]]
	run -0 "$SSHD" -T -6 -q -f "$CONF"
	[[ "$output" == *$'\naddressfamily inet6\n'* ]]
	[[ "$output" == *$'\nloglevel QUIET\n'* ]]
}

@test "a port that is taken: the reason, status 255" {
	conf "ListenAddress 127.0.0.1" "PidFile none"
	start_sshd
	run -255 --separate-stderr timeout 10 "$SSHD" -D -e -f "$CONF" -p "$PORT"
	[[ "$stderr" == *"Bind to port $PORT on 127.0.0.1 failed: Address already in use."* ]]
	[[ "$stderr" == *"Cannot bind any address."* ]]
	stop_sshd
}

@test "a missing privilege separation directory is fatal for root" {
	[ "$(id -u)" -eq 0 ] || skip "root only"
	conf
	run -255 unshare -m sh -c "mount -t tmpfs none /run && exec '$SSHD' -t -f '$CONF'"
	[[ "$output" == *"Missing privilege separation directory: /run/sshd"* ]]
}
