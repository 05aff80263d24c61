"""The kit checks every promise of the contract; below it, what is special to this tokenizer."""

import numpy as np
import pyarrow as pa
import pytest
from tokenry_audio import AudioTokenizer

from tokenry_core import ArrowSource, row_keys
from tokenry_core.errors import ConfigError, DataError
from tokenry_core.testing import TokenizerCase, TokenizerTests

RATE = 8000
SMALL = {"rate": RATE, "frame": 256, "hop": 128, "bands": 12, "codes": 8, "low": 60.0}


def tone(pitch, samples, loud=0.5):
    return loud * np.sin(2 * np.pi * pitch * np.arange(samples) / RATE)


def clips():
    random = np.random.default_rng(0)
    found = [
        tone(pitch, 500 + 40 * n) + random.normal(0, 0.01, 500 + 40 * n)
        for n, pitch in enumerate((200, 500, 900, 1500, 2200, 3000))
    ]
    found += [None, np.empty(0), np.full(50, 0.1), np.zeros(400)]
    return {"id": list(range(len(found))), "audio": found}


class TestContract(TokenizerTests):
    @pytest.fixture
    def case(self) -> TokenizerCase:
        return TokenizerCase(AudioTokenizer(**SMALL), clips(), many=60, decode_error=error)


def error(rows, decoded):
    """How far decoded spectrograms are from the clips', in decibels, over the frames of both."""
    bank = AudioTokenizer(**SMALL).config.bank()
    errors = [
        np.abs(bank.decibels(np.array(sound), -80.0)[0] - frames[0]).mean()
        for sound, frames in zip(
            *(c.to_pylist() for c in (rows["audio"], decoded["log_mel"])), strict=True
        )
        if sound and frames[0]
    ]
    return np.mean(errors)


def tokens_of(tokenizer, *sounds):
    batch = tokenizer.encode({"id": list(range(len(sounds))), "audio": list(sounds)})
    return [row.as_py() for row in batch.to_arrow()["audio_tokens"]]


def test_a_clip_has_a_token_for_each_frame_and_a_missing_one_has_one():
    tokenizer = AudioTokenizer(**SMALL).train(clips())
    found = tokens_of(tokenizer, np.ones(256), np.ones(257), np.ones(10), None, np.empty(0))
    assert [len(row) for row in found] == [1, 2, 1, 1, 1]
    assert found[3] == found[4] == [8]


def test_a_gap_is_missing_where_it_is_heard():
    tokenizer = AudioTokenizer(**SMALL).train(clips())
    sound = tone(900, 128 * 9)
    whole = tokens_of(tokenizer, sound)[0]
    sound[500] = np.nan  # in the frames that begin at 256 and 384
    assert tokens_of(tokenizer, sound)[0] == [*whole[:2], 8, 8, *whole[4:]]


def test_different_tones_have_different_tokens_and_silence_the_least():
    tokenizer = AudioTokenizer(**SMALL).train(clips())
    found = tokens_of(tokenizer, *(tone(p, 256) for p in (200, 900, 2200)), np.zeros(256))
    assert len({row[0] for row in found}) == 4
    assert found[3] == [0]


def test_decoding_gives_the_spectrogram_as_far_as_the_codebook_goes():
    tokenizer = AudioTokenizer(**SMALL | {"codes": 64}).train(clips())
    sound = clips()["audio"][2]
    decoded = tokenizer.decode(tokenizer.encode({"id": [1, 2], "audio": [sound, None]}))
    original = tokenizer.config.bank().decibels(sound, tokenizer.config.floor)
    found = np.array(decoded["log_mel"][0].as_py())
    assert decoded["log_mel"][1].as_py() == [None]
    assert np.sqrt(np.mean((found - original) ** 2)) < 1.0


def test_sixteen_bit_sound_has_the_tokens_of_the_same_sound_in_floats():
    tokenizer = AudioTokenizer(**SMALL).train(clips())
    whole = (tone(900, 600) * 32768).astype(np.int16)
    assert tokens_of(tokenizer, whole) == tokens_of(tokenizer, whole / 32768)


@pytest.mark.parametrize("fragment_rows", [1, 3])
def test_the_sample_does_not_depend_on_how_the_data_is_divided(fragment_rows):
    own, rows = SMALL | {"sample": 20}, pa.table(clips())
    whole = AudioTokenizer(**own).train(rows)
    turned = rows.take(list(range(len(rows)))[::-1])
    parts = AudioTokenizer(**own).train(ArrowSource(turned, fragment_rows=fragment_rows))
    assert whole == parts


def test_the_sample_has_its_size_and_depends_on_the_seed():
    batch = pa.record_batch(clips())
    draws = [
        AudioTokenizer(**SMALL, sample=20, seed=seed).update(None, batch, row_keys(batch))
        for seed in (0, 0, 1)
    ]
    assert [len(frames) for _, frames in draws] == [20, 20, 20]
    first, again, other = (sorted(frames.tolist()) for _, frames in draws)
    assert first == again != other


def test_options_that_do_not_fit_together_are_refused_before_any_sound():
    with pytest.raises(ConfigError, match="take fewer bands or a longer frame"):
        AudioTokenizer(frame=64, bands=40)


@pytest.mark.parametrize(
    ("audio", "message"),
    [(["a.wav"], "lists of samples are needed"), ([None], "no frame of sound to train on")],
    ids=["paths", "nothing"],
)
def test_what_holds_no_sound_is_refused_in_words(audio, message):
    with pytest.raises(DataError, match=message):
        AudioTokenizer(**SMALL).train({"id": [1], "audio": audio})


def test_a_panel_shows_each_clip_and_what_is_missing():
    tokenizer = AudioTokenizer(**SMALL).train(clips())
    rows = pa.record_batch(clips())
    panels = list(tokenizer.panels(rows, tokenizer.encode(rows)))
    assert len(panels) == 6
    assert panels[0].image.count(b"data:image/png;base64") == 2
    assert "dB" in panels[0].caption
