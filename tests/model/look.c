/* SPDX-License-Identifier: Apache-2.0 */
/* look.c - compare what is there with the model */
#include "tests/model/model.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static unsigned char buffer[FILE_MAX + 2 * BLOCK]
	__attribute__((aligned(BLOCK)));

static mode_t type_of(const struct node *n)
{
	static const mode_t types[] = {
		[KIND_FILE] = S_IFREG,
		[KIND_DIR] = S_IFDIR,
		[KIND_LINK] = S_IFLNK,
	};
	return types[n->kind];
}

static unsigned links_of(const struct node *n)
{
	unsigned links = 2;

	if (n->kind != KIND_DIR)
		return n->links;
	for (unsigned i = 0; i < n->n_names; i++)
		if (n->entries[i].node && n->entries[i].node->kind == KIND_DIR)
			links++;
	return links;
}

static void same(const char *path, const char *what, uint64_t got,
		 uint64_t wanted)
{
	if (got != wanted)
		differ("'%s' has %s %#jx, expected %#jx", path, what,
		       (uintmax_t)got, (uintmax_t)wanted);
}

static void compare(const char *path, struct node *n, const struct stat *st)
{
	same(path, "type", st->st_mode & S_IFMT, type_of(n));
	if (!n->ino)
		n->ino = st->st_ino;
	same(path, "inode number", st->st_ino, n->ino);
	if (n->shared)
		return;
	if (n->kind != KIND_LINK)
		same(path, "mode", st->st_mode & 07777, n->mode);
	same(path, "owner", st->st_uid, n->uid);
	same(path, "group", st->st_gid, n->gid);
	same(path, "link count", st->st_nlink, links_of(n));
	if (n->kind != KIND_DIR)
		same(path, "size", (uint64_t)st->st_size, n->size);
	if (n->timed && !n->mapped)
		same(path, "mtime",
		     (uint64_t)(st->st_mtim.tv_sec * 1000000000L +
				st->st_mtim.tv_nsec),
		     (uint64_t)n->mtime);
}

void look_stat(const char *path, struct node *n)
{
	struct stat st;

	if (lstat(path, &st) < 0) {
		perhaps_gone(errno);
		differ("'%s' is not there: %m", path);
	}
	compare(path, n, &st);
}

/* off and len are multiples of BLOCK where the handle is O_DIRECT. */
void look_data(int fd, const struct node *n, size_t off, size_t len)
{
	size_t wanted = off >= n->size	      ? 0
			: len < n->size - off ? len
					      : n->size - off;
	ssize_t got;

	got = pread(fd, buffer, len, (off_t)off);
	if (got < 0) {
		perhaps_gone(errno);
		differ("reading %zu bytes at %zu: %m", len, off);
	}
	if ((size_t)got != wanted)
		differ("reading %zu bytes at %zu of %zu gives %zd, expected %zu",
		       len, off, n->size, got, wanted);
	for (size_t i = 0; i < wanted; i++)
		if (buffer[i] != n->data[off + i])
			differ("byte %zu of %zu is %#x, expected %#x", off + i,
			       n->size, buffer[i], n->data[off + i]);
}

static void look_file(const char *path, const struct node *n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0) {
		perhaps_gone(errno);
		differ("cannot open '%s': %m", path);
	}
	look_data(fd, n, 0, FILE_MAX + BLOCK);
	close(fd);
}

static void look_link(const char *path, const struct node *n)
{
	char target[512];
	ssize_t len = readlink(path, target, sizeof(target));

	if (len < 0)
		perhaps_gone(errno);
	if (len != (ssize_t)n->size || memcmp(target, n->data, n->size) != 0)
		differ("'%s' leads to '%.*s', expected '%s'", path,
		       (int)(len < 0 ? 0 : len), target, n->data);
}

