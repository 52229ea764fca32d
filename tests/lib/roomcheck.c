/* SPDX-License-Identifier: Apache-2.0 */
/*
 * roomcheck.c - what a removed file took is free for the next write
 *
 *   roomcheck DIRECTORY BYTES TIMES [WAY]...
 *
 * The directory is empty, and has a limit.  A file of BYTES leaves no room for
 * another one, and is removed in some way, or all; at once another file, open
 * before, is given as much.  What is still in use keeps its room.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SOON_MS 10000 /* what the kernel tells without being waited for */

static const char *way;
static size_t size;
static char *data;
static int other; /* the file that is written next */

#define CHECK(cond, ...)                                                       \
	do {                                                                   \
		if (!(cond)) {                                                 \
			int e = errno;                                         \
			fprintf(stderr, "%s: line %d: ", way, __LINE__);       \
			fprintf(stderr, __VA_ARGS__);                          \
			errno = e;                                             \
			fprintf(stderr, " (errno %m)\n");                      \
			exit(1);                                               \
		}                                                              \
	} while (0)

static bool fits(int fd)
{
	size_t done = 0;
	ssize_t n = 0;

	while (done < size) {
		n = pwrite(fd, data + done, size - done, (off_t)done);
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	CHECK(done == size || errno == ENOSPC || errno == EDQUOT, "a write");
	return done == size;
}

static void empty_other(void)
{
	CHECK(ftruncate(other, 0) == 0, "ftruncate");
}

static void expect_room(int i)
{
	CHECK(fits(other), "no room, time %d", i);
	empty_other();
}

static void expect_no_room(int i)
{
	CHECK(!fits(other), "room, time %d", i);
	empty_other();
}

static void expect_room_soon(int i)
{
	struct timespec pause = { .tv_nsec = 1000000 };

	for (int ms = 0; ms < SOON_MS && !fits(other); ms++) {
		empty_other();
		nanosleep(&pause, NULL);
	}
	expect_room(i);
}

/* A file that leaves no room for another one of its size. */
static int make(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);

	CHECK(fd >= 0, "cannot make '%s'", name);
	CHECK(fits(fd), "'%s' does not fit", name);
	return fd;
}

static void remove_file(const char *name)
{
	CHECK(unlink(name) == 0, "unlink");
}

static void unlinked(int i)
{
	close(make("file"));
	remove_file("file");
	expect_room(i);
}

static void replaced(int i)
{
	int fd = open("new", O_RDWR | O_CREAT | O_EXCL, 0600);

	CHECK(fd >= 0, "cannot make 'new'");
	close(fd);
	close(make("file"));
	CHECK(rename("new", "file") == 0, "rename");
	expect_room(i);
	remove_file("file");
}

static void looked_at(int i)
{
	struct stat st;

	close(make("file"));
	CHECK(chmod("file", 0400) == 0 && stat("file", &st) == 0, "stat");
	remove_file("file");
	expect_room(i);
}

static void second_name(int i)
{
	close(make("file"));
	CHECK(link("file", "link") == 0, "link");
	remove_file("file");
	expect_no_room(i);
	remove_file("link");
	expect_room(i);
}

static void open_still(int i)
{
	int fd = make("file");
	char c = 0;

	remove_file("file");
	expect_no_room(i);
	CHECK(pread(fd, &c, 1, (off_t)size - 1) == 1 && c == 'x', "its bytes");
	close(fd);
	expect_room_soon(i);
}

static void mapped_still(int i)
{
	int fd = make("file");
	char *p = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);

	CHECK(p != MAP_FAILED, "mmap");
	close(fd);
	remove_file("file");
	expect_no_room(i);
	CHECK(p[size - 1] == 'x', "its bytes");
	munmap(p, size);
	expect_room_soon(i);
}

/* Who has it without having it open sees what it was. */
static void known_still(int i)
{
	struct stat st;
	int path;

	close(make("file"));
	path = open("file", O_PATH);
	CHECK(path >= 0, "O_PATH");
	remove_file("file");
	CHECK(fstat(path, &st) == 0, "fstat");
	CHECK(st.st_nlink == 0 && st.st_size == (off_t)size, "attributes");
	close(path);
	expect_room_soon(i);
}

static const struct {
	const char *name;
	void (*run)(int i);
} ways[] = {
	{ "unlinked", unlinked },   { "replaced", replaced },
	{ "looked_at", looked_at }, { "two_names", second_name },
	{ "open", open_still },	    { "mapped", mapped_still },
	{ "known", known_still },
};

static bool is_wanted(char **names, const char *name)
{
	if (!*names)
		return true;
	while (*names && strcmp(*names, name) != 0)
		names++;
	return *names;
}

int main(int argc, char **argv)
{
	int times;

	if (argc < 4 || chdir(argv[1]) < 0) {
		fprintf(stderr, "usage: roomcheck DIRECTORY BYTES TIMES "
				"[WAY]...\n");
		return 2;
	}
	size = strtoul(argv[2], NULL, 10);
	times = (int)strtol(argv[3], NULL, 10);
	data = malloc(size);
	way = "start";
	CHECK(data, "malloc");
	memset(data, 'x', size);
	other = open("other", O_RDWR | O_CREAT | O_EXCL, 0600);
	CHECK(other >= 0, "cannot make 'other'");
	for (size_t w = 0; w < sizeof(ways) / sizeof(ways[0]); w++) {
		way = ways[w].name;
		for (int i = 0; is_wanted(argv + 4, way) && i < times; i++)
			ways[w].run(i);
	}
	remove_file("other");
	free(data);
	return 0;
}
