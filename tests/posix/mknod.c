/* SPDX-License-Identifier: Apache-2.0 */
/* mknod.c - fifos, sockets, device nodes */

#include "tests/posix/posix.h"

#include <sys/sysmacros.h>

static const struct {
	const char *name;
	mode_t type;
	unsigned int major, minor;
} nodes[] = {
	{ "fifo", S_IFIFO, 0, 0 },
	{ "socket", S_IFSOCK, 0, 0 },
	{ "char 1:3", S_IFCHR, 1, 3 },
	{ "block 7:0", S_IFBLK, 7, 0 },
	{ "char with large numbers", S_IFCHR, 4000, 1000000 },
	{ "block with large numbers", S_IFBLK, 259, 70000 },
	{ "whiteout", S_IFCHR, 0, 0 },
	{ "regular", S_IFREG, 0, 0 },
	{ "no type", 0, 0, 0 },
	{ "directory", S_IFDIR, 0, 0 },
	{ "symlink", S_IFLNK, 0, 0 },
	{ "bad type", S_IFMT, 0, 0 },
};

CASES(mknod, types, N_OF(nodes))
{
	mode_t type = nodes[nth].type;
	dev_t dev = makedev(nodes[nth].major, nodes[nth].minor);

	about("mknod of a %s", nodes[nth].name);
	DO(mknod("x", type | 0640, dev));
	look("x");
	DO(mknod("x", type | 0640, dev));
	umask(027);
	DO(mknod("y", type | 0777, dev));
	look("y");
	DO(mknod("no/y", type | 0777, dev));
	DO(mknod("x/y", type | 0777, dev));
	become(ALICE, STAFF);
	DO(mknod("z", type | 0666, dev));
	look("z");
	back();
	dir_as("sg", 02777, BOB, GUESTS);
	DO(mknod("sg/z", type | 02666, dev));
	look("sg/z");
	DO(unlink("x"));
	list(".");
}

CASES(mknod, onto_types, N_KINDS)
{
	about("mkfifo onto a %s", kind_name(nth));
	put_kind("x", nth);
	DO(mkfifo("x", 0644));
	look("x");
	DO(mkfifo("x/", 0644));
	DO(mknod("x", S_IFREG | 0600, 0));
}

CASE(mknod, needs_the_directory)
{
	dir_as("d", 0555, ALICE, STAFF);
	become(ALICE, STAFF);
	FAILS(EACCES, mkfifo("d/p", 0644));
	FAILS(EACCES, mknod("d/s", S_IFSOCK | 0644, 0));
	FAILS(ENOENT, mkfifo("", 0644));
	FAILS(EPERM, mknod("c", S_IFCHR | 0644, makedev(1, 3)));
}
