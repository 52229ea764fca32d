# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # shared with run
#
# targets.sh - the filesystems that are measured side by side
#
# All have their bytes below $backing, one filesystem that is made for the
# run: an ext4 with a journal in an image, or a tmpfs.  target_open NAME sets
# $dir_of[NAME], the directory to work in, or returns 1: not to be had here.

# What is there to choose from, in the order of the tables.  "native" is the
# backing itself and what the others are compared with.
all_targets=(native tmpfs bind podvols podvols-limited podvols-dev podvols-uring podvols-uring-alone
	podvols-own-locks podvols-hostpath bindfs mergerfs fuse-overlayfs passthrough_ll floor)
declare -A dir_of=()

# Options of the peers: what their users get, and what the run says if asked.
# All check permissions: passthrough_ll lets anybody do anything unless told to.
: "${BINDFS_OPTIONS:=}" "${MERGERFS_OPTIONS:=allow_other,use_ino,minfreespace=0}"
: "${OVERLAYFS_OPTIONS:=}" "${PASSTHROUGH_OPTIONS:=allow_other,default_permissions,cache=always}"

image_open() # MiB
{
	truncate -s "$1M" "$work/image"
	mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0 "$work/image"
	mount -o loop "$work/image" "$work/backing"
}

backing_open()
{
	backing=$work/backing
	mkdir "$backing"
	case ${BACKING:=ext4} in
	ext4) image_open "${IMAGE_MIB:-12288}" ;;
	tmpfs) mount -t tmpfs -o size=10g podvols-bench "$backing" ;;
	*) fail "BACKING is '$BACKING', must be ext4 or tmpfs" ;;
	esac
}

# Before ext4 makes a file it looks at each inode that is free, whether that was
# deleted a short while ago: minutes, as long as the inode is cached.  Nobody is
# to pay so for what the one before has deleted.
backing_settle()
{
	sync -f "$backing"
	echo 1 >/proc/sys/vm/drop_caches
}

# A program that is started in the background and mounts at a directory.
mount_point_of()
{
	mkdir -p "$work/$1" "$backing/$1"
	echo "$work/$1"
}

