/* SPDX-License-Identifier: Apache-2.0 */
/* listers.c - who lists directories to look at what is in them */
#include "fuse/listers.h"

#define LOOKS (1ULL << 32)

static _Atomic uint64_t *seen_of(struct listers *l, uint32_t tid)
{
	return &l->seen[tid % LISTERS];
}

bool listers_list(struct listers *l, uint32_t tid)
{
	_Atomic uint64_t *seen = seen_of(l, tid);
	uint64_t was = atomic_load_explicit(seen, memory_order_relaxed);

	if (was == (tid | LOOKS))
		return true;
	if (was != tid)
		atomic_store_explicit(seen, tid, memory_order_relaxed);
	return false;
}

void listers_look(struct listers *l, uint32_t tid)
{
	_Atomic uint64_t *seen = seen_of(l, tid);

	if (atomic_load_explicit(seen, memory_order_relaxed) == tid)
		atomic_store_explicit(seen, tid | LOOKS, memory_order_relaxed);
}
