import numpy as np
import pytest

from tokenry_core import Field, FieldSpec, Spec, TokenBatch
from tokenry_core.errors import ConfigError, DataError
from tokenry_core.tokens import Vocabulary, tokens_from_batch

CATALOG = Spec(
    (
        FieldSpec.tokens("mag", codes=8, event=(2,)),
        FieldSpec("offset", "dense", "float32", event=(2,)),
    )
)
SPECTRUM = Spec(
    (
        FieldSpec.tokens("xp", codes=100, ragged=True),
        FieldSpec("point", "dense", "float32", event=(3,), ragged=True),
    )
)


def indptr(*lengths):
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


@pytest.fixture
def catalog():
    mag = np.array([[0, 8], [3, 4]], np.uint16)
    offset = np.array([[0.5, 1.5], [2.5, 3.5]], np.float32)
    return TokenBatch(CATALOG, {"mag": Field(mag), "offset": Field(offset)}, ids=[7, 9])


@pytest.fixture
def spectrum():
    xp = Field(np.array([5, 6, 100], np.uint16), indptr(1, 2))
    point = Field(np.arange(9, dtype=np.float32).reshape(3, 3), indptr(2, 1))
    return TokenBatch(SPECTRUM, {"xp": xp, "point": point}, ids=[7, 9])


def test_ids_of_all_discrete_fields_are_one_array(catalog):
    tokens = tokens_from_batch(catalog)
    assert tokens.key_order == ["mag"]
    assert tokens.data.dtype == np.int32
    np.testing.assert_array_equal(tokens.data[..., 0], [[0, 8], [3, 4]])


def test_ragged_fields_get_a_padding_mask_and_positions(spectrum):
    tokens = tokens_from_batch(spectrum, "discrete")
    np.testing.assert_array_equal(tokens.data[..., 0], [[5, 0], [6, 100]])
    np.testing.assert_array_equal(tokens.padding_mask, [[1, 0], [1, 1]])
    np.testing.assert_array_equal(tokens.positions, [[0, 1], [0, 1]])


@pytest.mark.filterwarnings("ignore::tokenry_core.tokens.PaddingWarning")
def test_vectors_are_tokens_of_the_dense_kind(catalog, spectrum):
    tokens = tokens_from_batch({"catalog": catalog, "spectrum": spectrum}, kind="dense")
    assert tokens.key_order == ["catalog/offset", "spectrum/point"]
    np.testing.assert_array_equal(tokens.data[0], [[0.5, 1.5, 0], [0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(tokens.padding_mask, [[1, 1, 1], [1, 1, 0]])


def test_labels_say_which_tokenizer_a_token_is_from(catalog, spectrum):
    tokens = tokens_from_batch({"catalog": catalog, "spectrum": spectrum})
    assert tokens.label_map == {"catalog/mag": 0, "spectrum/xp": 1}
    np.testing.assert_array_equal(tokens.labels[0], [0, 0, 1, 1])
    np.testing.assert_array_equal(tokens.decode()["catalog"]["mag"], [[0, 8], [3, 4]])


def test_the_batch_gives_its_own_tokens(catalog):
    np.testing.assert_array_equal(catalog.to_tokens().data, tokens_from_batch(catalog).data)
    assert catalog.to_tokens(kind="dense").key_order == ["offset"]


def test_a_vocabulary_gives_joint_ids_and_its_own_padding(catalog, spectrum):
    batches = {"catalog": catalog, "spectrum": spectrum}
    vocabulary = Vocabulary.of({name: batch.spec for name, batch in batches.items()})
    tokens = tokens_from_batch(batches, vocabulary=vocabulary)
    joint = tokens.data[..., 0]
    assert joint[0, 3] == vocabulary.pad
    real = tokens.padding_mask.astype(bool)
    np.testing.assert_array_equal(vocabulary.field_of(joint)[real], tokens.labels[real])
    own = vocabulary.decode(
        "catalog/mag", tokens.select_tokens("catalog/mag").decode()["catalog/mag"]
    )
    np.testing.assert_array_equal(own, catalog["mag"])


def test_a_size_pads_every_batch_alike(spectrum):
    assert tokens_from_batch(spectrum, sizes={"xp": 5}).data.shape == (2, 5, 1)


def test_rules_of_independence_are_passed_on(catalog):
    tokens = tokens_from_batch(catalog, independence={"local": ["mag"]})
    assert not tokens.self_attention_mask.any()


def test_a_batch_without_the_kind_says_what_it_has(catalog):
    spec = Spec((FieldSpec.tokens("mag", codes=8, event=(2,)),))
    batch = TokenBatch(spec, {"mag": catalog.fields["mag"]}, ids=[1, 2])
    with pytest.raises(ConfigError, match=r"No field is dense. The batch has \['mag'\]"):
        tokens_from_batch(batch, kind="dense")


def test_batches_of_different_rows_are_refused(catalog, spectrum):
    other = TokenBatch(spectrum.spec, spectrum.fields, ids=[7, 8])
    with pytest.raises(DataError, match="'catalog' and 'spectrum' are of different rows"):
        tokens_from_batch({"catalog": catalog, "spectrum": other})
