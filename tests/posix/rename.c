/* SPDX-License-Identifier: Apache-2.0 */
/* rename.c - rename() and renameat2() of everything onto everything */

#include "tests/posix/posix.h"

#include <linux/fs.h>

static const struct {
	const char *name;
	unsigned int flags;
} how[] = {
	{ "rename", 0 },
	{ "rename NOREPLACE", RENAME_NOREPLACE },
	{ "rename EXCHANGE", RENAME_EXCHANGE },
	{ "rename WHITEOUT", RENAME_WHITEOUT },
};

static int rename_as(unsigned int flags, const char *from, const char *to)
{
	if (!flags)
		return rename(from, to);
	return renameat2(AT_FDCWD, from, AT_FDCWD, to, flags);
}

/* Both ends need their own helpers, so each is made in a directory. */
static void put_in(const char *dir, unsigned int kind)
{
	PREP(mkdir(dir, 0755));
	PREP(chdir(dir));
	put_kind("x", kind);
	PREP(chdir(".."));
}

/* nth = how * kinds + source: one case holds all targets. */
CASES(rename, onto_everything, N_OF(how) * N_KINDS)
{
	unsigned int flags = how[nth / N_KINDS].flags, from = nth % N_KINDS;

	about("%s of a %s", how[nth / N_KINDS].name, kind_name(from));
	for (unsigned int to = 0; to < N_KINDS; to++) {
		rec("onto a %s", kind_name(to));
		PREP(mkdir(kind_name(to), 0777));
		PREP(chdir(kind_name(to)));
		put_in("a", from);
		put_in("b", to);
		DO(rename_as(flags, "a/x", "b/x"));
		look("a/x");
		look("b/x");
		look("a");
		look("b");
		DO(rename_as(flags, "b/x", "b/x"));
		DO(rename_as(flags, "b/x", "b/y/"));
		DO(rename_as(flags, "b/x/", "b/z"));
		list("a");
		list("b");
		PREP(chdir(".."));
	}
}

CASE(rename, flag_errors)
{
	put("f", "");
	put("g", "");
	FAILS(EINVAL, rename_as(RENAME_NOREPLACE | RENAME_EXCHANGE, "f", "g"));
	FAILS(EINVAL, rename_as(RENAME_WHITEOUT | RENAME_EXCHANGE, "f", "g"));
	FAILS(EINVAL, rename_as(1U << 7, "f", "g"));
	FAILS(EEXIST, rename_as(RENAME_NOREPLACE, "f", "g"));
	FAILS(ENOENT, rename_as(RENAME_EXCHANGE, "f", "no"));
	FAILS(ENOENT, rename_as(RENAME_EXCHANGE, "no", "f"));
	DO(rename_as(RENAME_NOREPLACE | RENAME_WHITEOUT, "f", "h"));
	list(".");
	become(ALICE, STAFF);
	DO(rename_as(RENAME_WHITEOUT, "g", "i"));
}

CASE(rename, wrong_paths)
{
	put("f", "");
	PREP(mkdir("d", 0755));
	PREP(mkdir("d/sub", 0755));
	FAILS(ENOENT, rename("no", "x"));
	FAILS(ENOENT, rename("f", "no/x"));
	FAILS(ENOENT, rename("no/f", "x"));
	FAILS(ENOTDIR, rename("f/x", "y"));
	FAILS(ENOTDIR, rename("d", "f/x"));
	FAILS(ENOENT, rename("", "x"));
	FAILS(ENOENT, rename("f", ""));
	FAILS(EBUSY, rename(".", "x"));
	FAILS(EBUSY, rename("d/.", "x"));
	FAILS(EBUSY, rename("d/..", "x"));
	FAILS(EBUSY, rename("f", "."));
	FAILS(EBUSY, rename("d", ".."));
	FAILS(EINVAL, rename("d", "d/x"));
	FAILS(EINVAL, rename("d", "d/sub/x"));
	FAILS(EINVAL, rename("d", "d/sub"));
	FAILS(ENOTEMPTY, rename("d/sub", "d"));
	FAILS(EISDIR, rename("f", "d"));
	FAILS(ENOTDIR, rename("d", "f"));
	FAILS(EXDEV, rename("f", "/proc/self/x"));
	FAILS(EXDEV, rename("/proc/self/stat", "x"));
	FAULTS(rename(nowhere(), "x"));
	DO(rename("f", "d/"));
	DO(rename("f", "x/"));
	OK(rename("d/", "e/"));
	list(".");
}

