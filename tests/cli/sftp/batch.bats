# Batches, exit codes, and how sftp finds its server.

setup_file() {
	load ../common
	load ../sftp
	[ "$(id -u)" = 0 ] || PEER=
	start_sshd "Subsystem sftp internal-sftp"
}
teardown_file() { load ../common; stop_sshd; }
setup() { load ../common; load ../sftp; sides; }

sftp_() {
	timeout 30 "$SFTP" -F "$SCRATCH/ssh_config" "$@"
}

@test "a batch ends at the first failure with 1, but for '-' in front" {
	run -1 batch 'rmdir none' 'mkdir never'
	[ ! -e "$REMOTE/never" ]
	run -0 batch -- '-rmdir none' 'mkdir yes'
	[ -d "$REMOTE/yes" ]
}

@test "a batch echoes its lines, but for '@' in front" {
	run -0 batch 'pwd' '@lpwd' '-@rmdir none' '@-rmdir none'
	[[ $output == *"sftp> pwd"* ]]
	[[ $output != *"sftp> @lpwd"* && $output == *"Local working directory"* ]]
	[[ $output != *"sftp> -@"* && $output != *"sftp> @-"* ]]
}

@test "a batch says neither what it connects to nor what it fetches; -N undoes that" {
	echo x > "$REMOTE/f"
	run -0 batch 'get f'
	[[ $output != *Attached* && $output != *Fetching* ]]
	run -0 batch -N -- 'get f'
	[[ $output == *Attached*"Fetching $REMOTE/f to f"* ]]
}

@test "without a batch failures change nothing about the status" {
	run -0 typed 'rmdir none' nonsense 'mkdir yes'
	[ -d "$REMOTE/yes" ]
}

@test "-b - reads standard input; a batch that is not there is 255" {
	run -0 bash -c "echo 'lpwd' | '$SFTP' -b - -D '$SERVER'"
	[[ $output == *"Local working directory: $LOCAL"* ]]
	run -255 "$SFTP" -b /nonexistent/file -D "$SERVER"
	[[ $output == *"No such file or directory (/nonexistent/file)."* ]]
}

@test "a server that cannot be run, or ends at once: 255, Connection closed" {
	run -255 "$SFTP" -b /dev/null -D /nonexistent/server
	[[ $output == *"exec: /nonexistent/server: No such file or directory"*"Connection closed"* ]]
	run -255 "$SFTP" -b /dev/null -D /bin/true
	[[ $output == *"Connection closed"* ]]
}

@test "a server that ends in the middle: 255" {
	cat > dying <<-SH
		#!/bin/sh
		'$SERVER' & wait
	SH
	chmod +x dying
	run -255 bash -c "printf '%s\n' '!kill -9 \$(pgrep -P \$PPID -f dying); sleep 0.3' pwd 'ls' | '$SFTP' -b - -D ./dying"
	[[ $output == *"Connection closed"* ]]
}

@test "what prints before the server speaks is named as the cause" {
	cat > noisy <<-SH
		#!/bin/sh
		echo "Welcome to this machine, dear user!"
		exec '$SERVER'
	SH
	chmod +x noisy
	run -255 "$SFTP" -b /dev/null -D ./noisy
	[[ $output == *"start-up script"* ]]
}

@test "usage for unknown flags and without a destination" {
	run -1 "$SFTP"
	[[ $output == *"usage: sftp "* ]]
	run -1 "$SFTP" -Z target
	[[ $output == *"usage: sftp "* ]]
	run -1 "$SFTP" -X wrong=1 target
	[[ $output == *"Invalid -X option \"wrong=1\""* ]]
	run -1 "$SFTP" -R many target
	run -1 "$SFTP" -B 0 target
	run -1 "$SFTP" sftp://host:99999/
	[[ $output == *"is no destination"* ]]
	run -1 "$SFTP" -- -oProxyCommand=touch\ "$WORK"/evil
	[ ! -e "$WORK/evil" ]
}

# What ssh gets is written down by a stand-in.
@test "flags for ssh go to ssh, what a transfer must not have is off" {
	cat > fake <<-SH
		#!/bin/sh
		printf '%s\n' "\$@" > '$WORK/arguments'
		exit 1
	SH
	chmod +x fake
	run -255 "$SFTP" -S ./fake -46AC -i id -J jump -c aes128-ctr -F cfg -o Foo=bar -P 99 -v user@host
	args=$(tr '\n' ' ' < "$WORK/arguments")
	for wanted in '-4 ' '-6 ' '-A ' '-C ' '-i id ' '-J jump ' '-c aes128-ctr ' '-F cfg ' '-o Foo=bar ' \
		'-oPort 99 ' '-v ' '-l user ' '-oForwardAgent no ' '-oClearAllForwardings yes ' \
		'-oPermitLocalCommand no ' '-s -- host sftp '; do
		[[ $args == *"$wanted"* ]]
	done
	run -255 "$SFTP" -S ./fake -q -b /dev/null -s /usr/lib/server sftp://u%40v@h:77/p
	args=$(tr '\n' ' ' < "$WORK/arguments")
	[[ $args == *'-l u@v -- h /usr/lib/server '* && $args == *'-oPort 77 '* && $args == *'-oBatchMode yes '* ]]
	[[ $args == *'-q '* ]]
	run -255 "$SFTP" -S ./fake -s other 'u@[::1]:x'
	args=$(tr '\n' ' ' < "$WORK/arguments")
	[[ $args == *'-l u -s -- ::1 other '* ]]
}

@test "over ssh: batch, host:file, host:folder, sftp://" {
	echo hello > "$REMOTE/f"
	run -0 --separate-stderr bash -c "echo 'ls -1 $REMOTE' | timeout 30 '$SFTP' -F '$SCRATCH/ssh_config' -b - target"
	[[ $output == *"$REMOTE/f"* ]]
	run -0 sftp_ "target:$REMOTE/f"
	[[ $output == *"Connected to target."*"Fetching $REMOTE/f to f"* ]]
	[ "$(cat f)" = hello ]
	run -0 sftp_ "target:$REMOTE/f" other
	[ "$(cat other)" = hello ]
	run -1 sftp_ "target:$REMOTE/none"
	[[ $output == *"File \"$REMOTE/none\" not found."* ]]
	run -0 bash -c "echo 'get f third' | timeout 30 '$SFTP' -F '$SCRATCH/ssh_config' 'target:$REMOTE'"
	[[ $output == *"Changing to: $REMOTE"* ]]
	[ "$(cat third)" = hello ]
	run -0 sftp_ "sftp://target/$REMOTE/f" fourth
	[ "$(cat fourth)" = hello ]
}

@test "over ssh: a login that fails is 255" {
	run -255 sftp_ -b /dev/null -o IdentityFile=/nonexistent -o PubkeyAuthentication=no target
	[[ $output == *"Permission denied"*"Connection closed"* ]]
}

@test "-l limits the rate" {
	head -c 200000 /dev/urandom > "$REMOTE/f"
	started=$(date +%s%N)
	run -0 batch -l800 -- 'get f'
	# 100 kB a second: two seconds, and some for a slow start of the clock.
	[ $((($(date +%s%N) - started) / 1000000)) -ge 1500 ]
	cmp "$REMOTE/f" f
}
