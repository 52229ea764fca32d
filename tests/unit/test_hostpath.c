/* SPDX-License-Identifier: Apache-2.0 */
/* test_hostpath.c - the eight types of hostPath, and where it may lead */
#include "store/backend.h"
#include "store/base/cleanup.h"
#include "store/base/error.h"
#include "store/hostpath/place.h"
#include "tests/unit/scratch.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>

static char *allow[4];
static struct volume_env env = {
	.state_dir = "/mnt/state",
	.mountpoint = "/mnt/mount",
	.host_path_allow = allow,
};
static struct error err;

static void make_socket(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	cr_assert(eq(int, bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0));
}

static void setup(void)
{
	scratch_enter();
	scratch_directory("state");
	scratch_directory("mount");
	scratch_directory("host/dir");
	scratch_file("host/file", "x");
	make_socket("host/socket");
	mknod("host/char", S_IFCHR | 0600, makedev(1, 3));
	mknod("host/block", S_IFBLK | 0600, makedev(7, 0));
	mkfifo("host/fifo", 0600);
	env.n_host_path_allow = 0;
	umask(022);
}

TestSuite(hostpath, .init = setup, .timeout = 60);

static int provision(const char *path, const char *type)
{
	json_t *source = json_pack("{s:s, s:s*}", "path", path, "type", type);
	struct volume_spec spec = { .name = "vol", .source = source };
	int r;

	err.text[0] = '\0';
	r = hostpath_driver.provision(&env, &spec, &err);
	json_decref(source);
	return r;
}

static void allow_only(const char *prefix)
{
	allow[0] = (char *)prefix;
	env.n_host_path_allow = 1;
}

static bool says(const char *text)
{
	return strstr(err.text, text) != NULL;
}

struct kind {
	char type[20];
	char right[20];
};

static const struct kind kinds[] = {
	{ "Directory", "/mnt/host/dir" },
	{ "DirectoryOrCreate", "/mnt/host/dir" },
	{ "File", "/mnt/host/file" },
	{ "FileOrCreate", "/mnt/host/file" },
	{ "Socket", "/mnt/host/socket" },
	{ "CharDevice", "/mnt/host/char" },
	{ "BlockDevice", "/mnt/host/block" },
};

#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

Test(hostpath, each_type_takes_its_own_kind_and_refuses_every_other)
{
	for (size_t i = 0; i < N_KINDS; i++) {
		for (size_t k = 0; k < N_KINDS; k++) {
			bool same = strcmp(kinds[i].right, kinds[k].right) == 0;
			int r = provision(kinds[k].right, kinds[i].type);

			cr_expect(eq(int, r, same ? 0 : -EINVAL), "%s %s: %s",
				  kinds[i].type, kinds[k].right, err.text);
			if (!same)
				cr_expect(says(kinds[i].type) &&
					  says(kinds[k].right));
		}
		cr_expect(eq(int, provision("/mnt/host/fifo", kinds[i].type),
			     -EINVAL));
		cr_expect(says("is a fifo"));
	}
}

Test(hostpath, unset_type_takes_every_kind_and_a_missing_path_makes_nothing)
{
	for (size_t k = 0; k < N_KINDS; k++)
		cr_expect(eq(int, provision(kinds[k].right, ""), 0));
	cr_expect(eq(int, provision("/mnt/host/fifo", NULL), 0));
	cr_expect(eq(int, provision("/mnt/host/none/x", NULL), 0));
	cr_expect(eq(int, access("/mnt/host/none", F_OK), -1));
}

Test(hostpath, types_without_create_refuse_a_missing_path_by_name)
{
	static const char *const types[] = { "Directory", "File", "Socket",
					     "CharDevice", "BlockDevice" };

	for (size_t i = 0; i < 5; i++) {
		cr_expect(eq(int, provision("/mnt/host/none", types[i]),
			     -ENOENT));
		cr_expect(says("'/mnt/host/none'") && says("does not exist") &&
			  says(types[i]));
		cr_expect(eq(int, access("/mnt/host/none", F_OK), -1));
	}
}

Test(hostpath, directory_or_create_makes_all_levels_with_0755)
{
	struct stat st;

	cr_assert(eq(int, provision("/mnt/host/a/b/c", "DirectoryOrCreate"), 0),
		  "%s", err.text);
	cr_assert(eq(int, stat("/mnt/host/a", &st), 0));
	cr_expect(eq(u32, st.st_mode, S_IFDIR | 0755));
	cr_assert(eq(int, stat("/mnt/host/a/b/c", &st), 0));
	cr_expect(eq(u32, st.st_mode, S_IFDIR | 0755));
	cr_expect(eq(u32, st.st_uid, 0));
}

