"""The table of the gallery's figures."""

from __future__ import annotations

from importlib import import_module

from reslim.experiments.gallery import contraction, exponents, li_nica_roy, marion, phase
from reslim.experiments.gallery.recipe import Drawn, Recipe

LNR = "Li, Nica, Roy, arXiv:2106.04013"
MFBV = "Marion, Fermanian, Biau, Vert, arXiv:2206.06929"


def _training(name: str, title: str, paper: str, module: str) -> Recipe:
    """Return the recipe of a figure that trains: the `draw(quick, data)` of a module that is imported when it is made."""

    def draw(quick: bool, data: str) -> Drawn:
        return import_module(f"reslim.experiments.gallery.{module}").draw(quick, data)

    return Recipe(name, title, paper, draw, trains=True)


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("lnr-output", "Figure 1: the output is log-Gaussian", LNR, li_nica_roy.output),
        Recipe("lnr-hypoactivation", "Fewer than half of the units are active", LNR, li_nica_roy.hypoactivation),
        Recipe("lnr-interlayer", "Layers are correlated", LNR, li_nica_roy.interlayer),
        Recipe("depth-to-width", "Variance against depth over width", LNR, li_nica_roy.depth_to_width),
        Recipe("mfbv-1-3", "Figures 1 and 3: independent weights, output and gradient", MFBV, marion.independent),
        Recipe("mfbv-2", "Figure 2: the law at β = ½", MFBV, marion.diffusion),
        Recipe("mfbv-4-5", "Figures 4 and 5: smooth weights, output and gradient", MFBV, marion.smooth),
        Recipe("mfbv-6", "Figure 6: fractional Brownian motion", MFBV, marion.paths),
        Recipe("mfbv-7", "Figure 7: explosion and identity over regularity and scaling", MFBV, phase.diagram),
        Recipe("exponents", "How fast displacements fall with the depth", MFBV, exponents.identity_side),
        Recipe("contraction", "Rough weights contract one-matrix networks", MFBV, contraction.collapse),
        _training("weights-after-training", "Figure 8: weights before and after training", MFBV, "trained_weights"),
        _training("accuracy-map", "Figure 9: accuracy after training over regularity and scaling", MFBV, "accuracy_map"),
    )
}
