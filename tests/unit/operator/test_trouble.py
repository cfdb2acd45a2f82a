from immutant_operator.observed import _short


def test_a_long_message_is_cut_between_its_lines_and_keeps_its_end() -> None:
    frames = "\n".join(f'File "<frozen importlib._bootstrap>", line {n}' for n in range(40))
    told = _short(f"{frames}\nSyntaxError: invalid syntax\n")
    assert told.startswith('File "<frozen')
    assert told.endswith(" / SyntaxError: invalid syntax")
    assert len(told) <= 600


def test_one_line_that_is_too_long_keeps_its_end() -> None:
    assert _short("x" * 1000 + " the cause").endswith("x the cause")
