/* SPDX-License-Identifier: Apache-2.0 */
/* handle.c - the kernel's file handles as store handles, and back */
#include "store/localfs/handle.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "store/store.h"

/* Kernel handles are made of 32-bit words: one byte more is the class. */
#define HANDLE_WORD 4u

struct kernel_handle {
	struct file_handle head;
	unsigned char bytes[STORE_HANDLE_MAX];
};

static uint8_t class_of_mode(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return HANDLE_DIR;
	case S_IFREG:
		return HANDLE_REG;
	case S_IFLNK:
		return HANDLE_LINK;
	default:
		return HANDLE_OTHER;
	}
}

static void set_class(struct store_handle *h, mode_t mode)
{
	if (h->len < STORE_HANDLE_MAX)
		h->bytes[h->len++] = class_of_mode(mode);
}

unsigned handle_kernel_len(const struct store_handle *h)
{
	return h->len & ~(HANDLE_WORD - 1);
}

enum handle_class handle_class(const struct store_handle *h)
{
	if (h->len > STORE_HANDLE_MAX || h->len % HANDLE_WORD != 1)
		return HANDLE_UNKNOWN;
	return h->bytes[h->len - 1];
}

int handle_make(int dirfd, const char *name, int flags, uint16_t realm,
		mode_t mode, struct store_handle *ret, int *ret_mount)
{
	struct kernel_handle kh;
	unsigned len;

	kh.head.handle_bytes = STORE_HANDLE_MAX;
	if (name_to_handle_at(dirfd, name, &kh.head, ret_mount, flags) < 0)
		return errno == EOVERFLOW ? -EOPNOTSUPP : -errno;

	len = kh.head.handle_bytes;
	if (len == 0 || len > STORE_HANDLE_MAX || len % HANDLE_WORD != 0 ||
	    kh.head.handle_type < 0 || kh.head.handle_type >= HANDLE_TYPE_HELD)
		return -EOPNOTSUPP;

	memset(ret, 0, sizeof(*ret));
	ret->realm = realm;
	ret->type = (uint8_t)kh.head.handle_type;
	ret->len = (uint8_t)len;
	memcpy(ret->bytes, kh.head.f_handle, len);
	set_class(ret, mode);
	return 0;
}

int handle_open(int mount_fd, const struct store_handle *h, int open_flags)
{
	struct kernel_handle kh;
	unsigned len = handle_kernel_len(h);
	int fd;

	if (len == 0 || len > STORE_HANDLE_MAX || h->type == HANDLE_TYPE_HELD)
		return -ESTALE;
	kh.head.handle_bytes = len;
	kh.head.handle_type = h->type;
	memcpy(kh.head.f_handle, h->bytes, len);
	fd = open_by_handle_at(mount_fd, &kh.head, open_flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

void handle_make_held(uint16_t realm, uint32_t slot, uint64_t generation,
		      mode_t mode, struct store_handle *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->realm = realm;
	ret->type = HANDLE_TYPE_HELD;
	memcpy(ret->bytes, &slot, sizeof(slot));
	memcpy(ret->bytes + sizeof(slot), &generation, sizeof(generation));
	ret->len = sizeof(slot) + sizeof(generation);
	set_class(ret, mode);
}

void handle_read_held(const struct store_handle *h, uint32_t *ret_slot,
		      uint64_t *ret_generation)
{
	memcpy(ret_slot, h->bytes, sizeof(*ret_slot));
	memcpy(ret_generation, h->bytes + sizeof(*ret_slot),
	       sizeof(*ret_generation));
}

uint64_t handle_hash(const struct store_handle *h)
{
	uint64_t w[3];
	uint64_t x;

	_Static_assert(sizeof(w) == sizeof(*h), "a handle is three words");
	memcpy(w, h, sizeof(w));
	x = (w[0] ^ 0x9e3779b97f4a7c15u) * 0xff51afd7ed558ccdu;
	x = (x ^ (x >> 32) ^ w[1]) * 0xc4ceb9fe1a85ec53u;
	x = (x ^ (x >> 29) ^ w[2]) * 0xff51afd7ed558ccdu;
	return x ^ (x >> 32);
}
