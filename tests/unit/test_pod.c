/* SPDX-License-Identifier: Apache-2.0 */
/* test_pod.c - what a Pod manifest may say, and what is told if it may not */
#include "tests/unit/pod_case.h"

TestSuite(pod, .timeout = 60);

#define VOLUME "spec.volumes[0]"
#define MOUNT  "spec.containers[0].volumeMounts[0]"

Test(pod, an_ordinary_pod_is_decoded)
{
	static const char text[] =
		"apiVersion: v1\n"
		"kind: Pod\n"
		"metadata:\n"
		"  name: producer-consumer\n"
		"  namespace: prod\n"
		"  uid: 6F1B2C9A-3D4E-4F50-8A6B-7C8D9E0F1A2B\n"
		"spec:\n"
		"  restartPolicy: Never\n"
		"  volumes:\n"
		"  - name: shared-volume\n"
		"    emptyDir: {sizeLimit: 64Mi, mode: 0750}\n"
		"  - name: certs\n"
		"    hostPath: {path: /etc/ssl, type: Directory}\n"
		"  initContainers:\n"
		"  - name: init\n"
		"    image: busybox\n"
		"    volumeMounts: [{name: certs, mountPath: c}]\n"
		"  containers:\n"
		"  - name: producer\n"
		"    image: busybox\n"
		"    command: [sh]\n"
		"    securityContext: {privileged: true}\n"
		"    resources: {limits: {memory: 1Gi}}\n"
		"    volumeMounts:\n"
		"    - {name: shared-volume, mountPath: /a, subPath: x/y,\n"
		"       mountPropagation: Bidirectional}\n"
		"    - {name: certs, mountPath: /b, readOnly: true,\n"
		"       recursiveReadOnly: IfPossible}\n"
		"  ephemeralContainers:\n"
		"  - name: debug\n";
	struct pod *pod = good(text);

	expect_text(pod->name, "producer-consumer");
	expect_text(pod->namespace, "prod");
	expect_text(pod->uid, "6f1b2c9a-3d4e-4f50-8a6b-7c8d9e0f1a2b");
	cr_expect(pod->generate_name == NULL);
	cr_assert(eq(sz, pod->n_volumes, 2));
	expect_text(pod->volumes[0].source, "emptyDir");
	expect_text(pod->volumes[1].name, "certs");
	cr_expect(eq(i64,
		     json_integer_value(
			     json_object_get(pod->volumes[0].spec, "mode")),
		     0750));
	cr_assert(eq(sz, pod->n_containers, 4 - 1));
	cr_expect(eq(int, (int)pod->containers[0].kind, CONTAINER_INIT));
	expect_text(pod->containers[0].mounts[0].path, "/c");
	cr_expect(pod->containers[1].privileged);
	expect_text(pod->containers[1].mounts[0].sub_path, "x/y");
	expect_text(pod->containers[1].mounts[0].propagation, "Bidirectional");
	cr_expect(pod->containers[1].mounts[1].read_only);
	expect_text(pod->containers[1].mounts[1].propagation, "None");
	expect_text(pod->containers[1].mounts[1].recursive_read_only,
		    "IfPossible");
	cr_expect(eq(int, (int)pod->containers[2].kind, CONTAINER_EPHEMERAL));
	pod_free(pod);
}

Test(pod, defaults_are_filled_in)
{
	struct pod *pod = good(with_volume("hostPath: {path: /etc}"));
	const json_t *metadata = json_object_get(pod->document, "metadata");

	expect_text(pod->namespace, "here");
	expect_text(json_string_value(json_object_get(metadata, "namespace")),
		    "here");
	expect_text(json_string_value(
			    json_object_get(pod->volumes[0].spec, "type")),
		    "");
	pod_free(pod);
}

Test(pod, what_podvols_does_not_use_is_accepted)
{
	accept(HEAD
	       "{hostNetwork: true, tolerations: [], futureField: {a: [1]}, "
	       "affinity: {nodeAffinity: {}}, containers: [{name: c, ports: "
	       "[{containerPort: 80}], livenessProbe: {}, tty: true, "
	       "someday: 3}]}, status: {phase: Running}}");
	accept(with_metadata("name: p, creationTimestamp: null, "
			     "managedFields: [], generation: 3, "
			     "ownerReferences: [{}], finalizers: []"));
}

