#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# transports.sh - whichever way requests come, the answers are the same
# time limit: 1200

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

enable=/sys/module/fuse/parameters/enable_uring
suite=$BUILD/posix-suite
common_options=() # this case chooses the transport itself
reference=$work/reference
mkdir -m 0777 "$reference"
chmod 0777 "$reference"

# rings yes|no: whether the kernel allows them; as found at the end.
rings()
{
	[[ -w $enable ]] || return 1
	if [[ $1 == yes ]]; then echo Y; else echo N; fi >"$enable"
}
if [[ -r $enable ]]; then
	found=$(cat "$enable")
	at_end "echo $found >$enable"
fi

fuse_status() # JQ FILTER
{
	ctl status -o json | jq -r ".fuse | $1"
}

transport_is()
{
	expect_eq "the transport" "$(fuse_status .transport)" "$1"
}

start()
{
	daemon_start "$@"
	apply_pod web 'data=emptyDir: {}' 'posix=emptyDir: {}'
	V=$M/default/web/data
}

stop()
{
	ctl delete pod web >/dev/null
	daemon_stop
}

# The POSIX suite but its long random part; what differs from the filesystem
# beneath is for posix.sh.  Here nothing may differ that does not over
# /dev/fuse, where the suite ran first.
posix_failures()
{
	within 300 "$suite" -t $((20 * TIME_SCALE)) -x random "$@" \
		"$reference" "$M/default/web/posix" >"$work/posix" || :
	grep -Eq '^[0-9]+ passed' "$work/posix" ||
		fail "the suite did not end: $(tail -3 "$work/posix")"
	sed -n 's/^FAIL \([^ :[]*\).*/\1/p' "$work/posix" | sort -u
}

posix_over_dev()
{
	posix_failures >"$work/over_dev"
}

posix()
{
	local more

	more=$(posix_failures "$@" | comm -23 - "$work/over_dev")
	[[ -z $more ]] || fail "other answers than over /dev/fuse:
$(grep -A8 -F "$(head -1 <<<"$more")" "$work/posix")
all: $more"
}

# More waiters than there are threads at the start, and others beside them.
locks()
{
	local kind i waiters

	for kind in fcntl flock; do
		waiters=()
		hold "$BUILD/locks" "$kind" hold "$V/lock"
		for ((i = 0; i < 40; i++)); do
			within 60 "$BUILD/locks" "$kind" wait "$V/lock" \
				>"$work/waited.$i" &
			waiters+=($!)
		done
		sleep 0.5
		within 10 touch "$V/beside"
		within 10 taskset -c 0 ls -l "$V" >/dev/null
		expect_eq "$kind lock of another" \
			"$(within 10 "$BUILD/locks" "$kind" try "$V/lock")" busy
		expect_eq "those who have it too early" \
			"$(cat "$work"/waited.*)" ""

		# One that gives up is let go, the others are not.
		"$BUILD/locks" "$kind" wait "$V/lock" >/dev/null &
		i=$!
		sleep 0.2
		kill -TERM "$i"
		wait "$i" || :

		let_go
		wait "${waiters[@]}" || fail "$kind: a waiter does not get it"
		expect_eq "waiters that got it" \
			"$(cat "$work"/waited.* | sort | uniq -c | xargs)" \
			"40 locked"
		rm -f "$work"/waited.*
	done
}

listing()
{
	local i names

	mkdir "$V/many"
	for ((i = 0; i < 3000; i++)); do
		: >"$V/many/name-$i"
	done
	names=$(within 60 ls -f "$V/many" | grep -c '^name-')
	expect_eq "names in the listing" "$names" 3000
	names=$(within 60 find "$V/many" -type f -size 0 | sort -u | wc -l)
	expect_eq "files found" "$names" 3000
	within 60 rm -r "$V/many"
}

# Makes, syncs, copies, truncates, renames and removes, and looks each time.
client()
{
	local i n dir=$V/client.$1

	mkdir "$dir"
	for ((i = 0; i < 30; i++)); do
		n=$((i * 9973 + $1))
		head -c "$n" "$work/bytes" >"$dir/$i"
		sync "$dir/$i"
		cp "$dir/$i" "$dir/copy"
		cmp -n "$n" "$dir/copy" "$work/bytes" || return 1
		truncate -s $((i * 100)) "$dir/copy"
		mv "$dir/copy" "$dir/renamed"
		[[ $(stat -c %s "$dir/renamed") == $((i * 100)) ]] || return 1
		ln -sfn "$i" "$dir/link"
		[[ $(readlink "$dir/link") == "$i" ]] || return 1
	done
	rm -r "$dir"
}

