/* SPDX-License-Identifier: Apache-2.0 */
/* source.c - the volume sources of Kubernetes, and what their fields may hold
 */
#include "store/manifest/source.h"

#include "store/base/suggest.h"
#include "store/manifest/text.h"

#include <stdio.h>
#include <string.h>

#define NAMES_MAX 48 /* sources, and fields of one */

/* Tables, not code: clang-format would only stretch them. */
/* clang-format off */
#define FIELDS(...)   ((const struct source_field[]){ __VA_ARGS__, { 0 } })
#define MUST(n)       { n, FIELD_STRING, true }
#define MUST_LIST(n)  { n, FIELD_ARRAY, true }
#define MUST_MAP(n)   { n, FIELD_OBJECT, true }
#define TEXT(n)       { n, FIELD_STRING, false }
#define BOOL(n)       { n, FIELD_BOOL, false }
#define INTEGER(n)    { n, FIELD_INTEGER, false }
#define LIST(n)       { n, FIELD_ARRAY, false }
#define MAP(n)        { n, FIELD_OBJECT, false }
#define QUANTITY(n)   { n, FIELD_QUANTITY, false }

const struct source sources[] = {
	{ .name = "awsElasticBlockStore",
	  .fields = FIELDS(MUST("volumeID"), TEXT("fsType"),
			   INTEGER("partition"), BOOL("readOnly")) },
	{ .name = "azureDisk",
	  .fields = FIELDS(MUST("diskName"), MUST("diskURI"),
			   TEXT("cachingMode"), TEXT("fsType"),
			   BOOL("readOnly"), TEXT("kind")) },
	{ .name = "azureFile",
	  .fields = FIELDS(MUST("secretName"), MUST("shareName"),
			   BOOL("readOnly")) },
	{ .name = "cephfs",
	  .fields = FIELDS(MUST_LIST("monitors"), TEXT("path"), TEXT("user"),
			   TEXT("secretFile"), MAP("secretRef"),
			   BOOL("readOnly")) },
	{ .name = "cinder",
	  .fields = FIELDS(MUST("volumeID"), TEXT("fsType"), BOOL("readOnly"),
			   MAP("secretRef")) },
	{ .name = "configMap",
	  .fields = FIELDS(MUST("name"), LIST("items"), INTEGER("defaultMode"),
			   INTEGER("defaultUser"), BOOL("optional")) },
	{ .name = "csi",
	  .fields = FIELDS(MUST("driver"), BOOL("readOnly"), TEXT("fsType"),
			   MAP("volumeAttributes"),
			   MAP("nodePublishSecretRef")) },
	{ .name = "downwardAPI",
	  .fields = FIELDS(LIST("items"), INTEGER("defaultMode"),
			   INTEGER("defaultUser")) },
	{ .name = "emptyDir", .served = true, .check = source_emptydir_check,
	  .fields = FIELDS(TEXT("medium"), QUANTITY("sizeLimit"),
			   INTEGER("mode")) },
	{ .name = "ephemeral",
	  .fields = FIELDS(MUST_MAP("volumeClaimTemplate")) },
	{ .name = "fc",
	  .fields = FIELDS(LIST("targetWWNs"), INTEGER("lun"), TEXT("fsType"),
			   BOOL("readOnly"), LIST("wwids")) },
	{ .name = "flexVolume",
	  .fields = FIELDS(MUST("driver"), TEXT("fsType"), MAP("secretRef"),
			   BOOL("readOnly"), MAP("options")) },
	{ .name = "flocker",
	  .fields = FIELDS(TEXT("datasetName"), TEXT("datasetUUID")) },
	{ .name = "gcePersistentDisk",
	  .fields = FIELDS(MUST("pdName"), TEXT("fsType"),
			   INTEGER("partition"), BOOL("readOnly")) },
	{ .name = "gitRepo",
	  .fields = FIELDS(MUST("repository"), TEXT("revision"),
			   TEXT("directory")) },
	{ .name = "glusterfs",
	  .fields = FIELDS(MUST("endpoints"), MUST("path"),
			   BOOL("readOnly")) },
	{ .name = "hostPath", .served = true, .check = source_hostpath_check,
	  .fields = FIELDS(MUST("path"), TEXT("type")) },
	{ .name = "image",
	  .fields = FIELDS(TEXT("reference"), TEXT("pullPolicy")) },
	{ .name = "iscsi",
	  .fields = FIELDS(MUST("targetPortal"), MUST("iqn"), INTEGER("lun"),
			   TEXT("iscsiInterface"), TEXT("fsType"),
			   BOOL("readOnly"), LIST("portals"),
			   BOOL("chapAuthDiscovery"), BOOL("chapAuthSession"),
			   MAP("secretRef"), TEXT("initiatorName")) },
	{ .name = "nfs",
	  .fields = FIELDS(MUST("server"), MUST("path"), BOOL("readOnly")) },
	{ .name = "persistentVolumeClaim",
	  .fields = FIELDS(MUST("claimName"), BOOL("readOnly")) },
	{ .name = "photonPersistentDisk",
	  .fields = FIELDS(MUST("pdID"), TEXT("fsType")) },
	{ .name = "portworxVolume",
	  .fields = FIELDS(MUST("volumeID"), TEXT("fsType"),
			   BOOL("readOnly")) },
	{ .name = "projected",
	  .fields = FIELDS(LIST("sources"), INTEGER("defaultMode"),
			   INTEGER("defaultUser")) },
	{ .name = "quobyte",
	  .fields = FIELDS(MUST("registry"), MUST("volume"), BOOL("readOnly"),
			   TEXT("user"), TEXT("group"), TEXT("tenant")) },
	{ .name = "rbd",
	  .fields = FIELDS(MUST_LIST("monitors"), MUST("image"),
			   TEXT("fsType"), TEXT("pool"), TEXT("user"),
			   TEXT("keyring"), MAP("secretRef"),
			   BOOL("readOnly")) },
	{ .name = "scaleIO",
	  .fields = FIELDS(MUST("gateway"), MUST("system"),
			   MUST_MAP("secretRef"), BOOL("sslEnabled"),
			   TEXT("protectionDomain"), TEXT("storagePool"),
			   TEXT("storageMode"), TEXT("volumeName"),
			   TEXT("fsType"), BOOL("readOnly")) },
	{ .name = "secret",
	  .fields = FIELDS(MUST("secretName"), LIST("items"),
			   INTEGER("defaultMode"), INTEGER("defaultUser"),
			   BOOL("optional")) },
	{ .name = "storageos",
	  .fields = FIELDS(TEXT("volumeName"), TEXT("volumeNamespace"),
			   TEXT("fsType"), BOOL("readOnly"),
			   MAP("secretRef")) },
	{ .name = "vsphereVolume",
	  .fields = FIELDS(MUST("volumePath"), TEXT("fsType"),
			   TEXT("storagePolicyName"),
			   TEXT("storagePolicyID")) },
	{ 0 },
};
/* clang-format on */

