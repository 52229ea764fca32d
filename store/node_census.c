/* SPDX-License-Identifier: Apache-2.0 */
/* node_census.c - looking now and then what volumes hold that others change,
 * too
 */
#include "store/node_census.h"

#include "store/base/cleanup.h"
#include "store/base/cond.h"
#include "store/census.h"
#include "store/node_usage.h"
#include "store/tree.h"
#include "store/usage.h"
#include "store/volume.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LOOK_AGAIN_S 2
#define PODS_AT_ONCE 64
/* Walks that are quick take turns; a slow one is not waited for. */
#define QUICK_WALKS 2
#define QUICK_NS    (INT64_C(5) * 1000000000)
#define WALKS_MAX   32
#define STOP_WAIT_S 5

/* A walk that runs, in a thread of its own. */
struct job {
	struct node_census *nc;
	struct volume *vol; /* referenced */
	int64_t began;
	struct job *next; /* under lock */
};

struct node_census {
	struct node *node;
	pthread_t thread;
	uint64_t after; /* the thread's: pods up to this one had their turn */
	pthread_mutex_t lock;
	pthread_cond_t moved; /* any of what follows */
	/* The rest is under lock. */
	bool is_woken; /* there may be something to do */
	bool is_short; /* there is, but too many walks run */
	bool is_stopping;
	bool is_left; /* nobody waits any more, and all else is gone */
	struct job *jobs;
	unsigned n_jobs;
	unsigned n_ending; /* of them, those that let go of their volumes */
};

static void wake(struct node_census *nc)
{
	if (!nc)
		return;
	pthread_mutex_lock(&nc->lock);
	nc->is_woken = true;
	pthread_cond_broadcast(&nc->moved);
	pthread_mutex_unlock(&nc->lock);
}

/* --- a walk ----------------------------------------------------------------
 */

static void job_end(struct job *job)
{
	struct node_census *nc = job->nc;
	struct job **p;

	pthread_mutex_lock(&nc->lock);
	for (p = &nc->jobs; *p != job; p = &(*p)->next)
		;
	*p = job->next;
	nc->n_jobs--;
	nc->n_ending--;
	nc->is_woken |= nc->is_short;
	pthread_cond_broadcast(&nc->moved);
	pthread_mutex_unlock(&nc->lock);
	free(job);
}

static void job_let_go(struct job *job)
{
	bool is_left;

	pthread_mutex_lock(&job->nc->lock);
	is_left = job->nc->is_left;
	job->nc->n_ending += !is_left;
	pthread_mutex_unlock(&job->nc->lock);
	/* What the volume needs to be closed is no more; nor will we be. */
	if (is_left)
		return;
	volume_unref(job->vol);
	job_end(job);
}

static void *job_thread(void *arg)
{
	struct job *job = arg;

	pthread_setname_np(pthread_self(), "census");
	node_usage_low_priority();
	census_run(job->vol->census, job->vol->store);
	job_let_go(job);
	return NULL;
}

static int job_start(struct node_census *nc, struct volume *vol)
{
	struct job *job = malloc(sizeof(*job));
	pthread_attr_t attr;
	pthread_t thread;
	int r;

	if (!job)
		return -ENOMEM;
	*job = (struct job){ .nc = nc, .vol = volume_ref(vol) };
	job->began = usage_now();
	pthread_mutex_lock(&nc->lock);
	job->next = nc->jobs;
	nc->jobs = job;
	nc->n_jobs++;
	pthread_mutex_unlock(&nc->lock);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	r = pthread_create(&thread, &attr, job_thread, job);
	pthread_attr_destroy(&attr);
	if (r == 0)
		return 0;
	job_let_go(job);
	return -r;
}

/* --- whose turn it is ------------------------------------------------------
 */

static bool has_room(struct node_census *nc)
{
	int64_t quick_since = usage_now() - QUICK_NS;
	unsigned n_quick = 0;
	bool has;

	pthread_mutex_lock(&nc->lock);
	for (const struct job *job = nc->jobs; job; job = job->next)
		n_quick += job->began > quick_since;
	has = n_quick < QUICK_WALKS && nc->n_jobs < WALKS_MAX;
	nc->is_short = !has;
	has = has && !nc->is_stopping;
	pthread_mutex_unlock(&nc->lock);
	return has;
}

/* False if it has to wait for its turn. */
static bool look_at(struct node_census *nc, struct volume *vol)
{
	int r;

	if (!vol->census || !census_is_due(vol->census, usage_now()))
		return true;
	if (!has_room(nc))
		return false;
	if (!census_begin(vol->census, usage_now()))
		return true;
	r = job_start(nc, vol);
	if (r < 0)
		census_give_up(vol->census, r);
	return true;
}

static bool look_at_pod(struct node_census *nc, uint64_t id)
{
	struct tree_pod *pod = tree_pod_by_id(nc->node->tree, id);
	bool go_on = true;

	for (size_t i = 0; go_on && pod && i < pod->n_volumes; i++)
		go_on = look_at(nc, pod->volumes[i]);
	tree_pod_unref(pod);
	return go_on;
}

/* From where there was no room the last time, so that each has its turn. */
static void look_round(struct node_census *nc)
{
	struct tree_entry entries[PODS_AT_ONCE];
	size_t n;

	while ((n = tree_list_pods(nc->node->tree, 0, nc->after, entries,
				   PODS_AT_ONCE)) > 0) {
		for (size_t i = 0; i < n; i++) {
			if (!look_at_pod(nc, entries[i].id))
				return;
			nc->after = entries[i].id;
		}
	}
	nc->after = 0;
}

