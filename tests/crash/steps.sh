#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# steps.sh - kill -9 at every named step of apply, delete and start
# time limit: 300

# shellcheck source=tests/lib/steps.sh
. "$(dirname "$0")/../lib/steps.sh"

# What the next start must make of a pod whose apply or delete died there.
declare -A applied=(
	[apply.begin]=absent [apply.declared]=either [apply.provisioned]=either
	[apply.ready]=present [apply.published]=present
)
declare -A deleted=(
	[delete.begin]=present [delete.marked]=absent [delete.withdrawn]=absent
	[delete.torn-down]=absent [delete.gone]=absent
)

started=(start.restored start.reconciled)

it "every step of the engine is tried, here or by the cases beside this one"
expect_steps "apply delete start" "${!applied[@]}" "${!deleted[@]}" "${started[@]}"
expect_eq "families of steps" \
	"$(grep -rhoE --include='*.c' 'node_step\("[^."]+' "$root/store" |
		sed 's/.*"//' | sort -u | xargs)" \
	"$(engine_steps | sed 's/\..*//' | sort -u | xargs)"

H=$work/host
new_yaml()
{
	pod_yaml new 'one=emptyDir: {}' "host=hostPath: {path: $H/new, type: DirectoryOrCreate}" \
		'two=emptyDir: {}' |
		sed 's|mountPath: /one|&, subPath: sub|'
}

# Nothing in the state directory that no pod owns, nothing mounted there.
check_state()
{
	expect_eq "content of the old pod" "$(cat "$M/default/old/data/file")" kept
	expect_eq "trees of pods" \
		"$(find "$S/pods" -mindepth 1 -maxdepth 1 | wc -l)" \
		"$(ctl get pods -A -o name | wc -l)"
	expect_eq "pods on the mount" \
		"$(find "$M/default" -mindepth 1 -maxdepth 1 | wc -l)" \
		"$(ctl get pods -o name | wc -l)"
	wait_until 20 trash_is_empty
}

present()
{
	expect_eq "volumes" "$(list "$M/default/new")" "host one two"
	expect_match "get" "$(ctl get pod new)" new
}

# Not acknowledged, so finished or undone: but wholly.
either()
{
	if [[ -e $M/default/new ]]; then
		present
	else
		absent
	fi
}

absent()
{
	expect_missing "$M/default/new"
	expect_error 'not found' ctl get pod new
}

mkdir -p "$H/new"
echo ours >"$H/new/file"
daemon_start
apply_pod old 'data=emptyDir: {}'
echo kept >"$M/default/old/data/file"
daemon_stop
new_yaml >"$work/new.yaml"

for step in "${!applied[@]}"; do
	it "killed at $step: the pod is ${applied[$step]} after the start"
	PODVOLS_TEST_KILL_AT=$step daemon_start
	unanswered ctl apply -f "$work/new.yaml"
	died
	daemon_start
	"${applied[$step]}"
	check_state

	it "killed at $step: applying again works, deleting too"
	ctl apply -f "$work/new.yaml" >/dev/null
	present
	expect_eq "one" "$(stat -c %a "$M/default/new/one")$(ls -A "$M/default/new/one")" 777
	ctl delete pod new >/dev/null
	absent
	check_state
	daemon_stop
done

for step in "${!deleted[@]}"; do
	it "killed at $step: the pod is ${deleted[$step]} after the start"
	daemon_start
	ctl apply -f "$work/new.yaml" >/dev/null
	ctl mounts new main -o oci >/dev/null
	echo data >"$M/default/new/two/file"
	daemon_stop
	PODVOLS_TEST_KILL_AT=$step daemon_start
	ctl mounts new main -o oci >/dev/null
	unanswered ctl delete pod new
	died
	daemon_start
	"${deleted[$step]}"
	[[ ${deleted[$step]} == absent ]] ||
		expect_eq "content" "$(cat "$M/default/new/two/file")" data
	check_state

	it "killed at $step: the name can be used again, empty"
	ctl delete pod new >/dev/null 2>&1 || :
	ctl apply -f "$work/new.yaml" >/dev/null
	expect_missing "$M/default/new/two/file"
	ctl delete pod new >/dev/null
	check_state
	expect_eq "mounts left" "$(mounts_below "$S" | wc -l)" 0
	expect_eq "the host's file" "$(cat "$H/new/file")" ours
	daemon_stop
done

it "killed again while it repairs, and again"
PODVOLS_TEST_KILL_AT=apply.provisioned daemon_start
unanswered ctl apply -f "$work/new.yaml"
died
for step in "${started[@]}" "${started[@]}"; do
	PODVOLS_TEST_KILL_AT=$step daemon_spawn
	died
done
daemon_start
either
ctl delete pod new >/dev/null 2>&1 || :
absent
check_state

it "what nobody owns is moved to the trash, and only that"
daemon_stop
mkdir -p "$S/pods/11111111-2222-3333-4444-555555555555/volumes/x/y"
announce 'orphan|11111111|nobody'
daemon_start
check_state
daemon_stop
