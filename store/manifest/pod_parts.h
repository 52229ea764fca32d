/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pod_parts.h - the parts of decoding a Pod; only pod*.c include it
 *
 * Each part fills its fields of the pod and adds findings.  What is wrong is
 * left out of the pod, which is thrown away then.  0, or -ENOMEM.
 */
#ifndef MANIFEST_POD_PARTS_H
#define MANIFEST_POD_PARTS_H

#include "store/manifest/field.h"
#include "store/manifest/pod.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define ID_MAX INT32_MAX /* of users and groups, as Kubernetes has it */

struct error;
struct pod;
struct pod_container;

int pod_metadata_decode(const struct field *root, json_t *document,
			const char *default_namespace, struct pod *pod);

/* *ret_names: a set of the names of all volumes, good ones and bad ones. */
int pod_volumes_decode(const struct field *spec, json_t *value, struct pod *pod,
		       json_t **ret_names);

/* The list of a pod's spec for each kind of container. */
extern const char *const container_lists[N_CONTAINER_KINDS];

int pod_containers_decode(const struct field *spec, json_t *value,
			  const json_t *volume_names, struct pod *pod);

/* After volumes and containers: memory, huge pages, fsGroup. */
void pod_resources_decode(const struct field *root, const json_t *document,
			  struct pod *pod);

/* After volumes: their owner, and what is said for each of them. */
void pod_annotations_decode(const struct field *root, struct pod *pod);
/* Of a volume of a good pod: the limit of inodes, 0 for none. */
int64_t pod_annotation_inodes(const struct pod *pod, const char *volume);
/* Shall be looked up what it holds, though it is not ours? */
bool pod_annotation_usage(const struct pod *pod, const char *volume);
/* Shall the kernel keep what it sees of a volume that others change? */
bool pod_annotation_watch(const struct pod *pod, const char *volume);

int pod_mounts_decode(const struct field *container, json_t *value,
		      const json_t *volume_names, struct pod_container *ret);

/* budget: bytes that the expanded values of the pod may still take. */
int pod_env_decode(const struct field *container, json_t *value,
		   const json_t *document, size_t *budget,
		   struct pod_container *ret);

void pod_container_done(struct pod_container *container);

#endif
