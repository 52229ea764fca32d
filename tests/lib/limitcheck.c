/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limitcheck.c - fill a volume by every way in, and stop exactly at its limit
 *
 *   limitcheck DIRECTORY LIMIT
 *
 * The directory is empty and has a limit of LIMIT bytes, what its root takes
 * included.  Each way begins with it empty again, so room that does not come
 * back at once fails the next way.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/falloc.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#define BLOCK  4096L
#define CHUNK  777777
#define APPEND 8
#define DEPTH  8 /* requests of a ring that are under way at once */

static off_t limit; /* of a single file */
static char data[1 << 20];
static const char *way;

#define CHECK(cond, ...)                                                       \
	do {                                                                   \
		if (!(cond)) {                                                 \
			int e = errno;                                         \
			fprintf(stderr, "%s: line %d: ", way, __LINE__);       \
			fprintf(stderr, __VA_ARGS__);                          \
			errno = e;                                             \
			fprintf(stderr, " (errno %m)\n");                      \
			exit(1);                                               \
		}                                                              \
	} while (0)

static int make(int flags)
{
	int fd = open("file", flags | O_RDWR | O_CREAT | O_TRUNC, 0600);

	CHECK(fd >= 0, "cannot make a file");
	return fd;
}

static off_t size_of(int fd)
{
	struct stat st;

	CHECK(fstat(fd, &st) == 0, "fstat");
	return st.st_size;
}

static off_t allocated_of(int fd)
{
	struct stat st;

	CHECK(fsync(fd) == 0 && fstat(fd, &st) == 0, "fstat");
	return st.st_blocks * 512;
}

/* It is full to the byte, and says so at once. */
static void expect_full(int fd)
{
	errno = 0;
	CHECK(size_of(fd) == limit, "size %lld, not %lld",
	      (long long)size_of(fd), (long long)limit);
	CHECK(pwrite(fd, "x", 1, limit) == -1 && errno == ENOSPC,
	      "one more byte is taken");
	CHECK(allocated_of(fd) <= limit, "more blocks than allowed");
}

static void end(int fd)
{
	close(fd);
	CHECK(unlink("file") == 0, "unlink");
}

static void by_write(void)
{
	int fd = make(0);
	ssize_t n;

	while ((n = write(fd, data, CHUNK)) > 0)
		;
	CHECK(n == -1 && errno == ENOSPC, "the end is not ENOSPC");
	expect_full(fd);
	CHECK(pwrite(fd, data, CHUNK, 5) == CHUNK, "what is there is changed");
	end(fd);
}

static void by_pwritev(void)
{
	struct iovec iov[3] = { { data, 1000 }, { data, 1 }, { data, 70000 } };
	int fd = make(0);
	off_t at = 0;
	ssize_t n;

	while ((n = pwritev(fd, iov, 3, at)) > 0)
		at += n;
	CHECK(n == -1 && errno == ENOSPC, "the end is not ENOSPC");
	expect_full(fd);
	end(fd);
}

static void by_append(void)
{
	int fd = make(0);
	int status;

	for (int i = 0; i < APPEND; i++) {
		if (fork() == 0) {
			int mine = open("file", O_WRONLY | O_APPEND);

			while (write(mine, data, 1000 + i) > 0)
				;
			_exit(errno != ENOSPC);
		}
	}
	while (wait(&status) > 0)
		CHECK(status == 0, "an end is not ENOSPC");
	expect_full(fd);
	end(fd);
}

static void by_direct(void)
{
	int fd = make(O_DIRECT);
	void *buf = NULL;
	ssize_t n;

	CHECK(posix_memalign(&buf, BLOCK, 16 * BLOCK) == 0, "memory");
	memset(buf, 1, 16 * BLOCK);
	while ((n = write(fd, buf, 16 * BLOCK)) > 0)
		;
	CHECK(n == -1 && errno == ENOSPC, "the end is not ENOSPC");
	free(buf);
	CHECK(size_of(fd) == limit, "size %lld", (long long)size_of(fd));
	end(fd);
}

