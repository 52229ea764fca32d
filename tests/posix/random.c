/* SPDX-License-Identifier: Apache-2.0 */
/*
 * random.c - long sequences of chance operations, the same on both sides
 *
 * tree: names come and go by several users, every result is recorded.
 * bytes: a file is changed in every way and compared with a copy in memory.
 */

#include "tests/posix/posix.h"

#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/mman.h>
#include <sys/xattr.h>

enum {
	TREE_SEEDS = 40,
	TREE_STEPS = 160,
	BYTES_SEEDS = 24,
	BYTES_STEPS = 220,
	BYTES_MAX = 200000,
};

static uint64_t state;

static unsigned int chance(unsigned int n)
{
	/* xorshift64: the same on every libc. */
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned int)((state >> 11) % n);
}

static void seed(unsigned int nth)
{
	state = 0x9e3779b97f4a7c15ULL * (nth + 1);
	for (int i = 0; i < 8; i++)
		chance(2);
}

/* A path of one to three parts out of few names, so that they collide. */
static const char *some_path(char *buf, size_t len)
{
	unsigned int parts = 1 + chance(3);
	size_t n = 0;

	for (unsigned int i = 0; i < parts; i++)
		n += (size_t)snprintf(buf + n, len - n, i ? "/%c" : "%c",
				      'a' + (int)chance(5));
	return buf;
}

static void step_name(const char *p, const char *q)
{
	rec("%s %s", p, q);
	switch (chance(9)) {
	case 0:
		DO(link(p, q));
		break;
	case 1:
		DO(symlink(q, p));
		break;
	case 2:
		DO(renameat2(AT_FDCWD, p, AT_FDCWD, q, RENAME_EXCHANGE));
		break;
	case 3:
		DO(renameat2(AT_FDCWD, p, AT_FDCWD, q, RENAME_NOREPLACE));
		break;
	default:
		DO(rename(p, q));
		break;
	}
	look(p);
	look(q);
}

static void step_attribute(const char *p)
{
	static const mode_t modes[] = { 0755, 0700, 0777, 01777, 02775,
					0500, 0300, 0644, 06755, 0 };
	static const uid_t ids[] = { 0, ALICE, BOB, STAFF, (uid_t)-1 };

	rec("%s", p);
	switch (chance(5)) {
	case 0:
		DO(lchown(p, ids[chance(5)], ids[chance(5)]));
		break;
	case 1:
		DO(truncate(p, chance(5000)));
		break;
	case 2:
		DO(setxattr(p, "user.x", "value", chance(6), 0));
		break;
	case 3:
		DO(utimensat(AT_FDCWD, p, NULL, 0));
		break;
	default:
		DO(chmod(p, modes[chance(N_OF(modes))]));
		break;
	}
	look(p);
}

static void step_create(const char *p)
{
	int fd;

	rec("%s", p);
	switch (chance(5)) {
	case 0:
		DO(mkfifo(p, 0666));
		break;
	case 1:
	case 2:
		DO(mkdir(p, 0777));
		break;
	default:
		fd = FD(open(p,
			     O_CREAT | O_RDWR | O_NONBLOCK | O_CLOEXEC |
				     (chance(2) ? O_TRUNC : 0),
			     0666));
		if (fd >= 0) {
			DO(pwrite(fd, "0123456789", chance(10), chance(50)));
			look_fd("open", fd);
			close(fd);
		}
		break;
	}
	look(p);
}

static void step(void)
{
	static const uid_t users[] = { 0, 0, ALICE, BOB };
	char p[32], q[32];
	uid_t uid = users[chance(4)];

	some_path(p, sizeof(p));
	some_path(q, sizeof(q));
	if (uid)
		become_in(uid, uid, STAFF);
	umask(chance(2) ? 022 : 0);
	switch (chance(10)) {
	case 0:
	case 1:
	case 2:
		step_create(p);
		break;
	case 3:
	case 4:
	case 5:
		step_name(p, q);
		break;
	case 6:
		step_attribute(p);
		break;
	case 7:
		rec("%s", p);
		DO(unlink(p));
		break;
	case 8:
		rec("%s", p);
		DO(rmdir(p));
		break;
	default:
		list(p);
		break;
	}
	if (uid)
		back();
}

/* Recursion ends with the paths: every level makes them longer. */
static void walk(const char *path, int depth)
{
	static const char *const names[] = { "a", "b", "c", "d", "e" };
	char below[256];
	struct stat st;

	list(path);
	for (size_t i = 0; i < N_OF(names); i++) {
		snprintf(below, sizeof(below), "%s/%s", path, names[i]);
		if (lstat(below, &st) < 0)
			continue;
		look(below);
		if (S_ISREG(st.st_mode))
			see(below);
		else if (S_ISLNK(st.st_mode))
			see_link(below);
		else if (S_ISDIR(st.st_mode) && depth < 12)
			walk(below, depth + 1);
	}
}

