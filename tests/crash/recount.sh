#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# recount.sh - kill -9 at every named step of a count: usage is exact after the next one
# time limit: 300

# shellcheck source=tests/lib/steps.sh
. "$(dirname "$0")/../lib/steps.sh"

it "every step of a count is tried"
expect_steps recount recount.marked recount.begin recount.walked \
	recount.counted recount.saving recount.saved

LIMIT=$((6 << 20))

# What is shown, to the byte, is what is there by the rule and for du.
agrees() # VOLUME
{
	local shown tree

	tree=$(tree_of web "$1")
	shown=$(ctl get pods web -o json | jq -r --arg v "$1" \
		'.status.volumes[] | select(.name == $v) |
		"\(.chargedBytes) \(.usedBytes) \(.usedInodes)"')
	[[ $shown == "$("$BUILD/quotacheck" count "$tree")" &&
		$(cut -d' ' -f2 <<<"$shown") == "$(du -s -B1 "$tree" | cut -f1)" ]]
}

# Names, kinds, sizes and contents of all that is there.
fingerprint()
{
	local v tree

	for v in free limited; do
		tree=$(tree_of web "$v")
		find "$tree" -printf '%P %y %m %s %n %l\n' | sort
		find "$tree" -type f -print0 | sort -z | xargs -0 cat
	done | sha256sum
}

# A volume that is marked is not known without a count.
marked()
{
	catalog 'SELECT count(*) FROM usage WHERE NOT clean'
}

expect_all_right()
{
	expect_eq "all files" "$(fingerprint)" "$files"
	wait_until 20 agrees free
	wait_until 20 agrees limited
}

expect_limit()
{
	local tree

	tree=$(tree_of web limited)
	expect_error 'No space left' dd if=/dev/zero of="$M/default/web/limited/fill" bs=64k
	expect_error 'No space left' dd if=/dev/zero of="$M/default/web/limited/more" bs=4k count=1
	expect_eq "used of the full volume" \
		"$(df -B1 --output=used "$M/default/web/limited" | tail -1 | tr -d ' ')" "$LIMIT"
	(($(du -s -B1 "$tree" | cut -f1) <= LIMIT)) || fail "more than the limit is there"
	wait_until 20 agrees limited
	rm -f "$M/default/web/limited"/{fill,more}
	wait_until 20 agrees limited
}

# Deeper than the directories that a count keeps open, several names, holes.
fill_volume() # VOLUME
{
	local dir=$M/default/web/$1

	mkdir -p "$dir/$(printf 'deep/%.0s' {1..80})"
	echo deep >"$dir/$(printf 'deep/%.0s' {1..80})/file"
	echo twice >"$dir/twice"
	ln "$dir/twice" "$dir/deep/deep/again"
	truncate -s 100000 "$dir/hole"
	ln -s nowhere "$dir/link"
	# It may take all the room there is: leave some for later.
	dd if=/dev/zero of="$dir/room" bs=1M count=1 status=none
	"$BUILD/quotacheck" work "$dir" 300 2 "$RANDOM"
	rm "$dir/room"
}

daemon_start
apply_pod web 'free=emptyDir: {}' 'limited=emptyDir: {sizeLimit: 6Mi}'
fill_volume free
fill_volume limited
files=$(fingerprint)
wait_until 20 agrees free
wait_until 20 agrees limited
daemon_kill

for step in recount.begin recount.walked recount.counted; do
	it "killed at $step: the next start counts anew, and nothing is lost"
	for _ in 1 2; do
		(($(marked) > 0)) || fail "nothing is to be counted"
		PODVOLS_TEST_KILL_AT=$step daemon_spawn
		died
	done
	daemon_start
	expect_all_right

	it "killed at $step: the limit holds"
	expect_limit
	expect_all_right
	daemon_kill
done

it "killed at recount.marked: the change has not begun, the volume is counted"
daemon_start
expect_all_right
daemon_stop
expect_eq "volumes to be counted after a clean end" "$(marked)" 0
PODVOLS_TEST_KILL_AT=recount.marked daemon_start
expect_all_right
unanswered touch "$M/default/web/free/new"
died
expect_missing "$(tree_of web free)/new"
expect_eq "volumes to be counted" "$(marked)" 1
daemon_start
expect_all_right
expect_limit

# die_at_the_end STEP: the daemon is told to end, and dies there.
die_at_the_end()
{
	daemon_stop
	PODVOLS_TEST_KILL_AT=$1 daemon_start
	echo "$1" >"$M/default/web/free/last"
	echo "$1" >"$M/default/web/limited/last"
	files=$(fingerprint)
	wait_until 20 agrees free
	kill -TERM "$(daemon_pid)"
	died
}

it "killed at recount.saving: both volumes are counted anew"
die_at_the_end recount.saving
expect_eq "volumes to be counted" "$(marked)" 2
daemon_start
expect_all_right
expect_limit

it "killed at recount.saved: both are known without a count"
die_at_the_end recount.saved
expect_eq "volumes to be counted" "$(marked)" 0
# One that counts would die.
PODVOLS_TEST_KILL_AT=recount.begin daemon_start
expect_all_right
expect_limit
daemon_stop
