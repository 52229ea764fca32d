/* SPDX-License-Identifier: Apache-2.0 */
/* test_node.c - apply, get, delete, mounts and start-up of the engine */
#include "store/base/cleanup.h"
#include "store/volume.h"
#include "tests/unit/nodes.h"
#include "tests/unit/scratch.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

/* Criterion's str is a char *. */
#define TEXT(literal) ((char *)(literal))

#define POD(name)                                                              \
	"apiVersion: v1\nkind: Pod\nmetadata: {name: " name "}\n"              \
	"spec:\n"                                                              \
	"  containers:\n"                                                      \
	"  - name: c\n"                                                        \
	"    image: busybox\n"                                                 \
	"    volumeMounts: [{name: data, mountPath: /data}]\n"                 \
	"  volumes:\n"                                                         \
	"  - name: data\n"                                                     \
	"    emptyDir: {}\n"                                                   \
	"  - name: logs\n"                                                     \
	"    emptyDir: {}\n"

static const char web[] = POD("web");

static const char *base;
static struct test_node t;
static char text[512];

static void setup(void)
{
	base = scratch_enter();
	cr_assert(eq(int, test_node_open(&t, base), 0), "%s", t.err.text);
}

static void teardown(void)
{
	if (t.node)
		test_node_close(&t);
}

TestSuite(node, .init = setup, .fini = teardown, .timeout = 60);

static void restart(void)
{
	test_node_close(&t);
	cr_assert(eq(int, test_node_open(&t, base), 0), "%s", t.err.text);
}

static void apply(const char *manifest)
{
	cr_assert(ge(int, test_apply(&t, manifest, 0), 0), "%s", t.err.text);
}

/* Where the bytes of a volume of default/web are. */
static char *host_path(int volume)
{
	json_auto_t *pod = test_get(&t, "web");
	char path[64];

	snprintf(path, sizeof(path), "status.volumes.%d.hostPath", volume);
	return strdup(test_string(pod, path));
}

static bool has_event(const char *reason)
{
	json_auto_t *list = NULL;
	json_t *event;
	size_t i;

	cr_assert(eq(int, node_event_list(t.node, NULL, &list, NULL), 0));
	json_array_foreach(json_object_get(list, "items"), i, event)
	{
		if (strcmp(test_string(event, "reason"), reason) == 0)
			return true;
	}
	return false;
}

Test(node, an_applied_pod_is_shown_with_its_volumes_and_status)
{
	cleanup_free char *path = NULL;
	struct stat st;

	cr_assert(eq(int, test_apply(&t, web, 0), NODE_CREATED));
	cr_expect(test_is_shown(&t, "web"));
	json_auto_t *pod = test_get(&t, "web");
	cr_expect(eq(str, test_string(pod, "kind"), TEXT("Pod")));
	cr_expect(eq(str, test_string(pod, "metadata.namespace"),
		     TEXT("default")));
	cr_expect(eq(sz, strlen(test_string(pod, "metadata.uid")), 36));
	cr_expect(eq(str, test_string(pod, "status.phase"), TEXT("Ready")));
	cr_expect(eq(str, test_string(pod, "status.volumes.1.name"),
		     TEXT("logs")));
	cr_expect(eq(str, test_string(pod, "status.volumes.0.source"),
		     TEXT("emptyDir")));
	snprintf(text, sizeof(text), "%s/mnt/default/web/data", base);
	cr_expect(eq(str, test_string(pod, "status.volumes.0.path"), text));
	path = host_path(0);
	cr_assert(eq(int, stat(path, &st), 0));
	cr_expect(eq(u32, st.st_mode & 07777, 0777));
}

Test(node, an_unchanged_manifest_is_a_no_op)
{
	char version[64];

	apply(web);
	json_auto_t *before = test_get(&t, "web");
	snprintf(version, sizeof(version), "%s",
		 test_string(before, "metadata.resourceVersion"));
	cr_expect(eq(int, test_apply(&t, web, 0), NODE_UNCHANGED));
	json_auto_t *after = test_get(&t, "web");
	cr_expect(eq(str, test_string(after, "metadata.resourceVersion"),
		     version));
}