Test(pod, other_kinds_are_refused_by_name)
{
	struct causes causes;
	struct pod *pod;

	cr_assert(eq(int,
		     decode("{apiVersion: apps/v1, kind: Deployment}", &pod,
			    &causes),
		     -EINVAL));
	cr_expect(has(&causes, NOT_SUPPORTED, "kind", "\"Deployment\""));
	cr_expect(has(&causes, NOT_SUPPORTED, "apiVersion", "\"v1\""));
	causes_done(&causes);
	refuse("{apiVersion: v1, metadata: {}}", REQUIRED, "kind", "Pod");
	refuse("{kind: Pod}", REQUIRED, "apiVersion", "v1");
	refuse("[1]", INVALID, "", "must be a mapping");
	refuse("just text", INVALID, "", "must be a mapping");
	refuse("{apiVersion: v1, kind: 3}", INVALID, "kind", "a string");
}

Test(pod, a_pod_needs_metadata_spec_and_containers)
{
	struct causes causes;
	struct pod *pod;

	cr_assert(eq(int, decode("{apiVersion: v1, kind: Pod}", &pod, &causes),
		     -EINVAL));
	cr_expect(eq(sz, causes.n_total, 2));
	cr_expect(has(&causes, REQUIRED, "metadata", "name"));
	cr_expect(has(&causes, REQUIRED, "spec", "containers"));
	causes_done(&causes);
	refuse(HEAD "{}}", REQUIRED, "spec.containers", "one container");
	refuse(HEAD "{containers: []}}", REQUIRED, "spec.containers", "one");
	refuse(HEAD "{containers: null}}", REQUIRED, "spec.containers", "one");
	refuse(HEAD "{containers: x}}", INVALID, "spec.containers",
	       "\"x\": must be a list");
	refuse(HEAD "x}", INVALID, "spec", "must be a mapping");
}

Test(pod, names_have_the_shapes_of_kubernetes)
{
	accept(with_metadata("name: a.b-c.9"));
	accept(with_metadata("generateName: a-"));
	accept(with_metadata("generateName: a."));
	refuse(with_metadata("name: Upper"), INVALID, "metadata.name",
	       "\"Upper\": a lowercase RFC 1123 subdomain");
	refuse(with_metadata("name: a..b"), INVALID, "metadata.name", "RFC");
	refuse(with_metadata("name: -a"), INVALID, "metadata.name", "RFC");
	refuse(with_metadata("name: a_b"), INVALID, "metadata.name", "RFC");
	refuse(with_metadata("name: ../x"), INVALID, "metadata.name", "RFC");
	refuse(with_metadata("name: a, namespace: a.b"), INVALID,
	       "metadata.namespace", "RFC 1123 label");
	refuse(with_metadata("generateName: _"), INVALID,
	       "metadata.generateName", "RFC");
	refuse(with_metadata(""), REQUIRED, "metadata.name", "generateName");
	refuse(with_metadata("name: ''"), REQUIRED, "metadata.name", "");
	refuse(with_metadata("name: 12"), INVALID, "metadata.name", "quotes");
	refuse(with_metadata("name: a, resourceVersion: 12"), INVALID,
	       "metadata.resourceVersion", "quotes");
	refuse(with_metadata("name: a, uid: xyz"), INVALID, "metadata.uid",
	       "UUID");
}

Test(pod, names_have_the_lengths_of_kubernetes)
{
	char name[260];
	char text[400];

	memset(name, 'a', sizeof(name));
	snprintf(text, sizeof(text), "name: %.253s", name);
	/* Each part of a subdomain may be longer than a label's 63. */
	accept(with_metadata(text));
	snprintf(text, sizeof(text), "name: %.254s", name);
	refuse(with_metadata(text), INVALID, "metadata.name", "253");
	snprintf(text, sizeof(text), "name: a, namespace: %.63s", name);
	accept(with_metadata(text));
	snprintf(text, sizeof(text), "name: a, namespace: %.64s", name);
	refuse(with_metadata(text), INVALID, "metadata.namespace", "63");
}

