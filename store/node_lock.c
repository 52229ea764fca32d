/* SPDX-License-Identifier: Apache-2.0 */
/* node_lock.c - one at a time for each pod: locks that are found by name */
#include "store/node_lock.h"

#include <assert.h>
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

struct pod_lock {
	struct pod_locks *owner;
	pthread_mutex_t turn;
	size_t users; /* holder and those who wait; owner->mutex */
	char key[];   /* "namespace/name" */
};

static int compare_keys(const void *a, const void *b)
{
	const struct pod_lock *x = a;
	const struct pod_lock *y = b;

	return strcmp(x->key, y->key);
}

void pod_locks_init(struct pod_locks *locks)
{
	pthread_mutex_init(&locks->mutex, NULL);
	locks->held = NULL;
}

void pod_locks_done(struct pod_locks *locks)
{
	assert(!locks->held);
	pthread_mutex_destroy(&locks->mutex);
}

static struct pod_lock *lock_new(struct pod_locks *owner, const char *namespace,
				 const char *name)
{
	size_t a = strlen(namespace);
	size_t b = strlen(name);
	struct pod_lock *lock = malloc(sizeof(*lock) + a + b + 2);

	if (!lock)
		return NULL;
	lock->owner = owner;
	lock->users = 0;
	pthread_mutex_init(&lock->turn, NULL);
	memcpy(lock->key, namespace, a);
	lock->key[a] = '/';
	memcpy(lock->key + a + 1, name, b + 1);
	return lock;
}

static void lock_free(struct pod_lock *lock)
{
	pthread_mutex_destroy(&lock->turn);
	free(lock);
}

int pod_lock_take(struct pod_locks *locks, const char *namespace,
		  const char *name, struct pod_lock **ret)
{
	struct pod_lock *lock = lock_new(locks, namespace, name);
	struct pod_lock **found;

	if (!lock)
		return -ENOMEM;
	pthread_mutex_lock(&locks->mutex);
	found = tsearch(lock, &locks->held, compare_keys);
	if (!found) {
		pthread_mutex_unlock(&locks->mutex);
		lock_free(lock);
		return -ENOMEM;
	}
	if (*found != lock) {
		lock_free(lock);
		lock = *found;
	}
	lock->users++;
	pthread_mutex_unlock(&locks->mutex);
	pthread_mutex_lock(&lock->turn);
	*ret = lock;
	return 0;
}

void pod_lock_give(struct pod_lock *lock)
{
	struct pod_locks *locks = lock->owner;

	pthread_mutex_unlock(&lock->turn);
	pthread_mutex_lock(&locks->mutex);
	if (--lock->users == 0)
		tdelete(lock, &locks->held, compare_keys);
	else
		lock = NULL;
	pthread_mutex_unlock(&locks->mutex);
	if (lock)
		lock_free(lock);
}
