"""Whoever reads a file that Sixstep writes sees the old one or the new one, whole, whatever happens meanwhile."""

from __future__ import annotations

import os
import random
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from engine.errors import InputError
from engine.files import atomic_write

ROOT = Path(__file__).parents[2]
SIZE = 300_000
WRITER = f"""
import sys
from pathlib import Path
from engine.files import atomic_write
path, number = Path(sys.argv[1]), 0
while True:
    atomic_write(path, bytes([65 + number % 26]) * {SIZE})
    number += 1
    print(number, flush=True)
"""


def child(code: str, *arguments: object, **options: object) -> subprocess.Popen:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def run(code: str, *arguments: object) -> str:
    process = child(code, *arguments)
    out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    return out


def is_whole(content: bytes) -> bool:
    return len(content) == SIZE and content == content[:1] * SIZE


def test_a_writer_killed_at_any_moment_leaves_a_whole_file(tmp_path):
    path, choose = tmp_path / "model.pt", random.Random(3)
    seen = set()
    for _ in range(20):
        with child(WRITER, path) as writer:
            for _ in range(choose.randint(1, 4)):
                assert writer.stdout.readline()
            with pytest.raises(subprocess.TimeoutExpired):
                writer.wait(timeout=choose.uniform(0, 0.01))
            writer.kill()
        content = path.read_bytes()
        assert is_whole(content)
        seen.add(content[:1])
        others = [other for other in tmp_path.iterdir() if other != path]
        assert all(other.name.startswith(".model.pt.") for other in others)
    assert len(seen) > 1


def test_a_reader_never_sees_half_a_file_while_it_is_written(tmp_path):
    path = tmp_path / "model.pt"
    with child(WRITER, path) as writer:
        writer.stdout.readline()
        contents = [path.read_bytes() for _ in range(300)]
        writer.kill()
    assert all(map(is_whole, contents)) and len({content[:1] for content in contents}) > 1


@pytest.mark.parametrize("old", [None, b"old"])
def test_a_disk_that_is_full_leaves_the_old_file_and_nothing_else(tmp_path, old):
    path = tmp_path / "model.pt"
    if old is not None:
        path.write_bytes(old)
    code = f"""
import resource, sys
from pathlib import Path
from engine.errors import InputError
from engine.files import atomic_write
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    atomic_write(Path(sys.argv[1]), bytes({SIZE}))
except InputError as error:
    print(error)
"""
    out = run(code, path)
    assert out.startswith(f"{path} cannot be written (") and out.count("\n") == 1
    assert [p.read_bytes() for p in tmp_path.iterdir()] == ([] if old is None else [old])


def test_a_folder_that_must_not_be_written_to_gives_a_sentence_and_is_left_alone():
    code = """
import os, sys
from pathlib import Path
from engine.errors import InputError
from engine.files import atomic_write
if os.geteuid() == 0:
    os.setuid(65534)
try:
    atomic_write(Path(sys.argv[1]), b"new")
except InputError as error:
    print(error)
"""
    with tempfile.TemporaryDirectory() as name:  # not in tmp_path, where only its owner may look
        path = Path(name) / "x.toml"
        path.write_bytes(b"old")
        Path(name).chmod(0o555)
        out = run(code, path)
        Path(name).chmod(0o755)
        assert out == f"{path} cannot be written (permission denied): choose another place.\n"
        assert [*Path(name).iterdir()] == [path] and path.read_bytes() == b"old"


@pytest.mark.parametrize("place", ["nowhere/x.toml", "file/x.toml", "folder", "x" * 300, "a\0b"], ids=lambda p: p[:15])
def test_a_place_that_cannot_be_written_gives_a_sentence_and_leaves_nothing(tmp_path, place):
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError) as caught:
        atomic_write(tmp_path / place, b"new")
    assert "\n" not in str(caught.value)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["file", "folder"]
    assert (tmp_path / "file").read_bytes() == b"old"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755])
def test_a_file_keeps_its_permissions(tmp_path, mode):
    path = tmp_path / "x.toml"
    path.write_bytes(b"old")
    path.chmod(mode)
    atomic_write(path, b"new")
    assert path.read_bytes() == b"new" and stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_a_new_file_gets_the_permissions_that_the_person_asked_for(tmp_path, mask):
    before = os.umask(mask)
    try:
        atomic_write(tmp_path / "x.toml", b"new")
        assert os.umask(mask) == mask
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x.toml").stat().st_mode) == 0o666 & ~mask


@pytest.mark.parametrize("name", ["x", "é" * 120, "x" * 255, "a b\n", ".hidden", "-rf"])
@pytest.mark.parametrize("content", [b"", b"\x00\xff\r\n", bytes(3_000_000)], ids=len)
def test_the_bytes_are_the_bytes(tmp_path, name, content):
    atomic_write(tmp_path / name, content)
    assert (tmp_path / name).read_bytes() == content and [*tmp_path.iterdir()] == [tmp_path / name]
