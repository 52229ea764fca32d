/* SPDX-License-Identifier: Apache-2.0 */
/* open.c - open() with every flag on every type of file */

#include "tests/posix/posix.h"

#include <sys/resource.h>

static const struct {
	const char *name;
	int flags;
} modes[] = {
	{ "O_RDONLY", O_RDONLY },
	{ "O_WRONLY", O_WRONLY },
	{ "O_RDWR", O_RDWR },
	{ "O_CREAT", O_RDWR | O_CREAT },
	{ "O_CREAT|O_EXCL", O_RDWR | O_CREAT | O_EXCL },
	{ "O_TRUNC", O_WRONLY | O_TRUNC },
	{ "O_RDONLY|O_TRUNC", O_RDONLY | O_TRUNC },
	{ "O_CREAT|O_TRUNC", O_RDWR | O_CREAT | O_TRUNC },
	{ "O_APPEND", O_WRONLY | O_APPEND },
	{ "O_DIRECTORY", O_RDONLY | O_DIRECTORY },
	{ "O_DIRECTORY|O_WRONLY", O_WRONLY | O_DIRECTORY },
	{ "O_NOFOLLOW", O_RDONLY | O_NOFOLLOW },
	{ "O_NOFOLLOW|O_CREAT", O_RDWR | O_NOFOLLOW | O_CREAT },
	{ "O_PATH", O_PATH },
	{ "O_PATH|O_NOFOLLOW", O_PATH | O_NOFOLLOW },
	{ "O_PATH|O_DIRECTORY", O_PATH | O_DIRECTORY },
	{ "O_NOATIME", O_RDONLY | O_NOATIME },
	{ "O_SYNC", O_WRONLY | O_SYNC },
	{ "O_DSYNC", O_RDWR | O_DSYNC },
	{ "O_ASYNC", O_RDONLY | O_ASYNC },
	{ "O_ACCMODE", O_ACCMODE },
};

/* Device nodes may be forbidden by a mount option: not opened but by O_PATH. */
static bool opens_a_device(unsigned int kind, int flags)
{
	return (kind == KIND_CHAR || kind == KIND_BLOCK) && !(flags & O_PATH);
}

CASES(open, flags_on_types, N_OF(modes))
{
	static const char path[] = "x";

	about("open with %s", modes[nth].name);
	for (unsigned int kind = 0; kind < N_KINDS; kind++) {
		int fd;

		if (opens_a_device(kind, modes[nth].flags))
			continue;
		PREP(mkdir(kind_name(kind), 0777));
		PREP(chdir(kind_name(kind)));
		put_kind(path, kind);
		rec("%s:", kind_name(kind));
		fd = FD(open(path, modes[nth].flags | O_NONBLOCK, 0640));
		if (fd >= 0) {
			look_fd("opened", fd);
			rec("flags %o",
			    fcntl(fd, F_GETFL) & ~(O_LARGEFILE | O_NONBLOCK));
			close(fd);
		}
		look(path);
		PREP(chdir(".."));
	}
}

CASES(open, trailing_slash, N_KINDS)
{
	about("a trailing slash after a %s", kind_name(nth));
	put_kind("x", nth);
	FD(open("x/", O_RDONLY | O_NONBLOCK));
	FD(open("x/", O_RDWR | O_CREAT, 0600));
	FD(open("x/", O_RDWR | O_CREAT | O_EXCL, 0600));
	FD(open("x/.", O_RDONLY));
	FD(open("x/..", O_RDONLY));
	FD(open("x/absent", O_RDONLY));
	FD(open("x/absent", O_RDWR | O_CREAT, 0600));
	DO(mkdir("x/", 0700));
	DO(rmdir("x/"));
	look("x");
}

CASE(open, create_takes_mode_less_umask)
{
	static const mode_t masks[] = { 0, 022, 027, 077, 0777 };
	static const mode_t perms[] = { 0, 0644, 0777, 04755, 02755, 01777 };

	for (size_t i = 0; i < N_OF(masks); i++) {
		for (size_t k = 0; k < N_OF(perms); k++) {
			umask(masks[i]);
			rec("umask %03o mode %04o", masks[i], perms[k]);
			int fd = FD(
				open("f", O_CREAT | O_EXCL | O_RDWR, perms[k]));
			look_fd("f", fd);
			close(fd);
			FD(creat("f", 0777));
			look("f");
			PREP(unlink("f"));
		}
	}
}

