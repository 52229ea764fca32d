/* SPDX-License-Identifier: Apache-2.0 */
/* test_node_census.c - the engine has looked up what a hostPath holds */
#include "store/node.h"

#include "store/census.h"
#include "store/volume.h"
#include "tests/unit/nodes.h"
#include "tests/unit/scratch.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <jansson.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct test_node t;

static void setup(void)
{
	const char *base = scratch_enter();

	scratch_directory("host");
	scratch_file("host/file", "hello world");
	cr_assert(eq(int, test_node_open(&t, base), 0), "%s", t.err.text);
}

static void teardown(void)
{
	test_node_close(&t);
}

TestSuite(node_census, .init = setup, .fini = teardown, .timeout = 60);

#define POD(value)                                                             \
	"apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n"                  \
	"  annotations: {podvols.io/usage: '" value "'}\nspec:\n"              \
	"  containers: [{name: c, image: busybox}]\n"                          \
	"  volumes: [{name: h, hostPath: {path: /mnt/host}}]\n"

static json_t *status(json_t **ret_pod)
{
	*ret_pod = test_get(&t, "web");
	return json_array_get(
		json_object_get(json_object_get(*ret_pod, "status"), "volumes"),
		0);
}

/* -1: no number. */
static json_int_t inodes_shown(void)
{
	json_auto_t *pod = NULL;
	const json_t *n = json_object_get(status(&pod), "usedInodes");

	return json_is_integer(n) ? json_integer_value(n) : -1;
}

static void wait_for_inodes(json_int_t wanted)
{
	const struct timespec pause = { .tv_nsec = 10000000 };

	/* The suite's time limit ends it. */
	while (inodes_shown() != wanted)
		nanosleep(&pause, NULL);
}

static struct tree_pod *shown_pod(void)
{
	json_auto_t *pod = test_get(&t, "web");

	return tree_pod_by_uid(node_tree(t.node),
			       test_string(pod, "metadata.uid"));
}

Test(node_census, what_is_asked_for_is_found_and_listed)
{
	json_auto_t *list = NULL;
	const json_t *entry;

	cr_assert(eq(int, test_apply(&t, POD("true"), 0), NODE_CREATED), "%s",
		  t.err.text);
	wait_for_inodes(2);
	list = node_volume_usage(t.node);
	cr_assert(eq(sz, json_array_size(list), 1));
	entry = json_array_get(list, 0);
	cr_expect(eq(i64,
		     json_integer_value(json_object_get(entry, "usedInodes")),
		     2));
	cr_expect(eq(int, json_is_string(json_object_get(entry, "usageTime")),
		     1));
	cr_expect(eq(ptr, json_object_get(entry, "recounting"), NULL));
}

Test(node_census, what_is_not_asked_for_is_not_listed)
{
	json_auto_t *list = NULL;

	cr_assert(eq(int, test_apply(&t, POD("false"), 0), NODE_CREATED));
	list = node_volume_usage(t.node);
	cr_expect(eq(sz, json_array_size(list), 0));
	cr_expect(eq(i64, inodes_shown(), -1));
}

Test(node_census, the_annotation_of_a_live_pod_can_come_and_go)
{
	cr_assert(eq(int, test_apply(&t, POD("false"), 0), NODE_CREATED));
	cr_assert(eq(int, test_apply(&t, POD("true"), 0), NODE_CONFIGURED));
	wait_for_inodes(2);
	cr_assert(eq(int, test_apply(&t, POD("false"), 0), NODE_CONFIGURED));
	cr_expect(eq(i64, inodes_shown(), -1));
}

Test(node_census, deleting_the_pod_ends_the_walks_of_its_volumes)
{
	struct tree_pod *pod;

	cr_assert(eq(int, test_apply(&t, POD("true"), 0), NODE_CREATED));
	wait_for_inodes(2);
	pod = shown_pod();
	cr_assert(pod != NULL);
	cr_assert(census_is_wanted(pod->volumes[0]->census));
	cr_assert(eq(int, test_delete(&t, "web", 0), 0), "%s", t.err.text);
	cr_expect(not(census_is_wanted(pod->volumes[0]->census)));
	cr_expect(atomic_load(&pod->volumes[0]->census->stop));
	tree_pod_unref(pod);
}
