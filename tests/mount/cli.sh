#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# cli.sh - podvolctl shows and does what it says, with a daemon

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

out=$work/out
err=$work/err

# run STATUS ARGUMENTS...: podvolctl ends with it; its words are in $out, $err.
run()
{
	local wanted=$1 status=0

	shift
	ctl "$@" >"$out" 2>"$err" || status=$?
	[[ $status == "$wanted" ]] ||
		fail "'podvolctl $*' ended with $status, expected $wanted: $(cat "$out" "$err")"
}

says() # FILE TEXT: a line of it, as it stands
{
	grep -Fq -- "$2" "$1" || fail "'$2' is not in '$(cat "$1")'"
}

without_ages()
{
	sed -E 's/ [0-9]+[smhd][0-9smhd]*( |$)/ AGE\1/'
}

daemon_start

it "get tells on standard error that there is nothing"
run 0 get pods
expect_eq "output" "$(cat "$out")" ""
says "$err" "No resources found in default namespace."
run 0 get volumes -A
says "$err" "No resources found"

it "apply says created, unchanged, configured"
pod_yaml web 'data=emptyDir: {sizeLimit: 64Mi}' "host=hostPath: {path: $work}" >"$work/web.yaml"
run 0 apply -f "$work/web.yaml"
expect_eq "output" "$(cat "$out")" "pod/web created"
run 0 apply -f "$work/web.yaml"
expect_eq "output" "$(cat "$out")" "pod/web unchanged"
sed 's/  name: web/&\n  labels: {tier: front}/' "$work/web.yaml" >"$work/web2.yaml"
run 0 apply -f "$work/web2.yaml" --dry-run
expect_eq "output" "$(cat "$out")" "pod/web configured (dry run)"
run 0 apply -f - <"$work/web2.yaml"
expect_eq "output" "$(cat "$out")" "pod/web configured"

it "a changed volume of a live pod is refused by field and line"
sed 's/sizeLimit: 64Mi/&, mode: 0700/' "$work/web2.yaml" >"$work/web3.yaml"
run 1 apply -f "$work/web3.yaml"
says "$err" "web3.yaml:"
says "$err" "spec.volumes"
run 0 apply -f "$work/web2.yaml"
expect_eq "output" "$(cat "$out")" "pod/web unchanged"

it "a dry run makes nothing"
pod_yaml ghost | run 0 apply --dry-run -f -
expect_eq "output" "$(cat "$out")" "pod/ghost created (dry run)"
run 1 get pod ghost
says "$err" 'Error from server (NotFound): pods "ghost" not found'

it "a dry run looks at the host's paths, and makes none"
pod_yaml ghost "host=hostPath: {path: $work/nothing, type: Directory}" | run 1 apply --dry-run -f -
says "$err" "'$work/nothing' of volume 'host' does not exist"
pod_yaml ghost "host=hostPath: {path: $work/web.yaml, type: Directory}" | run 1 apply --dry-run -f -
says "$err" "is a regular file"
pod_yaml ghost "host=hostPath: {path: $work/no/file, type: FileOrCreate}" | run 1 apply --dry-run -f -
says "$err" "cannot be made"
pod_yaml ghost "host=hostPath: {path: $work/no/dir, type: DirectoryOrCreate}" \
	"file=hostPath: {path: $work/file, type: FileOrCreate}" | run 0 apply --dry-run -f -
expect_missing "$work/no"
expect_missing "$work/file"

it "a directory is applied in the order of names; a bad document stops no other"
mkdir "$work/dir"
pod_yaml b >"$work/dir/2.yml"
{ pod_yaml a; echo ---; pod_yaml Bad; echo ---; pod_yaml c; } >"$work/dir/1.yaml"
echo junk >"$work/dir/notes.txt"
run 1 apply -f "$work/dir"
expect_eq "output" "$(tr '\n' , <"$out")" "pod/a created,pod/c created,pod/b created,"
says "$err" "1.yaml:"
says "$err" "metadata.name"

it "generateName gives each its own name"
for i in 1 2; do
	pod_yaml gen- | sed 's/  name: gen-/  generateName: gen-/' | run 0 apply -f -
	expect_match "output" "$(cat "$out")" '^pod/gen-[a-z0-9]{5} created$'
done
expect_eq "pods" "$(ctl get pods -o name | grep -c '^pod/gen-')" 2
ctl get pods -o name | sed -n 's,^pod/\(gen-\),\1,p' | xargs "$BUILD/podvolctl" delete pod >/dev/null

it "tables are as kubectl prints them"
run 0 get pods
expect_eq "table" "$(without_ages <"$out")" \
	"NAME   VOLUMES   STATUS   AGE
a      0/0       Ready    AGE
b      0/0       Ready    AGE
c      0/0       Ready    AGE
web    2/2       Ready    AGE"
run 0 get pods web -o wide --no-headers
expect_match "row" "$(cat "$out")" '^web   2/2   Ready   [0-9smh]+   [0-9a-f-]{36}$'
run 0 get vol web/data
expect_match "header" "$(head -1 "$out")" '^NAME +SOURCE +STATUS +USED +LIMIT +INODES +AGE$'
expect_match "row" "$(tail -1 "$out")" '^web/data +emptyDir +Ready +[^ ]+ +64Mi +[^ ]+ +[^ ]+$'
apply_pod numbers 'a=emptyDir: {sizeLimit: 100000}' 'b=emptyDir: {sizeLimit: 99999.5}'
run 0 get volumes numbers --no-headers
expect_eq "limits" "$(awk '{ print $5 }' "$out" | xargs)" "100000 99999.5"
ctl delete pod numbers >/dev/null
run 0 get volumes web -o wide
says "$out" "$M/default/web/data"
says "$out" "$S/pods/"

