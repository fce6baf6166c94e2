"""Settings of a topic change while the server runs: by librdkafka and by kafka-python, some of them and all of them. BOOTSTRAP"""

import sys

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource as PythonResource
from kafka.admin import ConfigResourceType

TOPIC = "settings"
SECONDS = 20
bootstrap = sys.argv[1]


def expect(what, expected, came):
    print(f"{what}: {came}")
    if expected != came:
        raise SystemExit(f"{what}: expected {expected}, came {came}")


admin = AdminClient({"bootstrap.servers": bootstrap})
created = admin.create_topics([NewTopic(TOPIC, 1, 1, config={"retention.ms": "-1"})], request_timeout=SECONDS)
created[TOPIC].result(SECONDS)


def resource(**arguments):
    return ConfigResource(ResourceType.TOPIC, TOPIC, **arguments)


def own():
    """What is set for the topic itself: config source 1, DYNAMIC_TOPIC_CONFIG."""
    (future,) = admin.describe_configs([resource()], request_timeout=SECONDS).values()
    return {name: entry.value for name, entry in future.result(SECONDS).items() if entry.source == 1}


def incrementally(*operations):
    entries = [ConfigEntry(name, value, incremental_operation=operation) for operation, name, value in operations]
    altered = admin.incremental_alter_configs([resource(incremental_configs=entries)], request_timeout=SECONDS)
    for future in altered.values():
        future.result(SECONDS)


incrementally(
    (AlterConfigOpType.SET, "segment.ms", "86400000"),
    (AlterConfigOpType.APPEND, "cleanup.policy", "compact"),
)
expect(
    "librdkafka sets and appends",
    {"retention.ms": "-1", "segment.ms": "86400000", "cleanup.policy": "delete,compact"},
    own(),
)
incrementally(
    (AlterConfigOpType.SUBTRACT, "cleanup.policy", "delete"),
    (AlterConfigOpType.DELETE, "segment.ms", None),
)
expect("librdkafka subtracts and deletes", {"retention.ms": "-1", "cleanup.policy": "compact"}, own())
try:
    incrementally((AlterConfigOpType.SET, "segment.ms", "soon"))
    raise SystemExit("a bad value: expected INVALID_CONFIG, came no error")
except KafkaException as refused:
    expect("librdkafka is refused a bad value", "INVALID_CONFIG", refused.args[0].name())
(replaced,) = admin.alter_configs([resource(set_config={"flush.ms": "1000"})], request_timeout=SECONDS).values()
replaced.result(SECONDS)
expect("librdkafka replaces all", {"flush.ms": "1000"}, own())

python_admin = KafkaAdminClient(bootstrap_servers=bootstrap)
for incremental in (True, False):
    settings = {"retention.ms": "86400000"} if incremental else {"retention.ms": "-1"}
    python_admin.alter_configs(
        [PythonResource(ConfigResourceType.TOPIC, TOPIC, settings)], incremental=incremental
    )
    # The older API replaces all settings, so kafka-python sends the others again.
    expect(f"kafka-python, incremental={incremental}", settings["retention.ms"], own().get("retention.ms"))
python_admin.close()
