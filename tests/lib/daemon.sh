# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034 # cases use what is set here
#
# daemon.sh - a podvolsd of the case's own, and pods to give it
#
# Every daemon has a name (default "one") and lives in $work/<name>: mount M,
# state directory S, socket K, log LOG.  `daemon_use NAME` chooses which one
# the other functions and `ctl` mean.

# shellcheck source=tests/lib/case.sh
. "$(dirname "${BASH_SOURCE[0]}")/case.sh"

[[ -c /dev/fuse ]] || skip "no /dev/fuse"

export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:abort_on_error=0}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=0:second_deadlock_stack=1}

# Options given to every daemon of the suite, such as a forced transport.
read -ra common_options <<<"${PODVOLSD_OPTIONS:-}"

daemon_use()
{
	daemon=$1
	M=$work/$1/mnt
	S=$work/$1/state
	K=$work/$1/sock
	LOG=$work/$1/log
	export PODVOLS_SOCKET=$K
	export PODVOLS_NAMESPACE=default
	mkdir -p "$M"
}

daemon_pid()
{
	cat "$work/$daemon/pid" 2>/dev/null || echo 0
}

# Who serves: the process below that one, which is replaced when it is killed.
server_pid()
{
	cat "$K.pid" 2>/dev/null || daemon_pid
}

daemon_alive()
{
	local pid
	pid=$(daemon_pid)
	[[ $pid != 0 ]] && kill -0 "$pid" 2>/dev/null &&
		! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null
}

daemon_answers()
{
	curl -sf -m 5 -o /dev/null --unix-socket "$K" http://podvols/healthz
}

# daemon_spawn OPTIONS...: start it and return at once.
daemon_spawn()
{
	: >>"$LOG"
	# Who is to die at a step of the engine is replaced only if asked to.
	[[ -z ${PODVOLS_TEST_KILL_AT:-} || "$*" == *--holder* ]] ||
		set -- "$@" --holder=no
	"$DAEMON_BUILD/podvolsd" --foreground --config "$work/podvols.conf" --mountpoint "$M" \
		--state-dir "$S" --socket "$K" "${common_options[@]}" "$@" \
		</dev/null >>"$LOG" 2>&1 &
	echo $! >"$work/$daemon/pid"
}

# daemon_start OPTIONS...: returns when it is ready.
daemon_start()
{
	local end=$((SECONDS + 30 * TIME_SCALE))

	rm -f "$K"
	daemon_spawn "$@"
	until daemon_answers; do
		daemon_alive || fail "the daemon ended at start: $(tail -5 "$LOG")"
		((SECONDS < end)) || fail "the daemon is not ready: $(tail -5 "$LOG")"
		sleep 0.02
	done
	mountpoint -q "$M" || fail "ready, but '$M' is not mounted"
}

# The status of a daemon that ends by itself within SECONDS.
daemon_wait()
{
	local end=$((SECONDS + ${1:-20} * TIME_SCALE)) pid status=0

	pid=$(daemon_pid)
	while daemon_alive; do
		((SECONDS < end)) || fail "the daemon does not end: $(tail -5 "$LOG")"
		sleep 0.02
	done
	wait "$pid" || status=$?
	echo 0 >"$work/$daemon/pid"
	daemon_status=$status
}

# Lines that a case announces: errors in the log that are no failure.
announced=()
announce()
{
	announced+=("$1")
}

check_log()
{
	local bad re

	[[ -e $LOG ]] || return 0
	bad=$(grep -E '^<[0-3]>|ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:|Assertion .* failed' "$LOG" || :)
	for re in "${announced[@]}"; do
		bad=$(grep -Ev -- "$re" <<<"$bad" || :)
	done
	[[ -z $bad ]] || fail "the daemon's log says: $(head -40 <<<"$bad")
$(grep -A40 -E 'Sanitizer|runtime error:' "$LOG" | head -80)"
}

# SIGTERM: it ends with 0, unmounted, and said nothing bad.
daemon_stop()
{
	kill -TERM "$(daemon_pid)" || fail "the daemon is not there any more:
$(tail -20 "$LOG")"
	daemon_wait 30
	expect_eq "exit status after SIGTERM" "$daemon_status" 0
	! mountpoint -q "$M" 2>/dev/null || fail "'$M' is still mounted"
	expect_missing "$K"
	check_log
}

