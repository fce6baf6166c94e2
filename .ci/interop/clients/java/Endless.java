import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/** A producer that outlives the server: BOOTSTRAP OUT NAME ACKS TOPIC PARTITIONS PER_SECOND; see "What the kills assert" in ../../README.md. */
public final class Endless {
    private static final int MOST_WAITING = 20_000;

    public static void main(String[] args) throws Exception {
        Path out = Path.of(args[1]);
        String name = args[2];
        int partitions = Integer.parseInt(args[5]);
        long perSecond = Long.parseLong(args[6]);
        AtomicLong answered = new AtomicLong();
        AtomicLong failed = new AtomicLong();
        try (Writer acknowledged = Files.newBufferedWriter(out.resolve(name), StandardCharsets.US_ASCII)) {
            long number = 0;
            try (KafkaProducer<String, String> producer =
                     new KafkaProducer<>(settings(args[0], args[3]), new StringSerializer(), new StringSerializer())) {
                long began = System.nanoTime();
                while (!Files.exists(out.resolve("stop"))) {
                    long due = (System.nanoTime() - began) * perSecond / 1_000_000_000;
                    if (number >= due || number - answered.get() >= MOST_WAITING) {
                        Thread.sleep(5);
                        continue;
                    }
                    long sent = number++;
                    String value = name + " " + sent + " " + "x".repeat((int) (sent % 600));
                    producer.send(new ProducerRecord<>(args[4], (int) (sent % partitions), null, value), (where, error) -> {
                        answered.incrementAndGet();
                        if (error != null) {
                            failed.incrementAndGet();
                        } else {
                            write(acknowledged, sent + " " + where.partition() + " " + where.offset() + "\n");
                        }
                    });
                }
                producer.flush();
                producer.close(Duration.ofSeconds(60));
            }
            write(acknowledged, "sent " + number + " failed " + failed + " left " + (number - answered.get()) + "\n");
        }
    }

    /** With acks=1 nobody can be idempotent; nothing is doubled or out of order where nothing is sent twice. */
    private static Map<String, Object> settings(String bootstrap, String acks) {
        Map<String, Object> settings = new HashMap<>(Map.of("bootstrap.servers", bootstrap, "acks", acks, "linger.ms", 5,
            "reconnect.backoff.ms", 20, "reconnect.backoff.max.ms", 200, "retry.backoff.ms", 20, "retry.backoff.max.ms", 200,
            "max.block.ms", Integer.MAX_VALUE, "request.timeout.ms", 10_000));
        boolean idempotent = acks.equals("all");
        settings.put("enable.idempotence", idempotent);
        settings.put("retries", idempotent ? Integer.MAX_VALUE : 0);
        settings.put("max.in.flight.requests.per.connection", idempotent ? 5 : 1);
        settings.put("delivery.timeout.ms", Integer.MAX_VALUE);
        return settings;
    }

    /** Called by the producer's one thread, and at the end by this one. */
    private static void write(Writer to, String line) {
        try {
            to.write(line);
            to.flush();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
