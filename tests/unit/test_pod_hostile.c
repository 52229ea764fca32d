/* SPDX-License-Identifier: Apache-2.0 */
/* test_pod_hostile.c - Pods that are wrong a thousand times, huge or deep */
#include "tests/unit/pod_case.h"

#include <time.h>

TestSuite(pod_hostile, .timeout = 60);

Test(pod_hostile, further_errors_are_counted_not_kept)
{
	char *text = NULL;
	struct causes causes;
	struct pod *pod;
	json_t *list;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	fputs(HEAD "{volumes: [", f);
	for (int i = 0; i < 5000; i++)
		fputs("{emptyDir: {}},", f);
	fputs("], " BOX "}}", f);
	fclose(f);
	cr_assert(eq(int, decode(text, &pod, &causes), -EINVAL));
	cr_expect(eq(sz, causes.n, CAUSES_MAX));
	cr_expect(eq(sz, causes.n_total, 5000));
	list = causes_to_json(&causes);
	cr_expect(eq(sz, json_array_size(list), CAUSES_MAX + 1));
	json_decref(list);
	causes_done(&causes);
	free(text);
}

Test(pod_hostile, causes_have_the_shape_of_status_details)
{
	struct causes causes;
	json_t *list;
	char *text;

	causes_init(&causes);
	causes_add(&causes, INVALID, 3, "spec.x", "Invalid value: %d", 7);
	list = causes_to_json(&causes);
	text = json_dumps(list, JSON_COMPACT);
	expect_text(text,
		    "[{\"reason\":\"FieldValueInvalid\",\"message\":\"Invalid "
		    "value: 7\",\"field\":\"spec.x\"}]");
	free(text);
	json_decref(list);
	causes_done(&causes);
}

Test(pod_hostile, hostile_values_are_cut_and_cleaned_in_messages)
{
	struct causes causes;
	char *name = calloc(1, 90001);
	struct pod *pod;
	json_t *list;
	char *text;

	memset(name, 'x', 90000);
	cr_assert(gt(int,
		     asprintf(&text,
			      HEAD "{volumes: [{name: \"\\e[31m%s\", emptyDir: "
				   "{\"\\n\xC3\xA4\": 1}}], " BOX "}}",
			      name),
		     0));
	free(name);
	cr_assert(eq(int, decode(text, &pod, &causes), -EINVAL));
	for (size_t i = 0; i < causes.n; i++) {
		cr_expect(lt(sz, strlen(causes.list[i].message), 500));
		cr_expect(strpbrk(causes.list[i].message, "\x1b\n") == NULL);
		cr_expect(strpbrk(causes.list[i].field, "\x1b\n") == NULL);
	}
	list = causes_to_json(&causes);
	cr_expect(eq(sz, json_array_size(list), causes.n));
	json_decref(list);
	causes_done(&causes);
	free(text);
}

Test(pod_hostile, ten_thousand_volumes_are_decoded_in_time)
{
	struct timespec a;
	struct timespec b;
	char *text = NULL;
	struct pod *pod;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	fputs(HEAD "{volumes: [", f);
	for (int i = 0; i < 10000; i++)
		fprintf(f, "{name: v%d, emptyDir: {}},", i);
	fputs("], containers: [{name: c, volumeMounts: [", f);
	for (int i = 0; i < 10000; i++)
		fprintf(f, "{name: v%d, mountPath: /m%d},", i, i);
	fputs("]}]}}", f);
	fclose(f);
	clock_gettime(CLOCK_MONOTONIC, &a);
	pod = good(text);
	clock_gettime(CLOCK_MONOTONIC, &b);
	cr_expect(lt(i64, b.tv_sec - a.tv_sec, 10));
	cr_expect(eq(sz, pod->n_volumes, 10000));
	pod_free(pod);
	free(text);
}

Test(pod_hostile, a_document_nested_too_deeply_is_refused)
{
	json_t *value = json_object();
	json_t *document;
	struct causes causes;
	struct pod *pod;

	for (int i = 0; i < 1000; i++)
		value = json_pack("{s:o}", "a", value);
	document = json_pack("{s:s, s:s, s:{s:s}, s:o}", "apiVersion", "v1",
			     "kind", "Pod", "metadata", "name", "p", "spec",
			     value);
	causes_init(&causes);
	cr_expect(eq(int, pod_decode(document, "d", NULL, &pod, &causes),
		     -EINVAL));
	cr_expect(has(&causes, INVALID, "", "nested too deeply"));
	causes_done(&causes);
	json_decref(document);
}
