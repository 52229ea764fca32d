/* SPDX-License-Identifier: Apache-2.0 */
/* mmap.c - mappings and how they agree with reads, writes and sizes */

#include "tests/posix/posix.h"

#include <sys/mman.h>

static char *map(int fd, size_t len, int prot, int flags)
{
	char *p = mmap(NULL, len, prot, flags, fd, 0);

	if (p == MAP_FAILED) {
		rec("mmap = %s", errname(errno));
		return NULL;
	}
	return p;
}

static char *map_rw(int fd, size_t len)
{
	char *p = map(fd, len, PROT_READ | PROT_WRITE, MAP_SHARED);

	PREP(p ? 0 : -1);
	if (!p)
		_exit(0);
	return p;
}

/* Without the NUL. */
static void paste(char *p, const char *text)
{
	while (*text)
		*p++ = *text++;
}

/* Exit status of a child that touches p: 0, or the signal that it got. */
static void touch(const char *label, const volatile char *p, bool write)
{
	pid_t pid = start();

	if (!pid) {
		if (write)
			*(volatile char *)p = 't';
		else
			(void)*p;
		_exit(0);
	}
	ended(label, pid);
}

CASE(mmap, modes_follow_the_descriptor)
{
	int ro, wo, path, dir;

	put_size("f", 5000);
	ro = FD(open("f", O_RDONLY));
	wo = FD(open("f", O_WRONLY));
	path = FD(open("f", O_PATH));
	dir = FD(open(".", O_RDONLY));
	EXPECT(map(ro, 5000, PROT_READ, MAP_SHARED));
	EXPECT(map(ro, 5000, PROT_READ, MAP_PRIVATE));
	EXPECT(map(ro, 5000, PROT_READ | PROT_WRITE, MAP_PRIVATE));
	EXPECT(!map(ro, 5000, PROT_READ | PROT_WRITE, MAP_SHARED));
	EXPECT(!map(wo, 5000, PROT_READ, MAP_SHARED));
	EXPECT(!map(wo, 5000, PROT_WRITE, MAP_SHARED));
	EXPECT(!map(path, 5000, PROT_READ, MAP_SHARED));
	EXPECT(!map(dir, 5000, PROT_READ, MAP_SHARED));
	EXPECT(!map(ro, 0, PROT_READ, MAP_SHARED));
	rec("exec %d",
	    map(ro, 5000, PROT_READ | PROT_EXEC, MAP_PRIVATE) != NULL);
}

CASE(mmap, shared_agrees_with_read_and_write)
{
	char buf[8] = "", *p;
	int fd, other;

	put_size("f", 8192);
	fd = FD(open("f", O_RDWR));
	other = FD(open("f", O_RDWR));
	p = map_rw(fd, 8192);
	paste(p + 100, "mapped");
	OK(pread(other, buf, 6, 100));
	rec_bytes("read after a store", buf, 6);
	OK(pwrite(other, "written", 7, 5000));
	rec_bytes("load after a write", p + 5000, 7);
	OK(fsync(fd));
	paste(p, "again");
	OK(msync(p, 8192, MS_SYNC));
	OK(msync(p, 8192, MS_ASYNC));
	OK(msync(p, 8192, MS_INVALIDATE));
	FAILS(EINVAL, msync(p + 1, 10, MS_SYNC));
	see("f");
	OK(munmap(p, 8192));
	see("f");
}

