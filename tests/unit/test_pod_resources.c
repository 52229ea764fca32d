/* SPDX-License-Identifier: Apache-2.0 */
/* test_pod_resources.c - what a Pod says beside its volumes that concerns them
 */
#include "tests/unit/pod_case.h"

TestSuite(pod_resources, .timeout = 60);

#define MEDIUM "spec.volumes[0].emptyDir.medium"

static struct pod *with_spec(const char *spec)
{
	char text[4096];

	snprintf(text, sizeof(text), HEAD "{%s}}", spec);
	return good(text);
}

static const char *with_medium(const char *medium, const char *resources)
{
	static char text[4096];

	snprintf(text, sizeof(text),
		 HEAD "{volumes: [{name: v, emptyDir: {medium: %s}}], "
		      "containers: [{name: c, resources: {%s}}]}}",
		 medium, resources);
	return text;
}

static void expect_memory(const char *spec, int64_t mebibytes)
{
	struct pod *pod = with_spec(spec);

	cr_expect(eq(i64, pod->memory_limit, mebibytes << 20), "%s", spec);
	pod_free(pod);
}

#define LIMIT(memory) "resources: {limits: {memory: " memory "}}"

Test(pod_resources, the_memory_of_a_pod_is_what_its_containers_may_use)
{
	expect_memory("containers: [{name: a, " LIMIT(
			      "64Mi") "}, {name: b, " LIMIT("32Mi") "}]",
		      96);
	expect_memory("overhead: {memory: 4Mi}, containers: [{name: a, " LIMIT(
			      "64Mi") "}]",
		      68);
}

Test(pod_resources, a_container_without_a_limit_leaves_the_pod_without_one)
{
	expect_memory("containers: [{name: a, " LIMIT("64Mi") "}, {name: b}]",
		      0);
	expect_memory(
		"initContainers: [{name: a}], containers: [{name: b, " LIMIT(
			"32Mi") "}]",
		0);
}

Test(pod_resources, the_limit_of_the_pod_itself_counts_before_all)
{
	expect_memory(LIMIT("16Mi") ", containers: [{name: a, " LIMIT(
			      "64Mi") "}, {name: b}]",
		      16);
}

Test(pod_resources, init_containers_run_before_and_sidecars_beside_the_others)
{
	expect_memory(
		"initContainers: [{name: a, " LIMIT(
			"64Mi") "}], "
				"containers: [{name: b, " LIMIT("32Mi") "}]",
		64);
	expect_memory(
		"initContainers: [{name: s, restartPolicy: Always, " LIMIT(
			"8Mi") "}, {name: a, " LIMIT("64Mi") "}], "
							     "containers: [{name: b, " LIMIT(
								     "32Mi") "}]",
		72);
	expect_memory(
		"initContainers: [{name: s, restartPolicy: Always, " LIMIT(
			"8Mi") "}], "
			       "containers: [{name: b, " LIMIT("32Mi") "}]",
		40);
}

Test(pod_resources, a_limit_that_is_no_quantity_is_refused_by_field)
{
	refuse(HEAD "{containers: [{name: c, " LIMIT("lots") "}]}}", INVALID,
	       "spec.containers[0].resources.limits.memory",
	       "must be a valid resource quantity");
	refuse(HEAD "{containers: [{name: c, " LIMIT("-1") "}]}}", INVALID,
	       "spec.containers[0].resources.limits.memory",
	       "greater than or equal to 0");
}

Test(pod_resources, huge_pages_must_be_requested_to_be_mounted)
{
	refuse(with_medium("HugePages", ""), INVALID, MEDIUM,
	       "no container requests huge pages; add them");
	refuse(with_medium("HugePages",
			   "limits: {hugepages-2Mi: 4Mi, hugepages-1Gi: 1Gi}"),
	       INVALID, MEDIUM, "several sizes (2Mi, 1Gi)");
	refuse(with_medium("HugePages-1Gi", "limits: {hugepages-2Mi: 4Mi}"),
	       INVALID, MEDIUM, "requested are 2Mi");
	refuse(with_medium("HugePages", "limits: {hugepages-2Mi: 0}"), INVALID,
	       MEDIUM, "no container requests");
	accept(with_medium("HugePages", "limits: {hugepages-2Mi: 4Mi}"));
	accept(with_medium("HugePages-2Mi", "requests: {hugepages-2Mi: 4Mi}"));
	accept(with_medium("HugePages-2048Ki",
			   "limits: {hugepages-2Mi: 4Mi, hugepages-1Gi: 1Gi}"));
}

