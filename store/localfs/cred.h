/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cred.h - create as somebody else
 *
 * New files belong to the caller because the thread takes its filesystem uid,
 * gid and umask: owner, setgid directories, default ACLs and project quotas
 * are then the business of the filesystem.  The thread keeps all capabilities.
 *
 * It also keeps the identity until another one is wanted: most creations in a
 * row are by the same user, and nothing else that a store does depends on it.
 */
#ifndef LOCALFS_CRED_H
#define LOCALFS_CRED_H

struct store_cred;

int cred_assume(const struct store_cred *cred);

#endif
