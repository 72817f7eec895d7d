# The command line of ssh: what needs no server.

setup() { load ../common; }

@test "-V names itself and the version it is compatible with, on stderr" {
	run -0 --separate-stderr "$SSH" -V
	[ -z "$output" ]
	[[ "$stderr" =~ ^Sheetbend_[0-9.]+\ \(compatible\ with\ OpenSSH_10\.5p1\),\ OpenSSL\ 3 ]]
}

@test "-Q lists names one a line" {
	run -0 "$SSH" -Q cipher
	[[ "$output" == *aes128-gcm@openssh.com* ]]
	[[ "$output" != *,* ]]
	run -0 "$SSH" -Q kex
	[[ "$output" == *mlkem768x25519-sha256* ]]
	run -0 "$SSH" -Q key-plain
	[[ "$output" == *ssh-ed25519* ]]
	run -0 "$SSH" -Q sig
	[[ "$output" == *rsa-sha2-512* ]]
	run -0 "$SSH" -Q protocol-version
	[ "$output" = 2 ]
	run -0 "$SSH" -Q MACS
	[[ "$output" == *hmac-sha2-256-etm@openssh.com* ]]
	run -0 "$SSH" -Q help
	[[ "$output" == *cipher-auth* ]]
}

@test "-Q keeps certificates apart" {
	run -0 "$SSH" -Q key-plain
	[[ $output != *-cert-v01@openssh.com* ]]
	plain=$output
	run -0 "$SSH" -Q key-cert
	[ "$(grep -vc -- '-cert-v01@openssh.com$' <<< "$output")" = 0 ]
	[ "$("$SSH" -Q key)" = "$plain"$'\n'"$output" ]
	run -0 "$SSH" -Q sig
	[[ $output != *-cert-* && $output == *rsa-sha2-512* ]]
	run -0 "$SSH" -Q key-sig
	[[ $output == *rsa-sha2-512-cert-v01@openssh.com* ]]
	run -0 "$SSH" -Q CASignatureAlgorithms
	[[ $output != *-cert-* ]]
	run -0 "$SSH" -F none -G host
	[[ $output == *$'\ncasignaturealgorithms ssh-ed25519,'* ]]
	[[ $output == *$'\nhostkeyalgorithms ssh-ed25519-cert-v01@openssh.com,'* ]]
	[[ $output == *$'\npubkeyacceptedalgorithms ssh-ed25519-cert-v01@openssh.com,'* ]]
}

@test "-Q refuses what it does not know" {
	run -255 --separate-stderr "$SSH" -Q nonsense
	[ "$stderr" = 'Unsupported query "nonsense"' ]
}

@test "without a host: the usage, status 255" {
	run -255 --separate-stderr "$SSH"
	[[ "$stderr" == usage:\ ssh* ]]
	run -255 "$SSH" -y
	run -255 "$SSH" --no-such-flag host
	run -255 "$SSH" @host
	run -255 "$SSH" user@
}

@test "a bad port is refused" {
	for port in 0 65536 -1 22x '' ' 22'; do
		run -255 --separate-stderr "$SSH" -F none -p "$port" host true
		[ "$stderr" = "Bad port '$port'" ]
	done
}

@test "unknown ciphers and MACs are refused" {
	run -255 --separate-stderr "$SSH" -F none -c nonsense host true
	[ "$stderr" = "Unknown cipher type 'nonsense'" ]
	run -255 --separate-stderr "$SSH" -F none -m nonsense host true
	[ "$stderr" = "Unknown mac type 'nonsense'" ]
}

@test "an unknown option is named, status 255" {
	run -255 --separate-stderr "$SSH" -F none -o NoSuchOption=1 host true
	[[ "$stderr" == *"Bad configuration option: "[Nn]o[Ss]uch[Oo]ption* ]]
}

@test "names that could reach a shell are refused" {
	for user in 'a;b' 'a`b' '$(x)' '${FOO}' "a'b" 'a|b' '-x' $'a\nb'; do
		run -255 --separate-stderr "$SSH" -F none -l "$user" host true
		[ "$stderr" = "remote username contains invalid characters" ]
	done
	for host in 'a;b' 'a b' '$(x)' 'a`b' ; do
		run -255 --separate-stderr "$SSH" -F none -- "$host" true
		[ "$stderr" = "hostname contains invalid characters" ]
	done
}

