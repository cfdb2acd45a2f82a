package org.immutant.member;

import com.hazelcast.nio.ObjectDataInput;
import com.hazelcast.nio.ObjectDataOutput;
import com.hazelcast.nio.serialization.IdentifiedDataSerializable;
import com.hazelcast.spi.merge.MergingValue;
import com.hazelcast.spi.merge.SplitBrainMergePolicy;
import java.io.IOException;

/**
 * Of two values of an entry the one of the side that was allowed to write is kept, at a merge.
 *
 * <p>Of two sides of one size Hazelcast lets the one with the greater address merge into the other,
 * whichever of them has written. The policy goes with what merges, and says whether that has.
 */
public final class LeadersWin
        implements SplitBrainMergePolicy<Object, MergingValue<Object>, Object>, IdentifiedDataSerializable {
    private static final long serialVersionUID = 1L;

    /**
     * Whether this member's side has led when it began to merge. Hazelcast makes the policies of a
     * member by itself, of which there is one in a process.
     */
    private static volatile boolean here;

    private Boolean sent;

    /** Takes note of whether this side has led, at the begin of its merge. */
    static void lead(boolean led) {
        here = led;
    }

    @Override
    public Object merge(MergingValue<Object> merging, MergingValue<Object> existing) {
        boolean wins = merging != null && (existing == null || led());
        MergingValue<Object> kept = wins ? merging : existing;
        return kept == null ? null : kept.getRawValue();
    }

    private boolean led() {
        return sent == null ? here : sent;
    }

    @Override
    public void writeData(ObjectDataOutput out) throws IOException {
        out.writeBoolean(led());
    }

    @Override
    public void readData(ObjectDataInput in) throws IOException {
        sent = in.readBoolean();
    }

    @Override
    public int getFactoryId() {
        return Identified.FACTORY;
    }

    @Override
    public int getClassId() {
        return Identified.LEADERS_WIN;
    }
}
