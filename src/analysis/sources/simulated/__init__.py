"""A company that does not exist: every canonical table from one seed, with its truth apart."""

from analysis.sources.simulated.company import SAMPLE, Simulation, simulate, write_sample
from analysis.sources.simulated.options import Dirt, SimulationOptions

__all__ = ["SAMPLE", "Dirt", "Simulation", "SimulationOptions", "simulate", "write_sample"]
