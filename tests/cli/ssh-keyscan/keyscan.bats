# ssh-keyscan: what it prints, which hosts, and that none waits for another.

setup_file() {
	load ../common
	make_keys
	for t in rsa ecdsa; do
		"$KEYGEN" -q -t $t -b "$([ $t = rsa ] && echo 2048 || echo 384)" \
			-N '' -f "$SCRATCH/host_$t"
	done
	"$KEYGEN" -q -N '' -f "$SCRATCH/ca"
	"$KEYGEN" -q -s "$SCRATCH/ca" -h -I host -n localhost "$SCRATCH/host_ed25519.pub"
	start_sshd "HostKey $SCRATCH/host_rsa" "HostKey $SCRATCH/host_ecdsa" \
		"HostCertificate $SCRATCH/host_ed25519-cert.pub" \
		"MaxStartups 200:30:300" "ListenAddress 127.0.0.2"
}
teardown_file() { load ../common; stop_sshd; }
setup() {
	load ../common
	KEYSCAN=$BIN/ssh-keyscan
	cd "$BATS_TEST_TMPDIR"
}
teardown() { [ -z "${FAKE_PID:-}" ] || kill "$FAKE_PID" 2>/dev/null || true; }

key() { cut -d' ' -f1,2 "$SCRATCH/host_$1.pub"; }

# A host that says a few bytes and then nothing, or hangs up on the first N.
fake_host() {
	rm -f fake_port fake_log
	python3 - "$1" "${2:-hold}" 3>&- <<-'E' &
		import os, socket, sys
		s = socket.socket()
		s.bind(("127.0.0.1", 0))
		s.listen(50)
		open("fake_port.new", "w").write(str(s.getsockname()[1]))
		os.rename("fake_port.new", "fake_port")
		held = []
		while True:
		    c, _ = s.accept()
		    c.sendall(sys.argv[1].encode().decode("unicode_escape").encode("latin-1"))
		    open("fake_log", "ab").write(c.recv(255))
		    if sys.argv[2] == "close": c.close()
		    else: held.append(c)
	E
	FAKE_PID=$!
	for _ in $(seq 200); do
		[ -e fake_port ] && break
		sleep 0.05
	done
	FAKE_PORT=$(cat fake_port)
}

@test "the keys of a host, as lines of known_hosts" {
	run -0 --separate-stderr "$KEYSCAN" -T 60 -p "$PORT" 127.0.0.1
	[[ ${lines[0]} == "# 127.0.0.1:$PORT SSH-2.0-Sheetbend_"* ]]
	diff - <(sed 1d <<< "$output") <<-END
		[127.0.0.1]:$PORT $(key rsa)
		[127.0.0.1]:$PORT $(key ed25519)
		[127.0.0.1]:$PORT $(key ecdsa)
	END
	[ -z "$stderr" ]
	# ssh takes them.
	echo "$output" > known
	run -0 "$SSH" -F none -o UserKnownHostsFile="$PWD/known" \
		-o StrictHostKeyChecking=yes -o BatchMode=yes -o RememberHosts=no \
		-i "$SCRATCH/user_ed25519" -p "$PORT" 127.0.0.1 true
}

