package org.immutant.member;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.logging.Logger;

/**
 * Waiting until the name of all members is of use, before Hazelcast asks for it.
 *
 * <p>A member whose first look finds nothing would found a cluster of its own. So it starts once
 * the answer has its own address, or a member that can be reached. With the first condition, of any
 * two new members the one that was published later sees the other.
 */
final class Discovery {
    /**
     * No look before the process is this old. A pod's address is published a second or two after
     * its containers start, and a cluster's DNS may remember for up to 30 s that there was none.
     */
    private static final Duration YOUNGEST = Duration.ofSeconds(2);

    private static final Duration PERIOD = Duration.ofSeconds(1);
    private static final int LOOKS_A_REMINDER = 30;
    private static final int CONNECT_MILLIS = 500;
    private static final Logger LOG = Logger.getLogger(Discovery.class.getName());

    private final Settings settings;

    Discovery(Settings settings) {
        this.settings = settings;
    }

    /**
     * Returns once the name is of use, however long that takes.
     *
     * <p>A member that went on alone would serve an empty grid beside the one that it cannot find,
     * and what its clients were told then would be lost when the two merge. One that waits is not
     * ready, and says why.
     *
     * @throws InterruptedException the thread was interrupted
     */
    void await() throws InterruptedException {
        Thread.sleep(Math.max(0, YOUNGEST.toMillis() - age()));
        for (int look = 0; !useful(lookup()); look++) {
            if (look % LOOKS_A_REMINDER == 0) {
                LOG.warning(
                        () -> settings.dns() + " names neither this member nor one that answers;"
                                + " waiting until it does");
            }
            Thread.sleep(PERIOD.toMillis());
        }
    }

    private static long age() {
        return System.currentTimeMillis() - ManagementFactory.getRuntimeMXBean().getStartTime();
    }

    private List<InetAddress> lookup() {
        try {
            return Arrays.asList(InetAddress.getAllByName(settings.dns()));
        } catch (UnknownHostException error) {
            return List.of();
        }
    }

    private boolean useful(List<InetAddress> addresses) {
        return addresses.contains(settings.address()) || addresses.stream().anyMatch(this::answers);
    }

    private boolean answers(InetAddress address) {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(address, settings.port()), CONNECT_MILLIS);
            return true;
        } catch (IOException error) {
            return false;
        }
    }
}