Test(pod, labels_and_annotations_are_checked)
{
	accept(with_metadata("name: p, labels: {app.io/Name_1: x.Y-z, b: ''}, "
			     "annotations: {a.io/B: 'any text {}'}"));
	refuse(with_metadata("name: p, labels: {'a b': c}"), INVALID,
	       "metadata.labels.a b",
	       "\"a b\": a name must consist of alphanumeric");
	refuse(with_metadata("name: p, labels: {a/b/c: c}"), INVALID,
	       "metadata.labels[a/b/c]", "DNS subdomain");
	refuse(with_metadata("name: p, labels: {a: 'b c'}"), INVALID,
	       "metadata.labels.a", "\"b c\": a label value");
	refuse(with_metadata("name: p, labels: {a: 1}"), INVALID,
	       "metadata.labels.a", "must be a string; put it in quotes");
	refuse(with_metadata("name: p, annotations: {a: yes}"), INVALID,
	       "metadata.annotations.a", "quotes");
	refuse(with_metadata("name: p, annotations: {/a: b}"), INVALID,
	       "metadata.annotations[/a]",
	       "\"/a\": a name must consist of alphanumeric");
	refuse(with_metadata("name: p, labels: [a]"), INVALID,
	       "metadata.labels", "must be a mapping");
}

Test(pod, annotations_have_a_size_limit)
{
	enum {
		SIZE = 262144
	};
	char *value = calloc(1, SIZE + 1);
	char *text;

	memset(value, 'x', SIZE);
	cr_assert(gt(int,
		     asprintf(&text,
			      "{apiVersion: v1, kind: Pod, metadata: {name: p, "
			      "annotations: {a: \"%s\"}}, spec: {" BOX "}}",
			      value),
		     0));
	free(value);
	refuse(text, INVALID, "metadata.annotations", "at most 262144");
	free(text);
}

Test(pod, near_misses_of_used_fields_are_told)
{
	refuse(HEAD "{volume: [], " BOX "}}", INVALID, "spec.volume",
	       "did you mean 'volumes'?");
	refuse(HEAD "{container: [], " BOX "}}", INVALID, "spec.container",
	       "did you mean 'containers'?");
	refuse(HEAD "{containers: [{name: c, volumeMount: []}]}}", INVALID,
	       "spec.containers[0].volumeMount", "'volumeMounts'");
	refuse(HEAD "{containers: [{name: c, volumemounts: []}]}}", INVALID,
	       "spec.containers[0].volumemounts", "'volumeMounts'");
	refuse(with_metadata("name: p, label: {}"), INVALID, "metadata.label",
	       "'labels'");
	refuse(HEAD "{" BOX "}, specs: {}}", INVALID, "specs", "'spec'");
}

Test(pod, a_volume_needs_a_good_and_unique_name)
{
	refuse(HEAD "{volumes: [{emptyDir: {}}], " BOX "}}", REQUIRED,
	       VOLUME ".name", "");
	refuse(HEAD "{volumes: [{name: '', emptyDir: {}}], " BOX "}}", REQUIRED,
	       VOLUME ".name", "");
	refuse(HEAD "{volumes: [{name: A, emptyDir: {}}], " BOX "}}", INVALID,
	       VOLUME ".name", "\"A\": a lowercase RFC 1123 label");
	refuse(HEAD "{volumes: [{name: a.b, emptyDir: {}}], " BOX "}}", INVALID,
	       VOLUME ".name", "label");
	refuse(HEAD "{volumes: [{name: a, emptyDir: {}}, {name: a, hostPath: "
		    "{path: /}}], " BOX "}}",
	       DUPLICATE, "spec.volumes[1].name", "\"a\"");
	refuse(HEAD "{volumes: {name: a}, " BOX "}}", INVALID, "spec.volumes",
	       "must be a list");
	refuse(HEAD "{volumes: [a], " BOX "}}", INVALID, VOLUME,
	       "\"a\": must be a mapping");
	refuse(HEAD "{volumes: [null], " BOX "}}", INVALID, VOLUME,
	       "must be a mapping, not null");
	accept(HEAD "{volumes: null, " BOX "}}");
}

