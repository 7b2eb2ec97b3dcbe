"""The canonical entities: one YAML per entity is the only place that says what its columns are."""

from include.contracts.loader import Column, Contract, load_contracts

__all__ = ["Column", "Contract", "load_contracts"]
