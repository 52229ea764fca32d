/* SPDX-License-Identifier: Apache-2.0 */
/*
 * census.h - what a volume holds that others change, too: looked up now and
 * then
 *
 * The host changes a hostPath behind the mount, so nobody can keep an account
 * of it.  A walk finds out what it holds; the answer is kept with the time it
 * is of, and grows old.  A new walk is due when somebody asks and the last one
 * was a while ago, and now and then if nobody asks; how long a while is goes by
 * how long the walk takes, so that the disk is busy with it a small part of the
 * time only.  Thread-safe; nothing here waits but census_run().
 */
#ifndef STORE_CENSUS_H
#define STORE_CENSUS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct store;

struct census_answer {
	int64_t bytes; /* allocated, as du(1) says */
	int64_t inodes;
	int64_t taken; /* nanoseconds since the epoch; 0: there is none yet */
	int failed;    /* -errno of the last walk, or 0 */
};

struct census {
	atomic_bool stop; /* the walk that runs is of no use */
	pthread_mutex_t lock;
	/* The rest is under lock. */
	bool is_wanted;
	bool is_asked; /* somebody looked since the last walk began */
	bool is_running;
	bool is_done;  /* there was a walk since it is wanted */
	int64_t began; /* monotonic ns: the last walk */
	int64_t ended;
	struct census_answer answer;
};

/* One that is not wanted; NULL when out of memory. */
struct census *census_new(void);
void census_free(struct census *c);

/* Not wanted, it forgets what it knows, and a walk ends soon. */
void census_want(struct census *c, bool is_wanted);
bool census_is_wanted(struct census *c);

/*
 * What is known; false if it is not wanted.  Whoever asks wants to know it
 * better: *ret_due tells whether it is time for a walk.
 */
bool census_ask(struct census *c, struct census_answer *ret, bool *ret_due);

/* Is it time for a walk, at this monotonic time? */
bool census_is_due(struct census *c, int64_t now);
/* Take the turn for it, if it is; then one of the others follows. */
bool census_begin(struct census *c, int64_t now);
/* The walk, in the thread of the caller. */
void census_run(struct census *c, struct store *store);
/* It cannot be done: -errno. */
void census_give_up(struct census *c, int why);

#endif