Test(pod, a_volume_has_exactly_one_source)
{
	refuse(HEAD "{volumes: [{name: v}], " BOX "}}", REQUIRED, VOLUME,
	       "must specify a volume type");
	refuse(with_volume("hostPath: null"), REQUIRED, VOLUME, "volume type");
	refuse(with_volume("emptyDir: {}, hostPath: {path: /}"), FORBIDDEN,
	       VOLUME ".hostPath", "may not specify more than 1 volume type");
	refuse(with_volume("emptyDir: x"), INVALID, VOLUME ".emptyDir",
	       "must be a mapping");
	accept(with_volume("emptyDir: {}, hostPath: null, nfs: ~"));
	accept(with_volume("emptyDir: null, hostPath: {path: /x}"));
}

Test(pod, an_emptydir_without_a_value_is_one)
{
	struct pod *pod = good(with_volume("emptyDir: "));

	cr_assert(eq(sz, pod->n_volumes, 1));
	cr_expect(eq(int, json_is_object(pod->volumes[0].spec), 1));
	pod_free(pod);
}

Test(pod, unknown_sources_are_told_with_the_nearest_name)
{
	refuse(with_volume("emptydir: {}"), NOT_SUPPORTED, VOLUME ".emptydir",
	       "unknown volume source 'emptydir'; did you mean 'emptyDir'?");
	refuse(with_volume("hostPaht: {}"), NOT_SUPPORTED, VOLUME ".hostPaht",
	       "did you mean 'hostPath'?");
	refuse(with_volume("configmap: {}"), NOT_SUPPORTED, VOLUME ".configmap",
	       "did you mean 'configMap'?");
	refuse(with_volume("zzzzz: {}"), NOT_SUPPORTED, VOLUME ".zzzzz",
	       "unknown volume source 'zzzzz'; served are emptyDir, hostPath");
	refuse(with_volume("emptyDir: {}, mountOptions: []"), NOT_SUPPORTED,
	       VOLUME ".mountOptions", "unknown volume source");
}

Test(pod, every_source_of_kubernetes_is_known_by_name)
{
	static const char *const names[] = {
		"awsElasticBlockStore",
		"azureDisk",
		"azureFile",
		"cephfs",
		"cinder",
		"configMap",
		"csi",
		"downwardAPI",
		"ephemeral",
		"fc",
		"flexVolume",
		"flocker",
		"gcePersistentDisk",
		"gitRepo",
		"glusterfs",
		"image",
		"iscsi",
		"nfs",
		"persistentVolumeClaim",
		"photonPersistentDisk",
		"portworxVolume",
		"projected",
		"quobyte",
		"rbd",
		"scaleIO",
		"secret",
		"storageos",
		"vsphereVolume",
	};
	struct causes causes;
	struct pod *pod;
	char text[200];
	char field[80];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(text, sizeof(text), "%s: {}", names[i]);
		snprintf(field, sizeof(field), VOLUME ".%s", names[i]);
		cr_assert(eq(int, decode(with_volume(text), &pod, &causes),
			     -EINVAL));
		cr_expect(has(&causes, NOT_SUPPORTED, field,
			      "is not served by this version of podvols; "
			      "served are emptyDir, hostPath"),
			  "%s", names[i]);
		causes_done(&causes);
	}
}

Test(pod, an_unserved_source_is_refused_once_and_by_name)
{
	refuse(with_volume("nfs: {server: a, path: /, readOnly: true}"),
	       NOT_SUPPORTED, VOLUME ".nfs",
	       "volume source 'nfs' is not served by this version of podvols");
	refuse(with_volume(
		       "configMap: {name: x, items: [], defaultMode: 0644}"),
	       NOT_SUPPORTED, VOLUME ".configMap", "not served");
	refuse(with_volume("rbd: {monitors: [a], image: b}"), NOT_SUPPORTED,
	       VOLUME ".rbd", "not served");
}

