/* SPDX-License-Identifier: Apache-2.0 */
/* test_localfs.c - what localfs promises beyond the contract of all families */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/contract/contract.h"

static struct localfs_stats stats_of(struct volume_under_test *v)
{
	struct localfs_stats stats;

	localfs_stats(v->lfs, &stats);
	return stats;
}

CONTRACT(known_files_cost_no_descriptor_where_there_are_handles)
{
	struct volume_under_test *v = volume_open(place);
	unsigned before = open_descriptors();
	char name[16];

	for (int i = 0; i < 500; i++) {
		struct store_handle d;

		snprintf(name, sizeof(name), "d%d", i);
		d = must_mkdir(v, &v->root, name);
		must_create(v, &d, "f", "");
	}
	if (v->no_handles) {
		cr_expect(eq(sz, stats_of(v).held_fds, 1001));
		return;
	}
	cr_expect(le(uint, open_descriptors(), before + 16));
	cr_expect(le(sz, stats_of(v).dir_fds, 16));
	cr_expect(eq(sz, stats_of(v).held_fds, 0));
}

CONTRACT(forgotten_files_give_their_descriptors_back)
{
	struct volume_under_test *v = volume_open(place);
	unsigned before = open_descriptors();
	char name[16];

	for (int i = 0; i < 500; i++) {
		struct store_handle h;

		snprintf(name, sizeof(name), "f%d", i);
		h = must_create(v, &v->root, name, "");
		store_forget(v->st, &h);
	}
	cr_expect(le(uint, open_descriptors(), before + 64),
		  "a few stay for a while");
}

CONTRACT(a_forgotten_file_that_is_looked_up_again_is_found)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle a = must_create(v, &v->root, "a", "");
	struct store_handle again;

	/* As when one thread forgets what another just found. */
	again = must_lookup(v, &v->root, "a");
	store_forget(v->st, &a);
	must_getattr(v, &again);
	store_forget(v->st, &again);
	again = must_lookup(v, &v->root, "a");
	must_getattr(v, &again);
}

CONTRACT(volumes_on_one_filesystem_share_its_descriptor)
{
	struct volume_under_test *v = volume_open(place);
	struct store *more[200];
	struct store_handle h;
	struct statx attr;
	unsigned before;

	before = open_descriptors();
	for (int i = 0; i < 200; i++) {
		more[i] = volume_open_path(v, v->dir);
		cr_assert(eq(int, store_root(more[i], &h, &attr), 0));
		cr_expect(store_handle_equal(&h, &v->root));
	}
	cr_expect(eq(sz, stats_of(v).realms, 1));
	cr_expect(le(uint, open_descriptors(), before + 1));
	for (int i = 0; i < 200; i++)
		store_close(more[i]);
}

CONTRACT(a_removed_file_is_known_until_it_is_forgotten)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle d = must_mkdir(v, &v->root, "d");
	struct store_handle a = must_create(v, &v->root, "a", "abc");
	struct store_handle b = must_create(v, &v->root, "b", "");
	unsigned before = open_descriptors();
	struct statx attr;

	cr_assert(eq(int, store_rmdir(v->st, &v->root, "d"), 0));
	cr_assert(eq(int, store_unlink(v->st, &v->root, "a"), 0));
	cr_assert(eq(int, store_rename(v->st, &v->root, "b", &v->root, "c", 0),
		     0));
	cr_expect(eq(u32, must_getattr(v, &d).stx_nlink, 0));
	cr_expect(eq(u64, must_getattr(v, &a).stx_size, 3));
	cr_expect(eq(u32, must_getattr(v, &b).stx_nlink, 1));
	store_forget(v->st, &d);
	store_forget(v->st, &a);
	store_forget(v->st, &b);
	cr_expect(eq(int, store_getattr(v->st, &a, NULL, &attr), -ESTALE));
	cr_expect(eq(int, store_getattr(v->st, &d, NULL, &attr), -ESTALE));
	cr_expect(le(uint, open_descriptors(), before));
}

CONTRACT(a_file_that_was_replaced_is_known_until_it_is_forgotten)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle a = must_create(v, &v->root, "a", "abc");

	must_create(v, &v->root, "b", "");
	cr_assert(eq(int, store_rename(v->st, &v->root, "b", &v->root, "a", 0),
		     0));
	cr_expect(eq(u32, must_getattr(v, &a).stx_nlink, 0));
}

/* Looked at, as an open file is again and again. */
static struct store_handle must_look_at(struct volume_under_test *v,
					const char *name)
{
	struct store_handle h = must_create(v, &v->root, name, "abc");

	cr_assert(eq(u64, must_getattr(v, &h).stx_size, 3));
	return h;
}

CONTRACT(descriptors_of_files_are_kept_of_exclusive_volumes_only)
{
	struct volume_under_test *v = volume_open(place);
	bool kept = v->exclusive && !v->no_handles;
	char name[16];

	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		must_look_at(v, name);
	}
	cr_expect(le(sz, stats_of(v).file_fds, kept ? 16 : 0));
	cr_expect(ge(sz, stats_of(v).file_fds, kept ? 8 : 0));
}

