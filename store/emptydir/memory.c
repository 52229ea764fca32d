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
/* More is no number of inodes for tmpfs, which counts them in bytes. */
#define INODES_MAX (INT64_MAX / 1024)

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

/*
 * The number of inodes that may not be passed, 0 if that is left to tmpfs.  Its
 * root is one of them, as on disk.
 */
static int64_t memory_inodes(const struct volume_spec *spec)
{
	int64_t inodes = medium_pod_number(spec, "inodeLimit", 0);

	return inodes < INODES_MAX ? inodes : INODES_MAX;
}

/* What a tmpfs allows by itself: an inode for every other page. */
static int64_t default_inodes(void)
{
	return node_memory() / sysconf(_SC_PAGESIZE) / 2;
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

static int refuse_size(const struct volume_usage *usage, int64_t size,
		       struct error *err)
{
	char used[NUMBER_SIZE];
	char wanted[NUMBER_SIZE];

	quantity_format(usage->used_bytes, used, sizeof(used));
	quantity_format(size, wanted, sizeof(wanted));
	return error_set(err, -EINVAL,
			 "cannot shrink it to %s: %s (%lld bytes) are used; "
			 "remove files first, or give it more",
			 wanted, used, (long long)usage->used_bytes);
}

static int refuse_inodes(const struct volume_usage *usage, int64_t inodes,
			 struct error *err)
{
	return error_set(err, -EINVAL,
			 "cannot limit it to %lld inodes: %lld are used; "
			 "remove files first, or allow more",
			 (long long)inodes, (long long)usage->used_inodes);
}

/* 0 if what is used is within the limits. */
static int check_used(int root, int64_t size, int64_t inodes, struct error *err)
{
	struct volume_usage usage = { 0 };
	int r = memory_usage(root, &usage);

	if (r < 0)
		return error_set(err, r, "cannot tell what is used: %m");
	if (usage.used_bytes > size)
		return refuse_size(&usage, size, err);
	if (usage.used_inodes > inodes)
		return refuse_inodes(&usage, inodes, err);
	return 0;
}

/* Both in one step: on failure neither has changed. */
static int set_limits(int root, int64_t size, int64_t inodes, struct error *err)
{
	char size_text[NUMBER_SIZE];
	char inodes_text[NUMBER_SIZE];
	const struct mount_option options[] = {
		{ "size", size_text, false },
		{ "nr_inodes", inodes_text, false },
		{ NULL, NULL, false },
	};
	int refused;
	int r;

	r = check_used(root, size, inodes, err);
	if (r < 0)
		return r;
	snprintf(size_text, sizeof(size_text), "%lld", (long long)size);
	snprintf(inodes_text, sizeof(inodes_text), "%lld", (long long)inodes);
	r = mount_change(root, options, err);
	if (r != -EINVAL)
		return r;
	/* Somebody was faster and filled it. */
	refused = check_used(root, size, inodes, err);
	return refused < 0 ? refused : r;
}

static int memory_set_limits(const struct volume_spec *spec, int root,
			     struct error *err)
{
	int64_t inodes = memory_inodes(spec);
	int64_t size = memory_size(spec);
	struct statfs st;

	if (fstatfs(root, &st) < 0)
		return error_set(err, -errno, "cannot tell its size: %m");
	/* A tmpfs that is once without a limit never takes one again. */
	if (inodes == 0)
		inodes = default_inodes();
	if (memory_inodes(spec) == 0 && (int64_t)st.f_files > inodes)
		inodes = (int64_t)st.f_files;
	if ((int64_t)st.f_blocks * st.f_bsize == size &&
	    (int64_t)st.f_files == inodes)
		return 0;
	return set_limits(root, size, inodes, err);
}

static int memory_resize(const struct volume_spec *old,
			 const struct volume_spec *new, int root,
			 struct error *err)
{
	(void)old;
	return memory_set_limits(new, root, err);
}

static int memory_check(const struct volume_spec *spec, int parent)
{
	cleanup_fd int fd = medium_open_mount(spec, parent, TMPFS_MAGIC);

	return fd < 0 ? fd : 0;
}

static int memory_mount(const struct volume_spec *spec, int dir,
			struct error *err)
{
	int64_t limit = memory_inodes(spec);
	char inodes[NUMBER_SIZE];
	char size[NUMBER_SIZE];
	char mode[NUMBER_SIZE];
	char uid[NUMBER_SIZE];
	char gid[NUMBER_SIZE];
	const struct mount_option options[] = {
		{ "size", size, false },
		{ "mode", mode, false },
		{ "uid", uid, false },
		{ "gid", gid, false },
		{ "noswap", NULL, true }, /* since Linux 6.4 */
		{ limit ? "nr_inodes" : NULL, inodes, false },
		{ NULL, NULL, false },
	};
	struct medium_owner owner;
	int r;

	r = medium_owner(spec, medium_memory.mode, &owner, err);
	if (r < 0)
		return r;
	snprintf(size, sizeof(size), "%lld", (long long)memory_size(spec));
	snprintf(inodes, sizeof(inodes), "%lld", (long long)limit);
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
		return memory_set_limits(spec, mounted, err);
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