Test(pod, unknown_fields_of_a_source_are_told)
{
	struct causes causes;
	struct pod *pod;

	refuse(with_volume("emptyDir: {sizelimit: 1}"), INVALID,
	       VOLUME ".emptyDir.sizelimit", "did you mean 'sizeLimit'?");
	refuse(with_volume("hostPath: {path: /x, readOnly: true}"), INVALID,
	       VOLUME ".hostPath.readOnly", "known are: path, type");
	decode(with_volume("nfs: {server: a, path: /, readonly: true}"), &pod,
	       &causes);
	cr_expect(has(&causes, INVALID, VOLUME ".nfs.readonly", "'readOnly'?"));
	causes_done(&causes);
	decode(with_volume("nfs: {server: 1}"), &pod, &causes);
	cr_expect(has(&causes, INVALID, VOLUME ".nfs.server", "a string"));
	cr_expect(has(&causes, REQUIRED, VOLUME ".nfs.path", "path"));
	causes_done(&causes);
}

Test(pod, emptydir_size_limits_are_quantities)
{
	accept(with_volume("emptyDir: {sizeLimit: 64Mi}"));
	accept(with_volume("emptyDir: {sizeLimit: 1e3}"));
	accept(with_volume("emptyDir: {sizeLimit: 0.5}"));
	accept(with_volume("emptyDir: {sizeLimit: 0}"));
	accept(with_volume("emptyDir: {sizeLimit: null}"));
	refuse(with_volume("emptyDir: {sizeLimit: -1Mi}"), INVALID,
	       VOLUME ".emptyDir.sizeLimit", "\"-1Mi\": must be greater");
	refuse(with_volume("emptyDir: {sizeLimit: 1MB}"), INVALID,
	       VOLUME ".emptyDir.sizeLimit", "\"1MB\": must be a valid");
	refuse(with_volume("emptyDir: {sizeLimit: 9Ei}"), INVALID,
	       VOLUME ".emptyDir.sizeLimit", "8Ei");
	refuse(with_volume("emptyDir: {sizeLimit: true}"), INVALID,
	       VOLUME ".emptyDir.sizeLimit", "a quantity");
}

Test(pod, emptydir_media_are_checked)
{
	accept(with_volume("emptyDir: {medium: ''}"));
	accept(with_volume("emptyDir: {medium: Memory}"));
	refuse(with_volume("emptyDir: {medium: HugePages-2Mi}"), INVALID,
	       VOLUME ".emptyDir.medium", "no container requests huge pages");
	refuse(with_volume("emptyDir: {medium: memory}"), NOT_SUPPORTED,
	       VOLUME ".emptyDir.medium", "supported values: \"\"");
	refuse(with_volume("emptyDir: {medium: HugePages-x}"), NOT_SUPPORTED,
	       VOLUME ".emptyDir.medium", "supported values");
}

Test(pod, emptydir_modes_are_permission_bits)
{
	accept(with_volume("emptyDir: {mode: 01777}"));
	accept(with_volume("emptyDir: {mode: 0}"));
	refuse(with_volume("emptyDir: {mode: 02000}"), INVALID,
	       VOLUME ".emptyDir.mode", "between 0000 and 01777");
	refuse(with_volume("emptyDir: {mode: -1}"), INVALID,
	       VOLUME ".emptyDir.mode", "-1");
	refuse(with_volume("emptyDir: {mode: '0777'}"), INVALID,
	       VOLUME ".emptyDir.mode", "without quotes");
}

Test(pod, hostpaths_are_absolute_and_have_no_dotdot)
{
	accept(with_volume("hostPath: {path: /a/..b/c..}"));
	refuse(with_volume("hostPath: {}"), REQUIRED, VOLUME ".hostPath.path",
	       "path");
	refuse(with_volume("hostPath: {path: ''}"), REQUIRED,
	       VOLUME ".hostPath.path", "path");
	refuse(with_volume("hostPath: {path: a}"), INVALID,
	       VOLUME ".hostPath.path", "\"a\": must be an absolute path");
	refuse(with_volume("hostPath: {path: /a/../b}"), INVALID,
	       VOLUME ".hostPath.path", "must not contain '..'");
	refuse(with_volume("hostPath: {path: /a/..}"), INVALID,
	       VOLUME ".hostPath.path", "..");
}