CASE(open, create_with_mode_0_still_writes)
{
	int fd;

	become(ALICE, STAFF);
	fd = FD(open("f", O_CREAT | O_RDWR, 0));
	OK(write(fd, "abc", 3));
	OK(pread(fd, (char[4]){ 0 }, 4, 0));
	FAILS(EACCES, open("f", O_RDONLY));
	FAILS(EACCES, open("f", O_CREAT | O_WRONLY, 0777));
	FAILS(EEXIST, open("f", O_CREAT | O_EXCL | O_WRONLY, 0777));
	look("f");
}

CASE(open, a_new_file_belongs_to_the_caller)
{
	become_in(ALICE, STAFF, GUESTS);
	OK(open("f", O_CREAT | O_RDWR, 0666));
	look("f");
	become(BOB, GUESTS);
	OK(open("g", O_CREAT | O_RDWR, 0666));
	look("g");
	back();
	OK(open("h", O_CREAT | O_RDWR, 0666));
	look("h");
}

CASE(open, truncation_needs_write_permission)
{
	put_as("f", 0444, ALICE, STAFF);
	become(ALICE, STAFF);
	FAILS(EACCES, open("f", O_WRONLY | O_TRUNC));
	FAILS(EACCES, open("f", O_RDONLY | O_TRUNC));
	FAILS(EACCES, open("f", O_RDWR | O_CREAT | O_TRUNC, 0666));
	back();
	see("f");
}

CASE(open, creation_needs_the_directory)
{
	dir_as("d", 0555, ALICE, STAFF);
	dir_as("e", 0666, ALICE, STAFF);
	put("e/f", "x");
	become(ALICE, STAFF);
	FAILS(EACCES, open("d/f", O_CREAT | O_RDWR, 0666));
	FAILS(ENOENT, open("d/f", O_RDWR));
	FAILS(EACCES, open("e/f", O_RDONLY));
	FAILS(EACCES, open("e/g", O_CREAT | O_RDWR, 0666));
}

CASE(open, noatime_is_for_the_owner)
{
	put_as("f", 0666, ALICE, STAFF);
	become(BOB, STAFF);
	FAILS(EPERM, open("f", O_RDONLY | O_NOATIME));
	OK(open("f", O_RDONLY));
	become(ALICE, GUESTS);
	OK(open("f", O_RDONLY | O_NOATIME));
	back();
	OK(open("f", O_RDONLY | O_NOATIME));
}

CASE(open, noatime_leaves_the_access_time)
{
	struct stamps was;
	char c;
	int fd;

	put("f", "abc");
	tick();
	was = stamps_of("f");
	fd = FD(open("f", O_RDONLY | O_NOATIME));
	OK(read(fd, &c, 1));
	stamps_changed("f", &was);
}

CASE(open, symlink_loops)
{
	PREP(symlink("a", "b"));
	PREP(symlink("b", "a"));
	PREP(symlink("self", "self"));
	FAILS(ELOOP, open("a", O_RDONLY));
	FAILS(ELOOP, open("a/x", O_RDONLY));
	FAILS(ELOOP, open("self", O_RDONLY | O_CREAT, 0600));
	FAILS(ELOOP, open("self", O_RDONLY | O_NOFOLLOW));
	FAILS(EEXIST, open("self", O_RDONLY | O_CREAT | O_EXCL, 0600));
	OK(open("self", O_PATH | O_NOFOLLOW));
	FAILS(ELOOP, open("self", O_PATH));
}

CASE(open, symlink_chain_limit_is_40)
{
	char from[16], to[16] = "f";

	put("f", "end");
	for (int i = 1; i <= 41; i++) {
		snprintf(from, sizeof(from), "l%02d", i);
		PREP(symlink(to, from));
		memcpy(to, from, sizeof(to));
	}
	OK(open("l40", O_RDONLY));
	FAILS(ELOOP, open("l41", O_RDONLY));
}

CASE(open, through_a_dangling_symlink_creates_its_target)
{
	PREP(mkdir("d", 0777));
	PREP(symlink("d/target", "l"));
	OK(open("l", O_CREAT | O_WRONLY, 0640));
	look("d/target");
	look("l");
	PREP(symlink("nodir/target", "m"));
	FAILS(ENOENT, open("m", O_CREAT | O_WRONLY, 0640));
}

