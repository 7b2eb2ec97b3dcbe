"""The model card of customer value: what the models of value and churn say, and how far they can be trusted."""

from include.reporting.strategic.writing import card_file, write_model_card

__all__ = ["card_file", "write_model_card"]
