/* SPDX-License-Identifier: Apache-2.0 */
/* scratch.c - a place of its own for a test that works on real filesystems */
#include "tests/unit/scratch.h"

#include "store/base/cleanup.h"
#include "store/base/path.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define SCRATCH_DIR "/mnt"

const char *scratch_enter(void)
{
	if (geteuid() != 0)
		cr_skip_test("needs root");
	cr_assert(eq(int, unshare(CLONE_NEWNS), 0));
	cr_assert(eq(int, mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL),
		     0));
	/* Nothing but this process sees it, so its place does not matter. */
	cr_assert(eq(int, mount("scratch", SCRATCH_DIR, "tmpfs", 0, NULL), 0));
	cr_assert(eq(int, chdir(SCRATCH_DIR), 0));
	return SCRATCH_DIR;
}

void scratch_file(const char *path, const char *text)
{
	cleanup_fd int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	cr_assert(ge(int, fd, 0), "cannot make %s: %m", path);
	cr_assert(eq(sz, (size_t)write(fd, text, strlen(text)), strlen(text)));
}

void scratch_directory(const char *path)
{
	cleanup_fd int fd = path_make_directories(AT_FDCWD, path, 0755);

	cr_assert(ge(int, fd, 0), "cannot make %s", path);
}