CASE(open, a_fifo_without_reader_is_enxio)
{
	int r, w;

	PREP(mkfifo("p", 0666));
	FAILS(ENXIO, open("p", O_WRONLY | O_NONBLOCK));
	r = FD(open("p", O_RDONLY | O_NONBLOCK));
	w = FD(open("p", O_WRONLY | O_NONBLOCK));
	OK(write(w, "x", 1));
	OK(read(r, (char[1]){ 0 }, 1));
	close(r);
	FAILS(ENXIO, open("p", O_WRONLY | O_NONBLOCK));
	OK(open("p", O_RDWR));
}

CASE(open, a_socket_is_enxio)
{
	PREP(mknod("s", S_IFSOCK | 0666, 0));
	FAILS(ENXIO, open("s", O_RDONLY));
	FAILS(ENXIO, open("s", O_RDWR));
	OK(open("s", O_PATH));
}

CASE(open, missing_parts)
{
	put("f", "");
	FAILS(ENOENT, open("", O_RDONLY));
	FAILS(ENOENT, open("no", O_RDONLY));
	FAILS(ENOENT, open("no/x", O_RDONLY | O_CREAT, 0600));
	FAILS(ENOTDIR, open("f/x", O_RDONLY | O_CREAT, 0600));
	FAILS(ENOTDIR, open("f/../f", O_RDONLY));
	FAULTS(open(nowhere(), O_RDONLY));
	FAILS(EISDIR, open(".", O_RDWR));
	FAILS(EISDIR, open(".", O_RDONLY | O_CREAT, 0600));
	FAILS(EBADF, openat(-1, "f", O_RDONLY));
	FAILS(ENOTDIR, openat(open("f", O_RDONLY), "g", O_RDONLY));
}

CASE(open, too_many_descriptors)
{
	struct rlimit few = { 16, 16 };

	PREP(setrlimit(RLIMIT_NOFILE, &few));
	for (int i = 0; i < 16; i++)
		(void)!open(".", O_RDONLY);
	FAILS(EMFILE, open("f", O_CREAT | O_RDWR, 0644));
	look("f");
}

CASE(open, path_descriptors_only_name)
{
	char c;
	int fd;

	put("f", "abc");
	fd = FD(open("f", O_PATH));
	FAILS(EBADF, read(fd, &c, 1));
	FAILS(EBADF, write(fd, "x", 1));
	FAILS(EBADF, fchmod(fd, 0600));
	FAILS(EBADF, fchown(fd, 1, 1));
	FAILS(EBADF, ftruncate(fd, 0));
	FAILS(EBADF, fsync(fd));
	look_fd("f", fd);
	DO(fchownat(fd, "", ALICE, STAFF, AT_EMPTY_PATH));
	look_fd("f", fd);
	OK(unlink("f"));
	look_fd("f", fd);
}

CASE(open, reopening_through_proc_asks_again)
{
	char link[64];
	int fd;

	put_as("f", 0600, ALICE, STAFF);
	fd = FD(open("f", O_RDONLY));
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	OK(open(link, O_RDWR));
	PREP(chmod("f", 0));
	OK(open(link, O_RDWR));
	become(ALICE, STAFF);
	FAILS(EACCES, open(link, O_RDONLY));
	back();
	PREP(unlink("f"));
	OK(open(link, O_RDWR));
}

CASE(open, exclusive_creation_has_one_winner)
{
	int pipes[2], winners = 0;
	struct gate g;
	char c;

	gate_open(&g);
	PREP(pipe2(pipes, O_CLOEXEC));
	for (int i = 0; i < 16; i++) {
		if (start() != 0)
			continue;
		gate_enter(&g);
		if (open("f", O_CREAT | O_EXCL | O_RDWR, 0600) >= 0)
			(void)!write(pipes[1], "w", 1);
		_exit(0);
	}
	for (int i = 0; i < 16; i++)
		gate_go(&g);
	while (wait(NULL) > 0)
		;
	close(pipes[1]);
	while (read(pipes[0], &c, 1) == 1)
		winners++;
	EXPECT(winners == 1);
}
