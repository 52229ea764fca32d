/* SPDX-License-Identifier: Apache-2.0 */
/*
 * contract.h - one suite over every family of filesystem: store.h, executable
 *
 * CONTRACT(name) is a case that runs once for each place: a family on a
 * certain filesystem, in a certain mode.  A new family is a new place.
 */
#ifndef CONTRACT_CONTRACT_H
#define CONTRACT_CONTRACT_H

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <stdbool.h>

#include "store/localfs/localfs.h"
#include "store/store.h"

/* Files that a volume under test may watch. */
#define CONTRACT_WATCHES 8

/* Plain data only: a case runs in a new process, where pointers differ. */
struct place {
	char name[32];
	char parent[32]; /* where the scratch directory is made */
	bool no_handles;
	unsigned flags; /* enum localfs_flag */
};

/* An empty volume, its root looked up. */
struct volume_under_test {
	char dir[64]; /* the same files, as the host sees them */
	struct localfs *lfs;
	struct store *st;
	struct store_handle root;
	struct statx root_attr;
	unsigned flags;
	bool exclusive;
	bool no_handles;
};

extern const struct store_cred as_root;
extern const struct store_cred as_user; /* 1000:1001, umask 022 */

struct criterion_test_params every_place(void);

/* The volume of this case; taken down at its end, also if it fails. */
struct volume_under_test *volume_open(const struct place *place);
/* Another volume whose root is path, on the same localfs. */
struct store *volume_open_path(struct volume_under_test *v, const char *path);

/* Shorthands that must succeed. */
struct store_handle must_lookup(struct volume_under_test *v,
				const struct store_handle *dir,
				const char *name);
struct store_handle must_create(struct volume_under_test *v,
				const struct store_handle *dir,
				const char *name, const char *text);
struct store_handle must_mkdir(struct volume_under_test *v,
			       const struct store_handle *dir,
			       const char *name);
struct statx must_getattr(struct volume_under_test *v,
			  const struct store_handle *h);
/* A path of the host: v->dir/name, in a static buffer. */
const char *host_path(const struct volume_under_test *v, const char *name);
unsigned open_descriptors(void);

/* The return value of a lookup that is of interest for nothing else. */
int try_lookup(struct volume_under_test *v, const struct store_handle *dir,
	       const char *name);

#define CONTRACT(Name)                                                         \
	ParameterizedTestParameters(contract, Name)                            \
	{                                                                      \
		return every_place();                                          \
	}                                                                      \
	ParameterizedTest(struct place *place, contract, Name)

#endif
