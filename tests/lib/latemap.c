/* SPDX-License-Identifier: Apache-2.0 */
/*
 * latemap.c - fill a file through a mapping whose descriptor is closed
 *
 *   latemap FILE SIZE
 *
 * Makes a file of holes, maps and closes it, says "mapped", fills it at the
 * first line of standard input, says "filled", and ends with the input.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char *map_and_close(const char *path, size_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	char *map = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, (off_t)size) == 0)
		map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			   0);
	if (fd >= 0)
		close(fd);
	return map;
}

int main(int argc, char **argv)
{
	size_t size;
	char *map;

	if (argc != 3) {
		fprintf(stderr, "usage: latemap FILE SIZE\n");
		return 2;
	}
	size = strtoul(argv[2], NULL, 10);
	map = map_and_close(argv[1], size);
	if (map == MAP_FAILED) {
		perror(argv[1]);
		return 1;
	}
	puts("mapped");
	fflush(stdout);
	getchar();
	memset(map, 'm', size);
	puts("filled");
	fflush(stdout);
	while (getchar() != EOF)
		;
	return 0;
}
