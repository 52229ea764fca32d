#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# data.sh - every way to write and read a file, with and without passthrough

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

mkdir "$work/host"

data()
{
	daemon_start "$@"
	apply_pod web 'data=emptyDir: {}' "host=hostPath: {path: $work/host}"
	local dir pids=() i

	for dir in "$M/default/web/data" "$M/default/web/host"; do
		it "bytes agree in ${dir##*/} ($*)"
		"$BUILD/datacheck" "$dir" || fail "they do not"

		it "many writers append whole records to one file (${dir##*/} $*)"
		pids=()
		for i in {1..8}; do
			(for n in {1..100}; do
				printf '%03d %03d\n' "$i" "$n"
			done >>"$dir/log") &
			pids+=($!)
		done
		wait "${pids[@]}"
		expect_eq "records" "$(wc -l <"$dir/log")" 800
		expect_eq "torn records" \
			"$(grep -cvE '^[0-9]{3} [0-9]{3}$' "$dir/log" || :)" 0

		it "an unlinked file lives while it is open (${dir##*/} $*)"
		echo gone >"$dir/file"
		exec {fd}<>"$dir/file"
		rm "$dir/file"
		expect_eq "content" "$(cat "/proc/self/fd/$fd")" gone
		echo more >&"$fd"
		exec {fd}>&-

		it "a program can be run from it (${dir##*/} $*)"
		cp "$(command -v busybox)" "$dir/busybox"
		chmod 755 "$dir/busybox"
		expect_eq "output" "$("$dir/busybox" echo runs)" runs
		rm "$dir/busybox" "$dir/log"
	done
	ctl delete pod web >/dev/null
	daemon_stop
}

data
data --disable-features passthrough
data --threads 1
