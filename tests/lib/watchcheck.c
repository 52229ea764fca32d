/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watchcheck.c - what the host changes in a directory, a cached view must show
 *
 *   watchcheck kinds DIRECTORY VIEW LIMIT_MS
 *	Change it in each way there is; the view agrees within so long.
 *   watchcheck race DIRECTORY VIEW LIMIT_MS SECONDS
 *	Change and look as fast as possible, then let them agree.
 *   watchcheck time DIRECTORY VIEW LIMIT_MS ROUNDS
 *	Say how long it takes: median and 99th percentile, in microseconds.
 *
 * Before each change the view is looked at until it knows everything.
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

#include "tests/lib/check.h"

#define RACERS 3
#define RACED  12

static int host;
static int view;
static int64_t limit_ns;

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

/* --- do both show the same? ----------------------------------------------- */

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* What differs between two answers of stat(2); NULL: nothing. */
static const char *differs(const struct stat *h, const struct stat *v)
{
	if ((uint32_t)h->st_ino != (uint32_t)v->st_ino)
		return "inode";
	if (h->st_mode != v->st_mode)
		return "mode";
	if (h->st_uid != v->st_uid || h->st_gid != v->st_gid)
		return "owner";
	if (h->st_nlink != v->st_nlink)
		return "links";
	if (h->st_size != v->st_size)
		return "size";
	if (!same_time(h->st_mtim, v->st_mtim))
		return "mtime";
	if (!same_time(h->st_ctim, v->st_ctim))
		return "ctime";
	if (!same_time(h->st_atim, v->st_atim))
		return "atime";
	return NULL;
}

static const char *name_differs(const char *name)
{
	struct stat h = { 0 };
	struct stat v = { 0 };
	int on_host = fstatat(host, name, &h, AT_SYMLINK_NOFOLLOW);
	int in_view = fstatat(view, name, &v, AT_SYMLINK_NOFOLLOW);

	if (on_host < 0 && in_view < 0)
		return NULL;
	if (on_host < 0 || in_view < 0)
		return on_host < 0 ? "still there" : "not there yet";
	return differs(&h, &v);
}

static const char *tree_differs(const char *const *names)
{
	static char text[512];

	for (; *names; names++) {
		const char *what = name_differs(*names);

		if (!what)
			continue;
		snprintf(text, sizeof(text), "%s: %s", *names, what);
		return text;
	}
	return NULL;
}

/* Nanoseconds until the view agrees with the host. */
static int64_t settle(const char *kind, const char *const *names)
{
	int64_t began = now_ns();
	const char *what;

	while ((what = tree_differs(names)))
		CHECK(now_ns() - began < limit_ns, "after %s: %s", kind, what);
	return now_ns() - began;
}

/* Have the view remember all that it may. */
static void look(const char *const *names)
{
	struct stat st;

	for (int round = 0; round < 3; round++) {
		for (const char *const *n = names; *n; n++)
			(void)!fstatat(view, *n, &st, AT_SYMLINK_NOFOLLOW);
	}
}

/* --- changes of each kind ------------------------------------------------- */

static void put(const char *name, const char *text, int flags)
{
	int fd = openat(host, name, O_WRONLY | O_CREAT | O_CLOEXEC | flags,
			0644);

	CHECK(fd >= 0, "cannot open %s", name);
	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text),
	      "cannot write %s", name);
	close(fd);
}

static void append(void)
{
	put("file", "more", O_APPEND);
}

static void empty(void)
{
	put("file", "", O_TRUNC);
}

static void overwrite(void)
{
	put("file", "x", 0);
}

static void change_mode(void)
{
	CHECK(fchmodat(host, "file", 0600, 0) == 0, "chmod");
}

static void change_owner(void)
{
	CHECK(fchownat(host, "file", 7, 8, 0) == 0, "chown");
}

static void change_times(void)
{
	struct timespec ts[2] = { { 1000, 1 }, { 2000, 2 } };

	CHECK(utimensat(host, "file", ts, 0) == 0, "utimensat");
}

