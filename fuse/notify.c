/* SPDX-License-Identifier: Apache-2.0 */
/* notify.c - telling the kernel that something it caches has changed */
#include "fuse/notify.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "fuse/internal.h"
#include "store/base/log.h"
#include "store/tree.h"

/* A name is forgotten within this time, or the caller goes on without. */
#define PATIENCE_S 5

struct note {
	uint64_t parent;
	char name[256]; /* empty: only the attributes of parent */
	bool gone;	/* the name, not only what is known of it */
	bool done;
	bool abandoned; /* the caller has gone on; the thread frees it */
	struct note *next;
};

/* The path of a name that is gone, for the sweeper. */
struct sweep {
	struct sweep *next;
	char path[];
};

struct notify {
	struct fs *fs;
	pthread_t thread;
	pthread_mutex_t lock; /* everything below, and the notes */
	pthread_cond_t work;
	pthread_cond_t done;
	struct note *first;
	struct note **last;
	pthread_t sweeper;
	pthread_cond_t swept;
	struct sweep *sweeps;
	bool has_sweeper;
	bool stopping;
};

void notify_attr(struct fs *fs, uint64_t nodeid)
{
	fuse_lowlevel_notify_inval_inode(fs->session, nodeid, -1, 0);
}

void notify_data(struct fs *fs, uint64_t nodeid)
{
	fuse_lowlevel_notify_inval_inode(fs->session, nodeid, 0, 0);
}

static void note_send(struct notify *n, const struct note *note)
{
	struct fuse_session *se = n->fs->session;
	size_t len = strlen(note->name);
	int r = -ENOSYS;

	/*
	 * To drop a directory the kernel drops all it knows below, however
	 * long that takes, with the parent locked.  Its name only expires
	 * here; the sweeper makes the kernel drop the rest.
	 */
	if (note->gone)
		r = fuse_lowlevel_notify_expire_entry(
			se, note->parent, note->name, len, FUSE_LL_EXPIRE_ONLY);
	if (r == -ENOSYS && len > 0)
		r = fuse_lowlevel_notify_inval_entry(se, note->parent,
						     note->name, len);
	/* -ENOENT: the kernel did not know it. */
	if (r < 0 && r != -ENOENT && len > 0)
		log_debug("cannot invalidate '%s': %d", note->name, r);
	/* The listing is cached by mtime; the attributes go with the name. */
	fuse_lowlevel_notify_inval_inode(se, note->parent, 0, 0);
}

/*
 * Look at names that have expired: whoever is the first to find that there is
 * nothing any more waits until the kernel has dropped all that was below.  No
 * descriptor is kept: it would keep the mount busy.
 */
static void *sweeper_main(void *arg)
{
	struct notify *n = arg;
	pthread_mutex_lock(&n->lock);
	while (!n->stopping) {
		struct sweep *sweep = n->sweeps;
		struct stat st;

		if (!sweep) {
			pthread_cond_wait(&n->swept, &n->lock);
			continue;
		}
		n->sweeps = sweep->next;
		pthread_mutex_unlock(&n->lock);
		if (lstat(sweep->path, &st) == 0)
			log_debug("'%s' is there again", sweep->path);
		free(sweep);
		pthread_mutex_lock(&n->lock);
	}
	pthread_mutex_unlock(&n->lock);
	return NULL;
}

static void sweep_post(struct notify *n, const char *dir, const char *name)
{
	const char *mountpoint = n->fs->mountpoint;
	size_t size = strlen(mountpoint) + strlen(dir) + strlen(name) + 3;
	struct sweep *sweep = malloc(sizeof(*sweep) + size);

	if (!sweep)
		return;
	snprintf(sweep->path, size, "%s/%s%s%s", mountpoint, dir,
		 *dir ? "/" : "", name);
	pthread_mutex_lock(&n->lock);
	sweep->next = n->sweeps;
	n->sweeps = sweep;
	pthread_cond_signal(&n->swept);
	pthread_mutex_unlock(&n->lock);
}

