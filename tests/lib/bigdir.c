/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bigdir.c - one directory of very many entries, listed in several ways
 *
 *   bigdir make DIRECTORY COUNT        empty files, named e0, e1, e2...
 *   bigdir first DIRECTORY COUNT       one getdents(2): prints how many came
 *   bigdir list DIRECTORY COUNT        all of them: each must be listed once;
 *                                      prints the microseconds until the first
 *                                      came, and until the last
 *   bigdir change DIRECTORY COUNT AT   a tenth goes and as many new ones come
 *                                      meanwhile, in AT, the same directory:
 *                                      those that stay must be listed once, the
 *                                      others no more than that
 *   bigdir seek DIRECTORY COUNT        go back to places in it: telldir(3),
 *                                      seekdir(3)
 *
 * change leaves the directory as it was.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CHUNK	     32768 /* as glibc's readdir() does */
#define GOES(number) ((number) % 10 == 3)
#define PLACES	     1000

/* How often each was listed, by its number. */
struct seen {
	unsigned count;
	unsigned char *old; /* e0, e1... */
	unsigned char *new; /* n0, n1...: made meanwhile */
};

/* What `change` does next. */
struct changes {
	int at;
	unsigned next; /* number of the name that goes, and of the one made */
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void wrong(const char *what, const char *name)
{
	fprintf(stderr, "%s: '%s'\n", what, name);
	exit(1);
}

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000U + (uint64_t)ts.tv_nsec / 1000;
}

static int open_dir(const char *path)
{
	/* As opendir(3) does. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		die(path);
	return fd;
}

static void make_file(int dir, char kind, unsigned number)
{
	char name[16];
	int fd;

	snprintf(name, sizeof(name), "%c%u", kind, number);
	fd = openat(dir, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
	if (fd < 0)
		die(name);
	close(fd);
}

static void remove_file(int dir, char kind, unsigned number)
{
	char name[16];

	snprintf(name, sizeof(name), "%c%u", kind, number);
	if (unlinkat(dir, name, 0) < 0)
		die(name);
}

static void seen_init(struct seen *s, unsigned count)
{
	s->count = count;
	s->old = calloc(count, 1);
	s->new = calloc(count, 1);
	if (!s->old || !s->new)
		die("memory");
}

static void seen_done(struct seen *s)
{
	free(s->old);
	free(s->new);
}

static void seen_note(struct seen *s, const char *name)
{
	unsigned char *of = name[0] == 'e' ? s->old : s->new;
	char *end;
	unsigned long number;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return;
	number = strtoul(name + 1, &end, 10);
	if (!strchr("en", name[0]) || *end || number >= s->count)
		wrong("a name that nobody made", name);
	if (of[number]++)
		wrong("listed twice", name);
}

/* changing: those that go need not have been seen. */
static void expect_all(const struct seen *s, bool changing)
{
	char name[16];

	for (unsigned i = 0; i < s->count; i++) {
		if (s->old[i] || (changing && GOES(i)))
			continue;
		snprintf(name, sizeof(name), "e%u", i);
		wrong("not listed", name);
	}
}

/* The next entries; returns how many, 0 at the end. */
static unsigned list_some(int fd, struct seen *s)
{
	_Alignas(struct dirent64) char buf[CHUNK];
	const struct dirent64 *d;
	unsigned n = 0;
	ssize_t len = getdents64(fd, buf, sizeof(buf));

	if (len < 0)
		die("getdents");
	for (ssize_t at = 0; at < len; at += d->d_reclen, n++) {
		d = (const struct dirent64 *)(buf + at);
		seen_note(s, d->d_name);
	}
	return n;
}

static void run_make(const char *path, struct seen *s)
{
	int dir = open_dir(path);

	for (unsigned i = 0; i < s->count; i++)
		make_file(dir, 'e', i);
	close(dir);
}

static void run_first(const char *path, struct seen *s)
{
	int dir = open_dir(path);

	printf("%u\n", list_some(dir, s));
	close(dir);
}

static void run_list(const char *path, struct seen *s)
{
	uint64_t begin = now_us();
	int dir = open_dir(path);
	uint64_t first;

	list_some(dir, s);
	first = now_us() - begin;
	while (list_some(dir, s) > 0)
		;
	printf("%ju %ju\n", (uintmax_t)first, (uintmax_t)(now_us() - begin));
	close(dir);
	expect_all(s, false);
}

/* For n entries that were listed, a tenth of that goes, and comes. */
static void change_some(struct changes *c, unsigned n, const struct seen *s)
{
	unsigned end = c->next + n < s->count ? c->next + n : s->count;

	for (; c->next < end; c->next++) {
		if (!GOES(c->next))
			continue;
		remove_file(c->at, 'e', c->next);
		make_file(c->at, 'n', c->next);
	}
}

static void change_back(const struct changes *c)
{
	for (unsigned i = 0; i < c->next; i++) {
		if (!GOES(i))
			continue;
		remove_file(c->at, 'n', i);
		make_file(c->at, 'e', i);
	}
}

static void run_change(const char *path, const char *at, struct seen *s)
{
	struct changes c = { .at = open_dir(at) };
	int dir = open_dir(path);
	unsigned n;

	while ((n = list_some(dir, s)) > 0)
		change_some(&c, n, s);
	close(dir);
	expect_all(s, true);
	change_back(&c);
	close(c.at);
}

/* A place in the listing, and the name that follows. */
struct place {
	long at;
	char next[16];
};

static void remember_places(DIR *d, unsigned every, struct place *places)
{
	const struct dirent *e;
	unsigned n = 0;
	long at;

	for (unsigned i = 0; n < PLACES; i++) {
		at = telldir(d);
		e = readdir(d);
		if (!e)
			die("the listing is too short");
		if (i % every)
			continue;
		places[n].at = at;
		snprintf(places[n++].next, sizeof(places->next), "%.15s",
			 e->d_name);
	}
}

static void run_seek(const char *path, struct seen *s)
{
	static struct place places[PLACES];
	const struct dirent *e;
	DIR *d = opendir(path);

	if (!d || s->count < PLACES)
		die(path);
	remember_places(d, s->count / PLACES, places);
	/* 7 and PLACES have no common divisor: each place, back and forth. */
	for (unsigned i = 0; i < PLACES; i++) {
		const struct place *p = &places[i * 7 % PLACES];

		seekdir(d, p->at);
		e = readdir(d);
		if (!e || strcmp(e->d_name, p->next) != 0)
			wrong("another name follows", p->next);
	}
	rewinddir(d);
	while ((e = readdir(d)))
		seen_note(s, e->d_name);
	closedir(d);
	expect_all(s, false);
}

int main(int argc, char **argv)
{
	struct seen s;

	if (argc < 4 || (argc < 5 && strcmp(argv[1], "change") == 0)) {
		fprintf(stderr,
			"usage: bigdir make|first|list|change|seek DIRECTORY COUNT [AT]\n");
		return 2;
	}
	seen_init(&s, (unsigned)strtoul(argv[3], NULL, 10));
	if (strcmp(argv[1], "make") == 0)
		run_make(argv[2], &s);
	else if (strcmp(argv[1], "first") == 0)
		run_first(argv[2], &s);
	else if (strcmp(argv[1], "list") == 0)
		run_list(argv[2], &s);
	else if (strcmp(argv[1], "seek") == 0)
		run_seek(argv[2], &s);
	else
		run_change(argv[2], argv[4], &s);
	seen_done(&s);
	return 0;
}
