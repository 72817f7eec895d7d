# Sessions with a terminal: raw mode, sizes, escapes, and the way back.

setup_file() {
	load ../common
	start_sshd 'PrintMotd no' 'PrintLastLog no'
}
teardown_file() { load ../common; stop_sshd; }
setup() { load ../common; }

# Something plain to talk to, whatever the account's shell is.
READY="stty -echo; echo rea''dy; exec sh -c 'while read -r line; do case \$line in size) stty size;; tty) tty;; bye) exit 9;; *) echo got:\$line;; esac; done'"

@test "a command with -t has a terminal there, raw mode here" {
	run -9 pty_ -e ready -R -s 'tty\r' -e /dev/ -s 'bye\r' -e 'Connection to 127.0.0.1 closed.' -- -t target "$READY"
}

@test "the size of the window and its changes reach the other side" {
	run -9 pty_ -w 90x31 -e ready -s 'size\r' -e '31 90' -w 120x40 -d 300 -s 'size\r' -e '40 120' \
		-s 'bye\r' -- -t target "$READY"
}

@test "TERM goes along, or what SetEnv says" {
	TERM=vt220 run -0 pty_ -e 'is vt220' -- -t target 'echo is $TERM'
	TERM=vt220 run -0 pty_ -e 'is xterm' -- -t -o SetEnv=TERM=xterm target 'echo is $TERM'
}

@test "terminal modes go along" {
	run -0 pty_ -e 'min is -icrnl' -- -t target "stty -a | grep -q icrnl && echo min is -icrnl"
}

@test "~. ends the session with 255" {
	run -255 pty_ -e ready -s '\r~.' -e 'Connection to 127.0.0.1 closed.' -- -t target "$READY"
}

@test "~? ~# ~I ~B ~C tell what they do" {
	run -255 pty_ -e ready -s '\r~?' -e 'Supported escape sequences' -s '~#' -e 'session' -s '~I' -e 'cipher' \
		-s '~C' -e 'not available' -s '~B' -e '~B' -s '~.' -- -t target "$READY"
}

@test "~~ sends one, ~x sends both, in a line ~ is nothing special" {
	run -9 pty_ -e ready -s '\r~~one\r' -e 'got:~one' -s '~x\r' -e 'got:~x' -s 'a~.\r' -e 'got:a~.' \
		-s 'bye\r' -- -t target "$READY"
}

@test "an escape typed in two parts" {
	run -255 pty_ -e ready -s '\r~' -d 200 -s '.' -- -t target "$READY"
}

@test "-e none switches escapes off, -e changes the character" {
	run -9 pty_ -e ready -s '\r~.\r' -e 'got:~.' -s 'bye\r' -- -e none -t target "$READY"
	run -255 pty_ -e ready -s '\r%.' -- -e % -t target "$READY"
}

@test "~R exchanges new keys and nothing is lost" {
	run -9 pty_ -e ready -s '\r~Rafter\r' -e 'got:after' -s 'bye\r' -- -v -E "$BATS_TEST_TMPDIR/log" -t target "$READY"
	[ "$(grep -c 'NEWKEYS sent' "$BATS_TEST_TMPDIR/log")" -eq 2 ]
}

@test "~^Z stops ssh with the terminal as it was, and goes on raw" {
	run -9 pty_ -e ready -s '\r~\x1a' -z -q -k CONT -d 300 -R -s 'back\r' -e 'got:back' -s 'bye\r' -- -t target "$READY"
}

@test "signals that end ssh leave the terminal as it was" {
	for signal in TERM HUP INT; do
		run -255 pty_ -e ready -R -k $signal -- -t target "$READY"
	done
}

@test "a server that dies leaves the terminal as it was" {
	run -255 pty_ -e ready -R -s 'x\r' -e 'Connection to 127.0.0.1 closed by remote host.' \
		-e 'Connection to 127.0.0.1 closed.' -- \
		-t target "echo rea''dy; read x; kill -9 \$PPID"
}

@test "-T and -tt" {
	run -0 pty_ -e 'not a tty' -- -T target 'tty; true'
	run -0 ssh_ -tt target 'tty' </dev/null
	[[ "$output" == */dev/* ]]
}

@test "a shell is the default with a terminal" {
	run -5 pty_ -s 'exit 5\r' -- target
}

@test "keys come back at once under ObscureKeystrokeTiming" {
	run -9 pty_ -e ready -s 'a\r' -e 'got:a' -s 'b\r' -e 'got:b' -d 500 -s 'c\r' -e 'got:c' -s 'bye\r' -- \
		-o ObscureKeystrokeTiming=yes -t target "$READY"
}
