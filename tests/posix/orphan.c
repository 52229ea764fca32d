/* SPDX-License-Identifier: Apache-2.0 */
/* orphan.c - files that are open but have no name any more */

#include "tests/posix/posix.h"

#include <sys/mman.h>
#include <sys/xattr.h>

CASE(orphan, lives_until_closed)
{
	char buf[16] = "";
	struct stat st;
	int fd;

	put("f", "before");
	fd = FD(open("f", O_RDWR));
	OK(unlink("f"));
	look("f");
	look_fd("orphan", fd);
	PREP(fstat(fd, &st));
	EXPECT(st.st_nlink == 0);
	OK(read(fd, buf, sizeof(buf)));
	rec_bytes("orphan", buf, 6);
	OK(pwrite(fd, "after", 5, 100));
	look_fd("orphan", fd);
	OK(ftruncate(fd, 3));
	OK(fchmod(fd, 0600));
	OK(fchown(fd, ALICE, STAFF));
	OK(fsync(fd));
	OK(fallocate(fd, 0, 0, 4096));
	OK(fsetxattr(fd, "user.a", "v", 1, 0));
	look_fd("orphan", fd);
	OK(close(fd));
}

CASE(orphan, its_name_can_be_used_again)
{
	char buf[16];
	struct stat a, b;
	int old, new;

	put("f", "old");
	old = FD(open("f", O_RDWR));
	OK(unlink("f"));
	put("f", "new!");
	new = FD(open("f", O_RDWR));
	PREP(fstat(old, &a));
	PREP(fstat(new, &b));
	EXPECT(a.st_ino != b.st_ino);
	OK(write(old, "OLD", 3));
	see("f");
	OK(pread(old, buf, sizeof(buf), 0));
	look_fd("old", old);
	look("f");
}

CASE(orphan, other_names_remain)
{
	int fd;

	put("f", "x");
	PREP(link("f", "g"));
	fd = FD(open("f", O_RDWR));
	OK(unlink("f"));
	look_fd("open", fd);
	OK(write(fd, "yz", 2));
	see("g");
	OK(unlink("g"));
	look_fd("open", fd);
}

CASE(orphan, survives_in_a_child)
{
	struct gate g;
	pid_t pid;
	int fd;

	gate_open(&g);
	put("f", "");
	fd = FD(open("f", O_RDWR));
	pid = start();
	if (!pid) {
		gate_enter(&g);
		_exit(write(fd, "child", 5) == 5 ? 0 : 1);
	}
	OK(unlink("f"));
	gate_go(&g);
	ended("child", pid);
	look_fd("orphan", fd);
	char buf[8] = "";
	OK(pread(fd, buf, 5, 0));
	rec_bytes("read", buf, 5);
}

CASE(orphan, mapping_outlives_name_and_descriptor)
{
	char *p;
	int fd;

	put("f", "mapped");
	fd = FD(open("f", O_RDWR));
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	PREP(p == MAP_FAILED ? -1 : 0);
	OK(unlink("f"));
	OK(close(fd));
	rec_bytes("map", p, 6);
	p[0] = 'M';
	OK(msync(p, 4096, MS_SYNC));
	rec_bytes("map", p, 6);
	OK(munmap(p, 4096));
}

CASE(orphan, reopened_through_proc)
{
	char link[64];
	int fd, again;

	put("f", "x");
	fd = FD(open("f", O_RDWR));
	PREP(unlink("f"));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	again = FD(open(link, O_RDWR));
	OK(write(again, "new", 3));
	look_fd("again", fd);
	OK(close(fd));
	look_fd("again", again);
	OK(fchmod(again, 0400));
	look_fd("again", again);
	see(link);
	DO(chmod(link, 0600));
}

CASE(orphan, other_types)
{
	int fd;

	PREP(mkfifo("p", 0600));
	fd = FD(open("p", O_RDWR | O_NONBLOCK));
	OK(unlink("p"));
	OK(write(fd, "x", 1));
	OK(read(fd, (char[1]){ 0 }, 1));
	look_fd("fifo", fd);
	PREP(symlink("x", "l"));
	fd = FD(open("l", O_PATH | O_NOFOLLOW));
	OK(unlink("l"));
	look_fd("link", fd);
	DO(readlinkat(fd, "", (char[8]){ 0 }, 8));
	PREP(mkdir("d", 0755));
	fd = FD(open("d", O_RDONLY));
	OK(rmdir("d"));
	look_fd("dir", fd);
	DO(fchmod(fd, 0700));
	DO(futimens(fd, NULL));
	DO(fsetxattr(fd, "user.a", "v", 1, 0));
}

CASE(orphan, two_hundred_at_once)
{
	int fds[200];
	bool right = true;
	char buf[8];

	for (int i = 0; i < 200; i++) {
		fds[i] = open("f", O_CREAT | O_EXCL | O_RDWR, 0600);
		snprintf(buf, sizeof(buf), "%d", i);
		right &= write(fds[i], buf, 8) == 8 && unlink("f") == 0;
	}
	for (int i = 0; i < 200; i++)
		right &= pread(fds[i], buf, 8, 0) == 8 && atoi(buf) == i;
	EXPECT(right);
	list(".");
}
