/* SPDX-License-Identifier: Apache-2.0 */
/*
 * users.c - who uses a directory of the mount: mounts, open files, cwds
 *
 * Nothing here asks a filesystem for anything, neither ours nor a dead one:
 * all is read from /proc.  A mount is known by its id, which is unique over
 * all mount namespaces, so first all namespaces are read for mounts of our
 * filesystem, then all processes for what they hold of those mounts.
 */
#include "store/users.h"

#include "store/base/cleanup.h"
#include "store/base/helper.h"
#include "store/base/path.h"

#include <ctype.h>
#include <fcntl.h>
#include <libmount.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* One mount of our filesystem, in some namespace. */
struct seen_mount {
	int id;
	ino_t ns;
	char *root;   /* what of the filesystem is mounted */
	char *target; /* where, in its namespace */
};

struct scan {
	const char *mountpoint;
	const char *rel;    /* the path within the filesystem */
	const char *except; /* NULL: none */
	const struct helper *helper;
	dev_t dev;
	ino_t own_ns;
	struct users *users;
	size_t n_told; /* of the users, those in the text */

	ino_t *namespaces; /* read so far */
	size_t n_namespaces;
	struct seen_mount *mounts; /* by id, once all are read */
	size_t n_mounts;
};

/* One process, while it is looked at. */
struct process {
	pid_t pid;
	int fd; /* of /proc/<pid> */
	ino_t ns;
	const struct seen_mount **mounts; /* those of its namespace */
	size_t n_mounts;
};

/* Room for one more in an array that doubles: 0 or -ENOMEM. */
static int array_grow(void *array, size_t n, size_t size)
{
	void **p = array;
	void *grown;

	if (n & (n - 1))
		return 0;
	grown = reallocarray(*p, n ? 2 * n : 1, size);
	if (!grown)
		return -ENOMEM;
	*p = grown;
	return 0;
}

static void scan_tell(struct scan *scan, const char *text)
{
	char *told = scan->users->text;
	size_t len = strlen(told);
	/* Keep room to say how many more there are. */
	size_t room = sizeof(scan->users->text) - sizeof(", and 9999999 more");

	scan->users->n++;
	if (len + 2 + strlen(text) >= room)
		return;
	snprintf(told + len, room - len, "%s%s", len ? ", " : "", text);
	scan->n_told++;
}

static void scan_tell_rest(struct scan *scan)
{
	size_t more = scan->users->n - scan->n_told;
	size_t len = strlen(scan->users->text);

	if (more)
		snprintf(scan->users->text + len,
			 sizeof(scan->users->text) - len, "%s%zu more",
			 len ? ", and " : "", more);
}

static ssize_t read_small(int dir_fd, const char *path, char *buf, size_t size)
{
	cleanup_fd int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, buf, size - 1);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return n;
}

static void scan_tell_process(struct scan *scan, const struct process *process,
			      const char *how)
{
	char text[128];
	char comm[64];

	if (read_small(process->fd, "comm", comm, sizeof(comm)) <= 0)
		snprintf(comm, sizeof(comm), "?");
	comm[strcspn(comm, "\n")] = '\0';
	/* A process names itself: it may not confuse whoever reads it. */
	for (char *p = comm; *p; p++) {
		if (iscntrl((unsigned char)*p))
			*p = '?';
	}
	snprintf(text, sizeof(text), "%s[%d] (%s)", comm, process->pid, how);
	scan_tell(scan, text);
}

/* Does a mount show the directory, or something below it, by itself? */
static bool mount_is_user(const struct scan *scan, const struct seen_mount *m)
{
	const char *below = path_beneath(m->target, scan->mountpoint);

	if (!path_beneath(m->root, scan->rel))
		return false;
	if (scan->except && path_beneath(m->target, scan->except))
		return false;
	/* The mount itself is no user of it. */
	return !(below && !*below && strcmp(m->root, "/") == 0);
}

/* Does it lie inside the directory, for us?  It would go with its place. */
static bool mount_is_inside(const struct scan *scan,
			    const struct process *process, const char *target)
{
	char inside[PATH_MAX];
	const char *below;

	if (process->ns != scan->own_ns || !target)
		return false;
	below = path_beneath(target, scan->mountpoint);
	if (!below)
		return false;
	snprintf(inside, sizeof(inside), "/%s", below);
	return path_beneath(inside, scan->rel) != NULL;
}

static void scan_tell_mount(struct scan *scan, const char *target)
{
	char text[160];

	snprintf(text, sizeof(text), "mount at '%s'", target);
	scan_tell(scan, text);
}

static int scan_keep_mount(struct scan *scan, struct libmnt_fs *fs, ino_t ns)
{
	struct seen_mount m = { .id = mnt_fs_get_id(fs), .ns = ns };
	int r;

	r = array_grow(&scan->mounts, scan->n_mounts, sizeof(m));
	if (r < 0)
		return r;
	m.root = strdup(mnt_fs_get_root(fs) ? mnt_fs_get_root(fs) : "/");
	m.target = strdup(mnt_fs_get_target(fs) ? mnt_fs_get_target(fs) : "/");
	if (!m.root || !m.target) {
		free(m.root);
		free(m.target);
		return -ENOMEM;
	}
	scan->mounts[scan->n_mounts++] = m;
	return 0;
}

