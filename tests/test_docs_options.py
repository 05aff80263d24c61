"""The tables of options on the pages of plugins are those of the configuration classes."""

import dataclasses
import re
from pathlib import Path

import pytest

from tokenry import engines, tokenizers
from tokenry_image import ImageTraining

ROOT = Path(__file__).resolve().parent.parent
BOTH = "option of both"
# A page, a class of options, and the first headings of the tables that hold them.
TABLES = [
    ("scalar", tokenizers["scalar"].Config, ["option"]),
    ("spectrum", tokenizers["spectrum"].Config, ["option"]),
    ("image", tokenizers["image"].Config, ["option"]),
    ("image", ImageTraining, ["`training`"]),
    ("dino", tokenizers["dino-patch"].Config, ["option of `dino-patch`"]),
    ("pairs", tokenizers["pairs"].Config, ["option"]),
    ("pairs", tokenizers["pairs"].Config().training.__class__, ["`training`"]),
    ("ray", engines["ray"].Config, ["option"]),
    ("patch2d", tokenizers["patch2d"].Config, [BOTH]),
    ("patch2d", tokenizers["patch2d-pairs"].Config, [BOTH, "option of `patch2d-pairs`"]),
]


def table_of(page: str, headings: list[str]) -> dict[str, str]:
    """Give the options of the tables with these headings, each with what it says of the default."""
    text = (ROOT / "docs" / "plugins" / f"{page}.md").read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for heading in headings:
        table = re.search(rf"^\| {re.escape(heading)} \|.*\n\|[-| ]+\|\n((?:\|.*\n)+)", text, re.M)
        assert table, heading
        for row in table[1].splitlines():
            cell, default = (part.strip() for part in row.split("|")[1:3])
            names = re.findall(r"`([^`]+)`", re.sub(r"\(.*?\)", "", cell))  # aliases in brackets
            defaults = default.split(", ") if len(names) > 1 else [default]
            if len(defaults) != len(names):
                defaults = ["see the text"] * len(names)
            found |= zip(names, defaults, strict=True)
    return found


def spellings(default: object) -> set[str]:
    """Give the ways in which a page may write a default; words say it otherwise."""
    if default is None:
        return {"none", ""}
    if isinstance(default, bool):
        return {str(default).lower()}
    if isinstance(default, int | float):
        return {f"{default:,}", str(default), f"{default:g}", f"{default:.0e}".replace("e-0", "e-")}
    return {default} if isinstance(default, str) else set()


@pytest.mark.parametrize(
    ("page", "config", "headings"), TABLES, ids=[f"{p}-{c.__name__}" for p, c, _ in TABLES]
)
def test_table_has_every_option_and_no_other(page, config, headings):
    options = {field.name for field in dataclasses.fields(config) if field.init}
    assert set(table_of(page, headings)) == options


@pytest.mark.parametrize(
    ("page", "config", "headings"), TABLES, ids=[f"{p}-{c.__name__}" for p, c, _ in TABLES]
)
def test_defaults_of_the_table_are_those_of_the_class(page, config, headings):
    written = table_of(page, headings)
    for field in dataclasses.fields(config):
        cell = written.get(field.name, "")
        literal = re.fullmatch(r"`[^`]*`|[\d.,]+(e-?\d+)?|true|false|none", cell)
        if literal and field.default is not dataclasses.MISSING and spellings(field.default):
            assert cell.strip("`") in spellings(field.default), f"{field.name}: {cell}"
