/* SPDX-License-Identifier: Apache-2.0 */
/* rows.c - the operations of the metadata table */
#include "tests/bench/rows.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#define BLOCK	 4096
#define NAME_LEN 32
#define N_MISSES 100
/* One call answers for as many names as ls(1) asks for. */
#define LIST_BUF (32u << 10)

void die(const char *what, const char *name)
{
	fprintf(stderr, "bench-load: cannot %s '%s': %m\n", what, name);
	_exit(1);
}

static const char *file_name(unsigned i, char *buf)
{
	snprintf(buf, NAME_LEN, "f%u", i);
	return buf;
}

static void write_file(unsigned i, int flags)
{
	static const char block[BLOCK];
	char name[NAME_LEN];
	int fd = open(file_name(i, name), flags, 0644);

	if (fd < 0)
		die("open", name);
	if (write(fd, block, BLOCK) != BLOCK)
		die("write", name);
	if (close(fd) < 0)
		die("close", name);
}

/* --- the operations ------------------------------------------------------ */

static unsigned op_create(struct client *c, unsigned i)
{
	(void)c;
	write_file(i, O_CREAT | O_EXCL | O_WRONLY);
	return 1;
}

static unsigned op_write(struct client *c, unsigned i)
{
	write_file(i % c->names, O_WRONLY);
	return 1;
}

static unsigned op_read(struct client *c, unsigned i)
{
	char block[BLOCK];
	char name[NAME_LEN];
	int fd = open(file_name(i % c->names, name), O_RDONLY);

	if (fd < 0)
		die("open", name);
	if (read(fd, block, BLOCK) != BLOCK)
		die("read", name);
	close(fd);
	return 1;
}

static unsigned op_stat(struct client *c, unsigned i)
{
	char name[NAME_LEN];
	struct stat st;

	if (stat(file_name(i % c->names, name), &st) < 0)
		die("stat", name);
	return 1;
}

static unsigned miss(const char *name)
{
	struct stat st;

	if (stat(name, &st) == 0 || errno != ENOENT)
		die("miss", name);
	return 1;
}

static unsigned op_miss_unique(struct client *c, unsigned i)
{
	char name[NAME_LEN];

	(void)c;
	snprintf(name, sizeof(name), "no%u", i);
	return miss(name);
}

static unsigned op_miss_again(struct client *c, unsigned i)
{
	char name[NAME_LEN];

	(void)c;
	snprintf(name, sizeof(name), "no%u", i % N_MISSES);
	return miss(name);
}

/* opendir(3) and readdir(3) without their costs: the names of one directory. */
static unsigned list(struct client *c, bool look)
{
	_Alignas(struct dirent64) char buf[LIST_BUF];
	struct stat st;
	unsigned n = 0;
	ssize_t got;
	int fd = open(".", O_RDONLY | O_DIRECTORY | O_NONBLOCK);

	(void)c;
	if (fd < 0)
		die("open", ".");
	while ((got = getdents64(fd, buf, sizeof(buf))) > 0) {
		for (ssize_t at = 0; at < got; n++) {
			const struct dirent64 *d = (const void *)(buf + at);

			if (look && fstatat(fd, d->d_name, &st,
					    AT_SYMLINK_NOFOLLOW) < 0)
				die("stat", d->d_name);
			at += d->d_reclen;
		}
	}
	if (got < 0)
		die("list", ".");
	close(fd);
	return n;
}

static unsigned op_list(struct client *c, unsigned i)
{
	(void)i;
	return list(c, false);
}

static unsigned op_list_long(struct client *c, unsigned i)
{
	(void)i;
	return list(c, true);
}

static unsigned op_rename(struct client *c, unsigned i)
{
	char from[NAME_LEN];
	char to[NAME_LEN];

	(void)c;
	snprintf(to, sizeof(to), "r%u", i);
	if (rename(file_name(i, from), to) < 0)
		die("rename", from);
	return 1;
}

static unsigned op_unlink(struct client *c, unsigned i)
{
	char name[NAME_LEN];

	(void)c;
	if (unlink(file_name(i, name)) < 0)
		die("remove", name);
	return 1;
}

static unsigned op_mkdir(struct client *c, unsigned i)
{
	char name[NAME_LEN];

	(void)c;
	snprintf(name, sizeof(name), "d%u", i);
	if (mkdir(name, 0755) < 0)
		die("make directory", name);
	if (rmdir(name) < 0)
		die("remove directory", name);
	return 1;
}

static unsigned op_symlink(struct client *c, unsigned i)
{
	char target[NAME_LEN];
	char name[NAME_LEN];

	(void)c;
	snprintf(name, sizeof(name), "s%u", i);
	if (symlink("somewhere/else", name) < 0)
		die("make link", name);
	if (readlink(name, target, sizeof(target)) != 14)
		die("read link", name);
	return 1;
}

