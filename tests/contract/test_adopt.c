/* SPDX-License-Identifier: Apache-2.0 */
/* test_adopt.c - handles of a process that was killed, in the next one */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/base/error.h"
#include "store/base/state.h"
#include "tests/contract/contract.h"

#define FILES_MAX 4

/* The volume of the case; the localfs below is not its own but the state's. */
static struct volume_under_test *v;
static struct state *state;
static struct localfs *lfs;
static const struct place *place_of_case;

static void localfs_start(void)
{
	struct localfs_options options = {
		.state = state,
		.test_no_handles = place_of_case->no_handles,
	};
	struct error err;

	cr_assert(eq(int, localfs_new(&options, &lfs, &err), 0));
}

static struct store *open_at(const char *name)
{
	struct volume_under_test on = { .lfs = lfs, .flags = v->flags };

	return volume_open_path(&on, host_path(v, name));
}

static void mount_at(const char *name)
{
	cr_assert(eq(int, mount("t", host_path(v, name), "tmpfs", 0, NULL), 0));
}

static void write_at(const char *name, const char *text)
{
	FILE *f = fopen(host_path(v, name), "we");

	cr_assert(f && fputs(text, f) >= 0 && fclose(f) == 0, "%s", name);
}

/*
 * A directory with the file "f" on the filesystem of the place, and in it the
 * directories "one" and "two", each a tmpfs with a file "f" of other contents.
 */
static void set_up(const struct place *place)
{
	v = volume_open(place);
	place_of_case = place;
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		cr_skip("cannot make a mount namespace");
	cr_assert(eq(int, state_new(&state), 0));
	cr_assert(eq(int, mkdir(host_path(v, "one"), 0755), 0));
	cr_assert(eq(int, mkdir(host_path(v, "two"), 0755), 0));
	mount_at("one");
	mount_at("two");
	write_at("f", "outside");
	write_at("one/f", "in one");
	write_at("two/f", "in two");
}

static void take_down(void)
{
	localfs_free(lfs);
	state_free(state);
	while (umount2(host_path(v, "one"), MNT_DETACH) == 0)
		;
	while (umount2(host_path(v, "two"), MNT_DETACH) == 0)
		;
}

/* Of a path with slashes; must be there. */
static struct store_handle walk(struct store *st, const char *path)
{
	char copy[128];
	char *save = NULL;
	struct store_handle h;
	struct statx attr;

	cr_assert(eq(int, store_root(st, &h, &attr), 0));
	snprintf(copy, sizeof(copy), "%s", path);
	for (char *name = strtok_r(copy, "/", &save); name;
	     name = strtok_r(NULL, "/", &save))
		cr_assert(eq(int, store_lookup(st, &h, name, &h, &attr), 0),
			  "%s", path);
	return h;
}

/* What a process that has a volume at root knows of files, when it is killed.
 */
static void known_and_killed(const char *root, const char *const *paths,
			     struct store_handle *ret)
{
	size_t size = 0;
	int fds[2];
	pid_t pid;

	while (paths[size])
		size++;
	size *= sizeof(*ret);
	cr_assert(eq(int, pipe2(fds, O_CLOEXEC), 0));
	pid = fork();
	if (pid == 0) {
		struct store_handle known[FILES_MAX];
		struct store *st;

		localfs_start();
		st = open_at(root);
		for (size_t i = 0; paths[i]; i++)
			known[i] = walk(st, paths[i]);
		if (write(fds[1], known, size) == (ssize_t)size)
			pause();
		_exit(1);
	}
	close(fds[1]);
	cr_assert(eq(i64, read(fds[0], ret, size), (int64_t)size));
	close(fds[0]);
	kill(pid, SIGKILL);
	cr_assert(eq(int, waitpid(pid, NULL, 0), pid));
}

static int try_getattr(struct store *st, const struct store_handle *h)
{
	struct statx attr;

	return store_getattr(st, h, NULL, &attr);
}

/* The very file of that name, by attributes and contents. */
static void expect_file(struct store *st, const struct store_handle *h,
			const char *name, const char *text)
{
	struct store_file *file;
	struct statx attr;
	struct stat host;
	char buf[32] = "";

	cr_assert(eq(int, stat(host_path(v, name), &host), 0));
	cr_assert(eq(int, store_getattr(st, h, NULL, &attr), 0), "%s", name);
	cr_expect(eq(u64, attr.stx_ino, host.st_ino), "%s", name);
	cr_assert(eq(int, store_open(st, h, O_RDONLY, &file), 0), "%s", name);
	cr_expect(ge(i64, store_pread(st, file, buf, sizeof(buf) - 1, 0), 0));
	cr_expect(eq(str, buf, (char *)text), "%s", name);
	store_release(st, file);
}

/* A filesystem without handles: nothing of before can be found again. */
static bool none_is_adopted(struct store *st, const struct store_handle *h,
			    size_t n)
{
	if (!place_of_case->no_handles)
		return false;
	for (size_t i = 0; i < n; i++) {
		cr_expect(eq(int, store_adopt(st, &h[i]), -ESTALE));
		cr_expect(eq(int, try_getattr(st, &h[i]), -ESTALE));
		store_forget(st, &h[i]);
	}
	return true;
}

