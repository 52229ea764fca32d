/* SPDX-License-Identifier: Apache-2.0 */
/* times.c - which call changes which times of what */

#include "tests/posix/posix.h"

#include <linux/fs.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/xattr.h>

/* The tree each operation finds; fd is d/f opened O_RDWR. */
static int fd;

#define OP(name, ...)                                                          \
	static void op_##name(void)                                            \
	{                                                                      \
		__VA_ARGS__;                                                   \
	}

static char buf[64];

OP(nothing, rec("nothing"))
OP(stat, (void)DO(access("d/f", R_OK)))
OP(open_ro, DO(close(open("d/f", O_RDONLY))))
OP(open_rw, DO(close(open("d/f", O_RDWR))))
OP(open_trunc, DO(close(open("d/f", O_RDWR | O_TRUNC))))
OP(open_trunc_empty, DO(close(open("d/empty", O_RDWR | O_TRUNC))))
OP(open_creat_old, DO(close(open("d/f", O_RDWR | O_CREAT, 0600))))
OP(open_creat_new, DO(close(open("d/new", O_RDWR | O_CREAT, 0600))))
OP(creat_old, DO(close(creat("d/f", 0600))))
OP(read, DO(read(fd, buf, 3)))
OP(read_0, DO(read(fd, buf, 0)))
OP(write, DO(write(fd, "x", 1)))
OP(write_0, DO(write(fd, "x", 0)))
OP(pwrite_beyond, DO(pwrite(fd, "x", 1, 10000)))
OP(ftruncate_same, DO(ftruncate(fd, 8)))
OP(ftruncate_less, DO(ftruncate(fd, 3)))
OP(ftruncate_more, DO(ftruncate(fd, 30)))
OP(truncate_same, DO(truncate("d/f", 8)))
OP(truncate_less, DO(truncate("d/f", 3)))
OP(truncate_more, DO(truncate("d/f", 30)))
OP(fallocate, DO(fallocate(fd, 0, 0, 10000)))
OP(fallocate_keep, DO(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 10000)))
OP(punch, DO(fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, 4)))
OP(zero, DO(fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, 4)))
OP(chmod, DO(chmod("d/f", 0600)))
OP(chmod_same, DO(chmod("d/f", 0644)))
OP(fchmod, DO(fchmod(fd, 0600)))
OP(chmod_dir, DO(chmod("d", 0700)))
OP(chown, DO(chown("d/f", ALICE, STAFF)))
OP(chown_same, DO(chown("d/f", 0, 0)))
OP(chown_none, DO(chown("d/f", (uid_t)-1, (gid_t)-1)))
OP(lchown_link, DO(lchown("d/l", ALICE, STAFF)))
OP(utimens_now, DO(utimensat(AT_FDCWD, "d/f", NULL, 0)))
OP(utimens_link, DO(utimensat(AT_FDCWD, "d/l", NULL, AT_SYMLINK_NOFOLLOW)))
OP(mkdir, DO(mkdir("d/new", 0700)))
OP(mkdir_old, DO(mkdir("d/sub", 0700)))
OP(rmdir, DO(rmdir("d/sub")))
OP(rmdir_full, DO(rmdir("d")))
OP(mkfifo, DO(mkfifo("d/new", 0600)))
OP(symlink, DO(symlink("x", "d/new")))
OP(readlink, DO(readlink("d/l", buf, sizeof(buf))))
OP(follow, DO(close(open("d/l", O_RDONLY))))
OP(link, DO(link("d/f", "e/new")))
OP(link_old, DO(link("d/f", "e/old")))
OP(unlink, DO(unlink("d/f")))
OP(unlink_linked, DO(unlink("d/hard")))
OP(unlink_missing, DO(unlink("d/no")))
OP(rename_here, DO(rename("d/f", "d/new")))
OP(rename_away, DO(rename("d/f", "e/new")))
OP(rename_over, DO(rename("d/f", "e/old")))
OP(rename_dir, DO(rename("d/sub", "e/sub")))
OP(rename_dir_here, DO(rename("d/sub", "d/new")))
OP(rename_self, DO(rename("d/f", "d/f")))
OP(rename_missing, DO(rename("d/no", "e/no")))
OP(rename_over_dir, DO(rename("d/sub", "e/empty")))
OP(exchange, DO(renameat2(AT_FDCWD, "d/f", AT_FDCWD, "e/old", RENAME_EXCHANGE)))
OP(readdir, list("d"))
OP(opendir, DO(close(open("d", O_RDONLY))))
OP(setxattr, DO(setxattr("d/f", "user.a", "v", 1, 0)))
OP(setxattr_dir, DO(setxattr("d", "user.a", "v", 1, 0)))
OP(getxattr, DO(getxattr("d/x", "user.x", buf, sizeof(buf))))
OP(listxattr, DO(listxattr("d/x", buf, sizeof(buf))))
OP(removexattr, DO(removexattr("d/x", "user.x")))
OP(removexattr_missing, DO(removexattr("d/x", "user.no")))
OP(copy_range, DO(copy_file_range(open("d/f", O_RDONLY), NULL,
				  open("e/old", O_WRONLY), NULL, 8, 0)))
