/* SPDX-License-Identifier: Apache-2.0 */
/*
 * emptydir.c - the volume source emptyDir: a directory that lives with its pod
 *
 * The tree is pods/<uid>/volumes/kubernetes.io~empty-dir/<name> in the state
 * directory, as the kubelet lays it out.  The directory appears under its name
 * with one rename when all is right with it, so that a directory that is there
 * is never touched again: its mode and owner belong to the pod.
 */
#include "store/backend.h"
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/base/path.h"
#include "store/emptydir/usage.h"
#include "store/localfs/localfs.h"
#include "store/trash.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define VOLUMES_DIR	"volumes"
#define PLUGIN_DIR	"kubernetes.io~empty-dir"
#define DEFAULT_MODE	0777
#define MODE_MAX	01777
#define RESOLVE_OUR_OWN (RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS)

/* The descriptor is the environment's, which outlives every store. */
struct emptydir_root {
	int pods_fd;
	char path[]; /* below pods_fd */
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

static int emptydir_mode(const struct volume_spec *spec, mode_t *ret,
			 struct error *err)
{
	const json_t *mode = json_object_get(spec->source, "mode");

	*ret = DEFAULT_MODE;
	if (!mode || json_is_null(mode))
		return 0;
	if (!json_is_integer(mode) || json_integer_value(mode) < 0 ||
	    json_integer_value(mode) > MODE_MAX)
		return error_set(err, -EINVAL,
				 "mode of emptyDir volume '%s' must be "
				 "between 0000 and 01777 (octal)",
				 spec->name);
	*ret = (mode_t)json_integer_value(mode);
	return 0;
}

static int emptydir_make(int parent, const char *name, mode_t mode)
{
	cleanup_free char *unfinished = NULL;
	cleanup_fd int fd = -1;

	if (asprintf(&unfinished, ".%s", name) < 0)
		return -ENOMEM;
	/* One that a crash left behind is as good. */
	if (mkdirat(parent, unfinished, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(parent, unfinished,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fchown(fd, 0, 0) < 0 || fchmod(fd, mode) < 0)
		return -errno;
	if (renameat(parent, unfinished, parent, name) < 0)
		return -errno;
	/* What is acknowledged is on disk; this takes the parents along. */
	return fsync(parent) < 0 ? -errno : 0;
}

static int emptydir_provision(const struct volume_env *env,
			      const struct volume_spec *spec, struct error *err)
{
	cleanup_free char *path = NULL;
	cleanup_fd int parent = -1;
	struct stat st;
	mode_t mode;
	int r;

	r = emptydir_check(spec, err);
	if (r == 0)
		r = emptydir_mode(spec, &mode, err);
	if (r < 0)
		return r;
	path = emptydir_parent_path(spec);
	parent = path ? path_make_directories(env->pods_fd, path, 0700)
		      : -ENOMEM;
	r = parent;
	if (parent >= 0) {
		if (fstatat(parent, spec->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			r = -errno;
		else
			r = S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
	}
	if (r == -ENOENT)
		r = emptydir_make(parent, spec->name, mode);
	errno = -r;
	if (r < 0)
		error_set(err, r, "cannot make emptyDir volume '%s': %m",
			  spec->name);
	return r;
}

static int emptydir_root(void *arg, int *ret_fd)
{
	const struct emptydir_root *root = arg;
	int fd = path_open(root->pods_fd, root->path, O_PATH | O_DIRECTORY,
			   RESOLVE_OUR_OWN);

	if (fd < 0)
		return fd;
	*ret_fd = fd;
	return 0;
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
	snprintf(root->path, size, "%s/" VOLUMES_DIR "/" PLUGIN_DIR "/%s",
		 spec->pod_uid, spec->name);
	r = localfs_open(env->localfs, emptydir_root, root, free, true, ret,
			 err);
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
	return usage_of_tree(fd, ret);
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
		r = trash_put_at(env->state_fd, parent, spec->name, err);
		if (r < 0)
			return error_prefix(err, r, "emptyDir volume '%s'",
					    spec->name);
	}
	emptydir_remove_parents(env, spec);
	return 0;
}

const struct volume_driver emptydir_driver = {
	.source = "emptyDir",
	.plugin = "kubernetes.io/empty-dir",
	.backend = "localfs",
	.exclusive = true,
	.provision = emptydir_provision,
	.open = emptydir_open,
	.host_path = emptydir_host_path,
	.usage = emptydir_usage,
	.teardown = emptydir_teardown,
};
