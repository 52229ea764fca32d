/* SPDX-License-Identifier: Apache-2.0 */
/* path.h - paths taken apart, and opened so that nothing leads astray */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/*
 * The next component of *path, which need not end with NUL: its length is in
 * *ret_len.  Moves *path behind it; NULL at the end.  Slashes are skipped.
 */
const char *path_next(const char **path, size_t *ret_len);

/* The same, as a string: 1, or 0 at the end; -ENAMETOOLONG. */
int path_next_name(const char **path, char name[NAME_MAX + 1]);

/* Is one of its components ".."? */
bool path_has_dotdot(const char *path);

/* Is it one component: not empty, no slash, not "." or ".."? */
bool path_is_name(const char *name);

/*
 * What follows prefix in path, without leading slashes ("" for prefix
 * itself); NULL if path is not at or below prefix.  Compares components of
 * the text: "/data" does not hold "/database".
 */
const char *path_beneath(const char *path, const char *prefix);

/*
 * openat2(2) with O_CLOEXEC; a new descriptor or -errno.  Tries again a
 * bounded number of times where a concurrent rename makes the kernel say so.
 */
int path_open(int dir_fd, const char *path, int flags, uint64_t resolve);

/* Where the kernel says that fd is, seen from our root; 0 or -errno. */
int path_of_fd(int fd, char *buf, size_t size);

/*
 * statx(2) of a descriptor (any, also O_PATH) out of what is cached, so that
 * a filesystem whose server is slow, dead, or ourselves is not asked.
 */
int path_statx_cached(int fd, unsigned mask, struct statx *ret);

/* Are both the same file of the same filesystem?  Decided by cached facts. */
bool path_is_same_file(int fd_a, int fd_b);

/*
 * Is fd the root of a FUSE filesystem?  Told by its handle, which the kernel
 * makes without asking the server: node id (two words) and generation, and
 * the root's node id is 1 for ever.
 */
bool path_is_fuse_root(int fd);

/*
 * Open a directory (O_RDONLY), made if it is missing: with exactly this mode
 * then, whatever the one above would pass on.  Follows no link: -ELOOP or
 * -ENOTDIR if it is no directory.
 */
int path_make_directory(int dir_fd, const char *name, mode_t mode);

/*
 * Make the directory rel below dir_fd and those above it that are missing,
 * each with exactly this mode, and open it (O_RDONLY).  Follows no link.
 */
int path_make_directories(int dir_fd, const char *rel, mode_t mode);

#endif