static void *notify_main(void *arg)
{
	struct notify *n = arg;

	pthread_mutex_lock(&n->lock);
	for (;;) {
		struct note *note = n->first;

		if (!note) {
			if (n->stopping)
				break;
			pthread_cond_wait(&n->work, &n->lock);
			continue;
		}
		n->first = note->next;
		if (!n->first)
			n->last = &n->first;
		pthread_mutex_unlock(&n->lock);
		note_send(n, note);
		pthread_mutex_lock(&n->lock);
		note->done = true;
		if (note->abandoned)
			free(note);
		pthread_cond_broadcast(&n->done);
	}
	pthread_mutex_unlock(&n->lock);
	return NULL;
}

static void note_post(struct notify *n, uint64_t parent, const char *name,
		      bool gone)
{
	struct note *note = calloc(1, sizeof(*note));
	struct timespec until;

	if (!note)
		return;
	note->parent = parent;
	note->gone = gone;
	strncpy(note->name, name, sizeof(note->name) - 1);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += PATIENCE_S;

	pthread_mutex_lock(&n->lock);
	*n->last = note;
	n->last = &note->next;
	pthread_cond_signal(&n->work);
	while (!note->done) {
		if (pthread_cond_timedwait(&n->done, &n->lock, &until) ==
		    ETIMEDOUT)
			break;
	}
	if (note->done)
		free(note);
	else
		note->abandoned = true;
	pthread_mutex_unlock(&n->lock);
}

/* Have the kernel drop what it knows below a name that is gone. */
static void sweep_tree(struct fs *fs, const struct tree_event *event)
{
	struct tree_entry namespace = { .name = "" };

	/* With its last pod the namespace goes, and all below it at once. */
	if (event->kind == TREE_POD &&
	    tree_namespace_by_id(fs->tree, event->namespace_id, &namespace) < 0)
		return;
	sweep_post(fs->notify, namespace.name, event->name);
	if (event->kind == TREE_POD && event->uid)
		sweep_post(fs->notify, VNODE_CONTROL_NAME "/pods", event->uid);
}

void notify_tree(void *arg, const struct tree_event *event)
{
	struct fs *fs = arg;
	struct vnode parent = { .kind = VNODE_ROOT };
	struct vnode pods = { .kind = VNODE_PODS };
	bool gone = event->op == TREE_REMOVED;

	if (!fs->init_done)
		return;
	if (event->kind == TREE_POD) {
		parent.kind = VNODE_NAMESPACE;
		parent.id = event->namespace_id;
		note_post(fs->notify, vnode_nodeid(&pods),
			  event->uid ? event->uid : "", gone);
	}
	note_post(fs->notify, vnode_nodeid(&parent), event->name, gone);
	if (gone)
		sweep_tree(fs, event);
}

int notify_new(struct fs *fs, struct notify **ret)
{
	struct notify *n = calloc(1, sizeof(*n));
	pthread_condattr_t attr;
	int r;

	if (!n)
		return -ENOMEM;
	n->fs = fs;
	n->last = &n->first;
	pthread_mutex_init(&n->lock, NULL);
	pthread_cond_init(&n->work, NULL);
	pthread_cond_init(&n->swept, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&n->done, &attr);
	pthread_condattr_destroy(&attr);
	r = -pthread_create(&n->thread, NULL, notify_main, n);
	if (r < 0) {
		free(n);
		return r;
	}
	*ret = n;
	return 0;
}

int notify_start(struct notify *n)
{
	int r = -pthread_create(&n->sweeper, NULL, sweeper_main, n);

	n->has_sweeper = r == 0;
	return r;
}

void notify_free(struct notify *n)
{
	if (!n)
		return;
	pthread_mutex_lock(&n->lock);
	n->stopping = true;
	pthread_cond_signal(&n->work);
	pthread_cond_signal(&n->swept);
	pthread_mutex_unlock(&n->lock);
	pthread_join(n->thread, NULL);
	if (n->has_sweeper)
		pthread_join(n->sweeper, NULL);
	while (n->sweeps) {
		struct sweep *next = n->sweeps->next;

		free(n->sweeps);
		n->sweeps = next;
	}
	pthread_cond_destroy(&n->swept);
	pthread_cond_destroy(&n->done);
	pthread_cond_destroy(&n->work);
	pthread_mutex_destroy(&n->lock);
	free(n);
}