/* Read the mounts of our filesystem in one namespace, and tell who uses it. */
static int scan_table(struct scan *scan, const struct process *process,
		      struct libmnt_table *table)
{
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs;
	bool told = false;
	int r = 0;

	if (!iter)
		return -ENOMEM;
	while (r == 0 && mnt_table_next_fs(table, iter, &fs) == 0) {
		const char *target = mnt_fs_get_target(fs);
		const struct seen_mount *m;

		if (mnt_fs_get_devno(fs) != scan->dev) {
			if (mount_is_inside(scan, process, target))
				scan_tell_mount(scan, target);
			continue;
		}
		r = scan_keep_mount(scan, fs, process->ns);
		if (r < 0)
			break;
		m = &scan->mounts[scan->n_mounts - 1];
		if (!mount_is_user(scan, m))
			continue;
		if (process->ns == scan->own_ns) {
			scan_tell_mount(scan, m->target);
		} else if (!told) {
			scan_tell_process(scan, process, "mount");
			told = true;
		}
	}
	mnt_free_iter(iter);
	return r;
}

static int scan_namespace(struct scan *scan, struct process *process)
{
	struct libmnt_table *table;
	char path[64];
	int r;

	for (size_t i = 0; i < scan->n_namespaces; i++) {
		if (scan->namespaces[i] == process->ns)
			return 0;
	}
	snprintf(path, sizeof(path), "/proc/%d/mountinfo", process->pid);
	table = mnt_new_table_from_file(path);
	/* Vanished, or not ours to read: another process may show it. */
	if (!table)
		return 0;
	r = array_grow(&scan->namespaces, scan->n_namespaces, sizeof(ino_t));
	if (r == 0) {
		scan->namespaces[scan->n_namespaces++] = process->ns;
		r = scan_table(scan, process, table);
	}
	mnt_unref_table(table);
	return r;
}

static int mount_compare(const void *a, const void *b)
{
	const struct seen_mount *ma = a;
	const struct seen_mount *mb = b;

	return (ma->id > mb->id) - (ma->id < mb->id);
}

static const struct seen_mount *scan_find_mount(const struct scan *scan, int id)
{
	struct seen_mount key = { .id = id };

	if (!scan->n_mounts)
		return NULL;
	return bsearch(&key, scan->mounts, scan->n_mounts, sizeof(key),
		       mount_compare);
}

/* Is the file that the kernel calls text, on this mount, in the directory? */
static bool mount_holds(const struct scan *scan, const struct seen_mount *m,
			const char *text)
{
	char inside[2 * PATH_MAX];
	const char *rest;

	if (path_beneath(m->root, scan->rel))
		return true;
	rest = path_beneath(text, m->target);
	if (!rest)
		return false;
	snprintf(inside, sizeof(inside), "%s/%s", m->root, rest);
	return path_beneath(inside, scan->rel) != NULL;
}

static bool process_link(const struct process *process, const char *name,
			 char text[PATH_MAX])
{
	ssize_t n = readlinkat(process->fd, name, text, PATH_MAX - 1);

	if (n <= 0 || text[0] != '/')
		return false;
	text[n] = '\0';
	return true;
}

static bool process_has_open(const struct scan *scan,
			     const struct process *process, const char *fd)
{
	const struct seen_mount *m;
	char text[PATH_MAX];
	char name[64];
	char info[512];
	const char *id;

	snprintf(name, sizeof(name), "fd/%s", fd);
	if (!process_link(process, name, text))
		return false;
	snprintf(name, sizeof(name), "fdinfo/%s", fd);
	if (read_small(process->fd, name, info, sizeof(info)) <= 0)
		return false;
	id = strstr(info, "mnt_id:");
	if (!id)
		return false;
	m = scan_find_mount(scan,
			    (int)strtol(id + strlen("mnt_id:"), NULL, 10));
	return m && mount_holds(scan, m, text);
}

static bool process_has_files(const struct scan *scan,
			      const struct process *process)
{
	cleanup_dir DIR *dir = NULL;
	const struct dirent *entry;
	int fd;

	fd = openat(process->fd, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return false;
	}
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): our own stream */
	while ((entry = readdir(dir))) {
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    process_has_open(scan, process, entry->d_name))
			return true;
	}
	return false;
}

/* The mount of the process's namespace that text is on, as far as ours. */
static const struct seen_mount *process_mount_of(const struct process *process,
						 const char *text)
{
	const struct seen_mount *best = NULL;

	for (size_t i = 0; i < process->n_mounts; i++) {
		const struct seen_mount *m = process->mounts[i];

		if (path_beneath(text, m->target) &&
		    (!best || strlen(m->target) > strlen(best->target)))
			best = m;
	}
	return best;
}