CASE(rename, hard_links_of_one_file_do_nothing)
{
	struct stamps was;

	put("f", "x");
	PREP(link("f", "g"));
	tick();
	was = stamps_of("f");
	OK(rename("f", "g"));
	look("f");
	look("g");
	stamps_changed("f", &was);
	FAILS(EEXIST, rename_as(RENAME_NOREPLACE, "f", "g"));
	OK(rename_as(RENAME_EXCHANGE, "f", "g"));
	OK(rename("f", "f"));
	list(".");
}

CASE(rename, exchange_of_ancestors_is_refused)
{
	PREP(mkdir("d", 0755));
	PREP(mkdir("d/e", 0755));
	put("d/e/f", "x");
	FAILS(EINVAL, rename_as(RENAME_EXCHANGE, "d", "d/e"));
	FAILS(EINVAL, rename_as(RENAME_EXCHANGE, "d/e", "d"));
	DO(rename_as(RENAME_EXCHANGE, "d/e/f", "d/e"));
	DO(rename_as(RENAME_EXCHANGE, "d/e", "d/e/f"));
	list("d/e");
}

CASE(rename, exchange_moves_both)
{
	PREP(mkdir("p", 0755));
	PREP(mkdir("q", 0755));
	PREP(mkdir("p/d", 0750));
	put("p/d/inner", "inner");
	put("q/f", "file");
	look("p");
	look("q");
	OK(rename_as(RENAME_EXCHANGE, "p/d", "q/f"));
	look("p");
	look("q");
	look("p/d");
	see("p/d");
	see("q/f/inner");
	list("q/f/..");
}

CASE(rename, replaced_file_lives_while_open)
{
	char buf[8] = "";
	int old, moved;

	put("old", "old text");
	put("new", "new");
	old = FD(open("old", O_RDWR));
	moved = FD(open("new", O_RDWR));
	OK(rename("new", "old"));
	look_fd("replaced", old);
	look_fd("moved", moved);
	OK(read(old, buf, sizeof(buf)));
	rec_bytes("replaced", buf, sizeof(buf));
	OK(pwrite(old, "X", 1, 0));
	OK(pwrite(moved, "Y", 1, 0));
	see("old");
	OK(ftruncate(old, 100));
	look_fd("replaced", old);
	look("old");
}

CASE(rename, replaced_directory_lives_while_open)
{
	int fd;

	PREP(mkdir("old", 0755));
	PREP(mkdir("new", 0700));
	put("new/f", "");
	fd = FD(open("old", O_RDONLY | O_DIRECTORY));
	OK(rename("new", "old"));
	look_fd("replaced", fd);
	FAILS(ENOENT, openat(fd, "x", O_CREAT | O_RDWR, 0600));
	FAILS(ENOENT, faccessat(fd, "f", F_OK, 0));
	look("old");
	look("old/f");
}

CASE(rename, moves_link_counts_of_parents)
{
	PREP(mkdir("a", 0755));
	PREP(mkdir("b", 0755));
	PREP(mkdir("a/d", 0755));
	PREP(mkdir("b/d", 0755));
	OK(rename("a/d", "b/d"));
	look("a");
	look("b");
	OK(rename("b/d", "d"));
	look("b");
	look("d");
	OK(rename("d", "a/renamed"));
	look("a");
}

