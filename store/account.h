/* SPDX-License-Identifier: Apache-2.0 */
/*
 * account.h - the charge of one file while it can change without our notice
 *
 * A file has an account while it is open for writing, while its size is being
 * changed, and from the loss of its last name until nobody knows it.  What the
 * account has is part of the volume's total; settling makes it what the
 * attributes of the file say.
 *
 * Under a limit, an account takes room in chunks ahead of the writes: a write
 * within what it has costs two atomic operations.  Every write is counted in
 * busy, and nothing is given back while there is one, so a byte that was
 * promised to a write is given to nobody else.
 */
#ifndef STORE_ACCOUNT_H
#define STORE_ACCOUNT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "store/store.h"

struct usage;

struct account {
	struct store_handle handle;
	atomic_int_fast64_t charged; /* chunk included */
	atomic_uint busy;	     /* writes under way */
	atomic_bool unsettled;	     /* the last of these has to settle */
	pthread_mutex_t lock;	     /* changes of charged and allocated; before
					that of the volume */
	atomic_int_fast64_t allocated;
	uint32_t block_size; /* 0: not looked at yet */
	bool is_regular;
	atomic_uint_fast64_t ino;
	/* Under the lock of the volume. */
	unsigned users;
	bool orphan;
	bool lingering; /* an orphan that is not open */
	bool gone;	/* nobody knows it any more */
	bool expired;	/* kept for long enough */
	bool cooling;
	int64_t closed; /* monotonic ns */
	struct account *next_spare;
	UT_hash_handle hh;
};

/*
 * The account of a file, made if it has none.  known: its attributes as they
 * are part of the total, or NULL to look.  The caller puts it.
 */
int account_get(struct usage *u, const struct store_handle *h,
		const struct statx *known, struct account **ret);
/* Settles with the last user.  NULL is fine. */
void account_put(struct usage *u, struct account *a);

/* Make the charge what the file's attributes say. */
void account_settle(struct usage *u, struct account *a);
/* With a->lock. */
int account_settle_locked(struct usage *u, struct account *a);

/*
 * A write of len bytes at off: how many of them may be written, or -ENOSPC if
 * not one.  Every success is followed by account_wrote().
 */
int account_write(struct usage *u, struct account *a, uint64_t off, size_t len,
		  size_t *ret_len);
void account_wrote(struct usage *u, struct account *a);

/* With a->lock: room for the file to have bytes charged, all or nothing. */
int account_reserve(struct usage *u, struct account *a, int64_t bytes);

/*
 * A file lost its last name, or got one again; st as it was before.  One that
 * is not open will be gone soon.
 */
int account_orphan(struct usage *u, const struct store_handle *h,
		   const struct statx *st, bool is_open);
void account_adopt(struct usage *u, const struct store_handle *h);
/* It was closed, perhaps or surely for the last time: if it is an orphan, it
 * will be gone soon. */
void account_closed(struct usage *u, const struct store_handle *h, bool sure);
/* Nobody knows the file any more. */
void account_gone(struct usage *u, const struct store_handle *h);

/* Settle each account, and drop those that have cooled off, if asked to. */
void account_settle_all(struct usage *u, const struct account *except,
			bool drop);

#endif
