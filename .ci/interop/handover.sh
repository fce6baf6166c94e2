#!/usr/bin/env bash
# The directory that matrix left moves to Apache Kafka, back to the server, and to Apache Kafka once more. Each boot must
# find a clean directory, serve every record with the same topic ids and settings, and append with fresh producer ids.
# While both are stopped, Kafka's own DumpLogSegments looks at every file.
set -euo pipefail
# shellcheck source=lib.sh
. "$HERE/lib.sh"

DATA=$WORK/matrix/data SENT=$WORK/matrix/sent TOPICS=$WORK/matrix/topics
APPENDED=200
OFFSET_OF_LINE='s/^\{"offset":([0-9]+),.*/\1/'

# --- while a server runs ---------------------------------------------------------------------------------------------

check_ottla_log() { # STEP
  contains "$1: sees the clean stop" 'stopped cleanly before' "$SERVER_LOG"
}

check_topics() { # STEP
  describe_topics "$DIR/topics-$1"
  same_file "$1: topic ids, partition counts and settings are the same" "$TOPICS" "$DIR/topics-$1"
}

check_records() { # STEP CLIENTS
  local name folder
  for name in $2; do
    folder=$DIR/$1-by-$name
    # shellcheck disable=SC2046
    succeeds "$1: $name reads every topic" 90 "$folder.log" client "$name" consume "$BOOTSTRAP" "$folder" \
      $(sed -nE 's/^topic ([^ ]+) .*/\1/p' "$TOPICS") || continue
    if diff -rq "$SENT" "$folder" > "$folder.diff" 2>&1; then
      pass "$1: $name sees every record of $(find "$SENT" -type f | wc -l) partitions"
    else
      fail "$1: $name sees every record" "the lines in $SENT" "$(head -n 2 "$folder.diff" | tr '\n' '|')" "$folder.diff"
    fi
  done
}

append() { # STEP
  local name
  for name in $CLIENTS; do
    succeeds "$1: $name appends" 60 "$DIR/$1-append-$name.log" \
      client "$name" produce "$BOOTSTRAP" "$SENT" history 1 lz4 $APPENDED $((BOOTS + 30)) spread 3 none $APPENDED $((BOOTS + 40)) || true
  done
}

# --- while none runs -------------------------------------------------------------------------------------------------

dump() { # OUTPUT SUFFIXES OPTIONS…: DumpLogSegments of all files of users' topics with these suffixes
  local output=$1 suffix files path
  files=$(for path in $(user_partitions "$DATA"); do
    for suffix in $2; do find "$path" -name "*.$suffix"; done
  done | sort | comma_list)
  for suffix in $2; do
    case $files in *."$suffix"*) ;; *) give_up "there are .$suffix files" "some" "none in $DATA" ;; esac
  done
  tool org.apache.kafka.tools.DumpLogSegments --files "$files" "${@:3}" > "$output" 2>&1 ||
    fail "DumpLogSegments reads every file of: $2" "exit 0" "$(tail -n 3 "$output" | tr '\n' '|')" "$output"
}

check_files() { # STEP
  # "-1 is followed by …" is only how the tool begins a segment whose first offset is not 0.
  local findings='^Mismatches in|^Found |^  [0-9]+ is followed by|^The following indexed|isvalid: false|invalid bytes|Exception|Ignoring'
  dump "$DIR/$1-log" 'log snapshot' --deep-iteration
  lacks "$1, stopped: every batch, record and producer snapshot is well formed" "$findings" "$DIR/$1-log"
  dump "$DIR/$1-sanity" 'index timeindex' --index-sanity-check
  lacks "$1, stopped: every index passes Kafka's check at boot" "$findings" "$DIR/$1-sanity"
  dump "$DIR/$1-index" 'index timeindex' --verify-index-only
  lacks "$1, stopped: every index entry agrees with its .log" "$findings" "$DIR/$1-index"
  if [ "$AGAINST" = ottla ]; then
    verify_files "$1"
    read_files "$1"
  fi
}

verify_files() { # STEP
  local path
  for path in $(user_partitions "$DATA"); do
    if timeout 60 "$OTTLA" verify "$path"; then echo "clean: $path"; else echo "exit $? for $path"; fi
  done > "$DIR/$1-verify" 2>&1
  lacks "$1, stopped: ottla verify finds nothing" '^exit [0-9]+ for' "$DIR/$1-verify"
}

