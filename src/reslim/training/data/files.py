"""Files read wholly or refused."""

from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path

from reslim.errors import BadValue, Verbatim

GZIP = b"\x1f\x8b"


def refusal(constraint: str, got: str | None = None, hint: str = "") -> BadValue:
    """Return the error for a source of which `constraint` does not hold."""
    return BadValue("load", "source", constraint, None if got is None else Verbatim(got), hint)


def folder(form: str, text: str) -> Path:
    """Return the directory that a user wrote after the colon."""
    path = Path(os.path.expanduser(text))
    if not path.is_dir():
        raise refusal(f"must be {form} with a directory that exists", repr(text))
    return path


def content(path: Path) -> bytes:
    """Return the bytes of a file, decompressed if they are those of a gzip file, whatever its name is."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise refusal(f"needs the file {path.name}", f"none in {path.parent}") from None
    except OSError as error:
        raise refusal("must name files that can be read", f"{path.name}: {error.strerror or error}") from None
    return _decompressed(path, raw) if raw.startswith(GZIP) else raw


def _decompressed(path: Path, raw: bytes) -> bytes:
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as error:
        raise refusal("must hold whole gzip files", f"{path.name}: {error}", "Copy the file again.") from None