static void change_xattr(void)
{
	int fd = openat(host, "file", O_RDONLY | O_CLOEXEC);

	CHECK(fsetxattr(fd, "user.x", "y", 1, 0) == 0, "setxattr");
	close(fd);
}

static void read_it(void)
{
	char c;
	int fd = openat(host, "file", O_RDONLY | O_CLOEXEC);

	CHECK(read(fd, &c, 1) == 1, "read");
	close(fd);
}

static void preallocate(void)
{
	int fd = openat(host, "file", O_RDWR | O_CLOEXEC);

	CHECK(fallocate(fd, 0, 0, 100000) == 0, "fallocate");
	close(fd);
}

static void map(void)
{
	int fd = openat(host, "file", O_RDWR | O_CLOEXEC);
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	CHECK(p != MAP_FAILED, "mmap");
	p[0] = 'm';
	munmap(p, 4096);
	close(fd);
}

static void unlink_it(void)
{
	CHECK(unlinkat(host, "file", 0) == 0, "unlink");
}

static void create(void)
{
	put("file", "anew", O_EXCL);
}

static void make_anew(void)
{
	unlink_it();
	create();
}

static void replace(void)
{
	put("tmp", "replaced", 0);
	CHECK(renameat(host, "tmp", host, "file") == 0, "rename");
}

static void move_away(void)
{
	CHECK(renameat(host, "file", host, "moved") == 0, "rename");
}

static void move_back(void)
{
	CHECK(renameat(host, "moved", host, "dir/sub/file") == 0, "rename");
	CHECK(renameat(host, "dir/sub/file", host, "file") == 0, "rename");
}

static void move_down(void)
{
	CHECK(renameat(host, "file", host, "dir/sub/file") == 0, "rename");
}

static void move_up(void)
{
	CHECK(renameat(host, "dir/sub/file", host, "file") == 0, "rename");
}

static void exchange(void)
{
	CHECK(renameat2(host, "file", host, "other", RENAME_EXCHANGE) == 0,
	      "exchange");
}

static void make_link(void)
{
	CHECK(linkat(host, "file", host, "../outside", 0) == 0, "link");
}

static void write_link(void)
{
	put("../outside", "by another name", O_APPEND);
}

static void drop_link(void)
{
	CHECK(unlinkat(host, "../outside", 0) == 0, "unlink");
}

/* Whoever writes came by no directory at all. */
static void write_nameless(void)
{
	char from[64];
	int fd = openat(host, "..", O_TMPFILE | O_RDWR | O_CLOEXEC, 0644);
	struct stat st;

	CHECK(fd >= 0, "O_TMPFILE");
	unlink_it();
	snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
	CHECK(linkat(AT_FDCWD, from, host, "file", AT_SYMLINK_FOLLOW) == 0,
	      "linkat");
	for (int64_t end = now_ns() + limit_ns; name_differs("file");)
		CHECK(now_ns() < end, "a nameless file that got a name");
	CHECK(fstatat(view, "file", &st, 0) == 0, "stat");
	CHECK(write(fd, "nameless", 8) == 8, "write");
	close(fd);
}

static void relink(void)
{
	CHECK(symlinkat("elsewhere", host, "tmp") == 0, "symlink");
	CHECK(renameat(host, "tmp", host, "link") == 0, "rename");
}

static void make_dir(void)
{
	CHECK(mkdirat(host, "dir/new", 0755) == 0, "mkdir");
}

static void remove_dir(void)
{
	CHECK(unlinkat(host, "dir/new", AT_REMOVEDIR) == 0, "rmdir");
}

static void move_dir(void)
{
	CHECK(renameat(host, "dir/sub", host, "sub") == 0, "rename");
}

static void move_dir_back(void)
{
	CHECK(renameat(host, "sub", host, "dir/sub") == 0, "rename");
}

static void swap_dir(void)
{
	CHECK(renameat(host, "dir/sub", host, "dir/old") == 0, "rename");
	CHECK(mkdirat(host, "dir/sub", 0700) == 0, "mkdir");
	put("dir/sub/deep", "another", 0);
}

