/* SPDX-License-Identifier: Apache-2.0 */
/* notify.c - telling the kernel that something it caches has changed */
#include "fuse/notify.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "fuse/internal.h"
#include "store/tree.h"

/* A directory is forgotten within this time, or the caller goes on without. */
#define PATIENCE_S 5

struct note {
	uint64_t nodeid; /* of a virtual directory */
	bool done;
	bool abandoned; /* the caller has gone on; the thread frees it */
	struct note *next;
};

struct notify {
	struct fs *fs;
	pthread_t thread;
	pthread_mutex_t lock; /* everything below, and the notes */
	pthread_cond_t work;
	pthread_cond_t done;
	struct note *first;
	struct note **last;
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
		/* Its listing and its attributes; names are looked up anew. */
		fuse_lowlevel_notify_inval_inode(n->fs->session, note->nodeid,
						 0, 0);
		pthread_mutex_lock(&n->lock);
		note->done = true;
		if (note->abandoned)
			free(note);
		pthread_cond_broadcast(&n->done);
	}
	pthread_mutex_unlock(&n->lock);
	return NULL;
}

static void note_post(struct notify *n, const struct vnode *dir)
{
	struct note *note = calloc(1, sizeof(*note));
	struct timespec until;

	if (!note)
		return;
	note->nodeid = vnode_nodeid(dir);
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

void notify_tree(void *arg, const struct tree_event *event)
{
	struct fs *fs = arg;
	struct vnode parent = { .kind = VNODE_ROOT };
	struct vnode pods = { .kind = VNODE_PODS };

	if (!fs->init_done)
		return;
	if (event->kind == TREE_POD) {
		parent.kind = VNODE_NAMESPACE;
		parent.id = event->namespace_id;
		note_post(fs->notify, &pods);
	}
	note_post(fs->notify, &parent);
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

void notify_free(struct notify *n)
{
	if (!n)
		return;
	pthread_mutex_lock(&n->lock);
	n->stopping = true;
	pthread_cond_signal(&n->work);
	pthread_mutex_unlock(&n->lock);
	pthread_join(n->thread, NULL);
	pthread_cond_destroy(&n->done);
	pthread_cond_destroy(&n->work);
	pthread_mutex_destroy(&n->lock);
	free(n);
}
