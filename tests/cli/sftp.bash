# For tests of sftp: the program on a server that it runs itself (-D), in a
# folder with a remote and a local side.

SFTP=$BIN/sftp
SERVER=$BIN/sftp-server
[ "${PEER:-}" != openssh ] && [ -x "$SERVER" ] || SERVER=/usr/lib/openssh/sftp-server

# Both sides, fresh; the shell stands in the local one.
sides() {
	WORK=$(mktemp -d "$BATS_TEST_TMPDIR/work.XXXXXX")
	REMOTE=$WORK/remote LOCAL=$WORK/local
	mkdir "$REMOTE" "$LOCAL"
	cd "$LOCAL"
}

# batch LINE...: as a batch, in the remote side. -q: of flags, up to "--".
batch() {
	local flags=()
	if [[ $1 == -- ]]; then
		shift
	else
		while [[ $1 == -* && $1 != -- ]]; do
			flags+=("$1")
			shift
		done
		[[ $1 != -- ]] || shift
	fi
	printf '%s\n' "cd $REMOTE" "$@" > "$WORK/batch"
	timeout 30 "$SFTP" "${flags[@]}" -b "$WORK/batch" -D "$SERVER"
}

# typed LINE...: as commands on standard input; failures do not end it.
typed() {
	printf '%s\n' "cd $REMOTE" "$@" | timeout 30 "$SFTP" -D "$SERVER" 2>&1
}

# A tree with files of many sizes, names of all kinds, modes and times.
make_tree() {
	mkdir -p "$1/empty" "$1/deep/er/still" "$1/with space"
	for size in 0 1 100 4096 32768 32769 300000; do
		head -c "$size" /dev/urandom > "$1/f$size"
		chmod 640 "$1/f$size"
		touch -d "2020-01-02 03:04:$((size % 60))" "$1/f$size"
	done
	for i in $(seq 60); do echo "$i" > "$1/deep/er/n$i"; done
	echo x > "$1/deep/er/still/x"
	echo y > "$1/with space/a  b"
	echo z > "$1/star*"
	echo z > "$1/quote\"'"
	echo z > "$1/back\\slash"
	chmod 500 "$1/deep/er/still"
	chmod 444 "$1/f100"
	touch -d '2019-05-06 07:08:09' "$1/deep/er/still" "$1/deep" "$1/empty" "$1"
}

# Modes, times and contents of a tree, one line each.
tree_facts() {
	(cd "$1" && find . -printf '%p %y %m %Ts\n' | sort &&
		find . -type f -exec md5sum {} + | sort)
}
