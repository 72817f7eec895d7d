# Signatures of files between our ssh-keygen and OpenSSH's, with git above
# both, and with agents.

THEIR_KEYGEN=/usr/bin/ssh-keygen

setup_file() {
	load ../cli/common
	[ -x "$THEIR_KEYGEN" ] || skip "no OpenSSH"
	cd "$SCRATCH"
	for k in "ed25519 256" "ecdsa 256" "ecdsa 384" "ecdsa 521" "rsa 2048"; do
		# shellcheck disable=SC2086
		set -- $k
		"$KEYGEN" -q -t "$1" -b "$2" -N '' -f "$1_$2" -C "$1"
	done
	"$KEYGEN" -q -N '' -f ca
	"$THEIR_KEYGEN" -q -N '' -f theirs_ca
	"$KEYGEN" -q -s ca -I id -n me@here,you@here ed25519_256.pub
	head -c 100000 /dev/urandom > m
	: > nothing
}

setup() {
	load ../cli/common
	cd "$SCRATCH"
	# Neither git nor an agent looks at the caller's home.
	export TZ=UTC HOME=$BATS_TEST_TMPDIR GIT_CONFIG_NOSYSTEM=1
}

keys="ed25519_256 ecdsa_256 ecdsa_384 ecdsa_521 rsa_2048 ed25519_256-cert"

both() {
	for program in "$KEYGEN" "$THEIR_KEYGEN"; do
		"$@" || return 1
	done
}

verify() {
	"$program" -Y verify -f allowed -I me@here -n "${2:-file}" -s sig -r "${3:-/dev/null}" < "$1"
}

@test "signatures of both count for both: types, hashes, namespaces" {
	for k in $keys; do
		for maker in "$KEYGEN" "$THEIR_KEYGEN"; do
			for hash in sha256 sha512; do
				for file in m nothing; do
					"$maker" -q -Y sign -f $k.pub -n file -O hashalg=$hash < $file > sig
					echo "me@here namespaces=\"x,file\" $(cat $k.pub)" > allowed
					both verify $file
					run ! both verify $file other
					[ "$("$KEYGEN" -Y check-novalidate -n file -s sig < $file)" = \
						"$("$THEIR_KEYGEN" -Y check-novalidate -n file -s sig < $file)" ]
				done
			done
		done
	done
}

@test "the same bytes where a signature is deterministic" {
	for k in ed25519_256 rsa_2048 ed25519_256-cert; do
		diff <("$KEYGEN" -q -Y sign -f $k.pub -n "a b" < m) \
			<("$THEIR_KEYGEN" -q -Y sign -f $k.pub -n "a b" < m)
	done
}

@test "both judge lines, times and certificates alike" {
	key=$(cat ed25519_256.pub) ca=$(cat ca.pub)
	"$KEYGEN" -q -Y sign -f ed25519_256.pub -n file < m > plain
	"$THEIR_KEYGEN" -q -Y sign -f ed25519_256-cert.pub -n file < m > certified
	while IFS= read -r line; do
		echo "$line" > allowed
		for s in plain certified; do
			for extra in -q -Overify-time=19850101 -Overify-time=20300101; do
				for program in "$KEYGEN" "$THEIR_KEYGEN"; do
					{
						"$program" -Y verify -f allowed -I me@here -n file -s $s $extra < m &&
							status=0 || status=$?
						echo "verify $status"
						"$program" -Y find-principals -f allowed -s $s $extra &&
							status=0 || status=$?
						echo "find $status"
					} 2>/dev/null > "said_${program//\//_}"
				done
				diff "said_${KEYGEN//\//_}" "said_${THEIR_KEYGEN//\//_}" ||
					{ echo "$line, $s, $extra"; false; }
			done
		done
	done <<-END
		me@here $key
		*@here $key
		"me@here,b c" $key
		you@here $key
		!me@here,* $ca
		me@here octopus $key
		me@here cert-authority $key
		me@here $ca
		me@here cert-authority $ca
		*@here CERT-AUTHORITY,namespaces="file" $ca
		x@here cert-authority $ca
		me@here namespaces="f*" $key
		me@here namespaces="git" $key
		me@here namespaces="" $key
		me@here valid-after="19800101",valid-before="19900101" $key
		me@here valid-before="20250101" $key
		me@here valid-after="20250101Z" $key
		me@here valid-after="20250101120000" $key
		me@here cert-authority,valid-after="20250101" $ca
		me@here cert-authority,valid-before="20250101" $ca
		me@here valid-after="19900101",valid-before="19800101" $key
		me@here ssh-ed25519 AAAA
		me@here $(cat ed25519_256-cert.pub)
	END
}

@test "lists of revoked keys of both forms and makers count for both" {
	"$KEYGEN" -q -Y sign -f ed25519_256.pub -n file < m > sig
	echo "me@here $(cat ed25519_256.pub)" > allowed
	for maker in "$KEYGEN" "$THEIR_KEYGEN"; do
		"$maker" -q -k -f krl ed25519_256.pub
		for program in "$KEYGEN" "$THEIR_KEYGEN"; do
			run ! verify m file krl
			run ! verify m file ed25519_256.pub
		done
		"$maker" -q -k -f krl ca.pub
		both verify m file krl
		both verify m file ca.pub
	done
}

