import json

import numpy as np
import pytest
from PIL import Image

from tokenry_core.errors import DataError, MissingColumn
from tokenry_core.testing import DataSourceTests, SourceCase
from tokenry_dino import ImagesSource

BUCKETS = [(84, 56), (56, 84), (70, 70)]
SIZES = [(84, 56), (56, 84), (70, 70), (30, 20)]


@pytest.fixture
def folder(tmp_path, picture):
    for i in range(10):
        (tmp_path / f"im{i}.png").write_bytes(picture(*SIZES[i % 4], seed=i))
    return tmp_path


@pytest.fixture
def jsonl(tmp_path, picture):
    """Write records, and a picture for each that names one."""

    def write(*records):
        for record in records:
            path = tmp_path / str(record.get("image_path", "unused.png"))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(picture())
        file = tmp_path / "data.jsonl"
        file.write_text("".join(json.dumps(record) + "\n" for record in records))
        return str(file)

    return write


def read(source):
    return [row for f in source.fragments() for b in f.read(None, 100) for row in b.to_pylist()]


class TestImages(DataSourceTests):
    @pytest.fixture
    def case(self, folder, picture):
        source = ImagesSource(path=str(folder), buckets=BUCKETS, fragment_images=2)
        before = source.fragments()
        (folder / "im3.png").write_bytes(picture(31, 21))
        changed = ImagesSource(path=str(folder), buckets=BUCKETS, fragment_images=2)
        assert [f.id for f in changed.fragments()] == [f.id for f in before]
        return SourceCase(Frozen(source, before), changed)


class Frozen:
    """A source as it was when its fragments were planned."""

    def __init__(self, source, fragments):
        self.schema, self.config, self._fragments = source.schema, source.config, fragments

    def fragments(self):
        return self._fragments


def test_every_fragment_holds_one_bucket_in_the_datasets_order(folder):
    source = ImagesSource(path=str(folder), buckets=BUCKETS)
    for fragment in source.fragments():
        rows = [row for batch in fragment.read(None, 100) for row in batch.to_pylist()]
        assert len({row["aspect_bucket"] for row in rows}) == 1
        assert [row["row"] for row in rows] == sorted(row["row"] for row in rows)
    assert {row["aspect_bucket"] for row in read(source)} == {"84x56", "56x84", "70x70"}


def test_the_row_index_restores_the_datasets_order(folder):
    rows = sorted(read(ImagesSource(path=str(folder), buckets=BUCKETS)), key=lambda r: r["row"])
    assert [row["image_id"] for row in rows] == [f"im{i}" for i in range(10)]
    assert [row["row"] for row in rows] == list(range(10))


def test_fragments_are_bounded_in_bytes_and_images(folder):
    largest = max(path.stat().st_size for path in folder.iterdir())
    for options in ({"fragment_bytes": largest}, {"fragment_images": 1}):
        source = ImagesSource(path=str(folder), buckets=BUCKETS, **options)
        sizes = [len(f.images) for f in source.fragments()]
        assert sum(sizes) == 10
        for fragment in source.fragments():
            size = sum((folder / f"{i.image_id}.png").stat().st_size for i in fragment.images)
            assert len(fragment.images) == 1 or size <= largest


def test_images_whose_header_cannot_be_read_are_kept_for_quarantine(folder):
    (folder / "broken.jpg").write_bytes(b"no image")
    source = ImagesSource(path=str(folder), buckets=BUCKETS)
    unknown = [f for f in source.fragments() if f.id.startswith("unknown")]
    assert [row.image_id for f in unknown for row in f.images] == ["broken"]


def test_exif_orientation_counts_when_a_bucket_is_assigned(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.zeros((56, 84, 3), np.uint8)).save(tmp_path / "a.jpg", exif=exif)
    (row,) = read(ImagesSource(path=str(tmp_path), buckets=BUCKETS))
    assert row["aspect_bucket"] == "56x84"


def test_a_jsonl_is_read_in_either_spelling_with_paths_relative_to_it(jsonl, tmp_path):
    file = jsonl(
        {"image_path": "deep/a.png", "aspect_bucket": "1216x832", "caption": "kept elsewhere"},
        {"image_path": "b.png", "aspect_bucket": "1216×832", "image_id": "other"},  # noqa: RUF001
    )
    rows = read(ImagesSource(path=file))
    assert [row["image_id"] for row in rows] == ["a", "other"]
    assert {row["aspect_bucket"] for row in rows} == {"1216x832"}
    assert rows[0]["image"] == str(tmp_path / "deep" / "a.png")


def test_a_record_without_a_bucket_names_the_command_that_gives_it_one(jsonl):
    file = jsonl({"image_path": "a.png"})
    with pytest.raises(
        MissingColumn, match=r"aspect_bucket not found.*tokenry dino assign-buckets"
    ):
        ImagesSource(path=file).fragments()


@pytest.mark.parametrize("image_id", ["a/b", "..", "../a", "a\\b", "", "a:b", "a\nb"])
def test_an_id_that_is_no_file_name_is_refused(jsonl, image_id):
    record = {"image_path": "a.png", "aspect_bucket": "84x56", "image_id": image_id}
    with pytest.raises(DataError, match="no name of a file"):
        ImagesSource(path=jsonl(record)).fragments()


def test_two_images_of_one_id_are_refused_by_name(jsonl):
    records = [{"image_path": f"{d}/a.png", "aspect_bucket": "84x56"} for d in ("x", "y")]
    with pytest.raises(DataError, match=r'two images have the image_id "a": .*x/a.png.*y/a.png'):
        ImagesSource(path=jsonl(*records)).fragments()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "this is no JSON"),
        ("[1]", "one JSON object"),
        ("{}", "image_path not found"),
        ('{"image_path": "a.png", "aspect_bucket": "wide"}', "WIDTHxHEIGHT"),
        ('{"image_path": "a.png", "aspect_bucket": 7}', "WIDTHxHEIGHT"),
        ('{"image_path": "s3://b/a.png", "aspect_bucket": "84x56"}', "only local files"),
    ],
)
def test_a_bad_record_is_named_by_its_line(tmp_path, line, why):
    (tmp_path / "data.jsonl").write_text(f"\n{line}\n")
    with pytest.raises(DataError, match=f"data.jsonl:2: .*{why}"):
        ImagesSource(path=str(tmp_path / "data.jsonl")).fragments()


def test_a_folder_without_images_says_which_files_are_read(tmp_path):
    with pytest.raises(DataError, match=r"\.jpeg"):
        ImagesSource(path=str(tmp_path)).fragments()


def test_a_path_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        ImagesSource(path=str(tmp_path / "none")).fragments()
