/* SPDX-License-Identifier: Apache-2.0 */
/* fd.c - descriptors: duplicates, offsets, readiness, current directories */

#include "tests/posix/posix.h"

#include <linux/openat2.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>

CASE(fd, duplicates_share_the_offset)
{
	char c;
	int a, b, other;

	put("f", "0123456789");
	a = FD(open("f", O_RDWR));
	b = dup(a);
	other = FD(open("f", O_RDWR));
	OK(lseek(a, 5, SEEK_SET));
	OK(lseek(b, 0, SEEK_CUR));
	OK(read(b, &c, 1));
	OK(lseek(a, 0, SEEK_CUR));
	OK(lseek(other, 0, SEEK_CUR));
	OK(pread(a, &c, 1, 0));
	OK(lseek(b, 0, SEEK_CUR));
	OK(close(a));
	OK(read(b, &c, 1));
	FAILS(EBADF, read(a, &c, 1));
	FAILS(EBADF, close(a));
	OK(dup2(b, a));
	OK(lseek(a, 0, SEEK_CUR));
}

CASE(fd, children_share_the_offset)
{
	pid_t pid;
	int fd = FD(open("f", O_CREAT | O_RDWR, 0600));

	OK(write(fd, "parent ", 7));
	pid = start();
	if (!pid)
		_exit(write(fd, "child ", 6) == 6 ? 0 : 1);
	ended("child", pid);
	OK(lseek(fd, 0, SEEK_CUR));
	OK(write(fd, "parent", 6));
	see("f");
}

CASE(fd, status_flags)
{
	static const int set[] = { 0,	      O_APPEND, O_NONBLOCK,
				   O_NOATIME, O_SYNC,	O_APPEND | O_ASYNC };
	int fd = FD(open("f", O_CREAT | O_RDWR, 0600));

	for (size_t i = 0; i < N_OF(set); i++) {
		DO(fcntl(fd, F_SETFL, set[i]));
		rec("%o", fcntl(fd, F_GETFL) & ~O_LARGEFILE);
	}
	fd = FD(open("f", O_WRONLY | O_APPEND | O_SYNC | O_CLOEXEC));
	rec("%o", fcntl(fd, F_GETFL) & ~O_LARGEFILE);
	rec("%o", fcntl(fd, F_GETFD));
	DO(fcntl(fd, F_GETPIPE_SZ));
	DO(fcntl(fd, F_GET_SEALS));
}

CASE(fd, regular_files_are_always_ready)
{
	struct epoll_event e = { .events = EPOLLIN };
	struct pollfd p = { .events = POLLIN | POLLOUT | POLLPRI };
	fd_set set;
	int fd, ep = epoll_create1(EPOLL_CLOEXEC);

	put("f", "x");
	fd = p.fd = FD(open("f", O_RDWR));
	OK(poll(&p, 1, 0));
	rec("poll %x", p.revents);
	FD_ZERO(&set);
	FD_SET(fd, &set);
	OK(select(fd + 1, &set, NULL, NULL, &(struct timeval){ 0, 0 }));
	p.fd = FD(open(".", O_RDONLY));
	DO(poll(&p, 1, 0));
	rec("poll of a directory %x", p.revents);
	FAILS(EPERM, epoll_ctl(ep, EPOLL_CTL_ADD, p.fd, &e));
}

static void rec_cwd(void)
{
	char buf[4096];
	const char *mine;

	if (!getcwd(buf, sizeof(buf))) {
		rec("getcwd = %s", errname(errno));
		return;
	}
	/* What leads to the scratch directory is not compared. */
	mine = strstr(buf, "/posix-suite.");
	mine = mine ? strchr(mine + 1, '/') : buf;
	rec("cwd %s", mine ? mine : "at the top");
}