Test(node, a_changed_label_is_kept_and_raises_the_version)
{
	const char *labelled =
		"metadata: {name: web, labels: {tier: front}}\n"
		"apiVersion: v1\nkind: Pod\n"
		"spec:\n"
		"  containers: [{name: c, image: busybox, volumeMounts: "
		"[{name: data, mountPath: /data}]}]\n"
		"  volumes: [{name: data, emptyDir: {}}, "
		"{name: logs, emptyDir: {}}]\n";

	apply(web);
	cr_expect(eq(int, test_apply(&t, labelled, 0), NODE_CONFIGURED), "%s",
		  t.err.text);
	restart();
	json_auto_t *pod = test_get(&t, "web");
	cr_expect(eq(str, test_string(pod, "metadata.labels.tier"),
		     TEXT("front")));
}

Test(node, changing_the_volumes_of_a_live_pod_is_refused_by_field)
{
	apply(web);
	cr_expect(eq(int,
		     test_apply(&t,
				"apiVersion: v1\nkind: Pod\n"
				"metadata: {name: web}\n"
				"spec: {containers: [{name: c, image: b}], "
				"volumes: [{name: x, emptyDir: {}}]}\n",
				0),
		     -EINVAL));
	cr_expect(gt(sz, t.causes.n, 0));
	cr_expect(eq(int, test_apply(&t, web, 0), NODE_UNCHANGED));
}

Test(node, create_of_a_pod_that_is_there_is_eexist)
{
	apply(web);
	cr_expect(eq(int, test_apply(&t, web, NODE_APPLY_CREATE), -EEXIST));
	cr_expect(strstr(t.err.text, "web") != NULL);
}

Test(node, replace_of_a_missing_pod_is_enoent)
{
	cr_expect(eq(int, test_apply(&t, web, NODE_APPLY_REPLACE), -ENOENT));
}

Test(node, a_dry_run_says_what_would_be_and_changes_nothing)
{
	struct node_stats before;
	struct node_stats after;

	node_stats(t.node, &before);
	cr_expect(
		eq(int, test_apply(&t, web, NODE_APPLY_DRY_RUN), NODE_CREATED));
	node_stats(t.node, &after);
	cr_expect(eq(u64, after.resource_version, before.resource_version));
	cr_expect(test_get(&t, "web") == NULL);
	cr_expect(eq(int, test_count_entries("state/pods"), 0));
}

Test(node, generated_names_differ_and_are_kubernetes_like)
{
	const char *manifest = "apiVersion: v1\nkind: Pod\n"
			       "metadata: {generateName: job-}\n"
			       "spec: {containers: [{name: c, image: b}]}\n";
	json_auto_t *a = NULL;
	json_auto_t *b = NULL;
	char first[64];

	cr_assert(eq(int, test_apply_object(&t, manifest, 0, &a), NODE_CREATED),
		  "%s", t.err.text);
	cr_assert(
		eq(int, test_apply_object(&t, manifest, 0, &b), NODE_CREATED));
	snprintf(first, sizeof(first), "%s", test_string(a, "metadata.name"));
	cr_expect(eq(sz, strlen(first), 9));
	cr_expect(eq(sz, strspn(first + 4, "bcdfghjklmnpqrstvwxz2456789"), 5));
	cr_expect(ne(str, test_string(b, "metadata.name"), first));
	cr_expect(test_is_shown(&t, first));
}

Test(node, a_uid_of_another_pod_is_refused_by_field)
{
	static const char uid[] = "metadata: {name: %s, uid: "
				  "11111111-2222-3333-4444-555555555555}\n"
				  "apiVersion: v1\nkind: Pod\n"
				  "spec: {containers: [{name: c, image: b}]}\n";

	snprintf(text, sizeof(text), uid, "one");
	apply(text);
	cr_expect(eq(int, test_apply(&t, text, 0), NODE_UNCHANGED));
	snprintf(text, sizeof(text), uid, "two");
	cr_expect(eq(int, test_apply(&t, text, 0), -EINVAL));
	cr_assert(eq(sz, t.causes.n, 1));
	cr_expect(eq(str, t.causes.list[0].field, TEXT("metadata.uid")));
}

