#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# delete_in_use.sh - a pod in use is not deleted, and the text says by whom

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

daemon_start
apply_web
echo text >"$V/file"

still_there()
{
	expect_eq "content" "$(cat "$V/file")" text
	expect_match "phase" "$(ctl get pods web)" web
}

it "an open file keeps it"
use "$V/file"
user=$held
expect_error "sleep\[?.*$user" ctl delete pod web
still_there
kill "$user"
wait "$user" 2>/dev/null || :

it "a working directory keeps it"
(cd "$V" && exec sleep 1000) &
user=$!
sleep 0.2
expect_error "sleep\[?.*$user" ctl delete pod web
still_there
kill "$user"
wait "$user" 2>/dev/null || :

it "a mapped file keeps it"
cp "$(command -v busybox)" "$V/busybox"
chmod +x "$V/busybox"
"$V/busybox" sleep 1000 &
user=$!
sleep 0.2
expect_error "$user" ctl delete pod web
kill "$user"
wait "$user" 2>/dev/null || :

it "a bind mount in another mount namespace keeps it"
mkdir "$work/target"
unshare -m --propagation private sh -c \
	"mount --bind '$V' '$work/target' && echo bound >'$work/bound' &&
	 exec sleep 1000" &
user=$!
wait_until 5 test -s "$work/bound"
expect_error "$user|sleep" ctl delete pod web
still_there
kill "$user"
wait "$user" 2>/dev/null || :

it "a bind mount of a directory deep inside keeps it"
mkdir -p "$V/a/b"
mount --bind "$V/a/b" "$work/target"
expect_error 'mount|use' ctl delete pod web
umount "$work/target"

it "--force deletes it all the same, and the user gets errors or old data"
use "$V/file"
user=$held
ctl delete pod web --force >/dev/null
expect_missing "$M/default/web"
kill "$user"
wait "$user" 2>/dev/null || :

it "another pod's users do not matter, nor do users of the mount's top"
apply_web
apply_pod other 'data=emptyDir: {}'
use "$M/default/other/data"
user=$held
(cd "$M/default" && exec sleep 1000) &
top=$!
sleep 0.2
ctl delete pod web >/dev/null
expect_missing "$M/default/web"
kill "$user" "$top"
wait "$user" "$top" 2>/dev/null || :

it "deleting what is not there fails and says so"
expect_error 'not found' ctl delete pod web
daemon_stop
