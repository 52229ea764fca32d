/* SPDX-License-Identifier: Apache-2.0 */
/* ramfs.c - files and directories in memory: names and attributes, no bytes */
#include "tests/bench/ramfs.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

/* Append to an array that grows at powers of two. */
static void append(struct inode ***array, size_t *n, struct inode *inode)
{
	if ((*n & (*n - 1)) == 0)
		*array = must(realloc(*array, (*n ? *n * 2 : 1) *
						      sizeof(struct inode *)));
	(*array)[(*n)++] = inode;
}

/* --- inodes --- */

struct inode *inode_get(const struct ramfs *fs, uint64_t ino)
{
	return ino - 1 < fs->n_inodes ? fs->inodes[ino - 1] : NULL;
}

struct inode *inode_new(struct ramfs *fs, uint32_t mode)
{
	struct inode *inode = fs->free;

	if (inode) {
		fs->free = inode->next;
		inode->next = NULL;
	} else {
		inode = must(calloc(1, sizeof(*inode)));
		append(&fs->inodes, &fs->n_inodes, inode);
		inode->attr.ino = fs->n_inodes;
	}
	inode->attr.mode = mode;
	inode->attr.nlink = 1;
	inode->attr.blksize = 4096;
	return inode;
}

static void inode_empty(struct inode *inode)
{
	struct xattr *x;

	while ((x = inode->xattrs)) {
		inode->xattrs = x->next;
		free(x);
	}
	free(inode->name);
	free(inode->target);
	free(inode->slots);
}

void inode_put(struct ramfs *fs, struct inode *inode)
{
	uint64_t ino = inode->attr.ino;

	if (inode->parent || inode->lookups || ino == FUSE_ROOT_ID)
		return;
	inode_empty(inode);
	*inode = (struct inode){ .attr.ino = ino, .next = fs->free };
	fs->free = inode;
}

/* --- names --- */

struct inode **name_find(struct ramfs *fs, const struct inode *dir,
			 const char *name)
{
	uint64_t hash = dir->attr.ino * 0x9E3779B97F4A7C15u;
	struct inode **p;

	for (const char *c = name; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 0x100000001B3u;
	p = &fs->buckets[(hash ^ hash >> 32) % RAMFS_BUCKETS];
	while (*p && ((*p)->parent != dir || strcmp((*p)->name, name) != 0))
		p = &(*p)->next;
	return p;
}

void name_add(struct ramfs *fs, struct inode *dir, const char *name,
	      struct inode *inode)
{
	*name_find(fs, dir, name) = inode;
	inode->next = NULL;
	inode->parent = dir;
	inode->name = must(strdup(name));
	inode->slot = dir->n_slots;
	append(&dir->slots, &dir->n_slots, inode);
	dir->n_names++;
}

void name_remove(struct inode **found)
{
	struct inode *inode = *found;
	struct inode *dir = inode->parent;

	*found = inode->next;
	inode->next = NULL;
	inode->parent = NULL;
	free(inode->name);
	inode->name = NULL;
	dir->slots[inode->slot] = NULL;
	dir->n_names--;
	/* Offsets of listings stay what they are: the end alone is cut off. */
	while (dir->n_slots && !dir->slots[dir->n_slots - 1])
		dir->n_slots--;
}

/* --- extended attributes --- */

struct xattr **xattr_find(struct inode *inode, const char *name)
{
	struct xattr **p = &inode->xattrs;

	while (*p && strcmp((*p)->name, name) != 0)
		p = &(*p)->next;
	return p;
}

void xattr_set(struct inode *inode, const char *name, const void *value,
	       size_t len)
{
	size_t name_size = strlen(name) + 1;
	struct xattr *x = must(malloc(sizeof(*x) + len + name_size));
	struct xattr **p = xattr_find(inode, name);

	*x = (struct xattr){ .next = *p ? (*p)->next : NULL, .len = len };
	memcpy(x->value, value, len);
	x->name = memcpy(x->value + len, name, name_size);
	free(*p);
	*p = x;
}

/* --- the whole --- */

static _Thread_local bool has_lock;

void ramfs_lock(struct ramfs *fs)
{
	pthread_mutex_lock(&fs->lock);
	has_lock = true;
}

void ramfs_unlock(struct ramfs *fs)
{
	if (has_lock)
		pthread_mutex_unlock(&fs->lock);
	has_lock = false;
}

void ramfs_init(struct ramfs *fs)
{
	pthread_mutexattr_t attr;

	*fs = (struct ramfs){ 0 };
	/* It is held for less time than going to sleep takes. */
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP);
	pthread_mutex_init(&fs->lock, &attr);
	pthread_mutexattr_destroy(&attr);
	inode_new(fs, S_IFDIR | 0755);
}

void ramfs_done(struct ramfs *fs)
{
	for (size_t i = 0; i < fs->n_inodes; i++) {
		inode_empty(fs->inodes[i]);
		free(fs->inodes[i]);
	}
	free(fs->inodes);
	pthread_mutex_destroy(&fs->lock);
}
