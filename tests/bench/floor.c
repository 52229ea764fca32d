/* SPDX-License-Identifier: Apache-2.0 */
/*
 * floor.c - the least that a FUSE server can do: the floor of the benchmark
 *
 *   bench-floor DIRECTORY
 *
 * Mounts a filesystem in memory there and serves it until it is unmounted.
 * The kernel is told what podvols tells it, so it sends the same requests, and
 * they are read by the same readers.  But no request makes a system call of its
 * own: locks are granted to everybody, and the bytes of all files are those of
 * one, which the kernel reads and writes itself.
 */
#define FUSE_USE_VERSION FUSE_MAKE_VERSION(3, 14)

#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse_lowlevel.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include "fuse/abi.h"
#include "fuse/fs.h"
#include "fuse/kernel.h"
#include "fuse/readers.h"
#include "fuse/transport.h"
#include "store/base/cleanup.h"
#include "tests/bench/ramfs.h"

struct floor {
	struct ramfs ramfs; /* first: what libfuse has of us */
	int dev_fd;
	struct fuse_session *session;
	struct readers *readers;
	struct kernel kernel;
	const struct fuse_init_in *init; /* while it is answered */
	sem_t ended;
};

/* --- the session, as in fuse/session.c --- */

/* transport_request_fn */
static void serve(void *arg, void *mem, size_t len)
{
	const struct fuse_in_header *in = mem;
	struct fuse_buf buf = { .mem = mem, .size = len };
	struct floor *f = arg;

	/* It comes before all others, to the only thread that there is. */
	if (in->opcode == FUSE_INIT)
		f->init = (const void *)(in + 1);
	ramfs_lock(&f->ramfs);
	fuse_session_process_buf(f->session, &buf);
	ramfs_unlock(&f->ramfs); /* what has no answer, or no handler */
}

static ssize_t io_writev(int fd, struct iovec *iov, int n, void *arg)
{
	struct floor *f = arg;
	ssize_t r;

	(void)fd;
	if (f->init && n > 1) {
		kernel_negotiate(&f->kernel, f->init, iov[1].iov_base);
		f->init = NULL;
	}
	r = readers_send(f->readers, iov, n);
	if (r >= 0)
		return r;
	errno = (int)-r;
	return -1;
}

/* Only libfuse's own loops would read. */
static ssize_t io_read(int fd, void *buf, size_t len, void *arg)
{
	(void)arg;
	return read(fd, buf, len);
}

/* transport_ended_fn */
static void ended(void *arg)
{
	sem_post(&((struct floor *)arg)->ended);
}

/* --- the mount --- */

static int session_open(struct floor *f)
{
	static const struct fuse_custom_io io = { .writev = io_writev,
						  .read = io_read };
	char name[] = "bench-floor";
	char *argv[] = { name, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);

	f->session = fuse_session_new(&args, &ramfs_ops, sizeof(ramfs_ops),
				      &f->ramfs);
	fuse_opt_free_args(&args);
	if (!f->session)
		return -ENOMEM;
	return fuse_session_custom_io(f->session, &io, f->dev_fd);
}

static int floor_open(struct floor *f)
{
	/* What libfuse 3.14 cannot decode, and what needs rings. */
	struct fs_options options = {
		.share_locks = true,
		.disable_features = "setxattr-ext,over-io-uring",
	};
	struct transport_options readers = {
		.max_request = RAMFS_MAX_WRITE + 4096,
		.request = serve,
		.ended = ended,
		.arg = f,
	};
	int r;

	sem_init(&f->ended, 0, 0);
	ramfs_init(&f->ramfs);
	f->dev_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (f->dev_fd < 0)
		return -errno;
	readers.dev_fd = f->dev_fd;
	r = kernel_init(&f->kernel, &options, NULL);
	if (r == 0)
		r = readers_open(&readers, &f->readers);
	if (r == 0)
		r = session_open(f);
	return r;
}

/* Mount, and answer INIT. */
static int floor_mount(struct floor *f, const char *dir)
{
	char data[128];
	int r;

	snprintf(
		data, sizeof(data),
		"fd=%d,rootmode=40755,user_id=0,group_id=0,allow_other,default_permissions",
		f->dev_fd);
	if (mount("bench-floor", dir, "fuse.floor", MS_NOSUID | MS_NODEV,
		  data) < 0)
		return -errno;
	do {
		r = readers_take_one(f->readers);
	} while (r == -EAGAIN || (r == 0 && f->kernel.minor == 0));
	return r;
}

/* The file that has the bytes of all. */
static int floor_back(struct floor *f)
{
	cleanup_fd int fd = memfd_create("floor", MFD_CLOEXEC);
	struct abi_backing_map map = { .fd = fd };

	f->ramfs.backing_id = ioctl(f->dev_fd, ABI_DEV_BACKING_OPEN, &map);
	return f->ramfs.backing_id > 0 ? 0 : -EOPNOTSUPP;
}

static int floor_start(struct floor *f, const char *dir)
{
	int r = floor_mount(f, dir);

	if (r < 0)
		return r;
	r = floor_back(f);
	if (r == 0)
		r = readers_start(f->readers);
	if (r < 0)
		umount2(dir, MNT_DETACH);
	return r;
}

static void floor_close(struct floor *f)
{
	readers_stop(f->readers);
	readers_close(f->readers);
	fuse_session_destroy(f->session); /* and dev_fd */
	ramfs_done(&f->ramfs);
	sem_destroy(&f->ended);
}

int main(int argc, char **argv)
{
	static struct floor f;
	int r;

	if (argc != 2) {
		fputs("usage: bench-floor DIRECTORY\n", stderr);
		return 2;
	}
	r = floor_open(&f);
	if (r == 0)
		r = floor_start(&f, argv[1]);
	if (r < 0) {
		errno = -r;
		fprintf(stderr, "bench-floor: cannot serve '%s': %m\n",
			argv[1]);
		return 1;
	}
	while (sem_wait(&f.ended) < 0)
		;
	floor_close(&f);
	return 0;
}
