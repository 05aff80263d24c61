"""The pages of a training and an evaluation, and the panels of a run."""

import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image

from tokenry_pairs import PairsConfig, PairsTokenizer, TrainingPlan
from tokenry_pairs.report import panels_of, write_scores_page
from tokenry_pairs.training._images import Images
from tokenry_pairs.training._validation import Scores

PICTURES = np.random.default_rng(0).integers(0, 256, (6, 8, 8), np.uint8)


def png(array):
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def images():
    return Images(pd.DataFrame({"x": list(PICTURES), "y": list("aaabbb")}), np.asarray)


def test_figures_are_a_table_also_without_scores(tmp_path):
    path = write_scores_page(tmp_path / "p.html", "A <b>", {"auc": 0.5}, None, None, 1.0)
    page = path.read_text(encoding="utf-8")
    assert "<h1>A &lt;b&gt;</h1>" in page
    assert "<td>auc</td><td>0.5000</td>" in page
    assert "<svg" not in page


def test_pairs_of_one_kind_have_no_curves_and_still_their_mistakes(images, tmp_path):
    rows = [(np.array([0]), np.array([1])), (np.array([1]), np.array([2]))]
    scores = Scores(np.array([-3.0, 2.0]), np.array([True, True]), rows)
    path = write_scores_page(tmp_path / "p.html", "one", {}, scores, images, 1.0)
    page = path.read_text(encoding="utf-8")
    assert "ROC" not in page
    assert page.count("truth: one individual") == 1  # the other pair is told right
    assert page.count("<image") == 2


def test_rows_without_labels_or_with_one_usable_row_have_no_panels():
    plan = TrainingPlan(num_epochs=1, num_pairs_per_epoch=4, images_per_set=1, batch_size=4)
    small = {"img_size": 8, "patch_size": 4, "embed_dim": 16, "depth": 1, "num_heads": 2}
    config = PairsConfig(
        pretrained=False, embed_dim=4, validation=0.0, options=small, training=plan
    )
    tokenizer = PairsTokenizer(config)
    rows = {"set": [[b] for b in map(png, PICTURES)], "label": list("aaabbb")}
    tokenizer.train(rows)
    for given in ({"set": rows["set"]}, {"set": [[], [], rows["set"][0]], "label": list("abc")}):
        batch = pa.RecordBatch.from_pydict(given)
        assert list(panels_of(tokenizer, batch, tokenizer.encode(batch))) == []
    batch = pa.RecordBatch.from_pydict(rows)
    titles = [panel.title for panel in panels_of(tokenizer, batch, tokenizer.encode(batch))]
    assert titles == ["ROC", "Precision and recall", "Calibration", "The worst mistakes"]
