# Security keys (FIDO) between our programs and OpenSSH's, by a security key in
# software that both load: keys made by one and used by the other.

kinds="ours_ed25519 ours_ecdsa theirs_ed25519 theirs_ecdsa"
only='-o IdentitiesOnly=yes -o IdentityAgent=none'

setup_file() {
	load both
	use_devices
	start_both
	"$KEYGEN" -q -t ed25519 -N '' -f ca
	cp ca.pub user_cas
	for k in $kinds; do
		make "$k" "$k"
	done
}

# make KIND FILE [option]...: by the program of KIND.
make() {
	local program=$KEYGEN kind=$1 file=$2
	shift 2
	case $kind in theirs_*) program=$THEIR_KEYGEN ;; esac
	"$program" -q -t "${kind#*_}-sk" -w "$SO" -N '' -C "$kind" -f "$file" "$@"
}

teardown_file() {
	load both
	stop_both
	[ ! -s "$SCRATCH/agent.pid" ] || kill "$(cat "$SCRATCH/agent.pid")" || true
}

setup() {
	load both
	forget
	use_devices
	echo "$PIN" > "$SK_SOFTWARE/pin"
	cat ours_*.pub theirs_*.pub > authorized_keys
}

@test "keys of both makers log in, by either client, at either server" {
	for pair in $pairs; do
		for k in $kinds; do
			accepted "$pair" $only -i "$k"
		done
	done
}

@test "both show the same of a key, and read each other's files" {
	for k in $kinds; do
		[ "$("$KEYGEN" -lf "$k.pub")" = "$("$THEIR_KEYGEN" -lf "$k.pub")" ]
		[ "$("$KEYGEN" -y -f "$k")" = "$("$THEIR_KEYGEN" -y -f "$k")" ]
		cp "$k" copy && "$KEYGEN" -q -p -N secret -f copy
		"$THEIR_KEYGEN" -q -p -P secret -N '' -f copy
		"$KEYGEN" -y -f copy | diff - "$k.pub"
	done
}

@test "a signature without a touch is refused, and the server says why" {
	for pair in $pairs; do
		for k in ours_ed25519 theirs_ecdsa; do
			echo untouched > "$SK_SOFTWARE/fault"
			refused "$pair" "user presence (authenticator touch) requirement not met" $only -i "$k"
			rm "$SK_SOFTWARE/fault"
		done
	done
}

@test "no-touch-required makes a key without touch enough" {
	make ours_ed25519 untouched -O no-touch-required
	make theirs_ecdsa untouched2 -O no-touch-required
	{
		echo "no-touch-required $(cat untouched.pub)"
		cat untouched2.pub
	} > saved
	cp saved authorized_keys
	for pair in $pairs; do
		accepted "$pair" $only -i untouched
		refused "$pair" "requirement not met" $only -i untouched2
	done
}

@test "verify-required wants the PIN" {
	make ours_ecdsa verified -O verify-required
	make theirs_ed25519 verified2 -O verify-required
	{
		echo "verify-required $(cat verified.pub)"
		echo "verify-required $(cat verified2.pub)"
		echo "verify-required $(cat ours_ed25519.pub)"
	} > authorized_keys
	for pair in $pairs; do
		accepted "$pair" $only -i verified
		accepted "$pair" $only -i verified2
		refused "$pair" "user verification requirement not met" $only -i ours_ed25519
	done
}

@test "PubkeyAuthOptions demands touch and PIN whatever the key's line says" {
	make ours_ed25519 untouched3 -O no-touch-required
	make theirs_ecdsa verified3 -O verify-required
	{
		echo "no-touch-required $(cat untouched3.pub)"
		cat ours_ecdsa.pub verified3.pub
	} > authorized_keys
	for pair in $pairs; do
		accepted "$pair" $only -i untouched3
		refused "$pair" "user presence (authenticator touch) requirement not met" $only -b 127.0.0.2 -i untouched3
		accepted "$pair" $only -b 127.0.0.2 -i ours_ecdsa
		refused "$pair" "user verification requirement not met" $only -b 127.0.0.3 -i ours_ecdsa
		accepted "$pair" $only -b 127.0.0.3 -i verified3
	done
}

