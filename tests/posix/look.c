/* SPDX-License-Identifier: Apache-2.0 */
/* look.c - records what files look like: attributes, bytes, times, listings */

#include "tests/posix/posix.h"

#include <sys/sysmacros.h>

enum {
	NAMES_MAX = 512,
	SEE_MAX = 1 << 20
};

static const char *type_name(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "file";
	case S_IFDIR:
		return "dir";
	case S_IFLNK:
		return "symlink";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	case S_IFCHR:
		return "char";
	case S_IFBLK:
		return "block";
	default:
		return "unknown type";
	}
}

static void look_at(const char *label, const struct stat *st)
{
	char more[64] = "";

	if (S_ISREG(st->st_mode) || S_ISLNK(st->st_mode))
		snprintf(more, sizeof(more), " size %lld",
			 (long long)st->st_size);
	else if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		snprintf(more, sizeof(more), " device %u:%u",
			 major(st->st_rdev), minor(st->st_rdev));
	rec("%s: %s %04o links %lu owner %u:%u%s", label,
	    type_name(st->st_mode), st->st_mode & 07777,
	    (unsigned long)st->st_nlink, st->st_uid, st->st_gid, more);
}

void look(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		rec("%s: %s", path, errname(errno));
	else
		look_at(path, &st);
}

void look_fd(const char *label, int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		rec("%s: %s", label, errname(errno));
	else
		look_at(label, &st);
}

void see(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	char *buf = malloc(SEE_MAX);
	size_t len = 0;
	ssize_t n = -1;

	if (fd < 0 || !buf) {
		rec("%s: cannot be read: %s", path, errname(errno));
		free(buf);
		return;
	}
	while ((n = read(fd, buf + len, SEE_MAX - len)) > 0)
		len += (size_t)n;
	if (n < 0)
		rec("%s: read = %s", path, errname(errno));
	rec_bytes(path, buf, len);
	free(buf);
	close(fd);
}

void see_link(const char *path)
{
	char target[4096];
	ssize_t n = readlink(path, target, sizeof(target));

	if (n < 0)
		rec("readlink %s = %s", path, errname(errno));
	else
		rec_bytes(path, target, (size_t)n);
}

static const char *dirent_type(unsigned char type)
{
	return type == DT_UNKNOWN ? "untyped" : type_name(DTTOIF(type));
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t collect(int fd, char **lines, size_t max)
{
	_Alignas(struct dirent64) char buf[8192];
	size_t n = 0;
	ssize_t got;

	while ((got = getdents64(fd, buf, sizeof(buf))) > 0) {
		for (char *p = buf; p < buf + got && n < max;) {
			struct dirent64 *d = (struct dirent64 *)p;

			p += d->d_reclen;
			if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
				continue;
			if (asprintf(&lines[n], "%s (%s)", d->d_name,
				     dirent_type(d->d_type)) >= 0)
				n++;
		}
	}
	if (got < 0)
		rec("getdents = %s", errname(errno));
	return n;
}

void list(const char *path)
{
	char *lines[NAMES_MAX];
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t n;

	if (fd < 0) {
		rec("list %s = %s", path, errname(errno));
		return;
	}
	n = collect(fd, lines, N_OF(lines));
	close(fd);
	qsort(lines, n, sizeof(lines[0]), by_name);
	rec("%s holds %zu names", path, n);
	for (size_t i = 0; i < n; i++) {
		rec("  %s", lines[i]);
		free(lines[i]);
	}
}

struct stamps stamps_of(const char *path)
{
	struct stamps s = { .there = false };
	struct stat st;

	if (lstat(path, &st) < 0)
		return s;
	s.a = st.st_atim;
	s.m = st.st_mtim;
	s.c = st.st_ctim;
	s.there = true;
	return s;
}

static const char *moved(const struct timespec *was, const struct timespec *is)
{
	if (was->tv_sec == is->tv_sec && was->tv_nsec == is->tv_nsec)
		return "same";
	if (is->tv_sec < was->tv_sec ||
	    (is->tv_sec == was->tv_sec && is->tv_nsec < was->tv_nsec))
		return "earlier";
	return "later";
}

void stamps_changed(const char *path, const struct stamps *since)
{
	struct stamps now = stamps_of(path);

	if (!since->there || !now.there) {
		rec("%s: %s", path,
		    now.there	   ? "new"
		    : since->there ? "gone"
				   : "absent");
		return;
	}
	rec("%s: atime %s, mtime %s, ctime %s", path, moved(&since->a, &now.a),
	    moved(&since->m, &now.m), moved(&since->c, &now.c));
}

void tick(void)
{
	nap(TICK_MS);
}
