/* SPDX-License-Identifier: Apache-2.0 */
/* model.c - nodes, names and chance of the model */
#include "tests/model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct actor me;

unsigned rnd(unsigned n)
{
	/* xorshift64: a seed says the same on every machine. */
	me.random ^= me.random << 13;
	me.random ^= me.random >> 7;
	me.random ^= me.random << 17;
	return (unsigned)((me.random >> 11) % n);
}

void *xalloc(size_t len)
{
	void *p = calloc(1, len);

	if (!p) {
		perror("fsmodel");
		exit(2);
	}
	return p;
}

static void dir_init(struct node *n, unsigned n_names)
{
	n->n_names = n_names;
	n->entries = xalloc(n_names * sizeof(*n->entries));
	me.dirs[me.n_dirs++] = n;
}

/* As a filesystem makes it in dir: its group and bit are handed on. */
struct node *node_new(enum kind kind, mode_t mode, const struct node *dir)
{
	struct node *n = xalloc(sizeof(*n));

	n->kind = kind;
	n->mode = mode;
	if (dir && dir->mode & S_ISGID) {
		n->gid = dir->gid;
		if (kind == KIND_DIR)
			n->mode |= S_ISGID;
	}
	if (kind == KIND_DIR)
		dir_init(n, NAMES);
	else
		n->data = xalloc(kind == KIND_FILE ? FILE_MAX : 256);
	return n;
}

struct node *base_new(const char *path, bool shared, unsigned n_names)
{
	struct node *n = xalloc(sizeof(*n));

	n->kind = KIND_DIR;
	n->mode = 0777;
	n->links = 1;
	n->base = path;
	n->shared = shared;
	dir_init(n, n_names);
	return n;
}

static void dirs_remove(const struct node *n)
{
	for (unsigned i = 0; i < me.n_dirs; i++)
		if (me.dirs[i] == n) {
			me.dirs[i] = me.dirs[--me.n_dirs];
			return;
		}
}

void node_settle(struct node *n)
{
	if (n->links || n->users)
		return;
	if (n->kind == KIND_DIR) {
		dirs_remove(n);
		scan_forget(n);
	}
	free(n->entries);
	free(n->data);
	free(n);
}

void name_text(unsigned name, char *buf)
{
	snprintf(buf, NAME_BYTES, "%u-%u", me.number, name);
}

/* buf has PATH_BYTES; names are short and depth is bounded. */
static size_t dir_text(const struct node *dir, char *buf)
{
	size_t len;

	if (dir->base)
		return (size_t)snprintf(buf, PATH_BYTES, "%s", dir->base);
	len = dir_text(dir->parent, buf);
	return len + (size_t)snprintf(buf + len, PATH_BYTES - len, "/%u-%u",
				      me.number, dir->name);
}

void dir_path(const struct node *dir, char *buf)
{
	dir_text(dir, buf);
}

void path_of(struct place p, char *buf)
{
	size_t len = dir_text(p.dir, buf);

	snprintf(buf + len, PATH_BYTES - len, "/%u-%u", me.number, p.name);
}

struct node *at(struct place p)
{
	return p.dir->entries[p.name].node;
}

void dir_changed(struct node *dir)
{
	dir->timed = false;
}

void put_at(struct place p, struct node *n)
{
	p.dir->entries[p.name] = (struct entry){ .node = n };
	n->links++;
	if (n->kind == KIND_DIR) {
		n->parent = p.dir;
		n->name = p.name;
	}
	dir_changed(p.dir);
}

void clear_at(struct place p)
{
	struct node *n = at(p);

	p.dir->entries[p.name] = (struct entry){ .node = NULL };
	dir_changed(p.dir);
	n->links--;
	node_settle(n);
}

struct place any_place(void)
{
	struct node *dir = me.dirs[rnd(me.n_dirs)];

	return (struct place){ dir, rnd(dir->n_names) };
}

struct place used_place(void)
{
	struct place p = any_place();

	for (int i = 0; i < 12 && !at(p); i++)
		p = any_place();
	return p;
}

bool file_place(struct place *ret)
{
	for (int i = 0; i < 30; i++) {
		*ret = any_place();
		if (at(*ret) && at(*ret)->kind == KIND_FILE)
			return true;
	}
	return false;
}

bool is_within(const struct node *dir, const struct node *ancestor)
{
	for (; dir; dir = dir->parent)
		if (dir == ancestor)
			return true;
	return false;
}

unsigned depth_of(const struct node *dir)
{
	unsigned depth = 0;

	for (; dir->parent; dir = dir->parent)
		depth++;
	return depth;
}

bool is_empty(const struct node *dir)
{
	for (unsigned i = 0; i < dir->n_names; i++)
		if (dir->entries[i].node)
			return false;
	return true;
}

/* What lies behind the end is zero, whenever it comes back. */
void resize(struct node *n, size_t size)
{
	if (size < n->size)
		memset(n->data + size, 0, n->size - size);
	n->size = size;
}
