/* SPDX-License-Identifier: Apache-2.0 */
/* test_subpath.c - a subPath is right, or it is not there */
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/subpath.h"
#include "tests/unit/scratch.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#define RACES	     10000
#define RACE_SECONDS 20

static int dir_fd;
static struct error err;

static void setup(void)
{
	scratch_enter();
	scratch_directory("vol");
	scratch_directory("outside/secret");
	scratch_directory("pod");
	dir_fd = open("pod", O_PATH | O_DIRECTORY | O_CLOEXEC);
	umask(022);
}

static void teardown(void)
{
	close(dir_fd);
}

TestSuite(subpath, .init = setup, .fini = teardown, .timeout = 120);

static int bind_to(const char *sub_path, const char *target)
{
	return subpath_bind("/mnt/vol", sub_path, dir_fd, target, &err);
}

static bool same(const char *a, const char *b)
{
	struct stat sa;
	struct stat sb;

	return stat(a, &sa) == 0 && stat(b, &sb) == 0 &&
	       sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

static int count_mounts(void)
{
	cleanup_file FILE *f = fopen("/proc/self/mountinfo", "r");
	int n = 0;
	int c;

	while ((c = fgetc(f)) != EOF)
		n += c == '\n';
	return n;
}

Test(subpath, an_existing_directory_is_bound)
{
	scratch_directory("vol/a/b");
	scratch_file("vol/a/b/hello", "x");
	cr_assert(eq(int, bind_to("a/b", "sub/cache/web/0"), 0), "%s",
		  err.text);
	cr_expect(same("pod/sub/cache/web/0", "vol/a/b"));
	cr_expect(eq(int, access("pod/sub/cache/web/0/hello", F_OK), 0));
}

Test(subpath, missing_components_get_the_mode_of_the_root)
{
	struct stat st;

	cr_assert(eq(int, chown("vol", 0, 77), 0));
	cr_assert(eq(int, chmod("vol", 03770), 0));
	cr_assert(eq(int, bind_to("a/b/c", "t/0"), 0), "%s", err.text);
	for (const char *const *p = (const char *const[]){ "vol/a", "vol/a/b",
							   "vol/a/b/c", NULL };
	     *p; p++) {
		cr_assert(eq(int, stat(*p, &st), 0));
		cr_expect(eq(u32, st.st_mode & 07777, 03770), "%s", *p);
		cr_expect(eq(u32, st.st_uid, 0));
		cr_expect(eq(u32, st.st_gid, 77));
	}
	cr_expect(same("pod/t/0", "vol/a/b/c"));
}

Test(subpath, what_exists_on_the_way_keeps_its_mode)
{
	struct stat st;

	cr_assert(eq(int, chmod("vol", 0777), 0));
	cr_assert(eq(int, mkdir("vol/a", 0700), 0));
	cr_assert(eq(int, bind_to("a/b", "t/0"), 0));
	cr_assert(eq(int, stat("vol/a", &st), 0));
	cr_expect(eq(u32, st.st_mode & 07777, 0700));
}

Test(subpath, files_sockets_and_fifos_are_bound_on_a_file)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX,
				    .sun_path = "vol/socket" };
	cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	cr_assert(eq(int, bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0));
	scratch_file("vol/file", "text");
	cr_assert(eq(int, mkfifo("vol/fifo", 0600), 0));
	cr_expect(eq(int, bind_to("file", "t/0"), 0));
	cr_expect(eq(int, bind_to("socket", "t/1"), 0));
	cr_expect(eq(int, bind_to("fifo", "t/2"), 0));
	cr_expect(same("pod/t/0", "vol/file"));
	cr_expect(same("pod/t/1", "vol/socket"));
	cr_expect(same("pod/t/2", "vol/fifo"));
}

Test(subpath, dot_and_slashes_mean_what_they_mean)
{
	scratch_directory("vol/a");
	cr_expect(eq(int, bind_to(".", "t/0"), 0));
	cr_expect(same("pod/t/0", "vol"));
	cr_expect(eq(int, bind_to("./a//", "t/1"), 0));
	cr_expect(same("pod/t/1", "vol/a"));
	cr_expect(eq(int, bind_to("./new/./x/", "t/2"), 0));
	cr_expect(same("pod/t/2", "vol/new/x"));
}

Test(subpath, absolute_paths_and_dotdot_are_refused)
{
	cr_expect(eq(int, bind_to("/etc", "t/0"), -EINVAL));
	cr_expect(eq(int, bind_to("a/../../outside", "t/0"), -EINVAL));
	cr_expect(eq(int, bind_to("..", "t/0"), -EINVAL));
	cr_expect(eq(int, access("vol/a", F_OK), -1));
	cr_expect(eq(int, access("pod/t", F_OK), -1));
}

