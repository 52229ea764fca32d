/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pin.h - from a handle to a descriptor and back
 *
 * A pin is an O_PATH descriptor of a file for the time of one operation: from a
 * cache, of a held file, or one opened for the purpose.
 */
#ifndef LOCALFS_PIN_H
#define LOCALFS_PIN_H

#include <stdint.h>

struct fdcache;
struct held;
struct local_store;
struct statx;
struct store_handle;

enum pin_kind {
	PIN_NONE,
	PIN_OWN,
	PIN_CACHED,
	PIN_HELD,
};

struct pin {
	enum pin_kind kind;
	int fd;
	uint32_t slot;
	struct fdcache *cache;
	struct held *held;
};

#define PIN_INIT                                                               \
	{                                                                      \
		.kind = PIN_NONE, .fd = -1                                     \
	}
#define cleanup_pin __attribute__((cleanup(pin_done)))

int pin_open(struct local_store *ls, const struct store_handle *h,
	     struct pin *ret);
/* The same, -ENOTDIR if it is something else. */
int pin_open_dir(struct local_store *ls, const struct store_handle *h,
		 struct pin *ret);
void pin_done(struct pin *pin);
/* Nobody will ask for this file any more. */
void pin_forget(struct local_store *ls, const struct store_handle *h);

/* "/proc/self/fd/N" of a pin, for calls that take nothing but a path. */
#define PIN_PATH_MAX 32
void pin_path(const struct pin *pin, char buf[static PIN_PATH_MAX]);

/*
 * A new descriptor of the file for I/O.  -EINVAL for what is not a regular
 * file or (with O_DIRECTORY) a directory: devices and fifos are never opened.
 */
int pin_reopen(struct local_store *ls, const struct store_handle *h,
	       int open_flags);

int local_statx(int dirfd, const char *name, int flags, struct statx *ret);

/*
 * Handle and attributes of the object behind fd, if its filesystem has handles.
 * 1 if it has not; attributes and realm are good then.
 */
int local_handle(struct local_store *ls, const struct store_handle *near,
		 int fd, uint16_t *ret_realm, struct store_handle *ret_handle,
		 struct statx *ret_attr);

/*
 * Handle and attributes of the object behind *fd (O_PATH), which is taken (and
 * becomes -1) where it is of use.  near is the directory that it was found in,
 * or NULL.
 */
int local_identify(struct local_store *ls, const struct store_handle *near,
		   int *fd, struct store_handle *ret_handle,
		   struct statx *ret_attr);
/* The same of a file that is open for I/O and stays the caller's. */
int local_identify_open(struct local_store *ls, const struct store_handle *near,
			int fd, struct store_handle *ret_handle,
			struct statx *ret_attr);

#endif
