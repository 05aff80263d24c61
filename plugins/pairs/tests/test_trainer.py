"""PairMatchingTrainer: three lines from photos to an answer."""

import inspect
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import tokenry_core
from tokenry_core.errors import ArtifactError, ConfigError, DataError, MissingColumn, NotTrained
from tokenry_pairs import Match, PairMatchingTrainer, PairsTokenizer, threshold_at
from tokenry_pairs.evaluation import probabilities

SMALL = {"img_size": 8, "patch_size": 4, "embed_dim": 16, "depth": 1, "num_heads": 2}
PLAN = {
    "num_epochs": 12,
    "num_pairs_per_epoch": 64,
    "batch_size": 8,
    "images_per_set": 2,
    "validation_pairs": 100,
    "lr": 1e-2,
}


def pixels(label, number):
    base = np.random.default_rng(label).uniform(40, 215, (8, 8, 3))
    noise = np.random.default_rng([label, number]).normal(0, 20, (8, 8, 3))
    return np.clip(base + noise, 0, 255).astype(np.uint8)


def photos(folder, labels=8, images=8, first=0):
    """Write pictures of individuals, one folder each, and give their table."""
    rows = []
    for label in range(first, first + labels):
        for number in range(images):
            path = folder / f"cat{label}" / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels(label, number)).save(path)
            rows.append((str(path), f"cat{label}"))
    return pd.DataFrame(rows, columns=["x", "y"])


