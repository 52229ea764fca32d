/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fdcache.h - a bounded cache of descriptors, by handle
 *
 * Set-associative: a file may be in one of the few ways of the set that its
 * handle hashes to, and each set has a lock of its own.  An entry in use is
 * pinned, shared by all who use that file, and never closed under them.
 */
#ifndef LOCALFS_FDCACHE_H
#define LOCALFS_FDCACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fdcache;
struct store_handle;

/* NULL when out of memory; keeps at most max descriptors (at least one). */
struct fdcache *fdcache_new(size_t max);
void fdcache_free(struct fdcache *c);

/* Pin the descriptor of a file; *ret_slot is for fdcache_unpin(). */
bool fdcache_pin(struct fdcache *c, const struct store_handle *h, int *ret_fd,
		 uint32_t *ret_slot);
/*
 * Put *fd in and pin it.  If another thread was faster, its descriptor is
 * pinned instead and *fd closed; *fd is the one to use.  False, and nothing
 * done, if all ways are pinned.
 */
bool fdcache_add(struct fdcache *c, const struct store_handle *h, int *fd,
		 uint32_t *ret_slot);
void fdcache_unpin(struct fdcache *c, uint32_t slot);

/* Take a file out: closed at once, or by whoever has it pinned. */
void fdcache_drop(struct fdcache *c, const struct store_handle *h);
void fdcache_drop_realm(struct fdcache *c, uint16_t realm);

size_t fdcache_count(struct fdcache *c);

#endif
