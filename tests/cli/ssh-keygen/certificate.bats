# ssh-keygen -s and -L: certificates.

setup() {
	load ../common
	cd "$BATS_TEST_TMPDIR"
	export TZ=UTC
	"$KEYGEN" -q -N '' -f ca -C ca
	"$KEYGEN" -q -N '' -f k -C 'a comment'
}

# The value of a field of -L.
field() {
	"$KEYGEN" -L -f "${2:-k-cert.pub}" | sed -n "s/^        $1: *//p"
}

# The items under a heading of -L, in one line.
items() {
	"$KEYGEN" -L -f "${2:-k-cert.pub}" | awk -v h="$1:" '
		/^        [A-Z]/ { on = index($0, h) }
		on && /^                / { sub(/^ */, ""); printf "%s%s", n++ ? "|" : "", $0 }'
}

@test "-s writes NAME-cert.pub and says what it signed" {
	run -0 --separate-stderr "$KEYGEN" -s ca -I 'an id' -n alice,bob -z 7 \
		-V 20200101:20300101120000 k.pub
	[ -z "$output" ]
	[ "$stderr" = 'Signed user key k-cert.pub: id "an id" serial 7 for alice,bob valid from 2020-01-01T00:00:00 to 2030-01-01T12:00:00' ]
	[[ $(cat k-cert.pub) == "ssh-ed25519-cert-v01@openssh.com "*" a comment" ]]
	[ "$("$KEYGEN" -lf k-cert.pub)" = "$("$KEYGEN" -lf k.pub | sed 's/(ED25519)/(ED25519-CERT)/')" ]
}

@test "-L shows all that a certificate says" {
	"$KEYGEN" -q -s ca -I 'an id' -n alice,bob -z 7 -V always:forever \
		-O force-command='echo hi' -O source-address=10.0.0.0/8,::1 \
		-O verify-required -O no-pty -O critical:c@example.com=v \
		-O extension:e@example.com k.pub
	ca=$("$KEYGEN" -lf ca.pub | cut -d' ' -f2)
	key=$("$KEYGEN" -lf k.pub | cut -d' ' -f2)
	diff - <("$KEYGEN" -L -f k-cert.pub) <<-END
		k-cert.pub:
		        Type: ssh-ed25519-cert-v01@openssh.com user certificate
		        Public key: ED25519-CERT $key
		        Signing CA: ED25519 $ca (using ssh-ed25519)
		        Key ID: "an id"
		        Serial: 7
		        Valid: forever
		        Principals: 
		                alice
		                bob
		        Critical Options: 
		                c@example.com UNKNOWN OPTION: 0000000176 (len 5)
		                force-command echo hi
		                source-address 10.0.0.0/8,::1
		                verify-required
		        Extensions: 
		                e@example.com UNKNOWN FLAG OPTION
		                permit-X11-forwarding
		                permit-agent-forwarding
		                permit-port-forwarding
		                permit-user-rc
	END
}

@test "-h makes host certificates, without extensions" {
	run -0 "$KEYGEN" -s ca -I h -h -n host.example.com k.pub
	[[ $output == 'Signed host key k-cert.pub: id "h" serial 0 for host.example.com valid forever' ]]
	[ "$(field Type)" = "ssh-ed25519-cert-v01@openssh.com host certificate" ]
	[ "$(field Extensions)" = "(none)" ]
	# As OpenSSH's: made, though of no use.
	run -0 "$KEYGEN" -s ca -I h -h -n h -O force-command=x k.pub
	[[ $output == "Warning: force-command, "*"are for user certificates"* ]]
}

@test "several files get one serial, or one that counts" {
	"$KEYGEN" -q -N '' -t ecdsa -f e
	"$KEYGEN" -q -N '' -t rsa -b 1024 -f r
	"$KEYGEN" -q -s ca -I x -n u -z 5 k.pub e.pub r.pub
	[ "$(field Serial k-cert.pub)$(field Serial r-cert.pub)" = 55 ]
	"$KEYGEN" -q -s ca -I x -n u -z +5 k.pub e.pub r.pub
	[ "$(field Serial k-cert.pub)$(field Serial e-cert.pub)$(field Serial r-cert.pub)" = 567 ]
	"$KEYGEN" -q -s ca -I x -n u -z 18446744073709551615 k.pub
	[ "$(field Serial)" = 18446744073709551615 ]
	for bad in x -1 '' 1x 18446744073709551616; do
		run -255 "$KEYGEN" -s ca -I x -n u -z "$bad" k.pub
		[[ $output == "Invalid serial number \"$bad\"" ]]
	done
}

