/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_watch.c - after start: do the host's files that pods refer to still
 * exist?
 *
 * On a thread of its own, because a look at a host path may wait for a server
 * for ever.  A thread that does is left behind: what it holds is its own.
 */
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/node_private.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct watched {
	struct catalog_pod pod; /* its identity only */
	char volume[64];
	char *path;
};

struct node_watch {
	atomic_uint refs; /* the node's and the thread's */
	struct watched *list;
	size_t n;

	pthread_mutex_t lock;
	struct node *node; /* NULL once the node is closing; lock */
};

static void watch_unref(struct node_watch *watch)
{
	if (atomic_fetch_sub(&watch->refs, 1) != 1)
		return;
	for (size_t i = 0; i < watch->n; i++)
		free(watch->list[i].path);
	free(watch->list);
	pthread_mutex_destroy(&watch->lock);
	free(watch);
}

/* False when the node is closing. */
static bool report(struct node_watch *watch, const struct watched *w, int why)
{
	struct catalog_event event;
	bool go_on;

	errno = why;
	node_event_fill(&event, &w->pod, "Warning", "FailedMount",
			"volume '%s': host path '%s': %m", w->volume, w->path);
	pthread_mutex_lock(&watch->lock);
	go_on = watch->node != NULL;
	if (go_on)
		node_event_say(watch->node, &event);
	pthread_mutex_unlock(&watch->lock);
	return go_on;
}

static bool is_wanted(struct node_watch *watch)
{
	bool wanted;

	pthread_mutex_lock(&watch->lock);
	wanted = watch->node != NULL;
	pthread_mutex_unlock(&watch->lock);
	return wanted;
}

static void *watch_thread(void *arg)
{
	struct node_watch *watch = arg;

	pthread_setname_np(pthread_self(), "hostpaths");
	for (size_t i = 0; i < watch->n; i++) {
		struct stat st;

		if (!is_wanted(watch))
			break;
		if (stat(watch->list[i].path, &st) < 0 &&
		    !report(watch, &watch->list[i], errno))
			break;
	}
	watch_unref(watch);
	return NULL;
}

static int add_path(struct node_watch *watch, const struct catalog_pod *pod,
		    const char *volume, char *path)
{
	struct watched *w;

	if ((watch->n & (watch->n - 1)) == 0) {
		size_t room = watch->n ? 2 * watch->n : 1;

		w = reallocarray(watch->list, room, sizeof(*w));
		if (!w) {
			free(path);
			return -ENOMEM;
		}
		watch->list = w;
	}
	w = &watch->list[watch->n++];
	*w = (struct watched){ .path = path };
	memcpy(w->pod.uid, pod->uid, sizeof(pod->uid));
	memcpy(w->pod.namespace, pod->namespace, sizeof(pod->namespace));
	memcpy(w->pod.name, pod->name, sizeof(pod->name));
	memcpy(w->volume, volume, sizeof(w->volume));
	return 0;
}

static int add_pod(struct node *node, struct node_watch *watch,
		   const struct catalog_pod *pod)
{
	for (size_t i = 0; i < pod->n_volumes; i++) {
		cleanup_node_volume struct node_volume v = { 0 };
		char *path;

		if (pod->volumes[i].phase != CATALOG_READY ||
		    node_volume_load(pod, &pod->volumes[i], &v, NULL) < 0 ||
		    v.driver->exclusive)
			continue;
		path = v.driver->host_path(&node->env, &v.spec);
		if (path &&
		    add_path(watch, pod, pod->volumes[i].name, path) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int start_thread(struct node_watch *watch)
{
	pthread_attr_t attr;
	pthread_t thread;
	int r;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	r = pthread_create(&thread, &attr, watch_thread, watch);
	pthread_attr_destroy(&attr);
	return -r;
}

int node_watch_start(struct node *node, const struct catalog_pods *pods)
{
	struct node_watch *watch = calloc(1, sizeof(*watch));
	int r = 0;

	if (!watch)
		return -ENOMEM;
	pthread_mutex_init(&watch->lock, NULL);
	watch->node = node;
	atomic_init(&watch->refs, 2);
	for (size_t i = 0; r == 0 && i < pods->n; i++)
		r = add_pod(node, watch, &pods->pods[i]);
	if (r == 0 && watch->n > 0)
		r = start_thread(watch);
	if (r < 0 || watch->n == 0)
		watch_unref(watch);
	if (r < 0)
		watch_unref(watch);
	else
		node->watch = watch;
	return r;
}

void node_watch_stop(struct node_watch *watch)
{
	if (!watch)
		return;
	pthread_mutex_lock(&watch->lock);
	watch->node = NULL;
	pthread_mutex_unlock(&watch->lock);
	watch_unref(watch);
}
