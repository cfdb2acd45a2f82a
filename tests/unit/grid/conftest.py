"""Hazelcast's client is imported by way of `immutant.grid`, which knows what it warns of."""

import immutant.grid

__all__ = ["immutant"]
