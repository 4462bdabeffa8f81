"""Data of our own invention, so that a first start has something to answer with."""

from pathlib import Path

SAMPLE_FEED: Path = Path(__file__).with_name("city_of_lights.xml")

SAMPLE_DATASET: Path = Path(__file__).with_name("box_office.csv")
