/* SPDX-License-Identifier: Apache-2.0 */
/* control.c - the texts of the files below .podvols on the mount */
#include "tools/podvolsd/control.h"

#include "store/base/cleanup.h"
#include "store/manifest/manifest.h"
#include "store/node.h"
#include "tools/podvolsd/daemon.h"
#include "tools/podvolsd/status.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int give(char *text, char **ret, size_t *ret_len)
{
	if (!text)
		return -ENOMEM;
	*ret = text;
	*ret_len = strlen(text);
	return 0;
}

static int stats_text(struct daemon *d, char **ret, size_t *ret_len)
{
	json_auto_t *stats = status_stats_json(d);
	cleanup_free char *text = NULL;
	char *lines;

	if (!stats)
		return -ENOMEM;
	text = json_dumps(stats, JSON_INDENT(2));
	if (!text || asprintf(&lines, "%s\n", text) < 0)
		return -ENOMEM;
	return give(lines, ret, ret_len);
}

static int pod_text(struct daemon *d, const char *uid, char **ret,
		    size_t *ret_len)
{
	json_auto_t *pod = NULL;
	char *text = NULL;
	int r;

	r = node_pod_get_by_uid(d->node, uid, &pod, NULL);
	if (r < 0)
		return r;
	r = manifest_to_yaml(pod, &text);
	if (r < 0)
		return r;
	return give(text, ret, ret_len);
}

int control_text(void *arg, enum fs_control_file file, const char *uid,
		 char **ret, size_t *ret_len)
{
	struct daemon *d = arg;

	switch (file) {
	case FS_CONTROL_VERSION:
		return give(strdup("podvols " PODVOLS_VERSION "\n"), ret,
			    ret_len);
	case FS_CONTROL_STATS:
		return stats_text(d, ret, ret_len);
	case FS_CONTROL_METRICS:
		return status_metrics(d, ret, ret_len);
	case FS_CONTROL_POD:
		return pod_text(d, uid, ret, ret_len);
	}
	return -ENOENT;
}
