/* SPDX-License-Identifier: Apache-2.0 */
/* ring_relay.c - rings that belong to a process which outlives this one */
#include "fuse/ring_relay.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fuse/abi.h"
#include "fuse/ring.h"
#include "store/base/state.h"

/* Whose turn it is, and what was or is to be done.  Nothing else says so. */
enum turn {
	/* The server's. */
	TURN_UNUSED,
	TURN_FAILED,  /* see the result */
	TURN_OFFERED, /* the kernel has the entry */
	TURN_REQUEST, /* one is there */
	TURN_ANSWERED,
	/* The ring's. */
	TURN_OFFER,
	TURN_WAIT,
	TURN_COMMIT, /* the answer, and wait */
};

/*
 * Behind it, in pages of their own, the buffers of the ring, and the payload of
 * the answer: a request must be whole for as long as it may be repeated.
 */
struct ring_slot {
	_Atomic uint32_t turn; /* futex */
	int32_t result;
	uint32_t queue;
	uint32_t answer_len;
	char answer_header[sizeof(struct fuse_out_header)];
};

/* At the beginning of the memory, in a page of its own. */
struct shared {
	_Atomic uint32_t
		bell; /* futex: changed when an entry is to be offered */
};

struct relay {
	struct shared *shared;
	size_t mapped;
	char *slots;
	size_t span; /* from one slot to the next */
	unsigned n;
	size_t payload_size;
};

static struct ring_slot *slot_at(const struct relay *relay, unsigned i)
{
	return (struct ring_slot *)(void *)(relay->slots + i * relay->span);
}

static void *slot_buffers(struct ring_slot *slot)
{
	return (char *)slot + RING_PAGE;
}

static char *slot_answer(const struct relay *relay, struct ring_slot *slot)
{
	return (char *)slot_buffers(slot) + ring_room(relay->payload_size);
}

/* --- turns --- */

static void wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* -EAGAIN if a signal came; 0 says nothing. */
static int sleep_on(_Atomic uint32_t *word, uint32_t value)
{
	if (syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0) < 0 &&
	    errno == EINTR)
		return -EAGAIN;
	return 0;
}

static enum turn turn_of(struct ring_slot *slot)
{
	return atomic_load_explicit(&slot->turn, memory_order_acquire);
}

static bool is_of_ring(enum turn turn)
{
	return turn >= TURN_OFFER;
}

static void hand_over(struct ring_slot *slot, enum turn turn)
{
	atomic_store_explicit(&slot->turn, turn, memory_order_release);
	wake(&slot->turn);
}

/* --- the server: as any ring --- */

/*
 * What a process before was about to do may have been left at any point: the
 * bell is rung even if it has been.
 */
static int relay_offer(struct ring *r)
{
	struct ring_slot *slot = r->slot;
	enum turn turn = turn_of(slot);

	if (turn == TURN_UNUSED)
		slot->queue = r->queue;
	if (turn == TURN_UNUSED || turn == TURN_FAILED)
		hand_over(slot, TURN_OFFER);
	if (turn_of(slot) == TURN_OFFER) {
		atomic_fetch_add(&r->relay->shared->bell, 1);
		wake(&r->relay->shared->bell);
	}
	while (turn_of(slot) == TURN_OFFER)
		sleep_on(&slot->turn, TURN_OFFER);
	return turn_of(slot) == TURN_FAILED ? slot->result : 0;
}

static void relay_flush(struct ring *r)
{
	if (turn_of(r->slot) == TURN_ANSWERED)
		hand_over(r->slot, TURN_COMMIT);
}

static int relay_wait(struct ring *r)
{
	struct ring_slot *slot = r->slot;
	enum turn turn = turn_of(slot);

	/* Whoever asks for another has answered the one before. */
	r->is_repeated = turn == TURN_REQUEST;
	relay_flush(r);
	if (turn == TURN_OFFERED)
		hand_over(slot, TURN_WAIT);
	while (is_of_ring(turn = turn_of(slot))) {
		if (sleep_on(&slot->turn, turn) < 0)
			return -EAGAIN;
	}
	return turn == TURN_FAILED ? slot->result : 0;
}

/* From here on the answer is sent, by whoever comes after us if need be. */
static void relay_answered(struct ring *r)
{
	atomic_store_explicit(&r->slot->turn, TURN_ANSWERED,
			      memory_order_release);
}

static void relay_close(struct ring *r)
{
	(void)r; /* the ring stays */
}

static const struct ring_ops relay_ops = {
	.offer = relay_offer,
	.wait = relay_wait,
	.flush = relay_flush,
	.answered = relay_answered,
	.close = relay_close,
};

void relay_open(struct relay *relay, unsigned slot, unsigned queue,
		struct ring *r)
{
	struct ring_slot *s = slot_at(relay, slot);