const struct source *source_find(const char *name)
{
	for (const struct source *s = sources; s->name; s++) {
		if (strcmp(s->name, name) == 0)
			return s;
	}
	return NULL;
}

/* "emptyDir, hostPath": what is served, in words. */
static const char *served_list(char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	for (const struct source *s = sources; s->name && n < size; s++) {
		if (s->served)
			n += (size_t)snprintf(buf + n, size - n, "%s%s",
					      n ? ", " : "", s->name);
	}
	return buf;
}

static bool is_empty(const json_t *value)
{
	return (json_is_string(value) && !json_string_length(value)) ||
	       (json_is_array(value) && !json_array_size(value));
}

static void fields_check(const struct source *source, const struct field *field,
			 json_t *value)
{
	const char *known[NAMES_MAX] = { 0 };
	struct field member;
	size_t n = 0;

	for (const struct source_field *f = source->fields; f->name; f++) {
		json_t *v = json_object_get(value, f->name);

		known[n++] = f->name;
		member = field_child(field, f->name);
		if (v && !json_is_null(v) &&
		    !field_has_type(&member, v, f->type))
			continue;
		if (f->required && (!v || json_is_null(v) || is_empty(v)))
			field_required(&member, "%s needs a %s", source->name,
				       f->name);
	}
	field_check_known(field, value, known);
}

void source_check(const struct source *source, const struct field *field,
		  json_t *value)
{
	char list[512];

	if (!source->served)
		field_not_supported(field, NULL,
				    "volume source '%s' is not served by this "
				    "version of podvols; served are %s",
				    source->name,
				    served_list(list, sizeof(list)));
	if (!field_has_type(field, value, FIELD_OBJECT))
		return;
	fields_check(source, field, value);
	if (source->check)
		source->check(field, value);
}

void source_unknown(const struct field *field, const char *key)
{
	struct field member = field_child(field, key);
	const char *known[NAMES_MAX] = { 0 };
	char shown[TEXT_QUOTE_MAX];
	const char *nearest;
	char list[512];
	size_t n = 0;

	known[n++] = "name";
	for (const struct source *s = sources; s->name; s++)
		known[n++] = s->name;
	text_quote(key, strlen(key), shown, sizeof(shown));
	nearest = suggest_nearest(key, strlen(key), known);
	field_not_supported(&member, NULL,
			    "unknown volume source '%s'%s%s%s; served are %s",
			    shown, nearest ? "; did you mean '" : "",
			    nearest ? nearest : "", nearest ? "'?" : "",
			    served_list(list, sizeof(list)));
}
