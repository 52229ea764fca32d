/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime.h - mounts in the words of each container runtime
 *
 * mounts is the array of one container in the answer of the API: objects with
 * source, destination, readOnly, propagation, recursiveReadOnly.  The writers
 * return 0, -EINVAL for what is no such array, or -ENOMEM.
 */
#ifndef PODVOLCTL_RUNTIME_H
#define PODVOLCTL_RUNTIME_H

#include <jansson.h>
#include <stdio.h>

/* --mount type=bind,src=...,dst=...: words of one line, quoted for the shell */
int runtime_docker(FILE *out, const json_t *mounts);

/* -v SRC:DST[:OPTIONS], or --mount where a path holds a colon */
int runtime_podman(FILE *out, const json_t *mounts);

/* The `mounts` of an OCI config.json; new reference, NULL for -EINVAL too. */
json_t *runtime_oci(const json_t *mounts);

#endif
