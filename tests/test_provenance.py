from __future__ import annotations

import platform
from importlib.metadata import version

import numpy as np

from reslim import provenance


def test_versions_are_those_that_run():
    expected = f"python {platform.python_version()}, reslim {version('reslim')}, numpy {np.__version__}, scipy {version('scipy')}"
    assert provenance.versions("scipy") == expected


def test_packages_that_are_missing_are_left_out():
    assert provenance.versions("no-such-package-here") == provenance.versions()
