/* SPDX-License-Identifier: Apache-2.0 */
/* test_emptydir.c - the life of an emptyDir */
#include "store/backend.h"
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/volume.h"
#include "tests/unit/scratch.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define UID_1 "8f2b2c5e-0000-4000-8000-000000000001"
#define TREE  "state/pods/" UID_1 "/volumes/kubernetes.io~empty-dir/cache"

static struct volume_env env;
static struct volume_spec spec = { .pod_uid = UID_1, .name = "cache" };
static struct error err;

static void setup(void)
{
	scratch_enter();
	scratch_directory("state/pods");
	env.state_dir = "/mnt/state";
	env.state_fd = open("state", O_PATH | O_DIRECTORY | O_CLOEXEC);
	env.pods_fd = open("state/pods", O_PATH | O_DIRECTORY | O_CLOEXEC);
	spec.source = json_object();
}

static void teardown(void)
{
	json_decref((json_t *)spec.source);
	close(env.state_fd);
	close(env.pods_fd);
}

TestSuite(emptydir, .init = setup, .fini = teardown, .timeout = 60);

static int provision(void)
{
	return emptydir_driver.provision(&env, &spec, &err);
}

static int tear_down(void)
{
	return emptydir_driver.teardown(&env, &spec, &err);
}

static unsigned mode_of(const char *path)
{
	struct stat st;

	cr_assert(eq(int, lstat(path, &st), 0), "no %s", path);
	return st.st_mode & 07777;
}

Test(emptydir, it_is_0777_and_owned_by_root_whatever_the_umask)
{
	struct stat st;

	umask(0077);
	cr_assert(eq(int, provision(), 0), "%s", err.text);
	cr_assert(eq(int, stat(TREE, &st), 0));
	cr_expect(eq(u32, st.st_mode & 07777, 0777));
	cr_expect(eq(u32, st.st_uid, 0));
	cr_expect(eq(u32, st.st_gid, 0));
	cr_expect(eq(u32, mode_of("state/pods/" UID_1), 0700));
}

Test(emptydir, the_mode_of_the_manifest_is_honoured)
{
	json_object_set_new((json_t *)spec.source, "mode", json_integer(01750));
	cr_assert(eq(int, provision(), 0));
	cr_expect(eq(u32, mode_of(TREE), 01750));
}

Test(emptydir, a_mode_out_of_range_is_refused_with_the_range)
{
	json_object_set_new((json_t *)spec.source, "mode", json_integer(02777));
	cr_assert(eq(int, provision(), -EINVAL));
	cr_expect(ne(ptr, strstr(err.text, "01777"), NULL));
}

Test(emptydir, provisioning_again_keeps_data_mode_and_owner)
{
	struct stat st;

	cr_assert(eq(int, provision(), 0));
	scratch_file(TREE "/hello", "hello world");
	cr_assert(eq(int, chmod(TREE, 0700), 0));
	cr_assert(eq(int, chown(TREE, 999, 999), 0));
	cr_assert(eq(int, provision(), 0));
	cr_expect(eq(int, access(TREE "/hello", F_OK), 0));
	cr_assert(eq(int, stat(TREE, &st), 0));
	cr_expect(eq(u32, st.st_mode & 07777, 0700));
	cr_expect(eq(u32, st.st_uid, 999));
}

Test(emptydir, what_a_crash_left_unfinished_is_finished)
{
	scratch_directory("state/pods/" UID_1
			  "/volumes/kubernetes.io~empty-dir/.cache");
	cr_assert(eq(int, provision(), 0));
	cr_expect(eq(u32, mode_of(TREE), 0777));
	cr_assert(eq(int, tear_down(), 0));
	cr_expect(eq(int, access("state/pods/" UID_1, F_OK), -1));
}

Test(emptydir, a_link_or_file_in_its_place_is_refused)
{
	scratch_directory("state/pods/" UID_1
			  "/volumes/kubernetes.io~empty-dir");
	cr_assert(eq(int, symlink("/etc", TREE), 0));
	cr_expect(eq(int, provision(), -ENOTDIR));
	cr_assert(eq(int, unlink(TREE), 0));
	scratch_file(TREE, "");
	cr_expect(eq(int, provision(), -ENOTDIR));
}

