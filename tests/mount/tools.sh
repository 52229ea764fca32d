#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# tools.sh - what people run: git, tar, rsync, SQLite, flock, overlayfs

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

daemon_start
apply_web
git init -q --bare "$work/bare.git"
git init -q "$work/source"
cp -r "$root/fuse" "$root/store" "$work/source"
git -C "$work/source" add .
git -C "$work/source" -c user.name=a -c user.email=a@b commit -q -m all
git -C "$work/source" push -q "$work/bare.git" HEAD:refs/heads/master
chown -R 1000:1000 "$work/bare.git"
cd "$V"

it "an ordinary user clones a repository"
HOME=/tmp as_user 1000 git clone -q "$work/bare.git" clone
expect_eq "git status" "$(HOME=/tmp as_user 1000 git -C clone status --short)" ""
diff -r --exclude=.git "$work/source" clone

it "tar, rsync and cp copy it whole"
mkdir untarred
tar cf - clone | tar xf - -C untarred
diff -r clone untarred/clone
cp -a --reflink=auto clone copied
diff -r clone copied
if command -v rsync >/dev/null; then
	rsync -aHAX clone/ synced
	expect_eq "what rsync would still copy" "$(rsync -aHAXni clone/ synced)" ""
fi

it "find finds by inode number"
expect_eq "found" "$(find . -inum "$(stat -c %i clone/store/store.h)")" \
	./clone/store/store.h

# insert DATABASE COUNT: three processes at once; nothing is lost.
insert()
{
	local writers=() i k

	for i in 1 2 3; do
		for ((k = 0; k < $2; k++)); do
			sqlite3 -cmd '.timeout 60000' "$1" "insert into t values($i)"
		done &
		writers+=($!)
	done
	wait "${writers[@]}"
	expect_eq "rows and integrity" "$(sqlite3 "$1" \
		'select count(*) from t; pragma integrity_check' | xargs)" "$((3 * $2)) ok"
}

if command -v sqlite3 >/dev/null; then
	it "SQLite has several writers, with either journal"
	sqlite3 wal.db 'pragma journal_mode=wal; create table t(a)' >/dev/null
	insert wal.db 40
	sqlite3 rollback.db 'create table t(a)'
	insert rollback.db 20
fi

it "flock lets one in at a time"
echo 0 >number
counters=()
for _ in 1 2 3 4; do
	for _ in {1..25}; do
		# shellcheck disable=SC2016 # for the inner shell
		flock lock bash -c 'read -r n <number; echo $((n + 1)) >number'
	done &
	counters+=($!)
done
wait "${counters[@]}"
expect_eq "the number" "$(cat number)" 100

it "overlayfs may be put on it, as lower and as upper directory"
mkdir lower upper work "$work/merged"
echo below >lower/file
mount -t overlay overlay -o "lowerdir=$V/lower,upperdir=$V/upper,workdir=$V/work" \
	"$work/merged"
echo above >>"$work/merged/file"
rm "$work/merged/file"
umount "$work/merged"
expect_eq "the lower file" "$(cat lower/file)" below
cd /
daemon_stop
