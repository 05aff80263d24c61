"""The training function: what it learns, repeats, refuses and keeps."""

import numpy as np
import pandas as pd
import pytest
import torch

from tokenry_core import Session
from tokenry_core.errors import ConfigError, DataError, NotTrained
from tokenry_pairs.training import Stage, train_pair_matching_model

QUICK = {
    "num_pairs_per_epoch": 24,
    "images_per_set": 2,
    "batch_size": 8,
    "num_epochs": 2,
    "lr": 3e-3,
    "validation_pairs": 20,
}


def weights(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def equal(one, two):
    return all(torch.equal(tensor, two[name]) for name, tensor in one.items())


@pytest.fixture
def train(make_model, make_people):
    """Train a small model on small pictures; gives the result and the model."""

    def run(model=None, df=None, val_df=None, **options):
        model = model or make_model(**options.pop("made", {}))
        df = make_people() if df is None else df
        return train_pair_matching_model(model, df, val_df, **{**QUICK, **options}), model

    return run


@pytest.mark.parametrize("batch_pairs", ["all", "random"])
@pytest.mark.parametrize("frozen", [True, False], ids=["frozen", "free"])
def test_training_learns_to_tell_individuals_apart(train, make_people, batch_pairs, frozen):
    result, _ = train(
        made={"freeze_backbone": frozen},
        df=make_people(6, 10),
        val_df=make_people(6, 6, seed=1),
        batch_pairs=batch_pairs,
        num_epochs=12,
        num_pairs_per_epoch=64,
        validation_pairs=200,
        lr=1e-2,
    )
    first, last = result["history"][0], result["history"][-1]
    assert last["loss"] < 0.7 * first["loss"]
    assert result["final_metrics"]["auc_roc"] > 0.9


@pytest.mark.parametrize("batch_pairs", ["all", "random"])
def test_seeded_training_twice_gives_equal_weights(train, batch_pairs):
    options = {"batch_pairs": batch_pairs, "hard_negatives": 0.5}
    (one, a), (two, b) = train(**options), train(**options)
    assert equal(weights(a), weights(b))
    assert one["history"] == two["history"]
    _, other = train(**options, seed=1)
    assert not equal(weights(a), weights(other))


def test_the_order_of_the_rows_does_not_matter_where_images_are_files(train, make_people, tmp_path):
    from PIL import Image

    df = make_people(3, 5)
    for i, pixels in enumerate(df.x):
        Image.fromarray(pixels).save(tmp_path / f"{i:02d}.png")
    files = pd.DataFrame({"x": [str(tmp_path / f"{i:02d}.png") for i in range(15)], "y": df.y})
    shuffled = files.sample(frac=1, random_state=0).reset_index(drop=True)
    (_, a), (_, b) = train(df=files), train(df=shuffled)
    assert equal(weights(a), weights(b))


def test_a_frozen_backbone_stays_and_a_free_one_moves(train, make_model):
    for frozen in (True, False):
        model = make_model(freeze_backbone=frozen)
        before = weights(model.backbone)
        train(model)
        assert equal(before, weights(model.backbone)) is frozen


def test_two_stages_freeze_and_then_free_the_backbone(train, make_model):
    model = make_model()
    before = weights(model.backbone)
    seen = []

    def event(name, values):
        if name == "epoch":
            seen.append((values["stage"], equal(before, weights(model.backbone))))

    stages = [
        {"num_epochs": 2, "freeze_backbone": True},
        Stage(num_epochs=1, freeze_backbone=False, lr=1e-3),
    ]
    result, _ = train(model, stages=stages, session=Session(seed=0, event=event))
    assert seen == [(0, True), (0, True), (1, False)]
    assert [entry["epoch"] for entry in result["history"]] == [0, 1, 2]


@pytest.mark.parametrize("batch_pairs", ["all", "random"])
def test_cached_tokens_train_like_the_backbone_itself(train, batch_pairs, tmp_path):
    options = {"made": {"freeze_backbone": True}, "batch_pairs": batch_pairs}
    (kept, a), (live, b) = train(cache=tmp_path, **options), train(cache=False, **options)
    losses = [[entry["loss"] for entry in result["history"]] for result in (kept, live)]
    np.testing.assert_allclose(*losses, rtol=1e-5)
    for name, tensor in a.state_dict().items():
        torch.testing.assert_close(tensor, b.state_dict()[name], atol=1e-5, rtol=1e-4)


def test_tokens_are_computed_once_and_found_again_by_content(train, make_people, tmp_path):
    computed = []

    def event(name, values):
        if name == "tokens":
            computed.append(values["computed"])

    options = {"made": {"freeze_backbone": True}, "cache": tmp_path}
    session = Session(seed=0, event=event)
    df = make_people(4, 6)
    doubled = pd.concat([df, df.assign(y=df.y + 10)], ignore_index=True)
    train(df=df, session=session, **options)
    train(df=doubled, session=session, **options)  # other rows, the same pictures
    train(df=df, session=session, cache=tmp_path, made={"freeze_backbone": True, "seed": 1})
    assert computed == [24, 0, 24]  # another backbone has tokens of its own


def test_a_renamed_file_is_found_and_a_changed_one_is_not(train, make_people, tmp_path):
    from PIL import Image

    def table(folder):
        (tmp_path / folder).mkdir()
        df = make_people(3, 4)
        for i, pixels in enumerate(df.x):
            Image.fromarray(pixels).save(tmp_path / folder / f"{i:02d}.png")
        return pd.DataFrame({"x": sorted((tmp_path / folder).iterdir()), "y": df.y})

    computed = []

    def event(name, values):
        if name == "tokens":
            computed.append(values["computed"])

    first, second = table("before"), table("after")
    Image.new("RGB", (8, 8), "red").save(second.x[5])
    options = {"made": {"freeze_backbone": True}, "cache": tmp_path / "tokens"}
    for df in (first, second):
        train(df=df, session=Session(seed=0, event=event), **options)
    assert computed == [12, 1]


def test_augmentation_runs_the_backbone_on_what_it_gives(train):
    seen = []

    def augment(images, generator):
        seen.append(torch.rand((), generator=generator).item())
        return images + 0.01 * torch.randn(images.shape, generator=generator)

    (_, a), first = train(augment=augment), list(seen)
    seen.clear()
    (_, b) = train(augment=augment)
    assert first == seen
    assert len(set(first)) == len(first)
    assert equal(weights(a), weights(b))


def test_a_transform_of_the_callers_own_is_used_and_keyed_by_its_pixels(train, tmp_path):
    computed = []

    def event(name, values):
        if name == "tokens":
            computed.append(values["computed"])

    for shade in (0.0, 0.5, 0.5):

        def transform(image, shade=shade):
            return torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255 - shade

        options = {"made": {"freeze_backbone": True}, "cache": tmp_path, "transform": transform}
        train(session=Session(seed=0, event=event), **options)
    assert computed == [32, 32, 0]


def test_the_best_epoch_is_kept_and_patience_ends_training(train, make_people):
    result, _ = train(
        df=make_people(4, 8), val_df=make_people(4, 6, seed=1), num_epochs=30, patience=2, lr=3e-2
    )
    history = result["history"]
    assert len(history) < 30
    best = max(entry["auc_roc"] for entry in history)
    assert result["final_metrics"]["auc_roc"] == best


def test_the_same_image_in_training_and_validation_is_refused(train, make_people):
    df = make_people(4, 8)
    with pytest.raises(DataError, match="both in training and in validation"):
        train(df=df.iloc[:20], val_df=df.iloc[18:])


def test_one_label_is_refused(train, make_people):
    with pytest.raises(DataError, match="at least two"):
        train(df=make_people(1, 8))


def test_labels_without_two_images_are_refused(train, make_people):
    with pytest.raises(DataError, match="0 of whom have more than one image"):
        train(df=make_people(6, 1))


def test_a_broken_image_is_named(train, make_people, tmp_path):
    path = tmp_path / "broken.png"
    path.write_bytes(b"no image")
    df = make_people(3, 4)
    df["x"] = [str(path) if i == 5 else x for i, x in enumerate(df.x)]
    with pytest.raises(DataError, match=r"broken\.png"):
        train(df=df)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"num_epochs": 0}, "num_epochs"),
        ({"batch_pairs": "some"}, "batch_pairs"),
        ({"images_per_set": (3, 1)}, "images_per_set"),
        ({"stages": [{"num_epochs": 1}]}, "freeze_backbone"),
        ({"lr": "fast"}, "lr"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_mistakes_in_options_are_named(train, options, why):
    with pytest.raises(ConfigError, match=why):
        train(**options)


def test_accelerate_on_one_device_gives_the_same_weights(train):
    (_, a), (_, b) = train(), train(use_accelerator=True)
    assert equal(weights(a), weights(b))


def test_without_accelerate_the_error_says_what_to_install(train, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "accelerate", None)
    with pytest.raises(ConfigError, match=r"pip install.*accelerate"):
        train(use_accelerator=True)


def test_bfloat16_trains_as_well(train):
    result, _ = train(amp="bfloat16")
    assert np.isfinite(result["final_metrics"]["loss"])


def test_stopping_says_where_the_checkpoint_is(train, tmp_path):
    session = Session(seed=0, stop=lambda: True)
    with pytest.raises(NotTrained, match=r"after step 1.*checkpoint-"):
        train(session=session, save_dir=tmp_path)


def test_a_negative_seed_is_refused(make_model, make_people):
    with pytest.raises(ConfigError, match="seed: -1"):
        train_pair_matching_model(make_model(), make_people(), **QUICK, seed=-1)
