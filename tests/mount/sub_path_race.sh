#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# sub_path_race.sh - a directory exchanged for a link while it is resolved
# time limit: 300

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

rounds=${SOAK:+10000}
rounds=${rounds:-60}

daemon_start
mkdir "$work/outside"
echo secret >"$work/outside/secret"
pod_yaml web 'data=emptyDir: {}' |
	sed 's|mountPath: /data|&, subPath: sub/dir|' | ctl apply -f - >/dev/null
V=$M/default/web/data
mkdir -p "$V/sub/dir" "$V/other"
touch "$V/sub/dir/ours"

race()
{
	local src escaped=0 given=0 refused=0 i

	hold "$BUILD/swapper" "$1" "$2"
	for ((i = 0; i < rounds; i++)); do
		if src=$(ctl mounts web main -o oci 2>/dev/null |
			jq -sr 'flatten | .[0].source'); then
			given=$((given + 1))
			[[ ! -e $src/secret && ! -e $src/dir/secret ]] ||
				escaped=$((escaped + 1))
		else
			refused=$((refused + 1))
		fi
	done
	kill -0 "$held" || fail "the swapper ended"
	let_go
	echo "  given $given, refused $refused"
	# Always one and the same answer would mean that there was no race.
	((given && refused)) || fail "given $given, refused $refused"
	expect_eq "escapes" "$escaped" 0
	daemon_answers || fail "the daemon does not answer"
}

it "the last component is exchanged $rounds times and more"
ln -s "$work/outside" "$V/sub/evil"
race "$V/sub/dir" "$V/sub/evil"

it "a component on the way is exchanged"
rm -rf "$V/sub" "$V/evil"
mkdir -p "$V/sub/dir" "$work/outside/dir"
touch "$work/outside/dir/secret"
ln -s "$work/outside" "$V/evil"
race "$V/sub" "$V/evil"
expect_eq "what is outside" "$(list "$work/outside")" "dir secret"
ctl delete pod web --force >/dev/null
daemon_stop