	*r = (struct ring){
		.ops = &relay_ops,
		.header = slot_buffers(s),
		.payload = (char *)slot_buffers(s) + RING_HEADROOM,
		.answer_header = s->answer_header,
		.answer_payload = slot_answer(relay, s),
		.answer_len = &s->answer_len,
		.size = ring_payload_room(relay->payload_size),
		.queue = (uint16_t)queue,
		.relay = relay,
		.slot = s,
	};
}

bool relay_queue(const struct relay *relay, unsigned slot, unsigned *ret)
{
	struct ring_slot *s = slot_at(relay, slot);

	if (turn_of(s) == TURN_UNUSED)
		return false;
	*ret = s->queue;
	return true;
}

unsigned relay_used(const struct relay *relay)
{
	unsigned n = relay->n;

	while (n > 0 && turn_of(slot_at(relay, n - 1)) == TURN_UNUSED)
		n--;
	return n;
}

/* --- the process that has the rings --- */

/* A thread for each slot, from its first turn on. */
struct keeper {
	struct relay *relay;
	struct ring_slot *slot;
	int dev_fd;
	struct ring ring;
	bool runs;
	bool is_open;
};

static int keeper_offer(struct keeper *k)
{
	int r = 0;

	if (!k->is_open)
		r = ring_open(&k->ring, k->dev_fd, k->slot->queue,
			      slot_buffers(k->slot), k->relay->payload_size);
	if (r < 0)
		return r;
	k->is_open = true;
	return ring_register(&k->ring);
}

static int keeper_commit(struct keeper *k)
{
	struct ring_slot *slot = k->slot;
	struct iovec iov[] = {
		{ slot->answer_header, sizeof(slot->answer_header) },
		{ slot_answer(k->relay, slot), slot->answer_len },
	};
	ssize_t n = ring_answer(&k->ring, iov, 2);

	if (n < 0)
		return (int)n;
	ring_commit(&k->ring, k->ring.header->entry.commit_id);
	return 0;
}

static int keeper_wait(struct keeper *k)
{
	int r;

	do {
		r = ring_wait(&k->ring);
	} while (r == -EAGAIN);
	return r;
}

/* Do what is asked for; whose turn it is then. */
static enum turn keeper_turn(struct keeper *k, enum turn turn)
{
	int r = 0;

	if (turn == TURN_OFFER)
		r = keeper_offer(k);
	if (turn == TURN_COMMIT)
		r = keeper_commit(k);
	if (r == 0 && turn != TURN_OFFER)
		r = keeper_wait(k);
	k->slot->result = r;
	if (r < 0)
		return TURN_FAILED;
	return turn == TURN_OFFER ? TURN_OFFERED : TURN_REQUEST;
}

static void *keeper_main(void *arg)
{
	struct keeper *k = arg;
	struct ring_slot *slot = k->slot;
	enum turn turn;

	ring_pin(slot->queue);
	for (;;) {
		while (!is_of_ring(turn = turn_of(slot)))
			sleep_on(&slot->turn, turn);
		hand_over(slot, keeper_turn(k, turn));
	}
	return NULL;
}

static void keeper_start(struct keeper *k)
{
	pthread_t thread;
	int r = pthread_create(&thread, NULL, keeper_main, k);

	k->runs = r == 0;
	if (k->runs) {
		pthread_detach(thread);
	} else {
		k->slot->result = -r;
		hand_over(k->slot, TURN_FAILED);
	}
}

int relay_serve(struct relay *relay, int dev_fd)
{
	struct keeper *keepers = calloc(relay->n, sizeof(*keepers));

	if (!keepers)
		return -ENOMEM;
	for (;;) {
		uint32_t seen = atomic_load(&relay->shared->bell);

		for (unsigned i = 0; i < relay->n; i++) {
			struct ring_slot *slot = slot_at(relay, i);

			if (keepers[i].runs || turn_of(slot) != TURN_OFFER)
				continue;
			keepers[i].relay = relay;
			keepers[i].slot = slot;
			keepers[i].dev_fd = dev_fd;
			keeper_start(&keepers[i]);
		}
		sleep_on(&relay->shared->bell, seen);
	}
}

/* --- the slots --- */

int relay_new(struct state *state, unsigned n, size_t payload_size,
	      struct relay **ret)
{
	struct relay *relay = calloc(1, sizeof(*relay));
	void *p;
	int r;

	if (!relay)
		return -ENOMEM;
	relay->n = n;
	relay->payload_size = payload_size;
	relay->span = RING_PAGE + ring_room(payload_size) +
		      ring_payload_room(payload_size);
	relay->mapped = RING_PAGE + n * relay->span;
	r = state_map(state, STATE_RINGS, relay->mapped, &p);
	if (r < 0) {
		free(relay);
		return r;
	}
	relay->shared = p;
	relay->slots = (char *)p + RING_PAGE;
	*ret = relay;
	return 0;
}

void relay_free(struct relay *relay)
{
	if (!relay)
		return;
	munmap(relay->shared, relay->mapped);
	free(relay);
}