Test(subpath, a_link_within_the_volume_is_followed)
{
	scratch_directory("vol/real/deep");
	scratch_directory("vol/x");
	cr_assert(eq(int, symlink("../real", "vol/x/link"), 0));
	cr_expect(eq(int, bind_to("x/link/deep", "t/0"), 0), "%s", err.text);
	cr_expect(same("pod/t/0", "vol/real/deep"));
	cr_expect(eq(int, bind_to("x/link/new", "t/1"), 0));
	cr_expect(same("pod/t/1", "vol/real/new"));
}

Test(subpath, a_link_that_leaves_the_volume_is_refused_without_a_host_path)
{
	cr_assert(eq(int, symlink("/mnt/outside", "vol/absolute"), 0));
	cr_assert(eq(int, symlink("../outside", "vol/relative"), 0));
	cr_expect(eq(int, bind_to("absolute", "t/0"), -EXDEV));
	cr_expect(eq(int, bind_to("absolute/secret", "t/0"), -EXDEV));
	cr_expect(eq(int, bind_to("relative/secret", "t/0"), -EXDEV));
	cr_expect(eq(int, bind_to("relative/new", "t/0"), -EXDEV));
	cr_expect(eq(ptr, strstr(err.text, "/mnt"), NULL));
	cr_expect(ne(ptr, strstr(err.text, "relative/new"), NULL));
	cr_expect(eq(int, access("outside/new", F_OK), -1));
	cr_expect(eq(int, access("pod/t", F_OK), -1));
}

Test(subpath, a_link_that_leads_nowhere_is_refused_and_makes_nothing)
{
	cr_assert(eq(int, symlink("gone", "vol/link"), 0));
	cr_expect(lt(int, bind_to("link", "t/0"), 0));
	cr_expect(lt(int, bind_to("link/below", "t/0"), 0));
	cr_expect(eq(int, access("vol/gone", F_OK), -1));
}

Test(subpath, a_file_on_the_way_or_as_the_volume_is_refused)
{
	scratch_file("vol/file", "x");
	cr_expect(eq(int, bind_to("file/below", "t/0"), -ENOTDIR));
	cr_expect(eq(int,
		     subpath_bind("/mnt/vol/file", "a", dir_fd, "t/0", &err),
		     -ENOTDIR));
}

Test(subpath, names_that_are_too_long_are_refused)
{
	char name[5000];

	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	cr_expect(eq(int, bind_to(name, "t/0"), -ENAMETOOLONG));
	name[256] = '\0';
	cr_expect(eq(int, bind_to(name, "t/0"), -ENAMETOOLONG));
}

Test(subpath, binding_again_keeps_the_bind)
{
	struct statx before;
	struct statx after;

	cr_assert(eq(int, bind_to("a", "t/0"), 0));
	statx(AT_FDCWD, "pod/t/0", 0, STATX_MNT_ID, &before);
	cr_assert(eq(int, bind_to("a", "t/0"), 0));
	statx(AT_FDCWD, "pod/t/0", 0, STATX_MNT_ID, &after);
	cr_expect(eq(u64, before.stx_mnt_id, after.stx_mnt_id));
}

Test(subpath, a_bind_of_something_else_is_replaced)
{
	int mounts = count_mounts();

	cr_assert(eq(int, bind_to("a", "t/0"), 0));
	cr_assert(eq(int, rmdir("vol/a"), 0));
	cr_assert(eq(int, bind_to("a", "t/0"), 0), "%s", err.text);
	cr_expect(same("pod/t/0", "vol/a"));
	scratch_file("vol/file", "x");
	cr_assert(eq(int, bind_to("file", "t/0"), 0), "%s", err.text);
	cr_expect(same("pod/t/0", "vol/file"));
	cr_assert(eq(int, bind_to("b", "t/0"), 0), "%s", err.text);
	cr_expect(same("pod/t/0", "vol/b"));
	cr_expect(eq(int, count_mounts(), mounts + 1));
}

Test(subpath, a_link_planted_at_the_target_is_not_followed)
{
	cr_assert(eq(int, symlink("/mnt/outside", "pod/t"), 0));
	cr_expect(lt(int, bind_to("a", "t/0"), 0));
	cr_expect(eq(int, access("outside/0", F_OK), -1));
}

