/* SPDX-License-Identifier: Apache-2.0 */
/*
 * locks.h - fcntl(2) and flock(2) locks of the files of the mount
 *
 * Record locks are ranges of an owner (the kernel's lock owner: a process for
 * POSIX locks, an open file description for OFD and flock locks).  Where
 * others use the same files (not exclusive volumes), each owner's locks are
 * also taken as OFD locks on the file itself, so that both sides conflict.
 * A lock that is not to be had at once waits in a queue, not in a thread.
 */
#ifndef FUSE_LOCKS_H
#define FUSE_LOCKS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct inode;
struct locks;
struct state;

/*
 * Ranges that may be locked at the same time, beyond which is -ENOLCK: a
 * container has neither our memory nor our time for as many as it likes.
 */
#define LOCKS_PER_FILE	 8192u
#define LOCKS_PER_VOLUME (1u << 17)

enum lock_space {
	LOCK_POSIX, /* fcntl */
	LOCK_FLOCK, /* flock: the range is the whole file */
	LOCK_N_SPACES,
};

struct lock {
	uint64_t owner;
	uint64_t start;
	uint64_t end; /* inclusive; UINT64_MAX >> 1: to the end of the file */
	uint64_t fh;  /* open file through which it was set */
	pid_t pid;
	int type; /* F_RDLCK, F_WRLCK, F_UNLCK */
};

/*
 * The answer to a lock that had to wait: 0 when it was granted, -EINTR,
 * -EDEADLK...  Called once, from any thread, with no lock held.
 */
typedef void lock_done_fn(void *arg, int r);

/*
 * The locks are in the state and outlive us: what a predecessor left there is
 * good once locks_attach() was called.
 */
int locks_new(struct state *state, struct locks **ret);
/* Whoever waits is answered -EINTR. */
void locks_free(struct locks *l);

/* What a node id stands for; negative for a file that is gone. */
typedef int locks_find_fn(void *arg, uint64_t nodeid, struct inode *ret);

/*
 * Take over what a predecessor left, once, before any request.  Locks of files
 * that are gone are dropped.  Who waited is forgotten: it will ask again.
 * Locks that the host's processes see are taken again; one that such a process
 * took meanwhile is told of in the log, and remains one within the mount.
 * After a failure only locks_free() may follow.
 */
int locks_attach(struct locks *l, locks_find_fn *find, void *arg);

/*
 * Set or clear a lock.  0, -EAGAIN when another owner has a conflicting one,
 * -ENOLCK.
 */
int locks_set(struct locks *l, const struct inode *inode, enum lock_space space,
	      const struct lock *lock);

/*
 * As locks_set(), but wait: returns 1 when the answer will go to done(arg),
 * and *ret_ticket names the wait; -EDEADLK when waiting would never end.
 */
int locks_wait(struct locks *l, const struct inode *inode,
	       enum lock_space space, const struct lock *lock,
	       lock_done_fn *done, void *arg, uint64_t *ret_ticket);
/*
 * End a wait for a file's lock with -EINTR, if it has not ended yet, or as soon
 * as the host has answered.
 */
void locks_interrupt(struct locks *l, uint64_t nodeid, uint64_t ticket);

/* F_GETLK: the first conflicting lock, or type F_UNLCK in *lock. */
int locks_test(struct locks *l, const struct inode *inode, struct lock *lock);

/* An owner closed the file: its POSIX locks go. */
void locks_drop_owner(struct locks *l, const struct inode *inode,
		      enum lock_space space, uint64_t owner);
/* An open file is gone: what was set through it and is still there goes. */
void locks_drop_file(struct locks *l, const struct inode *inode, uint64_t fh);

#endif
