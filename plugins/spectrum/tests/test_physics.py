"""Data whose truth is known: tokens keep what they are meant to keep."""

import numpy as np
import pytest

from tokenry_spectrum import SpectrumTokenizer

WAVELENGTH = 3600 + 2.0 * np.arange(600)
SPECTRUM = {"name": "s", "kind": "flux_ivar", "flux_col": "flux", "ivar_col": "ivar"}
CURVE = {"name": "c", "kind": "ztf_mag_err", "mag_col": "mag", "err_col": "err", "time_col": "t"}


def blackbodies(n=120, seed=0):
    """Blackbodies of 4,000 to 12,000 K with one emission line each, and noise of known size."""
    random = np.random.default_rng(seed)
    kelvin = random.uniform(4000, 12_000, n)[:, None]
    x = 1.438777e8 / (WAVELENGTH * kelvin)
    body = WAVELENGTH**-5.0 / np.expm1(x)
    body /= body.mean(axis=1, keepdims=True)
    line = random.uniform(3700, 4700, n)
    flux = body + 4 * np.exp(-0.5 * ((WAVELENGTH - line[:, None]) / 6) ** 2)
    noise = 0.02
    flux += noise * random.normal(size=flux.shape)
    ivar = np.full(flux.shape, noise**-2) * random.uniform(0.8, 1.2, (n, 1))
    return {"flux": list(flux), "ivar": list(ivar)}, line


def reconstructed(tokenizer, data, column):
    values = tokenizer.decode(tokenizer.encode(data))[column]
    return np.stack(values.to_numpy(zero_copy_only=False))


@pytest.fixture(scope="module")
def errors():
    data, _ = blackbodies()
    found = {}
    for size in (16, 64, 256, 1024):
        tokenizer = SpectrumTokenizer(codebook_size=size, groups=[SPECTRUM]).train(data)
        found[size] = np.sqrt(
            ((reconstructed(tokenizer, data, "flux") - np.stack(data["flux"])) ** 2).mean()
        )
    return found


def test_the_error_of_reconstruction_falls_as_the_codebook_grows(errors):
    values = list(errors.values())
    assert values == sorted(values, reverse=True)


def test_in_two_dimensions_the_error_halves_when_codes_quadruple(errors):
    # k codes tile an area, so the distance to the nearest falls as k**-0.5.
    ratios = [errors[a] / errors[b] for a, b in ((16, 64), (64, 256), (256, 1024))]
    assert ratios == pytest.approx([2, 2, 2], rel=0.25)


def test_a_lines_position_survives():
    data, line = blackbodies()
    tokenizer = SpectrumTokenizer(codebook_size=256, groups=[SPECTRUM]).train(data)
    fresh, line = blackbodies(seed=1)
    found = reconstructed(tokenizer, fresh, "flux")
    excess = np.maximum(found - 2.5, 0)
    position = (excess * WAVELENGTH).sum(axis=1) / excess.sum(axis=1)
    assert np.median(np.abs(position - line)) < 1.0  # half a pixel
    assert (np.abs(position - line) < 4.0).mean() > 0.95


def test_a_variables_period_survives():
    random = np.random.default_rng(4)
    mags, errs, times, periods = [], [], [], random.uniform(0.5, 0.9, 60)
    for period in periods:
        t = np.sort(random.uniform(0, 20, random.integers(80, 160)))
        mags.append(17 + 0.4 * np.sin(2 * np.pi * t / period) + 0.02 * random.normal(size=t.size))
        errs.append(np.full(t.size, 0.02) * random.uniform(0.9, 1.1, t.size))
        shuffled = random.permutation(t.size)
        mags[-1], errs[-1], t = mags[-1][shuffled], errs[-1][shuffled], t[shuffled]
        times.append(t)
    data = {"mag": mags, "err": errs, "t": times}
    tokenizer = SpectrumTokenizer(codebook_size=128, groups=[CURVE]).train(data)
    decoded = tokenizer.decode(tokenizer.encode(data))["mag"].to_pylist()
    trial = np.linspace(0.45, 0.95, 2000)
    for mag, t, period in zip(decoded, times, periods, strict=True):
        power = np.abs(np.exp(2j * np.pi * np.sort(t) / trial[:, None]) @ (np.array(mag) - 17))
        assert trial[power.argmax()] == pytest.approx(period, rel=0.01)
