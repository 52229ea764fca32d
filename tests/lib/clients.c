/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clients.c - many processes that do everything with files at once
 *
 *   clients [-s SHARERS] COUNT MILLISECONDS DIRECTORY...
 *
 * Clients are spread over the directories.  Each has some files of its own,
 * whose every byte says whose it is, and shares others with those of the same
 * directory, or with so few of them that SHARERS meet in one.  Prints a line
 * for each directory: operations per second; then "all", operations per second,
 * milliseconds of the slowest operation, its name. Fails if an operation fails
 * that must not, or somebody else's bytes are read.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS_MAX 255 /* a byte says whose it is */
#define OWN_NAMES   16
#define ALL_NAMES   24 /* the others are shared */
#define SIZE	    16384u

/* One process, and what it tells: in memory that all share. */
struct client {
	unsigned id;
	unsigned seed;
	uint64_t done;
	uint64_t slowest_us;
	const char *slowest;
	char shared[20]; /* the directory where it meets others */
};

typedef int op_fn(struct client *c);

struct op {
	const char *name;
	op_fn *run;
	unsigned weight;
};

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000U + (uint64_t)ts.tv_nsec / 1000;
}

static unsigned below(struct client *c, unsigned n)
{
	return (unsigned)rand_r(&c->seed) % n;
}

static void own_name(struct client *c, char *buf)
{
	snprintf(buf, 32, "own%u/%u", c->id, below(c, OWN_NAMES));
}

/* One of its own, or one that is shared. */
static void any_name(struct client *c, char *buf)
{
	unsigned n = below(c, ALL_NAMES);

	if (n < OWN_NAMES)
		own_name(c, buf);
	else
		snprintf(buf, 32, "%s/%u", c->shared, n);
}

static int own_open(struct client *c, int flags)
{
	char name[32];

	own_name(c, name);
	return open(name, flags | O_CREAT | O_CLOEXEC, 0644);
}

static int any_open(struct client *c, int flags)
{
	char name[32];

	any_name(c, name);
	return open(name, flags | O_CREAT | O_CLOEXEC, 0644);
}

/* Passes r on, with the errno of before. */
static int close_with(int fd, int r)
{
	int e = errno;

	close(fd);
	errno = e;
	return r;
}

