# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034,SC2154 # shared with run
#
# data.sh - rows of reading and writing, by fio
#
# One fio does all rows of one target and one number of clients after one
# another: its start costs as much as what is measured.

# name, then fio's words for it.  O_DIRECT comes last: it throws away what the
# page cache has of the file.
data_rows=(
	"seq-read-1m rw=read bs=1m"
	"seq-write-1m rw=write bs=1m"
	"seq-read-4k rw=read bs=4k"
	"seq-write-4k rw=write bs=4k"
	"rand-read-4k rw=randread bs=4k"
	"rand-write-4k rw=randwrite bs=4k"
	"mmap-rand-read-4k rw=randread bs=4k ioengine=mmap"
	"mmap-rand-write-4k rw=randwrite bs=4k ioengine=mmap"
	"uring-rand-read-4k rw=randread bs=4k ioengine=io_uring iodepth=16"
	"uring-rand-write-4k rw=randwrite bs=4k ioengine=io_uring iodepth=16"
	"direct-seq-read-1m rw=read bs=1m direct=1"
	"direct-seq-write-1m rw=write bs=1m direct=1"
	"direct-rand-read-4k rw=randread bs=4k direct=1"
	"direct-rand-write-4k rw=randwrite bs=4k direct=1"
	"uring-direct-rand-read-4k rw=randread bs=4k direct=1 ioengine=io_uring iodepth=16"
)

# A limited volume beside an unlimited one.  A row that begins with "new" makes
# its file in each loop, so that every write takes room; the others overwrite.
quota_rows=(
	"new-seq-write-1m rw=write bs=1m"
	"new-seq-write-4k rw=write bs=4k"
	"new-rand-write-4k rw=randwrite bs=4k"
	"seq-write-1m rw=write bs=1m"
	"seq-write-4k rw=write bs=4k"
	"rand-write-4k rw=randwrite bs=4k"
	"seq-read-1m rw=read bs=1m"
	"rand-read-4k rw=randread bs=4k"
	"mmap-rand-read-4k rw=randread bs=4k ioengine=mmap"
)

# fio_job CLIENTS DIRECTORY ROW...: a job file of the rows that are wanted.
fio_job()
{
	local clients=$1 directory=$2 row name words

	shift 2
	cat <<-EOF_JOB
		[global]
		directory=$directory
		filename_format=bench.\$jobnum
		size=${DATA_MIB}m
		numjobs=$clients
		group_reporting
		ioengine=psync
		time_based
		runtime=${DATA_MS}ms
		fallocate=none
		invalidate=0
		randrepeat=1
		norandommap
		thread
	EOF_JOB
	for row; do
		read -r name words <<<"$row"
		row_wanted "$name" || continue
		printf '[%s]\nstonewall\n' "$name"
		tr ' ' '\n' <<<"$words"
		[[ $name != new-* ]] ||
			printf '%s\n' time_based=0 loops=5 unlink_each_loop=1 create_on_open=1 \
				'filename_format=new.$jobnum'
	done
}

# The files are there and in the page cache before the first round.
data_prepare() # TARGET
{
	local i

	for ((i = 0; i < max_clients; i++)); do
		head -c "${DATA_MIB}M" /dev/urandom >"${dir_of[$1]}/bench.$i"
	done
	sync "${dir_of[$1]}"
}

data_clean() # TARGET
{
	rm -f "${dir_of[$1]}"/bench.* "${dir_of[$1]}"/new.*
}

# MB/s of each row, from fio's terse lines: field 3 is the name, 7 and 48 KiB/s
# read and written.
fio_measure() # GROUP TARGET CLIENTS ROUND ROW...
{
	local group=$1 t=$2 n=$3 r=$4

	shift 4
	fio_job "$n" "${dir_of[$t]}" "$@" >"$work/job.fio"
	grep -q stonewall "$work/job.fio" || return 0
	cat "${dir_of[$t]}"/bench.* >/dev/null
	fio --output-format=terse --terse-version=3 "$work/job.fio" 2>>"$work/fio.log" |
		awk -F';' -v OFS='\t' -v g="$group" -v t="$t" -v c="$n" -v r="$r" \
			'$5 == 0 && NF > 48 { print g, $3, c, t, r, ($7 + $48) * 1.024 / 1000 }' \
			>>"$raw" || echo "  fio on $t: $(tail -1 "$work/fio.log")"
}

# append_measure TARGET CLIENTS ROUND: O_APPEND, each writer to its own file.
append_measure()
{
	local blocks=$((DATA_MIB * 64)) start i pids=()

	row_wanted append-4k || return 0
	start=$(now_ms)
	for ((i = 0; i < $2; i++)); do
		dd if=/dev/zero of="${dir_of[$1]}/new.$i" bs=4k count="$blocks" \
			oflag=append conv=notrunc status=none &
		pids+=($!)
	done
	wait "${pids[@]}"
	printf 'quota\tappend-4k\t%s\t%s\t%s\t%s\n' "$2" "$1" "$3" \
		"$(awk -v ms="$(($(now_ms) - start))" -v n="$2" -v b="$blocks" \
			'BEGIN { print n * b * 4.096 / ms }')" >>"$raw"
	rm -f "${dir_of[$1]}"/new.*
}

data_measure() # TARGET CLIENTS ROUND
{
	fio_measure data "$@" "${data_rows[@]}"
}

quota_measure() # TARGET CLIENTS ROUND
{
	fio_measure quota "$@" "${quota_rows[@]}"
	append_measure "$@"
}
