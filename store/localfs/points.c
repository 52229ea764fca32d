/* SPDX-License-Identifier: Apache-2.0 */
/* points.c - where on watched mounts other mounts begin */
#include "store/localfs/points.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "store/base/cleanup.h"
#include "store/localfs/handle.h"

static bool is_watched(const struct points *points, uint64_t mount_id)
{
	size_t i = 0;

	while (i < points->n_mounts && points->mounts[i] != mount_id)
		i++;
	return i < points->n_mounts;
}

bool points_add_mount(struct points *points, uint64_t mount_id)
{
	if (is_watched(points, mount_id))
		return false;
	/* Those that are gone leave their places to all the others. */
	if (points->n_mounts == REALM_MAX)
		points->n_mounts = 0;
	points->mounts[points->n_mounts++] = mount_id;
	return true;
}

void points_free(struct point *first)
{
	while (first) {
		struct point *next = first->next;

		free(first);
		first = next;
	}
}

/* As the kernel writes them: a backslash and three octal digits. */
static void unescape(char *text)
{
	char *to = text;

	for (; *text; text++, to++) {
		*to = *text;
		if (*text != '\\' || strlen(text) < 4)
			continue;
		*to = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 |
			     (text[3] - '0'));
		text += 3;
	}
	*to = '\0';
}

static struct point *point_new(char *path)
{
	char *slash = strrchr(path, '/');
	struct store_handle h;
	struct point *point;
	size_t len;
	int mount_id;

	if (!slash || !slash[1])
		return NULL;
	*slash = '\0';
	if (handle_make(AT_FDCWD, slash == path ? "/" : path, 0, 0, S_IFDIR, &h,
			&mount_id) < 0)
		return NULL;
	len = strlen(slash + 1) + 1;
	point = malloc(sizeof(*point) + len);
	if (!point)
		return NULL;
	point->dir = h;
	memcpy(point->name, slash + 1, len);
	return point;
}

struct point *points_read(struct points *points)
{
	FILE *table = fopen("/proc/self/mountinfo", "re");
	struct point *before = points->first;
	cleanup_free char *line = NULL;
	size_t size = 0;

	if (!table)
		return NULL;
	points->first = NULL;
	while (getline(&line, &size, table) > 0) {
		struct point *point;
		uint64_t parent;
		char path[PATH_MAX];

		/* Paths elsewhere may lead over a server that is dead. */
		if (sscanf(line, "%*u %" SCNu64 " %*s %*s %4095s", &parent,
			   path) != 2 ||
		    !is_watched(points, parent))
			continue;
		unescape(path);
		point = point_new(path);
		if (!point)
			continue;
		point->next = points->first;
		points->first = point;
	}
	(void)fclose(table);
	return before;
}
