/* SPDX-License-Identifier: Apache-2.0 */
/* notify.c - telling the kernel that something it caches has changed */
#include "fuse/notify.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fuse/internal.h"
#include "fuse/transport.h"
#include "store/base/cond.h"
#include "store/base/error.h"
#include "store/base/helper.h"
#include "store/base/log.h"
#include "store/tree.h"

/* A directory is forgotten within this time, or the caller goes on without. */
#define PATIENCE_S 5

/* Paths of the mount, each with its NUL. */
#define RECALL_MAX 8192
/* No directory of the tree but the top has a child of this name. */
#define RECALL_NAME VNODE_CONTROL_NAME

struct note {
	uint64_t nodeid; /* of a virtual directory */
	char name[256];	 /* to be forgotten there, if not empty */
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

static void note_send(struct fuse_session *se, const struct note *note)
{
	if (note->name[0])
		fuse_lowlevel_notify_inval_entry(se, note->nodeid, note->name,
						 strlen(note->name));
	else
		/* Its listing and its attributes. */
		fuse_lowlevel_notify_inval_inode(se, note->nodeid, 0, 0);
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
		note_send(n->fs->session, note);
		pthread_mutex_lock(&n->lock);
		note->done = true;
		if (note->abandoned)
			free(note);
		pthread_cond_broadcast(&n->done);
	}
	pthread_mutex_unlock(&n->lock);
	return NULL;
}

static void note_post(struct notify *n, const struct vnode *dir,
		      const char *name)
{
	struct note *note = calloc(1, sizeof(*note));
	struct timespec until = cond_deadline(PATIENCE_S);

	if (!note)
		return;
	note->nodeid = vnode_nodeid(dir);
	strncpy(note->name, name, sizeof(note->name) - 1);

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

/* A directory of the mount, and a name in it that is gone. */
static void recall_name(const char *dir, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	/*
	 * Refused, but not before whoever is looking into the directory is
	 * done, who may have been told of the name when it was there.
	 */
	snprintf(path, sizeof(path), "%s/" RECALL_NAME, dir);
	(void)!mkdir(path, 0);
	snprintf(path, sizeof(path), "%s/%s/" RECALL_NAME, dir, name);
	(void)!lstat(path, &st);
}

/*
 * arg: directories and names, each with its NUL.  Whoever is the first to find
 * that a name is gone drops it, and stays to drop a million files below; so
 * two look, and the first to be back tells.
 */
static int recall_errand(int fd, const char *arg, size_t len, struct error *err)
{
	const char *end = arg + len;

	(void)fd;
	(void)err;
	fork();
	while (arg < end) {
		const char *name = arg + strlen(arg) + 1;

		recall_name(arg, name);
		arg = name + strlen(name) + 1;
	}
	return 0;
}

/* The names under which the tree showed what is gone. */
static int recall(struct fs *fs, const struct tree_event *event,
		  struct error *err)
{
	const char *top = fs->mountpoint;
	char arg[RECALL_MAX];
	int n;

	if (event->kind == TREE_NAMESPACE)
		n = snprintf(arg, sizeof(arg), "%s%c%s", top, '\0',
			     event->name);
	else
		n = snprintf(arg, sizeof(arg),
			     "%s/%s%c%s%c%s/" VNODE_CONTROL_NAME "/pods%c%s",
			     top, event->namespace, '\0', event->name, '\0',
			     top, '\0', event->uid);
	if (n >= (int)sizeof(arg))
		return error_set(err, -ENAMETOOLONG, "the path is too long");
	return helper_run(fs->options.helper, PATIENCE_S, recall_errand, -1,
			  arg, n + 1, err);
}

void notify_tree(void *arg, const struct tree_event *event)
{
	struct fs *fs = arg;
	struct vnode parent = { .kind = VNODE_ROOT };
	struct vnode pods = { .kind = VNODE_PODS };
	struct error err;

	if (!fs->init_done)
		return;
	if (event->kind == TREE_POD) {
		parent.kind = VNODE_NAMESPACE;
		parent.id = event->namespace_id;
		note_post(fs->notify, &pods, "");
	}
	note_post(fs->notify, &parent, "");
	if (event->op != TREE_REMOVED || recall(fs, event, &err) == 0)
		return;
	log_warning("cannot look at '%s' through the mount: %s", event->name,
		    err.text);
	note_post(fs->notify, &parent, event->name);
	if (event->kind == TREE_POD)
		note_post(fs->notify, &pods, event->uid);
}

static void new_epoch(struct fs *fs)
{
	struct fuse_out_header out = { .len = sizeof(out),
				       .error = ABI_NOTIFY_INC_EPOCH };
	struct iovec iov = { .iov_base = &out, .iov_len = sizeof(out) };

	if (fs->kernel.minor >= ABI_INC_EPOCH_MINOR)
		transport_send(fs->transport, &iov, 1);
}

void notify_all(struct fs *fs)
{
	const struct vnode pods = { .kind = VNODE_PODS };
	struct vnode dir = { .kind = VNODE_ROOT };
	struct tree_entry namespace;

	if (fs->names_are_in_doubt)
		new_epoch(fs);
	note_post(fs->notify, &dir, "");
	note_post(fs->notify, &pods, "");
	dir.kind = VNODE_NAMESPACE;
	while (tree_list_namespaces(fs->tree, dir.id, &namespace, 1) == 1) {
		dir.id = namespace.id;
		note_post(fs->notify, &dir, "");
	}
}

int notify_new(struct fs *fs, struct notify **ret)
{
	struct notify *n = calloc(1, sizeof(*n));
	int r;

	if (!n)
		return -ENOMEM;
	n->fs = fs;
	n->last = &n->first;
	pthread_mutex_init(&n->lock, NULL);
	pthread_cond_init(&n->work, NULL);
	cond_init(&n->done);
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
