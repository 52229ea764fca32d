#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# listing_first.sh - a first listing asks for what is wanted: names, or
# attributes with them

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

daemon_start
apply_web
V=$M/default/web/data

# Directories of 300 files that the kernel knows nothing about.
directories_new() # NUMBER
{
	local i

	for ((i = 0; i < $1; i++)); do
		mkdir "$V/dir$i"
		(cd "$V/dir$i" && touch file{1..300})
	done
	echo 2 >/proc/sys/vm/drop_caches
	# Somebody stands there, so the way to it is known.
	cd "$V"
}

requests() # OPERATION
{
	jq ".fuse.operations.$1.requests // 0" "$M/.podvols/stats.json"
}

# known: files whose attributes the kernel was given.
known()
{
	jq .fuse.inodes "$M/.podvols/stats.json"
}

it "whoever wants the names is not kept waiting for attributes"
directories_new 1
before=$(known)
expect_eq "names" "$(ls dir0 | wc -l)" 300
((k = $(known) - before, k < 30)) || fail "$k files were looked at for their names alone"

it "whoever wants the attributes gets them with the names"
cd / && rm -r "$V"/dir*
directories_new 1
before=$(requests lookup)
expect_eq "lines" "$(ls -l dir0 | wc -l)" 301
((n = $(requests lookup) - before, n < 30)) || fail "$n requests to look at 300 files"

it "whoever lists first and looks then gets them all at once from the second directory on"
cd / && rm -r "$V"/dir*
directories_new 4
before=$(requests lookup)
python3 - "$V" <<'E_PY'
import os, sys
for i in range(4):
    os.chdir("%s/dir%d" % (sys.argv[1], i))
    for name in os.listdir("."):
        os.stat(name)
E_PY
# The first directory's one by one; of the others what one answer has no room for.
n=$(($(requests lookup) - before))
((n < 300 + 3 * 200)) || fail "$n requests to look at 1,200 files"
cd /
daemon_stop
