# ssh-keygen -F, -H and -R.

setup() {
	load ../common
	cd "$BATS_TEST_TMPDIR"
	for t in a b c; do
		"$KEYGEN" -q -t ed25519 -N '' -f "$t" -C "key $t"
	done
	cat > known <<-END
		# a comment

		host,10.0.0.1 $(cat a.pub)
		*.example.com,!bad.example.com $(cat b.pub)
		@cert-authority host $(cat c.pub)
		@revoked host $(cat b.pub)
		[host]:2222 $(cut -d' ' -f1,2 c.pub)
		  host	$(cat b.pub)
	END
	cp known known.before
}

fingerprint() {
	"$KEYGEN" -l -f "$1.pub" | cut -d' ' -f2
}

@test "-F prints the lines of a host, with number and mark" {
	run -0 "$KEYGEN" -F host -f known
	diff - <(echo "$output") <<-END
		# Host host found: line 3 
		host,10.0.0.1 $(cat a.pub)
		# Host host found: line 5 CA
		@cert-authority host $(cat c.pub)
		# Host host found: line 6 REVOKED
		@revoked host $(cat b.pub)
		# Host host found: line 8 
		  host	$(cat b.pub)
	END
	run -0 "$KEYGEN" -q -F 10.0.0.1 -f known
	[ "$output" = "host,10.0.0.1 $(cat a.pub)" ]
	cmp known known.before
}

@test "-F knows wildcards, ports and capitals; 1 where there is nothing" {
	run -0 "$KEYGEN" -F a.example.com -f known
	[ "${lines[0]}" = "# Host a.example.com found: line 4 " ]
	run -0 "$KEYGEN" -F '[host]:2222' -f known
	[ "${lines[0]}" = "# Host [host]:2222 found: line 7 " ]
	run -0 "$KEYGEN" -F HOST -f known
	[ "${lines[0]}" = "# Host HOST found: line 3 " ]
	for name in bad.example.com host2 '[host]:22222'; do
		run -1 "$KEYGEN" -F "$name" -f known
		[ -z "$output" ]
	done
}

@test "-lF prints fingerprints, with -v pictures" {
	run -0 "$KEYGEN" -lF host -f known
	diff - <(echo "$output") <<-END
		# Host host found: line 3 
		host ED25519 $(fingerprint a) key a
		# Host host found: line 5 CA
		host ED25519 $(fingerprint c) key c
		# Host host found: line 6 REVOKED
		host ED25519 $(fingerprint b) key b
		# Host host found: line 8 
		host ED25519 $(fingerprint b) key b
	END
	run -0 "$KEYGEN" -qlvF '[host]:2222' -f known
	[ "${lines[0]}" = "[host]:2222 ED25519 $(fingerprint c)" ]
	[ "${lines[1]}" = "+--[ED25519 256]--+" ]
	[ "${#lines[@]}" -eq 12 ]
}

@test "-H hashes the names, keeps the rest, and the old file beside" {
	chmod 640 known
	run -0 --separate-stderr "$KEYGEN" -H -f known
	[ "$output" = "known updated.
Original contents retained as known.old" ]
	[[ $stderr == *"known:4: ignoring host name with wildcard: *.example.com,!bad.example.com"* ]]
	[[ $stderr == *"WARNING: known.old contains unhashed entries"* ]]
	cmp known.old known.before
	[ "$(stat -c %a known)" = 640 ]
	[ "$(grep -c '^|1|' known)" -eq 4 ]
	diff <(grep -E '^(#|$|@|\*)' known) <(grep -E '^(#|$|@|\*)' known.before)
	for name in host 10.0.0.1 '[host]:2222'; do
		run -0 "$KEYGEN" -F "$name" -f known
		[[ $output == *"|1|"* ]]
	done
	# A second time there is nothing to do.
	cp known hashed
	run -0 "$KEYGEN" -H -f known
	cmp known hashed
	cmp known.old known.before
}

@test "-F -H shows names hashed and leaves the file alone" {
	run -0 "$KEYGEN" -HF host -f known
	[ "$(grep -c '^|1|' <<< "$output")" -eq 3 ]
	[[ $output == *"@revoked host "* ]]
	cmp known known.before
}

@test "-R removes plain lines of a host and nothing else" {
	run -0 "$KEYGEN" -R host -f known
	diff - <(echo "$output") <<-END
		# Host host found: line 3
		# Host host found: line 8
		known updated.
		Original contents retained as known.old
	END
	cmp known.old known.before
	diff known <(sed -e 3d -e 8d known.before)
	run -0 "$KEYGEN" -R nobody -f known
	[ "$output" = "Host nobody not found in known" ]
}

@test "-R finds hashed names, those with ports, and writes through links" {
	"$KEYGEN" -q -H -f known
	mkdir elsewhere
	mv known elsewhere
	ln -s elsewhere/known known
	run -0 "$KEYGEN" -R '[HOST]:2222' -f known
	[ -L known ]
	run -1 "$KEYGEN" -F '[host]:2222' -f known
	run -0 "$KEYGEN" -F host -f known
}

@test "a file with a damaged line is not changed" {
	for bad in 'host-i ' 'host ssh-ed25519 AAAA' '@nonsense host x y' 'two words'; do
		{ cat known.before; echo "$bad"; } > known
		cp known bad
		for flags in '-H' '-R host'; do
			# shellcheck disable=SC2086
			run -1 --separate-stderr "$KEYGEN" $flags -f known
			[[ $stderr == *"known:9: invalid line
known is not a valid known_hosts file.
Not replacing existing known_hosts file because of errors" ]]
			cmp known bad
			[ ! -e known.old ]
		done
		run -0 "$KEYGEN" -F host -f known
	done
}

@test "lines without a newline at the end, and with types of the future" {
	printf 'x %s\nhost ssh-new AAAAB3NzaC1uZXc=' "$(cat a.pub)" > known
	run -0 "$KEYGEN" -R x -f known
	[ "$(cat known)" = "host ssh-new AAAAB3NzaC1uZXc=" ]
}

@test "a missing file is said so" {
	for flags in '-H' '-R host' '-F host'; do
		# shellcheck disable=SC2086
		run -255 "$KEYGEN" $flags -f missing
		[ "$output" = "Cannot stat missing: No such file or directory" ]
	done
}