CONTRACT(handles_of_a_killed_process_are_good_once_they_are_adopted)
{
	const char *const paths[] = { "f", "one/f", "two/f", NULL };
	static const char *const texts[] = { "outside", "in one", "in two" };
	struct store_handle h[FILES_MAX];
	struct store_handle two;
	struct store *second;
	struct store *st;

	set_up(place);
	known_and_killed("", paths, h);
	localfs_start();

	/* The mounts are met in another order than before. */
	second = open_at("two");
	two = walk(second, "f");
	st = open_at("");
	for (int i = 0; i < 3; i++)
		cr_expect(eq(int, try_getattr(st, &h[i]), -ESTALE));
	if (!none_is_adopted(st, h, 3)) {
		cr_expect(store_handle_equal(&two, &h[2]));
		for (int i = 0; i < 3; i++) {
			cr_assert(eq(int, store_adopt(st, &h[i]), 0));
			cr_assert(eq(int, store_adopt(st, &h[i]), 0));
			expect_file(st, &h[i], paths[i], texts[i]);
		}
		localfs_adopted(lfs);
		for (int i = 0; i < 3; i++) {
			struct store_handle again = walk(st, paths[i]);

			cr_expect(store_handle_equal(&again, &h[i]));
		}
	}
	store_close(st);
	store_close(second);
	take_down();
}

/* Linux 6.8 has ids of mounts that are never given again. */
static void skip_if_ids_return(void)
{
	const unsigned mask = 0x4000; /* STATX_MNT_ID_UNIQUE */
	struct statx attr;

	if (statx(AT_FDCWD, "/", 0, mask, &attr) < 0 || !(attr.stx_mask & mask))
		cr_skip("this kernel's mounts cannot be told apart");
}

CONTRACT(handles_of_a_mount_that_was_replaced_are_stale)
{
	const char *const paths[] = { "one/f", "two/f", NULL };
	struct store_handle h[FILES_MAX];
	struct store_handle other;
	struct store *st;

	skip_if_ids_return();
	set_up(place);
	known_and_killed("", paths, h);
	/* The new one is likely to get its id: the kernel takes the least. */
	cr_assert(eq(int, umount(host_path(v, "one")), 0));
	mount_at("one");
	write_at("one/f", "another");

	localfs_start();
	st = open_at("");
	other = walk(st, "one/f");
	expect_file(st, &other, "one/f", "another");
	if (!none_is_adopted(st, h, 2)) {
		cr_expect(eq(int, store_adopt(st, &h[0]), -ESTALE));
		cr_expect(eq(int, store_adopt(st, &h[0]), -ESTALE));
		cr_expect(eq(int, try_getattr(st, &h[0]), -ESTALE));
		cr_expect(ne(u16, other.realm, h[0].realm));
		cr_assert(eq(int, store_adopt(st, &h[1]), 0));
		expect_file(st, &h[1], "two/f", "in two");
		localfs_adopted(lfs);
		cr_expect(eq(int, try_getattr(st, &h[0]), -ESTALE));
		expect_file(st, &other, "one/f", "another");
	}
	store_close(st);
	take_down();
}

CONTRACT(handles_of_a_mount_that_is_gone_or_hidden_are_stale)
{
	const char *const paths[] = { "one/f", "two/f", NULL };
	struct store_handle h[FILES_MAX];
	struct store *st;

	skip_if_ids_return();
	set_up(place);
	known_and_killed("", paths, h);
	cr_assert(eq(int, umount(host_path(v, "one")), 0));
	mount_at("two");
	write_at("two/f", "on top");

	localfs_start();
	st = open_at("");
	for (int i = 0; i < 2; i++) {
		cr_expect(eq(int, store_adopt(st, &h[i]), -ESTALE));
		cr_expect(eq(int, try_getattr(st, &h[i]), -ESTALE));
	}
	store_close(st);
	take_down();
}

/* What is mounted after the death gets no number that handles have. */
CONTRACT(a_new_mount_is_not_taken_for_one_that_is_yet_to_be_adopted)
{
	const char *const paths[] = { "f", "one/f", "two/f", NULL };
	struct store_handle h[FILES_MAX];
	struct store_handle new[2];
	struct store *one;
	struct store *st;

	set_up(place);
	known_and_killed("", paths, h);
	cr_assert(eq(int, mkdir(host_path(v, "one/in"), 0755), 0));
	mount_at("one/in");
	write_at("one/in/f", "new");

	localfs_start();
	one = open_at("one/in");
	new[0] = walk(one, "f");
	for (int i = 0; i < 3; i++)
		cr_expect(ne(u16, new[0].realm, h[i].realm));
	st = open_at("");
	if (!none_is_adopted(st, h, 3)) {
		cr_assert(eq(int, store_adopt(st, &h[1]), 0));
		expect_file(st, &h[1], "one/f", "in one");
		expect_file(one, &new[0], "one/in/f", "new");
		localfs_adopted(lfs);
		cr_expect(eq(int, store_adopt(st, &h[2]), -ESTALE));
		cr_expect(eq(int, store_adopt(st, &h[1]), 0));
		/* From now on the others are taken. */
		store_close(one);
		one = open_at("one/in");
		new[1] = walk(one, "f");
		expect_file(one, &new[1], "one/in/f", "new");
		expect_file(st, &h[1], "one/f", "in one");
	}
	store_close(one);
	store_close(st);
	umount2(host_path(v, "one/in"), MNT_DETACH);
	take_down();
}

