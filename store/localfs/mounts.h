/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mounts.h - what there is to know of a mount, and how it is found again
 */
#ifndef LOCALFS_MOUNTS_H
#define LOCALFS_MOUNTS_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct libmnt_table;
struct statx;

/* Which mount: the kernel gives the id of one that is gone to another. */
struct mount_key {
	uint64_t id;
	uint64_t unique; /* never given again; 0: too old a kernel (6.8) */
};

static inline bool mount_key_equal(const struct mount_key *a,
				   const struct mount_key *b)
{
	return a->id == b->id && a->unique == b->unique;
}

/* The unique id of the mount that fd is on.  Asks no server. */
uint64_t mount_unique_id(int fd);

/*
 * Something open on the mount of fd (O_PATH), which does not do itself for
 * open_by_handle_at(2).  Not a regular file if it can be helped, which would
 * keep its blocks; never a device, fifo or socket.
 */
int mount_open(int fd, const struct statx *attr);

/* Can files be opened by handle?  fd is one of them, of this mode. */
bool mount_has_handles(int mount_fd, int fd, mode_t mode);
/* Anything but what is known to have its attributes in memory. */
bool mount_is_remote(int mount_fd);
/*
 * Known to tell fanotify of each change: nobody changes them from another
 * machine or below, and events name files by the handles that we use.
 */
bool mount_is_watchable(int mount_fd);

/* Errors that say nothing of the mount. */
static inline bool is_shortage(int r)
{
	return r == -ENOMEM || r == -ENFILE || r == -EMFILE;
}

/* The mounts as they were when last read: to find many, one reading does. */
struct mount_list {
	pthread_mutex_t lock; /* of table; not held while files are opened */
	struct libmnt_table *table;
};

void mount_list_init(struct mount_list *list);
void mount_list_done(struct mount_list *list);
/* Give the memory back until another one is to be found. */
void mount_list_drop(struct mount_list *list);

/*
 * An O_PATH descriptor of the root of a mount.  -ESTALE if it is gone, hidden
 * by another one, or its path leads through a filesystem of device avoid (0:
 * none), whose server might be the one who waits.
 */
int mount_find(struct mount_list *list, const struct mount_key *key,
	       dev_t avoid, int *ret_fd);

#endif
