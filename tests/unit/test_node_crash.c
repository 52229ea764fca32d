/* SPDX-License-Identifier: Apache-2.0 */
/* test_node_crash.c - killed at each named step, the next start puts it right
 */
#include "store/base/cleanup.h"
#include "tests/unit/nodes.h"
#include "tests/unit/scratch.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define POD(name)                                                              \
	"apiVersion: v1\nkind: Pod\nmetadata: {name: " name "}\n"              \
	"spec:\n"                                                              \
	"  containers: [{name: c, image: busybox}]\n"                          \
	"  volumes: [{name: a, emptyDir: {}}, {name: b, emptyDir: {}}]\n"

#define SIZED(size)                                                            \
	"apiVersion: v1\nkind: Pod\nmetadata: {name: web}\n"                   \
	"spec:\n"                                                              \
	"  containers: [{name: c, image: busybox}]\n"                          \
	"  volumes:\n"                                                         \
	"  - {name: a, emptyDir: {sizeLimit: " size "}}\n"                     \
	"  - {name: b, emptyDir: {sizeLimit: " size "}}\n"

static const char *base;
static const char *kill_at;
static unsigned kill_after; /* times that the step is passed first */

TestSuite(node_crash, .timeout = 120);

static void die_there(const char *step)
{
	if (strcmp(step, kill_at) == 0 && kill_after-- == 0)
		kill(getpid(), SIGKILL);
}

static int open_and_arm(struct test_node *t, const char *step, unsigned after)
{
	kill_at = step;
	kill_after = after;
	if (strncmp(step, "start.", 6) == 0)
		node_set_step_hook(die_there);
	if (test_node_open(t, base) < 0)
		return -1;
	node_set_step_hook(die_there);
	return 0;
}

/* In a process that is killed at the step; says if that happened. */
static bool killed_at(const char *step, unsigned after,
		      int (*work)(struct test_node *t))
{
	struct test_node t;
	int status;
	pid_t pid = fork();

	cr_assert(ge(int, pid, 0));
	if (pid == 0) {
		if (open_and_arm(&t, step, after) < 0)
			_exit(2);
		if (work(&t) < 0)
			_exit(3);
		_exit(0);
	}
	cr_assert(eq(int, waitpid(pid, &status, 0), pid));
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGKILL;
	cr_assert(eq(int, WEXITSTATUS(status), 0), "at %s", step);
	return false;
}

static int do_nothing(struct test_node *t)
{
	(void)t;
	return 0;
}

static int apply_web(struct test_node *t)
{
	return test_apply(t, POD("web"), 0);
}

static int apply_and_delete_web(struct test_node *t)
{
	int r = test_apply(t, POD("web"), 0);

	return r < 0 ? r : test_delete(t, "web", NODE_DELETE_FORCE);
}

static void start(struct test_node *t)
{
	node_set_step_hook(NULL);
	cr_assert(eq(int, test_node_open(t, base), 0), "%s", t->err.text);
}

/* Whole or not there at all, and in both cases good for use. */
static bool is_whole(struct test_node *t)
{
	json_auto_t *pod = test_get(t, "web");
	char uid[64];
	char path[256];
	bool shown = test_is_shown(t, "web");

	cr_expect(eq(int, shown, pod != NULL), "shown as it is known");
	if (!pod) {
		cr_expect(eq(int, test_count_entries("state/pods"), 0),
			  "no tree of nobody");
		return false;
	}
	cr_expect(eq(str, test_string(pod, "status.phase"), (char *)"Ready"));
	snprintf(uid, sizeof(uid), "%s", test_string(pod, "metadata.uid"));
	cr_expect(eq(int, test_count_entries("state/pods"), 1));
	snprintf(path, sizeof(path),
		 "state/pods/%s/volumes/kubernetes.io~empty-dir", uid);
	cr_expect(eq(int, test_count_entries(path), 2));
	return true;
}

