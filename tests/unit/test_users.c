/* SPDX-License-Identifier: Apache-2.0 */
/* test_users.c - every way to use a directory is found, and nothing else */
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/base/helper.h"
#include "store/users.h"
#include "tests/unit/scratch.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define POD "/mnt/fs/default/web"

static struct users users;
static struct helper *helper;
static pid_t child;

static void setup(void)
{
	scratch_enter();
	scratch_directory("fs");
	cr_assert(eq(int, mount("none", "fs", "tmpfs", 0, NULL), 0));
	scratch_directory("fs/default/web/cache");
	scratch_directory("fs/default/website/cache");
	scratch_directory("binds/cache");
	scratch_file("fs/default/web/cache/file", "0123456789");
}

static void end_child(void)
{
	if (child <= 0)
		return;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	child = 0;
}

TestSuite(users, .init = setup, .fini = end_child, .timeout = 60);

/* Fork a process named "user" that does this and then sleeps. */
static void start_child(void (*fn)(void))
{
	int ready[2];
	char byte;

	cr_assert(eq(int, pipe2(ready, O_CLOEXEC), 0));
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, "user");
		fn();
		if (write(ready[1], "", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	close(ready[1]);
	cr_assert(eq(int, (int)read(ready[0], &byte, 1), 1));
	close(ready[0]);
}

static void find(const char *path)
{
	memset(&users, 0, sizeof(users));
	cr_assert(eq(int,
		     users_find("/mnt/fs", path, "/mnt/binds", helper, &users),
		     0));
}

static bool says(const char *how)
{
	char text[64];

	snprintf(text, sizeof(text), "user[%d] (%s)", child, how);
	return strstr(users.text, text) != NULL;
}

static void open_file(void)
{
	open(POD "/cache/file", O_RDONLY);
}

static void change_directory(void)
{
	(void)!chdir(POD "/cache");
}

static void change_root(void)
{
	(void)!chroot(POD);
}

static void map_file(void)
{
	int fd = open(POD "/cache/file", O_RDONLY);

	(void)mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
}

static void open_deleted_file(void)
{
	open(POD "/cache/file", O_RDONLY);
	unlink(POD "/cache/file");
}

static void open_neighbour(void)
{
	open("/mnt/fs/default/website/cache", O_RDONLY);
	(void)!chdir("/mnt/fs/default");
}

/* As a container: the volume under another name, the host's names gone. */
static void bind_in_namespace(void)
{
	(void)!unshare(CLONE_NEWNS);
	mkdir("/mnt/rootfs", 0755);
	mount("/mnt/rootfs", "/mnt/rootfs", NULL, MS_BIND, NULL);
	mkdir("/mnt/rootfs/data", 0755);
	mount(POD "/cache", "/mnt/rootfs/data", NULL, MS_BIND, NULL);
	umount2("/mnt/fs", MNT_DETACH);
}

static void open_in_namespace(void)
{
	(void)!unshare(CLONE_NEWNS);
	mkdir("/mnt/whole", 0755);
	mount("/mnt/fs", "/mnt/whole", NULL, MS_BIND, NULL);
	umount2("/mnt/fs", MNT_DETACH);
	open("/mnt/whole/default/web/cache/file", O_RDONLY);
}

static void only_a_namespace(void)
{
	(void)!unshare(CLONE_NEWNS);
}

Test(users, an_idle_directory_has_none)
{
	find(POD);
	cr_expect(eq(sz, users.n, 0));
	cr_expect(eq(str, users.text, (char *)""));
}

Test(users, an_open_file_is_found_and_named)
{
	start_child(open_file);
	find(POD);
	cr_expect(eq(sz, users.n, 1));
	cr_expect(says("open file"), "%s", users.text);
}

Test(users, a_deleted_open_file_counts)
{
	start_child(open_deleted_file);
	find(POD);
	cr_expect(says("open file"), "%s", users.text);
}

Test(users, a_working_directory_is_found)
{
	start_child(change_directory);
	find(POD);
	cr_expect(eq(sz, users.n, 1));
	cr_expect(says("working directory"), "%s", users.text);
}

Test(users, a_root_directory_is_found)
{
	start_child(change_root);
	find(POD);
	cr_expect(says("root directory"), "%s", users.text);
}

Test(users, a_mapped_file_whose_descriptor_is_closed_is_found)
{
	start_child(map_file);
	find(POD);
	cr_expect(says("mapped file"), "%s", users.text);
}

Test(users, a_neighbour_with_a_longer_name_and_the_parent_do_not_count)
{
	start_child(open_neighbour);
	find(POD);
	cr_expect(eq(sz, users.n, 0), "%s", users.text);
	find("/mnt/fs/default/website");
	cr_expect(eq(sz, users.n, 1));
}

Test(users, our_own_process_does_not_count)
{
	cleanup_fd int fd = open(POD "/cache/file", O_RDONLY | O_CLOEXEC);

	cr_assert(ge(int, fd, 0));
	find(POD);
	cr_expect(eq(sz, users.n, 0), "%s", users.text);
}

/* Leave a process behind that has the file open for as long as fd is read. */
static int open_until_closed(int fd, const char *arg, size_t len,
			     struct error *err)
{
	char byte;

	(void)arg;
	(void)len;
	(void)err;
	if (open(POD "/cache/file", O_RDONLY) < 0)
		return -errno;
	if (fork() == 0) {
		(void)!read(fd, &byte, 1);
		_exit(0);
	}
	return 0;
}

Test(users, what_our_helper_has_open_does_not_count)
{
	struct error err;
	int until[2];

	cr_assert(eq(int, pipe2(until, O_CLOEXEC), 0));
	cr_assert(eq(int, helper_new(&helper, &err), 0));
	cr_assert(eq(int,
		     helper_run(helper, 10, open_until_closed, until[0], "", 0,
				&err),
		     0));
	find(POD);
	cr_expect(eq(sz, users.n, 0), "%s", users.text);
	close(until[1]);
	helper_free(helper);
}

Test(users, a_bind_mount_in_our_namespace_is_found_where_it_is)
{
	scratch_directory("srv");
	cr_assert(eq(int, mount(POD "/cache", "srv", NULL, MS_BIND, NULL), 0));
	find(POD);
	cr_expect(eq(sz, users.n, 1), "%s", users.text);
	cr_expect(ne(ptr, strstr(users.text, "'/mnt/srv'"), NULL));
	find("/mnt/fs/default/website");
	cr_expect(eq(sz, users.n, 0), "%s", users.text);
}

/* To let go of the directory would take the mount away with it. */
Test(users, what_else_is_mounted_inside_is_found)
{
	cr_assert(eq(int,
		     mount("none", "fs/default/web/cache", "tmpfs", 0, NULL),
		     0));
	find(POD);
	cr_expect(eq(sz, users.n, 1), "%s", users.text);
	cr_expect(ne(ptr, strstr(users.text, "'" POD "/cache'"), NULL), "%s",
		  users.text);
	find("/mnt/fs/default/website");
	cr_expect(eq(sz, users.n, 0), "%s", users.text);
}

Test(users, a_bind_mount_in_another_namespace_is_found)
{
	start_child(bind_in_namespace);
	find(POD);
	cr_expect(eq(sz, users.n, 1), "%s", users.text);
	cr_expect(says("mount"), "%s", users.text);
}

Test(users, an_open_file_through_a_mount_of_everything_elsewhere_is_found)
{
	start_child(open_in_namespace);
	find(POD);
	cr_expect(eq(sz, users.n, 1), "%s", users.text);
	cr_expect(says("open file"), "%s", users.text);
	find("/mnt/fs/default/website");
	cr_expect(eq(sz, users.n, 0), "%s", users.text);
}

Test(users, our_own_binds_do_not_count_in_any_namespace)
{
	cr_assert(eq(int,
		     mount(POD "/cache", "binds/cache", NULL, MS_BIND, NULL),
		     0));
	start_child(only_a_namespace);
	find(POD);
	cr_expect(eq(sz, users.n, 0), "%s", users.text);
}

Test(users, a_file_that_was_opened_through_our_bind_counts)
{
	cr_assert(eq(int,
		     mount(POD "/cache", "binds/cache", NULL, MS_BIND, NULL),
		     0));
	start_child(open_file);
	find(POD);
	cr_expect(eq(sz, users.n, 1), "%s", users.text);
}

Test(users, the_whole_mount_has_every_user_but_not_itself)
{
	start_child(open_neighbour);
	find("/mnt/fs");
	cr_expect(eq(sz, users.n, 1), "%s", users.text);
	end_child();
	find("/mnt/fs");
	cr_expect(eq(sz, users.n, 0), "%s", users.text);
}

Test(users, a_path_outside_of_the_mount_is_refused)
{
	cr_expect(eq(int,
		     users_find("/mnt/fs", "/mnt/fsck", NULL, NULL, &users),
		     -EINVAL));
}

Test(users, many_users_are_counted_and_as_many_named_as_fit)
{
	char path[32];

	for (int i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), "many/%d", i);
		scratch_directory(path);
		cr_assert(eq(int, mount(POD, path, NULL, MS_BIND, NULL), 0));
	}
	find(POD);
	cr_expect(eq(sz, users.n, 100));
	cr_expect(ne(ptr, strstr(users.text, ", and "), NULL));
	cr_expect(ne(ptr, strstr(users.text, " more"), NULL));
}

Test(users, a_thousand_mounts_are_searched_in_well_under_a_second)
{
	struct timespec a;
	struct timespec b;
	char path[32];

	for (int i = 0; i < 1000; i++) {
		snprintf(path, sizeof(path), "many/%d", i);
		scratch_directory(path);
		cr_assert(eq(int,
			     mount("/mnt/fs/default/website", path, NULL,
				   MS_BIND, NULL),
			     0));
	}
	clock_gettime(CLOCK_MONOTONIC, &a);
	find(POD);
	clock_gettime(CLOCK_MONOTONIC, &b);
	cr_expect(eq(sz, users.n, 0));
	cr_expect(lt(dbl,
		     (double)(b.tv_sec - a.tv_sec) +
			     (double)(b.tv_nsec - a.tv_nsec) / 1e9,
		     1.0));
}
