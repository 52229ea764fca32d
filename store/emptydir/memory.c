/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory.c - an emptyDir in memory: a tmpfs of its own
 *
 * The kernel keeps the mount, not this process: whatever happens to the daemon,
 * it is found again, and only unmounting or a reboot ends it.  It appears with
 * mode, owner and size in one step.
 */
#include "store/backend.h"
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/base/mount.h"
#include "store/emptydir/medium.h"
#include "store/manifest/quantity.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/vfs.h>
#include <unistd.h>

#define NUMBER_SIZE 24

/* All memory of the machine: what a node without reservations can allocate. */
static int64_t node_memory(void)
{
	struct sysinfo info;

	if (sysinfo(&info) < 0)
		return 0;
	return (int64_t)info.totalram * info.mem_unit;
}

/*
 * The smallest of the node's memory, the pod's limit and the volume's, in whole
 * pages, so that not a byte more is given than was asked for.  At least one
 * page: 0 would mean no limit.
 */
static int64_t memory_size(const struct volume_spec *spec)
{
	int64_t pod = medium_pod_number(spec, "memoryLimit", 0);
	int64_t limit = medium_size_limit(spec);
	int64_t page = sysconf(_SC_PAGESIZE);
	int64_t size = node_memory();

	if (pod > 0 && (size <= 0 || pod < size))
		size = pod;
	if (limit > 0 && (size <= 0 || limit < size))
		size = limit;
	return size < page ? page : size - size % page;
}

static int memory_usage(int root, struct volume_usage *ret)
{
	struct statfs st;

	if (fstatfs(root, &st) < 0)
		return -errno;
	ret->used_bytes = (int64_t)(st.f_blocks - st.f_bfree) * st.f_bsize;
	ret->used_inodes = (int64_t)(st.f_files - st.f_ffree);
	return 0;
}

static int refuse_shrink(int root, int64_t size, int r, struct error *err)
{
	struct volume_usage usage = { 0 };
	char used[NUMBER_SIZE];
	char wanted[NUMBER_SIZE];

	memory_usage(root, &usage);
	quantity_format(usage.used_bytes, used, sizeof(used));
	quantity_format(size, wanted, sizeof(wanted));
	return error_set(err, r,
			 "cannot shrink it to %s: %s (%lld bytes) are used; "
			 "remove files first, or give it more",
			 wanted, used, (long long)usage.used_bytes);
}

static int memory_set_size(int root, int64_t size, struct error *err)
{
	struct volume_usage usage = { 0 };
	char text[NUMBER_SIZE];
	const struct mount_option options[] = {
		{ "size", text, false },
		{ NULL, NULL, false },
	};
	struct statfs st;
	int r;

	if (fstatfs(root, &st) < 0)
		return error_set(err, -errno, "cannot tell its size: %m");
	if ((int64_t)st.f_blocks * st.f_bsize == size)
		return 0;
	r = memory_usage(root, &usage);
	if (r == 0 && usage.used_bytes > size)
		return refuse_shrink(root, size, -EINVAL, err);
	snprintf(text, sizeof(text), "%lld", (long long)size);
	r = mount_change(root, options, err);
	/* Somebody was faster and filled it. */
	if (r == -EINVAL)
		return refuse_shrink(root, size, r, err);
	return r;
}

static int memory_resize(const struct volume_spec *old,
			 const struct volume_spec *new, int root,
			 struct error *err)
{
	(void)old;
	return memory_set_size(root, memory_size(new), err);
}

static int memory_check(const struct volume_spec *spec, int parent)
{
	cleanup_fd int fd = medium_open_mount(spec, parent, TMPFS_MAGIC);

	return fd < 0 ? fd : 0;
}

static int memory_mount(const struct volume_spec *spec, int dir,
			struct error *err)
{
	char size[NUMBER_SIZE];
	char mode[NUMBER_SIZE];
	char uid[NUMBER_SIZE];
	char gid[NUMBER_SIZE];
	const struct mount_option options[] = {
		{ "size", size, false },  { "mode", mode, false },
		{ "uid", uid, false },	  { "gid", gid, false },
		{ "noswap", NULL, true }, /* since Linux 6.4 */
		{ NULL, NULL, false },
	};
	struct medium_owner owner;
	int r;

	r = medium_owner(spec, medium_memory.mode, &owner, err);
	if (r < 0)
		return r;
	snprintf(size, sizeof(size), "%lld", (long long)memory_size(spec));
	snprintf(mode, sizeof(mode), "%o", owner.mode);
	snprintf(uid, sizeof(uid), "%u", owner.uid);
	snprintf(gid, sizeof(gid), "%u", owner.gid);
	return mount_new("tmpfs", options, dir, err);
}

static int memory_make(const struct volume_spec *spec, int parent,
		       struct error *err)
{
	cleanup_fd int mounted = -1;
	cleanup_fd int dir = -1;

	mounted = medium_open_mount(spec, parent, TMPFS_MAGIC);
	if (mounted >= 0)
		return memory_set_size(mounted, memory_size(spec), err);
	dir = medium_open_place(spec, parent, err);
	return dir < 0 ? dir : memory_mount(spec, dir, err);
}

const struct medium medium_memory = {
	.mode = 01777,
	.make = memory_make,
	.check = memory_check,
	.usage = memory_usage,
	.resize = memory_resize,
};
