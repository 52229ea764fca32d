/* SPDX-License-Identifier: Apache-2.0 */
/* flags.c - immutable, append-only and other inode flags; statx() */

#include "tests/posix/posix.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

/* Filesystems differ in the flags they keep for themselves. */
enum {
	COMPARED = FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NODUMP_FL |
		   FS_NOATIME_FL | FS_SYNC_FL | FS_DIRSYNC_FL
};

static int set_flags(const char *path, int flags)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), old = 0, r;

	if (fd < 0)
		return -1;
	r = ioctl(fd, FS_IOC_GETFLAGS, &old);
	if (r == 0) {
		flags |= old & ~COMPARED;
		r = ioctl(fd, FS_IOC_SETFLAGS, &flags);
	}
	close(fd);
	return r;
}

static void rec_flags(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), flags = 0;

	if (fd >= 0 && ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0)
		rec("%s: flags %x", path, flags & COMPARED);
	else
		rec("%s: flags = %s", path, errname(errno));
	close(fd);
}

static void try_everything_on_a_file(const char *path)
{
	int fd;

	DO(open(path, O_WRONLY));
	DO(open(path, O_RDWR | O_TRUNC));
	fd = FD(open(path, O_WRONLY | O_APPEND));
	DO(write(fd, "more", 4));
	DO(ftruncate(fd, 0));
	DO(fallocate(fd, 0, 0, 100));
	DO(truncate(path, 0));
	DO(chmod(path, 0600));
	DO(chown(path, ALICE, STAFF));
	DO(utimensat(AT_FDCWD, path, NULL, 0));
	DO(utimensat(AT_FDCWD, path, (struct timespec[2]){ { 1, 1 }, { 1, 1 } },
		     0));
	DO(setxattr(path, "user.a", "v", 1, 0));
	DO(link(path, "linked"));
	DO(rename(path, "renamed"));
	DO(rename("other", path));
	DO(unlink(path));
	look(path);
	see(path);
}

static const struct {
	const char *name;
	int flags;
} kinds[] = {
	{ "none", 0 },
	{ "immutable", FS_IMMUTABLE_FL },
	{ "append-only", FS_APPEND_FL },
	{ "nodump", FS_NODUMP_FL },
	{ "noatime", FS_NOATIME_FL },
};

CASES(flags, on_files, N_OF(kinds))
{
	about("a file that is %s", kinds[nth].name);
	put("f", "text");
	put("other", "other");
	DO(set_flags("f", kinds[nth].flags));
	rec_flags("f");
	if (kinds[nth].flags != 0)
		try_everything_on_a_file("f");
	DO(set_flags("f", 0));
	rec_flags("f");
	DO(unlink("f"));
}

CASES(flags, on_directories, N_OF(kinds))
{
	about("a directory that is %s", kinds[nth].name);
	PREP(mkdir("d", 0755));
	put("d/f", "text");
	PREP(mkdir("d/sub", 0755));
	DO(set_flags("d", kinds[nth].flags));
	rec_flags("d");
	FD(open("d/new", O_CREAT | O_RDWR, 0600));
	DO(mkdir("d/newd", 0700));
	DO(symlink("x", "d/newl"));
	DO(link("d/f", "d/newh"));
	DO(mkfifo("d/newp", 0600));
	DO(rename("d/f", "d/g"));
	DO(rename("d/f", "f"));
	DO(unlink("d/f"));
	DO(rmdir("d/sub"));
	DO(chmod("d", 0700));
	FD(open("d/f", O_WRONLY));
	DO(rename("d", "e"));
	DO(rmdir("d"));
	list("d");
	DO(set_flags("d", 0));
	rec_flags("d");
}

CASE(flags, permissions)
{
	put_as("f", 0666, ALICE, STAFF);
	become(ALICE, STAFF);
	FAILS(EPERM, set_flags("f", FS_IMMUTABLE_FL));
	FAILS(EPERM, set_flags("f", FS_APPEND_FL));
	DO(set_flags("f", FS_NODUMP_FL));
	rec_flags("f");
	become(BOB, STAFF);
	DO(set_flags("f", 0));
	rec_flags("f");
}

CASE(flags, extended_form)
{
	struct fsxattr x = { .fsx_xflags = 0 };
	int fd;

	put("f", "");
	fd = FD(open("f", O_RDWR));
	DO(ioctl(fd, FS_IOC_FSGETXATTR, &x));
	x.fsx_xflags |= FS_XFLAG_NODUMP;
	DO(ioctl(fd, FS_IOC_FSSETXATTR, &x));
	rec_flags("f");
}

static void rec_statx(const char *path)
{
	enum {
		ATTRIBUTES = STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND
	};
	struct statx x;

	if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW,
		  STATX_BASIC_STATS | STATX_BTIME, &x) < 0) {
		rec("%s: statx = %s", path, errname(errno));
		return;
	}
	rec("%s: mask %x mode %o links %u owner %u:%u", path,
	    x.stx_mask & STATX_BASIC_STATS, x.stx_mode, x.stx_nlink, x.stx_uid,
	    x.stx_gid);
	if (!S_ISDIR(x.stx_mode))
		rec("%s: size %llu", path, (unsigned long long)x.stx_size);
}

