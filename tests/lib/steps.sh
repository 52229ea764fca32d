# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# steps.sh - kill -9 the daemon at a named step of its engine
#
# PODVOLS_TEST_KILL_AT=STEP before daemon_start or daemon_spawn arms it; then
# `died` waits for that end, and fails if the step is never reached.

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "${BASH_SOURCE[0]}")/daemon.sh"

# The steps of these families that the engine tells, or of all.
engine_steps() # [FAMILY...]
{
	local IFS='|'

	grep -rhoE --include='*.c' "\"(${*:-apply|delete|start|update|recount|reap})\.[a-z-]+\"" \
		"$root/store" | tr -d '"' | sort -u
}

# expect_steps "FAMILY..." STEP...: the case tries all that there are.
expect_steps()
{
	local families step

	read -ra families <<<"$1"
	shift
	expect_eq "what is tried" "$(printf '%s\n' "$@" | sort -u | xargs)" \
		"$(engine_steps "${families[@]}" | xargs)"
	for step; do
		grep -q "^ \*   $step  " "$root/store/node.h" ||
			fail "step '$step' is not explained in node.h"
	done
}

# died: by SIGKILL, as asked.
died()
{
	daemon_wait 20
	expect_eq "status of the killed daemon" "$daemon_status" 137
	check_log
}

# An acknowledged answer must not be among those that a kill gives.
unanswered()
{
	local status=0

	"$@" >/dev/null 2>&1 || status=$?
	expect_match "status of a request that dies" "$status" '^[13]$'
}

# What the catalog says, which is left as a crash has left it: a copy is read,
# for a daemon lets nobody else read the file.
catalog() # SQL
{
	local copy=$work/catalog-copy

	rm -rf "$copy"
	mkdir "$copy"
	cp "$S"/catalog.db* "$copy"
	sqlite3 "$copy/catalog.db" "$1"
}

# Where an emptyDir of a pod is, without the mount.
tree_of() # POD VOLUME
{
	local uid

	uid=$(catalog "SELECT uid FROM pod WHERE name = '$1'")
	echo "$S/pods/$uid/volumes/kubernetes.io~empty-dir/$2"
}

# The daemon's next state directory is on a btrfs whose quotas are on.
use_btrfs()
{
	command -v mkfs.btrfs >/dev/null || skip "no mkfs.btrfs"
	mkdir -p "$work/disk"
	truncate -s 512m "$work/image"
	mkfs.btrfs -q "$work/image" >/dev/null 2>&1
	mount -o loop "$work/image" "$work/disk" 2>/dev/null ||
		skip "cannot mount btrfs"
	btrfs quota enable "$work/disk" || skip "this btrfs has no quotas"
	# New numbers are right when the first count is done.
	btrfs quota rescan -w "$work/disk" >/dev/null
	daemon_use btrfs
	S=$work/disk/state
}
