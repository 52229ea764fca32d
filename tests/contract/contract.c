/* SPDX-License-Identifier: Apache-2.0 */
/* contract.c - places, and a volume in one of them for the time of a case */
#include "tests/contract/contract.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/base/error.h"

const struct store_cred as_root = { .uid = 0, .gid = 0, .umask = 022 };
const struct store_cred as_user = { .uid = 1000, .gid = 1001, .umask = 022 };

static const struct place places[] = {
	{ "disk, exclusive", "/var/tmp", false, LOCALFS_EXCLUSIVE },
	{ "disk, limited", "/var/tmp", false,
	  LOCALFS_EXCLUSIVE | LOCALFS_LIMITED },
	{ "disk, shared", "/var/tmp", false, 0 },
	{ "memory, exclusive", "/dev/shm", false, LOCALFS_EXCLUSIVE },
	{ "memory, limited", "/dev/shm", false,
	  LOCALFS_EXCLUSIVE | LOCALFS_LIMITED },
	{ "memory, shared", "/dev/shm", false, 0 },
	{ "no handles, exclusive", "/var/tmp", true, LOCALFS_EXCLUSIVE },
	{ "no handles, limited", "/dev/shm", true,
	  LOCALFS_EXCLUSIVE | LOCALFS_LIMITED },
	{ "no handles, shared", "/dev/shm", true, 0 },
};

static struct volume_under_test volume;

struct criterion_test_params every_place(void)
{
	size_t n = sizeof(places) / sizeof(places[0]);
	struct place *params = cr_calloc(n, sizeof(*params));

	memcpy(params, places, sizeof(places));
	return cr_make_param_array(struct place, params, n);
}

static int find_root(void *arg, int *ret_fd)
{
	int fd = open(arg, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

struct store *volume_open_path(struct volume_under_test *v, const char *path)
{
	struct store *st = NULL;
	struct error err;

	cr_assert(eq(int,
		     localfs_open(v->lfs, find_root, strdup(path), free,
				  v->flags, &st, &err),
		     0));
	return st;
}

struct volume_under_test *volume_open(const struct place *place)
{
	struct localfs_options options = {
		.fd_cache = 16,
		.watches = CONTRACT_WATCHES,
		.test_no_handles = place->no_handles,
	};
	struct volume_under_test *v = &volume;
	struct error err;

	if (geteuid() != 0)
		cr_skip("needs root");
	snprintf(v->dir, sizeof(v->dir), "%s/contract-XXXXXX", place->parent);
	cr_assert(mkdtemp(v->dir) != NULL);
	cr_assert(eq(int, chmod(v->dir, 0777), 0));
	v->flags = place->flags;
	v->exclusive = place->flags & LOCALFS_EXCLUSIVE;
	v->no_handles = place->no_handles;
	cr_assert(eq(int, localfs_new(&options, &v->lfs, &err), 0));
	v->st = volume_open_path(v, v->dir);
	cr_assert(eq(int, store_root(v->st, &v->root, &v->root_attr), 0));
	return v;
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	remove(path);
	return 0;
}

static void volume_down(void)
{
	struct volume_under_test *v = &volume;

	store_close(v->st);
	localfs_free(v->lfs);
	if (v->dir[0])
		nftw(v->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	memset(v, 0, sizeof(*v));
}

struct store_handle must_lookup(struct volume_under_test *v,
				const struct store_handle *dir,
				const char *name)
{
	struct store_handle h;
	struct statx attr;

	cr_assert(eq(int, store_lookup(v->st, dir, name, &h, &attr), 0),
		  "lookup of '%s'", name);
	return h;
}

struct store_handle must_create(struct volume_under_test *v,
				const struct store_handle *dir,
				const char *name, const char *text)
{
	struct store_file *file;
	struct store_handle h;
	struct statx attr;
	size_t len = strlen(text);

	cr_assert(eq(int,
		     store_create(v->st, dir, name, 0644, O_RDWR | O_EXCL,
				  &as_root, &h, &attr, &file),
		     0));
	cr_assert(
		eq(i64, store_pwrite(v->st, file, text, len, 0), (int64_t)len));
	store_release(v->st, file);
	return h;
}

struct store_handle must_mkdir(struct volume_under_test *v,
			       const struct store_handle *dir, const char *name)
{
	struct store_handle h;
	struct statx attr;

	cr_assert(eq(int,
		     store_mkdir(v->st, dir, name, 0755, &as_root, &h, &attr),
		     0));
	return h;
}

struct statx must_getattr(struct volume_under_test *v,
			  const struct store_handle *h)
{
	struct statx attr;

	cr_assert(eq(int, store_getattr(v->st, h, NULL, &attr), 0));
	return attr;
}

const char *host_path(const struct volume_under_test *v, const char *name)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s", v->dir, name);
	return path;
}

unsigned open_descriptors(void)
{
	unsigned n = 0;
	DIR *dir = opendir("/proc/self/fd");

	while (readdir(dir))
		n++;
	closedir(dir);
	return n - 3; /* ".", ".." and that of dir */
}

int try_lookup(struct volume_under_test *v, const struct store_handle *dir,
	       const char *name)
{
	struct store_handle h;
	struct statx attr;

	return store_lookup(v->st, dir, name, &h, &attr);
}

TestSuite(contract, .fini = volume_down, .timeout = 60);
