"""The CustomResourceDefinition, made from the models of the spec.

`python -m immutant_operator.crd` writes it, `--check` tells whether what is written is current.
"""
