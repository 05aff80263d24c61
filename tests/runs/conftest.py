"""A small catalog on disk, and a run over it."""

import copy

import pytest
from catalogs import RUN, write_catalog


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty folder to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def catalog(place):
    """Four files of 250 rows in row groups of 100."""
    write_catalog(place / "data", files=4, rows=250)
    return place / "data"


@pytest.fixture
def run(catalog):
    """A run over the catalog: two tokenizers, row groups as fragments, no processes."""
    return copy.deepcopy(RUN)
