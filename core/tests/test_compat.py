"""Names that end in .npz, as scripts gave them, mean artifacts."""

from dataclasses import dataclass

import numpy as np
import pytest

from tokenry_core import Field, FieldSpec, Spec, TokenBatch
from tokenry_core.compat import NpzNames
from tokenry_core.errors import ArtifactError


@dataclass(frozen=True)
class Nothing:
    """No options."""


class Zeros(NpzNames[Nothing]):
    """Gives every row the token 0."""

    name = "zeros"
    Config = Nothing

    @property
    def spec(self):
        return Spec((FieldSpec.tokens("zero", codes=1),))

    def columns(self, schema):
        return []

    def encode_batch(self, batch):
        zeros = np.zeros(batch.num_rows, np.uint16)
        return TokenBatch(self.spec, {"zero": Field(zeros)}, np.arange(batch.num_rows))


class OlderZeros(Zeros):
    """Reads older files, too."""

    @classmethod
    def from_legacy(cls, path):
        return cls()


def test_an_npz_name_saves_an_artifact_beside_and_says_so(tmp_path):
    with pytest.warns(UserWarning, match=r"saved as .*zeros\.safetensors"):
        saved = Zeros().save(tmp_path / "zeros.npz")
    assert saved == tmp_path / "zeros.safetensors"
    assert [file.name for file in tmp_path.iterdir()] == ["zeros.safetensors"]


def test_an_npz_name_loads_the_artifact_beside(tmp_path):
    Zeros().save(tmp_path / "zeros.safetensors")
    assert Zeros.load(tmp_path / "zeros.npz", threads=2).runtime.threads == 2
    assert Zeros().load(tmp_path / "zeros.npz") == Zeros()


def test_an_npz_of_the_scripts_is_refused_with_the_way_to_read_it(tmp_path):
    np.savez(tmp_path / "old.npz", N_BINS=4)
    with pytest.raises(ArtifactError, match=r"OlderZeros.from_legacy\(path\) reads it"):
        OlderZeros.load(tmp_path / "old.npz")
    with pytest.raises(ArtifactError, match="no artifact, which is NAME.safetensors"):
        Zeros.load(tmp_path / "old.npz")


def test_a_name_that_is_nowhere_is_reported_as_the_artifact(tmp_path):
    with pytest.raises(ArtifactError, match=r"zeros\.safetensors: No such file"):
        Zeros.load(tmp_path / "zeros.npz")
