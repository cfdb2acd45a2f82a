package org.immutant.member;

import com.hazelcast.nio.serialization.DataSerializableFactory;
import com.hazelcast.nio.serialization.IdentifiedDataSerializable;

/**
 * What of our own goes over the wire, by number.
 *
 * <p>Belongs here: the numbers. Clients know those of the processors (immutant.grid.processors in the
 * runtime); members tell each other the others.
 */
public final class Identified implements DataSerializableFactory {
    static final int FACTORY = 41;
    static final int COMPARE_AND_SWAP = 1;
    static final int STORE = 2;
    static final int LEADERS_WIN = 3;
    static final int SETTLED = 4;

    @Override
    public IdentifiedDataSerializable create(int number) {
        return switch (number) {
            case COMPARE_AND_SWAP -> new CompareAndSwap();
            case STORE -> new CompareAndSwap.Store();
            case LEADERS_WIN -> new LeadersWin();
            case SETTLED -> new Settled.Question();
            default -> null;
        };
    }
}
