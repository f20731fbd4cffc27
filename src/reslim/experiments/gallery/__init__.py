"""The gallery: the figures of the two papers, one small function each, with the numbers that must come out.

A figure makes its data by exact simulation, or by training, draws it, and holds its numbers against what is expected of them.
"""

from reslim.experiments.gallery.make import make
from reslim.experiments.gallery.recipes import RECIPES

__all__ = ["RECIPES", "make"]
