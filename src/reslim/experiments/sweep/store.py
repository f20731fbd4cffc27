"""The folder of a sweep: its plan, its chunks, its results. Every file appears whole or not at all.

A chunk's file is named by its key and by a checksum of its bytes, so that a damaged one is known before it is read, and
two sweeps that write the same chunk at once write the same file.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from reslim import results
from reslim.errors import BadValue, Verbatim
from reslim.experiments.sweep import tables
from reslim.experiments.sweep.plan import BROKEN, Chunk, Plan
from reslim.experiments.sweep.task import TASKS, Found
from reslim.simulation.memory import readable

if TYPE_CHECKING:
    import pyarrow as pa
    import xarray as xr

PLAN, TABLE, DATASET = "plan.json", "table.parquet", "sweep.nc"
CHUNK_BYTES = 12_000  # of a small chunk on the disk
STALE = 3600.0  # seconds after which a temporary file belongs to no one


class Store:
    """The files of one sweep in a folder, for a task of this name and no other."""

    def __init__(self, folder: Path, task: str) -> None:
        from pyarrow import parquet  # here, so that a sweep without it fails before it begins

        self.task, self.call = task, TASKS[task].call
        self.folder, self.chunks, self.parquet = folder, folder / "chunks", parquet

    def begin(self, plan: Plan) -> Plan:
        """Return the plan of the folder, which is this one from now on; refuse a folder that holds another sweep."""
        self.folder.mkdir(exist_ok=True)
        if not (self.folder / PLAN).exists():
            self._refuse_foreign_files()
            self._check_room(plan)
            results.write_text(self.folder / PLAN, json.dumps(plan.to_dict(), allow_nan=False, indent=1) + "\n")
        self.chunks.mkdir(exist_ok=True)
        self._sweep_out()
        return self.compared(plan)

    def plan(self, argument: str = "resume") -> Plan:
        """Return the plan in the folder, which an argument names; refuse that of another task, whose class is not imported."""
        path = self.folder / PLAN
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            if values["task"] == self.task:
                return Plan.from_dict(values)
            other = TASKS[values["task"]]
        except FileNotFoundError:
            raise BadValue(self.call, "resume", f"must be the folder of a sweep, with a {PLAN}", str(self.folder)) from None
        except BROKEN as error:
            raise BadValue(
                self.call, "resume", f"needs a whole {PLAN} ({type(error).__name__}: {error})", str(self.folder)
            ) from None
        hint = f"Go on with: {other.way_on(self.folder)}"
        raise BadValue(self.call, argument, f"holds a sweep of reslim {other.call}, not of reslim {self.call}", None, hint)

    def compared(self, plan: Plan) -> Plan:
        """Return the plan in the folder if it is the same as this one, up to the order of quantities."""
        found = self.plan("out")
        difference = plan.difference(found)
        if difference:
            raise BadValue(
                self.call, "out", f"holds another sweep: {difference}", None, f"Take another folder than {self.folder}."
            )
        return found

    def _refuse_foreign_files(self) -> None:
        taken = [name for name in (self.chunks.name, TABLE, DATASET) if (self.folder / name).exists()]
        if taken:
            raise BadValue(self.call, "out", f"holds {taken[0]} but no {PLAN}", str(self.folder), "Take another folder.")

    def _check_room(self, plan: Plan) -> None:
        count, free = len(plan.chunks), shutil.disk_usage(self.folder).free
        if count * CHUNK_BYTES > free:
            got = Verbatim(f"{count:,} files in {readable(free)}")
            raise BadValue(self.call, "out", "must have room for the chunks", got, "Vary over fewer values.")
        disk = os.statvfs(self.folder) if hasattr(os, "statvfs") else None
        if disk is not None and disk.f_files and count > disk.f_favail:
            got = Verbatim(f"{count:,} where {disk.f_favail:,} more files are allowed")
            raise BadValue(self.call, "out", "must have room for the chunks", got, "Vary over fewer values.")

    def _sweep_out(self) -> None:
        """Remove the temporary files that killed processes have left."""
        for path in self.chunks.glob(".*"):
            try:
                if time.time() - path.stat().st_mtime > STALE:
                    path.unlink()
            except FileNotFoundError:
                continue

    def write(self, chunk: Chunk, table: pa.Table) -> None:
        """Write a chunk."""
        stream = BytesIO()
        self.parquet.write_table(table, stream, compression="zstd")
        content = stream.getvalue()
        path = self.chunks / f"{chunk.key}.{_checksum(content)}.parquet"
        results.write_atomically(path, lambda temporary: Path(temporary).write_bytes(content))

    def read(self, plan: Plan) -> dict[str, list[Found]]:
        """Return what the whole chunks of a plan hold, by key; name the damaged ones on stderr."""
        count = len(plan.task.statistics)
        files: dict[str, list[Path]] = {}
        for path in sorted(self.chunks.glob("[!.]*.*.parquet")):
            files.setdefault(path.name.partition(".")[0], []).append(path)
        found = {chunk.key: self._first_whole(files.get(chunk.key, []), count) for chunk in plan.chunks}
        return {key: cells for key, cells in found.items() if cells is not None}

    def _first_whole(self, paths: list[Path], statistics: int) -> list[Found] | None:
        for path in paths:
            content = path.read_bytes()
            if _checksum(content) == path.name.split(".")[1]:
                return tables.found_in(self.parquet.read_table(BytesIO(content)), statistics)
        for path in paths:
            print(f"reslim: {path} is damaged (its checksum is another); computing it again.", file=sys.stderr)
        return None

    def finish(self, plan: Plan, found: Sequence[Found]) -> xr.Dataset:
        """Write the results, and return them as a Dataset."""
        self.compared(plan)
        table, dataset = tables.of_plan(plan, found), tables.dataset(plan, found)
        results.write_atomically(self.folder / TABLE, partial(self.parquet.write_table, table, compression="zstd"))
        results.save(dataset, self.folder / DATASET)
        return dataset


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
