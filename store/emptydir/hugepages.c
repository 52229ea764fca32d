/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hugepages.c - an emptyDir of huge pages: a hugetlbfs of its own
 *
 * Only a mapping of a file on the hugetlbfs itself gets huge pages, so
 * containers are given this mount, not a view of it through ours.
 */
#include "store/backend.h"
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/base/mount.h"
#include "store/emptydir/medium.h"
#include "store/emptydir/usage.h"
#include "store/manifest/quantity.h"

#include <assert.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define NUMBER_SIZE 24

/* The size that the medium names, or the only one that the pod requests. */
static int page_size(const struct volume_spec *spec, int64_t *ret,
		     struct error *err)
{
	const char *medium = medium_name(spec);

	*ret = medium_pod_number(spec, "hugePageSize", 0);
	if (strncmp(medium, "HugePages-", strlen("HugePages-")) == 0 &&
	    quantity_parse(medium + strlen("HugePages-"), ret) < 0)
		*ret = 0;
	if (*ret <= 0)
		return error_set(err, -EINVAL,
				 "no container requests huge pages");
	return 0;
}

/* Does this machine have pages of the size? */
static int check_size(int64_t size, struct error *err)
{
	char text[NUMBER_SIZE];
	char path[128];

	snprintf(path, sizeof(path),
		 "/sys/kernel/mm/hugepages/hugepages-%lldkB",
		 (long long)size / 1024);
	if (access(path, F_OK) == 0)
		return 0;
	quantity_format(size, text, sizeof(text));
	return error_set(err, -EINVAL,
			 "this machine has no huge pages of %s; see "
			 "/sys/kernel/mm/hugepages for those that it has",
			 text);
}

/* A limit is rounded down to whole pages; less than one page is no volume. */
static int limit_text(const struct volume_spec *spec, int64_t page, char *buf,
		      size_t size, struct error *err)
{
	int64_t limit = medium_size_limit(spec);
	char text[NUMBER_SIZE];

	assert(page > 0);
	if (limit > 0 && limit < page) {
		quantity_format(page, text, sizeof(text));
		return error_set(err, -EINVAL,
				 "its sizeLimit is less than one huge page of "
				 "%s",
				 text);
	}
	snprintf(buf, size, "%lld", (long long)(limit - limit % page));
	return limit > 0;
}

static int hugepages_mount(const struct volume_spec *spec, int64_t page,
			   int dir, struct error *err)
{
	char pagesize[NUMBER_SIZE];
	char size[NUMBER_SIZE];
	char mode[NUMBER_SIZE];
	char uid[NUMBER_SIZE];
	char gid[NUMBER_SIZE];
	struct mount_option options[] = {
		{ "pagesize", pagesize, false }, { "mode", mode, false },
		{ "uid", uid, false },		 { "gid", gid, false },
		{ "size", size, false },	 { NULL, NULL, false },
	};
	struct medium_owner owner;
	int r;

	r = medium_owner(spec, medium_hugepages.mode, &owner, err);
	if (r < 0)
		return r;
	r = limit_text(spec, page, size, sizeof(size), err);
	if (r < 0)
		return r;
	if (r == 0)
		options[4].key = NULL;
	snprintf(pagesize, sizeof(pagesize), "%lld", (long long)page);
	snprintf(mode, sizeof(mode), "%o", owner.mode);
	snprintf(uid, sizeof(uid), "%u", owner.uid);
	snprintf(gid, sizeof(gid), "%u", owner.gid);
	return mount_new("hugetlbfs", options, dir, err);
}

static int hugepages_check(const struct volume_spec *spec, int parent)
{
	cleanup_fd int fd = medium_open_mount(spec, parent, HUGETLBFS_MAGIC);

	return fd < 0 ? fd : 0;
}

/* One that is there must have the pages that are asked for. */
static int check_mounted(int mounted, int64_t page, struct error *err)
{
	char wanted[NUMBER_SIZE];
	char found[NUMBER_SIZE];
	struct statfs st;

	if (fstatfs(mounted, &st) < 0)
		return error_set(err, -errno,
				 "cannot tell the page size of the hugetlbfs "
				 "that is mounted there already: %m");
	if (st.f_bsize == page)
		return 0;
	quantity_format(page, wanted, sizeof(wanted));
	quantity_format(st.f_bsize, found, sizeof(found));
	return error_set(err, -EINVAL,
			 "a hugetlbfs with pages of %s is mounted there "
			 "already, not of %s",
			 found, wanted);
}

static int hugepages_make(const struct volume_spec *spec, int parent,
			  struct error *err)
{
	cleanup_fd int mounted = -1;
	cleanup_fd int dir = -1;
	int64_t page;
	int r;

	r = page_size(spec, &page, err);
	if (r == 0)
		r = check_size(page, err);
	if (r < 0)
		return r;
	mounted = medium_open_mount(spec, parent, HUGETLBFS_MAGIC);
	if (mounted >= 0)
		return check_mounted(mounted, page, err);
	dir = medium_open_place(spec, parent, err);
	return dir < 0 ? dir : hugepages_mount(spec, page, dir, err);
}

const struct medium medium_hugepages = {
	.direct = true,
	.mode = 0777,
	.make = hugepages_make,
	.check = hugepages_check,
	.usage = usage_of_tree,
};
