/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quotacheck.c - change a tree at random, and count one by the charging rule
 *
 *   quotacheck work DIRECTORY MILLISECONDS PROCESSES SEED
 *   quotacheck count DIRECTORY      prints: charged allocated inodes
 *
 * The processes share the names, so they get into each other's way.  Running
 * out of room is as good as success.  count looks at the files themselves, not
 * through the mount.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/falloc.h>
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
#include <time.h>
#include <unistd.h>
#include <uthash.h>

#define NAMES	  24
#define SIZE	  (192u << 10)
#define BLOCK	  4096u
#define KEPT_OPEN 4

static unsigned seed;
static char data[SIZE];
static int kept[KEPT_OPEN] = { -1, -1, -1, -1 };

static unsigned below(unsigned n)
{
	return (unsigned)rand_r(&seed) % n;
}

/* A file name, in one of the directories, or at the top. */
static const char *name(char *buf)
{
	if (below(3))
		snprintf(buf, 64, "f%u", below(NAMES));
	else
		snprintf(buf, 64, "d%u/f%u", below(4), below(NAMES));
	return buf;
}

/* Long names, so that directories grow. */
static const char *long_name(char *buf)
{
	snprintf(buf, 256, "d%u/%0200u", below(4), below(400));
	return buf;
}

static int open_some(int flags)
{
	char buf[64];

	return open(name(buf), flags | O_CREAT | O_CLOEXEC, 0644);
}

static void op_write(void)
{
	static const int flags[] = { O_WRONLY, O_RDWR, O_WRONLY | O_APPEND,
				     O_RDWR | O_TRUNC, O_WRONLY | O_SYNC };
	struct iovec iov[2] = { { data, below(5000) },
				{ data, below(SIZE / 2) } };
	int fd = open_some(flags[below(5)]);
	ssize_t n = pwritev(fd, iov, 2, below(SIZE));

	if (n >= 0 && below(2))
		n = write(fd, data, below(20000));
	close(fd);
}

static void op_direct(void)
{
	int fd = open_some(O_RDWR | O_DIRECT);
	void *buf = NULL;

	if (posix_memalign(&buf, BLOCK, (size_t)4 * BLOCK) == 0) {
		memset(buf, 7, (size_t)4 * BLOCK);
		if (pwrite(fd, buf, (1 + below(4)) * (size_t)BLOCK,
			   below(32) * (off_t)BLOCK) < 0)
			errno = 0;
	}
	free(buf);
	close(fd);
}

static void op_truncate(void)
{
	char buf[64];
	int fd;

	if (below(2)) {
		if (truncate(name(buf), below(SIZE)) < 0)
			errno = 0;
		return;
	}
	fd = open_some(O_RDWR);
	if (ftruncate(fd, below(SIZE)) < 0)
		errno = 0;
	close(fd);
}

static void op_fallocate(void)
{
	static const int modes[] = {
		0,
		FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_ZERO_RANGE,
		FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_COLLAPSE_RANGE,
		FALLOC_FL_INSERT_RANGE,
	};
	int fd = open_some(O_RDWR);
	off_t off = below(SIZE);
	off_t len = 1 + below(SIZE / 2);
	int mode = modes[below(7)];

	if (mode & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE)) {
		off -= off % BLOCK;
		len = (1 + below(4)) * (off_t)BLOCK;
	}
	fallocate(fd, mode, off, len);
	close(fd);
}

/* A few pages, anywhere within the file: holes get filled. */
static void op_map(void)
{
	int fd = open_some(O_RDWR);
	struct stat st;
	char *map;

	if (fstat(fd, &st) == 0 && st.st_size > 0) {
		map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE,
			   MAP_SHARED, fd, 0);
		for (int i = 0; map != MAP_FAILED && i < 4; i++)
			map[below((unsigned)st.st_size)] = (char)i;
		if (map != MAP_FAILED)
			munmap(map, (size_t)st.st_size);
	}
	close(fd);
}

static void op_copy(void)
{
	int in = open_some(O_RDONLY);
	int out = open_some(O_RDWR);
	off_t from = below(SIZE / 2);
	off_t to = below(SIZE);

	if (below(2))
		copy_file_range(in, &from, out, &to, 1 + below(SIZE / 2), 0);
	else
		sendfile(out, in, &from, 1 + below(SIZE / 2));
	close(in);
	close(out);
}

static void op_names(void)
{
	char a[256];
	char b[256];

	switch (below(9)) {
	case 0:
		rename(name(a), name(b));
		break;
	case 1:
		if (link(name(a), name(b)) < 0)
			errno = 0;
		break;
	case 2:
		memset(b, 'x', 200);
		b[below(2) ? 200 : 20] = '\0';
		if (symlink(b, long_name(a)) < 0)
			errno = 0;
		break;
	case 3:
		snprintf(a, sizeof(a), "e%u", below(4));
		mkdir(a, 0755);
		break;
	case 4:
		snprintf(a, sizeof(a), "e%u", below(4));
		rmdir(a);
		break;
	case 5:
		mkfifo(long_name(a), 0600);
		break;
	case 6:
		unlink(long_name(a));
		break;
	case 7:
		renameat2(AT_FDCWD, name(a), AT_FDCWD, name(b), 2);
		break;
	default:
		rename(long_name(a), long_name(b));
	}
}