Test(hostpath, directory_or_create_below_a_file_is_refused)
{
	cr_expect(eq(int, provision("/mnt/host/file/x", "DirectoryOrCreate"),
		     -ENOTDIR));
	cr_expect(says("/mnt/host/file/x"));
}

Test(hostpath, file_or_create_makes_an_empty_file_with_0644_but_no_parents)
{
	struct stat st;

	cr_assert(eq(int, provision("/mnt/host/new", "FileOrCreate"), 0));
	cr_assert(eq(int, stat("/mnt/host/new", &st), 0));
	cr_expect(eq(u32, st.st_mode, S_IFREG | 0644));
	cr_expect(eq(i64, st.st_size, 0));
	cr_expect(eq(int, provision("/mnt/host/no/new", "FileOrCreate"),
		     -ENOENT));
	cr_expect(says("FileOrCreate"));
	cr_expect(eq(int, access("/mnt/host/no", F_OK), -1));
}

Test(hostpath, what_exists_is_neither_chmodded_nor_removed)
{
	struct stat st;
	json_t *source = json_pack("{s:s}", "path", "/mnt/host/dir");
	struct volume_spec spec = { .name = "vol", .source = source };

	cr_assert(eq(int, chmod("/mnt/host/dir", 0510), 0));
	cr_assert(eq(int, provision("/mnt/host/dir", "DirectoryOrCreate"), 0));
	cr_assert(eq(int, hostpath_driver.teardown(&env, &spec, &err), 0));
	cr_assert(eq(int, stat("/mnt/host/dir", &st), 0));
	cr_expect(eq(u32, st.st_mode & 07777, 0510));
	json_decref(source);
}

Test(hostpath, a_link_is_followed_to_its_target)
{
	cr_assert(eq(int, symlink("dir", "host/relative"), 0));
	cr_assert(eq(int, symlink("/mnt/host/file", "host/absolute"), 0));
	cr_expect(eq(int, provision("/mnt/host/relative", "Directory"), 0));
	cr_expect(eq(int, provision("/mnt/host/absolute", "File"), 0));
	cr_expect(
		eq(int, provision("/mnt/host/absolute", "Directory"), -EINVAL));
}

Test(hostpath, links_in_a_circle_are_refused)
{
	cr_assert(eq(int, symlink("two", "host/one"), 0));
	cr_assert(eq(int, symlink("one", "host/two"), 0));
	cr_expect(eq(int, provision("/mnt/host/one", "Directory"), -ELOOP));
}

Test(hostpath, relative_paths_and_dotdot_are_refused)
{
	cr_expect(eq(int, provision("host", NULL), -EINVAL));
	cr_expect(eq(int, provision("/mnt/host/../state", NULL), -EINVAL));
	cr_expect(eq(int, provision("", NULL), -EINVAL));
	cr_expect(eq(int, provision("/mnt", "Folder"), -EINVAL));
	cr_expect(says("DirectoryOrCreate"));
}

Test(hostpath, the_state_directory_and_the_mount_are_refused)
{
	scratch_directory("state/pods");
	cr_assert(eq(int, symlink("/mnt/state/pods", "host/link"), 0));
	cr_expect(eq(int, provision("/mnt/state", NULL), -EACCES));
	cr_expect(says("state directory"));
	cr_expect(eq(int, provision("/mnt/host/link", NULL), -EACCES));
	cr_expect(eq(int, provision("/mnt/state/new", "DirectoryOrCreate"),
		     -EACCES));
	cr_expect(eq(int, access("/mnt/state/new", F_OK), -1));
	cr_expect(eq(int, provision("/mnt/mount", NULL), -ELOOP));
	cr_expect(eq(int, provision("/mnt/mount/x", NULL), -ELOOP));
	cr_expect(says("/mnt/mount/x"));
	cr_expect(eq(int, provision("/mnt", NULL), 0));
}

Test(hostpath, only_what_is_beneath_an_allowed_prefix_may_be_used)
{
	scratch_directory("hostile");
	allow_only("/mnt/host");
	cr_expect(eq(int, provision("/mnt/host", NULL), 0));
	cr_expect(eq(int, provision("/mnt/host/dir", "Directory"), 0));
	cr_expect(eq(int, provision("/mnt/host/char", "CharDevice"), 0));
	cr_expect(eq(int, provision("/mnt/hostile", NULL), -EACCES));
	cr_expect(says("/mnt/hostile") && says("allow"));
	cr_expect(eq(int, provision("/mnt", NULL), -EACCES));
	cr_expect(eq(int, provision("/", NULL), -EACCES));
	cr_expect(eq(int, provision("/etc/none", NULL), -EACCES));
}