it "get -o json and yaml can be applied again"
for format in json yaml; do
	run 0 get pods -o $format
	cp "$out" "$work/again"
	run 0 apply -f - <"$work/again"
	expect_eq "outcomes" "$(sed 's/.* //' "$out" | sort -u)" unchanged
done
run 0 get pod web -o json
says "$out" '"kind": "Pod"'
run 0 get volumes web/host -o yaml
says "$out" "kind: Volume"
run 0 get volumes -o name
expect_eq "names" "$(sort "$out")" "volume/web/data
volume/web/host"

it "namespaces are apart"
pod_yaml web >"$work/other.yaml"
run 0 -n other apply -f "$work/other.yaml"
PODVOLS_NAMESPACE=other run 0 get pods -o name
expect_eq "pods" "$(cat "$out")" pod/web
run 0 get pods -A
expect_match "table" "$(tail -1 "$out")" '^other +web +0/0'
run 1 apply -n third -f - < <(sed 's/  name: web/&\n  namespace: other/' "$work/other.yaml")
says "$err" "metadata.namespace"
run 0 delete pod web -n other

it "describe tells of mounts, volumes and events"
run 0 describe pod web
for text in "Name:         web" "tier=front" "/data from data (rw)" "SizeLimit:" \
	"$M/default/web/data" "Created"; do
	says "$out" "$text"
done
run 0 describe volume web/data
says "$out" "Source:       emptyDir"
run 1 describe volume web/nope
says "$err" 'volumes "web/nope" not found'

it "mounts are words for docker, podman and runc"
run 0 mounts web main
expect_eq "docker" "$(cat "$out")" "--mount type=bind,src=$M/default/web/data,dst=/data --mount type=bind,src=$M/default/web/host,dst=/host"
run 0 mounts web -o podman
expect_eq "podman" "$(cat "$out")" "-v $M/default/web/data:/data -v $M/default/web/host:/host"
run 0 mounts web -o oci
says "$out" '"destination": "/data"'
run 1 mounts web nope
says "$err" nope
run 1 mounts nope
says "$err" 'pods "nope" not found'

it "status and version know the daemon"
run 0 status
says "$out" "$M"
run 0 status -o json
says "$out" "\"pid\": $(server_pid)"
run 0 version
says "$out" "Server Version: v"
run 0 version -o yaml
says "$out" "serverVersion:"

it "delete says what is gone, and fails for what was not there"
run 1 delete pod a nope b
expect_eq "output" "$(cat "$out")" 'pod "a" deleted
pod "b" deleted'
says "$err" 'pods "nope" not found'
run 0 delete pod nope --ignore-not-found
run 0 delete -f "$work/web.yaml" --dry-run
expect_eq "output" "$(cat "$out")" 'pod "web" deleted (dry run)'
run 0 delete -f "$work/web.yaml"
expect_eq "output" "$(cat "$out")" 'pod "web" deleted'
expect_missing "$M/default/web"
run 2 delete volume web/data
says "$err" "delete the pod"

# labelled NAME LABELS: apply a pod that has them.
labelled()
{
	pod_yaml "$1" 'data=emptyDir: {}' | sed "s/  name: $1\$/&\n  labels: {$2}/" | run 0 apply -f -
}

it "get, describe and delete take selectors"
run 0 delete pods --all
labelled front 'app: web, tier: front'
labelled back 'app: web, tier: back'
labelled db 'app: db'
run 0 get pods -l app=web -o name
expect_eq "output" "$(cat "$out")" "pod/back
pod/front"
run 0 get pods --selector 'tier in (front, side)' -o name
expect_eq "output" "$(cat "$out")" pod/front
run 0 get pods -l app=web --field-selector metadata.name!=front -o name
expect_eq "output" "$(cat "$out")" pod/back
run 0 get volumes -l '!tier' -o name
expect_eq "output" "$(cat "$out")" volume/db/data
run 0 describe pods -l tier=back
expect_eq "names" "$(grep ^Name: "$out")" "Name:         back"
run 0 get pods -l app=none
says "$err" "No resources found in default namespace."
run 1 get pods -l 'app in (web'
says "$err" "Error from server (BadRequest): unable to parse requirement: found '', expected: ',' or ')'"
run 2 get pods front -l app=web
says "$err" "name cannot be provided when a selector is specified"

it "delete takes all, or what a selector says, and nothing by mistake"
run 2 delete pods
says "$err" "say which pods to delete"
run 2 delete pods --all front
run 2 delete pods --all -l app=web
run 2 delete -f "$work/web.yaml" --all
run 0 delete pods -l app=web --dry-run
expect_eq "output" "$(cat "$out")" 'pod "back" deleted (dry run)
pod "front" deleted (dry run)'
run 0 delete pods --field-selector metadata.name=back
expect_eq "output" "$(cat "$out")" 'pod "back" deleted'
run 0 delete pods -l app=none
says "$err" "No resources found"
labelled back 'app: web'
use "$M/default/db/data"
run 1 delete pods --all
expect_eq "output" "$(cat "$out")" 'pod "back" deleted
pod "front" deleted'
says "$err" "pod 'default/db' is in use by"
let_go
run 0 delete pods --all -n other
run 0 get pods -o name
expect_eq "pods" "$(cat "$out")" pod/db
run 0 delete po --all
expect_eq "output" "$(cat "$out")" 'pod "db" deleted'

it "a pod in use is not deleted without --force"
apply_web
sleep 60 >"$V/held" &
holder=$!
run 1 delete pod web
says "$err" "--force"
expect_exists "$V/held"
run 0 delete pod web --force
expect_missing "$V"
kill "$holder"
wait "$holder" || :

daemon_stop
