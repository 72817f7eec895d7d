# Keys in every type and format between our ssh-keygen and OpenSSH, puttygen,
# openssl, Paramiko and AsyncSSH, plain and encrypted.

setup() {
	load ../cli/common
	cd "$BATS_TEST_TMPDIR"
	PEER=/usr/bin/ssh-keygen
	KEY_FILES="/usr/bin/python3 $ROOT/tests/interop/key_files.py"
}

kinds="ed25519:256 ecdsa:256 ecdsa:384 ecdsa:521 rsa:2048"

have() { /usr/bin/python3 -W ignore -c "import $1" 2>/dev/null; }

# make_key TYPE:BITS FILE [FLAG]...
make_key() {
	local kind=$1 file=$2
	shift 2
	rm -f "$file" "$file.pub"
	"$KEYGEN" -q -a 1 -t "${kind%:*}" -b "${kind#*:}" -C 'a comment' -f "$file" "$@"
}

plain() { cut -d' ' -f1,2 "$1"; }

@test "exports and imports of OpenSSH and ours are each other's" {
	[ -x "$PEER" ] || skip "no OpenSSH"
	for kind in $kinds; do
		make_key "$kind" k -N ''
		for format in RFC4716 PKCS8 PEM; do
			# OpenSSH 9.2 has no PEM of Ed25519, and reads RSA only as -m PEM.
			case $kind:$format in
			ed25519*:P*) continue ;;
			esac
			"$KEYGEN" -e -m $format -f k > ours
			"$PEER" -e -m $format -f k > theirs
			diff <(grep -v ^Comment ours) <(grep -v ^Comment theirs)
			[ "$("$KEYGEN" -i -m $format -f theirs)" = "$(plain k.pub)" ]
			case $kind:$format in
			ecdsa*:PEM) continue ;;
			esac
			[ "$("$PEER" -i -m $format -f ours)" = "$(plain k.pub)" ]
		done
		[ "$("$PEER" -Bf k.pub)" = "$("$KEYGEN" -Bf k.pub)" ]
		[ "$("$PEER" -r host -f k.pub)" = "$("$KEYGEN" -r host -f k.pub)" ]
		[ "$("$PEER" -g -r host -f k.pub)" = "$("$KEYGEN" -g -r host -f k.pub)" ]
	done
}

@test "public keys with puttygen, and its SSH.com private keys" {
	command -v puttygen || skip "no puttygen"
	echo sesame > pass
	for kind in $kinds; do
		make_key "$kind" k -N ''
		"$KEYGEN" -e -f k > ours
		[ "$(puttygen ours -O public-openssh -o /dev/stdout | cut -d' ' -f1,2)" = "$(plain k.pub)" ]
		puttygen k -O public -o theirs
		[ "$("$KEYGEN" -i -f theirs)" = "$(plain k.pub)" ]
		[ "${kind%:*}" = rsa ] || continue
		puttygen k -O private-sshcom -o sshcom
		puttygen k -O private-sshcom -o locked --new-passphrase pass
		"$KEYGEN" -i -f sshcom > imported
		"$KEYGEN" -i -P sesame -f locked | cmp - imported
		chmod 600 imported
		[ "$("$KEYGEN" -y -f imported)" = "$(plain k.pub)" ]
	done
}

@test "encrypted keys with puttygen" {
	command -v puttygen || skip "no puttygen"
	echo sesame > pass
	for kind in $kinds; do
		make_key "$kind" k -N sesame
		[ "$(puttygen k --old-passphrase pass -O public-openssh -o /dev/stdout)" = "$(cat k.pub)" ]
		puttygen k -C "a comment" --old-passphrase pass --new-passphrase pass -O private-openssh-new -o p
		chmod 600 p
		[ "$("$KEYGEN" -y -P sesame -f p)" = "$(cat k.pub)" ]
		run -255 "$KEYGEN" -y -P wrong -f p
	done
}

@test "public and private keys with openssl" {
	command -v openssl || skip "no openssl"
	for kind in $kinds; do
		make_key "$kind" k -N ''
		"$KEYGEN" -e -m PKCS8 -f k > ours
		openssl pkey -pubin -in ours -pubout -out theirs
		cmp ours theirs
		for pass in '' sesame; do
			make_key "$kind" p -N "$pass" -m PKCS8
			openssl pkey -in p -passin "pass:$pass" -pubout -out public
			[ "$("$KEYGEN" -i -m PKCS8 -f public)" = "$(plain p.pub)" ]
			openssl pkey -in p -passin "pass:$pass" -aes256 -passout pass:other -out q
			chmod 600 q
			[ "$("$KEYGEN" -y -P other -f q)" = "$(plain p.pub)" ]
		done
	done
	make_key rsa:2048 k -N ''
	"$KEYGEN" -e -m PEM -f k > ours
	openssl rsa -RSAPublicKey_in -in ours -RSAPublicKey_out -out theirs
	cmp ours theirs
}

@test "private keys with Paramiko" {
	have paramiko || skip "no Paramiko"
	for kind in $kinds; do
		for format in RFC4716 PEM; do
			for pass in '' sesame; do
				make_key "$kind" k -N "$pass" -m $format
				[ "$($KEY_FILES paramiko read k "$pass")" = "$(plain k.pub)" ]
			done
		done
	done
	for kind in rsa dsa ecdsa256 ecdsa384 ecdsa521; do
		for pass in '' sesame; do
			rm -f p
			public=$($KEY_FILES paramiko write $kind p "$pass")
			[ "$("$KEYGEN" -y -P "$pass" -f p)" = "$public" ]
		done
	done
}

