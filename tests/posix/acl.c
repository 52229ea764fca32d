/* SPDX-License-Identifier: Apache-2.0 */
/* acl.c - POSIX ACLs: storage, mask, inheritance, decisions */

#include "tests/posix/posix.h"

#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <sys/xattr.h>

#define ACCESS	"system.posix_acl_access"
#define DEFAULT "system.posix_acl_default"

enum {
	ENTRIES_MAX = 16
};

struct acl {
	struct posix_acl_xattr_header head;
	struct posix_acl_xattr_entry entry[ENTRIES_MAX];
	size_t n;
};

static struct acl acl_new(void)
{
	struct acl a = { .head.a_version = POSIX_ACL_XATTR_VERSION };

	return a;
}

static void add(struct acl *a, uint16_t tag, uint16_t perm, uint32_t id)
{
	struct posix_acl_xattr_entry *e = &a->entry[a->n++];

	e->e_tag = tag;
	e->e_perm = perm;
	e->e_id = id;
}

static size_t acl_size(const struct acl *a)
{
	return sizeof(a->head) + a->n * sizeof(a->entry[0]);
}

static int acl_set(const char *path, const char *which, const struct acl *a)
{
	return setxattr(path, which, a, acl_size(a), 0);
}

static const char *tag_name(uint16_t tag)
{
	switch (tag) {
	case ACL_USER_OBJ:
		return "user::";
	case ACL_USER:
		return "user:";
	case ACL_GROUP_OBJ:
		return "group::";
	case ACL_GROUP:
		return "group:";
	case ACL_MASK:
		return "mask::";
	case ACL_OTHER:
		return "other::";
	default:
		return "bad tag";
	}
}

static void rec_acl(const char *path, const char *which)
{
	struct acl a;
	ssize_t n = lgetxattr(path, which, &a,
			      acl_size(&(struct acl){ .n = ENTRIES_MAX }));

	if (n < 0) {
		rec("%s %s = %s", path, which + 17, errname(errno));
		return;
	}
	rec("%s %s, %zd bytes, version %u", path, which + 17, n,
	    a.head.a_version);
	n = (n - (ssize_t)sizeof(a.head)) / (ssize_t)sizeof(a.entry[0]);
	for (ssize_t i = 0; i < n; i++)
		rec("  %s%u %o", tag_name(a.entry[i].e_tag), a.entry[i].e_id,
		    a.entry[i].e_perm);
}

static void rec_both(const char *path)
{
	look(path);
	rec_acl(path, ACCESS);
	rec_acl(path, DEFAULT);
}

static struct acl minimal(uint16_t user, uint16_t group, uint16_t other)
{
	struct acl a = acl_new();

	add(&a, ACL_USER_OBJ, user, ACL_UNDEFINED_ID);
	add(&a, ACL_GROUP_OBJ, group, ACL_UNDEFINED_ID);
	add(&a, ACL_OTHER, other, ACL_UNDEFINED_ID);
	return a;
}

/* A named user and a named group under a mask. */
static struct acl extended(uint16_t user, uint16_t group, uint16_t mask)
{
	struct acl a = acl_new();

	add(&a, ACL_USER_OBJ, 6, ACL_UNDEFINED_ID);
	add(&a, ACL_USER, user, BOB);
	add(&a, ACL_GROUP_OBJ, 4, ACL_UNDEFINED_ID);
	add(&a, ACL_GROUP, group, GUESTS);
	add(&a, ACL_MASK, mask, ACL_UNDEFINED_ID);
	add(&a, ACL_OTHER, 0, ACL_UNDEFINED_ID);
	return a;
}

CASE(acl, minimal_becomes_the_mode)
{
	struct acl a = minimal(7, 5, 1);

	put("f", "");
	rec_both("f");
	OK(acl_set("f", ACCESS, &a));
	rec_both("f");
	PREP(chmod("f", 06644));
	OK(acl_set("f", ACCESS, &a));
	rec_both("f");
}

CASE(acl, mask_is_the_group_of_the_mode)
{
	struct acl a = extended(7, 6, 5);

	put("f", "");
	OK(acl_set("f", ACCESS, &a));
	rec_both("f");
	OK(chmod("f", 0620));
	rec_both("f");
	OK(chmod("f", 0777));
	rec_both("f");
	OK(chmod("f", 0));
	rec_both("f");
	OK(removexattr("f", ACCESS));
	rec_both("f");
	FAILS(ENODATA, getxattr("f", ACCESS, NULL, 0));
	DO(removexattr("f", ACCESS));
	list(".");
}

