/* SPDX-License-Identifier: Apache-2.0 */
/* chmod.c - chmod() by type, owner and bits */

#include "tests/posix/posix.h"

#include <sys/syscall.h>

CASES(chmod, of_types, N_KINDS)
{
	about("chmod of a %s", kind_name(nth));
	put_kind("x", nth);
	DO(chmod("x", 0751));
	look("x");
	look("its_file");
	look("its_dir");
	DO(chmod("x", 07777));
	look("x");
	DO(chmod("x", 0));
	look("x");
	DO(chmod("x", 0170644));
	look("x");
	DO(fchmodat(AT_FDCWD, "x", 0700, 0));
	DO(chmod("x/", 0711));
	look("x");
	DO(fchmodat(AT_FDCWD, "x", 0700, AT_SYMLINK_NOFOLLOW));
	look("x");
	/* fchmodat2, where the kernel has it */
	DO(syscall(452, AT_FDCWD, "x", 0755, AT_SYMLINK_NOFOLLOW));
	look("x");
}

struct actor {
	const char *name;
	uid_t uid;
	gid_t gid, group;
};

static const struct actor actors[] = {
	{ "root", 0, 0, 0 },
	{ "owner in the group", ALICE, STAFF, NOBODYS },
	{ "owner outside the group", ALICE, GUESTS, NOBODYS },
	{ "owner with the group supplementary", ALICE, GUESTS, STAFF },
	{ "other in the group", BOB, STAFF, NOBODYS },
	{ "other", BOB, GUESTS, NOBODYS },
};
static const mode_t specials[] = { 0644,  04755, 02755, 06755, 01755,
				   02745, 07777, 04644, 02644 };

static void act(const struct actor *a)
{
	if (a->uid)
		become_in(a->uid, a->gid, a->group);
}

CASES(chmod, special_bits_by_actor, N_OF(actors) * 2)
{
	const struct actor *a = &actors[nth / 2];
	bool dir = nth % 2;

	about("chmod of a %s by %s", dir ? "directory" : "file", a->name);
	for (size_t i = 0; i < N_OF(specials); i++) {
		if (dir)
			dir_as("x", 0700, ALICE, STAFF);
		else
			put_as("x", 0600, ALICE, STAFF);
		act(a);
		rec("to %04o", specials[i]);
		DO(chmod("x", specials[i]));
		look("x");
		back();
		PREP(remove("x"));
	}
}

CASE(chmod, fchmod_needs_no_write_access)
{
	int fd;

	put_as("f", 0400, ALICE, STAFF);
	become(ALICE, STAFF);
	fd = FD(open("f", O_RDONLY));
	OK(fchmod(fd, 0644));
	look("f");
	OK(fchmod(fd, 0));
	look_fd("f", fd);
	FAILS(EACCES, open("f", O_RDONLY));
	OK(read(fd, (char[1]){ 0 }, 1));
	become(BOB, STAFF);
	FAILS(EPERM, fchmod(fd, 0777));
}

CASE(chmod, wrong_paths)
{
	put("f", "");
	dir_as("d", 0600, ALICE, STAFF);
	put_as("d/f", 0666, ALICE, STAFF);
	FAILS(ENOENT, chmod("", 0644));
	FAILS(ENOENT, chmod("no", 0644));
	FAILS(ENOTDIR, chmod("f/x", 0644));
	FAULTS(chmod(nowhere(), 0644));
	FAILS(EBADF, fchmod(-1, 0644));
	FAILS(EBADF, fchmodat(-1, "f", 0644, 0));
	FAILS(EINVAL, fchmodat(AT_FDCWD, "f", 0644, 0x8000));
	become(ALICE, STAFF);
	FAILS(EACCES, chmod("d/f", 0600));
	become(BOB, GUESTS);
	FAILS(EPERM, chmod("f", 0600));
}

CASE(chmod, takes_effect_at_once_but_not_on_open_files)
{
	char c;
	int fd;

	put_as("f", 0644, ALICE, STAFF);
	become(BOB, GUESTS);
	fd = FD(open("f", O_RDONLY));
	back();
	PREP(chmod("f", 0600));
	become(BOB, GUESTS);
	FAILS(EACCES, open("f", O_RDONLY));
	OK(read(fd, &c, 1));
	back();
	PREP(chmod("f", 0604));
	become(BOB, GUESTS);
	OK(open("f", O_RDONLY));
}

CASE(chmod, of_a_directory_takes_effect_below)
{
	dir_as("d", 0755, ALICE, STAFF);
	put_as("d/f", 0644, ALICE, STAFF);
	for (int i = 0; i < 10; i++) {
		back();
		PREP(chmod("d", i % 2 ? 0755 : 0700));
		become(BOB, GUESTS);
		DO(access("d/f", R_OK));
		FD(open("d/f", O_RDONLY));
		FD(open("d", O_RDONLY));
	}
}
