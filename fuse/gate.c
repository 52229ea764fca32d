/* SPDX-License-Identifier: Apache-2.0 */
/* gate.c - how many requests of one volume are handled at a time */
#include "fuse/gate.h"

#include <errno.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/log.h"
#include "store/volume.h"

/* Of one volume, from its first request to its end. */
struct gate_queue {
	atomic_uint running;
	atomic_uint waiting; /* the following under the gate's lock */
	size_t bytes;
	struct waiting *first;
	struct waiting **last;
};

struct waiting {
	struct waiting *next;
	struct waiting *next_all;
	struct waiting **link_all; /* what points here */
	struct volume *volume;
	struct fuse_in_header *in; /* and what follows it */
};

struct gate {
	pthread_mutex_t lock;
	struct waiting *all; /* of all volumes */
};

int gate_new(struct gate **ret)
{
	struct gate *gate = calloc(1, sizeof(*gate));

	if (!gate)
		return -ENOMEM;
	pthread_mutex_init(&gate->lock, NULL);
	*ret = gate;
	return 0;
}

/* The queue of a volume; NULL without memory for one. */
static struct gate_queue *queue_of(struct volume *vol)
{
	struct gate_queue *queue = atomic_load(&vol->queue);
	struct gate_queue *none = NULL;

	if (queue)
		return queue;
	queue = calloc(1, sizeof(*queue));
	if (!queue)
		return NULL;
	queue->last = &queue->first;
	if (atomic_compare_exchange_strong(&vol->queue, &none, queue))
		return queue;
	free(queue);
	return none;
}

/* Take *p, of its volume's queue, off all lists; the request is the caller's.
 * The volume's reference is, too. */
static struct fuse_in_header *take(struct gate_queue *queue, struct waiting **p)
{
	struct waiting *w = *p;
	struct fuse_in_header *in = w->in;

	*p = w->next;
	if (!*p)
		queue->last = p;
	*w->link_all = w->next_all;
	if (w->next_all)
		w->next_all->link_all = w->link_all;
	queue->bytes -= in->len;
	atomic_fetch_sub(&queue->waiting, 1);
	free(w);
	return in;
}

void gate_free(struct gate *gate)
{
	if (!gate)
		return;
	while (gate->all) {
		struct volume *vol = gate->all->volume;
		struct gate_queue *queue = queue_of(vol);

		free(take(queue, &queue->first));
		volume_unref(vol);
	}
	pthread_mutex_destroy(&gate->lock);
	free(gate);
}

static struct waiting *waiting_new(struct volume *vol,
				   const struct fuse_in_header *in)
{
	struct waiting *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->in = malloc(in->len);
	if (!w->in) {
		free(w);
		return NULL;
	}
	memcpy(w->in, in, in->len);
	w->volume = volume_ref(vol);
	return w;
}

/* Where it was put, or NULL. */
static struct waiting **put(struct gate *gate, struct gate_queue *queue,
			    struct volume *vol, const struct fuse_in_header *in)
{
	struct waiting **p = queue->last;
	struct waiting *w = waiting_new(vol, in);

	if (!w)
		return NULL;
	*p = w;
	queue->last = &w->next;
	w->next_all = gate->all;
	w->link_all = &gate->all;
	if (gate->all)
		gate->all->link_all = &w->next_all;
	gate->all = w;
	queue->bytes += in->len;
	if (atomic_fetch_add(&queue->waiting, 1) == 0)
		log_notice("volume '%s' keeps %u requests waiting: more queue",
			   vol->name, GATE_RUNNING_MAX);
	return p;
}

static enum gate_way wait_in_line(struct gate *gate, struct gate_queue *queue,
				  struct volume *vol,
				  const struct fuse_in_header *in,
				  bool must_wait)
{
	struct waiting **p = NULL;

	if (must_wait || (atomic_load(&queue->waiting) < GATE_WAITING_MAX &&
			  queue->bytes + in->len <= GATE_BYTES_MAX))
		p = put(gate, queue, vol, in);
	atomic_fetch_sub(&queue->running, 1);
	if (!p)
		return GATE_FULL;
	/* Those who leave from here on see that somebody waits; whoever left
	 * before may not have. */
	if (atomic_load(&queue->running) >= GATE_RUNNING_MAX)
		return GATE_WAIT;
	atomic_fetch_add(&queue->running, 1);
	free(take(queue, p));
	volume_unref(vol);
	return GATE_SLOW;
}

enum gate_way gate_enter(struct gate *gate, struct volume *vol,
			 const struct fuse_in_header *in, bool must_wait)
{
	struct gate_queue *queue = queue_of(vol);
	enum gate_way way;
	unsigned n;

	if (!queue)
		return GATE_FULL;
	n = atomic_fetch_add(&queue->running, 1);
	if (n < GATE_RUNNING_MAX)
		return n < GATE_RUNNING_FEW ? GATE_OPEN : GATE_SLOW;
	pthread_mutex_lock(&gate->lock);
	way = wait_in_line(gate, queue, vol, in, must_wait);
	pthread_mutex_unlock(&gate->lock);
	return way;
}

struct fuse_in_header *gate_leave(struct gate *gate, struct volume *vol)
{
	struct gate_queue *queue = queue_of(vol);
	struct fuse_in_header *in = NULL;

	atomic_fetch_sub(&queue->running, 1);
	if (atomic_load(&queue->waiting) == 0)
		return NULL;
	pthread_mutex_lock(&gate->lock);
	if (queue->first) {
		atomic_fetch_add(&queue->running, 1);
		in = take(queue, &queue->first);
	}
	pthread_mutex_unlock(&gate->lock);
	/* The caller has one of its own. */
	if (in)
		volume_unref(vol);
	return in;
}

bool gate_interrupt(struct gate *gate, uint64_t unique)
{
	struct waiting *w;
	struct waiting **p;
	struct volume *vol = NULL;

	pthread_mutex_lock(&gate->lock);
	for (w = gate->all; w && w->in->unique != unique; w = w->next_all)
		;
	if (w) {
		struct gate_queue *queue = queue_of(w->volume);

		vol = w->volume;
		for (p = &queue->first; *p != w; p = &(*p)->next)
			;
		free(take(queue, p));
	}
	pthread_mutex_unlock(&gate->lock);
	volume_unref(vol);
	return vol != NULL;
}
