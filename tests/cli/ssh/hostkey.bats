# Who the server is: known_hosts, questions, warnings.

setup_file() { load ../common; start_sshd; }
teardown_file() { load ../common; stop_sshd; }

setup() {
	load ../common
	KNOWN=$BATS_TEST_TMPDIR/known_hosts
	NAME="[127.0.0.1]:$PORT"
	PRINT=$(fingerprint "$SCRATCH/host_ed25519.pub")
}

# ssh to the server by its address, with a known_hosts of this test.
to_server() {
	ssh_ -o UserKnownHostsFile="$KNOWN" -p "$PORT" 127.0.0.1 "$@"
}

ask_server() {
	local steps=()
	while [ "$1" != -- ]; do
		steps+=("$1")
		shift
	done
	shift
	pty_ "${steps[@]}" -- -o UserKnownHostsFile="$KNOWN" -o StrictHostKeyChecking=ask \
		-o BatchMode=no -p "$PORT" "$@" 127.0.0.1 echo in
}

@test "a known key is accepted silently" {
	echo "$NAME $(cut -d' ' -f1,2 "$SCRATCH/host_ed25519.pub")" > "$KNOWN"
	run -0 --separate-stderr to_server true
	[ -z "$stderr" ]
}

@test "a key known without the port is accepted" {
	echo "127.0.0.1 $(cut -d' ' -f1,2 "$SCRATCH/host_ed25519.pub")" > "$KNOWN"
	run -0 --separate-stderr to_server true
	[ -z "$stderr" ]
}

@test "strict checking refuses a new host" {
	run -255 --separate-stderr to_server true
	[[ "$stderr" == *"No ED25519 host key is known for $NAME and you have requested strict checking."* ]]
	[[ "$stderr" == *"Host key verification failed."* ]]
	[ ! -e "$KNOWN" ]
}

@test "accept-new adds the key, once" {
	run -0 --separate-stderr to_server -o StrictHostKeyChecking=accept-new true
	[ "${stderr%$'\r'}" = "Warning: Permanently added '$NAME' (ED25519) to the list of known hosts." ]
	run -0 --separate-stderr to_server true
	[ -z "$stderr" ]
	[ "$(wc -l < "$KNOWN")" -eq 1 ]
}

@test "HashKnownHosts hides the name" {
	run -0 to_server -o StrictHostKeyChecking=accept-new -o HashKnownHosts=yes true
	grep -q '^|1|' "$KNOWN"
	! grep -q 127.0.0.1 "$KNOWN"
	run -0 to_server true
}

@test "the question: yes" {
	run -0 ask_server -e "The authenticity of host '$NAME ($NAME)' can't be established." \
		-e "ED25519 key fingerprint is $PRINT." \
		-e 'This key is not known by any other names.' \
		-e 'continue connecting (yes/no/[fingerprint])? ' -s 'yes\n' \
		-e "Warning: Permanently added '$NAME' (ED25519)" -e in --
	[ "$(wc -l < "$KNOWN")" -eq 1 ]
}

@test "the question: no" {
	run -255 ask_server -e 'fingerprint])? ' -s 'no\n' -e 'Host key verification failed.' --
	[ ! -e "$KNOWN" ]
}

@test "the question: the right fingerprint, after a wrong one" {
	run -0 ask_server -e 'fingerprint])? ' -s 'SHA256:nonsense\n' \
		-e "Please type 'yes', 'no' or the fingerprint: " -s "$PRINT\\n" -e in --
	[ "$(wc -l < "$KNOWN")" -eq 1 ]
}

@test "the question names other names of the key" {
	echo "elsewhere $(cut -d' ' -f1,2 "$SCRATCH/host_ed25519.pub")" > "$KNOWN"
	run -255 ask_server -e 'known by the following other names/addresses' -e elsewhere \
		-e 'fingerprint])? ' -s 'no\n' --
}

@test "VisualHostKey draws the key" {
	run -0 ask_server -e '+--[ED25519 256]--+' -e '+----[SHA256]-----+' -e 'fingerprint])? ' -s 'yes\n' -- \
		-o VisualHostKey=yes
}

@test "with nobody to ask the reason is told" {
	run -255 --separate-stderr to_server -o StrictHostKeyChecking=ask true
	[[ "$stderr" == *"nobody to ask"* ]]
	[[ "$stderr" == *"Host key verification failed."* ]]
}

@test "a changed key ends it, with the file, the line and the cure" {
	"$KEYGEN" -q -t ed25519 -N '' -f "$BATS_TEST_TMPDIR/other"
	{ echo '# comment'; echo "$NAME $(cut -d' ' -f1,2 "$BATS_TEST_TMPDIR/other.pub")"; } > "$KNOWN"
	run -255 --separate-stderr to_server true
	[[ "$stderr" == *"WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!"* ]]
	[[ "$stderr" == *"$PRINT"* ]]
	[[ "$stderr" == *"Offending ED25519 key in $KNOWN:2"* ]]
	[[ "$stderr" == *"ssh-keygen -f \"$KNOWN\" -R \"$NAME\""* ]]
	[[ "$stderr" == *"Host key for $NAME has changed and you have requested strict checking."* ]]
	[[ "$stderr" == *"Host key verification failed."* ]]
}

@test "a changed key and StrictHostKeyChecking=no: keys only, no passwords" {
	"$KEYGEN" -q -t ed25519 -N '' -f "$BATS_TEST_TMPDIR/other"
	echo "$NAME $(cut -d' ' -f1,2 "$BATS_TEST_TMPDIR/other.pub")" > "$KNOWN"
	run -0 --separate-stderr to_server -o StrictHostKeyChecking=no true
	[[ "$stderr" == *"Password authentication is disabled"* ]]
}

@test "a revoked key is refused whatever else is known" {
	key=$(cut -d' ' -f1,2 "$SCRATCH/host_ed25519.pub")
	printf '%s %s\n@revoked * %s\n' "$NAME" "$key" "$key" > "$KNOWN"
	for strict in yes no accept-new; do
		run -255 --separate-stderr to_server -o StrictHostKeyChecking=$strict true
		[[ "$stderr" == *"REVOKED HOST KEY DETECTED"* ]]
		[[ "$stderr" == *"The ED25519 host key for $NAME is marked as revoked."* ]]
	done
}

@test "RevokedHostKeys: listed keys and unreadable files refuse" {
	echo "$NAME $(cut -d' ' -f1,2 "$SCRATCH/host_ed25519.pub")" > "$KNOWN"
	run -255 to_server -o RevokedHostKeys="$SCRATCH/host_ed25519.pub" true
	run -0 to_server -o RevokedHostKeys="$SCRATCH/user_ed25519.pub" true
	run -255 to_server -o RevokedHostKeys=/no/such/file true
}

@test "a damaged known_hosts line does not matter" {
	printf '%s\n' "garbage" "$NAME ssh-ed25519 AAAA!!!" "$NAME" '|1|x|y ssh-rsa' > "$KNOWN"
	echo "$NAME $(cut -d' ' -f1,2 "$SCRATCH/host_ed25519.pub")" >> "$KNOWN"
	run -0 to_server true
}

@test "NoHostAuthenticationForLocalhost" {
	run -0 to_server -o NoHostAuthenticationForLocalhost=yes true
	[ ! -e "$KNOWN" ]
}