CONTRACT(a_removed_file_is_let_go_when_it_is_forgotten)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle h = must_look_at(v, "f");

	cr_assert(eq(int, store_unlink(v->st, &v->root, "f"), 0));
	cr_expect(eq(u32, must_getattr(v, &h).stx_nlink, 0));
	store_forget(v->st, &h);
	cr_expect(eq(sz, stats_of(v).file_fds, 0));
}

CONTRACT(where_room_is_limited_a_removed_file_is_held_by_who_has_it_open)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle closed = must_look_at(v, "closed");
	struct store_handle used = must_look_at(v, "used");
	bool limited = v->flags & LOCALFS_LIMITED && !v->no_handles;
	struct store_file *file;
	struct store_file *again;

	cr_assert(eq(int, store_open(v->st, &used, O_RDWR, &file), 0));
	cr_assert(eq(int, store_unlink(v->st, &v->root, "closed"), 0));
	cr_assert(eq(int, store_unlink(v->st, &v->root, "used"), 0));
	cr_expect(eq(int, store_open(v->st, &closed, O_RDONLY, &again),
		     limited ? -ESTALE : 0));
	if (!limited)
		store_release(v->st, again);
	cr_assert(eq(i64, store_pwrite(v->st, file, "abcdef", 6, 0), 6));
	store_release(v->st, file);
	/* Attributes: as it was when it went, or as it is. */
	cr_expect(eq(u32, must_getattr(v, &closed).stx_nlink, 0));
	cr_expect(eq(u64, must_getattr(v, &closed).stx_size, 3));
	cr_expect(eq(u64, must_getattr(v, &used).stx_size, 6));
}

CONTRACT(where_room_is_limited_a_file_that_was_replaced_goes_at_once)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle h = must_look_at(v, "old");
	bool limited = v->flags & LOCALFS_LIMITED && !v->no_handles;
	struct store_file *file;

	must_create(v, &v->root, "new", "");
	cr_assert(eq(int,
		     store_rename(v->st, &v->root, "new", &v->root, "old", 0),
		     0));
	cr_expect(eq(int, store_open(v->st, &h, O_RDONLY, &file),
		     limited ? -ESTALE : 0));
	if (!limited)
		store_release(v->st, file);
	cr_expect(eq(u32, must_getattr(v, &h).stx_nlink, 0));
}

CONTRACT(however_many_files_are_removed_few_are_held)
{
	struct volume_under_test *v = volume_open(place);
	bool limited = v->flags & LOCALFS_LIMITED && !v->no_handles;
	struct store_handle last;
	struct statx attr;
	char name[16];

	for (int i = 0; i < 600; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		last = must_look_at(v, name);
		cr_assert(eq(int, store_unlink(v->st, &v->root, name), 0));
	}
	if (v->no_handles)
		return;
	cr_expect(le(sz, stats_of(v).held_fds, limited ? 0 : 512));
	cr_expect(le(sz, stats_of(v).file_fds, limited ? 0 : 16));
	if (limited)
		cr_expect(eq(int, store_getattr(v->st, &last, NULL, &attr),
			     -ESTALE));
}

CONTRACT(everything_is_closed_with_the_last_volume)
{
	struct volume_under_test *v = volume_open(place);

	must_mkdir(v, &v->root, "d");
	must_look_at(v, "f");
	must_mkdir(v, &v->root, "removed");
	cr_assert(eq(int, store_rmdir(v->st, &v->root, "removed"), 0));
	store_close(v->st);
	v->st = NULL;
	cr_expect(eq(sz, stats_of(v).realms, 0));
	cr_expect(eq(sz, stats_of(v).dir_fds, 0));
	cr_expect(eq(sz, stats_of(v).file_fds, 0));
	cr_expect(eq(sz, stats_of(v).held_fds, 0));
}

CONTRACT(a_volume_does_not_know_the_handles_of_another_filesystem)
{
	struct volume_under_test *v = volume_open(place);
	struct store *proc = volume_open_path(v, "/proc");
	struct store_handle h;
	struct statx attr;

	cr_assert(eq(int, store_root(proc, &h, &attr), 0));
	cr_expect(eq(int, store_getattr(v->st, &h, NULL, &attr), -ESTALE));
	cr_expect(eq(int, store_getattr(proc, &v->root, NULL, &attr), -ESTALE));
	store_close(proc);
}

CONTRACT(filesystems_without_handles_work)
{
	struct volume_under_test *v = volume_open(place);
	struct store *proc = volume_open_path(v, "/proc/sys/kernel");
	struct store_handle root;
	struct store_handle h;
	struct store_file *file;
	struct statx attr;
	char buf[64];

	cr_assert(eq(int, store_root(proc, &root, &attr), 0));
	cr_assert(eq(int, store_lookup(proc, &root, "ostype", &h, &attr), 0));
	cr_expect(ge(sz, stats_of(v).held_fds, 2));
	cr_assert(eq(int, store_open(proc, &h, O_RDONLY, &file), 0));
	cr_expect(eq(i64, store_pread(proc, file, buf, sizeof(buf), 0), 6));
	store_release(proc, file);
	store_close(proc);
}

