/* SPDX-License-Identifier: Apache-2.0 */
/* files.c - operations on the bytes of files, by handles and by name */
#include "tests/model/model.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned char bytes[FILE_MAX + 2 * BLOCK]
	__attribute__((aligned(BLOCK)));

static size_t some_size(void)
{
	switch (rnd(16)) {
	case 0:
		return rnd(FILE_MAX);
	case 1:
	case 2:
	case 3:
		return rnd(60000);
	default:
		return rnd(9000);
	}
}

static struct handle *free_handle(void)
{
	for (int i = 0; i < HANDLES; i++)
		if (!me.handles[i].node)
			return &me.handles[i];
	return NULL;
}

static struct handle *some_handle(void)
{
	struct handle *h = &me.handles[rnd(HANDLES)];

	return h->node ? h : NULL;
}

void handle_drop(struct handle *h)
{
	struct node *n = h->node;

	close(h->fd);
	h->node = NULL;
	n->users--;
	node_settle(n);
}

static int some_flags(void)
{
	int flags;

	switch (rnd(8)) {
	case 0:
		flags = O_RDONLY;
		break;
	case 1:
		flags = O_WRONLY;
		break;
	default:
		flags = O_RDWR;
	}
	if (!rnd(8))
		flags |= O_APPEND;
	else if (!rnd(10) && !me.no_direct)
		flags |= O_DIRECT;
	return flags | O_CLOEXEC | O_NOFOLLOW;
}

void op_open(void)
{
	struct handle *h = free_handle();
	char path[PATH_BYTES];
	struct place p;
	int flags = some_flags();

	if (!h || !file_place(&p))
		return;
	path_of(p, path);
	doing("open '%s' flags %#o", path, (unsigned)flags);
	h->fd = open(path, flags);
	if (h->fd < 0 && errno == EINVAL && flags & O_DIRECT) {
		me.no_direct = true;
		return;
	}
	expect(h->fd, 0);
	h->flags = flags;
	h->node = at(p);
	h->node->users++;
}

void op_tmpfile(void)
{
	struct handle *h = free_handle();
	struct node *dir = me.dirs[rnd(me.n_dirs)];
	char path[PATH_BYTES];
	int fd;

	if (!h)
		return;
	dir_path(dir, path);
	doing("O_TMPFILE in '%s'", path);
	fd = open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0640);
	if (fd < 0 && errno == EOPNOTSUPP)
		return;
	expect(fd, 0);
	*h = (struct handle){ fd, O_RDWR, node_new(KIND_FILE, 0640, dir) };
	h->node->users = 1;
	h->node->linkable = true;
}

void op_link_handle(void)
{
	struct handle *h = some_handle();
	struct place p = any_place();
	char path[PATH_BYTES];
	long wanted;

	if (!h)
		return;
	wanted = at(p)					 ? -EEXIST
		 : !h->node->links && !h->node->linkable ? -ENOENT
							 : 0;
	path_of(p, path);
	doing("link an open file to '%s'", path);
	touch_place(p);
	touch_node(h->node);
	expect(linkat(h->fd, "", AT_FDCWD, path, AT_EMPTY_PATH), wanted);
	if (wanted)
		return;
	h->node->linkable = false;
	put_at(p, h->node);
	look(p);
}

void op_close(void)
{
	struct handle *h = some_handle();

	if (!h)
		return;
	doing("close");
	handle_drop(h);
}

static void store_bytes(struct node *n, size_t off, size_t len)
{
	memcpy(n->data + off, bytes, len);
	if (len && off + len > n->size)
		n->size = off + len;
	if (len)
		n->timed = false;
}

static void make_bytes(size_t len)
{
	uint64_t word = me.random;

	rnd(2);
	for (size_t i = 0; i < len; i++) {
		word = word * 6364136223846793005ULL + 1442695040888963407ULL;
		bytes[i] = (unsigned char)(word >> 56);
	}
}

void op_write(void)
{
	struct handle *h = some_handle();
	size_t off = some_size(), len = some_size();
	ssize_t n;

	if (!h || (h->flags & O_ACCMODE) == O_RDONLY)
		return;
	if (h->flags & O_DIRECT) {
		off -= off % BLOCK;
		len = (len / BLOCK + 1) * BLOCK;
	}
	if (h->flags & O_APPEND)
		off = h->node->size;
	if (off + len > FILE_MAX)
		return;
	make_bytes(len);
	doing("write %zu bytes at %zu of %zu, flags %#o", len, off,
	      h->node->size, (unsigned)h->flags);
	touch_node(h->node);
	n = pwrite(h->fd, bytes, len, (off_t)off);
	expect(n, 0);
	if ((size_t)n != len)
		differ("%zd bytes were written", n);
	store_bytes(h->node, off, len);
}

void op_append(void)
{
	char path[PATH_BYTES];
	size_t len = some_size() / 4;
	struct place p;
	ssize_t n;
	int fd;

	if (!file_place(&p) || at(p)->size + len > FILE_MAX)
		return;
	path_of(p, path);
	make_bytes(len);
	doing("append %zu bytes to '%s' of %zu", len, path, at(p)->size);
	touch_node(at(p));
	fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	expect(fd, 0);
	n = write(fd, bytes, len);
	close(fd);
	expect(n, 0);
	if ((size_t)n != len)
		differ("%zd bytes were written", n);
	store_bytes(at(p), at(p)->size, len);
	look(p);
}