static void op_unlink(void)
{
	char buf[64];

	unlink(name(buf));
}

static void op_xattr(void)
{
	char path[64];
	char attr[32];

	snprintf(attr, sizeof(attr), "user.a%u", below(3));
	if (below(3) == 0)
		removexattr(name(path), attr);
	else
		setxattr(name(path), attr, data, below(2000), 0);
}

/* Open files without a name. */
static void op_keep(void)
{
	char path[64];
	unsigned i = below(KEPT_OPEN);

	if (kept[i] >= 0)
		close(kept[i]);
	if (below(3) == 0) {
		kept[i] = open(".", O_TMPFILE | O_RDWR, 0600);
		if (pwrite(kept[i], data, below(SIZE), below(SIZE)) < 0)
			errno = 0;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", kept[i]);
		if (below(3) == 0 && linkat(AT_FDCWD, path, AT_FDCWD, "tmp",
					    AT_SYMLINK_FOLLOW) < 0)
			unlink("tmp");
		return;
	}
	name(path);
	kept[i] = open(path, O_RDWR | O_CREAT, 0600);
	unlink(path);
	if (pwrite(kept[i], data, below(SIZE), below(SIZE)) < 0)
		errno = 0;
}

static void one_process(int64_t until)
{
	static void (*const ops[])(void) = {
		op_write, op_write,  op_write, op_direct, op_truncate,
		op_map,	  op_copy,   op_names, op_names,  op_fallocate,
		op_keep,  op_unlink, op_xattr,
	};
	struct timespec now;

	do {
		ops[below(sizeof(ops) / sizeof(ops[0]))]();
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec * 1000 + now.tv_nsec / 1000000 < until);
	exit(0);
}

static int work(char **argv)
{
	unsigned n = (unsigned)strtoul(argv[2], NULL, 10);
	struct timespec now;
	int failed = 0;
	int64_t until;
	char dir[8];
	int status;

	if (chdir(argv[0]) < 0) {
		perror(argv[0]);
		return 1;
	}
	for (int i = 0; i < 4; i++) {
		snprintf(dir, sizeof(dir), "d%d", i);
		mkdir(dir, 0755);
	}
	memset(data, 'q', sizeof(data));
	/* A sanitizer has a handler of its own. */
	signal(SIGBUS, SIG_DFL);
	clock_gettime(CLOCK_MONOTONIC, &now);
	until = now.tv_sec * 1000 + now.tv_nsec / 1000000 +
		strtol(argv[1], NULL, 10);
	for (unsigned i = 0; i < n; i++) {
		seed = (unsigned)strtoul(argv[3], NULL, 10) * 100 + i;
		if (fork() == 0)
			one_process(until);
	}
	while (wait(&status) > 0) {
		/* SIGBUS is what a full disk does to a mapping. */
		if (status != 0 &&
		    !(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS)) {
			fprintf(stderr, "a process ended with %#x\n",
				(unsigned)status);
			failed = 1;
		}
	}
	return failed;
}

/* --- counting --------------------------------------------------------------
 */

struct seen {
	ino_t ino;
	UT_hash_handle hh;
};

static struct seen *seen;
static int64_t charged;
static int64_t allocated;
static int64_t inodes;

static bool is_new(ino_t ino)
{
	struct seen *s;

	HASH_FIND(hh, seen, &ino, sizeof(ino), s);
	if (s)
		return false;
	s = calloc(1, sizeof(*s));
	if (!s)
		abort();
	s->ino = ino;
	HASH_ADD(hh, seen, ino, sizeof(s->ino), s);
	return true;
}

static int count_one(const char *path, const struct stat *st, int type,
		     struct FTW *ftw)
{
	int64_t blocks = st->st_blocks * 512;
	int64_t size = (st->st_size + st->st_blksize - 1) / st->st_blksize *
		       st->st_blksize;

	(void)path;
	(void)type;
	(void)ftw;
	if (!S_ISDIR(st->st_mode) && st->st_nlink > 1 && !is_new(st->st_ino))
		return 0;
	allocated += blocks;
	charged += S_ISREG(st->st_mode) && size > blocks ? size : blocks;
	inodes++;
	return 0;
}

static int count(char **argv)
{
	struct seen *s;
	struct seen *next;

	if (nftw(argv[0], count_one, 32, FTW_PHYS) != 0) {
		perror(argv[0]);
		return 1;
	}
	printf("%lld %lld %lld\n", (long long)charged, (long long)allocated,
	       (long long)inodes);
	HASH_ITER(hh, seen, s, next)
	{
		HASH_DEL(seen, s);
		free(s);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 6 && strcmp(argv[1], "work") == 0)
		return work(argv + 2);
	if (argc == 3 && strcmp(argv[1], "count") == 0)
		return count(argv + 2);
	fprintf(stderr, "usage: quotacheck work DIRECTORY MILLISECONDS "
			"PROCESSES SEED | quotacheck count DIRECTORY\n");
	return 2;
}
