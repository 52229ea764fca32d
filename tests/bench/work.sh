# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # shared with run
#
# work.sh - rows of real work; the value is the seconds that it took
#
# The rows are done in order in one directory of a target: later ones use what
# earlier ones made.

work_rows=(untar du find git-status git-clone rsync make sqlite-wal sqlite-rollback
	npm-install rm-rf)

# What is unpacked and built: made once, beside the targets.
work_prepare()
{
	local src=$work/source

	mkdir -p "$src"
	"$BUILD/bench-load" -T "$WORK_FILES" "$src/tree"
	git -C "$src/tree" init -q
	git -C "$src/tree" add -A
	git -C "$src/tree" -c user.name=bench -c user.email=bench@localhost \
		commit -q -m tree
	tar -C "$src" -cf "$src/tree.tar" tree
	mkdir "$src/project"
	cp -r "$root"/{Makefile,fuse,store,tools,tests} "$src/project"
	npm_prepare
}

# A package with some dozens of others, in npm's cache: the network is not
# what is measured.
npm_prepare()
{
	export npm_config_cache=$work/source/npm-cache npm_config_update_notifier=false
	export npm_config_audit=false npm_config_fund=false

	npm_ready=
	row_wanted npm-install && command -v npm >/dev/null || return 0
	mkdir "$work/source/npm"
	if (cd "$work/source/npm" && timeout 60 npm install --silent express) >/dev/null 2>&1; then
		npm_ready=1
	else
		echo "  npm-install: the registry does not answer, left out"
	fi
	rm -rf "$work/source/npm"
}

inserts() # JOURNAL_MODE
{
	local i

	rm -f "$1.db"
	{
		echo "PRAGMA journal_mode=$1; CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT);"
		for ((i = 0; i < SQL_INSERTS; i++)); do
			echo "INSERT INTO t(b) VALUES('a line of some length, number $i');"
		done
	} | sqlite3 "$1.db" >/dev/null
}

work_do() # ROW
{
	local src=$work/source

	case $1 in
	untar) tar -xf "$src/tree.tar" ;;
	du) du -s tree ;;
	find) find tree -type f -newer "$src/tree.tar" ;;
	git-status) git -C tree status --short ;;
	git-clone) git clone -q --no-hardlinks tree clone && rm -rf clone/.git ;;
	rsync) rsync -a tree/part0 synced ;;
	make) make -C project -j2 BUILD=build "build/$MAKE_GOAL" ;;
	sqlite-wal) inserts wal ;;
	sqlite-rollback) inserts delete ;;
	npm-install)
		mkdir npm
		(cd npm && npm install --silent --offline express)
		;;
	rm-rf) rm -rf tree ;;
	esac
}

work_measure() # TARGET ROUND
{
	local row begin home=${dir_of[$1]}/work

	mkdir "$home"
	cp -r "$work/source/project" "$home"
	backing_settle
	for row in "${work_rows[@]}"; do
		row_wanted "$row" || continue
		[[ $row != npm-install || $npm_ready ]] || continue
		begin=${EPOCHREALTIME/./}
		if (cd "$home" && GIT_CONFIG_GLOBAL=$work/gitconfig work_do "$row") >/dev/null 2>>"$work/work.log"; then
			begin=$((${EPOCHREALTIME/./} - begin))
			printf 'work\t%s\t1\t%s\t%s\t%d.%06d\n' "$row" "$1" "$2" \
				$((begin / 1000000)) $((begin % 1000000)) >>"$raw"
		else
			echo "  $row on $1 failed: $(tail -1 "$work/work.log")"
		fi
	done
	rm -rf "$home" 2>/dev/null || echo "  $1 does not remove what it has"
}
