/* SPDX-License-Identifier: Apache-2.0 */
/* host_lock.c - the locks of the mount on the files themselves */
#include "fuse/host_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>

#include "store/base/cleanup.h"

#define OFFSET_MAX (UINT64_MAX >> 1)

/* An owner's descriptor, by which its locks are told from others'. */
struct host_lock {
	uint64_t owner;
	enum lock_space space;
	int fd;
	struct host_lock *next;
};

static struct host_lock **host_lock_find(struct host_locks *h, uint64_t owner,
					 enum lock_space space)
{
	struct host_lock **p = &h->first;

	while (*p && ((*p)->owner != owner || (*p)->space != space))
		p = &(*p)->next;
	return p;
}

static void host_lock_end(struct host_lock **p)
{
	struct host_lock *own = *p;

	*p = own->next;
	close(own->fd);
	free(own);
}

static int host_lock_make(struct host_locks *h, const struct lock *lock,
			  enum lock_space space, struct host_lock **ret)
{
	struct host_lock **p = host_lock_find(h, lock->owner, space);
	struct host_lock *own;
	int fd;

	if (*p) {
		*ret = *p;
		return 0;
	}
	fd = store_lock_fd(h->store, &h->handle, O_RDWR);
	/* As flock(2), reading needs no permission to write. */
	if (fd < 0 && (lock->type == F_RDLCK || space == LOCK_FLOCK))
		fd = store_lock_fd(h->store, &h->handle, O_RDONLY);
	if (fd < 0)
		return fd;
	own = malloc(sizeof(*own));
	if (!own) {
		close(fd);
		return -ENOLCK;
	}
	*own = (struct host_lock){ .owner = lock->owner,
				   .space = space,
				   .fd = fd };
	*p = own;
	*ret = own;
	return 0;
}

static struct flock flock_of(const struct lock *lock)
{
	struct flock fl = { .l_type = (short)lock->type,
			    .l_whence = SEEK_SET,
			    .l_start = (off_t)lock->start };

	if (lock->end < OFFSET_MAX)
		fl.l_len = (off_t)(lock->end - lock->start + 1);
	return fl;
}

static int host_lock_set(const struct host_lock *own, const struct lock *lock)
{
	struct flock fl = flock_of(lock);
	int r;

	if (own->space == LOCK_FLOCK) {
		int op = lock->type == F_RDLCK	 ? LOCK_SH
			 : lock->type == F_WRLCK ? LOCK_EX
						 : LOCK_UN;

		r = flock(own->fd, op | LOCK_NB);
	} else {
		r = fcntl(own->fd, F_OFD_SETLK, &fl);
	}
	if (r == 0)
		return 0;
	return errno == EACCES || errno == EWOULDBLOCK ? -EAGAIN : -errno;
}

int host_locks_set(struct host_locks *h, enum lock_space space,
		   const struct lock *lock)
{
	struct host_lock *own;
	int r;

	if (lock->type == F_UNLCK && !*host_lock_find(h, lock->owner, space))
		return 0;
	r = host_lock_make(h, lock, space, &own);
	if (r < 0)
		return r;
	return host_lock_set(own, lock);
}

void host_locks_drop(struct host_locks *h, enum lock_space space,
		     uint64_t owner)
{
	struct host_lock **p = host_lock_find(h, owner, space);

	if (*p)
		host_lock_end(p);
}

int host_locks_test(struct host_locks *h, struct lock *lock)
{
	const struct host_lock *own =
		*host_lock_find(h, lock->owner, LOCK_POSIX);
	struct flock fl = flock_of(lock);
	cleanup_fd int fd = -1;

	if (!own) {
		fd = store_lock_fd(h->store, &h->handle, O_RDONLY);
		if (fd < 0)
			return fd;
	}
	if (fcntl(own ? own->fd : fd, F_OFD_GETLK, &fl) < 0)
		return -errno;
	lock->type = fl.l_type;
	if (fl.l_type == F_UNLCK)
		return 0;
	lock->start = (uint64_t)fl.l_start;
	lock->end =
		fl.l_len ? (uint64_t)(fl.l_start + fl.l_len - 1) : OFFSET_MAX;
	lock->pid = fl.l_pid;
	return 0;
}

void host_locks_done(struct host_locks *h)
{
	while (h->first)
		host_lock_end(&h->first);
}
