/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring_relay.h - rings that belong to a process which outlives this one
 *
 * Rings end with their process, and the requests in them fail.  So that
 * whoever serves requests may be killed, another process has the rings: it
 * waits in the kernel, and hands each request over in shared memory.  It
 * parses nothing.  What was handed over stays there, untouched, until there is
 * an answer to it, and whoever comes after one that was killed finds it.
 *
 * For each ring there is a slot, and in it a word that says whose turn it is
 * and for what.  On either side one thread waits for its turn, both on the CPU
 * of the ring's clients.
 */
#ifndef FUSE_RING_RELAY_H
#define FUSE_RING_RELAY_H

#include <stdbool.h>
#include <stddef.h>

struct relay;
struct ring;
struct state;

/*
 * The slots, in memory of state that both sides map: n for payloads of that
 * size, the same for both.
 */
int relay_new(struct state *state, unsigned n, size_t payload_size,
	      struct relay **ret);
void relay_free(struct relay *relay);

/* The slots up to the last that is in use by this process or one before. */
unsigned relay_used(const struct relay *relay);
/* The queue of a slot; false: it was never in use. */
bool relay_queue(const struct relay *relay, unsigned slot, unsigned *ret);

/*
 * Use the ring of a slot, where a request may be found (is_repeated).  That it
 * was registered is remembered: ring_register() then has nothing to do.
 */
void relay_open(struct relay *relay, unsigned slot, unsigned queue,
		struct ring *r);

/* Have the rings of /dev/fuse; returns -errno if that cannot be begun. */
int relay_serve(struct relay *relay, int dev_fd);

#endif
