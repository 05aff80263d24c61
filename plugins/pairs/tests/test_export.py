import builtins

import numpy as np
import onnxruntime
import pytest
import torch

from tokenry_core.errors import ConfigError
from tokenry_pairs import export_onnx, export_program
from tokenry_pairs.export import INPUTS
from tokenry_pairs.model import POOLINGS, REASONINGS

SIZES = [(1, 1, 1), (2, 3, 4), (5, 6, 2)]

third_party = pytest.mark.filterwarnings(
    "ignore:.isinstance.treespec, LeafSpec.. is deprecated:FutureWarning"
)


def inputs(pairs, images_a, images_b):
    generator = torch.Generator().manual_seed(pairs)
    sets = [torch.randn(pairs, n, 3, 8, 8, generator=generator) for n in (images_a, images_b)]
    masks = [torch.rand(one.shape[:2], generator=generator) < 0.6 for one in sets]
    for mask in masks:
        mask[:, 0] = True
    return (*sets, *masks)


@pytest.mark.slow
@pytest.mark.parametrize(("pooling", "reasoning"), [*zip(POOLINGS, REASONINGS, strict=True)])
def test_a_program_takes_pairs_and_sets_of_any_size(small, pooling, reasoning):
    model = small(pooling_type=pooling, reasoning_type=reasoning).train()
    program = export_program(model).module()
    assert model.training
    for sizes in SIZES:
        given = inputs(*sizes)
        with torch.no_grad():
            torch.testing.assert_close(program(*given), model.eval()(*given), rtol=1e-4, atol=1e-5)


@third_party
@pytest.mark.slow
def test_onnx_runtime_gives_the_logits_of_the_model(small, tmp_path):
    model = small().eval()
    export_onnx(model, tmp_path / "pairs.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["pairs.onnx"]
    check_by_onnxruntime(model, tmp_path / "pairs.onnx")


@third_party
@pytest.mark.slow
def test_large_weights_lie_beside_the_graph(small, tmp_path, monkeypatch):
    monkeypatch.setattr("tokenry_pairs.export._LARGE", 1000)
    model = small(reasoning_type="cross_attention", freeze_backbone=True).eval()
    export_onnx(model, tmp_path / "pairs.onnx")
    assert {path.name for path in tmp_path.iterdir()} == {"pairs.onnx", "pairs.onnx.data"}
    check_by_onnxruntime(model, tmp_path / "pairs.onnx")


def check_by_onnxruntime(model, path):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for sizes in SIZES:
        given = inputs(*sizes)
        (logits,) = session.run(["logits"], dict(zip(INPUTS, map(np.asarray, given), strict=True)))
        with torch.no_grad():
            np.testing.assert_allclose(logits, model(*given).numpy(), rtol=1e-4, atol=1e-5)


def test_without_onnx_the_error_names_what_to_install(small, tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **options):
        if name.startswith("onnx"):
            raise ImportError(name)
        return real(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match=r"pip install tokenry-pairs\[onnx\]"):
        export_onnx(small(), tmp_path / "pairs.onnx")
