/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manyfiles.c - make many small files fast, or have each of them known
 *
 *   manyfiles DIRECTORY COUNT        a thousand in each directory, which are
 *                                    named 0, 1, 2...; an existing directory is
 *                                    filled up
 *   manyfiles -k DIRECTORY COUNT     stat(2) them in the same order, and have
 *                                    the kernel keep them until standard input
 *                                    ends; prints the nanoseconds that one of
 *                                    the first 10,000 took, and one of the
 *                                    last: medians
 *
 * What fanotify(7) watches is kept, with no descriptor for each, whatever
 * else the kernel needs the memory for.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PER_DIRECTORY 1000
#define SAMPLES	      10000

/* What is done with one directory, whose files are numbered from first. */
typedef int each_fn(int dir, unsigned long first, unsigned long count);

static unsigned long total;
static uint64_t first_ns[SAMPLES], last_ns[SAMPLES];
static int watcher = -1;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

static int fill(int dir, unsigned long first, unsigned long count)
{
	char name[32];
	int fd;

	(void)first;
	for (unsigned long i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "f%lu", i);
		fd = openat(dir, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
		if (fd < 0)
			return -1;
		close(fd);
	}
	return 0;
}

static void note(unsigned long number, uint64_t ns)
{
	if (number < SAMPLES)
		first_ns[number] = ns;
	if (number + SAMPLES >= total)
		last_ns[number + SAMPLES - total] = ns;
}

static int keep(int dir, unsigned long first, unsigned long count)
{
	struct stat st;
	char name[32];
	uint64_t begin;

	for (unsigned long i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "f%lu", i);
		begin = now_ns();
		if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return -1;
		note(first + i, now_ns() - begin);
		/* Nobody does that to it. */
		if (fanotify_mark(watcher, FAN_MARK_ADD, FAN_CLOSE_WRITE, dir,
				  name) < 0)
			return -1;
	}
	return 0;
}

static int in_directory(int top, unsigned long number, unsigned long count,
			each_fn *each)
{
	char name[32];
	int dir, r;

	snprintf(name, sizeof(name), "%lu", number);
	if (each == fill)
		mkdirat(top, name, 0755);
	dir = openat(top, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -1;
	r = each(dir, number * PER_DIRECTORY, count);
	close(dir);
	return r;
}

static void for_each(const char *path, each_fn *each)
{
	int top = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	unsigned long left, number = 0, n;

	for (left = total; left; left -= n, number++) {
		n = left < PER_DIRECTORY ? left : PER_DIRECTORY;
		if (in_directory(top, number, n, each) < 0) {
			perror(path);
			exit(1);
		}
	}
	close(top);
}

static int by_ns(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static uint64_t median(uint64_t *ns)
{
	size_t n = total < SAMPLES ? total : SAMPLES;

	qsort(ns, n, sizeof(*ns), by_ns);
	return ns[n / 2];
}

static void keep_all(const char *path)
{
	char c;

	watcher = fanotify_init(
		FAN_CLASS_NOTIF | FAN_UNLIMITED_MARKS | FAN_CLOEXEC, O_RDONLY);
	if (watcher < 0) {
		perror("fanotify");
		exit(1);
	}
	for_each(path, keep);
	printf("%ju %ju\n", (uintmax_t)median(first_ns),
	       (uintmax_t)median(last_ns));
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
}

int main(int argc, char **argv)
{
	bool keeps = argc == 4 && strcmp(argv[1], "-k") == 0;

	if (argc != 3 && !keeps) {
		fprintf(stderr, "usage: manyfiles [-k] DIRECTORY COUNT\n");
		return 2;
	}
	argv += keeps;
	total = strtoul(argv[2], NULL, 10);
	if (keeps)
		keep_all(argv[1]);
	else
		for_each(argv[1], fill);
	return 0;
}
