/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal.h - requests under way that must not take effect twice
 *
 * The kernel repeats what a process that was killed has read and not answered.
 * Most requests may be done again; for one that makes, moves or removes a name
 * or opens a file, each thread keeps an entry in memory that outlives it: that
 * the request was begun, and before the answer is sent, the answer.  The
 * successor sends the stored answer, or does the request again, knowing that it
 * may have been done.
 */
#ifndef FUSE_JOURNAL_H
#define FUSE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "store/store.h"

struct journal;
struct journal_entry;
struct state;

/*
 * state: where the entries are.  Those of the processes before are kept until
 * their requests have come again.
 */
int journal_new(struct state *state, struct journal **ret);
void journal_free(struct journal *j);

/* What is known of a request that the kernel repeats. */
struct journal_past {
	/* The answer, without its header; NULL: it was not ready. */
	const void *answer;
	size_t answer_len;
	int error; /* of the answer */
	/* What journal_note_*() was told last; 0 if it was not called. */
	uint64_t fh;
	struct store_handle handle;
	bool has_size;
	uint64_t size;
};

/*
 * Begin a request of this thread, with the handle and the size that were noted
 * of it before; past may be NULL.  Returns NULL if there is no entry to be had:
 * it is not kept, then.
 */
struct journal_entry *journal_begin(struct journal *j, uint64_t unique,
				    const struct journal_past *past);
/*
 * An open file was made for the request; a file is about to be moved or to lose
 * a name; one of that size is about to be appended to.
 */
void journal_note_open(struct journal_entry *e, uint64_t fh);
void journal_note_handle(struct journal_entry *e, const struct store_handle *h);
void journal_note_size(struct journal_entry *e, uint64_t size);
/* The answer, header included, is about to be sent. */
void journal_answer(struct journal_entry *e, const struct iovec *iov, int n);
/* It was sent. */
void journal_end(struct journal_entry *e);

/*
 * Did a process before begin this request?  -ENOENT if not.  What is returned
 * is good until journal_forget().
 */
int journal_find(struct journal *j, uint64_t unique, struct journal_past *ret);
void journal_forget(struct journal *j, uint64_t unique);

#endif
