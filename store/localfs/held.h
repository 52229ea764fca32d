/* SPDX-License-Identifier: Apache-2.0 */
/*
 * held.h - descriptors that stand for files where there are no file handles
 *
 * On overlayfs, proc and the like a file known to the caller costs a
 * descriptor.  The same file has the same handle for as long as it is held.
 * What the caller forgot stays for a little while, for one who looks the file
 * up at that very moment: the handle that he is given must be good.
 */
#ifndef LOCALFS_HELD_H
#define LOCALFS_HELD_H

#include <stddef.h>
#include <stdint.h>

/* Files held at most; over it lookups fail with -ENFILE. */
#define HELD_MAX 65536u
/* Forgotten files that are kept at most. */
#define HELD_IDLE_MAX 64u

struct held;
struct statx;
struct store_handle;

struct held *held_new(void);
void held_free(struct held *t);

/*
 * The handle of the file that *fd (O_PATH) and attr are of; *fd is taken (and
 * becomes -1) if the file was not held yet.
 */
int held_enter(struct held *t, uint16_t realm, const struct statx *attr,
	       int *fd, struct store_handle *ret);

/* The descriptor behind a handle, good until unpinned.  -ESTALE if gone. */
int held_pin(struct held *t, const struct store_handle *h, int *ret_fd,
	     uint32_t *ret_slot);
void held_unpin(struct held *t, uint32_t slot);

void held_forget(struct held *t, const struct store_handle *h);
void held_drop_realm(struct held *t, uint16_t realm);
size_t held_count(struct held *t);

#endif
