/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coherence.c - two views of one directory, changed in turn, must agree
 *
 *   coherence DIRECTORY OTHER ROUNDS
 *
 * Each round changes something through one view and looks at once through the
 * other: data, size, attributes, new names, negative lookups, renames,
 * listings, symlinks, extended attributes.  Then the views change places.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/lib/check.h"

/* The view that changes and the one that looks, as directory descriptors. */
struct views {
	int mine;
	int other;
	unsigned round;
};

static void put(int dir, const char *name, const char *text, int flags)
{
	int fd =
		openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0644);

	CHECK(fd >= 0, "cannot open %s", name);
	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text),
	      "cannot write %s", name);
	close(fd);
}

static void expect_text(int dir, const char *name, const char *text)
{
	char buf[256] = "";
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	CHECK(fd >= 0, "cannot read %s", name);
	n = read(fd, buf, sizeof(buf) - 1);
	CHECK(n == (ssize_t)strlen(text) && strcmp(buf, text) == 0,
	      "%s holds '%s', expected '%s'", name, buf, text);
	close(fd);
}

static struct stat attr(int dir, const char *name)
{
	struct stat st;

	CHECK(fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0,
	      "no attributes of %s", name);
	return st;
}

static int listed(int dir, const char *name)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fdopendir(fd);
	const struct dirent *e;
	int found = 0;

	CHECK(d, "cannot list");
	while ((e = readdir(d)))
		found += strcmp(e->d_name, name) == 0;
	closedir(d);
	return found;
}

/* Data in place: same size, other bytes, so that only data tells. */
static void data_changes_are_seen(const struct views *v)
{
	char text[64];

	snprintf(text, sizeof(text), "round %08u", v->round);
	put(v->mine, "data", text, 0);
	expect_text(v->other, "data", text);
	CHECK(attr(v->other, "data").st_size == 14, "size of data");
}

static void appends_are_seen(const struct views *v)
{
	off_t before = attr(v->other, "log").st_size;

	put(v->mine, "log", "x", O_APPEND);
	CHECK(attr(v->other, "log").st_size == before + 1, "append unseen");
	if (before > 200) {
		put(v->mine, "log", "", O_TRUNC);
		CHECK(attr(v->other, "log").st_size == 0, "truncate unseen");
	}
}

/* A file that both sides keep open. */
struct opened {
	int fd;
	const char *map;
};

static struct opened open_and_map(int dir, const char *name)
{
	struct opened file = {
		.fd = openat(dir, name, O_RDWR | O_CLOEXEC),
	};
	void *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file.fd, 0);

	CHECK(file.fd >= 0 && map != MAP_FAILED, "cannot map %s", name);
	file.map = map;
	return file;
}

static void open_files_see_data(const struct views *v,
				const struct opened *mine,
				const struct opened *other)
{
	char text[32], buf[32] = "";

	snprintf(text, sizeof(text), "open %08u", v->round);
	CHECK(pwrite(mine->fd, text, 13, 0) == 13, "pwrite");
	CHECK(pread(other->fd, buf, 13, 0) == 13 && !strcmp(buf, text),
	      "open file reads '%s', expected '%s'", buf, text);
	/* What is mapped follows, once one has looked. */
	CHECK(attr(v->other, "open").st_size == 13, "size of open");
	CHECK(memcmp(other->map, text, 13) == 0,
	      "open file is mapped with '%.13s', expected '%s'", other->map,
	      text);
}

static void attributes_are_seen(const struct views *v)
{
	mode_t mode = v->round & 1 ? 0600 : 0644;
	uid_t uid = v->round % 7;
	struct timespec times[2] = { { .tv_sec = v->round, .tv_nsec = 5 },
				     { .tv_sec = v->round, .tv_nsec = 7 } };
	struct stat st;

	CHECK(fchmodat(v->mine, "attr", mode, 0) == 0, "chmod");
	CHECK((attr(v->other, "attr").st_mode & 07777) == mode, "mode unseen");
	CHECK(fchownat(v->mine, "attr", uid, uid, 0) == 0, "chown");
	CHECK(attr(v->other, "attr").st_uid == uid, "owner unseen");
	CHECK(utimensat(v->mine, "attr", times, 0) == 0, "utimens");
	st = attr(v->other, "attr");
	CHECK(st.st_mtim.tv_sec == v->round && st.st_mtim.tv_nsec == 7,
	      "mtime unseen");
}

