"""Pictures of draws and laws: every function takes Datasets and returns a matplotlib Axes.

Simulation is drawn with its uncertainty, laws as lines; line styles, markers and hatches tell the series apart in grey too.
"""

from reslim.plot.density import density
from reslim.plot.depth_over_width import depth_over_width
from reslim.plot.interlayer import interlayer
from reslim.plot.layers import layers
from reslim.plot.overlap import overlap
from reslim.plot.sweep import sweep

__all__ = ["density", "depth_over_width", "interlayer", "layers", "overlap", "sweep"]
