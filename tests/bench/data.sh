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

# data_job CLIENTS DIRECTORY: a job file of the rows that are wanted.
data_job()
{
	local row name words

	cat <<-EOF_JOB
		[global]
		directory=$2
		filename_format=bench.\$jobnum
		size=${DATA_MIB}m
		numjobs=$1
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
	for row in "${data_rows[@]}"; do
		read -r name words <<<"$row"
		row_wanted "$name" || continue
		printf '[%s]\nstonewall\n' "$name"
		tr ' ' '\n' <<<"$words"
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
	rm -f "${dir_of[$1]}"/bench.*
}

# MB/s of each row, from fio's terse lines: field 3 is the name, 7 and 48 KiB/s
# read and written.
data_measure() # TARGET CLIENTS ROUND
{
	data_job "$2" "${dir_of[$1]}" >"$work/job.fio"
	grep -q stonewall "$work/job.fio" || return 0
	cat "${dir_of[$1]}"/bench.* >/dev/null
	fio --output-format=terse --terse-version=3 "$work/job.fio" 2>>"$work/fio.log" |
		awk -F';' -v OFS='\t' -v t="$1" -v c="$2" -v r="$3" \
			'$5 == 0 && NF > 48 { print "data", $3, c, t, r, ($7 + $48) * 1.024 / 1000 }' \
			>>"$raw" || echo "  fio on $1: $(tail -1 "$work/fio.log")"
}
