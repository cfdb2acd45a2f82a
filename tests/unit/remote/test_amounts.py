import pytest

from immutant.remote.amounts import counted, sized


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 pods"), (1, "1 pod"), (2, "2 pods"), (20_000, "20000 pods")]
)
def test_one_is_one_and_all_others_are_several(number: int, said: str) -> None:
    assert counted(number, "pod") == said


@pytest.mark.parametrize(
    ("size", "said"), [(7, "7 bytes"), (1536, "1.5 KiB"), (8 << 20, "8.0 MiB")]
)
def test_bytes_are_said_in_the_unit_that_is_read_best(size: int, said: str) -> None:
    assert sized(size) == said
