/* SPDX-License-Identifier: Apache-2.0 */
/* access.c - access() and the permission matrix by mode bits */

#include "tests/posix/posix.h"

#include <sys/fsuid.h>

static const struct {
	const char *name;
	uid_t uid;
	gid_t gid, group;
} actors[] = {
	{ "root", 0, 0, 0 },
	{ "owner", ALICE, GUESTS, NOBODYS },
	{ "owner in the group", ALICE, STAFF, NOBODYS },
	{ "group member", BOB, STAFF, NOBODYS },
	{ "supplementary member", BOB, GUESTS, STAFF },
	{ "other", BOB, GUESTS, NOBODYS },
};

static void act(unsigned int a)
{
	if (actors[a].uid)
		become_in(actors[a].uid, actors[a].gid, actors[a].group);
}

static const mode_t modes[] = { 0,    0100, 0200, 0400, 0010, 0020,
				0040, 0001, 0002, 0004, 0077, 0707,
				0770, 0777, 0755, 0640, 0611, 0444 };

CASES(access, file_by_actor, N_OF(actors))
{
	about("a file by %s", actors[nth].name);
	for (size_t i = 0; i < N_OF(modes); i++) {
		put_as("f", modes[i], ALICE, STAFF);
		act(nth);
		rec("mode %03o", modes[i]);
		DO(access("f", F_OK));
		DO(access("f", R_OK));
		DO(access("f", W_OK));
		DO(access("f", X_OK));
		DO(access("f", R_OK | W_OK | X_OK));
		DO(faccessat(AT_FDCWD, "f", R_OK, AT_EACCESS));
		FD(open("f", O_RDONLY));
		FD(open("f", O_WRONLY));
		FD(open("f", O_RDWR));
		DO(truncate("f", 2));
		back();
		PREP(unlink("f"));
	}
}

CASES(access, directory_by_actor, N_OF(actors))
{
	about("a directory by %s", actors[nth].name);
	for (size_t i = 0; i < N_OF(modes); i++) {
		dir_as("d", 0777, ALICE, STAFF);
		put_as("d/f", 0666, BOB, GUESTS);
		PREP(chmod("d", modes[i]));
		act(nth);
		rec("mode %03o", modes[i]);
		DO(access("d", R_OK));
		DO(access("d", W_OK));
		DO(access("d", X_OK));
		FD(open("d", O_RDONLY));
		list("d");
		look("d/f");
		look("d/no");
		FD(open("d/f", O_RDONLY));
		FD(open("d/new", O_CREAT | O_RDWR, 0600));
		DO(rename("d/f", "d/g"));
		DO(unlink("d/g"));
		DO(unlink("d/f"));
		if (chdir("d") == 0)
			PREP(chdir(".."));
		else
			rec("chdir = %s", errname(errno));
		back();
		unlink("d/f");
		unlink("d/g");
		unlink("d/new");
		PREP(rmdir("d"));
	}
}

CASE(access, asks_for_the_real_user)
{
	put_as("f", 0600, ALICE, STAFF);
	PREP(setresuid(BOB, ALICE, 0));
	FAILS(EACCES, access("f", R_OK));
	OK(faccessat(AT_FDCWD, "f", R_OK, AT_EACCESS));
	OK(open("f", O_RDONLY));
	PREP(setresuid(0, 0, 0));
	PREP(setresuid(ALICE, BOB, 0));
	OK(access("f", R_OK));
	FAILS(EACCES, faccessat(AT_FDCWD, "f", R_OK, AT_EACCESS));
	FAILS(EACCES, open("f", O_RDONLY));
}

CASE(access, filesystem_uid_decides)
{
	put_as("f", 0600, ALICE, STAFF);
	setfsuid(BOB);
	setfsgid(GUESTS);
	FAILS(EACCES, open("f", O_RDONLY));
	OK(open("new", O_CREAT | O_RDWR, 0644));
	OK(mkdir("newd", 0755));
	OK(symlink("x", "newl"));
	OK(mkfifo("newp", 0644));
	setfsuid(0);
	setfsgid(0);
	look("new");
	look("newd");
	look("newl");
	look("newp");
}

CASES(access, of_types, N_KINDS)
{
	about("access of a %s", kind_name(nth));
	put_kind("x", nth);
	DO(access("x", F_OK));
	DO(access("x", R_OK));
	DO(access("x", W_OK));
	DO(access("x", X_OK));
	DO(access("x/", F_OK));
	DO(access("x/.", F_OK));
	DO(access("x/y", F_OK));
	DO(faccessat(AT_FDCWD, "x", F_OK, AT_SYMLINK_NOFOLLOW));
	become(ALICE, STAFF);
	DO(access("x", R_OK));
	DO(access("x", W_OK));
	DO(access("x", X_OK));
}

CASE(access, errors)
{
	put("f", "");
	FAILS(EINVAL, access("f", 8));
	FAILS(ENOENT, access("", F_OK));
	FAILS(ENOENT, access("no", F_OK));
	FAILS(ENOTDIR, access("f/x", F_OK));
	FAULTS(access(nowhere(), F_OK));
	FAILS(EBADF, faccessat(-1, "f", F_OK, 0));
	/* Root executes only what somebody may execute. */
	FAILS(EACCES, access("f", X_OK));
	PREP(chmod("f", 0001));
	OK(access("f", X_OK));
}

CASE(access, search_is_needed_on_every_part)
{
	dir_as("a", 0755, ALICE, STAFF);
	dir_as("a/b", 0755, ALICE, STAFF);
	dir_as("a/b/c", 0755, ALICE, STAFF);
	put_as("a/b/c/f", 0666, BOB, GUESTS);
	for (mode_t mode = 0; mode < 8; mode++) {
		PREP(chmod("a/b", 0750 | mode));
		become(BOB, GUESTS);
		rec("mode %03o", 0750 | mode);
		DO(access("a/b/c/f", R_OK));
		DO(access("a/b/c/../c/f", R_OK));
		DO(access("a/b/..", F_OK));
		DO(access("a/b", F_OK));
		back();
	}
}

CASE(access, supplementary_groups_change_with_the_process)
{
	gid_t groups[40];

	for (int i = 0; i < 40; i++)
		groups[i] = (gid_t)(70000 + i);
	put_as("f", 0040, ALICE, 70039);
	become_in(BOB, GUESTS, 70039);
	OK(open("f", O_RDONLY));
	become_in(BOB, GUESTS, groups[38]);
	FAILS(EACCES, open("f", O_RDONLY));
	become(BOB, 70039);
	OK(open("f", O_RDONLY));
}
