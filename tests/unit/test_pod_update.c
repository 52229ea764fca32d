/* SPDX-License-Identifier: Apache-2.0 */
/* test_pod_update.c - what may change on a live Pod */
#include "store/base/error.h"
#include "store/manifest/causes.h"
#include "store/manifest/manifest.h"
#include "store/manifest/pod.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define POD(metadata, spec)                                                    \
	"{apiVersion: v1, kind: Pod, metadata: {name: p" metadata              \
	"}, spec: {" spec "}}"
#define BASE_MEDIUM(medium)                                                    \
	"volumes: [{name: a, emptyDir: {medium: " medium                       \
	"}}], containers: [{name: c}]"
#define FS_GROUP(id) ", securityContext: {fsGroup: " id "}"
#define BASE                                                                   \
	"volumes: [{name: a, emptyDir: {sizeLimit: 1Gi}}, {name: b, "          \
	"hostPath: {path: /x}}], containers: [{name: c, image: i, "            \
	"volumeMounts: [{name: a, mountPath: /a}]}]"

static struct pod *decode(const char *text)
{
	struct pod *pod = NULL;
	struct causes causes;
	struct manifest m;
	struct error err;

	causes_init(&causes);
	cr_assert(eq(int, manifest_parse(text, strlen(text), &m, &err), 0),
		  "%s: %s", text, err.text);
	cr_assert(eq(int,
		     pod_decode(m.documents[0].value, "d", NULL, &pod, &causes),
		     0),
		  "%s", text);
	causes_done(&causes);
	manifest_done(&m);
	return pod;
}

/* field NULL: the change is allowed. */
static void expect_update(const char *old_text, const char *new_text,
			  const char *field)
{
	struct pod *old = decode(old_text);
	struct pod *new = decode(new_text);
	struct causes causes;
	int r;

	causes_init(&causes);
	r = pod_validate_update(old, new, &causes);
	cr_expect(eq(int, r, field ? -EINVAL : 0), "%s", new_text);
	for (size_t i = 0; i < causes.n; i++)
		cr_expect(field && strcmp(causes.list[i].field, field) == 0,
			  "%s: %s", causes.list[i].field,
			  causes.list[i].message);
	cr_expect(eq(sz, causes.n, field ? 1 : 0), "%s", new_text);
	causes_done(&causes);
	pod_free(old);
	pod_free(new);
}

static void expect_unchanged(const char *a, const char *b, bool same)
{
	struct pod *old = decode(a);
	struct pod *new = decode(b);

	cr_expect(eq(int, pod_is_unchanged(old, new), same), "%s\n%s", a, b);
	pod_free(old);
	pod_free(new);
}

Test(pod_update, what_is_not_about_volumes_may_change)
{
	expect_update(POD("", BASE), POD("", BASE), NULL);
	expect_update(POD("", BASE), POD(", labels: {a: b}", BASE), NULL);
	expect_update(POD(", annotations: {a: b}", BASE), POD("", BASE), NULL);
	expect_update(POD("", BASE), POD("", BASE ", nodeName: n"), NULL);
	expect_update(POD("", "containers: [{name: c, image: a}]"),
		      POD("", "containers: [{name: c, image: b, env: []}]"),
		      NULL);
}

Test(pod_update, volumes_may_not_be_added_removed_or_changed)
{
	expect_update(POD("", "containers: [{name: c}]"),
		      POD("", "containers: [{name: c}], volumes: [{name: a, "
			      "emptyDir: {}}]"),
		      "spec.volumes[0]");
	expect_update(POD("", "containers: [{name: c}], volumes: [{name: a, "
			      "emptyDir: {}}]"),
		      POD("", "containers: [{name: c}]"), "spec.volumes");
	expect_update(POD("", "volumes: [{name: a, hostPath: {path: /x}}], "
			      "containers: [{name: c}]"),
		      POD("", "volumes: [{name: a, hostPath: {path: /y}}], "
			      "containers: [{name: c}]"),
		      "spec.volumes[0].hostPath.path");
	expect_update(POD("", "volumes: [{name: a, emptyDir: {mode: 511}}], "
			      "containers: [{name: c}]"),
		      POD("", "volumes: [{name: a, emptyDir: {}}], "
			      "containers: [{name: c}]"),
		      "spec.volumes[0].emptyDir.mode");
	expect_update(POD("", BASE_MEDIUM("''")),
		      POD("", BASE_MEDIUM("Memory")),
		      "spec.volumes[0].emptyDir.medium");
}

Test(pod_update, the_size_limit_of_an_emptydir_may_change)
{
	expect_update(POD("", BASE_MEDIUM("Memory, sizeLimit: 1Gi")),
		      POD("", BASE_MEDIUM("Memory, sizeLimit: 2Gi")), NULL);
	expect_update(POD("", BASE_MEDIUM("Memory, sizeLimit: 1Gi")),
		      POD("", BASE_MEDIUM("Memory")), NULL);
	expect_unchanged(POD("", BASE_MEDIUM("Memory, sizeLimit: 1Gi")),
			 POD("", BASE_MEDIUM("Memory, sizeLimit: 2Gi")), false);
}