@test "-G prints options and takes flags from both sides of the host" {
	run -0 "$SSH" -F none -G -p 2200 host -l somebody
	[[ "$output" == *$'\nport 2200'* ]]
	[[ "$output" == *$'user somebody\n'* ]]
	[[ "$output" == *$'hostname host\n'* ]]
}

@test "user@host splits at the last @" {
	run -0 "$SSH" -F none -G a@b@host
	[[ "$output" == *$'user a@b\n'* ]]
	[[ "$output" == *$'hostname host\n'* ]]
}

@test "the first of -l and user@ wins" {
	run -0 "$SSH" -F none -G -l first second@host
	[[ "$output" == *$'user first\n'* ]]
	run -0 "$SSH" -F none -G second@host -l first
	[[ "$output" == *$'user second\n'* ]]
	run -0 "$SSH" -F none -G -o User=third second@host
	[[ "$output" == *$'user third\n'* ]]
	printf 'User last\n' > "$BATS_TEST_TMPDIR/config"
	run -0 "$SSH" -F "$BATS_TEST_TMPDIR/config" -G first@host
	[[ "$output" == *$'user first\n'* ]]
}

@test "a user of the command line is taken as it is" {
	run -0 "$SSH" -F none -G 'a%u$b'@host
	[[ "$output" == *$'user a%u$b\n'* ]]
	run -0 "$SSH" -F none -G -l 'DOM\user' host
	[[ "$output" == *$'user "DOM\\\\user"\n'* ]]
}

@test "ssh:// URIs" {
	run -0 "$SSH" -F none -G ssh://me%40work@host.example:2200
	[[ "$output" == *$'user me@work\n'* ]]
	[[ "$output" == *$'hostname host.example\n'* ]]
	[[ "$output" == *$'\nport 2200'* ]]
	run -0 "$SSH" -F none -G 'ssh://[::1]:2200/'
	[[ "$output" == *$'hostname ::1\n'* ]]
	run -255 "$SSH" -F none -G ssh://host/path
	run -255 "$SSH" -F none -G ssh://host:0
	run -255 "$SSH" -F none -G ssh://host:x
}

@test "features that are not there yet are named" {
	for flags in "-L 1234:host:1" "-D 1234" "-J jump" "-W host:1" "-O check" "-X"; do
		run -255 --separate-stderr "$SSH" -F none $flags host true
		[[ "$stderr" == *"not supported yet"* ]]
	done
}

@test "-e takes a character, ^X or none" {
	run -0 "$SSH" -F none -G -e ^B host
	run -0 "$SSH" -F none -G -e none host
	[[ "$output" == *$'escapechar none'* ]]
	run -0 "$SSH" -F none -G -e '#' host
	[[ "$output" == *$'escapechar "#"'* ]]
	run -255 --separate-stderr "$SSH" -F none -e ab host
	[ "$stderr" = "Bad escape character 'ab'." ]
}

@test "a missing identity file is a warning" {
	run -0 --separate-stderr "$SSH" -F none -G -i /no/such/key host
	[ "$stderr" = "Warning: Identity file /no/such/key not accessible: No such file or directory." ]
}

@test "-s needs a subsystem, -f a command" {
	run -255 --separate-stderr "$SSH" -F none -s host
	[[ "$stderr" == *"You must specify a subsystem to invoke."* ]]
	run -255 --separate-stderr "$SSH" -F none -f host
	[[ "$stderr" == *"Cannot fork into background without a command to execute."* ]]
}

@test "protocol 1 is gone" {
	run -255 "$SSH" -1 host
}

@test "RefuseConnection ends it before a connection is made" {
	printf 'Host closed\n RefuseConnection not today\n' > "$BATS_TEST_TMPDIR/config"
	run -255 --separate-stderr "$SSH" -F "$BATS_TEST_TMPDIR/config" closed true
	[[ "$stderr" == *"line 2: RefuseConnection: not today"* ]]
}
