/* SPDX-License-Identifier: Apache-2.0 */
/* kernel.c - which features of the kernel's FUSE are taken, in one place */
#include "fuse/kernel.h"

#include <errno.h>
#include <string.h>

#include "fuse/abi.h"
#include "fuse/fs.h"
#include "store/base/error.h"

/*
 * libfuse 3.14 knows neither the newer features nor the second flag word, so
 * the whole answer is made from this table.
 */
static const struct feature {
	const char *name;
	unsigned bit;
	bool recent; /* not in OLDEST_MINOR */
} features[KERNEL_N_FEATURES] = {
	[KERNEL_ASYNC_READ] = { "async-read", 0, false },
	[KERNEL_POSIX_LOCKS] = { "posix-locks", 1, false },
	[KERNEL_ATOMIC_O_TRUNC] = { "atomic-o-trunc", 3, false },
	[KERNEL_BIG_WRITES] = { "big-writes", 5, false },
	[KERNEL_DONT_MASK] = { "dont-mask", 6, false },
	[KERNEL_FLOCK_LOCKS] = { "flock-locks", 10, false },
	[KERNEL_IOCTL_DIR] = { "ioctl-dir", 11, false },
	[KERNEL_AUTO_INVAL_DATA] = { "auto-inval-data", 12, false },
	[KERNEL_READDIRPLUS] = { "readdirplus", 13, false },
	[KERNEL_READDIRPLUS_AUTO] = { "readdirplus-auto", 14, false },
	[KERNEL_ASYNC_DIO] = { "async-dio", 15, false },
	[KERNEL_PARALLEL_DIROPS] = { "parallel-dirops", 18, false },
	[KERNEL_POSIX_ACL] = { "posix-acl", 20, false },
	[KERNEL_MAX_PAGES] = { "max-pages", 22, false },
	[KERNEL_CACHE_SYMLINKS] = { "cache-symlinks", 23, false },
	[KERNEL_KILLPRIV_V2] = { "killpriv-v2", 28, false },
	[KERNEL_SETXATTR_EXT] = { "setxattr-ext", 29, false },
	[KERNEL_INIT_EXT] = { "init-ext", 30, false },
	[KERNEL_DIRECT_IO_ALLOW_MMAP] = { "direct-io-allow-mmap", 36, true },
	[KERNEL_PASSTHROUGH] = { "passthrough", 37, true },
	[KERNEL_RESEND] = { "resend", 39, true },
	[KERNEL_IDMAP] = { "idmap", 40, true },
	[KERNEL_OVER_URING] = { "over-io-uring", 41, true },
};

/* What is called oldest: Linux 6.1. */
#define OLDEST	     "oldest"
#define OLDEST_MINOR 37

/*
 * One level: overlayfs may still be stacked on the mount.  Files that are on
 * overlayfs themselves are then served without passthrough.
 */
#define MAX_STACK_DEPTH 1

static int feature_find(const char *name, size_t len)
{
	for (int i = 0; i < KERNEL_N_FEATURES; i++) {
		if (strlen(features[i].name) == len &&
		    memcmp(features[i].name, name, len) == 0)
			return i;
	}
	return -EINVAL;
}

static void be_oldest(struct kernel *k)
{
	k->minor_max = OLDEST_MINOR;
	for (int i = 0; i < KERNEL_N_FEATURES; i++)
		k->wanted[i] &= !features[i].recent;
}

int kernel_init(struct kernel *k, const struct fs_options *options,
		struct error *err)
{
	const char *disabled = options->disable_features;

	*k = (struct kernel){ .minor_max = ABI_MINOR };
	for (int i = 0; i < KERNEL_N_FEATURES; i++)
		k->wanted[i] = true;
	/*
	 * With it the kernel makes EIO of a direct write that ends short, as
	 * at a limit.  What is passed through does not need it.
	 */
	k->wanted[KERNEL_ASYNC_DIO] = false;
	/* Else the kernel keeps them itself, and close(2) need not tell us. */
	k->wanted[KERNEL_POSIX_LOCKS] = options->share_locks;
	k->wanted[KERNEL_FLOCK_LOCKS] = options->share_locks;

	while (disabled && *disabled) {
		size_t len = strcspn(disabled, ",");

		if (len == strlen(OLDEST) && memcmp(disabled, OLDEST, len) == 0)
			be_oldest(k);
		else if (feature_find(disabled, len) >= 0)
			k->wanted[feature_find(disabled, len)] = false;
		else
			return error_set(
				err, -EINVAL,
				"disable-features: no kernel feature '%.*s'; names are in 'podvolctl status -o json', or 'oldest'",
				(int)len, disabled);
		disabled += len;
		disabled += *disabled == ',';
	}
	return 0;
}

static uint64_t kernel_take(struct kernel *k, uint64_t offered)
{
	uint64_t taken = 0;

	for (int i = 0; i < KERNEL_N_FEATURES; i++) {
		uint64_t bit = ABI_FEATURE(features[i].bit);

		k->offered[i] = offered & bit;
		k->taken[i] = k->offered[i] && k->wanted[i];
		if (k->taken[i])
			taken |= bit;
	}
	return taken;
}

void kernel_negotiate(struct kernel *k, const struct fuse_init_in *in,
		      struct abi_init_out *out)
{
	uint64_t offered = in->flags;
	uint64_t taken;

	if (in->flags & FUSE_INIT_EXT)
		offered |= (uint64_t)in->flags2 << 32;
	taken = kernel_take(k, offered);

	out->minor = in->minor < k->minor_max ? in->minor : k->minor_max;
	out->flags = (uint32_t)taken;
	out->flags2 = (uint32_t)(taken >> 32);
	out->max_stack_depth =
		k->taken[KERNEL_PASSTHROUGH] ? MAX_STACK_DEPTH : 0;
	k->minor = out->minor;
}

void kernel_list(const struct kernel *k, struct fs_feature *ret)
{
	for (int i = 0; i < KERNEL_N_FEATURES; i++)
		ret[i] = (struct fs_feature){ .name = features[i].name,
					      .offered = k->offered[i],
					      .wanted = k->wanted[i],
					      .taken = k->taken[i] };
}
