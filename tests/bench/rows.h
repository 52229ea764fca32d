/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rows.h - the rows of the metadata table: what is prepared, what is timed
 *
 * A client works in a directory of its own, which is its working directory;
 * file i of it is named "f<i>".  Operations end the program when they fail.
 */
#ifndef BENCH_ROWS_H
#define BENCH_ROWS_H

#include <stdbool.h>

struct client {
	unsigned id;
	unsigned names; /* files that it has, or may make */
	int fd;		/* of "f0", for rows that want it open */
};

enum row_limit {
	ROW_FOR_A_TIME,	 /* as often as the time allows */
	ROW_ONCE_A_NAME, /* each operation uses up a name, or what is cold */
	ROW_ONCE,
};

struct row {
	const char *name;
	enum row_limit limit;
	bool cold; /* caches are dropped before */
	/* Files are made here, c->names at most. */
	void (*prepare)(struct client *c);
	/* Operation i; returns for how many it counts. */
	unsigned (*op)(struct client *c, unsigned i);
};

/* Ended by an entry without a name. */
extern const struct row rows[];

/* Ends the program with a text and what errno says. */
void die(const char *what, const char *name) __attribute__((noreturn));

/* Remove everything in the directory, not the directory. */
void clear_directory(int dir_fd);

/* A tree like that of a large source: directories of 50 files, 0 to 16 KiB. */
void make_tree(const char *dir, unsigned files);

#endif
