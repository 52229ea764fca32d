/* SPDX-License-Identifier: Apache-2.0 */
/* test_trash.c - what goes to the trash is erased, and nothing else is */
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/base/log.h"
#include "store/trash.h"
#include "tests/unit/scratch.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>

static int state_fd;
static struct error err;

static void setup(void)
{
	scratch_enter();
	scratch_directory("state");
	state_fd = open("state", O_PATH | O_DIRECTORY | O_CLOEXEC);
	/* Some cases make the reaper complain, which is right. */
	log_set_level(LOG_LEVEL_ERR);
}

static void teardown(void)
{
	close(state_fd);
}

TestSuite(trash, .init = setup, .fini = teardown, .timeout = 120);

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static struct trash *open_trash(void)
{
	struct trash *trash;

	cr_assert(eq(int, trash_open(state_fd, &trash, &err), 0), "%s",
		  err.text);
	return trash;
}

/* Wait until only this many entries are left. */
static bool wait_for_count(struct trash *trash, uint64_t count)
{
	double until = now() + 60;

	while (trash_count(trash) != count) {
		if (now() > until)
			return false;
		usleep(5000);
	}
	return true;
}

static void fill(const char *dir, int n)
{
	char path[256];

	scratch_directory(dir);
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%d", dir, i);
		cr_assert(eq(int, mknod(path, S_IFREG | 0600, 0), 0));
	}
}

/* A chain of n directories, with one file in each. */
static void make_chain(const char *top, int n)
{
	int fd;

	scratch_directory(top);
	fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < n; i++) {
		int next;

		cr_assert(eq(int, mkdirat(fd, "d", 0700), 0));
		cr_assert(eq(int, mknodat(fd, "f", S_IFREG | 0600, 0), 0));
		next = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = next;
	}
	close(fd);
}

static int count_descriptors(void)
{
	cleanup_dir DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(dir))
		n++;
	return n;
}

Test(trash, a_tree_that_is_put_is_gone_at_once_and_erased_soon)
{
	struct trash *trash = open_trash();

	fill("tree/a/b", 100);
	cr_assert(eq(int, symlink("/etc", "tree/link"), 0));
	cr_assert(eq(int, mkfifo("tree/fifo", 0600), 0));
	cr_assert(eq(int, trash_put(trash, AT_FDCWD, "tree", &err), 0));
	cr_expect(eq(int, access("tree", F_OK), -1));
	cr_expect(wait_for_count(trash, 0));
	cr_expect(eq(int, access("/etc/passwd", F_OK), 0));
	trash_close(trash);
}

Test(trash, putting_what_is_not_there_is_success)
{
	struct trash *trash = open_trash();

	cr_expect(eq(int, trash_put(trash, AT_FDCWD, "none", &err), 0));
	cr_expect(eq(int, trash_put_at(state_fd, AT_FDCWD, "none", &err), 0));
	trash_close(trash);
}

Test(trash, a_path_is_not_a_name)
{
	cr_expect(eq(int, trash_put_at(state_fd, AT_FDCWD, "a/b", &err),
		     -EINVAL));
	cr_expect(
		eq(int, trash_put_at(state_fd, AT_FDCWD, "..", &err), -EINVAL));
	cr_expect(
		eq(int, trash_put_at(state_fd, AT_FDCWD, ".", &err), -EINVAL));
}

Test(trash, a_plain_file_can_be_put_too)
{
	struct trash *trash = open_trash();

	scratch_file("file", "x");
	cr_assert(eq(int, trash_put(trash, AT_FDCWD, "file", &err), 0));
	cr_expect(wait_for_count(trash, 0));
	trash_close(trash);
}

Test(trash, what_an_earlier_daemon_left_is_erased_at_start)
{
	struct trash *trash;

	fill("one", 10);
	fill("two", 10);
	cr_assert(eq(int, trash_put_at(state_fd, AT_FDCWD, "one", &err), 0));
	cr_assert(eq(int, trash_put_at(state_fd, AT_FDCWD, "two", &err), 0));
	trash = open_trash();
	cr_expect(wait_for_count(trash, 0));
	trash_close(trash);
}

Test(trash, a_driver_s_put_is_erased_after_a_wake)
{
	struct trash *trash = open_trash();

	fill("one", 10);
	cr_assert(eq(int, trash_put_at(state_fd, AT_FDCWD, "one", &err), 0));
	trash_wake(trash);
	cr_expect(wait_for_count(trash, 0));
	trash_close(trash);
}

Test(trash, a_tree_of_any_depth_is_erased_with_few_descriptors)
{
	int before = count_descriptors();
	struct trash *trash;
	int most = 0;

	make_chain("deep", 100000);
	cr_assert(eq(int, trash_put_at(state_fd, AT_FDCWD, "deep", &err), 0));
	trash = open_trash();
	for (double until = now() + 60; trash_count(trash) && now() < until;) {
		int n = count_descriptors();

		most = n > most ? n : most;
		usleep(1000);
	}
	cr_expect(eq(u64, trash_count(trash), 0));
	cr_expect(lt(int, most, before + 64));
	trash_close(trash);
	cr_expect(eq(int, count_descriptors(), before));
}

Test(trash, closing_in_the_middle_is_quick_and_the_next_start_goes_on)
{
	struct trash *trash;
	double start;

	for (int i = 0; i < 20; i++) {
		char dir[32];

		snprintf(dir, sizeof(dir), "big/%d", i);
		fill(dir, 10000);
	}
	cr_assert(eq(int, trash_put_at(state_fd, AT_FDCWD, "big", &err), 0));
	trash = open_trash();
	usleep(20000);
	start = now();
	trash_close(trash);
	/* 0.1 s, and what a busy machine or a sanitizer adds. */
	cr_expect(lt(dbl, now() - start, 0.5));
	trash = open_trash();
	cr_expect(eq(u64, trash_count(trash), 1), "it was not in the middle");
	cr_expect(wait_for_count(trash, 0));
	trash_close(trash);
}

