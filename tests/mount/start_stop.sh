#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# start_stop.sh - beginning and end of a daemon, with everything in the way

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

# refused TEXT OPTIONS...: the daemon does not start and says why.
refused()
{
	local text=$1 out status=0

	shift
	out=$(timeout $((20 * TIME_SCALE)) "$DAEMON_BUILD/podvolsd" --foreground --config "$work/podvols.conf" \
		--mountpoint "$M" --state-dir "$S" --socket "$K" "$@" 2>&1 </dev/null) || status=$?
	expect_eq "exit status ($out)" "$status" 1
	grep -Eqi -- "$text" <<<"$out" || fail "'$out' does not say '$text'"
	! grep -Eq 'Sanitizer|runtime error' <<<"$out" || fail "$out"
}

it "it makes its state directory, readable by root only"
daemon_start
expect_eq "mode" "$(mode_of "$S")" 700
expect_eq "socket" "$(stat -c '%F %a' "$K")" "socket 600"
apply_web
echo kept >"$V/file"

it "a second one on the same state directory is refused, the first goes on"
first=$(server_pid)
mkdir "$work/mnt2"
refused "state|another|in use|$first" --mountpoint "$work/mnt2" \
	--socket "$work/sock2"
! mountpoint -q "$work/mnt2" || fail "it mounted"
expect_eq "content" "$(cat "$V/file")" kept
daemon_answers || fail "the first does not answer any more"

it "a second one on the same mount or socket is refused, the first goes on"
refused 'mount' --state-dir "$work/state2" --socket "$work/sock2"
refused 'sock' --state-dir "$work/state3" --mountpoint "$work/mnt2"
expect_eq "content" "$(cat "$V/file")" kept
daemon_answers || fail "the first does not answer any more"

it "two daemons run side by side and know nothing of each other"
daemon_use two
daemon_start
expect_eq "names" "$(list "$M")" .podvols
apply_pod web 'data=emptyDir: {}'
echo two >"$M/default/web/data/file"
daemon_use one
expect_eq "content" "$(cat "$V/file")" kept
daemon_use two
daemon_stop
daemon_use one
expect_eq "content" "$(cat "$V/file")" kept

it "the mount of a killed daemon is detached at the next start"
daemon_kill
expect_error 'not connected|connection abort' ls "$M"
daemon_start
expect_eq "content" "$(cat "$V/file")" kept
expect_eq "mounts" "$(findmnt -rno TARGET | grep -cx "$M")" 1

it "through a link to the mount point, too"
daemon_kill
ln -s "$M" "$work/link"
daemon_start --mountpoint "$work/link"
expect_eq "mounts" "$(findmnt -rno TARGET | grep -cx "$M")" 1

it "so are ten of them, one upon the other"
for _ in 1 2 3; do
	daemon_kill
	rm -f "$work/two/sock"
	daemon_start
done
expect_eq "mounts" "$(findmnt -rno TARGET | grep -cx "$M")" 1

it "SIGTERM with a busy mount ends with 0 and says who is busy"
use "$V/file"
busy=$held
announce 'busy|in use|sleep'
kill -TERM "$(daemon_pid)"
daemon_wait 20
expect_eq "exit status" "$daemon_status" 0
grep -Eq "sleep.*$busy|$busy.*sleep" "$LOG" ||
	fail "the log names no user: $(tail -3 "$LOG")"
! mountpoint -q "$M" || fail "still mounted"
let_go "$busy"
daemon_start
expect_eq "content" "$(cat "$V/file")" kept

it "SIGINT ends it as SIGTERM does, and SIGHUP not at all"
kill -HUP "$(daemon_pid)"
sleep 0.2
daemon_alive || fail "SIGHUP ended it"
kill -INT "$(daemon_pid)"
daemon_wait
expect_eq "exit status" "$daemon_status" 0

it "SIGTERM right after the start ends it, too"
for _ in {1..10}; do
	daemon_spawn
	sleep "0.0$((RANDOM % 9))"
	kill -TERM "$(daemon_pid)"
	daemon_wait
	expect_match "exit status" "$daemon_status" '^(0|143)$'
	! mountpoint -q "$M" || umount -l "$M"
done

it "umount by the administrator ends it in order"
daemon_start
umount "$M"
announce 'went away'
daemon_wait
check_log
expect_match "exit status" "$daemon_status" '^[01]$'

it "it gives clear errors for what is wrong around it"
touch "$work/file"
refused 'mount|directory' --mountpoint "$work/file"
refused 'state|directory' --state-dir "$work/file/state"
refused 'mount|directory' --mountpoint "$work/file/mnt"
refused 'state|directory' --state-dir "$work/file"
refused "cannot make socket '$work/file/sock'.*directory" --socket "$work/file/sock"
refused 'sock' --socket "$work/$(printf 'x%.0s' {1..120})"
expect_status 2 "$DAEMON_BUILD/podvolsd" --no-such-option 2>/dev/null
! mountpoint -q "$M" || fail "a refused daemon left a mount"

