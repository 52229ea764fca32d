/* SPDX-License-Identifier: Apache-2.0 */
/* test_tree.c - what readers and the listener see of the published tree */
#include "store/tree.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* Criterion's str is a char *. */
#define TEXT(literal) ((char *)(literal))

static struct tree *tree;
static char told[4096];

static void setup(void)
{
	cr_assert(eq(int, tree_new(&tree), 0));
}

static void teardown(void)
{
	tree_free(tree);
}

TestSuite(tree, .init = setup, .fini = teardown, .timeout = 60);

static struct tree_pod *make_pod(uint64_t id, uint64_t namespace_id,
				 const char *name)
{
	struct tree_pod *pod = tree_pod_new(0);

	pod->id = id;
	pod->namespace_id = namespace_id;
	snprintf(pod->namespace, sizeof(pod->namespace), "ns-%llu",
		 (unsigned long long)namespace_id);
	snprintf(pod->name, sizeof(pod->name), "%s", name);
	snprintf(pod->uid, sizeof(pod->uid), "uid-%llu",
		 (unsigned long long)id);
	return pod;
}

static int publish(uint64_t id, uint64_t namespace_id, const char *name)
{
	return tree_publish(tree, make_pod(id, namespace_id, name));
}

static void listener(void *arg, const struct tree_event *event)
{
	size_t n = strlen(told);

	(void)arg;
	snprintf(told + n, sizeof(told) - n, "%c%s:%s ",
		 event->op == TREE_ADDED ? '+' : '-',
		 event->kind == TREE_POD ? "pod" : "ns", event->name);
	/* Readers work from within. */
	tree_count_pods(tree, 0);
}

Test(tree, a_published_pod_is_found_by_id_name_and_uid)
{
	struct tree_pod *a;
	struct tree_pod *b;
	struct tree_pod *d;
	uint64_t namespace_id = 0;

	cr_assert(eq(int, publish(7, 3, "web"), 0));
	cr_assert(eq(int, tree_namespace_by_name(tree, "ns-3", &namespace_id),
		     0));
	cr_assert(eq(u64, namespace_id, 3));
	a = tree_pod_by_id(tree, 7);
	b = tree_pod_by_name(tree, namespace_id, "web");
	d = tree_pod_by_uid(tree, "uid-7");
	cr_expect(a != NULL && a == b && b == d);
	tree_pod_unref(a);
	tree_pod_unref(b);
	tree_pod_unref(d);
}

