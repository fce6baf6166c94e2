# shellcheck shell=bash
# What every part of the suite uses: results, servers, clients. Sourced by bash with `set -euo pipefail`.
#
# `run` exports: HERE this folder; ROOT the project; AGAINST ottla or kafka; OTTLA the server binary; CACHE what was
# installed; WORK everything of this run; RESULTS one line per result; PART the part's name; PORT its first port;
# HAVE the toolchains that are there; CLIENTS the clients that can run.

DIR=$WORK/$PART
KAFKA=$HERE/kafka
BOOTSTRAP=127.0.0.1:$PORT
mkdir -p "$DIR"

# --- results ---------------------------------------------------------------------------------------------------------

pass() { printf '  ok    %s\n' "$1"; printf 'pass\t%s\t%s\n' "$PART" "$1" >> "$RESULTS"; }

skip() { # NAME REASON
  printf '  SKIP  %s: %s\n' "$1" "$2"
  printf 'skip\t%s\t%s: %s\n' "$PART" "$1" "$2" >> "$RESULTS"
}

fail() { # NAME EXPECTED CAME [LOG]
  printf '  FAIL  %s\n        expected: %s\n        came:     %s\n' "$1" "$2" "$3"
  if [ -n "${4:-}" ]; then printf '        log:      %s\n' "$4"; fi
  if [ -n "${SERVER_LOG:-}" ]; then printf '        server:   %s\n' "$SERVER_LOG"; fi
  printf 'fail\t%s\t%s\n' "$PART" "$1" >> "$RESULTS"
}

# A part cannot go on: the failure is recorded and the part ends.
give_up() { fail "$@"; exit 1; }

have() { case " $HAVE " in *" $1 "*) ;; *) return 1 ;; esac; }

equal() { # NAME EXPECTED CAME [LOG]
  if [ "$2" = "$3" ]; then pass "$1"; else fail "$@"; fi
}

contains() { # NAME EXTENDED_REGEX FILE
  if grep -qE -- "$2" "$3"; then pass "$1"; else fail "$1" "a line that matches: $2" "none; it ends: $(tail -n 3 "$3" | tr '\n' '|')" "$3"; fi
}

lacks() { # NAME EXTENDED_REGEX FILE
  local found
  if [ ! -s "$3" ]; then
    fail "$1" "a file to look through" "none, or an empty one" "$3"
  elif found=$(grep -m 3 -E -- "$2" "$3"); then fail "$1" "no line that matches: $2" "$found" "$3"; else pass "$1"; fi
}

same_file() { # NAME EXPECTED_FILE CAME_FILE
  if cmp -s "$2" "$3"; then
    pass "$1"
  else
    diff "$2" "$3" > "$3.diff" 2>&1 || true
    fail "$1" "$(wc -l < "$2" 2>/dev/null || echo no) lines of $2" "$(wc -l < "$3" 2>/dev/null || echo no) lines of $3; first difference: $(sed -n 2,3p "$3.diff" | cut -c 1-160 | tr '\n' '|')" "$3.diff"
  fi
}

# Runs a command that must succeed, at most SECONDS long; its output goes to LOG.
succeeds() { # NAME SECONDS LOG COMMAND…
  local name=$1 seconds=$2 log=$3 code=0
  shift 3
  bounded "$seconds" "$log" "$@" || code=$?
  if [ "$code" = 0 ]; then pass "$name"; else fail "$name" "exit 0 within $seconds s from: $*" "exit $code; $(tail -n 3 "$log" | tr '\n' '|' | cut -c 1-400)" "$log"; fi
  return "$code"
}

# `timeout` runs programs only; functions of this file get their limit from the program they call.
bounded() { # SECONDS LOG COMMAND…
  local seconds=$1 log=$2
  shift 2
  if [ "$(type -t "$1")" = function ]; then LIMIT=$seconds "$@" > "$log" 2>&1; else timeout -k 5 "$seconds" "$@" > "$log" 2>&1; fi
}

# --- servers ---------------------------------------------------------------------------------------------------------

SERVER_PID='' SERVER_LOG='' SERVER_KIND='' SERVER_DIR='' BOOTS=0

accepts() { (exec 3<> "/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

start_server() { # KIND DATA [ADDITION…]: key=value for kafka, options for ottla
  local kind=$1 data=$2
  shift 2
  BOOTS=$((BOOTS + 1))
  SERVER_KIND=$kind
  SERVER_DIR=$DIR/boot-$BOOTS-$kind
  mkdir -p "$SERVER_DIR"
  "start_$kind" "$data" "$@"
}

start_kafka() {
  SERVER_LOG=$SERVER_DIR/broker.log
  "$KAFKA" start "$SERVER_DIR" "$PORT" "log.dirs=$1" "${@:2}" || give_up "Apache Kafka starts" "it accepts connections" "it does not" "$SERVER_LOG"
  SERVER_PID=$(cat "$SERVER_DIR/pid")
}

start_ottla() {
  SERVER_LOG=$SERVER_DIR/serve.log
  if accepts "$PORT"; then give_up "ottla starts" "a free port $PORT" "something listens there"; fi
  "$OTTLA" serve --data "$1" --listen "$BOOTSTRAP" "${@:2}" > "$SERVER_LOG" 2>&1 < /dev/null &
  SERVER_PID=$!
  for _ in $(seq 1000); do
    if accepts "$PORT"; then return; fi
    kill -0 "$SERVER_PID" 2>/dev/null || break
    sleep 0.01
  done
  SERVER_PID=''
  give_up "ottla starts" "it accepts connections within 10 s" "it ended or never listened: $(tail -n 3 "$SERVER_LOG" | tr '\n' '|')" "$SERVER_LOG"
}

stop_server() { # DATA: a clean stop, and the mark it leaves
  case $SERVER_KIND in
    kafka) "$KAFKA" stop "$SERVER_DIR" || give_up "Apache Kafka stops" "a clean stop" "none" "$SERVER_LOG" ;;
    ottla) stop_ottla ;;
  esac
  SERVER_PID=''
  if [ ! -e "$1/.kafka_cleanshutdown" ]; then
    fail "$SERVER_KIND leaves the mark of a clean stop" "$1/.kafka_cleanshutdown" "no such file"
  fi
}