/* cwd, root or exe: the text says whether it is worth asking the kernel. */
static bool process_has_link(const struct scan *scan,
			     const struct process *process, const char *name)
{
	const struct seen_mount *m;
	char text[PATH_MAX];
	struct statx stx;

	if (!process_link(process, name, text) ||
	    !process_mount_of(process, text))
		return false;
	if (statx(process->fd, name, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT,
		  STATX_MNT_ID, &stx) < 0)
		return false;
	m = scan_find_mount(scan, (int)stx.stx_mnt_id);
	return m && mount_holds(scan, m, text);
}

static bool process_has_mapped(const struct scan *scan,
			       const struct process *process)
{
	cleanup_file FILE *file = NULL;
	cleanup_free char *line = NULL;
	size_t size = 0;
	char dev[32];
	int fd;

	if (!process->n_mounts)
		return false;
	fd = openat(process->fd, "maps", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	file = fdopen(fd, "r");
	if (!file) {
		close(fd);
		return false;
	}
	snprintf(dev, sizeof(dev), " %02x:%02x ", major(scan->dev),
		 minor(scan->dev));
	while (getline(&line, &size, file) > 0) {
		const struct seen_mount *m;
		char *text = strchr(line, '/');

		if (!text || !strstr(line, dev))
			continue;
		text[strcspn(text, "\n")] = '\0';
		m = process_mount_of(process, text);
		if (m && mount_holds(scan, m, text))
			return true;
	}
	return false;
}

static int scan_process(struct scan *scan, struct process *process)
{
	static const struct {
		const char *name;
		const char *how;
	} links[] = {
		{ "cwd", "working directory" },
		{ "root", "root directory" },
		{ "exe", "program" },
	};

	if (process->pid == getpid() ||
	    helper_has_process(scan->helper, process->pid))
		return 0;
	process->n_mounts = 0;
	for (size_t i = 0; i < scan->n_mounts; i++) {
		if (scan->mounts[i].ns == process->ns)
			process->mounts[process->n_mounts++] = &scan->mounts[i];
	}
	if (process_has_files(scan, process)) {
		scan_tell_process(scan, process, "open file");
		return 0;
	}
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		if (process_has_link(scan, process, links[i].name)) {
			scan_tell_process(scan, process, links[i].how);
			return 0;
		}
	}
	if (process_has_mapped(scan, process))
		scan_tell_process(scan, process, "mapped file");
	return 0;
}

/* Call fn for each process that can be looked at. */
static int scan_each(struct scan *scan,
		     int (*fn)(struct scan *scan, struct process *process))
{
	cleanup_free const struct seen_mount **mounts = NULL;
	cleanup_dir DIR *proc = opendir("/proc");
	const struct dirent *entry;
	int r = 0;

	if (!proc)
		return -errno;
	mounts = calloc(scan->n_mounts + 1, sizeof(struct seen_mount *));
	if (!mounts)
		return -ENOMEM;
	/* NOLINTNEXTLINE(concurrency-mt-unsafe): our own stream */
	while (r == 0 && (entry = readdir(proc))) {
		struct process process = { .mounts = mounts };
		cleanup_fd int fd = -1;
		struct stat ns;

		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		fd = openat(dirfd(proc), entry->d_name,
			    O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 || fstatat(fd, "ns/mnt", &ns, 0) < 0)
			continue;
		process.pid = (pid_t)strtol(entry->d_name, NULL, 10);
		process.fd = fd;
		process.ns = ns.st_ino;
		r = fn(scan, &process);
	}
	return r;
}

static int scan_run(struct scan *scan)
{
	struct stat ns;
	int r;

	if (stat("/proc/self/ns/mnt", &ns) < 0)
		return -errno;
	scan->own_ns = ns.st_ino;
	r = scan_each(scan, scan_namespace);
	if (r < 0)
		return r;
	if (scan->n_mounts)
		qsort(scan->mounts, scan->n_mounts, sizeof(*scan->mounts),
		      mount_compare);
	r = scan_each(scan, scan_process);
	if (r == 0)
		scan_tell_rest(scan);
	return r;
}

int users_find(const char *mountpoint, const char *path,
	       const char *except_prefix, const struct helper *helper,
	       struct users *ret)
{
	struct users users = { .n = 0 };
	struct scan scan = {
		.mountpoint = mountpoint,
		.rel = path_beneath(path, mountpoint),
		.except = except_prefix,
		.helper = helper,
		.users = &users,
	};
	struct statx stx;
	int r;

	if (!scan.rel)
		return -EINVAL;
	if (statx(AT_FDCWD, mountpoint, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT,
		  STATX_TYPE, &stx) < 0)
		return -errno;
	scan.dev = makedev(stx.stx_dev_major, stx.stx_dev_minor);
	r = scan_run(&scan);
	for (size_t i = 0; i < scan.n_mounts; i++) {
		free(scan.mounts[i].root);
		free(scan.mounts[i].target);
	}
	free(scan.mounts);
	free(scan.namespaces);
	if (r == 0)
		*ret = users;
	return r;
}
