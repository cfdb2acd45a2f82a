package org.immutant.member;

import com.hazelcast.nio.serialization.DataSerializableFactory;
import com.hazelcast.nio.serialization.IdentifiedDataSerializable;

/**
 * What clients may have a member do to an entry.
 *
 * <p>Belongs here: the numbers by which clients name it (immutant.grid.processors in the runtime).
 */
public final class Processors implements DataSerializableFactory {
    static final int FACTORY = 41;
    static final int COMPARE_AND_SWAP = 1;
    static final int STORE = 2;

    @Override
    public IdentifiedDataSerializable create(int number) {
        return switch (number) {
            case COMPARE_AND_SWAP -> new CompareAndSwap();
            case STORE -> new CompareAndSwap.Store();
            default -> null;
        };
    }
}