OP(sendfile, DO(sendfile(open("e/old", O_WRONLY), fd, NULL, 8)))
OP(fsync, DO(fsync(fd)))
OP(lseek, DO(lseek(fd, 0, SEEK_END)))
OP(chdir, DO(chdir("d")); DO(chdir("..")))
OP(tmpfile_named, int t = open("d", O_TMPFILE | O_RDWR, 0600);
   DO(linkat(t, "", AT_FDCWD, "d/new", AT_EMPTY_PATH)))
OP(tmpfile, DO(close(open("d", O_TMPFILE | O_RDWR, 0600))))

static void op_mmap_read(void)
{
	volatile char *p = mmap(NULL, 8, PROT_READ, MAP_SHARED, fd, 0);

	PREP(p == MAP_FAILED ? -1 : 0);
	rec("%c", p[0]);
	PREP(munmap((void *)p, 8));
}

static void op_mmap_write(void)
{
	char *p = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	PREP(p == MAP_FAILED ? -1 : 0);
	p[0] = 'M';
	DO(msync(p, 8, MS_SYNC));
	PREP(munmap(p, 8));
}

static void op_mmap_private(void)
{
	char *p = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);

	PREP(p == MAP_FAILED ? -1 : 0);
	p[0] = 'M';
	PREP(munmap(p, 8));
}

#define ENTRY(name)                                                            \
	{                                                                      \
#name, op_##name                                               \
	}

static const struct {
	const char *name;
	void (*run)(void);
} ops[] = {
	ENTRY(nothing),
	ENTRY(stat),
	ENTRY(open_ro),
	ENTRY(open_rw),
	ENTRY(open_trunc),
	ENTRY(open_trunc_empty),
	ENTRY(open_creat_old),
	ENTRY(open_creat_new),
	ENTRY(creat_old),
	ENTRY(read),
	ENTRY(read_0),
	ENTRY(write),
	ENTRY(write_0),
	ENTRY(pwrite_beyond),
	ENTRY(ftruncate_same),
	ENTRY(ftruncate_less),
	ENTRY(ftruncate_more),
	ENTRY(truncate_same),
	ENTRY(truncate_less),
	ENTRY(truncate_more),
	ENTRY(fallocate),
	ENTRY(fallocate_keep),
	ENTRY(punch),
	ENTRY(zero),
	ENTRY(chmod),
	ENTRY(chmod_same),
	ENTRY(fchmod),
	ENTRY(chmod_dir),
	ENTRY(chown),
	ENTRY(chown_same),
	ENTRY(chown_none),
	ENTRY(lchown_link),
	ENTRY(utimens_now),
	ENTRY(utimens_link),
	ENTRY(mkdir),
	ENTRY(mkdir_old),
	ENTRY(rmdir),
	ENTRY(rmdir_full),
	ENTRY(mkfifo),
	ENTRY(symlink),
	ENTRY(readlink),
	ENTRY(follow),
	ENTRY(link),
	ENTRY(link_old),
	ENTRY(unlink),
	ENTRY(unlink_linked),
	ENTRY(unlink_missing),
	ENTRY(rename_here),
	ENTRY(rename_away),
	ENTRY(rename_over),
	ENTRY(rename_dir),
	ENTRY(rename_dir_here),
	ENTRY(rename_self),
	ENTRY(rename_missing),
	ENTRY(rename_over_dir),
	ENTRY(exchange),
	ENTRY(readdir),
	ENTRY(opendir),
	ENTRY(setxattr),
	ENTRY(setxattr_dir),
	ENTRY(getxattr),
	ENTRY(listxattr),
	ENTRY(removexattr),
	ENTRY(removexattr_missing),
	ENTRY(copy_range),
	ENTRY(sendfile),
	ENTRY(fsync),
	ENTRY(lseek),
	ENTRY(chdir),
	ENTRY(tmpfile_named),
	ENTRY(tmpfile),
	ENTRY(mmap_read),
	ENTRY(mmap_write),
	ENTRY(mmap_private),
};

