import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokenry_core import Field, FieldSpec, Spec, TokenBatch
from tokenry_core.errors import ArtifactError, ConfigError, DataError
from tokenry_core.tokens import Ragged, UnknownKey, Vocabulary, VocabularyField, tokens_from_batch


@pytest.fixture
def vocabulary():
    return Vocabulary(
        (
            VocabularyField("mag", 1024, (3,), "a1"),
            VocabularyField("xp", 2048, None, "b2"),
            VocabularyField("cutout", 8192, (4, 4), "c3"),
        )
    )


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    indptr = np.array([0, 4, 4, 9])
    return {
        "mag": rng.integers(0, 1025, (3, 3)).astype(np.uint16),
        "xp": Ragged(rng.integers(0, 2049, 9).astype(np.uint16), indptr),
        "cutout": rng.integers(0, 8193, (3, 4, 4)).astype(np.uint16),
    }


def assert_rows(found, rows):
    np.testing.assert_array_equal(found["mag"], rows["mag"])
    np.testing.assert_array_equal(found["xp"].values, rows["xp"].values)
    np.testing.assert_array_equal(found["xp"].indptr, rows["xp"].indptr)
    np.testing.assert_array_equal(found["cutout"], rows["cutout"])
    assert {array.dtype for array in (found["mag"], found["xp"].values)} == {np.dtype(np.uint16)}


def test_ids_are_contiguous_and_no_two_meanings_share_one(vocabulary):
    own = [vocabulary.encode(f.name, np.arange(f.size)) for f in vocabulary.fields]
    marks = [m for name in vocabulary.names for m in (vocabulary.begin(name), vocabulary.end(name))]
    every = [vocabulary.pad, vocabulary.mask, *marks, *np.concatenate(own)]
    assert sorted(every) == list(range(vocabulary.size))


def test_a_joint_sequence_round_trips_to_each_tokenizers_own_ids(vocabulary, rows):
    assert_rows(vocabulary.split(vocabulary.join(rows)), rows)


def test_a_padded_sequence_round_trips_too(library, vocabulary, rows):
    joint = vocabulary.join(rows)
    padded = library.array(joint.padded(vocabulary.pad))
    assert tuple(padded.shape) == (3, 3 + 5 + 16 + 6)
    assert_rows(vocabulary.split(padded), rows)


def test_a_batch_of_tokens_round_trips(vocabulary, rows):
    spec = Spec(
        (
            FieldSpec.tokens("mag", codes=1024, event=(3,)),
            FieldSpec.tokens("xp", codes=2048, ragged=True),
            FieldSpec.tokens("cutout", codes=8192, event=(4, 4)),
        )
    )
    fields = {
        "mag": Field(rows["mag"]),
        "xp": Field(rows["xp"].values, rows["xp"].indptr),
        "cutout": Field(rows["cutout"]),
    }
    batch = TokenBatch(spec, fields, ids=[1, 2, 3])
    tokens = tokens_from_batch(batch, vocabulary=vocabulary)
    joint, real = tokens.data[..., 0], tokens.padding_mask.astype(bool)
    for key, slot in tokens.slices.items():
        part = slice(slot["offset"], slot["offset"] + int(np.prod(slot["event_shape"])))
        own = vocabulary.decode(key, joint[:, part][real[:, part]])
        np.testing.assert_array_equal(own, fields[key].values.ravel())
    assert_rows(vocabulary.split(vocabulary.join(batch.fields)), rows)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_any_rows_round_trip(data):
    n = data.draw(st.integers(0, 4))
    vocabulary = Vocabulary((VocabularyField("a", 3), VocabularyField("b", 5, (2,))))
    lengths = data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
    indptr = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    ids = st.integers(0, 3)
    a = np.array(data.draw(st.lists(ids, min_size=sum(lengths), max_size=sum(lengths))), np.uint16)
    b = np.array(data.draw(st.lists(st.tuples(ids, ids), min_size=n, max_size=n)), np.uint16)
    found = vocabulary.split(vocabulary.join({"a": Ragged(a, indptr), "b": b.reshape(n, 2)}))
    np.testing.assert_array_equal(found["a"].values, a)
    np.testing.assert_array_equal(found["a"].indptr, indptr)
    np.testing.assert_array_equal(found["b"], b.reshape(n, 2))


def test_encode_and_decode_in_every_library(library, vocabulary):
    own = library.array(np.array([0, 5, 2048], np.int32))
    joint = vocabulary.encode("xp", own)
    assert isinstance(joint, type(own))
    np.testing.assert_array_equal(np.asarray(vocabulary.decode("xp", joint)), [0, 5, 2048])


@pytest.mark.parametrize("ids", [[-1], [1026], [0, 3, 5000]])
def test_an_id_that_does_not_fit_is_refused(library, vocabulary, ids):
    message = rf"Field 'mag' has ids 0 to 1024 \(missing\); id {ids[-1]} does not fit"
    with pytest.raises(DataError, match=message):
        vocabulary.encode("mag", library.array(np.array(ids, np.int32)))


def test_an_id_of_another_field_is_not_decoded(vocabulary):
    joint = vocabulary.encode("xp", np.array([3]))
    with pytest.raises(DataError, match="Field 'mag' has joint ids 8 to"):
        vocabulary.decode("mag", joint)


def test_fractions_are_no_ids(vocabulary):
    with pytest.raises(DataError, match="Ids are whole numbers, not float64"):
        vocabulary.encode("mag", np.array([1.0]))


