/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.h - HTTP on the API's listening socket
 *
 * A thread per connection: a client that stops reading, or that sends its
 * header byte by byte, holds its own thread only, and not for longer than a
 * deadline.  Connections beyond the limit wait in the socket's queue.
 */
#ifndef PODVOLSD_HTTP_H
#define PODVOLSD_HTTP_H

struct daemon;
struct error;
struct http;

/* Serve the API of d on listen_fd, which stays the caller's. */
int http_open(struct daemon *d, int listen_fd, unsigned max_connections,
	      struct http **ret, struct error *err);

/*
 * Take no more connections, let the requests that run finish.  0, or -EBUSY
 * if some still run after timeout_ms: then http_close() would wait for them.
 */
int http_drain(struct http *http, unsigned timeout_ms);
void http_close(struct http *http);

#endif