static const char *const watched[] = {
	".",	  "d",	   "d/f", "d/empty", "d/l",   "d/x",   "d/sub",
	"d/hard", "d/new", "e",	  "e/old",   "e/new", "e/sub", "e/empty",
};

static void prepare(void)
{
	PREP(mkdir("d", 0755));
	PREP(mkdir("d/sub", 0755));
	tick(); /* so that which of two is where shows in the times */
	PREP(mkdir("e", 0755));
	PREP(mkdir("e/empty", 0755));
	put("d/f", "contents");
	put("d/empty", "");
	put("d/x", "x");
	tick();
	put("e/old", "old contents");
	PREP(link("d/x", "d/hard"));
	PREP(setxattr("d/x", "user.x", "v", 1, 0));
	PREP(symlink("f", "d/l"));
	fd = open("d/f", O_RDWR | O_CLOEXEC);
	PREP(fd);
}

CASES(times, of, N_OF(ops))
{
	struct stamps was[N_OF(watched)], open_was;

	about("times after %s", ops[nth].name);
	prepare();
	tick();
	open_was = stamps_of("d/f");
	for (size_t i = 0; i < N_OF(watched); i++)
		was[i] = stamps_of(watched[i]);
	ops[nth].run();
	for (size_t i = 0; i < N_OF(watched); i++)
		stamps_changed(watched[i], &was[i]);
	/* Also where only the descriptor is left. */
	if (open_was.there && access("d/f", F_OK) < 0) {
		struct stat st;

		PREP(fstat(fd, &st));
		rec("open file: ctime %s",
		    st.st_ctim.tv_nsec == open_was.c.tv_nsec ? "same"
							     : "later");
	}
}

/* Alone, because a kernel that knows the size need not ask anybody. */
CASE(times, of_a_read_at_the_end)
{
	struct stamps was;

	prepare();
	tick();
	was = stamps_of("d/f");
	OK(pread(fd, buf, 3, 1000));
	stamps_changed("d/f", &was);
}

CASE(times, of_a_new_file_agree)
{
	struct stat f, d;

	PREP(mkdir("d", 0755));
	tick();
	put("d/f", "");
	PREP(stat("d/f", &f));
	EXPECT(f.st_atim.tv_nsec == f.st_ctim.tv_nsec);
	EXPECT(f.st_mtim.tv_nsec == f.st_ctim.tv_nsec);
	PREP(stat("d", &d));
	EXPECT(d.st_mtim.tv_nsec == d.st_ctim.tv_nsec);
	EXPECT(d.st_mtim.tv_nsec != d.st_atim.tv_nsec);
}

CASE(times, by_descriptor_and_by_name_agree)
{
	struct stat a, b;

	put("f", "");
	fd = FD(open("f", O_RDWR));
	for (int i = 0; i < 5; i++) {
		tick();
		PREP(write(fd, "x", 1));
		PREP(fstat(fd, &a));
		PREP(stat("f", &b));
		EXPECT(a.st_mtim.tv_nsec == b.st_mtim.tv_nsec);
		EXPECT(a.st_ctim.tv_nsec == b.st_ctim.tv_nsec);
		EXPECT(a.st_size == b.st_size && a.st_size == i + 1);
	}
}

CASE(times, never_run_backwards)
{
	struct stat was, is;
	bool backwards = false;

	put("f", "");
	fd = FD(open("f", O_RDWR));
	PREP(fstat(fd, &was));
	for (int i = 0; i < 200; i++) {
		PREP(write(fd, "x", 1));
		PREP(stat("f", &is));
		backwards |= is.st_mtim.tv_sec < was.st_mtim.tv_sec ||
			     (is.st_mtim.tv_sec == was.st_mtim.tv_sec &&
			      is.st_mtim.tv_nsec < was.st_mtim.tv_nsec);
		was = is;
	}
	EXPECT(!backwards);
}
