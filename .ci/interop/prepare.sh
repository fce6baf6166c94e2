# shellcheck shell=bash
# Installs what the clients need, once, under $CACHE. Sourced by `run`; sets HAVE and CLIENTS and names what is missing.

HAVE='' CLIENTS=''

quietly() { # NAME COMMAND…: its output is shown only when it fails
  local name=$1 log=$WORK/prepare-$1.log
  shift
  if ! timeout -k 5 600 "$@" > "$log" 2>&1; then
    echo "prepare: $name failed; the end of $log:" >&2
    tail -n 5 "$log" >&2
    return 1
  fi
}

# Rebuilt when the sources change: the stamp holds their digest.
up_to_date() { # STAMP FILES…
  local stamp=$1
  shift
  [ "$(cat "$stamp" 2>/dev/null)" = "$(cat "$@" | sha256sum)" ]
}
remember() { local stamp=$1; shift; cat "$@" | sha256sum > "$stamp"; }

missing() { # WHAT REASON
  printf '  SKIP  %s: %s\n' "$1" "$2"
  printf 'skip\tprepare\t%s: %s\n' "$1" "$2" >> "$RESULTS"
}

prepare_java() {
  if ! command -v javac > /dev/null; then missing "Apache Kafka, its tools and the Java client" "no javac"; return; fi
  if [ ! -e "$KAFKA_LIBS/.complete" ] && ! command -v mvn > /dev/null; then
    missing "Apache Kafka, its tools and the Java client" "no mvn to fetch them with"; return
  fi
  quietly kafka "$HERE/kafka" classpath || { missing "Apache Kafka, its tools and the Java client" "Maven could not fetch them"; return; }
  local sources=("$HERE"/clients/java/*.java)
  if ! up_to_date "$CACHE/java/.stamp" "${sources[@]}"; then
    rm -rf "$CACHE/java"
    quietly javac javac -Xlint:all -Werror -d "$CACHE/java" -cp "$("$HERE/kafka" classpath)" "${sources[@]}" || return 1
    remember "$CACHE/java/.stamp" "${sources[@]}"
  fi
  HAVE+=' java' CLIENTS+=' java'
}

prepare_python() {
  if ! python3 -c 'import venv, ensurepip' 2> /dev/null; then missing "librdkafka and kafka-python" "no python3 with venv"; return; fi
  local wanted=$HERE/clients/python/requirements.txt
  if ! up_to_date "$CACHE/venv/.stamp" "$wanted"; then
    rm -rf "$CACHE/venv"
    if ! { quietly venv python3 -m venv "$CACHE/venv" &&
      quietly pip "$CACHE/venv/bin/pip" install --disable-pip-version-check --only-binary :all: -r "$wanted"; }; then
      missing "librdkafka and kafka-python" "pip could not install them"
      return
    fi
    remember "$CACHE/venv/.stamp" "$wanted"
  fi
  HAVE+=' python' CLIENTS+=' librdkafka kafkapython'
}

prepare_go() {
  if ! command -v go > /dev/null; then missing "franz-go" "no go"; return; fi
  local sources=("$HERE"/clients/go/*.go "$HERE"/clients/go/go.mod "$HERE"/clients/go/go.sum)
  if ! up_to_date "$CACHE/franz.stamp" "${sources[@]}"; then
    quietly go-modules go -C "$HERE/clients/go" mod download || { missing "franz-go" "its modules could not be fetched"; return; }
    quietly go-vet go -C "$HERE/clients/go" vet . || return 1
    quietly go-build go -C "$HERE/clients/go" build -mod=readonly -o "$CACHE/franz" . || return 1
    remember "$CACHE/franz.stamp" "${sources[@]}"
  fi
  HAVE+=' go' CLIENTS+=' franz'
}

prepare_kcat() {
  if ! command -v kcat > /dev/null; then
    local sudo=''
    if [ "$(id -u)" != 0 ]; then sudo='sudo -n'; fi
    # shellcheck disable=SC2086
    if command -v apt-get > /dev/null; then
      quietly apt-get $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends kcat || true
    fi
  fi
  if command -v kcat > /dev/null; then HAVE+=' kcat'; else missing "kcat" "not installed, and apt-get could not"; fi
}

prepare() {
  prepare_java && prepare_python && prepare_go && prepare_kcat
  HAVE=${HAVE# } CLIENTS=${CLIENTS# }
}