Test(node, another_uid_for_a_live_pod_is_refused)
{
	apply(web);
	cr_expect(eq(int,
		     test_apply(&t,
				"apiVersion: v1\nkind: Pod\n"
				"metadata: {name: web, uid: "
				"11111111-2222-3333-4444-555555555555}\n"
				"spec:\n"
				"  containers: [{name: c, image: busybox, "
				"volumeMounts: [{name: data, mountPath: "
				"/data}]}]\n"
				"  volumes: [{name: data, emptyDir: {}}, "
				"{name: logs, emptyDir: {}}]\n",
				0),
		     -EINVAL));
	cr_expect(strstr(t.err.text, "uid") != NULL, "%s", t.err.text);
}

Test(node, what_the_driver_refuses_names_the_field_and_leaves_nothing)
{
	cr_expect(eq(int,
		     test_apply(&t,
				"apiVersion: v1\nkind: Pod\n"
				"metadata: {name: bad}\n"
				"spec:\n"
				"  containers: [{name: c, image: b}]\n"
				"  volumes:\n"
				"  - {name: ok, emptyDir: {}}\n"
				"  - {name: gone, hostPath: {path: /nowhere-x, "
				"type: Directory}}\n",
				0),
		     -EINVAL));
	cr_assert(eq(sz, t.causes.n, 1));
	cr_expect(eq(str, t.causes.list[0].field,
		     TEXT("spec.volumes[1].hostPath")));
	cr_expect(strstr(t.causes.list[0].message, "/nowhere-x") != NULL, "%s",
		  t.causes.list[0].message);
	cr_expect(test_get(&t, "bad") == NULL);
	cr_expect(eq(int, test_count_entries("state/pods"), 0));
	cr_expect(has_event("FailedMount"));
}

Test(node, a_deleted_pod_is_gone_and_comes_back_empty_and_new)
{
	cleanup_free char *path = NULL;
	char uid[64];

	apply(web);
	path = host_path(0);
	json_auto_t *first = test_get(&t, "web");
	snprintf(uid, sizeof(uid), "%s", test_string(first, "metadata.uid"));
	snprintf(text, sizeof(text), "%s/hello", path);
	scratch_file(text, "hello");

	cr_assert(eq(int, test_delete(&t, "web", 0), 0), "%s", t.err.text);
	cr_expect(not(test_is_shown(&t, "web")));
	cr_expect(test_get(&t, "web") == NULL);
	cr_expect(eq(int, test_count_entries("state/pods"), 0));
	cr_expect(eq(int, test_delete(&t, "web", 0), -ENOENT));

	apply(web);
	json_auto_t *second = test_get(&t, "web");
	cr_expect(ne(str, test_string(second, "metadata.uid"), uid));
	free(path);
	path = host_path(0);
	cr_expect(eq(int, test_count_entries(path), 0));
}

Test(node, deleting_a_pod_leaves_the_host_path_alone)
{
	scratch_directory("kept");
	scratch_file("kept/precious", "bytes");
	snprintf(text, sizeof(text),
		 "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n"
		 "spec: {containers: [{name: c, image: b}], volumes: [{name: h,"
		 " hostPath: {path: %s/kept, type: Directory}}]}\n",
		 base);
	apply(text);
	cr_assert(eq(int, test_delete(&t, "web", 0), 0));
	cr_expect(eq(int, access("kept/precious", F_OK), 0));
}

Test(node, a_pod_with_open_files_is_deleted_by_force_only)
{
	struct tree_pod *pod;
	json_auto_t *object = test_get(&t, "web");

	apply(web);
	object = test_get(&t, "web");
	pod = tree_pod_by_uid(node_tree(t.node),
			      test_string(object, "metadata.uid"));
	cr_assert(pod != NULL);
	atomic_fetch_add(&pod->volumes[1]->opens, 1);
	cr_expect(eq(int, test_delete(&t, "web", 0), -EBUSY));
	cr_expect(strstr(t.err.text, "force") != NULL, "%s", t.err.text);
	cr_expect(test_is_shown(&t, "web"));
	cr_expect(eq(int, test_delete(&t, "web", NODE_DELETE_FORCE), 0));
	tree_pod_unref(pod);
}

