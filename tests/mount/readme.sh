#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# readme.sh - what the README shows is what happens
#
# Replays its ```console blocks: "$ " begins a command, "> " goes on with it,
# the rest is what it prints; "..." stands for any lines.  Paths are those of
# a daemon of this case's own, and ages are not compared.

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

cd "$root"

: >"$work/readme.conf"
options=(--config "$work/readme.conf" --mountpoint "$M" --state-dir "$S"
	"${common_options[@]}")

# The words of the README in terms of this case.
localise()
{
	local text=$1

	text=${text//sudo make run/tools/install/run.sh $BUILD ${options[*]}}
	text=${text//sudo make stop/tools/install/stop.sh $BUILD}
	text=${text//sudo /}
	text=${text//build\/podvolctl/$BUILD/podvolctl}
	printf '%s' "${text//\/mnt\/podvols/$M}"
}

without_ages()
{
	sed -E 's/ [0-9]+[smh]$/ AGE/'
}

# Lines of FILE $2 match those of $1, where "..." matches any.
matches()
{
	local -a want got
	local i=0 j any=

	mapfile -t want < <(without_ages <<<"$1")
	mapfile -t got < <(without_ages <"$2")
	[[ $1 ]] || want=()
	for ((j = 0; j < ${#got[@]}; j++)); do
		while [[ ${want[i]-} == ... ]]; do
			any=yes
			((++i))
		done
		if ((i < ${#want[@]})) && [[ ${got[j]} == "${want[i]}" ]]; then
			((++i))
			any=
		elif [[ ! $any ]]; then
			return 1
		fi
	done
	while [[ ${want[i]-} == ... ]]; do ((++i)); done
	((i == ${#want[@]}))
}

step()
{
	local command expected status=0

	[[ $1 ]] || return 0
	command=$(localise "$1")
	expected=$(localise "$2")
	it "${1%%$'\n'*}"
	bash -c "$command" >"$work/output" 2>&1 </dev/null || status=$?
	((status == 0)) || fail "it ends with $status: $(cat "$work/output")"
	matches "$expected" "$work/output" || fail "it prints
$(cat "$work/output")
where the README has
$expected"
}

replay()
{
	local line command='' expected='' inside='' n=0

	while IFS= read -r line; do
		case $inside:$line in
		:'```console') inside=yes ;;
		yes:'```')
			step "$command" "$expected"
			inside='' command='' expected=''
			;;
		yes:'$ '*)
			step "$command" "$expected"
			command=${line#'$ '}
			expected=
			((++n))
			;;
		yes:'> '*) command+=$'\n'${line#'> '} ;;
		yes:*) expected+=${expected:+$'\n'}$line ;;
		esac
	done <README.md
	((n > 0)) || fail "the README has no transcript"
}

# Should a step fail, the daemon that it started must not stay.
stop_daemon()
{
	"$root/tools/install/stop.sh" "$BUILD" >/dev/null 2>&1 || :
}
at_end stop_daemon

replay
! mountpoint -q "$M" || fail "'$M' is still mounted"

it "starting it twice does no harm"
for i in 1 2; do
	tools/install/run.sh "$BUILD" "${options[@]}" \
		>"$work/output" 2>&1 || fail "$(cat "$work/output")"
	grep -q 'Try next:' "$work/output" || fail "$(cat "$work/output")"
done
grep -Fq "ls -l $M/default/producer-consumer/shared-volume" "$work/output" ||
	fail "it names another path: $(cat "$work/output")"
grep -q 'running already' "$work/output" || fail "$(cat "$work/output")"
grep -q 'producer-consumer unchanged' "$work/output" ||
	fail "$(cat "$work/output")"

it "stopping it twice does no harm"
for i in 1 2; do
	tools/install/stop.sh "$BUILD" >"$work/output" 2>&1 ||
		fail "$(cat "$work/output")"
done
expect_eq "output" "$(cat "$work/output")" "podvolsd is not running"

it "every file that the README points to is there"
n=0
while IFS= read -r file; do
	[[ -e $file ]] || fail "'$file' is not there"
	((++n))
done < <(grep -o '](\([^:)]*\))' README.md | sed 's/^](//; s/)$//')
((n > 0)) || fail "no link found"
