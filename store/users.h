/* SPDX-License-Identifier: Apache-2.0 */
/*
 * users.h - who uses a directory of the mount: binds, open files, cwds
 *
 * Looks in every mount namespace and every process, as fuser(1) does.
 */
#ifndef STORE_USERS_H
#define STORE_USERS_H

#include <stddef.h>

struct helper;

struct users {
	size_t n;	/* found */
	char text[512]; /* "cat[1234] (open file), redis[77] (mount)..." */
};

/*
 * Find the users of path, a directory of the filesystem that is mounted at
 * mountpoint, and of all below it.  Our own process does not count, nor does
 * what the helper (may be NULL) does for it.  A bind mount counts in whichever
 * namespace it is, under whatever name, but not those at or below
 * except_prefix (may be NULL), which are our own.
 */
int users_find(const char *mountpoint, const char *path,
	       const char *except_prefix, const struct helper *helper,
	       struct users *ret);

#endif
