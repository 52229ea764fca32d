/* SPDX-License-Identifier: Apache-2.0 */
/* kernel.h - which features of the kernel's FUSE are taken, in one place */
#ifndef FUSE_KERNEL_H
#define FUSE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct abi_init_out;
struct error;
struct fs_options;
struct fs_feature;
struct fuse_init_in;

enum kernel_feature {
	KERNEL_ASYNC_READ,
	KERNEL_POSIX_LOCKS,
	KERNEL_ATOMIC_O_TRUNC,
	KERNEL_BIG_WRITES,
	KERNEL_DONT_MASK,
	KERNEL_FLOCK_LOCKS,
	KERNEL_IOCTL_DIR,
	KERNEL_AUTO_INVAL_DATA,
	KERNEL_READDIRPLUS,
	KERNEL_READDIRPLUS_AUTO,
	KERNEL_ASYNC_DIO,
	KERNEL_PARALLEL_DIROPS,
	KERNEL_POSIX_ACL,
	KERNEL_MAX_PAGES,
	KERNEL_CACHE_SYMLINKS,
	KERNEL_KILLPRIV_V2,
	KERNEL_SETXATTR_EXT,
	KERNEL_INIT_EXT,
	KERNEL_DIRECT_IO_ALLOW_MMAP,
	KERNEL_PASSTHROUGH,
	KERNEL_RESEND,
	KERNEL_IDMAP,
	KERNEL_OVER_URING,
	KERNEL_N_FEATURES,
};

struct kernel {
	bool wanted[KERNEL_N_FEATURES];
	bool offered[KERNEL_N_FEATURES];
	bool taken[KERNEL_N_FEATURES];
	uint32_t minor; /* of the protocol, as negotiated */
	uint32_t minor_max;
};

/*
 * Want everything but what the options have no use for, and the features named
 * in disable_features; "oldest" names all that Linux 6.1 lacks.  -EINVAL for a
 * name that is not known.
 */
int kernel_init(struct kernel *k, const struct fs_options *options,
		struct error *err);

/*
 * Complete the INIT reply that libfuse made: take what is wanted and offered.
 */
void kernel_negotiate(struct kernel *k, const struct fuse_init_in *in,
		      struct abi_init_out *out);

static inline bool kernel_has(const struct kernel *k, enum kernel_feature f)
{
	return k->taken[f];
}

/* Fill ret[KERNEL_N_FEATURES] for whoever wants to look. */
void kernel_list(const struct kernel *k, struct fs_feature *ret);

#endif