Test(node, deletion_checks_the_uid_and_the_version_it_is_given)
{
	struct node_preconditions conditions = { .uid = "other" };
	json_auto_t *object = NULL;

	apply(web);
	json_auto_t *pod = test_get(&t, "web");
	cr_expect(eq(int,
		     node_pod_delete(t.node, "default", "web", &conditions, 0,
				     &object, &t.err),
		     -ESTALE));
	cleanup_free char *uid = strdup(test_string(pod, "metadata.uid"));
	conditions.uid = uid;
	conditions.resource_version = "1";
	cr_expect(eq(int,
		     node_pod_delete(t.node, "default", "web", &conditions, 0,
				     &object, &t.err),
		     -ESTALE));
	cr_expect(test_is_shown(&t, "web"));
	conditions.resource_version =
		test_string(pod, "metadata.resourceVersion");
	cr_expect(eq(int,
		     node_pod_delete(t.node, "default", "web", &conditions, 0,
				     &object, &t.err),
		     0));
}

Test(node, a_dry_deletion_deletes_nothing)
{
	apply(web);
	cr_expect(eq(int, test_delete(&t, "web", NODE_DELETE_DRY_RUN), 0));
	cr_expect(test_is_shown(&t, "web"));
}

Test(node, files_and_identity_survive_a_restart)
{
	cleanup_free char *path = NULL;
	char uid[64];
	uint32_t id;
	struct tree_pod *pod;

	apply(web);
	path = host_path(0);
	snprintf(text, sizeof(text), "%s/hello", path);
	scratch_file(text, "hello");
	json_auto_t *object = test_get(&t, "web");
	snprintf(uid, sizeof(uid), "%s", test_string(object, "metadata.uid"));
	pod = tree_pod_by_uid(node_tree(t.node), uid);
	id = pod->volumes[1]->id;
	tree_pod_unref(pod);

	restart();
	pod = tree_pod_by_uid(node_tree(t.node), uid);
	cr_assert(pod != NULL);
	cr_expect(eq(u32, pod->volumes[1]->id, id));
	tree_pod_unref(pod);
	cr_expect(eq(int, access(text, F_OK), 0));
}

Test(node, a_missing_empty_dir_is_made_again_and_said)
{
	cleanup_free char *path = NULL;

	apply(web);
	path = host_path(0);
	cr_assert(eq(int, rmdir(path), 0));
	restart();
	cr_expect(eq(int, access(path, F_OK), 0));
	cr_expect(test_is_shown(&t, "web"));
	cr_expect(has_event("Recovered"));
}

Test(node, a_vanished_host_path_stops_no_start_and_is_said)
{
	scratch_directory("fleeting");
	snprintf(text, sizeof(text),
		 "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n"
		 "spec: {containers: [{name: c, image: b}], volumes: [{name: h,"
		 " hostPath: {path: %s/fleeting, type: Directory}}]}\n",
		 base);
	apply(text);
	cr_assert(eq(int, rmdir("fleeting"), 0));
	restart();
	cr_expect(test_is_shown(&t, "web"));
	for (int i = 0; i < 500 && !has_event("FailedMount"); i++)
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	cr_expect(has_event("FailedMount"));
}

Test(node, trees_of_nobody_go_to_the_trash)
{
	cleanup_free char *path = NULL;

	apply(web);
	path = host_path(0);
	scratch_directory("state/pods/stray-uid/volumes");
	scratch_file("state/pods/stray-uid/volumes/file", "x");
	snprintf(text, sizeof(text), "%s-stray", path);
	scratch_directory(text);
	restart();
	cr_expect(eq(int, test_count_entries("state/pods"), 1));
	cr_expect(ne(int, access(text, F_OK), 0));
	cr_expect(eq(int, access(path, F_OK), 0));
}

Test(node, a_second_node_on_the_same_state_is_refused_with_the_pid)
{
	struct test_node other;

	cr_assert(eq(int, test_node_open(&other, base), -EBUSY));
	snprintf(text, sizeof(text), "pid %d", (int)getpid());
	cr_expect(strstr(other.err.text, text) != NULL, "%s", other.err.text);
}

Test(node, a_state_directory_without_parent_is_refused)
{
	struct test_node other;

	cr_assert(eq(int, test_node_open(&other, "/nowhere-x"), -ENOENT));
	cr_expect(strstr(other.err.text, "parent") != NULL, "%s",
		  other.err.text);
}

static void fill_disk(const char *path)
{
	static const char zeroes[4096];
	cleanup_fd int fd =
		open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	cr_assert(ge(int, fd, 0));
	while (write(fd, zeroes, sizeof(zeroes)) > 0)
		;
}

