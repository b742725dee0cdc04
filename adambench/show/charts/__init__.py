"""Numbers -> matplotlib figures that look like the paper's. No file is read or written here."""

from matplotlib.figure import Figure

from adambench.show.charts.base import COLOURS, save
from adambench.show.charts.convergence import beside_paper, convergence
from adambench.show.charts.figure4 import figure4
from adambench.show.charts.growth import growth
from adambench.show.charts.inside import Inspected, inside
from adambench.show.charts.search import budget, heatmap, sensitivity

__all__ = [
    "COLOURS",
    "Figure",
    "Inspected",
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
