/* SPDX-License-Identifier: Apache-2.0 */
/*
 * localfs.h - file operations on directories of local filesystems
 *
 * One struct localfs serves every volume of a daemon whose bytes are in some
 * filesystem of this machine.  It keeps the filesystems in use (realms), a
 * bounded cache of directory descriptors, and, for filesystems without file
 * handles, the descriptors that stand for files.
 */
#ifndef LOCALFS_LOCALFS_H
#define LOCALFS_LOCALFS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct error;
struct localfs;
struct state;
struct store;

struct localfs_options {
	/* Descriptors kept of directories, and as many of files; 0: default. */
	size_t fd_cache;
	size_t watches;	      /* files watched at most; 0: default */
	bool test_no_handles; /* behave as on a filesystem without handles */
	/* Handles that were given out are good in the next process; or NULL. */
	struct state *state;
};

struct localfs_stats {
	size_t realms;
	size_t dir_fds;	 /* cached directory descriptors */
	size_t file_fds; /* cached descriptors of files */
	size_t held_fds; /* held for want of handles, or of removed files */
	size_t watches;
};

int localfs_new(const struct localfs_options *options, struct localfs **ret,
		struct error *err);
/* All its stores must be closed. */
void localfs_free(struct localfs *lfs);
/*
 * The device of the mount that this daemon serves: a volume that contains it
 * ends there with -ELOOP, or the daemon would wait for itself.
 */
void localfs_set_own_device(struct localfs *lfs, dev_t dev);
/*
 * All handles of an earlier process that are still of use were adopted
 * (store_adopt()): the others never are.
 */
void localfs_adopted(struct localfs *lfs);
void localfs_stats(struct localfs *lfs, struct localfs_stats *ret);

/* Finds the object at the root of a volume; the caller closes *ret_fd. */
typedef int localfs_root_fn(void *arg, int *ret_fd);

enum localfs_flag {
	/*
	 * Nobody but this daemon changes these files, so locks need not be seen
	 * by others (lock_fd is refused).
	 */
	LOCALFS_EXCLUSIVE = 1 << 0,
	/*
	 * The filesystem keeps a limit of the volume's room: what a removed
	 * file took is free for others as soon as nobody has it open.
	 */
	LOCALFS_LIMITED = 1 << 1,
};

/*
 * Open a volume whose root is found by root_fn each time it is looked up: a
 * new O_PATH descriptor of a directory or, for hostPath, of any other file.
 * root_fn returns -errno when there is none at the moment.  free_arg (may be
 * NULL) ends arg with the store.  flags: enum localfs_flag.
 */
int localfs_open(struct localfs *lfs, localfs_root_fn *root_fn, void *arg,
		 void (*free_arg)(void *arg), unsigned flags,
		 struct store **ret, struct error *err);

#endif
