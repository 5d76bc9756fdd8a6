"""Step 1, folders of pictures: what loads and as what, what is left out and why, and the script's same bits."""

from __future__ import annotations

import functools
import json
import os
import random
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine import experiment as ex
from engine.data import child, images
from engine.errors import InputError

BAD_INPUTS = Path(__file__).parents[3] / "shared" / "bad_inputs" / "make_bad_inputs.py"
CASES = re.findall(r'^img\("(\w+)"', BAD_INPUTS.read_text(), re.MULTILINE) if BAD_INPUTS.exists() else []


def noise(seed: int, width: int = 16, height: int = 16) -> Image.Image:
    values = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(values)


@pytest.fixture
def folder(tmp_path) -> Path:
    """Two classes of four PNGs each."""
    root = tmp_path / "pictures"
    for number, name in enumerate(("cat", "dog")):
        (root / name).mkdir(parents=True)
        for i in range(4):
            noise(10 * number + i).save(root / name / f"{i}.png")
    return root


def source(folder: Path, **options) -> ex.Images:
    return ex.Images(path=str(folder), **options)


def refusal(folder: Path, **options) -> str:
    with pytest.raises(InputError) as caught:
        images.read(source(folder, **options))
    message = str(caught.value)
    assert "\n" not in message and len(message) < 400
    return message


def run_script(reading) -> dict:
    """What the script's lines make."""
    namespace = {"torch": torch}
    exec("\n".join([*reading.imports, *reading.read]), namespace)
    return namespace


def assert_same_bits(source: ex.Images) -> images.Pictures:
    pictures = images.read(source)
    rows = images.to_rows(pictures)
    X, learned = rows.prepare(np.arange(2))
    made = run_script(rows.reading)
    assert X.dtype == torch.float32 and X.is_contiguous() and X.stride() == made["X"].stride()
    assert rows.y.dtype == made["y"].dtype == torch.int64
    assert torch.equal(X, made["X"]) and torch.equal(rows.y, made["y"])
    assert list(rows.classes) == made["classes"] and learned.features == ()
    return pictures


# -------------------------------------------------------------------------------------------------- the corpus


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """Folder and cases by id."""
    folder = tmp_path_factory.mktemp("bad_inputs")
    subprocess.run([sys.executable, str(BAD_INPUTS), str(folder), "--only", "images"], capture_output=True, check=True)
    cases = json.loads((folder / "manifest.json").read_text())["cases"]
    return folder, {case["id"]: case for case in cases}


@pytest.mark.skipif(not CASES, reason="no ../shared/bad_inputs here")
@pytest.mark.parametrize("case_id", CASES)
def test_each_folder_of_bad_inputs_is_treated_as_its_manifest_says(corpus, case_id, monkeypatch):
    folder, cases = corpus
    case = cases[case_id]
    monkeypatch.setattr(images, "MEMORY", case["limits"]["max_extra_rss_mb"] * 2**20)  # the system holds it to that
    started = time.monotonic()
    try:
        pictures = images.read(source(folder / case["path"]))
    except InputError as error:
        outcome, said = "refuse", str(error)
        assert case_id in said and "\n" not in said and len(said) < 400
    else:
        outcome, said = ("load with warning" if pictures.warnings else "load"), " ".join(pictures.warnings)
        if case["table"]:
            assert len(pictures.y) == case["table"]["images"] and list(pictures.classes) == case["table"]["classes"]
        assert_same_bits(source(folder / case["path"]))
    assert time.monotonic() - started < case["limits"]["max_seconds"]
    assert outcome in (case["expected"], *case["also_ok"])
    for mention in case["must_mention"]:
        assert re.search(mention, said, re.IGNORECASE)
    for never in case["must_not_mention"]:
        assert not re.search(never, said)


# ------------------------------------------------------------------------------------------- values and bits


