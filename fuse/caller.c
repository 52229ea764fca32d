/* SPDX-License-Identifier: Apache-2.0 */
/* caller.c - what the kernel knows of the thread that a request comes from */
#include "fuse/caller.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "store/base/cleanup.h"

static FILE *proc_open(pid_t tid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)tid, name);
	return fopen(path, "re");
}

/* The value of a line that starts with key, or NULL. */
static const char *value_of(const char *line, const char *key)
{
	size_t n = strlen(key);

	return strncmp(line, key, n) == 0 ? line + n : NULL;
}

/* "Uid:" and "Gid:" list real, effective, saved and the filesystem's id. */
static unsigned last_id(const char *value)
{
	const char *tab = strrchr(value, '\t');

	return (unsigned)strtoul(tab ? tab : value, NULL, 10);
}

void caller_get(uint32_t tid, struct caller *ret)
{
	cleanup_file FILE *f = NULL;
	char line[256];

	*ret = (struct caller){ .tid = (pid_t)tid,
				.fsuid = (uid_t)-1,
				.fsgid = (gid_t)-1 };
	f = proc_open(ret->tid, "status");
	while (f && fgets(line, sizeof(line), f)) {
		const char *v;

		if ((v = value_of(line, "Uid:")))
			ret->fsuid = last_id(v);
		else if ((v = value_of(line, "Gid:")))
			ret->fsgid = last_id(v);
		else if ((v = value_of(line, "CapEff:")))
			ret->caps = strtoull(v, NULL, 16);
	}
}

bool caller_in_group(const struct caller *c, gid_t gid)
{
	cleanup_file FILE *f = NULL;
	cleanup_free char *line = NULL;
	size_t size = 0;
	bool found = c->fsgid == gid;

	f = found ? NULL : proc_open(c->tid, "status");
	while (f && !found && getline(&line, &size, f) > 0) {
		const char *v = value_of(line, "Groups:");
		char *end;

		for (; v && !found; v = end) {
			unsigned long id = strtoul(v, &end, 10);

			if (end == v)
				break;
			found = id == gid;
		}
	}
	return found;
}

bool caller_is_in_chown(const struct caller *c)
{
	cleanup_file FILE *f = proc_open(c->tid, "syscall");
	char line[256];

	if (!f || !fgets(line, sizeof(line), f))
		return false;
	switch (strtol(line, NULL, 10)) {
#ifdef SYS_chown
	case SYS_chown:
#endif
#ifdef SYS_lchown
	case SYS_lchown:
#endif
	case SYS_fchown:
	case SYS_fchownat:
		return true;
	default:
		return false;
	}
}
