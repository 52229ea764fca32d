#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# inode_numbers.sh - unique over the mount, the same for ever, as listings say

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

daemon_start
mkdir -p "$work/host/sub"
echo x >"$work/host/sub/file"
for pod in a b c; do
	apply_pod "$pod" 'one=emptyDir: {}' 'two=emptyDir: {}' \
		"host=hostPath: {path: $work/host}"
	for v in one two; do
		dir=$M/default/$pod/$v
		mkdir -p "$dir/d/e/f"
		echo "$pod $v" >"$dir/d/file"
		ln "$dir/d/file" "$dir/d/e/hard"
		ln -s ../x "$dir/d/e/soft"
		mkfifo "$dir/d/e/f/fifo"
	done
done
# Another filesystem, whose numbers are the same small ones.
mkdir "$work/tmpfs"
mount -t tmpfs none "$work/tmpfs"
mkdir "$work/tmpfs/d"
echo y >"$work/tmpfs/d/file"
apply_pod onram "ram=hostPath: {path: $work/tmpfs}"

it "no two files share a number, and d_ino is st_ino"
"$BUILD/walk" "$M" >"$work/before" || fail "the walk found faults"
[[ $(wc -l <"$work/before") -gt 60 ]] || fail "the walk saw too little"

it "hard links share theirs"
dir=$M/default/a/one/d
expect_eq "inode" "$(stat -c %i "$dir/file")" "$(stat -c %i "$dir/e/hard")"
expect_eq "links" "$(stat -c %h "$dir/file")" 2

it "numbers stay when names change"
ino=$(stat -c %i "$dir/e/f")
mv "$dir/e/f" "$dir/moved"
expect_eq "inode" "$(stat -c %i "$dir/moved")" "$ino"
mv "$dir/moved" "$dir/e/f"

it "numbers stay when the kernel forgets"
echo 2 >/proc/sys/vm/drop_caches
"$BUILD/walk" "$M" | sort >"$work/after"
diff <(sort "$work/before") "$work/after" || fail "numbers changed"

it "numbers stay over a restart of the daemon"
daemon_restart
"$BUILD/walk" "$M" | sort >"$work/after"
diff <(sort "$work/before") "$work/after" || fail "numbers changed"

it "numbers stay over a kill -9"
daemon_kill
daemon_start
"$BUILD/walk" "$M" | sort >"$work/after"
diff <(sort "$work/before") "$work/after" || fail "numbers changed"

it "tar and cp -a keep hard links because of them"
tar -C "$M/default/a/one" -cf "$work/a.tar" .
mkdir "$work/out"
tar -C "$work/out" -xf "$work/a.tar"
expect_eq "links" "$(stat -c %h "$work/out/d/file")" 2
daemon_stop
