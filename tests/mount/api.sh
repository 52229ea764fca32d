#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# api.sh - the API answers a client of Kubernetes as Kubernetes does

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

PODS=/api/v1/namespaces/default/pods

# ask CODE METHOD PATH [BODY]: the answer has this code; it is in $api_body.
ask()
{
	local code=$1

	api "$2" "$3" ${4:+-H 'Content-Type: application/yaml' --data-binary "$4"}
	[[ $api_code == "$code" ]] ||
		fail "$2 $3 is answered with $api_code, expected $code: $api_body"
}

# A value of the answer, by jq's words.
answer()
{
	jq -r "$1" <<<"$api_body"
}

# versioned NAME VERSION [VOLUME=SOURCE...]: a manifest that says what was seen.
versioned()
{
	local name=$1 version=$2

	shift 2
	pod_yaml "$name" "$@" | sed "s/  name: $name\$/&\n  resourceVersion: \"$version\"/"
}

daemon_start

it "a pod that is to be created cannot have been seen before"
ask 400 POST $PODS "$(versioned web 7)"
expect_eq "reason" "$(answer .reason)" BadRequest
expect_eq "message" "$(answer .message)" "resourceVersion should not be set on objects to be created"
ask 400 POST "$PODS?dryRun=All" "$(versioned web 7)"
ask 404 GET $PODS/web
for none in 0 ''; do
	ask 201 POST $PODS "$(versioned "web$none" "$none")"
done

it "a change of what was seen before somebody else's change is a conflict"
seen=$(ctl get pod web -o json | jq -r .metadata.resourceVersion)
ask 200 PUT $PODS/web "$(pod_yaml web | sed 's/  name: web$/&\n  labels: {by: other}/')"
ask 409 PUT $PODS/web "$(versioned web "$seen")"
expect_eq "reason" "$(answer .reason)" Conflict
expect_eq "label" "$(ctl get pod web -o json | jq -r .metadata.labels.by)" other

it "so it is where the change would be refused anyway"
ask 409 PUT $PODS/web "$(versioned web "$seen" 'more=emptyDir: {}')"
ask 422 PUT $PODS/web "$(pod_yaml web 'more=emptyDir: {}')"

it "with the version that it has, and with 0, the pod is changed"
seen=$(ctl get pod web -o json | jq -r .metadata.resourceVersion)
ask 200 PUT $PODS/web "$(versioned web "$seen")"
ask 200 PUT $PODS/web "$(versioned web 0)"

it "a pod that was deleted since does not come back by a change"
ask 200 DELETE $PODS/web
ask 409 PUT $PODS/web "$(versioned web "$seen")"
expect_eq "reason" "$(answer .reason)" Conflict
expect_match "message" "$(answer .message)" 'resourceVersion'
ask 409 PUT "$PODS/web?dryRun=All" "$(versioned web "$seen")"
ask 404 GET $PODS/web
ask 200 DELETE $PODS/web0

it "all that the host has against the volumes is told at once, by field"
touch "$work/file"
bad=$(pod_yaml bad "a=hostPath: {path: $work/file, type: Directory}" 'b=emptyDir: {}' \
	"c=hostPath: {path: $work/none, type: Socket}" "d=hostPath: {path: $work, type: Directory}" \
	"e=hostPath: {path: $S, type: Directory}" "f=hostPath: {path: $work/made, type: DirectoryOrCreate}")
for query in '?dryRun=All' ''; do
	ask 422 POST "$PODS$query" "$bad"
	expect_eq "fields" "$(answer '[.details.causes[].field] | join(" ")')" \
		"spec.volumes[0].hostPath spec.volumes[2].hostPath spec.volumes[4].hostPath"
	expect_match "message" "$(answer .message)" \
		"requires a directory.*'$work/none'.*requires a socket.*state directory"
	expect_missing "$work/made"
done
ask 404 GET $PODS/bad
expect_eq "data" "$(list "$S/pods")" ""

it "a pod that is refused has made nothing on the host"
mkdir "$work/ro"
mount -t tmpfs -o ro none "$work/ro"
for wrong in "hostPath: {path: $work/none, type: Directory}" "hostPath: {path: $work/made/none, type: File}" \
	"hostPath: {path: $work/made/file/dir, type: DirectoryOrCreate}" \
	"hostPath: {path: $work/made/file, type: Directory}" "hostPath: {path: $work/made/deep, type: FileOrCreate}" \
	"hostPath: {path: $work/none/file, type: FileOrCreate}" "hostPath: {path: $work/ro/dir, type: DirectoryOrCreate}" \
	'emptyDir: {medium: HugePages-3Mi}'; do
	bad=$(pod_yaml bad "a=hostPath: {path: $work/made/deep/dir, type: DirectoryOrCreate}" \
		"b=hostPath: {path: $work/made/file, type: FileOrCreate}" "c=$wrong" |
		sed 's/^  - name: main$/&\n    resources: {limits: {hugepages-3Mi: 6Mi}}/')
	api POST "$PODS" -H 'Content-Type: application/yaml' --data-binary "$bad"
	expect_match "status and message for $wrong" "$api_code $(answer .message)" '^(422|5..) .*volume'
	expect_missing "$work/made"
