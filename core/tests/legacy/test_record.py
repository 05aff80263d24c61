from __future__ import annotations

import dataclasses
import pickle
from decimal import Decimal

import pytest
from sklearn.utils import Bunch

from tokenry_core.legacy import Record, read_legacy


class Plain:
    def __init__(self) -> None:
        self.a = 1


class Listed(list):
    pass


class Members(set):
    pass


class Slotted:
    __slots__ = ("a",)


class Named:
    def __getnewargs_ex__(self) -> tuple[tuple[int, ...], dict[str, int]]:
        return (1,), {"two": 2}

    def __new__(cls, *args: int, **named: int) -> Named:
        return super().__new__(cls)


def read(save, value: object, protocol: int = 4) -> Record:
    found = read_legacy(save(pickle.dumps(value, protocol)))["value"]
    assert isinstance(found, Record)
    return found


@pytest.mark.parametrize("protocol", range(6))
def test_object_keeps_its_name_and_attributes_in_every_protocol(save, protocol):
    record = read(save, Plain(), protocol)
    assert (record.name, record.args) == (f"{__name__}.Plain", ())
    assert record.state == {"a": 1}


@pytest.mark.parametrize("protocol", range(6))
def test_subclass_of_dict_keeps_its_items(save, protocol):
    record = read(save, Bunch(a=1, b=[2]), protocol)
    assert record.name in (
        "sklearn.utils._bunch.Bunch",
        "copyreg._reconstructor",
        "copy_reg._reconstructor",
    )
    if protocol >= 2:
        assert record.items == {"a": 1, "b": [2]}
    else:
        assert {"a": 1, "b": [2]} in record.args


@pytest.mark.parametrize("protocol", range(2, 6))
def test_subclass_of_list_keeps_its_items(save, protocol):
    assert read(save, Listed([1, 2]), protocol).items == [1, 2]


def test_subclass_of_set_keeps_its_members(save):
    assert read(save, Members([1])).args == ([1],)


def test_call_keeps_its_arguments(save):
    record = read(save, Decimal("1.5"))
    assert (record.name, record.args) == ("decimal.Decimal", ("1.5",))


def test_state_of_slots_is_kept_as_written(save):
    value = Slotted()
    value.a = 1
    assert read(save, value).state == (None, {"a": 1})


def test_named_arguments_come_last(save):
    assert read(save, Named()).args == (1, {"two": 2})


def test_mentioned_class_has_no_arguments(save):
    record = read(save, Plain)
    assert (record.name, record.args, record.state) == (f"{__name__}.Plain", None, None)


def test_one_object_twice_is_one_record(save):
    value = Plain()
    first, second = read_legacy(save(pickle.dumps([value, value])))["value"]
    assert first is second


def test_object_that_holds_itself_is_read(save):
    value = Plain()
    value.a = value
    record = read(save, value)
    assert record.state["a"] is record
    assert repr(record) == f"<Record of {__name__}.Plain: state of 1>"


def test_record_cannot_be_changed(save):
    with pytest.raises(dataclasses.FrozenInstanceError):
        read(save, Plain()).name = "other"


def test_record_can_be_a_key(save):
    (key,) = read_legacy(save(pickle.dumps({Plain: 1})))["value"]
    assert key.name == f"{__name__}.Plain"


def test_repr_of_a_record_gives_sizes_only():
    assert repr(Record("a.B", (1, 2), 3, [4])) == (
        "<Record of a.B: args of 2, state of type int, items of 1>"
    )