CASE(acl, bad_ones_are_refused)
{
	struct acl a = extended(7, 7, 7);

	put("f", "");
	PREP(mkdir("d", 0755));
	a.n = 5;
	FAILS(EINVAL, acl_set("f", ACCESS, &a));
	a = extended(7, 7, 7);
	a.entry[1].e_perm = 8;
	FAILS(EINVAL, acl_set("f", ACCESS, &a));
	a = extended(7, 7, 7);
	a.entry[1].e_tag = 3;
	FAILS(EINVAL, acl_set("f", ACCESS, &a));
	a = extended(7, 7, 7);
	a.head.a_version = 3;
	DO(acl_set("f", ACCESS, &a));
	a = minimal(7, 7, 7);
	add(&a, ACL_USER, 7, 5);
	FAILS(EINVAL, acl_set("f", ACCESS, &a));
	DO(setxattr("f", ACCESS, "junk", 4, 0));
	DO(setxattr("f", ACCESS, "", 0, 0));
	a = minimal(7, 5, 1);
	DO(setxattr("f", ACCESS, &a, acl_size(&a) - 1, 0));
	FAILS(EACCES, acl_set("f", DEFAULT, &a));
	OK(acl_set("d", DEFAULT, &a));
	a.n = 0;
	DO(acl_set("d", DEFAULT, &a));
	rec_both("f");
	rec_both("d");
}

CASES(acl, on_types, N_KINDS)
{
	struct acl a = extended(7, 6, 5);

	about("ACLs on a %s", kind_name(nth));
	put_kind("x", nth);
	DO(lsetxattr("x", ACCESS, &a, acl_size(&a), 0));
	DO(lsetxattr("x", DEFAULT, &a, acl_size(&a), 0));
	rec_both("x");
	rec_both("its_file");
	DO(lremovexattr("x", DEFAULT));
	rec_both("x");
}

CASE(acl, only_the_owner_sets_it)
{
	struct acl a = extended(7, 7, 7);

	put_as("f", 0666, ALICE, STAFF);
	become(BOB, STAFF);
	FAILS(EPERM, acl_set("f", ACCESS, &a));
	FAILS(EPERM, removexattr("f", ACCESS));
	become(ALICE, GUESTS);
	OK(acl_set("f", ACCESS, &a));
	rec_both("f");
}

CASE(acl, setting_clears_setgid_for_strangers_of_the_group)
{
	struct acl a = extended(7, 7, 7);

	put_as("f", 02755, ALICE, STAFF);
	become(ALICE, GUESTS);
	OK(acl_set("f", ACCESS, &a));
	look("f");
	back();
	put_as("g", 02755, ALICE, STAFF);
	become(ALICE, STAFF);
	OK(acl_set("g", ACCESS, &a));
	look("g");
}

struct actor {
	const char *name;
	uid_t uid;
	gid_t gid, group;
};

static const struct actor actors[] = {
	{ "owner", ALICE, NOBODYS, NOBODYS },
	{ "named user", BOB, NOBODYS, NOBODYS },
	{ "named user in the owning group", BOB, STAFF, NOBODYS },
	{ "owning group", 1234, STAFF, NOBODYS },
	{ "named group", 1234, GUESTS, NOBODYS },
	{ "named group, supplementary", 1234, NOBODYS, GUESTS },
	{ "both groups", 1234, STAFF, GUESTS },
	{ "other", 1234, NOBODYS, NOBODYS },
};

static const uint16_t entries[][3] = {
	{ 7, 7, 7 }, { 6, 4, 7 }, { 4, 6, 7 }, { 6, 6, 4 }, { 6, 6, 2 },
	{ 0, 6, 7 }, { 6, 0, 7 }, { 7, 7, 0 }, { 2, 4, 6 }, { 1, 1, 7 },
};

/* nth: actor, file or directory */
CASES(acl, decisions, N_OF(actors) * 2)
{
	const struct actor *who = &actors[nth / 2];
	bool dir = nth % 2;

	about("%s of a %s", who->name, dir ? "directory" : "file");
	for (size_t i = 0; i < N_OF(entries); i++) {
		struct acl a =
			extended(entries[i][0], entries[i][1], entries[i][2]);

		if (dir)
			dir_as("x", 0700, ALICE, STAFF);
		else
			put_as("x", 0600, ALICE, STAFF);
		PREP(acl_set("x", ACCESS, &a));
		rec("user %o group %o mask %o", entries[i][0], entries[i][1],
		    entries[i][2]);
		become_in(who->uid, who->gid, who->group);
		DO(access("x", R_OK));
		DO(access("x", W_OK));
		DO(access("x", X_OK));
		FD(open("x", O_RDONLY));
		FD(open("x", O_WRONLY));
		FD(open("x/new", O_CREAT | O_RDWR, 0600));
		DO(unlink("x/new"));
		back();
		PREP(remove("x"));
	}
}

