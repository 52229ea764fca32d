/* SPDX-License-Identifier: Apache-2.0 */
/*
 * datacheck.c - bytes of a file by every way in and every way out
 *
 *   datacheck DIRECTORY
 *
 * write, pwritev, O_APPEND, a shared mapping, truncate, fallocate, holes and
 * copy_file_range in turn; after each the file is read back by read, by a
 * mapping and, where the filesystem takes it, O_DIRECT, and compared with what
 * memory says it must hold.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SIZE_MAX_BYTES (1 << 20)
#define BLOCK	       4096
#define ROUNDS	       400

static unsigned char model[SIZE_MAX_BYTES];
static size_t size;
static unsigned round_no;
static unsigned seed = 1;

#define CHECK(cond, ...)                                                       \
	do {                                                                   \
		if (!(cond)) {                                                 \
			fprintf(stderr, "%s:%d: round %u: ", __FILE__,         \
				__LINE__, round_no);                           \
			fprintf(stderr, __VA_ARGS__);                          \
			fprintf(stderr, " (errno %m)\n");                      \
			exit(1);                                               \
		}                                                              \
	} while (0)

static size_t below(size_t n)
{
	return (size_t)rand_r(&seed) % n;
}

static void put(size_t off, const unsigned char *buf, size_t len)
{
	memcpy(model + off, buf, len);
	if (off + len > size)
		size = off + len;
}

static void fill(unsigned char *buf, size_t len)
{
	for (size_t i = 0; i < len; i++)
		buf[i] = (unsigned char)(i * 7 + round_no);
}

static void by_pwritev(int fd)
{
	static unsigned char a[9000], b[5000];
	size_t off = below(SIZE_MAX_BYTES - sizeof(a) - sizeof(b));
	struct iovec iov[2] = { { a, 1 + below(sizeof(a)) },
				{ b, 1 + below(sizeof(b)) } };
	size_t len = iov[0].iov_len + iov[1].iov_len;

	fill(a, sizeof(a));
	fill(b, sizeof(b));
	CHECK(pwritev(fd, iov, 2, (off_t)off) == (ssize_t)len, "pwritev");
	put(off, a, iov[0].iov_len);
	put(off + iov[0].iov_len, b, iov[1].iov_len);
}

static void by_append(const char *path)
{
	unsigned char buf[3000];
	size_t len = 1 + below(sizeof(buf));
	int fd;

	if (size + len > SIZE_MAX_BYTES)
		return;
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	fill(buf, len);
	CHECK(fd >= 0 && write(fd, buf, len) == (ssize_t)len, "append");
	put(size, buf, len);
	close(fd);
}

static void by_mapping(int fd)
{
	size_t off, len;
	unsigned char *map;

	if (size < 2)
		return;
	off = below(size - 1);
	len = 1 + below(size - off);
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED, "mmap");
	fill(map + off, len);
	memcpy(model + off, map + off, len);
	munmap(map, size);
}

static void by_truncate(int fd)
{
	size_t to = below(SIZE_MAX_BYTES);

	CHECK(ftruncate(fd, (off_t)to) == 0, "ftruncate");
	if (to < size)
		memset(model + to, 0, size - to);
	size = to;
}

static void by_fallocate(int fd)
{
	static const int modes[] = {
		0,
		FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
	};
	int mode = modes[below(4)];
	size_t off = below(SIZE_MAX_BYTES - 1);
	size_t len = 1 + below(SIZE_MAX_BYTES - off);
	size_t end = off + len < size ? off + len : size;

	if (fallocate(fd, mode, (off_t)off, (off_t)len) < 0) {
		CHECK(errno == EOPNOTSUPP, "fallocate %d", mode);
		return;
	}
	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE) && off < end)
		memset(model + off, 0, end - off);
	if (mode == 0 && off + len > size)
		size = off + len;
}

static void by_copy_range(int fd)
{
	size_t half = SIZE_MAX_BYTES / 2, len;
	off_t in = 0, out = (off_t)half;
	ssize_t n;

	len = size < half ? size : half;
	n = copy_file_range(fd, &in, fd, &out, len, 0);
	if (n < 0) {
		CHECK(errno == EXDEV || errno == EOPNOTSUPP, "copy_file_range");
		return;
	}
	if (n > 0)
		put(half, model, (size_t)n);
}

static void compare(const unsigned char *got, const char *how)
{
	for (size_t i = 0; i < size; i++)
		CHECK(got[i] == model[i], "%s: byte %zu is %d, expected %d",
		      how, i, got[i], model[i]);
}

static void check_by_read(const char *path, int flags, const char *how)
{
	static unsigned char buf[SIZE_MAX_BYTES]
		__attribute__((aligned(BLOCK)));
	int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
	size_t done = 0;
	ssize_t n;

	if (fd < 0 && errno == EINVAL)
		return; /* no O_DIRECT here */
	CHECK(fd >= 0, "%s: open", how);
	while ((n = pread(fd, buf + done, sizeof(buf) - done, (off_t)done)) > 0)
		done += (size_t)n;
	CHECK(n == 0 && done == size, "%s: %zu bytes, expected %zu", how, done,
	      size);
	compare(buf, how);
	close(fd);
}

static void check(const char *path, int fd)
{
	struct stat st;
	void *map;

	CHECK(fstat(fd, &st) == 0 && (size_t)st.st_size == size,
	      "size is %jd, expected %zu", (intmax_t)st.st_size, size);
	check_by_read(path, 0, "read");
	if (round_no % 16 == 0)
		check_by_read(path, O_DIRECT, "O_DIRECT");
	if (size == 0)
		return;
	map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED, "mmap");
	compare(map, "mapping");
	munmap(map, size);
}

int main(int argc, char **argv)
{
	char path[4096];
	int fd;

	if (argc != 2) {
		fprintf(stderr, "usage: datacheck DIRECTORY\n");
		return 2;
	}
	snprintf(path, sizeof(path), "%s/datacheck", argv[1]);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	CHECK(fd >= 0, "cannot open '%s'", path);
	for (round_no = 0; round_no < ROUNDS; round_no++) {
		switch (below(6)) {
		case 0:
			by_append(path);
			break;
		case 1:
			by_mapping(fd);
			break;
		case 2:
			by_truncate(fd);
			break;
		case 3:
			by_fallocate(fd);
			break;
		case 4:
			by_copy_range(fd);
			break;
		default:
			by_pwritev(fd);
		}
		check(path, fd);
	}
	close(fd);
	unlink(path);
	return 0;
}
