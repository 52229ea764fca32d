/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file.h - the table of open files: what the kernel's file handles stand for
 *
 * Plain records with indices and generations, as the inode table, in memory
 * that outlives the process.
 */
#ifndef FUSE_FILE_H
#define FUSE_FILE_H

#include <stddef.h>
#include <stdint.h>

struct account;
struct file_table;
struct state;
struct store_file;

struct file {
	uint64_t nodeid;
	uint32_t open_flags; /* of open(2) */
	uint32_t locks;	     /* locks were taken through it */
	/* The rest is of this process: whoever takes over makes it anew. */
	struct store_file *file; /* NULL with plain passthrough */
	struct account *account; /* of a counted file open for writing */
	char *text;		 /* of a control file; malloc'd */
	size_t text_len;
};

/* state: where the records are; may be NULL. */
int file_table_new(struct state *state, struct file_table **ret);
void file_table_free(struct file_table *t);
uint64_t file_table_count(struct file_table *t);

/* A handle for a new open file; -ENFILE when there are too many. */
int file_add(struct file_table *t, const struct file *file, uint64_t *ret_fh);

/*
 * The open file of a handle, which stays valid until its RELEASE: the kernel
 * sends that last.  NULL for what is no handle.
 */
struct file *file_get(struct file_table *t, uint64_t fh);

/* Take it out of the table; -EBADF for what is no handle. */
int file_remove(struct file_table *t, uint64_t fh, struct file *ret);

/*
 * Take over the files that an earlier process left in the state, before the
 * first use: fn makes anew what is of the process, in place; the file goes if
 * it returns less than 0.
 */
typedef int file_attach_fn(void *arg, uint64_t fh, struct file *file);
void file_attach(struct file_table *t, file_attach_fn *fn, void *arg);

/* Remove any one file, for the end: -ENOENT when there is none left. */
int file_remove_any(struct file_table *t, struct file *ret);

#endif