stop_ottla() {
  local code=0
  kill "$SERVER_PID" 2>/dev/null || true
  for _ in $(seq 300); do
    kill -0 "$SERVER_PID" 2>/dev/null || break
    sleep 0.1
  done
  if kill -0 "$SERVER_PID" 2>/dev/null; then give_up "ottla stops" "an end within 30 s of SIGTERM" "it still runs" "$SERVER_LOG"; fi
  wait "$SERVER_PID" || code=$?
  [ "$code" = 0 ] || fail "ottla stops" "exit 0 after SIGTERM" "exit $code" "$SERVER_LOG"
  lacks "ottla logged no error" 'ERROR|panicked' "$SERVER_LOG"
}

end_of_part() { if [ -n "$SERVER_PID" ]; then kill -9 "$SERVER_PID" 2>/dev/null || true; fi; }
trap end_of_part EXIT

# --- clients and tools -----------------------------------------------------------------------------------------------

java_run() { # CLASS ARGUMENTS…: one of clients/java
  timeout -k 5 "${LIMIT:-60}" java -Xmx256m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC \
    -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$CACHE/java:$("$KAFKA" classpath)" "$@"
}

python_run() { # PROGRAM ARGUMENTS…: one of clients/python
  timeout -k 5 "${LIMIT:-60}" "$CACHE/venv/bin/python" -B "$HERE/clients/python/$1" "${@:2}"
}

client() { # NAME VERB BOOTSTRAP OUT …: see README.md
  case $1 in
    java) java_run Client "${@:2}" ;;
    librdkafka | kafkapython) python_run "$1.py" "${@:2}" ;;
    franz) timeout -k 5 "${LIMIT:-60}" "$CACHE/franz" "${@:2}" ;;
  esac
}

# tool CLASS ARGUMENTS…: one of Kafka's own command-line tools.
tool() { timeout -k 5 "${LIMIT:-60}" "$KAFKA" run "$@"; }

# What is to stay the same through a handover: names, ids, partition counts and the settings given for a topic.
describe_topics() { # FILE
  {
    tool org.apache.kafka.tools.TopicCommand --bootstrap-server "$BOOTSTRAP" --describe --exclude-internal |
      sed -nE 's/^Topic: ([^\t]+)\tTopicId: ([^\t]+)\tPartitionCount: ([0-9]+)\t.*/topic \1 id \2 partitions \3/p'
    tool kafka.admin.ConfigCommand --bootstrap-server "$BOOTSTRAP" --describe --entity-type topics |
      awk '/^Dynamic configs for topic/ { topic = $5 } / sensitive=/ { print "setting " topic " " $1 }' | grep -v '^setting __'
  } 2> "$1.err" | sort > "$1"
}

# What a broker says about a directory that it takes over, in its log.
check_kafka_log() { # STEP
  contains "$1: skips recovery" 'Skipping recovery of [0-9]+ logs? from .* since clean shutdown file was found' "$SERVER_LOG"
  # Its own metadata log (two underscores in front) may be recovered; a user's partition may not.
  lacks "$1: recovers no segment of a user's topic" 'partition=[^_][^,]*,.*(Recovering unflushed segment|recovering segment|Truncat)' "$SERVER_LOG"
  lacks "$1: rebuilds no index" 'orrupted index|rebuild(ing)? index|Could not find offset index' "$SERVER_LOG"
  check_kafka_log_after_kill "$1"
}

# After a kill it looks at the logs again, which is right; but it must know every directory, and find no fault.
check_kafka_log_after_kill() { # STEP
  lacks "$1: finds no stray partition" '[Ss]tray' "$SERVER_LOG"
  # Two errors are Kafka's own, seen without any handover too: it registers with its controller a moment too early, and tries again;
  # and it begins to load its group topic from the metadata of its last life, stops when its own registration takes the leadership away,
  # and loads it at the next leader epoch.
  grep -vE 'ERROR (kafka.server.ControllerApis .*apiKey=CONTROLLER_REGISTRATION|.*Failed to load metadata from __consumer_offsets-[0-9]+ .*no longer the leader)' \
    "$SERVER_LOG" > "$DIR/$1-broker.log"
  lacks "$1: logs no error" ' (ERROR|FATAL) ' "$DIR/$1-broker.log"
}

# The partition directories of users' topics; Kafka's own begin with two underscores. Those of deleted topics end otherwise.
user_partitions() { # DATA
  local path
  for path in "$1"/*-[0-9]*; do
    case ${path##*/} in __* | *-delete) ;; *) [ -d "$path" ] && echo "$path" ;; esac
  done
}

comma_list() { paste -s -d , -; }