CASES(statx, of_types, N_KINDS)
{
	about("statx of a %s", kind_name(nth));
	put_kind("x", nth);
	rec_statx("x");
	rec_statx("x/");
}

CASE(statx, flags_and_errors)
{
	struct statx x;
	int fd;

	put("f", "abc");
	fd = FD(open("f", O_PATH));
	OK(statx(fd, "", AT_EMPTY_PATH, STATX_SIZE, &x));
	OK(statx(fd, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_SIZE, &x));
	OK(statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_SIZE, &x));
	EXPECT(x.stx_size == 3);
	FAILS(ENOENT, statx(fd, "", 0, STATX_SIZE, &x));
	FAILS(ENOENT, statx(AT_FDCWD, "no", 0, STATX_SIZE, &x));
	FAILS(EINVAL, statx(AT_FDCWD, "f", 0x8000, STATX_SIZE, &x));
	FAILS(EINVAL,
	      statx(AT_FDCWD, "f", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC,
		    STATX_SIZE, &x));
	FAILS(EINVAL, statx(AT_FDCWD, "f", 0, 0x80000000U, &x));
	FAILS(ENOTDIR, statx(AT_FDCWD, "f/x", 0, STATX_SIZE, &x));
}

CASE(statx, birth_time_stays)
{
	struct statx a, b;

	put("f", "");
	PREP(statx(AT_FDCWD, "f", 0, STATX_BTIME, &a));
	tick();
	put("f", "changed");
	PREP(chmod("f", 0600));
	PREP(rename("f", "g"));
	PREP(statx(AT_FDCWD, "g", 0, STATX_BTIME, &b));
	rec("told: %d", !!(b.stx_mask & STATX_BTIME));
	EXPECT(a.stx_btime.tv_sec == b.stx_btime.tv_sec &&
	       a.stx_btime.tv_nsec == b.stx_btime.tv_nsec);
}

CASE(stat, errors)
{
	struct stat st;

	put("f", "");
	dir_as("d", 0666, ALICE, STAFF);
	put("d/f", "");
	FAILS(ENOENT, stat("", &st));
	FAILS(ENOENT, stat("no", &st));
	FAILS(ENOTDIR, stat("f/x", &st));
	FAILS(ENOTDIR, stat("f/", &st));
	FAILS(ENOTDIR, stat("f/.", &st));
	FAULTS(stat(nowhere(), &st));
	FAILS(EBADF, fstat(-1, &st));
	OK(fstatat(open("f", O_PATH), "", &st, AT_EMPTY_PATH));
	FAILS(EINVAL, fstatat(AT_FDCWD, "f", &st, 0x8000));
	become(ALICE, STAFF);
	FAILS(EACCES, stat("d/f", &st));
	FAILS(EACCES, stat("d/no", &st));
}

CASE(stat, identity_of_files)
{
	struct stat f, g, d, up, here;

	put("f", "");
	PREP(link("f", "g"));
	PREP(mkdir("d", 0755));
	PREP(stat("f", &f));
	PREP(stat("g", &g));
	PREP(stat("d", &d));
	PREP(stat("d/..", &up));
	PREP(stat(".", &here));
	EXPECT(f.st_ino == g.st_ino && f.st_dev == g.st_dev);
	EXPECT(f.st_ino != d.st_ino && f.st_dev == d.st_dev);
	EXPECT(up.st_ino == here.st_ino && up.st_dev == here.st_dev);
	EXPECT(f.st_ino != 0 && f.st_blksize > 0);
	for (int i = 0; i < 50; i++) {
		PREP(stat("f", &g));
		if (g.st_ino != f.st_ino)
			wrong("the inode number changed");
	}
}

CASE(stat, blocks_count_what_is_stored)
{
	struct stat st;
	int fd = FD(open("f", O_CREAT | O_RDWR, 0600));

	PREP(fstat(fd, &st));
	rec("empty %ld", (long)st.st_blocks);
	for (int i = 0; i < 4; i++) {
		PREP(pwrite(fd, "x", 1, (off_t)i * 1000000));
		fsync(fd);
		PREP(fstat(fd, &st));
		rec("%d written, %ld", i + 1, (long)st.st_blocks);
	}
	PREP(symlink("short", "l"));
	PREP(lstat("l", &st));
	rec("link %ld", (long)st.st_blocks);
}

CASE(statfs, makes_sense)
{
	struct statfs fs;
	struct statvfs vfs;
	int fd = FD(open(".", O_RDONLY));

	put("f", "");
	OK(statfs(".", &fs));
	OK(statfs("f", &fs));
	OK(fstatfs(fd, &fs));
	OK(statvfs(".", &vfs));
	EXPECT(fs.f_bsize > 0 && fs.f_frsize > 0);
	EXPECT(fs.f_blocks >= fs.f_bfree && fs.f_bfree >= fs.f_bavail);
	EXPECT(fs.f_files >= fs.f_ffree);
	rec("longest name %ld", (long)fs.f_namelen);
	FAILS(ENOENT, statfs("no", &fs));
	FAILS(ENOTDIR, statfs("f/x", &fs));
	FAILS(EBADF, fstatfs(-1, &fs));
	FAULTS(statfs(nowhere(), &fs));
	OK(fstatfs(open("f", O_PATH), &fs));
}
