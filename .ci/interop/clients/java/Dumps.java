import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.apache.kafka.tools.DumpLogSegments;

/** Kafka's DumpLogSegments several times in one process, since most of its time goes into starting: OUTPUT ARGUMENT… [-- OUTPUT ARGUMENT…]… */
public final class Dumps {
    public static void main(String[] args) throws Exception {
        List<String> left = Arrays.asList(args);
        while (!left.isEmpty()) {
            int end = left.contains("--") ? left.indexOf("--") : left.size();
            dump(left.get(0), left.subList(1, end));
            left = left.subList(Math.min(end + 1, left.size()), left.size());
        }
    }

    /** What the tool throws ends its output, where the findings are looked for. */
    private static void dump(String output, List<String> arguments) throws Exception {
        try (PrintStream out = new PrintStream(new FileOutputStream(output), false, StandardCharsets.UTF_8)) {
            System.setOut(out);
            try {
                DumpLogSegments.main(arguments.toArray(String[]::new));
            } catch (Exception e) {
                out.println("Exception: " + e);
            }
        }
    }
}