@pytest.mark.parametrize("colour", ["colour", "grey"])
def test_pictures_of_every_format_and_depth_become_the_same_bits_in_the_script(folder, colour):
    cat = folder / "cat"
    noise(1, 40, 30).save(cat / "a.JPG", "JPEG")
    noise(2, 700, 500).save(cat / "large.jpeg")
    noise(3).save(cat / "b.bmp")
    noise(4).save(cat / "c.webp")
    noise(5).save(cat / "d.tiff")
    noise(6).save(cat / "no_suffix", "PNG")
    noise(7).convert("CMYK").save(cat / "cmyk.jpg")
    noise(8).convert("P").save(cat / "palette.png")
    noise(9).convert("1").save(cat / "bits.tif")
    noise(10).convert("RGBA").save(cat / "alpha.png")
    Image.fromarray(np.arange(256, dtype=np.uint16).reshape(16, 16) * 257).save(cat / "sixteen.png")
    (cat / "deeper" / "still").mkdir(parents=True)
    noise(11).save(cat / "deeper" / "still" / "0.png")
    (cat / "broken 'quoted\" \n.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    pictures = assert_same_bits(source(folder, size=24, colour=colour))
    assert pictures.counts == {"cat": 16, "dog": 4}
    assert pictures.pixels.shape == (20, 3 if colour == "colour" else 1, 24, 24)


def test_values_are_0_to_1_and_channels_are_red_green_blue(folder):
    Image.new("RGB", (8, 8), (255, 51, 0)).save(folder / "cat" / "0.png")
    X, _ = images.read_rows(source(folder, size=8)).prepare(np.arange(1))
    assert torch.equal(X[0, :, 3, 3], torch.tensor([1.0, 0.2, 0.0]))
    assert X.min() == 0 and X.max() == 1


def test_sixteen_bits_keep_their_shades(folder):
    Image.fromarray(np.full((8, 8), 0x8000, dtype=np.uint16)).save(folder / "cat" / "0.png")
    assert (images.read(source(folder, size=8, colour="grey")).pixels[0] == 128).all()


def test_a_picture_stands_as_the_camera_was_held(folder):
    lying = Image.new("RGB", (20, 10))
    lying.paste((255, 255, 255), (0, 0, 10, 10))  # the left half is white
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise: left comes to the top
    lying.save(folder / "cat" / "0.png", exif=exif)
    picture = images.read(source(folder, size=16)).pixels[0, 0]
    assert (picture[:7] == 255).all() and (picture[9:] == 0).all()


def test_squeezing_is_said(folder):
    assert images.read(source(folder)).warnings == ()
    noise(1, 30, 20).save(folder / "cat" / "0.png")
    assert "16 × 16 to 30 × 20" in " ".join(images.read(source(folder)).warnings)
    for path in folder.rglob("*.png"):
        noise(1, 30, 20).save(path)
    (warning,) = images.read(source(folder)).warnings
    assert "30 × 20" in warning and "squeezed to 32 × 32" in warning


# -------------------------------------------------------------------------------------------------- odd folders


def test_links_hidden_files_and_pipes_are_passed_over(folder, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    noise(99).save(outside / "secret.png")
    (folder / "linked").symlink_to(outside)
    (folder / "cat" / "out").symlink_to(outside)
    (folder / "cat" / "out.png").symlink_to(outside / "secret.png")
    (folder / "cat" / "loop").symlink_to("..")
    (folder / ".hidden").mkdir()
    (folder / "cat" / ".thumbnails").mkdir()
    noise(98).save(folder / "cat" / ".thumbnails" / "0.png")
    os.mkfifo(folder / "cat" / "pipe.png")
    noise(97).save(folder / "lonely.png")
    pictures = assert_same_bits(source(folder))
    assert pictures.counts == {"cat": 4, "dog": 4} and pictures.left_out == ()


def test_a_class_without_readable_pictures_is_no_class(folder):
    (folder / "bird").mkdir()
    (folder / "cow").mkdir()
    (folder / "cow" / "0.png").write_text("moo")
    pictures = assert_same_bits(source(folder))
    assert pictures.classes == ("cat", "dog") and pictures.y.tolist() == [0] * 4 + [1] * 4
    assert "bird and cow" in " ".join(pictures.warnings)


def test_folders_that_are_no_use_are_refused_in_a_sentence(folder, tmp_path):
    assert "nowhere" in refusal(tmp_path / "nowhere")
    assert "is a file" in refusal(folder / "cat" / "0.png")
    assert "valid text" in refusal(tmp_path / "\udcff")
    empty = tmp_path / "empty"
    (empty / "cat").mkdir(parents=True)
    assert "no pictures" in refusal(empty)
    (empty / "cat" / "0.png").write_bytes(b"")
    assert "cat/0.png is empty" in refusal(empty)
    noise(1).save(empty / "cat" / "1.png")
    assert "only one class" in refusal(empty)
    (folder / "do\ng").mkdir()
    assert "do?g" in refusal(folder)


def test_more_pictures_than_memory_are_refused_before_decoding(folder):
    for i in range(1400):
        (folder / "cat" / f"x{i}").touch()
    assert "1,408 files" in refusal(folder, size=512)


def test_a_name_that_is_no_valid_unicode_is_read_or_left_out_like_any_other(folder):
    noise(1).save(os.fsencode(folder / "cat") + b"/\xff.png", "PNG")
    Path(os.fsdecode(os.fsencode(folder / "dog") + b"/\xfe.png")).write_bytes(b"")
    pictures = assert_same_bits(source(folder))
    assert pictures.counts == {"cat": 5, "dog": 4}
    assert pictures.left_out == (("dog/\udcfe.png", "is empty"),)
    assert pictures.warnings == ("Left out: dog/?.png is empty.",)


def test_many_broken_files_are_all_listed_and_the_first_are_named(folder):
    for i in range(30):
        (folder / "dog" / f"{i}_{'long' * 30}.png").write_text("no picture")
    pictures = assert_same_bits(source(folder))
    assert len(pictures.left_out) == 30
    (warning,) = pictures.warnings
    assert "27 more" in warning and len(warning) < 400


def test_no_damage_to_a_file_ends_the_reading(folder):
    draw = random.Random(3)
    good = images.read(source(folder)).pixels
    for suffix in ("PNG", "JPEG", "BMP", "WEBP", "TIFF"):
        noise(1, 32, 32).save(folder / "whole", suffix)
        whole = (folder / "whole").read_bytes()
        for i in range(12):
            damaged = bytearray(whole[: draw.randrange(1, len(whole))] if i % 2 else whole)
            for _ in range(6):
                damaged[draw.randrange(min(len(damaged), 400))] = draw.randrange(256)
            (folder / "dog" / f"{suffix}{i}").write_bytes(damaged)
    (folder / "whole").unlink()
    pictures = assert_same_bits(source(folder))
    assert len(pictures.left_out) + len(pictures.y) == 68 and len(pictures.left_out) > 20
    assert np.array_equal(pictures.pixels[:8], good)


def test_a_picture_that_breaks_the_reader_down_is_left_out(folder, monkeypatch):
    for name in ("crash.png", "endless.png"):
        noise(1).save(folder / "dog" / name)
    breaking = functools.partial(child.ask, main="tests.engine.breaking_child")
    monkeypatch.setattr(images.child, "ask", breaking)
    pictures = images.read(source(folder))
    assert [name for name, _ in pictures.left_out] == ["dog/crash.png", "dog/endless.png"]
    assert pictures.counts == {"cat": 4, "dog": 4}


def test_progress_is_told_and_a_cancelled_reading_ends(folder):
    told = []
    images.read(source(folder), told.append)
    assert told == [(i + 1) / 8 for i in range(8)]
    with pytest.raises(child.CancelledError):
        images.read(source(folder), cancelled=lambda: True)
