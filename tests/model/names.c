/* SPDX-License-Identifier: Apache-2.0 */
/* names.c - operations on names: make, link, move, remove */
#include "tests/model/model.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const mode_t modes[] = { 0644, 0600, 0755, 0700, 0777, 0444 };

static mode_t some_mode(void)
{
	return modes[rnd(sizeof(modes) / sizeof(modes[0]))];
}

/* Without O_EXCL what is there is opened, or emptied with O_TRUNC. */
static long create_result(const struct node *there, int flags)
{
	if (!there)
		return 0;
	if (flags & O_EXCL)
		return -EEXIST;
	if (there->kind == KIND_DIR)
		return -EISDIR;
	return there->kind == KIND_LINK ? -ELOOP : 0;
}

static void create(struct place p)
{
	static const int extras[] = { 0, O_EXCL, O_TRUNC, O_EXCL | O_TRUNC };
	int flags = O_CREAT | O_RDWR | O_NOFOLLOW | O_CLOEXEC | extras[rnd(4)];
	struct node *there = at(p);
	mode_t mode = some_mode();
	char path[PATH_BYTES];
	int fd;

	path_of(p, path);
	doing("open '%s' flags %#o mode %o", path, (unsigned)flags, mode);
	touch_place(p);
	if (there)
		touch_node(there);
	fd = open(path, flags, mode);
	expect(fd, create_result(there, flags));
	if (fd < 0)
		return;
	if (!there) {
		put_at(p, node_new(KIND_FILE, mode, p.dir));
	} else if (flags & O_TRUNC) {
		resize(there, 0);
		there->timed = false;
	}
	look_data(fd, at(p), 0, FILE_MAX);
	close(fd);
	look_stat(path, at(p));
}

void op_create(void)
{
	create(any_place());
}

/* The directory that takes many requests to list fills and empties. */
void op_wide(void)
{
	struct place p = { me.dirs[0], 0 };
	char path[PATH_BYTES];

	for (int i = 0; i < 10; i++) {
		p.name = rnd(p.dir->n_names);
		if (!at(p)) {
			create(p);
		} else if (at(p)->kind != KIND_DIR) {
			path_of(p, path);
			doing("unlink '%s'", path);
			touch_place(p);
			expect(unlink(path), 0);
			clear_at(p);
		}
	}
}

void op_mkdir(void)
{
	struct place p = any_place();
	mode_t mode = some_mode() | 0700;
	char path[PATH_BYTES];

	if (me.n_dirs == DIRS_MAX || depth_of(p.dir) >= DEPTH_MAX)
		return;
	path_of(p, path);
	doing("mkdir '%s' mode %o", path, mode);
	touch_place(p);
	expect(mkdir(path, mode), at(p) ? -EEXIST : 0);
	if (!at(p))
		put_at(p, node_new(KIND_DIR, mode, p.dir));
	look(p);
}

void op_symlink(void)
{
	struct place p = any_place();
	char path[PATH_BYTES], target[200];
	struct node *n;

	memset(target, 'x', sizeof(target));
	target[1 + rnd(sizeof(target) - 1)] = 0;
	target[sizeof(target) - 1] = 0;
	path_of(p, path);
	doing("symlink '%s'", path);
	touch_place(p);
	expect(symlink(target, path), at(p) ? -EEXIST : 0);
	if (!at(p)) {
		n = node_new(KIND_LINK, 0777, p.dir);
		n->size = strlen(target);
		memcpy(n->data, target, n->size + 1);
		put_at(p, n);
	}
	look(p);
}

static long link_result(const struct node *from, const struct node *to)
{
	if (!from)
		return -ENOENT;
	if (to)
		return -EEXIST;
	return from->kind == KIND_DIR ? -EPERM : 0;
}

void op_link(void)
{
	struct place from = used_place(), to = any_place();
	char a[PATH_BYTES], b[PATH_BYTES];
	long wanted = link_result(at(from), at(to));

	path_of(from, a);
	path_of(to, b);
	doing("link '%s' '%s'", a, b);
	touch_place(from);
	touch_place(to);
	expect(link(a, b), wanted);
	if (wanted)
		return;
	put_at(to, at(from));
	look(from);
	look(to);
}

void op_unlink(void)
{
	struct place p = used_place();
	char path[PATH_BYTES];
	struct node *n = at(p);

	path_of(p, path);
	doing("unlink '%s'", path);
	touch_place(p);
	expect(unlink(path), !n ? -ENOENT : n->kind == KIND_DIR ? -EISDIR : 0);
	if (n && n->kind != KIND_DIR)
		clear_at(p);
	look(p);
}

static long rmdir_result(const struct node *n)
{
	if (!n)
		return -ENOENT;
	if (n->kind != KIND_DIR)
		return -ENOTDIR;
	return is_empty(n) ? 0 : -ENOTEMPTY;
}

void op_rmdir(void)
{
	struct place p = used_place();
	char path[PATH_BYTES];
	long wanted = rmdir_result(at(p));

	path_of(p, path);
	doing("rmdir '%s'", path);
	touch_place(p);
	expect(rmdir(path), wanted);
	if (!wanted)
		clear_at(p);
	look(p);
}

/* In the order in which Linux looks. */
static long rename_result(struct place from, struct place to, unsigned flags)
{
	const struct node *a = at(from), *b = at(to);

	if (!a)
		return -ENOENT;
	if (flags & RENAME_NOREPLACE && b)
		return -EEXIST;
	if (flags & RENAME_EXCHANGE && !b)
		return -ENOENT;
	if (from.dir != to.dir && is_within(to.dir, a))
		return -EINVAL;
	if (b && from.dir != to.dir && is_within(from.dir, b))
		return flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	if (!b || a == b || flags & RENAME_EXCHANGE)
		return 0;
	if (a->kind == KIND_DIR && b->kind != KIND_DIR)
		return -ENOTDIR;
	if (a->kind != KIND_DIR && b->kind == KIND_DIR)
		return -EISDIR;
	return b->kind == KIND_DIR && !is_empty(b) ? -ENOTEMPTY : 0;
}

static void rename_model(struct place from, struct place to, unsigned flags)
{
	struct node *a = at(from), *b = at(to);

	if (a == b)
		return;
	a->users++;
	if (b)
		b->users++;
	clear_at(from);
	if (b)
		clear_at(to);
	put_at(to, a);
	if (flags & RENAME_EXCHANGE)
		put_at(from, b);
	a->users--;
	if (b) {
		b->users--;
		node_settle(b);
	}
}

static void rename_some(struct place from, struct place to, unsigned flags)
{
	char a[PATH_BYTES], b[PATH_BYTES];
	long wanted = rename_result(from, to, flags);

	if (at(from) && at(from)->kind == KIND_DIR &&
	    depth_of(to.dir) >= DEPTH_MAX)
		return;
	path_of(from, a);
	path_of(to, b);
	doing("rename '%s' '%s' flags %u", a, b, flags);
	touch_place(from);
	touch_place(to);
	expect(renameat2(AT_FDCWD, a, AT_FDCWD, b, flags), wanted);
	if (wanted)
		return;
	rename_model(from, to, flags);
	look(from);
	look(to);
}

void op_rename(void)
{
	struct place from = used_place();
	struct place to = rnd(3) ? any_place() : used_place();

	rename_some(from, to, rnd(5) ? 0 : RENAME_NOREPLACE);
}

void op_exchange(void)
{
	struct place from = used_place(), to = used_place();

	if (at(to) && at(to)->kind == KIND_DIR &&
	    depth_of(from.dir) >= DEPTH_MAX)
		return;
	rename_some(from, to, RENAME_EXCHANGE);
}
