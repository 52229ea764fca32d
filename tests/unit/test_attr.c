/* SPDX-License-Identifier: Apache-2.0 */
/* test_attr.c - inode numbers and attributes */
#include "fuse/attr.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <linux/fuse.h>
#include <stdlib.h>
#include <sys/sysmacros.h>

#include "fuse/vnode.h"
#include "store/store.h"
#include "store/volume.h"

#define ROOT_DEV  makedev(8, 1)
#define OTHER_DEV makedev(8, 2)

static void close_store(struct store *st)
{
	free(st);
}

static struct volume *make_volume(uint32_t id)
{
	static const struct store_ops none = { .close = close_store };
	struct store *st = calloc(1, sizeof(*st));
	struct volume *vol;

	st->ops = &none;
	vol = volume_new(id, "v", "hostPath", "kubernetes.io/host-path", NULL,
			 st, false, false);
	atomic_store(&vol->root_dev, ROOT_DEV);
	return vol;
}

Test(attr, the_number_of_a_file_lasts)
{
	struct volume *vol = make_volume(7);

	cr_expect(eq(u64, attr_ino(vol, ROOT_DEV, 12), UINT64_C(7) << 32 | 12));
	cr_expect(eq(u64, attr_ino(vol, OTHER_DEV, 12),
		     attr_ino(vol, OTHER_DEV, 12)));
	volume_unref(vol);
}

Test(attr, numbers_of_volumes_devices_and_virtual_nodes_do_not_meet)
{
	struct volume *a = make_volume(1);
	struct volume *b = make_volume(VOLUME_ID_MAX);
	struct vnode v = { .kind = VNODE_LINK,
			   .index = UINT32_MAX,
			   .id = UINT64_MAX };
	uint64_t big = (UINT64_C(1) << 32) + 12;
	uint64_t seen[] = {
		attr_ino(a, ROOT_DEV, 12),
		attr_ino(b, ROOT_DEV, 12),
		attr_ino(a, OTHER_DEV, 12),
		attr_ino(b, OTHER_DEV, 12),
		attr_ino(a, ROOT_DEV, big),
		attr_ino(b, ROOT_DEV, big),
		attr_ino(a, OTHER_DEV, big),
		attr_ino(b, ROOT_DEV, UINT32_MAX),
		vnode_ino(&v),
		FUSE_ROOT_ID,
	};

	for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++) {
		for (size_t k = 0; k < i; k++)
			cr_expect(ne(u64, seen[i], seen[k]));
	}
	/* Three kinds, told by the highest bits. */
	cr_expect(eq(u64, seen[1] >> 62, 0));
	cr_expect(eq(u64, seen[2] >> 63, 1));
	cr_expect(eq(u64, seen[8] >> 62, 1));
	volume_unref(a);
	volume_unref(b);
}

Test(attr, device_numbers_are_packed_as_the_kernel_does)
{
	struct statx st = { .stx_rdev_major = 0x123,
			    .stx_rdev_minor = 0x45678 };
	struct fuse_attr attr;

	attr_fill(&attr, &st, 5);
	cr_expect(eq(u64, attr.ino, 5));
	cr_expect(eq(u32, attr.rdev, 0x45612378));
}
