/* SPDX-License-Identifier: Apache-2.0 */
/* path.c - paths taken apart, and opened so that nothing leads astray */
#include "store/base/path.h"

#include "store/base/cleanup.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#define OPEN_TRIES 128

const char *path_next(const char **path, size_t *ret_len)
{
	const char *start = *path + strspn(*path, "/");

	if (!*start)
		return NULL;
	*ret_len = strcspn(start, "/");
	*path = start + *ret_len;
	return start;
}

int path_next_name(const char **path, char name[NAME_MAX + 1])
{
	const char *start;
	size_t len;

	start = path_next(path, &len);
	if (!start)
		return 0;
	if (len > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, start, len);
	name[len] = '\0';
	return 1;
}

bool path_has_dotdot(const char *path)
{
	const char *name;
	size_t len;

	while ((name = path_next(&path, &len))) {
		if (len == 2 && name[0] == '.' && name[1] == '.')
			return true;
	}
	return false;
}

bool path_is_name(const char *name)
{
	return *name && !strchr(name, '/') && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0;
}

const char *path_beneath(const char *path, const char *prefix)
{
	const char *want;
	const char *have;
	size_t want_len;
	size_t have_len;

	while ((want = path_next(&prefix, &want_len))) {
		have = path_next(&path, &have_len);
		if (!have || have_len != want_len ||
		    memcmp(have, want, want_len) != 0)
			return NULL;
	}
	return path + strspn(path, "/");
}

int path_open(int dir_fd, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.resolve = resolve,
	};

	for (int i = 0; i < OPEN_TRIES; i++) {
		int fd = (int)syscall(SYS_openat2, dir_fd, path, &how,
				      sizeof(how));

		if (fd >= 0)
			return fd;
		/* With RESOLVE_CACHED, EAGAIN is the answer. */
		if (errno == EAGAIN && !(resolve & RESOLVE_CACHED))
			continue;
		if (errno != EINTR)
			return -errno;
	}
	return -EAGAIN;
}

int path_of_fd(int fd, char *buf, size_t size)
{
	char link[32];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, buf, size);
	if (n < 0)
		return -errno;
	if ((size_t)n >= size)
		return -ENAMETOOLONG;
	buf[n] = '\0';
	return 0;
}

int path_statx_cached(int fd, unsigned mask, struct statx *ret)
{
	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, mask, ret) < 0)
		return -errno;
	return 0;
}

struct handle {
	struct file_handle head;
	uint32_t words[MAX_HANDLE_SZ / sizeof(uint32_t)];
};

static bool handle_of_fd(int fd, struct handle *ret)
{
	int mount_id;

	memset(ret, 0, sizeof(*ret));
	ret->head.handle_bytes = MAX_HANDLE_SZ;
	return name_to_handle_at(fd, "", &ret->head, &mount_id,
				 AT_EMPTY_PATH) == 0;
}

bool path_is_same_file(int fd_a, int fd_b)
{
	struct handle ha;
	struct handle hb;
	struct statx a;
	struct statx b;

	if (path_statx_cached(fd_a, STATX_INO, &a) < 0 ||
	    path_statx_cached(fd_b, STATX_INO, &b) < 0)
		return false;
	if (a.stx_dev_major != b.stx_dev_major ||
	    a.stx_dev_minor != b.stx_dev_minor || a.stx_ino != b.stx_ino)
		return false;
	/* An inode number may be given again; a handle has its generation. */
	if (!handle_of_fd(fd_a, &ha) || !handle_of_fd(fd_b, &hb))
		return true;
	return memcmp(&ha, &hb, sizeof(ha)) == 0;
}

bool path_is_fuse_root(int fd)
{
	struct handle h;

	return handle_of_fd(fd, &h) &&
	       h.head.handle_bytes == 3 * sizeof(uint32_t) &&
	       h.head.handle_type == 0x81 && h.words[0] == 0 && h.words[1] == 1;
}

int path_make_directory(int dir_fd, const char *name, mode_t mode)
{
	cleanup_fd int fd = -1;
	struct stat st;
	bool made;

	made = mkdirat(dir_fd, name, mode) == 0;
	if (!made && errno != EEXIST)
		return -errno;
	fd = openat(dir_fd, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (!made)
		return steal_fd(&fd);
	if (fstat(fd, &st) < 0)
		return -errno;
	if ((st.st_mode & 07777) != mode && fchmod(fd, mode) < 0)
		return -errno;
	return steal_fd(&fd);
}

int path_make_directories(int dir_fd, const char *rel, mode_t mode)
{
	cleanup_fd int fd = -1;
	char name[NAME_MAX + 1];
	int r;

	fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while ((r = path_next_name(&rel, name)) > 0) {
		int next;

		if (!path_is_name(name))
			return -EINVAL;
		next = path_make_directory(fd, name, mode);
		if (next < 0)
			return next;
		close(fd);
		fd = next;
	}
	return r < 0 ? r : steal_fd(&fd);
}
