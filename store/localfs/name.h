/* SPDX-License-Identifier: Apache-2.0 */
/* name.h - names in a directory, and what is behind them */
#ifndef LOCALFS_NAME_H
#define LOCALFS_NAME_H

struct local_store;
struct statx;
struct store_handle;

/*
 * 0 for one component that is a file's own name; nothing else ever reaches the
 * kernel, so that no name leads out of its directory.
 */
int name_check(const char *name);

/* Handle and attributes of name in dir, whose descriptor is dirfd. */
int name_identify(struct local_store *ls, const struct store_handle *dir,
		  int dirfd, const char *name, struct store_handle *ret_handle,
		  struct statx *ret_attr);

#endif
