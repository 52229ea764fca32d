#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# virtual_tree.sh - the directories above the volumes: listed, read-only

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

daemon_start

it "an empty node shows nothing but .podvols"
expect_eq "names at the top" "$(ls -A "$M")" .podvols

apply_pod web 'data=emptyDir: {}' 'cache=emptyDir: {}'
pod_yaml db 'rows=emptyDir: {}' | sed 's/name: db/&\n  namespace: other/' |
	ctl apply -f - >/dev/null

it "namespaces, pods and volumes are directories"
expect_eq "namespaces" "$(list "$M")" ".podvols default other"
expect_eq "pods" "$(list "$M/default")" web
expect_eq "volumes" "$(list "$M/default/web")" "cache data"
expect_eq "volumes of the other" "$(list "$M/other/db")" rows
expect_eq "kind" "$(stat -c '%F %u %g' "$M/default/web")" "directory 0 0"
for dir in "$M" "$M/default" "$M/default/web"; do
	expect_eq "mode of $dir" "$(mode_of "$dir")" 555
	expect_eq "subdirectories of $dir by its link count" \
		"$(stat -c %h "$dir")" \
		"$((2 + $(find "$dir" -mindepth 1 -maxdepth 1 -type d | wc -l)))"
done

it "what is not there is ENOENT"
for name in nope default/nope default/web/nope .podvols/nope nope/nope; do
	expect_fsop ENOENT stat "$M/$name"
done

it "a name that is too long is ENAMETOOLONG"
long=$(printf '%0256d' 0)
for dir in "$M" "$M/default" "$M/default/web" "$M/.podvols"; do
	expect_fsop ENAMETOOLONG stat "$dir/$long"
	expect_fsop ENOENT stat "$dir/${long%0}"
done

it "nothing can be made, removed or moved there, not even by root"
touch "$M/default/web/data/file"
for dir in "$M" "$M/default" "$M/default/web" "$M/.podvols"; do
	expect_fsop EPERM mkdir "$dir/new"
	expect_fsop EPERM create "$dir/new"
	expect_fsop EPERM symlink x "$dir/new"
	expect_fsop EPERM mkfifo "$dir/new"
	expect_fsop EPERM rmdir "$(find "$dir" -mindepth 1 -maxdepth 1 -type d | head -1)"
	expect_fsop EPERM chmod "$dir" 777
	expect_fsop EPERM chown "$dir" 1
	expect_fsop EPERM utimes "$dir"
done
expect_fsop EPERM rename "$M/default/web" "$M/default/web2"
expect_fsop EPERM rename "$M/default/web/data" "$M/default/web/data2"
expect_fsop EPERM rename "$M/default/web/data" "$M/default/web/cache"
expect_fsop EPERM exchange "$M/default/web/data" "$M/default/web/cache"
expect_fsop EPERM rmdir "$M/default/web/data"
expect_fsop EPERM unlink "$M/.podvols/version"
expect_error 'Operation not permitted' rm -rf "$M/default/web/cache"
expect_exists "$M/default/web/cache" "$M/default/web/data/file"

it "an ordinary user may look and not touch"
expect_eq "names" "$(as_user 1234 ls "$M/default/web" | xargs)" "cache data"
expect_match "mkdir by a user" "$(as_user 1234 "$BUILD/fsop" mkdir "$M/x")" \
	'^(EPERM|EACCES)$'

it ".podvols tells version, statistics and the pods by UID"
expect_match "version" "$(cat "$M/.podvols/version")" '[0-9]+\.[0-9]+'
jq -e . "$M/.podvols/stats.json" >/dev/null || fail "stats.json is no JSON"
grep -q '^# TYPE podvols_' "$M/.podvols/metrics" || fail "no metrics"
uid=$(ctl get pod web -o json | jq -r .metadata.uid)
expect_match "UID" "$uid" '^[0-9a-f]{8}-[0-9a-f-]{27}$'
expect_eq "pods by UID" "$(ls "$M/.podvols/pods" | wc -l)" 2
grep -q 'name: web' "$M/.podvols/pods/$uid/pod.yaml" || fail "no pod.yaml"
link=$M/.podvols/pods/$uid/volumes/kubernetes.io~empty-dir/data
expect_eq "kind of the link" "$(stat -c %F "$link")" "symbolic link"
expect_exists "$link/file"
expect_eq "seen by its UID" "$(stat -Lc '%d:%i' "$link")" \
	"$(stat -c '%d:%i' "$M/default/web/data")"

it "files of .podvols cannot be written"
expect_match "write" "$(fsop write "$M/.podvols/version" x)" \
	'^(EPERM|EACCES|EROFS)$'
expect_match "truncate" "$(fsop truncate "$M/.podvols/version" 0)" \
	'^(EPERM|EACCES|EROFS)$'

it "they go with the pod, and the namespace with its last pod"
ctl delete pod web >/dev/null
ctl delete pod db -n other >/dev/null
expect_missing "$M/default" "$M/other" "$M/.podvols/pods/$uid"
expect_eq "names at the top" "$(ls -A "$M")" .podvols
daemon_stop
