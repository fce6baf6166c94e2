#!/usr/bin/env bash
# Each client produces with each codec to a topic of its own; each client reads every topic back and must see, in order,
# what was acknowledged. Leaves $WORK/matrix/{data,sent,topics} for the handover.
set -euo pipefail
# shellcheck source=lib.sh
. "$HERE/lib.sh"

CODECS='none gzip snappy lz4 zstd'
RECORDS=1500
DATA=$DIR/data SENT=$DIR/sent

# TOPIC PARTITIONS CODEC COUNT SEED, for each topic of a client.
specs() {
  local seed=1 codec
  for codec in $CODECS; do
    echo "$1-$codec 1 $codec $RECORDS $seed"
    seed=$((seed + 1))
  done
}

produce_all() {
  local name
  for name in $CLIENTS; do
    # shellcheck disable=SC2046
    succeeds "$name produces with five codecs" 90 "$DIR/$name-produce.log" client "$name" produce "$BOOTSTRAP" "$SENT" $(specs "$name") ||
      give_up "$name produces" "every record acknowledged" "see above" "$DIR/$name-produce.log"
  done
  # For the handover: several partitions, several segments of 1 MiB, and a topic that grows at each stop of the journey.
  name=${CLIENTS##* }
  succeeds "$name produces to three partitions and to many segments" 90 "$DIR/$name-more.log" \
    client "$name" produce "$BOOTSTRAP" "$SENT" spread 3 gzip $RECORDS 21 rolls 1 none 20000 22 history 1 none 100 23
}

# Two more for the handover: a topic whose server sets the timestamps, and one that lost its first 700 records.
produce_special() {
  local name=${CLIENTS##* } more=$DIR/sent-more special=$DIR/by-special
  tool org.apache.kafka.tools.TopicCommand --bootstrap-server "$BOOTSTRAP" --create --topic stamped --partitions 1 \
    --config message.timestamp.type=LogAppendTime --config retention.ms=-1 > "$DIR/create-stamped.log" 2>&1
  succeeds "$name produces to a topic with log-append time and to one that is trimmed" 60 "$DIR/$name-special.log" \
    client "$name" produce "$BOOTSTRAP" "$more" stamped 1 gzip $RECORDS 24 trimmed 1 zstd $RECORDS 25 || return 0
  echo '{"version": 1, "partitions": [{"topic": "trimmed", "partition": 0, "offset": 700}]}' > "$DIR/trim.json"
  tool org.apache.kafka.tools.DeleteRecordsCommand --bootstrap-server "$BOOTSTRAP" --offset-json-file "$DIR/trim.json" > "$DIR/trim.log" 2>&1
  sed 1,700d "$more/trimmed-0" > "$SENT/trimmed-0"
  # Only the server knows the times: what is read first is what must be read ever after.
  client "$name" consume "$BOOTSTRAP" "$special" stamped > "$DIR/consume-special.log" 2>&1
  local type_and_time='s/"ts_type":"(append|create)","ts":[0-9]+,//'
  sed -E "$type_and_time" "$more/stamped-0" > "$DIR/stamped-sent"
  sed -E "$type_and_time" "$special/stamped-0" > "$DIR/stamped-read"
  same_file "the records with log-append time are the records sent" "$DIR/stamped-sent" "$DIR/stamped-read"
  equal "they carry the server's time" "$RECORDS" "$(grep -c '"ts_type":"append","ts":1[7-9]' "$special/stamped-0")" "$special/stamped-0"
  cp "$special/stamped-0" "$SENT/stamped-0"
}

topics() { for path in "$SENT"/*; do basename "${path%-[0-9]*}"; done | sort -u; }

# Checks the topics that begin with a name in what one consumer read; a failure names its first difference.
compare() { # NAME CONSUMER
  local path name bad=0
  for path in "$SENT/$1"-*; do
    name=${path##*/}
    cmp -s "$path" "$DIR/by-$2/$name" || { same_file "$2 reads $name" "$path" "$DIR/by-$2/$name"; bad=1; }
  done
  if [ $bad = 0 ]; then pass "$2 reads $1-*, record for record"; fi
}

consume_all() {
  local consumer name
  for consumer in $CLIENTS; do
    # shellcheck disable=SC2046
    succeeds "$consumer reads by assigned partitions" 90 "$DIR/$consumer-consume.log" \
      client "$consumer" consume "$BOOTSTRAP" "$DIR/by-$consumer" $(topics) || true
    for name in $CLIENTS $MORE; do compare "$name" "$consumer"; done
  done
}

# What the stored batches say, by DumpLogSegments: the codec that was asked for, and an idempotent producer's id.
# librdkafka leaves lz4 out when FindCoordinator is not advertised; the other clients prove lz4.
check_batches() {
  local name codec dump stored wanted
  for name in $CLIENTS; do
    dump=$DIR/$name-batches
    # shellcheck disable=SC2046
    tool org.apache.kafka.tools.DumpLogSegments --files "$(for codec in $CODECS; do ls "$DATA/$name-$codec-0/"*.log; done | comma_list)" > "$dump" 2>&1
    stored=$(awk '/^Dumping/ { split($2, parts, "/"); topic = parts[length(parts) - 1] }
      /^baseOffset/ { for (i = 1; i < NF; i++) { if ($i == "compresscodec:") codec = $(i + 1); if ($i == "producerId:") id = $(i + 1) } print topic, codec, (id >= 0 ? "idempotent" : "plain") }' "$dump" | sort -u)
    wanted=$(for codec in $CODECS; do
      if [ "$name-$codec-$AGAINST" = librdkafka-lz4-ottla ] && ! advertises_find_coordinator; then echo "$name-$codec-0 none idempotent"; else echo "$name-$codec-0 $codec idempotent"; fi
    done | sort -u)
    equal "$name's batches are stored as they were compressed, with a producer id" "$wanted" "$stored" "$dump"
  done
}

advertises_find_coordinator() { grep -qE 'FindCoordinator\(10\): [0-9]' "$DIR/versions"; }

if [ -z "$CLIENTS" ]; then skip "the matrix" "no client can run"; exit 0; fi
if [ "$AGAINST" = kafka ] && ! have java; then skip "the matrix" "Apache Kafka needs Java"; exit 0; fi
start_server "$AGAINST" "$DATA"
produce_all
MORE='spread rolls history'
if have java; then
  produce_special
  MORE+=' stamped trimmed'
else
  skip "log-append time and trimming" "Kafka's tools need Java"
fi
consume_all
if have java; then
  tool org.apache.kafka.tools.BrokerApiVersionsCommand --bootstrap-server "$BOOTSTRAP" > "$DIR/versions" 2>&1 || true
  describe_topics "$DIR/topics"
fi
stop_server "$DATA"
if have java; then check_batches; else skip "the codec of the stored batches" "DumpLogSegments needs Java"; fi