static int op_create(struct client *c)
{
	char name[32];
	int fd;

	any_name(c, name);
	unlink(name);
	fd = open(name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
	return fd < 0 ? -1 : close(fd);
}

static int op_write(struct client *c)
{
	char data[SIZE];
	int fd = own_open(c, O_WRONLY);

	if (fd < 0)
		return -1;
	memset(data, (int)c->id + 1, sizeof(data));
	return close_with(
		fd, (int)pwrite(fd, data, below(c, SIZE) + 1, below(c, SIZE)));
}

static int op_append(struct client *c)
{
	char data[512];
	struct stat st;
	int fd = own_open(c, O_WRONLY | O_APPEND);
	int r;

	if (fd < 0)
		return -1;
	memset(data, (int)c->id + 1, sizeof(data));
	r = fstat(fd, &st);
	if (r == 0)
		r = st.st_size > 2 * (off_t)SIZE
			    ? ftruncate(fd, 0)
			    : (int)write(fd, data, sizeof(data));
	return close_with(fd, r);
}

static int op_read(struct client *c)
{
	char data[SIZE];
	int fd = own_open(c, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = pread(fd, data, sizeof(data), below(c, SIZE));
	for (ssize_t i = 0; i < n; i++) {
		if (data[i] && data[i] != (char)(c->id + 1)) {
			fprintf(stderr, "client %u: reads a byte of %d\n",
				c->id, data[i]);
			exit(1);
		}
	}
	return close_with(fd, (int)n);
}

static int op_mmap(struct client *c)
{
	int fd = own_open(c, O_RDWR);
	char *p;
	int r;

	if (fd < 0)
		return -1;
	r = ftruncate(fd, SIZE);
	p = r == 0 ? mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
		   : MAP_FAILED;
	if (p == MAP_FAILED)
		return close_with(fd, -1);
	p[below(c, SIZE)] = (char)(c->id + 1);
	r = msync(p, SIZE, MS_ASYNC);
	munmap(p, SIZE);
	return close_with(fd, r);
}

static int op_fsync(struct client *c)
{
	int fd = own_open(c, O_WRONLY);

	return fd < 0 ? -1 : close_with(fd, fsync(fd));
}

static int op_rename(struct client *c)
{
	char from[32], to[32];

	own_name(c, from);
	own_name(c, to);
	return rename(from, to);
}

/* Into the directory that is shared, and others' names in it. */
static int op_move(struct client *c)
{
	char from[32], to[32];

	snprintf(from, sizeof(from), "%s/%u", c->shared, below(c, ALL_NAMES));
	snprintf(to, sizeof(to), "%s/%u", c->shared, below(c, ALL_NAMES));
	return rename(from, to);
}

static int op_unlink(struct client *c)
{
	char name[32];

	any_name(c, name);
	return unlink(name);
}

static int op_stat(struct client *c)
{
	struct stat st;
	char name[32];

	any_name(c, name);
	return stat(name, &st);
}

static int op_readdir(struct client *c)
{
	char name[32];
	DIR *d;

	snprintf(name, sizeof(name), "own%u", c->id);
	d = opendir(below(c, 2) ? name : c->shared);
	if (!d)
		return -1;
	errno = 0;
	while (readdir(d))
		;
	if (errno) {
		closedir(d);
		return -1;
	}
	return closedir(d);
}

static int op_lock(struct client *c)
{
	struct flock lock = { .l_type = below(c, 2) ? F_RDLCK : F_WRLCK,
			      .l_whence = SEEK_SET,
			      .l_start = below(c, 64),
			      .l_len = 1 + below(c, 64) };
	int fd = any_open(c, O_RDWR);
	struct stat st;
	int r;

	if (fd < 0)
		return -1;
	/* One lock at a time: nobody waits for each other. */
	r = fcntl(fd, F_SETLKW, &lock);
	if (r == 0)
		r = fstat(fd, &st);
	return close_with(fd, r);
}

static int op_flock(struct client *c)
{
	int fd = any_open(c, O_RDONLY);

	return fd < 0 ? -1 : close_with(fd, flock(fd, LOCK_EX | LOCK_NB));
}

static int op_xattr(struct client *c)
{
	char value[64];
	char name[32];

	any_name(c, name);
	switch (below(c, 3)) {
	case 0:
		return setxattr(name, "user.client", name, strlen(name), 0);
	case 1:
		return removexattr(name, "user.client");
	default:
		return (int)getxattr(name, "user.client", value, sizeof(value));
	}
}

static int op_chmod(struct client *c)
{
	char name[32];

	any_name(c, name);
	return chmod(name, below(c, 2) ? 0600 : 0644);
}

static int op_link(struct client *c)
{
	char from[32], to[32];

	own_name(c, from);
	own_name(c, to);
	unlink(to);
	return link(from, to);
}

static int op_mkdir(struct client *c)
{
	char name[32];

	snprintf(name, sizeof(name), "own%u/dir", c->id);
	return mkdir(name, 0755) < 0 ? -1 : rmdir(name);
}

static int op_symlink(struct client *c)
{
	char name[32], target[32];

	snprintf(name, sizeof(name), "own%u/link", c->id);
	if (symlink("0", name) < 0 ||
	    readlink(name, target, sizeof(target)) != 1)
		return -1;
	return unlink(name);
}

static const struct op ops[] = {
	{ "create", op_create, 4 },   { "write", op_write, 8 },
	{ "append", op_append, 4 },   { "read", op_read, 10 },
	{ "mmap", op_mmap, 2 },	      { "fsync", op_fsync, 1 },
	{ "rename", op_rename, 3 },   { "move", op_move, 2 },
	{ "unlink", op_unlink, 3 },   { "stat", op_stat, 10 },
	{ "readdir", op_readdir, 2 }, { "lock", op_lock, 3 },
	{ "flock", op_flock, 2 },     { "xattr", op_xattr, 3 },
	{ "chmod", op_chmod, 2 },     { "link", op_link, 2 },
	{ "mkdir", op_mkdir, 1 },     { "symlink", op_symlink, 1 },
};
#define N_OPS (sizeof(ops) / sizeof(*ops))

static const struct op *choose(struct client *c)
{
	unsigned sum = 0, at;

	for (size_t i = 0; i < N_OPS; i++)
		sum += ops[i].weight;
	at = below(c, sum);
	for (size_t i = 0;; i++) {
		if (at < ops[i].weight)
			return &ops[i];
		at -= ops[i].weight;
	}
}

/* Names come and go, and locks are others': all else must not happen. */
static bool may_happen(int error)
{
	return error == ENOENT || error == EEXIST || error == EAGAIN ||
	       error == ENODATA;
}

static void work(struct client *c, uint64_t end)
{
	uint64_t begin = now_us(), now;

	for (; begin < end; begin = now) {
		const struct op *op = choose(c);

		if (op->run(c) < 0 && !may_happen(errno)) {
			fprintf(stderr, "client %u: %s: %m\n", c->id, op->name);
			exit(1);
		}
		now = now_us();
		if (now - begin > c->slowest_us) {
			c->slowest_us = now - begin;
			c->slowest = op->name;
		}
		c->done++;
	}
}

static void client_main(struct client *c, const char *dir, uint64_t end)
{
	char name[32];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(name, sizeof(name), "own%u", c->id);
	if (chdir(dir) < 0 || (mkdir(c->shared, 0755) < 0 && errno != EEXIST) ||
	    (mkdir(name, 0755) < 0 && errno != EEXIST)) {
		perror(dir);
		exit(1);
	}
	work(c, end);
	exit(0);
}

static bool wait_for_all(unsigned count)
{
	bool well = true;
	int status;

	for (unsigned i = 0; i < count; i++)
		well &= wait(&status) > 0 && status == 0;
	return well;
}

static void report(const struct client *all, unsigned count, char **dirs,
		   unsigned n_dirs, uint64_t ms)
{
	const struct client *slowest = all;
	uint64_t sum = 0;

	for (unsigned d = 0; d < n_dirs; d++) {
		uint64_t done = 0;

		for (unsigned i = d; i < count; i += n_dirs)
			done += all[i].done;
		printf("%s %ju\n", dirs[d], (uintmax_t)(done * 1000 / ms));
		sum += done;
	}
	for (unsigned i = 1; i < count; i++)
		if (all[i].slowest_us > slowest->slowest_us)
			slowest = &all[i];
	printf("all %ju %ju %s\n", (uintmax_t)(sum * 1000 / ms),
	       (uintmax_t)(slowest->slowest_us / 1000), slowest->slowest);
}

/* COUNT processes over the directories; whether all did well. */
static bool clients_run(struct client *all, unsigned count, unsigned sharers,
			char **dirs, unsigned n_dirs, uint64_t end)
{
	for (unsigned i = 0; i < count; i++) {
		struct client *c = &all[i];

		*c = (struct client){ .id = i,
				      .seed = i + 1,
				      .slowest = "none" };
		snprintf(c->shared, sizeof(c->shared), "shared%u",
			 i / n_dirs / sharers);
		if (fork() == 0)
			client_main(c, dirs[i % n_dirs], end);
	}
	return wait_for_all(count);
}

int main(int argc, char **argv)
{
	unsigned sharers = CLIENTS_MAX;
	unsigned count = 0, n_dirs = 0;
	struct client *all;
	uint64_t ms;
	bool well;

	if (getopt(argc, argv, "s:") == 's')
		sharers = (unsigned)strtoul(optarg, NULL, 10);
	argv += optind;
	if (argc >= optind + 3) {
		n_dirs = (unsigned)(argc - optind) - 2;
		count = (unsigned)strtoul(argv[0], NULL, 10);
	}
	if (count < 1 || count > CLIENTS_MAX || sharers < 1) {
		fprintf(stderr, "usage: clients [-s SHARERS] COUNT "
				"MILLISECONDS DIRECTORY...\n");
		return 2;
	}
	ms = strtoul(argv[1], NULL, 10);
	all = mmap(NULL, count * sizeof(*all), PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (all == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	well = clients_run(all, count, sharers, argv + 2, n_dirs,
			   now_us() + ms * 1000);
	report(all, count, argv + 2, n_dirs, ms);
	return well ? 0 : 1;
}
