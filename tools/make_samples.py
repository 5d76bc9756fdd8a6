"""Makes the sample data in resources/data: `python tools/make_samples.py`. Fixed seeds: the same files every time."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

DATA = Path(__file__).parent.parent / "resources" / "data"


def write_table(name: str, header: list[str], rows: list[list[object]]) -> None:
    """A CSV file; None is a missing value."""
    with (DATA / name).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([header, *rows])


def make_flats(n: int = 400) -> None:
    """Invented flats for rent: numbers, categories, yes/no, a date, a text, and a value missing here and there."""
    random = np.random.RandomState(7)
    districts = {"Old Town": 260, "Harbour": 180, "Hillside": 90, "Station": 0, "Meadows": -60}
    heating = {"district": 0, "gas": -20, "heat pump": 60}
    adjectives, things = ["bright", "quiet", "renovated", "sunny", "compact"], ["flat", "home", "loft", "apartment"]
    rows: list[list[object]] = []
    for _ in range(n):
        district = str(random.choice(list(districts), p=[0.2, 0.15, 0.2, 0.3, 0.15]))
        heat = str(random.choice(list(heating), p=[0.5, 0.35, 0.15]))
        rooms = int(random.choice([1, 2, 3, 4, 5], p=[0.2, 0.35, 0.25, 0.15, 0.05]))
        area = round(14 + 19 * rooms + random.normal(0, 6), 1)
        floor, built = int(random.randint(0, 7)), int(random.randint(1900, 2021))
        balcony, lift = bool(random.rand() < 0.55), bool(random.rand() < 0.4)
        day = int(random.randint(0, 3 * 365))
        rent = 150 + 9.5 * area + 25 * rooms + districts[district] + heating[heat] + 55 * balcony
        rent += (30 if lift else -15) * floor / 3 + 0.5 * (built - 1960) + 0.12 * day + random.normal(0, 35)
        listed = date(2021, 1, 1) + timedelta(days=day)
        text = f"{random.choice(adjectives)} {rooms}-room {random.choice(things)}"
        row: list[object] = [
            listed.isoformat(), district, rooms, area, floor, built,
            "yes" if balcony else "no", "yes" if lift else "no", heat, text, round(rent),
        ]  # fmt: skip
        for column, share in ((3, 0.05), (5, 0.12), (7, 0.06), (8, 0.08)):  # area, built, lift, heating
            if random.rand() < share:
                row[column] = None
        rows.append(row)
    header = ["listed", "district", "rooms", "area", "floor", "built", "balcony", "lift", "heating", "title", "rent"]
    write_table("flats.csv", header, rows)


def make_remarks(n: int = 200) -> None:
    """Invented remarks of guests, half of them praise. One in ten has a word of the other kind with "not" before it."""
    random = np.random.RandomState(11)
    things = ["soup", "bread", "coffee", "waiter", "terrace", "music", "cake", "fish", "salad", "table"]
    times = ["today", "last night", "on Sunday", "at noon", "as always", "this time"]
    words = {
        "praise": ["lovely", "fresh", "excellent", "friendly", "delicious", "perfect", "charming", "warm"],
        "complaint": ["cold", "stale", "awful", "rude", "bland", "slow", "dirty", "noisy"],
    }
    ends = {
        "praise": ["we will come again", "thank you", "five stars from us", "what a pleasure"],
        "complaint": ["never again", "we want our money back", "what a pity", "we left early"],
    }
    kinds: dict[str, str] = {}
    while len(kinds) < n:
        label, other = ("praise", "complaint") if len(kinds) % 2 == 0 else ("complaint", "praise")
        word = str(random.choice(words[label]))
        if random.rand() < 0.1:
            word = f"not {random.choice(words[other])}"
        thing, more = random.choice(things, size=2, replace=False)
        forms = [
            f"The {thing} was {word} {random.choice(times)}",
            f"The {thing} and the {more} were {word}, {random.choice(ends[label])}",
            f"{random.choice(times).capitalize()} the {thing} was {word}: {random.choice(ends[label])}",
            f"I found the {thing} {word} and the {more} {random.choice(words[label])}",
        ]
        kinds[f"{forms[random.randint(len(forms))]}."] = label
    rows = list(kinds.items())
    write_table("remarks.csv", ["remark", "kind"], [list(rows[number]) for number in random.permutation(n)])


def make_weather(n: int = 3 * 365) -> None:
    """Invented weather, day by day: a season, and deviations that last for some days."""
    random = np.random.RandomState(5)
    rows: list[list[object]] = []
    deviation = 0.0
    for day in range(n):
        deviation = 0.75 * deviation + random.normal(0, 2)
        temperature = 10 - 9 * np.cos(2 * np.pi * (day - 20) / 365.25) + deviation
        humidity = np.clip(72 - 1.1 * (temperature - 10) + random.normal(0, 5), 20, 100)
        listed = date(2020, 1, 1) + timedelta(days=day)
        rows.append([listed.isoformat(), round(float(temperature), 1), round(float(humidity))])
    write_table("weather.csv", ["day", "temperature", "humidity"], rows)


def make_digit_pictures(each: int = 20) -> None:
    """The first pictures of each digit of scikit-learn's set, grey, 8 x 8 pixels, a folder for each class."""
    for digit in range(10):
        write_pictures(DATA / "digits" / str(digit), np.flatnonzero(load_digits().target == digit)[:each])


def make_even_and_odd() -> None:
    """The pictures that the model digits-cnn was tested on, and never saw before: even digits and odd ones."""
    target = load_digits().target
    _, test = train_test_split(np.arange(len(target)), test_size=0.15, random_state=42, stratify=target)
    for name, rest in (("even", 0), ("odd", 1)):
        write_pictures(DATA / "even-and-odd" / name, test[target[test] % 2 == rest])


def write_pictures(folder: Path, numbers: NDArray[np.int64]) -> None:
    """The pictures of scikit-learn's digits with these numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    images = load_digits().images
    for number in numbers:
        grey = np.round(images[number] / 16 * 255).astype(np.uint8)
        Image.fromarray(grey).save(folder / f"{number:04}.png", optimize=True)


if __name__ == "__main__":
    make_flats()
    make_remarks()
    make_weather()
    make_digit_pictures()
    make_even_and_odd()