void op_read(void)
{
	struct handle *h = some_handle();
	size_t off = some_size(), len = some_size();

	if (!h || (h->flags & O_ACCMODE) == O_WRONLY)
		return;
	if (h->flags & O_DIRECT) {
		off -= off % BLOCK;
		len = (len / BLOCK + 1) * BLOCK;
	}
	doing("read %zu bytes at %zu of %zu, flags %#o", len, off,
	      h->node->size, (unsigned)h->flags);
	look_data(h->fd, h->node, off, len);
}

void op_truncate(void)
{
	struct handle *h = some_handle();
	size_t size = some_size();
	char path[PATH_BYTES];
	struct place p;

	if (h && rnd(2) && (h->flags & O_ACCMODE) != O_RDONLY) {
		doing("ftruncate from %zu to %zu", h->node->size, size);
		touch_node(h->node);
		expect(ftruncate(h->fd, (off_t)size), 0);
		resize(h->node, size);
		h->node->timed = false;
		return;
	}
	if (!file_place(&p))
		return;
	path_of(p, path);
	doing("truncate '%s' from %zu to %zu", path, at(p)->size, size);
	touch_node(at(p));
	expect(truncate(path, (off_t)size), 0);
	resize(at(p), size);
	at(p)->timed = false;
	look(p);
}

void op_allocate(void)
{
	static const int modes[] = {
		0,
		FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_ZERO_RANGE,
		FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
	};
	int mode = modes[rnd(5)], r;
	size_t off = some_size(), len = 1 + some_size(), end;
	struct handle *h = some_handle();
	struct node *n;

	if (!h || (h->flags & O_ACCMODE) == O_RDONLY || off + len > FILE_MAX ||
	    (mode & FALLOC_FL_ZERO_RANGE && me.no_zero_range))
		return;
	n = h->node;
	doing("fallocate mode %d %zu bytes at %zu of %zu", mode, len, off,
	      n->size);
	touch_node(n);
	r = fallocate(h->fd, mode, (off_t)off, (off_t)len);
	if (r < 0 && errno == EOPNOTSUPP && mode & FALLOC_FL_ZERO_RANGE) {
		me.no_zero_range = true;
		return;
	}
	expect(r, 0);
	end = off + len < n->size ? off + len : n->size;
	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE) && end > off)
		memset(n->data + off, 0, end - off);
	if (!(mode & FALLOC_FL_KEEP_SIZE) && off + len > n->size)
		n->size = off + len;
	n->timed = false;
}

static void copy_model(struct node *from, size_t in, struct node *to,
		       size_t out, size_t len)
{
	memmove(to->data + out, from->data + in, len);
	if (len && out + len > to->size)
		to->size = out + len;
	to->timed = false;
}

void op_copy(void)
{
	struct handle *a = some_handle(), *b = some_handle();
	loff_t in = (loff_t)some_size(), out = (loff_t)some_size();
	size_t len = 1 + some_size(), from = (size_t)in, to = (size_t)out;
	ssize_t n;

	if (!a || !b || (a->flags | b->flags) & O_DIRECT ||
	    (a->flags & O_ACCMODE) == O_WRONLY ||
	    (b->flags & O_ACCMODE) == O_RDONLY || b->flags & O_APPEND ||
	    to + len > FILE_MAX)
		return;
	/* Within one file only what does not overlap. */
	if (a->node == b->node && to < from + len && from < to + len)
		return;
	doing("copy_file_range %zu bytes from %zu of %zu to %zu of %zu", len,
	      from, a->node->size, to, b->node->size);
	touch_node(b->node);
	n = copy_file_range(a->fd, &in, b->fd, &out, len, 0);
	expect(n, 0);
	if (from >= a->node->size ? n != 0
				  : n == 0 || (size_t)n > len ||
					    from + (size_t)n > a->node->size)
		differ("%zd bytes were copied", n);
	if (n > 0)
		copy_model(a->node, from, b->node, to, (size_t)n);
}

static bool all_zero(const struct node *n, size_t from, size_t to)
{
	for (; from < to; from++)
		if (n->data[from])
			return false;
	return true;
}

/* What is called a hole is zero.  (What a mapping wrote may not be there.) */
void op_seek(void)
{
	struct handle *h = some_handle();
	size_t off = some_size(), end;
	off_t data;

	if (!h || h->node->mapped)
		return;
	doing("SEEK_DATA from %zu of %zu", off, h->node->size);
	data = lseek(h->fd, (off_t)off, SEEK_DATA);
	if (data < 0 && errno != ENXIO)
		expect(-1, 0);
	end = data < 0 ? h->node->size : (size_t)data;
	if (data >= 0 && ((size_t)data < off || end >= h->node->size))
		differ("data at %jd", (intmax_t)data);
	if (!all_zero(h->node, off, end))
		differ("data are called a hole up to %zu", end);
}

void op_fsync(void)
{
	struct handle *h = some_handle();

	if (!h)
		return;
	doing("fsync");
	expect(rnd(2) ? fsync(h->fd) : fdatasync(h->fd), 0);
}
