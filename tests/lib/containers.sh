# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# containers.sh - docker, podman and runc of the case's own, and one image
#
# A runtime is started with rt_begin NAME; then the rt_* functions mean it.
# Everything lives in $work/rt and ends with the case.

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "${BASH_SOURCE[0]}")/daemon.sh"

RT=$work/rt
mkdir -p "$RT"

# A root directory of busybox alone, and a tar of it.
make_image()
{
	local dir=$RT/image cmd

	[[ ! -e $RT/image.tar ]] || return 0
	command -v busybox >/dev/null || skip "no busybox"
	mkdir -p "$dir"/{bin,etc,tmp,proc,sys,dev}
	cp "$(command -v busybox)" "$dir/bin/busybox"
	"$dir/bin/busybox" echo static >/dev/null || skip "busybox does not run"
	for cmd in $("$dir/bin/busybox" --list); do
		[[ $cmd == busybox ]] || ln -s busybox "$dir/bin/$cmd"
	done
	printf 'root:x:0:0::/:/bin/sh\nuser:x:1001:1001::/:/bin/sh\n' \
		>"$dir/etc/passwd"
	printf 'root:x:0:\nuser:x:1001:\n' >"$dir/etc/group"
	chmod 1777 "$dir/tmp"
	tar -C "$dir" -cf "$RT/image.tar" .
}

# --- docker ----------------------------------------------------------------

docker_begin()
{
	local driver

	command -v dockerd >/dev/null || skip "no dockerd"
	for driver in overlay2 vfs; do
		dockerd_spawn "$driver"
		wait_for_dockerd && return 0
		docker_end
	done
	fail "dockerd does not start: $(tail -3 "$RT/dockerd.log")"
}

# No bridge and no rules: nothing of the machine's network is touched.  The
# limit is one that a machine without CAP_SYS_RESOURCE can set, too.
dockerd_spawn()
{
	echo '{}' >"$RT/daemon.json"
	dockerd --iptables=false --ip6tables=false --bridge=none \
		--default-ulimit nofile=1024:1024 --storage-driver "$1" \
		--exec-opt native.cgroupdriver=cgroupfs \
		--data-root "$RT/docker-data" --exec-root "$RT/docker-exec" \
		--pidfile "$RT/docker.pid" --host "unix://$RT/docker.sock" \
		--config-file "$RT/daemon.json" \
		>"$RT/dockerd.log" 2>&1 </dev/null &
	dockerd_job=$!
}

wait_for_dockerd()
{
	local i
	for ((i = 0; i < 300 * TIME_SCALE; i++)); do
		docker_cli version >/dev/null 2>&1 && return 0
		kill -0 "$dockerd_job" 2>/dev/null || return 1
		sleep 0.1
	done
	return 1
}

docker_cli()
{
	command docker -H "unix://$RT/docker.sock" "$@"
}

docker_end()
{
	local all

	[[ -n ${dockerd_job:-} ]] || return 0
	all=$(docker_cli ps -aq 2>/dev/null) || all=
	# shellcheck disable=SC2086 # a list
	[[ -z $all ]] || docker_cli rm -f $all >/dev/null 2>&1 || :
	kill "$dockerd_job" 2>/dev/null || :
	wait "$dockerd_job" 2>/dev/null || :
	dockerd_job=
	unmount_below "$RT"
}

# --- podman ----------------------------------------------------------------

podman_begin()
{
	command -v podman >/dev/null || skip "no podman"
	command -v runc >/dev/null || skip "no runc"
	cat >"$RT/containers.conf" <<-EOF
		[containers]
		default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
		netns = "none"
		[engine]
		runtime = "runc"
		cgroup_manager = "cgroupfs"
		events_logger = "file"
	EOF
	cat >"$RT/storage.conf" <<-EOF
		[storage]
		driver = "overlay"
		runroot = "$RT/podman-run"
		graphroot = "$RT/podman-data"
	EOF
	export CONTAINERS_CONF=$RT/containers.conf
	export CONTAINERS_STORAGE_CONF=$RT/storage.conf
}

podman_cli()
{
	command podman --root "$RT/podman-data" --runroot "$RT/podman-run" \
		--tmpdir "$RT/podman-tmp" "$@"
}

podman_end()
{
	[[ -e $RT/podman-data ]] || return 0
	podman_cli rm -f -a -t 0 >/dev/null 2>&1 || :
	unmount_below "$RT"
}

# --- either ----------------------------------------------------------------

rt_begin() # docker|podman
{
	rt=$1
	make_image
	at_end "${rt}_end"
	"${rt}_begin"
	rt_cli import "$RT/image.tar" busybox >/dev/null 2>&1 ||
		fail "$rt cannot import the image"
}

rt_cli()
{
	"${rt}_cli" "$@"
}

# rt_mounts POD CONTAINER: the words of `podvolctl mounts`, in ${mounts[@]}.
rt_mounts()
{
	local out
	out=$(ctl mounts "$1" "$2" -o "$rt") || fail "no mounts of $1 $2"
	read -ra mounts -d '' <<<"$out" || :
	((${#mounts[@]})) || fail "'mounts $1 $2' is empty"
}

# rt_run NAME POD CONTAINER COMMAND: in the background, as the pod's container.
rt_run()
{
	local name=$1 pod=$2 container=$3 mounts

	shift 3
	rt_mounts "$pod" "$container"
	rt_cli run -d --name "$name" --network none "${rt_options[@]}" \
		"${mounts[@]}" busybox /bin/sh -c "$*" >/dev/null ||
		fail "$rt cannot run $name"
}
rt_options=()

# rt_once POD CONTAINER COMMAND: its output and status.
rt_once()
{
	local pod=$1 container=$2 mounts

	shift 2
	rt_mounts "$pod" "$container"
	rt_cli run --rm --network none "${rt_options[@]}" "${mounts[@]}" \
		busybox /bin/sh -c "$*"
}

rt_logs()
{
	rt_cli logs "$1" 2>&1
}

rt_says() # NAME TEXT
{
	rt_logs "$1" | grep -qF -- "$2"
}

# Where the runtime says that a mount comes from.
rt_source() # NAME DESTINATION
{
	rt_cli inspect -f '{{range .Mounts}}{{.Destination}} {{.Source}}
{{end}}' "$1" | awk -v d="$2" '$1 == d { print $2 }'
}

rt_rm()
{
	if [[ $rt == podman ]]; then
		rt_cli rm -f -t 0 "$@" >/dev/null
	else
		rt_cli rm -f "$@" >/dev/null
	fi
}

rt_done()
{
	"${rt}_end"
}

# --- runc alone ------------------------------------------------------------

# runc_once POD CONTAINER COMMAND: a bundle made from `mounts -o oci`.
runc_once()
{
	local bundle=$RT/bundle pod=$1 container=$2 oci

	shift 2
	make_image
	mkdir -p "$bundle"
	oci=$(ctl mounts "$pod" "$container" -o oci) || fail "no mounts"
	rm -f "$bundle/config.json"
	runc spec -b "$bundle"
	jq --arg root "$RT/image" --arg cmd "$*" \
		--argjson mounts "$(jq -s 'flatten' <<<"$oci")" '
		.root.path = $root | .process.terminal = false |
		.process.args = ["/bin/sh", "-c", $cmd] |
		.process.rlimits = [] |
		.mounts += $mounts' "$bundle/config.json" >"$bundle/config.new"
	mv "$bundle/config.new" "$bundle/config.json"
	runc --root "$RT/runc" run -b "$bundle" "case-$$-$RANDOM" </dev/null
}
