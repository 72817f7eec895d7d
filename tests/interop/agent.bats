# Agents: foreign clients with ours, our ssh-add with OpenSSH's.

kinds='ed25519 ecdsa256 ecdsa384 ecdsa521 rsa'

setup_file() {
	local flag
	load peers
	start_server ours
	# One file for all of this file's tests.
	serve agent "$BIN/ssh-agent" -D -a "$SCRATCH/ours.sock"
	wait_for_file "$SCRATCH/agent.log"
	serve openssh /usr/bin/ssh-agent -D -a "$SCRATCH/openssh.sock"
	wait_for_file "$SCRATCH/openssh.log"
	"$KEYGEN" -q -t ed25519 -N '' -C certified -f "$SCRATCH/certified"
	"$KEYGEN" -q -s "$SCRATCH/user_ed25519" -I id -n "$ME" "$SCRATCH/certified.pub"
	echo "cert-authority $(cat "$SCRATCH/user_ed25519.pub")" >> "$SCRATCH/authorized_keys"
}

setup() {
	load peers
	cd "$SCRATCH" || return
	export SSH_AUTH_SOCK=$SCRATCH/ours.sock
	ours=$BIN/ssh-add theirs=/usr/bin/ssh-add
	files=()
	for kind in $kinds; do
		files+=("user_$kind")
	done
	"$ours" -qD
}

teardown() { say_why; }
teardown_file() { stop_peers; }

