import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** The matrix client on Apache Kafka's own library; the verbs are described in ../README.md. */
public final class Client {
    private static final int TIMEOUT_MS = 30_000;

    public static void main(String[] args) throws Exception {
        List<String> rest = List.of(args).subList(3, args.length);
        Path out = Files.createDirectories(Path.of(args[2]));
        switch (args[0]) {
            case "produce" -> {
                for (int i = 0; i < rest.size(); i += 5) {
                    createIfMissing(args[1], rest.get(i), Integer.parseInt(rest.get(i + 1)));
                    produce(args[1], out, rest.get(i), rest.get(i + 2),
                        Integer.parseInt(rest.get(i + 3)), Long.parseLong(rest.get(i + 4)));
                }
            }
            case "consume" -> consume(args[1], out, rest);
            default -> throw new IllegalArgumentException("unknown verb " + args[0]);
        }
    }

    private static void createIfMissing(String bootstrap, String topic, int partitions) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap, "default.api.timeout.ms", TIMEOUT_MS))) {
            NewTopic created = new NewTopic(topic, Optional.of(partitions), Optional.empty())
                .configs(Map.of("retention.ms", "-1", "segment.bytes", "1048576"));
            admin.createTopics(List.of(created)).all().get();
        } catch (ExecutionException e) {
            if (!(e.getCause() instanceof TopicExistsException)) {
                throw e;
            }
        }
    }

    /** Idempotent, as the library is by default; writes down what the server acknowledged. */
    private static void produce(String bootstrap, Path out, String topic, String codec, int count, long seed) throws Exception {
        Map<String, Object> config = Map.of("bootstrap.servers", bootstrap, "compression.type", codec,
            "linger.ms", 20, "max.block.ms", TIMEOUT_MS, "delivery.timeout.ms", TIMEOUT_MS, "request.timeout.ms", 10_000);
        try (KafkaProducer<byte[], byte[]> producer =
                 new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer())) {
            int partitions = producer.partitionsFor(topic).size();
            Records records = new Records(seed);
            List<Records.Generated> sent = new ArrayList<>();
            List<Future<RecordMetadata>> answers = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                Records.Generated next = records.next(i);
                sent.add(next);
                answers.add(producer.send(new ProducerRecord<>(topic, i % partitions, next.timestampMs(), next.key(),
                    next.value(), next.headers())));
            }
            try (PartitionFiles files = new PartitionFiles(out)) {
                for (int i = 0; i < count; i++) {
                    RecordMetadata answer = answers.get(i).get();
                    Records.Generated record = sent.get(i);
                    files.append(topic, answer.partition(), Records.line(answer.offset(), "create", record.timestampMs(),
                        record.key(), record.value(), record.headers()));
                }
            }
        }
    }

    /** From the first offset to the end as it was at the start, by assigned partitions: no group anywhere. */
    private static void consume(String bootstrap, Path out, List<String> topics) throws Exception {
        Map<String, Object> config = Map.of("bootstrap.servers", bootstrap, "auto.offset.reset", "none",
            "allow.auto.create.topics", false, "max.partition.fetch.bytes", 65_536, "default.api.timeout.ms", TIMEOUT_MS);
        try (KafkaConsumer<byte[], byte[]> consumer =
                 new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
             PartitionFiles files = new PartitionFiles(out)) {
            List<TopicPartition> partitions = new ArrayList<>();
            for (String topic : topics) {
                for (PartitionInfo info : consumer.partitionsFor(topic)) {
                    partitions.add(new TopicPartition(topic, info.partition()));
                }
            }
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = new HashMap<>(consumer.endOffsets(partitions));
            long deadline = System.nanoTime() + Duration.ofMillis(TIMEOUT_MS).toNanos();
            while (true) {
                ends.entrySet().removeIf(end -> consumer.position(end.getKey()) >= end.getValue());
                if (ends.isEmpty()) {
                    return;
                }
                if (System.nanoTime() > deadline) {
                    throw new IllegalStateException("the end was not reached in time; still missing: " + ends);
                }
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
                    String type = switch (record.timestampType()) {
                        case CREATE_TIME -> "create";
                        case LOG_APPEND_TIME -> "append";
                        case NO_TIMESTAMP_TYPE -> "none";
                    };
                    files.append(record.topic(), record.partition(), Records.line(record.offset(), type, record.timestamp(),
                        record.key(), record.value(), record.headers()));
                }
            }
        }
    }

    /** One file of lines for each partition, named like its directory in a log directory. */
    private record PartitionFiles(Path folder, Map<String, Writer> open) implements AutoCloseable {
        PartitionFiles(Path folder) {
            this(folder, new HashMap<>());
        }

        void append(String topic, int partition, String line) throws IOException {
            open.computeIfAbsent(topic + "-" + partition, this::openFile).write(line);
        }

        private Writer openFile(String name) {
            try {
                return Files.newBufferedWriter(folder.resolve(name), StandardCharsets.UTF_8,
                    StandardOpenOption.CREATE, StandardOpenOption.APPEND);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public void close() throws IOException {
            for (Writer writer : open.values()) {
                writer.close();
            }
        }
    }
}
