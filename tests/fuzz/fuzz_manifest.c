/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_manifest.c - any text as a manifest: decoded, written, read again */
#include "store/base/error.h"
#include "store/manifest/causes.h"
#include "store/manifest/manifest.h"
#include "store/manifest/pod.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was written must read back as what writes the same. */
static void round_trip(const json_t *value)
{
	struct manifest m = { 0 };
	struct error err;
	char *text;
	char *again;

	if (manifest_to_yaml(value, &text) < 0)
		return;
	if (strlen(text) < MANIFEST_SIZE_MAX) {
		if (manifest_parse(text, strlen(text), &m, &err) < 0 ||
		    m.n_documents != 1 ||
		    manifest_to_yaml(m.documents[0].value, &again) < 0 ||
		    strcmp(text, again) != 0)
			abort();
		free(again);
		manifest_done(&m);
	}
	free(text);
}

static void decode(const struct manifest_document *document)
{
	struct causes causes;
	struct pod *pod;

	causes_init(&causes);
	if (pod_decode(document->value, "default", document->lines, &pod,
		       &causes) == 0) {
		if (pod_validate_update(pod, pod, &causes) < 0 ||
		    !pod_is_unchanged(pod, pod))
			abort();
		pod_free(pod);
	}
	json_decref(causes_to_json(&causes));
	causes_done(&causes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct manifest m;
	struct error err;

	if (manifest_parse((const char *)data, size, &m, &err) < 0)
		return 0;
	for (size_t i = 0; i < m.n_documents; i++) {
		round_trip(m.documents[i].value);
		decode(&m.documents[i]);
	}
	manifest_done(&m);
	return 0;
}
