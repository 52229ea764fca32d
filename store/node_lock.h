/* SPDX-License-Identifier: Apache-2.0 */
/* node_lock.h - one at a time for each pod: locks that are found by name */
#ifndef STORE_NODE_LOCK_H
#define STORE_NODE_LOCK_H

#include <pthread.h>

struct pod_lock;

struct pod_locks {
	pthread_mutex_t mutex;
	void *held; /* search.h tree of struct pod_lock */
};

void pod_locks_init(struct pod_locks *locks);
/* Nobody may hold or wait for one. */
void pod_locks_done(struct pod_locks *locks);

/* Wait for the turn of a pod that may or may not exist; -ENOMEM. */
int pod_lock_take(struct pod_locks *locks, const char *namespace,
		  const char *name, struct pod_lock **ret);
void pod_lock_give(struct pod_lock *lock);

static inline void pod_lock_givep(struct pod_lock **lock)
{
	if (*lock)
		pod_lock_give(*lock);
}
#define cleanup_pod_lock __attribute__((cleanup(pod_lock_givep)))

#endif
