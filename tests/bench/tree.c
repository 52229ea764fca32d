/* SPDX-License-Identifier: Apache-2.0 */
/* tree.c - directories of files, made and removed */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/base/cleanup.h"
#include "tests/bench/rows.h"

#define FILES_A_DIRECTORY 50
#define DIRECTORIES_A_TOP 40
#define SIZE_MAX_BYTES	  (16u << 10)

static void remove_one(int dir_fd, const char *name)
{
	if (unlinkat(dir_fd, name, 0) == 0)
		return;
	if (unlinkat(dir_fd, name, AT_REMOVEDIR) < 0)
		die("remove", name);
}

void clear_directory(int dir_fd)
{
	DIR *d = fdopendir(dup(dir_fd));
	bool found = true;

	if (!d)
		die("list", "the directory of a client");
	/* Again until nothing is found: removing may make names pass by. */
	while (found) {
		struct dirent *e;

		found = false;
		rewinddir(d);
		while ((e = readdir(d))) {
			if (strcmp(e->d_name, ".") == 0 ||
			    strcmp(e->d_name, "..") == 0)
				continue;
			remove_one(dir_fd, e->d_name);
			found = true;
		}
	}
	closedir(d);
}

static void make_directory(const char *name)
{
	if (mkdir(name, 0755) < 0 && errno != EEXIST)
		die("make directory", name);
}

/* Text that compresses like a source: lines that differ by a number. */
static void make_source(const char *name, unsigned seed)
{
	/* Most sources are small: the square of an even spread. */
	unsigned long spread = seed * 2654435761UL % 1000;
	unsigned long size = spread * spread * SIZE_MAX_BYTES / 1000000;
	FILE *f = fopen(name, "w");

	if (!f)
		die("make", name);
	for (unsigned i = 0; (unsigned long)ftell(f) < size; i++)
		fprintf(f, "static int value_%u_%u = %lu;\n", seed, i,
			(seed + i) * 40503UL % 65521);
	if (fclose(f) != 0)
		die("write", name);
}

void make_tree(const char *dir, unsigned files)
{
	char name[96];

	make_directory(dir);
	if (chdir(dir) < 0)
		die("enter", dir);
	for (unsigned i = 0; i < files; i++) {
		unsigned sub = i / FILES_A_DIRECTORY;
		unsigned top = sub / DIRECTORIES_A_TOP;

		if (i % (FILES_A_DIRECTORY * DIRECTORIES_A_TOP) == 0) {
			snprintf(name, sizeof(name), "part%u", top);
			make_directory(name);
		}
		if (i % FILES_A_DIRECTORY == 0) {
			snprintf(name, sizeof(name), "part%u/module%u", top,
				 sub);
			make_directory(name);
		}
		snprintf(name, sizeof(name), "part%u/module%u/source_%u.c", top,
			 sub, i);
		make_source(name, i);
	}
}
