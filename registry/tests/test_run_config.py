import pytest

import tokenry
from tokenry_core.errors import ConfigError

SEED_YAML = """
data:
  mag_filter: {min: 14.0, max: 22.0}
tokenizers:
  scalar:
    n_bins: 1024
    max_values_per_col: 2000000
    max_values_per_file_per_col: 100000

  spectrum:
    codebook_size: 2048
    groups:
      - desi_b
      - desi_r
      - desi_z
      - gaiaxp_bp
      - gaiaxp_rp

  image:
    cutout_size: 96
    latent_dim: 2
    codebook_size: 1024
    bands:
      - F378
      - F395
      - U
      - G
      - R
      - I
      - Z
"""


def test_the_scripts_configuration_loads(tmp_path):
    (tmp_path / "config.yaml").write_text(SEED_YAML)
    config = tokenry.load_config(tmp_path / "config.yaml")
    assert config.tokenizers.scalar.n_bins == 1024
    assert config.tokenizers.scalar.max_values_per_col == 2_000_000
    assert config.tokenizers.spectrum.codebook_size == 2048
    assert config.tokenizers.image.cutout_size == 96
    assert list(config.tokenizers.image.bands) == ["F378", "F395", "U", "G", "R", "I", "Z"]
    assert config.data.mag_filter["min"] == 14.0
    assert config.source is None


RUN = {
    "source": {"name": "parquet", "path": "x/*.parquet", "where": "mag_r < 22"},
    "tokenizers": {"catalog": {"name": "scalar", "n_bins": 64, "scalar_columns": ["a"]}},
}


def changed(**changes):
    run = {**RUN, "tokenizers": {"catalog": dict(RUN["tokenizers"]["catalog"])}}
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = run
        for parent in parents:
            place[parent] = dict(place.get(parent, {}))
            place = place[parent]
        place[last] = value
    return run


def test_checked_run_has_defaults_and_attributes():
    config = tokenry.load_config(RUN)
    assert config.sink.name == "parquet"
    assert config.sink.path == "tokens"
    assert config.engine.workers == 2
    assert config.source.where.text == "mag_r < 22"
    assert config.tokenizers["catalog"].n_bins == 64
    assert config.tokenizers.catalog.missing == "token"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tokenizers__catalog__n_bins": "64"}, "tokenizers.catalog.n_bins: '64' is a string"),
        ({"tokenizers__catalog__n_bins": True}, "tokenizers.catalog.n_bins: True was given"),
        ({"tokenizers__catalog__n_bins": 0}, "tokenizers.catalog.n_bins: 0 was given; allowed"),
        ({"tokenizers__catalog__nbins": 3}, 'catalog.nbins: unknown key.*Did you mean "n_bins"'),
        ({"tokenizers__catalog__name": "scalr"}, 'catalog.name: "scalr".*Did you mean "scalar"'),
        ({"tokenizers__catalog__name": 7}, "tokenizers.catalog: .* a mapping with a name"),
        ({"tokenizers__catalog__scalar_columns": "a"}, "scalar_columns: 'a' is a string"),
        ({"tokenizers__catalog": 3}, "tokenizers.catalog: 3 was given; allowed is a mapping"),
        ({"tokenizers": {}}, "tokenizers: none was given; give at least one"),
        ({"tokenizers": []}, "tokenizers: .* is a list; allowed is a mapping"),
        ({"tokenizers__my-key": {"name": "scalar"}}, "tokenizers.my-key: a key becomes part"),
        ({"tokenizers__a": {"artifact": "x", "n": 1}}, "tokenizers.a: an artifact holds every"),
        ({"sources": {}}, 'sources: unknown key.*Did you mean "source"'),
        ({"source__path": None}, "source.path: null was given"),
        ({"source": {"name": "parquet"}}, "source.path: missing; give"),
        ({"source__where": 3}, "source.where: 3 was given"),
        ({"source__where": "a <"}, 'where: "a <" is no condition'),
        ({"source__where": "__import__('os').system('x')"}, "where: .* is not understood"),
        ({"sink": {"name": "parquet", "compress": 1}}, "sink.compress: unknown key"),
        ({"engine": "loca"}, 'engine.name: "loca".*Did you mean "local"'),
        ({"engine": {"name": "local", "workers": 0}}, "engine.workers: 0 was given; allowed"),
        (
            {"on_error": "ignore"},
            "on_error: 'ignore' is a string; allowed is one of \"quarantine\"",
        ),
        ({"runtime": {"batch_rows": 0}}, "runtime.batch_rows: 0 was given"),
        ({"training": {"seeds": 1}}, 'training.seeds: unknown key.*Did you mean "seed"'),
        ({"plugins": {"disable": "scalar"}}, "plugins.disable: 'scalar' is a string"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, str) else None,
)
def test_mistake_names_its_place(change, message):
    with pytest.raises(ConfigError, match=message):
        tokenry.encode(changed(**change))


def test_mistake_in_a_file_names_the_file(tmp_path):
    (tmp_path / "run.yaml").write_text("tokenizers: {scalar: {n_bins: many}}")
    with pytest.raises(ConfigError, match=r"run\.yaml: tokenizers\.scalar\.n_bins: 'many'"):
        tokenry.load_config(tmp_path / "run.yaml")


def test_unknown_option_of_a_choice_names_the_nearest():
    config = tokenry.load_config(RUN)
    with pytest.raises(AttributeError, match='has no option "nbins".*Did you mean "n_bins"'):
        _ = config.tokenizers.catalog.nbins
    with pytest.raises(AttributeError, match='there is no "cat" here; there are: catalog'):
        _ = config.tokenizers.cat


def test_configuration_blocks_plugins():
    with pytest.raises(ConfigError, match='"scalar" of tokenry-scalar .* blocked by the config'):
        tokenry.load_config({**RUN, "plugins": {"disable": ["tokenry-scalar"]}})
    assert tokenry.load_config(RUN).tokenizers.catalog.n_bins == 64


def test_tilde_is_the_users_folder_wherever_a_path_is_written(monkeypatch):
    monkeypatch.setenv("HOME", "/ada")
    run = {
        "tokenizers": {"old": {"artifact": "~/old.safetensors"}},
        "artifacts": "~/models",
        "sink": {"name": "npz", "path": "~/tokens"},
    }
    config = tokenry.load_config(run)
    assert config.tokenizers.old.artifact == "/ada/old.safetensors"
    assert config.artifacts == "/ada/models"
    assert config.sink.path == "/ada/tokens"
