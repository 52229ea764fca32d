/* SPDX-License-Identifier: Apache-2.0 */
/*
 * handle.h - the kernel's file handles as store handles, and back
 *
 * A handle carries the kernel's bytes and, where there is room, one byte more
 * that tells the class of the file: so a device is never opened by mistake and
 * a directory is found in the cache, without asking the kernel first.
 */
#ifndef LOCALFS_HANDLE_H
#define LOCALFS_HANDLE_H

#include <stdint.h>
#include <sys/types.h>

struct store_handle;

/* The kernel calls this type invalid: here it marks a held descriptor. */
#define HANDLE_TYPE_HELD 0xff

enum handle_class {
	HANDLE_UNKNOWN, /* no room for it: ask */
	HANDLE_DIR,
	HANDLE_REG,
	HANDLE_LINK,
	HANDLE_OTHER,
};

/*
 * The handle of name in dirfd, or of dirfd itself with "" and AT_EMPTY_PATH.
 * *ret_mount is the mount that it is in.  -EOPNOTSUPP where the filesystem has
 * no handles that fit.
 */
int handle_make(int dirfd, const char *name, int flags, uint16_t realm,
		mode_t mode, struct store_handle *ret, int *ret_mount);

/* Open by handle on the filesystem that mount_fd is in. */
int handle_open(int mount_fd, const struct store_handle *h, int open_flags);

/* How many of the bytes are the kernel's. */
unsigned handle_kernel_len(const struct store_handle *h);
enum handle_class handle_class(const struct store_handle *h);

/* The handle of a held descriptor: a slot and its generation. */
void handle_make_held(uint16_t realm, uint32_t slot, uint64_t generation,
		      mode_t mode, struct store_handle *ret);
void handle_read_held(const struct store_handle *h, uint32_t *ret_slot,
		      uint64_t *ret_generation);

uint64_t handle_hash(const struct store_handle *h);

#endif
