/* SPDX-License-Identifier: Apache-2.0 */
/* test_memory.c - emptyDirs in memory: sized, found again, resized, lost */
#include "store/backend.h"
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "tests/unit/nodes.h"
#include "tests/unit/scratch.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>

#define UID_1 "8f2b2c5e-0000-4000-8000-000000000001"
#define TREE  "state/pods/" UID_1 "/volumes/kubernetes.io~empty-dir/cache"
#define MIB   INT64_C(1048576)

static struct volume_env env;
static struct error err;
static const char *base;

static void setup(void)
{
	base = scratch_enter();
	scratch_directory("state/pods");
	env.state_dir = "/mnt/state";
	env.state_fd = open("state", O_PATH | O_DIRECTORY | O_CLOEXEC);
	env.pods_fd = open("state/pods", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void teardown(void)
{
	close(env.state_fd);
	close(env.pods_fd);
}

TestSuite(memory, .init = setup, .fini = teardown, .timeout = 60);

static struct volume_spec spec_of(const char *source, const char *pod)
{
	struct volume_spec spec = { .pod_uid = UID_1, .name = "cache" };

	spec.source = json_loads(source, 0, NULL);
	spec.pod = json_loads(pod, 0, NULL);
	cr_assert(spec.source && spec.pod);
	return spec;
}

static void spec_end(struct volume_spec *spec)
{
	json_decref((json_t *)spec->source);
	json_decref((json_t *)spec->pod);
}

static int64_t size_of_tree(void)
{
	struct statfs st;

	cr_assert(eq(int, statfs(TREE, &st), 0));
	cr_assert(eq(i64, st.f_type, TMPFS_MAGIC));
	return (int64_t)st.f_blocks * st.f_bsize;
}

static int provision(const char *source, const char *pod)
{
	struct volume_spec spec = spec_of(source, pod);
	int r = emptydir_driver.provision(&env, &spec, &err);

	spec_end(&spec);
	return r;
}

static int restore(const char *source)
{
	struct volume_spec spec = spec_of(source, "{}");
	int r = emptydir_driver.restore(&env, &spec, &err);

	spec_end(&spec);
	return r;
}

static int resize_with(const char *from, const char *to, const char *pod)
{
	struct volume_spec old = spec_of(from, "{}");
	struct volume_spec new = spec_of(to, pod);
	int r = emptydir_driver.resize(&env, &old, &new, &err);

	spec_end(&old);
	spec_end(&new);
	return r;
}

static int resize(const char *from, const char *to)
{
	return resize_with(from, to, "{}");
}

#define LIMIT(size) "{\"medium\": \"Memory\", \"sizeLimit\": \"" size "\"}"

Test(memory, it_is_as_large_as_the_least_of_all_limits)
{
	cr_assert(eq(int, provision(LIMIT("8Mi"), "{\"memoryLimit\": 4194304}"),
		     0),
		  "%s", err.text);
	cr_expect(eq(i64, size_of_tree(), 4 * MIB));
	cr_assert(eq(int, provision(LIMIT("2Mi"), "{\"memoryLimit\": 4194304}"),
		     0));
	cr_expect(eq(i64, size_of_tree(), 2 * MIB));
	cr_assert(eq(int, provision(LIMIT("0"), "{\"memoryLimit\": 4194304}"),
		     0));
	cr_expect(eq(i64, size_of_tree(), 4 * MIB));
}

Test(memory, a_limit_between_two_pages_is_never_passed)
{
	cr_assert(eq(int, provision(LIMIT("10000"), "{}"), 0));
	cr_expect(eq(i64, size_of_tree(), 8192));
	cr_assert(eq(int, provision(LIMIT("1"), "{}"), 0));
	cr_expect(eq(i64, size_of_tree(), 4096), "0 would be no limit");
}

Test(memory, provisioning_again_keeps_what_is_in_it)
{
	cr_assert(eq(int, provision(LIMIT("1Mi"), "{}"), 0));
	scratch_file(TREE "/hello", "hello world");
	cr_assert(eq(int, provision(LIMIT("1Mi"), "{}"), 0));
	cr_expect(eq(int, access(TREE "/hello", F_OK), 0));
	cr_expect(eq(int, umount(TREE), 0));
	cr_expect(eq(int, umount(TREE), -1), "mounted once");
}

Test(memory, another_filesystem_at_its_place_is_refused)
{
	cr_assert(eq(int, provision("{}", "{}"), 0));
	cr_assert(eq(int, mount("proc", TREE, "proc", 0, NULL), 0));
	cr_expect(eq(int, provision(LIMIT("1Mi"), "{}"), -EBUSY));
	cr_expect(ne(ptr, strstr(err.text, "unmount it"), NULL), "%s",
		  err.text);
}

Test(memory, shrinking_below_what_is_used_is_refused_with_the_number)
{
	cr_assert(eq(int, provision(LIMIT("1Mi"), "{}"), 0));
	scratch_file(TREE "/hello", "hello world");
	cr_expect(eq(int, resize(LIMIT("1Mi"), LIMIT("2Mi")), 0));
	cr_expect(eq(i64, size_of_tree(), 2 * MIB));
	scratch_file(TREE "/more", "hello world");
	cr_expect(eq(int, resize(LIMIT("2Mi"), LIMIT("4Ki")), -EINVAL));
	cr_expect(ne(ptr, strstr(err.text, "8Ki (8192 bytes) are used"), NULL),
		  "%s", err.text);
	cr_expect(eq(i64, size_of_tree(), 2 * MIB));
}

#define INODES(n) "{\"inodeLimit\": " n "}"

static int64_t inodes_of_tree(void)
{
	struct statfs st;

	cr_assert(eq(int, statfs(TREE, &st), 0));
	return (int64_t)st.f_files;
}

static int make_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	return fd < 0 ? -errno : close(fd);
}

Test(memory, a_limit_of_inodes_counts_the_root_as_on_disk)
{
	cr_assert(eq(int, provision(LIMIT("1Mi"), INODES("3")), 0), "%s",
		  err.text);
	cr_expect(eq(i64, inodes_of_tree(), 3));
	cr_expect(eq(int, make_file(TREE "/a"), 0));
	cr_expect(eq(int, make_file(TREE "/b"), 0));
	cr_expect(eq(int, make_file(TREE "/c"), -ENOSPC));
	cr_expect(eq(int, unlink(TREE "/a"), 0));
	cr_expect(eq(int, make_file(TREE "/c"), 0));
}

Test(memory, a_limit_of_inodes_comes_and_goes_while_it_is_in_use)
{
	int64_t before;

	cr_assert(eq(int, provision(LIMIT("1Mi"), "{}"), 0));
	before = inodes_of_tree();
	cr_expect(gt(i64, before, 1000));
	cr_expect(eq(int, resize_with(LIMIT("1Mi"), LIMIT("1Mi"), INODES("5")),
		     0),
		  "%s", err.text);
	cr_expect(eq(i64, inodes_of_tree(), 5));
	cr_expect(eq(int, resize_with(LIMIT("1Mi"), LIMIT("1Mi"), INODES("7")),
		     0));
	cr_expect(eq(i64, inodes_of_tree(), 7));
	cr_expect(eq(int, resize(LIMIT("1Mi"), LIMIT("1Mi")), 0));
	cr_expect(eq(i64, inodes_of_tree(), before));
	cr_expect(eq(int, resize_with(LIMIT("1Mi"), LIMIT("1Mi"), INODES("5")),
		     0),
		  "one that was taken away can come again: %s", err.text);
	cr_expect(eq(i64, inodes_of_tree(), 5));
}

Test(memory, fewer_inodes_than_used_are_refused_with_the_number)
{
	cr_assert(eq(int, provision(LIMIT("1Mi"), INODES("9")), 0));
	cr_assert(eq(int, make_file(TREE "/a"), 0));
	cr_assert(eq(int, make_file(TREE "/b"), 0));
	cr_expect(eq(int, resize_with(LIMIT("1Mi"), LIMIT("2Mi"), INODES("2")),
		     -EINVAL));
	cr_expect(ne(ptr, strstr(err.text, "to 2 inodes: 3 are used"), NULL),
		  "%s", err.text);
	cr_expect(eq(i64, inodes_of_tree(), 9));
	cr_expect(eq(i64, size_of_tree(), MIB), "all or nothing");
	cr_expect(eq(int, resize_with(LIMIT("1Mi"), LIMIT("2Mi"), INODES("3")),
		     0));
	cr_expect(eq(i64, inodes_of_tree(), 3));
	cr_expect(eq(i64, size_of_tree(), 2 * MIB));
}

Test(memory, more_inodes_than_tmpfs_can_number_are_as_many_as_it_can)
{
	cr_assert(eq(int,
		     provision(LIMIT("1Mi"), INODES("9223372036854775807")), 0),
		  "%s", err.text);
	cr_expect(gt(i64, inodes_of_tree(), INT64_C(1) << 50));
}

Test(memory, usage_is_what_the_filesystem_counts)
{
	struct volume_spec spec = spec_of(LIMIT("1Mi"), "{}");
	struct volume_usage usage;

	cr_assert(eq(int, emptydir_driver.provision(&env, &spec, &err), 0));
	scratch_file(TREE "/hello", "hello world");
	cr_assert(eq(int, emptydir_driver.usage(&env, &spec, &usage), 0));
	cr_expect(eq(i64, usage.used_bytes, 4096));
	cr_expect(eq(i64, usage.used_inodes, 2));
	spec_end(&spec);
}

Test(memory, one_that_is_gone_is_made_anew_and_that_is_told)
{
	cr_assert(eq(int, provision(LIMIT("1Mi"), "{}"), 0));
	cr_expect(eq(int, restore(LIMIT("1Mi")), 0));
	cr_assert(eq(int, umount(TREE), 0));
	cr_expect(eq(int, restore(LIMIT("1Mi")), 1));
	cr_expect(eq(i64, size_of_tree(), MIB));
}

Test(memory, teardown_unmounts_whatever_the_manifest_says_now)
{
	struct volume_spec spec = spec_of("{}", "{}");
	cleanup_fd int fd = -1;

	cr_assert(eq(int, provision(LIMIT("1Mi"), "{}"), 0));
	scratch_file(TREE "/hello", "hello world");
	fd = open(TREE "/hello", O_RDONLY | O_CLOEXEC);
	cr_assert(eq(int, emptydir_driver.teardown(&env, &spec, &err), 0), "%s",
		  err.text);
	cr_expect(eq(int, access("state/pods/" UID_1, F_OK), -1));
	cr_expect(eq(int, emptydir_driver.teardown(&env, &spec, &err), 0));
	spec_end(&spec);
}

#define POD(limit)                                                               \
	"apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n"              \
	"  containers: [{name: c, image: busybox}]\n"                            \
	"  volumes: [{name: cache, emptyDir: {medium: Memory, sizeLimit: " limit \
	"}}]\n"

static const char *kill_at;

static void die_there(const char *step)
{
	if (strcmp(step, kill_at) == 0)
		kill(getpid(), SIGKILL);
}

/* Apply another limit in a process that is killed at the step. */
static void resize_killed_at(const char *step)
{
	struct test_node t;
	int status;
	pid_t pid = fork();

	cr_assert(ge(int, pid, 0));
	if (pid == 0) {
		kill_at = step;
		if (test_node_open(&t, base) < 0)
			_exit(2);
		node_set_step_hook(die_there);
		test_apply(&t, POD("2Mi"), 0);
		_exit(3);
	}
	cr_assert(eq(int, waitpid(pid, &status, 0), pid));
	cr_assert(eq(int, status, SIGKILL), "not killed at %s", step);
}

static int64_t size_of_pod(struct test_node *t)
{
	json_auto_t *pod = test_get(t, "web");
	char path[256];
	struct statfs st;

	snprintf(path, sizeof(path),
		 "state/pods/%s/volumes/kubernetes.io~empty-dir/cache",
		 test_string(pod, "metadata.uid"));
	cr_assert(eq(int, statfs(path, &st), 0));
	return (int64_t)st.f_blocks * st.f_bsize;
}

static void expect_after_kill(const char *step, int64_t size)
{
	struct test_node t;

	cr_assert(eq(int, test_node_open(&t, base), 0), "%s", t.err.text);
	cr_assert(eq(int, test_apply(&t, POD("1Mi"), 0), NODE_CREATED));
	cr_assert(eq(i64, size_of_pod(&t), MIB));
	test_node_close(&t);
	resize_killed_at(step);
	cr_assert(eq(int, test_node_open(&t, base), 0), "%s", t.err.text);
	cr_expect(test_is_shown(&t, "web"));
	cr_expect(eq(i64, size_of_pod(&t), size));
	test_delete(&t, "web", NODE_DELETE_FORCE);
	test_node_close(&t);
}

Test(memory, a_resize_killed_before_it_is_recorded_is_taken_back)
{
	expect_after_kill("update.resized", MIB);
}

Test(memory, a_resize_killed_after_it_is_recorded_stays)
{
	expect_after_kill("update.recorded", 2 * MIB);
}
