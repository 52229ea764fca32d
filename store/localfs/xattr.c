/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xattr.c - extended attributes, ACLs among them
 *
 * The calls that take a descriptor refuse O_PATH, so these take the path of
 * the descriptor in /proc: it leads to the very file, also if that is a
 * symbolic link, which is not followed further.
 */
#include <errno.h>
#include <sys/xattr.h>

#include "store/localfs/ops.h"
#include "store/localfs/pin.h"
#include "store/localfs/state.h"

static int pin_with_path(struct store *st, const struct store_handle *h,
			 struct pin *pin, char path[static PIN_PATH_MAX])
{
	int r;

	r = pin_open(local_of(st), h, pin);
	if (r == 0)
		pin_path(pin, path);
	return r;
}

ssize_t local_getxattr(struct store *st, const struct store_handle *h,
		       const char *name, void *value, size_t size)
{
	cleanup_pin struct pin pin = PIN_INIT;
	char path[PIN_PATH_MAX];
	ssize_t n;
	int r;

	r = pin_with_path(st, h, &pin, path);
	if (r < 0)
		return r;
	n = getxattr(path, name, value, size);
	return n < 0 ? -errno : n;
}

int local_setxattr(struct store *st, const struct store_handle *h,
		   const char *name, const void *value, size_t size, int flags)
{
	cleanup_pin struct pin pin = PIN_INIT;
	char path[PIN_PATH_MAX];
	int r;

	r = pin_with_path(st, h, &pin, path);
	if (r < 0)
		return r;
	return setxattr(path, name, value, size, flags) < 0 ? -errno : 0;
}

ssize_t local_listxattr(struct store *st, const struct store_handle *h,
			char *list, size_t size)
{
	cleanup_pin struct pin pin = PIN_INIT;
	char path[PIN_PATH_MAX];
	ssize_t n;
	int r;

	r = pin_with_path(st, h, &pin, path);
	if (r < 0)
		return r;
	n = listxattr(path, list, size);
	return n < 0 ? -errno : n;
}

int local_removexattr(struct store *st, const struct store_handle *h,
		      const char *name)
{
	cleanup_pin struct pin pin = PIN_INIT;
	char path[PIN_PATH_MAX];
	int r;

	r = pin_with_path(st, h, &pin, path);
	if (r < 0)
		return r;
	return removexattr(path, name) < 0 ? -errno : 0;
}
