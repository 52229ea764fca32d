/* SPDX-License-Identifier: Apache-2.0 */
/* trash.c - trees that are no longer anybody's, and the reaper that erases them
 */
#include "store/trash.h"

#include "store/base/cleanup.h"
#include "store/base/cond.h"
#include "store/base/error.h"
#include "store/base/log.h"
#include "store/base/path.h"
#include "store/node_step.h"
#include "store/reap.h"

#include <assert.h>
#include <fcntl.h>
#include <linux/ioprio.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#define TRASH_DIR "trash"

/* What could not be erased is tried again, at first soon, then seldom. */
#define RETRY_FIRST 2
#define RETRY_MAX   600

/* Entries that were complained about; what is beyond is not logged. */
#define COMPLAINTS_MAX 256

struct trash {
	int fd;
	pthread_t thread;
	atomic_int tid;	  /* of the thread; 0 before it runs */
	atomic_bool stop; /* read by the reaper between two entries */

	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool woken; /* under lock */

	/* The reaper's own. */
	char complaints[COMPLAINTS_MAX][REAP_NAME_SIZE];
	unsigned n_complaints;
};

static int trash_dir_open(int state_fd)
{
	int fd;

	if (mkdirat(state_fd, TRASH_DIR, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(state_fd, TRASH_DIR,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Is it worth complaining about this entry: not done so yet? */
static bool trash_complain(struct trash *trash, const char *name)
{
	for (unsigned i = 0; i < trash->n_complaints; i++) {
		if (strncmp(trash->complaints[i], name, REAP_NAME_SIZE - 1) ==
		    0)
			return false;
	}
	if (trash->n_complaints == COMPLAINTS_MAX)
		return false;
	snprintf(trash->complaints[trash->n_complaints++], REAP_NAME_SIZE,
		 "%.*s", REAP_NAME_SIZE - 1, name);
	return true;
}

static void trash_reap_entry(struct trash *trash, struct reap *reap,
			     const char *name, bool *ret_left)
{
	int r = reap_tree(reap, name);

	if (r == 0 || r == -ECANCELED)
		return;
	*ret_left = true;
	if (!trash_complain(trash, name))
		return;
	errno = -r;
	if (r == -EBUSY)
		log_warning("cannot erase all of '" TRASH_DIR "/%s': "
			    "a mount point is in it; unmount it",
			    name);
	else
		log_warning("cannot erase all of '" TRASH_DIR "/%s' yet: %m",
			    name);
}

/* Erase all that is there now; true if something is left to try later. */
static bool trash_reap(struct trash *trash)
{
	struct reap reap = { .trash_fd = trash->fd, .stop = &trash->stop };
	cleanup_dir DIR *dir = NULL;
	const struct dirent *entry;
	bool left = false;
	int fd;

	fd = openat(trash->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		log_warning("cannot read the trash: %m");
		if (fd >= 0)
			close(fd);
		return true;
	}
	do {
		reap.cut = false;
		left = false;
		rewinddir(dir);
		/* NOLINTNEXTLINE(concurrency-mt-unsafe): our own stream */
		while (!atomic_load(&trash->stop) && (entry = readdir(dir))) {
			if (path_is_name(entry->d_name))
				trash_reap_entry(trash, &reap, entry->d_name,
						 &left);
		}
	} while (reap.cut && !atomic_load(&trash->stop));
	return left;
}

/* Wait until there is work, at most delay seconds if that is not 0. */
static void trash_wait(struct trash *trash, unsigned delay)
{
	struct timespec until = cond_deadline(delay);
	int r = 0;

	pthread_mutex_lock(&trash->lock);
	while (!trash->woken && !atomic_load(&trash->stop) && r == 0) {
		if (delay)
			r = pthread_cond_timedwait(&trash->wake, &trash->lock,
						   &until);
		else
			pthread_cond_wait(&trash->wake, &trash->lock);
	}
	trash->woken = false;
	pthread_mutex_unlock(&trash->lock);
}

static int ioprio(pid_t tid, int class)
{
	return (int)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, tid,
			    IOPRIO_PRIO_VALUE(class, 0));
}

static void *trash_thread(void *arg)
{
	struct trash *trash = arg;
	unsigned delay = 0;

	pthread_setname_np(pthread_self(), "reaper");
	/* Of this thread only; being faster than wanted is no failure. */
	(void)ioprio(gettid(), IOPRIO_CLASS_IDLE);
	(void)setpriority(PRIO_PROCESS, gettid(), 19);
	atomic_store(&trash->tid, gettid());

	while (!atomic_load(&trash->stop)) {
		if (!trash_reap(trash))
			delay = 0;
		else if (delay == 0)
			delay = RETRY_FIRST;
		else if (delay < RETRY_MAX)
			delay *= 2;
		trash_wait(trash, delay);
	}
	return NULL;
}

/* A thread that takes no signals: those are for the main thread. */
static int trash_start(struct trash *trash)
{
	sigset_t all;
	sigset_t old;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&trash->thread, NULL, trash_thread, trash);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -r;
}

int trash_open(int state_fd, struct trash **ret, struct error *err)
{
	struct trash *trash = calloc(1, sizeof(*trash));
	int r;

	if (!trash)
		return error_set(err, -ENOMEM, "cannot open the trash: %m");
	trash->fd = trash_dir_open(state_fd);
	if (trash->fd < 0) {
		errno = -(r = trash->fd);
		error_set(err, r, "cannot open the trash directory: %m");
		free(trash);
		return r;
	}
	pthread_mutex_init(&trash->lock, NULL);
	cond_init(&trash->wake);

	r = trash_start(trash);
	if (r < 0) {
		errno = -r;
		error_set(err, r, "cannot start the reaper: %m");
		close(trash->fd);
		free(trash);
		return r;
	}
	*ret = trash;
	return 0;
}

void trash_close(struct trash *trash)
{
	int saved = errno;

	if (!trash)
		return;
	pthread_mutex_lock(&trash->lock);
	atomic_store(&trash->stop, true);
	pthread_cond_signal(&trash->wake);
	pthread_mutex_unlock(&trash->lock);
	/* Somebody waits for it now: it must not wait for everybody. */
	if (atomic_load(&trash->tid)) {
		(void)setpriority(PRIO_PROCESS, atomic_load(&trash->tid), 0);
		(void)ioprio(atomic_load(&trash->tid), IOPRIO_CLASS_BE);
	}
	pthread_join(trash->thread, NULL);
	pthread_cond_destroy(&trash->wake);
	pthread_mutex_destroy(&trash->lock);
	close(trash->fd);
	free(trash);
	errno = saved;
}

void trash_wake(struct trash *trash)
{
	pthread_mutex_lock(&trash->lock);
	trash->woken = true;
	pthread_cond_signal(&trash->wake);
	pthread_mutex_unlock(&trash->lock);
}

static int trash_move(int trash_fd, int dir_fd, const char *name)
{
	char unique[REAP_NAME_SIZE];

	reap_unique_name(unique);
	if (renameat(dir_fd, name, trash_fd, unique) < 0)
		return errno == ENOENT ? 0 : -errno;
	node_step("reap.moved");
	return 0;
}

/*
 * The trash directory has no room for one more name and the disk is full:
 * a directory that is in the trash already has a block of its own.
 */
static int trash_move_into_entry(int trash_fd, int dir_fd, const char *name)
{
	cleanup_dir DIR *dir = NULL;
	const struct dirent *entry;
	int fd;

	fd = openat(trash_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return -ENOSPC;
	}
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): our own stream */
	while ((entry = readdir(dir))) {
		cleanup_fd int into = -1;

		if (!path_is_name(entry->d_name))
			continue;
		into = path_open(trash_fd, entry->d_name,
				 O_PATH | O_DIRECTORY | O_NOFOLLOW,
				 RESOLVE_BENEATH | RESOLVE_NO_XDEV);
		if (into >= 0 && trash_move(into, dir_fd, name) == 0)
			return 0;
	}
	return -ENOSPC;
}

static int trash_put_fd(int trash_fd, int dir_fd, const char *name,
			struct error *err)
{
	int r;

	if (!path_is_name(name))
		return error_set(err, -EINVAL,
				 "cannot move '%s' to the trash: "
				 "not the name of a directory entry",
				 name);
	r = trash_move(trash_fd, dir_fd, name);
	if (r == -EPERM && reap_unprotect(dir_fd, name))
		r = trash_move(trash_fd, dir_fd, name);
	if (r == -ENOSPC || r == -EDQUOT)
		r = trash_move_into_entry(trash_fd, dir_fd, name);
	if (r == -EBUSY)
		return error_set(err, r,
				 "cannot move '%s' to the trash: "
				 "it is a mount point; unmount it",
				 name);
	errno = -r;
	if (r < 0)
		error_set(err, r, "cannot move '%s' to the trash: %m", name);
	return r;
}

int trash_put(struct trash *trash, int dir_fd, const char *name,
	      struct error *err)
{
	int r = trash_put_fd(trash->fd, dir_fd, name, err);

	if (r == 0)
		trash_wake(trash);
	return r;
}

int trash_put_at(int state_fd, int dir_fd, const char *name, struct error *err)
{
	cleanup_fd int fd = -1;

	fd = trash_dir_open(state_fd);
	if (fd < 0) {
		errno = -fd;
		return error_set(err, fd,
				 "cannot open the trash directory: %m");
	}
	return trash_put_fd(fd, dir_fd, name, err);
}

uint64_t trash_count(struct trash *trash)
{
	cleanup_dir DIR *dir = NULL;
	const struct dirent *entry;
	uint64_t n = 0;
	int fd;

	fd = openat(trash->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): our own stream */
	while ((entry = readdir(dir)))
		n += path_is_name(entry->d_name);
	return n;
}