static void names_come_and_go(const struct views *v)
{
	struct stat st;

	CHECK(fstatat(v->other, "name", &st, 0) < 0 && errno == ENOENT,
	      "'name' is there before it is made");
	put(v->mine, "name", "here", 0);
	expect_text(v->other, "name", "here");
	CHECK(listed(v->other, "name") == 1, "new name is not listed");

	CHECK(renameat(v->mine, "name", v->mine, "moved") == 0, "rename");
	CHECK(fstatat(v->other, "name", &st, 0) < 0 && errno == ENOENT,
	      "old name is still there");
	expect_text(v->other, "moved", "here");
	CHECK(listed(v->other, "name") == 0 && listed(v->other, "moved") == 1,
	      "rename is not listed");

	CHECK(unlinkat(v->mine, "moved", 0) == 0, "unlink");
	CHECK(fstatat(v->other, "moved", &st, 0) < 0 && errno == ENOENT,
	      "removed name is still there");
	CHECK(listed(v->other, "moved") == 0, "removed name is listed");
}

/* The usual way to replace a file: another inode under the same name. */
static void replaced_files_are_seen(const struct views *v)
{
	char text[32];

	snprintf(text, sizeof(text), "file %u", v->round);
	put(v->mine, "next", text, 0);
	CHECK(renameat(v->mine, "next", v->mine, "current") == 0, "rename");
	expect_text(v->other, "current", text);
}

static void kinds_change(const struct views *v)
{
	CHECK(mkdirat(v->mine, "kind", 0755) == 0, "mkdir");
	CHECK(S_ISDIR(attr(v->other, "kind").st_mode), "not a directory");
	CHECK(unlinkat(v->mine, "kind", AT_REMOVEDIR) == 0, "rmdir");
	put(v->mine, "kind", "f", 0);
	CHECK(S_ISREG(attr(v->other, "kind").st_mode), "not a file");
	CHECK(unlinkat(v->mine, "kind", 0) == 0, "unlink");
}

static void symlinks_change(const struct views *v)
{
	char text[32], buf[32] = "";

	snprintf(text, sizeof(text), "target-%u", v->round);
	CHECK(symlinkat(text, v->mine, "link") == 0, "symlink");
	CHECK(readlinkat(v->other, "link", buf, sizeof(buf) - 1) > 0 &&
		      !strcmp(buf, text),
	      "link is '%s', expected '%s'", buf, text);
	CHECK(unlinkat(v->mine, "link", 0) == 0, "unlink");
}

static void xattrs_are_seen(const struct views *v)
{
	int mine = openat(v->mine, "attr", O_RDONLY | O_CLOEXEC);
	int other = openat(v->other, "attr", O_RDONLY | O_CLOEXEC);
	char text[32], buf[32] = "";

	snprintf(text, sizeof(text), "value %u", v->round);
	CHECK(fsetxattr(mine, "user.round", text, strlen(text), 0) == 0,
	      "setxattr");
	CHECK(fgetxattr(other, "user.round", buf, sizeof(buf) - 1) > 0 &&
		      !strcmp(buf, text),
	      "xattr is '%s', expected '%s'", buf, text);
	close(mine);
	close(other);
}

int main(int argc, char **argv)
{
	struct opened file[2];
	unsigned rounds;
	int view[2];

	if (argc != 4) {
		fprintf(stderr, "usage: coherence DIRECTORY OTHER ROUNDS\n");
		return 2;
	}
	rounds = (unsigned)strtoul(argv[3], NULL, 10);
	for (int i = 0; i < 2; i++) {
		view[i] = open(argv[i + 1], O_PATH | O_DIRECTORY | O_CLOEXEC);
		CHECK(view[i] >= 0, "cannot open '%s'", argv[i + 1]);
	}
	put(view[0], "data", "round 00000000", 0);
	put(view[0], "log", "", 0);
	put(view[0], "attr", "", 0);
	put(view[0], "open", "open 00000000", 0);
	for (int i = 0; i < 2; i++)
		file[i] = open_and_map(view[i], "open");

	for (unsigned r = 0; r < rounds; r++) {
		const struct views v = { view[r & 1], view[!(r & 1)], r };

		data_changes_are_seen(&v);
		appends_are_seen(&v);
		open_files_see_data(&v, &file[r & 1], &file[!(r & 1)]);
		attributes_are_seen(&v);
		names_come_and_go(&v);
		replaced_files_are_seen(&v);
		kinds_change(&v);
		symlinks_change(&v);
		xattrs_are_seen(&v);
	}
	return 0;
}