@test "-t chooses types, -q leaves comments out" {
	for t in ed25519 ssh-ed25519; do
		run -0 "$KEYSCAN" -T 60 -q -t $t -p "$PORT" 127.0.0.1
		[ "$output" = "[127.0.0.1]:$PORT $(key ed25519)" ]
	done
	run -0 "$KEYSCAN" -T 60 -q -t ecdsa,rsa-sha2-256 -p "$PORT" 127.0.0.1
	[ "$output" = "[127.0.0.1]:$PORT $(key ecdsa)
[127.0.0.1]:$PORT $(key rsa)" ]
	run -1 "$KEYSCAN" -T 60 -q -t dsa -p "$PORT" 127.0.0.1
	[ -z "$output" ]
	run -1 "$KEYSCAN" -T 60 -t potato 127.0.0.1
	[ "$output" = 'Unknown key type "potato"' ]
}

@test "-H hashes names" {
	run -0 "$KEYSCAN" -T 60 -qH -t ed25519 -p "$PORT" localhost
	[[ $output == "|1|"*" $(key ed25519)" ]]
	echo "$output" > known
	run -0 "$KEYGEN" -F "[localhost]:$PORT" -f known
}

@test "-D prints SSHFP records" {
	run -0 "$KEYSCAN" -T 60 -D -t ed25519 -p "$PORT" localhost
	[[ ${lines[0]} == "; localhost:$PORT SSH-2.0-"* ]]
	diff <(sed 1d <<< "$output") <("$KEYGEN" -r localhost -f "$SCRATCH/host_ed25519.pub")
	run -0 "$KEYSCAN" -T 60 -qD -O hashalg=sha256 -t ed25519 -p "$PORT" localhost
	[ "$output" = "$("$KEYGEN" -r localhost -O hashalg=sha256 -f "$SCRATCH/host_ed25519.pub")" ]
	run -1 "$KEYSCAN" -T 60 -D -O hashalg=md5 localhost
	[[ $output == 'Unsupported hash algorithm "md5"'* ]]
}

@test "-c asks for certificates" {
	run -0 "$KEYSCAN" -T 60 -qc -p "$PORT" localhost
	[ "$output" = "$(cut -d' ' -f1,2 "$SCRATCH/host_ed25519-cert.pub")" ]
}

@test "lists of addresses, and the names to print for them" {
	run -0 "$KEYSCAN" -T 60 -q -t ed25519 -p "$PORT" 127.0.0.3,127.0.0.2
	[ "${lines[0]}" = "[127.0.0.3]:$PORT $(key ed25519)" ] ||
		[ "${lines[1]}" = "[127.0.0.3]:$PORT $(key ed25519)" ]
	cat > list <<-END
		# a comment
		127.0.0.1,127.0.0.2 name,Name2

		127.0.0.2
	END
	for source in "-f list" "-f -"; do
		# shellcheck disable=SC2086
		run -0 "$KEYSCAN" -T 60 -q -t ed25519 -p "$PORT" $source < list
		diff - <(sort <<< "$output") <<-END
			[127.0.0.2]:$PORT $(key ed25519)
			[name2]:$PORT $(key ed25519)
			[name]:$PORT $(key ed25519)
		END
	done
	run -1 "$KEYSCAN" -T 60 -f missing
	[ "$output" = "ssh-keyscan: missing: No such file or directory" ]
}

@test "ranges of addresses" {
	run -0 "$KEYSCAN" -T 60 -q -t ed25519 -p "$PORT" 127.0.0.0/29
	diff - <(sort <<< "$output") <<-END
		[127.0.0.1]:$PORT $(key ed25519)
		[127.0.0.2]:$PORT $(key ed25519)
	END
	run -1 "$KEYSCAN" 10.0.0.0/4
	[ "$output" = "10.0.0.0/4: the network is too large: at most 16 million addresses are scanned" ]
	run -1 "$KEYSCAN" 10.0.0.0/33
	[[ $output == "10.0.0.0/33: bad network: "* ]]
}

@test "hosts that are not there are said and skipped" {
	run -0 --separate-stderr "$KEYSCAN" -T 60 -q -t ed25519 -p "$PORT" \
		nosuchhost.invalid 127.0.0.9 127.0.0.1
	[ "$output" = "[127.0.0.1]:$PORT $(key ed25519)" ]
	[[ $stderr == *"getaddrinfo nosuchhost.invalid: "* ]]
	[[ $stderr == *"127.0.0.9: Connection refused"* ]]
	run -1 "$KEYSCAN" -T 60 -p 1 127.0.0.1
	[ "${output%$'\r'}" = "127.0.0.1: Connection refused" ]
}

@test "silent hosts hold up nobody, and -T ends them" {
	for greeting in '' 'SSH-2.0-half' 'SSH-2.0-x\r\n'; do
		fake_host "$greeting"
		for _ in $(seq 30); do echo "127.0.0.1 silent"; done > list
		started=$EPOCHREALTIME
		run -1 "$KEYSCAN" -q -T 1 -t ed25519 -p "$FAKE_PORT" -f list
		[ "$(grep -c '127.0.0.1: no answer for 1 seconds' <<< "$output")" -eq 30 ]
		# Thirty, and they took one second together (generously).
		[ "$((${EPOCHREALTIME%.*} - ${started%.*}))" -lt 15 ]
		kill "$FAKE_PID"
	done
}

@test "a host that talks nonsense or hangs up" {
	fake_host 'SSH-1.5-old\r\n'
	run -1 "$KEYSCAN" -T 60 -t ed25519 -p "$FAKE_PORT" 127.0.0.1
	[[ $output == *"127.0.0.1: "* ]]
	kill "$FAKE_PID"
	fake_host 'SSH-2.0-\x1b[31mred\r\ngarbage that is no packet at all, but long' close
	run -1 "$KEYSCAN" -T 60 -t ed25519 -p "$FAKE_PORT" 127.0.0.1
	[[ $output != *$'\e'* ]]
	kill "$FAKE_PID"
	# Dropped before a word: tried again, as sshd does that under load.
	fake_host '' close
	run -1 "$KEYSCAN" -T 60 -t ed25519 -p "$FAKE_PORT" 127.0.0.1
	[ "$(grep -ac OpenSSH-keyscan fake_log)" -ge 1 ]
	[ "$(grep -ao 'SSH-2.0-Sheetbend' fake_log | wc -l)" -eq 4 ]
}

@test "hundreds of targets" {
	for i in $(seq 200); do echo "127.0.0.1 n$i"; done > list
	run -0 "$KEYSCAN" -T 60 -q -t ed25519 -p "$PORT" -f list
	[ "$(grep -c "^\[n[0-9]*\]:$PORT $(key ed25519)$" <<< "$output")" -eq 200 ]
	# With few descriptors they take turns.
	run -0 bash -c "ulimit -n 40; '$KEYSCAN' -T 60 -q -t ed25519 -p $PORT -f list"
	[ "${#lines[@]}" -eq 200 ]
}

@test "-4 and -6, usage, bad values" {
	run -0 "$KEYSCAN" -T 60 -4 -q -t ed25519 -p "$PORT" localhost
	run -1 "$KEYSCAN" -6 -q -T 2 -t ed25519 -p "$PORT" 127.0.0.1
	run -1 "$KEYSCAN"
	[[ $output == "usage: ssh-keyscan "* ]]
	run -1 "$KEYSCAN" -T 60 -p 0 x
	[ "$output" = "Bad port '0'" ]
	run -1 "$KEYSCAN" -T 0 x
	[ "${lines[0]}" = "Bad timeout '0'" ]
}