static void inherit(mode_t mode)
{
	rec("mode %04o", mode);
	FD(open("d/f", O_CREAT | O_RDWR, mode));
	rec_both("d/f");
	DO(mkdir("d/sub", mode));
	rec_both("d/sub");
	DO(mkdir("d/sub/sub", mode));
	rec_both("d/sub/sub");
	DO(mkfifo("d/p", mode));
	rec_both("d/p");
	DO(symlink("f", "d/l"));
	rec_acl("d/l", ACCESS);
	DO(mknod("d/s", S_IFSOCK | mode, 0));
	rec_both("d/s");
	back();
	rmdir("d/sub/sub");
	PREP(rmdir("d/sub"));
	PREP(unlink("d/f"));
	PREP(unlink("d/p"));
	PREP(unlink("d/l"));
	PREP(unlink("d/s"));
}

static const mode_t inherit_modes[] = { 0777, 0666, 0640, 0600, 0, 02775 };

/* nth: mode, minimal or extended; the umask must not matter. */
CASES(acl, default_is_inherited, N_OF(inherit_modes) * 2)
{
	struct acl a = nth % 2 ? extended(7, 6, 7) : minimal(7, 5, 4);

	dir_as("d", 0777, ALICE, STAFF);
	OK(acl_set("d", DEFAULT, &a));
	rec_both("d");
	umask(077);
	inherit(inherit_modes[nth / 2]);
	become(BOB, GUESTS);
	inherit(inherit_modes[nth / 2]);
}

CASE(acl, default_without_effect_on_what_is_there)
{
	struct acl a = extended(7, 7, 7);

	PREP(mkdir("d", 0755));
	put("d/old", "");
	put("moved", "");
	OK(acl_set("d", DEFAULT, &a));
	PREP(rename("moved", "d/moved"));
	PREP(link("d/old", "d/linked"));
	rec_both("d/old");
	rec_both("d/moved");
	rec_both("d/linked");
	OK(removexattr("d", DEFAULT));
	put("d/after", "");
	rec_both("d/after");
	rec_both("d");
}

CASE(acl, tmpfile_inherits_too)
{
	struct acl a = extended(7, 6, 7);
	int fd;

	PREP(mkdir("d", 0755));
	PREP(acl_set("d", DEFAULT, &a));
	umask(077);
	fd = FD(open("d", O_TMPFILE | O_RDWR, 0666));
	look_fd("tmp", fd);
	OK(linkat(fd, "", AT_FDCWD, "d/f", AT_EMPTY_PATH));
	rec_both("d/f");
}

CASE(acl, is_listed_as_an_attribute)
{
	struct acl a = extended(7, 6, 7);

	PREP(mkdir("d", 0755));
	DO(listxattr("d", NULL, 0));
	PREP(acl_set("d", ACCESS, &a));
	DO(listxattr("d", NULL, 0));
	PREP(acl_set("d", DEFAULT, &a));
	DO(listxattr("d", NULL, 0));
	a = minimal(7, 5, 5);
	PREP(acl_set("d", ACCESS, &a));
	DO(listxattr("d", NULL, 0));
}

CASE(acl, changes_ctime_and_takes_effect_at_once)
{
	struct acl a = extended(6, 6, 6);
	struct stamps was;

	put_as("f", 0600, ALICE, STAFF);
	become(BOB, NOBODYS);
	FAILS(EACCES, open("f", O_RDONLY));
	back();
	tick();
	was = stamps_of("f");
	PREP(acl_set("f", ACCESS, &a));
	stamps_changed("f", &was);
	become(BOB, NOBODYS);
	OK(open("f", O_RDWR));
	back();
	PREP(chmod("f", 0600));
	become(BOB, NOBODYS);
	FAILS(EACCES, open("f", O_RDONLY));
	back();
	PREP(chmod("f", 0640));
	become(BOB, NOBODYS);
	OK(open("f", O_RDONLY));
	FAILS(EACCES, open("f", O_RDWR));
}
