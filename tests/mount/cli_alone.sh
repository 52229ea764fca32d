#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# cli_alone.sh - podvolctl without a daemon: usage, checks, completion

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

out=$work/out
err=$work/err

run()
{
	local wanted=$1 status=0

	shift
	ctl "$@" >"$out" 2>"$err" || status=$?
	[[ $status == "$wanted" ]] ||
		fail "'podvolctl $*' ended with $status, expected $wanted: $(cat "$out" "$err")"
}

says()
{
	grep -Fq -- "$2" "$1" || fail "'$2' is not in '$(cat "$1")'"
}

it "a daemon that is not there is exit status 3, at once"
for command in "get pods" "status" "version" "mounts web" "delete pod web" \
	"describe pods"; do
	# shellcheck disable=SC2086 # words
	run 3 $command
	says "$err" "cannot reach podvolsd at '$K'"
done
says "$err" "is it running?"
for i in {1..50}; do
	pod_yaml "p$i"
	echo ---
done >"$work/many.yaml"
run 3 apply -f "$work/many.yaml"
expect_eq "lines of errors" "$(wc -l <"$err")" 1

it "a socket that is not the daemon's is told"
run 1 get pods -s "$(printf '/%0150d' 1)"
says "$err" "too long"

it "wrong usage is exit status 2 and names what was meant"
run 2
run 2 applyx
says "$err" "did you mean 'apply'?"
run 2 get
run 2 get pdos
says "$err" "did you mean 'pods'?"
run 2 get pods --no-header=3
run 2 delete pod web --forse
says "$err" "did you mean '--force'?"
run 2 apply
says "$err" "-f FILE"
run 2 get pods -o xml
says "$err" "wide|json|yaml|name"
run 2 get pods web -A
run 2 delete pod
run 2 completion fish
expect_eq "output" "$(cat "$out")" ""

it "help goes to standard output"
run 0 --help
says "$out" "Usage: podvolctl"
run 0 help apply
says "$out" "--dry-run"
cp "$out" "$work/help"
run 0 apply --help
cmp "$out" "$work/help"
run 0 --version
expect_match "version" "$(cat "$out")" '^podvolctl [0-9]+\.[0-9]+\.[0-9]+$'
run 0 version --client

it "manifests are checked without a daemon, every error with its line"
pod_yaml web 'data=emptyDir: {}' | run 0 apply --dry-run=client -f -
cat >"$work/bad.yaml" <<-YAML
	apiVersion: v1
	kind: Pod
	metadata:
	  name: web
	spec:
	  containers:
	  - name: main
	    volumeMounts:
	    - {name: nope, mountPath: /a}
	  volumes:
	  - name: data
	    emptyDri: {}
	  - name: host
	    hostPath:
	      path: /x/../y
YAML
run 1 apply --dry-run=client -f "$work/bad.yaml"
says "$err" "bad.yaml:9: spec.containers[0].volumeMounts[0].name"
says "$err" "bad.yaml:12: spec.volumes[0]"
says "$err" "'emptyDir'"
says "$err" "bad.yaml:15: spec.volumes[1].hostPath.path"

it "a file that is no manifest is told"
run 1 apply -f /nonexistent
says "$err" "cannot open '/nonexistent': No such file or directory"
run 1 apply --dry-run=client -f - <<<'a: ['
says "$err" "stdin: line"
run 1 apply --dry-run=client -f - <<<hello
says "$err" "stdin:1: Invalid value"
run 1 apply --dry-run=client -f /dev/null
mkdir "$work/empty"
run 1 apply --dry-run=client -f "$work/empty"
says "$err" "no manifest in directory"
run 1 apply --dry-run=client -f /dev/zero

it "results that cannot be written are a failure"
! ctl --help >/dev/full 2>"$err" || fail "it succeeded"
says "$err" "cannot write to standard output"

it "completion completes commands, options and formats"
run 0 completion bash
cp "$out" "$work/completion"
complete_words()
{
	PATH=$BUILD:$PATH bash -c '
		. "$1"
		shift
		COMP_WORDS=("$@")
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_podvolctl
		echo "${COMPREPLY[*]}"' bash "$work/completion" "$@"
}
expect_eq "commands" "$(complete_words podvolctl de)" "describe delete"
expect_eq "types" "$(complete_words podvolctl get '')" "pods volumes"
expect_eq "formats" "$(complete_words podvolctl mounts web -o '')" "docker podman oci json yaml"
expect_eq "options" "$(complete_words podvolctl delete pod --fo)" "--force"
expect_eq "names" "$(complete_words podvolctl get pods '')" ""
expect_eq "types behind a selector" "$(complete_words podvolctl get -l app=web '')" "pods volumes"
expect_eq "selectors" "$(complete_words podvolctl get pods --selector '')" ""
expect_eq "options" "$(complete_words podvolctl delete pods --al)" "--all"

it "the samples are valid"
run 0 apply --dry-run=client -f "$root/tools/install/samples"
expect_eq "pods" "$(wc -l <"$out")" 2
