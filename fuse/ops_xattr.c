/* SPDX-License-Identifier: Apache-2.0 */
/* ops_xattr.c - extended attributes, and the ACLs that are kept in them */
#include <errno.h>
#include <string.h>

#include "fuse/caller.h"
#include "fuse/charge.h"
#include "fuse/internal.h"
#include "store/volume.h"

/* XATTR_SIZE_MAX of the kernel. */
#define VALUE_MAX 65536u

/* Virtual nodes have none. */
static int xattr_inode(struct fs *fs, uint64_t nodeid, struct inode *ret)
{
	int r = fs_inode(fs, nodeid, ret);

	return r == -EPERM ? -ENODATA : r;
}

/* size 0 asks for the length only, else value holds n bytes. */
static void reply_value(fuse_req_t req, size_t size, const void *value,
			ssize_t n)
{
	if (n < 0)
		reply_err(req, (int)n);
	else if (size == 0)
		fuse_reply_xattr(req, (size_t)n);
	else
		fuse_reply_buf(req, value, (size_t)n);
}

static bool is_capability(const char *name)
{
	return strcmp(name, "security.capability") == 0;
}

void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct fs *fs = fuse_req_userdata(req);
	void *value = session_buffer();
	struct inode inode;
	ssize_t n;

	n = value ? xattr_inode(fs, ino, &inode) : -ENOMEM;
	if (n == 0 && inode.flags & INODE_NO_CAPABILITY && is_capability(name))
		n = -ENODATA;
	else if (n == 0)
		n = store_getxattr(inode.volume->store, &inode.handle, name,
				   value, size < VALUE_MAX ? size : VALUE_MAX);
	reply_value(req, size, value, n);
}

/*
 * Leave out what the caller may not see, as a local filesystem does: names
 * under "trusted.".  Returns the length that remains.
 */
static ssize_t hide_trusted(char *names, ssize_t len)
{
	static const char prefix[] = "trusted.";
	struct caller caller = { 0 };
	bool known = false;
	char *to = names;

	for (char *p = names; p < names + len;) {
		size_t n = strlen(p) + 1;

		if (strncmp(p, prefix, sizeof(prefix) - 1) == 0) {
			if (!known)
				caller_get(session_header()->pid, &caller);
			known = true;
			if (!caller_has(&caller, CALLER_CAP_SYS_ADMIN)) {
				p += n;
				continue;
			}
		}
		memmove(to, p, n);
		to += n;
		p += n;
	}
	return to - names;
}

void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	struct fs *fs = fuse_req_userdata(req);
	char *names = session_buffer();
	struct inode inode;
	ssize_t n;

	n = names ? xattr_inode(fs, ino, &inode) : -ENOMEM;
	if (n == 0)
		n = store_listxattr(inode.volume->store, &inode.handle, names,
				    VALUE_MAX);
	else if (n == -ENODATA)
		n = 0;
	if (n > 0)
		n = hide_trusted(names, n);
	if (n > 0 && size && (size_t)n > size)
		n = -ERANGE;
	reply_value(req, size, names, n);
}

void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	struct fs *fs = fuse_req_userdata(req);
	struct inode inode;
	struct charge c;
	int r;

	r = fs_inode(fs, ino, &inode);
	if (r == 0)
		r = charge_file(fs, &inode, 0, 0, &c);
	if (r == 0) {
		r = store_removexattr(inode.volume->store, &inode.handle, name);
		charge_file_done(&c);
	}
	if (r == -ENODATA && session_is_repeated())
		r = 0;
	reply_err(req, r);
}

/* An ACL was set by somebody who is not in the file's group. */
static int kill_sgid(const struct inode *inode)
{
	struct store_setattr set = { .set = STORE_SET_MODE };
	struct statx st;
	int r;

	r = store_getattr(inode->volume->store, &inode->handle, NULL, &st);
	if (r < 0 || !(st.stx_mode & S_ISGID))
		return r;
	set.mode = st.stx_mode & 07777 & ~S_ISGID;
	return store_setattr(inode->volume->store, &inode->handle, NULL, &set,
			     &st);
}

/* Made already by a process that was killed before it could answer? */
static bool set_before(const struct inode *inode, const char *name,
		       const void *value, size_t size)
{
	char *now = session_is_repeated() ? session_buffer() : NULL;

	return now &&
	       store_getxattr(inode->volume->store, &inode->handle, name, now,
			      VALUE_MAX) == (ssize_t)size &&
	       memcmp(now, value, size) == 0;
}

/*
 * SETXATTR comes here past libfuse, which does not know its longer form: head,
 * name, value.
 */
void op_setxattr(struct fs *fs, uint64_t nodeid)
{
	const struct fuse_setxattr_in *in = session_body();
	bool ext = kernel_has(&fs->kernel, KERNEL_SETXATTR_EXT);
	size_t head = ext ? sizeof(*in) : FUSE_COMPAT_SETXATTR_IN_SIZE;
	size_t len = session_body_len();
	const char *name = (const char *)in + head;
	struct inode inode;
	struct charge c;
	size_t name_len;
	int r = -EINVAL;

	if (len <= head)
		goto out;
	name_len = strnlen(name, len - head);
	if (name_len == len - head || in->size != len - head - name_len - 1)
		goto out;
	r = fs_inode(fs, nodeid, &inode);
	if (r == 0)
		r = charge_file(fs, &inode, 0,
				(int64_t)(in->size + name_len + 1), &c);
	if (r == 0 && is_capability(name))
		inode_clear_flag(fs->inodes, nodeid, INODE_NO_CAPABILITY);
	if (r == 0) {
		r = store_setxattr(inode.volume->store, &inode.handle, name,
				   name + name_len + 1, in->size,
				   (int)in->flags);
		charge_file_done(&c);
	}
	if (r == -EEXIST &&
	    set_before(&inode, name, name + name_len + 1, in->size))
		r = 0;
	if (r == 0 && ext && in->setxattr_flags & FUSE_SETXATTR_ACL_KILL_SGID)
		r = kill_sgid(&inode);
out:
	session_reply(fs, r, NULL, 0);
}
