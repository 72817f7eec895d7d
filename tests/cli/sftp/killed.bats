# Copies that are killed at any point.

setup() { load ../common; load ../sftp; sides; }

# Starts a batch and kills it (and the server with it) after that many
# milliseconds, if it has not ended by itself.
killed() {
	local ms=$1 pid
	shift
	printf '%s\n' "cd $REMOTE" "$@" > "$WORK/batch"
	"$SFTP" -b "$WORK/batch" -D "$SERVER" > /dev/null 2>&1 3>&- &
	pid=$!
	sleep "$(printf '0.%03d' "$ms")"
	kill -9 "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
}

@test "kill -9 at 100 random points: resumed, the files are identical" {
	[[ $("$SERVER" -Q requests) == *check-file* ]] || skip "this server gives no hashes"
	head -c 12000000 /dev/urandom > "$REMOTE/f"
	RANDOM=4711
	for i in $(seq 50); do
		ms=$((RANDOM % 40))
		[ $((i % 10)) -ne 1 ] || rm -f f "$REMOTE/g"
		[ $((i % 3)) -ne 0 ] || truncate -s $((RANDOM * 300)) f
		killed "$ms" 'get --resume f'
		killed "$ms" 'put --resume f g'
		[ $((i % 5)) -eq 0 ] || continue
		run -0 batch 'get --resume --verify f' 'put --resume --verify f g'
		cmp "$REMOTE/f" f
		cmp "$REMOTE/f" "$REMOTE/g"
	done
}

@test "kill -9 and reget, reput: what is there is a beginning" {
	head -c 12000000 /dev/urandom > "$REMOTE/f"
	RANDOM=1147
	for i in $(seq 15); do
		rm -f f "$REMOTE/g"
		killed $((RANDOM % 30)) 'get f'
		[ ! -e f ] || cmp -n "$(stat -c %s f)" f "$REMOTE/f"
		run -0 batch 'reget f'
		cmp "$REMOTE/f" f
		killed $((RANDOM % 30)) 'put f g'
		# The server may still be writing what it has.
		for _ in $(seq 100); do
			[ -n "$(fuser "$REMOTE/g" 2>/dev/null)" ] || break
			sleep 0.05
		done
		[ ! -e "$REMOTE/g" ] || cmp -n "$(stat -c %s "$REMOTE/g")" f "$REMOTE/g"
	done
}

@test "kill -9 of --atomic copies: the target is the old file or the new one" {
	head -c 12000000 /dev/urandom > "$REMOTE/new"
	head -c 12000000 /dev/urandom > old
	RANDOM=42
	for i in $(seq 20); do
		cp old f
		cp old "$REMOTE/g"
		killed $((RANDOM % 40)) 'get --atomic new f'
		cmp -s f old || cmp f "$REMOTE/new"
		cp "$REMOTE/new" n
		killed $((RANDOM % 40)) 'put --atomic n g'
		cmp -s "$REMOTE/g" old || cmp "$REMOTE/g" "$REMOTE/new"
	done
}
