import pickle

import numpy as np
import pandas as pd
import pytest
import torch

from tokenry_core.errors import DataError, UnknownName
from tokenry_pairs.data import (
    GenericLambdaDataset,
    GenericPytorchDataset,
    GenericXYLambdaAutoLabelEncoderDataset,
)


def double(value):
    return 2 * value


def shout(value):
    return value.upper()


@pytest.fixture
def df():
    return pd.DataFrame({"n": [1, 2, 3], "f": [0.5, 1.5, 2.5]})


def test_every_key_has_its_functions_value():
    dataset = GenericLambdaDataset(lambda_dict={"a": double, "b": str}, length=3)
    assert [dataset[i] for i in range(len(dataset))] == [
        {"a": 0, "b": "0"},
        {"a": 2, "b": "1"},
        {"a": 4, "b": "2"},
    ]


def test_each_key_is_extended_by_its_own_function():
    dataset = GenericLambdaDataset.from_xy_lists([1, 2], ["a", "b"])
    dataset.extend_lambda_dict({"x": double, "y": shout})
    dataset.extend_lambda_dict({"x": str})
    assert [dataset[0], dataset[1]] == [{"x": "2", "y": "A"}, {"x": "4", "y": "B"}]


def test_extending_leaves_the_callers_dictionary_alone():
    given = {"x": double}
    GenericLambdaDataset(given, 1).extend_lambda_dict({"x": str})
    assert given == {"x": double}


def test_extending_an_unknown_key_changes_nothing():
    dataset = GenericLambdaDataset({"image": double}, 1)
    with pytest.raises(UnknownName, match=r'no key "imag".*Did you mean "image"'):
        dataset.extend_lambda_dict({"image": str, "imag": str})
    assert dataset[0] == {"image": 0}


def test_one_value_is_had_without_calling_the_others():
    dataset = GenericLambdaDataset({"x": double, "y": lambda i: 1 / 0}, 3)
    assert dataset.get_value_from_key_and_index("x", np.int64(2)) == 4


@pytest.mark.parametrize("index", [-1, 3])
def test_an_index_out_of_range_is_an_index_error(index):
    with pytest.raises(IndexError, match=f"Index {index} is out of range for dataset of length 3"):
        GenericLambdaDataset({"x": double}, 3)[index]


def test_iterating_ends_with_the_data():
    assert [sample["x"] for sample in GenericLambdaDataset.from_list([5, 6])] == [5, 6]


def test_an_error_of_a_function_names_key_and_index():
    dataset = GenericLambdaDataset({"y": lambda i: 1 / i}, 3)
    with pytest.raises(
        RuntimeError, match="Error calling lambda function for key 'y' at index 0: division"
    ):
        dataset[0]


def test_what_is_no_dictionary_or_length_is_refused():
    with pytest.raises(TypeError, match="lambda_dict must be a dictionary"):
        GenericLambdaDataset([double], 1)
    for length in (-1, 1.5, True):
        with pytest.raises(ValueError, match="length must be a non-negative integer"):
            GenericLambdaDataset({}, length)


def test_lists_of_different_lengths_are_refused():
    for kind in (AssertionError, ValueError):
        with pytest.raises(kind, match="x_list and y_list must have same length; 2 and 1"):
            GenericLambdaDataset.from_xy_lists([1, 2], [1])


def test_from_list_has_the_key_asked_for():
    assert GenericLambdaDataset.from_list([7], key="z")[0] == {"z": 7}
    assert GenericLambdaDataset.list_to_lambda_loader([7, 8])(1) == 8


def test_a_table_keeps_its_values_unless_told_otherwise(df):
    sample = GenericLambdaDataset.from_dataframe(df, {"f": double})[1]
    assert sample == {"n": 2, "f": 3.0}
    assert not isinstance(sample["n"], torch.Tensor)
    tensors = GenericLambdaDataset.from_dataframe(df, auto_tensorize=True)[1]
    assert {key: value.item() for key, value in tensors.items()} == {"n": 2, "f": 1.5}


def test_a_transform_of_no_column_is_refused(df):
    with pytest.raises(UnknownName, match='no column "g"'):
        GenericLambdaDataset.from_dataframe(df, {"g": double})


def test_a_pytorch_dataset_gives_tensors_of_the_columns_types(df):
    dataset = GenericPytorchDataset(df, transforms={"f": double})
    assert isinstance(dataset, GenericLambdaDataset)
    sample = dataset[2]
    assert {key: value.item() for key, value in sample.items()} == {"n": 3, "f": 5.0}
    assert sample["n"].dtype == torch.int64  # a whole row would make it a float
    assert dataset.df is df
    assert list(dataset.columns) == ["n", "f"]
    assert dataset.transforms == {"f": double}


def test_a_pytorch_dataset_extends_like_any_other(df):
    dataset = GenericPytorchDataset(df)
    dataset.extend_lambda_dict({"n": double})
    assert dataset.get_value_from_key_and_index("n", 1).item() == 4


def test_a_pytorch_dataset_names_the_column_that_fails(df):
    with pytest.raises(
        RuntimeError, match=r"^Error applying transform to column 'n' at index 1: .*upper"
    ):
        GenericPytorchDataset(df, {"n": shout})[1]
    with pytest.raises(DataError, match="column 'name' at index 0: a str cannot become a tensor"):
        GenericPytorchDataset(pd.DataFrame({"name": ["rex"]}))[0]
    with pytest.raises(TypeError, match="df must be a pandas DataFrame"):
        GenericPytorchDataset({"n": [1]})


def test_datasets_go_to_worker_processes(df):
    for dataset in (
        GenericPytorchDataset(df, {"f": double}),
        GenericLambdaDataset.from_xy_lists([1, 2], [3, 4]),
        GenericXYLambdaAutoLabelEncoderDataset.from_df(df.rename(columns={"n": "x", "f": "y"})),
    ):
        dataset.extend_lambda_dict({next(iter(dataset.lambda_dict)): double})
        again = pickle.loads(pickle.dumps(dataset))
        assert again[1] == dataset[1]


def test_labels_are_numbered_in_their_order():
    names = ["rex", "ada", "rex", "bo"]
    dataset = GenericXYLambdaAutoLabelEncoderDataset(double, names.__getitem__, 4)
    assert [dataset[i]["y"] for i in range(4)] == [2, 0, 2, 1]
    assert dataset[3]["x"] == 6
    assert dataset.get_number_of_classes() == 3
    assert dataset.get_y_list_with_encoded_labels() == [2, 0, 2, 1]
    assert dataset.get_original_y_list() == names
    assert dataset.get_original_y_from_index(3) == "bo"
