/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostpath.c - the volume source hostPath: what is at a path of this host
 *
 * The path is looked up anew whenever the root of the volume is: it may
 * vanish, come back, or become something else.  Nothing is ever deleted, and
 * nothing that was there before is ever changed.
 */
#include "store/backend.h"
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/base/path.h"
#include "store/hostpath/place.h"
#include "store/localfs/localfs.h"
#include "store/plan.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* Makes what rest names below dir_fd; 0 or -errno. */
typedef int make_fn(int dir_fd, const char *rest);

struct host_type {
	const char *name;
	mode_t format;	  /* what must be there; 0: anything */
	const char *noun; /* the same for humans */
	make_fn *make;	  /* NULL: must exist already */
};

/*
 * Only an object made here gets its mode from here, by the creating call: a
 * later chmod could hit something else.
 */
static int make_directory(int dir_fd, const char *rest)
{
	cleanup_fd int fd = -1;
	char name[NAME_MAX + 1];
	int r;

	if (path_has_dotdot(rest))
		return -ENOENT;
	while ((r = path_next_name(&rest, name)) > 0) {
		int next;

		if (mkdirat(dir_fd, name, 0755) < 0 && errno != EEXIST)
			return -errno;
		next = openat(dir_fd, name,
			      O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return -errno;
		closep(&fd);
		dir_fd = fd = next;
	}
	return r;
}

static int make_file(int dir_fd, const char *rest)
{
	cleanup_fd int fd = -1;
	char name[NAME_MAX + 1];
	int r = path_next_name(&rest, name);

	if (r == 0 || path_next(&rest, &(size_t){ 0 }))
		return -ENOENT; /* parents are not made */
	if (r < 0)
		return r;
	fd = openat(dir_fd, name,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	return fd < 0 && errno != EEXIST ? -errno : 0;
}

static const struct host_type host_types[] = {
	{ "", 0, "anything", NULL },
	{ "DirectoryOrCreate", S_IFDIR, "a directory", make_directory },
	{ "Directory", S_IFDIR, "a directory", NULL },
	{ "FileOrCreate", S_IFREG, "a regular file", make_file },
	{ "File", S_IFREG, "a regular file", NULL },
	{ "Socket", S_IFSOCK, "a socket", NULL },
	{ "CharDevice", S_IFCHR, "a character device", NULL },
	{ "BlockDevice", S_IFBLK, "a block device", NULL },
};

#define N_HOST_TYPES (sizeof(host_types) / sizeof(host_types[0]))

static const char *format_noun(mode_t mode)
{
	if (S_ISFIFO(mode))
		return "a fifo";
	if (S_ISLNK(mode))
		return "a symbolic link";
	for (size_t i = 0; i < N_HOST_TYPES; i++) {
		if (host_types[i].format == (mode & S_IFMT))
			return host_types[i].noun;
	}
	return "of no known kind";
}

static const struct host_type *host_type_find(const char *name)
{
	for (size_t i = 0; i < N_HOST_TYPES; i++) {
		if (strcmp(host_types[i].name, name) == 0)
			return &host_types[i];
	}
	return NULL;
}

static const char *spec_path(const struct volume_spec *spec)
{
	const char *path =
		json_string_value(json_object_get(spec->source, "path"));

	return path ? path : "";
}

static int spec_place(const struct volume_env *env,
		      const struct volume_spec *spec, struct place **ret,
		      struct error *err)
{
	const char *path = spec_path(spec);
	int r;

	if (path[0] != '/' || path_has_dotdot(path))
		return error_set(err, -EINVAL,
				 "hostPath '%s' of volume '%s' must be "
				 "absolute and without '..'",
				 path, spec->name);
	if (strlen(path) >= PATH_MAX)
		return error_set(err, -ENAMETOOLONG,
				 "hostPath of volume '%s' must be shorter "
				 "than %d bytes",
				 spec->name, PATH_MAX);
	r = place_new(env, path, ret);
	if (r < 0)
		return error_set(err, r, "cannot open volume '%s': %m",
				 spec->name);
	return 0;
}

/* Put in words why a lookup failed. */
static int lookup_error(int r, const struct volume_spec *spec,
			struct error *err)
{
	const char *path = spec_path(spec);

	switch (r) {
	case PLACE_NOT_ALLOWED:
		return error_set(err, -EACCES,
				 "hostPath '%s' of volume '%s' is not beneath "
				 "a path that this daemon allows "
				 "(see 'host-path-allow')",
				 path, spec->name);
	case PLACE_IN_MOUNT:
		return error_set(err, -ELOOP,
				 "hostPath '%s' of volume '%s' leads into the "
				 "mount that serves it; name a path outside",
				 path, spec->name);
	case PLACE_IN_STATE_DIR:
		return error_set(err, -EACCES,
				 "hostPath '%s' of volume '%s' leads into the "
				 "state directory of this daemon; "
				 "name a path outside",
				 path, spec->name);
	default:
		errno = -r;
		return error_set(err, r,
				 "cannot use hostPath '%s' of volume '%s': %m",
				 path, spec->name);
	}
}

static int missing_error(const struct host_type *type,
			 const struct volume_spec *spec, struct error *err)
{
	if (type->make == make_file)
		return error_set(err, -ENOENT,
				 "hostPath '%s' of volume '%s' cannot be made: "
				 "the directory for it does not exist, "
				 "and type FileOrCreate does not make it",
				 spec_path(spec), spec->name);
	return error_set(err, -ENOENT,
			 "hostPath '%s' of volume '%s' does not exist, "
			 "and type %s requires %s there",
			 spec_path(spec), spec->name, type->name, type->noun);
}

static int format_error(mode_t mode, const struct host_type *type,
			const struct volume_spec *spec, struct error *err)
{
	return error_set(err, -EINVAL,
			 "hostPath '%s' of volume '%s' is %s, "
			 "but type %s requires %s there",
			 spec_path(spec), spec->name, format_noun(mode),
			 type->name, type->noun);
}

/* May these names be made? */
static int check_names(const char *names)
{
	char name[NAME_MAX + 1];
	int r;

	if (path_has_dotdot(names))
		return -ENOENT;
	do {
		r = path_next_name(&names, name);
	} while (r > 0);
	return r;
}

/* Would the type make rest below a directory, as far as that is told now? */
static int check_missing(const struct host_type *type, int dir_fd,
			 const char *rest)
{
	size_t len;
	int r;

	if (!type->make)
		return -ENOENT;
	r = check_names(rest);
	if (r < 0)
		return r;
	path_next(&rest, &len);
	/* As make_file(): parents are not made. */
	if (type->make == make_file && path_next(&rest, &len))
		return -ENOENT;
	return faccessat(dir_fd, ".", W_OK, AT_EACCESS) < 0 ? -errno : 0;
}

/* Nothing is there: plan to make it, or find it planned already. */
static int plan_missing(struct plan *plan, const struct host_type *type,
			int dir_fd, const char *rest, mode_t *ret_format)
{
	const char *missing = plan_reach(plan, dir_fd, rest, ret_format);
	int r;

	if (!*missing)
		return 0;
	if (*ret_format != S_IFDIR)
		return -ENOTDIR;
	*ret_format = type->format;
	r = check_missing(type, dir_fd, missing);
	return r < 0 ? r : plan_add(plan, dir_fd, rest, type->format);
}

/* Nothing is there: make it, or only plan to, or say that it must be there. */
static int provision_missing(struct place *place, const struct host_type *type,
			     const struct volume_spec *spec, struct plan *plan,
			     struct error *err)
{
	mode_t format = type->format;
	cleanup_fd int dir_fd = -1;
	char rest[PATH_MAX];
	int r;

	dir_fd = place_open_missing(place, rest);
	if (dir_fd == -EEXIST)
		return 0;
	/* Unset: may appear later; the prefix it belongs to as well. */
	if (dir_fd == -ENOENT && type->format == 0)
		return 0;
	if (dir_fd == -ENOENT)
		return missing_error(type, spec, err);
	if (dir_fd < 0)
		return lookup_error(dir_fd, spec, err);
	if (type->format == 0)
		return 0;
	if (plan)
		r = plan_missing(plan, type, dir_fd, rest, &format);
	else
		r = type->make ? type->make(dir_fd, rest) : -ENOENT;
	if (r == -ENOENT)
		return missing_error(type, spec, err);
	errno = -r;
	if (r < 0)
		return error_set(err, r,
				 "cannot make hostPath '%s' of volume '%s': %m",
				 spec_path(spec), spec->name);
	return format == type->format ? 0
				      : format_error(format, type, spec, err);
}

static int provision_type(struct place *place, const struct host_type *type,
			  const struct volume_spec *spec, struct plan *plan,
			  struct error *err)
{
	cleanup_fd int fd = place_open(place);
	struct stat st;
	int r;

	if (fd == -ENOENT) {
		r = provision_missing(place, type, spec, plan, err);
		if (r < 0 || type->format == 0 || plan)
			return r;
		fd = place_open(place);
	}
	if (fd < 0)
		return lookup_error(fd, spec, err);
	if (fstat(fd, &st) < 0)
		return lookup_error(-errno, spec, err);
	if (type->format && (st.st_mode & S_IFMT) != type->format)
		return format_error(st.st_mode, type, spec, err);
	return 0;
}

/* With a plan, only look. */
static int provision(const struct volume_env *env,
		     const struct volume_spec *spec, struct plan *plan,
		     struct error *err)
{
	const char *name =
		json_string_value(json_object_get(spec->source, "type"));
	const struct host_type *type = host_type_find(name ? name : "");
	struct place *place;
	int r;

	if (!type)
		return error_set(err, -EINVAL,
				 "type '%s' of hostPath volume '%s' is not one "
				 "of DirectoryOrCreate, Directory, "
				 "FileOrCreate, File, Socket, CharDevice, "
				 "BlockDevice",
				 name, spec->name);
	r = spec_place(env, spec, &place, err);
	if (r < 0)
		return r;
	r = provision_type(place, type, spec, plan, err);
	place_free(place);
	return r;
}

static int hostpath_provision(const struct volume_env *env,
			      const struct volume_spec *spec, struct error *err)
{
	return provision(env, spec, NULL, err);
}

static int hostpath_check(const struct volume_env *env,
			  const struct volume_spec *spec, struct plan *plan,
			  struct error *err)
{
	return provision(env, spec, plan, err);
}

static int hostpath_root(void *arg, int *ret_fd)
{
	int fd = place_open(arg);

	switch (fd) {
	case PLACE_NOT_ALLOWED:
	case PLACE_IN_STATE_DIR:
		return -EACCES;
	case PLACE_IN_MOUNT:
		return -ELOOP;
	default:
		break;
	}
	if (fd < 0)
		return fd;
	*ret_fd = fd;
	return 0;
}

static void hostpath_free(void *arg)
{
	place_free(arg);
}

static int hostpath_open(const struct volume_env *env,
			 const struct volume_spec *spec, struct store **ret,
			 struct error *err)
{
	struct place *place;
	int r;

	r = spec_place(env, spec, &place, err);
	if (r < 0)
		return r;
	r = localfs_open(env->localfs, hostpath_root, place, hostpath_free, 0,
			 ret, err);
	if (r < 0) {
		place_free(place);
		error_prefix(err, r, "hostPath volume '%s'", spec->name);
	}
	return r;
}

static char *hostpath_host_path(const struct volume_env *env,
				const struct volume_spec *spec)
{
	(void)env;
	return strdup(spec_path(spec));
}

/* What is there is not ours to count, unless we are asked to. */
static bool hostpath_has_census(const struct volume_spec *spec)
{
	return json_is_true(json_object_get(spec->pod, "usage"));
}

static bool hostpath_is_watched(const struct volume_spec *spec)
{
	return json_is_true(json_object_get(spec->pod, "watch"));
}

static int hostpath_usage(const struct volume_env *env,
			  const struct volume_spec *spec,
			  struct volume_usage *ret)
{
	(void)env;
	(void)spec;
	*ret = (struct volume_usage){ .used_bytes = -1, .used_inodes = -1 };
	return 0;
}

static int hostpath_teardown(const struct volume_env *env,
			     const struct volume_spec *spec, struct error *err)
{
	(void)env;
	(void)spec;
	(void)err;
	return 0;
}

const struct volume_driver hostpath_driver = {
	.source = "hostPath",
	.plugin = "kubernetes.io/host-path",
	.backend = "localfs",
	.exclusive = false,
	.provision = hostpath_provision,
	.check = hostpath_check,
	.open = hostpath_open,
	.host_path = hostpath_host_path,
	.usage = hostpath_usage,
	.has_census = hostpath_has_census,
	.is_watched = hostpath_is_watched,
	.teardown = hostpath_teardown,
};
