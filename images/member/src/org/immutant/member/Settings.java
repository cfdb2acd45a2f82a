package org.immutant.member;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Map;

/**
 * What a member is told by its environment.
 *
 * @param grid the cluster's name (IMMUTANT_GRID)
 * @param dns the name that resolves to all members (IMMUTANT_GRID_DNS); empty where seeds are given
 * @param seeds host:port of members (IMMUTANT_GRID_SEEDS, by commas); empty where a name is given
 * @param pod the name of the pod that this is a member of (IMMUTANT_POD_NAME); empty outside of one
 * @param address where the others reach this member (IMMUTANT_MEMBER_ADDRESS)
 * @param port Hazelcast's port (IMMUTANT_MEMBER_PORT)
 * @param topology where who owns what is told (IMMUTANT_TOPOLOGY, host:port)
 * @param metrics the port of the Prometheus metrics (IMMUTANT_MEMBER_METRICS)
 * @param owners how many members hold each entry (IMMUTANT_OWNERS)
 */
record Settings(
        String grid,
        String dns,
        List<String> seeds,
        String pod,
        InetAddress address,
        int port,
        HostPort topology,
        int metrics,
        int owners) {

    /** Hazelcast's own limit: an owner and six backups. */
    private static final int MOST_OWNERS = 7;

    /** Where something listens. */
    record HostPort(String host, int port) {}

    /**
     * Parses the environment.
     *
     * @throws Refusal a variable is missing or malformed; the message names it
     */
    static Settings parse(Map<String, String> environ) {
        String dns = environ.getOrDefault("IMMUTANT_GRID_DNS", "");
        List<String> seeds = seeds(environ.getOrDefault("IMMUTANT_GRID_SEEDS", ""));
        if (dns.isEmpty() == seeds.isEmpty()) {
            throw new Refusal(
                    "Set one of IMMUTANT_GRID_DNS (a name that resolves to all members) and "
                            + "IMMUTANT_GRID_SEEDS (host:port of members, by commas), and not both");
        }
        return new Settings(
                need(environ, "IMMUTANT_GRID"),
                dns,
                seeds,
                environ.getOrDefault("IMMUTANT_POD_NAME", ""),
                address(need(environ, "IMMUTANT_MEMBER_ADDRESS")),
                port(environ, "IMMUTANT_MEMBER_PORT", 5701),
                hostPort("IMMUTANT_TOPOLOGY", environ.getOrDefault("IMMUTANT_TOPOLOGY", "127.0.0.1:5702")),
                port(environ, "IMMUTANT_MEMBER_METRICS", 5703),
                number(environ, "IMMUTANT_OWNERS", 2, MOST_OWNERS));
    }

    /** The interfaces on which this member listens: all, unless it was given a loopback address. */
    String listen() {
        String all = address instanceof Inet6Address ? "::" : "0.0.0.0";
        return address.isLoopbackAddress() ? address.getHostAddress() : all;
    }

    private static List<String> seeds(String text) {
        if (text.isBlank()) {
            return List.of();
        }
        List<String> seeds = List.of(text.trim().split("\\s*,\\s*"));
        seeds.forEach(seed -> hostPort("IMMUTANT_GRID_SEEDS", seed));
        return seeds;
    }

    private static String need(Map<String, String> environ, String name) {
        String value = environ.getOrDefault(name, "");
        if (value.isBlank()) {
            throw new Refusal(name + " is not set; whoever starts a member has to set it");
        }
        return value;
    }

    private static InetAddress address(String text) {
        try {
            if (!text.matches("[0-9.]+|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*")) {
                throw new UnknownHostException(text);
            }
            return InetAddress.getByName(text);
        } catch (UnknownHostException error) {
            throw new Refusal(
                    "IMMUTANT_MEMBER_ADDRESS must be this member's IP address, not '" + text + "'");
        }
    }

    private static HostPort hostPort(String name, String text) {
        int colon = text.lastIndexOf(':');
        if (colon < 1 || !text.substring(colon + 1).matches("[0-9]{1,5}")) {
            throw new Refusal(name + " must be of the form host:port, not '" + text + "'");
        }
        String host = text.substring(0, colon).replaceAll("^\\[|]$", "");
        return new HostPort(host, bounded(name, text.substring(colon + 1), 65_535));
    }

    private static int port(Map<String, String> environ, String name, int otherwise) {
        return number(environ, name, otherwise, 65_535);
    }

    private static int number(Map<String, String> environ, String name, int otherwise, int most) {
        String text = environ.getOrDefault(name, "");
        return text.isEmpty() ? otherwise : bounded(name, text, most);
    }

    private static int bounded(String name, String text, int most) {
        if (!text.matches("[0-9]{1,5}") || Integer.parseInt(text) < 1 || Integer.parseInt(text) > most) {
            throw new Refusal(name + " must be a number from 1 to " + most + ", not '" + text + "'");
        }
        return Integer.parseInt(text);
    }
}
