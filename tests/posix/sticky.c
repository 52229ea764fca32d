/* SPDX-License-Identifier: Apache-2.0 */
/* sticky.c - who may remove and rename what in a sticky directory */

#include "tests/posix/posix.h"

#include <linux/fs.h>

static const uid_t users[] = { 0, ALICE, BOB };
static const unsigned int kinds[] = { KIND_FILE, KIND_DIR, KIND_DANGLING,
				      KIND_FIFO };

enum {
	N_USERS = 3,
	N_STICKY = 9
};

static const char *user_name(uid_t uid)
{
	return uid == 0 ? "root" : uid == ALICE ? "alice" : "bob";
}

static void fill(uid_t dir_owner, uid_t owner)
{
	char name[16];

	dir_as("d", 01777, dir_owner, STAFF);
	for (size_t i = 0; i < N_OF(kinds); i++) {
		for (int k = 0; k < 5; k++) {
			snprintf(name, sizeof(name), "d/%c%d", 'a' + (int)i, k);
			put_kind(name, kinds[i]);
			PREP(lchown(name, owner, STAFF));
		}
	}
}

static void attempt(char kind)
{
	char name[16], other[16];

	snprintf(name, sizeof(name), "d/%c0", kind);
	rec("%s", name);
	if (kind == 'b')
		DO(rmdir(name));
	else
		DO(unlink(name));
	name[3] = '1';
	snprintf(other, sizeof(other), "d/new%c", kind);
	DO(rename(name, other));
	name[3] = '2';
	snprintf(other, sizeof(other), "o/%c", kind);
	DO(rename(name, other));
	/* Over somebody's file. */
	snprintf(other, sizeof(other), "o/mine%c", kind);
	name[3] = '3';
	DO(rename(other, name));
	name[3] = '4';
	snprintf(other, sizeof(other), "o/swap%c", kind);
	DO(renameat2(AT_FDCWD, other, AT_FDCWD, name, RENAME_EXCHANGE));
}

/* nth: owner of the directory and of the entry; alice acts. */
CASES(sticky, removal_and_rename, N_STICKY)
{
	uid_t dir_owner = users[nth / N_USERS], owner = users[nth % N_USERS];

	about("sticky directory of %s, entries of %s", user_name(dir_owner),
	      user_name(owner));
	fill(dir_owner, owner);
	dir_as("o", 0777, ALICE, STAFF);
	become(ALICE, STAFF);
	for (size_t i = 0; i < N_OF(kinds); i++) {
		char kind = (char)('a' + i), name[16];

		snprintf(name, sizeof(name), "o/mine%c", kind);
		put_kind(name, kinds[i]);
		snprintf(name, sizeof(name), "o/swap%c", kind);
		put_kind(name, kinds[i]);
		attempt(kind);
	}
	back();
	list("d");
	list("o");
}

CASE(sticky, owner_of_the_entry_and_of_the_directory_may)
{
	dir_as("d", 01777, BOB, STAFF);
	put_as("d/a", 0666, ALICE, STAFF);
	put_as("d/b", 0666, BOB, STAFF);
	put_as("d/r", 0666, 0, 0);
	become(ALICE, STAFF);
	OK(unlink("d/a"));
	FAILS(EPERM, unlink("d/b"));
	FAILS(EPERM, unlink("d/r"));
	FAILS(EPERM, rename("d/b", "d/c"));
	become(BOB, STAFF);
	OK(unlink("d/b"));
	OK(unlink("d/r"));
}

CASE(sticky, does_not_hinder_writing)
{
	dir_as("d", 01777, BOB, STAFF);
	put_as("d/f", 0666, BOB, STAFF);
	become(ALICE, STAFF);
	DO(truncate("d/f", 1));
	DO(open("d/f", O_WRONLY));
	/* fs.protected_regular decides, the same on both sides. */
	DO(open("d/f", O_WRONLY | O_CREAT, 0600));
	OK(link("d/f", "d/g"));
	look("d/f");
}
