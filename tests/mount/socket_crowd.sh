#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# socket_crowd.sh - crowds and rude clients on the control socket

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

daemon_start
apply_web
pods=/api/v1/namespaces/default/pods

fd_count()
{
	find "/proc/$(server_pid)/fd" -mindepth 1 | wc -l
}

few_fds()
{
	(($(fd_count) <= $1))
}
fds=$(fd_count)

it "200 clients at once are all answered"
expect_eq "answered and refused" \
	"$(within 60 "$BUILD/flood" "$K" get 200 "$pods")" "200 0"

it "200 clients that write at once leave a consistent state"
writers=()
for i in {1..200}; do
	pod_yaml "p$i" 'data=emptyDir: {}' >"$work/p$i.yaml"
	curl -s -m 60 -o "$work/p$i.out" -w '%{http_code}\n' --unix-socket "$K" \
		-X POST -H 'Content-Type: application/yaml' \
		--data-binary "@$work/p$i.yaml" "http://podvols$pods" \
		>"$work/p$i.code" &
	writers+=($!)
done
wait "${writers[@]}"
codes=$(sort "$work"/p*.code | uniq -c | xargs)
expect_eq "codes" "$codes" "200 201"
expect_eq "pods" "$(ls "$M/default" | wc -l)" 201
expect_eq "listed" "$(ctl get pods -o name | wc -l)" 201

it "200 deletions at once, too"
writers=()
for i in {1..200}; do
	curl -s -m 120 -o /dev/null -w '%{http_code}\n' --unix-socket "$K" \
		-X DELETE "http://podvols$pods/p$i" >"$work/p$i.code" &
	writers+=($!)
done
wait "${writers[@]}"
expect_eq "codes" "$(sort "$work"/p*.code | uniq -c | xargs)" "200 200"
expect_eq "pods" "$(list "$M/default")" web

it "clients that stop reading harm nobody else"
hold "$BUILD/flood" "$K" deaf 20 "$pods"
within 10 "$BUILD/podvolctl" get pods >/dev/null
echo text >"$V/file"
apply_pod meanwhile 'data=emptyDir: {}'
let_go

it "clients that say nothing, or half of something, harm nobody else"
hold "$BUILD/flood" "$K" idle 50 0
idle=$held
hold "$BUILD/flood" "$K" half 50 "$pods"
within 10 "$BUILD/podvolctl" get pods >/dev/null
let_go "$idle"
let_go

it "what is no HTTP gets an error or an end"
for junk in 'GARBAGE' $'GET / HTTP/9.9\r\n\r\n' $'\x16\x03\x01\x02' \
	"GET /$(head -c 100000 /dev/zero | tr '\0' a) HTTP/1.1"; do
	printf '%s\r\n\r\n' "$junk" | within 20 curl -s -m 10 \
		--unix-socket "$K" telnet://podvols >/dev/null 2>&1 || :
done
within 10 "$BUILD/podvolctl" get pods >/dev/null

it "unknown paths, methods and types get a Status"
api GET /nowhere
expect_eq "code" "$api_code" 404
expect_eq "kind" "$(jq -r .kind <<<"$api_body")" Status
api GET "$pods/nowhere"
expect_eq "code" "$api_code" 404
expect_eq "reason" "$(jq -r .reason <<<"$api_body")" NotFound
api PATCH "$pods/web"
expect_match "code" "$api_code" '^4(05|15)$'
api POST "$pods" -H 'Content-Type: image/png' --data x
expect_match "code" "$api_code" '^4'

it "a NUL in a name does not make it another one"
api GET "$pods/web%00x"
expect_eq "code" "$api_code" 400
api POST "$pods/web/mounts?container=main%00x"
expect_eq "code" "$api_code" 404

it "a body of any size that is too large gets a Status"
for size in 5 80; do
	truncate -s "${size}M" "$work/body"
	api PUT "$pods/web" -H 'Content-Type: application/json' \
		-H 'Expect: 100-continue' -T "$work/body"
	expect_eq "code for $size MB" "$api_code" 413
done

it "descriptors are given back"
wait_until 60 few_fds $((fds + 8))
daemon_stop
