/* SPDX-License-Identifier: Apache-2.0 */
/* control.h - the texts of the files below .podvols on the mount */
#ifndef PODVOLSD_CONTROL_H
#define PODVOLSD_CONTROL_H

#include <stddef.h>

#include "fuse/fs.h"

/* As fs_options.control; arg is the struct daemon. */
int control_text(void *arg, enum fs_control_file file, const char *uid,
		 char **ret, size_t *ret_len);

#endif
