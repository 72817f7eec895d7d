# Programs that people run over ssh: git and rsync, with our ssh and through
# our sshd.

setup_file() {
	load peers
	make_account || true
	start_server ours
}

setup() {
	load peers
	cd "$BATS_TEST_TMPDIR"
	# Files of the other end: in the account's home, or here.
	FAR=$BATS_TEST_TMPDIR/far
	if [ -s "$SCRATCH/account" ]; then
		read -r ACCOUNT ACCOUNT_HOME < "$SCRATCH/account"
		FAR=$ACCOUNT_HOME/far-$BATS_TEST_NUMBER
	fi
	mkdir "$FAR"
	RSH="$SSH -F $SCRATCH/ssh_config -i $SCRATCH/user_ed25519"
	export GIT_SSH_COMMAND=$RSH GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null
	export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
}

teardown() { say_why; }
teardown_file() { stop_peers; }

# The far files belong to who logs in.
give_away() {
	[ ! -s "$SCRATCH/account" ] || chown -R "$ACCOUNT:" "$FAR"
}

clone_and_push() {
	command -v git || skip "no git"
	git init -q --bare -b main "$FAR/repository"
	git init -q -b main here
	stream 5000000 > here/bytes
	git -C here add . && git -C here commit -qm first
	give_away
	timeout 60 git -C here push -q "target:$FAR/repository" main
	timeout 60 git clone -q "target:$FAR/repository" copy
	cmp here/bytes copy/bytes
	echo more > copy/more
	git -C copy add . && git -C copy commit -qm second
	timeout 60 git -C copy push -q origin main
	timeout 60 git -C here pull -q "ssh://target$FAR/repository" main
	cmp here/more copy/more
}

copy_a_tree() {
	command -v rsync || skip "no rsync"
	mkdir -p tree/deep/er
	stream 20000000 > tree/bytes
	for n in $(seq 300); do echo "$n" > "tree/deep/er/$n"; done
	give_away
	timeout 60 rsync -a -e "$RSH" tree/ "target:$FAR/tree/"
	timeout 60 rsync -a -e "$RSH" "target:$FAR/tree/" back/
	diff -r tree back
	echo changed >> tree/bytes
	timeout 60 rsync -a --delete -e "$RSH" tree/ "target:$FAR/tree/"
	cmp tree/bytes "$FAR/tree/bytes"
}

@test "git clones, pushes and pulls with both ours" { clone_and_push; }
@test "rsync copies a tree there and back with both ours" { copy_a_tree; }

@test "git with OpenSSH's client and our server" {
	[ -x /usr/bin/ssh ] || skip "no OpenSSH client"
	GIT_SSH_COMMAND="/usr/bin/ssh -F $SCRATCH/ssh_config -i $SCRATCH/user_ed25519"
	clone_and_push
}

@test "rsync with OpenSSH's client and our server" {
	[ -x /usr/bin/ssh ] || skip "no OpenSSH client"
	RSH="/usr/bin/ssh -F $SCRATCH/ssh_config -i $SCRATCH/user_ed25519"
	copy_a_tree
}
