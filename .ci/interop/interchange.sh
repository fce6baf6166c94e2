#!/usr/bin/env bash
# One data directory goes round between Apache Kafka and the server, with every shape of partition in it: cleanly, killed, changed on
# either side. At each stop Kafka's own tools look at every file. Then both cleaners clean the same logs.
# The shapes are in clients/python/shapes.py, what must hold at each step in checks.py and on_disk.py beside it.
set -euo pipefail
# shellcheck source=lib.sh
. "$HERE/lib.sh"

DATA=$DIR/data LEDGER=$DIR/ledger
# The directory says itself who may vote; that of the part `handover` leaves it to the settings.
export KAFKA_QUORUM=dynamic
FIXTURES=$ROOT/crates/testkit/fixtures
# Both clean at once what has a ratio of its own (`keyed`), and the topics of the comparison only where they are told to: a later
# setting takes the place of an earlier one.
SETTINGS=(log.retention.ms=-1 auto.create.topics.enable=false log.cleaner.backoff.ms=100 log.cleaner.min.cleanable.ratio=1.0)
CLEAN_ALL=log.cleaner.min.cleanable.ratio=0.01
CLEANED='clean-none clean-gzip clean-snappy clean-lz4 clean-zstd'
RUNS=0

# --- steps and their results -----------------------------------------------------------------------------------------

results() { # FILE: what the Python programs print, a line for each result
  local verdict name expected came
  while IFS=$'\t' read -r verdict name expected came; do
    case $verdict in
      ok) pass "$name" ;;
      fail) fail "$name" "$expected" "$came" ;;
    esac
  done < "$1"
}

journey() { # STEP VERB [ARGUMENT…]
  local step=$1 verb=$2 out code=0
  shift 2
  RUNS=$((RUNS + 1))
  out=$DIR/$RUNS-$step-$verb
  LIMIT=90 python_run journey.py "$verb" "$LEDGER" "$DATA" "$BOOTSTRAP" "$step" "$@" > "$out" 2> "$out.err" || code=$?
  results "$out"
  [ "$code" = 0 ] || give_up "$step: $verb $*" "exit 0" "exit $code; $(tail -n 1 "$out.err")" "$out.err"
}

start_live() {
  coproc LIVE { LIMIT=600 python_run live.py "$BOOTSTRAP" live "$DIR/live" 2> "$DIR/live.err"; }
}

send_live() { # STEP: the producer that outlives the servers writes once more
  local answer=''
  echo "send 40 $RUNS" >&"${LIVE[1]}"
  read -t 60 -r answer <&"${LIVE[0]}" || answer="none within 60 s; $(tail -n 1 "$DIR/live.err")"
  case $answer in
    sent\ *) pass "$1: the producer that outlives the servers goes on" ;;
    *) fail "$1: the producer that outlives the servers goes on" "sent FIRST LAST" "$answer" "$DIR/live.err" ;;
  esac
}

serve() { # KIND [SETTING…]
  local kind=$1 setting options=()
  shift
  if [ "$kind" = kafka ] || [ "$AGAINST" = kafka ]; then
    start_server kafka "$DATA" "${SETTINGS[@]}" "$@"
  else
    for setting in "${SETTINGS[@]}" "$@"; do options+=(--set "$setting"); done
    start_server ottla "$DATA" "${options[@]}"
  fi
}

# --- what is looked at while no server runs --------------------------------------------------------------------------

files_of() { # SUFFIX…: of users' partitions
  local path suffix
  for path in $(user_partitions "$DATA"); do
    for suffix in "$@"; do find "$path" -name "*.$suffix"; done
  done | sort | comma_list
}

stopped() { # STEP
  local out=$DIR/$1-dump verified=() findings='^Mismatches in|^Found |^  [0-9]+ is followed by|^The following indexed|isvalid: false|invalid bytes|Exception|Ignoring'
  stop_server "$DATA"
  succeeds "$1, stopped: DumpLogSegments reads every file" 120 "$out.err" java_run Dumps \
    "$out-log" --deep-iteration --files "$(files_of log snapshot txnindex)" -- \
    "$out-sanity" --index-sanity-check --files "$(files_of index timeindex)" -- \
    "$out-index" --verify-index-only --files "$(files_of index timeindex)" || return 0
  lacks "$1, stopped: every batch, record, producer snapshot and transaction index is well formed" "$findings" "$out-log"
  lacks "$1, stopped: every index passes Kafka's check at boot" "$findings" "$out-sanity"
  lacks "$1, stopped: every index entry agrees with its .log" "$findings" "$out-index"
  if [ "$AGAINST" = ottla ]; then
    timeout 60 "$OTTLA" verify --json "$DATA" > "$out-verify" 2> "$out-verify.err" || true
    verified=("$out-verify")
  fi
  python_run on_disk.py "$LEDGER" "$DATA" "$out-log" "$1" "${verified[@]}" > "$out-results" 2> "$out-results.err" ||
    fail "$1, stopped: the files are looked at" "exit 0" "$(tail -n 1 "$out-results.err")" "$out-results.err"
  results "$out-results"
}

