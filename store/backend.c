/* SPDX-License-Identifier: Apache-2.0 */
/* backend.c - the one list of volume drivers */
#include "store/backend.h"

#include <string.h>

const struct volume_driver *const volume_drivers[] = {
	&emptydir_driver,
	&hostpath_driver,
	NULL,
};

const struct volume_driver *volume_driver_find(const char *source)
{
	for (size_t i = 0; volume_drivers[i]; i++) {
		if (strcmp(volume_drivers[i]->source, source) == 0)
			return volume_drivers[i];
	}
	return NULL;
}
