# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# rings.sh - daemons whose requests come through io_uring
#
# The kernel has one switch for all of them, which matters while a daemon
# mounts: for no longer is it on, as others may run beside the case.

enable=/sys/module/fuse/parameters/enable_uring

[[ -w $enable ]] || skip_always "no FUSE over io_uring here"
found=$(cat "$enable")
at_end "echo $found >$enable"
common_options+=(--transport uring)

eval "$(declare -f daemon_start | sed '1s/daemon_start/daemon_start_alone/')"

daemon_start()
{
	echo Y >"$enable"
	daemon_start_alone "$@"
	echo "$found" >"$enable"
	expect_eq "the transport" "$(ctl status -o json | jq -r .fuse.transport)" \
		uring
}
