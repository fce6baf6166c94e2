import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetOutOfRangeException;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/** A low-level consumer starts wherever it is told to: BOOTSTRAP TOPIC; prints each start and the first offset read. */
public final class StartPositions {
    private static final Duration POLL = Duration.ofMillis(500);
    private static final int POLLS = 20;

    private final KafkaConsumer<String, String> consumer;
    private final TopicPartition partition;

    private StartPositions(KafkaConsumer<String, String> consumer, TopicPartition partition) {
        this.consumer = consumer;
        this.partition = partition;
    }

    public static void main(String[] args) {
        TopicPartition partition = new TopicPartition(args[1], 0);
        Map<String, Object> config = Map.of("bootstrap.servers", args[0], "auto.offset.reset", "none", "max.poll.records", 1,
            "default.api.timeout.ms", 30_000);
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer())) {
            consumer.assign(List.of(partition));
            new StartPositions(consumer, partition).tryAll();
        }
    }

    private void tryAll() {
        long begin = consumer.beginningOffsets(List.of(partition)).get(partition);
        long end = consumer.endOffsets(List.of(partition)).get(partition);
        consumer.seekToBeginning(List.of(partition));
        expect("the beginning", begin, first().offset());
        for (long offset = begin; offset < end; offset += Math.max(1, (end - begin) / 20)) {
            consumer.seek(partition, offset);
            ConsumerRecord<String, String> record = first();
            expect("offset " + offset, offset, record.offset());
            expectTime(record.timestamp());
        }
        consumer.seek(partition, end - 1);
        expect("the last record", end - 1, first().offset());
        consumer.seekToEnd(List.of(partition));
        expect("the end", end, consumer.position(partition));
        consumer.seek(partition, end + 1);
        expectOutOfRange("past the end");
    }

    /** A start by time is the first record that is not older. */
    private void expectTime(long timestampMs) {
        OffsetAndTimestamp found = consumer.offsetsForTimes(Map.of(partition, timestampMs)).get(partition);
        consumer.seek(partition, found.offset());
        ConsumerRecord<String, String> record = first();
        expect("time " + timestampMs, found.offset(), record.offset());
        if (record.timestamp() < timestampMs) {
            throw new AssertionError("time " + timestampMs + " gave an older record, of " + record.timestamp());
        }
        if (found.offset() > consumer.beginningOffsets(List.of(partition)).get(partition)) {
            consumer.seek(partition, found.offset() - 1);
            if (first().timestamp() >= timestampMs) {
                throw new AssertionError("time " + timestampMs + " skipped a record that was not older");
            }
        }
    }

    private ConsumerRecord<String, String> first() {
        for (int i = 0; i < POLLS; i++) {
            for (ConsumerRecord<String, String> record : consumer.poll(POLL)) {
                return record;
            }
        }
        throw new AssertionError("no record came from " + consumer.position(partition));
    }

    private void expectOutOfRange(String what) {
        try {
            for (int i = 0; i < POLLS; i++) {
                consumer.poll(POLL);
            }
        } catch (OffsetOutOfRangeException e) {
            System.out.println(what + ": refused, as it must be");
            return;
        }
        throw new AssertionError(what + ": expected OffsetOutOfRangeException");
    }

    private static void expect(String what, long expected, long came) {
        System.out.println(what + ": " + came);
        if (expected != came) {
            throw new AssertionError(what + ": expected offset " + expected + ", came " + came);
        }
    }
}