saw_clean_stop() { # STEP
  if [ "$AGAINST" = ottla ]; then contains "$1: sees the clean stop" 'stopped cleanly before' "$SERVER_LOG"; fi
}

# Groups and transactions are Kafka's: the server must leave every byte of their logs.
kafkas_own() { (cd "$DATA" && find . \( -path './__consumer_offsets-*' -o -path './__transaction_state-*' \) -name '*.log' -exec sha256sum {} + | sort); }

left_as_found() { # STEP BEFORE
  local lost
  if [ "$AGAINST" = kafka ]; then return; fi
  kafkas_own > "$DIR/$1-own"
  lost=$(comm -23 "$2" "$DIR/$1-own" | tr '\n' '|')
  equal "$1: the $(wc -l < "$2") logs of groups and transactions are left as they were found" "" "$lost" "$DIR/$1-own"
}

killed() { # STEP
  for _ in $(seq 100); do
    kill -0 "$SERVER_PID" 2>/dev/null || break
    sleep 0.1
  done
  if kill -0 "$SERVER_PID" 2>/dev/null; then give_up "$1: is killed" "no process $SERVER_PID" "it still runs"; fi
  SERVER_PID=''
  [ ! -e "$DATA/.kafka_cleanshutdown" ] || fail "$1: is killed" "no mark of a clean stop" ".kafka_cleanshutdown"
}

# --- two cleaners, the same logs -------------------------------------------------------------------------------------

keep_cleaned() { # BY PASS
  local path kept=$DIR/cleaned/$1-$2
  for path in "$DATA"/clean-*-0; do
    mkdir -p "$kept/${path##*/}"
    cp "$path"/*.log "$kept/${path##*/}"
  done
}

# Twice, since the first pass only notes until when tombstones and markers stay, and the second takes them.
clean_twice() { # STEP BY
  # shellcheck disable=SC2086
  journey "$1" wait-cleaned $CLEANED
  keep_cleaned "$2" first
  journey "$1" clean-more 77
  # shellcheck disable=SC2086
  journey "$1" wait-cleaned $CLEANED
  keep_cleaned "$2" second
}

ottla_cleans_a_copy() {
  local DATA=$DIR/cleaned/data LEDGER=$DIR/cleaned/ledger
  serve ottla "$CLEAN_ALL"
  clean_twice ottla-cleans ottla
  journey ottla-cleans rest
  stop_server "$DATA"
}

cleaners_agree() {
  local by pass out=$DIR/cleaned/dump jobs=()
  for by in kafka ottla; do
    for pass in first second; do
      jobs+=("$out-$by-$pass" --deep-iteration --print-data-log --files "$(find "$DIR/cleaned/$by-$pass" -name '*.log' | sort | comma_list)" --)
    done
  done
  succeeds "DumpLogSegments reads what the cleaners left" 60 "$out.err" java_run Dumps "${jobs[@]}" || return 0
  for pass in first second; do
    python_run survivors.py "the $pass cleaning" "$out-kafka-$pass" "$out-ottla-$pass" > "$out-$pass-results" 2> "$out-$pass.err" ||
      fail "the $pass cleaning is compared" "exit 0" "$(tail -n 1 "$out-$pass.err")" "$out-$pass.err"
    results "$out-$pass-results"
  done
}

# --- the journey -----------------------------------------------------------------------------------------------------

kafka_begins() {
  serve kafka
  journey kafka-1 begin "${OTTLA_INTEROP_SEED:-1}"
  journey kafka-1 leave-open 25
  start_live
  send_live kafka-1
  journey kafka-1 group 30
  journey kafka-1 wait-cleaned keyed keyed-cd
  journey kafka-1 rest
  stopped kafka-1
  mkdir -p "$DIR/cleaned"
  cp -r "$DATA" "$LEDGER" "$DIR/cleaned"
}

