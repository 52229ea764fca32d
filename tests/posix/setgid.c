/* SPDX-License-Identifier: Apache-2.0 */
/* setgid.c - what a setgid directory hands down */

#include "tests/posix/posix.h"

#include <sys/sysmacros.h>

static const struct {
	const char *name;
	uid_t uid;
	gid_t gid, group;
} actors[] = {
	{ "root", 0, 0, 0 },
	{ "member", ALICE, GUESTS, STAFF },
	{ "stranger", BOB, GUESTS, NOBODYS },
};

static void make_all(mode_t mode)
{
	rec("mode %04o", mode);
	FD(open("d/file", O_CREAT | O_RDWR, mode));
	look("d/file");
	DO(mkdir("d/dir", mode));
	look("d/dir");
	DO(mkdir("d/dir/dir", mode));
	look("d/dir/dir");
	DO(symlink("x", "d/link"));
	look("d/link");
	DO(mkfifo("d/fifo", mode));
	look("d/fifo");
	DO(mknod("d/sock", S_IFSOCK | mode, 0));
	look("d/sock");
	DO(mknod("d/char", S_IFCHR | mode, makedev(1, 3)));
	look("d/char");
	look_fd("tmp", open("d", O_TMPFILE | O_RDWR, mode));
}

static const mode_t perms[] = { 0755, 02755, 02775, 06777, 02644 };

CASES(setgid, inheritance, N_OF(actors) * N_OF(perms))
{
	size_t a = nth / N_OF(perms);

	about("creation by %s in a setgid directory", actors[a].name);
	dir_as("d", 02777, ALICE, STAFF);
	if (actors[a].uid)
		become_in(actors[a].uid, actors[a].gid, actors[a].group);
	make_all(perms[nth % N_OF(perms)]);
	DO(chmod("d/file", 02755));
	look("d/file");
	DO(chmod("d/dir", 0755));
	look("d/dir");
}

CASES(setgid, inheritance_under_umask, N_OF(actors))
{
	dir_as("d", 02777, ALICE, STAFF);
	if (actors[nth].uid)
		become_in(actors[nth].uid, actors[nth].gid, actors[nth].group);
	umask(027);
	make_all(02777);
}

CASE(setgid, renaming_changes_no_group)
{
	dir_as("d", 02777, ALICE, STAFF);
	become(BOB, GUESTS);
	PREP(mkdir("sub", 0755));
	put("f", "");
	OK(rename("f", "d/f"));
	OK(rename("sub", "d/sub"));
	OK(link("d/f", "d/g"));
	look("d/f");
	look("d/g");
	look("d/sub");
}

CASE(setgid, setuid_on_a_directory_means_nothing)
{
	dir_as("d", 04777, ALICE, STAFF);
	become(BOB, GUESTS);
	PREP(mkdir("d/sub", 0755));
	put("d/f", "");
	look("d/f");
	look("d/sub");
}