static unsigned op_chmod(struct client *c, unsigned i)
{
	char name[NAME_LEN];

	/* Another mode each time around. */
	if (chmod(file_name(i % c->names, name),
		  (i / c->names) % 2 ? 0644 : 0600) < 0)
		die("change mode of", name);
	return 1;
}

static unsigned op_xattr(struct client *c, unsigned i)
{
	char name[NAME_LEN];
	char value[16];

	file_name(i % c->names, name);
	if (setxattr(name, "user.bench", "0123456789", 10, 0) < 0)
		die("set an attribute of", name);
	if (getxattr(name, "user.bench", value, sizeof(value)) != 10)
		die("get an attribute of", name);
	return 1;
}

static unsigned op_lock(struct client *c, unsigned i)
{
	struct flock fl = { .l_type = F_WRLCK, .l_len = 1 };

	fl.l_start = i % 100;
	if (fcntl(c->fd, F_SETLK, &fl) < 0)
		die("lock", "f0");
	fl.l_type = F_UNLCK;
	if (fcntl(c->fd, F_SETLK, &fl) < 0)
		die("unlock", "f0");
	return 1;
}

static unsigned op_flock(struct client *c, unsigned i)
{
	(void)i;
	if (flock(c->fd, LOCK_EX) < 0)
		die("lock", "f0");
	if (flock(c->fd, LOCK_UN) < 0)
		die("unlock", "f0");
	return 1;
}

static unsigned op_fsync(struct client *c, unsigned i)
{
	static const char block[BLOCK];

	if (pwrite(c->fd, block, BLOCK, (off_t)(i % 16) * BLOCK) != BLOCK)
		die("write", "f0");
	if (fsync(c->fd) < 0)
		die("sync", "f0");
	return 1;
}

/* --- what is there before ------------------------------------------------ */

static void prepare_nothing(struct client *c)
{
	(void)c;
}

static void prepare_files(struct client *c)
{
	for (unsigned i = 0; i < c->names; i++)
		write_file(i, O_CREAT | O_WRONLY);
}

/* Fewer: what is hot is looked at again and again. */
static void prepare_hot_files(struct client *c)
{
	if (c->names > 200)
		c->names = 200;
	prepare_files(c);
	for (unsigned i = 0; i < c->names; i++)
		op_stat(c, i);
}

/* Asked before: a kernel that remembers does so now. */
static void prepare_misses(struct client *c)
{
	for (unsigned i = 0; i < N_MISSES; i++)
		op_miss_again(c, i);
}

static void prepare_open(struct client *c)
{
	c->names = 1;
	prepare_files(c);
	c->fd = open("f0", O_RDWR);
	if (c->fd < 0)
		die("open", "f0");
}

/* Listed before, so that it is not the first time that is measured. */
static void prepare_listing(struct client *c)
{
	prepare_files(c);
	op_list(c, 0);
	op_list(c, 0);
}

static void prepare_listing_long(struct client *c)
{
	prepare_files(c);
	op_list_long(c, 0);
	op_list_long(c, 0);
}

const struct row rows[] = {
	{ "create", ROW_ONCE_A_NAME, false, prepare_nothing, op_create },
	{ "write", ROW_FOR_A_TIME, false, prepare_hot_files, op_write },
	{ "read", ROW_FOR_A_TIME, false, prepare_hot_files, op_read },
	{ "stat-hot", ROW_FOR_A_TIME, false, prepare_hot_files, op_stat },
	{ "stat-cold", ROW_ONCE_A_NAME, true, prepare_files, op_stat },
	{ "miss-unique", ROW_FOR_A_TIME, false, prepare_nothing,
	  op_miss_unique },
	{ "miss-again", ROW_FOR_A_TIME, false, prepare_misses, op_miss_again },
	{ "readdir-cold", ROW_ONCE, true, prepare_files, op_list },
	{ "readdir-hot", ROW_FOR_A_TIME, false, prepare_listing, op_list },
	{ "ls-l-cold", ROW_ONCE, true, prepare_files, op_list_long },
	{ "ls-l-hot", ROW_FOR_A_TIME, false, prepare_listing_long,
	  op_list_long },
	{ "rename", ROW_ONCE_A_NAME, false, prepare_files, op_rename },
	{ "unlink", ROW_ONCE_A_NAME, false, prepare_files, op_unlink },
	{ "mkdir-rmdir", ROW_FOR_A_TIME, false, prepare_nothing, op_mkdir },
	{ "symlink-readlink", ROW_ONCE_A_NAME, false, prepare_nothing,
	  op_symlink },
	{ "chmod", ROW_FOR_A_TIME, false, prepare_hot_files, op_chmod },
	{ "xattr-set-get", ROW_FOR_A_TIME, false, prepare_hot_files, op_xattr },
	{ "lock-unlock", ROW_FOR_A_TIME, false, prepare_open, op_lock },
	{ "flock", ROW_FOR_A_TIME, false, prepare_open, op_flock },
	{ "fsync", ROW_FOR_A_TIME, false, prepare_open, op_fsync },
	{ NULL, ROW_ONCE, false, NULL, NULL },
};
