"""Numbers -> matplotlib figures that look like the paper's. No file is read or written here."""

from matplotlib.figure import Figure

from adambench.charts.base import COLOURS, save
from adambench.charts.convergence import beside_paper, convergence
from adambench.charts.figure4 import figure4
from adambench.charts.growth import growth
from adambench.charts.inside import Inside, inside
from adambench.charts.search import budget, heatmap, sensitivity

__all__ = [
    "COLOURS",
    "Figure",
    "Inside",
    "beside_paper",
    "budget",
    "convergence",
    "figure4",
    "growth",
    "heatmap",
    "inside",
    "save",
    "sensitivity",
]