static void root_is(struct volume_under_test *v, const char *path, mode_t type)
{
	struct store *st = volume_open_path(v, path);
	struct store_handle h;
	struct store_handle again;
	struct statx attr;

	cr_assert(eq(int, store_root(st, &h, &attr), 0), "%s", path);
	cr_expect(eq(int, attr.stx_mode &S_IFMT, type));
	cr_assert(eq(int, store_root(st, &again, &attr), 0));
	cr_expect(store_handle_equal(&h, &again));
	cr_expect(eq(int, store_getattr(st, &h, NULL, &attr), 0));
	store_close(st);
}

CONTRACT(the_root_may_be_any_type_of_file)
{
	struct volume_under_test *v = volume_open(place);
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s",
		 host_path(v, "sock"));
	cr_assert(eq(int, bind(fd, (void *)&addr, sizeof(addr)), 0));
	close(fd);
	must_create(v, &v->root, "file", "");
	cr_assert(eq(int, mkfifo(host_path(v, "fifo"), 0600), 0));
	root_is(v, host_path(v, "sock"), S_IFSOCK);
	root_is(v, host_path(v, "file"), S_IFREG);
	root_is(v, host_path(v, "fifo"), S_IFIFO);
	root_is(v, "/dev/null", S_IFCHR);
	root_is(v, "/", S_IFDIR);
}

CONTRACT(a_root_that_vanished_and_came_back_is_another_one)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle d = must_mkdir(v, &v->root, "d");
	struct store *st = volume_open_path(v, host_path(v, "d"));
	struct store_handle h;
	struct statx attr;

	cr_assert(eq(int, store_root(st, &h, &attr), 0));
	cr_assert(eq(int, rmdir(host_path(v, "d")), 0));
	cr_expect(eq(int, store_root(st, &h, &attr), -ENOENT));
	store_forget(v->st, &d);
	cr_assert(eq(int, mkdir(host_path(v, "d"), 0700), 0));
	cr_expect(eq(int, store_root(st, &h, &attr), 0));
	cr_expect(not(store_handle_equal(&h, &d)));
	store_close(st);
}

CONTRACT(a_mount_below_the_root_is_entered)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle mnt;
	struct store_handle f;
	struct store_handle upper;
	struct statx attr;

	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		cr_skip("cannot make a mount namespace");
	/* The volume was opened before: look it up anew, in this namespace. */
	store_close(v->st);
	v->st = volume_open_path(v, v->dir);
	cr_assert(eq(int, store_root(v->st, &v->root, &attr), 0));
	upper = must_mkdir(v, &v->root, "mnt");
	cr_assert(
		eq(int, mount("t", host_path(v, "mnt"), "tmpfs", 0, NULL), 0));

	mnt = must_lookup(v, &v->root, "mnt");
	cr_expect(not(store_handle_equal(&mnt, &upper)));
	attr = must_getattr(v, &mnt);
	cr_expect(not(eq(u32, attr.stx_dev_minor, v->root_attr.stx_dev_minor)));
	cr_expect(eq(sz, stats_of(v).realms, 2));
	f = must_create(v, &mnt, "f", "abc");
	cr_expect(eq(u64, must_getattr(v, &f).stx_size, 3));
	cr_expect(eq(int, access(host_path(v, "mnt/f"), F_OK), 0));
	cr_expect(eq(int, store_rename(v->st, &mnt, "f", &v->root, "f", 0),
		     -EXDEV));
	cr_expect(eq(int, store_link(v->st, &f, &v->root, "f", &attr), -EXDEV));
	cr_expect(eq(int, store_rmdir(v->st, &v->root, "mnt"), -EBUSY));
	umount2(host_path(v, "mnt"), MNT_DETACH);
}

CONTRACT(a_single_file_that_is_mounted_is_entered)
{
	struct volume_under_test *v = volume_open(place);
	struct store_handle h;
	struct store_file *file;
	char source[128];
	char buf[8];

	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		cr_skip("cannot make a mount namespace");
	store_close(v->st);
	v->st = volume_open_path(v, v->dir);
	cr_assert(eq(int, store_root(v->st, &v->root, &v->root_attr), 0));
	must_create(v, &v->root, "source", "abc");
	must_create(v, &v->root, "target", "");
	snprintf(source, sizeof(source), "%s", host_path(v, "source"));
	cr_assert(eq(int,
		     mount(source, host_path(v, "target"), NULL, MS_BIND, NULL),
		     0));
	h = must_lookup(v, &v->root, "target");
	cr_assert(eq(int, store_open(v->st, &h, O_RDONLY, &file), 0));
	cr_expect(eq(i64, store_pread(v->st, file, buf, sizeof(buf), 0), 3));
	store_release(v->st, file);
	umount2(host_path(v, "target"), MNT_DETACH);
}
