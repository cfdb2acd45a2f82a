package org.immutant.member;

import java.io.Serializable;
import java.util.Comparator;

/**
 * The order in which a queue's messages are dispatched.
 *
 * <p>Belongs here: nothing but the comparison; the keys are made to be compared as text by whoever
 * sends (immutant.grid.records in the runtime): priority first, then the order of sending.
 */
public final class DispatchOrder implements Comparator<String>, Serializable {
    private static final long serialVersionUID = 1L;

    @Override
    public int compare(String one, String other) {
        return one.compareTo(other);
    }
}
