/* SPDX-License-Identifier: Apache-2.0 */
/* chown.c - chown(), lchown(), fchown(), fchownat() by actor and target */

#include "tests/posix/posix.h"

#define SAME ((uid_t)-1)

CASES(chown, of_types, N_KINDS)
{
	about("chown of a %s", kind_name(nth));
	put_kind("x", nth);
	DO(chown("x", ALICE, STAFF));
	look("x");
	look("its_file");
	look("its_dir");
	DO(lchown("x", BOB, SAME));
	look("x");
	DO(lchown("x", SAME, GUESTS));
	look("x");
	DO(lchown("x", SAME, SAME));
	look("x");
	DO(fchownat(AT_FDCWD, "x", ALICE, ALICE, AT_SYMLINK_NOFOLLOW));
	look("x");
	DO(fchownat(open("x", O_PATH | O_NOFOLLOW), "", BOB, BOB,
		    AT_EMPTY_PATH));
	look("x");
	DO(chown("x/", 1, 1));
	look("x");
}

static const struct {
	const char *name;
	uid_t uid;
	gid_t gid, group;
} actors[] = {
	{ "root", 0, 0, 0 },
	{ "owner", ALICE, STAFF, GUESTS },
	{ "owner in no other group", ALICE, STAFF, STAFF },
	{ "owner outside the file's group", ALICE, GUESTS, NOBODYS },
	{ "group member", BOB, STAFF, GUESTS },
	{ "stranger", BOB, GUESTS, NOBODYS },
};
static const struct {
	const char *name;
	uid_t uid;
	gid_t gid;
} targets[] = {
	{ "same:same", ALICE, STAFF },	 { "-1:-1", SAME, SAME },
	{ "-1:same", SAME, STAFF },	 { "same:-1", ALICE, SAME },
	{ "-1:guests", SAME, GUESTS },	 { "same:guests", ALICE, GUESTS },
	{ "-1:nobodys", SAME, NOBODYS }, { "bob:-1", BOB, SAME },
	{ "bob:guests", BOB, GUESTS },	 { "-1:root", SAME, 0 },
	{ "root:-1", 0, SAME },
};
static const mode_t perms[] = { 06755, 02745, 06644, 01777, 04711 };

/* Who may give what, and which bits fall. */
CASES(chown, by_actor_clears_bits, N_OF(actors) * 2 * N_OF(perms))
{
	size_t a = nth / (2 * N_OF(perms));
	bool dir = nth % 2;
	mode_t mode = perms[nth / 2 % N_OF(perms)];

	about("chown of a %s of mode %04o by %s", dir ? "directory" : "file",
	      mode, actors[a].name);
	for (size_t t = 0; t < N_OF(targets); t++) {
		if (dir)
			dir_as("x", mode, ALICE, STAFF);
		else
			put_as("x", mode, ALICE, STAFF);
		if (actors[a].uid)
			become_in(actors[a].uid, actors[a].gid,
				  actors[a].group);
		rec("to %s", targets[t].name);
		DO(chown("x", targets[t].uid, targets[t].gid));
		look("x");
		back();
		PREP(remove("x"));
	}
}

CASE(chown, by_descriptor)
{
	int fd;

	put_as("f", 0400, ALICE, STAFF);
	become_in(ALICE, STAFF, GUESTS);
	fd = FD(open("f", O_RDONLY));
	OK(fchown(fd, SAME, GUESTS));
	look_fd("f", fd);
	FAILS(EPERM, fchown(fd, BOB, SAME));
	back();
	OK(fchown(fd, 4000000000U, 4000000001U));
	look("f");
	OK(unlink("f"));
	OK(fchown(fd, BOB, GUESTS));
	look_fd("f", fd);
}

CASE(chown, wrong_paths)
{
	put("f", "");
	dir_as("d", 0600, ALICE, STAFF);
	put_as("d/f", 0666, ALICE, STAFF);
	FAILS(ENOENT, chown("", 1, 1));
	FAILS(ENOENT, chown("no", 1, 1));
	FAILS(ENOTDIR, chown("f/x", 1, 1));
	FAULTS(chown(nowhere(), 1, 1));
	FAILS(EBADF, fchown(-1, 1, 1));
	FAILS(EINVAL, fchownat(AT_FDCWD, "f", 1, 1, 0x8000));
	become(ALICE, STAFF);
	FAILS(EACCES, chown("d/f", SAME, STAFF));
}
