#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# takeover.sh - kill -9 the daemon while it is used: nobody notices
# time limit: 300

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"
# shellcheck source=tests/lib/rings.sh
[[ ${TAKEOVER:-} != uring ]] || . "$(dirname "$0")/../lib/rings.sh"

kills=${SOAK:+60}
kills=${kills:-$((TIME_SCALE > 1 ? 3 : 4))}
announce 'killed by signal'
mkdir -p "$work"/host/{here,mounted}
mount -t tmpfs none "$work/host/mounted"
at_end umount -l "$work/host/mounted"

serve()
{
	daemon_start "$@"
	apply_pod web 'data=emptyDir: {}' 'limited=emptyDir: {sizeLimit: 64Mi}' \
		"host=hostPath: {path: $work/host}"
	D=$M/default/web
}

end()
{
	ctl delete pod web --force >/dev/null
	wait_until 20 trash_is_empty
	daemon_stop
}

# go_on DIR: what is open, and what is known by name, is as it was.
go_on()
{
	local dir=$1 inode

	mkdir "$dir/dir"
	echo first >"$dir/file"
	echo moved >"$dir/moved"
	ln -s file "$dir/link"
	inode=$(stat -c %i "$dir/file")
	exec 5<"$dir/file" 6>"$dir/written" 7>>"$dir/appended" 8<>"$dir/gone"
	echo one >&6
	echo one >&7
	echo held >&8
	rm "$dir/gone"
	cd "$dir/dir" || fail "cannot enter '$dir/dir'"
	server_kill
	expect_eq "read through an old descriptor" "$(cat <&5)" first
	echo two >&6
	echo two >&7
	mv "$dir/moved" "$dir/dir"
	echo here >new
	expect_eq "written" "$(cat "$dir/written")" $'one\ntwo'
	expect_eq "appended" "$(cat "$dir/appended")" $'one\ntwo'
	expect_eq "what was removed" "$(cat /proc/self/fd/8)" held
	expect_eq "its links" "$(stat -Lc %h /proc/self/fd/8)" 0
	expect_eq "the inode number" "$(stat -c %i "$dir/file")" "$inode"
	expect_eq "the inode number of what is open" \
		"$(stat -Lc %i /proc/self/fd/5)" "$inode"
	expect_eq "names" "$(list "$dir")" "appended dir file link written"
	expect_eq "names below" "$(list .)" "moved new"
	expect_eq "a link" "$(cat "$dir/link")" first
	cd "$work" || fail "cannot leave"
	exec 5<&- 6>&- 7>&- 8>&-
	rm -r "${dir:?}"/*
}

# never_fails DIR: everything is as the model says, and nothing ever fails.
never_fails()
{
	local dir=$1/model pid i

	mkdir "$dir"
	"$BUILD/fsmodel" -p 4 -s "$RANDOM" -t "$((kills + 3))" "$dir" \
		>"$work/model.out" 2>&1 &
	pid=$!
	sleep 1
	for ((i = 0; i < kills; i++)); do
		sleep "0.$((RANDOM % 10))"
		kill -0 "$pid" 2>/dev/null || break
		server_kill
	done
	within 200 tail --pid="$pid" -f /dev/null
	wait "$pid" || fail "a file is not what it was: $(head -3 "$work/model.out")"
	rm -r "$dir"
}

used() # VOLUME
{
	ctl get volumes "web/$1" -o json | jq .status.usedBytes
}

counted()
{
	[[ $(used data) != null && $(used limited) != null ]]
}

usage_is_right()
{
	local volume

	wait_until 30 counted
	for volume in data limited; do
		expect_eq "used by $volume" "$(used "$volume")" \
			"$(($(du -s --block-size=1 "$D/$volume" | cut -f1)))"
	done
}

serve
for volume in data limited host/here host/mounted; do
	it "what is open and known goes on, in $volume"
	go_on "$D/$volume"
	# tmpfs itself lists names twice where others come and go.
	[[ $volume != host/mounted ]] || continue
	it "nothing fails while files are worked on, in $volume"
	never_fails "$D/$volume"
done

it "what the kernel knows, it goes on knowing"
mkdir "$D/data/many"
touch "$D"/data/many/{1..500}
server_kill
known=$(jq .fuse.inodes "$M/.podvols/stats.json")
((known > 500)) || fail "$known files are known"
rm -r "$D/data/many"

it "a listing that was begun has everything that is there"
names=({1000000..1004000})
long=$(printf 'x%.0s' {1..90})
mkdir "$D/data/many"
touch "${names[@]/#/$D/data/many/$long}"
ls -U -1 "$D/data/many" >"$work/names"
mkfifo "$work/listing"
sleep 0.3 # its handle is released in the background
ls -U -1 "$D/data/many" >"$work/listing" &
exec 9<"$work/listing"
read -r -u 9 || fail "no listing"
sleep 0.3
server_kill
# Where it stands now.
(cd "$D/data/many" && sed -n '300,1500p' "$work/names" | xargs rm)
ls "$D/data/many" >"$work/left"
sort <&9 >"$work/listed"
exec 9<&-
expect_eq "missed" "$(sed -n '1501,$p' "$work/names" | sort | comm -23 - "$work/listed")" ""
rm -r "$D/data/many"

it "usage is counted again"
usage_is_right

it "a limit holds, and what was removed counts while it is open"
head -c 40M /dev/zero >"$D/limited/a"
exec 5<>"$D/limited/b"
head -c 20M /dev/zero >&5
rm "$D/limited/b"
server_kill
! head -c 8M /dev/zero 2>/dev/null >"$D/limited/c" || fail "beyond the limit"
exec 5>&-
head -c 20M /dev/zero >"$D/limited/c" || fail "the room did not come back"
rm "$D"/limited/*

it "more requests than there are threads wait for the count"
all_are_made()
{
	(($(find "$D/limited" -name file | wc -l) == ${#crowd[@]}))
}
crowd=({1..1200})
pids=()
mkdir "${crowd[@]/#/$D/limited/}"
# So that what is asked for is that they be made, no more.
for i in "${crowd[@]}"; do
	expect_missing "$D/limited/$i/file"
done
server=$(server_pid)
kill -STOP "$server"
for i in "${crowd[@]}"; do
	touch "$D/limited/$i/file" 2>>"$work/crowd" &
	pids+=($!)
done
sleep 1
kill -KILL "$server"
wait_until 40 all_are_made
wait "${pids[@]}" || fail "$(head -1 "$work/crowd")"
rm -r "$D"/limited/*

for volume in data host/here; do
	touch "$D/$volume/file"
	for kind in fcntl ofd range flock; do
		it "a lock stays one, in $volume: $kind"
		hold "$BUILD/locks" $kind hold "$D/$volume/file"
		server_kill
		expect_eq "the lock" "$("$BUILD/locks" $kind try "$D/$volume/file")" busy
		[[ $volume == data ]] || expect_eq "the host sees it" \
			"$("$BUILD/locks" $kind try "$work/$volume/file")" busy
		"$BUILD/locks" $kind wait "$D/$volume/file" >"$work/waited" &
		waiter=$!
		sleep 0.3
		server_kill
		sleep 0.3
		expect_eq "a waiting lock" "$(cat "$work/waited")" ""
		let_go
		within 20 tail --pid="$waiter" -f /dev/null
		expect_eq "the waited-for lock" "$(cat "$work/waited")" locked
	done
done

it "a subPath stays bound"
ctl delete pod web --force >/dev/null
pod_yaml web 'data=emptyDir: {}' |
	sed 's|mountPath: /data|&, subPath: sub|' | ctl apply -f - >/dev/null
bound=$(ctl mounts web main -o oci | jq -sr 'flatten | .[0].source')
echo seen >"$bound/file"
server_kill
expect_eq "below the bind" "$(cat "$bound/file")" seen
expect_eq "in the volume" "$(cat "$D/data/sub/file")" seen

it "a pod that is deleted afterwards is gone at once"
cd "$D/data" || fail "cannot enter"
server_kill
cd "$work" || fail "cannot leave"
ctl delete pod web --force >/dev/null
expect_missing "$D"
expect_eq "pods" "$(list "$M/default" 2>/dev/null)" ""

daemon_stop

for step in delete.{marked,withdrawn,torn-down,gone}; do
	it "names of a pod that was being deleted are gone ($step)"
	PODVOLS_TEST_KILL_AT=$step daemon_start --holder=yes
	apply_pod web 'data=emptyDir: {}'
	apply_pod other 'data=emptyDir: {}'
	echo kept >"$M/default/other/data/file"
	mkdir "$D/data/dir"
	find "$M" >/dev/null
	server=$(server_pid)
	ctl delete pod web >/dev/null 2>&1 || :
	wait_until 20 server_is_new "$server"
	expect_missing "$D/data/dir"
	expect_missing "$D"
	expect_eq "pods" "$(list "$M/default")" other
	expect_eq "content" "$(cat "$M/default/other/data/file")" kept
	wait_until 20 trash_is_empty
	ctl delete pod other >/dev/null
	daemon_stop
done

it "SIGTERM ends both, and the mount"
daemon_start
server=$(server_pid)
daemon_stop
! kill -0 "$server" 2>/dev/null || fail "the server goes on"

it "without passthrough, too, but for what was removed"
serve --disable-features=passthrough
exec 5<>"$D/data/file"
echo one >&5
server_kill
echo two >&5
expect_eq "written" "$(cat "$D/data/file")" $'one\ntwo'
exec 5>&-
end

it "where the kernel does not repeat requests the mount ends with the daemon"
announce 'nobody can take over'
serve --disable-features=resend
kill -KILL "$(server_pid)"
daemon_wait 20
expect_eq "the exit status" "$daemon_status" 1

it "who dies again and again is given up"
announce 'the mount is given up'
serve
for ((i = 0; i < 200; i++)); do
	daemon_alive || break
	kill -KILL "$(server_pid)" 2>/dev/null || :
	sleep 0.05
done
daemon_wait 20
expect_eq "the exit status" "$daemon_status" 1

it "who holds the mount is killed: the next start serves it"
daemon_start
daemon_kill
daemon_start
end
