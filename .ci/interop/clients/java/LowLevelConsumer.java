import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * A consumer that keeps its own offsets, and dies in the worst place: between the result and the offset.
 * BOOTSTRAP TOPIC at-most-once|at-least-once|exactly-once FOLDER HALT_AFTER
 *
 * <p>FOLDER/results gets a line "offset value" for each record that was worked on; FOLDER/offset is the next offset to
 * read. The process halts (exit 42) in the middle of record number HALT_AFTER of this run; started again, it goes on.
 */
public final class LowLevelConsumer {
    private final Path results;
    private final Path offset;

    private LowLevelConsumer(Path folder) throws IOException {
        Files.createDirectories(folder);
        results = folder.resolve("results");
        offset = folder.resolve("offset");
    }

    public static void main(String[] args) throws IOException {
        LowLevelConsumer state = new LowLevelConsumer(Path.of(args[3]));
        String semantics = args[2];
        int haltAfter = Integer.parseInt(args[4]);
        TopicPartition partition = new TopicPartition(args[1], 0);
        Map<String, Object> config = Map.of("bootstrap.servers", args[0], "auto.offset.reset", "none", "default.api.timeout.ms", 30_000);
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer())) {
            consumer.assign(List.of(partition));
            consumer.seek(partition, semantics.equals("exactly-once") ? state.afterLastResult() : state.storedOffset());
            long end = consumer.endOffsets(List.of(partition)).get(partition);
            int seen = 0;
            while (consumer.position(partition) < end) {
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(200))) {
                    seen++;
                    state.handle(semantics, record, seen == haltAfter);
                }
            }
        }
    }

    private void handle(String semantics, ConsumerRecord<String, String> record, boolean halt) throws IOException {
        switch (semantics) {
            case "at-most-once" -> {
                store(record.offset() + 1);
                haltIf(halt);
                work(record);
            }
            case "at-least-once" -> {
                work(record);
                haltIf(halt);
                store(record.offset() + 1);
            }
            // The offset is part of the result: there is no place between the two to die in.
            case "exactly-once" -> {
                haltIf(halt);
                work(record);
            }
            default -> throw new IllegalArgumentException(semantics);
        }
    }

    private static void haltIf(boolean halt) {
        if (halt) {
            Runtime.getRuntime().halt(42);
        }
    }

    private void work(ConsumerRecord<String, String> record) throws IOException {
        Files.writeString(results, record.offset() + " " + record.value() + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    }

    private void store(long next) throws IOException {
        Path written = offset.resolveSibling("offset.new");
        Files.writeString(written, Long.toString(next));
        Files.move(written, offset, StandardCopyOption.ATOMIC_MOVE);
    }

    private long storedOffset() throws IOException {
        return Files.exists(offset) ? Long.parseLong(Files.readString(offset)) : 0;
    }

    private long afterLastResult() throws IOException {
        if (!Files.exists(results)) {
            return 0;
        }
        List<String> lines = Files.readAllLines(results);
        return Long.parseLong(lines.get(lines.size() - 1).split(" ")[0]) + 1;
    }
}
