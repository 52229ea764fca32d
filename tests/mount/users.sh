#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# users.sh - permissions are the kernel's: owners, groups, sticky, setgid

# shellcheck source=tests/lib/daemon.sh
. "$(dirname "$0")/../lib/daemon.sh"

daemon_start
apply_web

it "one user's private file is private"
as_user 1001 sh -c "umask 077; echo secret >'$V/private'"
expect_error 'Permission denied' as_user 1002 cat "$V/private"
expect_eq "content for root" "$(cat "$V/private")" secret

it "supplementary groups count"
install -d -o 0 -g 4242 -m 0770 "$V/team"
expect_error 'Permission denied' as_user 1001 touch "$V/team/x"
setpriv --reuid 1001 --regid 1001 --groups 4242 touch "$V/team/x" ||
	fail "a member of the group is refused"
expect_eq "owner" "$(stat -c '%u %g' "$V/team/x")" "1001 1001"

it "a setgid directory gives its group, to directories the bit, too"
install -d -o 0 -g 4242 -m 2777 "$V/setgid"
as_user 1001 sh -c "umask 022; touch '$V/setgid/file'; mkdir '$V/setgid/dir'"
expect_eq "file" "$(stat -c '%a %u %g' "$V/setgid/file")" "644 1001 4242"
expect_eq "directory" "$(stat -c '%a %u %g' "$V/setgid/dir")" "2755 1001 4242"

it "in a sticky directory one removes only what is one's own"
install -d -m 1777 "$V/tmp"
as_user 1001 touch "$V/tmp/a"
expect_match "unlink by another" \
	"$(as_user 1002 "$BUILD/fsop" unlink "$V/tmp/a")" '^(EPERM|EACCES)$'
expect_match "rename by another" \
	"$(as_user 1002 "$BUILD/fsop" rename "$V/tmp/a" "$V/tmp/b")" \
	'^(EPERM|EACCES)$'
as_user 1001 rm "$V/tmp/a"

it "a write by a user clears setuid and setgid"
install -m 6777 /dev/null "$V/suid"
expect_eq "mode" "$(mode_of "$V/suid")" 6777
as_user 1001 sh -c "echo x >'$V/suid'"
expect_eq "mode" "$(mode_of "$V/suid")" 777

it "chown is root's, chmod the owner's"
expect_eq "chown" "$(as_user 1001 "$BUILD/fsop" chown "$V/private" 1002)" EPERM
expect_eq "chmod" "$(as_user 1002 "$BUILD/fsop" chmod "$V/private" 777)" EPERM

it "ACLs hold"
setfacl -m u:1002:r "$V/private"
expect_eq "content" "$(as_user 1002 cat "$V/private")" secret
expect_error 'Permission denied' as_user 1003 cat "$V/private"
setfacl -d -m u:1002:rwx "$V/team"
mkdir "$V/team/inherits"
getfacl -cp "$V/team/inherits" | grep -q '^user:1002:rwx' ||
	fail "default ACLs are not inherited"


it "extended attributes of each namespace stay"
setfattr -n user.color -v blue "$V/private"
setfattr -n trusted.mark -v root "$V/private"
daemon_restart
expect_eq "user.color" "$(getfattr --only-values -n user.color "$V/private")" blue
expect_eq "trusted.mark" \
	"$(getfattr --only-values -n trusted.mark "$V/private")" root
expect_error 'Permission denied' as_user 1003 cat "$V/private"
daemon_stop
