"""The pages that people look at first, in English and Chinese: the metrics, and the dictionary of all of them."""

from include.reporting.writing import ReportError, ReportSummary, metrics_page_file, write_reports

__all__ = ["ReportError", "ReportSummary", "metrics_page_file", "write_reports"]
