/* SPDX-License-Identifier: Apache-2.0 */
/*
 * emptydir.c - the volume source emptyDir: a directory that lives with its pod
 *
 * The root is pods/<uid>/volumes/kubernetes.io~empty-dir/<name> in the state
 * directory, as the kubelet lays it out: a directory of that filesystem, or the
 * mount of another one, as the medium says.
 */
#include "store/backend.h"
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/base/mount.h"
#include "store/base/path.h"
#include "store/emptydir/kernel_quota.h"
#include "store/emptydir/medium.h"
#include "store/localfs/localfs.h"
#include "store/trash.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define VOLUMES_DIR	"volumes"
#define PLUGIN_DIR	"kubernetes.io~empty-dir"
#define RESOLVE_OUR_OWN (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS)

/* The descriptor is the environment's, which outlives every store. */
struct emptydir_root {
	int pods_fd;
	bool mounted; /* a filesystem of its own is there */
	char path[];  /* below pods_fd */
};

static int emptydir_check(const struct volume_spec *spec, struct error *err)
{
	if (!path_is_name(spec->pod_uid))
		return error_set(err, -EINVAL, "pod UID '%s' is not a name",
				 spec->pod_uid);
	/* A name that begins with a dot is one of our unfinished ones. */
	if (!path_is_name(spec->name) || spec->name[0] == '.')
		return error_set(err, -EINVAL, "volume name '%s' is not a name",
				 spec->name);
	return 0;
}

/* The directory that holds the pod's emptyDirs, below pods_fd. */
static char *emptydir_parent_path(const struct volume_spec *spec)
{
	char *path;

	if (asprintf(&path, "%s/" VOLUMES_DIR "/" PLUGIN_DIR, spec->pod_uid) <
	    0)
		return NULL;
	return path;
}

static int emptydir_open_parent(const struct volume_env *env,
				const struct volume_spec *spec)
{
	cleanup_free char *path = emptydir_parent_path(spec);

	if (!path)
		return -ENOMEM;
	return path_open(env->pods_fd, path, O_RDONLY | O_DIRECTORY,
			 RESOLVE_OUR_OWN);
}

static int emptydir_provision(const struct volume_env *env,
			      const struct volume_spec *spec, struct error *err)
{
	cleanup_free char *path = NULL;
	cleanup_fd int parent = -1;
	int r;

	r = emptydir_check(spec, err);
	if (r < 0)
		return r;
	path = emptydir_parent_path(spec);
	parent = path ? path_make_directories(env->pods_fd, path, 0700)
		      : -ENOMEM;
	errno = -parent;
	if (parent < 0)
		return error_set(err, parent,
				 "cannot make emptyDir volume '%s': %m",
				 spec->name);
	r = medium_of(spec)->make(spec, parent, err);
	if (r < 0)
		error_prefix(err, r, "cannot make emptyDir volume '%s'",
			     spec->name);
	return r;
}

static int emptydir_resize(const struct volume_env *env,
			   const struct volume_spec *old,
			   const struct volume_spec *new, struct error *err)
{
	const struct medium *medium = medium_of(new);
	cleanup_fd int parent = -1;
	cleanup_fd int fd = -1;
	int r;

	if (!medium->resize && medium_size_limit(old) == medium_size_limit(new))
		return 0;
	if (!medium->resize)
		return error_set(
			err, -ENOTSUP,
			"the sizeLimit of an emptyDir %s cannot change "
			"while the pod exists; delete the pod and "
			"apply it again",
			medium == &medium_disk ? "on disk" : "of huge pages");
	parent = emptydir_open_parent(env, new);
	fd = parent < 0 ? parent
			: path_open(parent, new->name, O_RDONLY | O_DIRECTORY,
				    RESOLVE_OUR_OWN);
	errno = -fd;
	r = fd < 0 ? error_set(err, fd, "%m") : medium->check(new, parent);
	errno = -r;
	if (fd >= 0 && r < 0)
		error_set(err, r, "it is not mounted any more: %m");
	if (r == 0)
		r = medium->resize(old, new, fd, err);
	if (r < 0)
		error_prefix(err, r, "emptyDir volume '%s'", new->name);
	return r;
}

/*
 * One that is there is looked at again, too: the daemon may have died between
 * resizing and recording.  What is recorded counts.
 */
static int emptydir_restore(const struct volume_env *env,
			    const struct volume_spec *spec, struct error *err)
{
	cleanup_fd int parent = emptydir_open_parent(env, spec);
	bool is_lost;
	int r = parent;

	if (parent >= 0)
		r = medium_of(spec)->check(spec, parent);
	if (r < 0 && r != -ENOENT) {
		errno = -r;
		return error_set(err, r, "cannot find emptyDir volume '%s': %m",
				 spec->name);
	}
	is_lost = r == -ENOENT;
	r = emptydir_provision(env, spec, err);
	return r < 0 ? r : is_lost;
}

/* Without its mount, the directory below must not be taken for the volume. */
static int emptydir_root(void *arg, int *ret_fd)
{
	const struct emptydir_root *root = arg;
	int fd = path_open(root->pods_fd, root->path, O_PATH | O_DIRECTORY,
			   RESOLVE_OUR_OWN);

	if (fd < 0)
		return fd;
	if (root->mounted && !mount_is_root(fd)) {
		close(fd);
		return -ENXIO;
	}
	*ret_fd = fd;
	return 0;
}

