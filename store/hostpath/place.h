/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place.h - where a hostPath leads, looked up anew each time and never astray
 *
 * Symbolic links are followed, as for the kubelet, but what they lead to is
 * judged, not what was written: it must be beneath an allowed prefix, and
 * outside of the daemon's own mount and state directory.  The lookup itself
 * never enters the daemon's mount, so a handler of that mount may do it.
 */
#ifndef HOSTPATH_PLACE_H
#define HOSTPATH_PLACE_H

#include <limits.h>
#include <stddef.h>

struct place;
struct volume_env;

/* What a lookup says beyond the usual. */
#define PLACE_NOT_ALLOWED  (-EXDEV)   /* not beneath an allowed prefix */
#define PLACE_IN_MOUNT	   (-EDEADLK) /* in the daemon's own mount */
#define PLACE_IN_STATE_DIR (-EPERM)   /* in the daemon's state directory */

/*
 * path is absolute and without "..".  Prefixes that are links are resolved
 * here, once.  -errno on failure.
 */
int place_new(const struct volume_env *env, const char *path,
	      struct place **ret);
void place_free(struct place *place);

/* A new O_PATH descriptor of what is at the path now, or -errno. */
int place_open(struct place *place);

/*
 * For a path that does not exist: a new descriptor of the deepest directory
 * that does, with the missing components in rest.  -EEXIST if nothing is
 * missing any more; otherwise as place_open().
 */
int place_open_missing(struct place *place, char rest[PATH_MAX]);

#endif