Test(pod, hostpaths_have_eight_types)
{
	static const char *const types[] = {
		"''",	      "DirectoryOrCreate",
		"Directory",  "FileOrCreate",
		"File",	      "Socket",
		"CharDevice", "BlockDevice",
		"null",
	};
	char text[100];

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		snprintf(text, sizeof(text), "hostPath: {path: /x, type: %s}",
			 types[i]);
		accept(with_volume(text));
	}
	refuse(with_volume("hostPath: {path: /x, type: directory}"),
	       NOT_SUPPORTED, VOLUME ".hostPath.type",
	       "\"directory\": supported values: \"\", \"BlockDevice\"");
}

Test(pod, a_mount_names_a_volume_that_exists)
{
	accept(with_mount("{name: v, mountPath: /a}"));
	refuse(with_mount("{name: w, mountPath: /a}"), NOT_FOUND, MOUNT ".name",
	       "\"w\"");
	refuse(with_mount("{mountPath: /a}"), REQUIRED, MOUNT ".name", "");
	refuse(with_mount("{name: v, mountPath: /a, readonly: true}"), INVALID,
	       MOUNT ".readonly", "did you mean 'readOnly'?");
	refuse(with_mount("{name: v, mountPath: /a, readOnly: 'true'}"),
	       INVALID, MOUNT ".readOnly", "without quotes");
	refuse(with_mount("x"), INVALID, MOUNT, "must be a mapping");
}

Test(pod, a_mount_of_a_volume_with_a_bad_source_is_no_second_error)
{
	refuse(HEAD "{volumes: [{name: v, nfs: {server: a, path: /}}], "
		    "containers: [{name: c, volumeMounts: [{name: v, "
		    "mountPath: /a}]}]}}",
	       NOT_SUPPORTED, VOLUME ".nfs", "not served");
}

Test(pod, mount_paths_are_unique_in_a_container)
{
	refuse(with_mount("{name: v, mountPath: /a}, {name: v, mountPath: /a}"),
	       INVALID, "spec.containers[0].volumeMounts[1].mountPath",
	       "\"/a\": must be unique");
	refuse(with_mount("{name: v, mountPath: /a}, {name: v, mountPath: a}"),
	       INVALID, "spec.containers[0].volumeMounts[1].mountPath",
	       "must be unique");
	refuse(with_mount("{name: v}"), REQUIRED, MOUNT ".mountPath", "");
	refuse(with_mount("{name: v, mountPath: ''}"), REQUIRED,
	       MOUNT ".mountPath", "");
	refuse(with_mount("{name: v, mountPath: '/a:b'}"), INVALID,
	       MOUNT ".mountPath", "':'");
	accept(HEAD "{volumes: [{name: v, emptyDir: {}}], containers: [{name: "
		    "a, volumeMounts: [{name: v, mountPath: /x}]}, {name: b, "
		    "volumeMounts: [{name: v, mountPath: /x}]}]}}");
}

Test(pod, sub_paths_stay_below_the_volume)
{
	accept(with_mount("{name: v, mountPath: /a, subPath: 'a/..b'}"));
	accept(with_mount("{name: v, mountPath: /a, subPath: ''}"));
	refuse(with_mount("{name: v, mountPath: /a, subPath: /x}"), INVALID,
	       MOUNT ".subPath", "\"/x\": must be a relative path");
	refuse(with_mount("{name: v, mountPath: /a, subPath: x/../../y}"),
	       INVALID, MOUNT ".subPath", "must not contain '..'");
	refuse(with_mount("{name: v, mountPath: /a, subPathExpr: ../$(X)}"),
	       INVALID, MOUNT ".subPathExpr", "..");
	refuse(with_mount("{name: v, mountPath: /a, subPathExpr: a, "
			  "subPath: b}"),
	       INVALID, MOUNT ".subPathExpr", "mutually exclusive");
	refuse(HEAD "{volumes: [{name: v, emptyDir: {}}], " BOX
		    ", ephemeralContainers: [{name: d, volumeMounts: [{name: "
		    "v, mountPath: /a, subPath: x}]}]}}",
	       FORBIDDEN, "spec.ephemeralContainers[0].volumeMounts[0].subPath",
	       "cannot be set for an Ephemeral Container");
}

