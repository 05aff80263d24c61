"""Anyone can add a kind: a class and an entry point."""

import sys

import numpy as np
import pytest

from tokenry_spectrum import SpectrumTokenizer
from tokenry_spectrum._config import KINDS, kind_of

MODULE = """
from dataclasses import dataclass
from tokenry_core import require, with_doc
from tokenry_spectrum.kinds import Group, Kind, Points, read_lists

@dataclass(frozen=True, kw_only=True)
class CountsGroup(Group):
    counts_col: str = with_doc("list column of counts")

class Counts(Kind[CountsGroup]):
    Config = CountsGroup
    dims = 1

    def columns(self, schema):
        return require(schema, [self.group.counts_col])

    def read(self, batch, assets):
        lists = read_lists(batch, self.columns(batch.schema))
        root = lambda a, b: lists.values[0][None, a:b].astype("float32") ** 0.5
        return Points(lists.lengths, lists.present, root, lists.bad, lists.length)

    def values(self, features, assets):
        return {self.group.counts_col: features[0] ** 2}
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A package that provides the kind `counts`, for the time of a test."""
    folder = tmp_path / "photon_counts-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: photon-counts\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text(
        "[tokenry_spectrum.kinds]\ncounts = photon_counts:Counts\n"
    )
    (tmp_path / "photon_counts.py").write_text(MODULE)
    monkeypatch.setenv("TOKENRY_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(str(tmp_path))
    KINDS.refresh()
    yield
    monkeypatch.undo()
    sys.modules.pop("photon_counts", None)
    kind_of.cache_clear()
    KINDS.refresh()


def test_a_kind_of_another_package_works_like_ours(installed):
    group = {"name": "x", "kind": "counts", "counts_col": "photons"}
    data = {"photons": [[0, 1, 4, 9], [16, 9, 4, 1]]}
    tokenizer = SpectrumTokenizer(codebook_size=5, groups=[group]).train(data)
    assert tokenizer.encode(data)["tokens_x"].tolist() == [[0, 1, 2, 3], [4, 3, 2, 1]]
    decoded = tokenizer.decode(tokenizer.encode(data))["photons"].to_pylist()
    assert np.allclose(decoded, data["photons"], atol=1e-5)
