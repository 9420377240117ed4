"""How files are laid into folders that somebody else looks into."""

from __future__ import annotations

from pathlib import Path


def drop(path: Path, body: bytes) -> None:
    """Write under a temporary name, then rename: nobody reads half a file."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(body)
    part.replace(path)
