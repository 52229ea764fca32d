/* SPDX-License-Identifier: Apache-2.0 */
/* test_request.c - requests that end before what they announce */
#include "fuse/request.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <linux/fuse.h>
#include <string.h>

static struct {
	struct fuse_in_header head;
	char body[256];
} message;

static bool is_whole(uint32_t opcode, size_t len)
{
	message.head.opcode = opcode;
	message.head.len = (uint32_t)(sizeof(message.head) + len);
	return request_is_whole(&message.head);
}

Test(request, a_fixed_part_that_is_cut_is_refused)
{
	cr_expect(is_whole(FUSE_SETATTR, sizeof(struct fuse_setattr_in)));
	cr_expect(not(
		is_whole(FUSE_SETATTR, sizeof(struct fuse_setattr_in) - 1)));
	cr_expect(not(is_whole(FUSE_SETLKW, 0)));
	cr_expect(is_whole(FUSE_STATFS, 0));
	cr_expect(is_whole(4096, 0), "left to libfuse, which knows no such");
}

Test(request, every_name_ends_within_the_request)
{
	memcpy(message.body, "old\0new", 8);
	cr_expect(is_whole(FUSE_LOOKUP, 4));
	cr_expect(not(is_whole(FUSE_LOOKUP, 3)));
	cr_expect(not(is_whole(FUSE_LOOKUP, 0)));
	cr_expect(is_whole(FUSE_SYMLINK, 8));
	cr_expect(not(is_whole(FUSE_SYMLINK, 7)));
	cr_expect(not(is_whole(FUSE_SYMLINK, 4)));
}

Test(request, what_is_announced_is_there)
{
	struct fuse_batch_forget_in forgets = { .count = 2 };
	struct fuse_write_in write = { .size = 10 };
	size_t one = sizeof(struct fuse_forget_one);

	memcpy(message.body, &forgets, sizeof(forgets));
	cr_expect(is_whole(FUSE_BATCH_FORGET, sizeof(forgets) + 2 * one));
	cr_expect(not(
		is_whole(FUSE_BATCH_FORGET, sizeof(forgets) + 2 * one - 1)));
	forgets.count = UINT32_MAX;
	memcpy(message.body, &forgets, sizeof(forgets));
	cr_expect(not(is_whole(FUSE_BATCH_FORGET, sizeof(forgets))));
	memcpy(message.body, &write, sizeof(write));
	cr_expect(is_whole(FUSE_WRITE, sizeof(write) + 10));
	cr_expect(not(is_whole(FUSE_WRITE, sizeof(write) + 9)));
}