static void swap_dir_back(void)
{
	CHECK(unlinkat(host, "dir/sub/deep", 0) == 0, "unlink");
	CHECK(renameat(host, "dir/old", host, "dir/sub") == 0, "rename");
}

static void list_dir(void)
{
	struct timespec old[2] = { { 1, 0 }, { 0, UTIME_OMIT } };
	int fd = openat(host, "dir", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fdopendir(fd);

	CHECK(futimens(fd, old) == 0, "futimens");
	while (readdir(d))
		;
	closedir(d);
}

static const struct kind {
	const char *name;
	void (*change)(void);
} kinds[] = {
	{ "append", append },
	{ "overwrite", overwrite },
	{ "chmod", change_mode },
	{ "chown", change_owner },
	{ "utimensat", change_times },
	{ "read", read_it },
	{ "setxattr", change_xattr },
	{ "fallocate", preallocate },
	{ "a mapping", map },
	{ "truncate", empty },
	{ "unlink", unlink_it },
	{ "create", create },
	{ "unlink and create", make_anew },
	{ "replace", replace },
	{ "rename", move_away },
	{ "rename there and back", move_back },
	{ "rename down", move_down },
	{ "rename up", move_up },
	{ "exchange", exchange },
	{ "link", make_link },
	{ "write by another link", write_link },
	{ "unlink of another link", drop_link },
	{ "write of what had no name", write_nameless },
	{ "symlink", relink },
	{ "mkdir", make_dir },
	{ "rmdir", remove_dir },
	{ "rename of a directory", move_dir },
	{ "rename of a directory back", move_dir_back },
	{ "another directory in its place", swap_dir },
	{ "and the old one again", swap_dir_back },
	{ "list", list_dir },
};

static const char *const watched[] = {
	".",	   "file", "other",    "moved",	       "link",
	"tmp",	   "dir",  "dir/new",  "dir/sub",      "dir/sub/file",
	"dir/old", "sub",  "sub/deep", "dir/sub/deep", NULL,
};

static void prepare(void)
{
	CHECK(mkdirat(host, "dir", 0755) == 0, "mkdir");
	CHECK(mkdirat(host, "dir/sub", 0755) == 0, "mkdir");
	put("file", "one", 0);
	put("other", "two", 0);
	put("dir/sub/deep", "three", 0);
	CHECK(symlinkat("file", host, "link") == 0, "symlink");
}

static void check_kinds(bool held)
{
	int fd = -1;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		look(watched);
		/* The kernel does not drop a name that is in use. */
		if (held)
			fd = openat(view, "file", O_RDONLY | O_CLOEXEC);
		kinds[i].change();
		settle(kinds[i].name, watched);
		/* And it stays so. */
		look(watched);
		CHECK(!tree_differs(watched), "%s after %s, later",
		      tree_differs(watched), kinds[i].name);
		if (fd >= 0)
			close(fd);
	}
}

/* --- changes at random ---------------------------------------------------- */

static const char *raced_name(unsigned i, char buf[32])
{
	snprintf(buf, 32, "%sr%u", i % 3 == 2 ? "dir/" : "", i % RACED);
	return buf;
}

static void race_change(unsigned *seed)
{
	char a[32];
	char b[32];
	int fd;

	raced_name((unsigned)rand_r(seed), a);
	raced_name((unsigned)rand_r(seed), b);
	switch (rand_r(seed) % 7) {
	case 0:
		unlinkat(host, a, 0);
		break;
	case 1:
		renameat(host, a, host, b);
		break;
	case 2:
		linkat(host, a, host, b, 0);
		break;
	case 3:
		fchmodat(host, a, 0600 | (rand_r(seed) & 077), 0);
		break;
	case 4:
		renameat2(host, a, host, b, RENAME_EXCHANGE);
		break;
	default:
		fd = openat(host, a, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
			    0644);
		if (fd >= 0) {
			(void)!write(fd, "x", 1);
			close(fd);
		}
		break;
	}
}

static void race_look(unsigned *seed)
{
	char a[32];
	struct stat st;

	raced_name((unsigned)rand_r(seed), a);
	(void)!fstatat(view, a, &st, AT_SYMLINK_NOFOLLOW);
}

