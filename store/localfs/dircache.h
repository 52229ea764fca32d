/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dircache.h - a bounded cache of directory descriptors, by handle
 *
 * Set-associative: a directory may be in one of the few ways of the set that
 * its handle hashes to, and each set has a lock of its own.  An entry in use is
 * pinned, shared by all who use that directory, and never closed under them.
 */
#ifndef LOCALFS_DIRCACHE_H
#define LOCALFS_DIRCACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dircache;
struct store_handle;

/* NULL when out of memory; keeps at most max descriptors (at least one). */
struct dircache *dircache_new(size_t max);
void dircache_free(struct dircache *c);

/* Pin the descriptor of a directory; *ret_slot is for dircache_unpin(). */
bool dircache_pin(struct dircache *c, const struct store_handle *h, int *ret_fd,
		  uint32_t *ret_slot);
/*
 * Put *fd in and pin it.  If another thread was faster, its descriptor is
 * pinned instead and *fd closed; *fd is the one to use.  False, and nothing
 * done, if all ways are pinned.
 */
bool dircache_add(struct dircache *c, const struct store_handle *h, int *fd,
		  uint32_t *ret_slot);
void dircache_unpin(struct dircache *c, uint32_t slot);

/* Take a directory out: closed at once, or by whoever has it pinned. */
void dircache_drop(struct dircache *c, const struct store_handle *h);
void dircache_drop_realm(struct dircache *c, uint16_t realm);

size_t dircache_count(struct dircache *c);

#endif
