/* SPDX-License-Identifier: Apache-2.0 */
/* paths.h - directories that the daemon makes for itself */
#ifndef PODVOLSD_PATHS_H
#define PODVOLSD_PATHS_H

#include <sys/types.h>

struct error;

/* Make a directory and those above it, if missing.  -ENOTDIR for a file. */
int paths_make(const char *path, mode_t mode, struct error *err);
/* The same for the directory that path is in. */
int paths_make_parent(const char *path, mode_t mode, struct error *err);

#endif
