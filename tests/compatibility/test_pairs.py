"""The document "Image Pair Matching Model": its interfaces, and its three lines."""

import inspect

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import tokenry
from tokenry_pairs import (
    GenericLambdaDataset,
    GenericPytorchDataset,
    GenericXYLambdaAutoLabelEncoderDataset,
    PairMatchingLoss,
    PairMatchingModel,
    PairMatchingTrainer,
    PairSamplerDataset,
    ReasoningHead,
    SetPoolingModule,
    TokenExtractorBackbone,
    create_pair_dataset_from_labeled_df,
    evaluate_pair_matching_model,
    sample_negative_pair,
    sample_positive_pair,
    train_pair_matching_model,
)
from tokenry_pairs.compat import get_model

SMALL = {"img_size": 8, "patch_size": 4, "embed_dim": 16, "depth": 1, "num_heads": 2}

# As the document prints them; what is ours comes after, by keyword.
SIGNATURES = {
    GenericLambdaDataset.from_dataframe: "df, transforms=None, auto_tensorize=False",
    GenericLambdaDataset.from_list: "data_list, key='x'",
    GenericLambdaDataset.from_xy_lists: "x_list, y_list",
    GenericPytorchDataset: "df, transforms=None",
    PairSamplerDataset.from_labeled_df: "df, num_pairs, images_per_set=3, positive_ratio=0.5,"
    " transform=None, seed=42",
    PairSamplerDataset: "lambda_dict, length, label_to_indices, images_per_set, positive_ratio,"
    " transform, rng",
    sample_positive_pair: "df, images_per_set",
    sample_negative_pair: "df, images_per_set",
    create_pair_dataset_from_labeled_df: "df, num_pairs, images_per_set=3, positive_ratio=0.5,"
    " seed=42",
    TokenExtractorBackbone: "backbone_name='vit_b_16', pretrained=True, freeze_backbone=False",
    SetPoolingModule: "input_dim, output_dim, pooling_type='attention'",
    ReasoningHead: "input_dim, hidden_dim=256, reasoning_type='concat_mlp'",
    PairMatchingModel: "backbone_name='vit_b_16', pooling_type='attention',"
    " reasoning_type='concat_mlp', embed_dim=256, freeze_backbone=False",
    PairMatchingLoss: "pos_weight=None",
    train_pair_matching_model: "model, train_df, val_df=None, num_pairs_per_epoch=10000,"
    " images_per_set=3, positive_ratio=0.5, batch_size=32, num_epochs=50, lr=0.0001,"
    " weight_decay=1e-05, use_accelerator=False, save_dir=None, seed=42",
    evaluate_pair_matching_model: "model, eval_df, num_pairs=1000, images_per_set=3,"
    " batch_size=32, threshold=0.5",
    PairMatchingTrainer: "model_name='vit_b_16', pooling_type='attention',"
    " reasoning_type='concat_mlp', embed_dim=256, freeze_backbone=False",
}


@pytest.mark.parametrize("function", SIGNATURES, ids=lambda f: f.__qualname__)
def test_signatures_are_those_of_the_document(function):
    own = [
        p.name if p.default is p.empty else f"{p.name}={p.default!r}"
        for p in inspect.signature(function).parameters.values()
        if p.kind is p.POSITIONAL_OR_KEYWORD
    ]
    assert ", ".join(own) == SIGNATURES[function]


