"""The filter bank against what is known in closed form."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tokenry_audio import MelBank
from tokenry_audio._mel import hertz, mel

from tokenry_core.errors import ConfigError

RATE = 8000
BANK = MelBank(rate=RATE, frame=512, hop=256, bands=24, low=60.0)
SOUNDS = arrays(np.float64, st.integers(1, 1500), elements=st.floats(-1, 1))


@given(st.floats(0, 20_000))
def test_pitch_and_frequency_undo_each_other(frequency):
    assert hertz(mel(frequency)) == pytest.approx(frequency, abs=1e-6)


@given(st.floats(BANK.centres[0], BANK.centres[-1]), st.floats(0, 2 * np.pi))
def test_a_pure_tone_is_loudest_in_the_band_nearest_in_pitch(frequency, phase):
    power = BANK.power(np.sin(2 * np.pi * frequency * np.arange(2048) / RATE + phase))[1]
    distance = np.abs(mel(BANK.centres) - mel(frequency))
    two_nearest = np.argsort(distance)[:2]
    # A frame resolves RATE / frame Hz: a tone between two bands may show in either.
    assert power.argmax() in two_nearest
    width = np.diff(np.sort(distance)[:2])[0] / (mel(BANK.centres[1]) - mel(BANK.centres[0]))
    if width > 0.5 and frequency > 500:
        assert power.argmax() == two_nearest[0]


@given(SOUNDS)
def test_the_spectrum_holds_the_power_of_the_windowed_frames(sound):
    """Parseval: the mean over frequencies of |X|² is the sum over time of |x|²."""
    window = np.hanning(BANK.frame + 1)[:-1]
    in_time = ((BANK.frames(sound) * window) ** 2).sum(1) / (window**2).sum()
    np.testing.assert_allclose(BANK.spectrum(sound).sum(1), in_time, rtol=1e-9, atol=1e-15)


def test_bands_add_up_to_one_between_the_first_and_the_last_peak():
    bins = np.fft.rfftfreq(BANK.frame, 1 / RATE)
    inside = (bins >= BANK.centres[0]) & (bins <= BANK.centres[-1])
    np.testing.assert_allclose(BANK.weights[inside].sum(1), 1.0)


def test_a_sine_of_full_scale_has_half_the_power_of_full_scale():
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    np.testing.assert_allclose(BANK.power(tone)[1:-1].sum(1), 0.5, rtol=1e-3)


def test_twice_the_amplitude_is_six_decibels_more():
    noise = np.random.default_rng(0).normal(size=4000)
    louder = BANK.decibels(2 * noise, -200) - BANK.decibels(noise, -200)
    np.testing.assert_allclose(louder, 20 * np.log10(2))


@given(SOUNDS, st.integers(16, 64), st.integers(1, 16))
def test_frames_cover_every_sample_and_the_last_one_is_needed(sound, frame, hop):
    bank = MelBank(rate=RATE, frame=frame, hop=hop, bands=2, low=0.0)
    frames = bank.frames(sound)
    covered = (len(frames) - 1) * hop + frame
    assert covered >= len(sound)
    assert len(frames) == 1 or covered - hop < len(sound)
    for number, row in enumerate(frames):
        own = sound[number * hop :][:frame]
        np.testing.assert_array_equal(row[: len(own)], own)


def test_silence_is_at_the_floor_and_a_gap_is_nan_where_frames_touch_it():
    sound = np.zeros(4 * 256)
    assert (BANK.decibels(sound, -80.0) == -80.0).all()
    sound[300] = np.nan
    np.testing.assert_array_equal(np.isnan(BANK.decibels(sound, -80.0)).all(1), [1, 1, 0])


def test_bands_finer_than_a_frame_resolves_are_refused():
    with pytest.raises(ConfigError, match="take fewer bands or a longer frame"):
        MelBank(rate=RATE, frame=64, hop=32, bands=40, low=60.0)