/* --- io_uring --------------------------------------------------------------
 */

static struct io_uring ring;

static void ring_begin(void)
{
	int r = io_uring_queue_init(DEPTH, &ring, 0);

	errno = -r;
	CHECK(r == 0, "no ring");
}

static struct io_uring_sqe *ring_entry(void)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	CHECK(sqe, "no entry");
	return sqe;
}

/* What one request that is under way gives. */
static int ring_wait(void)
{
	struct io_uring_cqe *cqe;
	int r;

	CHECK(io_uring_submit_and_wait(&ring, 1) >= 0, "submit");
	CHECK(io_uring_wait_cqe(&ring, &cqe) == 0, "wait");
	r = cqe->res;
	io_uring_cqe_seen(&ring, cqe);
	return r;
}

static int ring_write(int fd, const void *buf, unsigned len, off_t at)
{
	io_uring_prep_write(ring_entry(), fd, buf, len, (uint64_t)at);
	return ring_wait();
}

static int ring_fallocate(int fd, int mode, off_t at, off_t len)
{
	io_uring_prep_fallocate(ring_entry(), fd, mode, at, len);
	return ring_wait();
}

static void expect_ring_full(int fd, const void *buf, unsigned len)
{
	CHECK(size_of(fd) == limit, "size %lld, not %lld",
	      (long long)size_of(fd), (long long)limit);
	CHECK(ring_write(fd, buf, len, limit) == -ENOSPC,
	      "more than all is taken");
	CHECK(allocated_of(fd) <= limit, "more blocks than allowed");
}

/* One after the other, each where the last one ended. */
static void ring_fill(int fd, const void *buf, unsigned len)
{
	off_t at = 0;
	int n;

	while ((n = ring_write(fd, buf, len, at)) > 0)
		at += n;
	CHECK(n == -ENOSPC, "the end is %d", n);
	CHECK(at == limit, "%lld bytes are taken", (long long)at);
	expect_ring_full(fd, buf, len);
}

/* As many at once as the ring takes: some of them are refused. */
static void ring_flood(int fd)
{
	unsigned refused = 0;
	off_t at = 0;

	while (at <= limit) {
		for (int i = 0; i < DEPTH; i++, at += CHUNK)
			io_uring_prep_write(ring_entry(), fd, data, CHUNK,
					    (uint64_t)at);
		for (int i = 0; i < DEPTH; i++) {
			int n = ring_wait();

			CHECK(n > 0 || n == -ENOSPC, "the result is %d", n);
			refused += n == -ENOSPC;
		}
		CHECK(size_of(fd) <= limit, "size %lld",
		      (long long)size_of(fd));
		CHECK(allocated_of(fd) <= limit, "more blocks than allowed");
	}
	CHECK(refused > 0, "all of it is taken");
}

static void by_uring(void)
{
	int fd = make(0);

	ring_begin();
	ring_flood(fd);
	CHECK(ftruncate(fd, 0) == 0, "smaller");
	ring_fill(fd, data, CHUNK);
	expect_full(fd);
	CHECK(ring_write(fd, data, CHUNK, 5) == CHUNK,
	      "what is there is changed");
	io_uring_queue_exit(&ring);
	end(fd);
}

/*
 * Each of these fits or does not.  Of one that fits in part the kernel sends
 * the rest again by itself, as Linux 6.18 does it for FUSE to where the first
 * part went, and counts that as written: what such a client is told is not
 * what it wrote, so that is not compared.  The limit must hold all the same.
 */