it "all that is wrong with the configuration is told at once, and nothing starts"
mkdir "$work/bad.conf.d"
printf 'treads = 4\nsuid = yes\nsuid = maybe\n' >"$work/bad.conf"
echo nonsense >"$work/bad.conf.d/1.conf"
echo 'state-dir = here' >"$work/bad.conf.d/2.conf"
refused 'treads' --config "$work/bad.conf"
status=0
out=$("$DAEMON_BUILD/podvolsd" --config "$work/bad.conf" --check-config 2>&1) || status=$?
expect_eq "exit status" "$status" 1
expect_eq "complaints" "${out//"podvolsd: $work/"/}" "bad.conf:1: unknown key 'treads', did you mean 'threads'?
bad.conf:3: suid: 'maybe' is neither yes nor no
bad.conf.d/1.conf:1: 'nonsense' is not of the form key = value
bad.conf.d/2.conf:1: state-dir: 'here' is not an absolute path, which starts with '/'"
rm -r "$work"/bad.conf*

it "in the background the log has times, and errors come to who started it"
spawned()
{
	"$DAEMON_BUILD/podvolsd" --config "$work/podvols.conf" --mountpoint "$M" \
		--socket "$K" "${common_options[@]}" "$@" 2>&1
}
mkdir -p "$work/bg"
spawned --state-dir "$work/bg/state" </dev/null >"$work/bg/out" || fail "$(cat "$work/bg/out")"
daemon_answers || fail "it said it is ready, and does not answer"
expect_eq "output" "$(cat "$work/bg/out")" ""
bg=$(cat "$K.pid")
kill -TERM "$bg"
gone()
{
	[[ ! -e /proc/$bg ]]
}
wait_until 20 gone
expect_match "first line" "$(head -1 "$work/bg/state/podvolsd.log")" \
	'^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z info: serving 0 pods'
expect_eq "lines without a time" "$(grep -vc '^20.*Z [a-z]*: ' "$work/bg/state/podvolsd.log")" 0
out=$(spawned --state-dir "$work/bg/no/state" </dev/null) && fail "it started"
expect_match "error" "$out" "cannot make state directory '$work/bg/no/state': .*parent"

it "a state directory on a read-only filesystem is refused"
mkdir "$work/ro"
mount -t tmpfs -o mode=0700 none "$work/ro"
mkdir "$work/ro/state"
mount -o remount,ro "$work/ro"
refused 'read-only' --state-dir "$work/ro/state"
refused 'read-only' --state-dir "$work/ro/new"
umount "$work/ro"

it "a corrupt catalog is refused with advice, and not overwritten"
catalog=$(find "$S" -maxdepth 1 -name '*.db' -o -maxdepth 1 -name 'catalog*' |
	grep -Ev -- '-(wal|shm)$' | head -1)
[[ -f $catalog ]] || fail "no catalog in $(list "$S")"
cp -a "$S" "$work/saved"
rm -f "$catalog"-wal "$catalog"-shm
head -c 20000 /dev/urandom >"$catalog"
sum=$(md5sum <"$catalog")
refused 'catalog'
expect_eq "the catalog" "$(md5sum <"$catalog")" "$sum"
expect_exists "$S/pods"
[[ -n $(find "$S/pods" -name file) ]] || fail "data is gone"

it "a catalog with a damaged page is refused or served, never emptied"
cp "$work/saved/${catalog##*/}" "$catalog"
size=$(stat -c %s "$catalog")
for ((off = 4096; off < size; off += 4096)); do
	head -c 512 /dev/urandom |
		dd of="$catalog" bs=1 seek="$off" conv=notrunc status=none
done
refused 'catalog'
[[ -n $(find "$S/pods" -name file) ]] || fail "data is gone"

it "a catalog that is gone or empty is refused where there is data"
rm -f "$catalog"
refused "is missing or empty, but there is data of 1 pod in '$S/pods'"
expect_missing "$catalog"
: >"$catalog"
refused "is missing or empty"
[[ -n $(find "$S/pods" -name file) ]] || fail "data is gone"

it "a newer catalog is refused with advice"
cp "$work/saved/${catalog##*/}" "$catalog"
# user_version is the big-endian word at offset 60 of the file.
printf '\0\0\x7f\xff' | dd of="$catalog" bs=1 seek=60 conv=notrunc status=none
sum=$(md5sum <"$catalog")
refused 'newer|version'
expect_eq "the catalog" "$(md5sum <"$catalog")" "$sum"

it "with the catalog put back, everything is there again"
rm -rf "$S"
cp -a "$work/saved" "$S"
daemon_start
expect_eq "content" "$(cat "$V/file")" kept
daemon_stop