@test "SecurityKeyProvider may name a variable" {
	sed '/SecurityKeyProvider/d' client_theirs > client_variable
	OTHER_PROVIDER=$SO run -0 login ours variable $only -o 'SecurityKeyProvider=$OTHER_PROVIDER' -i ours_ecdsa
	run -255 login ours variable $only -o SecurityKeyProvider=/no/such -i ours_ecdsa
	[[ $output == *'provider "/no/such" cannot be loaded'* ]]
}

@test "certificates of security keys, made by either, log in" {
	for k in ours_ed25519 theirs_ecdsa; do
		cp "$k" cert_key && cp "$k.pub" cert_key.pub
		: > authorized_keys
		for maker in "$KEYGEN" "$THEIR_KEYGEN"; do
			rm -f cert_key-cert.pub
			"$maker" -q -s ca -I sk -n "$ME" cert_key.pub
			for pair in $pairs; do
				accepted "$pair" $only -i cert_key
				echo untouched > "$SK_SOFTWARE/fault"
				refused "$pair" "requirement not met" $only -i cert_key
				rm "$SK_SOFTWARE/fault"
			done
			"$maker" -q -s ca -I sk -n "$ME" -O verify-required cert_key.pub
			for pair in $pairs; do
				refused "$pair" "user verification requirement not met" $only -i cert_key
			done
		done
	done
}

@test "a certificate's no-touch-required counts where the CA is trusted" {
	make ours_ed25519 nt -O no-touch-required
	"$KEYGEN" -q -s ca -I sk -n "$ME" -O no-touch-required nt.pub
	for pair in $pairs; do
		accepted "$pair" $only -i nt
	done
	"$KEYGEN" -q -s ca -I sk -n "$ME" nt.pub
	for pair in $pairs; do
		refused "$pair" "requirement not met" $only -i nt
	done
}

@test "certificates by a CA in a security key are judged alike" {
	"$THEIR_KEYGEN" -q -t ed25519 -N '' -f plain
	: > authorized_keys
	for maker in "$KEYGEN" "$THEIR_KEYGEN"; do
		for k in theirs_ed25519 ours_ecdsa; do
			cp "$k.pub" user_cas
			SSH_SK_PROVIDER=$SO "$maker" -q -s "$k" -I by-sk -n "$ME" plain.pub
			for pair in $pairs; do
				accepted "$pair" $only -i plain
			done
		done
	done
	cp ca.pub user_cas
}

@test "a damaged signature of a device never leaves" {
	echo wrong > "$SK_SOFTWARE/fault"
	run -255 login ours theirs $only -i ours_ed25519
	[[ $output == *"the device made a signature that does not fit the key"* ]]
}

@test "a provider that crashes takes only its helper along" {
	echo crash > "$SK_SOFTWARE/fault"
	run -255 login ours theirs $only -i ours_ed25519
	[[ $output == *"the helper process ended without an answer"* ]]
	[[ $output == *"Permission denied (publickey)"* ]]
	[[ $output == *"the device with the key ours_ed25519 did not sign"* ]]
}

@test "keys that a device remembers come back, by either program" {
	mkdir back
	cd back
	make ours_ed25519 made -O resident -O user=one -O application=ssh:interop
	"$KEYGEN" -q -K -w "$SO" -N ''
	mkdir theirs
	(cd theirs && "$THEIR_KEYGEN" -q -K -w "$SO" -N '')
	diff id_ed25519_sk_rk_interop_one.pub theirs/id_ed25519_sk_rk_interop_one.pub
	cmp <(cut -d' ' -f1,2 made.pub) <(cut -d' ' -f1,2 id_ed25519_sk_rk_interop_one.pub)
	cp made.pub ../authorized_keys
	cd ..
	for pair in $pairs; do
		accepted "$pair" $only -i back/id_ed25519_sk_rk_interop_one
		accepted "$pair" $only -i back/theirs/id_ed25519_sk_rk_interop_one
	done
}

