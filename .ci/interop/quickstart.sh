#!/usr/bin/env bash
# The README's quick start on real input: the project's own history goes line by line into a partition directory, a server
# serves it, and kcat reads all of it while more is sent. Against Apache Kafka the console producer plays `ottla append`.
set -euo pipefail
# shellcheck source=lib.sh
. "$HERE/lib.sh"

DATA=$DIR/data TOPIC=history
LINES_AT_MOST=200000

# The history with its patches; a copy without commits gives its source text.
history() {
  if git -C "$ROOT" rev-parse --verify -q HEAD > /dev/null; then
    git -C "$ROOT" log --reverse --patch --no-color
  else
    find "$ROOT/crates" "$ROOT/.ci" -type f \( -name '*.rs' -o -name '*.toml' -o -name '*.sh' \) -exec cat {} +
  fi | awk -v most=$LINES_AT_MOST 'NR <= most'
}

append_to_directory() { history | tee "$DIR/history" | timeout -k 5 60 "$OTTLA" append "$DATA/$TOPIC-0"; }

append_to_server() {
  if [ "$AGAINST" = kafka ]; then
    LIMIT=90 tool org.apache.kafka.tools.ConsoleProducer --bootstrap-server "$BOOTSTRAP" --topic "$TOPIC"
  else
    timeout -k 5 60 "$OTTLA" append --server "$BOOTSTRAP" "$TOPIC"
  fi
}

if ! have kcat; then skip "the quick start" "no kcat"; exit 0; fi
if [ "$AGAINST" = kafka ] && ! have java; then skip "the quick start" "Apache Kafka needs Java"; exit 0; fi

if [ "$AGAINST" = ottla ]; then
  succeeds "ottla append DIR takes the history" 60 "$DIR/append.log" append_to_directory || exit 1
  start_server ottla "$DATA"
else
  start_server kafka "$DATA"
  history > "$DIR/history"
  append_to_server < "$DIR/history" > "$DIR/append.log" 2>&1
fi
[ "$(wc -l < "$DIR/history")" -gt 100 ] || give_up "there is a history" "more than 100 lines" "$(wc -l < "$DIR/history")" "$DIR/history"
tail -n 5000 "$DIR/history" | tac > "$DIR/more"
cat "$DIR/history" "$DIR/more" > "$DIR/all"

# The reader is under way, and waits at the end, while more is sent.
: > "$DIR/came"
timeout -k 5 60 kcat -C -q -u -b "$BOOTSTRAP" -t "$TOPIC" -p 0 -o beginning -c "$(wc -l < "$DIR/all")" > "$DIR/came" 2> "$DIR/kcat.log" &
reader=$!
for _ in $(seq 300); do
  if [ "$(wc -l < "$DIR/came")" -ge "$(wc -l < "$DIR/history")" ]; then break; fi
  kill -0 $reader 2>/dev/null || break
  sleep 0.1
done
same_file "kcat reads all of the history" "$DIR/history" "$DIR/came"
succeeds "more is sent while kcat reads" 90 "$DIR/append-server.log" append_to_server < "$DIR/more" || true
wait $reader || fail "kcat follows" "exit 0 after $(wc -l < "$DIR/all") records" "exit $?" "$DIR/kcat.log"
same_file "kcat reads what is sent while it waits" "$DIR/all" "$DIR/came"

stop_server "$DATA"
start_server "$AGAINST" "$DATA"
timeout -k 5 60 kcat -C -q -e -b "$BOOTSTRAP" -t "$TOPIC" -p 0 -o beginning > "$DIR/again" 2> "$DIR/kcat-again.log" ||
  fail "kcat reads after a restart" "exit 0" "exit $?" "$DIR/kcat-again.log"
same_file "all of it is there after a restart" "$DIR/all" "$DIR/again"
stop_server "$DATA"