Test(pod_update, who_owns_the_volumes_may_not_change)
{
	expect_update(POD("", BASE), POD("", BASE FS_GROUP("5")),
		      "spec.securityContext.fsGroup");
	expect_update(POD("", BASE FS_GROUP("5")), POD("", BASE FS_GROUP("6")),
		      "spec.securityContext.fsGroup");
	expect_update(POD(", annotations: {podvols.io/uid: '5'}", BASE),
		      POD("", BASE), "metadata.annotations[podvols.io/uid]");
	expect_update(POD("", BASE),
		      POD(", annotations: {podvols.io/gid: '5'}", BASE),
		      "metadata.annotations[podvols.io/gid]");
}

Test(pod_update, what_means_the_same_is_no_change)
{
	expect_update(POD("", "volumes: [{name: a, emptyDir: {sizeLimit: "
			      "1Gi}}], containers: [{name: c}]"),
		      POD("", "volumes: [{name: a, emptyDir: {sizeLimit: "
			      "1024Mi, medium: ''}}], containers: [{name: c}]"),
		      NULL);
	expect_update(POD("", "volumes: [{name: a, emptyDir: {}}, {name: b, "
			      "emptyDir: {}}], containers: [{name: c}]"),
		      POD("", "volumes: [{name: b, emptyDir: {}}, {name: a, "
			      "emptyDir: {}}], containers: [{name: c}]"),
		      NULL);
}

Test(pod_update, mounts_may_not_change)
{
	static const char old[] = POD(
		"", "volumes: [{name: a, emptyDir: {}}], containers: "
		    "[{name: c, volumeMounts: [{name: a, mountPath: /a}]}]");

	expect_update(old,
		      POD("", "volumes: [{name: a, emptyDir: {}}], containers: "
			      "[{name: c}]"),
		      "spec.containers[0].volumeMounts");
	expect_update(old,
		      POD("", "volumes: [{name: a, emptyDir: {}}], containers: "
			      "[{name: c, volumeMounts: [{name: a, mountPath: "
			      "/b}]}]"),
		      "spec.containers[0].volumeMounts[0].mountPath");
	expect_update(old,
		      POD("", "volumes: [{name: a, emptyDir: {}}], containers: "
			      "[{name: c, volumeMounts: [{name: a, mountPath: "
			      "/a, readOnly: true}]}]"),
		      "spec.containers[0].volumeMounts[0].readOnly");
	expect_update(old,
		      POD("", "volumes: [{name: a, emptyDir: {}}], containers: "
			      "[{name: c, volumeMounts: [{name: a, mountPath: "
			      "/a, subPath: x}]}]"),
		      "spec.containers[0].volumeMounts[0].subPath");
}

Test(pod_update, containers_stay_but_debuggers_may_come)
{
	expect_update(POD("", "containers: [{name: c}]"),
		      POD("", "containers: [{name: c}, {name: d}]"),
		      "spec.containers");
	expect_update(POD("", "containers: [{name: c}]"),
		      POD("", "containers: [{name: d}]"),
		      "spec.containers[0].name");
	expect_update(POD("", "containers: [{name: c}], initContainers: "
			      "[{name: i}]"),
		      POD("", "containers: [{name: c}]"),
		      "spec.initContainers");
	expect_update(POD("", "containers: [{name: c}]"),
		      POD("", "containers: [{name: c}], ephemeralContainers: "
			      "[{name: e}]"),
		      NULL);
	expect_update(POD("", "containers: [{name: c}], ephemeralContainers: "
			      "[{name: e}]"),
		      POD("", "containers: [{name: c}]"),
		      "spec.ephemeralContainers");
}

Test(pod_update, the_uid_may_not_change)
{
	expect_update(POD(", uid: 00000000-0000-0000-0000-000000000001", BASE),
		      POD(", uid: 00000000-0000-0000-0000-000000000002", BASE),
		      "metadata.uid");
	expect_update(POD(", uid: 00000000-0000-0000-0000-000000000001", BASE),
		      POD("", BASE), NULL);
}

Test(pod_update, the_same_manifest_is_unchanged)
{
	expect_unchanged(POD("", BASE), POD("", BASE), true);
	expect_unchanged(POD(", uid: 00000000-0000-0000-0000-000000000001, "
			     "resourceVersion: '7', labels: {}",
			     BASE),
			 POD(", annotations: {}", BASE ", nodeName: null"),
			 true);
	expect_unchanged(POD(", annotations: {internal.podvols.io/x: z}", BASE),
			 POD("", BASE), true);
	expect_unchanged(POD("", BASE), POD(", labels: {a: b}", BASE), false);
	expect_unchanged(POD("", BASE), POD(", annotations: {a: b}", BASE),
			 false);
	expect_unchanged(POD("", BASE), POD("", BASE ", nodeName: x"), false);
}
