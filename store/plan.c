/* SPDX-License-Identifier: Apache-2.0 */
/* plan.c - what the volumes of a pod are about to make on the host */
#include "store/plan.h"

#include "store/base/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct plan_entry {
	dev_t dev; /* of the directory that is there */
	ino_t ino;
	char *rest;
	mode_t format;
};

void plan_done(struct plan *plan)
{
	for (size_t i = 0; i < plan->n; i++)
		free(plan->entries[i].rest);
	free(plan->entries);
	*plan = (struct plan){ 0 };
}

int plan_add(struct plan *plan, int dir_fd, const char *rest, mode_t format)
{
	struct plan_entry *entries;
	struct stat dir;
	char *copy;

	if (fstat(dir_fd, &dir) < 0)
		return -errno;
	entries = reallocarray(plan->entries, plan->n + 1, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	plan->entries = entries;
	copy = strdup(rest);
	if (!copy)
		return -ENOMEM;
	entries[plan->n++] =
		(struct plan_entry){ dir.st_dev, dir.st_ino, copy, format };
	return 0;
}

/* The next component but ".", which is where we are. */
static const char *next_name(const char **path, size_t *ret_len)
{
	const char *name;

	do {
		name = path_next(path, ret_len);
	} while (name && *ret_len == 1 && *name == '.');
	return name;
}

/* What is left of rest behind the components that made begins with, too. */
static const char *reach(const struct plan_entry *made, const char *rest,
			 mode_t *ret)
{
	const char *other = made->rest;
	size_t other_len;
	size_t len;

	for (;;) {
		const char *other_name = next_name(&other, &other_len);
		const char *behind = rest;
		const char *name = next_name(&behind, &len);

		*ret = other_name ? S_IFDIR : made->format;
		if (!name)
			return "";
		if (!other_name || len != other_len ||
		    memcmp(name, other_name, len) != 0)
			return name;
		rest = behind;
	}
}

const char *plan_reach(const struct plan *plan, int dir_fd, const char *rest,
		       mode_t *ret)
{
	const char *least = rest;
	struct stat dir;

	*ret = S_IFDIR;
	if (fstat(dir_fd, &dir) < 0)
		return rest;
	for (size_t i = 0; i < plan->n; i++) {
		const struct plan_entry *made = &plan->entries[i];
		const char *left;
		mode_t format;

		if (made->dev != dir.st_dev || made->ino != dir.st_ino)
			continue;
		left = reach(made, rest, &format);
		if (strlen(left) < strlen(least)) {
			least = left;
			*ret = format;
		}
	}
	return least;
}