# As a crash of all of it: no time to say goodbye.
daemon_kill()
{
	local server

	server=$(server_pid)
	kill -KILL "$(daemon_pid)"
	daemon_wait 20
	within 20 tail --pid="$server" -f /dev/null
	check_log
}

# server_kill: kill who serves; returns when another one does.
server_kill()
{
	local old

	old=$(server_pid)
	kill -KILL "$old" || fail "nobody serves"
	wait_until 30 server_is_new "$old"
}

server_is_new() # OLD-PID
{
	[[ $(server_pid) != "$1" ]] && daemon_answers
}

# shellcheck disable=SC2120 # options are rarely given
daemon_restart()
{
	daemon_stop
	daemon_start "$@"
}

# Ends whatever a case left, however stuck; runs at the end of each case.
daemons_end()
{
	local dir pid dev i

	for dir in "$work"/*/; do
		[[ -e ${dir}pid ]] || continue
		pid=$(cat "${dir}pid")
		if [[ $pid != 0 ]]; then
			kill -TERM "$pid" 2>/dev/null
			for ((i = 0; i < 100; i++)); do
				kill -0 "$pid" 2>/dev/null || break
				sleep 0.05
			done
			# Whoever hangs on a dead mount is set free.
			dev=$(awk -v m="${dir}mnt" '$5 == m { split($3, d, ":"); print d[2] }' \
				/proc/self/mountinfo | tail -1)
			[[ -z $dev ]] || echo 1 2>/dev/null \
				>"/sys/fs/fuse/connections/$dev/abort"
			kill -KILL "$pid" $(pgrep -P "$pid") 2>/dev/null
			wait "$pid" 2>/dev/null
		fi
		unmount_below "${dir}mnt"
		if [[ -n ${SHOW_LOG:-} && -s ${dir}log ]]; then
			sed 's/^/log: /' "${dir}log" | tail -40 >&2
		fi
	done
}
at_end daemons_end

# --- talking to it -------------------------------------------------------

ctl()
{
	"$BUILD/podvolctl" "$@"
}

# api METHOD PATH [CURL OPTIONS]: the answer in $api_code and $api_body.
api()
{
	local method=$1 path=$2

	shift 2
	: >"$work/api.out"
	api_code=$(curl -s -m 60 -o "$work/api.out" -w '%{http_code}' \
		--unix-socket "$K" -X "$method" "$@" "http://podvols$path") ||
		api_code=000
	api_body=$(tr -d '\0' <"$work/api.out")
}

# --- pods ----------------------------------------------------------------

# pod_yaml NAME [VOLUME=SOURCE...]: SOURCE is flow YAML such as
# "emptyDir: {}".  One container "main" mounts each volume at /VOLUME.
pod_yaml()
{
	local name=$1 v

	shift
	cat <<-EOF
		apiVersion: v1
		kind: Pod
		metadata:
		  name: $name
		spec:
		  containers:
		  - name: main
		    image: busybox
	EOF
	if (($#)); then
		echo "    volumeMounts:"
		for v; do
			printf '    - {name: %s, mountPath: /%s}\n' \
				"${v%%=*}" "${v%%=*}"
		done
		echo "  volumes:"
		for v; do
			printf '  - name: %s\n    %s\n' "${v%%=*}" "${v#*=}"
		done
	fi
}

# annotated_yaml KEY NAME VALUE VOLUME=PATH...: a pod of hostPaths with this
# annotation.
annotated_yaml()
{
	local key=$1 name=$2 value=$3 v volumes=()

	shift 3
	for v; do
		volumes+=("${v%%=*}=hostPath: {path: ${v#*=}}")
	done
	pod_yaml "$name" "${volumes[@]}" |
		sed "s|^  name: $name$|  name: $name\n  annotations: {$key: $value}|"
}

apply_pod()
{
	pod_yaml "$@" | ctl apply -f - >/dev/null ||
		fail "cannot apply pod '$1'"
}

# A pod "web" with an emptyDir "data", where most cases begin.
apply_web()
{
	apply_pod web 'data=emptyDir: {}'
	V=$M/default/web/data
}

# Names in the trash, of this daemon's state directory.
trash_entries()
{
	find "$S/trash" -mindepth 1 -maxdepth 1 2>/dev/null | wc -l
}

trash_is_empty()
{
	[[ $(trash_entries) == 0 ]]
}

: >"$work/podvols.conf"

daemon_use one