def test_field_of_says_where_an_id_belongs(vocabulary):
    ids = [vocabulary.pad, vocabulary.mask, vocabulary.begin("xp"), vocabulary.end("cutout")]
    own = [int(vocabulary.encode(name, np.array([0]))[0]) for name in vocabulary.names]
    assert vocabulary.field_of(np.array(ids + own)).tolist() == [-1, -1, 1, 2, 0, 1, 2]


def test_a_saved_vocabulary_is_read_back_equal(vocabulary, tmp_path):
    path = tmp_path / "vocabulary.json"
    vocabulary.save(path)
    assert Vocabulary.load(path) == vocabulary
    document = json.loads(path.read_text())
    assert [field["fingerprint"] for field in document["fields"]] == ["a1", "b2", "c3"]


def document(**changes):
    field = {"name": "a", "codes": 3, "shape": None, "fingerprint": ""}
    whole = {"format": "tokenry-vocabulary", "version": 1, "size": 8, "fields": [field]}
    return json.dumps(whole | changes)


def test_the_documented_form_is_read(tmp_path):
    path = tmp_path / "vocabulary.json"
    path.write_text(document())
    assert Vocabulary.load(path) == Vocabulary((VocabularyField("a", 3),))


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "{}",
        "[]",
        document(format="other"),
        document(version=2),
        document(size=9),
        document(fields=[]),
        document(fields=[{"name": "a", "codes": 3.0, "shape": None, "fingerprint": ""}]),
        document(fields=[{"name": "a", "codes": 3}]),
    ],
)
def test_a_file_that_is_no_vocabulary_is_refused(tmp_path, text):
    path = tmp_path / "vocabulary.json"
    path.write_text(text)
    with pytest.raises(ArtifactError, match="is not a vocabulary"):
        Vocabulary.load(path)


def test_another_tokenizer_is_refused(vocabulary):
    vocabulary.check({"mag": "a1", "xp": "b2"})
    with pytest.raises(ArtifactError, match="Field 'xp' was made by the tokenizer 'b2', not 'zz'"):
        vocabulary.check({"xp": "zz"})


def test_a_vocabulary_is_made_of_tokenizers():
    class Tokenizer:
        fingerprint = "f00"
        spec = Spec(
            (
                FieldSpec.tokens("mag", codes=8, event=(2,)),
                FieldSpec("offset", "dense", "float32"),
                FieldSpec.tokens("xp", codes=9, ragged=True),
            )
        )

    vocabulary = Vocabulary.of({"catalog": Tokenizer(), "other": Tokenizer.spec})
    assert vocabulary.names == ["catalog/mag", "catalog/xp", "other/mag", "other/xp"]
    assert vocabulary.fields[0] == VocabularyField("catalog/mag", 8, (2,), "f00")
    assert vocabulary.fields[3] == VocabularyField("other/xp", 9, None, "")
    assert Vocabulary.of(Tokenizer.spec).names == ["mag", "xp"]
    with pytest.raises(ConfigError, match="made of tokenizers or their specs, not str"):
        Vocabulary.of("catalog")


def test_fields_must_differ_and_have_codes():
    with pytest.raises(ConfigError, match="of different names"):
        Vocabulary((VocabularyField("a", 1), VocabularyField("a", 1)))
    with pytest.raises(ConfigError, match="Field 'a' has 0 codes"):
        Vocabulary((VocabularyField("a", 0),))


def test_an_unknown_field_lists_the_known(vocabulary):
    with pytest.raises(UnknownKey, match=r"Key 'cutouts' not found. Available keys: .*\"cutout\""):
        vocabulary.encode("cutouts", np.array([1]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v, s: s.__setitem__(1, v.mask), "masks, inside 'mag'"),
        (lambda v, s: s.__setitem__(4, v.mask), "does not hold 'mag' between"),
        (
            lambda v, s: s.__setitem__([1, 6], [v.mask, v.offset("mag")]),
            "does not hold 'mag' between",
        ),
        (lambda v, s: s.__setitem__(0, v.begin("xp")), "does not hold 'mag' between"),
        (
            lambda v, s: s.__setitem__(2, v.offset("xp")),
            "does not hold 'xp' between|something else",
        ),
        (lambda v, s: s.__setitem__(0, 10**6), "does not fit"),
    ],
)
def test_a_sequence_that_was_not_joined_is_refused(vocabulary, rows, change, message):
    joint = vocabulary.join(rows)
    change(vocabulary, joint.values)
    with pytest.raises(DataError, match=message):
        vocabulary.split(joint)


def test_a_sequence_holds_every_field(vocabulary, rows):
    del rows["xp"]
    with pytest.raises(ConfigError, match=r"The ids of \['xp'\] are missing"):
        vocabulary.join(rows)


def test_fields_of_different_rows_are_refused(vocabulary, rows):
    rows["mag"] = rows["mag"][:2]
    with pytest.raises(DataError, match=r"different numbers of rows: \[2, 3\]"):
        vocabulary.join(rows)


def test_several_tokenizers_keep_the_names_that_a_run_gives_their_fields():
    specs = [Spec((FieldSpec.tokens(name, codes=4, event=(2,)),)) for name in ("a", "b")]
    assert Vocabulary.of(specs) == Vocabulary.of(tuple(specs))
    assert Vocabulary.of(specs).names == ["a", "b"]
    with pytest.raises(ConfigError, match="different names"):
        Vocabulary.of([specs[0], specs[0]])