static void look_xattrs(const char *path, const struct node *n)
{
	char name[32], value[XATTR_MAX + 1];
	ssize_t len;

	for (int i = 0; i < XATTRS && !me.no_xattr; i++) {
		const struct xattr *x = &n->xattrs[i];

		sprintf(name, "user.m%d", i);
		len = lgetxattr(path, name, value, sizeof(value));
		if (len < 0 && errno != ENODATA)
			perhaps_gone(errno);
		if (len < 0 && errno == ENODATA && !x->set)
			continue;
		if (!x->set || len != (ssize_t)x->len ||
		    memcmp(value, x->value, x->len) != 0)
			differ("'%s' has another %s (%zd bytes), expected %d",
			       path, name, len, x->set ? (int)x->len : -1);
	}
}

static void look_at(const char *path, struct node *n)
{
	look_stat(path, n);
	switch (n->kind) {
	case KIND_FILE:
		look_file(path, n);
		look_xattrs(path, n);
		break;
	case KIND_LINK:
		look_link(path, n);
		break;
	case KIND_DIR:
		look_xattrs(path, n);
		break;
	}
}

/* What is at a place is what the model has there, or nothing in both. */
void look(struct place p)
{
	char path[PATH_BYTES];
	struct stat st;

	path_of(p, path);
	if (at(p)) {
		look_at(path, at(p));
		return;
	}
	if (lstat(path, &st) == 0)
		differ("'%s' is there", path);
	perhaps_gone(errno);
	if (errno != ENOENT)
		differ("'%s': %m, expected ENOENT", path);
}

static void listed(struct node *dir, const struct dirent *e)
{
	unsigned who, name;
	struct entry *entry;

	if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
		return;
	if (sscanf(e->d_name, "%u-%u", &who, &name) != 2)
		differ("a strange name is listed: '%s'", e->d_name);
	if (dir->shared && who != me.number)
		return;
	if (who != me.number || name >= dir->n_names)
		differ("'%s' is listed", e->d_name);
	entry = &dir->entries[name];
	if (!entry->node)
		differ("'%s' is listed, but not there", e->d_name);
	if (entry->seen & 0x80)
		differ("'%s' is listed twice", e->d_name);
	entry->seen |= 0x80;
	if (entry->node->ino)
		same(e->d_name, "d_ino", e->d_ino, entry->node->ino);
	if (e->d_type != DT_UNKNOWN)
		same(e->d_name, "d_type", e->d_type,
		     IFTODT(type_of(entry->node)));
}

static void look_list(struct node *dir)
{
	char path[PATH_BYTES], name[NAME_BYTES];
	struct dirent *e;
	DIR *d;

	dir_path(dir, path);
	d = opendir(path);
	if (!d) {
		perhaps_gone(errno);
		differ("cannot list '%s': %m", path);
	}
	for (unsigned i = 0; i < dir->n_names; i++)
		dir->entries[i].seen &= 0x7f;
	while (errno = 0, (e = readdir(d)))
		listed(dir, e);
	if (errno) {
		perhaps_gone(errno);
		differ("listing '%s': %m", path);
	}
	closedir(d);
	for (unsigned i = 0; i < dir->n_names; i++)
		if (dir->entries[i].node && !(dir->entries[i].seen & 0x80)) {
			name_text(i, name);
			differ("'%s' is missing from the list of '%s'", name,
			       path);
		}
}

static void look_handle(const struct handle *h)
{
	struct stat st;

	if (fstat(h->fd, &st) < 0) {
		perhaps_gone(errno);
		differ("fstat of an open file: %m");
	}
	compare("an open file", h->node, &st);
	if ((h->flags & O_ACCMODE) != O_WRONLY)
		look_data(h->fd, h->node, 0,
			  (FILE_MAX / BLOCK + 2) * (size_t)BLOCK);
}

/* Everything: each directory, each file, each handle. */
void look_everywhere(void)
{
	char path[PATH_BYTES];

	doing("look at everything");
	for (unsigned i = 0; i < me.n_dirs; i++) {
		struct node *dir = me.dirs[i];

		dir_path(dir, path);
		look_stat(path, dir);
		if (i % 2)
			look_list(dir);
		for (unsigned k = 0; k < dir->n_names; k++)
			if (dir->entries[k].node)
				look((struct place){ dir, k });
		look_list(dir);
	}
	for (unsigned i = 0; i < HANDLES; i++)
		if (me.handles[i].node)
			look_handle(&me.handles[i]);
}