CASE(rename, dot_dot_follows)
{
	struct stat st, up;

	PREP(mkdir("a", 0755));
	PREP(mkdir("b", 0755));
	PREP(mkdir("a/d", 0755));
	OK(rename("a/d", "b/d"));
	PREP(stat("b", &st));
	PREP(stat("b/d/..", &up));
	EXPECT(st.st_ino == up.st_ino);
}

CASE(rename, current_directory_may_move)
{
	PREP(mkdir("a", 0755));
	PREP(mkdir("b", 0755));
	PREP(chdir("a"));
	OK(rename("../a", "../b/moved"));
	put("here", "x");
	see("../moved/here");
	see("../../b/moved/here");
}

CASE(rename, keeps_the_inode)
{
	struct stat a, b;

	put("f", "x");
	PREP(mkdir("d", 0700));
	PREP(stat("f", &a));
	OK(rename("f", "d/g"));
	PREP(stat("d/g", &b));
	EXPECT(a.st_ino == b.st_ino);
	EXPECT(a.st_mtim.tv_nsec == b.st_mtim.tv_nsec);
	PREP(stat("d", &a));
	OK(rename("d", "e"));
	PREP(stat("e", &b));
	EXPECT(a.st_ino == b.st_ino);
	see("e/g");
}

static void try_moves(const char *dir)
{
	char to[64];

	snprintf(to, sizeof(to), "%s/in", dir);
	DO(rename("own/f", to));
	rec("into %s", dir);
	look("own/f");
	snprintf(to, sizeof(to), "%s/f", dir);
	DO(rename(to, "own/taken"));
	snprintf(to, sizeof(to), "%s/d", dir);
	DO(rename(to, "own/taken_dir"));
	DO(renameat2(AT_FDCWD, to, AT_FDCWD, "own/e", RENAME_EXCHANGE));
	list("own");
}

static const mode_t move_modes[] = { 0777,  0755, 0700,	 0555, 0333,
				     01777, 0666, 01770, 0 };

/* Owner of the directory: the mover or another. */
CASES(rename, permission_of_parents, N_OF(move_modes) * 2)
{
	mode_t mode = move_modes[nth / 2];
	uid_t owner = nth % 2 ? BOB : ALICE;

	about("moving through mode %04o of %s", mode,
	      nth % 2 ? "bob" : "alice");
	dir_as("own", 0755, ALICE, STAFF);
	put_as("own/f", 0644, ALICE, STAFF);
	dir_as("own/e", 0755, ALICE, STAFF);
	dir_as("d", 0755, owner, STAFF);
	put_as("d/f", 0644, BOB, GUESTS);
	dir_as("d/d", 0755, BOB, GUESTS);
	PREP(chmod("d", mode));
	become(ALICE, STAFF);
	try_moves("d");
	back();
	list("d");
}

CASE(rename, a_directory_needs_write_to_change_its_parent)
{
	dir_as("a", 0777, ALICE, STAFF);
	dir_as("b", 0777, ALICE, STAFF);
	dir_as("a/d", 0555, BOB, STAFF);
	dir_as("a/mine", 0555, ALICE, STAFF);
	become(ALICE, STAFF);
	FAILS(EACCES, rename("a/d", "b/d"));
	DO(rename("a/mine", "b/mine"));
	OK(rename("a/d", "a/e"));
	OK(rename("a/mine", "a/mine2"));
}

CASE(rename, is_atomic_for_readers)
{
	pid_t pid;
	int missing = 0;

	put("f", "x");
	put("g", "y");
	pid = start();
	if (!pid) {
		for (int i = 0; i < 400; i++) {
			put("n", "z");
			if (rename("n", "f") < 0)
				_exit(1);
		}
		_exit(0);
	}
	while (waitpid(pid, NULL, WNOHANG) == 0)
		missing += access("f", F_OK) < 0;
	EXPECT(missing == 0);
	look("f");
}
