/* SPDX-License-Identifier: Apache-2.0 */
/* mount.h - filesystems made, mounted and taken away below our directories */
#ifndef BASE_MOUNT_H
#define BASE_MOUNT_H

#include <stdbool.h>

struct error;

/* An option of a filesystem; value NULL: a flag. */
struct mount_option {
	const char *key;
	const char *value;
	bool optional; /* go on where the kernel does not know it */
};

/*
 * Make a filesystem with these options (key NULL at the end) and mount it on
 * the directory dir_fd, without devices and set-id programs.  It appears in
 * one step with all that the options say, or not at all.  What the kernel says
 * beyond the errno is in err.
 */
int mount_new(const char *type, const struct mount_option *options, int dir_fd,
	      struct error *err);
/* Change options of the filesystem that fd is the root of. */
int mount_change(int fd, const struct mount_option *options, struct error *err);

/* Is fd the root of a mount? */
bool mount_is_root(int fd);

/* Take away all that is mounted at dir_fd/name, as far as it is idle; what is
 * in use leaves the tree and ends with its last user.  0 or -errno. */
int mount_detach(int dir_fd, const char *name);
/* The same of all below directory dir_fd/name, itself included, down to depth
 * levels; what is mounted is not entered. */
int mount_detach_tree(int dir_fd, const char *name, unsigned depth);

#endif
