import java.io.FileInputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.security.KeyStore;
import java.security.Security;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;

/**
 * A server of Java's own TLS, which still has SSL 3, DES, export suites and no RFC 7507.
 *
 * <p>{@code java JssePeer.java PORT STORE PASSWORD PROTOCOLS [SUITES]}: lists with commas.
 */
public final class JssePeer {
    private static final byte[] PAGE =
        "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

    private JssePeer() { }

    /** Serves until it is killed. */
    public static void main(String[] words) throws Exception {
        Security.setProperty("jdk.tls.disabledAlgorithms", "");
        Security.setProperty("jdk.tls.legacyAlgorithms", "");
        SSLServerSocket door = (SSLServerSocket) context(words[1], words[2].toCharArray())
            .getServerSocketFactory()
            .createServerSocket(Integer.parseInt(words[0]), 50, InetAddress.getByName("127.0.0.1"));
        door.setEnabledProtocols(words[3].split(","));
        if (words.length > 4) {
            door.setEnabledCipherSuites(words[4].split(","));
        }
        while (true) {
            SSLSocket link = (SSLSocket) door.accept();
            new Thread(() -> talk(link)).start();
        }
    }

    private static SSLContext context(String path, char[] password) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (FileInputStream file = new FileInputStream(path)) {
            store.load(file, password);
        }
        KeyManagerFactory keys = KeyManagerFactory.getInstance("SunX509");
        keys.init(store, password);
        SSLContext made = SSLContext.getInstance("TLS");
        made.init(keys.getKeyManagers(), null, null);
        return made;
    }

    private static void talk(SSLSocket link) {
        try (link) {
            if (link.getInputStream().read() >= 0) {
                link.getOutputStream().write(PAGE);
            }
        } catch (IOException refused) {
            return;
        }
    }
}
