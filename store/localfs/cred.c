/* SPDX-License-Identifier: Apache-2.0 */
/* cred.c - create as somebody else */
#include "store/localfs/cred.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "store/store.h"

#define CRED_NONE UINT32_MAX

struct thread_cred {
	bool ready;	/* the thread has a umask of its own */
	bool caps_lost; /* and must have its capabilities raised */
	uint32_t uid;
	uint32_t gid;
	uint32_t umask;
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];
};

static _Thread_local struct thread_cred self;

/* The umask belongs to what threads share: part from them, once. */
static int cred_init(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};

	if (unshare(CLONE_FS) < 0)
		return -errno;
	if (syscall(SYS_capget, &head, self.caps) < 0)
		return -errno;
	self.uid = (uint32_t)setfsuid(CRED_NONE);
	self.gid = (uint32_t)setfsgid(CRED_NONE);
	self.umask = CRED_NONE;
	self.ready = true;
	return 0;
}

/* Leaving uid 0 takes the capabilities over files away: raise them again. */
static int raise_caps(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};

	if (syscall(SYS_capset, &head, self.caps) < 0)
		return -errno;
	self.caps_lost = false;
	return 0;
}

/* setfsuid(2) and setfsgid(2) do not say whether they worked: ask. */
static int assume_gid(uint32_t gid)
{
	setfsgid(gid);
	self.gid = (uint32_t)setfsgid(CRED_NONE);
	return self.gid == gid ? 0 : -EOVERFLOW;
}

static int assume_uid(uint32_t uid)
{
	if (self.uid == 0)
		self.caps_lost = true;
	setfsuid(uid);
	self.uid = (uint32_t)setfsuid(CRED_NONE);
	return self.uid == uid ? 0 : -EOVERFLOW;
}

int cred_assume(const struct store_cred *cred)
{
	int r;

	if (cred->uid == CRED_NONE || cred->gid == CRED_NONE)
		return -EOVERFLOW;
	if (!self.ready) {
		r = cred_init();
		if (r < 0)
			return r;
	}
	if (self.gid != cred->gid) {
		r = assume_gid(cred->gid);
		if (r < 0)
			return r;
	}
	if (self.uid != cred->uid) {
		r = assume_uid(cred->uid);
		if (r < 0)
			return r;
	}
	if (self.caps_lost) {
		r = raise_caps();
		if (r < 0)
			return r;
	}
	if (self.umask != (cred->umask & 0777)) {
		self.umask = cred->umask & 0777;
		umask(self.umask);
	}
	return 0;
}
