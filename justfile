# What contributors and CI call. `just` lists it.

default:
    @just --list

# Format everything.
fmt:
    cargo fmt --all
    cargo fmt --manifest-path benches/compare/Cargo.toml
    cargo fmt --manifest-path benches/peers/Cargo.toml
    cargo fmt --manifest-path fuzz/Cargo.toml
    cargo fmt --manifest-path evidence/mutants/Cargo.toml

# Formatting and lints, as CI has them.
lint:
    cargo fmt --all --check
    cargo fmt --manifest-path benches/compare/Cargo.toml --check
    cargo fmt --manifest-path benches/peers/Cargo.toml --check
    cargo fmt --manifest-path fuzz/Cargo.toml --check
    cargo fmt --manifest-path evidence/mutants/Cargo.toml --check
    cargo clippy --workspace --all-targets --locked -- -D warnings
    cargo check -p ottla --no-default-features --locked

# All tests; `just test -p ottla` for one package.
test *ARGS="--workspace":
    cargo test --locked {{ARGS}}

# A loss of power at every change of every workload, at most so many states at each change.
power-loss CRASHES="1200":
    OTTLA_CRASHES={{CRASHES}} cargo test --locked --release -p ottla --test power_loss -- --nocapture

# The same with every sync of the engine left out in turn: each must be noticed, or the table says why it cannot be.
power-loss-controls:
    cargo test --locked --release -p ottla --test power_loss every_sync -- --ignored --nocapture

# What threads share, on so many schedules of each kind; names run those scenarios only.
schedules COUNT="150" *NAMES:
    OTTLA_SCHEDULES={{COUNT}} RUSTFLAGS="--cfg shuttle" cargo test --locked --release --target-dir target/schedules -p ottla --features async --lib on_every_schedule -- --nocapture
    OTTLA_SCHEDULES={{COUNT}} RUSTFLAGS="--cfg shuttle" cargo test --locked --release --target-dir target/schedules -p ottla --features async --test schedules -- --nocapture {{NAMES}}

# Pieces that rest on weak orderings of atomics, in every execution that the memory model allows.
orderings:
    RUSTFLAGS="--cfg loom" cargo test --locked --release --target-dir target/orderings -p ottla --test orderings -- --nocapture --skip tests::

# kill -9 of the server under real producers, so many times; a second each.
kills COUNT="1000" SEED="1":
    cargo build --release
    OTTLA_INTEROP_KILLS={{COUNT}} OTTLA_INTEROP_SEED={{SEED}} .ci/interop/run --only kills

# A real loss of power on ext4 and XFS, so many times each; takes root.
real-power-loss COUNT="10000" SEED="1":
    cargo run --release --locked -p ottla-power -- --cycles {{COUNT}} --seed {{SEED}}

# The same with every sync of the engine left out in turn; says which of them are missed.
real-power-loss-controls COUNT="1000":
    cargo run --release --locked -p ottla-power -- controls --cycles {{COUNT}}

# The taste of the repository: directions, trees, tables, ratchets.
tidy:
    cargo test --locked -p ottla-tidy

# The API's documentation, without warnings.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

# The pages under docs/ as a book (needs mdbook).
book:
    mdbook build docs

# Licences, sources and bans of dependencies (needs cargo-deny).
deny:
    cargo deny --all-features check licenses sources bans

# Every fuzz target for so many seconds, or the named ones.
fuzz SECONDS="5" *TARGETS:
    .ci/fuzz {{SECONDS}} {{TARGETS}}

# Undefined behaviour: the core under Miri; `all` takes some minutes.
miri PART="all":
    .ci/sanitize miri {{PART}}

# Data races: the engine and the server under the thread sanitizer.
threads:
    .ci/sanitize threads

# Would the tests notice? Every small change of what decodes, finds and recovers, one build for all (needs cargo-mutants).
mutants *ARGS="":
    cargo run --locked --manifest-path evidence/mutants/Cargo.toml -- {{ARGS}}

# Write fuzz/seeds anew from the fixtures.
seeds:
    cargo run -p ottla-testkit --example fuzz_seeds

# The engine alone, with criterion.
bench *ARGS:
    cargo bench -p ottla-benches {{ARGS}}

# How many instructions each path takes, held against benches/instructions.txt; `--write` writes that anew (needs valgrind).
instructions *ARGS="--check":
    cargo run --release --locked -p ottla-benches --bin instructions -- {{ARGS}}

# Side by side with Apache Kafka and the floor; takes twenty minutes.
compare *ARGS="run":
    cargo build --release
    cargo run --release --manifest-path benches/compare/Cargo.toml -- {{ARGS}}

# The engine beside other embedded logs and bare system calls; takes half an hour.
peers *ARGS:
    cargo run --release --manifest-path benches/peers/Cargo.toml -- {{ARGS}}

# Real clients and the real Kafka on the same directory.
interop *ARGS:
    cargo build --release
    .ci/interop/run {{ARGS}}

# Every bit of every file of the directories that tests make: takes some minutes.
bit-rot:
    OTTLA_BIT_ROT_STEP=1 cargo test --release --locked -p ottla --test bit_rot -- --nocapture

# Everything that decides whether a change lands.
ci:
    .ci/run
