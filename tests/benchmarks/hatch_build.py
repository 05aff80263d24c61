"""Puts the topics into the wheel; an editable install finds them in the checkout."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class Topics(BuildHookInterface):
    """Every script of a topic, as data of the package: `tokenry bench` runs it as a program."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the scripts to what is built."""
        if version != "standard":
            return
        root = Path(self.root)
        for topic in {script.parent for script in root.glob("*/bench_*.py")}:
            for file in topic.glob("*.py"):
                place = file.relative_to(root).as_posix()
                build_data["force_include"][str(file)] = f"tokenry_benchmarks/topics/{place}"