static void wait_for_the_reaper(struct test_node *t)
{
	struct node_stats stats;

	for (int i = 0; i < 1000; i++) {
		node_stats(t->node, &stats);
		if (stats.trash_entries == 0)
			return;
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
	cr_assert(false, "the trash stays full");
}

/* certain: whether the pod is there at this step; else both are right. */
static void kill_apply_at(const char *step, unsigned after, bool certain)
{
	struct test_node t;
	bool whole;

	base = scratch_enter();
	cr_assert(killed_at(step, after, apply_web));
	start(&t);
	whole = is_whole(&t);
	if (certain)
		cr_expect(whole);
	cr_expect(ge(int, test_apply(&t, POD("web"), 0), 0), "%s", t.err.text);
	cr_expect(is_whole(&t));
	cr_expect(eq(int, test_delete(&t, "web", NODE_DELETE_FORCE), 0));
	wait_for_the_reaper(&t);
	test_node_close(&t);
}

Test(node_crash, apply_killed_before_anything_is_finished_or_undone)
{
	kill_apply_at("apply.begin", 0, false);
}

Test(node_crash, apply_killed_once_declared_is_finished_or_undone)
{
	kill_apply_at("apply.declared", 0, false);
}

Test(node_crash, apply_killed_between_volumes_is_finished_or_undone)
{
	kill_apply_at("apply.provisioned", 0, false);
}

Test(node_crash, apply_killed_after_the_last_volume_is_finished_or_undone)
{
	kill_apply_at("apply.provisioned", 1, false);
}

Test(node_crash, a_ready_pod_is_there_though_killed_before_it_was_shown)
{
	kill_apply_at("apply.ready", 0, true);
}

Test(node_crash, a_shown_pod_is_there_after_a_kill)
{
	kill_apply_at("apply.published", 0, true);
}

static void kill_delete_at(const char *step, bool goes)
{
	struct test_node t;

	base = scratch_enter();
	cr_assert(killed_at(step, 0, apply_and_delete_web));
	start(&t);
	cr_expect(eq(int, is_whole(&t), !goes));
	wait_for_the_reaper(&t);
	cr_expect(ge(int, test_apply(&t, POD("web"), 0), 0), "%s", t.err.text);
	cr_expect(is_whole(&t));
	test_node_close(&t);
}

Test(node_crash, delete_killed_before_the_mark_leaves_the_pod)
{
	kill_delete_at("delete.begin", false);
}

Test(node_crash, delete_killed_at_the_mark_is_finished)
{
	kill_delete_at("delete.marked", true);
}

Test(node_crash, delete_killed_at_the_withdrawal_is_finished)
{
	kill_delete_at("delete.withdrawn", true);
}

Test(node_crash, delete_killed_after_the_teardown_is_finished)
{
	kill_delete_at("delete.torn-down", true);
}

Test(node_crash, delete_killed_at_its_end_is_finished)
{
	kill_delete_at("delete.gone", true);
}

static int apply_and_resize_web(struct test_node *t)
{
	int r = test_apply(t, SIZED("4Mi"), 0);

	return r < 0 ? r : test_apply(t, SIZED("8Mi"), 0);
}

/* In the manifest, and for whoever writes. */
static void expect_size(struct test_node *t, const char *text, json_int_t bytes)
{
	json_auto_t *pod = test_get(t, "web");
	json_auto_t *usage = node_volume_usage(t->node);

	cr_assert(eq(sz, json_array_size(usage), 2));
	for (size_t i = 0; i < 2; i++) {
		const json_t *volume = json_array_get(
			json_object_get(json_object_get(pod, "spec"),
					"volumes"),
			i);
		const json_t *limit =
			json_object_get(json_array_get(usage, i), "limitBytes");

		cr_expect(eq(str, test_string(volume, "emptyDir.sizeLimit"),
			     (char *)text));
		cr_expect(eq(llong, json_integer_value(limit), bytes));
	}
}

static void kill_update_at(const char *step, unsigned after, bool changed)
{
	struct test_node t;

	base = scratch_enter();
	cr_assert(killed_at(step, after, apply_and_resize_web));
	start(&t);
	if (changed)
		expect_size(&t, "8Mi", 8 << 20);
	else
		expect_size(&t, "4Mi", 4 << 20);
	cr_expect(ge(int, test_apply(&t, SIZED("8Mi"), 0), 0), "%s",
		  t.err.text);
	expect_size(&t, "8Mi", 8 << 20);
	test_node_close(&t);
}

Test(node_crash, update_killed_before_anything_leaves_the_sizes)
{
	kill_update_at("update.begin", 0, false);
}

Test(node_crash, update_killed_between_volumes_leaves_the_sizes)
{
	kill_update_at("update.limited", 0, false);
}

Test(node_crash, update_killed_after_the_last_volume_leaves_the_sizes)
{
	kill_update_at("update.limited", 1, false);
}

Test(node_crash, update_killed_before_it_is_recorded_leaves_the_sizes)
{
	kill_update_at("update.resized", 0, false);
}

Test(node_crash, a_recorded_update_is_there_after_a_kill)
{
	kill_update_at("update.recorded", 0, true);
}

/*
 * Until all is erased, if nothing kills it before.  An empty trash is not the
 * reaper's last step: that is behind it when the node is closed.
 */
static int apply_delete_and_reap_web(struct test_node *t)
{
	int r = apply_and_delete_web(t);

	if (r == 0) {
		wait_for_the_reaper(t);
		test_node_close(t);
	}
	return r;
}

static void kill_reap_at(const char *step, unsigned after)
{
	struct test_node t;

	base = scratch_enter();
	cr_assert(killed_at(step, after, apply_delete_and_reap_web));
	start(&t);
	cr_expect(not(is_whole(&t)));
	wait_for_the_reaper(&t);
	cr_expect(ge(int, test_apply(&t, POD("web"), 0), 0), "%s", t.err.text);
	cr_expect(is_whole(&t));
	test_node_close(&t);
}

Test(node_crash, a_tree_that_went_to_the_trash_is_erased_after_a_kill)
{
	kill_reap_at("reap.moved", 0);
}

Test(node_crash, the_last_tree_that_went_to_the_trash_is_erased_after_a_kill)
{
	kill_reap_at("reap.moved", 1);
}

Test(node_crash, a_reaper_killed_before_it_begins_goes_on_at_the_next_start)
{
	kill_reap_at("reap.begin", 0);
}

Test(node_crash, a_reaper_killed_between_trees_goes_on_at_the_next_start)
{
	kill_reap_at("reap.removed", 0);
}

Test(node_crash, a_reaper_killed_at_its_end_has_nothing_left)
{
	kill_reap_at("reap.erased", 1);
}

Test(node_crash, a_start_that_is_killed_is_followed_by_one_that_succeeds)
{
	struct test_node t;

	base = scratch_enter();
	cr_assert(killed_at("apply.declared", 0, apply_web));
	cr_assert(killed_at("start.reconciled", 0, do_nothing));
	start(&t);
	cr_expect(is_whole(&t));
	test_node_close(&t);
}

Test(node_crash, recovery_itself_may_be_killed_at_every_step)
{
	static const char *const steps[] = { "apply.provisioned", "apply.ready",
					     "apply.published" };
	struct test_node t;

	base = scratch_enter();
	cr_assert(killed_at("apply.declared", 0, apply_web));
	for (size_t i = 0; i < 3; i++) {
		pid_t pid = fork();
		int status;

		cr_assert(ge(int, pid, 0));
		if (pid == 0) {
			kill_at = steps[i];
			kill_after = 0;
			node_set_step_hook(die_there);
			_exit(test_node_open(&t, base) < 0);
		}
		cr_assert(eq(int, waitpid(pid, &status, 0), pid));
		cr_expect(ne(int, status, 256), "at %s", steps[i]);
	}
	start(&t);
	cr_expect(is_whole(&t));
	test_node_close(&t);
}

Test(node_crash, a_killed_process_leaves_no_lock_behind)
{
	struct test_node t;

	base = scratch_enter();
	cr_assert(killed_at("apply.published", 0, apply_web));
	start(&t);
	cr_expect(is_whole(&t));
	test_node_close(&t);
}
