#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# sub_path.sh - subPaths are handed out right, and none leaves its volume
# time limit: 300

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

daemon_start
echo "secret of the host" >"$work/secret"

# pod_with SUBPATH [VOLUME-SOURCE]: pod "sp", volume "data" at /data/ by it.
pod_with()
{
	cat <<-EOF
		apiVersion: v1
		kind: Pod
		metadata: {name: sp}
		spec:
		  containers:
		  - name: main
		    env: [{name: NAME, value: from-env}, {name: ABS, value: /abs}]
		    volumeMounts:
		    - {name: data, mountPath: /data, $1}
		    - {name: data, mountPath: /whole}
		  volumes:
		  - name: data
		    ${2:-emptyDir: {\}}
	EOF
}

sources()
{
	ctl mounts sp main -o oci | jq -sr 'flatten | .[].source'
}

source_of_data()
{
	ctl mounts sp main -o oci |
		jq -sr 'flatten | .[] | select(.destination == "/data") | .source'
}

fresh() # SUBPATH [SOURCE]
{
	ctl delete pod sp --force >/dev/null 2>&1 || :
	pod_with "$@" | ctl apply -f - >/dev/null || fail "cannot apply $1"
	V=$M/default/sp/data
}

it "a missing subPath is made with the mode of the volume's root"
fresh 'subPath: a/b/c'
src=$(source_of_data)
expect_eq "made" "$(stat -c '%F %a %u' "$V/a/b/c" "$V/a" | uniq)" \
	"directory 777 0"
touch "$src/file"
expect_exists "$V/a/b/c/file"

it "setgid and sticky bits of the root are passed on"
fresh 'subPath: x/y'
chmod 3775 "$V"
source_of_data >/dev/null
expect_eq "modes" "$(stat -c %a "$V/x" "$V/x/y" | xargs)" "3775 3775"

it "an existing directory or file is used as it is"
fresh 'subPath: dir'
mkdir -m 0700 "$V/dir"
echo inside >"$V/dir/file"
expect_eq "content" "$(cat "$(source_of_data)/file")" inside
expect_eq "mode" "$(mode_of "$V/dir")" 700
fresh 'subPath: dir/file'
mkdir "$V/dir"
echo single >"$V/dir/file"
expect_eq "content" "$(cat "$(source_of_data)")" single
echo written >"$(source_of_data)"
expect_eq "content" "$(cat "$V/dir/file")" written

it "links that stay inside are followed"
fresh 'subPath: link/deep'
mkdir -p "$V/real/deep"
echo here >"$V/real/deep/file"
ln -s real "$V/link"
expect_eq "content" "$(cat "$(source_of_data)/file")" here

it "links that leave the volume are refused, and no path of the host is told"
for target in /bin /bin/sh "$work/secret" /nowhere/at/all ../ ../.. \
	../../../../../etc /proc/self/root /proc/1/cwd; do
	fresh 'subPath: link'
	ln -s "$target" "$V/link"
	! out=$(ctl mounts sp main -o oci 2>&1) || fail "'$target' is followed"
	grep -Eqi 'subPath|sub path' <<<"$out" || fail "'$out' has no subPath"
	! grep -qF "$S" <<<"$out" || fail "'$out' tells of the host"
	[[ $out == *"server (BadRequest)"* ]] || fail "'$out' blames the daemon"
	fresh 'subPath: link/below'
	ln -s "$target" "$V/link"
	! ctl mounts sp main -o oci >/dev/null 2>&1 || fail "'$target' is followed"
done
expect_missing /nowhere /bin/below /etc/below

it "bad subPaths are refused with the manifest"
for bad in 'subPath: ../x' 'subPath: a/../b' 'subPath: /abs' 'subPath: ".."' \
	'subPath: a, subPathExpr: b' 'subPathExpr: ../x'; do
	ctl delete pod sp --force >/dev/null 2>&1 || :
	! out=$(pod_with "$bad" | ctl apply -f - 2>&1) || fail "'$bad' is taken"
	grep -Eq 'volumeMounts\[0\]\.subPath' <<<"$out" || fail "'$out' of '$bad'"
done

it "subPathExpr takes the container's environment"
fresh 'subPathExpr: logs/$(NAME)/x'
echo text >"$(source_of_data)/file"
expect_exists "$V/logs/from-env/x/file"
fresh 'subPathExpr: $(ABS)'
expect_error 'subPath' ctl mounts sp main -o oci
expect_missing /abs

it "two subPaths of one volume are two directories"
ctl delete pod sp --force >/dev/null
pod_with 'subPath: one' | sed 's|mountPath: /whole|&, subPath: two|' |
	ctl apply -f - >/dev/null
mapfile -t src < <(sources)
touch "${src[0]}/first" "${src[1]}/second"
expect_exists "$V/one/first" "$V/two/second"
expect_missing "$V/one/second" "$V/two/first"

it "asked again, the same files are given"
expect_eq "sources" "$(sources)" "$(printf '%s\n' "${src[@]}")"
expect_exists "${src[0]}/first"

it "no bind of it stays when the daemon ends"
daemon_stop
expect_eq "mounts left" "$(mounts_below "$work")" ""

it "asked again after a restart of the daemon, too"
daemon_start
touch "$(source_of_data)/later"
expect_exists "$V/one/first" "$V/one/later"

it "a subdirectory deleted by a container does not hinder the pod's end"
rm -r "$V/one"
ctl delete pod sp >/dev/null
expect_missing "$M/default/sp"
expect_eq "mounts left" "$(mounts_below "$S" | wc -l)" 0
wait_until 10 trash_is_empty

it "subPaths of a hostPath stay within it"
mkdir -p "$work/host/in"
ln -s "$work/secret" "$work/host/out"
fresh 'subPath: in/made' "hostPath: {path: $work/host}"
touch "$(source_of_data)/file"
expect_exists "$work/host/in/made/file"
fresh 'subPath: out' "hostPath: {path: $work/host}"
expect_error 'subPath' ctl mounts sp main -o oci
ctl delete pod sp >/dev/null
expect_exists "$work/host/in/made/file" "$work/secret"
daemon_stop

it "they are bound also after the process that binds them was killed"
daemon_start
keeper=$(pgrep -P "$(server_pid)" -x podvolsd-helper)
for pid in "$(pgrep -P "$keeper" -x podvolsd-helper || :)" "$keeper"; do
	kill -KILL "$pid"
	fresh 'subPath: sub'
	touch "$(source_of_data)/file"
	expect_exists "$V/sub/file"
done
ctl delete pod sp >/dev/null
daemon_stop