Test(hostpath, a_link_that_leaves_the_allowed_prefix_is_refused)
{
	allow_only("/mnt/host");
	cr_assert(eq(int, symlink("/etc", "host/absolute"), 0));
	cr_assert(eq(int, symlink("../..", "host/relative"), 0));
	cr_expect(eq(int, provision("/mnt/host/absolute", NULL), -EACCES));
	cr_expect(
		eq(int, provision("/mnt/host/absolute/passwd", NULL), -EACCES));
	cr_expect(eq(int, provision("/mnt/host/relative/etc", NULL), -EACCES));
	cr_expect(eq(int,
		     provision("/mnt/host/relative/mnt/x", "DirectoryOrCreate"),
		     -EACCES));
	cr_expect(eq(int, access("/mnt/x", F_OK), -1));
}

Test(hostpath, a_link_that_stays_in_the_allowed_prefix_is_followed)
{
	allow_only("/mnt/host");
	cr_assert(eq(int, symlink("/mnt/host/dir", "host/absolute"), 0));
	cr_assert(eq(int, symlink("dir", "host/relative"), 0));
	cr_assert(eq(int, symlink("/mnt/host/dir", "entry"), 0));
	cr_expect(eq(int, provision("/mnt/host/absolute", "Directory"), 0),
		  "%s", err.text);
	cr_expect(eq(int, provision("/mnt/host/relative", "Directory"), 0));
	cr_expect(eq(int, provision("/mnt/entry", "Directory"), 0));
	cr_expect(eq(int,
		     provision("/mnt/host/absolute/new/x", "DirectoryOrCreate"),
		     0));
	cr_expect(eq(int, access("/mnt/host/dir/new/x", F_OK), 0));
}

Test(hostpath, an_allowed_prefix_may_itself_be_a_link)
{
	cr_assert(eq(int, symlink("/mnt/host", "entry"), 0));
	allow_only("/mnt/entry");
	cr_expect(eq(int, provision("/mnt/entry/dir", "Directory"), 0));
	cr_expect(eq(int, provision("/mnt/host/dir", "Directory"), 0));
	cr_expect(eq(int, provision("/mnt/state", NULL), -EACCES));
}

Test(hostpath, the_unset_type_waits_for_a_prefix_that_is_not_there_yet)
{
	allow_only("/mnt/later");
	cr_expect(eq(int, provision("/mnt/later/x", NULL), 0));
	cr_expect(eq(int, provision("/mnt/later/x", "DirectoryOrCreate"),
		     -ENOENT));
	cr_expect(eq(int, access("/mnt/later", F_OK), -1));
}

Test(hostpath, links_of_others_in_sticky_directories_are_not_followed)
{
	scratch_directory("tmp");
	cr_assert(eq(int, chmod("tmp", 01777), 0));
	cr_assert(eq(int, symlink("/mnt/host/dir", "tmp/link"), 0));
	cr_assert(eq(int, lchown("tmp/link", 1000, 1000), 0));
	scratch_file("/proc/sys/fs/protected_symlinks", "1");
	cr_expect(eq(int, provision("/mnt/tmp/link", "Directory"), -EACCES));
}

Test(hostpath, a_place_is_looked_up_anew_each_time)
{
	struct place *place;
	cleanup_fd int before = -1;
	cleanup_fd int after = -1;

	cr_assert(eq(int, place_new(&env, "/mnt/host/dir", &place), 0));
	before = place_open(place);
	cr_expect(ge(int, before, 0));
	cr_assert(eq(int, rmdir("host/dir"), 0));
	cr_expect(eq(int, place_open(place), -ENOENT));
	cr_assert(eq(int, symlink("/mnt/state", "host/dir"), 0));
	cr_expect(eq(int, place_open(place), PLACE_IN_STATE_DIR));
	cr_assert(eq(int, unlink("host/dir"), 0));
	scratch_file("host/dir", "now a file");
	after = place_open(place);
	cr_expect(ge(int, after, 0));
	place_free(place);
}

Test(hostpath, a_fifo_or_device_is_not_opened_by_looking_at_it)
{
	struct place *place;
	cleanup_fd int fd = -1;
	char byte;

	cr_assert(eq(int, place_new(&env, "/mnt/host/fifo", &place), 0));
	fd = place_open(place);
	cr_assert(ge(int, fd, 0));
	cr_expect(eq(int, (int)read(fd, &byte, 1), -1));
	cr_expect(eq(int, errno, EBADF));
	place_free(place);
}

Test(hostpath, usage_and_host_path_are_those_of_something_not_ours)
{
	json_t *source = json_pack("{s:s}", "path", "/mnt/host/dir");
	struct volume_spec spec = { .name = "vol", .source = source };
	cleanup_free char *path = hostpath_driver.host_path(&env, &spec);
	struct volume_usage usage;

	cr_expect(eq(str, path, (char *)"/mnt/host/dir"));
	cr_assert(eq(int, hostpath_driver.usage(&env, &spec, &usage), 0));
	cr_expect(eq(i64, usage.used_bytes, -1));
	json_decref(source);
}
