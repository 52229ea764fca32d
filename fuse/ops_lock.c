/* SPDX-License-Identifier: Apache-2.0 */
/* ops_lock.c - fcntl(2) and flock(2) requests */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>

#include "fuse/internal.h"
#include "fuse/locks.h"
#include "fuse/transport.h"

/* How often and how long at first; each time twice as long. */
#define RELEASE_TRIES 4u
#define RELEASE_NS    100000L

/* A request that waits for its lock. */
struct pending {
	struct fs *fs;
	fuse_req_t req;
	uint64_t unique;
	uint64_t nodeid;
	uint64_t ticket; /* 0: not known yet */
	bool interrupted;
	struct pending *next;
};

/* The range as the kernel sent it: struct flock loses its end. */
static struct lock lock_of(const struct fuse_lk_in *in)
{
	return (struct lock){
		.owner = in->owner,
		.start = in->lk.start,
		.end = in->lk.end,
		.fh = in->fh,
		.pid = (pid_t)in->lk.pid,
		.type = (int)in->lk.type,
	};
}

static void mark_locked(struct fs *fs, const struct fuse_file_info *fi)
{
	struct file *file = file_get(fs->files, fi->fh);

	if (file)
		__atomic_store_n(&file->locks, 1, __ATOMIC_RELAXED);
}

/*
 * close(2) returns before the kernel's RELEASE, which takes the locks of an
 * open file away, was handled; it may be in the hands of another thread.  A
 * conflict is believed only when it lasts; true: look again.
 */
static bool conflict_may_end(struct fs *fs, unsigned tries)
{
	const struct timespec pause = { .tv_nsec = RELEASE_NS << tries };

	if (tries == RELEASE_TRIES)
		return false;
	transport_may_wait(fs->transport);
	nanosleep(&pause, NULL);
	return true;
}

void op_getlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
	      struct flock *lock)
{
	struct fs *fs = fuse_req_userdata(req);
	const struct fuse_lk_in *in = session_body();
	struct fuse_lk_out out = { 0 };
	struct inode inode;
	unsigned tries = 0;
	struct lock l;
	int r;

	(void)fi;
	(void)lock;
	r = fs_inode(fs, ino, &inode);
	do {
		l = lock_of(in);
		if (r == 0)
			r = locks_test(fs->locks, &inode, &l);
	} while (r == 0 && l.type != F_UNLCK && conflict_may_end(fs, tries++));
	if (r < 0) {
		reply_err(req, r);
		return;
	}
	out.lk.type = (uint32_t)l.type;
	if (l.type != F_UNLCK) {
		out.lk.start = l.start;
		out.lk.end = l.end;
		out.lk.pid = (uint32_t)l.pid;
	}
	fuse_reply_buf(req, (const char *)&out, sizeof(out));
}

static struct pending **pending_find(struct fs *fs, uint64_t unique)
{
	struct pending **p = &fs->pending;

	while (*p && (*p)->unique != unique)
		p = &(*p)->next;
	return p;
}

/* The lock was granted, or will not be. */
static void lock_done(void *arg, int r)
{
	struct pending *p = arg;
	struct fs *fs = p->fs;

	pthread_mutex_lock(&fs->pending_lock);
	*pending_find(fs, p->unique) = p->next;
	pthread_mutex_unlock(&fs->pending_lock);
	reply_err(p->req, r);
	free(p);
}

/*
 * FUSE_INTERRUPT.  The request may be answered, and its memory gone, at the
 * same time: it is known by its number only.
 */
static void lock_interrupted(fuse_req_t req, void *data)
{
	struct fs *fs = fuse_req_userdata(req);
	struct pending *p;
	uint64_t nodeid = 0;
	uint64_t ticket = 0;

	pthread_mutex_lock(&fs->pending_lock);
	p = *pending_find(fs, (uintptr_t)data);
	if (p) {
		p->interrupted = true;
		ticket = p->ticket;
		nodeid = p->nodeid;
	}
	pthread_mutex_unlock(&fs->pending_lock);
	if (ticket)
		locks_interrupt(fs->locks, nodeid, ticket);
}

/* The wait began: an interruption that came before it knew how is due. */
static void lock_begins(struct fs *fs, uint64_t unique, uint64_t nodeid,
			uint64_t ticket)
{
	struct pending *p;
	bool interrupted = false;

	pthread_mutex_lock(&fs->pending_lock);
	p = *pending_find(fs, unique);
	if (p) {
		p->ticket = ticket;
		interrupted = p->interrupted;
	}
	pthread_mutex_unlock(&fs->pending_lock);
	if (interrupted)
		locks_interrupt(fs->locks, nodeid, ticket);
}

static void lock_wait(fuse_req_t req, struct fs *fs, const struct inode *inode,
		      enum lock_space space, const struct lock *lock)
{
	uint64_t unique = session_header()->unique;
	struct pending *p = calloc(1, sizeof(*p));
	uint64_t ticket;
	int r;

	if (!p || transport_may_pend(fs->transport) < 0) {
		free(p);
		reply_err(req, -ENOLCK);
		return;
	}
	*p = (struct pending){
		.fs = fs, .req = req, .unique = unique, .nodeid = inode->nodeid
	};
	pthread_mutex_lock(&fs->pending_lock);
	p->next = fs->pending;
	fs->pending = p;
	pthread_mutex_unlock(&fs->pending_lock);
	fuse_req_interrupt_func(req, lock_interrupted, (void *)unique);

	r = locks_wait(fs->locks, inode, space, lock, lock_done, p, &ticket);
	if (r == 1)
		lock_begins(fs, unique, inode->nodeid, ticket);
	else
		lock_done(p, r);
}

static int lock_now(struct fs *fs, const struct inode *inode,
		    enum lock_space space, const struct lock *lock)
{
	unsigned tries = 0;
	int r;

	do {
		r = locks_set(fs->locks, inode, space, lock);
	} while (r == -EAGAIN && conflict_may_end(fs, tries++));
	return r;
}

static void set_lock(fuse_req_t req, fuse_ino_t ino,
		     const struct fuse_file_info *fi, enum lock_space space,
		     const struct lock *lock, bool wait)
{
	struct fs *fs = fuse_req_userdata(req);
	struct inode inode;
	int r;

	r = fs_inode(fs, ino, &inode);
	if (r < 0) {
		reply_err(req, r == -EPERM ? -ENOLCK : r);
		return;
	}
	mark_locked(fs, fi);
	if (wait && lock->type != F_UNLCK)
		lock_wait(req, fs, &inode, space, lock);
	else
		reply_err(req, lock_now(fs, &inode, space, lock));
}

void op_setlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
	      struct flock *flock, int sleep)
{
	struct lock lock = lock_of(session_body());

	(void)flock;
	set_lock(req, ino, fi, LOCK_POSIX, &lock, sleep);
}

void op_flock(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, int op)
{
	struct lock lock = lock_of(session_body());

	set_lock(req, ino, fi, LOCK_FLOCK, &lock, !(op & LOCK_NB));
}
