/* SPDX-License-Identifier: Apache-2.0 */
/* truncate.c - truncate() and ftruncate() */

#include "tests/posix/posix.h"

#include <signal.h>
#include <sys/resource.h>

static const off_t sizes[] = {
	0,     1,	4095,	 4096,		 4097,
	65536, 1000000, 1048577, (off_t)1 << 32, (off_t)1 << 42
};

CASES(truncate, to_sizes, N_OF(sizes))
{
	char buf[64] = { 0 };
	int fd;

	about("truncate to %lld", (long long)sizes[nth]);
	put_size("f", 5000);
	OK(truncate("f", sizes[nth]));
	look("f");
	fd = FD(open("f", O_RDWR));
	DO(pread(fd, buf, sizeof(buf), 4990));
	rec_bytes("around the old end", buf, 20);
	OK(ftruncate(fd, 100));
	OK(ftruncate(fd, 5000));
	memset(buf, 'x', sizeof(buf));
	OK(pread(fd, buf, sizeof(buf), 90));
	rec_bytes("shrunk and grown", buf, sizeof(buf));
	OK(ftruncate(fd, sizes[nth]));
	OK(lseek(fd, 0, SEEK_END));
	look_fd("f", fd);
}

CASES(truncate, of_types, N_KINDS)
{
	about("truncate of a %s", kind_name(nth));
	put_kind("x", nth);
	if (nth != KIND_CHAR && nth != KIND_BLOCK) {
		DO(truncate("x", 3));
		look("x");
		look("its_file");
		DO(truncate("x/", 1));
		DO(truncate("x", -1));
	}
	list(".");
}

CASE(truncate, by_descriptor_needs_write_access)
{
	int fd;

	put("f", "abcdef");
	fd = FD(open("f", O_RDONLY));
	FAILS(EINVAL, ftruncate(fd, 1));
	fd = FD(open(".", O_RDONLY));
	FAILS(EINVAL, ftruncate(fd, 1));
	fd = FD(open("f", O_WRONLY));
	FAILS(EINVAL, ftruncate(fd, -1));
	OK(ftruncate(fd, 3));
	see("f");
	FAILS(EBADF, ftruncate(-1, 0));
	PREP(chmod("f", 0));
	become(ALICE, STAFF);
	OK(ftruncate(fd, 1));
	look_fd("f", fd);
}

CASE(truncate, errors)
{
	put_as("ro", 0444, ALICE, STAFF);
	dir_as("d", 0700, BOB, STAFF);
	put_as("d/f", 0666, ALICE, STAFF);
	FAILS(EFBIG, truncate("ro", ((off_t)1 << 62)));
	DO(truncate("ro", (off_t)17592186044415));
	DO(truncate("ro", (off_t)17592186044417));
	FAILS(EINVAL, truncate("ro", -5));
	FAILS(ENOENT, truncate("no", 0));
	FAILS(ENOENT, truncate("", 0));
	FAILS(EISDIR, truncate(".", 0));
	FAULTS(truncate(nowhere(), 0));
	become(ALICE, STAFF);
	FAILS(EACCES, truncate("ro", 0));
	FAILS(EACCES, truncate("d/f", 0));
	look("ro");
}

CASE(truncate, size_limit_of_the_process)
{
	struct rlimit limit = { 5000, 5000 };
	char buf[4096] = "";
	int fd;

	signal(SIGXFSZ, SIG_IGN);
	put_size("f", 4000);
	fd = FD(open("f", O_RDWR | O_APPEND));
	PREP(setrlimit(RLIMIT_FSIZE, &limit));
	FAILS(EFBIG, truncate("f", 5001));
	FAILS(EFBIG, ftruncate(fd, 1 << 20));
	OK(write(fd, buf, sizeof(buf)));
	look("f");
	FAILS(EFBIG, write(fd, buf, 1));
	FAILS(EFBIG, fallocate(fd, 0, 0, 6000));
	OK(truncate("f", 5000));
	OK(truncate("f", 10));
	look("f");
}

CASE(truncate, size_limit_sends_sigxfsz)
{
	struct rlimit limit = { 10, 10 };
	pid_t pid;

	put("f", "");
	pid = start();
	if (!pid) {
		int fd = open("f", O_WRONLY);

		setrlimit(RLIMIT_FSIZE, &limit);
		(void)!write(fd, "0123456789", 10);
		(void)!write(fd, "0", 1);
		_exit(0);
	}
	ended("writer", pid);
	look("f");
}

CASE(truncate, same_size_still_changes_times)
{
	struct stamps was;

	put("f", "abc");
	tick();
	was = stamps_of("f");
	OK(truncate("f", 3));
	stamps_changed("f", &was);
	tick();
	was = stamps_of("f");
	OK(ftruncate(open("f", O_RDWR), 3));
	stamps_changed("f", &was);
	tick();
	was = stamps_of("f");
	OK(open("f", O_RDWR | O_TRUNC));
	stamps_changed("f", &was);
	tick();
	was = stamps_of("f");
	OK(open("f", O_RDWR | O_TRUNC));
	stamps_changed("f", &was);
}