Test(pod, paths_that_no_system_call_takes_are_refused)
{
	char name[300];
	char text[10000];
	char path[5000];

	memset(name, 'n', sizeof(name));
	snprintf(text, sizeof(text),
		 "{name: v, mountPath: /a, subPath: %.256s}", name);
	refuse(with_mount(text), INVALID, MOUNT ".subPath", "at most 255");
	for (size_t i = 0; i < sizeof(path); i++)
		path[i] = i % 2 ? 'a' : '/';
	snprintf(text, sizeof(text), "{name: v, mountPath: %.4096s}", path);
	refuse(with_mount(text), INVALID, MOUNT ".mountPath", "4096");
}

Test(pod, propagation_and_recursive_read_only_have_rules)
{
	accept(with_mount("{name: v, mountPath: /a, mountPropagation: "
			  "HostToContainer}"));
	accept(with_mount(
		"{name: v, mountPath: /a, readOnly: true, "
		"recursiveReadOnly: Enabled, mountPropagation: None}"));
	accept(with_mount("{name: v, mountPath: /a, recursiveReadOnly: "
			  "Disabled}"));
	refuse(with_mount("{name: v, mountPath: /a, mountPropagation: "
			  "Bidirectional}"),
	       FORBIDDEN, MOUNT ".mountPropagation", "privileged");
	refuse(with_mount("{name: v, mountPath: /a, mountPropagation: none}"),
	       NOT_SUPPORTED, MOUNT ".mountPropagation",
	       "\"none\": supported values: \"None\"");
	refuse(with_mount("{name: v, mountPath: /a, recursiveReadOnly: "
			  "Enabled}"),
	       FORBIDDEN, MOUNT ".recursiveReadOnly", "readOnly is true");
	refuse(with_mount("{name: v, mountPath: /a, readOnly: true, "
			  "recursiveReadOnly: Enabled, mountPropagation: "
			  "HostToContainer}"),
	       FORBIDDEN, MOUNT ".recursiveReadOnly", "None");
	refuse(with_mount("{name: v, mountPath: /a, bindMountOptions: "
			  "[noexec]}"),
	       NOT_SUPPORTED, MOUNT ".bindMountOptions", "not served");
}

Test(pod, container_names_are_unique_over_all_kinds)
{
	refuse(HEAD "{containers: [{name: a}], initContainers: [{name: a}]}}",
	       DUPLICATE, "spec.containers[0].name", "\"a\"");
	refuse(HEAD "{containers: [{name: a}, {name: a}]}}", DUPLICATE,
	       "spec.containers[1].name", "\"a\"");
	refuse(HEAD "{containers: [{image: x}]}}", REQUIRED,
	       "spec.containers[0].name", "");
	refuse(HEAD "{containers: [{name: A}]}}", INVALID,
	       "spec.containers[0].name", "label");
	refuse(HEAD "{containers: [{name: a, volumeDevices: [{name: v, "
		    "devicePath: /dev/x}]}]}}",
	       NOT_SUPPORTED, "spec.containers[0].volumeDevices",
	       "persistentVolumeClaim");
	refuse(HEAD "{containers: [{name: a, securityContext: {privileged: "
		    "1}}]}}",
	       INVALID, "spec.containers[0].securityContext.privileged",
	       "true or false");
}

Test(pod, all_errors_are_reported_with_their_lines)
{
	static const char text[] = "apiVersion: v1\n"
				   "kind: Pod\n"
				   "metadata:\n"
				   "  name: Bad\n"
				   "spec:\n"
				   "  volumes:\n"
				   "  - name: v\n"
				   "    hostPath:\n"
				   "      type: X\n"
				   "  containers:\n"
				   "  - name: c\n"
				   "    volumeMounts:\n"
				   "    - name: w\n"
				   "      mountPath: /a\n";
	static const unsigned lines[] = { 4, 8, 9, 13 };
	struct causes causes;
	struct pod *pod;

	cr_assert(eq(int, decode(text, &pod, &causes), -EINVAL));
	cr_assert(eq(sz, causes.n_total, 4));
	for (size_t i = 0; i < 4; i++)
		cr_expect(eq(uint, causes.list[i].line, lines[i]), "%s",
			  causes.list[i].field);
	causes_done(&causes);
}