static void by_uring_direct(void)
{
	int fd = make(O_DIRECT);
	void *buf = NULL;
	off_t at = 0;
	int n;

	ring_begin();
	CHECK(posix_memalign(&buf, BLOCK, 16 * BLOCK) == 0, "memory");
	memset(buf, 1, 16 * BLOCK);
	ring_fill(fd, buf, BLOCK);
	CHECK(ftruncate(fd, 0) == 0, "smaller");
	while ((n = ring_write(fd, buf, 16 * BLOCK, at)) > 0)
		at += n;
	CHECK(n == -ENOSPC, "the end is %d", n);
	expect_ring_full(fd, buf, 16 * BLOCK);
	free(buf);
	io_uring_queue_exit(&ring);
	end(fd);
}

static void by_uring_fallocate(void)
{
	int fd = make(0);

	ring_begin();
	CHECK(ring_fallocate(fd, 0, 0, limit + 1) == -ENOSPC, "too much");
	CHECK(ring_fallocate(fd, 0, 0, limit) == 0, "all of it");
	CHECK(ring_fallocate(fd, FALLOC_FL_KEEP_SIZE, limit, BLOCK) == -ENOSPC,
	      "blocks behind the end");
	expect_ring_full(fd, data, CHUNK);
	CHECK(ring_fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			     limit / 2 / BLOCK * BLOCK) == 0,
	      "punch");
	io_uring_queue_exit(&ring);
	end(fd);
}

/* --- sizes -----------------------------------------------------------------
 */

static void by_truncate(void)
{
	int fd = make(0);

	CHECK(ftruncate(fd, limit + 1) == -1 && errno == ENOSPC,
	      "one byte too large");
	CHECK(ftruncate(fd, limit) == 0, "exactly the limit");
	/* Its holes are paid for. */
	for (off_t at = 0; at < limit; at += 64 * BLOCK)
		CHECK(pwrite(fd, "x", 1, at) == 1, "a hole cannot be filled");
	expect_full(fd);
	CHECK(ftruncate(fd, 0) == 0, "smaller");
	CHECK(pwrite(fd, data, BLOCK, 0) == BLOCK, "room after truncate");
	end(fd);
}

static sigjmp_buf bus;

static void on_bus(int sig)
{
	(void)sig;
	siglongjmp(bus, 1);
}

static void by_map(void)
{
	int fd = make(0);
	char *map;

	CHECK(ftruncate(fd, limit) == 0, "size");
	map = mmap(NULL, (size_t)limit + BLOCK, PROT_READ | PROT_WRITE,
		   MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED, "mmap");
	for (off_t at = 0; at < limit; at += BLOCK)
		map[at] = 'x';
	signal(SIGBUS, on_bus);
	if (sigsetjmp(bus, 1) == 0) {
		map[limit] = 'x';
		CHECK(false, "no SIGBUS behind the end");
	}
	signal(SIGBUS, SIG_DFL);
	munmap(map, (size_t)limit + BLOCK);
	expect_full(fd);
	end(fd);
}

static void by_fallocate(void)
{
	int fd = make(0);
	int other;

	CHECK(fallocate(fd, 0, 0, limit + 1) == -1 && errno == ENOSPC,
	      "too much");
	CHECK(fallocate(fd, 0, 0, limit) == 0, "all of it");
	expect_full(fd);
	CHECK(fallocate(fd, FALLOC_FL_INSERT_RANGE, 0, BLOCK) == -1 &&
		      (errno == ENOSPC || errno == EOPNOTSUPP),
	      "a range is inserted");
	CHECK(fallocate(fd, FALLOC_FL_ZERO_RANGE, limit, BLOCK) == -1 &&
		      errno == ENOSPC,
	      "zeroes behind the end");
	CHECK(fallocate(fd, FALLOC_FL_KEEP_SIZE, limit, BLOCK) == -1 &&
		      errno == ENOSPC,
	      "blocks behind the end");
	CHECK(ftruncate(fd, limit - 4 * BLOCK) == 0, "smaller");
	/* A name may need blocks of its directory: there are four. */
	other = open("other", O_RDWR | O_CREAT, 0600);
	CHECK(other >= 0 && write(other, data, sizeof(data)) == 4 * BLOCK,
	      "not the room that truncate made");
	close(other);
	CHECK(unlink("other") == 0, "unlink");
	end(fd);
}

