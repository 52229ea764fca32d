#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# resize.sh - kill -9 at every named step of a resize: the size is the old or the new one everywhere
# time limit: 300

# shellcheck source=tests/lib/steps.sh
. "$(dirname "$0")/../lib/steps.sh"

# What the next start must make of a resize that died there.
declare -A resized=(
	[update.begin]=old [update.limited]=old [update.resized]=old
	[update.taken-back]=old [update.recorded]=new
)

it "every step of a resize is tried"
expect_steps update "${!resized[@]}"

MIB=$((1 << 20))
beside=4

# A volume on disk, one in memory, and their neighbour, sized in MiB.
manifest() # DISK MEMORY
{
	pod_yaml web "disk=emptyDir: {sizeLimit: ${1}Mi}" \
		"memory=emptyDir: {medium: Memory, sizeLimit: ${2}Mi}" \
		"beside=emptyDir: {sizeLimit: ${beside}Mi}"
}

column() # FIELD VOLUME: a number of df
{
	df -B1 --output="$1" "$M/default/web/$2" | tail -1 | tr -d ' '
}

# Where the kernel keeps the limit it spends some of it on itself.
slack=$((16 << 10))

# Write until there is no room, and see where that was.
expect_full_at() # VOLUME BYTES
{
	local tree used

	tree=$(tree_of web "$1")
	expect_error 'No space left|quota exceeded' \
		dd if=/dev/zero of="$M/default/web/$1/fill" bs=64k
	expect_error 'No space left|quota exceeded' \
		dd if=/dev/zero of="$M/default/web/$1/more" bs=64k count=16
	used=$(du -s -B1 "$tree" | cut -f1)
	((used <= $2)) || fail "$1: $used bytes are there, $2 are allowed"
	((used >= $2 - slack)) || fail "$1: only $used bytes of $2 could be used"
	rm -f "$M/default/web/$1"/{fill,more}
}

# In the catalog, as it is shown, in df, and as it is kept.
expect_size() # VOLUME MIB
{
	local bytes=$(($2 * MIB)) shown

	expect_eq "$1: the catalog's limit" "$(catalog "
		SELECT json_extract(spec, '\$.sizeLimit') FROM volume
		WHERE name = '$1'")" "${2}Mi"
	shown=$(ctl get pod web -o json)
	expect_eq "$1: the manifest's limit" "$(jq -r --arg v "$1" \
		'.spec.volumes[] | select(.name == $v).emptyDir.sizeLimit' <<<"$shown")" "${2}Mi"
	# Of one in memory only the filesystem tells.
	[[ $1 == memory ]] || expect_eq "$1: the limit shown" "$(jq -r --arg v "$1" \
		'.status.volumes[] | select(.name == $v).limitBytes' <<<"$shown")" "$bytes"
	expect_eq "$1: the size that df says" "$(column size "$1")" "$bytes"
	expect_eq "$1: content" "$(cat "$M/default/web/$1/kept")" "kept in $1"
	expect_full_at "$1" "$bytes"
}

expect_sizes() # DISK MEMORY
{
	expect_size disk "$1"
	expect_size memory "$2"
	expect_size beside "$beside"
}

begin()
{
	local v

	daemon_start
	manifest "$1" "$1" | ctl apply -f - >/dev/null
	for v in disk memory beside; do
		echo "kept in $v" >"$M/default/web/$v/kept"
	done
	daemon_stop
}

# die_at STEP REQUEST...: the request dies there; then the next daemon runs.
die_at()
{
	local step=$1

	shift
	PODVOLS_TEST_KILL_AT=$step daemon_start
	unanswered "$@"
	died
	daemon_start
}

# Back to where the next one begins.
reset() # MIB
{
	manifest "$1" "$1" | ctl apply -f - >/dev/null
	daemon_stop
}

# Both volumes at once, from OLD to NEW.
apply_at_each_step() # OLD NEW
{
	local step old=$1 new=$2 now

	manifest "$new" "$new" >"$work/new.yaml"
	for step in update.begin update.limited update.resized update.recorded; do
		it "from ${old}Mi to ${new}Mi, killed at $step: the ${resized[$step]} size"
		die_at "$step" ctl apply -f "$work/new.yaml"
		now=${!resized[$step]}
		expect_sizes "$now" "$now"

		it "from ${old}Mi to ${new}Mi, killed at $step: asked for again, it is done"
		ctl apply -f "$work/new.yaml" >/dev/null
		expect_sizes "$new" "$new"
		reset "$old"
	done
}

# One volume, while the others stay.
resize_at_each_step() # VOLUME OLD NEW
{
	local step v=$1 old=$2 new=$3

	for step in update.begin update.limited update.resized update.recorded; do
		it "$v resized from ${old}Mi to ${new}Mi, killed at $step: the ${resized[$step]} size"
		die_at "$step" ctl resize "web/$v" "${new}Mi"
		expect_size "$v" "${!resized[$step]}"
		expect_size beside "$beside"
		ctl resize "web/$v" "${new}Mi" >/dev/null
		expect_size "$v" "$new"
		reset "$old"
	done
}

begin 4
apply_at_each_step 4 8
resize_at_each_step disk 4 6
resize_at_each_step memory 4 6

it "a size that one volume refuses, killed at update.taken-back: the old sizes"
head -c $((3 * MIB)) /dev/zero >"$(tree_of web memory)/used"
manifest 8 1 >"$work/new.yaml"
die_at update.taken-back ctl apply -f "$work/new.yaml"
expect_sizes 4 4
expect_error 'are used' ctl apply -f "$work/new.yaml"
expect_sizes 4 4
rm "$M/default/web/memory/used"

it "memory that a container filled before the next start: nothing is lost, and a warning says so"
daemon_stop
PODVOLS_TEST_KILL_AT=update.resized daemon_start
unanswered ctl resize web/memory 8Mi
died
head -c $((6 * MIB)) /dev/zero >"$(tree_of web memory)/used"
daemon_start
expect_match "events" "$(ctl describe pod web)" "memory.*cannot shrink it to 4Mi: 6.*are used"
expect_eq "bytes written" "$(stat -c %s "$M/default/web/memory/used")" $((6 * MIB))
expect_eq "content" "$(cat "$M/default/web/memory/kept")" "kept in memory"
ctl resize web/memory 8Mi >/dev/null
expect_sizes 4 8
rm "$M/default/web/memory/used"

it "killed again while it puts the sizes right, and again"
reset 4
PODVOLS_TEST_KILL_AT=update.resized daemon_start
unanswered ctl resize web/disk 8Mi
died
for _ in 1 2 3; do
	PODVOLS_TEST_KILL_AT=start.restored daemon_spawn
	died
done
daemon_start
expect_sizes 4 4
reset 8
apply_at_each_step 8 4

it "where the kernel keeps the limits of a disk, too"
use_btrfs
slack=$MIB
beside=16
begin 16
resize_at_each_step disk 16 24
daemon_start
expect_match "who keeps it" "$(ctl get volumes web/disk -o wide | tail -1)" ' kernel '
reset 24
resize_at_each_step disk 24 16