@test "private keys with AsyncSSH" {
	have asyncssh || skip "no AsyncSSH"
	for kind in $kinds; do
		for format in RFC4716 PEM PKCS8; do
			for pass in '' sesame; do
				# Its encrypted openssh-key-v1 needs a library of its own.
				case $format:$kind:$pass in
				RFC4716:*:sesame | PEM:ed25519:*:sesame) have bcrypt || continue ;;
				esac
				make_key "$kind" k -N "$pass" -m $format
				[ "$($KEY_FILES asyncssh read k "$pass")" = "$(plain k.pub)" ]
			done
		done
	done
	for kind in ed25519 ecdsa256 ecdsa384 ecdsa521 rsa dsa; do
		for format in openssh pkcs1-pem pkcs8-pem; do
			for pass in '' sesame; do
				[ "$format$pass" = opensshsesame ] && ! have bcrypt && continue
				rm -f p
				run $KEY_FILES asyncssh write $kind $format p "$pass"
				[ "$status" -eq 3 ] && continue
				[ "$status" -eq 0 ]
				[ "$("$KEYGEN" -y -P "$pass" -f p | cut -d' ' -f1,2)" = "$output" ]
			done
		done
	done
}

@test "public keys with AsyncSSH" {
	have asyncssh || skip "no AsyncSSH"
	for kind in $kinds; do
		make_key "$kind" k -N ''
		for format in RFC4716 PKCS8 PEM; do
			"$KEYGEN" -e -m $format -f k > ours
			[ "$($KEY_FILES asyncssh public ours)" = "$(plain k.pub)" ]
		done
		for pair in rfc4716:RFC4716 pkcs8-pem:PKCS8 pkcs1-pem:PEM; do
			$KEY_FILES asyncssh export "${pair%:*}" k.pub > theirs || continue
			[ "$("$KEYGEN" -i -m "${pair#*:}" -f theirs)" = "$(plain k.pub)" ]
		done
	done
}

@test "DSA keys of OpenSSH: public half, fingerprint, certificates" {
	"$PEER" -q -t dsa -N '' -f d || skip "this OpenSSH has no DSA"
	[ "$("$KEYGEN" -y -f d)" = "$(cat d.pub)" ]
	[ "$("$KEYGEN" -lv -f d)" = "$("$PEER" -lv -f d)" ]
	for format in RFC4716 PKCS8; do
		"$KEYGEN" -e -m $format -f d > ours
		[ "$("$PEER" -i -m $format -f ours)" = "$(plain d.pub)" ]
	done
	"$KEYGEN" -q -N '' -f ca
	"$KEYGEN" -q -s ca -I x -n y d.pub
	"$PEER" -L -f d-cert.pub > theirs
	"$KEYGEN" -L -f d-cert.pub | diff - theirs
	# As a CA only when it is named.
	run -255 "$KEYGEN" -q -s d -I x -n y ca.pub
	"$KEYGEN" -q -t ssh-dss -s d -I x -n y ca.pub
	"$PEER" -L -f ca-cert.pub | grep 'using ssh-dss'
}

@test "known_hosts: what is found, hashed and removed is the same" {
	[ -x "$PEER" ] || skip "no OpenSSH"
	for i in 1 2 3 4; do make_key ed25519:256 "k$i" -N ''; done
	{
		for i in $(seq 60); do
			k=k$((i % 4 + 1))
			case $((i % 7)) in
			0) echo "host$i,10.0.0.$i $(cat $k.pub)" ;;
			1) echo "[host$((i - 1))]:2222 $(cat $k.pub)" ;;
			2) echo "*.net$i,!bad.net$i $(cat $k.pub)" ;;
			3) echo "@revoked host$((i - 3)) $(cat $k.pub)" ;;
			4) echo "@cert-authority *.net$((i - 2)) $(cat $k.pub)" ;;
			5) echo "# comment $i" ;;
			6) echo "HOST$((i - 6)) $(plain $k.pub)" ;;
			esac
		done
	} > known
	"$KEYGEN" -q -H -f known 2>/dev/null
	cp known.old plain
	for file in known plain; do
		for name in host7 10.0.0.14 '[host7]:2222' a.net9 bad.net9 host35 nobody; do
			for flags in -F -lF -lvF -qF; do
				theirs=$("$PEER" $flags "$name" -f $file) || true
				[ "$("$KEYGEN" $flags "$name" -f $file)" = "$theirs" ]
			done
			cp $file ours
			cp $file theirs
			"$KEYGEN" -R "$name" -f ours > said.ours 2>&1
			"$PEER" -R "$name" -f theirs 2>&1 | tr -d '\r' | sed 's/theirs/ours/' | diff said.ours -
			cmp ours theirs
		done
	done
	cp plain theirs
	"$PEER" -q -H -f theirs 2>/dev/null
	diff <(sed 's/^|1|[^ ]*/HASHED/' known) <(sed 's/^|1|[^ ]*/HASHED/' theirs)
}

@test "moduli: each screens the other's candidates alike" {
	[ -x "$PEER" ] || skip "no OpenSSH"
	"$KEYGEN" -q -M generate -b 512 -O start="5b$(printf '%0126d' 0)" - |
		head -n 300 > candidates
	"$KEYGEN" -q -M screen -f candidates ours
	"$PEER" -M screen -f candidates theirs 2>/dev/null
	[ "$(wc -l < ours)" -eq 4 ]
	diff <(cut -d' ' -f2- ours) <(cut -d' ' -f2- theirs)
}