Test(pod_resources, a_size_of_huge_pages_must_be_one)
{
	refuse(HEAD "{containers: [{name: c, resources: {limits: "
		    "{hugepages-big: 1}}}]}}",
	       INVALID, "spec.containers[0].resources.limits.hugepages-big",
	       "such as hugepages-2Mi");
}

Test(pod_resources, fs_group_is_a_group_id)
{
	struct pod *pod = with_spec("securityContext: {fsGroup: 123}, " BOX);

	cr_expect(eq(i64, pod->fs_group, 123));
	pod_free(pod);
	pod = with_spec(BOX);
	cr_expect(eq(i64, pod->fs_group, -1));
	pod_free(pod);
	refuse(HEAD "{securityContext: {fsGroup: -1}, " BOX "}}", INVALID,
	       "spec.securityContext.fsGroup", "between 0 and 2147483647");
	refuse(HEAD "{securityContext: {fsGroup: 2147483648}, " BOX "}}",
	       INVALID, "spec.securityContext.fsGroup", "between 0 and");
}

Test(pod_resources, fs_group_change_policy_is_one_of_two)
{
	accept(HEAD "{securityContext: {fsGroupChangePolicy: Always}, " BOX
		    "}}");
	accept(HEAD
	       "{securityContext: {fsGroupChangePolicy: OnRootMismatch}, " BOX
	       "}}");
	refuse(HEAD "{securityContext: {fsGroupChangePolicy: Never}, " BOX "}}",
	       NOT_SUPPORTED, "spec.securityContext.fsGroupChangePolicy",
	       "\"Always\", \"OnRootMismatch\"");
}

Test(pod_resources, owner_annotations_are_ids)
{
	refuse(with_metadata("name: p, annotations: {podvols.io/uid: root}"),
	       INVALID, "metadata.annotations[podvols.io/uid]",
	       "\"root\": must be a number between 0 and 2147483647");
	refuse(with_metadata("name: p, annotations: {podvols.io/gid: '-1'}"),
	       INVALID, "metadata.annotations[podvols.io/gid]",
	       "must be a number");
	refuse(with_metadata("name: p, annotations: {podvols.io/gid: ''}"),
	       INVALID, "metadata.annotations[podvols.io/gid]",
	       "must be a number");
	refuse(with_metadata(
		       "name: p, annotations: {podvols.io/uid: '99999999999'}"),
	       INVALID, "metadata.annotations[podvols.io/uid]",
	       "must be a number");
}

static const char *with_usage(const char *annotations)
{
	static char text[4096];

	snprintf(text, sizeof(text),
		 "{apiVersion: v1, kind: Pod, metadata: {name: p, annotations: "
		 "{%s}}, spec: {volumes: [{name: h, hostPath: {path: /x}}, "
		 "{name: i, hostPath: {path: /y}}, {name: d, emptyDir: {}}], "
		 "containers: [{name: c}]}}",
		 annotations);
	return text;
}

#define USAGE(value) "podvols.io/usage: " value

Test(pod_resources, usage_is_asked_for_with_true_or_false)
{
	static const char *const wrong[] = { "'yes'", "'1'", "'True'", "''",
					     "' true'" };

	accept(with_usage(USAGE("'true'")));
	accept(with_usage(USAGE("'false'")));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char annotation[64];

		snprintf(annotation, sizeof(annotation), USAGE("%s"), wrong[i]);
		refuse(with_usage(annotation), INVALID,
		       "metadata.annotations[podvols.io/usage]",
		       "must be \"true\" or \"false\"");
	}
	refuse(with_usage("podvols.io/usage.h: '1'"), INVALID,
	       "metadata.annotations[podvols.io/usage.h]",
	       "\"1\": must be \"true\" or \"false\"");
}

