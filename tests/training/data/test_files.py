from __future__ import annotations

import gzip

import pytest

from reslim.training.data.files import content, folder

WORDS = b"some words, and some more of them"


def test_gzip_is_known_by_its_bytes_not_by_its_name(tmp_path):
    (tmp_path / "plain.gz").write_bytes(WORDS)
    (tmp_path / "packed").write_bytes(gzip.compress(WORDS))
    assert content(tmp_path / "plain.gz") == content(tmp_path / "packed") == WORDS


def flipped(raw: bytes, at: int) -> bytes:
    return raw[:at] + bytes([raw[at] ^ 0xFF]) + raw[at + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw[:-5],
        lambda raw: raw[:12],
        lambda raw: flipped(raw, 10),
        lambda raw: flipped(raw, 15),
        lambda raw: flipped(raw, len(raw) - 6),
        lambda raw: raw + b"x",
    ],
    ids=["cut", "cut in its head", "kind of block", "bits", "checksum", "more after its end"],
)
def test_damaged_gzip_is_refused(tmp_path, damage):
    (tmp_path / "a.gz").write_bytes(damage(gzip.compress(WORDS)))
    with pytest.raises(
        ValueError, match=r"^load\(source=...\) must hold whole gzip files, got a.gz: .*\. Copy the file again\.$"
    ):
        content(tmp_path / "a.gz")


def test_missing_files_and_folders_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"^load\(source=...\) needs the file a, got none in /"):
        content(tmp_path / "a")
    with pytest.raises(ValueError, match=r"^load\(source=...\) must name files that can be read, got .*: Is a directory\.$"):
        content(tmp_path)
    with pytest.raises(ValueError, match=r"^load\(source=...\) must be idx:DIR with a directory that exists, got 'nowhere'\.$"):
        folder("idx:DIR", "nowhere")


def test_a_tilde_is_the_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert folder("idx:DIR", "~") == tmp_path