/* False when it is time to end. */
static bool wait_for_work(struct node_census *nc)
{
	struct timespec until = cond_deadline(LOOK_AGAIN_S);
	bool go_on;
	int r = 0;

	pthread_mutex_lock(&nc->lock);
	while (!nc->is_woken && !nc->is_stopping && r == 0)
		r = pthread_cond_timedwait(&nc->moved, &nc->lock, &until);
	nc->is_woken = false;
	nc->is_short = false;
	go_on = !nc->is_stopping;
	pthread_mutex_unlock(&nc->lock);
	return go_on;
}

static void *census_thread(void *arg)
{
	struct node_census *nc = arg;

	pthread_setname_np(pthread_self(), "censuses");
	do {
		look_round(nc);
	} while (wait_for_work(nc));
	return NULL;
}

/* --- life ------------------------------------------------------------------
 */

static void census_free_all(struct node_census *nc)
{
	pthread_cond_destroy(&nc->moved);
	pthread_mutex_destroy(&nc->lock);
	free(nc);
}

int node_census_start(struct node *node)
{
	struct node_census *nc = calloc(1, sizeof(*nc));
	int r;

	if (!nc)
		return -ENOMEM;
	nc->node = node;
	pthread_mutex_init(&nc->lock, NULL);
	cond_init(&nc->moved);
	r = pthread_create(&nc->thread, NULL, census_thread, nc);
	if (r == 0)
		node->census = nc;
	else
		census_free_all(nc);
	return -r;
}

/* Have the walks end, and wait for them; false if one does not. */
static bool stop_walks(struct node_census *nc)
{
	struct timespec until = cond_deadline(STOP_WAIT_S);
	int r = 0;

	pthread_mutex_lock(&nc->lock);
	for (struct job *job = nc->jobs; job; job = job->next)
		census_want(job->vol->census, false);
	while (nc->n_jobs > 0 && r == 0)
		r = pthread_cond_timedwait(&nc->moved, &nc->lock, &until);
	while (nc->n_ending > 0)
		pthread_cond_wait(&nc->moved, &nc->lock);
	nc->is_left = nc->n_jobs > 0;
	r = nc->is_left;
	pthread_mutex_unlock(&nc->lock);
	return !r;
}

void node_census_stop(struct node *node)
{
	struct node_census *nc = node->census;

	if (!nc)
		return;
	pthread_mutex_lock(&nc->lock);
	nc->is_stopping = true;
	pthread_cond_broadcast(&nc->moved);
	pthread_mutex_unlock(&nc->lock);
	pthread_join(nc->thread, NULL);
	node->census = NULL;
	/* One that hangs on a dead disk keeps what it has to itself. */
	if (stop_walks(nc))
		census_free_all(nc);
}

/* --- volumes ---------------------------------------------------------------
 */

int node_census_attach(struct volume *vol, const struct node_volume *v)
{
	if (!v->driver->has_census)
		return 0;
	vol->census = census_new();
	if (!vol->census)
		return -ENOMEM;
	census_want(vol->census, v->driver->has_census(&v->spec));
	return 0;
}

void node_census_changed(struct node *node, const char *pod_uid,
			 const struct node_volume *v)
{
	struct tree_pod *pod = tree_pod_by_uid(node->tree, pod_uid);

	for (size_t i = 0; pod && i < pod->n_volumes; i++) {
		struct volume *vol = pod->volumes[i];

		if (vol->id == v->spec.id && vol->census)
			census_want(vol->census,
				    v->driver->has_census(&v->spec));
	}
	tree_pod_unref(pod);
	wake(node->census);
}

void node_census_end(struct node *node, const char *pod_uid)
{
	struct tree_pod *pod = tree_pod_by_uid(node->tree, pod_uid);

	for (size_t i = 0; pod && i < pod->n_volumes; i++) {
		if (pod->volumes[i]->census)
			census_want(pod->volumes[i]->census, false);
	}
	tree_pod_unref(pod);
}

/* --- what is shown ---------------------------------------------------------
 */

bool node_census_is_wanted(const struct volume *vol)
{
	return vol->census && census_is_wanted(vol->census);
}

static int set_answer(json_t *status, const struct census_answer *a)
{
	char taken[NODE_TIME_SIZE];
	int r = 0;

	node_object_time(a->taken, taken, sizeof(taken));
	r |= json_object_set_new(status, "usedBytes", json_integer(a->bytes));
	r |= json_object_set_new(status, "usedInodes", json_integer(a->inodes));
	r |= json_object_set_new(status, "usageTime", json_string(taken));
	return r;
}

static int set_failure(json_t *status, int why)
{
	cleanup_free char *text = NULL;

	errno = -why;
	if (asprintf(&text, "cannot look what it holds: %m") < 0) {
		text = NULL;
		return -ENOMEM;
	}
	return json_object_set_new(status, "message", json_string(text));
}

int node_census_status(struct node *node, const struct volume *vol,
		       json_t *status)
{
	struct census_answer answer;
	bool is_due = false;
	int r = 0;

	if (!vol->census || !census_ask(vol->census, &answer, &is_due))
		return 0;
	if (is_due)
		wake(node->census);
	if (answer.taken)
		r = set_answer(status, &answer);
	else if (!answer.failed)
		r = json_object_set_new(status, "recounting", json_true());
	if (r == 0 && answer.failed)
		r = set_failure(status, answer.failed);
	return r < 0 ? -ENOMEM : 0;
}
