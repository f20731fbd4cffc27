"""Random residual networks as PyTorch modules: the third interpreter of a spec, beside theory and simulation."""

try:
    from reslim.pytorch.blocks import Network
    from reslim.pytorch.build import build
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise
    raise ModuleNotFoundError('reslim.pytorch needs PyTorch: pip install "reslim[torch]"', name="torch") from None

__all__ = ["Network", "build"]
