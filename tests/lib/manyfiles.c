/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manyfiles.c - make many small files fast: manyfiles DIRECTORY COUNT
 *
 * A thousand in each directory, which are named 0, 1, 2...; an existing
 * directory is filled up.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PER_DIRECTORY 1000

static int fill(int top, unsigned long number, unsigned long count)
{
	char name[32];
	int dir, fd;

	snprintf(name, sizeof(name), "%lu", number);
	mkdirat(top, name, 0755);
	dir = openat(top, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -1;
	for (unsigned long i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "f%lu", i);
		fd = openat(dir, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
		if (fd < 0)
			return -1;
		close(fd);
	}
	close(dir);
	return 0;
}

int main(int argc, char **argv)
{
	unsigned long left, number = 0, n;
	int top;

	if (argc != 3) {
		fprintf(stderr, "usage: manyfiles DIRECTORY COUNT\n");
		return 2;
	}
	top = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (left = strtoul(argv[2], NULL, 10); left; left -= n, number++) {
		n = left < PER_DIRECTORY ? left : PER_DIRECTORY;
		if (fill(top, number, n) < 0) {
			perror(argv[1]);
			return 1;
		}
	}
	close(top);
	return 0;
}
