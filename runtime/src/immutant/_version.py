"""The version of this distribution; nothing else."""

__version__ = "0.1.0.dev0"
