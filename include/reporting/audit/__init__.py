"""The auditors' pages: what came in night by night, where it went and which rule said so, in English and Chinese."""

from include.reporting.audit.writing import AuditSummary, audit_index_file, write_audit_pages

__all__ = ["AuditSummary", "audit_index_file", "write_audit_pages"]
