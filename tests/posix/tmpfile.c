/* SPDX-License-Identifier: Apache-2.0 */
/* tmpfile.c - O_TMPFILE, and naming what has no name */

#include "tests/posix/posix.h"

static int name_it(int fd, const char *path)
{
	char link[64];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, link, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

CASE(tmpfile, has_no_name_and_no_link)
{
	int fd = FD(open(".", O_TMPFILE | O_RDWR, 0640));

	look_fd("tmp", fd);
	list(".");
	OK(write(fd, "abc", 3));
	look_fd("tmp", fd);
	OK(ftruncate(fd, 1));
	look_fd("tmp", fd);
}

CASE(tmpfile, can_be_given_a_name)
{
	int fd = FD(open(".", O_TMPFILE | O_RDWR, 0640));

	OK(write(fd, "abc", 3));
	OK(name_it(fd, "f"));
	look("f");
	look_fd("tmp", fd);
	see("f");
	FAILS(EEXIST, name_it(fd, "f"));
	OK(name_it(fd, "g"));
	look("f");
	close(fd);
	list(".");
	see("g");
}

CASE(tmpfile, empty_path_names_it_too)
{
	int fd = FD(open(".", O_TMPFILE | O_WRONLY, 0600));

	OK(write(fd, "abc", 3));
	OK(linkat(fd, "", AT_FDCWD, "f", AT_EMPTY_PATH));
	see("f");
}

CASE(tmpfile, exclusive_stays_nameless)
{
	int fd = FD(open(".", O_TMPFILE | O_EXCL | O_RDWR, 0640));

	FAILS(ENOENT, name_it(fd, "f"));
	list(".");
}

CASE(tmpfile, wrong_uses)
{
	put("f", "");
	FAILS(EINVAL, open(".", O_TMPFILE | O_RDONLY, 0600));
	FAILS(ENOTDIR, open("f", O_TMPFILE | O_RDWR, 0600));
	FAILS(ENOENT, open("no", O_TMPFILE | O_RDWR, 0600));
	dir_as("d", 0555, ALICE, STAFF);
	become(ALICE, STAFF);
	FAILS(EACCES, open("d", O_TMPFILE | O_RDWR, 0600));
}

CASE(tmpfile, belongs_to_the_caller)
{
	int fd;

	dir_as("d", 02777, BOB, GUESTS);
	become(ALICE, STAFF);
	umask(027);
	fd = FD(open("d", O_TMPFILE | O_RDWR, 0666));
	look_fd("tmp", fd);
	OK(name_it(fd, "d/f"));
	look("d/f");
	fd = FD(open(".", O_TMPFILE | O_RDWR, 0777));
	look_fd("tmp", fd);
}

CASE(tmpfile, many_are_apart)
{
	int fds[50];
	char c = 0;
	bool apart = true;

	for (int i = 0; i < 50; i++) {
		fds[i] = open(".", O_TMPFILE | O_RDWR, 0600);
		c = (char)i;
		apart &= fds[i] >= 0 && write(fds[i], &c, 1) == 1;
	}
	for (int i = 0; i < 50; i++)
		apart &= pread(fds[i], &c, 1, 0) == 1 && c == i;
	EXPECT(apart);
}

CASE(tmpfile, link_permissions)
{
	int fd;

	dir_as("d", 0755, ALICE, STAFF);
	become(BOB, STAFF);
	fd = FD(open(".", O_TMPFILE | O_RDWR, 0600));
	FAILS(EACCES, name_it(fd, "d/f"));
	DO(linkat(fd, "", AT_FDCWD, "f", AT_EMPTY_PATH));
	OK(name_it(fd, "f2"));
	look("f2");
}
