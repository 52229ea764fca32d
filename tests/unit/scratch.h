/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scratch.h - a place of its own for a test that works on real filesystems
 *
 * A tmpfs in a private mount namespace: it is gone with the process of the
 * test, with all that was mounted below it.
 */
#ifndef UNIT_SCRATCH_H
#define UNIT_SCRATCH_H

/* Enter the namespace, mount, and make it the working directory: its path. */
const char *scratch_enter(void);

/* Make a file with this text; fails the test if that is not possible. */
void scratch_file(const char *path, const char *text);
/* Make a directory and those above it. */
void scratch_directory(const char *path);

#endif