# The command line reads from the files what the clients read from the server.
read_files() { # STEP
  local path name folder=$DIR/$1-by-ottla-read
  mkdir -p "$folder"
  for path in $(user_partitions "$DATA"); do
    name=${path##*/}
    timeout 60 "$OTTLA" read "$path" --format jsonl > "$folder/$name" 2> "$folder.$name.err" || echo "exit $?" >> "$folder/$name"
  done
  if diff -rq "$SENT" "$folder" > "$folder.diff" 2>&1; then
    pass "$1, stopped: ottla read prints every record of $(find "$SENT" -type f | wc -l) partitions"
  else
    fail "$1, stopped: ottla read prints every record" "the lines in $SENT" "$(head -n 2 "$folder.diff" | tr '\n' '|')" "$folder.diff"
  fi
}

# Producer ids of the batches: all of them, and those of one partition from an offset on.
producer_ids() { # DUMP [PARTITION FROM]
  awk -v partition="${2:-}" -v from="${3:-0}" '
    /^Dumping/ { count = split($2, parts, "/"); name = parts[count - 1] }
    /^baseOffset/ && (partition == "" || name == partition) && $2 >= from {
      for (i = 1; i < NF; i++) if ($i == "producerId:" && $(i + 1) >= 0) print $(i + 1) }' "$1" | sort -un
}

check_producer_ids() { # STEP PREVIOUS_DUMP FROM
  local new reused
  new=$(producer_ids "$DIR/$1-log" history-0 "$3")
  reused=$(comm -12 <(producer_ids "$2" | sort) <(echo "$new" | sort) | tr '\n' ' ')
  equal "$1: every client appended under a producer id of its own" "$(wc -w <<< "$CLIENTS")" "$(wc -w <<< "$new")" "$DIR/$1-log"
  equal "$1: no producer id was ever used before" "" "$reused" "$DIR/$1-log"
}

keep_epochs() { # STEP: the leader epochs of each partition, and its end
  local path name last
  for path in $(user_partitions "$DATA"); do
    name=${path##*/}
    last=$(tail -n 1 "$SENT/$name" | sed -E "$OFFSET_OF_LINE")
    sed -n '3,$p' "$path/leader-epoch-checkpoint" | while read -r epoch start; do
      # An epoch that began at the very end holds no record yet: the next leader's takes its place.
      if [ "$start" -le "$last" ]; then echo "$name $epoch $start"; fi
    done
  done > "$DIR/$1-epochs"
}

check_epochs() { # STEP PREVIOUS
  local lost path
  keep_epochs "$1"
  lost=$(comm -23 <(sort "$DIR/$2-epochs") <(sort "$DIR/$1-epochs") | tr '\n' '|')
  equal "$1: the history of leader epochs is kept" "" "$lost" "$DIR/$1-epochs"
  # Each batch that holds a readable record carries the epoch that the file gives for its offset.
  for path in "$SENT"/*; do
    echo "${path##*/} $(head -n 1 "$path" | sed -E "$OFFSET_OF_LINE")"
  done > "$DIR/log-starts"
  lost=$(awk 'FILENAME ~ /log-starts$/ { log_start[$1] = $2; next }
    FILENAME ~ /epochs$/ { count[$1]++; epoch[$1, count[$1]] = $2; start[$1, count[$1]] = $3; next }
    /^Dumping/ { parts_count = split($2, parts, "/"); name = parts[parts_count - 1] }
    /^baseOffset/ && $4 >= log_start[name] {
      wanted = -1
      for (i = 1; i <= count[name]; i++) if (start[name, i] <= $4) wanted = epoch[name, i]
      for (i = 1; i < NF; i++) if ($i == "partitionLeaderEpoch:" && $(i + 1) != wanted) { print name " offset " $2 " has epoch " $(i + 1) ", not " wanted; next }
    }' "$DIR/log-starts" "$DIR/$1-epochs" "$DIR/$1-log" | head -n 3 | tr '\n' '|')
  equal "$1: every batch carries the leader epoch of its offset" "" "$lost" "$DIR/$1-epochs"
}

# --- the journey -----------------------------------------------------------------------------------------------------

stop_and_check() { # STEP
  stop_server "$DATA"
  check_files "$1"
}

leg() { # STEP KIND PREVIOUS_STEP
  local from
  from=$(wc -l < "$SENT/history-0")
  start_server "$2" "$DATA"
  check_topics "$1"
  check_records "$1" "$CLIENTS"
  "check_$2_log" "$1"
  append "$1"
  check_records "$1-then" "${CLIENTS%% *}"
  stop_and_check "$1"
  check_producer_ids "$1" "$DIR/$3-log" "$from"
  check_epochs "$1" "$3"
}

if ! have java; then skip "the handover" "Apache Kafka needs Java"; exit 0; fi
[ -e "$DATA/meta.properties" ] && [ -s "$TOPICS" ] || give_up "the matrix left a directory" "$DATA/meta.properties and $TOPICS" "not both"

check_files start
keep_epochs start
leg first kafka start
leg back "$AGAINST" first
leg second kafka back