@test "commits and tags that git signs with either verify with either" {
	command -v git > /dev/null || skip "no git"
	rm -rf work
	git init -q work
	cd work
	git config user.name me
	git config user.email me@here
	git config gpg.format ssh
	git config gpg.ssh.allowedSignersFile "$SCRATCH/allowed"
	{ for k in $keys; do echo "me@here $(cat ../$k.pub)"; done
		echo "me@here cert-authority $(cat ../ca.pub)"; } > ../allowed
	for maker in "$KEYGEN" "$THEIR_KEYGEN"; do
		for k in $keys; do
			git config user.signingkey "$SCRATCH/$k.pub"
			git -c gpg.ssh.program="$maker" commit -q -S --allow-empty -m "by $k"
			git -c gpg.ssh.program="$maker" tag -s -f -m "a tag" t
			for program in "$KEYGEN" "$THEIR_KEYGEN"; do
				run -0 git -c gpg.ssh.program="$program" verify-commit HEAD
				[[ "$output" == *'Good "git" signature for me@here with '* ]]
				run -0 git -c gpg.ssh.program="$program" verify-tag t
				[ "$(git -c gpg.ssh.program="$program" log -1 --format=%G?)" = G ]
			done
		done
	done
	# not by who is not listed, and not where revoked
	cp ../allowed ../all
	echo "me@here $(cat ../theirs_ca.pub)" > ../allowed
	for program in "$KEYGEN" "$THEIR_KEYGEN"; do
		run ! git -c gpg.ssh.program="$program" verify-commit HEAD
		[ "$(git -c gpg.ssh.program="$program" log -1 --format=%G?)" != G ]
	done
	cp ../all ../allowed
	"$KEYGEN" -q -k -f ../krl "../ed25519_256.pub"
	git config gpg.ssh.revocationFile "$SCRATCH/krl"
	for program in "$KEYGEN" "$THEIR_KEYGEN"; do
		run ! git -c gpg.ssh.program="$program" verify-commit HEAD
	done
}

# with_agent PROGRAM COMMAND...
with_agent() {
	local agent=$1 status=0
	shift
	eval "$("$agent" -s)" > /dev/null
	"$@" || status=$?
	"$agent" -k > /dev/null
	return $status
}

git_by_agent() {
	rm -rf by_agent
	git init -q by_agent
	echo "me@here $(cat rsa_2048.pub)" > allowed
	for program in "$KEYGEN" "$THEIR_KEYGEN"; do
		for verifier in "$KEYGEN" "$THEIR_KEYGEN"; do
			git_with=(git -C by_agent -c user.name=me -c user.email=me@here
				-c gpg.format=ssh -c gpg.ssh.program="$program"
				-c gpg.ssh.allowedSignersFile="$SCRATCH/allowed"
				-c user.signingkey="key::$(cut -d' ' -f1,2 rsa_2048.pub)")
			"${git_with[@]}" commit -q -S --allow-empty -m x || return 1
			[ "$("${git_with[@]}" -c gpg.ssh.program="$verifier" \
				log -1 --format=%G?)" = G ] || return 1
		done
	done
}

sign_by_agent() {
	mkdir -p public
	for k in ed25519_256 ecdsa_384 rsa_2048; do
		/usr/bin/ssh-add -q -D
		/usr/bin/ssh-add -q $k
		cp $k.pub public/
		for program in "$KEYGEN" "$THEIR_KEYGEN"; do
			"$program" -q -Y sign -U -f public/$k.pub -n file < m > sig || return 1
			echo "me@here $(cat $k.pub)" > allowed
			both verify m || return 1
			"$program" -q -Y sign -f public/$k.pub -n file < m > sig || return 1
			both verify m || return 1
		done
	done
	# git hands over a key that is written out, and asks for the agent.
	if command -v git > /dev/null; then
		git_by_agent || return 1
	fi
	cp ed25519_256-cert.pub public/
	/usr/bin/ssh-add -q ed25519_256
	"$KEYGEN" -q -Y sign -f public/ed25519_256-cert.pub -n file < m > sig || return 1
	echo "me@here cert-authority $(cat ca.pub)" > allowed
	both verify m || return 1
	/usr/bin/ssh-add -q -D
	! "$KEYGEN" -q -U -Y sign -f public/rsa_2048.pub -n file < m 2> said || return 1
	grep -q "Couldn't find key in agent" said
}

@test "keys in OpenSSH's agent sign" {
	with_agent /usr/bin/ssh-agent sign_by_agent
}

@test "keys in our agent sign" {
	[ -x "$BIN/ssh-agent" ] || skip "no agent of ours"
	with_agent "$BIN/ssh-agent" sign_by_agent
}
