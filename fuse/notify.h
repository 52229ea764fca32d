/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify.h - telling the kernel that something it caches has changed
 *
 * A notification may wait for a lock that a request in flight holds, so it is
 * sent from a thread of its own, never from a handler.
 */
#ifndef FUSE_NOTIFY_H
#define FUSE_NOTIFY_H

#include <stdint.h>

struct fs;
struct notify;
struct tree_event;

int notify_new(struct fs *fs, struct notify **ret);
void notify_free(struct notify *n);

/*
 * A change of the tree (tree_listener_fn; arg is the struct fs): forget the
 * listings and attributes it touches, and the names that are gone.  Returns
 * when the kernel has.
 *
 * The kernel's own notification of a name that is gone takes a lock that
 * whoever waits for our answer may hold, and a daemon killed meanwhile would
 * keep its own connection open for ever.  So the helper looks for something
 * below the name: the answer ESTALE has the kernel look at every name of the
 * path anew (LOOKUP_REVAL), find that it is gone, and drop it with all it
 * knows below, with no directory locked.
 */
void notify_tree(void *arg, const struct tree_event *event);

/*
 * Whoever served before may have been killed in the middle of a change of the
 * tree: forget the listings of all virtual directories, and, if names are in
 * doubt, believe none before it was looked up again.  That costs the kernel all
 * that it knows and nobody has open (fuse_epoch_work).
 */
void notify_all(struct fs *fs);

/*
 * Forget the attributes of a file, at once.  A handler may send this one: it
 * takes no lock that a request could hold.
 */
void notify_attr(struct fs *fs, uint64_t nodeid);

/*
 * Forget the cached data of a link.  Another request may have to be served
 * meanwhile: for a handler that said transport_may_wait().
 */
void notify_data(struct fs *fs, uint64_t nodeid);

#endif