/* Through the view as well: its kernel's own changes move what it believes. */
static void race_view(unsigned *seed)
{
	char a[32];
	char b[32];

	race_look(seed);
	if (rand_r(seed) % 4)
		return;
	raced_name((unsigned)rand_r(seed), a);
	raced_name((unsigned)rand_r(seed), b);
	if (rand_r(seed) % 2)
		renameat(view, a, view, b);
	else
		unlinkat(view, a, 0);
}

static pid_t racer(void (*step)(unsigned *seed), unsigned seed)
{
	pid_t pid = fork();

	CHECK(pid >= 0, "fork");
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		step(&seed);
}

static void check_race(int seconds)
{
	char names[RACED * 2][32];
	const char *list[RACED * 2 + 3] = { ".", "dir" };
	pid_t pids[RACERS];
	unsigned seed = (unsigned)now_ns();
	size_t n = 2;

	for (size_t i = 0; i < RACED; i++) {
		snprintf(names[2 * i], 32, "r%zu", i);
		snprintf(names[2 * i + 1], 32, "dir/r%zu", i);
		list[n++] = names[2 * i];
		list[n++] = names[2 * i + 1];
	}
	printf("seed %u\n", seed);
	fflush(stdout);
	for (int64_t end = now_ns() + seconds * INT64_C(1000000000);
	     now_ns() < end;) {
		struct timespec nap = { .tv_nsec = 200000000 };

		pids[0] = racer(race_change, seed++);
		pids[1] = racer(race_look, seed++);
		pids[2] = racer(race_view, seed++);
		nanosleep(&nap, NULL);
		for (int i = 0; i < RACERS; i++)
			kill(pids[i], SIGKILL);
		for (int i = 0; i < RACERS; i++)
			waitpid(pids[i], NULL, 0);
		settle("the race", list);
		nanosleep(&nap, NULL);
		CHECK(!tree_differs(list), "%s", tree_differs(list));
	}
}

/* --- how long it takes ---------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	const int64_t *x = a;
	const int64_t *y = b;

	return (*x > *y) - (*x < *y);
}

static void say(const char *what, int64_t *t, int n)
{
	qsort(t, (size_t)n, sizeof(*t), compare);
	printf("%s: median %lld us, 99%% %lld us, worst %lld us\n", what,
	       (long long)t[n / 2] / 1000, (long long)t[n * 99 / 100] / 1000,
	       (long long)t[n - 1] / 1000);
}

static void check_time(int rounds)
{
	static const char *const names[] = { "file", NULL };
	int64_t *attr = calloc((size_t)rounds, sizeof(*attr));
	int64_t *name = calloc((size_t)rounds, sizeof(*name));
	struct timespec nap = { .tv_nsec = 2000000 };

	CHECK(attr && name, "no memory");
	for (int i = 0; i < rounds; i++) {
		look(names);
		nanosleep(&nap, NULL);
		append();
		attr[i] = settle("append", names);
		look(names);
		nanosleep(&nap, NULL);
		put("tmp", "replaced", 0);
		replace();
		name[i] = settle("replace", names);
	}
	say("attributes", attr, rounds);
	say("a name", name, rounds);
	free(attr);
	free(name);
}

int main(int argc, char **argv)
{
	CHECK(argc >= 5, "usage: watchcheck WHAT DIRECTORY VIEW LIMIT_MS [N]");
	host = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	view = open(argv[3], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	limit_ns = strtol(argv[4], NULL, 10) * INT64_C(1000000);
	CHECK(host >= 0 && view >= 0, "cannot open the directories");
	prepare();
	if (strcmp(argv[1], "kinds") == 0) {
		check_kinds(false);
		check_kinds(true);
	} else if (strcmp(argv[1], "race") == 0 && argc > 5) {
		check_race((int)strtol(argv[5], NULL, 10));
	} else if (strcmp(argv[1], "time") == 0 && argc > 5) {
		check_time((int)strtol(argv[5], NULL, 10));
	}
	return 0;
}