CONTRACT(each_volume_adopts_for_itself)
{
	const char *const paths[] = { "one/f", NULL };
	struct localfs_stats stats;
	struct store_handle h;
	struct store *a;
	struct store *b;

	set_up(place);
	known_and_killed("", paths, &h);
	localfs_start();
	a = open_at("");
	b = open_at("");
	if (!none_is_adopted(a, &h, 1)) {
		cr_assert(eq(int, store_adopt(a, &h), 0));
		expect_file(a, &h, "one/f", "in one");
		cr_expect(eq(int, try_getattr(b, &h), -ESTALE));
		/* All let go of it, and it is adopted yet again. */
		store_close(a);
		a = open_at("");
		cr_assert(eq(int, store_adopt(b, &h), 0));
		expect_file(b, &h, "one/f", "in one");
		cr_assert(eq(int, store_adopt(a, &h), 0));
		localfs_adopted(lfs);
		store_close(b);
		b = open_at("");
		expect_file(a, &h, "one/f", "in one");
		cr_expect(eq(int, try_getattr(b, &h), -ESTALE));
	}
	store_close(a);
	store_close(b);
	localfs_stats(lfs, &stats);
	cr_expect(eq(sz, stats.realms, 0));
	cr_expect(eq(int, umount(host_path(v, "one")), 0), "nobody uses it");
	take_down();
}

CONTRACT(one_who_is_killed_while_adopting_leaves_it_to_the_next)
{
	const char *const paths[] = { "one/f", "two/f", NULL };
	const char *const few[] = { "two", NULL };
	struct store_handle h[FILES_MAX];
	struct store_handle two;
	struct store *st;

	set_up(place);
	known_and_killed("", paths, h);
	known_and_killed("", few, &two);
	localfs_start();
	st = open_at("");
	if (!none_is_adopted(st, h, 2)) {
		cr_expect(eq(u16, two.realm, h[1].realm));
		cr_assert(eq(int, store_adopt(st, &h[0]), 0));
		cr_assert(eq(int, store_adopt(st, &h[1]), 0));
		expect_file(st, &h[0], "one/f", "in one");
		expect_file(st, &h[1], "two/f", "in two");
	}
	store_close(st);
	take_down();
}

CONTRACT(a_single_file_that_is_mounted_is_adopted)
{
	const char *const paths[] = { "target", NULL };
	struct store_handle h;
	struct store *st;
	char source[128];

	set_up(place);
	write_at("target", "beneath");
	snprintf(source, sizeof(source), "%s", host_path(v, "one/f"));
	cr_assert(eq(int,
		     mount(source, host_path(v, "target"), NULL, MS_BIND, NULL),
		     0));
	known_and_killed("", paths, &h);
	localfs_start();
	st = open_at("");
	if (!none_is_adopted(st, &h, 1)) {
		cr_assert(eq(int, store_adopt(st, &h), 0));
		expect_file(st, &h, "target", "in one");
	}
	store_close(st);
	umount2(host_path(v, "target"), MNT_DETACH);
	take_down();
}

/* Who serves it would wait for himself: it stands for our own mount here. */
CONTRACT(no_path_through_our_own_mount_is_taken)
{
	const char *const paths[] = { "f", NULL };
	struct store_handle h;
	struct store *st;
	struct stat one;

	set_up(place);
	cr_assert(eq(int, mkdir(host_path(v, "one/in"), 0755), 0));
	mount_at("one/in");
	write_at("one/in/f", "inside");
	cr_assert(eq(int, stat(host_path(v, "one"), &one), 0));
	known_and_killed("one/in", paths, &h);

	localfs_start();
	localfs_set_own_device(lfs, one.st_dev);
	st = open_at("");
	cr_expect(eq(int, store_adopt(st, &h), -ESTALE));
	store_close(st);
	umount2(host_path(v, "one/in"), MNT_DETACH);
	take_down();
}

CONTRACT(without_a_state_nothing_is_adopted)
{
	const char *const paths[] = { "one/f", NULL };
	struct store_handle h;
	struct store *st;

	set_up(place);
	known_and_killed("", paths, &h);
	state_free(state);
	state = NULL;
	localfs_start();
	st = open_at("");
	cr_expect(eq(int, store_adopt(st, &h), -ESTALE));
	cr_expect(eq(int, try_getattr(st, &h), -ESTALE));
	store_close(st);
	take_down();
}
