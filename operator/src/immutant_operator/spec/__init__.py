"""What users write: the ImmutantApp's spec as frozen models, and parsing it.

The CRD is generated from these models (`immutant_operator.crd`), so that the API server refuses
what they refuse. Belongs here: fields, defaults, rules, units. Not here: what is made of them.
"""

from immutant_operator.spec.app import App, AppSpec
from immutant_operator.spec.parse import parse

__all__ = ["App", "AppSpec", "parse"]
