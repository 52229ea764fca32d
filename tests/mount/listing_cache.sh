#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# listing_cache.sh - a directory that did not change is listed by the kernel

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

daemon_start
apply_web
V=$M/default/web/data
mkdir "$V/dir"
touch "$V"/dir/{1..500}

listings()
{
	jq '[.fuse.operations | .readdir.requests // 0, .readdirplus.requests // 0] | add' \
		"$M/.podvols/stats.json"
}

# no_requests WHAT: the second listing costs none.
no_requests()
{
	local before

	ls "$V/dir" >/dev/null
	before=$(listings)
	expect_eq "names" "$(ls "$V/dir" | wc -l)" 500
	expect_eq "requests for $1" "$(($(listings) - before))" 0
}

it "the second listing asks nobody"
no_requests "a directory that nobody else has open"

it "nor where somebody holds the directory open"
exec {held}<"$V/dir"
no_requests "a directory that is held open"
exec {held}<&-

it "a change is seen at once"
rm "$V/dir/7"
expect_eq "names" "$(ls "$V/dir" | wc -l)" 499
touch "$V/dir/7"
no_requests "the directory as it is now"
daemon_stop
