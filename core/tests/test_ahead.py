import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenry_core._ahead import ahead


@given(st.lists(st.integers()))
def test_same_items_in_the_same_order(items):
    assert list(ahead(iter(items))) == items


def test_next_item_is_made_while_one_is_worked_on():
    made = [threading.Event() for _ in range(3)]

    def items():
        for number, event in enumerate(made):
            event.set()
            yield number

    for number in ahead(items()):
        if number < 2:
            assert made[number + 1].wait(10)  # nobody has asked for it yet


def test_at_most_one_item_waits():
    made = []

    def items():
        for number in range(10):
            made.append(number)
            yield number

    stream = ahead(items())
    next(stream)
    stream.close()
    assert len(made) <= 2


def test_error_comes_where_its_item_would_have_come():
    def items():
        yield 1
        yield 2
        raise ValueError("damaged")

    stream = ahead(items())
    assert [next(stream), next(stream)] == [1, 2]
    with pytest.raises(ValueError, match="damaged"):
        next(stream)


def test_thread_ends_with_the_stream():
    for _ in ahead(range(3)):
        break
    assert not [thread for thread in threading.enumerate() if "tokenry-ahead" in thread.name]