@pytest.fixture(autouse=True)
def one_thread():
    """Models this small only wait for each other's threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def pets(tmp_path):
    """Write photos of four animals, eight each, and give their table."""
    rows = []
    for animal in range(4):
        for number in range(8):
            noise = np.random.default_rng([animal, number]).integers(0, 40, (8, 8, 3), np.uint8)
            path = tmp_path / f"animal{animal}_{number}.png"
            Image.fromarray(noise + np.uint8(60 * animal)).save(path)
            rows.append((str(path), f"animal{animal}"))
    return pd.DataFrame(rows, columns=["x", "y"])


def tiny(**options):
    return PairMatchingModel(embed_dim=8, pretrained=False, backbone_options=SMALL, **options)


def test_datasets_are_functions_of_the_index():
    assert issubclass(GenericPytorchDataset, GenericLambdaDataset)
    assert issubclass(PairSamplerDataset, GenericLambdaDataset)
    assert issubclass(GenericXYLambdaAutoLabelEncoderDataset, GenericLambdaDataset)
    df = pd.DataFrame({"x": [1, 2], "y": [3, 4]})
    assert GenericLambdaDataset.from_dataframe(df)[1] == {"x": 2, "y": 4}
    assert torch.is_tensor(GenericLambdaDataset.from_dataframe(df, auto_tensorize=True)[1]["x"])
    assert GenericLambdaDataset.from_list([5, 6])[1] == {"x": 6}
    lists = GenericLambdaDataset.from_xy_lists([5, 6], [7, 8])
    lists.extend_lambda_dict({"y": str})
    assert lists.get_value_from_key_and_index("y", 0) == "7"
    with pytest.raises(AssertionError, match="x_list and y_list must have same length"):
        GenericLambdaDataset.from_xy_lists([5], [])
    with pytest.raises(TypeError, match=r"df must be a pandas DataFrame\."):
        GenericPytorchDataset([1])
    dataset = GenericPytorchDataset(df, transforms={"x": lambda value: 1 / (value - 2)})
    assert list(dataset.columns) == ["x", "y"]
    with pytest.raises(RuntimeError, match="Error applying transform to column 'x' at index 1"):
        dataset[1]
    encoded = GenericXYLambdaAutoLabelEncoderDataset.from_df(pd.DataFrame({"x": [1], "y": ["a"]}))
    assert encoded[0]["y"] == 0


def test_pairs_are_sampled_from_labels(pets):
    dataset = PairSamplerDataset.from_labeled_df(pets, num_pairs=6, images_per_set=2, seed=1)
    assert dataset[0]["set_a"].shape == dataset[0]["set_b"].shape == (2, 3, 8, 8)
    assert {dataset[i]["label"] for i in range(6)} == {0, 1}
    for sample, label in ((sample_positive_pair, 1), (sample_negative_pair, 0)):
        a, b, found = sample(pets, 2)
        assert (len(a), len(b), found) == (2, 2, label)
        assert not set(a) & set(b)
    table = create_pair_dataset_from_labeled_df(pets, num_pairs=6)
    assert list(table.columns) == ["set_a", "set_b", "label"]


@pytest.mark.parametrize("pooling_type", ["mean", "attention", "cls_mean"])
@pytest.mark.parametrize("reasoning_type", ["concat_mlp", "cross_attention", "siamese"])
def test_models_are_made_of_the_documents_parts(pooling_type, reasoning_type):
    backbone = TokenExtractorBackbone(pretrained=False, freeze_backbone=True, **SMALL)
    tokens = backbone(torch.zeros(5, 3, 8, 8))
    assert tokens.shape == (5, backbone.get_num_tokens(), backbone.get_token_dim())
    pooled = SetPoolingModule(16, 8, pooling_type)([tokens[:3], tokens[3:]])
    assert ReasoningHead(8, reasoning_type=reasoning_type)(pooled, pooled).shape == (2, 1)
    model = tiny(pooling_type=pooling_type, reasoning_type=reasoning_type)
    sets = torch.zeros(2, 3, 3, 8, 8)
    assert model(sets, sets).shape == (2, 1)
    assert model.predict(sets, sets).shape == (2,)


def test_a_model_trains_and_is_evaluated(pets):
    model = tiny()
    options = {"num_pairs_per_epoch": 8, "batch_size": 4, "num_epochs": 1, "images_per_set": 2}
    result = train_pair_matching_model(model, pets[:16], pets[16:], validation_pairs=8, **options)
    assert {"history", "final_metrics"} <= result.keys()
    metrics = evaluate_pair_matching_model(model, pets, num_pairs=8, images_per_set=2)
    named = {"accuracy", "precision", "recall", "f1_score", "auc_roc", "auc_pr"}
    assert named <= metrics.keys()
    loss = PairMatchingLoss(pos_weight=2.0)(torch.zeros(2, 1), torch.tensor([1, 0]))
    assert float(loss) == pytest.approx(1.5 * np.log(2))


def test_a_model_is_found_under_either_name():
    options = {"pretrained": False, "embed_dim": 8, "backbone_options": SMALL}
    model = get_model("pair_matching_vit_b_16", **options)
    assert type(model) is type(tokenry.models["pair-matching/vit_b_16"](**options))


def test_three_lines_save_load_and_predict(pets, tmp_path):
    small = {"pretrained": False, "embed_dim": 8, "backbone_options": SMALL}
    trainer = PairMatchingTrainer(model_name="vit_b_16", **small)
    sizes = {"num_pairs_per_epoch": 8, "batch_size": 4, "images_per_set": 2}
    trainer.train(pets, num_epochs=1, validation_pairs=8, validation=0.5, **sizes)
    results = trainer.evaluate(pets, num_pairs=8)
    assert 0 <= results["f1_score"] <= 1
    given = {"image_set_a": list(pets["x"][:2]), "image_set_b": list(pets["x"][8:10])}
    path = tmp_path / "pairs.safetensors"
    trainer.save(path)
    other = PairMatchingTrainer(model_name="vit_b_16", **small)
    other.load(path)
    assert 0 <= trainer.predict(**given) <= 1
    assert other.predict(**given) == pytest.approx(trainer.predict(**given), abs=1e-5)
    assert tokenry.load(path).is_fitted
