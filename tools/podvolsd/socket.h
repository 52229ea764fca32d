/* SPDX-License-Identifier: Apache-2.0 */
/*
 * socket.h - the listening socket of the API, and the pid file beside it
 *
 * The pid file is locked while the daemon lives: a socket whose pid file is
 * not locked is of a dead daemon, and is replaced.
 */
#ifndef PODVOLSD_SOCKET_H
#define PODVOLSD_SOCKET_H

struct control_socket;
struct error;

/*
 * Take the socket that the service manager hands over, or prepare one at path,
 * which nobody sees before control_socket_listen().  -EADDRINUSE with err if
 * somebody serves path already.
 */
int control_socket_open(const char *path, struct control_socket **ret,
			struct error *err);

/* Make it appear; the descriptor, or -errno. */
int control_socket_listen(struct control_socket *sock, struct error *err);

/* Take socket and pid file away. */
void control_socket_close(struct control_socket *sock);

#endif
