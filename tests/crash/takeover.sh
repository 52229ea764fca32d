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
kills=${kills:-$((TIME_SCALE > 1 ? 3 : 6))}
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
python3 - "$D/limited" "$(server_pid)" <<'END' >"$work/crowd" &
import os, signal, sys, threading, time
top, server = sys.argv[1], int(sys.argv[2])
n = 1200
for i in range(n):
    os.mkdir(f"{top}/{i}")
    os.path.exists(f"{top}/{i}/file")  # so that its creation is all that is asked
errors = []
def make(i):
    try:
        os.close(os.open(f"{top}/{i}/file", os.O_CREAT | os.O_WRONLY))
    except OSError as e:
        errors.append(e)
threading.stack_size(65536)
threads = [threading.Thread(target=make, args=(i,)) for i in range(n)]
os.kill(server, signal.SIGSTOP)
for t in threads:
    t.start()
time.sleep(1)
os.kill(server, signal.SIGKILL)
for t in threads:
    t.join()
print(errors, sum(os.path.exists(f"{top}/{i}/file") for i in range(n)))
END
crowd=$!
within 40 tail --pid="$crowd" -f /dev/null
expect_eq "files" "$(cat "$work/crowd")" "[] 1200"
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