CASE(mmap, private_stays_private)
{
	char *p;
	int fd;

	put("f", "original");
	fd = FD(open("f", O_RDWR));
	p = map(fd, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	PREP(p ? 0 : -1);
	paste(p, "changed!");
	see("f");
	OK(munmap(p, 4096));
	see("f");
}

CASE(mmap, shared_between_processes)
{
	struct gate g;
	pid_t pid;
	char *p;

	gate_open(&g);
	put_size("f", 4096);
	pid = start();
	if (!pid) {
		p = map_rw(open("f", O_RDWR), 4096);
		gate_enter(&g);
		rec_bytes("child sees", p, 6);
		paste(p + 10, "child");
		gate_signal(&g);
		_exit(0);
	}
	p = map_rw(open("f", O_RDWR), 4096);
	paste(p, "parent");
	gate_go(&g);
	gate_await(&g);
	rec_bytes("parent sees", p + 10, 5);
	ended("child", pid);
	see("f");
}

CASE(mmap, outlives_close_and_rename)
{
	char *p;
	int fd;

	put_size("f", 4096);
	fd = FD(open("f", O_RDWR));
	p = map_rw(fd, 4096);
	OK(close(fd));
	paste(p, "kept");
	OK(rename("f", "g"));
	paste(p + 4, "on");
	see("g");
	put("h", "over");
	OK(rename("h", "g"));
	paste(p, "x");
	see("g");
	OK(munmap(p, 4096));
	see("g");
}

CASE(mmap, a_later_opener_sees_the_mapping)
{
	char *p, buf[4];
	int fd;

	put_size("f", 4096);
	fd = FD(open("f", O_RDWR));
	p = map_rw(fd, 4096);
	OK(close(fd));
	for (int i = 0; i < 20; i++) {
		p[0] = (char)('a' + i);
		fd = open("f", i % 2 ? O_RDONLY : O_RDWR);
		PREP(pread(fd, buf, 1, 0));
		EXPECT(buf[0] == p[0]);
		if (!(i % 2)) {
			PREP(pwrite(fd, "W", 1, 1));
			EXPECT(p[1] == 'W');
			p[1] = 'm';
		}
		close(fd);
	}
}

CASE(mmap, beyond_the_end_is_sigbus)
{
	char *p;
	int fd;

	put_size("f", 5000);
	fd = FD(open("f", O_RDWR));
	p = map_rw(fd, 16384);
	touch("inside", p + 4999, false);
	touch("rest of the last page", p + 8000, false);
	touch("beyond", p + 8192, false);
	touch("store beyond", p + 12288, true);
	rec_bytes("rest of the last page", p + 5000, 16);
	OK(ftruncate(fd, 100));
	touch("inside", p + 50, false);
	touch("cut off", p + 4096, false);
	OK(ftruncate(fd, 16384));
	touch("grown", p + 12288, false);
	rec_bytes("cut and grown", p + 90, 20);
	touch("store", p + 12288, true);
	OK(pread(fd, (char[1]){ 0 }, 1, 12288));
	put("empty", "");
	p = map_rw(open("empty", O_RDWR), 4096);
	touch("an empty file", p, false);
}

CASE(mmap, store_beyond_the_end_is_not_written)
{
	char *p;
	int fd;

	put("f", "abc");
	fd = FD(open("f", O_RDWR));
	p = map_rw(fd, 4096);
	paste(p + 3, "garbage");
	OK(msync(p, 4096, MS_SYNC));
	look("f");
	see("f");
	OK(munmap(p, 4096));
	OK(ftruncate(fd, 20));
	see("f");
}

CASE(mmap, fills_holes)
{
	char *p;
	int fd = FD(open("f", O_CREAT | O_RDWR, 0600));

	OK(ftruncate(fd, 100000));
	p = map_rw(fd, 100000);
	rec_bytes("hole", p + 50000, 8);
	paste(p + 50000, "filled");
	OK(msync(p, 100000, MS_SYNC));
	look("f");
	see("f");
	OK(lseek(fd, 0, SEEK_DATA));
}

CASE(mmap, store_changes_times_by_msync)
{
	struct stamps was;
	char *p;

	put_size("f", 4096);
	p = map_rw(open("f", O_RDWR), 4096);
	tick();
	was = stamps_of("f");
	p[0]++;
	OK(msync(p, 4096, MS_SYNC));
	stamps_changed("f", &was);
	tick();
	was = stamps_of("f");
	p[0]++;
	OK(msync(p, 4096, MS_SYNC));
	OK(munmap(p, 4096));
	stamps_changed("f", &was);
}

CASE(mmap, protection_can_be_raised_as_far_as_the_descriptor)
{
	char *p;

	put_size("f", 4096);
	p = map(open("f", O_RDONLY), 4096, PROT_READ, MAP_SHARED);
	PREP(p ? 0 : -1);
	FAILS(EACCES, mprotect(p, 4096, PROT_READ | PROT_WRITE));
	p = map(open("f", O_RDWR), 4096, PROT_NONE, MAP_SHARED);
	PREP(p ? 0 : -1);
	OK(mprotect(p, 4096, PROT_READ | PROT_WRITE));
	p[0] = 'p';
	see("f");
	OK(madvise(p, 4096, MADV_DONTNEED));
	rec_bytes("after DONTNEED", p, 1);
	OK(madvise(p, 4096, MADV_WILLNEED));
	DO(madvise(p, 4096, MADV_REMOVE));
	rec_bytes("after REMOVE", p, 1);
}

CASE(mmap, read_into_and_write_from_a_mapping_of_itself)
{
	char *p;
	int fd;

	put_size("f", 16384);
	fd = FD(open("f", O_RDWR));
	p = map_rw(fd, 16384);
	OK(pread(fd, p + 8192, 4096, 0));
	OK(pwrite(fd, p + 100, 3000, 4096));
	see("f");
	OK(munmap(p, 16384));
	see("f");
}

CASE(mmap, append_grows_under_the_mapping)
{
	char *p;
	int fd;

	put_size("f", 100);
	fd = FD(open("f", O_RDWR | O_APPEND));
	p = map_rw(fd, 8192);
	OK(write(fd, "appended", 8));
	rec_bytes("map", p + 98, 10);
	for (int i = 0; i < 100; i++)
		PREP(write(fd, "0123456789012345678901234567890123456789", 40));
	rec_bytes("map", p + 4090, 16);
	look("f");
}

CASE(mmap, punched_ranges_vanish_from_the_mapping)
{
	char *p;
	int fd;

	put_size("f", 16384);
	fd = FD(open("f", O_RDWR));
	p = map_rw(fd, 16384);
	p[4096] = 'x';
	OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096,
		     4096));
	rec_bytes("map", p + 4090, 12);
	p[5000] = 'y';
	OK(pread(fd, (char[1]){ 0 }, 1, 5000));
	see("f");
}
