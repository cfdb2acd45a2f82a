package org.immutant.member;

import java.security.Security;

/** The program: one member until SIGTERM. */
public final class Main {
    /** The exit status of a member that ended by itself. */
    static final int FAILED = 1;

    /** EX_CONFIG of sysexits.h: starting again will not help. */
    private static final int MISCONFIGURED = 78;

    private Main() {}

    /**
     * Runs a member as the environment says.
     *
     * @param arguments none
     * @throws InterruptedException the thread was interrupted
     */
    public static void main(String[] arguments) throws InterruptedException {
        LogLines.install();
        forgetNames();
        try {
            Member.start(Settings.parse(System.getenv()));
        } catch (Refusal refusal) {
            System.err.println(refusal.getMessage());
            Runtime.getRuntime().halt(MISCONFIGURED);
        }
    }

    /** Members come and go under one name; by default the JVM keeps a name's addresses for 30 s. */
    private static void forgetNames() {
        Security.setProperty("networkaddress.cache.ttl", "1");
        Security.setProperty("networkaddress.cache.negative.ttl", "0");
    }
}
