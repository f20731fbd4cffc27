"""Images with classes, from installed packages or local files, ready for training. Nothing is downloaded."""

from reslim.training.data.dataset import Dataset
from reslim.training.data.loading import load

__all__ = ["Dataset", "load"]
