/* SPDX-License-Identifier: Apache-2.0 */
/* data.c - read(), write() and their kin, holes, allocation, copying */

#include "tests/posix/posix.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/statfs.h>
#include <sys/uio.h>

CASE(data, basic_reads_and_writes)
{
	char buf[64];
	int fd = FD(open("f", O_CREAT | O_RDWR, 0600));

	OK(write(fd, "0123456789", 10));
	OK(lseek(fd, 0, SEEK_CUR));
	OK(read(fd, buf, 10));
	OK(lseek(fd, 3, SEEK_SET));
	OK(read(fd, buf, 4));
	rec_bytes("read", buf, 4);
	OK(lseek(fd, -2, SEEK_END));
	OK(read(fd, buf, 64));
	rec_bytes("read", buf, 2);
	OK(pwrite(fd, "XY", 2, 4));
	OK(lseek(fd, 0, SEEK_CUR));
	OK(pread(fd, buf, 64, 1));
	rec_bytes("pread", buf, 9);
	OK(lseek(fd, 100, SEEK_SET));
	OK(read(fd, buf, 1));
	OK(write(fd, "end", 3));
	see("f");
	look("f");
	FAILS(EINVAL, lseek(fd, -1, SEEK_SET));
	FAILS(EINVAL, lseek(fd, 0, 77));
	FAILS(EINVAL, pread(fd, buf, 1, -1));
	FAILS(EINVAL, pwrite(fd, buf, 1, -1));
	FAULTS(read(fd, (errno = 0, lseek(fd, 0, SEEK_SET), nowhere()), 5));
	FAULTS(write(fd, nowhere(), 5));
	OK(read(fd, buf, 0));
	OK(write(fd, buf, 0));
	DO(pwrite(fd, "x", 1, INT64_MAX - 5));
	DO(pread(fd, buf, 1, INT64_MAX - 5));
}

CASE(data, access_mode_is_kept)
{
	char c;
	int fd;

	put("f", "abc");
	fd = FD(open("f", O_RDONLY));
	FAILS(EBADF, write(fd, "x", 1));
	FAILS(EBADF, fallocate(fd, 0, 0, 10));
	fd = FD(open("f", O_WRONLY));
	FAILS(EBADF, read(fd, &c, 1));
	FAILS(EBADF, pread(fd, &c, 1, 0));
	fd = FD(open(".", O_RDONLY));
	FAILS(EISDIR, read(fd, &c, 1));
	FAILS(EBADF, fallocate(fd, 0, 0, 1));
}

CASE(data, vectors)
{
	char a[4] = "abc", b[6] = "defgh";
	struct iovec out[3] = { { a, 3 }, { b, 0 }, { b, 5 } };
	char x[5] = "", y[5] = "";
	struct iovec in[2] = { { x, 4 }, { y, 4 } };
	/* Volatile, or the compiler refuses what the kernel must. */
	volatile int too_many = 2000, negative = -1;
	int fd = FD(open("f", O_CREAT | O_RDWR, 0600));

	OK(writev(fd, out, 3));
	OK(preadv(fd, in, 2, 0));
	rec("%s %s", x, y);
	OK(pwritev(fd, out, 3, 20));
	OK(preadv(fd, in, 2, 22));
	see("f");
	FAILS(EINVAL, preadv(fd, in, too_many, 0));
	DO(readv(fd, in, 0));
	FAILS(EINVAL, preadv(fd, in, negative, 0));
	OK(preadv2(fd, in, 2, 0, RWF_HIPRI));
	OK(pwritev2(fd, out, 3, 2, RWF_DSYNC));
	OK(pwritev2(fd, out, 3, 2, RWF_SYNC));
	OK(pwritev2(fd, out, 1, 0, RWF_APPEND));
	look("f");
	see("f");
	OK(preadv2(fd, in, 2, -1, 0));
	DO(preadv2(fd, in, 2, 0, 0x8000));
	/* RWF_NOWAIT may say EAGAIN by chance, but nothing else. */
	EXPECT(preadv2(fd, in, 2, 0, RWF_NOWAIT) >= 0 || errno == EAGAIN ||
	       errno == EOPNOTSUPP);
}

CASE(data, append_ignores_the_offset)
{
	int fd;

	put("f", "start ");
	fd = FD(open("f", O_RDWR | O_APPEND));
	OK(lseek(fd, 0, SEEK_SET));
	OK(write(fd, "one ", 4));
	OK(lseek(fd, 0, SEEK_CUR));
	OK(pwrite(fd, "two ", 4, 0));
	see("f");
	OK(truncate("f", 3));
	OK(write(fd, "three", 5));
	see("f");
}

