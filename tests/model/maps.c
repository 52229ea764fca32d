/* SPDX-License-Identifier: Apache-2.0 */
/* maps.c - shared mappings beside reads and writes */
#include "tests/model/model.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

void map_drop(struct map *m)
{
	struct node *n = m->node;

	munmap(m->at, m->len);
	m->node = NULL;
	n->users--;
	node_settle(n);
}

/* A mapping outlives the descriptor, and the file its name. */
void op_map(void)
{
	struct map *m = &me.maps[rnd(MAPS)];
	char path[PATH_BYTES];
	struct place p;
	void *where;
	int fd;

	if (m->node) {
		doing("munmap");
		map_drop(m);
		return;
	}
	if (!file_place(&p) || !at(p)->size)
		return;
	path_of(p, path);
	doing("map '%s' of %zu", path, at(p)->size);
	fd = open(path, O_RDWR | O_CLOEXEC);
	expect(fd, 0);
	m->len = FILE_MAX;
	where = mmap(NULL, m->len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	expect(where == MAP_FAILED ? -1 : 0, 0);
	close(fd);
	m->at = where;
	m->node = at(p);
	m->node->users++;
}

static struct map *some_map(size_t *ret_off, size_t *ret_len)
{
	struct map *m = &me.maps[rnd(MAPS)];

	if (!m->node || !m->node->size)
		return NULL;
	*ret_off = rnd((unsigned)m->node->size);
	*ret_len = 1 + rnd((unsigned)(m->node->size - *ret_off));
	return m;
}

void op_map_write(void)
{
	size_t off, len;
	struct map *m = some_map(&off, &len);

	if (!m)
		return;
	doing("write %zu bytes at %zu of %zu by a mapping", len, off,
	      m->node->size);
	touch_node(m->node);
	m->node->mapped = true;
	m->node->timed = false;
	for (size_t i = off; i < off + len; i += 1 + rnd(64))
		m->at[i] = m->node->data[i] = (unsigned char)rnd(256);
	if (me.survive || !rnd(4))
		expect(msync(m->at, m->len, MS_SYNC), 0);
}

void op_map_read(void)
{
	size_t off, len;
	struct map *m = some_map(&off, &len);

	if (!m)
		return;
	doing("read %zu bytes at %zu of %zu by a mapping", len, off,
	      m->node->size);
	for (size_t i = off; i < off + len; i++)
		if (m->at[i] != m->node->data[i])
			differ("byte %zu of %zu is %#x, expected %#x", i,
			       m->node->size, m->at[i], m->node->data[i]);
}
