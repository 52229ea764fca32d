/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage.h - what the files of a volume hold, known at any time without a walk
 *
 * A volume's total is the sum of what each inode is charged, as du(1) counts
 * them: a regular file its size in whole blocks or what is allocated for it,
 * whichever is more, anything else what is allocated.  The charge is a function
 * of the attributes of a file, so nothing is kept of a file that nobody
 * changes.  Whoever changes one does so between usage_begin() and usage_end(),
 * and tells the difference; a file that is being written, or has lost its last
 * name and is still known, has an account (account.h).
 *
 * The total is durable on a clean end.  A volume is marked before its first
 * change, and what is marked at the next start is counted anew: changes of a
 * volume with a limit wait for that, others go on and have the count repeated.
 */
#ifndef STORE_USAGE_H
#define STORE_USAGE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "store/quota.h"

struct account;
struct volume_kept;
struct store;
struct store_handle;
struct usage_group;

enum usage_state {
	USAGE_UNKNOWN,	/* to be counted */
	USAGE_COUNTING, /* a count runs, changes go on */
	USAGE_FROZEN,	/* a count runs, changes wait */
	USAGE_EXACT,
};

/* Make it durable that the stored total is not to be trusted; 0 or -errno. */
typedef int usage_mark_fn(void *arg, uint32_t volume_id);

/* The limit of bytes that the kernel keeps, as the driver finds it. */
struct usage_keeper {
	int (*get)(int root, struct volume_kept *ret);
	const char *root; /* its path, borrowed */
	atomic_bool is_used;
	/* Its filesystem gives room back some time later, when it commits. */
	atomic_int_fast64_t freed;   /* monotonic ns: the last time */
	atomic_int_fast64_t settled; /* when we last had it commit */
};

struct usage {
	struct quota quota; /* what is charged */
	atomic_int_fast64_t allocated;
	struct usage_group *group; /* of the pod; may be NULL */
	struct usage *group_next;  /* under the group's lock */
	struct store *store;	   /* borrowed */
	struct usage_keeper keeper;
	uint32_t volume_id;
	usage_mark_fn *mark;
	void *mark_arg;
	atomic_int state;
	atomic_bool marked;
	atomic_int_fast64_t changing; /* between begin and end */
	atomic_uint_fast64_t changes; /* begun while it was not exact */
	pthread_mutex_t mark_lock;    /* one thread marks */
	/* The rest is under lock, which is held over nothing that waits. */
	pthread_mutex_t lock;
	pthread_cond_t moved;	  /* the state changed, or an orphan went */
	struct account *accounts; /* hash table, by handle */
	uint64_t n_ended;	  /* accounts, ever */
	struct account *spare;	  /* for the next ones */
	unsigned n_spare;
	atomic_uint n_cooling;
	atomic_uint removing; /* between usage_remove_begin() and _end() */
	atomic_uint n_orphans;
	unsigned n_lingering; /* of those, not open */
	int64_t orphaned; /* monotonic ns: an orphan came, was closed, went */
};

struct usage_totals {
	int64_t charged;
	int64_t allocated;
	int64_t inodes;
};

int usage_new(struct store *store, uint32_t volume_id,
	      struct usage_group *group, usage_mark_fn *mark, void *mark_arg,
	      struct usage **ret);
void usage_free(struct usage *u);

/* The charge of an inode, and what du(1) says of it. */
int64_t usage_charge_of(const struct statx *st);
int64_t usage_allocated_of(const struct statx *st);
/* n bytes of the file in whole blocks of it. */
int64_t usage_round(uint32_t block_size, int64_t n);
uint32_t usage_block_size(const struct statx *st);

/*
 * Around each change of the volume.  grows: it may need room.  Waits if a
 * count needs that; may write to the catalog for the first change.
 */
int usage_begin(struct usage *u, bool grows);
void usage_end(struct usage *u);
/* usage_begin() would wait, or write. */
bool usage_begin_waits(const struct usage *u);

/*
 * Around the removal of a name, from before its file is looked at until it has
 * an account: accounts that end meanwhile are kept, for what they settled may
 * not be what was seen.
 */
void usage_remove_begin(struct usage *u);
void usage_remove_end(struct usage *u);

/* What was there before a change, and after; before may be NULL, after too. */
void usage_changed(struct usage *u, const struct statx *before,
		   const struct statx *after);

/*
 * Room may be held by what nobody needs: chunks of open files, files whose
 * last user the kernel is just telling of.  Get need bytes of it back, or all
 * for INT64_MAX; may wait a little.  except: an account that the caller has
 * locked, or NULL.
 */
void usage_make_room(struct usage *u, struct account *except, int64_t need);

/* The totals of this moment; false if they are still being counted. */
bool usage_get(struct usage *u, struct usage_totals *ret);
/* Known from a clean end; the state becomes exact. */
void usage_set(struct usage *u, const struct usage_totals *totals);
void usage_set_state(struct usage *u, enum usage_state state);
/* Let go of the accounts of files that nobody wrote for a while. */
void usage_sweep(struct usage *u);

/* Look whether the kernel keeps it now: quotas can be disabled at any time. */
bool usage_find_keeper(struct usage *u);
/* The limit that the kernel keeps, and its count; -EOPNOTSUPP if it does not.
 */
int usage_kept(const struct usage *u, struct volume_kept *ret);
/* Something gave room back. */
void usage_freed(struct usage *u);
/*
 * The kernel refused: get room that was given back, by a commit if there was
 * none since.  False if there is none to be had; may wait a little.
 */
bool usage_settle_kept(struct usage *u, const struct store_handle *h);

/* The volumes of a pod that share one limit.  Counted. */
struct usage_group {
	struct quota quota;
	pthread_mutex_t lock;
	struct usage *first; /* under lock */
	atomic_uint refs;
};
struct usage_group *usage_group_new(int64_t limit_bytes);
void usage_group_unref(struct usage_group *group);

int64_t usage_now(void); /* monotonic nanoseconds */

#endif