load()
{
	local n clients=()

	head -c 400000 /dev/urandom >"$work/bytes"
	for n in {1..12}; do
		client "$n" &
		clients+=($!)
	done
	for n in "${clients[@]}"; do
		wait "$n" || fail "a client saw a wrong answer"
	done
	expect_eq "what the clients left" "$(list "$V")" "beside lock"
}

# Requests that nobody can answer for now, on every CPU, and one after them.
stuck()
{
	local i hung=() other=$M/default/web/other

	for i in {1..8}; do
		stat "$other/$i" >/dev/null 2>&1 &
		hung+=($!)
	done
	sleep 0.5
	for ((i = 0; i < $(nproc); i++)); do
		within 20 taskset -c "$i" touch "$V/free.$i"
	done
	kill -CONT "$1"
	for i in "${hung[@]}"; do
		wait "$i" || :
	done
	rm "$V"/free.*
}

# all_of_it WHAT COMMAND...: the command runs the POSIX suite beside the rest.
all_of_it()
{
	local suite_runs

	"${@:2}" &
	suite_runs=$!
	it "$1: waiting locks are granted and hold up nobody"
	locks
	it "$1: large directories are listed whole"
	listing
	it "$1: many clients at once get right answers"
	load
	it "$1: POSIX answers are the same meanwhile"
	wait "$suite_runs" || fail "see above"
}

# Through the page cache fewer requests come; posix.sh says which cases.
page_cache=(-x killpriv.capabilities_after_mmap -x times.of_a_read_at_the_end
	-x mmap.store_changes_times_by_msync)
older=(-x statx.birth_time_stays) # Linux 6.1 did not ask for it

start --transport dev
transport_is dev
all_of_it "dev" posix_over_dev
stop

start --transport dev --disable-features oldest
all_of_it "the oldest kernel" posix "${page_cache[@]}" "${older[@]}"
it "the oldest kernel has none of the newer features"
expect_eq "those taken" "$(fuse_status '[.features[] | select(.taken) | .name |
	select(. == ("passthrough", "resend", "idmap", "over-io-uring"))] | length')" 0
stop

it "a filesystem that hangs holds up only those who ask it"
# hung_beside OPTIONS...: a daemon whose hostPath lies on another, stopped one.
hung_beside()
{
	local other pid

	daemon_use two
	daemon_start --transport dev
	apply_pod web 'data=emptyDir: {}'
	other=$M/default/web/data
	pid=$(server_pid)
	daemon_use one
	daemon_start "$@"
	apply_pod web 'data=emptyDir: {}' "other=hostPath: {path: $other}"
	V=$M/default/web/data
	ls "$M/default/web/other" >/dev/null
	kill -STOP "$pid"
	stuck "$pid"
	stop
	daemon_use two
	stop
	daemon_use one
}
hung_beside --transport dev

if rings no; then
	it "rings that the kernel refuses are replaced, with one line that says so"
	start --transport uring
	transport_is dev
	expect_eq "lines about it" "$(grep -c 'io_uring is not used' "$LOG")" 1
	expect_match "the reason" "$(fuse_status .transportReason)" enable_uring
	stop
	it "nobody is told where nobody asked"
	start
	transport_is dev
	expect_eq "lines about it" "$(grep -c 'io_uring is not used' "$LOG")" 1
	stop
fi

it "an unknown transport is refused with the names of those that exist"
expect_error "'tcp' is none of auto, dev, uring" \
	"$BUILD/podvolsd" --config "$work/podvols.conf" --transport tcp

rings yes || skip_always "no FUSE over io_uring here; the rest was shown"

start --transport uring
transport_is uring
it "the feature is among those that are taken"
expect_eq "over-io-uring" \
	"$(fuse_status '.features[] | select(.name == "over-io-uring") | .taken')" true
all_of_it "uring" posix
stop

start --transport uring --holder=no
transport_is uring
all_of_it "uring without a holder" posix
stop

start --transport uring --disable-features passthrough
transport_is uring
all_of_it "uring without passthrough" posix "${page_cache[@]}"
stop

it "uring: a filesystem that hangs holds up only those who ask it"
hung_beside --transport uring

it "by itself the daemon takes rings only if they are its own"
start
transport_is dev
expect_match "the reason" "$(fuse_status .transportReason)" holder
stop
if (($(nproc) > 1)); then
	start --holder=no
	transport_is uring
	stop
fi

it "the feature can be switched off"
start --transport uring --disable-features over-io-uring
transport_is dev
stop

it "a mount in use is left and taken again"
start --transport uring
use "$V"
kill -TERM "$(daemon_pid)"
daemon_wait 30
let_go
expect_eq "exit status" "$daemon_status" 0
daemon_start --transport uring
transport_is uring
within 10 touch "$V/again"
stop
