/* SPDX-License-Identifier: Apache-2.0 */
/* link.c - link(), symlink(), readlink(), unlink() */

#include "tests/posix/posix.h"

CASES(link, of_types, N_KINDS)
{
	about("link of a %s", kind_name(nth));
	put_kind("x", nth);
	DO(link("x", "y"));
	look("x");
	look("y");
	look("its_file");
	DO(linkat(AT_FDCWD, "x", AT_FDCWD, "z", AT_SYMLINK_FOLLOW));
	look("z");
	look("its_file");
	DO(linkat(AT_FDCWD, "x", AT_FDCWD, "z", 0x4000000));
	DO(link("x/", "slash"));
	DO(link("x", "slash/"));
	DO(unlink("x"));
	look("y");
}

CASES(link, onto_types, N_KINDS)
{
	about("link onto a %s", kind_name(nth));
	put("f", "");
	put_kind("x", nth);
	DO(link("f", "x"));
	look("f");
	look("x");
	DO(link("x", "x"));
	DO(link("f", "x/"));
	DO(link("f", "x/g"));
	look("f");
}

CASES(unlink, of_types, N_KINDS)
{
	about("unlink of a %s", kind_name(nth));
	put_kind("x", nth);
	DO(unlink("x/"));
	DO(unlink("x"));
	DO(unlink("x"));
	look("x");
	list(".");
}

CASE(link, counts)
{
	struct stat st;

	put("f", "x");
	for (int i = 0; i < 60; i++) {
		char name[16];

		snprintf(name, sizeof(name), "l%d", i);
		PREP(link("f", name));
	}
	look("f");
	look("l59");
	OK(unlink("f"));
	look("l0");
	for (int i = 0; i < 59; i++) {
		char name[16];

		snprintf(name, sizeof(name), "l%d", i);
		PREP(unlink(name));
	}
	PREP(stat("l59", &st));
	EXPECT(st.st_nlink == 1);
	see("l59");
}

