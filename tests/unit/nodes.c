/* SPDX-License-Identifier: Apache-2.0 */
/* nodes.c - a node on a scratch state directory, for the tests of the engine */
#include "tests/unit/nodes.h"

#include "store/base/cleanup.h"
#include "store/localfs/localfs.h"
#include "store/manifest/manifest.h"
#include "store/manifest/pod.h"

#include <stdio.h>
#include <string.h>

int test_node_open(struct test_node *t, const char *base)
{
	char state[256];
	char mnt[256];
	int r;

	snprintf(state, sizeof(state), "%s/state", base);
	snprintf(mnt, sizeof(mnt), "%s/mnt", base);
	*t = (struct test_node){ 0 };
	causes_init(&t->causes);
	r = localfs_new(NULL, &t->localfs, &t->err);
	if (r < 0)
		return r;
	r = node_open(&(struct node_options){ .state_dir = state,
					      .mountpoint = mnt,
					      .localfs = t->localfs },
		      &t->node, &t->err);
	if (r == 0)
		r = node_start(t->node, &t->err);
	if (r < 0) {
		node_close(t->node);
		t->node = NULL;
		localfs_free(t->localfs);
		t->localfs = NULL;
	}
	return r;
}

void test_node_close(struct test_node *t)
{
	node_close(t->node);
	localfs_free(t->localfs);
	causes_done(&t->causes);
	t->node = NULL;
	t->localfs = NULL;
}

static int apply_document(struct test_node *t,
			  const struct manifest_document *document,
			  unsigned flags, json_t **ret)
{
	enum node_outcome outcome;
	struct pod *pod;
	int r;

	r = pod_decode(document->value, "default", document->lines, &pod,
		       &t->causes);
	if (r < 0) {
		error_set(&t->err, r, "the manifest is wrong: %s",
			  t->causes.n ? t->causes.list[0].message : "");
		return r;
	}
	r = node_pod_apply(t->node, pod, flags, &outcome, ret, &t->causes,
			   &t->err);
	pod_free(pod);
	return r < 0 ? r : (int)outcome;
}

int test_apply_object(struct test_node *t, const char *text, unsigned flags,
		      json_t **ret)
{
	struct manifest manifest;
	int r;

	causes_done(&t->causes);
	causes_init(&t->causes);
	t->err = (struct error){ 0 };
	r = manifest_parse(text, strlen(text), &manifest, &t->err);
	if (r < 0)
		return r;
	r = apply_document(t, &manifest.documents[0], flags, ret);
	manifest_done(&manifest);
	return r;
}

int test_apply(struct test_node *t, const char *text, unsigned flags)
{
	json_auto_t *object = NULL;

	return test_apply_object(t, text, flags, &object);
}

int test_delete(struct test_node *t, const char *name, unsigned flags)
{
	json_auto_t *object = NULL;

	t->err = (struct error){ 0 };
	return node_pod_delete(t->node, "default", name,
			       &(struct node_preconditions){ 0 }, flags,
			       &object, &t->err);
}

json_t *test_get(struct test_node *t, const char *name)
{
	json_t *object;

	if (node_pod_get(t->node, "default", name, &object, &t->err) < 0)
		return NULL;
	return object;
}

char *test_string(const json_t *object, const char *path)
{
	static char text[512];
	char copy[256];
	char *save = NULL;

	snprintf(copy, sizeof(copy), "%s", path);
	for (char *key = strtok_r(copy, ".", &save); key;
	     key = strtok_r(NULL, ".", &save)) {
		if (json_is_array(object))
			object = json_array_get(object, strtoul(key, NULL, 10));
		else
			object = json_object_get(object, key);
	}
	snprintf(text, sizeof(text), "%s",
		 json_is_string(object) ? json_string_value(object) : "");
	return text;
}

bool test_is_shown(struct test_node *t, const char *name)
{
	struct tree *tree = node_tree(t->node);
	struct tree_pod *pod;
	uint64_t namespace_id;
	bool whole;

	if (tree_namespace_by_name(tree, "default", &namespace_id) < 0)
		return false;
	pod = tree_pod_by_name(tree, namespace_id, name);
	if (!pod)
		return false;
	whole = true;
	for (size_t i = 0; i < pod->n_volumes; i++)
		whole = whole && pod->volumes[i];
	tree_pod_unref(pod);
	return whole;
}

int test_count_entries(const char *path)
{
	cleanup_dir DIR *dir = opendir(path);
	const struct dirent *entry;
	int n = 0;

	if (!dir)
		return -1;
	while ((entry = readdir(dir)))
		n += strcmp(entry->d_name, ".") != 0 &&
		     strcmp(entry->d_name, "..") != 0;
	return n;
}
