import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * The word-count producer: one of four greetings at a time, by default without a pause.
 * BOOTSTRAP TOPIC COUNT [PAUSE_MS]; prints how often it sent each word.
 */
public final class WordCountProducer {
    private static final String[] GREETINGS = {"hello tom", "hello jerry", "hello kitty", "hello suke"};

    public static void main(String[] args) throws Exception {
        int count = Integer.parseInt(args[2]);
        long pauseMs = args.length > 3 ? Long.parseLong(args[3]) : 0;
        Random random = new Random();
        Map<String, Integer> words = new TreeMap<>();
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(
                 Map.of("bootstrap.servers", args[0], "delivery.timeout.ms", 30_000, "request.timeout.ms", 10_000),
                 new StringSerializer(), new StringSerializer())) {
            for (int i = 0; i < count; i++) {
                String greeting = GREETINGS[random.nextInt(GREETINGS.length)];
                producer.send(new ProducerRecord<>(args[1], greeting)).get();
                for (String word : greeting.split(" ")) {
                    words.merge(word, 1, Integer::sum);
                }
                Thread.sleep(pauseMs);
            }
        }
        words.forEach((word, times) -> System.out.println(word + " " + times));
    }
}
