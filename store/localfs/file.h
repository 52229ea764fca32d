/* SPDX-License-Identifier: Apache-2.0 */
/* file.h - open regular files of localfs, as the parts share them */
#ifndef LOCALFS_FILE_H
#define LOCALFS_FILE_H

struct local_store;
struct store_file;
struct store_handle;

/* The flags of open(2) that a lower file takes over from the caller's. */
int file_flags(int open_flags);

/* A descriptor of an existing regular file, open at least for what is asked. */
int file_open(struct local_store *ls, const struct store_handle *h, int asked);

/* Wrap *fd, which is taken on success. */
int file_new(int *fd, int open_flags, struct store_file **ret);

#endif