@test "-V: every form of time" {
	check() {
		"$KEYGEN" -q -s ca -I x -n u -V "$1" k.pub
		[ "$(field Valid)" = "$2" ] || { field Valid; return 1; }
	}
	check always:forever forever
	check always:20300102 'before 2030-01-02T00:00:00'
	check 20200102030405Z:forever 'after 2020-01-02T03:04:05'
	check 202001020304:20300102 'from 2020-01-02T03:04:00 to 2030-01-02T00:00:00'
	check 0x10:0x20 'from 1970-01-01T00:00:16 to 1970-01-01T00:00:32'
	TZ=EST5 check 20200102:20300102Z 'from 2020-01-02T00:00:00 to 2030-01-01T19:00:00'
	"$KEYGEN" -q -s ca -I x -n u -V -1w:+1d k.pub
	[[ $(field Valid) == from\ *\ to\ * ]]
	"$KEYGEN" -q -s ca -I x -n u -V +1d k.pub
	[[ $(field Valid) == from\ *:00\ to\ * ]]
	for bad in foo 2020 20300101:20200101 +1d:+1d +1x 0x 20209901:forever; do
		run -255 "$KEYGEN" -s ca -I x -n u -V "$bad" k.pub
		[[ $output == "Invalid certificate life specification $bad" ||
			$output == "Empty certificate validity interval" ]]
	done
}

@test "-O: flags on and off, clear, and what is no option" {
	five='permit-X11-forwarding|permit-agent-forwarding|permit-port-forwarding|permit-pty|permit-user-rc'
	"$KEYGEN" -q -s ca -I x -n u k.pub
	[ "$(items Extensions)" = "$five" ]
	"$KEYGEN" -q -s ca -I x -n u -O clear k.pub
	[ "$(field Extensions)" = "(none)" ]
	"$KEYGEN" -q -s ca -I x -n u -O clear -O permit-pty -O no-touch-required k.pub
	[ "$(items Extensions)" = 'no-touch-required|permit-pty' ]
	"$KEYGEN" -q -s ca -I x -n u -O no-x11-forwarding -O no-agent-forwarding \
		-O no-port-forwarding -O no-pty -O no-user-rc -O permit-user-rc k.pub
	[ "$(items Extensions)" = permit-user-rc ]
	"$KEYGEN" -q -s ca -I x -n u -O verify-required -O no-verify-required k.pub
	[ "$(field 'Critical Options')" = "(none)" ]
	"$KEYGEN" -q -s ca -I x -n u -O extension:permit-pty k.pub
	[ "$(items Extensions)" = "$five" ]
	while IFS='|' read -r option text; do
		run -255 "$KEYGEN" -s ca -I x -n u -O "$option" k.pub
		[ "$output" = "$text" ]
	done <<-END
		foo|Unsupported certificate option "foo"
		force-command=|Empty force-command option
		source-address=foo|Invalid source-address list
		source-address=10.0.0.0/33|Invalid source-address list
		critical:|Certificate option without a name
	END
	run -255 "$KEYGEN" -s ca -I x -n u -O force-command=a -O force-command=b k.pub
	[ "$output" = "force-command already specified" ]
	run -255 "$KEYGEN" -s ca -I x -n u -O extension:a -O extension:a k.pub
	[[ $output == *"an option was given twice" ]]
}

@test "RSA CAs sign with SHA-512, or as -t says" {
	"$KEYGEN" -q -N '' -t rsa -b 2048 -f rca
	"$KEYGEN" -q -s rca -I x -n u k.pub
	[[ $(field 'Signing CA') == RSA\ *"(using rsa-sha2-512)" ]]
	"$KEYGEN" -q -s rca -t rsa-sha2-256 -I x -n u k.pub
	[[ $(field 'Signing CA') == *"(using rsa-sha2-256)" ]]
	"$KEYGEN" -q -s rca -t rsa -I x -n u k.pub
	[[ $(field 'Signing CA') == *"(using rsa-sha2-512)" ]]
	run -255 "$KEYGEN" -s rca -t ed25519 -I x -n u k.pub
	[ "$output" = "CA key type ssh-rsa doesn't match specified ed25519" ]
}

@test "a certificate without principals is made with a warning" {
	run -0 "$KEYGEN" -s ca -I x k.pub
	[ "${lines[0]}" = "Warning: certificate will contain no principals (-n)" ]
	[ "$(field Principals)" = "(none)" ]
	run -255 "$KEYGEN" -s ca -I x -n a,,b k.pub
	[ "$output" = "Empty principal name" ]
}