def small(**options):
    return PairMatchingTrainer(
        reasoning_type="siamese",
        embed_dim=8,
        pretrained=False,
        backbone_options=SMALL,
        **options,
    )


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return photos(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module")
def trainer(table):
    made = small()
    made.train(table, **PLAN)
    return made


def test_the_constructor_has_the_options_of_the_model_in_their_order():
    names = list(inspect.signature(PairMatchingTrainer.__init__).parameters)[1:6]
    assert names == ["model_name", "pooling_type", "reasoning_type", "embed_dim", "freeze_backbone"]


def test_three_lines_tell_individuals_apart(trainer, table):
    figures = trainer.evaluate(table)
    assert figures["auc_roc"] > 0.95
    wanted = {"accuracy", "precision", "recall", "f1_score", "auc_roc", "auc_pr"}
    assert wanted | {"calibration_error", "equal_error_threshold"} <= set(figures)
    own = [list(rows) for _, rows in table.groupby("y")["x"]]
    same = trainer.predict(own[0][:3], own[0][3:6])
    other = trainer.predict(own[0][:3], own[1][:2])
    assert same > 0.5 > other


def test_a_set_is_predicted_alike_from_paths_bytes_arrays_and_pictures(trainer, table):
    paths = list(table.x[:2]), list(table.x[9:11])
    expected = trainer.predict(*paths)
    opened = [[Image.open(path).convert("RGB") for path in one] for one in paths]
    files = [[Path(path).read_bytes() for path in one] for one in paths]
    arrays = [[np.asarray(image) for image in one] for one in opened]
    floats = [[array / 255 for array in one] for one in arrays]
    tensors = [[torch.from_numpy(array.copy()).permute(2, 0, 1) for array in one] for one in arrays]
    for kind in (opened, files, arrays, floats, tensors):
        assert trainer.predict(*kind) == pytest.approx(expected, abs=1e-6)


def test_prediction_is_symmetric(trainer, table):
    a, b = list(table.x[:2]), list(table.x[9:12])
    assert trainer.predict(a, b) == pytest.approx(trainer.predict(b, a), abs=1e-6)


def test_probabilities_are_divided_by_the_temperature(trainer, table):
    a, b = list(table.x[:2]), list(table.x[9:12])
    hot = small()
    state = {**trainer.tokenizer.state()}
    hot.tokenizer = PairsTokenizer.restore(trainer.tokenizer.config, state)
    hot.tokenizer.adopt({**state, "temperature": np.array(2 * trainer.tokenizer.temperature)})
    logit = lambda p: np.log(p / (1 - p))  # noqa: E731
    assert logit(hot.predict(a, b)) == pytest.approx(logit(trainer.predict(a, b)) / 2, rel=1e-4)


def test_saved_and_loaded_trainers_predict_the_same(trainer, table, tmp_path):
    path = tmp_path / "cats.safetensors"
    trainer.save(path)
    a, b = list(table.x[:2]), list(table.x[9:11])
    filled = PairMatchingTrainer()
    filled.load(path)
    for again in (PairMatchingTrainer.load(path), filled):
        assert again.predict(a, b) == trainer.predict(a, b)
    assert tokenry_core.load(path) == trainer.tokenizer


def test_an_artifact_of_another_plugin_is_refused(tmp_path):
    path = tmp_path / "other.safetensors"
    path.write_bytes(b"no artifact")
    with pytest.raises(ArtifactError, match="other"):
        PairMatchingTrainer.load(path)


def test_tables_may_be_folders_and_csv_files(table, tmp_path):
    folder = table.x[0].rsplit("/", 2)[0]
    table.to_csv(tmp_path / "cats.csv", index=False)
    plan = {**PLAN, "num_epochs": 1}
    found = []
    for data in (table, folder, tmp_path / "cats.csv"):
        made = small()
        made.train(data, **plan)
        found.append(made.tokenizer.fingerprint)
    assert len(set(found)) == 1


def test_a_match_names_the_individual_and_what_decided_it(trainer, table, tmp_path):
    gallery = table[table.index % 8 < 5]
    own = {f"cat{y}": list(table.x[8 * y + 5 : 8 * y + 8]) for y in range(8)}
    found = trainer.match(gallery, own, false_match_rate=0.05, evidence=2)
    right = sum(match.ranking[0].label == match.query for match in found)
    assert right >= 6
    assert all(isinstance(match, Match) for match in found)
    assert all(len(match.evidence) == 2 for match in found)
    assert found[0].evidence[0].query_image in own["cat0"]
    assert set(gallery.x) >= {e.gallery_image for match in found for e in match.evidence}


@pytest.mark.parametrize("rate", [0.5, 0.05])
def test_who_scores_below_the_threshold_of_the_rate_is_unknown(trainer, table, tmp_path, rate):
    strangers = photos(tmp_path, labels=12, images=3, first=50)
    queries = [list(rows) for _, rows in strangers.groupby("y")["x"]]
    state = trainer.tokenizer.state()
    threshold = threshold_at(state["validation.same"], state["validation.logits"], rate)
    for match in trainer.match(table, queries, false_match_rate=rate):
        least = probabilities(threshold, trainer.tokenizer.temperature)
        assert match.known == (match.ranking[0].probability >= least)


def test_matching_without_validation_says_what_is_needed(table):
    made = small()
    made.train(table, validation=0, **{**PLAN, "num_epochs": 1})
    with pytest.raises(DataError, match="validation"):
        made.match(table, [list(table.x[:2])])


def test_validation_individuals_were_never_seen(table):
    made = small()
    result = made.train(table, validation=0.25, **{**PLAN, "num_epochs": 1})
    assert len(result["validation_images"].groups) == 2


def test_validation_by_image_keeps_images_of_everyone(table):
    made = small()
    result = made.train(table, validation=0.25, validation_by="image", **{**PLAN, "num_epochs": 1})
    assert [len(rows) for rows in result["validation_images"].groups.values()] == [2] * 8


def test_the_default_scores_all_pairs_of_a_step(trainer):
    assert trainer.tokenizer.config.training.batch_pairs == "all"


def test_a_report_has_curves_and_mistakes_as_pictures(table, tmp_path):
    made = small()
    made.train(table, **{**PLAN, "num_epochs": 1}, save_dir=tmp_path / "work")
    page = tmp_path / "page.html"
    made.evaluate(table, num_pairs=200, report=page)
    for written in (page, tmp_path / "work" / "training.html"):
        text = written.read_text()
        for title in ("ROC", "Precision and recall", "Calibration", "The worst mistakes"):
            assert f"<h2>{title}</h2>" in text
        assert "data:image/png;base64," in text
        assert "<script" not in text


def test_tokens_in_a_folder_serve_the_next_training(table, tmp_path):
    frozen = small(freeze_backbone=True)
    plan = {**PLAN, "num_epochs": 1}
    frozen.train(table, cache=tmp_path, **plan)
    before = {path.name for path in tmp_path.rglob("*.npy")}
    small(freeze_backbone=True).train(table, cache=tmp_path, **plan)
    assert before
    assert {path.name for path in tmp_path.rglob("*.npy")} == before


@pytest.mark.parametrize(
    ("options", "error", "why"),
    [
        ({"num_epoch": 3}, ConfigError, 'Did you mean "num_epochs"'),
        ({"num_epochs": "3"}, ConfigError, "num_epochs"),
        ({"validation": 2.0}, ConfigError, "validation"),
        ({"validation_by": "colour"}, ConfigError, "identity"),
    ],
)
def test_mistakes_in_options_are_named(table, options, error, why):
    with pytest.raises(error, match=why):
        small().train(table, **options)


@pytest.mark.parametrize(
    ("labels", "options", "why"),
    [
        (3, {}, 'keeping some for validation needs at least four.*validation_by="image"'),
        (1, {"validation": 0}, "train_df: images of 1 individuals"),
        (4, {"validation_by": "image", "validation": 0.01}, "is not one image"),
    ],
)
def test_too_few_individuals_say_what_can_be_done(table, labels, options, why):
    known = table[table.y.isin(table.y.unique()[:labels])]
    with pytest.raises(DataError, match=why):
        small().train(known, **PLAN, **options)


def test_validation_without_pairs_is_told_from_training(table):
    with pytest.raises(DataError, match="val_df has no row"):
        small().train(table, table[:0], **PLAN)
    with pytest.raises(DataError, match="val_df: images of 3 individuals.* 0 of whom"):
        small().train(table[:32], table[32::8][:3], **PLAN)


def test_a_folder_that_cannot_be_made_is_refused_before_the_work(table, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    for place in (tmp_path / "file", tmp_path / "file" / "inner"):
        with pytest.raises(ConfigError, match="save_dir: .* cannot be made"):
            small().train(table, save_dir=place, **PLAN)


def test_a_report_in_place_of_a_folder_is_refused_before_the_work(trainer, table, tmp_path):
    with pytest.raises(ConfigError, match="report: .* is a folder"):
        trainer.evaluate(table, report=tmp_path)


@pytest.mark.parametrize("device", ["gpu", "cuda:77"])
def test_a_device_that_is_not_there_is_named(trainer, table, tmp_path, device):
    with pytest.raises(ConfigError, match=f'device: "{device}" cannot be used'):
        small(device=device).train(table, **PLAN)
    trainer.save(tmp_path / "made.safetensors")
    again = PairMatchingTrainer.load(tmp_path / "made.safetensors", device=device)
    with pytest.raises(ConfigError, match=f'device: "{device}" cannot be used'):
        again.predict(table.x[:1], table.x[1:2])


def test_a_negative_seed_is_refused_where_it_is_given():
    with pytest.raises(ConfigError, match="seed: -1"):
        small(seed=-1)


def test_predicting_before_training_says_so(table):
    with pytest.raises(NotTrained, match="train"):
        small().predict(list(table.x[:1]), list(table.x[1:2]))


def test_a_path_in_place_of_a_set_and_an_empty_set_are_refused(trainer, table):
    with pytest.raises(DataError, match="image_set_b: a single image"):
        trainer.predict(list(table.x[:1]), table.x[1])
    with pytest.raises(DataError, match="image_set_a has no image"):
        trainer.predict([], list(table.x[:1]))


def test_a_table_without_labels_names_the_column(table):
    with pytest.raises(MissingColumn, match='"y"'):
        small().train(table[["x"]])


def test_an_unknown_backbone_is_named(table):
    made = PairMatchingTrainer("vit_b_61", pretrained=False)
    with pytest.raises(LookupError, match="vit_b_61"):
        made.train(table)


def test_something_that_is_no_image_is_refused(trainer):
    with pytest.raises(DataError, match="is no image"):
        trainer.predict([np.zeros((4, 4), np.int64)], [np.zeros((4, 4, 3), np.uint8)])


def test_a_validation_that_could_not_be_calibrated_is_refused_before_the_work(table):
    options = {"positive_ratio": 0.001}
    with pytest.raises(ConfigError, match=r"validation_pairs: 100 .*calibration needs both"):
        small().train(table, **PLAN, **options)
    fresh = small()
    fresh.train(table, **{**PLAN, **options, "num_epochs": 1, "validation": 0.0})
    assert fresh.tokenizer.is_fitted


def test_a_set_of_any_size_is_looked_at_a_few_images_at_a_time(trainer, table, monkeypatch):
    seen = []
    tokens = type(trainer.model).tokens
    monkeypatch.setattr(
        type(trainer.model), "tokens", lambda self, x: seen.append(len(x)) or tokens(self, x)
    )
    likely = trainer.predict(list(table.x[:8]) * 40, list(table.x[8:10]))
    assert (max(seen), sum(seen)) == (64, 322)
    assert likely == pytest.approx(trainer.predict(table.x[:8], table.x[8:10]), rel=1e-4)
