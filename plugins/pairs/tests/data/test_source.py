import pandas as pd
import pytest

from tokenry_core import Registry
from tokenry_core.errors import DataError, MissingColumn
from tokenry_core.testing import DataSourceTests, SourceCase
from tokenry_pairs.data import LabeledImagesConfig, LabeledImagesSource, read_labels


class Frozen:
    """A source as it was when its fragments were planned."""

    def __init__(self, source):
        self.schema, self.config, self._fragments = source.schema, source.config, source.fragments()

    def fragments(self):
        return self._fragments


class TestLabeledImages(DataSourceTests):
    @pytest.fixture
    def case(self, photos, tmp_path):
        options = {"path": str(tmp_path / "photos"), "images_per_set": 2, "fragment_sets": 2}
        df = photos({"rex": 5, "ada": 2, "bo": 1})
        before = Frozen(LabeledImagesSource(**options))
        with open(df["x"][3], "ab") as file:
            file.write(b"more")
        return SourceCase(before, LabeledImagesSource(**options))


def read(source):
    return [row for f in source.fragments() for b in f.read(None, 100) for row in b.to_pylist()]


@pytest.fixture
def tabled(photos, tmp_path):
    """Write the table of some photos, with paths relative to it."""

    def write(name="dogs.csv", **changes):
        df = photos({"rex": 3, "ada": 2}).assign(**changes)
        df["x"] = [path.removeprefix(f"{tmp_path}/") for path in df["x"]]
        if name.endswith(".csv"):
            df.to_csv(tmp_path / name, index=False)
        else:
            df.to_parquet(tmp_path / name)
        return str(tmp_path / name)

    return write


@pytest.mark.parametrize("name", ["dogs.csv", "dogs.parquet"])
def test_a_tables_labels_give_a_set_each(tabled, tmp_path, name):
    rows = read(LabeledImagesSource(path=tabled(name)))
    folder = tmp_path / "photos"
    assert rows == [
        {"set_id": "ada", "set": [str(folder / f"ada/{i}.png") for i in (0, 1)], "label": "ada"},
        {"set_id": "rex", "set": [str(folder / f"rex/{i}.png") for i in (0, 1, 2)], "label": "rex"},
    ]


def test_a_folder_for_each_label_says_the_same_as_a_table(tabled, tmp_path):
    of_table = LabeledImagesSource(path=tabled())
    of_folder = LabeledImagesSource(path=str(tmp_path / "photos"))
    assert read(of_folder) == read(of_table)


def test_sets_are_neighbours_in_the_order_of_paths(tabled):
    rows = read(LabeledImagesSource(path=tabled(), images_per_set=2))
    assert [(row["set_id"], len(row["set"])) for row in rows] == [
        ("ada-0", 2),
        ("rex-0", 2),
        ("rex-1", 1),
    ]


def test_the_order_of_a_tables_rows_does_not_matter(tabled):
    path = tabled()
    expected = read(LabeledImagesSource(path=path, images_per_set=2))
    pd.read_csv(path)[::-1].to_csv(path, index=False)
    assert read(LabeledImagesSource(path=path, images_per_set=2)) == expected


def test_labels_of_a_table_are_names(tabled):
    rows = read(LabeledImagesSource(path=tabled(y=["007", "7", "7", "7", "7"])))
    assert [row["label"] for row in rows] == ["007", "7"]


def test_columns_have_the_names_that_the_table_gives_them(tabled, tmp_path):
    path = tabled()
    pd.read_csv(path).rename(columns={"x": "file", "y": "dog"}).to_csv(path, index=False)
    assert len(read(LabeledImagesSource(path=path, x="file", y="dog"))) == 2
    with pytest.raises(MissingColumn, match='"x", "y" are missing; there are: file, dog'):
        read(LabeledImagesSource(path=path))


def test_a_dataset_is_read_as_a_table_for_training(tabled, tmp_path):
    df = read_labels(tabled())
    assert list(df.columns) == ["x", "y"]
    assert df["y"].tolist() == ["rex"] * 3 + ["ada"] * 2
    assert df["x"][0] == str(tmp_path / "photos/rex/0.png")


def test_an_empty_label_is_refused_by_its_row(tabled):
    path = tabled(y=["rex", None, "rex", "ada", "ada"])
    with pytest.raises(DataError, match=r"dogs\.csv: column y is empty in 1 rows, first in 1"):
        read(LabeledImagesSource(path=path))


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("none.csv", None, "does not exist"),
        ("bad.parquet", b"no table", "cannot be read as a table"),
        ("folder", None, "does not exist"),
    ],
)
def test_a_path_without_data_is_refused(tmp_path, name, content, why):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=why):
        read(LabeledImagesSource(path=str(tmp_path / name)))


def test_a_folder_without_images_says_what_it_needs(tmp_path):
    with pytest.raises(DataError, match=r"one for each label.*\.jpeg"):
        read(LabeledImagesSource(path=str(tmp_path)))


def test_a_file_that_is_gone_is_left_to_whoever_opens_it(tabled, tmp_path):
    source = LabeledImagesSource(path=tabled())
    (tmp_path / "photos/rex/0.png").unlink()
    assert len(read(source)) == 2


def test_a_configuration_serves_in_place_of_options(tabled):
    path = tabled()
    made = LabeledImagesSource(LabeledImagesConfig(path=path, images_per_set=2))
    assert read(made) == read(LabeledImagesSource(path=path, images_per_set=2))


def test_a_table_that_is_none_is_refused(tmp_path):
    (tmp_path / "noise.csv").write_bytes(bytes(range(128, 256)) * 3)
    with pytest.raises(DataError, match=r"noise\.csv: cannot be read as a table"):
        read_labels(tmp_path / "noise.csv")


def test_the_source_is_found_by_name():
    assert Registry("tokenry.sources")["labeled-images"] is LabeledImagesSource
