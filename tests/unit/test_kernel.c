/* SPDX-License-Identifier: Apache-2.0 */
/* test_kernel.c - which features of the kernel are taken */
#include "fuse/kernel.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <string.h>

#include "fuse/abi.h"
#include "fuse/fs.h"
#include "store/base/error.h"

#define EVERYTHING UINT64_MAX

static struct kernel kernel;
static struct abi_init_out out;

static int init_without(const char *disabled, struct error *err)
{
	struct fs_options options = { .share_locks = true,
				      .disable_features = disabled };

	return kernel_init(&kernel, &options, err);
}

static void negotiate(const char *disabled, uint64_t offered)
{
	struct fuse_init_in in = { .major = 7,
				   .minor = 99,
				   .flags = (uint32_t)offered,
				   .flags2 = (uint32_t)(offered >> 32) };

	cr_assert(eq(int, init_without(disabled, NULL), 0));
	memset(&out, 0xff, sizeof(out));
	kernel_negotiate(&kernel, &in, &out);
}

static uint64_t taken(void)
{
	return (uint64_t)out.flags2 << 32 | out.flags;
}

Test(kernel, passthrough_is_taken_where_it_is_offered)
{
	negotiate(NULL, EVERYTHING);
	cr_expect(kernel_has(&kernel, KERNEL_PASSTHROUGH));
	cr_expect(ne(u64, taken() & ABI_FEATURE(37), 0));
	cr_expect(eq(u32, out.max_stack_depth, 1));
	cr_expect(eq(u32, out.minor, ABI_MINOR));
}

Test(kernel, nothing_is_taken_that_is_not_offered)
{
	negotiate(NULL, 0);
	cr_expect(eq(u64, taken(), 0));
	cr_expect(eq(u32, out.max_stack_depth, 0));
	negotiate(NULL, FUSE_POSIX_LOCKS);
	cr_expect(eq(u64, taken(), FUSE_POSIX_LOCKS));
}

Test(kernel, the_second_word_counts_only_where_the_first_announces_it)
{
	negotiate(NULL, EVERYTHING & ~(uint64_t)FUSE_INIT_EXT);
	cr_expect(eq(u32, out.flags2, 0));
	cr_expect(not(kernel_has(&kernel, KERNEL_PASSTHROUGH)));
}

Test(kernel, the_page_cache_never_holds_back_writes)
{
	negotiate(NULL, EVERYTHING);
	cr_expect(eq(u64, taken() & FUSE_WRITEBACK_CACHE, 0));
}

Test(kernel, a_feature_can_be_switched_off_by_name)
{
	struct fs_feature list[KERNEL_N_FEATURES];

	negotiate("passthrough,flock-locks", EVERYTHING);
	cr_expect(not(kernel_has(&kernel, KERNEL_PASSTHROUGH)));
	cr_expect(not(kernel_has(&kernel, KERNEL_FLOCK_LOCKS)));
	cr_expect(kernel_has(&kernel, KERNEL_POSIX_LOCKS));
	cr_expect(eq(u64, taken() & (ABI_FEATURE(37) | FUSE_FLOCK_LOCKS), 0));
	kernel_list(&kernel, list);
	cr_expect(eq(str, (char *)list[KERNEL_PASSTHROUGH].name,
		     (char *)"passthrough"));
	cr_expect(list[KERNEL_PASSTHROUGH].offered);
	cr_expect(not(list[KERNEL_PASSTHROUGH].wanted));
	cr_expect(not(list[KERNEL_PASSTHROUGH].taken));
}

Test(kernel, the_oldest_set_has_nothing_that_linux_6_1_lacks)
{
	negotiate("oldest", EVERYTHING);
	cr_expect(eq(u32, out.flags2, 0));
	cr_expect(eq(u32, out.minor, 37));
	cr_expect(kernel_has(&kernel, KERNEL_POSIX_LOCKS));
	cr_expect(kernel_has(&kernel, KERNEL_KILLPRIV_V2));
}

Test(kernel, the_oldest_set_and_names_may_be_mixed)
{
	negotiate("readdirplus,oldest,posix-acl", EVERYTHING);
	cr_expect(not(kernel_has(&kernel, KERNEL_READDIRPLUS)));
	cr_expect(not(kernel_has(&kernel, KERNEL_POSIX_ACL)));
	cr_expect(not(kernel_has(&kernel, KERNEL_RESEND)));
	cr_expect(kernel_has(&kernel, KERNEL_CACHE_SYMLINKS));
}

Test(kernel, an_unknown_name_is_refused)
{
	struct error err = { 0 };

	cr_expect(eq(int, init_without("passthrough,warp", &err), -EINVAL));
	cr_expect(ne(ptr, strstr(err.text, "'warp'"), NULL));
	/* Nor is the beginning of one enough. */
	cr_expect(eq(int, init_without("pass", NULL), -EINVAL));
}
