"""From a folder of tokens to one HTML page that needs nothing but itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..runs import open_tokens
from ..runs._histograms import FieldStats, count_tokens
from ..runs._record import read_record, read_reference
from . import _page as page
from . import _plots as plots
from ._drift import DRIFTED, stability
from ._sample import Sample, take_sample

__all__ = ["write_report"]


def write_report(
    folder: str | os.PathLike[str], path: str | os.PathLike[str] | None = None
) -> Path:
    """Write the report of a finished run and give its path: by default report.html beside it."""
    tokens = open_tokens(folder)
    record = read_record(tokens.path)
    stats = count_tokens(tokens)
    references = _references(tokens.manifest, record)
    samples = take_sample(record["config"]) if record.get("config") else {}
    sections = [
        page.section("The run", _run(tokens.manifest, record)),
        page.section("Quarantine", _quarantine(tokens.path)),
        page.section("Fields", _overview(stats, references)),
        *(page.section(name, _field(found, references.get(name))) for name, found in stats.items()),
        *(page.section(f"Sample: {key}", _sample(found)) for key, found in samples.items()),
    ]
    out = Path(path) if path else tokens.path / "report.html"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page.document(f"Run report: {tokens.path.name}", sections), encoding="utf-8")
    return out


def _references(manifest: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, artifact in record.get("artifacts", {}).items():
        fingerprint = manifest["tokenizers"].get(key, {}).get("fingerprint", "")
        for name, counts in read_reference(Path(artifact), fingerprint).items():
            # A field that is not unique in the run carries its tokenizer's key.
            found[name] = found[f"{key}_{name}"] = np.asarray(counts)
    return found


def _run(manifest: Mapping[str, Any], record: Mapping[str, Any]) -> str:
    fragments = manifest["fragments"]

    def total(name: str) -> str:
        return f"{sum(fragment[name] for fragment in fragments):,}"

    sessions = record.get("sessions", [])
    seconds = sum(session["seconds"] for session in sessions)
    rows = [
        ("rows read", total("rows_in")),
        ("rows encoded", total("rows_out")),
        ("rows filtered", total("filtered")),
        ("rows quarantined", total("quarantined")),
        ("fragments", f"{len(fragments):,}"),
        ("fragments quarantined", f"{sum('failed' in fragment for fragment in fragments):,}"),
        (
            "time",
            f"{seconds:,.1f} s" + (f" in {len(sessions)} sessions" if len(sessions) > 1 else ""),
        ),
        ("source", f"{manifest['source']['name']}, where {manifest['source']['where'] or 'all'}"),
    ]
    if sessions:
        last = sessions[-1]
        rows.append(("machine", f"{last['machine']}, Python {last['python']}"))
        rows.append(("ended", last["ended"]))
    for key, tokenizer in manifest["tokenizers"].items():
        rows.append((f"tokenizer {key}", f"{tokenizer['name']} {tokenizer['fingerprint'][:16]}"))
    counts: dict[str, int] = {}
    for fragment in fragments:
        for name, count in fragment["counts"].items():
            counts[name] = counts.get(name, 0) + count
    rows += [(name, f"{count:,}") for name, count in counts.items() if count]
    return page.table(("", ""), rows)


def _quarantine(folder: Path) -> str:
    import json

    path = folder / "quarantine.jsonl"
    if not path.exists():
        return page.paragraph("There is no quarantine.jsonl beside the manifest.")
    lines = path.read_text(encoding="utf-8").splitlines()
    if not lines:
        return page.paragraph("Nothing was quarantined.")
    rows = [
        (entry["fragment"], str(entry.get("row", "whole fragment")), entry["reason"])
        for entry in map(json.loads, lines[:50])
    ]
    more = f"{len(lines) - 50:,} more are in quarantine.jsonl." if len(lines) > 50 else ""
    return page.table(("fragment", "row", "reason"), rows) + page.paragraph(more)


def _overview(stats: Mapping[str, FieldStats], references: Mapping[str, Any]) -> str:
    rows = []
    for name, found in stats.items():
        drift = _drift(found, references.get(name))
        codes = len(found.histogram) - 1 if found.histogram is not None else 0
        rows.append(
            (
                name,
                f"{found.values:,}",
                f"{found.missing_share:.2%}",
                f"{found.used:,} of {codes:,}" if codes else "dense",
                f"{found.perplexity:,.1f}" if codes else "",
                "" if drift is None else f"{drift:.3f}{' ⚠ drifted' if drift > DRIFTED else ''}",
            )
        )
    head = ("field", "values", "missing", "codes used", "perplexity", "drift (PSI)")
    return page.table(head, rows)


def _drift(found: FieldStats, reference: Any) -> float | None:
    if found.histogram is None or reference is None or len(reference) != len(found.histogram):
        return None
    return stability(reference, found.histogram)


def _field(found: FieldStats, reference: Any) -> str:
    out = ""
    if found.histogram is not None:
        out += page.figure(plots.histogram(found.histogram, reference), "image/svg+xml", "")
        unreached = int((found.histogram[:-1] == 0).sum())
        out += page.paragraph(f"{unreached:,} codes do not occur in this data.")
    if found.lengths:
        out += page.figure(plots.lengths(found.lengths), "image/svg+xml", "")
    if found.kind == "dense":
        out += page.paragraph(f"{found.values:,} dense values, {found.missing_share:.2%} missing.")
    return out


def _sample(found: Sample) -> str:
    if found.problem:
        return page.paragraph(found.problem)
    rows = [
        (e.column, f"{e.median:.4g}", f"{e.median / e.spread:.2%}" if e.spread else "")
        for e in found.errors
    ]
    out = ""
    if rows:
        out += page.table(("column", "median error after decoding", "of its spread"), rows)
        for error in found.errors[:6]:
            svg = plots.originals(error.column, error.before, error.after)
            out += page.figure(svg, "image/svg+xml", error.column)
    for panel in found.panels:
        out += page.figure(panel.image, panel.media_type, panel.caption, panel.title)
    return out or page.paragraph("This tokenizer neither decodes nor draws.")
