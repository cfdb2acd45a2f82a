from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from immutant.run.lines import LineCutter


@given(st.binary(max_size=60), st.lists(st.integers(0, 60), max_size=6))
def test_however_a_stream_is_cut_its_lines_are_the_same(stream: bytes, cuts: list[int]) -> None:
    stream = stream.replace(b"\r", b"")
    cutter = LineCutter()
    lines: list[bytes] = []
    bounds = [0, *sorted(cuts), len(stream)]
    for start, end in pairwise(bounds):
        lines += cutter.feed(stream[start:end])
    lines += cutter.finish()
    expected = stream.split(b"\n")
    assert lines == (expected if expected[-1] else expected[:-1])


@given(st.lists(st.binary(max_size=30), max_size=8))
def test_a_long_line_comes_in_pieces_and_loses_nothing(chunks: list[bytes]) -> None:
    chunks = [chunk.replace(b"\n", b"").replace(b"\r", b"") for chunk in chunks]
    cutter = LineCutter(longest=7)
    pieces = [piece for chunk in chunks for piece in cutter.feed(chunk)]
    pieces += cutter.finish()
    assert b"".join(pieces) == b"".join(chunks)
    assert all(len(piece) <= 7 for piece in pieces)


def test_a_carriage_return_before_the_line_end_is_part_of_the_line_end() -> None:
    assert list(LineCutter().feed(b"a\r\nb\n")) == [b"a", b"b"]
