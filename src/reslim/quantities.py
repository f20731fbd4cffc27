"""The table of quantities: the only place where a name, symbol, definition and domain is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from reslim.errors import BadKind, BadValue, Verbatim

Domain = Literal["state", "gradient", "activity", "weights", "none"]
LayerRequest = Literal["auto", "all", "last"] | Sequence[int]
MOST_AUTO_LAYERS = 33
# p_d: N(0, I) and independent of the network; z_d itself, as of the gradient of |z_d|²/2; N(0, I) across z_d
FUNCTIONALS = ("generic", "parallel", "orthogonal")


@dataclass(frozen=True)
class Quantity:
    """A named quantity of a network.

    `domain` says which layers it has: state and gradient 0 … d, activity 0 … d - 1, weights 1 … d (layer l for block
    l - 1), none. `dims` are its dimensions beside replica (draws) or law and moment (laws).
    """

    name: str
    symbol: str
    definition: str
    domain: Domain
    dims: tuple[str, ...]
    has_covariance: bool = False

    @property
    def backward(self) -> bool:
        """Whether it needs a backward pass."""
        return self.domain in ("gradient", "weights") or self.name == "log_ntk"

    def layers(self, depth: int) -> range:
        """Return the layers of its domain; empty where it has no layer dimension."""
        bounds = {"state": (0, depth), "gradient": (0, depth), "activity": (0, depth - 1), "weights": (1, depth)}
        first, last = bounds.get(self.domain, (0, -1))
        return range(first, last + 1)

    def last(self, depth: int) -> int:
        """Return the layer where its signal arrives: the last for forward quantities, the first for gradients."""
        layers = self.layers(depth)
        return layers[0] if self.backward else layers[-1]


_LAYERED = ("layer", "input")
_TABLE = (
    Quantity("log_norm", "ln(|z_l|²/n)", "logarithm of the mean square of the hidden state", "state", _LAYERED),
    Quantity("log_growth", "ln(|z_l|²/|z_0|²)", "logarithm of the growth of the squared norm", "state", _LAYERED),
    Quantity(
        "log_displacement", "ln(|z_l − z_0|/|z_0|)", "logarithm of the relative displacement (not squared)", "state", _LAYERED
    ),
    Quantity(
        "log_tangent_growth",
        "ln(|t_l|²/|t_0|²)",
        "logarithm of the growth of the squared tangent t_l = (∂z_l/∂z_0) t_0",
        "state",
        _LAYERED,
    ),
    Quantity("log_grad_growth", "ln(|p_l|²/|p_d|²)", "logarithm of the growth of the squared gradient", "gradient", _LAYERED),
    Quantity(
        "log_grad_displacement",
        "ln(|p_l − p_d|/|p_d|)",
        "logarithm of the relative displacement of the gradient (not squared)",
        "gradient",
        _LAYERED,
    ),
    Quantity("grad_state_cosine", "cos∠(p_l, z_l)", "cosine between the gradient and the state", "gradient", _LAYERED),
    Quantity(
        "log_weight_grad",
        "ln Σ(∂(p_d·z_d)/∂W)²/(|p_d|²|z_0|²)",
        "logarithm of the squared gradient of block l - 1's unit-variance weights, relative to |p_d|²|z_0|²",
        "weights",
        _LAYERED,
    ),
    Quantity(
        "log_ntk", "ln Σ_l Σ(∂(p_d·z_d)/∂W_l)²/(|p_d|²|z_0|²)", "logarithm of the tangent kernel's diagonal", "none", ("input",)
    ),
    Quantity("active_fraction", "share of units with s h > 0", "share of units on the active side", "activity", _LAYERED, True),
    Quantity("active_energy", "|φ(h)|²/|h|²", "share of the energy that the activation passes", "activity", _LAYERED, True),
    Quantity("overlap", "cos∠(z_l, z_l′)", "cosine between the states of two inputs", "state", ("layer", "input", "input_2")),
    Quantity("output", "z_out", "coordinates of the output", "none", ("output_unit", "input")),
    Quantity("log_output_norm", "ln(|z_out|²/n_out)", "logarithm of the mean square of the output", "none", ("input",)),
)
QUANTITIES: dict[str, Quantity] = {quantity.name: quantity for quantity in _TABLE}
FORWARD_DEFAULTS = ("log_norm", "log_growth", "active_fraction", "active_energy", "output", "log_output_norm")


def resolve(call: str, names: Iterable[str] | None, default: Sequence[str], inputs: int) -> tuple[Quantity, ...]:
    """Return the quantities of these names, in the table's order; `default` (and `overlap` for several inputs) for None."""
    if isinstance(names, str) or not isinstance(names, Iterable | None):
        raise BadKind(call, "quantities", "must be a list of names", names)
    wanted = list(default) if names is None else list(names)
    if names is None and inputs > 1 and "overlap" not in wanted:
        wanted.append("overlap")
    for name in wanted:
        if not isinstance(name, str) or name not in QUANTITIES:
            near = get_close_matches(str(name), QUANTITIES, n=1)
            way_out = f"Did you mean {near[0]!r}?" if near else f"Quantities: {', '.join(QUANTITIES)}."
            raise BadValue(call, "quantities", "must name known quantities", name, way_out)
    if not wanted:
        raise BadValue(call, "quantities", "must name at least one quantity", Verbatim("none"))
    if "overlap" in wanted and inputs < 2:
        raise BadValue(
            call, "quantities", "overlap needs at least two inputs", Verbatim("one"), "Give inputs of shape (m, n_in)."
        )
    return tuple(quantity for quantity in _TABLE if quantity.name in wanted)


def select_layers(call: str, request: LayerRequest, quantities: Sequence[Quantity], depth: int) -> dict[str, list[int]]:
    """Return the layers of each quantity: the part of the request that lies in its domain.

    A quantity with layers none of which was asked for has an empty list.
    """
    if isinstance(request, str):
        if request not in ("auto", "all", "last"):
            raise BadValue(call, "layers", "must be auto, all, last or a list of layers", request)
        chosen = evenly_spread(depth) if request == "auto" else range(depth + 1)
    else:
        chosen = _checked_list(call, request, depth)
    last = isinstance(request, str) and request == "last"  # an array of layers would compare elementwise
    selected = {}
    for quantity in quantities:
        domain = quantity.layers(depth)
        if last and len(domain):
            selected[quantity.name] = [quantity.last(depth)]
        else:
            selected[quantity.name] = [layer for layer in chosen if layer in domain]
    return selected


def evenly_spread(last: int) -> list[int]:
    """Return at most MOST_AUTO_LAYERS layers from 0 to the last, both among them."""
    count = min(MOST_AUTO_LAYERS, last + 1)
    return [round(i * last / max(count - 1, 1)) for i in range(count)]


def _checked_list(call: str, request: Sequence[int], depth: int) -> list[int]:
    try:
        layers = sorted({int(layer) for layer in request if int(layer) == layer})
        whole = len(layers) == len(set(request))
    except (TypeError, ValueError, OverflowError):  # no numbers, NaN, infinity
        whole, layers = False, []
    if not whole or not layers:
        raise BadKind(call, "layers", "must be auto, all, last or a list of layers", request)
    if layers[0] < 0 or layers[-1] > depth:
        wrong = layers[0] if layers[0] < 0 else layers[-1]
        raise BadValue(call, "layers", f"must lie between 0 and the depth {depth}", wrong)
    return layers
