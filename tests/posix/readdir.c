/* SPDX-License-Identifier: Apache-2.0 */
/* readdir.c - listing directories while they change */

#include "tests/posix/posix.h"

enum {
	MANY = 5000
};

struct listing {
	int fd;
	_Alignas(struct dirent64) char buf[4096];
	ssize_t have, at;
};

static struct dirent64 *next(struct listing *l)
{
	struct dirent64 *d;

	if (l->at >= l->have) {
		l->have = getdents64(l->fd, l->buf, sizeof(l->buf));
		l->at = 0;
		if (l->have < 0)
			rec("getdents = %s", errname(errno));
		if (l->have <= 0)
			return NULL;
	}
	d = (struct dirent64 *)(l->buf + l->at);
	l->at += d->d_reclen;
	return d;
}

static struct listing begin(const char *path)
{
	struct listing l = { .have = 0 };

	l.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	PREP(l.fd);
	return l;
}

/* Names of one file: a name is all that a listing needs. */
static void put_many(const char *dir, int n)
{
	char first[64], name[64];

	snprintf(first, sizeof(first), "%s/file00000", dir);
	put(first, "");
	for (int i = 1; i < n; i++) {
		snprintf(name, sizeof(name), "%s/file%05d", dir, i);
		PREP(link(first, name));
	}
}

/* Counts each "fileNNNNN" seen; anything else but dots is wrong. */
static void count(struct listing *l, unsigned char *seen, int max)
{
	struct dirent64 *d;

	while ((d = next(l))) {
		int i = !strncmp(d->d_name, "file", 4) ? atoi(d->d_name + 4)
						       : -1;

		if (i >= 0 && i < max)
			seen[i]++;
		else if (d->d_name[0] != '.')
			wrong("unknown name %s", d->d_name);
	}
}

static void rec_counts(const unsigned char *seen, int max)
{
	int never = 0, once = 0, more = 0;

	for (int i = 0; i < max; i++) {
		never += seen[i] == 0;
		once += seen[i] == 1;
		more += seen[i] > 1;
	}
	rec("never %d, once %d, more often %d", never, once, more);
}

CASE(readdir, dots_types_and_inodes_are_right)
{
	struct listing l;
	struct dirent64 *d;
	struct stat st;
	int dots = 0, bad = 0, n = 0;

	PREP(mkdir("d", 0755));
	PREP(chdir("d"));
	for (unsigned int i = 1; i < N_KINDS; i++)
		put_kind(kind_name(i), i);
	l = begin(".");
	while ((d = next(&l))) {
		n++;
		PREP(fstatat(l.fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW));
		dots += !strcmp(d->d_name, ".") || !strcmp(d->d_name, "..");
		bad += st.st_ino != d->d_ino;
		bad += IFTODT(st.st_mode) != d->d_type;
	}
	EXPECT(dots == 2);
	EXPECT(bad == 0);
	rec("%d names", n);
	list(".");
}

CASE(readdir, five_thousand_names_exactly_once)
{
	unsigned char *seen = calloc(1, MANY);
	struct listing l;

	PREP(mkdir("d", 0755));
	put_many("d", MANY);
	l = begin("d");
	count(&l, seen, MANY);
	rec_counts(seen, MANY);
	memset(seen, 0, MANY);
	OK(lseek(l.fd, 0, SEEK_SET));
	l.have = l.at = 0;
	count(&l, seen, MANY);
	rec_counts(seen, MANY);
	free(seen);
}

CASE(readdir, names_are_found_once_while_others_come_and_go)
{
	unsigned char *seen = calloc(1, 600);
	struct listing l;
	struct dirent64 *d;
	char name[64];
	int turn = 0;

	PREP(mkdir("d", 0755));
	put_many("d", 600);
	l = begin("d");
	while ((d = next(&l))) {
		if (!strncmp(d->d_name, "file", 4))
			seen[atoi(d->d_name + 4)]++;
		snprintf(name, sizeof(name), "d/extra%d", turn++);
		close(open(name, O_CREAT | O_RDWR | O_CLOEXEC, 0600));
		if (turn > 1) {
			snprintf(name, sizeof(name), "d/extra%d", turn - 2);
			unlink(name);
		}
		if (turn > 5000)
			break;
	}
	rec_counts(seen, 600);
	EXPECT(turn < 5000);
	free(seen);
}

