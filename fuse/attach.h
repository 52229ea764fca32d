/* SPDX-License-Identifier: Apache-2.0 */
/* attach.h - take over the mount of a process that was killed */
#ifndef FUSE_ATTACH_H
#define FUSE_ATTACH_H

struct fs;

/*
 * Make good what the state of fs says that the kernel knows, before the first
 * request is taken and before a volume is counted.
 */
int attach_tables(struct fs *fs);

#endif
