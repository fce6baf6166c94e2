#!/usr/bin/env bash
# A partition loses a batch in its middle. `ottla salvage` copies the rest into a new directory, which Apache Kafka and the server must
# open and serve: first a directory of Kafka's with its metadata log, then the same after ottla had it, with `bootstrap.checkpoint`.
# What must survive is what was acknowledged, less the batch at the damaged byte as Kafka's DumpLogSegments knows it.
set -euo pipefail
# shellcheck source=lib.sh
. "$HERE/lib.sh"

DATA=$DIR/data KEPT=$DIR/kept DUMPED='' LOOKS=0
export KAFKA_QUORUM=dynamic
TOPICS='plain packed'
# The first is one batch after the other as they came, the second is compressed and has three partitions.
HIT='plain-0 packed-1'

dump() { # OUTPUT DATA SUFFIXES OPTIONS…
  local output=$1 data=$2 suffix files path
  files=$(for path in $(user_partitions "$data"); do
    for suffix in $3; do find "$path" -name "*.$suffix"; done
  done | sort | comma_list)
  tool org.apache.kafka.tools.DumpLogSegments --files "$files" "${@:4}" > "$output" 2>&1 ||
    fail "DumpLogSegments reads every file of: $3" "exit 0" "$(tail -n 3 "$output" | tr '\n' '|')" "$output"
}

produce() { # SEED
  # shellcheck disable=SC2046
  succeeds "$STEP: a client appends" 60 "$DIR/$STEP-produce.log" client librdkafka produce "$BOOTSTRAP" "$KEPT" plain 1 none 900 "$1" packed 3 zstd 900 $(($1 + 1)) || true
}

served() {
  local came count
  LOOKS=$((LOOKS + 1))
  came=$DIR/$STEP-served-$LOOKS
  # shellcheck disable=SC2086
  succeeds "$STEP: a client reads every topic" 60 "$came.log" client librdkafka consume "$BOOTSTRAP" "$came" $TOPICS || return 0
  count=$(cat "$KEPT"/* | wc -l)
  if diff -rq "$KEPT" "$came" > "$came.diff" 2>&1; then
    pass "$STEP: all $count records that are left are served, and no others"
  else
    fail "$STEP: all $count records that are left are served, and no others" "the lines in $KEPT" "$(head -n 2 "$came.diff" | tr '\n' '|')" "$came.diff"
  fi
}

stopped() {
  local findings='^Mismatches in|^Found |^The following indexed|isvalid: false|invalid bytes|Exception|Ignoring'
  stop_server "$DATA"
  DUMPED=$DIR/$STEP-log
  dump "$DUMPED" "$DATA" 'log snapshot' --deep-iteration
  lacks "$STEP, stopped: every batch, record and producer snapshot is well formed" "$findings" "$DUMPED"
  dump "$DIR/$STEP-index" "$DATA" 'index timeindex' --index-sanity-check
  lacks "$STEP, stopped: every index passes Kafka's check at boot" "$findings" "$DIR/$STEP-index"
}

# The byte in the middle of the largest segment becomes another. The batch that it is in is lost, and its records with it.
damage() { # PARTITION
  local segment position first last byte
  segment=$(find "$DATA/$1" -name '*.log' -printf '%s %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2)
  position=$(($(stat -c %s "$segment") / 2))
  read -r first last < <(awk -v at="$position" -v name="$1/${segment##*/}" '
    /^Dumping/ { here = index($2, name) > 0 }
    here && /^baseOffset/ {
      for (i = 1; i < NF; i++) { if ($i == "position:") from = $(i + 1); if ($i == "size:") size = $(i + 1) }
      if (from <= at && at < from + size) { print $2, $4; exit }
    }' "$DUMPED")
  byte=$(od -An -tu1 -j "$position" -N 1 "$segment" | tr -d ' ')
  # shellcheck disable=SC2059
  printf "\\x$(printf %x $((byte ^ 1)))" | dd of="$segment" bs=1 seek="$position" conv=notrunc status=none
  LOST+="$1 $first $((last + 1))"$'\n'
  awk -F '[:,]' -v first="$first" -v last="$last" '$2 < first || $2 > last' "$KEPT/$1" > "$KEPT/$1.left"
  [ "$(wc -l < "$KEPT/$1.left")" -lt "$(wc -l < "$KEPT/$1")" ] || give_up "$STEP: damage costs records" "some of $1" "none"
  mv "$KEPT/$1.left" "$KEPT/$1"
}

salvaged() { # OUT
  local out=$DIR/$STEP-salvage code=0 name
  LOST=''
  for name in $HIT; do damage "$name"; done
  (cd "$DATA" && find . -type f -exec sha256sum {} + | sort) > "$out.before"
  timeout 60 "$OTTLA" salvage "$DATA" "$1" --json > "$out" 2> "$out.err" || code=$?
  equal "$STEP: ottla salvage says that something was lost" 1 "$code" "$out.err"
  python3 -c '
import json, sys
for partition in json.load(open(sys.argv[1]))["partitions"]:
    for lost in partition["lost_offsets"]:
        print(partition["partition"], lost["from"], lost["below"])' "$out" > "$out.lost"
  equal "$STEP: … and that it is the damaged batches" "$(printf %s "$LOST" | sort)" "$(sort "$out.lost")" "$out"
  (cd "$DATA" && find . -type f -exec sha256sum {} + | sort) > "$out.after"
  same_file "$STEP: the damaged directory is as it was" "$out.before" "$out.after"
  DATA=$1
  succeeds "$STEP: ottla verify finds nothing in the new one" 60 "$out.verify" "$OTTLA" verify "$DATA" || true
}

kafka_opens() {
  start_server kafka "$DATA"
  check_kafka_log_after_kill "$STEP"
  lacks "$STEP: rebuilds no index" 'orrupted index|rebuild(ing)? index|Could not find offset index' "$SERVER_LOG"
  describe_topics "$DIR/$STEP-topics"
  same_file "$STEP: topic ids, partition counts and settings are the same" "$DIR/written-topics" "$DIR/$STEP-topics"
  served
}

if ! have java; then skip "salvage" "Apache Kafka needs Java"; exit 0; fi
if ! have python; then skip "salvage" "its client is librdkafka for Python"; exit 0; fi
if [ "$AGAINST" = kafka ]; then skip "salvage" "it is ottla's"; exit 0; fi

STEP=written
start_server kafka "$DATA"
produce 11
describe_topics "$DIR/written-topics"
served
stopped

STEP=saved
salvaged "$DIR/saved"
kafka_opens
produce 21
served
stopped

STEP=ottla
start_server ottla "$DATA"
served
produce 31
served
stopped

STEP=saved-again
salvaged "$DIR/saved-again"
kafka_opens
produce 41
served
stopped