Test(subpath, unbinding_unmounts_all_and_touches_nothing_of_the_volume)
{
	int mounts = count_mounts();

	scratch_file("vol/file", "x");
	cr_assert(eq(int, bind_to("a/b", "sub/cache/web/0"), 0));
	cr_assert(eq(int, bind_to("a", "sub/cache/web/1"), 0));
	cr_assert(eq(int, bind_to("file", "sub/cache/db/0"), 0));
	cr_assert(eq(int, bind_to(".", "sub/other/db/1"), 0));
	scratch_file("vol/a/b/data", "x");
	cr_assert(eq(int, subpath_unbind_all(dir_fd, "sub", &err), 0), "%s",
		  err.text);
	cr_expect(eq(int, access("pod/sub", F_OK), -1));
	cr_expect(eq(int, access("vol/a/b/data", F_OK), 0));
	cr_expect(eq(int, access("vol/file", F_OK), 0));
	cr_expect(eq(int, count_mounts(), mounts));
}

Test(subpath, unbinding_nothing_is_success)
{
	cr_expect(eq(int, subpath_unbind_all(dir_fd, "sub", &err), 0));
	cr_expect(eq(int, subpath_unbind_all(dir_fd, "none/sub", &err), 0));
}

Test(subpath, unbinding_works_while_the_bind_is_in_use_or_its_directory_gone)
{
	cleanup_fd int fd = -1;

	cr_assert(eq(int, bind_to("a", "sub/0"), 0));
	cr_assert(eq(int, bind_to("b", "sub/1"), 0));
	fd = open("pod/sub/0", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert(eq(int, rmdir("vol/b"), 0));
	cr_expect(eq(int, subpath_unbind_all(dir_fd, "sub", &err), 0), "%s",
		  err.text);
	cr_expect(eq(int, access("pod/sub", F_OK), -1));
	cr_expect(eq(int, access("vol/a", F_OK), 0));
}

Test(subpath, unbinding_removes_no_file_that_holds_something)
{
	scratch_directory("pod/sub/x");
	scratch_file("pod/sub/x/precious", "text");
	cr_expect(lt(int, subpath_unbind_all(dir_fd, "sub", &err), 0));
	cr_expect(eq(int, access("pod/sub/x/precious", F_OK), 0));
}

/* Exchange the component with a link to elsewhere as fast as it goes. */
static pid_t start_swapper(const char *a, const char *b)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
	}
	cr_assert(gt(int, pid, 0));
	return pid;
}

struct outcome {
	int bound;
	int refused;
};

/* Bind again and again; only the file with this inode number is right. */
static struct outcome race(const char *sub_path, int tries, ino_t right)
{
	time_t end = time(NULL) + RACE_SECONDS;
	struct outcome ret = { .bound = 0 };
	struct stat st;

	for (int i = 0; i < tries && time(NULL) < end; i++) {
		if (bind_to(sub_path, "sub/0") < 0) {
			ret.refused++;
			continue;
		}
		ret.bound++;
		cr_assert(eq(int, stat("pod/sub/0", &st), 0));
		cr_assert(eq(u64, st.st_ino, right),
			  "something else was bound in try %d", i);
		/* Now and then from the start: not always the kept bind. */
		if (i % 4 == 0)
			cr_assert(eq(int,
				     subpath_unbind_all(dir_fd, "sub", &err),
				     0));
	}
	return ret;
}

static ino_t inode_of(const char *path)
{
	struct stat st;

	cr_assert(eq(int, stat(path, &st), 0));
	return st.st_ino;
}

Test(subpath, exchanging_a_component_for_a_link_loses_ten_thousand_times)
{
	struct outcome outcome;
	ino_t right;
	pid_t pid;

	scratch_directory("vol/inside/data");
	scratch_directory("outside/data");
	cr_assert(eq(int, symlink("/mnt/outside", "vol/bait"), 0));
	right = inode_of("vol/inside/data");
	pid = start_swapper("vol/inside", "vol/bait");
	outcome = race("inside/data", RACES, right);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	cr_expect(gt(int, outcome.bound, 0));
	cr_expect(gt(int, outcome.refused, 0));
}

Test(subpath, exchanging_the_last_component_for_a_link_loses_too)
{
	struct outcome outcome;
	ino_t right;
	pid_t pid;

	scratch_directory("vol/inside");
	cr_assert(eq(int, symlink("../outside", "vol/bait"), 0));
	right = inode_of("vol/inside");
	pid = start_swapper("vol/inside", "vol/bait");
	outcome = race("inside", RACES / 4, right);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	cr_expect(gt(int, outcome.bound, 0));
	cr_expect(gt(int, outcome.refused, 0));
}

Test(subpath, nothing_is_made_outside_while_a_component_is_exchanged)
{
	char name[64];
	pid_t pid;

	scratch_directory("vol/inside");
	scratch_directory("empty");
	cr_assert(eq(int, symlink("/mnt/empty", "vol/bait"), 0));
	pid = start_swapper("vol/inside", "vol/bait");
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "inside/%d/x", i);
		(void)bind_to(name, "sub/0");
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	cr_expect(eq(int, rmdir("empty"), 0), "something was made outside: %m");
}
