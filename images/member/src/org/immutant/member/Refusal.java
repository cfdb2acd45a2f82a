package org.immutant.member;

/** The member cannot start as it was told to; the message is one sentence with the remedy in it. */
final class Refusal extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Refusal(String sentence) {
        super(sentence);
    }
}
