/* SPDX-License-Identifier: Apache-2.0 */
/* request.h - is a request as long as what its handler reads of it? */
#ifndef FUSE_REQUEST_H
#define FUSE_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

struct fuse_in_header;

/*
 * Do the fixed part and the names that the opcode has all end within in->len,
 * which is at least a header?  libfuse reads them without asking.  Opcodes with
 * no fixed part, and unknown ones, are whole.
 */
bool request_is_whole(const struct fuse_in_header *in);

/*
 * May it have to wait for its volume, and wait its turn for that?  Not what
 * comes in the background, nor what a handler itself may wait for.
 */
bool request_is_gated(const struct fuse_in_header *in);

/* Has something to be done for it even if nobody is told? */
bool request_must_be_handled(uint32_t opcode);

/* Would it do something else, or fail, if it were done twice? */
bool request_is_once_only(const struct fuse_in_header *in);

/* Does the kernel wait for an answer to it? */
bool request_has_answer(uint32_t opcode);

#endif