Test(trash, a_mount_point_inside_is_neither_entered_nor_removed)
{
	struct trash *trash;

	fill("tree/below", 3);
	scratch_directory("tree/mounted");
	scratch_directory("precious");
	scratch_file("precious/data", "x");
	cr_assert(eq(int,
		     mount("precious", "tree/mounted", NULL, MS_BIND, NULL),
		     0));
	cr_assert(eq(int, trash_put_at(state_fd, AT_FDCWD, "tree", &err), 0));
	trash = open_trash();
	usleep(300000);
	cr_expect(eq(u64, trash_count(trash), 1));
	cr_expect(eq(int, access("precious/data", F_OK), 0));
	cr_expect(eq(int,
		     system("test \"$(find state/trash -type f | wc -l)\" "
			    "= 1"),
		     0),
		  "all but what is mounted is to go");

	/* Once it is unmounted, the rest goes. */
	cr_expect(eq(int, system("umount state/trash/*/mounted"), 0));
	trash_wake(trash);
	cr_expect(wait_for_count(trash, 0));
	cr_expect(eq(int, access("precious/data", F_OK), 0));
	trash_close(trash);
}

Test(trash, a_file_with_something_mounted_on_it_stays_too)
{
	struct trash *trash;

	fill("tree", 3);
	scratch_file("precious", "x");
	cr_assert(eq(int, mount("precious", "tree/1", NULL, MS_BIND, NULL), 0));
	cr_assert(eq(int, trash_put_at(state_fd, AT_FDCWD, "tree", &err), 0));
	trash = open_trash();
	usleep(300000);
	cr_expect(eq(u64, trash_count(trash), 1));
	cr_expect(eq(int, access("precious", F_OK), 0));
	trash_close(trash);
}

Test(trash, a_mount_point_itself_cannot_be_put_and_says_so)
{
	scratch_directory("tree");
	cr_assert(eq(int, mount("none", "tree", "tmpfs", 0, NULL), 0));
	cr_expect(eq(int, trash_put_at(state_fd, AT_FDCWD, "tree", &err),
		     -EBUSY));
	cr_expect(ne(ptr, strstr(err.text, "mount point"), NULL));
}

Test(trash, immutable_files_and_directories_are_erased)
{
	struct trash *trash;

	fill("tree/a", 3);
	fill("tree/b", 3);
	if (system("chattr +i tree/a/1 tree/a tree/b tree 2>/dev/null && "
		   "chattr +a tree/b 2>/dev/null") != 0)
		cr_skip_test("this filesystem has no immutable files");
	trash = open_trash();
	cr_assert(eq(int, trash_put(trash, AT_FDCWD, "tree", &err), 0), "%s",
		  err.text);
	cr_expect(wait_for_count(trash, 0));
	trash_close(trash);
}

Test(trash, an_open_file_keeps_its_bytes_until_it_is_closed)
{
	struct trash *trash = open_trash();
	cleanup_fd int fd = -1;
	char buf[8] = "";

	scratch_directory("tree");
	scratch_file("tree/file", "hello");
	fd = open("tree/file", O_RDONLY | O_CLOEXEC);
	cr_assert(eq(int, trash_put(trash, AT_FDCWD, "tree", &err), 0));
	cr_assert(wait_for_count(trash, 0));
	cr_expect(eq(int, (int)read(fd, buf, sizeof(buf)), 5));
	cr_expect(eq(str, buf, (char *)"hello"));
	trash_close(trash);
}

Test(trash, a_tree_that_somebody_keeps_filling_does_not_hold_up_the_others)
{
	cleanup_fd int busy = -1;
	struct trash *trash;
	char name[32];
	int n = 0;

	scratch_directory("busy/sub");
	busy = open("busy/sub", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fill("other", 100);
	trash = open_trash();
	cr_assert(eq(int, trash_put(trash, AT_FDCWD, "busy", &err), 0));
	cr_assert(eq(int, trash_put(trash, AT_FDCWD, "other", &err), 0));
	for (double until = now() + 0.5; now() < until; n++) {
		snprintf(name, sizeof(name), "%d", n);
		mknodat(busy, name, S_IFREG | 0600, 0);
	}
	trash_wake(trash);
	cr_expect(wait_for_count(trash, 0));
	trash_close(trash);
}

Test(trash, a_full_disk_is_no_obstacle)
{
	struct trash *trash;
	char name[300];

	/* A small ext4: directories need blocks there. */
	if (system("truncate -s 8M image && mkfs.ext4 -q -m 0 -N 4096 image && "
		   "mkdir full && mount -o loop image full") != 0)
		cr_skip_test("no loop devices");
	cr_assert(eq(int, mkdir("full/state", 0700), 0));
	close(state_fd);
	state_fd = open("full/state", O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 400; i++) {
		snprintf(name, sizeof(name), "full/tree%d", i);
		cr_assert(eq(int, mkdir(name, 0700), 0));
	}
	(void)system("cat /dev/zero >full/filler 2>/dev/null");
	for (int i = 0; i < 400; i++) {
		cleanup_fd int full = open("full", O_PATH | O_CLOEXEC);

		snprintf(name, sizeof(name), "tree%d", i);
		cr_assert(eq(int, trash_put_at(state_fd, full, name, &err), 0),
			  "%d: %s", i, err.text);
	}
	trash = open_trash();
	cr_expect(wait_for_count(trash, 0));
	trash_close(trash);
	close(state_fd);
	state_fd = -1;
	cr_expect(eq(int, umount("full"), 0));
}
