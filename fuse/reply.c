/* SPDX-License-Identifier: Apache-2.0 */
/* reply.c - answers in the kernel's form */
#include <errno.h>

#include "fuse/attr.h"
#include "fuse/internal.h"
#include "store/volume.h"

void reply_err(fuse_req_t req, int r)
{
	fuse_reply_err(req, -r);
}

uint64_t entry_validity(const struct volume *vol)
{
	return vol->exclusive ? ATTR_FOREVER : 0;
}

uint64_t attr_validity(const struct inode *inode)
{
	/* A mapping changes mtime and blocks without the kernel's notice. */
	if (inode->flags & INODE_MAYBE_MAPPED)
		return 0;
	return entry_validity(inode->volume);
}

static uint64_t inode_ino(const struct inode *inode, const struct statx *st)
{
	return attr_ino(inode->volume, attr_dev(st), st->stx_ino);
}

void entry_fill(struct fuse_entry_out *out, const struct inode *inode,
		const struct statx *st)
{
	*out = (struct fuse_entry_out){
		.nodeid = inode->nodeid,
		.generation = inode->nodeid >> 32,
		.entry_valid = entry_validity(inode->volume),
		.attr_valid = attr_validity(inode),
	};
	attr_fill(&out->attr, st, inode_ino(inode, st));
}

void vnode_entry_fill(struct fuse_entry_out *out, const struct vnode *v,
		      const struct statx *st)
{
	*out = (struct fuse_entry_out){
		.nodeid = vnode_nodeid(v),
		.generation = 1,
		.entry_valid = ATTR_FOREVER,
		/* Names go with notice (fuse/notify.h), and directories change
		 * with notice; files change as they are read. */
		.attr_valid = vnode_type(v) == S_IFREG ? 0 : ATTR_FOREVER,
	};
	attr_fill(&out->attr, st, vnode_ino(v));
}

void reply_entry_for(fuse_req_t req, struct fs *fs, const struct inode *inode,
		     const struct statx *st, uint64_t validity)
{
	struct fuse_entry_out out;

	entry_fill(&out, inode, st);
	out.entry_valid = validity;
	/* No lock is held: the kernel may forget it before this returns. */
	if (fuse_reply_buf(req, (const char *)&out, sizeof(out)) == -ENOENT)
		inode_forget(fs->inodes, inode->nodeid, 1);
}

void reply_entry(fuse_req_t req, struct fs *fs, const struct inode *inode,
		 const struct statx *st)
{
	reply_entry_for(req, fs, inode, st, entry_validity(inode->volume));
}

void reply_attr_for(fuse_req_t req, const struct inode *inode,
		    const struct statx *st, uint64_t validity)
{
	struct fuse_attr_out out = { .attr_valid = validity };

	attr_fill(&out.attr, st, inode_ino(inode, st));
	fuse_reply_buf(req, (const char *)&out, sizeof(out));
}

void reply_attr(fuse_req_t req, const struct inode *inode,
		const struct statx *st)
{
	reply_attr_for(req, inode, st, attr_validity(inode));
}
