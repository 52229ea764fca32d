/* SPDX-License-Identifier: Apache-2.0 */
/* pidfile.c - a file that names the daemon's process, locked while it lives */
#include "tools/podvolsd/pidfile.h"

#include "store/base/cleanup.h"
#include "store/base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

static int refuse(int fd, struct error *err)
{
	char text[32] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? strspn(text, "0123456789") : 0] = '\0';
	return error_set(
		err, -EADDRINUSE,
		"served by process %s: stop it, or give this daemon another --socket",
		text[0] ? text : "of unknown number, which is starting");
}

/* Did its last owner remove it between our open and our lock? */
static int is_same_file(const char *path, int fd)
{
	struct stat by_path;
	struct stat by_fd;

	return stat(path, &by_path) == 0 && fstat(fd, &by_fd) == 0 &&
	       by_path.st_dev == by_fd.st_dev && by_path.st_ino == by_fd.st_ino;
}

static int write_pid(int fd)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	errno = ENOSPC; /* what a short write means */
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) != n)
		return -errno;
	return 0;
}

int pidfile_open(const char *path, int *ret_fd, struct error *err)
{
	for (;;) {
		cleanup_fd int fd = -1;

		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
			  0644);
		if (fd < 0)
			return error_set(err, -errno,
					 "cannot open pid file '%s': %m", path);
		if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
			if (errno == EWOULDBLOCK)
				return refuse(fd, err);
			return error_set(err, -errno,
					 "cannot lock pid file '%s': %m", path);
		}
		if (!is_same_file(path, fd))
			continue;
		if (write_pid(fd) < 0)
			return error_set(err, -errno,
					 "cannot write pid file '%s': %m",
					 path);
		*ret_fd = steal_fd(&fd);
		return 0;
	}
}
