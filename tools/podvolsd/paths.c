/* SPDX-License-Identifier: Apache-2.0 */
/* paths.c - directories that the daemon makes for itself */
#include "tools/podvolsd/paths.h"

#include "store/base/cleanup.h"
#include "store/base/error.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static int make_one(const char *path, mode_t mode, struct error *err)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return 0;
	if (errno != EEXIST && errno != EROFS && errno != EACCES)
		return error_set(err, -errno, "cannot make directory '%s': %m",
				 path);
	if (stat(path, &st) < 0)
		return error_set(err, -errno, "cannot make directory '%s': %m",
				 path);
	if (!S_ISDIR(st.st_mode))
		return error_set(err, -ENOTDIR, "'%s' is not a directory",
				 path);
	return 0;
}

int paths_make(const char *path, mode_t mode, struct error *err)
{
	cleanup_free char *copy = strdup(path);

	if (!copy)
		return error_set(err, -ENOMEM, "out of memory");
	for (char *slash = copy + 1; (slash = strchr(slash, '/')); slash++) {
		int r;

		*slash = '\0';
		r = make_one(copy, 0755, err);
		if (r < 0)
			return r;
		*slash = '/';
	}
	return make_one(copy, mode, err);
}

int paths_make_parent(const char *path, mode_t mode, struct error *err)
{
	cleanup_free char *copy = strdup(path);
	char *slash;

	if (!copy)
		return error_set(err, -ENOMEM, "out of memory");
	slash = strrchr(copy, '/');
	if (!slash || slash == copy)
		return 0;
	*slash = '\0';
	return paths_make(copy, mode, err);
}