Test(pod_resources, usage_can_be_asked_for_of_one_volume)
{
	refuse(with_usage("podvols.io/usage.x: 'true'"), INVALID,
	       "metadata.annotations[podvols.io/usage.x]",
	       "names no volume of the pod; the key is podvols.io/usage or "
	       "podvols.io/usage.VOLUME");
	refuse(with_usage("podvols.io/usages: 'true'"), INVALID,
	       "metadata.annotations[podvols.io/usages]", "names no volume");
}

static void expect_usage(const char *annotations, bool h, bool i)
{
	struct pod *pod = good(with_usage(annotations));
	const bool wanted[] = { h, i, false };

	for (size_t k = 0; k < 3; k++) {
		json_t *facts = pod_volume_facts(pod, k);

		cr_expect(eq(int, json_is_true(json_object_get(facts, "usage")),
			     wanted[k]),
			  "%s: volume %zu", annotations, k);
		json_decref(facts);
	}
	pod_free(pod);
}

Test(pod_resources, the_volumes_of_which_usage_is_wanted_are_told)
{
	expect_usage("", false, false);
	expect_usage(USAGE("'true'"), true, true);
	expect_usage(USAGE("'false'"), false, false);
	expect_usage("podvols.io/usage.h: 'true'", true, false);
	expect_usage(USAGE("'true'") ", podvols.io/usage.h: 'false'", false,
		     true);
}

static void expect_watched(const char *annotations, bool h, bool i)
{
	struct pod *pod = good(with_usage(annotations));
	const bool wanted[] = { h, i, false };

	for (size_t k = 0; k < 3; k++) {
		json_t *facts = pod_volume_facts(pod, k);

		cr_expect(eq(int, json_is_true(json_object_get(facts, "watch")),
			     wanted[k]),
			  "%s: volume %zu", annotations, k);
		json_decref(facts);
	}
	pod_free(pod);
}

Test(pod_resources, the_volumes_that_shall_be_cached_are_told)
{
	expect_watched("", false, false);
	expect_watched("podvols.io/host-cache: watch", true, true);
	expect_watched("podvols.io/host-cache: none", false, false);
	expect_watched("podvols.io/host-cache.h: watch", true, false);
	expect_watched("podvols.io/host-cache: watch, "
		       "podvols.io/host-cache.h: none",
		       false, true);
	refuse(with_usage("podvols.io/host-cache.i: always"), INVALID,
	       "metadata.annotations[podvols.io/host-cache.i]",
	       "\"always\": must be \"watch\" or \"none\"");
	refuse(with_usage("podvols.io/host-cache.x: watch"), INVALID,
	       "metadata.annotations[podvols.io/host-cache.x]",
	       "names no volume of the pod");
}

Test(pod_resources, a_volume_is_told_what_the_pod_says_for_it)
{
	struct pod *pod = good(
		"{apiVersion: v1, kind: Pod, metadata: {name: p, annotations: "
		"{podvols.io/uid: '7', podvols.io/gid: '8'}}, spec: {volumes: "
		"[{name: m, emptyDir: {medium: Memory}}, {name: d, emptyDir: "
		"{}}, {name: h, hostPath: {path: /x}}], securityContext: "
		"{fsGroup: 9}, containers: [{name: c, " LIMIT("1Mi") "}]}}");
	const char *const wanted[] = {
		"{\"uid\":7,\"gid\":8,\"fsGroup\":9,\"memoryLimit\":1048576}",
		"{\"uid\":7,\"gid\":8,\"fsGroup\":9}",
		"{}",
	};

	for (size_t i = 0; i < 3; i++) {
		json_t *facts = pod_volume_facts(pod, i);
		char *text = json_dumps(facts, JSON_COMPACT);

		expect_text(text, wanted[i]);
		free(text);
		json_decref(facts);
	}
	pod_free(pod);
}