@test "an OpenSSH agent signs for our client with a security key" {
	command -v ssh-agent >/dev/null
	/usr/bin/ssh-agent -D -a "$SCRATCH/agent" -P "$ROOT/*" >/dev/null 2>&1 3>&- &
	echo $! > agent.pid
	for _ in $(seq 100); do
		[ -S agent ] && break
		sleep 0.05
	done
	SSH_AUTH_SOCK=$SCRATCH/agent /usr/bin/ssh-add -q -S "$SO" ours_ed25519
	run -0 "$SSH" -F client_theirs -o IdentityAgent="$SCRATCH/agent" \
		-i ours_ed25519.pub server echo in
	[[ $output == *in ]]
	kill "$(cat agent.pid)"
	rm agent.pid
}

# start_agent_with PROGRAM [argument]...
start_agent_with() {
	SSH_AUTH_SOCK=$BATS_TEST_TMPDIR/agent
	export SSH_AUTH_SOCK
	"$@" -D -a "$SSH_AUTH_SOCK" -P "$ROOT/*" </dev/null >/dev/null 2>&1 3>&- &
	wait_for_socket $!
}

@test "agents of both hold security keys of both, for clients of both" {
	load ../cli/agents
	for agent in "$BIN/ssh-agent" /usr/bin/ssh-agent; do
		start_agent_with "$agent"
		for k in ours_ecdsa theirs_ed25519; do
			for add in "$BIN/ssh-add" /usr/bin/ssh-add; do
				"$add" -q -S "$SO" "$k"
				cp "$k.pub" authorized_keys
				for pair in ours:theirs theirs:ours; do
					accepted "$pair" -o IdentityFile=none
				done
				"$add" -q -D
			done
		done
		stop_agents
		rm -f "$SSH_AUTH_SOCK"
	done
}

@test "our agent asks for the PIN of a key that wants one" {
	load ../cli/agents
	start_agent_with "$BIN/ssh-agent"
	make ours_ed25519 agent_pin -O verify-required
	"$BIN/ssh-add" -q -S "$SO" agent_pin
	echo "verify-required $(cat agent_pin.pub)" > authorized_keys
	: > "$ASKED"
	accepted theirs:ours -o IdentityFile=none
	asked "PIN for ED25519-SK key SHA256:"
	asked "^none: Confirm user presence for key ED25519-SK SHA256:"
	stop_agents
}

@test "signatures over files by a security key are judged alike" {
	export SSH_SK_PROVIDER=$SO
	for k in ours_ed25519 theirs_ecdsa; do
		echo "me $(cut -d' ' -f1,2 "$k.pub")" > signers
		for signer in "$KEYGEN" "$THEIR_KEYGEN"; do
			echo text | "$signer" -q -Y sign -f "$k" -n file > signature
			for judge in "$KEYGEN" "$THEIR_KEYGEN"; do
				run -0 "$judge" -Y verify -f signers -I me -n file -s signature <<<text
				[[ $output == 'Good "file" signature for me with '*-SK\ key\ * ]]
				run -255 "$judge" -Y verify -f signers -I me -n file -s signature <<<other
			done
		done
	done
}

@test "OpenSSH's own test library works in our helper" {
	dummy=/usr/lib/openssh/regress/misc/sk-dummy/sk-dummy.so
	[ -e "$dummy" ] || skip "no $dummy"
	for type in ed25519 ecdsa; do
		"$KEYGEN" -q -t "$type-sk" -w "$dummy" -N '' -f "dummy_$type"
		cat "dummy_$type.pub" > authorized_keys
		accepted ours:theirs $only -o SecurityKeyProvider="$dummy" -i "dummy_$type"
	done
}

@test "signatures that browsers make (WebAuthn) are judged alike" {
	webauthn=$ROOT/build/release/tests/cli/tools/webauthn
	"$webauthn" key > browser
	echo "me $(head -n 1 browser)" > signers
	echo text | "$webauthn" sign "$(tail -n 1 browser)" file > signature
	for judge in "$KEYGEN" "$THEIR_KEYGEN"; do
		run -0 "$judge" -Y verify -f signers -I me -n file -s signature <<<text
		[[ $output == 'Good "file" signature for me with ECDSA-SK key '* ]]
		run -255 "$judge" -Y verify -f signers -I me -n file -s signature <<<other
	done
}
