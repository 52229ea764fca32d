#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# host_path_coherence.sh - host and mount see each other's changes at once

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

rounds=${SOAK:+20000}
rounds=${rounds:-200}

both_ways()
{
	local dir=$work/host.$1

	shift
	mkdir -p "$dir/deep/er"
	daemon_start "$@"
	apply_pod web "host=hostPath: {path: $dir}"
	V=$M/default/web/host

	it "changes of every kind are seen at the next look, both ways ($*)"
	"$BUILD/coherence" "$dir" "$V" "$rounds" || fail "the views differ"

	it "deeper directories too ($*)"
	"$BUILD/coherence" "$V/deep/er" "$dir/deep/er" $((rounds / 4)) ||
		fail "the views differ"

	it "two volumes of one directory agree ($*)"
	apply_pod other "host=hostPath: {path: $dir}"
	mkdir "$dir/shared"
	"$BUILD/coherence" "$V/shared" "$M/default/other/host/shared" \
		$((rounds / 4)) || fail "the views differ"

	it "what was read is read anew when the host wrote ($*)"
	head -c 8192 /dev/zero >"$dir/mapped"
	expect_eq "before" "$(md5sum <"$V/mapped")" "$(md5sum <"$dir/mapped")"
	printf 'changed' | dd of="$dir/mapped" conv=notrunc status=none
	expect_eq "after" "$(head -c 7 "$V/mapped")" changed

	it "what both sides append stands one behind the other ($*)"
	exec {fd}>>"$V/appended"
	for word in one three five; do
		echo "$word" >&"$fd"
		echo "host" >>"$dir/appended"
	done
	exec {fd}>&-
	expect_eq "content" "$(xargs <"$dir/appended")" "one host three host five host"

	it "a directory replaced by the host is seen ($*)"
	mkdir "$dir/swap" && echo one >"$dir/swap/f"
	expect_eq "content" "$(cat "$V/swap/f")" one
	mv "$dir/swap" "$dir/old" && mkdir "$dir/swap" &&
		echo two >"$dir/swap/f"
	expect_eq "content" "$(cat "$V/swap/f")" two
	expect_eq "content of the old" "$(cat "$V/old/f")" one

	it "a listing that is half read lives with changes ($*)"
	mkdir "$dir/many"
	"$BUILD/manyfiles" "$dir/many" 3000
	find "$V/many" | head -100 >/dev/null || :
	rm -r "$dir/many/1"
	expect_eq "names" "$(list "$V/many")" "0 2"
	ctl delete pod web other >/dev/null
	daemon_stop
}

both_ways passthrough
both_ways plain --disable-features passthrough
