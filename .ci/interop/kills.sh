#!/usr/bin/env bash
# kill -9 of the server, again and again, while real producers go on by themselves; then nothing that was acknowledged is lost, and
# nothing of the idempotent ones is doubled. OTTLA_INTEROP_KILLS says how often (20), OTTLA_INTEROP_SEED when. See README.md.
set -euo pipefail
# shellcheck source=lib.sh
. "$HERE/lib.sh"

DATA=$DIR/data
OUT=$DIR/acknowledged
KILLS=${OTTLA_INTEROP_KILLS:-20}
SEED=${OTTLA_INTEROP_SEED:-1}
TOPIC=kills PARTITIONS=4 PER_SECOND=150
# More than any number of kills takes.
export LIMIT=$((300 + KILLS * 10))

endless() { # CLIENT ACKS: in the background, until OUT/stop is there
  case $1 in
    java) java_run Endless "$BOOTSTRAP" "$OUT" "java-$2" "$2" "$TOPIC" "$PARTITIONS" "$PER_SECOND" ;;
    librdkafka) python_run endless.py send "$BOOTSTRAP" "$OUT" "librdkafka-$2" "$2" "$TOPIC" "$PARTITIONS" "$PER_SECOND" ;;
    franz) timeout -k 5 "$LIMIT" "$CACHE/franz" endless "$BOOTSTRAP" "$OUT" "franz-$2" "$2" "$TOPIC" "$PARTITIONS" "$PER_SECOND" ;;
  esac > "$DIR/$1-$2.log" 2>&1 &
  PRODUCERS+=" $!"
}

end_of_kills() {
  touch "$OUT/stop"
  # shellcheck disable=SC2086
  if [ -n "$PRODUCERS$SERVER_PID" ]; then kill -9 $PRODUCERS $SERVER_PID 2> /dev/null || true; fi
}

if [ "$AGAINST" = kafka ]; then skip "the kills" "Apache Kafka promises less: it answers acks=all from the page cache"; exit 0; fi
if ! have python; then skip "the kills" "they need python3 with venv"; exit 0; fi
mkdir -p "$OUT"
PRODUCERS=''
trap end_of_kills EXIT
start_server ottla "$DATA"
succeeds "a topic for the kills" 60 "$DIR/create.log" python_run endless.py create "$BOOTSTRAP" "$TOPIC" "$PARTITIONS" || exit 1
stop_server "$DATA"
for client in librdkafka java franz; do
  case " $CLIENTS " in *" $client "*) endless "$client" all; endless "$client" 1 ;; *) skip "the kills under $client" "it cannot run" ;; esac
done

# The moments come from the seed; the producers do not know of them.
succeeds "the server starts again after each of $KILLS kills" "$LIMIT" "$DIR/kills.log" \
  python3 -B "$HERE/clients/python/kills.py" kill "$OTTLA" "$DATA" "$BOOTSTRAP" "$OUT" "$KILLS" "$SEED" || true
sed 's/^/        /' "$DIR/kills.log"
start_server ottla "$DATA"
touch "$OUT/stop"
came_to_an_end=yes
for producer in $PRODUCERS; do wait "$producer" || came_to_an_end=no; done
PRODUCERS=''
equal "every producer goes on by itself and comes to its end" yes "$came_to_an_end" "$DIR"
stop_server "$DATA"
succeeds "nothing acknowledged is lost, nothing is doubled, the order is kept, no offset is left out" 600 "$DIR/check.log" \
  python3 -B "$HERE/clients/python/kills.py" check "$OTTLA" "$DATA" "$OUT" "$TOPIC" || true
sed 's/^/        /' "$DIR/check.log"
succeeds "ottla verify finds nothing" 600 "$DIR/verify.log" "$OTTLA" verify "$DATA" || true
echo "the end" >> "$DATA-serve.log"
lacks "no server logged an error before it was killed" 'ERROR|panicked' "$DATA-serve.log"
