"""Run files that are wrong in every way: changed as data, and damaged as text."""

import copy
import json
from typing import NamedTuple

import yaml
from hypothesis import strategies as st

SMALL = {
    "source": {"name": "parquet", "path": "data", "id": "id", "where": "x < 90 and not y > 2"},
    "tokenizers": {
        "range": {"column": "y", "slow": 0.0},
        "bins": {
            "name": "scalar",
            "n_bins": 8,
            "scalar_columns": ["x", "y"],
            "filters": [{"column": "x", "low": 1}],
            "missing": "token",
        },
        "old": {"artifact": "old.safetensors"},
    },
    "training": {"source": {"name": "parquet", "path": ["data/part0.parquet"]}, "seed": 1},
    "artifacts": "artifacts",
    "engine": {"name": "local", "mode": "serial", "workers": 1},
    "sink": {"name": "parquet", "path": "tokens", "compression": "none"},
    "runtime": {"device": "cpu", "batch_rows": 64, "threads": 1},
    "on_error": "quarantine",
    "bad_rows": "drop",
    "plugins": {"disable": ["nobody"], "choose": {"range": "tokenry-test-plugins"}},
    "data": {"mine": 1},
}
WIDE = {
    "source": {"name": "jsonl", "path": "data/rows.jsonl"},
    "tokenizers": {
        "xp": {
            "name": "spectrum",
            "codebook_size": 4,
            "groups": [
                {"name": "b", "kind": "flux_ivar", "flux_col": "f", "ivar_col": "i"},
                {"name": "bp", "kind": "gaiaxpy_xp", "xp_band": "BP", "mode": "convert"},
            ],
        },
        "cutout": {
            "name": "image",
            "cutout_size": 8,
            "bands": ["R"],
            "training": {"steps": 1, "batch_size": 2},
            "ellipse": {"semi_major": "a", "semi_minor": "b", "angle": "t"},
        },
        "patch": {"name": "patch2d", "shape": [1, 8, 8], "patch_size": [4, 4]},
        "dino": {"name": "dino-patch", "options": {"depth": 1}, "buckets": [[28, 28]]},
    },
    "engine": "local",
    "sink": {"name": "npz", "path": "tokens"},
}


class Mutant(NamedTuple):
    """A run file, and the places that a message about it may name; none: any line or key."""

    content: bytes
    suffix: str
    places: tuple[str, ...]
    wide: bool = False


def leaves(value, path=()):
    """Every place in a run file, sections and items of lists among them."""
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else []
    for key, one in enumerate(value) if isinstance(value, list) else inner:
        yield from leaves(one, (*path, key))


def dotted(path):
    return "".join(f"[{k}]" if isinstance(k, int) else f".{k}" for k in path).lstrip(".")


def at(run, path):
    for key in path:
        run = run[key]
    return run


SPECIAL = [float("nan"), float("inf"), float("-inf")]
ODD_TEXT = st.sampled_from(
    [
        "",
        "*",
        "[",
        "..",
        "a/b",
        "~",
        "${HOME}",
        "{}",
        "%s",
        "true",
        "null",
        "1e3",
        "scalar",
        "parquet",
        "tokenry-scalar:x",
        "ftp9://x",
        "timm/x",
        "image/*",
        "dist:name",
        "data/none.parquet",
        "data",
        "old.safetensors",
        "ünïcode",
        " ",
        "nul\x00",
        chr(0xD800),
        "\n",
        "\u202e",
        "x" * 300,
    ]
)
ODD_NUMBER = st.sampled_from(
    [0, -1, 7, 2**31, 2**63, -(2**64), 10**40, 10**400, 0.5, -0.0, 1e-320, 1e308, *SPECIAL]
)
ODD_WHERE = st.sampled_from(
    [
        "x <",
        "nope > 1",
        "x",
        "1",
        "x = 1",
        "x < 'a'",
        "x in 3",
        "x.y < 1",
        "f(x)",
        "x < y < 1 <",
        "{",
        "x ** 2 > 1",
        "abs() < 1",
        "x / 0 > 1",
        "date('never') < x",
        "x < 1e999",
        "x is 1",
        "x < None",
        "lambda: x",
        "[x for x in y]",
        "not x",
        "x in [1, 'a']",
        "x in ['a']",
        "is_null(1)",
        "abs('a') < 1",
        "x and y",
        "col(x) < 1",
        "-'a' < x",
        "x < 10**9",
        "x + 'a' < 1",
        "x in y",
        "None == None",
        "x < b'a'",
        "x < 1j",
        "x == ...",
        "\0",
        "9" * 5000 + " < x",
        "(" * 300 + "x" + ")" * 300,
    ]
)
ODD = st.one_of(
    st.none(),
    st.booleans(),
    ODD_NUMBER,
    ODD_TEXT,
    st.just([]),
    st.just({}),
    st.lists(st.one_of(ODD_NUMBER, ODD_TEXT), max_size=3),
    st.dictionaries(st.sampled_from(["name", "path", "a", "", "artifact"]), ODD_TEXT, max_size=2),
)