Test(tree, what_is_not_there_is_not_found)
{
	struct tree_entry entry;
	uint64_t id;
	char long_name[400];

	publish(7, 3, "web");
	memset(long_name, 'x', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = '\0';
	cr_expect(tree_pod_by_id(tree, 6) == NULL);
	cr_expect(tree_pod_by_name(tree, 3, "we") == NULL);
	cr_expect(tree_pod_by_name(tree, 4, "web") == NULL);
	cr_expect(tree_pod_by_name(tree, 3, long_name) == NULL);
	cr_expect(tree_pod_by_uid(tree, long_name) == NULL);
	cr_expect(eq(int, tree_namespace_by_name(tree, "ns-4", &id), -ENOENT));
	cr_expect(
		eq(int, tree_namespace_by_name(tree, long_name, &id), -ENOENT));
	cr_expect(eq(int, tree_namespace_by_id(tree, 4, &entry), -ENOENT));
	cr_expect(eq(int, tree_withdraw(tree, 8), -ENOENT));
}

Test(tree, a_taken_name_or_uid_is_eexist_and_changes_nothing)
{
	struct tree_pod *same_uid = make_pod(8, 4, "other");

	cr_assert(eq(int, publish(7, 3, "web"), 0));
	cr_expect(eq(int, publish(8, 3, "web"), -EEXIST));
	cr_expect(eq(int, publish(7, 3, "web2"), -EEXIST));
	snprintf(same_uid->uid, sizeof(same_uid->uid), "uid-7");
	cr_expect(eq(int, tree_publish(tree, same_uid), -EEXIST));
	cr_expect(eq(sz, tree_count_pods(tree, 0), 1));
	cr_expect(eq(sz, tree_count_namespaces(tree), 1));
	cr_expect(tree_pod_by_name(tree, 3, "web2") == NULL);
}

Test(tree, the_namespace_comes_before_its_first_pod_and_goes_after_its_last)
{
	tree_listen(tree, listener, NULL);
	publish(1, 1, "a");
	publish(2, 1, "b");
	tree_withdraw(tree, 1);
	tree_withdraw(tree, 2);
	cr_expect(eq(str, told,
		     TEXT("+ns:ns-1 +pod:a +pod:b -pod:a -pod:b -ns:ns-1 ")));
	cr_expect(eq(sz, tree_count_namespaces(tree), 0));
}

Test(tree, a_withdrawn_pod_lives_as_long_as_somebody_holds_it)
{
	struct tree_pod *pod;

	publish(1, 1, "a");
	pod = tree_pod_by_id(tree, 1);
	tree_withdraw(tree, 1);
	cr_expect(tree_pod_by_id(tree, 1) == NULL);
	cr_expect(eq(str, pod->name, TEXT("a")));
	tree_pod_unref(pod);
}

Test(tree, a_listing_goes_on_behind_its_cookie_while_pods_come_and_go)
{
	struct tree_entry entries[3];
	char name[32];

	for (uint64_t id = 1; id <= 6; id++) {
		snprintf(name, sizeof(name), "p%llu", (unsigned long long)id);
		publish(id, 1 + id % 2, name);
	}
	cr_assert(eq(sz, tree_list_pods(tree, 0, 0, entries, 3), 3));
	cr_expect(eq(u64, entries[2].id, 3));
	tree_withdraw(tree, 3);
	tree_withdraw(tree, 4);
	cr_assert(eq(sz, tree_list_pods(tree, 0, 3, entries, 3), 2));
	cr_expect(eq(str, entries[0].name, TEXT("p5")));
	cr_expect(eq(str, entries[1].name, TEXT("p6")));
	cr_assert(eq(sz, tree_list_pods(tree, 2, 0, entries, 3), 2));
	cr_expect(eq(str, entries[0].name, TEXT("p1")));
	cr_expect(eq(sz, tree_list_pods(tree, 9, 0, entries, 3), 0));
	cr_expect(eq(sz, tree_list_pods(tree, 0, UINT64_MAX, entries, 3), 0));
	cr_expect(eq(sz, tree_list_namespaces(tree, 0, entries, 3), 2));
	cr_expect(eq(str, entries[1].name, TEXT("ns-2")));
}

Test(tree, pods_that_become_ready_out_of_order_are_listed_in_order)
{
	struct tree_entry entries[3];

	publish(5, 1, "e");
	publish(2, 1, "b");
	publish(9, 1, "i");
	cr_assert(eq(sz, tree_list_pods(tree, 1, 0, entries, 3), 3));
	cr_expect(eq(u64, entries[0].id, 2));
	cr_expect(eq(u64, entries[1].id, 5));
	cr_expect(eq(u64, entries[2].id, 9));
}

Test(tree, a_change_moves_the_time_of_its_directory)
{
	struct timespec root = tree_changed(tree, 0);
	struct timespec first;
	struct timespec second;

	publish(1, 1, "a");
	first = tree_changed(tree, 1);
	cr_expect(tree_changed(tree, 0).tv_nsec != root.tv_nsec ||
		  tree_changed(tree, 0).tv_sec != root.tv_sec);
	root = tree_changed(tree, 0);
	publish(2, 1, "b");
	second = tree_changed(tree, 1);
	cr_expect(first.tv_nsec != second.tv_nsec ||
		  first.tv_sec != second.tv_sec);
	cr_expect(eq(i64, tree_changed(tree, 0).tv_nsec, root.tv_nsec),
		  "the root holds the same namespaces");
}

Test(tree, ten_thousand_pods_are_published_and_found_in_no_time)
{
	struct timespec start;
	struct timespec end;
	char name[32];

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (uint64_t id = 1; id <= 10000; id++) {
		snprintf(name, sizeof(name), "p%llu", (unsigned long long)id);
		cr_assert(eq(int, publish(id, 1, name), 0));
	}
	for (uint64_t id = 1; id <= 10000; id++)
		tree_pod_unref(tree_pod_by_id(tree, id));
	clock_gettime(CLOCK_MONOTONIC, &end);
	cr_expect(lt(i64, end.tv_sec - start.tv_sec, 3));
	cr_expect(eq(sz, tree_count_pods(tree, 1), 10000));
}

static void *come_and_go(void *arg)
{
	uint64_t base = *(const uint64_t *)arg;
	char name[32];

	snprintf(name, sizeof(name), "p%llu", (unsigned long long)base);
	for (int i = 0; i < 2000; i++) {
		publish(base, 1, name);
		tree_withdraw(tree, base);
	}
	return NULL;
}

Test(tree, readers_see_whole_pods_while_others_publish)
{
	uint64_t bases[] = { 1, 2, 3 };
	pthread_t threads[3];

	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, come_and_go, &bases[i]);
	for (int i = 0; i < 5000; i++) {
		struct tree_entry entries[4];
		struct tree_pod *pod = tree_pod_by_name(tree, 1, "p2");
		size_t n = tree_list_pods(tree, 1, 0, entries, 4);

		cr_expect(le(sz, n, 3));
		if (pod)
			cr_expect(eq(str, pod->uid, TEXT("uid-2")));
		tree_pod_unref(pod);
	}
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	cr_expect(eq(sz, tree_count_namespaces(tree), 0));
}