Test(emptydir, a_link_above_it_is_not_followed)
{
	scratch_directory("elsewhere");
	cr_assert(eq(int, symlink("/mnt/elsewhere", "state/pods/" UID_1), 0));
	cr_expect(lt(int, provision(), 0));
	cr_expect(eq(int, access("elsewhere/volumes", F_OK), -1));
}

Test(emptydir, a_pod_uid_that_is_a_path_is_refused)
{
	spec.pod_uid = "../../x";
	cr_expect(eq(int, provision(), -EINVAL));
	spec.pod_uid = UID_1;
}

Test(emptydir, teardown_moves_the_tree_to_the_trash_and_removes_its_parents)
{
	cr_assert(eq(int, provision(), 0));
	scratch_file(TREE "/hello", "hello world");
	cr_assert(eq(int, tear_down(), 0), "%s", err.text);
	cr_expect(eq(int, access("state/pods/" UID_1, F_OK), -1));
	cr_expect(eq(int, rmdir("state/trash"), -1));
	cr_expect(eq(int, errno, ENOTEMPTY));
}

Test(emptydir, teardown_of_one_volume_leaves_the_others_of_the_pod)
{
	cr_assert(eq(int, provision(), 0));
	spec.name = "other";
	cr_assert(eq(int, provision(), 0));
	cr_assert(eq(int, tear_down(), 0));
	cr_expect(eq(int, access(TREE, F_OK), 0));
	spec.name = "cache";
}

Test(emptydir, teardown_twice_or_of_nothing_is_success)
{
	cr_expect(eq(int, tear_down(), 0));
	cr_assert(eq(int, provision(), 0));
	cr_expect(eq(int, tear_down(), 0));
	cr_expect(eq(int, tear_down(), 0));
}

Test(emptydir, an_immutable_volume_goes_to_the_trash_all_the_same)
{
	cr_assert(eq(int, provision(), 0));
	if (system("chattr +i " TREE " 2>/dev/null") != 0)
		cr_skip_test("this filesystem has no immutable files");
	cr_expect(eq(int, tear_down(), 0), "%s", err.text);
	cr_expect(eq(int, access(TREE, F_OK), -1));
}

Test(emptydir, without_quotas_of_the_filesystem_no_kernel_keeps_the_limit)
{
	struct volume_kept kept = { .limit_bytes = -1 };
	struct volume_limits limits = { 0 };
	cleanup_fd int fd = -1;

	json_object_set_new((json_t *)spec.source, "sizeLimit",
			    json_string("1Mi"));
	cr_assert(eq(int, provision(), 0), "%s", err.text);
	fd = open(TREE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_expect(eq(int, emptydir_driver.kept(fd, &kept), -EOPNOTSUPP));
	cr_expect(eq(i64, kept.limit_bytes, -1));
	cr_assert(emptydir_driver.is_counted(&spec, &limits));
	cr_expect(eq(i64, limits.bytes, 1 << 20));
}

Test(emptydir, its_host_path_is_where_its_files_are)
{
	cleanup_free char *path = emptydir_driver.host_path(&env, &spec);

	cr_expect(eq(str, path, (char *)"/mnt/" TREE));
}

Test(emptydir, usage_counts_blocks_and_inodes_and_a_hard_link_once)
{
	struct volume_usage before;
	struct volume_usage usage;

	cr_assert(eq(int, provision(), 0));
	cr_assert(eq(int, emptydir_driver.usage(&env, &spec, &before), 0));
	cr_expect(eq(i64, before.used_inodes, 1));
	scratch_file(TREE "/a", "some bytes");
	cr_assert(eq(int, link(TREE "/a", TREE "/b"), 0));
	scratch_directory(TREE "/d/e");
	cr_assert(eq(int, emptydir_driver.usage(&env, &spec, &usage), 0));
	cr_expect(eq(i64, usage.used_inodes, 4));
	cr_expect(eq(i64, usage.used_bytes - before.used_bytes, 4096));
}

Test(emptydir, usage_of_a_tree_too_deep_to_walk_is_not_known)
{
	struct volume_usage usage = { .used_bytes = 0 };
	size_t len = strlen(TREE);
	char path[512] = TREE;

	cr_assert(eq(int, provision(), 0));
	for (int i = 0; i < 100; i++, len += 2)
		memcpy(path + len, "/d", sizeof("/d"));
	scratch_directory(path);
	cr_assert(eq(int, emptydir_driver.usage(&env, &spec, &usage), 0));
	cr_expect(eq(i64, usage.used_bytes, -1));
}
