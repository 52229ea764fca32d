#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# random.sh - kill -9 at any moment: what was acknowledged holds
# time limit: 300

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

rounds=${SOAK:+300}
rounds=${rounds:-8}

# Applies and deletes its own pods until an answer fails; notes each answer.
work_on() # WHO
{
	local i=0 pod
	while :; do
		pod=$1-$((i++ % 5))
		pod_yaml "$pod" 'a=emptyDir: {}' 'b=emptyDir: {}' >"$work/$1.yaml"
		echo "apply? $pod"
		ctl apply -f "$work/$1.yaml" >/dev/null 2>&1 || return 0
		echo "apply! $pod"
		echo "$pod" 2>/dev/null >"$M/default/$pod/a/name" || return 0
		((RANDOM % 2)) || continue
		echo "delete? $pod"
		ctl delete pod "$pod" >/dev/null 2>&1 || return 0
		echo "delete! $pod"
	done
}

# The last word on each pod, of all workers.
last_words()
{
	cat "$work"/journal.* | awk '{ last[$2] = $1 }
		END { for (pod in last) print last[pod], pod }'
}

check_words()
{
	local word pod
	while read -r word pod; do
		case $word in
		"apply!") [[ -d $M/default/$pod/a && -d $M/default/$pod/b ]] ||
			fail "acknowledged pod $pod is not there" ;;
		"delete!") [[ ! -e $M/default/$pod ]] ||
			fail "deleted pod $pod is still there" ;;
		*) [[ ! -e $M/default/$pod || -d $M/default/$pod/b ]] ||
			fail "half of pod $pod is there" ;;
		esac
	done < <(last_words)
}

for ((round = 1; round <= rounds; round++)); do
	it "round $round"
	daemon_start
	[[ $round == 1 ]] || check_words
	expect_eq "trees of pods" \
		"$(find "$S/pods" -mindepth 1 -maxdepth 1 | wc -l)" \
		"$(ctl get pods -o name | wc -l)"
	workers=()
	for who in x y z; do
		work_on "$who" >>"$work/journal.$who" 2>/dev/null &
		workers+=($!)
	done
	sleep "0.$((RANDOM % 6))$((RANDOM % 10))"
	daemon_kill
	wait "${workers[@]}"
done
daemon_start
check_words
ctl get pods -o name | xargs -r "$BUILD/podvolctl" delete --force >/dev/null
wait_until 20 trash_is_empty
expect_eq "trees of pods" "$(find "$S/pods" -mindepth 1 -maxdepth 1 | wc -l)" 0
daemon_stop