Test(node, a_full_disk_refuses_a_pod_whole_and_lets_pods_be_deleted)
{
	const char *other = POD("other");

	test_node_close(&t);
	scratch_directory("small");
	cr_assert(eq(int, mount("small", "small", "tmpfs", 0, "size=12m"), 0));
	snprintf(text, sizeof(text), "%s/small", base);
	base = text;
	cr_assert(eq(int, test_node_open(&t, base), 0), "%s", t.err.text);
	apply(web);
	fill_disk("small/filler");
	cr_expect(eq(int, test_apply(&t, other, 0), -ENOSPC));
	cr_expect(strstr(t.err.text, "No space left") != NULL, "%s",
		  t.err.text);
	cr_expect(test_get(&t, "other") == NULL);
	cr_expect(eq(int, test_count_entries("small/state/pods"), 1));
	cr_expect(eq(int, test_delete(&t, "web", 0), 0), "%s", t.err.text);
	unlink("small/filler");
	cr_expect(eq(int, test_apply(&t, other, 0), NODE_CREATED), "%s",
		  t.err.text);
}

Test(node, a_read_only_state_directory_is_refused_with_its_name)
{
	struct test_node other;

	scratch_directory("fixed");
	cr_assert(eq(int, mount("fixed", "fixed", "tmpfs", 0, NULL), 0));
	scratch_directory("fixed/state");
	cr_assert(eq(
		int,
		mount("fixed", "fixed", "tmpfs", MS_REMOUNT | MS_RDONLY, NULL),
		0));
	snprintf(text, sizeof(text), "%s/fixed", base);
	cr_assert(eq(int, test_node_open(&other, text), -EROFS), "%s",
		  other.err.text);
	cr_expect(strstr(other.err.text, "/fixed/state") != NULL, "%s",
		  other.err.text);
}

static json_t *mounts(const char *name, const char *container)
{
	json_t *object = NULL;
	int r = node_pod_mounts(t.node, "default", name, container, &object,
				&t.err);

	cr_assert(eq(int, r, 0), "%s", t.err.text);
	return object;
}

Test(node, mounts_give_the_paths_of_each_container)
{
	apply(web);
	json_auto_t *object = mounts("web", "c");
	snprintf(text, sizeof(text), "%s/mnt/default/web/data", base);
	cr_expect(
		eq(str, test_string(object, "items.0.mounts.0.source"), text));
	cr_expect(eq(str, test_string(object, "items.0.mounts.0.destination"),
		     TEXT("/data")));
	cr_expect(eq(int,
		     node_pod_mounts(t.node, "default", "web", "nobody",
				     &object, &t.err),
		     -ENOENT));
	cr_expect(strstr(t.err.text, "nobody") != NULL);
}

Test(node, a_socket_of_the_host_is_mounted_from_where_it_is)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX,
				       .sun_path = "sock" };
	cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert(eq(int,
		     bind(fd, (struct sockaddr *)&address, sizeof(address)),
		     0));
	snprintf(text, sizeof(text),
		 "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n"
		 "spec: {containers: [{name: c, image: b, volumeMounts: "
		 "[{name: h, mountPath: /s}]}], volumes: [{name: h,"
		 " hostPath: {path: %s/sock, type: Socket}}]}\n",
		 base);
	apply(text);
	json_auto_t *object = mounts("web", NULL);
	snprintf(text, sizeof(text), "%s/sock", base);
	cr_expect(
		eq(str, test_string(object, "items.0.mounts.0.source"), text));
}

Test(node, a_sub_path_is_bound_below_the_state_and_gone_with_the_pod)
{
	char source[512];

	/* Instead of a real mount: the directory that it would show. */
	scratch_directory("mnt/default/web/data");
	apply("apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n"
	      "spec: {containers: [{name: c, image: b, env: [{name: WHO, "
	      "value: me}], volumeMounts: [{name: data, mountPath: /s, "
	      "subPathExpr: logs/$(WHO)}]}], "
	      "volumes: [{name: data, emptyDir: {}}]}\n");
	json_auto_t *object = mounts("web", NULL);
	snprintf(source, sizeof(source), "%s",
		 test_string(object, "items.0.mounts.0.source"));
	cr_expect(strstr(source, "/state/subpaths/") != NULL, "%s", source);
	scratch_file("mnt/default/web/data/logs/me/f", "x");
	cr_expect(eq(int, test_count_entries(source), 1), "it is bound");
	cr_assert(eq(int, test_delete(&t, "web", NODE_DELETE_FORCE), 0), "%s",
		  t.err.text);
	cr_expect(ne(int, access(source, F_OK), 0));
	cr_expect(eq(int, access("mnt/default/web/data/logs/me/f", F_OK), 0));
}