# Debian ships the example as source only; it is built in the scratch space.
passthrough_ll_build()
{
	local from=/usr/share/doc/libfuse3-dev/examples

	[[ -e $work/examples/passthrough_ll ]] && return
	mkdir -p "$work/examples"
	cp "$from"/passthrough_ll.c* "$from"/passthrough_helpers.h* "$work/examples" 2>/dev/null ||
		return 1
	gunzip -qf "$work/examples"/*.gz 2>/dev/null || :
	# shellcheck disable=SC2046 # flags are words
	"${CC:-cc}" -O2 -w -D_GNU_SOURCE -o "$work/examples/passthrough_ll" "$work/examples/passthrough_ll.c" \
		$(pkg-config --cflags --libs fuse3) 2>/dev/null
}

# podvols_open NAME [OPTIONS]: a daemon with one pod, its state in the backing.
podvols_open()
{
	local name=$1

	shift
	daemon_use "$name"
	S=$backing/$name
	mkdir -p "$backing/host"
	daemon_start "$@"
	apply_pod web 'data=emptyDir: {}' 'limited=emptyDir: {sizeLimit: 8Gi}' \
		"hostpath=hostPath: {path: $backing/host}"
	dir_of[$name]=$M/default/web/data
}

# The kernel's switch counts when a filesystem is mounted, so it is on only then.
uring_open() # NAME OPTIONS
{
	local switch=/sys/module/fuse/parameters/enable_uring was

	[[ -w $switch ]] || return 1
	was=$(cat "$switch")
	echo Y >"$switch"
	podvols_open "$@" --transport=uring
	echo "$was" >"$switch"
	# One that the kernel refuses falls back: that is measured already.
	[[ $(jq -r .fuse.transport "$M/.podvols/stats.json") == uring ]]
}

podvols_target_open()
{
	case $1 in
	podvols) podvols_open podvols ;;
	podvols-hostpath | podvols-limited)
		# The daemon of "podvols" serves them too, where there is one.
		[[ ${dir_of[podvols]:-} ]] || podvols_open podvols
		dir_of[$1]=$work/podvols/mnt/default/web/${1#podvols-}
		;;
	podvols-dev) podvols_open podvols-dev --transport=dev ;;
	podvols-uring) uring_open podvols-uring ;;
	podvols-uring-alone) uring_open podvols-uring-alone --holder=no ;;
	podvols-own-locks) podvols_open podvols-own-locks --share-locks=no ;;
	esac
}

# server_start DIRECTORY COMMAND...: it mounts there and stays in the foreground.
# All servers are of the session of their clients, as podvolsd is: where sessions
# share out the CPUs (sched_autogroup_enabled) and others are busy, one of another
# session is kept waiting at each request.
server_start()
{
	local at=$1 pid i

	shift
	"$@" >>"$work/peers.log" 2>&1 &
	pid=$!
	for ((i = 0; i < 500; i++)); do
		! mountpoint -q "$at" || return 0
		kill -0 "$pid" 2>/dev/null || return 1
		sleep 0.02
	done
	return 1
}

peer_open()
{
	local at

	at=$(mount_point_of "$1")
	case $1 in
	bindfs) server_start "$at" bindfs -f ${BINDFS_OPTIONS:+-o "$BINDFS_OPTIONS"} "$backing/$1" "$at" ;;
	mergerfs) server_start "$at" mergerfs -f -o "$MERGERFS_OPTIONS" "$backing/$1" "$at" ;;
	fuse-overlayfs)
		mkdir -p "$backing/$1"/{lower,upper,scratch}
		server_start "$at" fuse-overlayfs -f -o "lowerdir=$backing/$1/lower,upperdir=$backing/$1/upper" \
			-o "workdir=$backing/$1/scratch${OVERLAYFS_OPTIONS:+,$OVERLAYFS_OPTIONS}" "$at"
		;;
	passthrough_ll)
		passthrough_ll_build &&
			server_start "$at" "$work/examples/passthrough_ll" -f \
				-o "source=$backing/$1,$PASSTHROUGH_OPTIONS" "$at"
		;;
	floor) server_start "$at" "$BUILD/bench-floor" "$at" ;;
	esac || return 1
	dir_of[$1]=$at
}

target_open()
{
	case $1 in
	native) dir_of[native]=$backing/native && mkdir -p "$backing/native" ;;
	tmpfs)
		[[ $BACKING != tmpfs ]] || return 1
		mkdir -p "$work/tmpfs" && mount -t tmpfs podvols-bench "$work/tmpfs"
		dir_of[tmpfs]=$work/tmpfs
		;;
	bind)
		mount --bind "$backing/$(basename "$(mount_point_of bind)")" "$work/bind"
		dir_of[bind]=$work/bind
		;;
	podvols*) podvols_target_open "$1" ;;
	passthrough_ll | floor) peer_open "$1" ;;
	*) command -v "$1" >/dev/null && peer_open "$1" ;;
	esac
}

# Opens those that TARGETS names; the others, and what is missing, are left out.
targets=()
targets_open()
{
	local name pattern patterns

	read -ra patterns <<<"${TARGETS:=*}"
	for name in "${all_targets[@]}"; do
		for pattern in "${patterns[@]}"; do
			# shellcheck disable=SC2053 # a pattern
			[[ $name == $pattern ]] || continue
			if target_open "$name"; then
				targets+=("$name")
			else
				echo "  $name: not to be had here, left out"
			fi
			break
		done
	done
	((${#targets[@]})) || fail "TARGETS='$TARGETS' names none of: ${all_targets[*]}"
}

# measures GROUP: those that it is measured for, in $measured.  The floor has no
# bytes.
measures()
{
	local t

	measured=()
	for t in "${targets[@]}"; do
		[[ $t == floor && $1 != meta ]] || measured+=("$t")
	done
}
