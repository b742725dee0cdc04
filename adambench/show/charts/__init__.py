"""Numbers to matplotlib figures that look like the paper's. No file is read or written here, and no window is opened.

A notebook exports MPLBACKEND, and matplotlib cannot be imported where that names a backend that is not installed. So it
is imported without the variable here.
"""

import os

_inherited = os.environ.pop("MPLBACKEND", None)
import matplotlib  # noqa: E402, F401

if _inherited is not None:
    os.environ["MPLBACKEND"] = _inherited

from matplotlib.figure import Figure  # noqa: E402

from adambench.show.charts.base import PAGE, Form, save  # noqa: E402
from adambench.show.charts.convergence import beside_paper, convergence  # noqa: E402
from adambench.show.charts.figure4 import figure4  # noqa: E402
from adambench.show.charts.growth import growth  # noqa: E402
from adambench.show.charts.heatmap import heatmap  # noqa: E402
from adambench.show.charts.inside import Inspected, inside  # noqa: E402
from adambench.show.charts.look import colour, looks  # noqa: E402
from adambench.show.charts.matching import matching  # noqa: E402
from adambench.show.charts.rates import rates  # noqa: E402
from adambench.show.charts.runlength import run_lengths  # noqa: E402
from adambench.show.charts.search import budget, sensitivity  # noqa: E402
from adambench.show.charts.valley import valley  # noqa: E402

__all__ = [
    "PAGE",
    "Figure",
    "Form",
    "Inspected",
    "beside_paper",
    "budget",
    "colour",
    "convergence",
    "figure4",
    "growth",
    "heatmap",
    "inside",
    "looks",
    "matching",
    "rates",
    "run_lengths",
    "save",
    "sensitivity",
    "valley",
]
