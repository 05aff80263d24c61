"""Options of the `ray` engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt

from tokenry_core import with_doc

__all__ = ["RayConfig"]


@dataclass(frozen=True)
class RayConfig:
    """Options of the `ray` engine; none has to be given."""

    address: str | None = with_doc(
        "of a cluster; default: RAY_ADDRESS, or the cluster that was started on this machine, or"
        ' else a Ray of its own ("local": always that)',
        None,
    )
    workers: Annotated[int, Ge(1)] | None = with_doc(
        "how many at a time; default: as many as the cluster has room for", None
    )
    cpus_per_worker: Annotated[float, Gt(0)] = with_doc("of a node, for each worker", 1.0)
    gpus_per_worker: Annotated[float, Gt(0)] | None = with_doc(
        "the share of a GPU that each worker takes; default: a whole one where the device of the"
        " run is a GPU",
        None,
    )
    retries: Annotated[int, Ge(0)] = with_doc(
        "how often an item is tried again whose worker or node was lost", 3
    )
    fit_workers: Annotated[int, Ge(1)] = with_doc(
        "workers of a training with a loop of its own; more than one for a loop that divides its"
        " work over torch.distributed",
        1,
    )

    def needs(self, device: str) -> dict[str, float]:
        """Give what a worker asks Ray for, to work on this device."""
        needs = {"num_cpus": self.cpus_per_worker}
        if device.startswith("cuda"):
            needs["num_gpus"] = self.gpus_per_worker or 1.0
        return needs