@st.composite
def changed(draw):
    """A run file with one value, key or section changed."""
    wide = draw(st.sampled_from([False, False, True]))
    run = copy.deepcopy(WIDE if wide else SMALL)
    path = draw(st.sampled_from(sorted(leaves(run), key=str)))
    *above, last = path
    parent = at(run, above)
    how = draw(
        st.sampled_from(["odd", "odd", "gone", "misspelt", "extra", "moved", "wrapped", "where"])
    )
    if how == "where" and not wide:
        path, run["source"]["where"] = ("source", "where"), draw(ODD_WHERE)
    elif how == "gone":
        del parent[last]
    elif how == "misspelt" and isinstance(last, str):
        path = (*above, draw(st.sampled_from([last[:-1], last.upper(), f"{last}s", f" {last}"])))
        parent[path[-1]] = parent.pop(last)
    elif how == "extra" and isinstance(parent[last], dict):
        key = draw(st.one_of(ODD_TEXT, st.integers(), st.booleans(), st.none()))
        parent[last][key] = draw(ODD)
        path = (*path, key) if isinstance(key, str) else path
    elif how == "moved":
        target = at(
            run, draw(st.sampled_from([p for p in leaves(run) if isinstance(at(run, p), dict)]))
        )
        if isinstance(last, str):
            target[last] = copy.deepcopy(parent[last])
        path = ()
    elif how == "wrapped":
        parent[last] = draw(st.sampled_from([[parent[last]], {"name": parent[last]}]))
    else:
        parent[last] = draw(ODD)
    # A rule between keys names their section.
    section = path[:-2] if path and isinstance(path[-1], int) else path[:-1]
    places = (dotted(path), dotted(section)) if path else ()
    if wide and places:
        places = (*places, "it is not trained")  # where the change was harmless
    content, suffix = spelled(run, draw(st.sampled_from([".yaml", ".json"])))
    return Mutant(content, suffix, tuple(filter(None, places)), wide)


def spelled(run, suffix):
    if suffix == ".json":
        return json.dumps(run).encode("utf-8", "surrogatepass"), suffix
    try:
        return yaml.safe_dump(run, sort_keys=False).encode(), suffix
    except UnicodeEncodeError:  # YAML has no way to write half of a pair
        return json.dumps(run).encode(), ".json"


PIECES = [
    *[
        "\t",
        "&a ",
        "*a ",
        "*",
        "!x ",
        "[",
        "}",
        '"',
        "'",
        ">",
        "%",
        "@",
        "`",
        "- ",
        ": ",
        "? ",
        "#",
        "\n---\n",
        "\n...\n",
        "<<: *a\n",
        "\ufeff",
        "\x07",
        "\x85",
        "=",
        "0x",
        "\r",
    ],
    *("|", "&a [*a]", "\n    ", "!!python/object/apply:os.system ", "9" * 5000, "{" * 2000),
]


@st.composite
def damaged(draw):
    """The bytes of a run file with a piece of them damaged."""
    text = yaml.safe_dump(SMALL, sort_keys=False)
    place = draw(st.integers(0, len(text) - 1))
    lines = text.splitlines(keepends=True)
    line = draw(st.integers(0, len(lines) - 1))
    piece = draw(st.sampled_from(PIECES)).encode()
    piece = draw(st.sampled_from([piece, b"\xff\xfe", b"\x00", b"\xc3("]))
    content = draw(
        st.sampled_from(
            [
                text[:place].encode() + piece + text[place:].encode(),
                text[:place].encode() + text[place + 5 :].encode(),
                text[:place].encode(),
                "".join(lines[: line + 1] + lines[line:]).encode(),
                "".join(["\t" + one if i == line else one for i, one in enumerate(lines)]).encode(),
                "".join([" " + one if i == line else one for i, one in enumerate(lines)]).encode(),
                "".join(f"- {one}" for one in lines).encode(),
            ]
        )
    )
    return Mutant(content, draw(st.sampled_from([".yaml", ".yaml", ".json", ".toml"])), ())