/* Does its filesystem keep its limit?  One that it has not yet counts, too. */
static bool is_limited(const struct volume_spec *spec,
		       const struct emptydir_root *root)
{
	struct volume_kept kept;
	cleanup_fd int fd = -1;

	if (medium_of(spec) != &medium_disk)
		return true;
	fd = path_open(root->pods_fd, root->path, O_RDONLY | O_DIRECTORY,
		       RESOLVE_OUR_OWN);
	return fd >= 0 && kernel_quota_get(fd, &kept) == 0;
}

static int emptydir_open(const struct volume_env *env,
			 const struct volume_spec *spec, struct store **ret,
			 struct error *err)
{
	struct emptydir_root *root;
	size_t size;
	int r;

	r = emptydir_check(spec, err);
	if (r < 0)
		return r;
	size = strlen(spec->pod_uid) + strlen(spec->name) +
	       sizeof("/" VOLUMES_DIR "/" PLUGIN_DIR "/");
	root = malloc(sizeof(*root) + size);
	if (!root)
		return error_set(err, -ENOMEM,
				 "cannot open emptyDir volume '%s': %m",
				 spec->name);
	root->pods_fd = env->pods_fd;
	root->mounted = medium_of(spec) != &medium_disk;
	snprintf(root->path, size, "%s/" VOLUMES_DIR "/" PLUGIN_DIR "/%s",
		 spec->pod_uid, spec->name);
	r = localfs_open(env->localfs, emptydir_root, root, free,
			 LOCALFS_EXCLUSIVE |
				 (is_limited(spec, root) ? LOCALFS_LIMITED : 0),
			 ret, err);
	if (r < 0) {
		free(root);
		error_prefix(err, r, "emptyDir volume '%s'", spec->name);
	}
	return r;
}

static char *emptydir_host_path(const struct volume_env *env,
				const struct volume_spec *spec)
{
	char *path;

	if (asprintf(&path, "%s/pods/%s/" VOLUMES_DIR "/" PLUGIN_DIR "/%s",
		     env->state_dir, spec->pod_uid, spec->name) < 0)
		return NULL;
	return path;
}

static int emptydir_usage(const struct volume_env *env,
			  const struct volume_spec *spec,
			  struct volume_usage *ret)
{
	cleanup_fd int parent = emptydir_open_parent(env, spec);
	cleanup_fd int fd = -1;

	if (parent < 0)
		return parent;
	fd = path_open(parent, spec->name, O_RDONLY | O_DIRECTORY,
		       RESOLVE_OUR_OWN);
	if (fd < 0)
		return fd;
	return medium_of(spec)->usage(fd, ret);
}

static bool emptydir_is_direct(const struct volume_spec *spec)
{
	return medium_of(spec)->direct;
}

/* The directories above the volume, innermost first, as far as they are empty.
 */
static void emptydir_remove_parents(const struct volume_env *env,
				    const struct volume_spec *spec)
{
	cleanup_fd int pod = -1;
	cleanup_fd int volumes = -1;

	pod = path_open(env->pods_fd, spec->pod_uid, O_PATH | O_DIRECTORY,
			RESOLVE_OUR_OWN);
	if (pod < 0)
		return;
	volumes = path_open(pod, VOLUMES_DIR, O_PATH | O_DIRECTORY,
			    RESOLVE_OUR_OWN);
	if (volumes >= 0 && unlinkat(volumes, PLUGIN_DIR, AT_REMOVEDIR) < 0 &&
	    errno != ENOENT)
		return;
	if (unlinkat(pod, VOLUMES_DIR, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return;
	(void)unlinkat(env->pods_fd, spec->pod_uid, AT_REMOVEDIR);
}

/* What is there decides, not what the manifest said. */
static int emptydir_unmount(int parent, const char *name, struct error *err)
{
	int r = mount_detach(parent, name);

	errno = -r;
	if (r < 0)
		return error_set(err, r,
				 "cannot unmount emptyDir volume '%s': %m",
				 name);
	return 0;
}

static int emptydir_teardown(const struct volume_env *env,
			     const struct volume_spec *spec, struct error *err)
{
	cleanup_free char *unfinished = NULL;
	cleanup_fd int parent = -1;
	int r;

	r = emptydir_check(spec, err);
	if (r < 0)
		return r;
	parent = emptydir_open_parent(env, spec);
	if (parent < 0 && parent != -ENOENT) {
		errno = -parent;
		return error_set(err, parent,
				 "cannot remove emptyDir volume '%s': %m",
				 spec->name);
	}
	if (parent >= 0) {
		if (asprintf(&unfinished, ".%s", spec->name) < 0)
			return -ENOMEM;
		(void)unlinkat(parent, unfinished, AT_REMOVEDIR);
		r = emptydir_unmount(parent, spec->name, err);
		if (r < 0)
			return r;
		r = trash_put_at(env->state_fd, parent, spec->name, err);
		if (r < 0)
			return error_prefix(err, r, "emptyDir volume '%s'",
					    spec->name);
	}
	emptydir_remove_parents(env, spec);
	return 0;
}

/* Of the other media the kernel keeps the limit. */
static bool emptydir_is_counted(const struct volume_spec *spec,
				struct volume_limits *ret)
{
	if (medium_of(spec) != &medium_disk)
		return false;
	medium_limits(spec, ret);
	return true;
}

const struct volume_driver emptydir_driver = {
	.source = "emptyDir",
	.plugin = "kubernetes.io/empty-dir",
	.backend = "localfs",
	.exclusive = true,
	.is_direct = emptydir_is_direct,
	.provision = emptydir_provision,
	.restore = emptydir_restore,
	.open = emptydir_open,
	.host_path = emptydir_host_path,
	.usage = emptydir_usage,
	.is_counted = emptydir_is_counted,
	.kept = kernel_quota_get,
	.resize = emptydir_resize,
	.teardown = emptydir_teardown,
};
