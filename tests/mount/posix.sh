#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# posix.sh - POSIX answers on the mount equal those of the filesystem beneath
# time limit: 900

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

suite=$BUILD/posix-suite
[[ -x $suite ]] || fail "'$suite' is not built"
mkdir -p "$work"/reference/{data,host} "$work/host"
chmod 0777 "$work"/reference/{data,host} "$work/host"

# Through the page cache of the mount the kernel asks less and writes later,
# which no daemon can make up for.
page_cache=(
	-x killpriv.capabilities_after_mmap   # stores arrive as writes
	-x mmap.store_changes_times_by_msync  # what is paged in was read
	-x times.of_a_read_at_the_end         # not asked: the size is known
)
# With passthrough the kernel keeps the flags that the file was opened with for
# its own open of the file beneath.
passthrough=(
	-x data.append_can_be_switched_off
)

# Each combination is run, so that one failure does not hide the next.
differing=()

# compare VOLUME... -- OPTIONS...: side by side, each with a reference of its own.
compare()
{
	local volumes=() volume suites=()

	while [[ $1 != -- ]]; do
		volumes+=("$1")
		shift
	done
	shift
	daemon_start "$@"
	apply_pod web 'data=emptyDir: {}' "host=hostPath: {path: $work/host}"
	for volume in "${volumes[@]}"; do
		"$suite" -t $((20 * TIME_SCALE)) "${exceptions[@]}" \
			"$work/reference/$volume" "$M/default/web/$volume" \
			>"$work/$volume.out" &
		suites+=($!)
	done
	for volume in "${volumes[@]}"; do
		it "every POSIX case agrees in $volume ($*)"
		wait "${suites[0]}" || differing+=("$volume ($*)")
		suites=("${suites[@]:1}")
		cat "$work/$volume.out"
		expect_eq "what is left" "$(list "$M/default/web/$volume")" ""
	done
	ctl delete pod web >/dev/null
	daemon_stop
}

# A sanitized daemon sees each of its paths once.
if ((TIME_SCALE > 1)); then
	with=(data) without=(host)
else
	with=(data host) without=(data host)
fi
exceptions=("${passthrough[@]}")
compare "${with[@]}" --
exceptions=("${page_cache[@]}")
compare "${without[@]}" -- --disable-features passthrough
((!${#differing[@]})) || fail "the answers differ in: ${differing[*]}"