done
umount "$work/ro"
ask 404 GET $PODS/bad

it "what one volume makes may hold that of another, and be it"
for query in '?dryRun=All' ''; do
	ask 201 POST "$PODS$query" "$(pod_yaml nest "a=hostPath: {path: $work/nest/dir, type: DirectoryOrCreate}" \
		"b=hostPath: {path: $work/nest/file, type: FileOrCreate}" \
		"c=hostPath: {path: $work/nest//dir/., type: Directory}" \
		"d=hostPath: {path: $work/nest, type: Directory}" \
		"e=hostPath: {path: $work/nest/file, type: File}" \
		"f=hostPath: {path: $work/nest/dir/more, type: DirectoryOrCreate}")"
	[[ -z $query ]] || expect_missing "$work/nest"
done
expect_exists "$work/nest/dir/more"
ctl delete pod nest >/dev/null

# labelled NAME LABELS [VOLUME=SOURCE...]: apply a pod that has them.
labelled()
{
	local name=$1 labels=$2

	shift 2
	pod_yaml "$name" "$@" | sed "s/  name: $name\$/&\n  labels: {$labels}/" | ctl apply -f - >/dev/null
}

# The pods of the answer.
names()
{
	answer '[.items[].metadata.name] | join(" ")'
}

three_pods()
{
	labelled a 'app: web, tier: front' 'data=emptyDir: {}'
	labelled b 'app: web, tier: back' 'data=emptyDir: {}'
	labelled c 'app: db' 'data=emptyDir: {}'
	pod_yaml far | ctl apply -n other -f - >/dev/null
}

it "a list has the pods that labels and fields select"
three_pods
while read -r query wanted; do
	ask 200 GET "$PODS?$query"
	expect_eq "$query" "$(names)" "$wanted"
done <<-'END'
	labelSelector=app%3Dweb a b
	labelSelector=app%3D%3Dweb,tier!%3Dfront b
	labelSelector=tier a b
	labelSelector=!tier c
	labelSelector=tier%20in%20(front,side) a
	labelSelector=tier%20notin%20(front) b c
	labelSelector=app%3Dweb&fieldSelector=metadata.name%3Db b
	fieldSelector=metadata.name!%3Db a c
	fieldSelector=status.phase%3DReady a b c
	fieldSelector=status.phase%3DPending
	fieldSelector=metadata.namespace%3Dother
END
ask 200 GET '/api/v1/pods?fieldSelector=metadata.namespace%3Dother'
expect_eq "pods" "$(names)" far

it "a selector that is wrong is told in the words of Kubernetes"
for method in GET DELETE; do
	ask 400 $method "$PODS?labelSelector=app%20in%20(web"
	expect_eq "reason" "$(answer .reason)" BadRequest
	expect_eq "message" "$(answer .message)" "unable to parse requirement: found '', expected: ',' or ')'"
	ask 400 $method "$PODS?fieldSelector=spec.colour%3Dred"
	expect_eq "message" "$(answer .message)" "field label not supported: spec.colour"
done

it "a dry run of deleting a collection says what would go"
ask 200 DELETE "$PODS?dryRun=All&labelSelector=app%3Dweb"
expect_eq "kind" "$(answer .kind)" PodList
expect_eq "pods" "$(names)" "a b"
ask 200 DELETE $PODS '{"dryRun": ["All"]}'
expect_eq "pods" "$(names)" "a b c"
ask 200 GET $PODS
expect_eq "pods" "$(names)" "a b c"

it "a collection is not deleted in parts, and not beside its conditions"
ask 400 DELETE "$PODS?limit=1"
ask 400 DELETE "$PODS?dryRun=all"
ask 400 DELETE $PODS '{"dryRun": "All"}'
ask 405 DELETE /api/v1/pods
ask 409 DELETE $PODS '{"preconditions": {"uid": "00000000-0000-0000-0000-000000000000"}}'
ask 200 GET $PODS
expect_eq "pods" "$(names)" "a b c"

it "of a collection, what is selected is deleted, and the answer lists it"
ask 200 DELETE "$PODS?labelSelector=tier%3Dback"
expect_eq "pods" "$(names)" b
expect_eq "volume" "$(answer '.items[0].spec.volumes[0].name')" data
expect_missing "$M/default/b"
ask 200 GET $PODS
expect_eq "pods" "$(names)" "a c"

it "a pod in use stays, is named, and keeps none of the others"
use "$M/default/a/data"
ask 409 DELETE $PODS
expect_eq "reason" "$(answer .reason)" Conflict
expect_match "message" "$(answer .message)" "pods \"a\": pod 'default/a' is in use by .*sleep"
ask 200 GET $PODS
expect_eq "pods" "$(names)" a

it "unless it is forced; another namespace has nothing to do with it"
ask 200 DELETE "$PODS?force=true"
expect_eq "pods" "$(names)" a
let_go
ask 200 DELETE $PODS
expect_eq "items" "$(answer '.items | length')" 0
expect_eq "pods" "$(ctl get pods -A -o name)" pod/far

it "discovery knows of it"
ask 200 GET /api/v1
expect_eq "verbs" "$(answer '.resources[] | select(.name == "pods").verbs | index("deletecollection") != null')" true

daemon_stop