CASE(data, append_can_be_switched_on)
{
	int fd;

	put("f", "start");
	fd = FD(open("f", O_RDWR));
	OK(pwrite(fd, "S", 1, 0));
	OK(fcntl(fd, F_SETFL, O_APPEND));
	OK(pwrite(fd, "!", 1, 0));
	see("f");
	OK(fcntl(fd, F_SETFL, 0));
	OK(pwrite(fd, "s", 1, 0));
	see("f");
}

CASE(data, append_can_be_switched_off)
{
	int fd;

	put("f", "start");
	fd = FD(open("f", O_RDWR | O_APPEND));
	OK(pwrite(fd, "!", 1, 0));
	OK(fcntl(fd, F_SETFL, 0));
	OK(pwrite(fd, "S", 1, 0));
	see("f");
	OK(fcntl(fd, F_SETFL, O_APPEND));
	OK(pwrite(fd, "!", 1, 0));
	see("f");
}

CASE(data, appending_processes_lose_no_record)
{
	enum {
		WRITERS = 6,
		RECORDS = 150
	};
	int counts[WRITERS] = { 0 }, fd, bad = 0;
	char line[17];

	put("f", "");
	for (int i = 0; i < WRITERS; i++) {
		if (start() != 0)
			continue;
		fd = open("f", O_WRONLY | O_APPEND);
		memset(line, 'a' + i, 16);
		for (int k = 0; k < RECORDS; k++)
			(void)!write(fd, line, 16);
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
	fd = FD(open("f", O_RDONLY));
	while (read(fd, line, 16) == 16) {
		for (int k = 1; k < 16; k++)
			bad += line[k] != line[0];
		if (line[0] >= 'a' && line[0] < 'a' + WRITERS)
			counts[line[0] - 'a']++;
	}
	EXPECT(bad == 0);
	for (int i = 0; i < WRITERS; i++)
		EXPECT(counts[i] == RECORDS);
	look("f");
}

CASE(data, writers_of_other_places_do_not_disturb)
{
	enum {
		WRITERS = 4,
		BLOCKS = 64,
		BLOCK = 1000
	};
	char buf[BLOCK];
	int fd, bad = 0;

	put("f", "");
	for (int i = 0; i < WRITERS; i++) {
		if (start() != 0)
			continue;
		fd = open("f", O_RDWR);
		memset(buf, 'a' + i, BLOCK);
		for (int k = i; k < BLOCKS; k += WRITERS)
			(void)!pwrite(fd, buf, BLOCK, (off_t)k * BLOCK);
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
	fd = FD(open("f", O_RDONLY));
	for (int k = 0; k < BLOCKS; k++) {
		PREP(pread(fd, buf, BLOCK, (off_t)k * BLOCK));
		for (int j = 0; j < BLOCK; j++)
			bad += buf[j] != 'a' + k % WRITERS;
	}
	EXPECT(bad == 0);
	look("f");
}

static const size_t sizes[] = { 1,	511,	 512,	 4095,	4096,
				4097,	65535,	 65536,	 65537, 131072,
				200000, 1000000, 1048576 };

CASES(data, sizes_and_offsets, N_OF(sizes))
{
	static const off_t offsets[] = { 0, 1, 4095, 100000, 5000000000LL };
	char *out = malloc(sizes[nth]), *in = calloc(1, sizes[nth] + 10);
	int fd = FD(open("f", O_CREAT | O_RDWR, 0600));

	about("writes of %zu bytes", sizes[nth]);
	for (size_t i = 0; i < sizes[nth]; i++)
		out[i] = (char)(i * 31 + i / 509);
	for (size_t i = 0; i < N_OF(offsets); i++) {
		OK(pwrite(fd, out, sizes[nth], offsets[i]));
		OK(pread(fd, in, sizes[nth] + 10, offsets[i]));
		EXPECT(memcmp(in, out, sizes[nth]) == 0);
		look_fd("f", fd);
		OK(ftruncate(fd, 0));
	}
	free(out);
	free(in);
}

CASE(data, direct_io)
{
	static const size_t lens[] = { 4096, 8192, 65536, 1000, 511, 1 };
	char *buf = NULL;
	int fd;

	PREP(-posix_memalign((void **)&buf, 4096, 65536));
	memset(buf, 'd', 65536);
	fd = open("f", O_CREAT | O_RDWR | O_DIRECT, 0600);
	if (fd < 0) {
		rec("O_DIRECT = %s", errname(errno));
		return;
	}
	for (size_t i = 0; i < 3; i++) {
		OK(pwrite(fd, buf, lens[i], 0));
		OK(pread(fd, buf, lens[i], 0));
		OK(pread(fd, buf, lens[i], 65536));
	}
	look("f");
	/* Direct and cached views of one file agree. */
	put("g", "");
	fd = FD(open("g", O_RDWR | O_DIRECT));
	OK(pwrite(fd, buf, 8192, 4096));
	see("g");
	int cached = FD(open("g", O_RDWR));
	OK(pwrite(cached, "cached", 6, 4096));
	OK(pread(fd, buf, 4096, 4096));
	rec_bytes("direct read", buf, 6);
	buf[0] = 'D';
	OK(pwrite(fd, buf, 4096, 4096));
	OK(pread(cached, buf, 6, 4096));
	rec_bytes("cached read", buf, 6);
	OK(fcntl(cached, F_SETFL, O_DIRECT));
	OK(fcntl(fd, F_SETFL, 0));
	OK(pread(fd, buf + 1, 7, 1));
	free(buf);
}

CASE(data, synchronous_flags)
{
	int fd = FD(open("f", O_CREAT | O_RDWR | O_SYNC, 0600));

	OK(write(fd, "abc", 3));
	fd = FD(open("f", O_RDWR | O_DSYNC));
	OK(write(fd, "def", 3));
	OK(fsync(fd));
	OK(fdatasync(fd));
	OK(sync_file_range(fd, 0, 3, SYNC_FILE_RANGE_WRITE));
	OK(syncfs(fd));
	OK(posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED));
	OK(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	OK(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL));
	OK(readahead(fd, 0, 10));
	see("f");
	fd = FD(open(".", O_RDONLY));
	OK(fsync(fd));
	OK(fdatasync(fd));
	OK(syncfs(fd));
	FAILS(EBADF, fsync(-1));
	FAILS(EBADF, fsync(open(".", O_PATH)));
	PREP(mkfifo("p", 0600));
	FAILS(EINVAL, fsync(open("p", O_RDWR | O_NONBLOCK)));
	fd = FD(open("f", O_RDONLY));
	OK(fsync(fd));
	DO(sync_file_range(fd, 0, 3, 64));
}

CASE(data, seen_by_every_descriptor_at_once)
{
	char c;
	int a, b;

	put("f", "");
	a = FD(open("f", O_RDWR));
	b = FD(open("f", O_RDONLY));
	for (int i = 0; i < 50; i++) {
		char w = (char)('a' + i % 26);

		PREP(write(a, &w, 1));
		EXPECT(pread(b, &c, 1, i) == 1 && c == w);
	}
	PREP(ftruncate(a, 10));
	EXPECT(pread(b, &c, 1, 20) == 0);
	PREP(ftruncate(a, 30));
	EXPECT(pread(b, &c, 1, 20) == 1 && c == 0);
}

CASE(data, ioctls)
{
	int fd, n = -1, flags = -1;

	put("f", "abcdef");
	fd = FD(open("f", O_RDWR));
	PREP(lseek(fd, 2, SEEK_SET));
	DO(ioctl(fd, FIONREAD, &n));
	rec("FIONREAD %d", n);
	FAILS(ENOTTY, ioctl(fd, 0x5401, nowhere())); /* TCGETS */
	DO(ioctl(fd, FICLONE, open("f", O_RDONLY)));
	DO(ioctl(fd, _IO('f', 200), 0));
	OK(ioctl(fd, FIOCLEX));
	OK(fcntl(fd, F_GETFD));
	DO(ioctl(fd, FS_IOC_GETFLAGS, &flags));
	DO(ioctl(fd, FIGETBSZ, &n));
	fd = FD(open(".", O_RDONLY));
	FAILS(ENOTTY, ioctl(fd, 0x5401, nowhere()));
}

CASE(data, sendfile_and_splice)
{
	int in, out, p[2];
	off_t off = 2;

	put_size("in", 100000);
	put("out", "");
	in = FD(open("in", O_RDONLY));
	out = FD(open("out", O_RDWR));
	PREP(pipe(p));
	OK(sendfile(out, in, NULL, 1000));
	OK(lseek(in, 0, SEEK_CUR));
	OK(sendfile(out, in, &off, 50));
	rec("offset %lld", (long long)off);
	look("out");
	OK(splice(in, &off, p[1], NULL, 4000, 0));
	OK(splice(p[0], NULL, out, NULL, 4000, 0));
	OK(splice(in, NULL, p[1], NULL, 10, 0));
	off = 99999;
	OK(sendfile(out, in, &off, 100));
	see("out");
	OK(fcntl(out, F_SETFL, O_APPEND));
	FAILS(EINVAL, splice(p[0], NULL, out, NULL, 5, 0));
	FAILS(EINVAL, sendfile(out, in, NULL, 5));
	FAILS(EBADF, sendfile(in, out, NULL, 5));
}
