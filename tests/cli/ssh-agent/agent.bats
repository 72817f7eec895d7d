# ssh-agent: its flags, its socket, its life.

setup() {
	load ../agent
	agent_setup
}

teardown() {
	agent_teardown
}

@test "prints where it is, for sh and for csh" {
	run -0 --separate-stderr "$AGENT" -s
	[ -z "$stderr" ]
	[[ ${lines[0]} =~ ^SSH_AUTH_SOCK=$HOME/\.ssh/agent/s\.[A-Za-z0-9]{10}\.agent\.[A-Za-z0-9]{10}\;\ export\ SSH_AUTH_SOCK\;$ ]]
	[[ ${lines[1]} =~ ^SSH_AGENT_PID=([0-9]+)\;\ export\ SSH_AGENT_PID\;$ ]]
	echo "${BASH_REMATCH[1]}" >> agents
	[ "${lines[2]}" = "echo Agent pid ${BASH_REMATCH[1]};" ]
	[ ${#lines[@]} -eq 3 ]
	run -0 "$AGENT" -c -a sock
	[ "${lines[0]}" = "setenv SSH_AUTH_SOCK sock;" ]
	[[ ${lines[1]} =~ ^setenv\ SSH_AGENT_PID\ ([0-9]+)\;$ ]]
	echo "${BASH_REMATCH[1]}" >> agents
	[ "${lines[2]}" = "echo Agent pid ${BASH_REMATCH[1]};" ]
	SHELL=/bin/tcsh run -0 "$AGENT" -a sock2
	[[ ${lines[1]} =~ ^setenv\ SSH_AGENT_PID\ ([0-9]+)\;$ ]]
	echo "${BASH_REMATCH[1]}" >> agents
}

@test "a socket whose path a shell would split is quoted" {
	mkdir "it's here"
	start_agent -a "it's here/sock"
	[ "$SSH_AUTH_SOCK" = "it's here/sock" ]
	run -1 "$ADD" -l
}

@test "the socket lies in a private folder and is private" {
	start_agent
	[ "$(stat -c %a "$HOME/.ssh/agent")" = 700 ]
	[ "$(stat -c %a "$SSH_AUTH_SOCK")" = 600 ]
	run -0 "$AGENT" -k
	await test ! -e "$SSH_AUTH_SOCK"
}

@test "-k ends the agent and says what to unset" {
	start_agent
	run -0 --separate-stderr "$AGENT" -k
	[ "$output" = "unset SSH_AUTH_SOCK;
unset SSH_AGENT_PID;
echo Agent pid $SSH_AGENT_PID killed;" ]
	await gone "$SSH_AGENT_PID"
	start_agent
	run -0 "$AGENT" -c -k
	[ "${lines[0]}" = "unsetenv SSH_AUTH_SOCK;" ]
	[ "${lines[1]}" = "unsetenv SSH_AGENT_PID;" ]
	unset SSH_AGENT_PID
	run -1 "$AGENT" -k
	[[ $output == *"SSH_AGENT_PID not set, cannot kill agent"* ]]
	SSH_AGENT_PID=abc run -1 "$AGENT" -k
	[[ $output == *'SSH_AGENT_PID="abc", which is not a good PID'* ]]
}

@test "-T makes a folder for the socket, and removes it" {
	mkdir tmp
	TMPDIR=$PWD/tmp start_agent -T
	[[ $SSH_AUTH_SOCK =~ ^$PWD/tmp/ssh-[A-Za-z0-9]{10}/agent\.[0-9]+$ ]]
	[ "$(stat -c %a "$(dirname "$SSH_AUTH_SOCK")")" = 700 ]
	run -0 "$AGENT" -k
	await test ! -e "$(dirname "$SSH_AUTH_SOCK")"
}

@test "-a refuses what is there already" {
	touch file
	run -1 "$AGENT" -a file
	[[ $output == *file*"Address already in use"* ]]
	[ -f file ]
	run -1 "$AGENT" -a "$(printf '%0120d' 0)"
	[[ $output == *"too long"* ]]
}

@test "a home that cannot hold the socket is no reason to fail" {
	mkdir tmp
	chmod 755 "$HOME"
	touch "$HOME/.ssh"
	export TMPDIR=$PWD/tmp
	start_agent 2> said
	[[ $SSH_AUTH_SOCK == "$PWD"/tmp/* ]]
	grep -q "temporary folder instead" said
}

@test "a command runs under the agent, with its own exit status" {
	run -7 "$AGENT" sh -c 'test -S "$SSH_AUTH_SOCK" && kill -0 "$SSH_AGENT_PID" &&
		echo "$SSH_AUTH_SOCK $SSH_AGENT_PID"; exit 7'
	read -r sock pid <<< "$output"
	await test ! -e "$sock"
	await gone "$pid"
	run -1 --separate-stderr "$AGENT" ./no-such-program
	[[ $stderr == *"no-such-program: No such file or directory"* ]]
	run -0 "$AGENT" -t 1h -a sock "$ADD" -q ed
}

@test "it goes when its command is killed" {
	"$AGENT" sh -c 'echo $SSH_AGENT_PID > pid; exec sleep 100' 3>&- &
	command=$!
	await test -s pid
	kill -9 "$command"
	await gone "$(cat pid)"
}

@test "-D and -d stay in the foreground" {
	for flag in -D -d; do
		"$AGENT" $flag -a "sock$flag" > "out$flag" 2> "err$flag" 3>&- &
		pid=$!
		echo $pid >> agents
		await test -s "out$flag"
		[ "$(sed -n 1p "out$flag")" = "SSH_AUTH_SOCK=sock$flag; export SSH_AUTH_SOCK;" ]
		[ "$(sed -n 2p "out$flag")" = "echo Agent pid $pid;" ]
		SSH_AUTH_SOCK=sock$flag run -1 "$ADD" -l
		kill -INT $pid
		await test ! -e "sock$flag"
	done
	[ ! -s err-D ]
	grep -q 'debug2: request: request identities' err-d
}

@test "-t limits the life of keys that bring no limit" {
	start_agent -t 2
	run -0 "$ADD" ed
	run -0 "$ADD" -t 1h ec
	[ "$(comments)" = "the ed,the ec" ]
	only_ec() { [ "$(comments)" = "the ec" ]; }
	await only_ec
}

@test "SIGUSR1 drops all keys" {
	start_agent
	"$ADD" -q ed ec
	kill -USR1 "$SSH_AGENT_PID"
	empty() { [ "$("$ADD" -l)" = "The agent has no identities." ]; }
	await empty
}

@test "other signals end it and remove the socket" {
	for signal in TERM HUP; do
		start_agent -a here$signal
		kill -$signal "$SSH_AGENT_PID"
		await test ! -e "$SSH_AUTH_SOCK"
	done
	start_agent
	kill -INT "$SSH_AGENT_PID"
	run -1 "$ADD" -l
	kill -0 "$SSH_AGENT_PID"
}

@test "dead sockets are removed at the start, by -u, and not with -U" {
	start_agent
	dead=$SSH_AUTH_SOCK
	kill -9 "$SSH_AGENT_PID"
	await gone "$SSH_AGENT_PID"
	touch -d '1 minute ago' "$dead"
	start_agent -U
	[ -e "$dead" ]
	start_agent
	[ ! -e "$dead" ]
	live=$SSH_AUTH_SOCK
	touch -d '1 minute ago' "$live"
	# Of another machine: only -u twice says that it may go.
	other=$HOME/.ssh/agent/s.0000000000.agent.1111111111
	mv "$live" "$other"
	kill -9 "$SSH_AGENT_PID"
	await gone "$SSH_AGENT_PID"
	touch -d '1 minute ago' "$other"
	touch "$HOME/.ssh/agent/s.file"
	run -0 "$AGENT" -u
	[ "$output" = "Removed 0 dead sockets of agents." ]
	[ -e "$other" ]
	run -0 "$AGENT" -u -u
	[ "$output" = "Removed 1 dead sockets of agents." ]
	[ ! -e "$other" ]
	[ -e "$HOME/.ssh/agent/s.file" ]
}

@test "-E chooses the fingerprint of the question" {
	start_agent_by() {
		askpass '' 0
		start_agent "$@"
		"$ADD" -q -c ed
		"$ADD" -T ed.pub
	}
	start_agent_by -E md5
	grep -q 'Key fingerprint MD5:' asked
	run -1 "$AGENT" -E nonsense
	[[ $output == *'Invalid hash algorithm "nonsense"'* ]]
}

@test "bad flags are refused with the usage" {
	for flags in -Z "-c -s" "-O nonsense" "-t nonsense" "-a x -T" "-k true" \
		"-P a -P b"; do
		run -1 "$AGENT" $flags
		[[ $output == *"usage: ssh-agent"* ]]
	done
	run -0 "$AGENT" -V
	[[ $output == Sheetbend_*OpenSSL* ]]
}

@test "a confirmed key asks each time; no means no" {
	askpass '' 0
	start_agent
	"$ADD" -q -c ed
	run -0 "$ADD" -T ed.pub
	[ "$(sed -n 1p asked)" = "confirm|Allow use of key the ed?" ]
	grep -q "^Key fingerprint $("$KEYGEN" -lf ed.pub | cut -d' ' -f2)\.$" asked
	sed -i 's/^exit 0/exit 1/' ask
	run -1 "$ADD" -T ed.pub
	[[ $output == *"agent refused operation"* ]]
}

@test "while a person is asked, others are served; a client that goes takes its question along" {
	cat > ask <<-END
		#!/bin/sh
		echo \$\$ > "$PWD/asking"
		exec sleep 100
	END
	chmod +x ask
	export SSH_ASKPASS=$PWD/ask SSH_ASKPASS_REQUIRE=force
	start_agent
	"$ADD" -q -c ed
	"$ADD" -q ec rsa
	"$ADD" -T ed.pub 3>&- &
	client=$!
	await test -s asking
	run -0 timeout 10 "$ADD" -T ec.pub rsa.pub
	kill "$client"
	await gone "$(cat asking)"
	run -0 "$ADD" -T ec.pub
}

@test "LISTEN_FDS: a socket from the service manager" {
	cat > activate.py <<-'END'
		import os, socket, sys
		s = socket.socket(socket.AF_UNIX)
		s.bind("activated")
		s.listen(5)
		os.dup2(s.fileno(), 3)
		os.set_inheritable(3, True)
		os.environ["LISTEN_PID"] = str(os.getpid())
		os.environ["LISTEN_FDS"] = "1"
		os.execv(sys.argv[1], sys.argv[1:])
	END
	/usr/bin/python3 activate.py "$AGENT" -D > out 2>&1 3>&- &
	pid=$!
	echo $pid >> agents
	await test -S activated
	export SSH_AUTH_SOCK=activated
	listening() { "$ADD" -l > /dev/null 2>&1; [ $? -eq 1 ]; }
	await listening
	run -0 "$ADD" ed
	kill $pid
	await gone $pid
	# The socket is not ours to remove; nothing was printed.
	[ -S activated ]
	[ ! -s out ]
}

@test "another user is refused, root is not" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	chmod 755 "$BATS_TEST_TMPDIR" "$HOME"
	mkdir -m 777 open
	setpriv --reuid nobody --regid nogroup --clear-groups \
		"$AGENT" -D -a open/nobody > out 2>&1 3>&- &
	pid=$!
	echo $pid >> agents
	await test -s out
	SSH_AUTH_SOCK=open/nobody run -1 "$ADD" -l
	[ "$output" = "The agent has no identities." ]
	chmod 777 open/nobody
	"$AGENT" -D -a open/root > out2 2> err2 3>&- &
	echo $! >> agents
	await test -s out2
	chmod 777 open/root
	SSH_AUTH_SOCK=open/root run -1 setpriv --reuid nobody --regid nogroup \
		--clear-groups "$ADD" -l
	[[ $output == *"closed the connection"* ]]
	grep -q "refused: a connection of uid $(id -u nobody)" err2
}

@test "it cannot be traced, and its keys lie in locked memory" {
	start_agent
	"$ADD" -q ed rsa
	# Of a process that cannot be dumped, /proc belongs to root.
	if [ "$(id -u)" -ne 0 ]; then
		[ ! -r "/proc/$SSH_AGENT_PID/environ" ]
		skip "the rest needs root"
	fi
	[ "$(ulimit -l)" = unlimited ] || [ "$(ulimit -l)" -ge 1024 ] ||
		skip "no memory may be locked"
	[ "$(sed -n 's/^VmLck:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$SSH_AGENT_PID/status")" -ge 64 ]
	run setpriv --reuid nobody --regid nogroup --clear-groups --inh-caps=-all --bounding-set=-all \
		cat "/proc/$SSH_AGENT_PID/maps"
	[ "$status" -ne 0 ]
}

@test "many clients at once get their RSA signatures" {
	start_agent
	"$ADD" -q rsa
	for i in 1 2 3 4 5 6 7 8; do
		{ "$ADD" -T rsa.pub && "$ADD" -T rsa.pub; echo $? > "status$i"; } 3>&- &
	done
	wait
	[ "$(cat status? | sort -u)" = 0 ]
}

@test "more connections than it takes wait until others close" {
	ulimit -n 80
	start_agent
	"$ADD" -q ed
	cat > connect.py <<-'END'
		import os, socket
		def connect():
		    s = socket.socket(socket.AF_UNIX)
		    s.connect(os.environ["SSH_AUTH_SOCK"])
		    return s
		many = [connect() for _ in range(60)]
		last = many.pop()
		last.sendall(b"\0\0\0\1\x0b")
		last.settimeout(1)
		try:
		    last.recv(1)
		    print("answered too early")
		except TimeoutError:
		    print("waits")
		for s in many:
		    s.close()
		last.settimeout(20)
		print("answered", len(last.recv(1000)) > 50)
	END
	run -0 /usr/bin/python3 connect.py
	[ "$output" = "waits
answered True" ]
}

@test "a locked agent is shut until the password comes" {
	askpass secret 0
	start_agent
	"$ADD" -q ed
	run -0 "$ADD" -x
	[ "$output" = "Agent locked." ]
	run -1 "$ADD" -l
	[ "$output" = "The agent has no identities." ]
	run -1 "$ADD" ec
	run -1 "$ADD" -x
	askpass wrong 0
	run -1 "$ADD" -X
	[[ $output == "Failed to unlock agent:"* ]]
	run -1 "$ADD" -l
	askpass secret 0
	run -0 "$ADD" -X
	[ "$output" = "Agent unlocked." ]
	[ "$(comments)" = "the ed" ]
}

@test "providers: allowed places only, and not for who comes from elsewhere" {
	askpass 1234 0
	cp "$ROOT"/build/release/tests/cli/tools/sk_software.so . || skip "no library"
	"$AGENT" -D -a sock > out 2> err 3>&- &
	echo $! >> agents
	await test -s out
	export SSH_AUTH_SOCK=sock
	run -1 "$ADD" -s "$PWD/sk_software.so"
	[[ $output == *"agent refused operation"* ]]
	grep -q "refused: adding a provider: the provider $PWD/sk_software.so is not among those of -P" err
	run -1 "$ADD" -s "$PWD/missing.so"
	grep -q "missing.so is not there" err
	run -1 "$ADD" -e "$PWD/sk_software.so"
}
