/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attr.h - attributes as the kernel wants them, and inode numbers
 *
 * An inode number is unique over the whole mount and lasts as long as its file:
 *
 *   bits 63..62 = 00   volume id (30 bits), number on its filesystem (32 bits)
 *   bit  62            a virtual node, see vnode.h
 *   bit  63            everything else (another filesystem below a hostPath, a
 *                      number above 32 bits): a 63-bit hash of volume, device
 *                      and number
 */
#ifndef FUSE_ATTR_H
#define FUSE_ATTR_H

#include <stdint.h>
#include <sys/stat.h>

struct fuse_attr;
struct store_handle;
struct volume;

/* "For ever", in seconds: about 30 years. */
#define ATTR_FOREVER UINT64_C(1000000000)

/* The inode number of a file of vol: dev and ino are those of statx(2). */
uint64_t attr_ino(const struct volume *vol, dev_t dev, uint64_t ino);

dev_t attr_dev(const struct statx *st);

/* Keep what inode numbers of vol go by, whenever its root was looked up. */
void attr_keep_root(struct volume *vol, const struct store_handle *root,
		    const struct statx *st);

/* Fill everything but ino from st. */
void attr_fill(struct fuse_attr *attr, const struct statx *st, uint64_t ino);

#endif
