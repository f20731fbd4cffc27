import pytest
from matplotlib.figure import Figure

from reslim.plot.labels import described, symbol
from reslim.quantities import QUANTITIES


@pytest.mark.parametrize("name", QUANTITIES)
def test_every_quantity_has_a_label_that_can_be_drawn(name):
    layer = None if QUANTITIES[name].domain == "none" else 7
    text = described(name, layer, before="mean")
    assert text.startswith("mean of ")
    assert " ".join(text.split("\n")[1:]) == QUANTITIES[name].definition
    assert max(len(line) for line in text.split("\n")[1:]) <= 48
    figure = Figure()
    figure.text(0, 0, text)
    figure.draw_without_rendering()  # unknown glyphs warn, and warnings are errors


def test_the_layer_is_named():
    assert symbol("log_grad_growth", 0) == "ln(|$p_{0}$|²/|$p_{d}$|²)"
    assert symbol("log_tangent_growth", 7) == "ln(|$t_{7}$|²/|$t_{0}$|²)"
    assert "in layer 7" in symbol("log_weight_grad", 7)
