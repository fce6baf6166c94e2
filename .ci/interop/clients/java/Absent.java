import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** While the server has no transactions and no groups, whoever asks for them must be told so, quickly and for good. */
public final class Absent {
    public static void main(String[] args) {
        Map<String, Object> producer = Map.of("bootstrap.servers", args[0], "transactional.id", "interop", "max.block.ms", 20_000);
        expectUnsupported("initTransactions", () -> {
            try (KafkaProducer<String, String> created = new KafkaProducer<>(producer, new StringSerializer(), new StringSerializer())) {
                created.initTransactions();
            }
        });
        Map<String, Object> consumer = Map.of("bootstrap.servers", args[0], "group.id", "interop");
        expectUnsupported("subscribe", () -> {
            try (KafkaConsumer<String, String> created = new KafkaConsumer<>(consumer, new StringDeserializer(), new StringDeserializer())) {
                created.subscribe(List.of("times"));
                created.poll(Duration.ofSeconds(20));
            }
        });
    }

    private static void expectUnsupported(String what, Runnable action) {
        try {
            action.run();
        } catch (UnsupportedVersionException e) {
            System.out.println(what + ": " + e.getMessage());
            return;
        }
        throw new AssertionError(what + " was expected to end with UnsupportedVersionException");
    }
}