CASE(link, names_one_inode)
{
	struct stat a, b;

	PREP(mkdir("d", 0755));
	put("f", "x");
	PREP(link("f", "d/g"));
	PREP(stat("f", &a));
	PREP(stat("d/g", &b));
	EXPECT(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	PREP(chmod("f", 0600));
	look("d/g");
	put("d/g", "longer");
	see("f");
	look("f");
	PREP(truncate("f", 2));
	look("d/g");
	see("d/g");
}

CASE(link, errors)
{
	put("f", "");
	PREP(mkdir("d", 0755));
	FAILS(ENOENT, link("no", "x"));
	FAILS(ENOENT, link("f", "no/x"));
	FAILS(ENOTDIR, link("f", "f/x"));
	FAILS(ENOTDIR, link("f/x", "y"));
	FAILS(EEXIST, link("f", "f"));
	FAILS(EEXIST, link("f", "d"));
	FAILS(EPERM, link("d", "e"));
	FAILS(ENOENT, link("", "x"));
	FAILS(ENOENT, link("f", ""));
	FAULTS(link(nowhere(), "x"));
	FAILS(EBADF, linkat(-1, "f", AT_FDCWD, "x", 0));
	FAILS(EEXIST, link("f", "."));
}

CASE(link, permissions)
{
	dir_as("ro", 0555, ALICE, STAFF);
	dir_as("rw", 0777, ALICE, STAFF);
	put_as("mine", 0600, ALICE, STAFF);
	put_as("theirs", 0600, BOB, GUESTS);
	put_as("open", 0666, BOB, GUESTS);
	become(ALICE, STAFF);
	FAILS(EACCES, link("mine", "ro/x"));
	OK(link("mine", "rw/x"));
	look("rw/x");
	DO(link("theirs", "rw/y"));
	DO(link("open", "rw/z"));
}

CASE(link, of_an_unlinked_file_fails)
{
	char path[64];
	int fd;

	put("f", "x");
	fd = FD(open("f", O_RDWR));
	PREP(unlink("f"));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	FAILS(ENOENT, linkat(AT_FDCWD, path, AT_FDCWD, "g", AT_SYMLINK_FOLLOW));
	FAILS(ENOENT, linkat(fd, "", AT_FDCWD, "g", AT_EMPTY_PATH));
	list(".");
}

CASE(link, by_descriptor)
{
	char path[64];
	int fd;

	put("f", "x");
	fd = FD(open("f", O_PATH));
	OK(linkat(fd, "", AT_FDCWD, "g", AT_EMPTY_PATH));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	OK(linkat(AT_FDCWD, path, AT_FDCWD, "h", AT_SYMLINK_FOLLOW));
	look("h");
	PREP(symlink("f", "l"));
	fd = FD(open("l", O_PATH | O_NOFOLLOW));
	OK(linkat(fd, "", AT_FDCWD, "l2", AT_EMPTY_PATH));
	look("l2");
	see_link("l2");
}

CASES(symlink, onto_types, N_KINDS)
{
	about("symlink onto a %s", kind_name(nth));
	put_kind("x", nth);
	DO(symlink("target", "x"));
	look("x");
	see_link("x");
	DO(symlink("target", "x/"));
	DO(symlink("target", "x/l"));
}

CASE(symlink, targets_are_kept_to_the_byte)
{
	static const size_t lengths[] = {
		1,   58,  59,	60,   61,   63,	  64,
		255, 256, 1023, 1024, 2048, 4094, 4095
	};
	char target[5000];

	for (size_t i = 0; i < N_OF(lengths); i++) {
		memset(target, 'a' + (int)i, sizeof(target));
		target[lengths[i]] = '\0';
		rec("%zu bytes", lengths[i]);
		DO(symlink(target, "l"));
		look("l");
		see_link("l");
		DO(unlink("l"));
	}
	memset(target, 'x', 4096);
	target[4096] = '\0';
	FAILS(ENAMETOOLONG, symlink(target, "l"));
	FAILS(ENOENT, symlink("", "l"));
	DO(symlink(" \t\n\xff\\\"'", "odd"));
	see_link("odd");
	DO(symlink("//a//../b/", "slashes"));
	see_link("slashes");
}

CASE(symlink, errors)
{
	put("f", "");
	dir_as("d", 0555, ALICE, STAFF);
	FAILS(ENOENT, symlink("x", ""));
	FAILS(ENOENT, symlink("x", "no/l"));
	FAILS(ENOTDIR, symlink("x", "f/l"));
	FAILS(EEXIST, symlink("x", "f"));
	FAILS(EEXIST, symlink("x", "."));
	FAULTS(symlink(nowhere(), "l"));
	become(ALICE, STAFF);
	FAILS(EACCES, symlink("x", "d/l"));
	umask(077);
	OK(symlink("x", "l"));
	look("l");
}

CASE(symlink, readlink_truncates_and_refuses)
{
	char buf[8];

	put("f", "");
	PREP(symlink("abcdefghij", "l"));
	OK(readlink("l", buf, 4));
	rec_bytes("first", buf, 4);
	FAILS(EINVAL, readlink("l", buf, 0));
	FAILS(EINVAL, readlink("f", buf, sizeof(buf)));
	FAILS(EINVAL, readlink(".", buf, sizeof(buf)));
	FAILS(ENOENT, readlink("no", buf, sizeof(buf)));
	FAILS(ENOENT, readlink("", buf, sizeof(buf)));
	FAILS(ENOTDIR, readlink("f/l", buf, sizeof(buf)));
	DO(readlink("l/", buf, sizeof(buf)));
	FAULTS(readlink("l", nowhere(), 8));
	DO(readlinkat(open("l", O_PATH | O_NOFOLLOW), "", buf, 8));
}

CASE(symlink, need_not_be_readable_but_reachable)
{
	char buf[8];

	dir_as("d", 0600, ALICE, STAFF);
	PREP(symlink("t", "d/l"));
	become(ALICE, STAFF);
	FAILS(EACCES, readlink("d/l", buf, 8));
	back();
	PREP(chmod("d", 0100));
	become(ALICE, STAFF);
	OK(readlink("d/l", buf, 8));
}

CASE(unlink, errors)
{
	put("f", "");
	dir_as("d", 0555, ALICE, STAFF);
	put_as("d/f", 0666, ALICE, STAFF);
	dir_as("e", 0666, ALICE, STAFF);
	put_as("e/f", 0666, ALICE, STAFF);
	FAILS(ENOENT, unlink(""));
	FAILS(ENOENT, unlink("no"));
	FAILS(ENOENT, unlink("no/x"));
	FAILS(ENOTDIR, unlink("f/x"));
	FAILS(ENOTDIR, unlink("f/"));
	FAILS(EISDIR, unlink("d"));
	FAILS(EISDIR, unlink("."));
	FAULTS(unlink(nowhere()));
	become(ALICE, STAFF);
	FAILS(EACCES, unlink("d/f"));
	FAILS(EACCES, unlink("e/f"));
	FAILS(ENOENT, unlink("d/no"));
	FAILS(EACCES, unlink("e/no"));
}
