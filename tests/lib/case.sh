# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# case.sh - what every test script starts with: scratch space, expectations, ending
#
# A script is one case.  It says what it shows with `it "sentence"`, and ends
# with 0 (passed), 77 (skipped: a feature is missing) or anything else
# (failed; the last sentence is printed with the reason).  Whatever happens,
# nothing stays mounted and no process stays behind.

set -Eeuo pipefail
export LC_ALL=C
umask 022

tests=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
root=$(dirname "$tests")
BUILD=$(cd "$root" && cd "${BUILD:-build}" && pwd)
# A slow sanitizer is for the daemon alone: the rest comes from $BUILD.
DAEMON_BUILD=$(cd "$root" && cd "${DAEMON_BUILD:-$BUILD}" && pwd)
export DAEMON_BUILD
case_name=$(basename "$0" .sh)

# Sanitizers and one busy core make everything slower: multiply waits by this.
: "${TIME_SCALE:=1}"

sentence=
it()
{
	sentence=$*
	printf -- '- %s\n' "$*"
}

fail()
{
	trap - ERR
	printf 'FAIL: %s: %s\n' "${sentence:-$case_name}" "$*" >&2
	local i
	for ((i = 1; i < ${#FUNCNAME[@]}; i++)); do
		printf '      at %s:%s (%s)\n' "${BASH_SOURCE[i]##*/}" \
			"${BASH_LINENO[i - 1]}" "${FUNCNAME[i]}" >&2
	done
	exit 1
}

# A skip is for a feature that this machine lacks, never for a version.
skip()
{
	trap - ERR
	if [[ ${REQUIRE_FUSE:-} == 1 ]]; then
		printf 'FAIL: must not be skipped here: %s\n' "$*" >&2
		exit 1
	fi
	printf 'SKIP: %s\n' "$*"
	exit 77
}

# Like skip, for what no CI machine can be asked to have.
skip_always()
{
	trap - ERR
	printf 'SKIP: %s\n' "$*"
	exit 77
}

on_err()
{
	local status=$? cmd=$BASH_COMMAND

	# Only the shell of the case reports: subshells pass their status on.
	[[ $BASHPID == "$$" ]] || return "$status"
	fail "'$cmd' ended with $status"
}
trap on_err ERR

[[ $EUID == 0 ]] || skip "needs root"

# --- scratch space -------------------------------------------------------

own_tmp=
if [[ -z ${PODVOLS_TEST_TMP:-} ]]; then
	PODVOLS_TEST_TMP=$(mktemp -d /var/tmp/podvols-test.XXXXXX)
	own_tmp=1
fi
work=$PODVOLS_TEST_TMP
chmod 0755 "$work"

# Commands to run at the end, last first.  They run whatever happened.
endings=()
at_end()
{
	endings+=("$*")
}

# Take away all mounts below a directory, deepest first.
unmount_below()
{
	local dir=$1 target

	findmnt -rno TARGET | sed 's/\\x20/ /g' |
		awk -v d="$dir/" 'index($0 "/", d) == 1' | sort -r |
		while IFS= read -r target; do
			umount "$target" 2>/dev/null ||
				umount -l "$target" 2>/dev/null || :
		done
}

mounts_below()
{
	findmnt -rno TARGET | awk -v d="$1/" 'index($0 "/", d) == 1'
}

finish()
{
	local status=$? i

	trap - ERR EXIT
	trap '' TERM INT HUP
	set +e
	for ((i = ${#endings[@]} - 1; i >= 0; i--)); do
		eval "${endings[i]}"
	done
	# What a failed case left running; its own jobs only.
	for i in $(jobs -p); do
		kill "$i" 2>/dev/null
	done
	unmount_below "$work"
	if [[ -n $own_tmp ]]; then
		if [[ $status != 0 && -n ${KEEP:-} ]]; then
			printf 'kept: %s\n' "$work" >&2
		else
			rm -rf --one-file-system "$work"
		fi
	fi
	exit "$status"
}
trap finish EXIT
trap 'exit 143' TERM
trap 'exit 130' INT HUP

# --- expectations --------------------------------------------------------

expect_eq() # WHAT GOT WANTED
{
	[[ $2 == "$3" ]] || fail "$1 is '$2', expected '$3'"
}

expect_match() # WHAT GOT EXTENDED_REGEX
{
	[[ $2 =~ $3 ]] || fail "$1 is '$2', expected to match '$3'"
}

# expect_error 'text of the error' COMMAND...: it fails and says so.
expect_error()
{
	local wanted=$1 out status=0

	shift
	out=$("$@" 2>&1) || status=$?
	[[ $status != 0 ]] || fail "'$*' succeeded, expected '$wanted'"
	grep -Eq -- "$wanted" <<<"$out" ||
		fail "'$*' says '$out', expected '$wanted'"
}

expect_status() # STATUS COMMAND...
{
	local wanted=$1 status=0

	shift
	"$@" || status=$?
	[[ $status == "$wanted" ]] ||
		fail "'$*' ended with $status, expected $wanted"
}

expect_missing()
{
	local path
	for path; do
		[[ ! -e $path && ! -L $path ]] || fail "'$path' exists"
	done
}

expect_exists()
{
	local path
	for path; do
		[[ -e $path || -L $path ]] || fail "'$path' does not exist"
	done
}

# wait_until SECONDS COMMAND...: true within that time, or the case fails.
wait_until()
{
	local end=$((SECONDS + $1 * TIME_SCALE + 1))

	shift
	until "$@" >/dev/null 2>&1; do
		((SECONDS < end)) || fail "still not so: $*"
		sleep 0.05
	done
}

# within SECONDS COMMAND...: fails if it takes longer; a hang is a failure.
within()
{
	local limit=$(($1 * TIME_SCALE)) status=0

	shift
	timeout -k 5 "$limit" "$@" || status=$?
	[[ $status != 124 && $status != 137 ]] ||
		fail "'$*' took more than $limit s"
	return "$status"
}

now_ms()
{
	local t=$EPOCHREALTIME
	echo $((${t/./} / 1000))
}

# hold COMMAND...: start it in the background with a standard input that never
# ends; returns when it printed its first line.  Its pid is $held.
holds=0
hold()
{
	local out=$work/hold.$((++holds))

	mkfifo "$out.in"
	"$@" <>"$out.in" >"$out" &
	held=$!
	wait_until 10 test -s "$out"
}

let_go() # [PID]
{
	local pid=${1:-$held}

	kill "$pid" 2>/dev/null || :
	wait "$pid" 2>/dev/null || :
}
# What is still held at the end goes with the case.
jobs_end()
{
	local job
	for job in $(jobs -p); do
		kill "$job" 2>/dev/null
	done
}
at_end jobs_end

# use PATH: a process that has it open; its pid is $held.
use()
{
	# shellcheck disable=SC2217 # to hold it open is all that it does
	sleep 1000 <"$1" &
	held=$!
}

# list DIRECTORY: its names in one line.
list()
{
	find "$1" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | xargs
}

mode_of()
{
	stat -c %a "$1"
}

# fsop OPERATION ARGUMENTS...: prints "ok" or the name of the errno.
fsop()
{
	"$BUILD/fsop" "$@"
}

expect_fsop() # RESULT OPERATION ARGUMENTS...
{
	local wanted=$1 got

	shift
	got=$(fsop "$@")
	[[ $got == "$wanted" ]] || fail "$* gives $got, expected $wanted"
}

# as_user UID COMMAND...: with no supplementary groups and no capabilities.
as_user()
{
	local uid=$1

	shift
	setpriv --reuid "$uid" --regid "$uid" --clear-groups "$@"
}
