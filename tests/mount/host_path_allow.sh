#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# host_path_allow.sh - an allow-list of prefixes that no link talks around

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

A=$work/allowed
B=$work/barred
mkdir -p "$A/sub" "$A-not" "$B" "$work/also"
echo secret >"$B/secret"
daemon_start --host-path-allow "$A" --host-path-allow "$work/also"

try_apply()
{
	pod_yaml probe "host=hostPath: {path: $1${2:+, type: $2}}" |
		ctl apply -f - 2>&1
}

it "what is below an allowed prefix works"
for path in "$A" "$A/sub" "$A/" "$work/also"; do
	out=$(try_apply "$path") || fail "'$path' is refused: $out"
	ctl delete pod probe >/dev/null
done

it "everything else is refused, and says which prefixes are allowed"
ln -s "$B" "$A/link"
ln -s ../../barred "$A/sub/up"
for path in / "$B" "$A-not" "$work" "$A/link" "$A/sub/up" /etc; do
	! out=$(try_apply "$path") || fail "'$path' is accepted"
	grep -Eq 'allow' <<<"$out" || fail "'$out' does not speak of the list"
done

it "nothing is made outside, not through links either"
for path in "$B/new" "$A/link/new" "$A/sub/up/new" "$A-not/new"; do
	for type in DirectoryOrCreate FileOrCreate; do
		! try_apply "$path" "$type" >/dev/null || fail "'$path' is made"
	done
done
expect_eq "names" "$(list "$B"), $(list "$A-not")" "secret, "

it "a link that comes later does not lead out"
apply_pod late "host=hostPath: {path: $A/sub/dir, type: DirectoryOrCreate}"
mkdir "$A/sub/dir/x"
V=$M/default/late/host
expect_exists "$V/x"
rmdir "$A/sub/dir/x" "$A/sub/dir"
ln -s "$B" "$A/sub/dir"
expect_missing "$V/secret"
! cat "$V/secret" 2>/dev/null || fail "the secret is read"

it "links inside of a volume are the container's own business"
rm "$A/sub/dir"
mkdir "$A/sub/dir"
ln -s "$B/secret" "$A/sub/dir/out"
expect_eq "link" "$(readlink "$V/out")" "$B/secret"
daemon_stop
