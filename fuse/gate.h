/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate.h - how many requests of one volume are handled at a time
 *
 * Whoever handles a request for a disk or a server that does not answer is
 * lost to the others for as long as that takes, and there is an end to the
 * threads.  So of a volume that may keep us waiting only GATE_RUNNING_MAX
 * requests are handled at a time; further ones wait in memory, without a
 * thread, and are handled by those who come back.
 */
#ifndef FUSE_GATE_H
#define FUSE_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Requests of a volume that are handled at a time. */
#define GATE_RUNNING_MAX 32
/* So many at a time are a sign that it does not keep up. */
#define GATE_RUNNING_FEW 4
/* Those that wait, and their bytes; one more fails with EIO. */
#define GATE_WAITING_MAX 4096
#define GATE_BYTES_MAX	 (16u << 20)

struct fuse_in_header;
struct gate;
struct volume;

int gate_new(struct gate **ret);
/* Requests that still wait are dropped: their callers get ECONNABORTED. */
void gate_free(struct gate *gate);

enum gate_way {
	GATE_OPEN, /* handle it, then call gate_leave() */
	GATE_SLOW, /* the same; it is likely to take long */
	GATE_WAIT, /* it was copied and will be handed out by gate_leave() */
	GATE_FULL, /* it has to fail */
};

/*
 * A request of vol came.  must_wait: it may not fail, for there is nobody to
 * tell (RELEASE).
 */
enum gate_way gate_enter(struct gate *gate, struct volume *vol,
			 const struct fuse_in_header *in, bool must_wait);

/*
 * A request of vol was handled: another one that waited, which the caller
 * handles next and frees, or NULL.
 */
struct fuse_in_header *gate_leave(struct gate *gate, struct volume *vol);

/*
 * The caller of the request gave up: true if it waited here, and is to be
 * answered with EINTR now.
 */
bool gate_interrupt(struct gate *gate, uint64_t unique);

#endif
