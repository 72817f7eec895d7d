# ssh-keygen -M: groups for Diffie-Hellman group exchange.

setup_file() {
	load ../common
	# From a number of which four of the first 300 candidates pass.
	"$KEYGEN" -M generate -b 512 -O start="5b$(printf '%0126d' 0)" \
		"$SCRATCH/candidates" 2> "$SCRATCH/said"
	head -n 300 "$SCRATCH/candidates" > "$SCRATCH/some"
	"$KEYGEN" -q -M screen -f "$SCRATCH/some" "$SCRATCH/moduli"
}
setup() {
	load ../common
	cd "$BATS_TEST_TMPDIR"
}

is_prime() { [[ $(openssl prime -hex "$1") == *"is prime" ]]; }

@test "-M generate writes candidates without small factors" {
	[[ $(cat "$SCRATCH/said") == *"Found $(wc -l < "$SCRATCH/candidates") candidates" ]]
	awk 'length($1) != 14 || $2 != 4 || $3 != 2 || $5 != 510 || $6 != 0 || NF != 7 { exit 1 }' \
		"$SCRATCH/candidates"
	python3 - "$SCRATCH/some" <<-'E'
		import math, sys
		product = math.prod(n for n in range(3, 5000) if all(n % d for d in range(2, int(n ** .5) + 1)))
		for line in open(sys.argv[1]):
		    q = int(line.split()[6], 16)
		    assert q % 2 and q.bit_length() == 511
		    assert math.gcd(q, product) == 1 and math.gcd(2 * q + 1, product) == 1
	E
}

@test "-O bits is -b" {
	"$KEYGEN" -q -M generate -O bits=512 - | awk '$5 != 510 { bad = 1 } END { exit bad || NR == 0 }'
}

@test "-M generate leaves out nothing that -M screen would find" {
	# All safe primes of the window's beginning, by a test of every number.
	last=$(tail -n 1 "$SCRATCH/some" | cut -d' ' -f7)
	first=$(head -n 1 "$SCRATCH/some" | cut -d' ' -f7)
	python3 - "$first" "$last" <<-'E' > all
		import math, sys
		q, last = int(sys.argv[1], 16), int(sys.argv[2], 16)
		small = math.prod(n for n in range(3, 2000, 2) if all(n % d for d in range(3, int(n ** .5) + 1, 2)))
		while q <= last:
		    p = 2 * q + 1
		    if math.gcd(q * p, small) == 1 and pow(2, q - 1, q) == 1 and pow(2, p - 1, p) == 1:
		        if p % 24 == 11 or p % 10 in (3, 7):
		            print("%X" % p)
		    q += 6
	E
	diff all <(cut -d' ' -f7 "$SCRATCH/moduli")
}

@test "-M screen finds the safe primes, and a generator" {
	[ "$(wc -l < "$SCRATCH/moduli")" -eq 4 ]
	awk '$2 != 2 || $3 != 6 || $4 != 100 || $5 != 511 || ($6 != 2 && $6 != 5) { exit 1 }' \
		"$SCRATCH/moduli"
	while read -r _ _ _ _ _ _ p; do
		is_prime "$p"
		is_prime "$(python3 -c "print('%X' % (int('$p', 16) >> 1))")"
	done < "$SCRATCH/moduli"
	# What was found passes again; sshd reads it.
	"$KEYGEN" -q -M screen -f "$SCRATCH/moduli" again
	diff <(cut -d' ' -f2,3,5- again) <(cut -d' ' -f2,3,5- "$SCRATCH/moduli")
	awk '$4 != 200 { exit 1 }' again
}

@test "-O lines, start-line, generator and prime-tests" {
	cat "$SCRATCH/moduli" "$SCRATCH/moduli" > two
	n=$(wc -l < "$SCRATCH/moduli")
	"$KEYGEN" -q -M screen -f two -O lines=1 out
	[ "$(wc -l < out)" -eq 1 ]
	"$KEYGEN" -q -M screen -f two -O start-line="$n" - < /dev/null | cut -d' ' -f7 |
		diff - <(cut -d' ' -f7 "$SCRATCH/moduli")
	"$KEYGEN" -q -M screen -O generator=5 - < two > fives
	[ "$(wc -l < fives)" -eq "$(awk '$6 == 5' two | wc -l)" ]
	"$KEYGEN" -q -M screen -O prime-tests=7 -O lines=1 - < two > quick
	[ "$(cut -d' ' -f4 quick)" -eq 107 ]
}

@test "a screening that was broken off goes on at its checkpoint" {
	cat "$SCRATCH/moduli" "$SCRATCH/moduli" > two
	n=$(wc -l < "$SCRATCH/moduli")
	echo "$n" > checkpoint
	echo "kept" > out
	run -0 --separate-stderr "$KEYGEN" -q -M screen -f two -O checkpoint=checkpoint out
	[[ $stderr == "Loaded checkpoint from \"checkpoint\" line $n"* ]]
	[ "$(wc -l < out)" -eq $((n + 1)) ]
	[ ! -e checkpoint ]
}

@test "damaged lines are passed over" {
	{
		echo '# a comment'
		echo
		echo '20260101000000 4 2'
		echo '20260101000000 2 1 0 511 2 FFFF'
		echo '20260101000000 2 6 100 511 2 nonsense'
		echo '20260101000000 2 6 100 12345 2 D3AD'
		head -c 100000 /dev/zero | tr '\0' F
		echo
		sed 's/^\(.*\) \(.\)/\1 Z\2/' "$SCRATCH/moduli"
		sed 's/.$/8/' "$SCRATCH/moduli"
	} > bad
	run -0 "$KEYGEN" -q -M screen -f bad -
	[ -z "$output" ]
}

@test "bad use of -M" {
	run -1 "$KEYGEN" -M potato out
	[[ $output == "Unsupported moduli option potato"* ]]
	run -1 "$KEYGEN" -M generate
	[ "$output" = "No output file specified" ]
	run -1 "$KEYGEN" -M screen a b
	[ "$output" = "Too many output files specified" ]
	run -1 "$KEYGEN" -M generate -b 100 out
	[[ $output == "Bits has bad value 100"* ]]
	run -1 "$KEYGEN" -M generate -O bits=100 out
	[[ $output == "Bits has bad value 100"* ]]
	run -1 "$KEYGEN" -M screen -O foo out
	[[ $output == 'Option "foo" is unsupported for moduli screening'* ]]
	run -1 "$KEYGEN" -M generate -O start=xyz out
	[[ $output == 'start has bad value "xyz"'* ]]
	run -255 "$KEYGEN" -M screen -f missing out
	[ "$output" = 'Couldn'"'"'t open modulus candidate file "missing": No such file or directory' ]
}
