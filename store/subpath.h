/* SPDX-License-Identifier: Apache-2.0 */
/*
 * subpath.h - a subPath of a volume as a bind source that cannot be swapped
 *
 * The kubelet's way (pkg/volume/util/subpath): resolve the path once, beneath
 * the volume's root as the mount shows it and through no link that leaves it,
 * keep the descriptor, and bind what it names onto a place that only we can
 * write, so that nobody resolves the path a second time.
 */
#ifndef STORE_SUBPATH_H
#define STORE_SUBPATH_H

struct error;
struct helper;

/*
 * Resolve sub_path beneath the directory volume_root (a path through the
 * mount), making missing components as the kubelet does (the root's mode, owned
 * by our user; the group follows setgid), and bind it at target (its parents
 * are made, 0700, below the held dir_fd; target is relative to it).  A bind
 * that is there already is kept if it is the same file, else replaced.  -EINVAL
 * for absolute paths and "..", -EXDEV for a link that leaves the volume; err
 * does not disclose paths of the host.
 */
int subpath_bind(const char *volume_root, const char *sub_path, int dir_fd,
		 const char *target, struct error *err);

/* The same, run by the helper: volume_root may be on our own mount. */
int subpath_bind_by(struct helper *helper, const char *volume_root,
		    const char *sub_path, int dir_fd, const char *target,
		    struct error *err);

/* Unmount every bind below dir_fd/target, then remove the directories.
 * Never descends into what is mounted.  0 if there is nothing. */
int subpath_unbind_all(int dir_fd, const char *target, struct error *err);

#endif
