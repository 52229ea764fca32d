/* SPDX-License-Identifier: Apache-2.0 */
/* test_pod_env.c - environments, and $(NAME) in subPathExpr */
#include "store/base/error.h"
#include "store/manifest/causes.h"
#include "store/manifest/manifest.h"
#include "store/manifest/pod.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* eq(str) takes no pointer to const. */
#define expect_text(got, want) cr_expect(eq(str, (char *)(got), (char *)(want)))

TestSuite(pod_env, .timeout = 60);

static int decode(const char *env, struct pod **ret, struct causes *causes)
{
	struct manifest m;
	struct error err;
	char *text;
	int r;

	cr_assert(
		gt(int,
		   asprintf(&text,
			    "{apiVersion: v1, kind: Pod, metadata: {name: "
			    "pod-1, namespace: ns, uid: "
			    "00000000-0000-0000-0000-00000000000a, labels: "
			    "{app.io/x: L}, annotations: {note: Nice}}, spec: "
			    "{nodeName: node, containers: [{name: c, %s}]}}",
			    env),
		   0));
	cr_assert(eq(int, manifest_parse(text, strlen(text), &m, &err), 0),
		  "%s", err.text);
	causes_init(causes);
	r = pod_decode(m.documents[0].value, "d", NULL, ret, causes);
	manifest_done(&m);
	free(text);
	return r;
}

/* expect NULL: the expansion must fail, with `part` in its message. */
static void expand(const char *env, const char *expr, const char *expect,
		   const char *part)
{
	struct error err = { "" };
	struct causes causes;
	char *text = NULL;
	struct pod *pod;
	int r;

	cr_assert(eq(int, decode(env, &pod, &causes), 0), "%s", env);
	r = pod_expand(&pod->containers[0], expr, &text, &err);
	if (expect) {
		cr_assert(eq(int, r, 0), "%s: %s", expr, err.text);
		cr_expect(eq(str, text, (char *)expect), "%s", expr);
	} else {
		cr_expect(eq(int, r, -EINVAL), "%s", expr);
		cr_expect(text == NULL, "ret must be untouched on failure");
		cr_expect(strstr(err.text, part) != NULL, "%s", err.text);
	}
	free(text);
	causes_done(&causes);
	pod_free(pod);
}

Test(pod_env, variables_are_replaced)
{
	static const char env[] = "env: [{name: A, value: x}, {name: B, "
				  "value: z}, {name: E}]";

	expand(env, "$(A)", "x", NULL);
	expand(env, "a/$(A)$(B)-$(A)", "a/xz-x", NULL);
	expand(env, "[$(E)]", "[]", NULL);
	expand(env, "plain", "plain", NULL);
	expand(env, "", "", NULL);
}

Test(pod_env, escapes_and_broken_references_stay_as_in_kubernetes)
{
	static const char env[] = "env: [{name: A, value: x}]";

	expand(env, "$$(A)", "$(A)", NULL);
	expand(env, "$$$(A)", "$x", NULL);
	expand(env, "$$$$(A)", "$$(A)", NULL);
	expand(env, "$A $ $(A", "$A $ $(A", NULL);
	expand(env, "$(A)$", "x$", NULL);
}

Test(pod_env, what_has_no_value_is_an_error)
{
	expand("env: [{name: A, value: x}]", "$(B)", NULL,
	       "container 'c' has no variable 'B'");
	expand("env: []", "$()", NULL, "no variable ''");
	expand("env: [{name: S, valueFrom: {secretKeyRef: {name: s, key: k}}}]",
	       "$(S)", NULL, "cannot know the value of variable 'S'");
}

Test(pod_env, values_may_use_the_variables_before_them)
{
	expand("env: [{name: A, value: x}, {name: B, value: '$(A)$(A)'}, "
	       "{name: C, value: '$(B)/$(D)'}, {name: D, value: late}]",
	       "$(C)", "xx/$(D)", NULL);
	expand("env: [{name: A, value: '1'}, {name: A, value: '$(A)2'}]",
	       "$(A)", "12", NULL);
	expand("env: [{name: A, value: '$$(A)'}]", "$(A)", "$(A)", NULL);
	expand("env: [{name: S, valueFrom: {configMapKeyRef: {}}}, {name: A, "
	       "value: 'a-$(S)'}]",
	       "$(A)", NULL, "cannot know the value of variable 'A'");
	expand("envFrom: [{configMapRef: {name: m}}], env: [{name: A, value: "
	       "'a-$(X)'}]",
	       "$(A)", NULL, "cannot know");
}

Test(pod_env, the_downward_api_is_resolved)
{
	static const struct {
		const char *path;
		const char *value;
	} fields[] = {
		{ "metadata.name", "pod-1" },
		{ "metadata.namespace", "ns" },
		{ "metadata.uid", "00000000-0000-0000-0000-00000000000a" },
		{ "metadata.labels['app.io/x']", "L" },
		{ "metadata.labels['none']", "" },
		{ "metadata.annotations['note']", "Nice" },
		{ "spec.nodeName", "node" },
	};
	char env[200];

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		snprintf(env, sizeof(env),
			 "env: [{name: A, valueFrom: {fieldRef: {fieldPath: "
			 "\"%s\"}}}]",
			 fields[i].path);
		expand(env, "$(A)", fields[i].value, NULL);
	}
	expand("env: [{name: A, valueFrom: {fieldRef: {fieldPath: "
	       "status.podIP}}}]",
	       "$(A)", NULL, "cannot know");
}

Test(pod_env, wrong_types_are_told_by_field)
{
	struct causes causes;
	struct pod *pod;

	cr_assert(eq(
		int,
		decode("env: [{name: A, value: 1}, {value: x}]", &pod, &causes),
		-EINVAL));
	cr_assert(eq(sz, causes.n, 2));
	expect_text(causes.list[0].field, "spec.containers[0].env[0].value");
	expect_text(causes.list[1].field, "spec.containers[0].env[1].name");
	causes_done(&causes);
}

Test(pod_env, values_that_grow_without_end_are_refused)
{
	struct causes causes;
	char *env = NULL;
	struct pod *pod;
	size_t size;
	FILE *f = open_memstream(&env, &size);

	fputs("env: [{name: V0, value: xxxxxxxx}", f);
	for (int i = 1; i < 1000; i++)
		fprintf(f, ", {name: V%d, value: '$(V%d)$(V%d)$(V%d)'}", i,
			i - 1, i - 1, i - 1);
	fputs("]", f);
	fclose(f);
	cr_assert(eq(int, decode(env, &pod, &causes), -EINVAL));
	cr_expect(strstr(causes.list[0].message, "too long") != NULL);
	causes_done(&causes);
	free(env);
}

Test(pod_env, many_references_to_many_variables_end_in_time)
{
	struct causes causes;
	char *env = NULL;
	struct pod *pod;
	size_t size;
	FILE *f = open_memstream(&env, &size);

	fputs("env: [", f);
	for (int i = 0; i < 20000; i++)
		fprintf(f, "{name: V%d, value: ''},", i);
	fputs("{name: A, value: '", f);
	for (int i = 0; i < 200000; i++)
		fputs("$(V1)", f);
	fputs("'}]", f);
	fclose(f);
	cr_assert(eq(int, decode(env, &pod, &causes), 0));
	pod_free(pod);
	causes_done(&causes);
	free(env);
}
