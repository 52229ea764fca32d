/* SPDX-License-Identifier: Apache-2.0 */
/* holes.c - sparse files, fallocate(), copy_file_range() */

#include "tests/posix/posix.h"

#include <linux/falloc.h>

static const off_t KIB = 1024, MIB = 1048576;

static void rec_map(const char *label, int fd)
{
	off_t at = 0, end = lseek(fd, 0, SEEK_END);

	rec("%s: size %lld", label, (long long)end);
	while (at < end) {
		off_t data = lseek(fd, at, SEEK_DATA), hole;

		if (data < 0) {
			rec("  hole from %lld: %s", (long long)at,
			    errname(errno));
			break;
		}
		hole = lseek(fd, data, SEEK_HOLE);
		rec("  data %lld to %lld", (long long)data, (long long)hole);
		if (hole <= data)
			break;
		at = hole;
	}
}

static void rec_blocks(const char *label, int fd)
{
	struct stat st;

	/* What is delayed must be allocated first. */
	fsync(fd);
	PREP(fstat(fd, &st));
	rec("%s: %lld blocks", label, (long long)st.st_blocks);
}

CASE(holes, are_found)
{
	int fd = FD(open("f", O_CREAT | O_RDWR, 0600));

	rec_map("empty", fd);
	FAILS(ENXIO, lseek(fd, 0, SEEK_DATA));
	FAILS(ENXIO, lseek(fd, 0, SEEK_HOLE));
	OK(ftruncate(fd, MIB));
	rec_map("only a hole", fd);
	OK(pwrite(fd, "x", 1, 512 * KIB));
	OK(fsync(fd));
	rec_map("one block", fd);
	rec_blocks("one block", fd);
	OK(pwrite(fd, "x", 1, 2 * MIB));
	OK(fsync(fd));
	rec_map("two", fd);
	FAILS(ENXIO, lseek(fd, 3 * MIB, SEEK_DATA));
	FAILS(ENXIO, lseek(fd, 3 * MIB, SEEK_HOLE));
	DO(lseek(fd, -1, SEEK_DATA));
	OK(lseek(fd, 2 * MIB, SEEK_HOLE));
	OK(lseek(fd, 2 * MIB + 1, SEEK_CUR));
	rec_blocks("two", fd);
	OK(ftruncate(fd, 10));
	rec_blocks("cut", fd);
	rec_map("cut", fd);
}

static const struct {
	const char *name;
	int mode;
} modes[] = {
	{ "0", 0 },
	{ "KEEP_SIZE", FALLOC_FL_KEEP_SIZE },
	{ "PUNCH_HOLE", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE },
	{ "PUNCH_HOLE alone", FALLOC_FL_PUNCH_HOLE },
	{ "ZERO_RANGE", FALLOC_FL_ZERO_RANGE },
	{ "ZERO_RANGE KEEP_SIZE", FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE },
	{ "UNSHARE_RANGE", FALLOC_FL_UNSHARE_RANGE },
	{ "COLLAPSE|INSERT",
	  FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE },
	{ "unknown", 0x400 },
};
static const struct {
	off_t off, len;
} ranges[] = {
	{ 0, 4096 },	  { 4096, 8192 },  { 0, 65536 },     { 100, 200 },
	{ 60000, 10000 }, { 65536, 4096 }, { 131072, 4096 }, { 0, 1 },
	{ 0, 0 },	  { 0, -1 },	   { -1, 10 },	     { 32768, 32768 },
	{ 65535, 1 },
};

CASES(holes, fallocate, N_OF(modes))
{
	about("fallocate %s", modes[nth].name);
	for (size_t i = 0; i < N_OF(ranges); i++) {
		int fd;

		put_size("f", 65536);
		fd = open("f", O_RDWR | O_CLOEXEC);
		fsync(fd);
		rec("at %lld, %lld bytes", (long long)ranges[i].off,
		    (long long)ranges[i].len);
		DO(fallocate(fd, modes[nth].mode, ranges[i].off,
			     ranges[i].len));
		look("f");
		see("f");
		rec_blocks("after", fd);
		rec_map("after", fd);
		close(fd);
		PREP(unlink("f"));
	}
}

/* As on ext4, or refused whole. */
static void shift(int mode, off_t want)
{
	struct stat st;
	int fd, r;

	put_size("f", 65536);
	fd = open("f", O_RDWR | O_CLOEXEC);
	r = fallocate(fd, mode, 4096, 8192);
	EXPECT(r == 0 || errno == EOPNOTSUPP);
	PREP(fstat(fd, &st));
	EXPECT(st.st_size == (r == 0 ? want : 65536));
	close(fd);
}

CASE(holes, ranges_are_shifted_or_not_supported)
{
	shift(FALLOC_FL_COLLAPSE_RANGE, 65536 - 8192);
	shift(FALLOC_FL_INSERT_RANGE, 65536 + 8192);
}