CASES(random, tree, TREE_SEEDS)
{
	seed(nth);
	for (int i = 0; i < TREE_STEPS; i++)
		step();
	umask(0);
	walk(".", 0);
}

/* The file, and what it must hold. */
static int fd;
static char model[BYTES_MAX], scratch[BYTES_MAX];
static size_t size;

static void grow(size_t end)
{
	if (end > size)
		size = end;
}

static void do_write(size_t at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		scratch[i] = (char)chance(256);
	PREP(pwrite(fd, scratch, len, (off_t)at));
	memcpy(model + at, scratch, len);
	grow(at + len);
}

static void do_truncate(size_t at)
{
	PREP(chance(2) ? ftruncate(fd, (off_t)at) : truncate("f", (off_t)at));
	if (at < size)
		memset(model + at, 0, size - at);
	size = at;
}

static void do_map(size_t at, size_t len)
{
	size_t page = at & ~4095UL;
	char *p;

	if (at + len > size) {
		PREP(ftruncate(fd, (off_t)(at + len)));
		grow(at + len);
	}
	p = mmap(NULL, at - page + len, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		 (off_t)page);
	if (p == MAP_FAILED) {
		wrong("mmap = %s", errname(errno));
		return;
	}
	if (memcmp(p + (at - page), model + at, len) != 0)
		wrong("a mapping at %zu shows other bytes", at);
	for (size_t i = 0; i < len; i += 1 + chance(300))
		p[at - page + i] = model[at + i] = (char)chance(256);
	PREP(munmap(p, at - page + len));
}

static void do_allocate(size_t at, size_t len)
{
	static const int modes[] = {
		0,
		FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_ZERO_RANGE,
		FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
	};
	int mode = modes[chance(N_OF(modes))];
	size_t end = at + len;

	PREP(fallocate(fd, mode, (off_t)at, (off_t)len));
	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		memset(model + at, 0, len);
	if (!(mode & FALLOC_FL_KEEP_SIZE))
		grow(end);
}

static void do_copy(size_t from, size_t len)
{
	loff_t in = (loff_t)from, out = chance(BYTES_MAX / 2);
	ssize_t n;

	/* Not onto itself: that is refused. */
	if ((size_t)out < from + len && from < (size_t)out + len)
		return;
	n = copy_file_range(fd, &in, fd, &out, len, 0);
	if (n < 0) {
		wrong("copy_file_range = %s", errname(errno));
		return;
	}
	memmove(model + out - n, model + from, (size_t)n);
	if (n > 0)
		grow((size_t)out);
}

static void do_append(size_t len)
{
	int mine;

	if (size + len > BYTES_MAX)
		return;
	mine = open("f", O_WRONLY | O_APPEND | O_CLOEXEC);
	memset(scratch, 'A' + (int)chance(26), len);
	PREP(write(mine, scratch, len));
	memcpy(model + size, scratch, len);
	size += len;
	close(mine);
}

static void check(const char *after)
{
	struct stat st;

	PREP(fstat(fd, &st));
	if ((size_t)st.st_size != size)
		wrong("after %s: size %lld, not %zu", after,
		      (long long)st.st_size, size);
	memset(scratch, '?', sizeof(scratch));
	if (pread(fd, scratch, sizeof(scratch), 0) != (ssize_t)size)
		wrong("after %s: a short read", after);
	else if (memcmp(scratch, model, size) != 0)
		wrong("after %s: other bytes", after);
}

static void reopen(void)
{
	close(fd);
	fd = open("f", O_RDWR | O_CLOEXEC);
	PREP(fd);
}

static const char *change(void)
{
	size_t at = chance(BYTES_MAX / 2), len = 1 + chance(BYTES_MAX / 4);

	switch (chance(10)) {
	case 0:
	case 1:
	case 2:
		do_write(at, len);
		return "write";
	case 3:
		do_truncate(at);
		return "truncate";
	case 4:
	case 5:
		do_map(at, len);
		return "mmap";
	case 6:
		do_allocate(at, len);
		return "fallocate";
	case 7:
		do_copy(at, len);
		return "copy_file_range";
	case 8:
		do_append(1 + chance(3000));
		return "append";
	default:
		reopen();
		return "reopen";
	}
}

CASES(random, bytes, BYTES_SEEDS)
{
	seed(nth + 1000);
	fd = FD(open("f", O_CREAT | O_RDWR | O_CLOEXEC, 0600));
	for (int i = 0; i < BYTES_STEPS; i++)
		check(change());
	look("f");
	see("f");
}
