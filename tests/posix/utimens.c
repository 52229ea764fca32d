/* SPDX-License-Identifier: Apache-2.0 */
/* utimens.c - utimensat(): values, NOW and OMIT, who may */

#include "tests/posix/posix.h"

#include <sys/time.h>
#include <utime.h>

static const struct {
	const char *name;
	struct timespec at;
} values[] = {
	{ "omit", { 0, UTIME_OMIT } },
	{ "now", { 0, UTIME_NOW } },
	{ "epoch", { 0, 0 } },
	{ "nanoseconds", { 1234567890, 123456789 } },
	{ "last nanosecond", { 1000000000, 999999999 } },
	{ "before the epoch", { -1, 5 } },
	{ "1901", { -2147483648LL, 0 } },
	{ "too far back", { -9000000000LL, 0 } },
	{ "2038", { 2147483648LL, 1 } },
	{ "2446", { 15032385535LL, 7 } },
	{ "too far ahead", { 99999999999LL, 0 } },
	{ "a bad number", { 5, 1000000000 } },
	{ "a negative number", { 5, -1 } },
};

static void rec_time(const char *label, const struct timespec *t,
		     const struct timespec *since)
{
	/* A time of today is not the same on both sides. */
	if (t->tv_sec >= since->tv_sec - 1 && t->tv_sec < since->tv_sec + 60)
		rec("%s is now", label);
	else
		rec("%s is %lld.%09ld", label, (long long)t->tv_sec,
		    t->tv_nsec);
}

static void rec_times(const char *path)
{
	struct timespec now;
	struct stat st;

	clock_gettime(CLOCK_REALTIME, &now);
	if (lstat(path, &st) < 0) {
		rec("%s: %s", path, errname(errno));
		return;
	}
	now.tv_sec -= 30;
	rec_time("atime", &st.st_atim, &now);
	rec_time("mtime", &st.st_mtim, &now);
	rec_time("ctime", &st.st_ctim, &now);
}

CASES(utimens, values, N_OF(values))
{
	about("times of each pair with atime %s", values[nth].name);
	put("f", "");
	for (size_t m = 0; m < N_OF(values); m++) {
		struct timespec t[2] = { values[nth].at, values[m].at };
		struct timespec old[2] = { { 1000, 0 }, { 2000, 0 } };

		PREP(utimensat(AT_FDCWD, "f", old, 0));
		rec("mtime %s", values[m].name);
		DO(utimensat(AT_FDCWD, "f", t, 0));
		rec_times("f");
		DO(futimens(open("f", O_RDONLY), t));
		rec_times("f");
	}
}

CASES(utimens, of_types, N_KINDS)
{
	struct timespec t[2] = { { 1000, 1 }, { 2000, 2 } };

	about("utimensat of a %s", kind_name(nth));
	put_kind("x", nth);
	DO(utimensat(AT_FDCWD, "x", t, 0));
	rec_times("x");
	rec_times("its_file");
	rec_times("its_dir");
	DO(utimensat(AT_FDCWD, "x", t, AT_SYMLINK_NOFOLLOW));
	rec_times("x");
	t[0].tv_sec = 7;
	DO(utimensat(AT_FDCWD, "x/", t, 0));
	rec_times("x");
	DO(utimensat(AT_FDCWD, "x", NULL, AT_SYMLINK_NOFOLLOW));
	rec_times("x");
}

static const struct {
	const char *name;
	uid_t uid;
	gid_t gid;
} actors[] = {
	{ "root", 0, 0 },
	{ "owner", ALICE, GUESTS },
	{ "group member", BOB, STAFF },
	{ "other", BOB, GUESTS },
};
static const mode_t perms[] = { 0666, 0644, 0444, 0460, 0200, 0 };

CASES(utimens, permissions, N_OF(actors) * N_OF(perms))
{
	static const size_t tried[] = { 0, 1, 2 };
	mode_t mode = perms[nth % N_OF(perms)];
	size_t a = nth / N_OF(perms);

	about("utimensat on mode %03o by %s", mode, actors[a].name);
	put_as("f", mode, ALICE, STAFF);
	if (actors[a].uid)
		become(actors[a].uid, actors[a].gid);
	for (size_t i = 0; i < N_OF(tried) * N_OF(tried); i++) {
		struct timespec t[2] = { values[tried[i / 3]].at,
					 values[tried[i % 3]].at };

		rec("atime %s, mtime %s", values[tried[i / 3]].name,
		    values[tried[i % 3]].name);
		DO(utimensat(AT_FDCWD, "f", t, 0));
		rec_times("f");
	}
	DO(utimensat(AT_FDCWD, "f", NULL, 0));
	DO(utime("f", NULL));
	DO(utimes("f", NULL));
	DO(utime("f", &(struct utimbuf){ 5, 6 }));
	rec_times("f");
}

CASE(utimens, errors)
{
	struct timespec t[2] = { { 1, 0 }, { 2, 0 } };

	put("f", "");
	dir_as("d", 0600, ALICE, STAFF);
	put_as("d/f", 0666, ALICE, STAFF);
	FAILS(ENOENT, utimensat(AT_FDCWD, "no", t, 0));
	FAILS(ENOENT, utimensat(AT_FDCWD, "", t, 0));
	FAILS(ENOTDIR, utimensat(AT_FDCWD, "f/x", t, 0));
	FAILS(EINVAL, utimensat(AT_FDCWD, "f", t, 0x8000));
	FAILS(EBADF, futimens(-1, t));
	FAULTS(utimensat(AT_FDCWD, "f", nowhere(), 0));
	t[0].tv_nsec = t[1].tv_nsec = UTIME_OMIT;
	DO(utimensat(AT_FDCWD, "no", t, 0));
	DO(utimensat(AT_FDCWD, "f", t, 0));
	become(ALICE, STAFF);
	FAILS(EACCES, utimensat(AT_FDCWD, "d/f", NULL, 0));
}

CASE(utimens, of_an_open_unlinked_file)
{
	struct timespec t[2] = { { 1000, 1 }, { 2000, 2 } };
	struct stat st;
	int fd;

	put("f", "");
	fd = FD(open("f", O_RDONLY));
	PREP(unlink("f"));
	OK(futimens(fd, t));
	PREP(fstat(fd, &st));
	EXPECT(st.st_atim.tv_sec == 1000 && st.st_mtim.tv_nsec == 2);
}

CASE(utimens, written_times_survive_reading)
{
	struct timespec t[2] = { { 5000000, 1 }, { 1000, 2 } };
	struct stamps was;
	char c;
	int fd;

	put("f", "abc");
	PREP(utimensat(AT_FDCWD, "f", t, 0));
	was = stamps_of("f");
	fd = FD(open("f", O_RDWR));
	OK(lseek(fd, 1, SEEK_SET));
	stamps_changed("f", &was);
	OK(write(fd, "", 0));
	stamps_changed("f", &was);
	OK(write(fd, "x", 1));
	OK(futimens(fd, t));
	OK(fsync(fd));
	close(fd);
	rec_times("f");
	fd = FD(open("f", O_RDONLY));
	OK(read(fd, &c, 1));
	close(fd);
	rec_times("f");
}