static void *apply_own(void *arg)
{
	struct test_node own = { .node = t.node, .localfs = t.localfs };
	char manifest[1024];
	char name[32];
	int result = 0;

	causes_init(&own.causes);
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "%s-%d", (const char *)arg, i);
		snprintf(manifest, sizeof(manifest), POD("%s"), name);
		if (test_apply(&own, manifest, 0) != NODE_CREATED)
			result = 1;
		if (i % 2 && test_delete(&own, name, NODE_DELETE_FORCE) < 0)
			result = 1;
	}
	causes_done(&own.causes);
	return result ? arg : NULL;
}

Test(node, pods_are_applied_and_deleted_side_by_side)
{
	static const char *const names[] = { "a", "b", "c", "d" };
	pthread_t threads[4];
	struct node_stats stats;
	void *failed;

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, apply_own, (void *)names[i]);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &failed);
		cr_expect(failed == NULL);
	}
	node_stats(t.node, &stats);
	cr_expect(eq(u64, stats.pods, 40));
	cr_expect(eq(u64, stats.volumes, 80));
}

static void *apply_same(void *arg)
{
	struct test_node own = { .node = t.node, .localfs = t.localfs };
	int created = 0;

	(void)arg;
	causes_init(&own.causes);
	created = test_apply(&own, web, 0) == NODE_CREATED;
	causes_done(&own.causes);
	return created ? &t : NULL;
}

Test(node, one_of_many_who_apply_the_same_pod_creates_it)
{
	pthread_t threads[8];
	int created = 0;
	void *did;

	for (int i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, apply_same, NULL);
	for (int i = 0; i < 8; i++) {
		pthread_join(threads[i], &did);
		created += did != NULL;
	}
	cr_expect(eq(int, created, 1));
}

Test(node, a_list_is_ordered_by_namespace_and_name)
{
	static const char *const made[] = { "b/a", "a/z", "b/b", "a/c" };
	static const char *const wanted[] = { "a/c", "a/z", "b/a", "b/b" };
	json_auto_t *list = NULL;
	json_t *pod;
	size_t i;

	for (i = 0; i < 4; i++) {
		char manifest[200];

		snprintf(manifest, sizeof(manifest),
			 "apiVersion: v1\nkind: Pod\n"
			 "metadata: {namespace: %.1s, name: %s}\n"
			 "spec: {containers: [{name: c, image: b}]}\n",
			 made[i], made[i] + 2);
		apply(manifest);
	}
	cr_assert(eq(int, node_pod_list(t.node, NULL, &list, NULL), 0));
	json_array_foreach(json_object_get(list, "items"), i, pod)
	{
		cr_expect(eq(chr, *test_string(pod, "metadata.namespace"),
			     wanted[i][0]));
		cr_expect(eq(str, test_string(pod, "metadata.name"),
			     TEXT(wanted[i] + 2)));
	}
}

Test(node, a_list_shows_the_pods_of_a_namespace)
{
	json_auto_t *list = NULL;

	apply(web);
	apply("apiVersion: v1\nkind: Pod\n"
	      "metadata: {name: far, namespace: away}\n"
	      "spec: {containers: [{name: c, image: b}]}\n");
	cr_assert(eq(int, node_pod_list(t.node, "away", &list, NULL), 0));
	cr_expect(eq(str, test_string(list, "kind"), TEXT("PodList")));
	cr_expect(gt(sz, strlen(test_string(list, "metadata.resourceVersion")),
		     0));
	cr_expect(eq(sz, json_array_size(json_object_get(list, "items")), 1));
	json_decref(list);
	cr_assert(eq(int, node_pod_list(t.node, NULL, &list, NULL), 0));
	cr_expect(eq(sz, json_array_size(json_object_get(list, "items")), 2));
}
