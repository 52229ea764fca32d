/* SPDX-License-Identifier: Apache-2.0 */
/*
 * walk.c - inode numbers of a whole tree: unique, and as the listings say
 *
 *   walk DIRECTORY
 *
 * Prints "inode<TAB>path" of everything below, sorted as met.  Fails where
 * d_ino differs from st_ino, where a device differs from that of the top, or
 * where two files that are no hard links share a number.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct seen {
	uint64_t ino;
	char *path;
	bool dir;
	nlink_t links;
};

static struct seen *seen;
static size_t n_seen, room;
static dev_t device;
static bool bad;

static void note(const char *path, const struct stat *st)
{
	if (n_seen == room) {
		room = room ? room * 2 : 1024;
		seen = reallocarray(seen, room, sizeof(*seen));
		if (!seen)
			abort();
	}
	seen[n_seen++] = (struct seen){ st->st_ino, strdup(path),
					S_ISDIR(st->st_mode), st->st_nlink };
}

static void complain(const char *what, const char *path, uint64_t a, uint64_t b)
{
	fprintf(stderr, "%s: '%s' (%ju, %ju)\n", what, path, (uintmax_t)a,
		(uintmax_t)b);
	bad = true;
}

/* "." and ".." too: tar and getcwd() look at them. */
static void check_dots(const char *path, const struct stat *st)
{
	char buf[8192];
	struct stat dot;

	snprintf(buf, sizeof(buf), "%s/.", path);
	if (lstat(buf, &dot) < 0 || dot.st_ino != st->st_ino)
		complain("'.' is another inode", path, dot.st_ino, st->st_ino);
}

static void check_listing(const char *path)
{
	DIR *d = opendir(path);
	const struct dirent *e;
	struct stat st;

	if (!d) {
		complain("cannot list", path, (uint64_t)errno, 0);
		return;
	}
	while ((e = readdir(d))) {
		if (strcmp(e->d_name, "..") == 0)
			continue;
		if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			complain("listed but not there", e->d_name, 0, 0);
		else if (st.st_ino != e->d_ino)
			complain("d_ino differs from st_ino", e->d_name,
				 e->d_ino, st.st_ino);
		else if (e->d_type != DT_UNKNOWN &&
			 e->d_type != IFTODT(st.st_mode))
			complain("d_type differs", e->d_name, e->d_type,
				 IFTODT(st.st_mode));
	}
	closedir(d);
}

static int visit(const char *path, const struct stat *st, int type,
		 struct FTW *ftw)
{
	(void)ftw;
	if (type == FTW_NS || type == FTW_DNR) {
		complain("cannot be read", path, 0, 0);
		return 0;
	}
	if (st->st_dev != device)
		complain("another device", path, st->st_dev, device);
	printf("%ju\t%s\n", (uintmax_t)st->st_ino, path);
	note(path, st);
	if (S_ISDIR(st->st_mode)) {
		check_dots(path, st);
		check_listing(path);
	}
	return 0;
}

static int by_ino(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;

	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

static void check_unique(void)
{
	qsort(seen, n_seen, sizeof(*seen), by_ino);
	for (size_t i = 1; i < n_seen; i++)
		if (seen[i].ino == seen[i - 1].ino &&
		    (seen[i].dir || seen[i].links < 2))
			complain("same number as another file", seen[i].path,
				 seen[i].ino, 0);
}

int main(int argc, char **argv)
{
	struct stat st;

	if (argc != 2 || lstat(argv[1], &st) < 0) {
		fprintf(stderr, "usage: walk DIRECTORY\n");
		return 2;
	}
	device = st.st_dev;
	if (nftw(argv[1], visit, 32, FTW_PHYS) < 0) {
		perror(argv[1]);
		return 1;
	}
	check_unique();
	for (size_t i = 0; i < n_seen; i++)
		free(seen[i].path);
	free(seen);
	return bad ? 1 : 0;
}