@test "what is missing or wrong is said, and nothing is written" {
	run -255 "$KEYGEN" -s ca -n u k.pub
	[ "$output" = "Must specify key id (-I) when certifying" ]
	run -1 "$KEYGEN" -s ca -I x -n u
	[ "${lines[0]}" = "Too few arguments." ]
	run -255 "$KEYGEN" -s nosuch -I x -n u k.pub
	[ "$output" = "nosuch: No such file or directory" ]
	run -255 "$KEYGEN" -s ca.pub -I x -n u k.pub
	[[ $output == *'Load key "ca.pub": '* ]]
	run -255 "$KEYGEN" -s ca -I x -n u nosuch.pub
	[ "$output" = 'load pubkey "nosuch.pub": No such file or directory' ]
	[ ! -e k-cert.pub ]
	"$KEYGEN" -q -s ca -I x -n u k.pub
	run -255 "$KEYGEN" -s ca -I x -n u k-cert.pub
	[[ $output == *"type ED25519-CERT cannot be certified" ]]
	run -1 "$KEYGEN" -L -f k.pub
	[ "$output" = "k.pub:1 is not a certificate" ]
	run -1 "$KEYGEN" -O foo -f new
	[[ $output == *"-O foo says nothing here"* ]]
}

@test "the key may be named without .pub, and the CA be locked" {
	"$KEYGEN" -q -s ca -I x -n u k
	[ "$(field Principals)" = "" ]
	rm k.pub k-cert.pub
	"$KEYGEN" -q -s ca -I x -n u k
	[ -s k-cert.pub ]
	"$KEYGEN" -q -p -a 1 -N sesame -f ca
	"$KEYGEN" -q -s ca -P sesame -I locked -n u k
	[ "$(field 'Key ID')" = '"locked"' ]
	run -0 "$PTYRUN" -e 'Enter passphrase: ' -s 'sesame\n' -- \
		"$KEYGEN" -s ca -I asked -n u k
	[ "$(field 'Key ID')" = '"asked"' ]
}

@test "-L shows every certificate of a file, and standard input" {
	"$KEYGEN" -q -s ca -I one -n u k.pub
	{ cat k-cert.pub; echo '# a comment'; cat k.pub k-cert.pub; } > many
	run -0 --separate-stderr "$KEYGEN" -L -f many
	[ "$(grep -c 'Key ID' <<< "$output")" = 2 ]
	[ "${lines[0]}" = "many:" ]
	[[ $output == *"many:4:"* ]]
	[ "$stderr" = "many:3 is not a certificate" ]
	run -0 "$KEYGEN" -L -f - < k-cert.pub
	[ "${lines[0]}" = "(stdin):1:" ]
}

@test "a changed certificate is no certificate" {
	"$KEYGEN" -q -s ca -I x -n u k.pub
	read -r type blob rest < k-cert.pub
	base64 -d <<< "$blob" | sed 's/permit-pty/permit-ptz/' | base64 -w0 > b
	echo "$type $(cat b) $rest" > bad
	run -1 "$KEYGEN" -L -f bad
	[[ $output == *"incorrect signature"* ]]
	[[ $output == *"bad:1 is not a certificate" ]]
}

@test "what a certificate holds does not drive the terminal" {
	"$KEYGEN" -q -s ca -I $'\e[31mid' -n $'u\e]0;x\a' k.pub
	run -0 "$KEYGEN" -L -f k-cert.pub
	[[ $output != *$'\e'* ]]
	[[ $output == *'\033[31mid'* ]]
}

@test "-U signs with a CA that an agent holds" {
	[ -x "$BIN/ssh-agent" ] && [ -x "$BIN/ssh-add" ] || skip "no agent"
	"$KEYGEN" -q -t rsa -b 2048 -N '' -f rsa_ca
	eval "$("$BIN/ssh-agent" -s -a "$PWD/agent" 3>&-)" > /dev/null
	"$BIN/ssh-add" -q ca rsa_ca
	for ca in ca rsa_ca; do
		mv $ca $ca.away
		run -0 "$KEYGEN" -U -s $ca.pub -I x -n u k.pub
		[[ $output == "Signed user key k-cert.pub: "* ]]
		[[ $(field 'Signing CA') == *"$("$KEYGEN" -lf $ca.pub | cut -d' ' -f2)"* ]]
	done
	run -0 "$KEYGEN" -q -U -t rsa-sha2-256 -s rsa_ca.pub -I x -n u k.pub
	[[ $(field 'Signing CA') == *"(using rsa-sha2-256)" ]]
	"$BIN/ssh-add" -q -D
	run -255 "$KEYGEN" -q -U -s ca.pub -I x -n u k.pub
	[ "$output" = "CA key ca.pub not found in agent" ]
	kill "$SSH_AGENT_PID"
	unset SSH_AUTH_SOCK
	run -255 "$KEYGEN" -q -U -s ca.pub -I x -n u k.pub
	[ "$output" = "Cannot use public key for CA signature: no agent: SSH_AUTH_SOCK is not set" ]
}