/* Blocks behind the end, then holes, then a mapping: a way round. */
static void by_keep_size(void)
{
	int fd = make(0);
	off_t half = limit / 2 / BLOCK * BLOCK;
	char *map;

	CHECK(ftruncate(fd, half) == 0, "size");
	CHECK(fallocate(fd, FALLOC_FL_KEEP_SIZE, half, half) == 0, "blocks");
	CHECK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			half) == 0,
	      "punch");
	map = mmap(NULL, (size_t)half, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		   0);
	CHECK(map != MAP_FAILED, "mmap");
	CHECK(ftruncate(fd, limit) == 0, "larger");
	for (off_t at = 0; at < half; at += BLOCK)
		map[at] = 'x';
	munmap(map, (size_t)half);
	CHECK(allocated_of(fd) <= limit, "more blocks than allowed");
	end(fd);
}

static void by_punch(void)
{
	int fd = make(0);
	int other;

	CHECK(fallocate(fd, 0, 0, limit) == 0, "all of it");
	CHECK(ftruncate(fd, limit / 2) == 0, "half of it");
	other = open("other", O_RDWR | O_CREAT, 0600);
	CHECK(other >= 0 && pwrite(other, data, CHUNK, 0) > 0, "room");
	close(other);
	CHECK(unlink("other") == 0, "unlink");
	end(fd);
}

static int source(void)
{
	int fd = memfd_create("source", 0);

	CHECK(fd >= 0 && ftruncate(fd, limit + CHUNK) == 0, "source");
	return fd;
}

static void by_sendfile(void)
{
	int fd = make(0);
	int in = source();
	ssize_t n;

	while ((n = sendfile(fd, in, NULL, CHUNK)) > 0)
		;
	CHECK(n == -1 && errno == ENOSPC, "the end is not ENOSPC");
	expect_full(fd);
	close(in);
	end(fd);
}

static void by_splice(void)
{
	int fd = make(0);
	ssize_t n = 1;
	int pipes[2];

	CHECK(pipe(pipes) == 0, "pipe");
	while (n > 0) {
		CHECK(write(pipes[1], data, 16 * BLOCK) > 0, "pipe");
		n = splice(pipes[0], NULL, fd, NULL, 16 * BLOCK, 0);
		if (n > 0 && n < 16 * BLOCK)
			n = splice(pipes[0], NULL, fd, NULL, 16 * BLOCK, 0);
	}
	CHECK(errno == ENOSPC, "the end is not ENOSPC");
	expect_full(fd);
	close(pipes[0]);
	close(pipes[1]);
	end(fd);
}

static void by_copy(void)
{
	int fd = make(0);
	int in = open("in", O_RDWR | O_CREAT, 0600);
	off_t all = limit;
	loff_t from;
	ssize_t n;

	CHECK(in >= 0 && write(in, data, CHUNK) == CHUNK, "source");
	limit -= (CHUNK + BLOCK - 1) / BLOCK * BLOCK;
	do {
		from = 0;
		n = copy_file_range(in, &from, fd, NULL, CHUNK, 0);
	} while (n > 0);
	CHECK(n == -1 && errno == ENOSPC, "the end is not ENOSPC");
	expect_full(fd);
	limit = all;
	close(in);
	CHECK(unlink("in") == 0, "unlink");
	end(fd);
}

/* Sum of what is there, by the blocks, the root included. */
static off_t blocks_of(const char *path)
{
	char command[256];
	long long n = -1;
	FILE *f;

	snprintf(command, sizeof(command), "du -s -B1 '%s'", path);
	f = popen(command, "r");
	CHECK(f && fscanf(f, "%lld", &n) == 1, "du");
	pclose(f);
	return n;
}

static off_t whole;

