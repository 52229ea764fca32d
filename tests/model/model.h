/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.h - what a directory tree must look like, kept in memory
 *
 * Each process of fsmodel has a tree of its own and its own names in
 * directories that all share, so whatever others do, the outcome of each of
 * its calls is known beforehand.
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include <errno.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	NAMES = 8,	  /* in an ordinary directory */
	WIDE_NAMES = 300, /* in one that needs several requests to list */
	DEPTH_MAX = 6,
	DIRS_MAX = 48,
	BASES = 4, /* directories that are always there */
	FILE_MAX = 300000,
	HANDLES = 12,
	MAPS = 4,
	SCANS = 2,
	XATTRS = 4,
	XATTR_MAX = 200,
	PATH_BYTES = 4096,
	NAME_BYTES = 32,
	PROCESSES_MAX = 256,
	BLOCK = 4096,
};

enum kind {
	KIND_FILE,
	KIND_DIR,
	KIND_LINK
};

struct entry {
	struct node *node;
	uint8_t stable; /* a bit for each scan that must show it */
	uint8_t seen;
};

struct xattr {
	bool set;
	unsigned len;
	char value[XATTR_MAX];
};

struct node {
	enum kind kind;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	unsigned links; /* names */
	unsigned users; /* handles and mappings */
	uint64_t ino;	/* 0: not seen yet */
	bool linkable;	/* made by O_TMPFILE */
	bool mapped;	/* written by a mapping: its times come late */
	bool timed;	/* mtime is known */
	int64_t mtime;	/* nanoseconds */
	struct xattr xattrs[XATTRS];
	unsigned char *data; /* of a file, FILE_MAX bytes; of a link */
	size_t size;
	/* Of a directory. */
	struct node *parent;
	unsigned name;	  /* its own, in parent */
	const char *base; /* path of one that is always there */
	bool shared;
	unsigned n_names;
	struct entry *entries;
};

/* A name in a directory, with or without something there. */
struct place {
	struct node *dir;
	unsigned name;
};

struct handle {
	int fd;
	int flags;
	struct node *node; /* NULL: free */
};

struct map {
	unsigned char *at;
	size_t len;
	struct node *node; /* NULL: free */
};

/* A directory that is being listed while it changes. */
struct scan {
	int fd;
	struct node *node; /* NULL: free */
};

/* What the call under way may have changed, if nobody can tell. */
struct touched {
	struct place places[2];
	unsigned n_places;
	struct node *nodes[2];
	unsigned n_nodes;
};

struct actor {
	unsigned number, n_actors;
	uint64_t seed, random, step;
	bool survive;	  /* restarts of the daemon */
	unsigned retries; /* of looking after a recovery */
	bool told;	  /* each call is printed before it is made */
	const char *top;
	char base_paths[BASES][PATH_BYTES];
	struct node *dirs[DIRS_MAX];
	unsigned n_dirs;
	struct handle handles[HANDLES];
	struct map maps[MAPS];
	struct scan scans[SCANS];
	struct touched touched;
	sigjmp_buf gone; /* the daemon died under a call */
	bool no_xattr, no_zero_range, no_direct, no_exchange;
	volatile uint64_t *counted; /* increments of the shared counter */
};

extern struct actor me;

/* --- model.c ------------------------------------------------------------- */

unsigned rnd(unsigned n);
void *xalloc(size_t len);
struct node *node_new(enum kind kind, mode_t mode, const struct node *dir);
/* Free it if it has neither a name nor a user. */
void node_settle(struct node *n);
struct node *base_new(const char *path, bool shared, unsigned n_names);
void path_of(struct place p, char *buf);
void dir_path(const struct node *dir, char *buf);
void name_text(unsigned name, char *buf);
struct node *at(struct place p);
void put_at(struct place p, struct node *n);
void clear_at(struct place p);
struct place any_place(void);
/* One with something there, mostly. */
struct place used_place(void);
/* One with a file there; false if none was met. */
bool file_place(struct place *ret);
bool is_within(const struct node *dir, const struct node *ancestor);
unsigned depth_of(const struct node *dir);
bool is_empty(const struct node *dir);
void resize(struct node *n, size_t size);
void dir_changed(struct node *dir);

/* --- report.c ------------------------------------------------------------ */

/* What is about to be done: the last ones are shown with a difference. */
void doing(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Stop: the filesystem and the model differ. */
_Noreturn void differ(const char *format, ...)
	__attribute__((format(printf, 1, 2)));
/* The result of a call: got < 0 stands for errno; wanted is 0 or -errno. */
void expect(long got, long wanted);
const char *errno_text(long negative);
/* In survive mode: leave the call if this errno means that the daemon died. */
void perhaps_gone(int error);
void touch_place(struct place p);
void touch_node(struct node *n);

/* --- look.c -------------------------------------------------------------- */

void look(struct place p);
void look_stat(const char *path, struct node *n);
void look_data(int fd, const struct node *n, size_t off, size_t len);
void look_everywhere(void);

/* --- survive.c ----------------------------------------------------------- */

/* Wait for the daemon, learn what became of the call under way. */
void survive(void);

/* --- operations ---------------------------------------------------------- */

void op_create(void);
void op_mkdir(void);
void op_symlink(void);
void op_link(void);
void op_unlink(void);
void op_rmdir(void);
void op_rename(void);
void op_exchange(void);
void op_wide(void);
void op_open(void);
void op_tmpfile(void);
void op_link_handle(void);
void op_close(void);
void op_write(void);
void op_append(void);
void op_read(void);
void op_truncate(void);
void op_allocate(void);
void op_map(void);
void op_map_write(void);
void op_map_read(void);
void op_copy(void);
void op_seek(void);
void op_chmod(void);
void op_chown(void);
void op_times(void);
void op_setxattr(void);
void op_getxattr(void);
void op_look(void);
void op_peek(void);
void op_scan(void);
void op_scan_start(void);
void op_count(void);
void op_fsync(void);

void scan_forget(const struct node *dir);
void handle_drop(struct handle *h);
void map_drop(struct map *m);

#endif