CASE(fd, current_directory)
{
	int fd, path;

	PREP(mkdir("d", 0755));
	PREP(mkdir("d/e", 0755));
	PREP(symlink("d/e", "l"));
	put("f", "");
	fd = FD(open("d", O_RDONLY));
	path = FD(open("d/e", O_PATH));
	rec_cwd();
	OK(chdir("l"));
	rec_cwd();
	OK(fchdir(fd));
	rec_cwd();
	OK(fchdir(path));
	rec_cwd();
	OK(rename("../../d", "../../moved"));
	rec_cwd();
	OK(chdir(".."));
	rec_cwd();
	OK(chdir(".."));
	FAILS(ENOTDIR, chdir("f"));
	FAILS(ENOENT, chdir("no"));
	FAILS(ENOENT, chdir(""));
	FAILS(ENOTDIR, chdir("f/x"));
	FAILS(EBADF, fchdir(-1));
	FAILS(ENOTDIR, fchdir(open("f", O_RDONLY)));
	dir_as("shut", 0666, ALICE, STAFF);
	become(ALICE, STAFF);
	FAILS(EACCES, chdir("shut"));
	FAILS(EACCES, fchdir(open("shut", O_RDONLY)));
	FAILS(EACCES, fchdir(open("shut", O_PATH)));
	EXPECT(getcwd((char[2]){ 0 }, 2) == NULL && errno == ERANGE);
}

static int open2(int dir, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = { .flags = flags,
				.mode = flags & O_CREAT ? 0600 : 0,
				.resolve = resolve };

	int fd;

	/* Any rename on the machine meanwhile makes ".." unsafe: again. */
	for (int i = 0; i < 1000; i++) {
		fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
		if (fd >= 0 || errno != EAGAIN || resolve & RESOLVE_CACHED)
			break;
	}
	return fd;
}

CASE(fd, openat2_resolution)
{
	int d;

	PREP(mkdir("d", 0755));
	PREP(mkdir("d/e", 0755));
	put("d/f", "");
	put("out", "");
	PREP(symlink("../out", "d/escape"));
	PREP(symlink("f", "d/inside"));
	PREP(symlink("/etc/passwd", "d/absolute"));
	d = FD(open("d", O_PATH));
	OK(open2(d, "f", O_RDONLY, RESOLVE_BENEATH));
	OK(open2(d, "e/../f", O_RDONLY, RESOLVE_BENEATH));
	OK(open2(d, "inside", O_RDONLY, RESOLVE_BENEATH));
	FAILS(EXDEV, open2(d, "../out", O_RDONLY, RESOLVE_BENEATH));
	FAILS(EXDEV, open2(d, "escape", O_RDONLY, RESOLVE_BENEATH));
	FAILS(EXDEV, open2(d, "absolute", O_RDONLY, RESOLVE_BENEATH));
	FAILS(ENOENT, open2(d, "absolute", O_RDONLY, RESOLVE_IN_ROOT));
	FAILS(ENOENT, open2(d, "escape", O_RDONLY, RESOLVE_IN_ROOT));
	FAILS(ELOOP, open2(d, "inside", O_RDONLY, RESOLVE_NO_SYMLINKS));
	OK(open2(d, "f", O_RDONLY, RESOLVE_NO_XDEV));
	OK(open2(d, "new", O_RDWR | O_CREAT, RESOLVE_BENEATH));
	FAILS(EINVAL, open2(d, "f", 1U << 30, 0));
	/* Cached lookups may say EAGAIN, but nothing else. */
	EXPECT(open2(d, "f", O_RDONLY, RESOLVE_CACHED) >= 0 || errno == EAGAIN);
}

CASE(fd, inherited_over_exec_or_closed)
{
	char arg[128];
	pid_t pid;
	int keep, lose;

	put("f", "kept");
	keep = FD(open("f", O_RDONLY));
	lose = FD(open("f", O_RDONLY | O_CLOEXEC));
	snprintf(arg, sizeof(arg), "test \"$(cat <&%d)\" = kept && ! cat <&%d",
		 keep, lose);
	pid = start();
	if (!pid) {
		close(2);
		execl("/bin/sh", "sh", "-c", arg, NULL);
		_exit(99);
	}
	ended("shell", pid);
}

CASE(fd, limits_of_many_open_files)
{
	static int fds[600];
	int bad = 0;
	char name[16], c;

	for (int i = 0; i < 600; i++) {
		snprintf(name, sizeof(name), "f%d", i % 20);
		fds[i] = open(name, O_CREAT | O_RDWR, 0600);
		c = (char)(i % 20);
		bad += fds[i] < 0 || pwrite(fds[i], &c, 1, 0) != 1;
	}
	for (int i = 599; i >= 0; i--)
		bad += pread(fds[i], &c, 1, 0) != 1 || c != i % 20;
	EXPECT(bad == 0);
}
