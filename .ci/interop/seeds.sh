#!/usr/bin/env bash
# The simplest programs of the notes that the project was drawn from: the word-count producer, and a low-level consumer
# that manages its own offsets (any start position; at most once, at least once, and with the offset kept in the result).
set -euo pipefail
# shellcheck source=lib.sh
. "$HERE/lib.sh"

DATA=$DIR/data TOPIC=greetings
RECORDS=400 HALT_AFTER=150

word_count() {
  succeeds "the word-count producer sends $RECORDS greetings" 60 "$DIR/sent-words" java_run WordCountProducer "$BOOTSTRAP" "$TOPIC" "$RECORDS" ||
    give_up "the word-count producer" "exit 0" "see above" "$DIR/sent-words"
  equal "each greeting says hello" "hello $RECORDS" "$(grep '^hello ' "$DIR/sent-words")" "$DIR/sent-words"
}

# Starts the consumer until it comes to the end; each start but the last one dies at its HALT_AFTER-th record.
consume_until_done() { # SEMANTICS
  local starts=0 code=42
  while [ $code = 42 ] && [ $starts -lt 10 ]; do
    starts=$((starts + 1)) code=0
    java_run LowLevelConsumer "$BOOTSTRAP" "$TOPIC" "$1" "$DIR/$1" "$HALT_AFTER" >> "$DIR/$1.log" 2>&1 || code=$?
  done
  [ $code = 0 ] || fail "$1: the consumer comes to the end" "exit 0 within 10 starts" "exit $code after $starts" "$DIR/$1.log"
  CRASHES=$((starts - 1))
}

delivery() { # SEMANTICS: how many of the records are lost and doubled, after how many crashes
  local semantics=$1 lost doubled wanted
  consume_until_done "$semantics"
  lost=$(comm -23 <(seq 0 $((RECORDS - 1)) | sort) <(cut -d ' ' -f 1 "$DIR/$semantics/results" | sort -u) | wc -l)
  doubled=$(cut -d ' ' -f 1 "$DIR/$semantics/results" | sort | uniq -d | wc -l)
  case $semantics in
    at-most-once) wanted="$CRASHES lost, 0 doubled" ;;
    at-least-once) wanted="0 lost, $CRASHES doubled" ;;
    exactly-once) wanted="0 lost, 0 doubled" ;;
  esac
  equal "$semantics, $CRASHES crashes: $wanted" "$wanted" "$lost lost, $doubled doubled" "$DIR/$semantics/results"
  if [ "$CRASHES" -lt 2 ]; then fail "$semantics: the consumer crashes on its way" "at least 2 crashes" "$CRASHES" "$DIR/$semantics.log"; fi
}

count_words() {
  cut -d ' ' -f 2- "$DIR/exactly-once/results" | tr ' ' '\n' | sort | uniq -c | awk '{ print $2 " " $1 }' > "$DIR/counted-words"
  grep -E '^[a-z]+ [0-9]+$' "$DIR/sent-words" > "$DIR/sent-words.clean"
  same_file "the words counted are the words sent" "$DIR/sent-words.clean" "$DIR/counted-words"
}

if ! have java; then skip "the notes' programs" "no Java"; exit 0; fi
start_server "$AGAINST" "$DATA"
word_count
succeeds "a low-level consumer starts at any position" 60 "$DIR/positions" java_run StartPositions "$BOOTSTRAP" "$TOPIC" || true
for semantics in at-most-once at-least-once exactly-once; do delivery "$semantics"; done
count_words
stop_server "$DATA"
