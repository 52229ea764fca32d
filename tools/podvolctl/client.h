/* SPDX-License-Identifier: Apache-2.0 */
/* client.h - requests to the daemon: HTTP and JSON over its unix socket */
#ifndef PODVOLCTL_CLIENT_H
#define PODVOLCTL_CLIENT_H

#include <jansson.h>
#include <stddef.h>

struct client;
struct error;

#define CLIENT_REPLY_MAX (256u << 20) /* bytes; far above 100,000 pods */

struct reply {
	long code;	  /* of HTTP */
	json_t *body;	  /* new reference */
	char outcome[16]; /* of a write: "created", "configured", "unchanged" */
};

/* Nothing is connected yet.  timeout_ms of each request; 0: none. */
int client_open(const char *socket, long timeout_ms, struct client **ret,
		struct error *err);
void client_close(struct client *client);

/*
 * Send one request (body may be NULL) and read the answer, whatever its code.
 * -ENOTCONN when the daemon cannot be reached or does not answer in time;
 * -EPROTO when what answers is no podvolsd.
 */
int client_request(struct client *client, const char *method, const char *path,
		   const json_t *body, struct reply *ret, struct error *err);
void reply_done(struct reply *reply);

/*
 * "/api/v1/namespaces/NAMESPACE/pods[/NAME]SUFFIX" with the names escaped
 * (malloc'd); namespace NULL: of all.  NULL when out of memory.
 */
char *client_pods_path(const char *namespace, const char *name,
		       const char *suffix);

/* key=value of a query, the value escaped (malloc'd): "container=a%2Fb". */
char *client_query(const char *key, const char *value);

#define cleanup_reply __attribute__((cleanup(reply_done)))

#endif
