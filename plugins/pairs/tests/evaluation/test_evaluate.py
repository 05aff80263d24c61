import numpy as np
import pytest
import torch

from tokenry_core.errors import ConfigError, DataError, MissingColumn
from tokenry_pairs.data import ImageTransform, PairSamplerDataset
from tokenry_pairs.evaluation import _evaluate, evaluate_pair_matching_model, pair_metrics


def one_by_one(model, df, count, size, threshold):
    """The metrics by the dataset, one pair at a time."""
    dataset = PairSamplerDataset.from_labeled_df(
        df, count, size, transform=ImageTransform.of(model.backbone), seed=0
    )
    with torch.no_grad():
        logits = [
            model.eval()(sample["set_a"][None], sample["set_b"][None]).item()
            for sample in (dataset[index] for index in range(count))
        ]
    return pair_metrics([dataset[i]["label"] for i in range(count)], logits, threshold)


@pytest.mark.parametrize("size", [2, (1, 3)])
def test_metrics_are_those_of_the_datasets_pairs_one_by_one(small, photos, size):
    df, model = photos({"rex": 6, "ada": 6, "bo": 6}), small(seed=2)
    found = evaluate_pair_matching_model(model, df, 20, size, batch_size=6, threshold=0.4)
    assert found == pytest.approx(one_by_one(model, df, 20, size, 0.4), rel=1e-4)
    assert set(found) >= {"accuracy", "precision", "recall", "f1_score", "auc_roc", "auc_pr"}


def test_the_seed_decides_the_pairs_and_the_model_is_left_as_it_was(small, photos):
    df, model = photos({"rex": 6, "ada": 6}), small().train()
    one, same = (_evaluate.score_pairs(model, df, 10, seed=1) for _ in range(2))
    other = _evaluate.score_pairs(model, df, 10, seed=2)
    assert np.array_equal(one.logits, same.logits)
    assert not np.array_equal(one.logits, other.logits)
    assert model.training


def test_what_cannot_be_evaluated_is_refused(small, photos):
    df, model = photos({"rex": 2, "ada": 2}), small()
    with pytest.raises(MissingColumn, match='"y"'):
        evaluate_pair_matching_model(model, df[["x"]])
    with pytest.raises(ConfigError, match="num_pairs: 0"):
        evaluate_pair_matching_model(model, df, 0)
    with pytest.raises(ConfigError, match=r"num_pairs: 1\.5"):
        evaluate_pair_matching_model(model, df, 1.5)
    with pytest.raises(ConfigError, match="seed: -1"):
        evaluate_pair_matching_model(model, df, 4, seed=-1)
    with pytest.raises(ConfigError, match=r"threshold: 7 .* 0 to 1"):
        evaluate_pair_matching_model(model, df, 4, threshold=7)
    with pytest.raises(DataError, match="there is 1 label"):
        evaluate_pair_matching_model(model, df[df.y == "rex"])
