#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# hostile_manifests.sh - documents made to hurt get an error, soon

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

daemon_start
apply_web
pods=/api/v1/namespaces/default/pods

rss()
{
	awk '/^VmRSS/ { print $2 }' "/proc/$(server_pid)/status"
}
before=$(rss)

# Sent as it is, and through the client, which must not fall either.
hostile() # FILE TYPE [CODES]
{
	local out status=0

	api POST "$pods" -H "Content-Type: application/$2" -H 'Expect:' \
		--data-binary "@$1"
	# A body that is too long may be cut off in the middle.
	expect_match "code of ${1##*/}" "$api_code" "${3:-^(400|413|415|422|000)$}"
	out=$(within 30 "$BUILD/podvolctl" apply -f "$1" 2>&1) || status=$?
	expect_eq "status of apply ${1##*/} ($(head -c 300 <<<"$out"))" "$status" 1
	[[ -n $out ]] || fail "no text for ${1##*/}"
	((${#out} < 2000000)) || fail "a text of ${#out} bytes for ${1##*/}"
	daemon_answers || fail "the daemon does not answer after ${1##*/}"
}

cd "$work"
it "ten megabytes"
{
	pod_yaml big 'data=emptyDir: {}'
	echo '---'
	head -c 10485760 /dev/zero | tr '\0' '#'
} >big.yaml
hostile big.yaml yaml
{
	printf '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"'
	head -c 10485760 /dev/zero | tr '\0' 'a'
	printf '"}}'
} >big.json
hostile big.json json

it "a depth of 10,000"
{
	printf 'a: '
	head -c 10000 /dev/zero | tr '\0' '['
	head -c 10000 /dev/zero | tr '\0' ']'
} >deep.yaml
hostile deep.yaml yaml
{
	head -c 10000 /dev/zero | tr '\0' '['
	head -c 10000 /dev/zero | tr '\0' ']'
} >deep.json
hostile deep.json json
for ((i = 0; i < 3000; i++)); do
	printf '%*s-\n' "$i" ''
done >indent.yaml
hostile indent.yaml yaml

it "a billion laughs"
{
	echo 'a: &a [x,x,x,x,x,x,x,x,x,x]'
	prev=a
	for l in b c d e f g h i j k l m; do
		echo "$l: &$l [*$prev,*$prev,*$prev,*$prev,*$prev,*$prev,*$prev,*$prev,*$prev]"
		prev=$l
	done
} >laughs.yaml
hostile laughs.yaml yaml
printf 'a: &a [*a]\n' >self.yaml
hostile self.yaml yaml
printf 'a: *nothing\n' >dangling.yaml
hostile dangling.yaml yaml

it "NULs, invalid UTF-8, lone surrogates, control characters"
printf 'kind: Pod\0\nmetadata: {name: x}\n' >nul.yaml
hostile nul.yaml yaml
printf '{"kind":"Pod","metadata":{"name":"a\\u0000b"}}' >nul.json
hostile nul.json json
printf 'kind: Pod\nmetadata: {name: "\xff\xfe"}\n' >utf8.yaml
hostile utf8.yaml yaml
printf '{"kind":"Pod","metadata":{"name":"\xc0\xaf"}}' >utf8.json
hostile utf8.json json
printf '{"kind":"Pod","metadata":{"name":"\\ud800"}}' >surrogate.json
hostile surrogate.json json
head -c 4096 /dev/urandom >random.yaml
hostile random.yaml yaml

it "names that are paths"
for name in .. . / a/b '../../etc' .podvols 'a b' "$(printf 'a%.0s' {1..300})"; do
	pod_yaml placeholder 'data=emptyDir: {}' |
		NAME=$name awk '{ if ($1 == "name:" && $2 == "placeholder")
			print "  name: \"" ENVIRON["NAME"] "\""; else print }' >name.yaml
	hostile name.yaml yaml
	pod_yaml ok "placeholder=emptyDir: {}" |
		sed "s|placeholder|\"$name\"|" >volume.yaml
	hostile volume.yaml yaml
done
expect_eq "names" "$(list "$M/default")" web

it "thousands of volumes, documents and errors"
args=()
for ((i = 0; i < 3000; i++)); do
	args+=("v_$i=emptyDir: {}")
done
pod_yaml wide "${args[@]}" >wide.yaml
hostile wide.yaml yaml
for ((i = 0; i < 5000; i++)); do
	echo '---'
	echo 'kind: Nothing'
done >many.yaml
hostile many.yaml yaml

it "nothing at all"
: >empty.yaml
api POST "$pods" -H 'Content-Type: application/yaml' --data-binary @empty.yaml
expect_match "code" "$api_code" '^4'

it "the daemon is none the fatter for it"
after=$(rss)
echo "  $before KiB before, $after KiB after"
((after - before < 100000 * TIME_SCALE)) || fail "it grew by $((after - before)) KiB"
expect_eq "pods" "$(ctl get pods -o name | wc -l)" 1
cd /
daemon_stop