ottla_first() {
  kafkas_own > "$DIR/own"
  # Kafka itself would call them stray.
  if [ "$AGAINST" = ottla ]; then
    cp -r "$FIXTURES"/kafka-2.8/v0-gzip-0 "$FIXTURES"/kafka-2.8/v1-lz4-0 "$DATA"
    journey ottla-1 adopt "$FIXTURES/expected" v0-gzip v1-lz4
  fi
  serve ottla
  journey ottla-1 take-over
  saw_clean_stop ottla-1
  journey ottla-1 append 2
  send_live ottla-1
  journey ottla-1 prefix prefix 120
  journey ottla-1 grow spread 4
  journey ottla-1 delete gone-ottla reborn
  journey ottla-1 make reborn "made again by ottla"
  journey ottla-1 make made "made by ottla, with settings" retention.ms=-1 cleanup.policy=delete max.message.bytes=2000000
  journey ottla-1 alter settings retention.bytes=2000000000
  journey ottla-1 wait-cleaned keyed keyed-cd
  journey ottla-1 rest
  stopped ottla-1
  left_as_found ottla-1 "$DIR/own"
}

kafka_takes_over_and_is_killed() {
  serve kafka "$CLEAN_ALL"
  check_kafka_log kafka-2
  journey kafka-2 take-over
  clean_twice kafka-2 kafka
  journey kafka-2 end-open
  journey kafka-2 append 3
  journey kafka-2 transact 4
  journey kafka-2 group 20
  send_live kafka-2
  journey kafka-2 alter settings retention.bytes=3000000000
  journey kafka-2 delete gone-kafka
  journey kafka-2 make late "made just before Kafka is killed" max.message.bytes=1500000
  journey kafka-2 wait-cleaned keyed keyed-cd
  journey kafka-2 leave-open 15
  journey kafka-2 rest
  journey kafka-2 kill "$SERVER_PID" 500
  killed kafka-2
}

ottla_recovers() {
  kafkas_own > "$DIR/own"
  serve ottla
  journey ottla-2 take-over
  journey ottla-2 append 5
  send_live ottla-2
  journey ottla-2 prefix prefix 50
  journey ottla-2 prefix emptied all
  journey ottla-2 rest
  stopped ottla-2
  # Once more without Kafka in between: from the image that ottla itself has written.
  if [ "$AGAINST" = ottla ]; then
    equal "ottla-2, stopped: Kafka's metadata log is set aside" "" "$(find "$DATA/__cluster_metadata-0" -name '*.log')"
  fi
  serve ottla
  journey ottla-2-again take-over
  stop_server "$DATA"
  left_as_found ottla-2 "$DIR/own"
}

kafka_takes_over_again() {
  serve kafka
  check_kafka_log kafka-3
  journey kafka-3 take-over
  journey kafka-3 end-open
  journey kafka-3 append 6
  journey kafka-3 transact 7
  journey kafka-3 group 10
  send_live kafka-3
  journey kafka-3 prefix prefix 10
  journey kafka-3 prefix emptied all
  journey kafka-3 grow plain 2
  journey kafka-3 leave-open 20
  journey kafka-3 rest
  stopped kafka-3
}

ottla_is_killed() {
  kafkas_own > "$DIR/own"
  serve ottla
  journey ottla-3 take-over
  journey ottla-3 append 8
  send_live ottla-3
  journey ottla-3 make last "made just before ottla is killed"
  # Kafka writes such a deletion down within a minute, and the kill comes before.
  if [ "$AGAINST" = ottla ]; then
    journey ottla-3 prefix prefix 30
    journey ottla-3 prefix emptied all
  fi
  journey ottla-3 rest
  journey ottla-3 kill "$SERVER_PID" 500
  killed ottla-3
  left_as_found ottla-3 "$DIR/own"
}

kafka_recovers() {
  serve kafka
  check_kafka_log_after_kill kafka-4
  journey kafka-4 take-over
  journey kafka-4 end-open
  journey kafka-4 append 9
  journey kafka-4 transact 10
  journey kafka-4 group 10
  send_live kafka-4
  journey kafka-4 rest
  stopped kafka-4
}

ottla_ends() {
  serve ottla
  journey ottla-4 take-over
  saw_clean_stop ottla-4
  send_live ottla-4
  journey ottla-4 rest
  stopped ottla-4
}

if ! have java; then skip "the interchange" "Apache Kafka needs Java"; exit 0; fi
if ! have python; then skip "the interchange" "its steps need librdkafka for Python"; exit 0; fi
kafka_begins
ottla_cleans_a_copy
ottla_first
kafka_takes_over_and_is_killed
ottla_recovers
kafka_takes_over_again
ottla_is_killed
kafka_recovers
ottla_ends
cleaners_agree
