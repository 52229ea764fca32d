#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# model.sh - chance operations by many processes agree with a model of the tree
# time limit: 200
#
# MODEL_SECONDS= for each form (5), MODEL_PROCESSES= (4), MODEL_SEED= (of the day).

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

seconds=${MODEL_SECONDS:-5}
processes=${MODEL_PROCESSES:-4}
seed=${MODEL_SEED:-$((EPOCHSECONDS / 86400))}

mkdir "$work/host"

# check_model DIRECTORY: the seed is in what it prints, for the next time.
check_model()
{
	mkdir "$1/model"
	within $((seconds * 3 + 30)) "$BUILD/fsmodel" -p "$processes" -s "$seed" \
		-t "$seconds" "$1/model" || fail "they differ"
	# Without -f: whoever cannot be removed is a finding, too.
	rm -r "$1/model"
}

# The daemon in one form, given its options: both kinds of volume.
check_form()
{
	daemon_start "$@"
	apply_pod web 'data=emptyDir: {}' "host=hostPath: {path: $work/host}"
	check_model "$M/default/web/data"
	check_model "$M/default/web/host"
	ctl delete pod web >/dev/null
	wait_until 20 trash_is_empty
	daemon_stop
}

it "a listing under way loses no name because others go and another lists"
daemon_start
apply_web
mkdir "$V/model"
within 60 "$BUILD/fsmodel" -p 4 -s 20780 -n 1100 "$V/model" || fail "it does"
daemon_stop
rm -r "$S"

it "with everything that the kernel offers"
check_form

it "without passthrough"
check_form --disable-features=passthrough
