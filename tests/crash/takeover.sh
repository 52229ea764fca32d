#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# takeover.sh - kill -9 the daemon while it is used: nobody notices
# time limit: 300

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

kills=${SOAK:+60}
kills=${kills:-6}
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
	wait "$pid" || fail "a file is not what it was: $(tail -20 "$work/model.out")"
	rm -r "$dir"
}

counted()
{
	ctl get volumes -o json >"$work/volumes.json"
	! grep -q recounting "$work/volumes.json"
}

used() # VOLUME
{
	jq ".items[] | select(.volume == \"$1\") | .usedBytes" "$work/volumes.json"
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

check_form() # OPTIONS...
{
	local volume

	serve "$@"
	for volume in data limited host/here host/mounted; do
		[[ -n ${1:-} ]] || go_on "$D/$volume"
		never_fails "$D/$volume"
	done
	usage_is_right
	end
}

it "with everything that the kernel offers"
check_form

it "without passthrough"
check_form --disable-features=passthrough

it "with what Linux 6.1 offers"
check_form --disable-features=oldest

it "a limit holds across it, and what was removed counts while it is open"
serve
head -c 40M /dev/zero >"$D/limited/a"
exec 5<>"$D/limited/b"
head -c 20M /dev/zero >&5
rm "$D/limited/b"
server_kill
expect_error ENOSPC fsop write "$D/limited/c" 8M
exec 5>&-
head -c 20M /dev/zero >"$D/limited/c" || fail "the room did not come back"
end

it "what is mapped stays mapped"
serve
end

it "a change under way is finished, and whoever asks again gets the same"
serve
end
