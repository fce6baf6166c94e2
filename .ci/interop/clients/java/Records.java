import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.StringJoiner;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;

/** The records every client sends and the line every client prints; see ../README.md for both rules. */
final class Records {
    record Generated(long timestampMs, byte[] key, byte[] value, List<Header> headers) {}

    private static final String[] WORDS = {"hello", "tom", "jerry", "kitty", "suke", "Žluťoučký", "零拷贝", "🜁"};
    private static final long START_MS = 1_700_000_000_000L;

    private long state;

    Records(long seed) {
        state = seed;
    }

    private int below(int bound) {
        state = state * 6364136223846793005L + 1442695040888963407L;
        return (int) ((state >>> 33) % bound);
    }

    Generated next(int index) {
        byte[] key = bytes(switch (below(16)) {
            case 0 -> null;
            case 1 -> "";
            default -> "k" + below(1000);
        });
        byte[] value = bytes(switch (below(16)) {
            case 0 -> null;
            case 1 -> "";
            default -> words(1 + below(40));
        });
        Header[] headers = new Header[below(4)];
        for (int i = 0; i < headers.length; i++) {
            String name = i == 2 ? "ключ" : "h" + i;
            headers[i] = new RecordHeader(name, bytes(switch (below(4)) {
                case 0 -> null;
                case 1 -> "";
                default -> "v" + below(100);
            }));
        }
        return new Generated(START_MS + 7L * index - below(50), key, value, List.of(headers));
    }

    private String words(int count) {
        StringJoiner joined = new StringJoiner(" ");
        for (int i = 0; i < count; i++) {
            joined.add(WORDS[below(WORDS.length)]);
        }
        return joined.toString();
    }

    static String line(long offset, String timestampType, long timestampMs, byte[] key, byte[] value, Iterable<Header> headers) {
        StringJoiner pairs = new StringJoiner(",", "[", "]");
        for (Header header : headers) {
            pairs.add("[\"" + header.key() + "\"," + quoted(header.value()) + "]");
        }
        return "{\"offset\":" + offset + ",\"ts_type\":\"" + timestampType + "\",\"ts\":" + timestampMs
            + ",\"key\":" + quoted(key) + ",\"value\":" + quoted(value) + ",\"headers\":" + pairs + "}\n";
    }

    private static String quoted(byte[] bytes) {
        return bytes == null ? "null" : "\"" + Base64.getEncoder().encodeToString(bytes) + "\"";
    }

    private static byte[] bytes(String text) {
        return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
    }
}
