/* SPDX-License-Identifier: Apache-2.0 */
/* mkdir.c - mkdir(), rmdir() and the link counts of directories */

#include "tests/posix/posix.h"

CASES(mkdir, onto_types, N_KINDS)
{
	about("mkdir onto a %s", kind_name(nth));
	put_kind("x", nth);
	DO(mkdir("x", 0755));
	look("x");
	DO(mkdir("x/below", 0755));
	look("x/below");
	look("its_dir/below");
	look("no_such");
}

CASES(rmdir, of_types, N_KINDS)
{
	about("rmdir of a %s", kind_name(nth));
	put_kind("x", nth);
	DO(rmdir("x"));
	look("x");
	DO(rmdir("x/."));
	DO(rmdir("x/.."));
	DO(unlinkat(AT_FDCWD, "x", AT_REMOVEDIR));
	DO(unlinkat(AT_FDCWD, "x", 0x8000));
	list(".");
}

CASE(mkdir, takes_mode_less_umask)
{
	static const mode_t masks[] = { 0, 022, 077, 0777 };
	static const mode_t perms[] = { 0, 0755, 0777, 01777, 02777, 04777 };

	for (size_t i = 0; i < N_OF(masks); i++) {
		for (size_t k = 0; k < N_OF(perms); k++) {
			umask(masks[i]);
			rec("umask %03o mode %04o", masks[i], perms[k]);
			OK(mkdir("d", perms[k]));
			look("d");
			OK(rmdir("d"));
		}
	}
}

CASE(mkdir, counts_links)
{
	struct stat st;

	PREP(mkdir("d", 0755));
	look("d");
	OK(mkdir("d/a", 0755));
	look("d");
	OK(mkdir("d/b", 0755));
	put("d/f", "");
	PREP(symlink("a", "d/l"));
	look("d");
	PREP(stat("d", &st));
	EXPECT(st.st_nlink == 4);
	OK(rmdir("d/a"));
	look("d");
	OK(rename("d/b", "b"));
	look("d");
	look("b");
	OK(rename("b", "d/b"));
	look("d");
}

CASE(mkdir, wrong_paths)
{
	put("f", "");
	FAILS(ENOENT, mkdir("", 0755));
	FAILS(EEXIST, mkdir(".", 0755));
	FAILS(EEXIST, mkdir("..", 0755));
	FAILS(EEXIST, mkdir("/", 0755));
	FAILS(ENOENT, mkdir("no/d", 0755));
	FAILS(ENOENT, mkdir("no/.", 0755));
	FAILS(ENOTDIR, mkdir("f/d", 0755));
	FAULTS(mkdir(nowhere(), 0755));
	OK(mkdir("d///", 0755));
	FAILS(EEXIST, mkdir("d/.", 0755));
	FAILS(EINVAL, rmdir("d/."));
	FAILS(EINVAL, rmdir("."));
	DO(rmdir(".."));
	FAILS(ENOTEMPTY, rmdir("d/.."));
	FAILS(ENOENT, rmdir(""));
	FAILS(EBUSY, rmdir("/"));
	FAILS(EISDIR, unlinkat(AT_FDCWD, "d", 0));
	FAILS(EISDIR, unlink("d"));
}

CASE(mkdir, needs_write_and_search)
{
	static const mode_t perms[] = { 0777, 0666, 0555, 0333, 0300, 0 };

	for (size_t i = 0; i < N_OF(perms); i++) {
		dir_as("d", perms[i], ALICE, STAFF);
		become(ALICE, STAFF);
		rec("mode %03o", perms[i]);
		DO(mkdir("d/x", 0755));
		look("d/x");
		DO(rmdir("d/x"));
		become(BOB, GUESTS);
		DO(mkdir("d/y", 0755));
		DO(rmdir("d/y"));
		back();
		PREP(rmdir("d"));
	}
}

CASE(rmdir, of_a_removed_directory_we_stand_in)
{
	char buf[4096];
	int fd;

	PREP(mkdir("d", 0755));
	PREP(chdir("d"));
	fd = FD(open(".", O_RDONLY | O_DIRECTORY));
	OK(rmdir("../d"));
	FAILS(ENOENT, open("f", O_CREAT | O_RDWR, 0600));
	FAILS(ENOENT, mkdir("x", 0755));
	FAILS(ENOENT, symlink("x", "l"));
	FAILS(ENOENT, mknod("n", S_IFIFO | 0600, 0));
	DO(open(".", O_TMPFILE | O_RDWR, 0600));
	FAILS(ENOENT, openat(fd, "f", O_CREAT | O_RDWR, 0600));
	FD(open(".", O_RDONLY));
	DO(access(".", R_OK));
	EXPECT(getcwd(buf, sizeof(buf)) == NULL);
	rec("getcwd %s", errname(errno));
	look_fd("removed", fd);
	DO(getdents64(fd, buf, sizeof(buf)));
	FAILS(ENOTEMPTY, rmdir(".."));
	FAILS(EINVAL, rmdir("."));
	OK(chdir(".."));
	look("d");
	DO(fchdir(fd));
	DO(fchmod(fd, 0700));
	look_fd("removed", fd);
}

CASE(rmdir, while_open_by_another)
{
	int fd;

	PREP(mkdir("d", 0755));
	fd = FD(open("d", O_RDONLY | O_DIRECTORY));
	OK(rmdir("d"));
	OK(mkdir("d", 0700));
	put("d/new", "");
	FAILS(ENOENT, faccessat(fd, "new", F_OK, 0));
	look_fd("old", fd);
	look("d");
	DO(fsync(fd));
}

CASE(mkdir, deep_tree)
{
	for (int i = 0; i < 150; i++) {
		PREP(mkdir("deep", 0755));
		PREP(chdir("deep"));
	}
	put("bottom", "x");
	see("bottom");
	look("../../deep");
	for (int i = 0; i < 150; i++)
		PREP(chdir(".."));
	look("deep");
}

CASE(mkdir, many_subdirectories_count)
{
	char name[] = "000";
	struct stat st;

	for (int i = 0; i < 200; i++) {
		name[0] = (char)('a' + i / 26);
		name[1] = (char)('a' + i % 26);
		PREP(mkdir(name, 0700));
	}
	PREP(stat(".", &st));
	rec("links %lu", (unsigned long)st.st_nlink);
	EXPECT(st.st_nlink == 202);
}