CASE(readdir, removing_what_is_listed_empties_the_directory)
{
	struct listing l;
	struct dirent64 *d;

	PREP(mkdir("d", 0755));
	put_many("d", 1500);
	l = begin("d");
	while ((d = next(&l))) {
		if (d->d_name[0] != '.')
			PREP(unlinkat(l.fd, d->d_name, 0));
	}
	list("d");
	OK(rmdir("d"));
}

CASE(readdir, seeks_back_to_any_entry)
{
	static char names[300][32];
	static off_t before[300];
	struct listing l;
	struct dirent64 *d;
	off_t pos = 0;
	int n = 0, bad = 0;

	PREP(mkdir("d", 0755));
	put_many("d", 290);
	l = begin("d");
	while ((d = next(&l)) && n < 300) {
		before[n] = pos;
		snprintf(names[n++], sizeof(names[0]), "%.31s", d->d_name);
		pos = d->d_off;
	}
	rec("%d names", n);
	for (int i = n - 1; i >= 0; i -= 7) {
		PREP(lseek(l.fd, before[i], SEEK_SET));
		l.have = l.at = 0;
		d = next(&l);
		bad += !d || strcmp(d->d_name, names[i]) != 0;
	}
	EXPECT(bad == 0);
}

CASE(readdir, rewinding_sees_new_names)
{
	struct listing l;
	struct dirent64 *d;
	int n = 0;

	PREP(mkdir("d", 0755));
	l = begin("d");
	while (next(&l))
		n++;
	EXPECT(n == 2);
	put("d/new", "");
	PREP(lseek(l.fd, 0, SEEK_SET));
	l.have = l.at = 0;
	n = 0;
	while ((d = next(&l)))
		n += !strcmp(d->d_name, "new");
	EXPECT(n == 1);
	PREP(unlink("d/new"));
	PREP(lseek(l.fd, 0, SEEK_SET));
	l.have = l.at = 0;
	n = 0;
	while (next(&l))
		n++;
	EXPECT(n == 2);
}

CASE(readdir, sees_at_once_what_changed)
{
	PREP(mkdir("d", 0755));
	list("d");
	for (int i = 0; i < 5; i++) {
		put("d/a", "");
		list("d");
		PREP(rename("d/a", "d/b"));
		list("d");
		PREP(mkdir("d/c", 0755));
		list("d");
		PREP(unlink("d/b"));
		PREP(rmdir("d/c"));
		PREP(symlink("x", "d/a"));
		list("d");
		PREP(unlink("d/a"));
		list("d");
	}
}

CASE(readdir, errors)
{
	char buf[1024];
	int fd;

	put("f", "");
	fd = FD(open("f", O_RDONLY));
	FAILS(ENOTDIR, getdents64(fd, buf, sizeof(buf)));
	FAILS(EBADF, getdents64(-1, buf, sizeof(buf)));
	fd = FD(open(".", O_PATH));
	FAILS(EBADF, getdents64(fd, buf, sizeof(buf)));
	fd = FD(open(".", O_RDONLY));
	FAILS(EINVAL, getdents64(fd, buf, 10));
	FAILS(EISDIR, read(fd, buf, 10));
	FAILS(EBADF, write(fd, buf, 10));
	FAILS(EISDIR, pread(fd, buf, 10, 0));
	DO(lseek(fd, -1, SEEK_SET));
	DO(lseek(fd, 0, 99));
}

CASE(readdir, descriptors_share_or_own_their_place)
{
	struct listing a, b;
	int n = 0;

	PREP(mkdir("d", 0755));
	put_many("d", 300);
	a = begin("d");
	b = begin("d");
	while (next(&a))
		n++;
	rec("first %d", n);
	n = 0;
	while (next(&b))
		n++;
	rec("second %d", n);
	PREP(lseek(a.fd, 0, SEEK_SET));
	b.fd = dup(a.fd);
	b.have = b.at = n = 0;
	while (next(&b))
		n++;
	rec("dup %d", n);
	a.have = a.at = n = 0;
	while (next(&a))
		n++;
	rec("after the dup %d", n);
}

CASE(readdir, continues_after_becoming_unreadable)
{
	struct listing l;
	int n = 0;

	dir_as("d", 0755, ALICE, STAFF);
	put_many("d", 400);
	become(BOB, GUESTS);
	l = begin("d");
	PREP(next(&l) ? 0 : -1);
	back();
	PREP(chmod("d", 0));
	become(BOB, GUESTS);
	while (next(&l))
		n++;
	rec("%d more", n);
	FAILS(EACCES, open("d", O_RDONLY));
}
