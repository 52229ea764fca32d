/* SPDX-License-Identifier: Apache-2.0 */
/* attr.c - attributes as the kernel wants them, and inode numbers */
#include "fuse/attr.h"

#include <linux/fuse.h>
#include <sys/sysmacros.h>

#include "store/store.h"
#include "store/volume.h"

#define HASHED (UINT64_C(1) << 63)

/* Mixer of splitmix64 (S. Vigna, public domain). */
static uint64_t mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

uint64_t attr_ino(const struct volume *vol, dev_t dev, uint64_t ino)
{
	if (ino <= UINT32_MAX &&
	    dev == atomic_load_explicit(&vol->root_dev, memory_order_relaxed))
		return (uint64_t)vol->id << 32 | ino;
	return HASHED | mix(mix(mix(vol->id) ^ dev) ^ ino);
}

dev_t attr_dev(const struct statx *st)
{
	return makedev(st->stx_dev_major, st->stx_dev_minor);
}

void attr_keep_root(struct volume *vol, const struct store_handle *root,
		    const struct statx *st)
{
	atomic_store(&vol->root_dev, attr_dev(st));
	atomic_store(&vol->root_realm, root->realm);
}

/* As the kernel's new_encode_dev(). */
static uint32_t encode_dev(unsigned major, unsigned minor)
{
	return (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12;
}

void attr_fill(struct fuse_attr *attr, const struct statx *st, uint64_t ino)
{
	*attr = (struct fuse_attr){
		.ino = ino,
		.size = st->stx_size,
		.blocks = st->stx_blocks,
		.atime = st->stx_atime.tv_sec,
		.mtime = st->stx_mtime.tv_sec,
		.ctime = st->stx_ctime.tv_sec,
		.atimensec = st->stx_atime.tv_nsec,
		.mtimensec = st->stx_mtime.tv_nsec,
		.ctimensec = st->stx_ctime.tv_nsec,
		.mode = st->stx_mode,
		.nlink = st->stx_nlink,
		.uid = st->stx_uid,
		.gid = st->stx_gid,
		.rdev = encode_dev(st->stx_rdev_major, st->stx_rdev_minor),
		.blksize = st->stx_blksize,
	};
}
