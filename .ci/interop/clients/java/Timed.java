import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Writes one record, in a batch of its own, for each of the given timestamps: BOOTSTRAP TOPIC MS… */
public final class Timed {
    public static void main(String[] args) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
                 Map.of("bootstrap.servers", args[0], "delivery.timeout.ms", 30_000, "request.timeout.ms", 10_000),
                 new ByteArraySerializer(), new ByteArraySerializer())) {
            for (int i = 2; i < args.length; i++) {
                producer.send(new ProducerRecord<>(args[1], 0, Long.parseLong(args[i]), null, args[i].getBytes())).get();
            }
        }
    }
}
