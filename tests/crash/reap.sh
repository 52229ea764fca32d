#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# reap.sh - kill -9 at every named step of erasing: the trash gets empty, and nothing else goes
# time limit: 300

# shellcheck source=tests/lib/steps.sh
. "$(dirname "$0")/../lib/steps.sh"

steps=(reap.moved reap.begin reap.removed reap.unprotected reap.cut reap.erased)

it "every step of erasing is tried"
expect_steps reap "${steps[@]}" reap.destroyed

H=$work/host
at_end 'chattr -R -i "$work"/{one,disk}/state 2>/dev/null'

# In each volume: wide, deeper than what is open at once, and hard to remove.
fill_pod() # POD
{
	local v dir deep

	for v in one two; do
		dir=$M/default/$1/$v
		deep=$dir/$(printf 'deep/%.0s' {1..60})
		mkdir -p "$deep" "$dir/wide"
		echo deep >"$deep/file"
		touch "$dir/wide"/{1..100}
		ln "$dir/wide/1" "$dir/deep/again"
		mkfifo "$dir/fifo"
		ln -s "$H" "$dir/link"
		ln -s "$H/file" "$dir/wide/link"
		dir=$(tree_of "$1" "$v")
		mkdir "$dir/fixed"
		touch "$dir/fixed/file"
		chattr +i "$dir/fixed/file" "$dir/fixed" || skip "no immutable files here"
	done
}

trees_of_old()
{
	find "$(tree_of old one)" "$(tree_of old two)" "$H" -printf '%p %y %m %s %n %l\n' |
		sort | sha256sum
}

# The pod is gone, all of it, and nothing else.
check_state()
{
	expect_missing "$M/default/new"
	expect_error 'not found' ctl get pod new
	wait_until 30 trash_is_empty
	expect_eq "pods" "$(ls "$S/pods")" "$(catalog 'SELECT uid FROM pod')"
	expect_eq "all other files" "$(trees_of_old)" "$files"
	expect_eq "content of the old pod" "$(cat "$M"/default/old/{one,two}/file)" $'one\ntwo'
	expect_eq "content on the host" "$(cat "$H/file")" ours
	expect_eq "mounts left" "$(mounts_below "$S")" ""
}

begin()
{
	local v

	daemon_start
	apply_pod old 'one=emptyDir: {}' 'two=emptyDir: {}' "host=hostPath: {path: $H}"
	for v in one two; do
		echo "$v" >"$M/default/old/$v/file"
	done
	fill_pod old
	files=$(trees_of_old)
}

apply_new()
{
	apply_pod new 'one=emptyDir: {}' 'two=emptyDir: {}' "host=hostPath: {path: $H}"
	expect_eq "what a new pod holds" "$(list "$M/default/new/one")$(list "$M/default/new/two")" ""
}

# die_at STEP: a pod is deleted, and the daemon dies there.
die_at()
{
	apply_new
	fill_pod new
	daemon_stop
	PODVOLS_TEST_KILL_AT=$1 daemon_start
	# Whether it is answered depends on which thread comes first.
	ctl delete pod new >/dev/null 2>&1 || :
	died
}

mkdir -p "$H"
echo ours >"$H/file"
begin

for step in "${steps[@]}"; do
	it "killed at $step: the next start erases the rest, and nothing else"
	die_at "$step"
	daemon_start
	check_state
done

for step in reap.begin reap.removed; do
	it "killed at $step, and again at each start: what is left is still erased"
	die_at "$step"
	for _ in 1 2 3; do
		PODVOLS_TEST_KILL_AT=$step daemon_spawn
		died
		expect_eq "all other files" "$(trees_of_old)" "$files"
	done
	daemon_start
	check_state
done

it "killed when a tree of nobody is in the trash: it is erased"
daemon_stop
mkdir -p "$S/pods/11111111-2222-3333-4444-555555555555/volumes/x/y"
PODVOLS_TEST_KILL_AT=reap.moved daemon_spawn
died
expect_eq "entries of the trash" "$(trash_entries)" 1
daemon_start
check_state
daemon_stop

subvolumes()
{
	btrfs subvolume list "$work/disk" | wc -l
}

only_old_subvolumes()
{
	[[ $(subvolumes) == 2 ]]
}

it "killed at reap.destroyed: the other subvolumes go, those of the old pod stay"
use_btrfs
begin
expect_eq "subvolumes" "$(subvolumes)" 2
die_at reap.destroyed
daemon_start
check_state
wait_until 30 only_old_subvolumes
daemon_stop