static void by_names(void)
{
	char name[256];
	int n = 0;

	for (;; n++) {
		snprintf(name, sizeof(name), "%0240d", n);
		if (symlink(data + sizeof(data) - 2000, name) < 0)
			break;
	}
	CHECK(errno == ENOSPC, "the end is not ENOSPC");
	CHECK(blocks_of(".") <= whole, "symlinks take %lld",
	      (long long)blocks_of("."));
	while (n-- > 0) {
		snprintf(name, sizeof(name), "%0240d", n);
		CHECK(unlink(name) == 0, "unlink");
	}
}

/* Names alone: only the directory grows. */
static void by_directory(void)
{
	int fd = make(0);
	char name[256];
	int n = 0;

	CHECK(mkdir("dir", 0700) == 0, "mkdir");
	CHECK(fallocate(fd, 0, 0, limit - 40 * BLOCK) == 0, "fill");
	close(fd);
	for (;; n++) {
		snprintf(name, sizeof(name), "dir/%0240d", n);
		if (link("file", name) < 0)
			break;
	}
	CHECK(errno == ENOSPC, "the end is not ENOSPC");
	CHECK(n > 100, "only %d names", n);
	CHECK(blocks_of(".") <= whole, "names take %lld",
	      (long long)blocks_of("."));
	while (n-- > 0) {
		snprintf(name, sizeof(name), "dir/%0240d", n);
		CHECK(unlink(name) == 0, "unlink");
	}
	CHECK(rmdir("dir") == 0 && unlink("file") == 0, "rm");
}

static void by_xattr(void)
{
	char name[32];
	int n;

	for (n = 0;; n++) {
		snprintf(name, sizeof(name), "x%d", n);
		CHECK(mknod(name, S_IFREG | 0600, 0) == 0 || errno == ENOSPC,
		      "mknod");
		if (setxattr(name, "user.a", data + n, 3000, 0) < 0)
			break;
	}
	CHECK(errno == ENOSPC || errno == ENOENT, "the end is not ENOSPC");
	CHECK(blocks_of(".") <= whole, "xattrs take %lld",
	      (long long)blocks_of("."));
	for (int i = 0; i <= n; i++) {
		snprintf(name, sizeof(name), "x%d", i);
		unlink(name);
	}
}

/* Bytes without a name count until the last close. */
static void by_unlinked(void)
{
	int fd = make(0);
	int other;

	CHECK(fallocate(fd, 0, 0, limit - 8 * BLOCK) == 0, "most of it");
	CHECK(unlink("file") == 0, "unlink");
	other = make(0);
	CHECK(write(other, data, sizeof(data)) == 8 * BLOCK,
	      "not what is left beside the removed file");
	close(fd);
	CHECK(write(other, data, sizeof(data)) == (ssize_t)sizeof(data),
	      "no room after the last close");
	end(other);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} ways[] = {
		{ "write", by_write },
		{ "pwritev", by_pwritev },
		{ "O_APPEND", by_append },
		{ "O_DIRECT", by_direct },
		{ "io_uring", by_uring },
		{ "io_uring O_DIRECT", by_uring_direct },
		{ "io_uring fallocate", by_uring_fallocate },
		{ "truncate", by_truncate },
		{ "mmap", by_map },
		{ "fallocate", by_fallocate },
		{ "keep size", by_keep_size },
		{ "punch", by_punch },
		{ "sendfile", by_sendfile },
		{ "splice", by_splice },
		{ "copy", by_copy },
		{ "symlink", by_names },
		{ "link", by_directory },
		{ "setxattr", by_xattr },
		{ "unlinked", by_unlinked },
	};

	way = "start";
	CHECK(argc == 3 && chdir(argv[1]) == 0, "usage: limitcheck DIR LIMIT");
	memset(data, 'q', sizeof(data) - 1);
	whole = strtoll(argv[2], NULL, 10);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		way = ways[i].name;
		/* A directory does not shrink again. */
		limit = whole - blocks_of(".");
		ways[i].run();
		printf("%s\n", way);
	}
	return 0;
}