CASES(holes, fallocate_of_types, N_KINDS)
{
	int fd;

	about("fallocate of a %s", kind_name(nth));
	if (nth == KIND_CHAR || nth == KIND_BLOCK)
		return;
	put_kind("x", nth);
	fd = FD(open("x", nth == KIND_DIR ? O_RDONLY : O_RDWR | O_NONBLOCK));
	DO(fallocate(fd, 0, 0, 4096));
	DO(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1));
	DO(lseek(fd, 0, SEEK_DATA));
}

CASE(holes, fallocate_errors)
{
	int fd = FD(open("f", O_CREAT | O_RDWR, 0600));

	FAILS(EFBIG, fallocate(fd, 0, INT64_MAX - 10, 100));
	DO(fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)1 << 45, 4096));
	DO(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		     (off_t)1 << 40, 4096));
	OK(posix_fallocate(fd, 0, 100));
	look("f");
	FAILS(EBADF, fallocate(-1, 0, 0, 1));
	PREP(fcntl(fd, F_SETFL, O_APPEND));
	OK(fallocate(fd, 0, 0, 5000));
	look("f");
	rec_blocks("f", fd);
}

CASE(holes, punched_data_reads_as_zero_everywhere)
{
	char buf[16];
	int a, b;

	put_size("f", 65536);
	a = FD(open("f", O_RDWR));
	b = FD(open("f", O_RDONLY));
	OK(pread(b, buf, 16, 5000));
	OK(fallocate(a, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096,
		     8192));
	OK(pread(b, buf, 16, 4090));
	rec_bytes("at the edge", buf, 16);
	rec_blocks("f", a);
	OK(pwrite(a, "back", 4, 5000));
	OK(pread(b, buf, 16, 4996));
	rec_bytes("filled", buf, 16);
}

static const struct {
	off_t in, out;
	size_t len;
} copies[] = {
	{ 0, 0, 100000 },
	{ 0, 0, 1 },
	{ 4096, 0, 4096 },
	{ 100, 200, 5000 },
	{ 65530, 0, 100 },
	{ 65536, 0, 10 },
	{ 100000, 0, 10 },
	{ 0, 1000000, 10 },
	{ 0, 0, 0 },
	{ 0, 65536, 65536 },
	{ 32768, 4096, 20000 },
};

CASES(holes, copy_file_range, N_OF(copies))
{
	off_t in = copies[nth].in, out = copies[nth].out;
	int a, b;

	about("copy_file_range %lld -> %lld, %zu bytes", (long long)in,
	      (long long)out, copies[nth].len);
	put_size("a", 65536);
	put("b", "what was there");
	a = FD(open("a", O_RDWR));
	b = FD(open("b", O_RDWR));
	DO(copy_file_range(a, &in, b, &out, copies[nth].len, 0));
	rec("offsets %lld %lld", (long long)in, (long long)out);
	look("b");
	see("b");
	DO(lseek(a, 0, SEEK_CUR));
	PREP(lseek(a, copies[nth].in, SEEK_SET));
	DO(copy_file_range(a, NULL, b, NULL, copies[nth].len, 0));
	DO(lseek(a, 0, SEEK_CUR));
	DO(lseek(b, 0, SEEK_CUR));
	in = copies[nth].in;
	out = copies[nth].out;
	rec("within one file");
	DO(copy_file_range(a, &in, a, &out, copies[nth].len, 0));
	look("a");
	see("a");
}

CASE(holes, copy_file_range_errors)
{
	int a, b, ro, dir;

	put_size("a", 1000);
	put("b", "");
	a = FD(open("a", O_RDONLY));
	b = FD(open("b", O_RDWR));
	ro = FD(open("b", O_RDONLY));
	dir = FD(open(".", O_RDONLY));
	FAILS(EBADF, copy_file_range(a, NULL, ro, NULL, 10, 0));
	FAILS(EINVAL, copy_file_range(a, NULL, b, NULL, 10, 1));
	FAILS(EISDIR, copy_file_range(dir, NULL, b, NULL, 10, 0));
	FAILS(EBADF, copy_file_range(-1, NULL, b, NULL, 10, 0));
	PREP(fcntl(b, F_SETFL, O_APPEND));
	FAILS(EBADF, copy_file_range(a, NULL, b, NULL, 10, 0));
	PREP(mkfifo("p", 0600));
	DO(copy_file_range(open("p", O_RDWR | O_NONBLOCK), NULL,
			   open("b", O_RDWR), NULL, 10, 0));
	look("b");
}

CASE(holes, sparse_copies_keep_their_bytes)
{
	off_t in = 0, out = 0;
	int a = FD(open("a", O_CREAT | O_RDWR, 0600));
	int b = FD(open("b", O_CREAT | O_RDWR, 0600));

	OK(pwrite(a, "start", 5, 0));
	OK(pwrite(a, "middle", 6, 300 * KIB));
	OK(ftruncate(a, MIB));
	while (copy_file_range(a, &in, b, &out, (size_t)MIB, 0) > 0)
		;
	look("b");
	see("b");
}
