# Shared by the bats files about keys in devices: a security key and a PKCS#11
# token, both in software, and a person who knows their PIN and touches.
#
#   setup() { load ../common; load ../devices; use_devices; }
#
# Variables for the tests: SO, the security key's library (its state is in
# $SK_SOFTWARE, see tools/sk_software.c); MODULE, SoftHSM. What the person was
# asked is in $SCRATCH/asked.

SO=$ROOT/build/release/tests/cli/tools/sk_software.so
for MODULE in /usr/lib/softhsm/libsofthsm2.so \
	/usr/lib/*/softhsm/libsofthsm2.so; do
	[ -e "$MODULE" ] && break
done
PIN=1234
export SO MODULE PIN

# The security key and the person are a test's own, the token is the file's.
use_devices() {
	OWN=${BATS_TEST_TMPDIR:-$SCRATCH}
	SK_SOFTWARE=$OWN/device
	SOFTHSM2_CONF=$SCRATCH/softhsm2.conf
	SSH_ASKPASS=$OWN/askpass SSH_ASKPASS_REQUIRE=force
	ASKED=$OWN/asked
	export SK_SOFTWARE SOFTHSM2_CONF SSH_ASKPASS SSH_ASKPASS_REQUIRE ASKED
	mkdir -p "$SK_SOFTWARE"
	: > "$ASKED"
	cat > "$SSH_ASKPASS" <<-'SCRIPT'
		#!/bin/sh
		echo "$SSH_ASKPASS_PROMPT${SSH_ASKPASS_PROMPT:+: }$1" >> "$ASKED"
		case $1 in
		*PIN* | *PKCS#11*) cat "${ASKED%asked}pin" 2>/dev/null || echo "$PIN" ;;
		*passphrase*) echo sesame ;;
		esac
	SCRIPT
	chmod +x "$SSH_ASKPASS"
}

# asked PATTERN: is a question of the person like it?
asked() {
	grep -q "$1" "$ASKED" && return
	echo "nobody asked '$1', but:"
	cat "$ASKED"
	return 1
}

# What the person answers instead of the PIN, from now on.
answer_pin() {
	echo "$1" > "$OWN/pin"
}

# make_token LABEL: an empty one.
make_token() {
	mkdir -p "$SCRATCH/tokens"
	cat > "$SOFTHSM2_CONF" <<-CONFIG
		directories.tokendir = $SCRATCH/tokens
		objectstore.backend = file
		log.level = ERROR
	CONFIG
	softhsm2-util --init-token --free --label "$1" --pin "$PIN" --so-pin 5678 >/dev/null
}

# make_token_key LABEL TYPE ID NAME: a key pair on it (rsa:2048, EC:secp384r1).
make_token_key() {
	pkcs11-tool --module "$MODULE" --token-label "$1" --login --pin "$PIN" \
		--keypairgen --key-type "$2" --id "$3" --label "$4" >/dev/null 2>&1
}