# life_of_keys ADD OTHER: what one program adds the other one sees as well.
life_of_keys() {
	local add=$1 other=$2 pubs=("${files[@]/%/.pub}")
	"$add" -q "${files[@]}" certified
	diff <("$other" -L | cut -d' ' -f1,2) \
		<(cat "${pubs[@]}" certified.pub certified-cert.pub | cut -d' ' -f1,2)
	diff <("$add" -L) <("$other" -L)
	diff <("$add" -l) <("$other" -l)
	"$add" -T "${pubs[@]}" certified.pub certified-cert.pub
	"$other" -T "${pubs[@]}" certified.pub certified-cert.pub
	"$other" -qd user_rsa certified
	[ "$("$add" -l | wc -l)" -eq $((${#files[@]} - 1)) ]
	"$other" -qD
	run -1 "$add" -l
	[ "$output" = "The agent has no identities." ]
}

@test "OpenSSH's ssh-add with our agent" {
	life_of_keys "$theirs" "$ours"
	askpass
	export SSH_ASKPASS=$SCRATCH/askpass SSH_ASKPASS_REQUIRE=force
	"$theirs" -q -t 1h user_ed25519
	run -0 "$theirs" -x
	run -1 "$theirs" -l
	run -0 "$ours" -X
	run -0 "$theirs" -l
	run -0 "$theirs" -x
	run -0 "$theirs" -X
	"$theirs" -q -c user_rsa
	run -0 "$theirs" -H known_hosts -h target user_ecdsa256
}

@test "our ssh-add with OpenSSH's agent" {
	export SSH_AUTH_SOCK=$SCRATCH/openssh.sock
	life_of_keys "$ours" "$theirs"
	askpass
	export SSH_ASKPASS=$SCRATCH/askpass SSH_ASKPASS_REQUIRE=force
	run -0 "$ours" -t 1h user_ed25519
	run -0 "$ours" -x
	run -1 "$ours" -l
	run -0 "$ours" -X
	run -0 "$ours" -l
	run -0 "$ours" -H known_hosts -h target -h 'target>*@target' user_ecdsa256
	# It refuses to use that key for anything else.
	run -1 "$ours" -T user_ecdsa256.pub
	run -1 "$ours" -Q
	"$ours" -qD
}

@test "OpenSSH's ssh logs in by every key of our agent" {
	"$theirs" -q "${files[@]}" certified
	for kind in $kinds; do
		run -0 timeout 30 /usr/bin/ssh -F ssh_config -o "IdentityFile=user_$kind.pub" target echo in
		[ "$output" = in ]
	done
	# The certificate alone, without a file of the key.
	run -0 timeout 30 /usr/bin/ssh -F ssh_config -o IdentitiesOnly=no -o IdentityFile=none target echo in
	"$ours" -qD
	"$ours" -qC certified
	run -0 timeout 30 /usr/bin/ssh -F ssh_config -o IdentitiesOnly=no -o IdentityFile=none target echo in
}

@test "a key for one host, with OpenSSH's ssh: there and nowhere else" {
	echo "elsewhere $(cut -d' ' -f1,2 user_rsa.pub)" > elsewhere
	"$theirs" -q -H known_hosts -h target user_ed25519
	run -0 timeout 30 /usr/bin/ssh -F ssh_config -o IdentityFile=user_ed25519.pub target echo in
	[ "$output" = in ]
	"$ours" -qD
	"$ours" -q -H elsewhere -h elsewhere user_ed25519
	run -255 timeout 30 /usr/bin/ssh -F ssh_config -o IdentityFile=user_ed25519.pub target echo in
	"$ours" -qD
	"$ours" -q -H known_hosts -h nobody@target user_ed25519
	run -255 timeout 30 /usr/bin/ssh -F ssh_config -o IdentityFile=user_ed25519.pub target echo in
}

@test "Paramiko signs by every key of our agent" {
	"$ours" -q "${files[@]}"
	run -0 timeout 60 /usr/bin/python3 "$INTEROP/agent_clients.py" paramiko "${files[@]}"
	[ "$(grep -c '^signed' <<< "$output")" -eq 6 ]
	[ "${lines[-1]}" = done ]
}

@test "AsyncSSH adds, lists, signs, locks and removes with our agent" {
	run -0 timeout 60 /usr/bin/python3 "$INTEROP/agent_clients.py" asyncssh "${files[@]}"
	[ "$(grep -c '^signed' <<< "$output")" -eq 5 ]
	[ "${lines[-1]}" = done ]
}

@test "plink logs in by our agent" {
	command -v plink > /dev/null || skip "no PuTTY"
	mkdir -p home
	export HOME=$SCRATCH/home
	for kind in ed25519 rsa ecdsa256; do
		"$ours" -qD
		"$ours" -q "user_$kind"
		run -0 timeout 30 plink -batch -agent -hostkey "$(fingerprint host_ed25519.pub)" \
			-P "$PORT" -l "$ME" 127.0.0.1 echo in < /dev/null
		[[ $output == *in ]]
	done
}

@test "dbclient logs in by our agent" {
	command -v dbclient > /dev/null || skip "no Dropbear"
	mkdir -p home
	export HOME=$SCRATCH/home
	for kind in ed25519 rsa; do
		"$ours" -qD
		"$ours" -q "user_$kind"
		run -0 timeout 30 dbclient -y -y -p "$PORT" -l "$ME" 127.0.0.1 echo in < /dev/null
		[[ $output == *in ]]
	done
}

@test "git signs commits by a key of our agent" {
	command -v git > /dev/null || skip "no git"
	mkdir -p home
	export HOME=$SCRATCH/home
	git init -q repository
	cd repository
	git config user.name me
	git config user.email me@here
	git config gpg.format ssh
	git config user.signingkey "$(cut -d' ' -f1,2 ../user_ed25519.pub)"
	echo "me@here $(cat ../user_ed25519.pub)" > ../allowed
	git config gpg.ssh.allowedSignersFile "$PWD/../allowed"
	for program in /usr/bin/ssh-keygen "$BIN/ssh-keygen"; do
		git config gpg.ssh.program "$program"
		"$ours" -q ../user_ed25519
		git commit -q -S --allow-empty -m signed
		git verify-commit HEAD
		"$ours" -qD
		run git commit -q -S --allow-empty -m unsigned
		[ "$status" -ne 0 ]
	done
}
